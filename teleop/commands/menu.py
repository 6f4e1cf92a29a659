"""No command: the window, with a menu."""

from __future__ import annotations

from dataclasses import dataclass

from teleop.commands.report import Report
from teleop.start import RUNS


@dataclass(frozen=True)
class Menu:
    def run(self) -> Report:
        from teleop.app import run_menu

        run_menu(RUNS)
        return Report({})


def parse(prog: str, words: list[str]) -> Menu:
    return Menu()
