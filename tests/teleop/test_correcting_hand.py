"""A correction session under a hand that uses every key of the studio."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import recordings
from recordings.replay import verify
from recordings.sameness import first_difference
from recordings.schema import EditKind, LabelKind
from teleop.benchmark.correcting_hand import CorrectingHand
from teleop.clock import StepClock
from teleop.session import Session
from teleop.start import CorrectSettings, start_correction
from teleop.worlds.catalogue import CARTPOLE, GRIDWORLD, World

FRAME_NS = 16_666_667


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> None:
    """As every command sets it: more would fight over the cores."""
    torch.set_num_threads(1)


def corrected(path: Path, world: World, frames: int, seed: int = 0) -> CorrectingHand:
    """A session that the hand corrected for so many frames, with nothing between its keys and the session."""
    clock = StepClock()
    settings = CorrectSettings(
        world, path, training="inline", labels_per_fit=60, seed=seed, advisers=("scripted",), reask_share=0.2
    )
    session = start_correction(settings, clock)
    hand = CorrectingHand(
        session, lambda key, is_down: _pass_on(session, key, is_down), np.random.default_rng(seed)
    )
    for _ in range(frames):
        session.update()
        hand.move()
        clock.advance(FRAME_NS)
    session.close()
    return hand


def _pass_on(session: Session, key: str, is_down: bool) -> None:
    (session.press if is_down else session.release)(key)


def test_the_hand_uses_every_key_and_what_it_did_replays(tmp_path: Path) -> None:
    hand = corrected(tmp_path / "h.h5", GRIDWORLD, 4000)
    assert min(hand.done.values()) > 0, hand.done
    with recordings.open(tmp_path / "h.h5") as reader:
        labels, edits = reader.labels(), {edit.kind for edit in reader.edits()}
        branches = sum(episode.parent >= 0 for episode in reader.episodes)
    assert {LabelKind.TAKEOVER, LabelKind.PAUSED} <= set(labels.kinds.tolist())
    assert set(labels.names) == {"human", "scripted"}
    assert {EditKind.MARK, EditKind.WITHDRAW, EditKind.UNDO} <= edits
    assert branches > 0
    assert verify(tmp_path / "h.h5").verified


@pytest.mark.parametrize("world", [GRIDWORLD, CARTPOLE], ids=lambda world: world.name)
def test_the_same_keys_and_an_inline_trainer_give_the_same_recording(tmp_path: Path, world: World) -> None:
    for name in ("a.h5", "b.h5"):
        corrected(tmp_path / name, world, 700, seed=3)
    assert first_difference(tmp_path / "a.h5", tmp_path / "b.h5") is None
