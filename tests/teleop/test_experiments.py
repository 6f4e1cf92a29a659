"""The frame of the experiments: cells are done once, failures lose nothing, pages come from the findings alone."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from recordings.errors import UnderstudyError
from teleop.benchmark import ledger as ledgers
from teleop.benchmark.ledger import Ledger
from teleop.commands import reproduce
from teleop.commands.reproduce import Reproduce
from teleop.experiments import catalogue, pages
from teleop.experiments.experiment import (
    Cell,
    Experiment,
    Findings,
    Item,
    Part,
    Picture,
    Table,
    made_once,
)
from teleop.experiments.running import ExperimentError, carry_out, require
from teleop.experiments.statistics import median_and_range
from tests.teleop.tiny_experiment import OneAfterAnother, cells, done, double, runs, wait_until

# -- a tiny experiment -----------------------------------------------------------------------------------


def page(findings: Findings) -> Sequence[Part]:
    total = sum(findings.values("twice", double))
    return (
        f"Together {total:.0f}.",
        Table(
            "Twice", ("seed", "twice"), [(n, found["twice"]) for n, found in enumerate(findings.of(double))]
        ),
        Picture("line", "A line.", draw, size_in=(2.0, 1.0)),
    )


def draw(figure: Figure) -> None:
    figure.subplots().plot([0, 1])


def items(findings: Findings) -> Sequence[Item]:
    total = sum(findings.values("twice", double))
    return (
        Item("004", "a thing", "doubling", "–", f"{total:.0f}"),
        Item("001", "another", "doubling", "7", f"{total:.0f}"),
    )


TINY = Experiment("tiny", "Doubling", ("001", "004"), "What is twice a number?", cells, page, items, seeds=2)


def found_by_hand(*values: int) -> Findings:
    return Findings(
        [
            (Cell(double, {"seed": n}), {"twice": value, "seconds": 30.0, "processor_seconds": 15.0})
            for n, value in enumerate(values)
        ]
    )


def quiet(line: str) -> None:
    pass


@pytest.fixture(autouse=True)
def sources_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """A ledger reads all sources to tell whether they changed, which takes a second."""
    monkeypatch.setattr(ledgers, "code_fingerprint", lambda _sources: "00000000")


# -- cells and findings ----------------------------------------------------------------------------------


def test_a_cell_is_known_by_its_work_and_arguments_whatever_their_order() -> None:
    key = 'double {"a": 1, "seed": 2}'
    assert Cell(double, {"seed": 2, "a": 1}).key == Cell(double, {"a": 1, "seed": 2}).key == key
    assert Cell(double, {"seed": 3, "a": 1}).key != key


def test_findings_are_picked_by_work_and_arguments_in_the_order_of_the_cells() -> None:
    findings = Findings(
        [
            (Cell(double, {"seed": 1, "kind": "b"}), {"twice": 2, "seconds": 1.0}),
            (Cell(double, {"seed": 0, "kind": "a"}), {"twice": 0, "seconds": 2.5}),
            (Cell(double, {"seed": 2, "kind": "a"}), {"twice": 4, "seconds": 3.0}),
            (Cell(draw, {"seed": 2, "kind": "a"}), {"twice": 99, "seconds": 0.0}),
        ]
    )
    assert findings.values("twice", double, kind="a") == [0.0, 4.0]
    assert findings.values("twice", double) == [2.0, 0.0, 4.0]
    assert findings.of(double, kind="a", seed=1) == []
    assert findings.of(double, colour=None, seed=1) == [{"twice": 2, "seconds": 1.0}], "None: not given"
    assert findings.seconds == 6.5


def test_a_file_that_several_cells_need_is_made_once_and_never_by_halves(tmp_path: Path) -> None:
    path = tmp_path / "cache" / "data.txt"

    def breaks(aside: Path) -> None:
        aside.write_text("half")
        raise OSError("no room")

    def writes(aside: Path) -> None:
        aside.write_text("whole")

    with pytest.raises(OSError, match="no room"):
        made_once(path, breaks)
    assert not path.exists()
    made_once(path, writes)
    made_once(path, breaks)
    assert path.read_text() == "whole"


# -- doing them ------------------------------------------------------------------------------------------


def with_a_broken_one(seeds: range) -> Sequence[Cell]:
    return [Cell(double, {"seed": n} | ({"breaks": True} if n == 1 else {})) for n in seeds]


SLEEPER = """
import sys
from pathlib import Path
from teleop.benchmark import ledger
from teleop.experiments.experiment import Cell, Experiment
from teleop.experiments.running import carry_out
from teleop.sweeps.local import Local
from tests.teleop.tiny_experiment import sleep

