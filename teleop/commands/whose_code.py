"""Before anybody from elsewhere takes part: whose code that runs, on standard error."""

from __future__ import annotations

from learners.elsewhere import what_runs
from teleop.commands.report import progress_console


def say_whose_code(*names: object, trust_code: bool) -> None:
    """names: as they were typed; those of experts of our own, and None, need no saying."""
    for name in names:
        said = None if name is None else what_runs(str(name), trust_code=trust_code)
        if said is not None:
            progress_console().print(said, highlight=False, soft_wrap=True, markup=False)
