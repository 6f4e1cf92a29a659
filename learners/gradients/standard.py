"""Inputs of networks relative to everything that was seen so far, for learners whose data come in bit by bit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from learners.interface import Array, FloatArray
from learners.networks import Perceptron


class RunningStandard:
    """Mean and deviation of all observations so far, kept equal in some networks.

    They are the networks' own arrays, so that a policy frozen at any moment carries its scale with it.
    """

    def __init__(self, networks: Sequence[Perceptron]) -> None:
        self._networks = networks
        self.count = 0
        self._mean: FloatArray = np.zeros(0)
        self._squares: FloatArray = np.zeros(0)

    def see(self, observations: Array) -> None:
        """observations (N, *observation shape); none change nothing."""
        if len(observations) == 0:
            return
        flat = np.asarray(observations, np.float64).reshape(len(observations), -1)
        mean, squares = flat.mean(0), flat.var(0) * len(flat)
        if self.count:
            mean, squares = self._joined(mean, squares, len(flat))
        self._mean, self._squares = mean, squares
        self.count += len(flat)
        for network in self._networks:
            network.measure_by(self._mean, np.sqrt(self._squares / self.count))

    def _joined(self, mean: FloatArray, squares: FloatArray, n: int) -> tuple[FloatArray, FloatArray]:
        """The mean and the sum of squared distances from it, with n more rows (Chan et al. 1979)."""
        total, apart = self.count + n, mean - self._mean
        return (
            self._mean + apart * n / total,
            self._squares + squares + apart**2 * self.count * n / total,
        )
