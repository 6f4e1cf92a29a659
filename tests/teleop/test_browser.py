"""`info` as a browser: operators and sittings, label times, tolerance, many files, and the page."""

from __future__ import annotations

import json
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import gymnasium as gym
import h5py
import numpy as np
import pytest

import recordings
from recordings import EditKind, Recorder
from recordings.schema import Driver, Header, LabelKind, Outcome
from teleop.browser import charts
from teleop.browser.groups import rate, spread
from teleop.browser.summary import find, summary
from teleop.cli import main
from teleop.worlds.catalogue import GRIDWORLD

S_NS = 1_000_000_000
EVIL = '</style><script>alert("1")</script><img src=x onerror=alert(1)>'


def sit(path: Path, operator: str, episodes: Sequence[tuple[Outcome, int]], *, at_ns: int = 0) -> Recorder:
    """A sitting of GridWorld: episodes of so many steps a second apart, each paid 1; the recorder is left open."""
    env = GRIDWORLD.make()
    seen, _ = env.reset(seed=0)
    recorder = Recorder(path, Header.for_env(env, operator=operator), resume=path.exists())
    now_ns = at_ns
    for outcome, steps in episodes:
        recorder.begin_episode(seen, seed=0)
        for _ in range(steps):
            recorder.step(3, 1.0, False, False, seen, driver=Driver.HUMAN, student_action=3, time_ns=now_ns)
            now_ns += S_NS
        recorder.end_episode(outcome)
    return recorder


def found_in(path: Path, **options: Any) -> dict[str, Any]:
    with recordings.open(path) as reader:
        return find(reader, **options).data


GOOD, BAD, OPEN = Outcome.SUCCESS, Outcome.FAILURE, Outcome.UNKNOWN


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    """Three sittings, of Ada, of Ben, and of Ada again on a clock that began anew."""
    path = tmp_path / "shared.h5"
    for operator, episodes, at_ns in (
        ("Ada", [(GOOD, 4), (BAD, 2)], 100 * S_NS),
        ("Ben", [(BAD, 10)], 500 * S_NS),
        ("Ada", [(GOOD, 3), (OPEN, 5), (GOOD, 7)], 0),
    ):
        sit(path, operator, episodes, at_ns=at_ns).close()
    return path


def test_operators_have_their_sittings_together(shared: Path) -> None:
    found = found_in(shared)
    ada, ben = found["operators"]
    assert (ada["operator"], ada["sittings"], ada["episodes"], ada["steps"]) == ("Ada", 2, 5, 21)
    assert (ben["operator"], ben["sittings"], ben["episodes"], ben["steps"]) == ("Ben", 1, 1, 10)
    assert ada["outcomes"] == {"success": 3, "failure": 1, "unknown": 1}
    assert (ada["success"]["successes"], ada["success"]["of"], ada["success"]["share"]) == (3, 4, 0.75)
    assert ada["returns"]["mean"] == pytest.approx(21 / 5)
    assert ada["seconds"] == pytest.approx(5 + 14), "from the first to the last step of each sitting"
    assert [each["first_episode"] for each in found["sittings"]] == [0, 2, 3]
    assert [each["steps"] for each in found["sittings"]] == [6, 10, 15]


def test_tables_end_and_the_rest_is_summed_up(shared: Path) -> None:
    found = found_in(shared, rows=2)
    assert [each["episode"] for each in found["episodes_listed"]] == [0, 1]
    assert (found["episodes_beyond"]["episodes"], found["episodes_beyond"]["steps"]) == (4, 25)
    assert (found["sittings_beyond"]["sittings"], found["sittings_beyond"]["episodes"]) == (1, 3)
    everything = found_in(shared)
    assert everything["episodes_beyond"] is None
    assert sum(each["steps"] for each in everything["episodes_listed"]) == 31


def test_discarded_episodes_count_for_no_rate(tmp_path: Path) -> None:
    with sit(tmp_path / "a.h5", "Ada", [(GOOD, 2), (BAD, 8)]) as recorder:
        recorder.edit(EditKind.DISCARD, episode=1, start=0, stop=-1, note="slept")
    found = found_in(tmp_path / "a.h5")
    assert (found["success"]["share"], found["success"]["of"]) == (1.0, 1)
    assert found["returns"]["mean"] == 2.0
    assert (found["episodes"], found["outcomes"]) == (2, {"success": 1, "failure": 1})
    assert [each["discarded"] for each in found["episodes_listed"]] == [False, True]
    assert found["notes"] == [{"act": "discard", "episode": 1, "note": "slept"}]


