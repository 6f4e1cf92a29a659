"""Source 001: cloning a hopping robot. Its seven networks and its conclusions, then what is needed to hop well.

Reading order: `data` (world, expert, demonstrations), `rows` (the source's networks), `claims` (its conclusions),
`strong` (learners that reach the expert), `pictures`, `page`.
"""

from teleop.experiments.hopper.page import EXPERIMENT

__all__ = ["EXPERIMENT"]
