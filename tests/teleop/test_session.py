"""The session as a person, a gate and a trainer meet it; everything on the step clock."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest

import recordings
from learners.asking.gates import (
    BetaGate,
    EnsembleGate,
    ExpertGate,
    NoveltyGate,
    ThriftyGate,
    UncertaintyGate,
)
from learners.dagger import GateName
from recordings.schema import Driver, LabelKind, Outcome
from teleop import headless
from teleop.clock import StepClock
from teleop.experts import scripted_expert
from teleop.session import Session
from teleop.start import CorrectSettings, RecordSettings, gate_of, start_correction, start_recording
from teleop.studio.phases import NEXT, Order, Phase, Wish, session_keys
from teleop.studio.rules import Rules
from teleop.training.student import StudentVersion
from teleop.worlds.catalogue import CARTPOLE, GRIDWORLD


class Always:
    """A student that knows one action and is always sure of it."""

    def __init__(self, action: int) -> None:
        self.action = action

    def act(self, observations: Any, rng: np.random.Generator | None = None) -> Any:
        return np.full(len(observations), self.action)

    def confidence(self, observations: Any) -> Any:
        return np.ones(len(observations))


@pytest.fixture
def clock() -> StepClock:
    return StepClock()


@pytest.fixture
def session(tmp_path: Path, clock: StepClock) -> Iterator[Session]:
    session = start_recording(RecordSettings(GRIDWORLD, tmp_path / "a.h5", seed=0), clock)
    yield session
    session.close()


def tap(session: Session, clock: StepClock, *keys: str) -> None:
    """Each key down, one frame, up, one frame."""
    for key in keys:
        session.press(key)
        frame(session, clock)
        session.release(key)
        frame(session, clock)


def frame(session: Session, clock: StepClock, frames: int = 1) -> None:
    for _ in range(frames):
        session.update()
        clock.advance(16_666_667)


def test_the_phase_table_is_exactly_this() -> None:
    table = {(phase, wish): NEXT.get((phase, wish), phase) for phase in Phase for wish in Wish}
    assert {key: new for key, new in table.items() if new is not key[0]} == {
        (Phase.STUDENT, Wish.TAKE_OVER): Phase.HUMAN,
        (Phase.STUDENT, Wish.PAUSE): Phase.PAUSED,
        (Phase.HUMAN, Wish.HAND_BACK): Phase.STUDENT,
        (Phase.HUMAN, Wish.PAUSE): Phase.PAUSED,
        (Phase.PAUSED, Wish.TAKE_OVER): Phase.HUMAN,
        (Phase.PAUSED, Wish.RESUME): Phase.STUDENT,
    }


def test_a_turn_based_world_waits_for_a_key(session: Session, clock: StepClock) -> None:
    frame(session, clock, 600)
    assert session.driven_ticks == 0
    tap(session, clock, "down")
    frame(session, clock, 600)
    assert session.driven_ticks == 1
    assert session.labels == 1


def test_a_recorded_person_can_be_read_back(session: Session, clock: StepClock) -> None:
    tap(session, clock, "down", "right", "s", "d")
    session.close()
    with recordings.open(session.recorder.path) as reader:
        episode = reader.episodes[0]
        assert episode.actions.tolist() == [1, 3, 1, 3]
        assert set(episode.drivers.tolist()) == {Driver.HUMAN}
        assert episode.outcome == Outcome.UNKNOWN
        assert episode.keys.tolist() == [1 << 1, 1 << 3, 1 << 5, 1 << 7]
        labels = episode.labels()
        assert labels.actions.tolist() == [1, 3, 1, 3]
        assert set(labels.kinds.tolist()) == {LabelKind.DEMONSTRATED}


def test_losing_the_focus_stops_a_held_key_and_pauses(session: Session, clock: StepClock) -> None:
    session.press("right")
    frame(session, clock)
    session.focus_lost()
    frame(session, clock, 300)
    assert session.phase is Phase.PAUSED
    assert session.driven_ticks == 1
    session.press("right")
    frame(session, clock, 10)
    assert session.driven_ticks == 1, "a paused session does not listen to drive keys"
    session.release("right")
    session.press("p")
    tap(session, clock, "down")
    assert session.phase is Phase.HUMAN
    assert session.driven_ticks == 2


def test_cartpole_waits_for_the_first_key_and_then_holds_it(tmp_path: Path, clock: StepClock) -> None:
    session = start_recording(RecordSettings(CARTPOLE, tmp_path / "c.h5", seed=0), clock)
    frame(session, clock, 60)
    assert session.driven_ticks == 0
    tap(session, clock, "right")
    frame(session, clock, 60)
    assert session.recorder.steps >= 9, "always right falls after nine steps or so"
    session.close()
    with recordings.open(tmp_path / "c.h5") as reader:
        first = reader.episodes[0]
        assert set(first.actions.tolist()) == {1}
        assert first.outcome == Outcome.FAILURE
        ticks = np.diff(first.time_ns)
        assert np.all(np.abs(ticks - 1e9 / CARTPOLE.control_hz) < 17e6), "within a frame of 12 Hz"


def test_rate_keys_change_the_rate_within_bounds(session: Session, clock: StepClock) -> None:
    before = session.metronome.hz
    tap(session, clock, "=")
    assert session.metronome.hz == pytest.approx(before * 1.25)
    tap(session, clock, *["="] * 40)
    assert session.metronome.hz == 60.0
    tap(session, clock, *["-"] * 60)
    assert session.metronome.hz == 1.0


def correcting(tmp_path: Path, clock: StepClock, **settings: Any) -> Session:
    options = {"seed": 0, "training": "inline", "labels_per_fit": 10**9} | settings
    return start_correction(CorrectSettings(GRIDWORLD, tmp_path / "d.h5", **options), clock)


def test_hold_takes_over_while_held_and_only_then(tmp_path: Path, clock: StepClock) -> None:
    session = correcting(tmp_path, clock)
    frame(session, clock)
    assert session.phase is Phase.HUMAN, "nobody else can drive yet"
    session.adopt(StudentVersion(Always(3), 1))
    session.wish(Wish.HAND_BACK)
    frame(session, clock, 30)
    assert session.student_ticks > 0
    session.press("space")
    driven = session.driven_ticks
    frame(session, clock, 60)
    assert session.driven_ticks == driven, "taken over: the world waits for the person"
    tap(session, clock, "down")
    session.release("space")
    frame(session, clock, 30)
    assert session.phase is Phase.STUDENT
    assert session.takeovers == 1
    session.close()
    with recordings.open(tmp_path / "d.h5") as reader:
        labels = reader.labels()
        assert labels.actions.tolist() == [1]
        assert labels.kinds.tolist() == [LabelKind.TAKEOVER]
        drivers = reader.column("driver")[:]
        assert drivers[labels.steps[0]] == Driver.HUMAN
        assert np.count_nonzero(drivers == Driver.HUMAN) == 1


def test_toggle_flips_at_each_press(tmp_path: Path, clock: StepClock) -> None:
    session = correcting(tmp_path, clock, takeover="toggle")
    frame(session, clock)
    session.adopt(StudentVersion(Always(3), 1))
    session.wish(Wish.HAND_BACK)
    phases = []
    for _ in range(3):
        tap(session, clock, "space")
        phases.append(session.phase)
    assert phases == [Phase.HUMAN, Phase.STUDENT, Phase.HUMAN]
    session.close()


def test_any_drive_key_takes_over_when_so_set(tmp_path: Path, clock: StepClock) -> None:
    session = correcting(tmp_path, clock, takeover="any-key")
    frame(session, clock)
    session.adopt(StudentVersion(Always(3), 1))
    session.wish(Wish.HAND_BACK)
    tap(session, clock, "down")
    assert session.phase is Phase.HUMAN
    session.close()


def test_under_beta_every_state_is_labelled_whoever_drives(tmp_path: Path, clock: StepClock) -> None:
    session = correcting(tmp_path, clock, expert="scripted", gate="beta", beta=0.5)
    session.adopt(StudentVersion(Always(0), 1))
    headless.run(session, clock, lambda session: session.driven_ticks >= 300)
    assert session.labels == session.driven_ticks == 300
    assert 0.35 < session.student_ticks / 300 < 0.65
    session.close()


def test_a_label_budget_ends_the_questions(tmp_path: Path, clock: StepClock) -> None:
    session = correcting(tmp_path, clock, expert="scripted", gate="beta", beta=1.0, label_budget=20)
    session.adopt(StudentVersion(Always(0), 1))
    headless.run(session, clock, lambda session: session.driven_ticks >= 100)
    assert session.labels == 20
    assert session.student_ticks >= 80, "without a budget for questions the student drives"
    session.close()


def test_a_new_student_does_not_ask_the_gate_twice_in_one_state(tmp_path: Path, clock: StepClock) -> None:
    session = correcting(tmp_path, clock, gate="uncertainty")
    session.adopt(StudentVersion(Always(1), 1))
    session.update()
    assert session.phase is Phase.STUDENT
    session.adopt(StudentVersion(Always(3), 2))
    session.update()
    assert session.phase is Phase.STUDENT, "the state was not revisited; only the student is another"
    assert session.student_action == 3
    session.close()


def test_gates_have_the_names_of_the_command_line(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    kinds = {}
    for name in get_args(GateName):
        settings = CorrectSettings(GRIDWORLD, tmp_path / "g.h5", gate=name)
        kinds[name] = type(gate_of(settings, scripted_expert(GRIDWORLD), rng))
    assert kinds == {
        "expert": ExpertGate,
        "beta": BetaGate,
        "human": type(None),
        "uncertainty": UncertaintyGate,
        "novelty": NoveltyGate,
        "ensemble": EnsembleGate,
        "thrifty": ThriftyGate,
    }


def test_a_world_that_drives_with_space_gets_another_takeover_key() -> None:
    import dataclasses

    jumping = dataclasses.replace(GRIDWORLD, keys={"space": 0})
    assert session_keys(GRIDWORLD)["space"] is Order.TAKE_OVER
    assert session_keys(jumping)["tab"] is Order.TAKE_OVER
    assert "space" not in session_keys(jumping)


def scripted_session(path: Path) -> dict[str, Any]:
    """A student is taught inline, by held keys and a scripted expert in turn; what came of it."""
    clock = StepClock()
    settings = CorrectSettings(
        GRIDWORLD, path, expert="scripted", gate="uncertainty", training="inline", labels_per_fit=40, seed=7
    )
    session = start_correction(settings, clock)
    for tick in range(2000):
        if tick % 97 == 0:
            session.press("space")
        if tick % 97 == 40:
            session.release("space")
        session.update()
        clock.advance(session.metronome.period_ns)
    assert session.student is not None
    student = session.student
    session.close()
    with recordings.open(path) as reader:
        columns = {
            name: reader.column(name)[:] for name in ("observation", "action", "driver", "time_ns", "keys")
        }
        labels = reader.labels()
        return columns | {
            "labels": np.stack([labels.steps, labels.actions, labels.time_ns]),
            "policy": student.policy.arrays,
            "version": student.version,
        }  # type: ignore[attr-defined]


def test_the_same_keys_give_the_same_recording_and_the_same_student(tmp_path: Path) -> None:
    one, two = scripted_session(tmp_path / "1.h5"), scripted_session(tmp_path / "2.h5")
    assert one["version"] == two["version"] > 5
    for name in ("observation", "action", "driver", "time_ns", "keys", "labels"):
        np.testing.assert_array_equal(one[name], two[name], err_msg=name)
    for name, array in one["policy"].items():
        np.testing.assert_array_equal(array, two["policy"][name], err_msg=name)


def test_rules_say_what_an_ended_episode_does(tmp_path: Path, clock: StepClock) -> None:
    assert Rules().rest_s == 0.0
    session = start_recording(RecordSettings(CARTPOLE, tmp_path / "r.h5", seed=1, rest_s=1.0), clock)
    tap(session, clock, "left")
    frame(session, clock, 55)
    assert session.episodes == 1
    assert not session.running, "an ended episode rests for a second"
    frame(session, clock, 60)
    assert session.running
    session.close()
