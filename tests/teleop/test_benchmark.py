"""The benchmark's bookkeeping: what is kept, what is measured again, and when a claim counts as met."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import recordings
from recordings.errors import UnderstudyError
from recordings.exchange.catalogue import FORMATS
from teleop.benchmark import exchange, training
from teleop.benchmark import ledger as ledgers
from teleop.benchmark.claims import CLAIMS, Claim
from teleop.benchmark.learning import Run, summary
from teleop.benchmark.ledger import Ledger, LedgerError, NotMeasured, without_remarks
from teleop.benchmark.page import as_page
from teleop.benchmark.rows import Row
from teleop.benchmark.timings import Timings
from teleop.commands import benchmark
from teleop.worlds.catalogue import CARTPOLE, GRIDWORLD
from tests.teleop.tiny_experiment import OneAfterAnother


def test_a_finished_measurement_is_not_made_again(tmp_path: Path) -> None:
    path = tmp_path / "b.jsonl"
    assert Ledger(path).once("speed", lambda: [1.0, 2.0]) == [1.0, 2.0]
    assert Ledger(path).once("speed", lambda: [9.0]) == [1.0, 2.0]
    assert Ledger(path, again=True).once("speed", lambda: [9.0]) == [9.0]
    assert Ledger(path).once("speed", None) == [9.0], "the last of a key counts"


def test_again_measures_each_key_once(tmp_path: Path) -> None:
    path = tmp_path / "b.jsonl"
    Ledger(path).once("speed", lambda: 1)
    again = Ledger(path, again=True)
    assert [again.once("speed", lambda: 2), again.once("speed", lambda: 3)] == [2, 2]


def test_what_was_never_measured_is_said(tmp_path: Path) -> None:
    with pytest.raises(NotMeasured, match="speed"):
        Ledger(tmp_path / "b.jsonl").once("speed", None)


def test_a_line_cut_off_by_a_kill_counts_as_never_written(tmp_path: Path) -> None:
    path = tmp_path / "b.jsonl"
    Ledger(path).once("speed", lambda: 1)
    Ledger(path).once("cost", lambda: 2)
    path.write_bytes(path.read_bytes()[:-10])
    ledger = Ledger(path)
    assert ledger.once("speed", None) == 1
    with pytest.raises(NotMeasured):
        ledger.once("cost", None)


def test_measurements_go_on_after_a_line_that_was_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "b.jsonl"
    Ledger(path).once("speed", lambda: 1)
    path.write_bytes(path.read_bytes()[:-10])
    Ledger(path).once("cost", lambda: 2)
    assert Ledger(path).once("cost", None) == 2


@pytest.mark.parametrize("content", ["hello", "hello\n", '{"key": "a"}\n', "[]\n"])
def test_another_file_is_refused_and_left_alone(tmp_path: Path, content: str) -> None:
    path = tmp_path / "b.jsonl"
    path.write_text(content)
    with pytest.raises(LedgerError, match="line 1"):
        Ledger(path)
    assert path.read_text() == content


def test_measurements_by_other_sources_are_known_as_such(tmp_path: Path) -> None:
    path = tmp_path / "b.jsonl"
    ledger = Ledger(path)
    ledger.once("speed", lambda: 1)
    line = json.loads(path.read_text())
    path.write_text(json.dumps(line | {"code": "00000000"}) + "\n")
    later = Ledger(path)
    later.once("speed", None)
    later.once("cost", lambda: 2)
    assert [later.is_current(entry) for entry in later.used()] == [False, True]


def test_remarks_change_no_fingerprint_and_code_does() -> None:
    plain = "def double(x):\n    return 2 * x\n"
    remarked = '"""Twice."""\n\n\ndef double(x):  # of anything\n    """2 x."""\n    return 2 * x\n'
    assert without_remarks(plain) == without_remarks(remarked)
    assert without_remarks(plain) != without_remarks(plain.replace("2", "3"))


def run(return_: float, seconds: float = 1.0, **others: object) -> Run:
    return {
        "return_mean": return_,
        "exact": True,
        "seconds": seconds,
        "processor_seconds": seconds,
        "peak_mb": 300.0,
        "env_steps": 0,
        "labels": None,
        "ceiling": 10.0,
        **others,
    }


MEDIAN = Claim("bc", GRIDWORLD, 9.0, 5.0, demonstrations=10)
MOST = Claim("bc", CARTPOLE, 500.0, 5.0, demonstrations=1, seeds=10, passing=9)


def test_the_median_is_what_a_claim_is_held_against() -> None:
    row = summary(MEDIAN, [run(8.0), run(9.1), run(9.5)])
    assert (row.return_median, row.return_min, row.return_max, row.met) == (9.1, 8.0, 9.5, True)
    assert summary(MEDIAN, [run(8.0), run(8.9), run(9.5)]).met is False


def test_nine_of_ten_seeds_must_each_pass() -> None:
    assert summary(MOST, [run(500.0)] * 9 + [run(20.0)]).met is True
    assert summary(MOST, [run(500.0)] * 8 + [run(499.9)] * 2).met is False
    assert summary(MOST, [run(500.0)] * 2).met is True, "fewer seeds: the same share of them"


@pytest.mark.parametrize(
    "late", [{"seconds": 6.0}, {"peak_mb": 2000.0}], ids=["over its time", "over its memory"]
)
def test_a_return_alone_is_not_enough(late: dict[str, float]) -> None:
    assert summary(MEDIAN, [run(9.5) | late]).met is False


def test_times_of_a_shared_machine_are_no_evidence() -> None:
    assert summary(MEDIAN, [run(9.5, seconds=6.0, shared=True)]).met is None
    assert summary(MEDIAN, [run(9.5, shared=True)]).met is None
    assert summary(MEDIAN, [run(8.5, shared=True)]).met is False
    page = as_page([summary(MEDIAN, [run(9.5, shared=True)])])
    assert "| bc ‡ |" in page
    assert "beside other runs" in page


def test_more_labels_than_claimed_miss_the_claim() -> None:
    claim = replace(MEDIAN, labels=100)
    assert summary(claim, [run(9.5, labels=100.0)]).met is True
    assert summary(claim, [run(9.5, labels=101.0)]).met is False


def test_a_session_has_no_demonstrator_to_be_compared_with() -> None:
    found = run(9.9, labels=1500)
    del found["ceiling"]
    assert summary(replace(MEDIAN, session_with="scripted"), [found]).ceiling is None


def test_fine_tuning_must_end_above_its_start_on_every_seed() -> None:
    claim = replace(MEDIAN, continues=MEDIAN)
    assert summary(claim, [run(9.5), run(9.6)], [run(9.4), run(9.5)]).met is True
    assert summary(claim, [run(9.5), run(9.6)], [run(9.4), run(9.7)]).met is False


def test_a_reason_is_told_only_where_a_claim_is_missed() -> None:
    claim = replace(MEDIAN, reason="too few demonstrations")
    assert summary(claim, [run(9.5)]).reason == ""
    assert summary(claim, [run(8.5)]).reason == "too few demonstrations"


def test_rows_are_asked_for_by_their_words() -> None:
    def chosen(*only: str) -> list[str]:
        return [" ".join(case.words) for case in benchmark.CASES if benchmark._is_asked_for(case, only)]

    assert len(chosen()) == len(benchmark.CASES)
    assert all("gail" in words for words in chosen("gail"))
    assert all("gail" in words and "cartpole" in words for words in chosen("gail+cartpole"))
    assert 0 < len(chosen("gail+cartpole")) < len(chosen("gail"))
    assert set(chosen("gail", "bc")) == set(chosen("gail")) | set(chosen("bc"))


def test_no_two_claims_would_be_kept_under_one_name() -> None:
    keys = [(claim.learner, claim.options, claim.world.name, claim.data) for claim in CLAIMS]
    assert len(set(keys)) == len(keys)


def test_the_page_holds_every_row_its_verdict_and_its_reason() -> None:
    rows = [
        replace(summary(replace(MEDIAN, reason="noise"), [run(8.5)]), date="2030-01-02", floor=-67.6),
        replace(summary(MOST, [run(500.0)] * 10), current=False),
        Row("opening", "cartpole", value=3.0, value_min=2.0, value_max=4.0, unit="ms", seeds=3),
    ]
    page = as_page(rows)
    assert "1 of 2 claims hold" in page
    assert "| bc | 10 scripted demonstrations | 8.50 (8.50–8.50) | 1 | 10.00 | -67.60 |" in page
    assert "- bc, 10 scripted demonstrations: noise" in page
    assert "bc †" in page
    assert "earlier state of the program" in page
    assert "| opening | cartpole | 3.00 (2.00–4.00) | ms |" in page


# -- the command -------------------------------------------------------------------------------------------


@pytest.fixture
def fast(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """No process is started: the commands that runs would run, which find a return; each cell in this process."""
    told: list[tuple[str, ...]] = []

    def run_command(*words: str) -> dict[str, Any]:
        told.append(words)
        if "--out" in words:
            Path(words[words.index("--out") + 1]).write_bytes(b"")
        if words[0] == "train" and words[words.index("--seed") + 1] == "1" and "gail" in words:
            raise UnderstudyError("out of memory")
        return run(500.0) | {"metrics": {}}

    monkeypatch.setattr(ledgers, "code_fingerprint", lambda _sources=(): "00000000")
    monkeypatch.setattr(training, "run_command", run_command)
    monkeypatch.setattr(training, "mean_return", lambda _path: 500.0)
    monkeypatch.setattr(training, "random_return", lambda _world: 22.0)
    monkeypatch.setattr(benchmark, "engine_for", lambda _workers, _cluster: OneAfterAnother())
    return told


def test_runs_that_need_one_recording_make_it_once_and_keep_apart_what_they_learn(
    fast: list[tuple[str, ...]], tmp_path: Path
) -> None:
    report = benchmark.Benchmark(
        only=("bc+cartpole", "bco+cartpole"), seeds=2, out=tmp_path / "b.jsonl"
    ).run()
    assert [(row["learner"], row["return_median"], row["floor"]) for row in report.data["rows"]] == [
        ("bc", 500.0, 22.0),
        ("bco", 500.0, 22.0),
    ]
    assert report.status == 0
    assert sum(words[0] == "record" for words in fast) == 2, "one a seed, for both learners"
    policies = [words[words.index("--out") + 1] for words in fast if words[0] == "train"]
    assert len(set(policies)) == 4


def test_a_run_that_fails_twice_costs_its_own_row_and_the_status(
    fast: list[tuple[str, ...]], tmp_path: Path
) -> None:
    asked = benchmark.Benchmark(only=("bc+cartpole", "gail+cartpole"), seeds=2, out=tmp_path / "b.jsonl")
    report = asked.run()
    assert [row["learner"] for row in report.data["rows"]] == ["bc"]
    assert report.status == 1
    assert all("seed 1: UnderstudyError: out of memory" in each for each in report.data["failures"])
    assert len(report.data["failures"]) == 2, "two rows of gail, a run of each"
    before = len(fast)
    asked.run()
    assert len([words for words in fast[before:] if words[0] == "train"]) == 4, (
        "what failed, twice; nothing else"
    )


def test_timings_are_made_here_and_never_by_a_sweep() -> None:
    assert any(case.is_timing for case in benchmark.CASES)
    for case in benchmark.CASES:
        assert bool(case.tasks(range(1), False)) != case.is_timing, case.words


def test_every_format_that_is_there_is_timed_both_ways_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchange, "STEPS", 600)
    timings = Timings(Ledger(tmp_path / "b.jsonl"), tmp_path, range(2), measures=True)
    rows = [*timings.exchange(), *timings.merging()]
    there = sum(map(exchange.is_there, FORMATS))
    assert len({row.name for row in rows}) == 2 * there + 1
    assert all(row.value is not None and row.value > 0 and row.seeds == 2 for row in rows)
    left = {path.name for path in tmp_path.iterdir()} - {"b.jsonl"}
    assert left == {"labelled-gridworld-0.h5", *(f"labelled-cartpole-{seed}.h5" for seed in range(4))}
    with recordings.open(tmp_path / "labelled-cartpole-0.h5") as reader:
        assert len(reader.labels().steps) == 300
