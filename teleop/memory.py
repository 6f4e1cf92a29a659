"""How much memory a process holds, and how much this one has held at most."""

from __future__ import annotations

import os
import sys
from pathlib import Path

STATUS = Path("/proc/self/status")


def peak_mb() -> float | None:
    """Megabytes of resident memory at its highest since the program began; None where the system does not tell."""
    if STATUS.exists():  # Linux: getrusage would also count the program that started this one
        return _high_water_mark(STATUS.read_text())
    if sys.platform == "win32":
        return None
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1024**2 if sys.platform == "darwin" else peak / 1024


def resident_mb(pid: int | None = None) -> float | None:
    """Megabytes of resident memory of a process, by default this one, now; None where the system does not tell."""
    try:
        pages = int(Path(f"/proc/{pid or 'self'}/statm").read_text().split()[1])
    except OSError:
        return None
    return pages * os.sysconf("SC_PAGE_SIZE") / 1024**2


def _high_water_mark(status: str) -> float | None:
    for line in status.splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return None
