"""Thousands of damaged policy files from elsewhere: each is refused in one paragraph, or read.

    python -m tests.learners.elsewhere_storm --mutations 10000

Not run with the tests, which have a few hundred of these; one line says what came of each form. A reader that runs
code, hangs, writes a file or raises anything but a LearnerError ends it with exit status 1.
"""

from __future__ import annotations

import argparse
import collections
import io
import os
import resource
import sys
import tempfile
import time
import warnings
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import gymnasium as gym
import numpy as np

from learners import elsewhere
from learners.elsewhere import Spaces
from learners.errors import LearnerError
from tests.learners import onnx_writer as onnx

CARTPOLE = Spaces(gym.spaces.Box(-5, 5, (4,)), gym.spaces.Discrete(2))
SLOWEST_S = 15.0
WEIGHTS = np.array([[-1, 1], [-2, 2], [-8, 8], [-4, 4]], np.float32)


def mutated(sound: bytes, rng: np.random.Generator) -> bytes:
    """A few bytes changed, a stretch cut out, doubled or zeroed, or the end missing."""
    content = bytearray(sound)
    for _ in range(int(rng.integers(1, 4))):
        at, length = int(rng.integers(len(content) or 1)), int(rng.integers(1, 9))
        match int(rng.integers(6)):
            case 0:
                content[at : at + 1] = bytes([int(rng.integers(256))])
            case 1:
                content[at : at + length] = rng.bytes(length)
            case 2:
                del content[at : at + length]
            case 3:
                content[at:at] = content[at : at + length]
            case 4:
                content[at : at + length] = b"\xff" * length
            case _:
                if rng.random() < 0.1:
                    del content[at:]
    return bytes(content)


def rezipped(sound: bytes, part: str, change: Callable[[bytes], bytes]) -> bytes:
    """The zip with one part changed behind a checksum that fits; "a!b" is part b of the zip that part a is."""
    outer, _, inner = part.partition("!")
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(sound)) as old, zipfile.ZipFile(buffer, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == outer:
                content = rezipped(content, inner, change) if inner else change(content)
            new.writestr(name, content)
    return buffer.getvalue()


def files(folder: Path, rng: np.random.Generator) -> Iterator[tuple[str, str, Callable[[], bytes]]]:
    """What it is called, its suffix, and a maker of damaged ones."""
    sound = onnx.linear(WEIGHTS)
    yield "ONNX", ".onnx", lambda: mutated(sound, rng)
    script, zip_ = _torchscript(folder), _sb3(folder)
    yield "TorchScript, not trusted", ".pt", lambda: mutated(script, rng)
    yield "Stable-Baselines3", ".zip", lambda: mutated(zip_, rng)
    for part in ("data", "policy.pth", "policy.pth!archive/data.pkl"):
        yield f"Stable-Baselines3, {part}", ".zip", lambda part=part: rezipped(zip_, part, lambda c: mutated(c, rng))  # type: ignore[misc]  # fmt: skip


def _torchscript(folder: Path) -> bytes:
    import torch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.trace(torch.nn.Linear(4, 2), torch.zeros(1, 4)).save(folder / "p.pt")  # type: ignore[no-untyped-call]
    return (folder / "p.pt").read_bytes()


def _sb3(folder: Path) -> bytes:
    from stable_baselines3 import PPO

    PPO("MlpPolicy", "CartPole-v1", device="cpu", policy_kwargs={"net_arch": [4]}).save(folder / "p.zip")
    return (folder / "p.zip").read_bytes()


def storm(folder: Path, suffix: str, make: Callable[[], bytes], mutations: int) -> collections.Counter[str]:
    """What came of them, by the kind of the error; "read" where there was none."""
    found: collections.Counter[str] = collections.Counter()
    path = folder / f"damaged{suffix}"
    for _ in range(mutations):
        path.write_bytes(make())
        began_s = time.monotonic()
        try:
            elsewhere.load(str(path), CARTPOLE)
            said = "read"
        except LearnerError as error:
            said = f"{type(error).__name__}{error}"
        assert "\n" not in said
        found[said.partition(str(folder))[0]] += 1
        assert time.monotonic() - began_s < SLOWEST_S
        assert sorted(os.listdir(folder)) == [path.name]
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mutations", type=int, default=1000, help="of each form")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="forms whose name has this in it")
    asked = parser.parse_args()
    rng = np.random.default_rng(asked.seed)
    with tempfile.TemporaryDirectory() as sound, tempfile.TemporaryDirectory() as damaged:
        for name, suffix, make in files(Path(sound), rng):
            if asked.only not in name:
                continue
            began_s = time.monotonic()
            found = storm(Path(damaged), suffix, make, asked.mutations)
            seconds = time.monotonic() - began_s
            counts = ", ".join(f"{kind} {count:,}" for kind, count in found.most_common())
            print(f"{name}: {asked.mutations:,} in {seconds:.0f} s: {counts}", flush=True)
            (Path(damaged) / f"damaged{suffix}").unlink()
    print(f"at most {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
