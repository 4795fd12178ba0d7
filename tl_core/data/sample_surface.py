"""The surfaces and the light of the sample set: metal, paint and casting under a lamp.

Colours are float32 RGB in 0..1 of shape (S, S, 3), before the light falls on them; lengths that
depend on the size of the picture are given as a share of its side S.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

__all__ = ["Light", "Plane", "draw_surface", "grid", "light_up", "noise", "smooth_step"]

Plane = NDArray[np.float32]

PAINTS = (  # machine enamels as RGB
    (0.62, 0.66, 0.70),
    (0.83, 0.82, 0.78),
    (0.36, 0.50, 0.46),
    (0.30, 0.42, 0.58),
    (0.72, 0.60, 0.36),
    (0.47, 0.49, 0.52),
    (0.58, 0.33, 0.28),
)


@dataclass(frozen=True, slots=True)
class Light:
    """A lamp: where from (radians), fall-off over the picture, dark corners, colour, brightness."""

    angle: float
    gradient: float
    vignette: float
    tint: tuple[float, float, float]
    exposure: float

    @classmethod
    def draw(cls, rng: np.random.Generator, *, second: bool = False) -> Light:
        """A lamp with the small changes of daily work; ``second`` is another station's lamp."""
        angle = float(rng.normal(-2.2, 0.5))
        gradient = float(rng.uniform(0.06, 0.26))
        vignette = float(rng.uniform(0.05, 0.28))
        exposure = float(rng.uniform(0.84, 1.1))
        warmth = float(rng.normal(0.0, 0.02))
        if second:
            angle, gradient, exposure = angle + math.pi, gradient + 0.3, exposure * 0.78
            warmth += 0.13
        return cls(angle, gradient, vignette, (1.0 + warmth, 1.0, 1.0 - warmth), exposure)


def grid(size_px: int) -> tuple[Plane, Plane]:
    """Coordinates x, y of the pixel centres in 0..1, each of shape (S, S)."""
    axis = (np.arange(size_px, dtype=np.float32) + np.float32(0.5)) / np.float32(size_px)
    x, y = np.meshgrid(axis, axis)
    return x, y


def noise(rng: np.random.Generator, size_px: int, cells: tuple[int, int]) -> Plane:
    """Smooth noise of mean 0 and deviation about 1: ``cells`` = (rows, columns) of free values."""
    rows, columns = (min(max(2, count), size_px) for count in cells)
    coarse = Image.fromarray(rng.standard_normal((rows, columns), dtype=np.float32))
    return np.asarray(coarse.resize((size_px, size_px), Image.Resampling.BICUBIC), np.float32)


def smooth_step(values: Plane, low: float, high: float) -> Plane:
    """0 below ``low``, 1 above ``high``, an S-curve between."""
    t = np.clip((values - low) / (high - low), 0.0, 1.0)
    smooth: Plane = (t * t * (3.0 - 2.0 * t)).astype(np.float32)
    return smooth


def draw_surface(rng: np.random.Generator, size_px: int) -> Plane:
    """A clean surface, one of three kinds, before the light falls on it."""
    kind = rng.choice(3, p=[0.4, 0.35, 0.25])
    drawn = (_brushed, _painted, _cast)[int(kind)](rng, size_px)
    drawn += (noise(rng, size_px, (3, 3)) * 0.018)[..., None]
    return drawn


def light_up(rng: np.random.Generator, canvas: Plane, light: Light) -> Plane:
    """Let the lamp shine and the camera see: fall-off, dark corners, colour, sensor noise."""
    size = canvas.shape[0]
    x, y = grid(size)
    across = (x - 0.5) * math.cos(light.angle) + (y - 0.5) * math.sin(light.angle)
    radius = (x - 0.5) ** 2 + (y - 0.5) ** 2
    shade = light.exposure * (1.0 + 2.0 * light.gradient * across - light.vignette * 2.0 * radius)
    lit = canvas * shade[..., None] * np.asarray(light.tint, np.float32)
    lit += rng.standard_normal((size, size, 1), dtype=np.float32) * np.float32(0.014)
    result: Plane = lit.astype(np.float32)
    return result


def _brushed(rng: np.random.Generator, size: int) -> Plane:
    """Metal brushed in one direction: long streaks and a broad sheen across them."""
    wide = math.ceil(size * 1.45)  # so that any turn still covers the picture
    streaks = noise(rng, wide, (wide, 5)) * rng.uniform(0.014, 0.034)
    streaks += noise(rng, wide, (wide, 2)) * 0.012
    streaks += noise(rng, wide, (6, 2)) * rng.uniform(0.008, 0.025)
    turned = Image.fromarray(streaks.astype(np.float32)).rotate(
        float(rng.uniform(0.0, 180.0)), Image.Resampling.BILINEAR
    )
    edge = (wide - size) // 2
    grain = np.asarray(turned, np.float32)[edge : edge + size, edge : edge + size]
    base = rng.uniform(0.5, 0.74)
    cool = rng.normal(0.0, 0.015)
    return _coloured(grain, (base - cool, base, base + cool + 0.008))


def _painted(rng: np.random.Generator, size: int) -> Plane:
    """Enamel with the fine dimples of sprayed paint."""
    cells = int(rng.integers(34, 70))
    peel = noise(rng, size, (cells, cells)) * rng.uniform(0.006, 0.016)
    peel += noise(rng, size, (cells // 4, cells // 4)) * 0.007
    paint = PAINTS[int(rng.integers(len(PAINTS)))]
    red, green, blue = np.clip(np.asarray(paint) + rng.normal(0.0, 0.03, 3), 0.1, 0.92)
    return _coloured(peel, (float(red), float(green), float(blue)))


def _cast(rng: np.random.Generator, size: int) -> Plane:
    """Cast metal: grain on two scales and small pores."""
    grain = noise(rng, size, (95, 95)) * rng.uniform(0.018, 0.032)
    grain += noise(rng, size, (34, 34)) * rng.uniform(0.008, 0.018)
    grain += noise(rng, size, (9, 9)) * 0.008
    pores = smooth_step(noise(rng, size, (48, 48)), 2.1, 2.9)
    base = float(rng.uniform(0.34, 0.52))
    return _coloured(grain - pores * 0.13, (base + 0.006, base, base - 0.004))


def _coloured(relief: Plane, colour: tuple[float, float, float]) -> Plane:
    canvas: Plane = (relief[..., None] + np.asarray(colour, np.float32)).astype(np.float32)
    return canvas
