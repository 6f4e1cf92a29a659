"""The command line: one module a command in `teleop.commands`, whose dataclass of settings is its options.

A command module has a `parse(prog, args)` that returns an object with `json: bool` and `run(say) -> Report`. Commands
are imported only when they are asked for, so that `--help` and `info` do not wait for torch.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Sequence

from teleop.processes import compute_with_one_thread

COMMANDS = {
    "record": "drive by keyboard (or let another expert drive) and record demonstrations",
    "dagger": "a student drives, an expert corrects, the student learns",
    "train": "fit a learner to recordings, or to a world's reward",
    "evaluate": "the return of a policy: exact where the world is tabular, else sampled",
    "replay": "watch a recording, or re-step it and compare",
    "rerun": "play the journal of a session back, and make its recording again",
    "info": "what recordings hold, who drove and who agrees: a sheet, JSON, or a page to show",
    "curate": "say what of a recording counts, reversibly; merge, choose, split",
    "convert": "export to a format of the field, or make a recording of one",
    "demo": "the whole loop in a minute, with nobody at the keyboard",
    "benchmark": "measure every claimed figure again",
    "reproduce": "run an experiment of the literature again, beside the source's figures",
}


def main(args: Sequence[str] | None = None) -> int:
    """Run one command. Returns the exit status: 0 done, 1 failed, 2 bad usage."""
    words = list(sys.argv[1:] if args is None else args)
    if words and words[0] in ("-h", "--help"):
        print(usage())
        return 0
    if words and words[0] == "--version":
        from importlib.metadata import version

        print(f"understudy {version('understudy')}")
        return 0
    name = words[0] if words else "menu"
    if name != "menu" and name not in COMMANDS:
        print(f"error: {name!r}: expected a command, one of: {', '.join(COMMANDS)}.", file=sys.stderr)
        return 2
    return _run(name, words[1:])


def usage() -> str:
    """What `--help` prints."""
    rows = "\n".join(f"  {name:<10} {does}" for name, does in COMMANDS.items())
    return (
        "usage: understudy [COMMAND] [OPTIONS]     (or: python main.py ...)\n\n"
        "Teach an agent by driving it. Without a command: the window, with a menu.\n\n"
        f"{rows}\n\n"
        "Every command has --help, --json and --seed. Exit status: 0 done, 1 failed, 2 bad usage."
    )


def _run(name: str, words: list[str]) -> int:
    compute_with_one_thread()
    from recordings.errors import UnderstudyError  # and with it numpy

    command = importlib.import_module(f"teleop.commands.{name}")
    try:
        settings = command.parse(f"understudy {name}", words)
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 2
    except UnderstudyError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    try:
        report = settings.run()
    except UnderstudyError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        print(
            f"error: {place}{error.strerror or error}. Choose another place, or make this one usable.",
            file=sys.stderr,
        )
        return 1
    except KeyboardInterrupt:
        print("Stopped. What was recorded or written before is kept.", file=sys.stderr)
        return 1
    _print(json.dumps(report.data) if getattr(settings, "json", False) else report.text)
    return int(report.status)


def _print(text: str) -> None:
    """To standard output; a reader who has seen enough (`| head`) is no error."""
    try:
        if text:
            print(text, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
