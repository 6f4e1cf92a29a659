"""Doing the open cells of a grid: each once, a failed one once more, everything found kept by this process alone."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

from teleop.benchmark.ledger import Ledger
from teleop.sweeps.engine import Engine, Outcome, Task

Say = Callable[[str], None]


def engine_for(workers: int, cluster: str | None) -> Engine:
    """A Ray cluster where an address is given, else processes on this machine."""
    if cluster is not None:
        from teleop.sweeps.cluster import Cluster

        return Cluster(cluster)
    from teleop.sweeps.local import Local

    return Local(workers)


def sweep(tasks: Sequence[Task], engine: Engine, ledger: Ledger, folder: Path, say: Say) -> list[str]:
    """Do the tasks that the ledger does not know, keep what each finds at once, and return what failed twice.

    What failed is tried again after all others: memory is free then that they took, and a machine that was lost is no
    longer asked. Raises SweepError where the engine cannot do any.
    """
    wanted = list({task.key: task for task in tasks if not ledger.is_known(task.key)}.values())
    failed = _do(wanted, engine, ledger, folder, say)
    if failed:
        say(f"trying again what failed: {len(failed)} of {len(wanted)}")
        failed = _do([outcome.task for outcome in failed], engine, ledger, folder, say)
    return [f"{outcome.task.key}: {outcome.answer.error}" for outcome in failed]


def _do(tasks: Sequence[Task], engine: Engine, ledger: Ledger, folder: Path, say: Say) -> list[Outcome]:
    """Those that failed, in the order of the tasks."""
    if not tasks:
        return []
    failed: dict[str, Outcome] = {}
    with closing(engine.do(tasks, folder)) as outcomes:
        for n, outcome in enumerate(outcomes, 1):
            key, answer = outcome.task.key, outcome.answer
            if answer.error:
                failed[key] = outcome
                say(f"{n}/{len(tasks)} FAILED {key}: {answer.error}")
            else:
                ledger.once(key, lambda found=answer.found: json.loads(found))  # type: ignore[misc]
                say(f"{n}/{len(tasks)} {key}: {answer.seconds:.1f} s")
    return [failed[task.key] for task in tasks if task.key in failed]
