"""IQ-Learn: the objective by hand and by differences, planning, and what it recovers on the chain."""

from __future__ import annotations

from typing import Any, cast

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.envs.registration import EnvSpec

from learners import iq_learn
from learners.errors import NothingToLearnError, UnsupportedWorldError
from learners.evaluation import evaluate
from learners.interface import Snapshot
from learners.policies import CategoricalPolicy, TablePolicy
from learners.rewards import soft_q
from learners.worlds import WorldFacts
from recordings.demonstrations import Demonstrations
from tests.learners.conftest import LEFT, RIGHT

SMALL: dict[str, Any] = {"copies": 8, "ticks": 16, "rounds": 3}
LOG_2 = float(np.log(2))


def shown(actions: bool = True, action: int = RIGHT) -> Demonstrations:
    """The chain's best episode, 0 -> 1 -> 2, three times; or, going left, one that stays at 0."""
    goes_right = action == RIGHT
    return Demonstrations.from_steps(
        np.array([0, 1] * 3) if goes_right else np.zeros(6, np.int64),
        np.full(6, action) if actions else None,
        observation_space=gym.spaces.Discrete(3),
        action_space=gym.spaces.Discrete(2),
        lengths=np.full(3, 2),
        terminated=np.array([False, goes_right] * 3),
        final_observations=np.full(3, 2 if goes_right else 0),
    )


def steps(*rows: tuple[int, int, int]) -> soft_q.Steps:
    """(state, action, state reached) of the chain, whose state 2 is the end."""
    before, actions, after = np.array(rows).T
    return soft_q.Steps(before, actions, after, after == 2)


def last(world: EnvSpec, demonstrations: Demonstrations, **settings: Any) -> Snapshot:
    config = iq_learn.Config(**(SMALL | settings))
    *_, snapshot = iq_learn.train(config, demonstrations, world, np.random.default_rng(0))
    return snapshot


BOTH_SIDES = soft_q.counted(steps((0, RIGHT, 1), (1, RIGHT, 2)), steps((0, LEFT, 0)), 3, 2, discount=0.5)
HALF = iq_learn.Config(discount=0.5, temperature=1.0, bound=1.0)
AS_IN_HALF = (0.5, 1.0, 1.0)
BY_HAND = -2 * LOG_2 / 3 - LOG_2**2 / 12
"""The objective of those sides at Q = 0, where V = log 2, but 0 once absorbed. The expert has three equal steps (an
end counts as 0.5 + 0.25 + ... = 1 more), with rewards -log 2 / 2, 0 and 0. Both sides earn log 2 / 2 in a sixth of
the steps, log 2 in a sixth, 0 in a sixth and log 2 / 2 in the half that is the policy's own; the square of the
reward is log^2 2 / 4 in two thirds, and counts half."""


def test_sides_are_counted_with_their_stay_in_the_end() -> None:
    third = 1 / 3
    assert BOTH_SIDES.expert == pytest.approx([0, third, 0, third, 0, 0, third])
    assert BOTH_SIDES.both == pytest.approx([0.5, third / 2, 0, third / 2, 0, 0, third / 2])
    assert BOTH_SIDES.tried.tolist() == [True, True, False, True, False, False, True]
    assert BOTH_SIDES.moves.toarray()[3].tolist() == [0, 0, 0, 1], "the end is the absorbing state"


def test_the_objective_by_hand() -> None:
    value, _ = soft_q.objective(np.zeros(7), BOTH_SIDES, 2, *AS_IN_HALF)
    assert value == pytest.approx(BY_HAND)


def test_the_objective_has_the_gradient_that_differences_give() -> None:
    rng = np.random.default_rng(0)
    own = steps((0, LEFT, 0), (0, RIGHT, 1), (0, RIGHT, 0), (1, LEFT, 0), (1, RIGHT, 2), (1, RIGHT, 2))
    sides = soft_q.counted(steps((0, RIGHT, 1), (1, RIGHT, 2)), own, 3, 2, discount=0.5)
    q = rng.standard_normal(7)
    _, gradient = soft_q.objective(q, sides, 2, *AS_IN_HALF)
    for entry in range(7):
        nudge = 1e-6 * np.eye(7)[entry]
        above, below = (soft_q.objective(q + sign * nudge, sides, 2, *AS_IN_HALF)[0] for sign in (1, -1))
        assert gradient[entry] == pytest.approx((above - below) / 2e-6, abs=1e-8)


def test_a_perceptron_has_the_same_objective() -> None:
    """Its last layer starts at zero, so Q = 0 here too; states are now numbers on a line."""
    facts = WorldFacts(gym.spaces.Box(-1, 2, (1,)), gym.spaces.Discrete(2), None)

    def on_a_line(found: soft_q.Steps) -> soft_q.Steps:
        before, after = (states[:, None].astype(np.float32) for states in (found.before, found.after))
        return soft_q.Steps(before, found.actions, after, found.ended)

    expert, own = on_a_line(steps((0, RIGHT, 1), (1, RIGHT, 2))), on_a_line(steps((0, LEFT, 0)))
    learner = iq_learn.NetworkLearner(HALF, facts, expert, np.random.default_rng(0))
    assert learner.objective(expert, own).item() == pytest.approx(BY_HAND)


