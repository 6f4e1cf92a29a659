"""Colours that tell drivers apart, also to eyes without red, green or blue cones; and the switch between palettes."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pytest

from recordings.schema import Driver
from teleop.app.layout import lay_out
from teleop.preferences.look import Look, look, put_on
from teleop.preferences.palette import BACKGROUND, CARD, DRIVERS, TEXT, mix
from teleop.preferences.palettes import COLOUR_SAFE, HIGH_CONTRAST, PALETTES, STANDARD, Palette, Rgb, find

Floats = npt.NDArray[np.float64]

EYES: dict[str, Floats] = {
    "usual": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
"""Linear RGB -> what such an eye sees of it (Machado, Oliveira and Fernandes 2009, severity 1)."""
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
FAR_APART = 30.0
"""CIELAB; 2 can just be told apart side by side, 10 at a glance."""


@pytest.fixture(autouse=True)
def usual_look() -> Iterator[None]:
    yield
    put_on(Look())


def linear(colour: Rgb) -> Floats:
    share = np.array(colour) / 255
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)


def lab(colour: Rgb, eye: Floats) -> Floats:
    xyz = TO_XYZ @ np.clip(eye @ linear(colour), 0, 1) / TO_XYZ.sum(1)
    x, y, z = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def contrast(a: Rgb, b: Rgb) -> float:
    """As WCAG reckons it, 1 to 21."""
    low, high = sorted(float(TO_XYZ[1] @ linear(colour)) for colour in (a, b))
    return (high + 0.05) / (low + 0.05)


def test_the_measure_knows_black_white_and_red() -> None:
    assert np.allclose(lab((255, 255, 255), EYES["usual"]), [100, 0, 0], atol=0.1)
    assert np.allclose(lab((255, 0, 0), EYES["usual"]), [53.2, 80.1, 67.2], atol=0.2)
    assert contrast((0, 0, 0), (255, 255, 255)) == pytest.approx(21)


@pytest.mark.parametrize("eye", EYES)
@pytest.mark.parametrize("palette", [COLOUR_SAFE, HIGH_CONTRAST], ids=lambda palette: palette.name)
def test_who_drives_is_told_apart_by_every_eye(palette: Palette, eye: str) -> None:
    colours = {
        **{driver.name: colour for driver, colour in palette.drivers.items()},
        "PAUSED": palette.paused,
    }
    for (a, first), (b, second) in itertools.combinations(colours.items(), 2):
        distance = float(np.linalg.norm(lab(first, EYES[eye]) - lab(second, EYES[eye])))
        assert distance >= FAR_APART, f"{a} and {b}: {distance:.1f}"


@pytest.mark.parametrize("eye", EYES)
def test_the_standard_palette_tells_the_three_phases_apart(eye: str) -> None:
    three = (STANDARD.drivers[Driver.HUMAN], STANDARD.drivers[Driver.STUDENT], STANDARD.paused)
    for first, second in itertools.combinations(three, 2):
        assert np.linalg.norm(lab(first, EYES[eye]) - lab(second, EYES[eye])) >= 25


@pytest.mark.parametrize("eye", EYES)
@pytest.mark.parametrize("palette", PALETTES, ids=lambda palette: palette.name)
def test_every_eye_finds_penalties_and_the_goal_on_a_map(palette: Palette, eye: str) -> None:
    marked, plain = (palette.penalty, palette.goal), (palette.free, palette.dead_end)
    for first, second in [*itertools.product(marked, plain), marked]:
        assert np.linalg.norm(lab(first, EYES[eye]) - lab(second, EYES[eye])) >= 25


@pytest.mark.parametrize("palette", PALETTES, ids=lambda palette: palette.name)
def test_text_can_be_read(palette: Palette) -> None:
    """WCAG asks for 4.5 (3 for large letters), and for 7 where contrast is to be high."""
    least = 7 if palette is HIGH_CONTRAST else 4.5
    for ground in (palette.background, palette.card, palette.stage):
        assert contrast(palette.text, ground) >= least
        assert contrast(palette.muted, ground) >= least
        assert contrast(palette.warning, ground) >= least
    for colour in (*palette.drivers.values(), palette.paused):
        assert contrast(palette.ink, colour) >= 3


def test_every_driver_has_a_colour_in_every_palette() -> None:
    assert all(set(palette.drivers) == set(Driver) for palette in PALETTES)
    assert [find(palette.name) for palette in PALETTES] == list(PALETTES)
    assert find("of old") is STANDARD


def test_shades_follow_the_palette_in_use() -> None:
    between = mix(BACKGROUND, TEXT, 0.5)
    assert tuple(BACKGROUND) == STANDARD.background
    assert tuple(between) == (128, 130, 134)
    remembered = {("a text", BACKGROUND): "in dark grey"}
    put_on(Look(HIGH_CONTRAST))
    assert tuple(BACKGROUND) == (0, 0, 0)
    assert tuple(between) == (128, 128, 128)
    assert DRIVERS[Driver.STUDENT] == HIGH_CONTRAST.drivers[Driver.STUDENT]
    assert ("a text", BACKGROUND) not in remembered
    assert CARD != BACKGROUND


def test_text_of_another_size_takes_its_room_from_the_world() -> None:
    usual = lay_out((800, 600), 1.0)
    put_on(Look(text_size=1.3))
    assert look().text_size == 1.3
    large = lay_out((800, 600), 1.0)
    assert large.scale == pytest.approx(1.3 * usual.scale)
    assert large.panel.width > usual.panel.width
    assert large.banner.height > usual.banner.height
    assert large.world.width >= 300
    assert large.panel.right <= 800