if __name__ == "__main__":
    ledger.code_fingerprint = lambda _sources: "00000000"
    one = Experiment("one", "", (), "", lambda seeds: [Cell(sleep, {"seed": 0})], list, list)
    carry_out(one, range(1), ledger.Ledger(None), Path(sys.argv[1]), engine=Local(1), say=print)
"""


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="asks /proc which processes run")
def test_cells_are_done_on_one_thread_by_a_process_that_ends_with_the_one_that_started_it(
    tmp_path: Path,
) -> None:
    script, told = tmp_path / "sleeper.py", tmp_path / "cache" / "process"
    script.write_text(SLEEPER)
    root = Path(__file__).parents[2]
    parent = subprocess.Popen(
        [sys.executable, str(script), str(told.parent)], cwd=root, env=os.environ | {"PYTHONPATH": str(root)}
    )
    try:
        wait_until(told.exists)
        process, threads = told.read_text().split()
        assert int(process) != parent.pid
        assert threads == "1"
        assert runs(int(process))
    finally:
        parent.kill()
        parent.wait()
    wait_until(lambda: not runs(int(process)))


def test_a_failed_cell_is_named_and_the_others_are_kept_and_not_done_again(tmp_path: Path) -> None:
    broken = replace(TINY, cells=with_a_broken_one)
    path, folder = tmp_path / "tiny.jsonl", tmp_path / "cache"
    said: list[str] = []
    with pytest.raises(ExperimentError, match=r"1 of 3 cells failed twice.*ValueError: cell 1 is broken"):
        carry_out(broken, range(3), Ledger(path), folder, engine=OneAfterAnother(), say=said.append)
    assert sum("FAILED" in line for line in said) == 2, "tried again once"
    ledger = Ledger(path)
    assert [ledger.is_known(cell.key) for cell in with_a_broken_one(range(3))] == [True, False, True]

    findings = carry_out(TINY, range(3), ledger, folder, engine=OneAfterAnother(), say=quiet)
    assert findings.values("twice", double) == [0.0, 2.0, 4.0]
    assert sorted(done(folder)) == [0, 1, 1, 1, 2], "the second run does nothing but what was missing"


def test_an_interrupted_run_goes_on_where_it_stopped(tmp_path: Path) -> None:
    path, folder = tmp_path / "tiny.jsonl", tmp_path / "cache"

    def interrupt(line: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        carry_out(TINY, range(6), Ledger(path), folder, engine=OneAfterAnother(), say=interrupt)
    ledger = Ledger(path)
    kept = [cell for cell in cells(range(6)) if ledger.is_known(cell.key)]
    assert [cell.arguments["seed"] for cell in kept] == [0], "what was done before the interruption"

    findings = carry_out(TINY, range(6), ledger, folder, engine=OneAfterAnother(), say=quiet)
    assert findings.values("twice", double) == [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]
    assert done(folder).count(0) == 1


def test_with_everything_known_no_process_is_started_and_nothing_is_said(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "tiny.jsonl")
    for cell in cells(range(2)):
        ledger.once(cell.key, lambda: {"twice": 7, "seconds": 1.0, "processor_seconds": 1.0})

    def never(line: str) -> None:
        raise AssertionError(line)

    findings = carry_out(TINY, range(2), ledger, tmp_path / "cache", engine=OneAfterAnother(), say=never)
    assert findings.values("twice", double) == [7.0, 7.0]
    assert not (tmp_path / "cache").exists()


def test_a_missing_extra_is_told_with_its_remedy() -> None:
    missing = Experiment("tiny", "", (), "", cells, page, items, needs=("no_such_module",))
    with pytest.raises(ExperimentError, match=r"no_such_module.*pip install"):
        require(missing)
    require(TINY)


# -- pages -----------------------------------------------------------------------------------------------


def test_the_page_holds_what_the_findings_say_and_nothing_else(tmp_path: Path) -> None:
    path = pages.write_page(TINY, found_by_hand(10, 20), ["2026-01-02"], tmp_path, current=True)
    text = path.read_text()
    assert path == tmp_path / "tiny.md"
    assert text.startswith("# Doubling\n\nWhat is twice a number?\n")
    assert "2 cells, 1.00 minutes" in text, "half a minute each"
    assert "Together 30." in text
    assert "| 1 | 20 |" in text
    assert "![A line.](tiny-line.png)" in text
    assert (tmp_path / "tiny-line.png").read_bytes().startswith(b"\x89PNG")
    assert "earlier state" not in text

    other = pages.write_page(TINY, found_by_hand(1, 2), ["2026-01-02"], tmp_path, current=False).read_text()
    assert "Together 3." in other
    assert "earlier state" in other


def test_the_index_has_every_item_sorted_by_its_source() -> None:
    text = pages.index_page([(TINY, found_by_hand(1, 2))])
    rows = [line for line in text.splitlines() if line.startswith("| 00")]
    (elsewhere,) = rows[1:-1]
    assert elsewhere.endswith("| `benchmark --only teaching` |"), (
        "what another command measures has a row too"
    )
    assert [rows[0], rows[-1]] == [
        "| 001 | another | doubling | 7 | 3 | [`reproduce tiny`](tiny.md) |",
        "| 004 | a thing | doubling | – | 3 | [`reproduce tiny`](tiny.md) |",
    ]
    assert "| [tiny](tiny.md) | Doubling | 1.00 | 0.5 |" in text
    assert "| together |  | 1.00 | 0.5 |" in text


def test_a_few_runs_are_summed_up() -> None:
    assert median_and_range([3.0, 1.0, 2.0]) == "2.00 (1.00 to 3.00)"
    assert median_and_range([2.0, 2.0]) == "2.00"
    assert median_and_range([]) == "–"


# -- the command -----------------------------------------------------------------------------------------


@pytest.fixture
def tiny_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """A catalogue of the tiny experiment, and of one that nobody ran."""
    other = Experiment("other", "Not run", (), "", cells, page, items)
    monkeypatch.setattr(catalogue, "NAMES", ("tiny", "other"))
    monkeypatch.setattr(catalogue, "find", {"tiny": TINY, "other": other}.__getitem__)


@pytest.mark.usefixtures("tiny_only")
def test_reproduce_makes_page_and_index_of_what_is_known(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "tiny.jsonl")
    for cell in cells(range(2)):
        ledger.once(cell.key, lambda: {"twice": 4, "seconds": 1.0, "processor_seconds": 1.0})
    report = Reproduce(("tiny",), out=tmp_path).run()
    (told,) = report.data["experiments"]
    assert told["name"] == "tiny"
    assert told["tables"] == [{"title": "Twice", "columns": ["seed", "twice"], "rows": [[0, 4], [1, 4]]}]
    assert [item["ours"] for item in told["items"]] == ["8", "8"]
    assert "Twice" in report.text
    index = (tmp_path / "README.md").read_text()
    assert "tiny.md" in index
    assert "other.md" not in index, "nobody ran it"


@pytest.mark.usefixtures("tiny_only")
def test_an_experiment_with_a_failed_cell_keeps_no_other_from_being_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = replace(TINY, name="other", cells=with_a_broken_one)
    monkeypatch.setattr(catalogue, "find", {"tiny": TINY, "other": broken}.__getitem__)
    monkeypatch.setattr(reproduce, "engine_for", lambda _workers, _cluster: OneAfterAnother())
    report = Reproduce(("other", "tiny"), out=tmp_path).run()
    assert report.status == 1
    assert [each["name"] for each in report.data["experiments"]] == ["tiny"]
    (failure,) = report.data["failures"]
    assert "1 of 2 cells failed twice" in failure
    assert "ValueError: cell 1 is broken" in report.text


@pytest.mark.usefixtures("tiny_only")
@pytest.mark.parametrize("names", [("huge",), ("tiny", "huge"), ()])
def test_an_unknown_name_is_answered_with_those_that_are_known(
    names: tuple[str, ...], tmp_path: Path
) -> None:
    with pytest.raises(UnderstudyError, match="tiny, other"):
        Reproduce(names, out=tmp_path).run()
    assert not os.listdir(tmp_path)


def test_every_listed_experiment_is_there_and_its_cells_differ() -> None:
    for name in catalogue.NAMES:
        experiment = catalogue.find(name)
        assert experiment.name == name
        keys = [cell.key for cell in experiment.cells(range(2))]
        assert keys, name
        assert len(set(keys)) == len(keys), name
