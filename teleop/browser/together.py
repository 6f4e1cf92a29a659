"""Several recordings at once: what can be added up, and each operator over all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from teleop.browser.groups import Columns, figures, rows_of, spread
from teleop.browser.summary import Findings, added


def summary(found: Sequence[Findings]) -> dict[str, Any]:
    """The sums, and under `recordings` what `info` says of each. world is None where they are of several."""
    all_data = [each.data for each in found]
    worlds = {each["world"] for each in all_data}
    return {
        "format_version": all_data[0]["format_version"],
        "world": worlds.pop() if len(worlds) == 1 else None,
        "episodes": sum(each["episodes"] for each in all_data),
        "steps": sum(each["steps"] for each in all_data),
        "labels": sum(each["labels"] for each in all_data),
        "drivers": _added(each["drivers"] for each in all_data),
        "outcomes": _added(each["outcomes"] for each in all_data),
        "recovered": "\n".join(each["recovered"] for each in all_data if each["recovered"]) or None,
        "operators": _operators(found),
        "recordings": all_data,
    }


def _operators(found: Sequence[Findings]) -> list[dict[str, Any]]:
    """Each by name, those who drove most first, over every recording; without returns where worlds differ."""
    is_one_world = len({each.data["world"] for each in found}) == 1
    names = {row["operator"]: None for each in found for row in each.data["operators"]}
    rows = []
    for name in names:
        own = [row for each in found for row in each.data["operators"] if row["operator"] == name]
        episodes = Columns.joined([_episodes_of(name, each) for each in found])
        sat = {
            "sittings": sum(row["sittings"] for row in own),
            "seconds": added([row["seconds"] for row in own]),
        }
        rows.append({"operator": name, **sat, **figures(episodes)})
        if not is_one_world:
            rows[-1]["returns"] = spread(np.empty(0))
    return sorted(rows, key=lambda row: -row["steps"])


def _episodes_of(operator: str, found: Findings) -> Columns:
    own = (sitting.episodes for sitting in found.sittings if sitting.operator == operator)
    return Columns.of(found.survey, rows_of(own))


def _added(counts: Iterable[dict[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for each in counts:
        total.update(each)
    return dict(total)
