"""A place with files that must stay as they are while something hostile is taken in beside them."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.conftest import ROOT

__all__ = ["Place", "changes"]

PATIENCE_S = 240


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """``root`` holds everything: the sentinels, a temporary folder, the containers, the homes."""

    root: Path

    @classmethod
    def at(cls, root: Path) -> Place:
        """Make one."""
        place = cls(root=root)
        for name in ("outside", "outside/deeper", "sets", "temporary", "here", "homes"):
            (root / name).mkdir(parents=True)
        for name in ("outside/secret.jpg", "outside/deeper/notes.txt", "here/climb.jpg", "x.jpg"):
            (root / name).write_bytes(f"stays as it is: {name}".encode())
        for name in ("up.jpg", "up1.jpg", "up2.jpg", "absolute.jpg", "secret.jpg"):
            (root / "homes" / name).write_bytes(b"stays as it is")
        return place

    @property
    def outside(self) -> Path:
        """What hostile names and links point into."""
        return self.root / "outside"

    def stamp(self) -> dict[str, tuple[Any, ...]]:
        """Every file and folder but the homes': what it is, its times and its content."""
        return {
            str(path.relative_to(self.root)): _facts(path)
            for top, folders, files in os.walk(self.root)
            if not _inside_a_home(Path(top), self.root)
            for path in [Path(top), *(Path(top) / name for name in (*folders, *files))]
            if not _inside_a_home(path, self.root)
        }

    def take_in(self, source: Path, name: str, *options: str) -> tuple[dict[str, Any] | None, str]:
        """Take containers in, in another process; what it told (None: it died) and its stderr."""
        # Where it tells lies in the homes, which are not watched; nothing there is read as a home.
        out = self.root / "homes" / f"{name}.json"
        home = self.root / "homes" / name
        kept = {k: v for k, v in os.environ.items() if not k.startswith("THAW_")}
        done = subprocess.run(
            [
                sys.executable,
                "-B",
                "-m",
                "tests.hostile.child",
                *options,
                str(source),
                str(home),
                str(out),
            ],
            cwd=self.root / "here",
            env={**kept, "PYTHONPATH": str(ROOT), "TMPDIR": str(self.root / "temporary")},
            capture_output=True,
            text=True,
            errors="replace",
            timeout=PATIENCE_S,
            check=False,
        )
        if done.returncode != 0 or not out.exists():
            return None, done.stderr
        return json.loads(out.read_text(encoding="ascii")), done.stderr


def _inside_a_home(path: Path, root: Path) -> bool:
    parts = path.relative_to(root).parts
    return len(parts) > 1 and parts[0] == "homes" and not path.name.endswith(".jpg")


def _facts(path: Path) -> tuple[Any, ...]:
    facts = path.lstat()
    if path.is_symlink():
        return ("link", str(path.readlink()))
    if not path.is_file():
        # the folder of the homes changes with each of them
        return ("other", facts.st_mode, 0 if path.name == "homes" else facts.st_mtime_ns)
    small = facts.st_size < 1 << 20  # the archives themselves are large
    content = hashlib.sha256(path.read_bytes()).hexdigest() if small else ""
    return ("file", facts.st_mode, facts.st_size, facts.st_mtime_ns, content)


def changes(before: dict[str, tuple[Any, ...]], after: dict[str, tuple[Any, ...]]) -> list[str]:
    """What came, went or changed."""
    names = sorted(before.keys() | after.keys())
    return [name for name in names if before.get(name) != after.get(name)]
