"""Sessions that are closed whatever becomes of a test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from teleop.worlds.catalogue import GRIDWORLD, World
from tests.teleop.live import Live


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Callable[..., Live]]:
    """begin(world, student=..., **settings) -> a running session that records to a file of its own."""
    with ExitStack() as sessions:

        def one(world: World = GRIDWORLD, **settings: Any) -> Live:
            live = Live(tmp_path / f"{len(list(tmp_path.iterdir()))}.h5", world, **settings)
            sessions.callback(live.let_go)
            return live

        yield one
