"""What recording costs, measured: `python -m tests.recordings.measure_costs`. Not a test.

Steps are recorded as fast as they come, with episodes of 500 steps and of 22 (what a random policy lasts on
CartPole). Every episode's end flushes, so the second is nearly all flushes.
"""

from __future__ import annotations

import json
import tempfile
import time
import tracemalloc
from pathlib import Path

import gymnasium as gym
import numpy as np

import recordings
from recordings import Driver, Header, Outcome, Recorder


def write(path: Path, header: Header, n_episodes: int, length: int) -> float:
    """Record `n_episodes` of `length` made-up CartPole steps; returns seconds, closing included."""
    observations = np.random.default_rng(0).normal(size=(length + 1, 4)).astype(np.float32)
    action = np.int64(1)
    begin_s = time.perf_counter()
    with Recorder(path, header) as recorder:
        for seed in range(n_episodes):
            recorder.begin_episode(observations[0], seed=seed)
            for t in range(length):
                recorder.step(
                    action,
                    1.0,
                    t == length - 1,
                    False,
                    observations[t + 1],
                    driver=Driver.HUMAN,
                    time_ns=t,
                    keys=1,
                )
            recorder.end_episode(Outcome.FAILURE)
    return time.perf_counter() - begin_s


def main() -> None:
    header = Header.for_env(gym.make("CartPole-v1"))
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        for length, n_episodes in ((500, 200), (22, 2000), (10, 1)):
            path = Path(folder) / f"{length}.h5"
            seconds = write(path, header, n_episodes, length)
            n = length * n_episodes
            figures[f"us_per_step_{length}"] = seconds / n * 1e6
            figures[f"bytes_per_step_{length}"] = path.stat().st_size / n
            figures[f"file_bytes_{length}"] = path.stat().st_size
        path = Path(folder) / "million.h5"
        write(path, header, 50_000, 20)
        for name, tail in (("open_1M_ms", False), ("open_22_ms", False)):
            file = path if "1M" in name else Path(folder) / "22.h5"
            tracemalloc.start()
            begin_s = time.perf_counter()
            with recordings.open(file, tail=tail) as reader:
                figures[name] = (time.perf_counter() - begin_s) * 1e3
                figures[name.replace("_ms", "_steps")] = reader.n_steps
                figures[name.replace("_ms", "_peak_kB")] = tracemalloc.get_traced_memory()[1] / 1e3
            tracemalloc.stop()
        with Recorder(path, header, resume=True) as recorder:
            recorder.begin_episode(np.zeros(4, np.float32), seed=1)
            flush_s, close_s = [], 0.0
            for _ in range(200):
                recorder.step(1, 1.0, False, False, np.zeros(4, np.float32), driver=Driver.HUMAN)
                begin_s = time.perf_counter()
                recorder.flush()
                flush_s.append(time.perf_counter() - begin_s)
            begin_s = time.perf_counter()
            recorder.close()
            close_s = time.perf_counter() - begin_s
        figures["flush_us"] = float(np.median(flush_s)) * 1e6
        figures["close_1M_ms"] = close_s * 1e3
    print(json.dumps({name: round(value, 2) for name, value in figures.items()}, indent=1))


if __name__ == "__main__":
    main()
