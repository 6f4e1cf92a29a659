"""Hopper-v5, its shipped expert, and what the runs of the experiment share: demonstrations and how they are judged."""

from __future__ import annotations

from pathlib import Path

import gymnasium as gym

from learners import load_policy
from learners.data import hopper_expert_path
from learners.evaluation import evaluate
from learners.interface import Policy
from recordings.demonstrations import Demonstrations, Filter, load
from teleop.experiments.demonstrations import recording
from teleop.experiments.experiment import Found
from teleop.worlds.catalogue import HOPPER

ENV_ID = HOPPER.env_id
DEMONSTRATIONS = 80
"""Episodes that the source recorded."""
EPISODES = 20
"""From which a return is judged."""
FIRST = (
    "understudy train ppo --env hopper --copies 8 --ticks 512 --minibatches 16 --learning-rate 7e-4 --standardised \\\n"
    "    --iterations 240 --limit-s 3600 --target 10000 --seed 0 --out first.safetensors"
)
"""The run whose best moment, of those that were judged, the expert went on from."""
FIRST_AFTER = "80 iterations (325,459 steps)"
SECOND = (
    "understudy train ppo --env hopper --start first.safetensors --start-deviation 0.2 --start-rounds 3 \\\n"
    "    --copies 32 --ticks 1024 --minibatches 32 --learning-rate 1e-4 --discount 0.995 --trace 0.99 \\\n"
    "    --advantage-floor 0.001 --standardised --iterations 100 --limit-s 7200 --target 10000 --seed 0 \\\n"
    "    --out expert.safetensors"
)
"""The run of which the shipped expert is a moment."""
SECOND_AFTER = (
    "70 of its 100 iterations (about 2.29 million steps, 23 minutes of a processor shared with other work)"
)
FRAMES, FRAME_EVERY = 12, 6
"""Of the drawn hop, and the steps between two of them."""


def shown(folder: Path, episodes: int, seed: int, *, state_only: bool = False) -> Demonstrations:
    """The first so many of the expert's recorded episodes."""
    path = recording(folder, HOPPER.name, DEMONSTRATIONS, seed)
    return load(path, Filter(episodes=range(episodes), state_only=state_only))


def return_of(policy: Policy, seed: int) -> float:
    """Mean of `EPISODES` episodes of its most probable actions; the same starts for whoever has this seed."""
    return evaluate(policy, gym.spec(ENV_ID), episodes=EPISODES, seed=1000 + seed).return_mean


def expert(folder: Path) -> Found:
    """What the shipped expert is worth, what chance is, and one hop of it to be drawn."""
    policy, world = load_policy(hopper_expert_path()), gym.spec(ENV_ID)
    best = evaluate(policy, world, episodes=100, seed=10_000)
    drawn = evaluate(policy, world, episodes=EPISODES, seed=10_000, sample=True)
    return {
        "return": best.return_mean,
        "deviation": best.return_std,
        "length": best.length_mean,
        "drawn": drawn.return_mean,
        "random": _random_return(),
        "bytes": hopper_expert_path().stat().st_size,
        "hop": _hop(policy),
    }


def _random_return() -> float:
    """Mean of 100 episodes of actions drawn uniformly."""
    with gym.make(ENV_ID) as env:
        env.action_space.seed(0)
        total = 0.0
        for episode in range(100):
            env.reset(seed=episode)
            over = False
            while not over:
                _, reward, terminated, truncated, _ = env.step(env.action_space.sample())
                total += float(reward)
                over = terminated or truncated
    return total / 100


def _hop(policy: Policy, warm_up: int = 300) -> list[list[float]]:
    """(frames, numbers of an observation) from the middle of an episode."""
    frames = []
    with gym.make(ENV_ID) as env:
        observation, _ = env.reset(seed=0)
        for step in range(warm_up + FRAMES * FRAME_EVERY):
            if step >= warm_up and (step - warm_up) % FRAME_EVERY == 0:
                frames.append(observation.tolist())
            observation, _, terminated, _, _ = env.step(policy.act(observation[None])[0])
            if terminated:
                break
    return frames
