"""Run by test_imitation_itself.py in an environment that has imitation 1.0.1; prints what it found as one JSON object.

`with_imitation.py train FOLDER OTHER...` reads trajectories, clones those of the first folder,
and saves them again as FOLDER-saved; `with_imitation.py write FOLDER` writes some.
Such an environment: python -m venv ENV; ENV/bin/pip install torch imitation==1.0.1
"""

from __future__ import annotations

import json
import sys
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from imitation.algorithms import bc
from imitation.data import rollout, serialize, types


def train(folder: str, *others: str) -> dict[str, Any]:
    trajectories = serialize.load_with_rewards(folder)
    transitions = rollout.flatten_trajectories(list(trajectories))
    env = gym.make("CartPole-v1")
    torch.manual_seed(0)
    trainer = bc.BC(
        observation_space=env.observation_space,
        action_space=env.action_space,
        demonstrations=transitions,
        rng=np.random.default_rng(0),
        batch_size=4,
    )
    serialize.save(f"{folder}-saved", list(trajectories))
    before = loss(trainer, transitions)
    trainer.train(n_epochs=10, progress_bar=False)
    return {
        "datasets": [
            [as_lists(each) for each in serialize.load_with_rewards(name)] for name in (folder, *others)
        ],
        "before": before,
        "after": loss(trainer, transitions),
    }


def loss(trainer: bc.BC, transitions: types.Transitions) -> float:
    """Mean cross-entropy of the actions."""
    with torch.no_grad():
        _, log_probability, _ = trainer.policy.evaluate_actions(
            torch.as_tensor(transitions.obs, dtype=torch.float32), torch.as_tensor(transitions.acts)
        )
    return -float(log_probability.mean())


def write(folder: str) -> dict[str, Any]:
    """Two trajectories, with infos that jsonpickle writes as objects."""
    rng = np.random.default_rng(0)
    made = [
        types.TrajectoryWithRew(
            obs=rng.normal(size=(n + 1, 3)).astype(np.float32),
            acts=rng.integers(4, size=n),
            infos=np.array([{"seen": np.zeros(2)}] * n),
            terminal=is_terminal,
            rews=rng.normal(size=n),
        )
        for n, is_terminal in ((3, True), (1, False))
    ]
    serialize.save(folder, made)
    return {"trajectories": [as_lists(each, infos=False) for each in made], "infos": 4}


def as_lists(each: Any, infos: bool = True) -> dict[str, Any]:
    found = {name: getattr(each, name).tolist() for name in ("obs", "acts", "rews")}
    return {**found, "terminal": bool(each.terminal), "infos": list(each.infos) if infos else []}


if __name__ == "__main__":
    print(json.dumps({"train": train, "write": write}[sys.argv[1]](*sys.argv[2:])))