def test_a_rate_has_the_interval_of_wilson() -> None:
    # 8 of 10: the published example of the Wilson score interval is 0.4902 to 0.9433.
    found = rate(np.array([GOOD] * 8 + [BAD] * 2 + [OPEN]))
    assert (found["low"], found["high"]) == (pytest.approx(0.4902, abs=1e-4), pytest.approx(0.9433, abs=1e-4))
    assert rate(np.array([OPEN]))["share"] is None


def test_what_is_not_finite_spoils_no_mean() -> None:
    assert spread(np.array([1.0, np.nan, 3.0, np.inf]))["mean"] == 2.0
    assert spread(np.array([np.nan]))["max"] is None


# -- times and tolerance ----------------------------------------------------------------------------------


def test_labels_are_timed_where_one_clock_timed_both(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with sit(path, "Ada", [(GOOD, 6)], at_ns=1000 * S_NS) as recorder:
        said = ((0, 1000, LabelKind.TAKEOVER), (1, 1003, LabelKind.PAUSED), (2, 1003, LabelKind.PAUSED))
        for step, at_s, kind in said:
            recorder.label(step, 0, labeler="ada", kind=kind, time_ns=at_s * S_NS)
        recorder.label(3, 0, labeler="ada", kind=LabelKind.RETROSPECTIVE, time_ns=1009 * S_NS)
        recorder.label(4, 0, labeler="ada", kind=LabelKind.PAUSED, time_ns=7 * S_NS)  # before its step
    with sit(path, "Ben", [(GOOD, 2)], at_ns=0) as recorder:
        recorder.label(6, 0, labeler="ben", kind=LabelKind.PAUSED, time_ns=4 * S_NS)
        recorder.label(5, 0, labeler="ben", kind=LabelKind.PAUSED, time_ns=2000 * S_NS)  # of Ada's sitting
    found = found_in(path)
    rows = {(each["occasion"], each["labeler"]): each for each in found["label_latency"]}
    assert set(rows) == {("takeover", "ada"), ("paused", "ada"), ("paused", "ben")}
    takeover, ada, ben = rows["takeover", "ada"], rows["paused", "ada"], rows["paused", "ben"]
    assert (takeover["at_once"], takeover["later"], takeover["median_s"]) == (1, 0, None)
    assert (ada["at_once"], ada["later"], ada["median_s"], ada["max_s"]) == (0, 2, 1.5, 2.0)
    assert (ben["later"], ben["median_s"]) == (1, 4.0)
    assert found["labels_not_timed"] == 3


def two_steerers(path: Path, apart: float) -> None:
    env = gym.make("MountainCarContinuous-v0")  # actions from -1 to 1: a range of 2
    seen, _ = env.reset(seed=0)
    with Recorder(path, Header.for_env(env)) as recorder:
        recorder.begin_episode(seen, seed=0)
        for place in range(4):
            action = np.array([0.25])
            step = recorder.step(
                action, 0.0, False, False, seen, driver=Driver.STUDENT, student_action=action + place * apart
            )
            recorder.label(step, action, labeler="ada", kind=LabelKind.LIVE)
            recorder.label(step, action + place * apart, labeler="ben", kind=LabelKind.LIVE)
            recorder.label(step, action + apart, labeler="ada", kind=LabelKind.REASKED)


@pytest.mark.parametrize(("tolerance", "alike"), [(0.0, 0.25), (0.03125, 0.75), (0.0625, 1.0)])
def test_box_labels_are_compared_within_a_share_of_the_range(
    tmp_path: Path, tolerance: float, alike: float
) -> None:
    # Ada ends at 0.25 + 0.0625, Ben 0, 1, 2, 3 times 0.0625 above 0.25: 1, 0, 1, 2 times 0.0625 apart; the range is 2.
    two_steerers(tmp_path / "a.h5", 0.0625)
    found = found_in(tmp_path / "a.h5", tolerance=tolerance)
    (pair,) = found["labelers_compared"]
    assert (pair["equal"], pair["alike"], found["tolerance"]) == (0.25, alike, tolerance)
    again = found["self_agreement"]["ada"]
    assert (again["same"], again["of"], again["alike"]) == (0, 4, float(tolerance > 0))
    with_student = found["agreement_with_student_by_labeler"]["ben"]
    assert (with_student["share"], with_student["alike"]) == (1.0, 1.0)


def test_choices_know_no_tolerance(shared: Path) -> None:
    found = found_in(shared, tolerance=0.5)
    assert found["tolerance"] is None
    assert found["alike_with_student"] is None


def test_most_labelers_are_compared_and_the_others_counted(tmp_path: Path) -> None:
    with sit(tmp_path / "a.h5", "Ada", [(GOOD, 2)]) as recorder:
        for labeler in range(20):
            for step in range(1 + (labeler >= 4)):
                recorder.label(step, labeler % 2, labeler=f"{labeler:02}", kind=LabelKind.LIVE)
    found = found_in(tmp_path / "a.h5")
    assert found["labelers_not_compared"] == 4
    assert len(found["labelers_compared"]) == 16 * 15 / 2
    assert "00 and 04" not in found["agreement_between_labelers"]


# -- many files, and the page -----------------------------------------------------------------------------


def test_one_file_says_what_it_said_and_several_are_added_up(
    tmp_path: Path, shared: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sit(tmp_path / "more.h5", "Ben", [(GOOD, 5)]).close()
    assert main(["info", str(shared), "--json"]) == 0
    alone = json.loads(capsys.readouterr().out)
    assert alone["episodes"] == 6
    assert main(["info", str(shared), str(tmp_path / "more.h5"), "--json"]) == 0
    both = json.loads(capsys.readouterr().out)
    assert (both["episodes"], both["steps"], both["world"]) == (7, 36, "understudy/GridWorld-v0")
    assert both["recordings"][0] == alone
    ben = both["operators"][1]
    assert (ben["operator"], ben["sittings"], ben["episodes"]) == ("Ben", 2, 2)
    assert (ben["success"]["share"], ben["returns"]["median"]) == (0.5, 7.5)


def test_returns_of_several_worlds_are_not_mixed(
    tmp_path: Path, shared: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    two_steerers(tmp_path / "car.h5", 0.0)
    assert main(["info", str(shared), str(tmp_path / "car.h5"), "--json"]) == 0
    both = json.loads(capsys.readouterr().out)
    assert both["world"] is None
    assert all(each["returns"]["mean"] is None for each in both["operators"])


class Page(HTMLParser):
    """Every tag that was opened, every attribute, and the text."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def page_of(path: Path, *files: Path) -> Page:
    assert main(["info", *map(str, files), "--html", str(path)]) == 0
    return Page(path)


def test_the_page_asks_nothing_of_anybody(tmp_path: Path, shared: Path) -> None:
    page = page_of(tmp_path / "a.html", shared)
    assert page.open == [], "every tag is closed"
    assert not {"script", "link", "img", "iframe", "object", "embed", "base", "form", "a"} & set(page.tags)
    assert not [
        name for name, _ in page.attributes if name.startswith("on") or name in ("src", "href", "srcset")
    ]
    text = (tmp_path / "a.html").read_text()
    assert "url(" not in text
    assert "@import" not in text
    assert "default-src 'none'" in text
    assert page.tags.count("svg") > 4
    for words in ("Ada", "Ben", "shared.h5", "75.0 %", "Return by episode"):
        assert words in page.text


def evil_recording(path: Path) -> Path:
    with sit(path, EVIL[:64], [(GOOD, 6), (BAD, 3)]) as recorder:
        for step in range(6):
            recorder.label(step, step % 2, labeler=EVIL, kind=LabelKind.PAUSED, time_ns=(step + 9) * S_NS)
            recorder.label(step, 1, labeler="\x1b[31m\u202e[/red]", kind=LabelKind.LIVE, time_ns=step * S_NS)
        recorder.edit(EditKind.DISCARD, episode=1, start=0, stop=-1, note=EVIL)
    with h5py.File(path, "r+") as file:
        file.attrs["operator"] = EVIL
        file.attrs["created_utc"] = EVIL
        file.attrs["versions"] = json.dumps({EVIL: EVIL, "lone": "\ud800"})
        file["steps/reward"][0] = np.nan
        file["steps/reward"][7] = np.inf
    return path


def test_names_and_notes_of_anybody_stay_text(tmp_path: Path) -> None:
    path = evil_recording(tmp_path / "e<b>.h5")
    page = page_of(tmp_path / "a.html", path)
    assert page.open == []
    assert not {"script", "img", "b"} & set(page.tags)
    assert page.text.count(EVIL) >= 4, "as it was written: in the head, as labeler, version and note"
    assert "\x1b" not in page.text
    assert "\u202e" not in page.text


def test_a_terminal_is_not_steered(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = evil_recording(tmp_path / "evil.h5")
    assert main(["info", str(path)]) == 0
    said = capsys.readouterr().out
    assert "\x1b" not in said
    assert "\u202e" not in said
    assert "[/red]" in said, "as it was written, and no markup"
    assert main(["info", str(path), "--json"]) == 0
    json.loads(capsys.readouterr().out, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))


def test_an_empty_recording_has_a_page(tmp_path: Path) -> None:
    sit(tmp_path / "empty.h5", "", []).close()
    page = page_of(tmp_path / "a.html", tmp_path / "empty.h5")
    assert "empty.h5" in page.text
    assert "not named" in page.text


def test_a_long_recording_has_a_short_page(tmp_path: Path) -> None:
    sit(tmp_path / "long.h5", "Ada", [(GOOD, 1 + n % 7) for n in range(500)]).close()
    page = page_of(tmp_path / "a.html", tmp_path / "long.h5")
    assert "300 more" in page.text
    assert page.tags.count("tr") < 250
    assert page.tags.count("circle") == 0, "a line and a band instead of dots"
    assert (tmp_path / "a.html").stat().st_size < 200_000


@pytest.mark.parametrize("name", ["shared.h5", "page"])
def test_a_page_never_takes_the_place_of_something_else(
    shared: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = shared.read_bytes()
    assert main(["info", str(shared), "--html", str(shared.with_name(name))]) == 1
    assert "--html: expected a file name that ends in .html" in capsys.readouterr().err
    assert shared.read_bytes() == before


def test_a_page_that_cannot_be_written_is_one_paragraph(
    tmp_path: Path, shared: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("kept")
    assert main(["info", str(shared), "--html", str(tmp_path / "file" / "a.html")]) == 1
    said = capsys.readouterr()
    assert len(said.err.splitlines()) == 1
    assert "expected a place to write the page" in said.err
    (tmp_path / "folder.html").mkdir()
    assert main(["info", str(shared), "--html", str(tmp_path / "folder.html")]) == 1
    assert not list(tmp_path.glob("*.partial")), "nothing is left aside"


def test_sittings_that_cannot_be_are_one_paragraph(shared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with h5py.File(shared, "r+") as file:
        file["sessions/first_episode"][1] = -3
    assert main(["info", str(shared)]) == 1
    said = capsys.readouterr().err
    assert "/sessions/first_episode: row 1" in said
    assert len(said.splitlines()) == 1


def test_steps_between_two_episodes_are_nobodys(shared: Path) -> None:
    with h5py.File(shared, "r+") as file:
        file["episodes/length"][2] = 4  # of ten; the next episode begins six steps later
        file["steps/reward"][6:16] = np.arange(10)
    rows = found_in(shared)["episodes_listed"]
    assert [each["return"] for each in rows] == [4, 2, 0 + 1 + 2 + 3, 3, 5, 7]
    assert rows[2]["drivers"] == {"human": 4}


@pytest.mark.parametrize("column", ["start", "length"])
def test_numbers_beyond_all_numbers_are_one_paragraph(
    shared: Path, column: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with h5py.File(shared, "r+") as file:
        file[f"episodes/{column}"][3] = 2**63 - 1
    assert main(["info", str(shared)]) == 1
    said = capsys.readouterr().err
    assert "/episodes: row 3" in said
    assert len(said.splitlines()) == 1


def test_actions_without_end_are_no_distance_apart(tmp_path: Path) -> None:
    two_steerers(tmp_path / "a.h5", 0.0)
    with h5py.File(tmp_path / "a.h5", "r+") as file:
        file["labels/action"][:2] = np.inf
    (pair,) = found_in(tmp_path / "a.h5")["labelers_compared"]
    assert pair["distance"] is None
    json.dumps(pair, allow_nan=False)


def test_what_a_recorder_is_writing_can_be_looked_at(tmp_path: Path) -> None:
    recorder = sit(tmp_path / "live.h5", "Ada", [(GOOD, 3)])
    recorder.flush()
    with recordings.open(tmp_path / "live.h5", tail=True) as reader:
        found = summary(reader)
    recorder.close()
    assert (found["episodes"], found["operators"][0]["steps"]) == (1, 3)


@pytest.mark.parametrize(
    ("low", "high"), [(0, 0), (1e300, 1e300), (-1e300, 1e300), (0.1, 0.3), (5, 5 + 1e-9), (-7, 12345678)]
)
def test_ticks_are_few_and_hold_what_is_drawn(low: float, high: float) -> None:
    ticks = charts.nice_ticks(low, high)
    assert 2 <= len(ticks) <= 10
    assert ticks[0] <= low + 1e-9 * abs(low)
    assert ticks[-1] >= high - 1e-9 * abs(high)
