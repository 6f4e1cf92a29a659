"""Policies, networks and their files."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest
import safetensors.numpy
import torch

import learners
from learners import checkpoint
from learners.errors import LearnerError, PolicyFileError, UnknownLearnerError, UnsupportedWorldError
from learners.networks import build, freeze, nearest_labelled, orthogonal, thaw
from learners.policies import (
    Architecture,
    CategoricalPolicy,
    NetworkPolicy,
    TablePolicy,
    policy_from,
)

BOX = gym.spaces.Box(-1.0, 1.0, (3,))
TABLE = Architecture(gym.spaces.Discrete(3, start=5), gym.spaces.Discrete(2, start=1))
PERCEPTRON = Architecture(BOX, gym.spaces.Discrete(2), (8, 8), "relu")
RECURRENT = Architecture(BOX, gym.spaces.Discrete(2), (4,), "tanh", memory=3)
GAUSSIAN = Architecture(BOX, gym.spaces.Box(-2.0, 2.0, (2, 1)), (4,))


def random_policy(architecture: Architecture, seed: int = 0) -> NetworkPolicy:
    rng = np.random.default_rng(seed)
    arrays = {
        name: np.zeros(shape, np.int64) if name == "stand_in" else rng.random(shape).astype(np.float32) + 0.1
        for name, shape in architecture.shapes().items()
    }
    return policy_from(architecture, arrays)


def test_importing_learners_and_loading_a_policy_leaves_torch_alone(tmp_path: Path) -> None:
    checkpoint.save(random_policy(TABLE), tmp_path / "p.safetensors")
    path = str(tmp_path / "p.safetensors")
    code = f"import sys, learners; learners.load_policy({path!r}); print('torch' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "False\n"


def test_an_unknown_learner_is_told_the_choices() -> None:
    with pytest.raises(UnknownLearnerError, match=r"bc, .*ppo"):
        learners.LEARNERS["bcc"]
    assert learners.LEARNERS["bc"].Config().batch_size > 0


def test_before_any_label_every_action_is_equally_likely() -> None:
    for architecture in (TABLE, PERCEPTRON):
        policy = freeze(build(architecture, np.random.default_rng(0)), architecture)
        observations = np.array([5, 6, 7]) if architecture is TABLE else np.eye(3)
        assert isinstance(policy, CategoricalPolicy)
        assert policy.probabilities(observations) == pytest.approx(np.full((3, 2), 0.5))


def test_a_state_without_label_borrows_the_answer_but_not_the_certainty() -> None:
    arrays = {
        "outputs": np.array([[0, 0], [0, np.log(3)], [0, 0]], np.float32),
        "stand_in": np.array([1, 1, 2]),
    }
    policy = policy_from(TABLE, arrays)
    assert isinstance(policy, TablePolicy)
    states = np.array([5, 6, 7])
    assert policy.probabilities(states) == pytest.approx(np.array([[0.25, 0.75], [0.25, 0.75], [0.5, 0.5]]))
    assert policy.confidence(states) == pytest.approx([0.5, 0.75, 0.5])
    assert policy.act(states).tolist() == [2, 2, 1]
    drawn = policy.act(np.full(20_000, 6), np.random.default_rng(0))
    assert np.mean(drawn == 2) == pytest.approx(0.75, abs=0.015)


def test_numpy_and_torch_answer_alike() -> None:
    observations = np.random.default_rng(1).standard_normal((7, 3)).astype(np.float32)
    policy = random_policy(PERCEPTRON)
    with torch.no_grad():
        expected = torch.softmax(thaw(policy)(torch.from_numpy(observations)), 1).numpy()
    assert isinstance(policy, CategoricalPolicy)
    assert policy.probabilities(observations) == pytest.approx(expected, abs=1e-5)
    gaussian = random_policy(GAUSSIAN)
    with torch.no_grad():
        means = thaw(gaussian)(torch.from_numpy(observations)).numpy().clip(-2, 2)
    assert gaussian.act(observations) == pytest.approx(means.reshape(7, 2, 1), abs=1e-5)
    noisy = gaussian.act(observations, np.random.default_rng(0))
    assert noisy.shape == (7, 2, 1)
    assert noisy.dtype == np.float32
    assert (noisy != gaussian.act(observations)).any()


def test_training_on_never_changes_a_policy_that_was_frozen() -> None:
    network = build(PERCEPTRON, np.random.default_rng(0))
    policy = freeze(network, PERCEPTRON)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(1.0)
    assert (policy.arrays["layers.2.bias"] == 0).all()
    with pytest.raises(ValueError, match="read-only"):
        policy.arrays["mean"][0] = 1.0


def test_standardising_uses_the_data_and_leaves_constants_alone() -> None:
    network = build(PERCEPTRON, np.random.default_rng(0))
    network.standardise(np.array([[0.0, 5.0, 1.0], [2.0, 5.0, 3.0]]))  # type: ignore[operator]
    assert network.mean.tolist() == [1, 5, 2]  # type: ignore[union-attr, operator]
    assert network.std.tolist() == [1, 1, 1]  # type: ignore[union-attr, operator]


def test_the_nearest_taught_state_stands_in() -> None:
    places = np.array([[0.0], [1.0], [2.0], [10.0], [12.0]])
    taught = np.array([True, False, False, False, True])
    assert nearest_labelled(places, taught).tolist() == [0, 0, 0, 4, 4]
    assert nearest_labelled(places, np.zeros(5, bool)).tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("shape", [(4, 2), (2, 4), (3, 3)])
def test_initial_weights_are_orthonormal(shape: tuple[int, int]) -> None:
    weight = orthogonal(*shape, np.random.default_rng(0))
    gram = weight.T @ weight if shape[0] >= shape[1] else weight @ weight.T
    assert weight.shape == shape
    assert gram == pytest.approx(np.eye(min(shape)), abs=1e-12)


def test_spaces_without_a_policy_are_refused() -> None:
    with pytest.raises(UnsupportedWorldError, match="observations: expected one of Discrete"):
        Architecture(gym.spaces.Text(3), gym.spaces.Discrete(2))
    with pytest.raises(UnsupportedWorldError, match="actions"):
        Architecture(BOX, gym.spaces.MultiBinary(2))


@pytest.mark.parametrize("architecture", [TABLE, PERCEPTRON, RECURRENT, GAUSSIAN])
def test_a_policy_file_holds_every_bit(architecture: Architecture, tmp_path: Path) -> None:
    policy = random_policy(architecture)
    origin = checkpoint.Origin("bc", "Chain-v0", "0.1.0", {"seed": 3, "wörld": "é"})
    checkpoint.save(policy, tmp_path / "new" / "p.safetensors", origin)
    found = checkpoint.load(tmp_path / "new" / "p.safetensors")
    assert found.policy.architecture == architecture
    assert found.origin == origin
    for name, array in policy.arrays.items():
        assert found.policy.arrays[name].tobytes() == array.tobytes()
    content = (tmp_path / "new" / "p.safetensors").read_bytes()
    assert checkpoint.to_bytes(found.policy, found.origin) == content
    assert [file.name for file in (tmp_path / "new").iterdir()] == ["p.safetensors"]


def test_a_failed_save_leaves_the_old_policy(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file, not a folder")
    with pytest.raises(LearnerError, match="a place to write"):
        checkpoint.save(random_policy(TABLE), tmp_path / "taken" / "p.safetensors")
    (tmp_path / "folder").mkdir()
    with pytest.raises(LearnerError, match="a place to write"):
        checkpoint.save(random_policy(TABLE), tmp_path / "folder")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["folder", "taken"]


def rewritten(**changes: object) -> bytes:
    """A sound policy file with some fields of its description changed."""
    content = checkpoint.to_bytes(random_policy(PERCEPTRON), checkpoint.Origin())
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    description = json.loads(header["__metadata__"]["understudy"]) | changes
    return safetensors.numpy.save(random_policy(PERCEPTRON).arrays, {"understudy": json.dumps(description)})


def nan_weights() -> bytes:
    arrays = {**random_policy(PERCEPTRON).arrays, "mean": np.full(3, np.nan, np.float32)}
    description = checkpoint._description(rewritten(), "sound")
    return safetensors.numpy.save(arrays, {"understudy": json.dumps(description)})


@pytest.mark.parametrize(
    ("content", "field"),
    [
        (b"", "format: expected"),
        (bytes(1000), "format: expected"),
        (b"\xff" * 1000, "format: expected"),
        (b"\x89HDF\r\n\x1a\n" + bytes(500), "format: expected"),
        (safetensors.numpy.save({"a": np.zeros(3)}), "format: expected"),
        (safetensors.numpy.save({"a": np.zeros(3)}, {"understudy": "[" * 50_000}), "format: expected"),
        (rewritten()[:-5], "arrays: expected"),
        (rewritten() + b"x", "arrays: expected"),
        (rewritten(format_version=2), "format_version: expected 1, found 2"),
        (rewritten(hidden=[8, -8]), "hidden"),
        (rewritten(hidden=[8, 9]), "expected float32"),
        (rewritten(hidden=None), "hidden: expected list, found nothing"),
        (rewritten(activation="sin"), "activation"),
        (rewritten(memory=-1), "memory: expected units"),
        (rewritten(memory=True), "memory: expected units"),
        (rewritten(memory=3), "arrays: expected"),
        (rewritten(observation_space={"type": "Pickle"}), "spaces"),
        (rewritten(action_space={"type": "MultiBinary", "n": 2}), "spaces"),
        (rewritten(notes=3), "notes"),
        (nan_weights(), "mean: expected finite"),
    ],
)
def test_a_damaged_or_foreign_file_gives_one_paragraph(content: bytes, field: str, tmp_path: Path) -> None:
    path = tmp_path / "p.safetensors"
    path.write_bytes(content)
    with pytest.raises(PolicyFileError) as caught:
        learners.load_policy(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert field in message
    assert "\n" not in message
    assert len(message) < 900


def test_every_truncation_is_refused(tmp_path: Path) -> None:
    content = rewritten()
    for length in range(0, len(content), 7):
        with pytest.raises(PolicyFileError):
            checkpoint.from_bytes(content[:length])


def test_a_missing_file_and_a_folder_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(PolicyFileError, match="found nothing there"):
        learners.load_policy(tmp_path / "absent")
    with pytest.raises(PolicyFileError, match="found a folder"):
        learners.load_policy(tmp_path)
