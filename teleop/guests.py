"""Experts and students from elsewhere in one session: found by name, and noted in the recording they take part in."""

from __future__ import annotations

from typing import Any

import gymnasium as gym

from learners import elsewhere
from learners.elsewhere.answers import ForeignExpert
from learners.interface import Expert, Policy
from teleop.experts import PolicyExpert
from teleop.worlds.catalogue import World


class Guests:
    """Whoever is named from elsewhere, for one world."""

    def __init__(self, world: World, env: gym.Env[Any, Any], *, trust_code: bool) -> None:
        """trust_code: code that comes with a policy may run."""
        self._spec = world.spec()
        self._spaces = elsewhere.Spaces(env.observation_space, env.action_space)
        self._trust_code = trust_code
        self.noted: dict[str, str] = {}
        """Role ("expert", "student") -> the file, and its SHA-256: for the header of the recording."""

    def expert(self, name: str, role: str) -> Expert:
        """Raises LearnerError."""
        guest = self._load(name, role)
        if isinstance(guest.actor, ForeignExpert):
            return guest.actor
        return PolicyExpert(guest.actor, guest.label)

    def student(self, name: str, *, is_taught: bool) -> Policy:
        """Raises LearnerError; ForeignPolicyError for one that is to be taught and cannot be."""
        guest = self._load(name, "student")
        return guest.trainable() if is_taught else guest.policy()

    def _load(self, name: str, role: str) -> elsewhere.Guest:
        guest = elsewhere.load(name, self._spaces, self._spec, trust_code=self._trust_code)
        self.noted[role] = f"{guest.short_name} sha256:{guest.sha256}"
        return guest
