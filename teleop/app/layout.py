"""Where things go in a window of any size from 800x600 up."""

from __future__ import annotations

from dataclasses import dataclass

import pygame

from teleop.app.window import SMALLEST_SIZE
from teleop.preferences.look import look

DESIGN_SIZE = (1280, 800)
SMALLEST_SCALE, LARGEST_SCALE = 0.8, 2.5
PANEL_LEAST, PANEL_MOST = 330, 520
"""Width of the side panel in pixels of the 1280x800 design."""


@dataclass(frozen=True)
class Layout:
    scale: float
    """1.0 at 1280x800."""
    stage: pygame.Rect
    """The frame in the driver's colour, banner and hint included."""
    banner: pygame.Rect
    inside: pygame.Rect
    """The dark within the frame, between banner and hint; what is drawn of the world never leaves it."""
    world: pygame.Rect
    """Where the world is drawn."""
    hint: pygame.Rect
    panel: pygame.Rect


def scale_of(size: tuple[int, int]) -> float:
    """How much larger than in the 1280x800 design things are drawn; text stays legible in small windows.

    A person's size of text multiplies it: what surrounds a text grows with it, and the world has what is left.
    """
    fit = min(size[0] / DESIGN_SIZE[0], size[1] / DESIGN_SIZE[1])
    return min(LARGEST_SCALE, max(SMALLEST_SCALE, fit)) * look().text_size


def lay_out(size: tuple[int, int], aspect: float, *, below: int = 0) -> Layout:
    """The driving and the replay scene: the world left, as large as it can be, the panel right.

    aspect: the world's width over its height. below: height to keep free under the stage, in design pixels.
    """
    width, height = max(size[0], SMALLEST_SIZE[0]), max(size[1], SMALLEST_SIZE[1])
    scale = scale_of((width, height))

    def px(length: float) -> int:
        return round(length * scale)

    margin, frame = px(16), px(5)
    banner, hint, inner = px(44), px(42), px(10)
    stage_height = height - 2 * margin - px(below)
    world_height = stage_height - banner - hint - 2 * frame - 2 * inner
    wanted = round(world_height * aspect) + 2 * frame + 2 * inner
    panel_width = min(px(PANEL_MOST), max(px(PANEL_LEAST), width - 3 * margin - wanted))
    stage = pygame.Rect(margin, margin, width - 3 * margin - panel_width, stage_height)
    return Layout(
        scale=scale,
        stage=stage,
        banner=pygame.Rect(stage.x, stage.y, stage.width, banner),
        inside=pygame.Rect(
            stage.x + frame, stage.y + banner, stage.width - 2 * frame, world_height + 2 * inner
        ),
        world=pygame.Rect(
            stage.x + frame + inner, stage.y + banner + inner, stage.width - 2 * (frame + inner), world_height
        ),
        hint=pygame.Rect(stage.x + frame, stage.bottom - frame - hint, stage.width - 2 * frame, hint),
        panel=pygame.Rect(stage.right + margin, margin, panel_width, stage_height),
    )
