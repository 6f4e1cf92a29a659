"""What was found, in words: the rows of what a terminal shows, and figures as people say them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

_BRANCHES_SHOWN = 6
_PEOPLE_SHOWN = 12
OPERATORS = ("operator", "episodes", "steps", "labels", "success", "return", "minutes")
NOBODY = "not named"
"""The operator of a sitting at which nobody said who they are."""


def sheet(data: dict[str, Any]) -> list[tuple[str, Any]]:
    """One recording: what, and what was found."""
    rows = [
        ("world", data["world"]),
        ("created", data["created_utc"]),
        ("operator", data["operator"] or "not given"),
        ("control rate", "not known" if data["control_hz"] is None else f"{data['control_hz']:g} Hz"),
        ("episodes", data["episodes"]),
        ("  by outcome", listed(data["outcomes"])),
        ("  success", success_in_words(data["success"])),
        ("  return", spread_in_words(data["returns"])),
        ("  length", spread_in_words(data["lengths"])),
        ("  branches", _branches_in_words(data["branches"])),
        ("steps", data["steps"]),
        ("  by driver", listed(data["drivers"])),
        ("  driven by the student", percent(data["autonomous"], "of those it might have driven")),
        ("  takeovers", _takeovers_in_words(data)),
        ("  discarded", _discarded_in_words(data)),
        ("  not to be imitated", data["marked_steps"] or ""),
        ("labels", data["labels"]),
        ("  by occasion", listed(data["label_kinds"])),
        ("  by labeler", listed(data["labelers"])),
        ("  a minute", listed({name: f"{n:.0f}" for name, n in data["labels_per_minute"].items() if n})),
        ("  withdrawn", data["withdrawn_labels"] or ""),
        *_latency_in_words(data),
        *_agreement_in_words(data),
        ("recovered", data["recovered"] or "no, it was closed properly"),
    ]
    return [row for row in rows if row[1] != ""]


def operators(people: Sequence[dict[str, Any]]) -> tuple[str, list[tuple[Any, ...]]]:
    """A title, and a row for each of those who drove most, as OPERATORS has its columns."""
    rows = [
        (
            each["operator"] or NOBODY,
            each["episodes"],
            each["steps"],
            each["labels"],
            percent(each["success"]["share"], "") or "–",
            each["returns"]["mean"],
            "–" if each["seconds"] is None else f"{each['seconds'] / 60:.1f}",
        )
        for each in people[:_PEOPLE_SHOWN]
    ]
    return "By operator" + (f", {_PEOPLE_SHOWN} of {len(people)}" if len(people) > len(rows) else ""), rows


def success_in_words(success: dict[str, Any]) -> str:
    """The share, of how many, and where the truth may lie."""
    if success["share"] is None:
        return ""
    bounds = f"{100 * success['low']:.0f} to {100 * success['high']:.0f} %"
    return f"{100 * success['share']:.1f} % of {success['of']} judged (95 %: {bounds})"


def spread_in_words(found: dict[str, float | None]) -> str:
    if found["mean"] is None or found["std"] is None:
        return ""
    return f"{found['mean']:.4g} ± {found['std']:.3g}, from {found['min']:.4g} to {found['max']:.4g}"


def listed(counts: dict[str, Any]) -> str:
    return ", ".join(f"{name} {n}" for name, n in counts.items())


def percent(share: float | None, of: str) -> str:
    return "" if share is None else f"{100 * share:.1f} % {of}".rstrip()


def seconds_in_words(value: float) -> str:
    """Three digits of what a person waits, in the unit that fits."""
    if value < 0.9995:
        return f"{1000 * value:.3g} ms"
    return f"{value:.3g} s" if value < 120 else f"{value / 60:.3g} min"


def _latency_in_words(data: dict[str, Any]) -> list[tuple[str, str]]:
    rows = []
    for each in data["label_latency"]:
        if each["later"]:
            words = (
                f"{seconds_in_words(each['median_s'])} (nine of ten within {seconds_in_words(each['p90_s'])})"
            )
            name = f"  {each['labeler']} {each['occasion']}, after its step"
            rows.append((name, f"{words}, {each['later']} labels"))
    return rows


def _agreement_in_words(data: dict[str, Any]) -> list[tuple[str, str]]:
    with_student = data["agreement_with_student_by_labeler"]
    rows = [
        (f"{name} agrees with the student", _of_in_words(each, data)) for name, each in with_student.items()
    ]
    if not rows:
        rows.append(("agreement with the student", "nobody to compare"))
    for pair in data["labelers_compared"]:
        chance = "" if pair["kappa"] is None else f", kappa {pair['kappa']:.2f}"
        apart = "" if pair["distance"] is None else f", {pair['distance']:.3g} apart on average"
        share = percent(pair["equal"], f"of {pair['steps']} steps")
        near = near_in_words(pair["alike"], data["tolerance"])
        rows.append((f"{' and '.join(pair['labelers'])} agree", f"{share}{near}{chance}{apart}"))
    for name, each in data["self_agreement"].items():
        near = near_in_words(each["alike"], data["tolerance"])
        rows.append((f"{name} asked again", f"the same {each['same']} times of {each['of']}{near}"))
    return rows


def near_in_words(alike: float | None, tolerance: float | None) -> str:
    """What a tolerance makes of it, and which; nothing of choices."""
    if alike is None or tolerance is None:
        return ""
    return f", {100 * alike:.1f} % within {100 * tolerance:g} % of the action's range"


def _of_in_words(counts: dict[str, Any], data: dict[str, Any]) -> str:
    near = near_in_words(counts["alike"], data["tolerance"])
    return percent(counts["share"], f"of {counts['of']} labels") + near


def _branches_in_words(branches: list[dict[str, int]]) -> str:
    shown = [
        f"{each['episode']} from {each['parent']} at step {each['step']}"
        for each in branches[:_BRANCHES_SHOWN]
    ]
    more = len(branches) - len(shown)
    return ", ".join([*shown, *([f"and {more} more"] if more else [])])


def _takeovers_in_words(data: dict[str, Any]) -> str:
    if data["autonomous"] is None:
        return ""
    length = data["takeover_length"]
    return "none" if length is None else f"{data['takeovers']}, of {length:.1f} steps on average"


def _discarded_in_words(data: dict[str, Any]) -> str:
    whole = len(data["discarded_episodes"])
    return f"{data['discarded_steps']}, whole episodes {whole}" if data["discarded_steps"] or whole else ""
