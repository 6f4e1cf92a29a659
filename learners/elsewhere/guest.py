"""What a policy from elsewhere is handed over as, and under which name its answers are recorded."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from learners.elsewhere.answers import ForeignExpert
from learners.errors import ForeignPolicyError
from learners.interface import Policy
from learners.policies import NetworkPolicy

HASH_DIGITS = 12
NAME_BYTES = 200
"""Of a name, at most: a labeler's name has 255 bytes in a recording."""


@dataclass(frozen=True)
class Guest:
    """Somebody from elsewhere who can act in this world."""

    name: str
    """As it was typed."""
    sha256: str
    """Of the file, or of the module that holds the function, in hexadecimal."""
    actor: Policy | ForeignExpert
    """A `NetworkPolicy` where it can be trained further; a `ForeignExpert` only from a Python function."""

    @property
    def short_name(self) -> str:
        """Without the folder."""
        return Path(self.name).name

    @property
    def label(self) -> str:
        """Who answers, as written beside each label."""
        return label_of(self.name, self.sha256)

    def policy(self) -> Policy:
        """As one that acts in many states at once. Raises ForeignPolicyError for an expert."""
        if isinstance(self.actor, ForeignExpert):
            raise ForeignPolicyError(
                f"{self.name}: expected a policy, with act(observations, rng), found an expert, with "
                "act(observation, tick). Name it as --expert or --driver, or return a policy."
            )
        return self.actor

    def trainable(self) -> NetworkPolicy:
        """As a student that goes on learning. Raises ForeignPolicyError."""
        policy = self.policy()
        if not isinstance(policy, NetworkPolicy):
            raise ForeignPolicyError(
                f"{self.name}: expected a student that can be taught, found a policy of another program, whose "
                "weights are not known here. It can drive untaught (dagger --training never), or be the --expert "
                "from whom a student of our own learns. Plain networks of Stable-Baselines3 (.zip) can be taught."
            )
        return policy


def label_of(name: str, sha256: str) -> str:
    """ "balance.onnx#3f2a9c81d04b": which file it was, however often the name is used again."""
    short = Path(name).name.encode()[:NAME_BYTES].decode(errors="ignore")
    return f"{short}#{sha256[:HASH_DIGITS]}"


def sha256_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
