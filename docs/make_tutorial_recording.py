"""Make the tutorial's demonstrations a recording: `python docs/make_tutorial_recording.py EPISODES.npz`.

EPISODES.npz holds `states`, `actions` and `rewards` (N,), episodes end to end, and their lengths in
`timestep_lens` (E,). It lacks what each episode's last action led to: the map says it, and the goal is reached
nowhere else. The written recording is replayed before it is kept. It lies beside `make_pictures.py` because,
unlike the learners that read the result, it needs the world itself.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import gymnasium as gym
import h5py
import numpy as np
import numpy.typing as npt

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import teleop.worlds  # noqa: E402, F401 - makes GridWorld known to gymnasium
from learners.data import tutorial_demonstrations_path  # noqa: E402
from recordings import Driver, Header, Outcome, Recorder, replay  # noqa: E402
from teleop.worlds.gridworld_map import GridWorldMap, draw_map  # noqa: E402

MAP_SEED = 1000
SEED = 0
"""Of every reset: the start is named by its options, so that the seed decides nothing."""
CHUNK_ROWS = 1 << 16
"""Large, for the file is read from end to end and never added to."""


def main(source: Path, target: Path) -> None:
    with np.load(source, allow_pickle=False) as file:
        arrays = {name: file[name].astype(np.int64) for name in file.files}
    with tempfile.TemporaryDirectory() as folder:
        plain, packed = Path(folder) / "plain.h5", Path(folder) / "packed.h5"
        record(arrays, plain)
        compress(plain, packed)
        found = replay.verify(packed)
        if not found.verified:
            raise SystemExit(f"{source}: not episodes of GridWorld's map {MAP_SEED}: {found.divergence}")
        target.write_bytes(packed.read_bytes())
    print(f"{target}: {found.steps} steps in {found.episodes} episodes, {target.stat().st_size} bytes")


def record(arrays: dict[str, npt.NDArray[np.int64]], path: Path) -> None:
    """Write the episodes as a recording of the policy that drove them."""
    world = draw_map(MAP_SEED)
    env = gym.make("understudy/GridWorld-v0", map_seed=MAP_SEED)
    stops = np.cumsum(arrays["timestep_lens"])
    with Recorder(path, Header.for_env(env, operator="GridWorld tutorial")) as recorder:
        for start, stop in zip(stops - arrays["timestep_lens"], stops, strict=True):
            rows = slice(start, stop)
            record_episode(
                recorder, world, *(arrays[name][rows] for name in ("states", "actions", "rewards"))
            )


def record_episode(recorder: Recorder, world: GridWorldMap, states: Any, actions: Any, rewards: Any) -> None:
    final = int(world.next_cells[states[-1], actions[-1]])
    following = [*states[1:].tolist(), final]
    last = len(states) - 1
    recorder.begin_episode(int(states[0]), seed=SEED, options={"state": int(states[0])})
    for t, (action, reward, state) in enumerate(
        zip(actions.tolist(), rewards.tolist(), following, strict=True)
    ):
        arrived = state == world.goal
        recorder.step(action, reward, arrived, t == last and not arrived, state, driver=Driver.POLICY)
    recorder.end_episode(Outcome.SUCCESS if final == world.goal else Outcome.FAILURE)


def compress(source: Path, target: Path) -> None:
    """The same recording with every column deflated."""
    with h5py.File(source, "r") as plain, h5py.File(target, "w", libver=("v110", "v110")) as packed:
        packed.attrs.update(plain.attrs)

        def copy(name: str, item: Any) -> None:
            if isinstance(item, h5py.Dataset):
                packed.create_dataset(
                    name,
                    data=item[:],
                    maxshape=item.maxshape,
                    chunks=(min(CHUNK_ROWS, max(1, len(item))), *item.shape[1:]),
                    fillvalue=item.fillvalue,
                    compression="gzip",
                    compression_opts=9,
                    shuffle=True,
                    track_times=False,
                )

        plain.visititems(copy)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    main(Path(sys.argv[1]), tutorial_demonstrations_path())
