"""Running a command of the program in a process of its own, and taking what it printed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from recordings.errors import UnderstudyError

PROGRAM = Path(__file__).parents[2] / "main.py"
"""Beside this package, so that it is this very program wherever a cell is done."""


def run_command(*words: str) -> dict[str, Any]:
    """What a command prints with --json. Raises UnderstudyError with what it said where it fails."""
    done = subprocess.run(
        [sys.executable, str(PROGRAM), *words, "--json"], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise UnderstudyError(f"{' '.join(words)}: {done.stderr[-500:]}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found
