"""Observations that are pictures: convolutions that can be counted by hand, and students that read them."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest
import torch

from learners import bc, checkpoint, dagger
from learners.cloning.lessons import Rows
from learners.errors import PolicyFileError
from learners.evaluation import EPISODES, PICTURED_EPISODES, evaluate
from learners.networks import PicturePerceptron, build, freeze, thaw
from learners.pictures import filter_shapes, is_picture, n_features, read
from learners.policies import Architecture, NetworkPolicy
from learners.worlds import WorldFacts
from recordings.demonstrations import Demonstrations

SMALL = gym.spaces.Box(0, 255, (20, 20, 1), np.uint8)
CAMERA = gym.spaces.Box(0, 255, (96, 96, 3), np.uint8)
SIDES = gym.spaces.Discrete(2)


def bright_sides(n: int) -> Demonstrations:
    """Grey pictures with a bright left (0) or right (1) half, which is the action."""
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 100, (n, *SMALL.shape)).astype(np.uint8)
    sides = np.arange(n) % 2
    for picture, side in zip(pictures, sides, strict=True):
        picture[:, 10 * side : 10 * side + 10] += 100
    return Demonstrations.from_pairs(pictures, sides, observation_space=SMALL, action_space=SIDES)


def random_network(architecture: Architecture) -> PicturePerceptron:
    """Every weight drawn, the last layer's too."""
    network = build(architecture, np.random.default_rng(0))
    assert isinstance(network, PicturePerceptron)
    torch.manual_seed(0)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    network.mean.fill_(90.0)
    network.std.fill_(50.0)
    return network


def test_bytes_in_rows_columns_and_channels_are_a_picture() -> None:
    assert is_picture(CAMERA)
    assert is_picture(SMALL)
    assert not is_picture(gym.spaces.Box(0, 255, (128,), np.uint8)), "a console's memory"
    assert not is_picture(gym.spaces.Box(0, 1, (96, 96, 3), np.float32)), "not bytes"
    assert not is_picture(gym.spaces.Box(0, 255, (10, 10, 3), np.uint8)), "too small for the second layer"
    assert not is_picture(SIDES)


def test_a_camera_of_96_by_96_has_10_by_10_places_after_two_layers() -> None:
    """(96 - 8) / 4 + 1 = 23 and (23 - 4) / 2 + 1 = 10, rounded down."""
    assert filter_shapes((96, 96, 3), (16, 32)) == [(16, 3, 8, 8), (32, 16, 4, 4)]
    assert n_features((96, 96, 3), (16, 32)) == 10 * 10 * 32
    with pytest.raises(ValueError, match="at most 3 layers"):
        filter_shapes((96, 96, 3), (8, 8, 8, 8))


def test_a_filter_sums_what_it_sees() -> None:
    """One filter of ones on a picture of ones sees 64 of them at each of 4 by 4 places; below 0 it says nothing."""
    arrays = {
        "mean": np.zeros(1, np.float32),
        "std": np.ones(1, np.float32),
        "convolutions.0.weight": np.ones((1, 1, 8, 8), np.float32),
        "convolutions.0.bias": np.full(1, -60.0, np.float32),
    }
    white = np.ones((2, *SMALL.shape), np.uint8)
    white[1] = 0
    answers = read(arrays, white)
    assert answers.shape == (2, 16)
    assert (answers[0] == 4.0).all()
    assert (answers[1] == 0.0).all()


@pytest.mark.parametrize("memory", [0, 5])
def test_numpy_reads_a_picture_as_torch_does(memory: int) -> None:
    space = gym.spaces.Box(0, 255, (30, 41, 3), np.uint8)
    architecture = Architecture(space, gym.spaces.Box(-9, 9, (2,)), (7,), "tanh", memory, (4, 6))
    network = random_network(architecture)
    pictures = np.random.default_rng(1).integers(0, 256, (70, *space.shape)).astype(np.uint8)
    with torch.no_grad():
        expected = network(torch.from_numpy(pictures)).numpy()
    found = freeze(network, architecture).act(pictures)
    np.testing.assert_allclose(found, expected.clip(-9, 9), atol=1e-4)
    assert np.ptp(expected) > 0.01


def test_a_student_tells_left_from_right_and_survives_its_file() -> None:
    config = bc.Config(hidden=(8,), filters=(4, 4), updates=60, check_every=30, batch_size=32)
    *_, last = bc.train(config, bright_sides(64), None, np.random.default_rng(0))
    policy, fresh = last.policy, bright_sides(10)
    assert isinstance(policy, NetworkPolicy)
    assert policy.architecture.filters == (4, 4)
    assert (policy.act(fresh.observations) == fresh.actions).all()
    content = checkpoint.to_bytes(policy, checkpoint.Origin())
    loaded = checkpoint.from_bytes(content).policy
    assert loaded.architecture == policy.architecture
    assert (loaded.act(fresh.observations) == fresh.actions).all()
    assert freeze(thaw(loaded), loaded.architecture).arrays.keys() == policy.arrays.keys()


