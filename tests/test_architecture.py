"""The arrows of the design, read from the code: recordings <- learners <- teleop <- main."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LAYERS = ("recordings", "learners", "teleop", "main")
SOURCES = [path for layer in LAYERS for path in [*ROOT.glob(f"{layer}/**/*.py"), *ROOT.glob(f"{layer}.py")]]


def imported(path: Path) -> set[str]:
    """Full names of the modules that a file imports, inside functions too."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def top(name: str) -> str:
    return name.split(".")[0]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_import_runs_against_the_arrows(path: Path) -> None:
    own = LAYERS.index(path.relative_to(ROOT).parts[0].removesuffix(".py"))
    above = {name for name in imported(path) if top(name) in LAYERS[own + 1 :]}
    assert not above


def test_pygame_is_imported_by_the_window_alone() -> None:
    users = {path for path in SOURCES if {"pygame", "pygame_gui"} & {top(name) for name in imported(path)}}
    assert users
    assert all(path.is_relative_to(ROOT / "teleop/app") for path in users)


def test_nothing_loads_code_from_data() -> None:
    calls = {
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"eval", "exec"}
    }
    loaders = {"pickle", "_pickle", "cloudpickle", "jsonpickle", "dill", "joblib", "shelve", "marshal"}
    users = {path for path in SOURCES if loaders & {top(name) for name in imported(path)}}
    assert not calls
    assert not users


def test_there_is_no_circle() -> None:
    """Among the modules themselves; a package's own page (`__init__`) is a list of what lies in it."""
    modules = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts): path
        for path in SOURCES
        if path.stem != "__init__"
    }
    arrows = {name: {other for other in imported(path) if other in modules} for name, path in modules.items()}
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, " -> ".join([*trail[trail.index(name) :], name])
        if name not in done:
            for other in sorted(arrows[name] - {name}):
                visit(other, (*trail, name))
            done.add(name)

    for name in sorted(modules):
        visit(name, ())


@pytest.mark.parametrize(
    ("module", "heavy"),
    [
        ("recordings", "torch"),
        ("recordings", "h5py"),
        ("learners", "torch"),
        ("teleop.worlds", "torch"),
        ("teleop.session", "torch"),
        ("teleop.cli", "torch"),
        ("teleop.commands.info", "torch"),
    ],
)
def test_importing_is_light(module: str, heavy: str) -> None:
    code = f"import sys, {module}; sys.exit({heavy!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_rooms_have_telling_names() -> None:
    vague = {"utils", "util", "helpers", "helper", "common", "misc", "manager"}
    assert not [path for path in SOURCES if path.stem in vague]
