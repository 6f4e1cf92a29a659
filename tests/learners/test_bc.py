"""Cloning, on numbers that can be checked by hand."""

from __future__ import annotations

import dataclasses
from typing import Literal

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium.envs.registration import EnvSpec

from learners import bc
from learners.cloning.labelled_steps import labelled_steps
from learners.errors import NothingToLearnError
from learners.interface import Array, Snapshot
from learners.networks import thaw
from learners.policies import CategoricalPolicy, GaussianPolicy, NetworkPolicy
from recordings.demonstrations import Demonstrations

PLANE = gym.spaces.Box(-10.0, 10.0, (2,))
QUICK = bc.Config(hidden=(), learning_rate=0.1, updates=300, check_every=100)


def last(
    config: bc.Config, data: Demonstrations, world: EnvSpec | None = None, **options: object
) -> Snapshot:
    *_, snapshot = bc.train(config, data, world, np.random.default_rng(0), **options)  # type: ignore[arg-type]
    return snapshot


def sides(n: int, seed: int = 0) -> Demonstrations:
    """Points of the plane; the action says whether x > 0."""
    points = np.random.default_rng(seed).uniform(-1, 1, (n, 2)).astype(np.float32)
    return Demonstrations.from_pairs(
        points,
        (points[:, 0] > 0).astype(np.int64),
        observation_space=PLANE,
        action_space=gym.spaces.Discrete(2),
    )


def test_a_perceptron_finds_the_line() -> None:
    policy = last(QUICK, sides(500)).policy
    assert policy.act(np.array([[0.3, 0.9], [-0.3, 0.9]])).tolist() == [1, 0]


def test_a_mirror_teaches_the_other_side() -> None:
    def mirror(observations: Array, actions: Array) -> tuple[Array, Array]:
        return -observations, 1 - actions

    data = sides(400)
    right = data.observations[:, 0] > 0.2
    half = dataclasses.replace(data, labelled=right)
    probe = np.array([[-0.8, 0.0]], np.float32)
    assert last(QUICK, half).policy.act(probe).tolist() == [1]
    assert last(QUICK, half, symmetry=mirror).policy.act(probe).tolist() == [0]


def test_a_perceptron_fits_a_line_by_least_squares() -> None:
    x = np.linspace(-1, 1, 64, dtype=np.float32)[:, None]
    data = Demonstrations.from_pairs(
        np.hstack([x, 0 * x]), 2 * x - 0.5, observation_space=PLANE, action_space=gym.spaces.Box(-5, 5, (1,))
    )
    snapshot = last(dataclasses.replace(QUICK, l2=0.0), data)
    assert snapshot.policy.act(np.array([[0.5, 0.0]], np.float32)) == pytest.approx(0.5, abs=0.02)
    assert snapshot.metrics["loss"] < 1e-3


@pytest.mark.parametrize("optimiser", ["adam", "adamw", "sgd"])
def test_every_optimiser_finds_the_line(optimiser: Literal["adam", "adamw", "sgd"]) -> None:
    config = bc.Config(hidden=(8,), activation="relu", optimiser=optimiser, updates=200)
    found = last(config, sides(300))
    assert found.metrics["accuracy"] > 0.97
    assert found.policy.act(np.array([[0.3, 0.9], [-0.3, 0.9]])).tolist() == [1, 0]


def test_with_adamw_the_best_moment_is_the_one_of_the_smallest_loss() -> None:
    """Its decay is no part of what it follows: weights that must grow would make the first moment look the best."""
    x = np.linspace(-1, 1, 64, dtype=np.float32)[:, None]
    data = Demonstrations.from_pairs(
        np.hstack([x, 0 * x]), 4 * x, observation_space=PLANE, action_space=gym.spaces.Box(-5, 5, (1,))
    )
    config = dataclasses.replace(QUICK, optimiser="adamw", l2=0.3, check_every=10, patience=99)
    moments = list(bc.train(config, data, None, np.random.default_rng(0)))
    best = min(moments, key=lambda moment: moment.metrics["loss"])
    assert moments[-1].metrics["best_update"] == best.step
    assert best.metrics["objective"] == best.metrics["loss"]


def test_the_likeliest_gaussian_learns_its_width_and_weighs_errors_by_it() -> None:
    """Two numbers of an action around 1 and -1, deviations 0.5 and 2: -log likelihood by hand."""
    rng = np.random.default_rng(0)
    noise = rng.standard_normal((400, 2))
    noise = (noise - noise.mean(0)) / noise.std(0)
    actions = (np.array([1.0, -1.0]) + noise * np.array([0.5, 2.0])).astype(np.float32)
    data = Demonstrations.from_pairs(
        np.zeros((400, 2), np.float32),
        actions,
        observation_space=PLANE,
        action_space=gym.spaces.Box(-9, 9, (2,)),
    )
    config = dataclasses.replace(QUICK, box_loss="likelihood", batch_size=400, l2=0.0)
    found = last(config, data)
    assert isinstance(found.policy, GaussianPolicy)
    assert found.policy.act(np.zeros((1, 2)))[0] == pytest.approx([1, -1], abs=0.05)
    assert np.exp(found.policy.arrays["log_std"]) == pytest.approx([0.5, 2], rel=0.05)
    entropy = np.log([0.5, 2]).sum() + 1 + np.log(2 * np.pi)
    assert found.metrics["loss"] == pytest.approx(entropy, abs=0.01)


