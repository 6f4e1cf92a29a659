"""A Stable-Baselines3 policy by Stable-Baselines3 itself (extra `sb3`), which unpickles. Only for trusted files.

Any algorithm will do, for the policy is built from its class and its settings, without the algorithm around it. What is
not needed for that is not unpickled.
"""

from __future__ import annotations

import io
import warnings
from typing import Any

import numpy as np

from learners.elsewhere.answers import ForeignActions
from learners.elsewhere.spaces import Spaces
from learners.elsewhere.trust import require_extra, told
from learners.errors import ForeignPolicyError
from learners.evaluation import same_form
from learners.interface import Array

NEEDED = ("policy_class", "policy_kwargs", "observation_space", "action_space", "use_sde")


def load(content: bytes, settings: dict[str, Any], name: str, spaces: Spaces) -> ForeignActions:
    """The policy, by `BasePolicy.predict`. Raises LearnerError."""
    saving = require_extra("stable_baselines3.common.save_util", "sb3", name)
    with told(name, "loading"), warnings.catch_warnings():
        warnings.filterwarnings("error", message="Could not deserialize")
        skipped = {key: None for key in settings if key not in NEEDED}
        data, weights, _ = saving.load_from_zip_file(
            io.BytesIO(content), custom_objects=skipped, device="cpu"
        )
        policy = _built(data, weights["policy"])
    for what, expected in (("observation_space", spaces.observation), ("action_space", spaces.action)):
        if not same_form(expected, data[what]):
            raise ForeignPolicyError(
                f"{name}: {what}: expected a policy for this world's {expected}, found one for {data[what]}. "
                "Give a policy that was trained in this world."
            )
    return ForeignActions(name, spaces, lambda observations, rng: _predict(policy, observations, rng))


def _built(data: dict[str, Any], weights: Any) -> Any:
    kwargs = dict(data["policy_kwargs"])
    if data.get("use_sde"):
        kwargs["use_sde"] = True
    policy = data["policy_class"](data["observation_space"], data["action_space"], lambda _: 0.0, **kwargs)
    policy.load_state_dict(weights)
    policy.set_training_mode(False)
    return policy


def _predict(policy: Any, observations: Array, rng: np.random.Generator | None) -> Array:
    import torch

    with torch.random.fork_rng(devices=[]):
        if rng is not None:
            torch.manual_seed(int(rng.integers(2**31)))
        actions: Array = policy.predict(observations, deterministic=rng is None)[0]
    return actions
