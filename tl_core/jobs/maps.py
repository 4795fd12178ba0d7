"""Where a run keeps what explains it, and the map of its pictures as pages read it. No torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tl_core.storage import Home, read_json, write_json

__all__ = ["VERSION", "Map", "Point", "drawn_map", "folder_of", "keep_map"]

VERSION = 1  # of what is kept; a change of the methods counts it up


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One picture on the map, as the run knew it.

    ``among`` is the class most of its nearest pictures have, ``same`` and ``share`` which shares of
    them have its own class and that one; ``strange`` says that it stands among another class.
    """

    image: str
    label: str
    split: str
    x: float
    y: float
    among: str
    same: float
    share: float
    strange: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Map:
    """The pictures of a run laid out flat.

    ``of`` pictures are in the run, of which ``points`` are shown. ``kept`` is the share of the
    nearest pictures on the map that are really the most alike, ``chance`` what it would be by luck.
    """

    points: tuple[Point, ...]
    of: int
    kept: float
    chance: float


def folder_of(home: Home, run_id: str) -> Path:
    """Where a run keeps its explanations."""
    return home.run_dir(run_id) / "explain"


def drawn_map(home: Home, run_id: str) -> Map | None:
    """The map of a run; None before it was made."""
    path = folder_of(home, run_id) / f"map-v{VERSION}.json"
    if not path.is_file():
        return None
    body: Mapping[str, Any] = read_json(path)
    points = tuple(
        Point(**dict(zip(body["columns"], values, strict=True))) for values in body["points"]
    )
    return Map(points=points, of=body["of"], kept=body["kept"], chance=body["chance"])


def keep_map(home: Home, run_id: str, made: Map) -> None:
    """Write a map down in its run's folder."""
    columns = list(Point.__dataclass_fields__)
    path = folder_of(home, run_id) / f"map-v{VERSION}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(
        path,
        {
            "columns": columns,
            "points": [[getattr(one, name) for name in columns] for one in made.points],
            "of": made.of,
            "kept": made.kept,
            "chance": made.chance,
        },
    )
