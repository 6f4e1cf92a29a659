"""Tables of the page. Cells are escaped here, and whatever a recording says is kept apart from what surrounds it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from teleop.browser.charts import bar_row, number
from teleop.browser.words import NOBODY, percent, seconds_in_words
from teleop.plain_text import plain

MOST = 40
"""Rows of operators, labelers and pairs; the others are counted."""
_ONE_LINE = 200
"""Characters of a name that are shown."""


class Html(str):
    """A figure, ready for the page; every other text is escaped when it becomes a cell."""

    __slots__ = ()


class Picture(Html):
    """Lies to the left of its cell."""

    __slots__ = ()


def table(
    columns: Sequence[str], rows: Sequence[Sequence[Any]], classes: Mapping[int, str] | None = None
) -> str:
    """Numbers to the right. classes: of rows, by their place."""
    is_number = [all(_is_number(row[place]) for row in rows) for place in range(len(columns))]
    marks = [' class="n"' if each else "" for each in is_number]
    head = "".join(f"<th{mark}>{escape(name)}</th>" for name, mark in zip(columns, marks, strict=True))
    lines = []
    for place, row in enumerate(rows):
        mark = f' class="{classes[place]}"' if classes and place in classes else ""
        cells = "".join(f"<td{each}>{cell(value)}</td>" for value, each in zip(row, marks, strict=True))
        lines.append(f"<tr{mark}>{cells}</tr>")
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{"".join(lines)}</tbody></table></div>'


def cell(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, Html):
        return str(value)
    if isinstance(value, int | float):
        return number(float(value))
    return name(str(value))


def name(text: str) -> str:
    """A text from a recording, whatever is in it; its direction of writing stays its own."""
    shown = text if len(text) <= _ONE_LINE else text[:_ONE_LINE] + "…"
    return f"<bdi>{escape(plain(shown))}</bdi>"


def operators(people: Sequence[dict[str, Any]]) -> str:
    """A row for each, those who drove most first."""
    rows: list[Sequence[Any]] = [
        (each["operator"] or NOBODY, each["sittings"], *_of_group(each)) for each in people[:MOST]
    ]
    hidden = len(people) - MOST
    return table(("operator", "sittings", *_GROUP), rows) + (
        f'<p class="note">and {hidden:,} more operators</p>' if hidden > 0 else ""
    )


def sittings(data: dict[str, Any]) -> str:
    """A row for each sitting, and one for all that have none."""
    rows: list[Sequence[Any]] = [
        (str(each["sitting"]), each["created_utc"], each["operator"] or NOBODY, *_of_group(each))
        for each in data["sittings"]
    ]
    beyond, classes = data["sittings_beyond"], {}
    if beyond is not None:
        classes[len(rows)] = "rest"
        rows.append((f"{beyond['sittings']:,} more", None, None, *_of_group(beyond | {"seconds": None})))
    return table(("sitting", "begun (UTC)", "operator", *_GROUP), rows, classes)


def episodes(data: dict[str, Any]) -> str:
    """A row for each episode, and one for all that have none."""
    rows: list[Sequence[Any]] = [
        (
            str(each["episode"]),
            each["outcome"] + (f", branch of {each['parent']}" if each["parent"] is not None else ""),
            each["return"],
            each["steps"],
            each["labels"],
            Picture(bar_row(each["drivers"])),
        )
        for each in data["episodes_listed"]
    ]
    classes = {place: "out" for place, each in enumerate(data["episodes_listed"]) if each["discarded"]}
    beyond = data["episodes_beyond"]
    if beyond is not None:
        classes[len(rows)] = "rest"
        said = ", ".join(f"{count:,} {outcome}" for outcome, count in beyond["outcomes"].items())
        rows.append(
            (
                f"{beyond['episodes']:,} more",
                said,
                Html(f"{cell(beyond['returns']['mean'])} on average"),
                beyond["steps"],
                beyond["labels"],
                Picture(bar_row(beyond["drivers"])),
            )
        )
    return table(("episode", "outcome", "return", "steps", "labels", "driven by"), rows, classes)


def latencies(data: dict[str, Any]) -> str:
    """A row for each occasion and labeler."""
    rows = [
        (
            f"{each['labeler']}, {each['occasion']}",
            each["at_once"],
            each["later"],
            *(
                None if each[name] is None else Html(seconds_in_words(each[name]))
                for name in ("median_s", "p90_s", "max_s")
            ),
        )
        for each in data["label_latency"][:MOST]
    ]
    return table(("labeler, occasion", "at once", "later", "median", "nine of ten", "longest"), rows)


def agreement(data: dict[str, Any]) -> str:
    """Labelers with one another, with the student, and with themselves."""
    near = data["tolerance"]
    pairs = [
        (" and ".join(pair["labelers"]), pair["steps"], pair["equal"], pair["alike"], pair["kappa"])
        for pair in data["labelers_compared"][:MOST]
    ]
    others = [
        (words.format(labeler), each["of"], each["share"], each["alike"], None)
        for words, part in (
            ("{} and the student", "agreement_with_student_by_labeler"),
            ("{}, asked again", "self_agreement"),
        )
        for labeler, each in list(data[part].items())[:MOST]
    ]
    last = "kappa" if near is None else f"within {100 * near:g} %"
    rows = [
        (who, n, _percent(equal), _rounded(kappa) if near is None else _percent(alike))
        for who, n, equal, alike, kappa in (*pairs, *others)
    ]
    return table(("who", "labels", "equal", last), rows)


_GROUP = ("episodes", "steps", "labels", "success", "95 %", "return", "minutes", "driven by")


def _of_group(each: dict[str, Any]) -> tuple[Any, ...]:
    success = each["success"]
    bounds = "" if success["share"] is None else f"{100 * success['low']:.0f}–{100 * success['high']:.0f} %"
    return (
        each["episodes"],
        each["steps"],
        each["labels"],
        _percent(success["share"]),
        Html(bounds) if bounds else None,
        each["returns"]["mean"],
        None if each["seconds"] is None else Html(f"{each['seconds'] / 60:.1f}"),
        Picture(bar_row(each["drivers"])),
    )


def _percent(share: float | None) -> Html | None:
    return None if share is None else Html(percent(share, ""))


def _rounded(value: float | None) -> Html | None:
    return None if value is None else Html(f"{value:.2f}".replace("-", "−"))


def _is_number(value: Any) -> bool:
    return value is None or (isinstance(value, int | float | Html) and not isinstance(value, Picture))
