"""Settings that make no sense are refused when a Config is made; the least that make sense still teach."""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import numpy as np
import pytest
from gymnasium.envs.registration import EnvSpec

from learners import LEARNERS
from learners.errors import SettingError
from learners.settings import Candidates, Count, NonNegative, Part, Positive, Range, Share, allows, told
from teleop import cli
from tests.learners.test_every_learner import Guide, shown

TINY: dict[str, dict[str, Any]] = {
    "bco": {"exploration": 60},
    "dagger": {"rounds": 2, "steps_per_round": 50},
    "gail": {"copies": 4, "ticks": 8, "iterations": 2},
    "iq-learn": {"copies": 4, "ticks": 8, "rounds": 2, "iterations": 5},
    "ppo": {"copies": 4, "ticks": 8, "iterations": 2},
    "relent-irl": {"exploration": 60, "steps": 60, "rounds": 2},
}
NEAR = 1e-6
"""How near to an end that is left out."""


def ranges(kind: Any) -> Iterator[tuple[type, Range]]:
    """Every number's own type and range in a field's type; a number without any fails."""
    parts = get_args(kind)
    if get_origin(kind) is Annotated and isinstance(parts[1], Range):
        yield parts[0], parts[1]
        return
    assert kind not in (int, float), "a number without a range"
    for part in parts:
        yield from ranges(part)


def numbers(learner: str) -> list[tuple[str, type, Range, bool]]:
    """Field, type of its number, range, whether it is a tuple of them; of every field that is a number or several."""
    hints = get_type_hints(LEARNERS[learner].Config, include_extras=True)
    return [
        (name, number, limits, allows(kind, (limits.least + 1,)))
        for name, kind in hints.items()
        for number, limits in ranges(kind)
    ]


def within(number: type, limits: Range) -> list[float]:
    """The least and, where there is one, the greatest number that makes sense."""
    both = [limits.least + NEAR * limits.above, limits.most - NEAR * limits.below]
    return [number(value) for value in both if math.isfinite(value)]


@pytest.mark.parametrize("learner", LEARNERS)
def test_every_number_has_a_range_and_no_other_is_taken(learner: str) -> None:
    config = LEARNERS[learner].Config()
    assert numbers(learner)
    for name, _, limits, is_tuple in numbers(learner):
        for value in (limits.least - 1, limits.most + 1, math.nan, -math.inf, "many", True):
            with pytest.raises(SettingError, match=f"^setting {name}: expected .*, found .*Leave it out for"):
                replace(config, **{name: (value,) if is_tuple else value})


@pytest.mark.parametrize("learner", LEARNERS)
def test_no_setting_within_its_range_ends_in_a_traceback_or_in_no_number(
    learner: str, chain: EnvSpec
) -> None:
    module = LEARNERS[learner]
    extras = {"expert": Guide()} if "expert" in inspect.signature(module.train).parameters else {}
    quick = replace(module.Config(), **TINY.get(learner, {}))
    for name, number, limits, is_tuple in numbers(learner):
        for value in within(number, limits):
            config = replace(quick, **{name: (value,) if is_tuple else value})
            *_, last = module.train(config, shown(chain), chain, np.random.default_rng(0), **extras)
            assert np.isfinite(list(last.metrics.values())).all(), (name, value)
            assert np.isfinite(last.policy.probabilities(np.arange(2))).all(), (name, value)


def test_a_choice_that_is_none_is_refused() -> None:
    with pytest.raises(SettingError, match="setting generator: expected one of ppo, cma-es, found 'sgd'"):
        LEARNERS["gail"].Config(generator="sgd")


@pytest.mark.parametrize(
    ("kind", "taken", "refused", "words"),
    [
        (Count, 1, 0, "a whole number from 1 on"),
        (Count, np.int64(3), 2.0, "a whole number from 1 on"),
        (Count, 10**400, math.inf, "a whole number from 1 on"),
        (Positive | None, None, 0.0, "a number over 0"),
        (NonNegative, 0, -1e-9, "a number from 0 on"),
        (Share, 1, 1.1, "a number from 0 to 1"),
        (Part, 0.99, 1, "a number from 0 to below 1"),
        (tuple[Count, ...], (), (3, 0), "a whole number from 1 on for each"),
        (Candidates, (0.0,), (), "a number from 0 on for each, one at least"),
        (Annotated[Count | None, "said of it elsewhere"], None, 0, "a whole number from 1 on"),
    ],
)
def test_a_type_says_what_it_allows(kind: Any, taken: Any, refused: Any, words: str) -> None:
    assert allows(kind, taken)
    assert not allows(kind, refused)
    assert told(kind) == words


def test_the_command_line_says_so_in_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["train", "ppo", "--env", "gridworld", "--copies", "0"]) == 2
    told_to_the_person = capsys.readouterr().err
    assert "setting copies: expected a whole number from 1 on, found 0" in told_to_the_person
    assert "Traceback" not in told_to_the_person