def test_the_rare_action_counts_as_much_as_the_common_one_if_balanced() -> None:
    """One observation; of 40 labels 10 say 1. Balanced, the student is undecided."""
    data = Demonstrations.from_pairs(
        np.zeros((40, 2), np.float32),
        (np.arange(40) < 10).astype(np.int64),
        observation_space=PLANE,
        action_space=gym.spaces.Discrete(2),
    )
    for class_weights, expected in (("equal", 0.25), ("balanced", 0.5)):
        config = dataclasses.replace(QUICK, class_weights=class_weights, l2=0.0)  # type: ignore[arg-type]
        found = last(config, data)
        assert isinstance(found.policy, CategoricalPolicy)
        assert found.policy.probabilities(np.zeros((1, 2)))[0, 1] == pytest.approx(expected, abs=0.01)
        assert found.metrics["accuracy_ties"] == 1


def test_training_goes_on_from_a_given_student() -> None:
    data = sides(300)
    first = last(QUICK, data)
    config = dataclasses.replace(QUICK, updates=5, learning_rate=1e-3)
    second = last(config, data, start=first.policy)
    assert second.metrics["loss"] == pytest.approx(first.metrics["loss"], rel=0.05)
    assert isinstance(second.policy, NetworkPolicy)
    assert isinstance(first.policy, NetworkPolicy)
    assert (second.policy.arrays["mean"] == first.policy.arrays["mean"]).all()


def test_the_same_seed_gives_the_same_student() -> None:
    config = bc.Config(hidden=(8,), updates=20, check_every=10, batch_size=32)
    first, second = (last(config, sides(100)).policy for _ in range(2))
    assert isinstance(first, CategoricalPolicy)
    assert isinstance(second, CategoricalPolicy)
    for name, array in first.arrays.items():
        assert array.tobytes() == second.arrays[name].tobytes()


def test_a_tenth_of_the_episodes_is_held_out_if_there_are_ten() -> None:
    data = sides(100)
    episodes = dataclasses.replace(
        data,
        starts=np.arange(0, 100, 5),
        lengths=np.full(20, 5),
        final_observations=data.observations[:20],
    )
    held_out = labelled_steps(episodes, 0.1, np.random.default_rng(0)).held_out
    assert held_out.sum() == 2
    assert not labelled_steps(data, 0.1, np.random.default_rng(0)).held_out.any()


def test_nobody_is_held_out_who_alone_has_labels() -> None:
    data = sides(10)
    alone = dataclasses.replace(
        data,
        starts=np.arange(10),
        lengths=np.ones(10, np.int64),
        final_observations=data.observations,
        labelled=np.arange(10) == 3,
    )
    for seed in range(20):
        assert not labelled_steps(alone, 0.5, np.random.default_rng(seed)).held_out.any()


def test_the_loss_has_the_gradient_that_differences_give() -> None:
    data = sides(16)
    network = thaw(last(dataclasses.replace(QUICK, hidden=(3,), updates=5), data).policy).double()  # type: ignore[arg-type]
    x = torch.from_numpy(data.observations).double()
    y = torch.from_numpy(np.asarray(data.actions))
    weight, loss = network.layers[0].weight, bc.Loss(is_categorical=True)  # type: ignore[index, union-attr]
    loss(_double_forward(network, x), y).backward()
    slope, step = weight.grad[0, 1].item(), 1e-6
    with torch.no_grad():
        weight[0, 1] += step
        above = loss(_double_forward(network, x), y).item()
        weight[0, 1] -= 2 * step
        below = loss(_double_forward(network, x), y).item()
    assert slope == pytest.approx((above - below) / (2 * step), rel=1e-5)


def _double_forward(network: torch.nn.Module, observations: torch.Tensor) -> torch.Tensor:
    x = (observations - network.mean) / network.std  # type: ignore[operator]
    hidden, out = network.layers  # type: ignore[misc]
    return out(torch.tanh(hidden(x)))  # type: ignore[no-any-return, has-type]


def test_nothing_to_learn_is_said() -> None:
    silent = dataclasses.replace(sides(3), labelled=np.zeros(3, bool))
    with pytest.raises(NothingToLearnError, match="found none in 3 steps"):
        last(QUICK, silent)
    with pytest.raises(NothingToLearnError, match="observations alone"):
        last(QUICK, dataclasses.replace(silent, actions=None))
    with pytest.raises(
        NothingToLearnError, match="actions: expected whole numbers from 0 to 1, found 1 to 2"
    ):
        last(QUICK, dataclasses.replace(sides(2), actions=np.array([1, 2])))
    broken = dataclasses.replace(sides(2), observations=np.array([[0, np.nan], [0, 0]], np.float32))
    with pytest.raises(NothingToLearnError, match="observations: expected finite numbers"):
        last(QUICK, broken)


def test_plain_gradient_descent_by_hand() -> None:
    """(2 w + b - 1)^2 from w = b = 0: slopes -4 and -2, so that w = 0.2, b = 0.1; then -2 and -1, so that w = 0.3."""
    data = Demonstrations.from_pairs(
        np.array([[2.0]], np.float32),
        np.array([[1.0]], np.float32),
        observation_space=gym.spaces.Box(-5, 5, (1,)),
        action_space=gym.spaces.Box(-5, 5, (1,)),
    )
    plain = bc.Config(
        hidden=(), optimiser="sgd", learning_rate=0.05, momentum=0.0, decay="none", standardised=False, l2=0.0
    )
    for updates, weight in ((1, 0.2), (2, 0.3)):
        config = dataclasses.replace(plain, updates=updates, check_every=1)
        policy = last(config, data).policy
        assert isinstance(policy, NetworkPolicy)
        assert policy.arrays["mean"].tolist() == [0.0]
        assert policy.arrays["layers.0.weight"].item() == pytest.approx(weight)
