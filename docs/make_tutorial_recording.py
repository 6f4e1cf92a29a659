"""Make the tutorial's demonstrations a recording: `python docs/make_tutorial_recording.py EPISODES.npz`.

EPISODES.npz holds the arrays of the tutorial's pickle, which `convert --from tutorial` reads itself:
`recordings/exchange/tutorial.py` says what they are, and makes the recording. Here it is compressed, and replayed
before it is kept. It lies beside `make_pictures.py` because, unlike the learners that read the result, it needs the
world itself.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import teleop.worlds  # noqa: E402, F401 - makes GridWorld known to gymnasium
from learners.data import tutorial_demonstrations_path  # noqa: E402
from recordings import Driver, replay  # noqa: E402
from recordings.exchange import tutorial  # noqa: E402

CHUNK_ROWS = 1 << 16
"""Large, for the file is read from end to end and never added to."""


def main(source: Path, target: Path) -> None:
    with np.load(source, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    with tempfile.TemporaryDirectory() as folder:
        plain, packed = Path(folder) / "plain.h5", Path(folder) / "packed.h5"
        tutorial.record(arrays, source, plain, Driver.POLICY)
        compress(plain, packed)
        found = replay.verify(packed)
        if not found.verified:
            raise SystemExit(f"{source}: the recording of it does not replay: {found.divergence}")
        target.write_bytes(packed.read_bytes())
    print(f"{target}: {found.steps} steps in {found.episodes} episodes, {target.stat().st_size} bytes")


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
