"""Re-steps a recording from its seeds and executed actions, and reports the first divergence, or none."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt
from gymnasium.envs.registration import EnvSpec

import recordings
from recordings import spaces
from recordings.contents import Episode
from recordings.errors import NotReplayable
from recordings.reader import Reader
from recordings.window import Window
from recordings.worldspec import registered_spec

FLOAT_TOLERANCE = 1e-6

Array = npt.NDArray[Any]
Make = Callable[[EnvSpec | None], gym.Env[Any, Any]]


@dataclass(frozen=True)
class Divergence:
    """The first place where the world did something else than was recorded."""

    episode: int
    step: int
    """Counted from the episode's start; T for the observation after the last step."""
    field: str
    """observation, reward, terminated, truncated, or error."""
    recorded: Any
    found: Any

    def to_json(self) -> dict[str, Any]:
        return {
            "episode": self.episode,
            "step": self.step,
            "field": self.field,
            "recorded": _plain(self.recorded),
            "found": _plain(self.found),
        }


@dataclass(frozen=True)
class Verification:
    """What came of a replay."""

    verified: bool
    episodes: int
    """Episodes re-stepped, the diverging one included."""
    steps: int
    divergence: Divergence | None

    def to_json(self) -> dict[str, Any]:
        """The object that `replay --headless --verify --json` prints."""
        return {
            "verified": self.verified,
            "episodes": self.episodes,
            "steps": self.steps,
            "divergence": None if self.divergence is None else self.divergence.to_json(),
        }


def verify(
    path: str | os.PathLike[str],
    *,
    atol: float | None = None,
    episodes: Iterable[int] | None = None,
    make: Make | None = None,
) -> Verification:
    """Re-step `episodes` (all) of the recording at `path` and compare observations, rewards and flags.

    Integers must agree exactly, floats within `atol` (1e-6). `make` makes the environment from its spec where
    `gymnasium.make` cannot. Raises NotReplayable, and what opening raises.
    """
    with recordings.open(path) as reader:
        env = _make(reader, make)
        try:
            replayer = _Replayer(reader, env, FLOAT_TOLERANCE if atol is None else atol)
            return replayer.run(range(reader.n_episodes) if episodes is None else episodes)
        finally:
            env.close()


def _make(reader: Reader, make: Make | None) -> gym.Env[Any, Any]:
    if make is not None:
        return make(registered_spec(reader.header) if reader.header.env_spec_json else None)
    spec = registered_spec(reader.header)
    if spec is None:
        raise NotReplayable(
            f"{reader.path}: env_spec_json: expected a registered environment, found none. Pass `make`, "
            "which makes the environment that was recorded."
        )
    try:
        return gym.make(spec, disable_env_checker=True)
    except Exception as error:
        raise NotReplayable(
            f"{reader.path}: env_spec_json: {spec.id!r} cannot be made with {spec.kwargs} "
            f"({type(error).__name__}: {error})."
        ) from error


