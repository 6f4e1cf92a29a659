"""How a policy comes out of recordings. Learners, and torch, are imported when asked for."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

from learners.errors import UnknownLearnerError

if TYPE_CHECKING:
    from learners.policies import NetworkPolicy


class _Learners(Mapping[str, ModuleType]):
    """Learner name -> its module, imported when it is asked for."""

    def __init__(self, modules: Mapping[str, str]) -> None:
        self._modules = modules

    def __getitem__(self, name: str) -> ModuleType:
        if name not in self._modules:
            raise UnknownLearnerError(
                f"{name!r}: expected a learner, one of: {', '.join(self._modules)}. Check the spelling."
            )
        return import_module(self._modules[name])

    def __contains__(self, name: object) -> bool:
        return name in self._modules

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __len__(self) -> int:
        return len(self._modules)


LEARNERS: Mapping[str, ModuleType] = _Learners(
    {
        "bc": "learners.bc",
        "bco": "learners.bco",
        "dagger": "learners.dagger",
        "gail": "learners.gail",
        "iq-learn": "learners.iq_learn",
        "maxent-irl": "learners.maxent_irl",
        "mce-irl": "learners.mce_irl",
        "ppo": "learners.ppo",
        "relent-irl": "learners.relent_irl",
    }
)
"""Every learner by its name on the command line. An unknown name raises UnknownLearnerError."""


def load_policy(path: str | os.PathLike[str]) -> NetworkPolicy:
    """The policy in a file that `train` or `dagger` wrote. Raises PolicyFileError for anything else."""
    from learners import checkpoint

    return checkpoint.load(path).policy


__all__ = ["LEARNERS", "load_policy"]
