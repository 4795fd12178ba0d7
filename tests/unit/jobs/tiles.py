"""A small real project: generated tiles taken in the ordinary way."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from PIL import Image
from sqlalchemy import Engine

from tl_core.config import DataConfig
from tl_core.data.intake import take_in
from tl_core.jobs.library import Library
from tl_core.storage import Home


def write_tiles(folder: Path, *, per_class: int = 12, size_px: int = 40) -> Path:
    """Noisy tiles, brighter at the top in one class and at the bottom in the other."""
    rng = np.random.default_rng(0)
    ramp = np.linspace(-40, 40, size_px)[:, None, None]
    for label, sign in (("down", 1), ("up", -1)):
        (folder / label).mkdir(parents=True, exist_ok=True)
        for i in range(per_class):
            noise = rng.normal(0, 30, (size_px, size_px, 3))
            pixels = np.clip(128 + sign * ramp + noise, 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / label / f"{i:03}.png")
    return folder


def tiny_project(home: Home, engine: Engine, *, per_class: int = 12) -> str:
    """A project of two classes, ready to train; returns its id."""
    library = Library(engine)
    project = library.create("Tiles")
    with tempfile.TemporaryDirectory() as folder:
        intake = take_in(write_tiles(Path(folder), per_class=per_class), home)
    library.replace_images(project.id, intake, DataConfig(val_fraction=0.25, test_fraction=0.25))
    return project.id
