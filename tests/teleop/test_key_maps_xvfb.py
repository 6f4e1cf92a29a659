"""A person lands on the moon with the real window: xdotool holds keys, the recording replays without a window."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.teleop.test_app_xvfb import Person
from tests.teleop.test_key_maps import needs_box2d
from tests.teleop.xvfb import Screen, missing, wait_until

pytestmark = [
    pytest.mark.skipif(bool(missing()), reason=f"needs {', '.join(missing())}"),
    needs_box2d,
]
FALL, PUSH_LEFT, LIFT, PUSH_RIGHT = range(4)


@pytest.fixture(scope="module")
def screen() -> Iterator[Screen]:
    with Screen() as screen:
        yield screen


def test_engines_burn_while_their_keys_are_held(screen: Screen, tmp_path: Path) -> None:
    person = Person(screen, "lunarlander", tmp_path / "moon.h5")
    try:
        moon = (person.look().reshape(-1, 3) == 255).all(1).mean()
        assert moon > 0.02, "the white ground is in the picture"
        for key in ("Up", "Left", "Right"):
            before = person.steps()
            person.hand("keydown", key)
            wait_until(lambda before=before: person.steps() > before + 3, "steps under an engine")
            person.hand("keyup", key)
        actions = person.finish()
    finally:
        person.stop()
    assert {LIFT, PUSH_LEFT, PUSH_RIGHT} <= set(actions)
    first = [actions.index(engine) for engine in (LIFT, PUSH_LEFT, PUSH_RIGHT)]
    assert first == sorted(first), "in the order in which they were held"
    assert np.isin(actions, range(4)).all()
