"""The cells of `tutorial`: each of its six methods once, from its data or from optimal demonstrations.

Reading order: Lessons (what is learned from), the runs (`clone`, `correct`, `recover`, `imitate`, `explore`), `bounds`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from learners import LEARNERS, bc, dagger, ppo
from learners.data import tutorial_demonstrations_path
from learners.evaluation import evaluate
from learners.interface import FloatArray, Policy, TabularModel
from learners.tabular import deterministic, exact_return, plan
from learners.worlds import facts_of
from recordings.demonstrations import Demonstrations, Filter, load
from teleop.experiments.demonstrations import recording
from teleop.experiments.experiment import Found
from teleop.experts import scripted_expert
from teleop.worlds.catalogue import GRIDWORLD, SLIPPERY_GRIDWORLD

TUTORIAL = "tutorial"
"""The tutorial's own data; else a number of optimal demonstrations."""
SIZES = (50, 200, 1_000)
"""Optimal demonstrations."""
TUTORIAL_EPISODES = 10_000
CLONED = {
    TUTORIAL: (1, 3, 10, 30, 100, 300, 1_000, 3_000, TUTORIAL_EPISODES),
    "optimal": (1, 3, 10, 20, *SIZES[:1], 100, *SIZES[1:2], 500, *SIZES[2:]),
}
"""Episodes of a cloning curve."""
WORLDS = {world.name: world for world in (GRIDWORLD, SLIPPERY_GRIDWORLD)}
EXPERT_AT = 9.1
"""What the tutorial's PPO expert returned when it was kept."""
MOST_STEPS = 20_000_000
"""Of our own PPO."""


# -- what is learned from --------------------------------------------------------------------------------


def lessons(folder: Path, world: str, data: str | int, seed: int) -> Callable[[], Demonstrations]:
    """Reads the demonstrations, which are recorded by now: what is timed begins with reading."""
    if data == TUTORIAL:
        return lambda: load(tutorial_demonstrations_path())
    path = recording(folder, world, max(SIZES), seed)
    return lambda: load(path, Filter(episodes=range(int(data))))


@cache
def model_of(world: str) -> TabularModel:
    model = facts_of(WORLDS[world].spec()).model
    assert model is not None
    return model


def judged(policy: Policy, world: str) -> dict[str, Any]:
    """Exact returns: of the most probable actions, of drawn ones, and of both where moves slip."""
    found = {}
    for name in dict.fromkeys((world, SLIPPERY_GRIDWORLD.name)):
        suffix = "" if name == world else "_slipping"
        for words, sample in (("return", False), ("drawn", True)):
            found[words + suffix] = evaluate(policy, WORLDS[name].spec(), sample=sample).return_mean
    return found


def drawable(policy: Policy, reward: FloatArray | None = None) -> dict[str, Any]:
    """What a page draws of a policy and its reward."""
    actions = np.asarray(policy.act(np.arange(model_of(GRIDWORLD.name).n_states)))
    return {
        "actions": actions.tolist(),
        "reward": None if reward is None else np.round(reward, 3).tolist(),
    }


# -- the runs --------------------------------------------------------------------------------------------


def clone(folder: Path, *, world: str, kind: str, seed: int) -> Found:
    """Cloning from more and more demonstrations; as it comes, and without what it knows of ways back and circles."""
    data: str | int = TUTORIAL if kind == TUTORIAL else max(SIZES)
    read, spec = lessons(folder, world, data, seed), WORLDS[world].spec()
    began_s = time.process_time()
    everything = read()
    read_s = (time.process_time() - began_s) / len(everything.starts)
    curve = []
    for episodes in CLONED[kind]:
        some = window(everything, episodes, seed if kind == TUTORIAL else 0)
        began_s = time.process_time()
        *_, last = bc.train(bc.Config(), some, spec, np.random.default_rng(seed))
        fit_s = time.process_time() - began_s + episodes * read_s
        *_, plain = bc.train(
            bc.Config(fallback="nearest", arrive=False), some, spec, np.random.default_rng(seed)
        )
        metrics = {name: last.metrics[name] for name in ("labels", "distinct_labels")}
        as_shown = {f"as_shown_{name}": value for name, value in judged(plain.policy, world).items()}
        curve.append(
            {"episodes": episodes, "fit_seconds": fit_s, **metrics, **judged(last.policy, world), **as_shown}
        )
    return {"curve": curve, **drawable(last.policy)}


