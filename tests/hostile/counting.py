"""Taking the corpus in and counting what must be none: crashes, files outside, pictures lost."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.hostile.containers import (
    EITHER,
    damaged_containers,
    hostile_containers,
    many_entries,
    pictures,
)
from tests.hostile.sets import build
from tests.hostile.watching import Place, changes

__all__ = ["Counted", "containers", "entries", "one_set"]


@dataclass(slots=True, kw_only=True)
class Counted:
    """One taking in: of ``files`` files what became of them, and what it cost.

    ``lost`` are good pictures that did not come in; ``vanished`` files of which nothing was said;
    ``outside`` what was made, changed or removed outside the home, processes and connections
    included; ``unexpected`` outcomes other than they must be. Peak in bytes, of the whole process.
    """

    name: str
    files: int
    records: int = 0
    refused: int = 0
    junk: int = 0
    crashes: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    vanished: int = 0
    unexpected: list[str] = field(default_factory=list)
    peak: int = 0
    seconds: float = 0.0

    @property
    def faults(self) -> dict[str, Any]:
        """Everything that must be none and is not."""
        told: dict[str, Any] = {**self._lists(), "vanished": self.vanished}
        return {name: found for name, found in told.items() if found}

    def line(self) -> str:
        """For people."""
        n_faults = {name: len(found) for name, found in self._lists().items()}
        told = ", ".join(f"{n} {name}" for name, n in n_faults.items())
        return (
            f"{self.name:<22}{self.files:>8,} files: {self.records:,} in, {self.refused:,} "
            f"left out, {self.junk} system files; {told}, {self.vanished} vanished; "
            f"peak {self.peak / 1e6:.0f} MB, {self.seconds:.1f} s"
        )

    def _lists(self) -> dict[str, list[str]]:
        return {
            "crashes": self.crashes,
            "outside": self.outside,
            "lost": self.lost,
            "unexpected": self.unexpected,
        }


def one_set(place: Place, kind: str) -> Counted:
    """The whole corpus beside good pictures, as one container."""
    made = build(kind, place.root / "sets" / f"set.{kind}", place.outside)
    counted = Counted(name=kind, files=made.files)
    told = _taken(place, made.path, f"home-{kind}", counted)
    if told:
        _add(counted, told, made.good)
        counted.junk += made.hidden
        seen = counted.records + counted.refused + counted.junk
        counted.vanished = made.files - seen
    return counted


def containers(place: Place) -> Counted:
    """Hostile and damaged archives, one after the other in one process."""
    folder = place.root / "sets" / "each"
    folder.mkdir()
    wanted: dict[str, str] = {}
    for name, body, outcome in (*hostile_containers(), *damaged_containers()):
        wanted[name] = outcome
        (folder / name).write_bytes(body)
    counted = Counted(name="hostile archives", files=len(wanted))
    told = _taken(place, folder, "home-each", counted, "--each")
    for name, one in (told or {"each": {}})["each"].items():
        code = one["error"]["code"] if one["error"] else ""
        if one["crash"]:
            counted.crashes.append(f"{name}: {one['crash']}")
        elif wanted[name] != EITHER and code not in wanted[name].split("|"):
            counted.unexpected.append(
                f"{name}: {code or 'taken in'}, not {wanted[name] or 'taken in'}"
            )
        elif wanted[name] == "" and (lost := _lost(pictures(), one)):
            counted.lost += [f"{name}: {path}" for path in lost]
        counted.records += len(one["records"])
        counted.refused += len(one["refused"])
    return counted


def entries(place: Place, n: int, kind: str) -> tuple[Counted, str]:
    """``n`` empty entries and six good pictures; also the code of the error, if there was one."""
    path = place.root / "sets" / f"{n}.{kind}"
    path.write_bytes(many_entries(n, kind))
    counted = Counted(name=f"{n:,} entries, {kind}", files=n + len(pictures()))
    told = _taken(place, path, f"home-{n}-{kind}", counted)
    if told is None or told["error"]:
        return counted, told["error"]["code"] if told else "crash"
    _add(counted, told, pictures())
    counted.vanished = counted.files - counted.records - counted.refused - counted.junk
    return counted, ""


def _taken(
    place: Place, source: Path, name: str, counted: Counted, *options: str
) -> dict[str, Any] | None:
    before = place.stamp()
    told, stderr = place.take_in(source, name, *options)
    counted.outside = changes(before, place.stamp())
    if told is None:
        counted.crashes.append(stderr[-3000:])
        return None
    counted.outside += told["outside"]
    if told.get("crash"):
        counted.crashes.append(told["crash"])
    counted.peak, counted.seconds = told["peak"], told.get("seconds", 0.0)
    if "each" in told:
        counted.seconds = sum(one["seconds"] for one in told["each"].values())
    return told


def _add(counted: Counted, told: Mapping[str, Any], good: Mapping[str, bytes]) -> None:
    counted.records, counted.refused = len(told["records"]), len(told["refused"])
    counted.junk = told["junk"]
    counted.lost = _lost(good, told)
    if told["error"]:
        counted.unexpected.append(str(told["error"]))


def _lost(good: Mapping[str, bytes], told: Mapping[str, Any]) -> list[str]:
    stored = dict(told["records"])
    return [
        path for path, body in good.items() if stored.get(path) != hashlib.sha256(body).hexdigest()
    ]
