import numpy as np
import pytest

from teleop.clock import StepClock
from teleop.controls import Controls, HumanAdviser, HumanExpert
from teleop.worlds.catalogue import ControlScheme, Steering

KEYS = {"left": 0, "right": 1, "a": 0, "d": 1}
MS = 1_000_000


def controls(scheme: ControlScheme, **options: object) -> Controls:
    return Controls(KEYS, scheme, **options)  # type: ignore[arg-type]


def test_a_turn_based_world_steps_once_for_each_key_that_goes_down() -> None:
    keys = controls(ControlScheme.WAIT)
    assert keys.take(0) is None
    keys.press("left", 0)
    keys.release("left", 1 * MS)
    keys.press("right", 2 * MS)
    assert [keys.take(3 * MS) for _ in range(3)] == [0, 1, None]


def test_a_held_key_repeats_after_a_delay_at_the_given_rate() -> None:
    keys = controls(ControlScheme.WAIT, repeat_hz=10.0)
    keys.press("left", 0)
    steps = [now for now in range(0, 1000 * MS, MS) if keys.take(now) is not None]
    assert steps == [0, *range(300 * MS, 1000 * MS, 100 * MS)]


def test_a_repeat_of_the_operating_system_is_not_another_press() -> None:
    keys = controls(ControlScheme.WAIT)
    for now in range(5):
        keys.press("left", now)
    assert [keys.take(10) for _ in range(2)] == [0, None]


@pytest.mark.parametrize("scheme", [ControlScheme.LATCH, ControlScheme.NO_OP, ControlScheme.DEAD_MAN])
def test_the_most_recent_key_still_held_wins(scheme: ControlScheme) -> None:
    keys = controls(scheme, no_op=7)
    keys.press("left", 0)
    keys.press("right", 1)
    assert keys.take(2) == 1
    keys.release("right", 3)
    assert keys.take(4) == 0


@pytest.mark.parametrize(
    ("scheme", "expected"),
    [(ControlScheme.LATCH, 0), (ControlScheme.NO_OP, 7), (ControlScheme.DEAD_MAN, None)],
)
def test_what_no_key_means_is_the_scheme(scheme: ControlScheme, expected: int | None) -> None:
    keys = controls(scheme, no_op=7)
    keys.press("left", 0)
    keys.release("left", 1)
    assert keys.take(2) == expected


def test_a_latch_waits_for_the_first_key() -> None:
    assert controls(ControlScheme.LATCH).take(0) is None


def test_losing_the_focus_forgets_held_latched_and_waiting_keys() -> None:
    for scheme in (ControlScheme.WAIT, ControlScheme.LATCH):
        keys = controls(scheme)
        keys.press("left", 0)
        keys.clear()
        assert keys.take(10**12) is None
        assert keys.take_mask() == 0


def test_at_a_takeover_only_keys_that_are_still_held_count() -> None:
    keys = controls(ControlScheme.LATCH)
    keys.press("left", 0)
    keys.release("left", 1)
    keys.settle()
    assert keys.take(2) is None
    keys.press("right", 3)
    keys.settle()
    assert keys.take(4) == 1


def test_held_keys_are_bits_in_the_order_of_the_key_map() -> None:
    keys = controls(ControlScheme.LATCH)
    keys.press("right", 0)
    keys.press("a", 0)
    assert keys.take_mask() == 0b0110


def test_a_key_tapped_between_two_steps_is_told_once() -> None:
    keys = controls(ControlScheme.WAIT)
    keys.press("right", 0)
    keys.release("right", 1)
    assert [keys.take_mask(), keys.take_mask()] == [0b0010, 0]


def test_a_key_of_no_meaning_is_not_taken() -> None:
    keys = controls(ControlScheme.WAIT)
    assert not keys.press("q", 0)
    assert keys.take(1) is None


def test_silence_is_not_a_label() -> None:
    keys = controls(ControlScheme.LATCH)
    adviser, driver = HumanAdviser(keys), HumanExpert(keys, StepClock())
    keys.press("right", 0)
    assert adviser.act(None, 0) == driver.act(None, 0) == 1
    keys.release("right", 1)
    assert adviser.act(None, 1) is None
    assert driver.act(None, 1) == 1


# -- a wheel ----------------------------------------------------------------------------------------------------


def wheel(scheme: ControlScheme = ControlScheme.NO_OP) -> Controls:
    """A quarter further out in each step, half back."""
    keys = {"left": np.array([1.0]), "right": np.array([-1.0])}
    return Controls(keys, scheme, no_op=np.array([0.0]), steering=Steering(rate=0.25, return_rate=0.5))


def taken(keys: Controls, steps: int) -> list[float]:
    return [float(action[0]) for action in (keys.take(0) for _ in range(steps)) if action is not None]


def test_steering_builds_up_while_a_key_is_held_and_goes_back_when_it_is_let_go() -> None:
    keys = wheel()
    assert taken(keys, 2) == [0.0, 0.0]
    keys.press("left", 0)
    assert taken(keys, 5) == [0.25, 0.5, 0.75, 1.0, 1.0]
    keys.release("left", 1)
    assert taken(keys, 3) == [0.5, 0.0, 0.0]


def test_the_other_way_is_first_back_and_then_out() -> None:
    keys = wheel()
    keys.press("left", 0)
    taken(keys, 4)
    keys.press("right", 1)
    assert taken(keys, 4) == [0.5, 0.0, -0.25, -0.5]


def test_a_wheel_that_latches_stays_out_and_one_that_waits_for_a_hand_waits() -> None:
    latched, watched = wheel(ControlScheme.LATCH), wheel(ControlScheme.DEAD_MAN)
    for keys in (latched, watched):
        keys.press("left", 0)
        assert taken(keys, 2) == [0.25, 0.5]
        keys.release("left", 1)
    assert taken(latched, 2) == [0.75, 1.0]
    assert watched.take(1) is None


def test_a_wheel_is_in_the_middle_after_a_takeover_and_a_lost_focus() -> None:
    keys = wheel()
    keys.press("left", 0)
    taken(keys, 3)
    keys.settle()
    assert taken(keys, 1) == [0.25]
    keys.clear()
    assert taken(keys, 1) == [0.0]


def test_a_label_by_wheel_is_where_the_wheel_stands_and_only_while_a_key_is_held() -> None:
    keys = wheel()
    adviser = HumanAdviser(keys)
    assert adviser.act(None, 0) is None
    keys.press("right", 0)
    assert [float(adviser.act(None, tick)[0]) for tick in range(3)] == [-0.25, -0.5, -0.75]  # type: ignore[index]
    keys.release("right", 1)
    assert adviser.act(None, 3) is None
    keys.press("right", 2)
    assert float(adviser.act(None, 4)[0]) == -0.5  # type: ignore[index]  # it had gone back to -0.25
