"""Gates decide who drives the next step, student or expert; live session and headless sampler share them.

    gate.begin_episode()
    expert_drives = gate.wants_expert(observation, student, rng)      # once in every new state
    gate.learn(observation, label)                                    # whenever a label was given
    gate.forget(observation, label)                                   # whenever one was taken back

A gate knows no world and no recording. Gates of four kinds:

  who demonstrates   ExpertGate; BetaGate, the mixture of DAgger (Ross 2011)
  who watches        HumanGate, a person who sees the student err (HG-DAgger, Kelly 2019)
  who asks           UncertaintyGate, NoveltyGate, EnsembleGate (EnsembleDAgger, Menda 2019): where doubt is high
  who asks sparingly ThriftyGate (ThriftyDAgger, Hoque 2021): where doubt is high for the states met lately

Those who ask keep the expert until doubt is low, not merely no longer high (LazyDAgger, Hoque 2021): a student that
takes back where it is only half at home asks again at the next step, and each change of hands costs a person more
than a label. `learners.asking.doubts` says what doubt is.
"""

from __future__ import annotations

from collections import deque
from typing import Any, Literal, Protocol

import numpy as np

from learners.asking.doubts import Disagreement, Doubt, Novelty, UnseenState, Unsureness
from learners.asking.simulated_person import SimulatedPerson
from learners.interface import Policy

Schedule = Literal["first-only", "exponential", "linear", "constant"]


class Gate(Protocol):
    """Who drives?"""

    def begin_episode(self) -> None:
        """A new episode starts; what was remembered of the last one is forgotten."""
        return

    def wants_expert(self, observation: Any, student: Policy, rng: np.random.Generator) -> bool:
        """Asked once in each new state, in order. True: the expert drives (and labels) this step."""
        ...

    def learn(self, observation: Any, action: Any) -> None:
        """The expert said that `action` is right here."""
        return

    def forget(self, observation: Any, action: Any) -> None:
        """They took it back; what was never learned changes nothing."""
        return


# -- who demonstrates ------------------------------------------------------------------------------------


class ExpertGate(Gate):
    """The expert always drives: plain demonstration, the states of behavioural cloning."""

    def wants_expert(self, observation: Any, student: Policy, rng: np.random.Generator) -> bool:
        return True


class BetaGate(Gate):
    """DAgger's mixture (Ross 2011, algorithm 3.1): at each step the expert drives with probability beta."""

    def __init__(self, beta: float) -> None:
        self.beta = _probability("beta", beta)

    def wants_expert(self, observation: Any, student: Policy, rng: np.random.Generator) -> bool:
        return bool(rng.random() < self.beta)


# -- who watches -----------------------------------------------------------------------------------------


class HumanGate(Gate):
    """A simulated person watches, takes over when the student errs, and hands back when it would do right.

    They judge each of the student's choices, and act on a judgement as many steps after it as they need to react:
    after `wrong_steps` errors in a row they take over, after `right_steps` right choices in a row they hand back.
    """

    def __init__(self, person: SimulatedPerson, *, wrong_steps: int = 1, right_steps: int = 3) -> None:
        self._person = person
        self._wrong_steps, self._right_steps = wrong_steps, right_steps
        self._verdicts: list[bool] = []
        """Was the student right? Since the last change of hands."""
        self._drives = False
        self._tick = 0

    def begin_episode(self) -> None:
        self._verdicts.clear()
        self._drives, self._tick = False, 0

    def wants_expert(self, observation: Any, student: Policy, rng: np.random.Generator) -> bool:
        self._person.see(observation, self._tick)
        choice = student.act(np.asarray(observation)[None])[0]
        self._verdicts.append(self._person.approves(choice, observation, self._tick))
        self._tick += 1
        if self._has_had_enough():
            self._drives = not self._drives
            self._verdicts.clear()
        return self._drives

    def _has_had_enough(self) -> bool:
        """Of whoever drives, by what the person has had the time to react to."""
        needed = self._right_steps if self._drives else self._wrong_steps
        noticed = self._verdicts[: len(self._verdicts) - self._person.delay_steps]
        return len(noticed) >= needed and all(right == self._drives for right in noticed[-needed:])


# -- who asks --------------------------------------------------------------------------------------------


