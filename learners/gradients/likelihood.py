"""How likely actions are under a policy's network, and how undecided it is: what PPO and GAIL reckon with.

A Gaussian over a Box is clipped to the Box when it acts. An action at a bound therefore does not have the
Gaussian's density there, but the chance of everything beyond (Fujita and Maeda 2018, "Clipped action policy
gradient", section 3). Taken for a density, a bound would look less likely than it is, and the more so the more
firmly the policy means it.
"""

from __future__ import annotations

from typing import cast

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from learners.networks import PolicyNetwork

LOG_2_PI = float(np.log(2 * np.pi))


def log_probabilities(actor: PolicyNetwork, observations: Tensor, actions: Tensor) -> tuple[Tensor, Tensor]:
    """log pi(a | s) (N,) and the entropy (N,), in nats; of a Gaussian the entropy before it is clipped.

    actions (N,) int64, from 0, or (N, numbers of an action), as they were executed.
    """
    outputs = actor(observations)
    if actions.dtype == torch.int64:
        logs = functional.log_softmax(outputs, dim=1)
        return logs.gather(1, actions[:, None])[:, 0], -(logs.exp() * logs).sum(1)
    log_std = cast(Tensor, actor.log_std)
    logs = clipped_gaussian(actions, outputs, log_std, cast(Tensor, actor.low), cast(Tensor, actor.high))
    return logs.sum(1), (log_std + 0.5 * (1 + LOG_2_PI)).sum().expand(len(outputs))


def clipped_gaussian(actions: Tensor, means: Tensor, log_std: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """The log density of each number of an action, and at a bound the log chance of what lies there and beyond.

    actions, means (N, D); log_std, low, high (D,) -> (N, D)
    """
    precision = (-log_std).exp()
    inside = -0.5 * (((actions - means) * precision).square() + LOG_2_PI) - log_std
    is_low, is_high = actions <= low, actions >= high
    if not (is_low.any() or is_high.any()):
        return inside
    overshoot = torch.where(is_low, low - means, torch.where(is_high, means - high, 0.0))
    return torch.where(is_low | is_high, torch.special.log_ndtr(overshoot * precision), inside)
