"""The steps that are not yet in the file, and what the agent sees after the last of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from recordings import spaces
from recordings.errors import InvalidRow
from recordings.schema import Header, table

_BYTES = 1 << 20
_ROWS = 4096

Array = npt.NDArray[Any]


class StepBuffer:
    """Rows of /steps in one array made beforehand; the row after the last holds the observation that stands."""

    def __init__(self, path: Path, header: Header) -> None:
        """path: of the recording, for messages."""
        self._path = path
        row_dtype = table("steps", header).row_dtype()
        self.capacity = max(1, min(_ROWS, _BYTES // row_dtype.itemsize))
        """Steps that it can hold."""
        self._rows = np.zeros(self.capacity + 1, row_dtype)
        self._observations = self._rows["observation"]
        self._observation_shape = self._observations.shape[1:]
        self._decisions = self._rows[[name for name in row_dtype.names or () if name != "observation"]]
        self._no_action = np.zeros_like(self._rows["student_action"][0])
        self._encode_observation = spaces.encoder(header.observation_space)
        self._encode_action = spaces.encoder(header.action_space)
        self.nothing_seen = np.zeros_like(self._observations[0])
        """(*observation shape) zeros."""
        self.n = 0
        """Steps held."""

    @property
    def nbytes(self) -> int:
        """Of a full buffer."""
        return int(self._rows.nbytes)

    @property
    def rows(self) -> Array:
        """(n,) the steps held, as rows of /steps; a view."""
        return self._rows[: self.n]

    @property
    def standing(self) -> Any:
        """(*observation shape) what is seen after the last step, or a number; a view."""
        return self._observations[self.n]

    def stand_at(self, observation: Any) -> None:
        """An episode begins with this observation. Raises InvalidRow."""
        self._see(self.n, observation)

    def append(
        self,
        action: Any,
        reward: float,
        terminated: bool,
        truncated: bool,
        next_observation: Any,
        driver: int,
        student_action: Any,
        student_version: int,
        time_ns: int,
        keys: int,
    ) -> None:
        """One more step. Raises InvalidRow, or TypeError, ValueError, OverflowError where a value does not fit."""
        row = self.n
        executed = self._encode_action(action)
        asked = executed if student_action is None else self._encode_action(student_action)
        self._see(row + 1, next_observation)
        self._decisions[row] = (
            executed,
            reward,
            terminated,
            truncated,
            driver,
            asked if student_action is not None else self._no_action,
            student_action is not None,
            student_version,
            time_ns,
            keys,
        )
        self.n = row + 1

    def clear(self) -> None:
        """The steps are in the file; what stands stays."""
        self._observations[0] = self._observations[self.n]
        self.n = 0

    def _see(self, row: int, observation: Any) -> None:
        stored = self._encode_observation(observation)
        shape = getattr(stored, "shape", None)
        if shape != self._observation_shape and np.shape(stored) != self._observation_shape:
            raise InvalidRow(
                f"{self._path}: observation: expected shape {self._observation_shape}, found {np.shape(stored)}."
            )
        self._observations[row] = stored
