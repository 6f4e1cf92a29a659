"""Recordings and experts that come with the program: every figure can be measured again without a download."""

from __future__ import annotations

from pathlib import Path


def tutorial_demonstrations_path() -> Path:
    """The GridWorld tutorial's demonstrations as a recording: 10,000 episodes, 785,876 steps, no labels.

    They were drawn from a softmax policy that the tutorial's authors had trained by PPO. About one in ten never
    reaches the goal and is truncated after 200 steps. Mean return 8.87. Compressed: to be read, not continued.
    """
    return Path(__file__).with_name("gridworld_tutorial.h5")


def hopper_expert_path() -> Path:
    """An expert for Hopper-v5, trained by this project's PPO; the page of `reproduce hopper` has the command."""
    return Path(__file__).with_name("hopper_expert.safetensors")
