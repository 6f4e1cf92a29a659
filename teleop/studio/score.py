"""How a session goes, in figures: agreement, takeovers, returns, labels. Counted as it happens, never from the file.

A session tells of every step, label and episode; the window, the report and the tests read.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from learners.alike import alike
from recordings.schema import Driver

RECENT = 100
"""Labels over which recent agreement is reckoned."""
MINUTE_NS = 60_000_000_000
POINTS = 400
"""Points of a curve that are kept; beyond them every second one is dropped."""


class Count(NamedTuple):
    """How often something held, of how many times."""

    yes: int
    of: int


class Point(NamedTuple):
    """One label on the curves over a session."""

    labels: int
    agreement: float
    """Share of the last labels on which the student agreed."""
    time_s: float
    """Since the session began."""


class Fit(NamedTuple):
    """One student on the curve of its loss."""

    version: int
    labels: int
    loss: float
    time_s: float


@dataclass
class Returns:
    """Of complete episodes of one sort."""

    n: int = 0
    total: float = 0.0
    last: float = float("nan")

    @property
    def mean(self) -> float:
        """nan before the first."""
        return self.total / self.n if self.n else float("nan")

    def add(self, value: float) -> None:
        self.n, self.total, self.last = self.n + 1, self.total + value, value


@dataclass
class Score:
    """Begun with the session."""

    began_ns: int = 0
    tolerance: Any = 0.0
    """How far apart a student's action and a label may lie that agree."""
    labels: int = 0
    """Given in this session and not taken back."""
    takeovers: int = 0
    """Times that an expert began to drive where a student might have."""
    queries: int = 0
    """Times that the student asked."""
    expert_steps: int = 0
    """Driven by an expert since there is a student."""
    student_steps: int = 0
    alone: Returns = field(default_factory=Returns)
    """Of episodes that the student drove by itself."""
    assisted: Returns = field(default_factory=Returns)
    """Of episodes that student and expert drove."""
    shown: Returns = field(default_factory=Returns)
    """Of episodes that an expert drove."""
    points: list[Point] = field(default_factory=list)
    fits: list[Fit] = field(default_factory=list)
    _agreed: int = 0
    _compared: int = 0
    _recent: deque[bool] = field(default_factory=lambda: deque(maxlen=RECENT))
    _label_times_ns: deque[int] = field(default_factory=deque)
    _with_oneself: list[bool] = field(default_factory=list)
    _drivers: set[Driver] = field(default_factory=set)
    _expert_drove: bool = False

    # -- read -----------------------------------------------------------------------------------------------

    @property
    def agreement(self) -> Count:
        """Labels that said what the student would have done, of those given where there was one."""
        return Count(self._agreed, self._compared)

    @property
    def recent_agreement(self) -> Count:
        """The same of the last 100."""
        return Count(sum(self._recent), len(self._recent))

    @property
    def self_agreement(self) -> Count:
        """States asked again in which the answer was the same."""
        return Count(sum(self._with_oneself), len(self._with_oneself))

    @property
    def takeover_length(self) -> float:
        """Mean steps; 0 before the first."""
        return self.expert_steps / self.takeovers if self.takeovers else 0.0

    @property
    def autonomous(self) -> float:
        """Share of the steps, since there is a student, that it drove; nan before."""
        steps = self.student_steps + self.expert_steps
        return self.student_steps / steps if steps else float("nan")

    def labels_per_minute(self, now_ns: int) -> float:
        """Over the last minute, or since the session began where that is less."""
        while self._label_times_ns and self._label_times_ns[0] < now_ns - MINUTE_NS:
            self._label_times_ns.popleft()
        minutes = min(max(now_ns - self.began_ns, 1), MINUTE_NS) / MINUTE_NS
        return len(self._label_times_ns) / minutes

    # -- told by the session --------------------------------------------------------------------------------

    def begin_episode(self) -> None:
        self._drivers.clear()
        self._expert_drove = False

    def step(self, driver: Driver, *, has_student: bool) -> None:
        """driver: who drove it; a replayed start of a branch counts as help."""
        self._drivers.add(driver)
        if not has_student or driver is Driver.REPLAYED:
            return
        drives = driver is not Driver.STUDENT
        self.expert_steps += drives
        self.student_steps += not drives
        self.takeovers += drives and not self._expert_drove
        self._expert_drove = drives

    def end_episode(self, return_: float) -> None:
        if self._drivers == {Driver.STUDENT}:
            self.alone.add(return_)
        elif Driver.STUDENT in self._drivers or Driver.REPLAYED in self._drivers:
            self.assisted.add(return_)
        elif self._drivers:
            self.shown.add(return_)

    def label(self, action: Any, student_action: Any | None, now_ns: int) -> None:
        """A label was given where the student would have done `student_action` (None: there was none)."""
        self.labels += 1
        self._label_times_ns.append(now_ns)
        if student_action is None:
            return
        agrees = alike(action, student_action, self.tolerance)
        self._agreed += agrees
        self._compared += 1
        self._recent.append(agrees)
        time_s = (now_ns - self.began_ns) / 1e9
        self.points.append(Point(self.labels, share(self.recent_agreement), time_s))
        _thin(self.points)

    def take_back(self, labels: int) -> None:
        """So many labels were taken back (below 0: given again)."""
        self.labels -= labels

    def asked_again(self, same: bool) -> None:
        """A state was asked about a second time."""
        self._with_oneself.append(same)

    def student(self, version: int, labels: int, loss: float, now_ns: int) -> None:
        """A student was handed over."""
        self.fits.append(Fit(version, labels, loss, (now_ns - self.began_ns) / 1e9))
        _thin(self.fits)


def _thin(curve: list[Any]) -> None:
    """Keep a curve's memory bounded; its ends stay."""
    if len(curve) > POINTS:
        del curve[1:-1:2]


def share(count: Count) -> float:
    """From 0 to 1; nan of none."""
    return count.yes / count.of if count.of else float("nan")
