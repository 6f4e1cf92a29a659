"""Who drives, by hand on short sequences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from learners.asking.dart import disturbed, error_level
from learners.asking.doubts import Disagreement, Novelty, NoveltyOfState, NoveltyOfVector, UnseenState
from learners.asking.gates import (
    BetaGate,
    EnsembleGate,
    ExpertGate,
    Gate,
    HumanGate,
    NoveltyGate,
    ThriftyGate,
    UncertaintyGate,
    beta_of_round,
)
from learners.asking.simulated_person import SimulatedPerson, steps_within
from learners.errors import UnsupportedWorldError
from learners.interface import Array, FloatArray

RNG = np.random.default_rng(0)
FOUR = gym.spaces.Discrete(4)


class Sure:
    """A student that is sure of even observations alone, and always chooses 0."""

    def act(self, observations: Array, rng: np.random.Generator | None = None) -> Array:
        return np.zeros(len(observations), np.int64)

    def confidence(self, observations: Array) -> FloatArray:
        return np.where(observations % 2 == 0, 0.9, 0.5)


class Always(Sure):
    """Chooses one action, whatever it sees."""

    def __init__(self, action: int) -> None:
        self.action = action

    def act(self, observations: Array, rng: np.random.Generator | None = None) -> Array:
        return np.full(len(observations), self.action)


class Mod4:
    """An expert who says the observation, modulo 4."""

    name = "mod4"

    def act(self, observation: Any, tick: int) -> int:
        return int(observation) % 4


def wants(gate: Gate, states: list[Any], student: Any = None) -> list[bool]:
    gate.begin_episode()
    return [gate.wants_expert(state, student or Sure(), RNG) for state in states]


def test_the_uncertainty_gate_hands_over_where_unsure_and_in_circles() -> None:
    gate = UncertaintyGate(0.6)
    assert wants(gate, [2, 3, 4, 2]) == [False, True, False, True]
    assert wants(gate, [2]) == [False], "another episode"
    assert wants(UncertaintyGate(0.6, on_revisit=False), [2, 2]) == [False, False]


def test_the_uncertainty_gate_needs_a_student_that_knows_itself() -> None:
    class Mute:
        def act(self, observations: Array, rng: np.random.Generator | None = None) -> Array:
            return observations

    with pytest.raises(UnsupportedWorldError, match="Use the gate `novelty`"):
        UncertaintyGate().wants_expert(np.zeros(2), Mute(), RNG)
    with pytest.raises(ValueError, match="threshold"):
        UncertaintyGate(1.5)


def test_who_demonstrates() -> None:
    assert wants(ExpertGate(), [0, 0]) == [True, True]
    assert wants(BetaGate(1.0), [0]) == [True]
    assert wants(BetaGate(0.0), [0]) == [False]
    assert np.mean(wants(BetaGate(0.3), [0] * 4000)) == pytest.approx(0.3, abs=0.03)
    with pytest.raises(ValueError, match="beta"):
        BetaGate(-0.1)


def test_the_schedules() -> None:
    table = {
        "first-only": [1, 0, 0],
        "exponential": [1, 0.5, 0.25],
        "linear": [1, 0.5, 0],
        "constant": [0.2, 0.2, 0.2],
    }
    for schedule, betas in table.items():
        assert [beta_of_round(schedule, i, 3, 0.2) for i in range(3)] == betas  # type: ignore[arg-type]


def line() -> FloatArray:
    """Ten states in a row, one apart."""
    return np.arange(10.0)[:, None]


def test_the_novelty_gate_asks_beyond_the_labels_spacing_and_until_a_labelled_state() -> None:
    gate = NoveltyGate(NoveltyOfState(line()))
    assert wants(gate, [5]) == [True], "nothing is labelled yet"
    for state in (0, 1, 2):
        gate.learn(state, 0)
    # Labels lie 1 apart: 3 is as near as they are, 4 is not; once asked, it takes back in a labelled state.
    assert wants(gate, [3]) == [False]
    assert wants(gate, [4, 3, 2, 1]) == [True, True, False, False]
    assert wants(gate, [3, 3, 4]) == [False, True, True], "a circle"


def test_novelty_where_states_lie_nowhere() -> None:
    gate = NoveltyGate(UnseenState())
    gate.learn(3, 0)
    assert wants(gate, [3, 4, 5, 3]) == [False, True, True, True]


def test_novelty_of_vectors_is_in_units_of_their_deviation() -> None:
    novelty = NoveltyOfVector()
    assert novelty.of(np.zeros(2), Sure()) == np.inf
    for x, y in ((0, 0), (0, 20), (2, 0), (2, 20)):
        novelty.learn(np.array([x, y], np.float32), 0)
    # The deviations are 1 and 10, so that all labels are 2 from their nearest other.
    assert novelty.typical(0.0) == novelty.typical(1.0) == 2
    assert novelty.of(np.array([5.0, 0.0]), Sure()) == pytest.approx(3)
    assert novelty.of(np.array([2.0, 30.0]), Sure()) == pytest.approx(1)


@pytest.mark.parametrize(
    ("make", "states"),
    [
        (lambda: NoveltyOfState(line()), [0, 5, 1, 9]),
        (NoveltyOfVector, list(np.array([[0.0], [5.0], [1.0], [9.0]]))),
        (UnseenState, [0, 5, 1, 9]),
    ],
    ids=["states", "vectors", "unseen"],
)
def test_a_label_that_was_taken_back_is_as_if_never_given(
    make: Callable[[], Novelty | UnseenState], states: list[Any]
) -> None:
    """0 and 1 are labelled; 5 is for a while."""
    without, doubt = make(), make()

    def told(of: Novelty | UnseenState) -> list[float]:
        return [of.typical(0.95), *(of.of(state, Sure()) for state in states)]

    for state in (states[0], states[2]):
        without.learn(state, 0)
        doubt.learn(state, 0)
    doubt.learn(states[1], 0)
    assert told(doubt) != told(without)
    doubt.forget(states[1], 0)
    assert told(doubt) == told(without)
    doubt.forget(states[1], 0)
    assert told(doubt) == told(without), "it was forgotten already"
    doubt.learn(states[0], 0)
    doubt.forget(states[0], 0)
    assert told(doubt) == told(without), "of two labels of a state one is left"


def test_an_ensemble_is_fitted_anew_without_a_label_that_was_taken_back() -> None:
    fitted: list[tuple[Array, Array]] = []

    def fit(observations: Array, actions: Array) -> Fixed:
        fitted.append((observations, actions))
        return Fixed(0.5)

    disagreement = Disagreement(fit, np.random.default_rng(0), members=1)
    gate = EnsembleGate(disagreement)
    for state, action in ((3, 0), (3, 1)):
        gate.learn(state, action)
    disagreement.of(0, Sure())
    gate.forget(3, 0)
    gate.forget(4, 1)
    disagreement.of(0, Sure())
    assert [len(actions) for _, actions in fitted] == [2, 1]
    assert (fitted[-1][0].tolist(), fitted[-1][1].tolist()) == ([3], [1])
    gate.forget(3, 1)
    assert disagreement.of(0, Sure()) == np.inf, "nothing is labelled any more"


class Fixed:
    """Always the same probabilities."""

    def __init__(self, p: float) -> None:
        self.p = p

    def act(self, observations: Array, rng: np.random.Generator | None = None) -> Array:
        return np.full(len(observations), int(self.p < 0.5))

    def probabilities(self, observations: Array) -> FloatArray:
        return np.tile([self.p, 1 - self.p], (len(observations), 1))


def test_an_ensemble_disagrees_by_its_spread_and_is_fitted_anew_as_labels_come_in() -> None:
    sizes: list[int] = []

    def fit(observations: Array, actions: Array) -> Fixed:
        sizes.append(len(actions))
        return Fixed(0.5 + 0.3 * (-1) ** len(sizes))

    disagreement = Disagreement(fit, np.random.default_rng(0), members=2)
    gate = EnsembleGate(disagreement, doubt=0.4)
    assert wants(gate, [0]) == [True], "nothing is labelled yet"
    gate.learn(0, 1)
    # Answers (0.2, 0.8) and (0.8, 0.2): each is the root of 2 * 0.3^2 from their mean.
    assert disagreement.of(0, Sure()) == pytest.approx(0.3 * 2**0.5)
    assert wants(gate, [1, 2]) == [True, True]
    gate.learn(1, 1)
    assert wants(gate, [3]) == [True]
    assert sizes == [1, 1, 2, 2]
    assert wants(EnsembleGate(disagreement, doubt=0.5), [0]) == [False]


class Counted(UnseenState):
    """Doubt is the observation."""

    def of(self, observation: Any, student: Any) -> float:
        return float(observation[0])


def test_the_thrifty_gate_asks_where_doubt_is_greatest_and_within_its_allowance() -> None:
    gate = ThriftyGate(Counted(), share=0.1, memory=50)
    doubts = np.random.default_rng(1).random((3000, 1))
    asked = np.array(wants(gate, list(doubts)))
    assert 0.05 < asked[100:].mean() <= 0.13
    began = asked & ~np.roll(asked, 1)
    assert doubts[began][5:].mean() > 0.85, "takeovers begin in the top tenth"
    assert doubts[~asked & np.roll(asked, 1)].max() < 0.7, "and end below the median"


def test_a_person_takes_over_after_errors_and_hands_back_when_the_student_would_do_right() -> None:
    def gate(delay_steps: int) -> HumanGate:
        person = SimulatedPerson(Mod4(), FOUR, RNG, delay_steps=delay_steps)
        return HumanGate(person, wrong_steps=2, right_steps=2)

    #         right  wrong right wrong wrong | right wrong right right | right
    states = [0, 1, 4, 1, 1, 0, 1, 0, 0, 0]
    assert wants(gate(0), states) == [False] * 4 + [True] * 4 + [False] * 2
    # A step later each: the takeover at the sixth state, the return at the tenth, for what is seen counts anew.
    assert wants(gate(1), states) == [False] * 5 + [True] * 4 + [False]


def test_a_person_answers_late_where_the_world_goes_on() -> None:
    person = SimulatedPerson(Mod4(), FOUR, RNG, delay_steps=2)
    assert [person.act(state, tick) for tick, state in enumerate((7, 6, 5, 4))] == [None, None, 3, 2]
    person = SimulatedPerson(Mod4(), FOUR, RNG, delay_steps=2)
    assert [person.act(7, 0) for _ in range(3)] == [None, None, 3], "the world waits for them"
    person = SimulatedPerson(Mod4(), FOUR, RNG, delay_steps=2)
    for tick, state in enumerate((7, 6, 5)):
        person.see(state, tick)
        person.see(state, tick)
    assert person.act(5, 2) == 3, "who watched has seen enough"
    person.see(4, 0)
    assert person.act(4, 0) is None, "another episode"
    waiting = SimulatedPerson(Mod4(), FOUR, RNG, delay_steps=2, world_waits=True)
    assert [waiting.act(state, tick) for tick, state in enumerate((7, 6, 5))] == [3, 2, 1]


def test_slips_are_other_actions_by_the_share_asked_for() -> None:
    person = SimulatedPerson(Mod4(), FOUR, np.random.default_rng(0), slips=0.25)
    answers = np.array([person.act(2, tick) for tick in range(4000)])
    assert np.mean(answers != 2) == pytest.approx(0.25, abs=0.03)
    assert set(answers) == {0, 1, 2, 3}
    assert person.approves(2, 2, 0), "what they mean does not slip"
    with pytest.raises(ValueError, match="slips"):
        SimulatedPerson(Mod4(), FOUR, RNG, slips=2.0)


def test_reaction_times_in_steps() -> None:
    assert steps_within(250, 12) == 3
    assert steps_within(250, 8) == 2


def test_noise_in_what_is_executed() -> None:
    rng = np.random.default_rng(0)
    assert disturbed(2, FOUR, 0.0, rng) == 2
    assert {disturbed(2, FOUR, 1.0, rng) for _ in range(50)} == {0, 1, 3}
    box = gym.spaces.Box(-1.0, 1.0, (2000,), np.float32)
    noisy = disturbed(np.zeros(2000, np.float32), box, 0.1, rng)
    assert noisy.std() == pytest.approx(0.1, rel=0.1)
    assert disturbed(np.ones(2000), box, 0.1, rng).max() == 1


def test_the_level_of_an_error() -> None:
    student = Always(1)
    assert error_level(student, np.zeros(4), np.array([1, 1, 1, 0]), FOUR) == 0.25
    box = gym.spaces.Box(-5.0, 5.0, (), np.float32)
    assert error_level(student, np.zeros(2), np.array([4.0, 1.0]), box) == pytest.approx(4.5**0.5)
