"""Cloning from observation as an experiment: what is counted, what is hidden, and what the page says of figures."""

from __future__ import annotations

from collections.abc import Mapping

import gymnasium as gym
import numpy as np
import pytest

from learners import bco
from recordings.demonstrations import Demonstrations
from teleop.experiments import observation
from teleop.experiments.experiment import Findings, Found, Table
from teleop.experiments.first_episodes import first_episodes
from teleop.experiments.observation import source
from teleop.experiments.observation.page import SETTINGS, imitate, infer, share_right, verdict
from teleop.experiments.observation.ways import INVERSES, explored, likeliest, states_alone
from teleop.worlds.catalogue import CARTPOLE, GRIDWORLD

PUSHES = gym.spaces.Discrete(2)


def pushed(n: int = 200) -> Demonstrations:
    """Carts at rest here and there; action 1 gives speed 0.2 to the right, action 0 to the left."""
    rng = np.random.default_rng(0)
    actions = rng.integers(0, 2, n)
    before = np.zeros((n, 4), np.float32)
    before[:, 0] = rng.uniform(-1, 1, n)
    after = before.copy()
    after[:, 1] = np.where(actions == 1, 0.2, -0.2)
    return Demonstrations.from_steps(
        before,
        actions,
        observation_space=gym.spaces.Box(-5, 5, (4,), np.float32),
        action_space=PUSHES,
        lengths=np.ones(n, np.int64),
        final_observations=after,
    )


def own(shown: Demonstrations) -> bco.OwnTransitions:
    assert shown.actions is not None
    return bco.OwnTransitions(shown.observations, shown.final_observations, shown.actions)


# -- what is counted -------------------------------------------------------------------------------------


def test_no_answer_is_never_right() -> None:
    causes = np.array([[0.2, 0.8], [0.9, 0.1], [0.0, 0.0], [0.5, 0.5]])
    assert likeliest(causes).tolist() == [1, 0, -1, 0]
    assert share_right(likeliest(causes), np.array([1, 1, 0, 0]), gym.spaces.Discrete(2)) == 0.5


def test_the_first_episode_ends_with_its_last_step() -> None:
    ended = np.array([[0, 0, 1], [1, 0, 0], [0, 0, 1], [1, 0, 0]], bool)
    assert first_episodes(ended).T.tolist() == [
        [True, True, False, False],
        [True, True, True, True],
        [True, False, False, False],
    ]


def test_own_steps_are_as_many_as_asked_for_and_lead_where_the_world_leads() -> None:
    steps = explored(GRIDWORLD, 50, np.random.default_rng(0))
    assert len(steps.before) == len(steps.after) == len(steps.actions) == 50
    rows, columns = np.divmod(steps.before, 50)
    down, right = steps.actions == 1, steps.actions == 3
    expected = np.minimum(rows + down, 49) * 50 + np.minimum(columns + right, 49)
    sideways = down | right
    assert sideways.any()
    assert np.array_equal(steps.after[sideways], expected[sideways])


def test_hidden_actions_are_not_there_to_be_read() -> None:
    shown = states_alone(pushed())
    assert shown.actions is None
    assert not shown.labelled.any()


# -- inverse models --------------------------------------------------------------------------------------


def test_a_cause_that_shows_is_found() -> None:
    """The speed after the push tells its direction: nothing is left to chance."""
    shown, rng = pushed(), np.random.default_rng(0)
    assert shown.actions is not None
    seen = bco.demonstrated(shown)
    assert (
        share_right(
            INVERSES["difference"](own(shown), seen, CARTPOLE, rng), shown.actions, shown.action_space
        )
        == 1.0
    )
    inverse = source.Inverse(own(shown), PUSHES, rng, passes=100)
    assert share_right(inverse.actions(seen), shown.actions, PUSHES) == 1.0


