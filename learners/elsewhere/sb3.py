"""Stable-Baselines3's .zip: the plain networks of PPO, A2C and DQN are read as data; any other needs trust.

A zip holds `data` (JSON, in which whatever is not JSON is pickled: reading those parts can run any code) and
`policy.pth`, the weights. For an `MlpPolicy` the weights, the world's spaces and three words of readable JSON (whose
class, which activation, no state-dependent exploration) are everything: what comes out is a policy of ours, which
computes without PyTorch, is trained further, and answers as `model.predict` does (tests compare them).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import gymnasium as gym
import numpy as np

from learners.elsewhere.answers import ForeignActions
from learners.elsewhere.archive import Archive
from learners.elsewhere.spaces import Spaces
from learners.elsewhere.state_dict import read_state_dict
from learners.elsewhere.trust import require_trust
from learners.errors import ForeignPolicyError, PolicyFileError
from learners.interface import Array
from learners.policies import (
    Activation,
    Architecture,
    NetworkPolicy,
    dtype_of,
    fault,
    perceptron,
    policy_from,
)
from recordings.plain_pickle import NotPlain

DATA, WEIGHTS = "data", "policy.pth"
MOST_DATA_BYTES = 1 << 22
SERIALIZED = ":serialized:"
USED = ("policy_class", "policy_kwargs", "observation_space", "action_space")
"""The entries of `data` without which Stable-Baselines3 cannot make a policy."""
ACTOR_CRITIC, DQN = "stable_baselines3.common.policies", "stable_baselines3.dqn.policies"
SHOWN = {"net_arch", "activation_fn", "ortho_init", "log_std_init", "optimizer_class", "optimizer_kwargs"}
"""Settings of a policy that are read, that its weights show, or that matter in training alone."""
ACTIVATIONS: Mapping[str, Activation] = {
    "<class 'torch.nn.modules.activation.Tanh'>": "tanh",
    "<class 'torch.nn.modules.activation.ReLU'>": "relu",
}
TABLE_ROWS = 1024
"""States of which a table's outputs are computed at once."""


def load(content: bytes, name: str, spaces: Spaces, *, trust_code: bool) -> NetworkPolicy | ForeignActions:
    """The policy in a zip that Stable-Baselines3 saved. Raises LearnerError."""
    archive = Archive(content, name)
    settings = _settings(archive, name)
    try:
        return _from_weights(archive, settings, name, spaces)
    except NotPlain as found:
        pickled = [key for key in USED if isinstance(settings.get(key), dict) and SERIALIZED in settings[key]]
        require_trust(
            name,
            trust_code,
            f"Plain networks of PPO, A2C and DQN are read as data, but this file has {found}. Reading it whole "
            f"unpickles {', '.join(pickled) or 'nothing'} of its `data`, which can run any code, and runs "
            "stable_baselines3 and whatever classes these name.",
            "Or export the policy to ONNX, which needs no trust (docs/experts.md).",
        )
    from learners.elsewhere import sb3_whole

    return sb3_whole.load(content, settings, name, spaces)


def _settings(archive: Archive, name: str) -> dict[str, Any]:
    """The entry `data`, as JSON: its pickled parts remain text."""
    if not {DATA, WEIGHTS} <= archive.names:
        raise PolicyFileError(
            f"{name}: expected a policy that Stable-Baselines3 saved, with {DATA} and {WEIGHTS} in it, found "
            f"{repr(sorted(archive.names)[:5])[:200]}. Give the file that model.save() wrote."
        )
    content = archive.read(DATA, MOST_DATA_BYTES)
    try:
        settings = json.loads(content)
        if not isinstance(settings, dict):
            raise ValueError(f"a {type(settings).__name__}")
    except (ValueError, RecursionError) as error:
        raise PolicyFileError(
            f"{name}: {DATA}: expected a JSON object, found {str(error)[:200]}. Save the model again."
        ) from error
    return settings


# -- the weights alone ----------------------------------------------------------------------------------------


def _from_weights(archive: Archive, settings: dict[str, Any], name: str, spaces: Spaces) -> NetworkPolicy:
    """Raises NotPlain where the weights do not say everything, LearnerError where they are wrong."""
    activation = _activation(settings, spaces)
    weights = read_state_dict(Archive(archive.read(WEIGHTS), f"{name}: {WEIGHTS}"), f"{name}: {WEIGHTS}")
    arrays = _layers(weights)
    hidden = tuple(
        int(arrays[f"layers.{i}.weight"].shape[0]) for i in range(sum("bias" in each for each in arrays) - 1)
    )
    n_seen = int(gym.spaces.flatdim(spaces.observation))
    seen = gym.spaces.Box(-np.inf, np.inf, (n_seen,), np.float32)
    is_table = isinstance(spaces.observation, gym.spaces.Discrete)
    observed = seen if is_table else spaces.observation
    architecture = Architecture(observed, spaces.action, hidden, activation)
    arrays |= {"mean": np.zeros(n_seen), "std": np.ones(n_seen)}
    arrays = {key: np.asarray(array, dtype_of(key)) for key, array in arrays.items()}
    if (wrong := _another_world(architecture, arrays) or fault(architecture, arrays)) is not None:
        raise ForeignPolicyError(
            f"{name}: {WEIGHTS}: {wrong}. The world is {spaces.observation} -> {spaces.action}; give a policy that was "
            "trained in this world."
        )
    return _table(architecture, arrays, spaces) if is_table else policy_from(architecture, arrays)