def test_plans_by_hand() -> None:
    reward = np.array([0.0, 1.0, 9.0, 2.0, 9.0, 9.0, 3.0])
    worth = soft_q.planned(reward, BOTH_SIDES, 2, discount=0.5)
    # Absorbed: 3 + 1.5 + ... = 6. From 1, right: 2 + 6 / 2 = 5. From 0, right: 1 + 5 / 2 = 3.5; left: 3.5 / 2.
    assert worth[[6, 3, 1, 0]] == pytest.approx([6, 5, 3.5, 1.75])
    assert (worth[[2, 4, 5]] < 0).all(), "never tried, whatever is said of their reward"


def test_a_demonstrators_own_doubt_is_recovered(chain: EnvSpec) -> None:
    """Two sides alike and no bound on the reward leave the likelihood: three times right, once left."""
    seen = steps((0, RIGHT, 1), (0, RIGHT, 1), (0, RIGHT, 1), (0, LEFT, 0))
    facts = WorldFacts(gym.spaces.Discrete(3), gym.spaces.Discrete(2), None)
    config = iq_learn.completed(iq_learn.Config(bound=1e6), is_table=True)
    learner = iq_learn.TableLearner(config, facts, seen, np.random.default_rng(0))
    learner.fit(seen, np.random.default_rng(0))
    chances = cast(TablePolicy, learner.policy()).probabilities(np.array([0]))
    assert chances[0] == pytest.approx([0.25, 0.75], abs=1e-3)


@pytest.mark.parametrize("planned", [True, False])
def test_the_chain_is_imitated(chain: EnvSpec, planned: bool) -> None:
    snapshot = last(chain, shown(), planned=planned)
    assert evaluate(snapshot.policy, chain).return_mean == 1
    assert snapshot.reward is not None
    assert snapshot.reward.shape == (3, 2)
    assert snapshot.reward[0, RIGHT] > snapshot.reward[0, LEFT]
    assert snapshot.reward[1, RIGHT] > snapshot.reward[1, LEFT]


def test_ending_and_staying_have_no_worth_of_their_own(chain: EnvSpec) -> None:
    stays = last(chain, shown(action=LEFT))
    assert evaluate(stays.policy, chain).length_mean == 5, "whoever never ends is imitated in that too"
    assert stays.metrics["absorbed_reward"] < 0
    assert last(chain, shown()).metrics["absorbed_reward"] > 0


def test_it_goes_on_from_a_start(chain: EnvSpec) -> None:
    start = last(chain, shown()).policy
    rng = np.random.default_rng(0)
    config = iq_learn.Config(**SMALL, planned=False, iterations=0)
    first = next(iq_learn.train(config, shown(), chain, rng, start=start))
    taken = cast(TablePolicy, first.policy).probabilities(np.arange(3))
    assert taken == pytest.approx(cast(TablePolicy, start).probabilities(np.arange(3)), abs=1e-6)


def test_the_control_sees_no_demonstration(chain: EnvSpec) -> None:
    one, other = (last(chain, shown(action=action), control=True) for action in (LEFT, RIGHT))
    assert one.reward is not None
    assert other.reward is not None
    assert one.reward.tolist() == other.reward.tolist()


def test_perceptrons_train(cartpole: EnvSpec) -> None:
    rng = np.random.default_rng(0)
    demonstrations = Demonstrations.from_steps(
        rng.standard_normal((20, 4)).astype(np.float32),
        rng.integers(2, size=20),
        observation_space=gym.make("CartPole-v1").observation_space,
        action_space=gym.spaces.Discrete(2),
        lengths=np.array([20]),
        final_observations=np.zeros((1, 4), np.float32),
    )
    snapshot = last(cartpole, demonstrations, rounds=2, updates=2, hidden=(4,), batch_size=8)
    assert isinstance(snapshot.policy, CategoricalPolicy)
    assert np.isfinite(list(snapshot.metrics.values())).all()
    assert snapshot.reward is None


def test_what_it_cannot_learn_from_is_refused(chain: EnvSpec) -> None:
    with pytest.raises(NothingToLearnError, match="actions"):
        last(chain, shown(actions=False))
    with pytest.raises(NothingToLearnError, match="observation_space"):
        last(gym.spec("CartPole-v1"), shown())
    with pytest.raises(UnsupportedWorldError, match="Discrete actions"):
        last(gym.spec("Pendulum-v1"), shown())
    with pytest.raises(UnsupportedWorldError, match="found none"):
        next(iq_learn.train(iq_learn.Config(), shown(), None, np.random.default_rng(0)))
