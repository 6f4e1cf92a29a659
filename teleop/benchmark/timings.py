"""Rows that are no learner's: speed of worlds, cost of recording and replay, frames, latency of a correction."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from teleop.benchmark import exchange, measure
from teleop.benchmark.ledger import Ledger
from teleop.benchmark.rows import Row, timing_row
from teleop.worlds.catalogue import CARTPOLE, GRIDWORLD, World
from teleop.worlds.throughput import measure_steps_per_second

PEER_STEPS_PER_SECOND = {1: 8.4e3, 128: 1.0e6, 1024: 5.7e6}
"""The GridWorld tutorial's torch environment, by batch size, on two cores."""
FRAMES_S = 10.0
"""Length of a run in which frames are timed."""
SOAK_S = 600.0
"""Length of a session that is watched for what builds up."""
WORLDS = (GRIDWORLD, CARTPOLE)


class Timings:
    """Measures each thing `repetitions` times, in a folder of its own."""

    def __init__(self, ledger: Ledger, folder: Path, repetitions: range, *, measures: bool) -> None:
        """measures: False only looks up what was found before (`Ledger.once` raises NotMeasured)."""
        self._ledger, self._folder, self._repetitions = ledger, folder, repetitions
        self._measures = measures

    def _once(self, key: str, measured: Callable[[], Any]) -> Any:
        return self._ledger.once(key, measured if self._measures else None)

    def _each(self, key: str, measured: Callable[[int], Any]) -> list[Any]:
        """What each repetition finds; its number is the seed."""
        repeated = f"{key} | {len(self._repetitions)} times from {self._repetitions.start}"
        found: list[Any] = self._once(repeated, lambda: [measured(seed) for seed in self._repetitions])
        return found

    def throughput(self) -> list[Row]:
        rows = []
        for batch, peer in PEER_STEPS_PER_SECOND.items():
            name = f"vector steps, batch {batch}"
            found = self._each(name, lambda _, batch=batch: measure_steps_per_second(batch, 1.0))  # type: ignore[misc]
            claim = f"more than {peer:,.0f}, the tutorial's environment"
            rows.append(timing_row(name, GRIDWORLD, found, "steps/s", claim, peer.__lt__))
        return rows

    def recording(self) -> list[Row]:
        rows = []
        for expert, episodes in ((True, "500-step episodes"), (False, "22-step episodes")):
            name = f"recording, {episodes}"

            def cost(seed: int, expert: bool = expert) -> tuple[float, float]:
                found = measure.recording_cost(CARTPOLE, self._folder, 50_000, expert=expert, seed=seed)
                return found.step_us, found.step_bytes

            microseconds, size = zip(*self._each(name, cost), strict=True)
            claim = "at most 20 (Minari's collector: 212)"
            rows.append(timing_row(name, CARTPOLE, microseconds, "µs/step", claim, lambda v: v <= 20))
            claim = "at most 100 (Minari: 768)"
            rows.append(timing_row(name, CARTPOLE, size, "bytes/step", claim, lambda v: v <= 100))
        return rows

    def replay(self) -> list[Row]:
        rows = []
        for world in WORLDS:
            path = self._folder / f"cost-{world.name}-True-90.h5"

            def speed(_: int, world: Any = world, path: Path = path) -> float:
                if not path.exists():
                    measure.recording_cost(world, self._folder, 50_000, expert=True, seed=90)
                return measure.replay_steps_per_second(path)

            found = self._each(f"replay | {world.name}", speed)
            rows.append(timing_row("replay, re-stepped and compared", world, found, "steps/s"))
        return rows

    def opening(self) -> list[Row]:
        rows = []
        for steps in (10_000, 1_000_000):
            path = self._folder / f"long-{steps}.h5"

            def opened(_: int, steps: int = steps, path: Path = path) -> float:
                if not path.exists():
                    measure.long_recording(CARTPOLE, path, steps)
                return measure.opening_ms(path)

            name = f"open a recording of {steps:,} steps"
            rows.append(timing_row(name, CARTPOLE, self._each(name, opened), "ms"))
        return rows

    def exchange(self) -> list[Row]:
        """Of formats whose extra is installed."""
        rows = []
        for name, world in exchange.WORLD_OF.items():
            if exchange.is_there(name):

                def speed(_: int, name: str = name, world: World = world) -> tuple[float, float]:
                    source = exchange.labelled_recording(world, self._folder)
                    return exchange.conversion_steps_per_second(name, source, self._folder)

                there, back = zip(*self._each(f"exchange | {name}", speed), strict=True)
                rows.append(timing_row(f"convert to {name}", world, there, "steps/s"))
                rows.append(timing_row(f"convert from {name}", world, back, "steps/s"))
        return rows

    def merging(self) -> list[Row]:
        def speed(_: int) -> float:
            sources = [
                exchange.labelled_recording(CARTPOLE, self._folder, seed) for seed in range(exchange.MERGED)
            ]
            return exchange.merged_steps_per_second(sources, self._folder)

        name = f"merge {exchange.MERGED} recordings"
        return [timing_row(name, CARTPOLE, self._each(name, speed), "steps/s")]

    def latency(self) -> list[Row]:
        rows = []
        n = 10 * len(self._repetitions)
        for world in WORLDS:
            found = sorted(
                self._once(
                    f"latency | {world.name} | {n}",
                    lambda world=world: measure.correction_latencies_ms(world, self._folder, n),  # type: ignore[misc]
                )
            )
            name = "correction to behaviour"
            claim = "median at most 300 ms (from the key to the first tick by a student that learned from it)"
            rows.append(timing_row(name, world, found, "ms", claim, lambda v: v <= 300))
            slowest = [found[int(0.95 * (len(found) - 1))]]
            name = "correction to behaviour, 95th percentile"
            rows.append(timing_row(name, world, slowest, "ms", "at most 600 ms", lambda v: v <= 600))
        return rows

    def frames(self) -> list[Row]:
        """The window's frames while the trainer works beside it."""
        rows = []
        for world in WORLDS:

            def run(seed: int, world: Any = world) -> tuple[float, float, bool]:
                from teleop.app.frames import frames_while_training

                found = frames_while_training(world, self._folder, FRAMES_S, seed)
                return found.period_ms.percentile(99), found.work_ms.percentile(99), found.is_hidden

            period, work, hidden = zip(*self._each(f"frames | {world.name}", run), strict=True)
            where = "hidden window" if hidden[0] else "window"
            name = f"frame period while training, 99 %, {where}"
            claim = "60 frames a second: at most 16.7 ms"
            rows.append(timing_row(name, world, period, "ms", claim, lambda v: v <= 16.7))
            rows.append(timing_row(f"frame work while training, 99 %, {where}", world, work, "ms"))
        return rows

    def soak(self, world: World, seconds: float = SOAK_S) -> list[Row]:
        """A long correction session in the window: frames, keys and memory."""

        def run(seed: int) -> dict[str, Any]:
            from teleop.app.soak import soak

            return asdict(soak(world, self._folder, seconds, seed))

        return _soak_rows(world, seconds, self._each(f"soak {seconds:.0f} s | {world.name}", run))