def test_a_file_whose_filters_do_not_fit_is_refused() -> None:
    policy = freeze(
        build(Architecture(SMALL, SIDES, filters=(2, 2)), np.random.default_rng(0)),
        Architecture(SMALL, SIDES, filters=(2, 2)),
    )
    content = checkpoint.to_bytes(policy, checkpoint.Origin())
    damaged = content.replace(b'\\"filters\\": [2, 2]', b'\\"filters\\": [2, 0]')
    assert damaged != content
    with pytest.raises(PolicyFileError, match="filters: expected layer widths"):
        checkpoint.from_bytes(damaged)


def test_filters_need_pictures() -> None:
    with pytest.raises(ValueError, match="expected none without pictures"):
        Architecture(gym.spaces.Box(-1, 1, (4,)), SIDES, filters=(4,))


def test_pictures_stay_bytes_and_alike_ones_are_one_situation() -> None:
    pictures = np.zeros((4, *SMALL.shape), np.uint8)
    pictures[1] = pictures[3] = 7
    rows = Rows(pictures, torch.zeros(4, dtype=torch.int64), 2, np.random.default_rng(0))
    assert rows.alike.tolist() == [0, 1, 0, 1]
    network = random_network(Architecture(SMALL, SIDES, (), filters=(2, 2)))
    outputs, _ = rows.all(network)
    assert torch.equal(outputs[0], outputs[2])


class Lights(gym.Env[np.ndarray, int]):
    """Two steps of a bright half; pressing its side pays 1."""

    def __init__(self) -> None:
        self.observation_space, self.action_space = SMALL, SIDES

    def reset(
        self, *, seed: int | None = None, options: object = None
    ) -> tuple[np.ndarray, dict[str, object]]:
        super().reset(seed=seed)
        self._step = 0
        return self._seen(), {}

    def step(self, action: int) -> tuple[np.ndarray, float, bool, bool, dict[str, object]]:
        paid = float(action == self._side)
        self._step += 1
        return self._seen(), paid, self._step == 2, False, {}

    def _seen(self) -> np.ndarray:
        self._side = int(self.np_random.integers(2))
        picture = np.zeros(SMALL.shape, np.uint8)
        picture[:, 10 * self._side : 10 * self._side + 10] = 200
        return picture


def test_a_policy_of_pictures_is_judged_by_few_episodes() -> None:
    """A world that draws its observations takes a hundred times as long a step as one that does not."""
    world = gym.envs.registration.EnvSpec("Lights-v0", entry_point=Lights)
    architecture = Architecture(SMALL, SIDES, filters=(2, 2))
    found = evaluate(freeze(build(architecture, np.random.default_rng(0)), architecture), world)
    assert (found.episodes, found.length_mean) == (PICTURED_EPISODES, 2.0)
    assert PICTURED_EPISODES < EPISODES


class Presses:
    """Presses the side that is bright."""

    name = "presses"

    def act(self, observation: np.ndarray, tick: int) -> int:
        return int(observation[0, 15, 0] > 100)


def test_dagger_teaches_a_student_of_pictures() -> None:
    world = gym.envs.registration.EnvSpec("Lights-v0", entry_point=Lights)
    config = dagger.Config(rounds=1, labels_per_round=8, alone_episodes=10)
    *_, last = dagger.train(config, None, world, np.random.default_rng(0), expert=Presses())
    assert last.metrics["labels"] == 8
    assert last.metrics["return_alone"] == 2.0, "two bright halves, both pressed"
    assert isinstance(last.policy, NetworkPolicy)
    assert last.policy.architecture.filters == dagger.picture_student().filters


def test_who_is_asked_depends_on_what_a_student_can_tell() -> None:
    """How sure it is, where it chooses; how new a state is, where it is not a picture, which all are."""
    torque = gym.spaces.Box(-1, 1, (1,))
    for seen, done, gate in (
        (gym.spaces.Box(-1, 1, (4,)), SIDES, "uncertainty"),
        (CAMERA, SIDES, "uncertainty"),
        (gym.spaces.Discrete(9), SIDES, "novelty"),
        (gym.spaces.Box(-1, 1, (4,)), torque, "novelty"),
        (CAMERA, torque, "beta"),
    ):
        assert dagger.usual_gate(WorldFacts(seen, done, None)) == gate