def window(everything: Demonstrations, episodes: int, seed: int) -> Demonstrations:
    """So many episodes in a row, other ones for each seed as far as there are."""
    n = len(everything.starts)
    first = min(seed * n // 10, n - episodes)
    lengths = everything.lengths[first : first + episodes]
    begins = int(everything.starts[first])
    rows = slice(begins, begins + int(lengths.sum()))
    columns = ("observations", "actions", "labelled", "rewards", "terminated", "truncated")
    return replace(
        everything,
        **{name: getattr(everything, name)[rows] for name in columns},
        lengths=lengths,
        starts=np.cumsum(lengths) - lengths,
        final_observations=everything.final_observations[first : first + episodes],
    )


def correct(folder: Path, *, world: str, gate: str | None, labels: int, seed: int) -> Found:
    """DAgger: what each round's student returns, and after how many labels."""
    config = dagger.Config(gate=gate, labels=labels)  # type: ignore[arg-type]
    expert = scripted_expert(WORLDS[world])
    began_s, curve = time.process_time(), []
    for snapshot in dagger.train(
        config, None, WORLDS[world].spec(), np.random.default_rng(seed), expert=expert
    ):
        metrics = snapshot.metrics
        curve.append([metrics["labels"], metrics["return_alone"], time.process_time() - began_s])
    return {
        "curve": curve,
        "labels": curve[-1][0],
        "distinct_labels": metrics["distinct_labels"],
        "fit_seconds": curve[-1][2],
        **judged(snapshot.policy, world),
        **drawable(snapshot.policy),
    }


def recover(folder: Path, *, learner: str, world: str, data: str | int, seed: int) -> Found:
    """Maximum entropy and maximum causal entropy inverse RL; drawn: the soft policy, one table a step."""
    read, module = lessons(folder, world, data, seed), LEARNERS[learner]
    model = model_of(world)
    began_s = time.process_time()
    found = module.recover(module.Config(), model, read(), np.random.default_rng(seed))
    fit_s = time.process_time() - began_s
    return {
        "fit_seconds": fit_s,
        **judged(found.stationary, world),
        "drawn": exact_return(model, found.soft).mean,
        "replanned": replanned(found.reward, found.action_reward),
        **drawable(found.stationary, found.reward),
    }


def imitate(
    folder: Path, *, learner: str, world: str, data: str | int, seed: int, settings: Mapping[str, Any]
) -> Found:
    """A learner that acts in the world itself: relative entropy inverse RL, GAIL."""
    read, module = lessons(folder, world, data, seed), LEARNERS[learner]
    began_s = time.process_time()
    *_, last = module.train(
        module.Config(**settings), read(), WORLDS[world].spec(), np.random.default_rng(seed)
    )
    fit_s = time.process_time() - began_s
    is_of_states = last.reward is not None and last.reward.ndim == 1
    return {
        "fit_seconds": fit_s,
        "env_steps": last.env_steps,
        **judged(last.policy, world),
        "replanned": replanned(last.reward) if is_of_states else None,
        **drawable(last.policy, last.reward),
    }


def explore(folder: Path, *, seed: int) -> Found:
    """PPO from the world's own reward: steps and seconds to what the tutorial's expert returned."""
    spec, began_s = GRIDWORLD.spec(), time.process_time()
    for snapshot in ppo.train(ppo.Config(), None, spec, np.random.default_rng(seed)):
        if snapshot.step % 10:
            continue
        found = evaluate(snapshot.policy, spec, sample=True).return_mean
        if found >= EXPERT_AT or snapshot.env_steps >= MOST_STEPS:
            break
    fit_s = time.process_time() - began_s
    return {"env_steps": snapshot.env_steps, "fit_seconds": fit_s, **judged(snapshot.policy, GRIDWORLD.name)}


def replanned(reward: FloatArray, on_top: FloatArray | None = None) -> float:
    """What the best plan on a recovered reward (S,) returns where moves slip; on_top (S, A): paid for actions too."""
    model = model_of(SLIPPERY_GRIDWORLD.name)
    paid = reward[model.next_states] + (0.0 if on_top is None else on_top[:, :, None])
    best = plan(replace(model, rewards=paid))
    return exact_return(model, deterministic(best.timed_actions(), model.n_actions)).mean


# -- beside them -----------------------------------------------------------------------------------------


def bounds(folder: Path) -> Found:
    """The worlds' best and chance returns, and what the tutorial's data are."""
    data = load(tutorial_demonstrations_path())
    last = data.starts + data.lengths - 1
    found: dict[str, Any] = {
        "episodes": len(data.starts),
        "labels": len(data),
        "truncated": float(data.truncated[last].mean()),
        "demonstrator": float(data.rewards.sum() / len(data.starts)),
        "start_cells": int((model_of(GRIDWORLD.name).starts > 0).sum()),
    }
    return found | {world: bounds_of(world) for world in WORLDS}


def bounds_of(world: str) -> dict[str, float]:
    """The best return of a world, that of chance, and how likely an action does what it is to do."""
    model = model_of(world)
    chance = np.full((model.n_states, model.n_actions), 1.0 / model.n_actions)
    return {
        "best": plan(model).expected_return(model),
        "random": exact_return(model, chance).mean,
        "intended": float(model.probabilities.max(axis=2).min()),
    }
