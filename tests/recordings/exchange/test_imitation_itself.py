"""imitation reads and trains on what we write, and we read what it writes; in an environment of its own."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import recordings
from recordings import Driver
from recordings.exchange import imitation
from recordings.exchange.episodes import taken_out
from tests.recordings import random_recordings
from tests.recordings.exchange.round_trips import at_random
from tests.recordings.worlds import record_cartpole

pytest.importorskip("pyarrow", reason="needs pyarrow: pip install understudy[imitation]")
PYTHON = os.environ.get("UNDERSTUDY_IMITATION_PYTHON", "")
"""Of an environment with imitation 1.0.1, whose gymnasium (0.29) is not ours."""
with_imitation = pytest.mark.skipif(
    not PYTHON,
    reason="UNDERSTUDY_IMITATION_PYTHON names no Python that has imitation 1.0.1 (its gymnasium is 0.29)",
)


def in_its_environment(*words: str) -> dict[str, Any]:
    script = Path(__file__).with_name("with_imitation.py")
    done = subprocess.run([PYTHON, str(script), *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@with_imitation
def test_imitation_reads_what_we_write_and_trains_on_it(tmp_path: Path) -> None:
    record_cartpole(tmp_path / "demo.h5", episodes=3)
    sources = [tmp_path / "demo.h5", *(at_random(tmp_path, world, 5) for world in random_recordings.WORLDS)]
    for source in sources:
        with recordings.open(source) as reader:
            imitation.export(reader, source.with_suffix(""))
    found = in_its_environment("train", *(str(source.with_suffix("")) for source in sources))
    for source, theirs in zip(sources, found["datasets"], strict=True):
        with recordings.open(source) as reader:
            assert reader.n_episodes
            assert_the_same(theirs, reader)
    assert found["after"] < found["before"]
    assert_infos_survive(sources[0], tmp_path / "demo-saved")


def assert_infos_survive(source: Path, saved: Path) -> None:
    """What imitation read and saved again still says what it has no words for."""
    imitation.take_in(saved, saved.with_suffix(".h5"))
    with recordings.open(source) as one, recordings.open(saved.with_suffix(".h5")) as other:
        for ours, theirs in zip(taken_out(one), taken_out(other), strict=True):
            assert ours.about == theirs.about
            assert all(np.array_equal(ours.own[name], theirs.own[name]) for name in ours.own)


def assert_the_same(theirs: list[dict[str, Any]], reader: recordings.reader.Reader) -> None:  # type: ignore[name-defined]
    for trajectory, ours in zip(theirs, reader.episodes, strict=True):
        assert np.array_equal(trajectory["obs"], ours.observations.astype(np.float64))
        assert np.array_equal(trajectory["acts"], ours.actions.astype(np.float64))
        assert trajectory["rews"] == ours.rewards.tolist()
        assert trajectory["terminal"] == bool(ours.terminated[-1])
        assert [each["understudy"]["driver"] for each in trajectory["infos"]] == ours.drivers.tolist()


@with_imitation
def test_we_read_what_imitation_writes(tmp_path: Path) -> None:
    written = in_its_environment("write", str(tmp_path / "theirs"))
    counts = imitation.take_in(tmp_path / "theirs", tmp_path / "ours.h5", Driver.HUMAN)
    assert counts["infos_dropped"] == written["infos"]
    with recordings.open(tmp_path / "ours.h5") as reader:
        for theirs, ours in zip(written["trajectories"], reader.episodes, strict=True):
            assert ours.observations.dtype == np.float32
            assert np.array_equal(theirs["obs"], ours.observations.astype(np.float64))
            assert ours.actions.tolist() == theirs["acts"]
            assert ours.rewards.tolist() == theirs["rews"]
            assert bool(ours.terminated[-1]) == theirs["terminal"]
            assert bool(ours.truncated[-1]) != theirs["terminal"]
            assert set(ours.drivers.tolist()) == {Driver.HUMAN}