class _Replayer:
    """One environment, re-stepped through one recording."""

    def __init__(self, reader: Reader, env: gym.Env[Any, Any], atol: float) -> None:
        self._reader = reader
        self._env = env
        self._atol = atol
        self._steps = Window(reader, "steps", ("observation", "action", "reward", "terminated", "truncated"))
        self._ends = Window(reader, "episodes", ("final_observation",))
        header = reader.header
        self._encode = spaces.encoder(header.observation_space)
        self._as_actions = spaces.decoder_of_rows(header.action_space)

    def run(self, episodes: Iterable[int]) -> Verification:
        n_episodes = n_steps = 0
        for index in episodes:
            episode = self._reader.episodes[index]
            divergence = self._episode(episode)
            n_episodes += 1
            n_steps += episode.length
            if divergence is not None:
                return Verification(False, n_episodes, n_steps, divergence)
        return Verification(True, n_episodes, n_steps, None)

    def _episode(self, episode: Episode) -> Divergence | None:
        if episode.seed < 0:
            raise NotReplayable(
                f"{self._reader.path}: episode {episode.index}: seed: expected one, found none. Only "
                "episodes that began with a seeded reset can be replayed; name the others in `episodes`."
            )
        observation, _ = self._env.reset(seed=episode.seed, options=episode.options)
        for start in range(episode.start, max(episode.stop, episode.start + 1), self._steps.rows):
            stop = min(start + self._steps.rows, episode.stop)
            divergence, observation = self._stretch(episode, start, stop, observation)
            if divergence is not None:
                return divergence
        return None

    def _stretch(self, episode: Episode, start: int, stop: int, first: Any) -> tuple[Divergence | None, Any]:
        """Re-step rows `start` to `stop`; `first` is what the world shows before them."""
        recorded = self._steps.between(start, stop)
        seen, rewards, terminated, truncated, error = self._play(recorded, first)
        n = len(rewards)
        offset = start - episode.start
        after = self._observation_after(episode, stop)
        recorded_seen = np.concatenate([recorded["observation"], after[None]])[: n + 1]
        candidates = [
            self._first(offset - 1, 0, "observation", recorded_seen, self._stored(seen)),
            self._first(offset, 1, "reward", recorded["reward"][:n], np.asarray(rewards, np.float64)),
            self._first(
                offset, 2, "terminated", recorded["terminated"][:n] != 0, np.asarray(terminated, bool)
            ),
            self._first(offset, 3, "truncated", recorded["truncated"][:n] != 0, np.asarray(truncated, bool)),
        ]
        if error is not None:
            candidates.append((offset + n, 4, "error", None, error))
        found = [each for each in candidates if each is not None]
        if not found:
            return None, seen[-1]
        action, _, name, was, now = min(found, key=lambda each: each[:2])
        step = action + 1 if name == "observation" else action
        return Divergence(episode.index, step, name, was, now), seen[-1]

    def _play(
        self, recorded: dict[str, Array], first: Any
    ) -> tuple[list[Any], list[Any], list[Any], list[Any], str | None]:
        """What the world does on the recorded actions, until it ends otherwise than recorded."""
        seen: list[Any] = [first]
        rewards: list[Any] = []
        terminated: list[Any] = []
        truncated: list[Any] = []
        step = self._env.step
        ended = (recorded["terminated"] | recorded["truncated"]).tolist()
        for t, action in enumerate(self._as_actions(recorded["action"])):
            try:
                observation, reward, is_terminated, is_truncated, _ = step(action)
            except Exception as error:  # noqa: BLE001 - whatever the environment raises is a divergence
                return seen, rewards, terminated, truncated, f"{type(error).__name__}: {error}"
            seen.append(observation)
            rewards.append(reward)
            terminated.append(is_terminated)
            truncated.append(is_truncated)
            if (is_terminated or is_truncated) and not ended[t]:
                break
        return seen, rewards, terminated, truncated, None

    def _observation_after(self, episode: Episode, stop: int) -> Array:
        if stop < episode.stop:
            return np.asarray(self._steps.between(stop, stop + 1)["observation"][0])
        if episode.recorded_outcome is recordings.Outcome.RUNNING:
            return episode.final_observation
        return np.asarray(self._ends.between(episode.index, episode.index + 1)["final_observation"][0])

    def _stored(self, seen: list[Any]) -> Array:
        column = self._steps.dtype("observation")
        return np.asarray([self._encode(each) for each in seen], column)

    def _first(
        self, offset: int, order: int, name: str, recorded: Array, found: Array
    ) -> tuple[int, int, str, Any, Any] | None:
        """Where two columns differ first: (row + offset, order, name, recorded, found)."""
        if recorded.shape != found.shape:
            return offset, order, name, f"shape {recorded.shape}", f"shape {found.shape}"
        if recorded.dtype.kind == "f":
            with np.errstate(invalid="ignore"):
                same = (np.abs(recorded - found) <= self._atol) | (recorded == found)
            same |= np.isnan(recorded) & np.isnan(found)
        else:
            same = recorded == found
        if same.all():
            return None
        row = int(np.argmin(same.reshape(len(same), -1).all(1)))
        return row + offset, order, name, recorded[row], found[row]


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value
