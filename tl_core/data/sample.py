"""The sample picture set: drawn tiles of inspected surfaces, with faults that can be planted.

Six classes of close-ups as an inspection camera would take them: brushed metal, painted or cast
surfaces, without a fault or with one of five. Everything is drawn from a seed with numpy and
Pillow, so nothing is shipped or downloaded and the same seed gives the same bytes on one machine.
Position, size, direction and contrast of a fault vary widely, dust and faint marks lie on every
surface, and surface, colour and light say nothing about the class unless that is asked for.

Four faults of real picture sets can be planted on purpose: wrong labels, near-duplicates, a
shortcut (one class carries a sticker) and a second lighting condition. What was planted is
returned and written beside the picture folder, never into it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tl_core.config import check_limits, limited
from tl_core.data.sample_marks import MARKS, add_clutter, add_sticker
from tl_core.data.sample_surface import Light, draw_surface, light_up
from tl_core.errors import DataError
from tl_core.storage import atomic_path, write_json

__all__ = ["CLASSES", "SampleOptions", "SampleTruth", "draw_tile", "write_sample"]

CLASSES = ("crack", "dent", "good", "rust", "scratch", "stain")
SHORTCUT_CLASS = "stain"  # the class that carries the sticker when a shortcut is planted
QUALITY = 90  # of the JPEG files


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleOptions:
    """What to draw. ``wrong_labels`` and ``near_duplicates`` are shares of all pictures.

    ``second_lighting`` takes half of the pictures of every class under another lamp.
    """

    per_class: int = limited(40, low=2, high=2000)
    size_px: int = limited(192, low=48, high=512)
    seed: int = limited(0, low=0, high=2**31 - 1)
    wrong_labels: float = limited(0.0, low=0.0, high=0.4)
    near_duplicates: float = limited(0.0, low=0.0, high=0.4)
    shortcut: bool = False
    second_lighting: bool = False

    def __post_init__(self) -> None:
        check_limits(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleTruth:
    """What was planted. Files are named relative to the picture folder: "rust/007.jpg"."""

    mislabelled: dict[str, str] = field(default_factory=dict)  # file -> the class it truly shows
    near_duplicates: dict[str, str] = field(default_factory=dict)  # copy -> its original
    shortcut_class: str = ""  # "" when none was planted
    second_lighting: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {**asdict(self), "second_lighting": list(self.second_lighting)}


@dataclass(slots=True)
class _Tile:
    """A picture still to be drawn. ``number`` and ``kind`` seed it, ``folder`` is its label."""

    kind: str
    number: int
    folder: str
    second_light: bool
    copy_of: _Tile | None = None
    file: str = ""


def write_sample(
    target: Path, options: SampleOptions, *, report: Callable[[int, int], None] | None = None
) -> SampleTruth:
    """Draw the set into ``target/<class>/NNN.jpg`` and say what was planted.

    The truth is also written to ``<target>.truth.json`` beside the folder.

    Args:
        target: A folder that is missing or empty; created.
        options: How many, how large, and which faults.
        report: Called with (done, total) pictures.

    Raises:
        DataError: ``target`` already holds something.
    """
    if target.exists() and any(target.iterdir()):
        raise DataError(
            f"The folder {target.name} is not empty.",
            hint="Choose a new or an empty folder for the sample pictures.",
        )
    tiles = _plan(options)
    for done, tile in enumerate(tiles, start=1):
        picture = _picture(tile, options)
        path = target / tile.file
        with atomic_path(path) as part:
            picture.save(part, format="JPEG", quality=QUALITY, subsampling=0)
        if report is not None:
            report(done, len(tiles))
    truth = SampleTruth(
        mislabelled={tile.file: tile.kind for tile in tiles if tile.folder != tile.kind},
        near_duplicates={tile.file: tile.copy_of.file for tile in tiles if tile.copy_of},
        shortcut_class=SHORTCUT_CLASS if options.shortcut else "",
        second_lighting=tuple(tile.file for tile in tiles if tile.second_light),
    )
    write_json(target.with_name(f"{target.name}.truth.json"), truth.to_dict())
    return truth


def draw_tile(
    kind: str,
    number: int,
    *,
    size_px: int = 192,
    seed: int = 0,
    second_light: bool = False,
    sticker: bool = False,
) -> Image.Image:
    """Draw one tile, the same for the same arguments.

    Args:
        kind: One of CLASSES.
        number: Which picture of the class; any number from 0.
        size_px: Width and height.
        seed: Of the whole set.
        second_light: Take it under the other lamp.
        sticker: Put the sticker of the planted shortcut into a corner.

    Returns:
        An RGB picture of ``size_px`` x ``size_px``.
    """
    rng = np.random.default_rng([seed, CLASSES.index(kind), number])
    light = Light.draw(rng, second=second_light)
    canvas = draw_surface(rng, size_px)
    add_clutter(rng, canvas)
    if mark := MARKS.get(kind):
        canvas = mark(rng, canvas, light)
    if sticker:
        add_sticker(rng, canvas)
    return _as_picture(light_up(rng, canvas, light))


def _picture(tile: _Tile, options: SampleOptions) -> Image.Image:
    original = tile.copy_of or tile
    picture = draw_tile(
        original.kind,
        original.number,
        size_px=options.size_px,
        seed=options.seed,
        second_light=original.second_light,
        sticker=options.shortcut and tile.folder == SHORTCUT_CLASS,
    )
    return _almost_same(picture, tile, options.seed) if tile.copy_of else picture


def _almost_same(picture: Image.Image, tile: _Tile, seed: int) -> Image.Image:
    """The next shot of the same part: a hair closer, a little brighter or darker."""
    rng = np.random.default_rng([seed, 1 + CLASSES.index(tile.kind), tile.number, 77])
    size = picture.width
    left, top, right, bottom = rng.uniform(0.0, 0.03, 4) * size
    closer = picture.resize(
        (size, size), Image.Resampling.BICUBIC, box=(left, top, size - right, size - bottom)
    )
    gain = float(rng.uniform(0.94, 1.06))
    return closer.point([min(255, round(value * gain)) for value in range(256)] * 3)


def _plan(options: SampleOptions) -> list[_Tile]:
    """Every tile of the set with its faults decided, in the order of the files."""
    rng = np.random.default_rng([options.seed, 4321])
    tiles = [
        _Tile(kind=kind, number=number, folder=kind, second_light=False)
        for kind in CLASSES
        for number in range(options.per_class)
    ]
    if options.second_lighting:
        for kind in CLASSES:
            for tile in _drawn(rng, [t for t in tiles if t.kind == kind], 0.5):
                tile.second_light = True
    _plant_copies(rng, tiles, options.near_duplicates)
    # A picture that has a copy, or is one, keeps its label: one fault per picture.
    paired = {id(t) for tile in tiles if tile.copy_of for t in (tile, tile.copy_of)}
    free = [tile for tile in tiles if id(tile) not in paired]
    wrong = min(len(free), math.floor(options.wrong_labels * len(tiles) + 0.5))
    for tile in _drawn(rng, free, wrong / max(1, len(free))):
        others = [kind for kind in CLASSES if kind != tile.kind]
        tile.folder = others[int(rng.integers(len(others)))]
    return _named(rng, tiles)


def _plant_copies(rng: np.random.Generator, tiles: Sequence[_Tile], share: float) -> None:
    for kind in CLASSES:
        own = [tile for tile in tiles if tile.kind == kind]
        copies = _drawn(rng, own, min(share, 0.5))
        originals = [tile for tile in own if not any(tile is copy for copy in copies)]
        for copy in copies:
            copy.copy_of = originals[int(rng.integers(len(originals)))]
            copy.second_light = copy.copy_of.second_light


def _drawn(rng: np.random.Generator, tiles: Sequence[_Tile], share: float) -> list[_Tile]:
    count = math.floor(share * len(tiles) + 0.5)
    return [tiles[i] for i in sorted(rng.permutation(len(tiles))[:count])]


def _named(rng: np.random.Generator, tiles: Sequence[_Tile]) -> list[_Tile]:
    """Number the files of each folder in a mixed order, so that no name gives a fault away."""
    named: list[_Tile] = []
    for folder in CLASSES:
        own = [tile for tile in tiles if tile.folder == folder]
        for position, index in enumerate(rng.permutation(len(own))):
            own[index].file = f"{folder}/{position:03d}.jpg"
            named.append(own[index])
    return named


def _as_picture(rgb: NDArray[np.float32]) -> Image.Image:
    return Image.fromarray((np.clip(rgb, 0.0, 1.0) * 255.0 + 0.5).astype(np.uint8))
