"""What was found, as one page: no script, no network, nothing from elsewhere, and every text in it escaped.

Names and notes in a recording are anybody's. Each text of a recording goes through `tables.name` or `html.escape`, and
beside that the page tells the browser to run and to load nothing.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from recordings.errors import UnderstudyError
from recordings.schema import Driver, Outcome
from teleop.browser import charts, tables
from teleop.browser.style import css
from teleop.browser.summary import Findings
from teleop.browser.words import percent, spread_in_words
from teleop.finish import our_version

HALF, WHOLE = 540, 1110
"""Widths of plots: one of two beside one another, and one alone."""
_STRETCHES = 80
"""Bars over all episodes of a recording."""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"


class PageError(UnderstudyError):
    """The page cannot be where it was asked for."""


def check(path: Path) -> None:
    """Hear of an impossible page before reading recordings; also keeps a slip from replacing one. Raises PageError."""
    if path.suffix.lower() not in (".html", ".htm"):
        raise PageError(f"--html: expected a file name that ends in .html, found {path}.")


def write(path: Path, found: Sequence[Findings], data: dict[str, Any]) -> None:
    """Write the page of these recordings aside, and rename it to `path`. data: of all of them. Raises PageError."""
    aside = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        aside.write_bytes(page(found, data).encode("utf-8", errors="replace"))
        aside.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            aside.unlink()
        raise PageError(
            f"{path}: expected a place to write the page, found: {error.strerror or error}. Choose another path or "
            "make room; a page that was there before is untouched."
        ) from error


def page(found: Sequence[Findings], data: dict[str, Any]) -> str:
    """The whole page as text."""
    single = len(found) == 1
    title = Path(found[0].path).name if single else f"{len(found)} recordings"
    body = "".join(_recording(each, is_alone=single) for each in found)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        '<meta name="referrer" content="no-referrer">'
        f"<title>{escape(title)}</title><style>{css()}</style></head><body><main>"
        f'<header><div class="brand">Understudy</div><h1>{tables.name(title)}</h1>{_lead(data)}</header>'
        f"{'' if single else _together(data)}{body}"
        f"<footer>Made by <code>understudy info --html</code>, version {escape(our_version() or 'unknown')}. Returns, "
        "lengths and success leave out episodes that were discarded or still run.</footer></main></body></html>\n"
    )


def _lead(data: dict[str, Any]) -> str:
    people = [each["operator"] for each in data["operators"] if each["operator"]]
    who = ", ".join(people[:6]) + (f" and {len(people) - 6} more" if len(people) > 6 else "")
    parts = [data["world"] or "several worlds", data.get("created_utc", ""), f"by {who}" if who else ""]
    return f'<div class="quiet">{" · ".join(tables.name(each) for each in parts if each)}</div>'


def _together(data: dict[str, Any]) -> str:
    tiles = [
        tile("recordings", charts.number(len(data["recordings"]))),
        tile("episodes", charts.number(data["episodes"])),
        tile("steps", charts.number(data["steps"])),
        tile("labels", charts.number(data["labels"])),
    ]
    note = "" if data["world"] else "Worlds differ, and with them what a return means."
    return (
        f'<div class="tiles">{"".join(tiles)}</div><div class="cards">'
        f"{card('Operators', tables.operators(data['operators']), note, is_wide=True)}</div>"
    )


def _recording(found: Findings, *, is_alone: bool) -> str:
    data = found.data
    title = "" if is_alone else f"<h2>{tables.name(Path(found.path).name)}</h2>"
    told = f'<p class="note">{tables.name(data["recovered"])}</p>' if data["recovered"] else ""
    halves = [
        _drivers(found),
        _outcomes(found),
        _lengths(found),
        _agreement_curve(found),
        _labels(data),
        _agreement(data),
        _delays(found),
    ]
    has_gap = sum(map(bool, halves)) % 2 == 0
    cards = [
        _returns(found),
        *halves,
        _made_with(data, is_wide=has_gap),
        _people(data),
        card("Episodes", tables.episodes(data), _how_many(data), is_wide=True),
    ]
    return (
        f'<section class="recording">{title}{told}<div class="tiles">{_tiles(data)}</div>'
        f'<div class="cards">{"".join(cards)}</div></section>'
    )


def _tiles(data: dict[str, Any]) -> str:
    success, lengths = data["success"], data["lengths"]
    length = data["takeover_length"]
    minutes = None if data["seconds"] is None else charts.number(round(data["seconds"] / 60, 1))
    mean = "" if lengths["mean"] is None else f"{charts.number(round(lengths['mean'], 1))} steps each"
    return "".join(
        [
            tile("episodes", charts.number(data["episodes"]), mean),
            tile("steps", charts.number(data["steps"]), f"{minutes} minutes" if minutes else ""),
            tile("success", percent(success["share"], ""), f"of {success['of']:,} judged"),
            tile("return", _mean(data["returns"]), _range(data["returns"])),
            tile(
                "labels",
                charts.number(data["labels"]),
                f"on {data['distinct_labelled_steps']:,} steps" if data["labels"] else "",
            ),
            tile(
                "driven by the student",
                percent(data["autonomous"], ""),
                f"{data['takeovers']:,} takeovers, {length:.1f} steps each" if length else "",
            ),
        ]
    )


def tile(label: str, value: str, more: str = "") -> str:
    """One figure; nothing where there is none."""
    if not value:
        return ""
    extra = f'<div class="more">{escape(more)}</div>' if more else ""
    return (
        f'<div class="tile"><div class="label">{escape(label)}</div><div class="value">{escape(value)}</div>'
        f"{extra}</div>"
    )


def card(title: str, inside: str, note: str = "", *, is_wide: bool = False) -> str:
    said = f'<p class="note">{escape(note)}</p>' if note else ""
    return (
        f'<section class="card{" wide" if is_wide else ""}"><h2>{escape(title)}</h2>{said}{inside}</section>'
    )


def key(names: Sequence[tuple[str, str]]) -> str:
    """What colours mean: colour and name of each."""
    parts = (
        f'<span><i style="background:var(--{colour})"></i>{escape(name)}</span>' for colour, name in names
    )
    return f'<div class="key">{"".join(parts)}</div>'


# -- plots ------------------------------------------------------------------------------------------------


def _returns(found: Findings) -> str:
    survey = found.survey
    if not survey.n_episodes:
        return ""
    outcomes = [Outcome(code).name.lower() for code in survey.outcomes.tolist()]
    picture = charts.by_episode(survey.returns, outcomes, "return", outcomes, width=WHOLE)
    if survey.n_episodes <= charts.MOST_POINTS:
        seen = [(each.name.lower(),) * 2 for each in Outcome if each.name.lower() in set(outcomes)]
        return card("Return by episode", picture + key(seen), is_wide=True)
    note = "Line: the median of neighbouring episodes; band: from the least to the most of them."
    return card("Return by episode", picture, note, is_wide=True)


def _drivers(found: Findings) -> str:
    survey = found.survey
    if not survey.n_steps:
        return ""
    seen = [each for each in Driver if survey.steps_of(each)]
    shares = {each.name.lower(): _over_episodes(survey.driven[:, each]) for each in seen}
    picture = charts.stacked(shares, survey.n_episodes, "share of steps", width=HALF)
    return card("Who drove", picture + key([(each.name.lower(),) * 2 for each in seen]))


def _outcomes(found: Findings) -> str:
    survey = found.survey
    if not survey.n_episodes:
        return ""
    seen = [each for each in Outcome if (survey.outcomes == each).any()]
    shares = {each.name.lower(): _over_episodes((survey.outcomes == each).astype(np.int64)) for each in seen}
    picture = charts.stacked(shares, survey.n_episodes, "share of episodes", width=HALF)
    named = [(each.name.lower(), f"{each.name.lower()} {(survey.outcomes == each).sum():,}") for each in seen]
    return card("How episodes ended", picture + key(named))


def _lengths(found: Findings) -> str:
    lengths = found.survey.lengths[found.survey.outcomes != Outcome.RUNNING]
    if not len(lengths):
        return ""
    return card("How long episodes were", charts.histogram(lengths, "steps", width=HALF))


def _agreement_curve(found: Findings) -> str:
    """How the student came to say what the labels say, over the labels in the order given."""
    seen = found.curve[:, 1] > 0
    if seen.sum() < 2:
        return ""
    n = int(found.survey.labels.sum())
    places = (np.flatnonzero(seen) + 0.5) / len(found.curve) * n
    values = found.curve[seen, 0] / found.curve[seen, 1]
    near = found.data["tolerance"]
    note = "Labels with which the student of that moment would have agreed" + (
        f", within {100 * near:g} % of the action's range." if near else "."
    )
    picture = charts.curve(places, values, "share", "labels, as they were given", n, width=HALF)
    return card("Does the student come to agree?", picture, note)


def _delays(found: Findings) -> str:
    data = found.data
    if not data["label_latency"]:
        return ""
    named = [(f"series{place % 6}", occasion) for place, occasion in enumerate(found.delays_s)]
    picture = charts.delays(found.delays_s, width=HALF) + key(named) if found.delays_s else ""
    notes = ["At once: in the very tick of the step, while driving."]
    if data["labels_not_timed"]:
        notes.append(f"Left out: {data['labels_not_timed']:,} labels that may be of a later sitting.")
    return card("From a step to its label", picture + tables.latencies(data), " ".join(notes))


# -- tables -----------------------------------------------------------------------------------------------


def _labels(data: dict[str, Any]) -> str:
    if not data["labels"]:
        return ""
    by_labeler = [
        (labeler, count, _a_minute(data["labels_per_minute"].get(labeler)))
        for labeler, count in list(data["labelers"].items())[: tables.MOST]
    ]
    hidden = len(data["labelers"]) - len(by_labeler)
    note = f"{hidden:,} more labelers are not shown." if hidden else ""
    occasions = tables.table(("occasion", "labels"), list(data["label_kinds"].items()))
    return card("Labels", tables.table(("labeler", "labels", "a minute"), by_labeler) + occasions, note)


def _a_minute(rate: float | None) -> tables.Html | None:
    return None if rate is None else tables.Html(charts.number(float(f"{rate:.3g}")))


def _agreement(data: dict[str, Any]) -> str:
    if not (data["labelers_compared"] or data["agreement_with_student_by_labeler"] or data["self_agreement"]):
        return ""
    near = data["tolerance"]
    notes = ["Kappa: agreement beyond that of chance."]
    if near is not None:
        notes = [
            f"Equal: to the last digit. Within {100 * near:g} % of the range of every number of the action."
        ]
    if data["labelers_not_compared"]:
        notes.append(f"The {data['labelers_not_compared']:,} labelers with fewest labels are not compared.")
    return card("Who agrees with whom", tables.agreement(data), " ".join(notes))


def _people(data: dict[str, Any]) -> str:
    inside = tables.operators(data["operators"])
    if len(data["sittings"]) > 1:
        inside += f"<details><summary>By sitting</summary>{tables.sittings(data)}</details>"
    return card("Operators", inside, is_wide=True)


def _made_with(data: dict[str, Any], *, is_wide: bool) -> str:
    rate = f"{data['control_hz']:g} steps a second" if data["control_hz"] else "as fast as possible"
    facts = [
        *(
            (what, spread_in_words(data[of]).replace("-", "−"))
            for what, of in (("return", "returns"), ("length", "lengths"))
        ),
        *_curated(data),
        ("control rate", rate),
        ("recording format", str(data["format_version"])),
        *((program, version or "–") for program, version in data["versions"].items()),
    ]
    inside = tables.table(("", ""), [each for each in facts[: tables.MOST] if each[1]])
    notes = [
        (f"{each['act']}, episode {each['episode']}", each["note"]) for each in data["notes"][-tables.MOST :]
    ]
    if notes:
        inside += f"<details><summary>Notes</summary>{tables.table(('act', 'note'), notes)}</details>"
    return card("Curated, and made with", inside, is_wide=is_wide)


def _curated(data: dict[str, Any]) -> list[tuple[str, str]]:
    counts = (
        ("episodes discarded", len(data["discarded_episodes"])),
        ("steps discarded", data["discarded_steps"]),
        ("steps not to be imitated", data["marked_steps"]),
        ("episodes judged anew", len(data["judged_episodes"])),
        ("labels withdrawn", data["withdrawn_labels"]),
        ("branches", len(data["branches"])),
    )
    return [(what, f"{count:,}") for what, count in counts if count]


def _how_many(data: dict[str, Any]) -> str:
    shown = len(data["episodes_listed"])
    return (
        f"The first {shown:,} of {data['episodes']:,}; the others are summed up."
        if data["episodes_beyond"]
        else ""
    )


def _over_episodes(counts: Any) -> Any:
    """(E,) counts -> (B,) summed over stretches of episodes, as equal as can be."""
    n = len(counts)
    edges = np.unique(np.linspace(0, n, min(n, _STRETCHES) + 1).astype(np.int64)[:-1])
    return np.add.reduceat(counts, edges)


def _mean(found: dict[str, float | None]) -> str:
    return "" if found["mean"] is None else charts.number(float(f"{found['mean']:.4g}"))


def _range(found: dict[str, float | None]) -> str:
    low, high = found["min"], found["max"]
    return "" if low is None or high is None else f"from {charts.number(low)} to {charts.number(high)}"