def test_counts_know_a_move_elsewhere_only_if_pooled() -> None:
    """One step to the right at the top left; asked is a step to the right in the row below."""
    steps = bco.OwnTransitions(np.array([0]), np.array([1]), np.array([3]))
    asked = bco.Transitions(np.array([50]), np.array([51]))
    rng = np.random.default_rng(0)
    assert INVERSES["pooled"](steps, asked, GRIDWORLD, rng).tolist() == [3]
    assert INVERSES["unpooled"](steps, asked, GRIDWORLD, rng).tolist() == [-1]


def test_the_sources_networks_read_both_states_and_have_its_sizes() -> None:
    shown = pushed(40)
    rng = np.random.default_rng(0)
    student = source.clone(shown, own(shown).actions, rng)
    assert student.architecture.hidden == (256, 256, 256)
    assert student.architecture.activation == "relu"
    pair = source.both(bco.Transitions(np.array([[1.0, 2.0]]), np.array([[3.0, 4.0]])))
    assert pair.tolist() == [[1.0, 2.0, 3.0, 4.0]]


def test_the_sources_own_steps_are_ten_whole_episodes() -> None:
    steps = source.own_steps(CARTPOLE.spec(), np.random.default_rng(0))
    fallen = (np.abs(steps.after[:, 0]) > 2.4) | (np.abs(steps.after[:, 2]) > np.radians(12))
    assert fallen.sum() == source.EPISODES, "each of them ends with a fall, and goes no further"


def test_of_an_action_of_several_numbers_each_may_be_a_little_off() -> None:
    space = gym.spaces.Box(np.array([-1.0, -10.0], np.float32), np.array([1.0, 10.0], np.float32))
    actions = np.zeros((3, 2), np.float32)
    found = np.array([[0.09, 0.9], [0.11, 0.0], [0.0, -1.1]])
    assert share_right(found, actions, space) == pytest.approx(1 / 3)


# -- the page --------------------------------------------------------------------------------------------


def made_up(returns: Mapping[str, float]) -> Findings:
    """Every cell with figures of my own; returns: way -> return, 100 for all others."""
    pairs = []
    for cell in observation.EXPERIMENT.cells(range(2)):
        found: Found = {"right": 0.5, "seconds": 1.0}
        if cell.work is imitate:
            value = returns.get(cell.arguments["how"], 100.0)
            found = {
                "mean_of_few": value,
                "deviation_of_few": 2.5,
                "return": value,
                "own_steps": 2_800,
                "agreement": 0.9,
                "seconds": 1.0,
            }
        pairs.append((cell, found))
    return Findings(pairs)


@pytest.mark.parametrize(
    ("hidden", "said"), [(100.0, "costs nothing"), (99.5, "costs nothing"), (60.0, "costs 40.00")]
)
def test_what_hiding_the_actions_costs_is_decided_by_the_figures(hidden: float, said: str) -> None:
    assert said in verdict(made_up({"states": hidden}), SETTINGS[1])


def test_page_and_items_say_what_was_found() -> None:
    findings = made_up({"source-short": 21.0})
    tables = [part for part in observation.EXPERIMENT.page(findings) if isinstance(part, Table)]
    returns = next(table for table in tables if table.title == "CartPole: returns")
    assert len(returns.rows) == 10, "five ways, from one demonstration and from ten"
    assert returns.rows[0][2:] == ("100.00 ± 2.50", "100.00", "2,800", "90.0%")
    ours = {item.asked: item.ours for item in observation.EXPERIMENT.items(findings)}
    assert ours["Cloning from observation on CartPole-v1"] == "100.00 ± 2.50"
    assert any(value.startswith("21.00 ± 2.50; trained to the end 100.00") for value in ours.values())


def test_every_cell_is_one_of_the_two_works_and_is_seeded() -> None:
    assert {cell.work for cell in observation.EXPERIMENT.cells(range(1))} == {imitate, infer}
    assert all(cell.arguments["seed"] == 7 for cell in observation.EXPERIMENT.cells(range(7, 8)))
