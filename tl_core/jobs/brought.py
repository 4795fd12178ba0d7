"""Where a project keeps a classifier that somebody brought as a bundle. No torch."""

from __future__ import annotations

import shutil
from dataclasses import asdict
from pathlib import Path

from tl_core.export.brought import Brought
from tl_core.storage import Home, read_json, write_json

__all__ = ["card_of", "keep", "kept", "projects", "remove"]

ABOUT = "about.json"


def kept(home: Home, project_id: str) -> Brought | None:
    """What a project's bundle says of itself; None where none was brought."""
    path = home.bundle_dir(project_id) / ABOUT
    return Brought.from_dict(read_json(path)) if path.is_file() else None


def card_of(home: Home, project_id: str) -> str:
    """The model card of a project's bundle, somebody else's text; "" without one."""
    path = home.bundle_dir(project_id) / "MODEL_CARD.md"
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


def projects(home: Home) -> list[str]:
    """Projects that were brought a bundle."""
    folder = home.root / "bundles"
    found = sorted(folder.iterdir()) if folder.is_dir() else []
    return [one.name for one in found if (one / ABOUT).is_file()]


def keep(home: Home, project_id: str, folder: Path, about: Brought) -> None:
    """Make a checked folder the project's bundle, in place of one it had."""
    write_json(folder / ABOUT, asdict(about))
    remove(home, project_id)
    target = home.bundle_dir(project_id)
    target.parent.mkdir(parents=True, exist_ok=True)
    folder.rename(target)


def remove(home: Home, project_id: str) -> None:
    """Remove a project's bundle with the answers it gave; fine when there is none."""
    shutil.rmtree(home.bundle_dir(project_id), ignore_errors=True)
