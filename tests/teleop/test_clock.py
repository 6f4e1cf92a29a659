import pytest

from teleop.clock import Metronome, StepClock, WallClock


def test_a_step_clock_moves_only_when_told() -> None:
    clock = StepClock()
    clock.advance(600 * 10**9)
    assert clock.now_ns() == 600 * 10**9
    with pytest.raises(ValueError, match="does not go back"):
        clock.advance(-1)


def test_the_wall_clock_never_goes_back() -> None:
    clock = WallClock()
    readings = [clock.now_ns() for _ in range(100)]
    assert readings == sorted(readings)


def test_a_metronome_does_not_drift_when_every_beat_is_taken_late() -> None:
    metronome = Metronome(10.0, 0)
    taken = [now for now in range(0, 10 * 10**9, 7_000_000) if metronome.beat(now)]
    assert len(taken) == 100


def test_a_stall_gives_one_beat_and_not_a_burst() -> None:
    metronome = Metronome(10.0, 0)
    assert metronome.beat(0)
    assert metronome.beat(5 * 10**9)
    assert not metronome.beat(5 * 10**9 + 99_000_000)
    assert metronome.beat(5 * 10**9 + 100_000_000)


def test_the_rate_can_change_and_must_be_positive() -> None:
    metronome = Metronome(10.0, 0)
    metronome.hz = 20.0
    assert metronome.period_ns == 50_000_000
    with pytest.raises(ValueError, match="above 0"):
        metronome.hz = 0