def _activation(settings: dict[str, Any], spaces: Spaces) -> Activation:
    """Of the hidden layers. Raises NotPlain where the settings tell of more than layers."""
    found = settings.get("policy_class")
    module = found.get("__module__") if isinstance(found, dict) else None
    if module not in (ACTOR_CRITIC, DQN):
        raise NotPlain(f"the policy class of {str(module)[:100]!r}")
    if settings.get("use_sde") not in (None, False):
        raise NotPlain("state-dependent exploration (use_sde)")
    kwargs = settings.get("policy_kwargs") or {}
    if not isinstance(kwargs, dict):
        raise NotPlain("policy_kwargs that are no dict")
    if others := sorted(set(kwargs) - SHOWN - {":type:", SERIALIZED}):
        raise NotPlain(f"the settings {str(others)[:100]} of its policy")
    if not _reads_alike(spaces.observation):
        raise NotPlain(f"observations ({type(spaces.observation).__name__}) that it prepares in its own way")
    if "activation_fn" not in kwargs:
        return "tanh" if module == ACTOR_CRITIC else "relu"
    activation = ACTIVATIONS.get(str(kwargs["activation_fn"]))
    if activation is None:
        raise NotPlain(f"the activation {str(kwargs['activation_fn'])[:100]!r}")
    return activation


def _reads_alike(space: gym.Space[Any]) -> bool:
    """Whether it hands observations to its layers as our networks do: flat, and nothing scaled but pictures."""
    if isinstance(space, gym.spaces.Box):
        return not (space.dtype == np.uint8 and len(space.shape) == 3)
    return isinstance(space, gym.spaces.Discrete | gym.spaces.MultiBinary)


def _layers(weights: dict[str, Array]) -> dict[str, Array]:
    """The actor's layers under our names. Raises NotPlain where there are others than an MlpPolicy has."""
    actor = {"mlp_extractor.policy_net": "action_net", "q_net.q_net": ""}
    for stem, last in actor.items():
        count = sum(re.fullmatch(rf"{re.escape(stem)}\.\d+\.bias", key) is not None for key in weights)
        names = [f"{stem}.{2 * i}" for i in range(count)] + ([last] if last else [])
        if count or (last and last in {key.rpartition(".")[0] for key in weights}):
            break
    else:
        raise NotPlain("weights of another kind of policy")
    beside = r"(mlp_extractor\.value_net\.\d+|value_net|q_net_target\.q_net\.\d+)\.(weight|bias)"
    own = {f"{each}.{kind}" for each in names for kind in ("weight", "bias")} | {"log_std"}
    others = [key for key in weights if key not in own and re.fullmatch(beside, key) is None]
    if others or not own - {"log_std"} <= set(weights):
        raise NotPlain(f"the weights {str(sorted(others))[:100]}, or not all of a plain network's")
    arrays = {
        f"layers.{i}.{kind}": weights[f"{each}.{kind}"]
        for i, each in enumerate(names)
        for kind in ("weight", "bias")
    }
    if any(array.ndim != (2 if key.endswith("weight") else 1) for key, array in arrays.items()):
        raise NotPlain("layers of another form")
    return arrays | ({"log_std": weights["log_std"]} if "log_std" in weights else {})


def _another_world(architecture: Architecture, arrays: Mapping[str, Array]) -> str | None:
    """How the layers tell that they were made for another world (field, expected, found), or None."""
    last = arrays[f"layers.{len(architecture.hidden)}.weight"]
    sizes = {
        "numbers seen": (architecture.n_inputs, arrays["layers.0.weight"].shape[1]),
        "answers": (architecture.n_outputs, last.shape[0]),
    }
    for what, (expected, found) in sizes.items():
        if expected != found:
            return f"{what}: expected {expected}, found {found}"
    if architecture.is_categorical == ("log_std" in arrays):
        kinds = ("a Box", "Discrete")
        wanted, given = kinds[architecture.is_categorical], kinds["log_std" not in arrays]
        return f"actions: expected {wanted}, found {given}"
    return None


def _table(architecture: Architecture, arrays: dict[str, Array], spaces: Spaces) -> NetworkPolicy:
    """The same answers written out: Stable-Baselines3 shows its layers a state as a one among noughts."""
    n_states = architecture.n_inputs
    outputs = [
        perceptron(architecture, arrays, np.eye(min(TABLE_ROWS, n_states - i), n_states, i, np.float32))
        for i in range(0, n_states, TABLE_ROWS)
    ]
    table = {"outputs": np.concatenate(outputs), "stand_in": np.arange(n_states)}
    kept = {key: array for key, array in arrays.items() if key == "log_std"}
    return policy_from(Architecture(spaces.observation, spaces.action), table | kept)
