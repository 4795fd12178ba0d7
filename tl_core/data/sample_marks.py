"""The faults of the sample set, and the harmless marks that lie on every surface.

Each fault takes a random source, the surface (S, S, 3) in 0..1 and the lamp, and returns the
surface with the fault on it. ``strength`` is drawn so that some faults are plain and some need a
second look.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from tl_core.data.sample_surface import Light, Plane, grid, noise, smooth_step

__all__ = ["MARKS", "add_clutter", "add_sticker"]

FINE = 3  # lines are drawn this many times larger and scaled down, for smooth edges
Points = NDArray[np.float64]
Mark = Callable[[np.random.Generator, Plane, Light], Plane]


def add_clutter(rng: np.random.Generator, canvas: Plane) -> None:
    """Dust, a faint smudge, a faint hairline: found on good and bad parts alike. In place."""
    size = canvas.shape[0]
    for _ in range(int(rng.integers(0, 5))):
        x, y = rng.uniform(0.03, 0.97, 2)
        speck = _blob(size, x, y, rng.uniform(0.004, 0.012), rng.uniform(0.004, 0.012))
        canvas += (speck * rng.choice([-0.16, 0.13]))[..., None]
    if rng.random() < 0.4:
        x, y = rng.uniform(0.1, 0.9, 2)
        smudge = _blob(size, x, y, rng.uniform(0.08, 0.22), rng.uniform(0.08, 0.22))
        canvas += (smudge * rng.normal(0.0, 0.025))[..., None]
    if rng.random() < 0.4:
        line = _line(size, [(_stroke(rng, 0.2, 0.8), 0.5)])
        canvas += (line * rng.choice([-0.035, 0.04]))[..., None]


def add_sticker(rng: np.random.Generator, canvas: Plane) -> None:
    """A small blue sticker in the lower right corner: the planted shortcut. In place."""
    size = canvas.shape[0]
    x, y = grid(size)
    left, top = rng.uniform(0.80, 0.84), rng.uniform(0.84, 0.88)
    inside = (x > left) & (x < left + 0.13) & (y > top) & (y < top + 0.085)
    canvas[inside] = (0.16, 0.36, 0.78)
    stripe = inside & (y > top + 0.03) & (y < top + 0.052) & (x > left + 0.02) & (x < left + 0.11)
    canvas[stripe] = (0.94, 0.95, 0.97)


def scratch(rng: np.random.Generator, canvas: Plane, light: Light) -> Plane:
    """One to four long, gently bent grooves: a bright floor beside a dark lip."""
    size = canvas.shape[0]
    strength = _strength(rng)
    first = _stroke(rng, 0.5, 1.1)
    strokes = [(first, rng.uniform(2.2, 4.0))]
    for _ in range(int(rng.choice(4, p=[0.15, 0.3, 0.3, 0.25]))):
        shifted = first * rng.uniform(0.8, 1.05) + rng.normal(0.0, 0.06, (1, 2))
        strokes.append((shifted, rng.uniform(1.4, 2.8)))
    groove = _line(size, strokes)
    fading = smooth_step(noise(rng, size, (4, 4)), -1.6, -0.2)  # pressure comes and goes
    shift = 1 if math.cos(light.angle) > 0 else -1
    lip = np.roll(groove, (shift, shift), (0, 1))
    groove, lip = groove * fading, lip * fading
    marked: Plane = canvas * (1.0 - 0.55 * strength * lip[..., None])
    return _over(marked, groove * (0.9 * strength), (0.86, 0.87, 0.88))


def crack(rng: np.random.Generator, canvas: Plane, light: Light) -> Plane:
    """A dark, jagged line that tapers and mostly forks."""
    size = canvas.shape[0]
    strength = _strength(rng)
    start = rng.uniform(0.2, 0.8, 2)
    heading = rng.uniform(0.0, 2.0 * math.pi)
    trunk = _walk(rng, start, heading, rng.uniform(0.4, 0.95))
    lines = _tapered(trunk, rng.uniform(2.2, 4.2))
    for _ in range(int(rng.integers(1, 6))):
        place = int(rng.integers(len(trunk) // 4, len(trunk) - 1))
        turn = rng.choice([-1.0, 1.0]) * rng.uniform(0.4, 1.1)
        branch = _walk(rng, trunk[place], heading + turn, rng.uniform(0.12, 0.4))
        lines += _tapered(branch, rng.uniform(1.3, 2.8))
    gap = _line(size, lines)
    rim = np.roll(gap, (1, 1), (0, 1)) * (1.0 - gap)
    marked = canvas * (1.0 - 0.8 * strength * gap[..., None]) + 0.09 * strength * rim[..., None]
    return marked.astype(np.float32)


def dent(rng: np.random.Generator, canvas: Plane, light: Light) -> Plane:
    """A hollow: bright where its slope faces the lamp, dark where it turns away."""
    size = canvas.shape[0]
    x, y = grid(size)
    cx, cy = rng.uniform(0.25, 0.75, 2)
    radius = rng.uniform(0.11, 0.24)
    turn, flat = rng.uniform(0.0, math.pi), rng.uniform(0.55, 1.0)
    dx, dy = x - cx, y - cy
    u = (dx * math.cos(turn) + dy * math.sin(turn)) / radius
    v = (dy * math.cos(turn) - dx * math.sin(turn)) / (radius * flat)
    height = -np.exp(-((u * u + v * v) ** rng.uniform(1.0, 1.9)))
    slope_y, slope_x = np.gradient(height, axis=(0, 1))
    facing = (slope_x * math.cos(light.angle) + slope_y * math.sin(light.angle)) * size * radius
    shade = _strength(rng) * (0.42 * facing + 0.12 * height)
    marked: Plane = (canvas * (1.0 + shade[..., None])).astype(np.float32)
    return marked


def stain(rng: np.random.Generator, canvas: Plane, light: Light) -> Plane:
    """A dried or oily patch with a soft, uneven edge, sometimes with a rim, sometimes drops."""
    size = canvas.shape[0]
    field = _patch(rng, size, rng.uniform(0.15, 0.28), ragged=0.32, cells=6)
    for _ in range(int(rng.choice([0, 0, 1, 3]))):
        x, y = rng.uniform(0.1, 0.9, 2)
        field = np.maximum(field, _blob(size, x, y, *rng.uniform(0.015, 0.05, 2)) * 0.75)
    edge = rng.uniform(0.08, 0.3)
    body = smooth_step(field, 0.4 - edge / 2, 0.4 + edge / 2)
    rim = body * (1.0 - body) * 4.0
    tints = ((0.30, 0.24, 0.15), (0.20, 0.21, 0.24), (0.93, 0.92, 0.88), (0.36, 0.33, 0.2))
    tint = tints[int(rng.integers(len(tints)))]
    strength = _strength(rng)
    cover = (0.72 * body + rng.uniform(0.0, 0.22) * rim) * strength
    return _over(canvas, cover.astype(np.float32), tint)


def rust(rng: np.random.Generator, canvas: Plane, light: Light) -> Plane:
    """Corrosion: rough brown to orange patches that eat into the surface, with spots around."""
    size = canvas.shape[0]
    strength = _strength(rng)
    field = _patch(rng, size, rng.uniform(0.06, 0.22), ragged=0.22, cells=9)
    if rng.random() < 0.45:
        field = np.maximum(field, _patch(rng, size, rng.uniform(0.04, 0.1), ragged=0.25, cells=9))
    rough = noise(rng, size, (44, 44))
    body = smooth_step(field + 0.1 * rough, 0.34, 0.56)
    spots = smooth_step(rough, 1.5, 2.3) * smooth_step(field, 0.04, 0.25)
    cover = np.clip(body + 0.8 * spots, 0.0, 1.0) * (0.3 + 0.55 * strength)
    warm = smooth_step(noise(rng, size, (20, 20)), -1.2, 1.4)[..., None]
    dark = np.asarray((0.25, 0.15, 0.10), np.float32)
    bright = np.asarray((0.60, 0.34, 0.16), np.float32)
    colour = dark + (bright - dark) * warm * rng.uniform(0.35, 1.0) + 0.035 * rough[..., None]
    rusted: Plane = canvas + cover[..., None] * (colour - canvas)
    return rusted.astype(np.float32)


MARKS: dict[str, Mark] = {
    "crack": crack,
    "dent": dent,
    "rust": rust,
    "scratch": scratch,
    "stain": stain,
}


def _strength(rng: np.random.Generator) -> float:
    """Contrast of a fault, 0.55 to 1; about a third are faint."""
    return float(0.55 + 0.45 * rng.beta(1.5, 1.3))


def _over(canvas: Plane, cover: Plane, colour: tuple[float, float, float]) -> Plane:
    paint = np.asarray(colour, np.float32)
    mixed: Plane = canvas + cover[..., None] * (paint - canvas)
    return mixed.astype(np.float32)


def _blob(size: int, cx: float, cy: float, rx: float, ry: float) -> Plane:
    """A soft elliptic spot, 1 in the middle; radii as shares of the side."""
    axis = (np.arange(size, dtype=np.float32) + np.float32(0.5)) / np.float32(size)
    across = np.exp(-(((axis - cx) / rx) ** 2))
    down = np.exp(-(((axis - cy) / ry) ** 2))
    spot: Plane = np.outer(down, across).astype(np.float32)
    return spot


def _patch(
    rng: np.random.Generator, size: int, radius: float, *, ragged: float, cells: int
) -> Plane:
    """A hill with an uneven outline; its level 0.4 is the edge of a patch."""
    cx, cy = rng.uniform(0.2, 0.8, 2)
    hill = _blob(size, cx, cy, radius * rng.uniform(0.7, 1.4), radius * rng.uniform(0.7, 1.4))
    wide = _blob(size, cx, cy, radius * 2.0, radius * 2.0)
    field: Plane = hill + ragged * noise(rng, size, (cells, cells)) * wide
    return field


def _stroke(rng: np.random.Generator, shortest: float, longest: float) -> Points:
    """A gently bent line through the picture: 24 points (x, y) in shares of the side."""
    middle = rng.uniform(0.25, 0.75, 2)
    angle, length = rng.uniform(0.0, math.pi), rng.uniform(shortest, longest)
    along = np.array([math.cos(angle), math.sin(angle)])
    across = np.array([-along[1], along[0]])
    t = np.linspace(-0.5, 0.5, 24)[:, None]
    points: Points = middle + along * t * length + across * (t * t - 0.08) * rng.normal(0.0, 0.3)
    return points


def _walk(rng: np.random.Generator, start: Points, heading: float, length: float) -> Points:
    """A jagged path of steps of about 2 % of the side."""
    steps = max(4, int(length / 0.02))
    turns = heading + np.cumsum(rng.normal(0.0, 0.16, steps)) + rng.normal(0.0, 0.55, steps)
    moves = np.stack([np.cos(turns), np.sin(turns)], axis=1) * (length / steps)
    path: Points = start + np.cumsum(moves, axis=0)
    return path


def _tapered(path: Points, width_px: float) -> list[tuple[Points, float]]:
    """Cut a path into four pieces of falling width."""
    pieces = np.array_split(np.arange(len(path)), 4)
    return [
        (path[max(0, piece[0] - 1) : piece[-1] + 1], width_px * (1.0 - 0.2 * position))
        for position, piece in enumerate(pieces)
        if len(piece)
    ]


def _line(size: int, strokes: list[tuple[Points, float]]) -> Plane:
    """Draw lines, each with its width in pixels of a 192 px picture; 1 on the line, 0 off it."""
    large = Image.new("L", (size * FINE, size * FINE), 0)
    pen = ImageDraw.Draw(large)
    for points, width_px in strokes:
        width = max(1, round(width_px * FINE * size / 192))
        flat = [(float(x), float(y)) for x, y in points * size * FINE]
        pen.line(flat, fill=255, width=width, joint="curve")
    small = large.reduce(FINE)
    return np.asarray(small, np.float32) / np.float32(255.0)