def _soak_rows(world: World, seconds: float, found: list[dict[str, Any]]) -> list[Row]:
    where = f"{seconds:.0f} s of correction, {'hidden window' if found[0]['is_hidden'] else 'window'}"
    delays = sorted(delay for each in found for delay in each["input_frames"])
    rows = [
        timing_row(
            f"frame period, 99 %, {where}",
            world,
            [each["period_ms"] for each in found],
            "ms",
            "60 frames a second: at most 16.7 ms",
            lambda v: v <= 16.7,
        )
    ]
    stolen = [each.get("stolen_s", math.nan) for each in found]
    if not any(map(math.isnan, stolen)):
        rows.append(timing_row(f"processor kept from the machine by its host, {where}", world, stolen, "s"))
    if delays:
        rows.append(
            timing_row(
                f"key to picture, 99 %, {where}",
                world,
                [float(np.percentile(delays, 99, method="higher"))],
                "frames",
                "at most 2",
                lambda v: v <= 2,
            )
        )
    for who in ("", "trainer_"):
        pairs = [(each[f"{who}early_mb"], each[f"{who}late_mb"]) for each in found]
        grown = [late - early for early, late in pairs if early is not None and late is not None]
        if grown:
            name = f"memory gained from a tenth to the end, {'trainer' if who else where}"
            rows.append(timing_row(name, world, grown, "MB", "flat: at most 10", lambda v: v <= 10))
    return rows