class AskingGate(Gate):
    """The student asks where its doubt is above one limit, and takes back where it is below another.

    It also asks where it was before (Discrete states): a revisited state is a cycle, which a deterministic
    student in a deterministic world would never leave.
    """

    def __init__(self, doubt: Doubt, *, on_revisit: bool = True) -> None:
        self.doubt = doubt
        self.on_revisit = on_revisit
        self._visited: set[int] = set()
        self._is_asking = False

    def limits(self, doubt: float) -> tuple[float, float]:
        """Doubt above the first begins a takeover; below the second, or none at all, ends it. doubt: here."""
        raise NotImplementedError

    def begin_episode(self) -> None:
        self._visited.clear()
        self._is_asking = False

    def wants_expert(self, observation: Any, student: Policy, rng: np.random.Generator) -> bool:
        """Raises UnsupportedWorldError where the doubt cannot be told of this student."""
        doubt = self.doubt.of(observation, student)
        begin, end = self.limits(doubt)
        goes_on = self._is_asking and doubt > 0.0 and doubt >= end
        self._is_asking = self._revisits(observation) or doubt > begin or goes_on
        return self._is_asking

    def learn(self, observation: Any, action: Any) -> None:
        self.doubt.learn(observation, action)

    def forget(self, observation: Any, action: Any) -> None:
        self.doubt.forget(observation, action)

    def _revisits(self, observation: Any) -> bool:
        if not self.on_revisit or not _is_state(observation):
            return False
        state = int(observation)
        seen = state in self._visited
        self._visited.add(state)
        return seen


class UncertaintyGate(AskingGate):
    """The student asks where the probability of its best action is below `threshold`."""

    def __init__(self, threshold: float = 0.6, *, on_revisit: bool = True) -> None:
        super().__init__(Unsureness(), on_revisit=on_revisit)
        self.threshold = _probability("threshold", threshold)

    def limits(self, doubt: float) -> tuple[float, float]:
        return 1.0 - self.threshold, 1.0 - self.threshold


class NoveltyGate(AskingGate):
    """The student asks further from every label than labels lie from each other; it takes back well within.

    Further: than the quantile `far` of the labels' distances to the nearest other; well within: than `near`.
    On GridWorld labels lie in ways, each beside the next. So the student asks in cells that no labelled cell is
    beside, and takes back in a labelled one.
    """

    def __init__(self, novelty: Novelty | UnseenState, *, far: float = 0.95, near: float = 0.5) -> None:
        super().__init__(novelty)
        self._novelty, self._far, self._near = novelty, far, near

    def limits(self, doubt: float) -> tuple[float, float]:
        return self._novelty.typical(self._far), self._novelty.typical(self._near)


class EnsembleGate(AskingGate):
    """The student asks where students fitted to resampled labels disagree by more than `doubt`."""

    def __init__(self, disagreement: Disagreement, *, doubt: float = 0.1) -> None:
        super().__init__(disagreement)
        self._limit = doubt

    def limits(self, doubt: float) -> tuple[float, float]:
        return self._limit, self._limit / 2


class ThriftyGate(AskingGate):
    """The student asks where its doubt is among the greatest it had lately, as far as its allowance goes.

    The limits are quantiles of the doubts in the last `memory` states: a takeover begins above the quantile
    1 - `share` and ends below the median. None begins while the expert drove more than `share` of these states.
    """

    REFRESH = 100
    """States from one look at the quantiles to the next, once there are so many."""

    def __init__(self, doubt: Doubt, *, share: float = 0.05, memory: int = 1_000) -> None:
        super().__init__(doubt)
        self._share = _probability("share", share)
        self._doubts: deque[float] = deque(maxlen=memory)
        self._asked: deque[bool] = deque(maxlen=memory)
        self._n_asked = 0
        self._limits = (0.0, 0.0)
        self._states = 0

    def limits(self, doubt: float) -> tuple[float, float]:
        self._doubts.append(doubt)
        if self._states < self.REFRESH or self._states % self.REFRESH == 0:
            begin, end = np.quantile(self._doubts, [1.0 - self._share, 0.5])
            self._limits = float(begin), float(end)
        self._states += 1
        begin, end = self._limits
        return (begin if self._n_asked <= self._share * len(self._asked) else np.inf), end

    def wants_expert(self, observation: Any, student: Policy, rng: np.random.Generator) -> bool:
        asks = super().wants_expert(observation, student, rng)
        self._n_asked += asks - (self._asked[0] if len(self._asked) == self._asked.maxlen else 0)
        self._asked.append(asks)
        return asks


# -- schedules -------------------------------------------------------------------------------------------


def beta_of_round(schedule: Schedule, round_index: int, rounds: int, constant: float = 0.5) -> float:
    """The expert's share of the driving in a round (0 is the first); all but "constant" start at 1.

    first-only: I(i = 1), parameter-free DAgger; exponential: 0.5^(i - 1); linear: down to 0 in the last round
    (Ross 2011, section 3.1 asks only that the average over the rounds goes to 0).
    """
    match schedule:
        case "first-only":
            return float(round_index == 0)
        case "exponential":
            return 0.5**round_index
        case "linear":
            return 1.0 - round_index / max(rounds - 1, 1)
        case "constant":
            return constant


def _is_state(observation: Any) -> bool:
    """Is this the number of a state, rather than a vector?"""
    return isinstance(observation, int | np.integer)


def _probability(name: str, value: float) -> float:
    if not 0.0 <= value <= 1.0:
        raise ValueError(f"{name}: expected a probability, found {value}")
    return value
