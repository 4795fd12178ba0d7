"""Answers to many pictures at once, and when a run refuses one, as kept. No torch.

They lie in the folder of what answered, a run or a project's bundle, and go with it; their
pictures stay in the store as long.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tl_core.jobs.maps import VERSION, folder_of
from tl_core.storage import Home, read_json, write_json

if TYPE_CHECKING:  # numpy, which the first page does without
    from tl_core.evaluate.drift import Drift
    from tl_core.evaluate.foreign import Refusal

__all__ = [
    "TOP",
    "Answered",
    "Batch",
    "batch_digests",
    "has_batch",
    "keep_batch",
    "kept_batch",
    "kept_refusal",
    "refusal_path",
    "remove_batch",
]

TOP = 3  # answers kept of each picture
SCHEMA = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """One picture that came in.

    ``top`` holds up to ``TOP`` classes with their probabilities, most probable first; ``likely``
    the classes that hold the true one as often as promised, None where that is not known; ``none``
    whether it is of none of them; ``error`` why it could not be used.
    """

    file: str
    digest: str = ""
    top: tuple[tuple[str, float], ...] = ()
    likely: tuple[str, ...] | None = None
    none: bool = False
    error: str = ""

    @property
    def answer(self) -> str:
        """The class answered; "" for none of them and for what could not be used."""
        return self.top[0][0] if self.top and not self.none else ""

    @property
    def unsure(self) -> bool:
        """Whether one class is not enough to be right as often as promised."""
        return (
            bool(self.top) and not self.none and self.likely is not None and len(self.likely) != 1
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Everything about one batch.

    ``promised`` is what ``likely`` promises, 0 where that is not known; ``refuses`` whether "none
    of these" could be said; ``compared`` whether there were enough pictures to compare with
    held-out ones, and ``drift`` what is not as in those.
    """

    name: str
    at: float
    rows: tuple[Answered, ...]
    promised: float
    refuses: bool
    drift: tuple[Drift, ...]
    compared: bool

    def counts(self) -> dict[str, int]:
        """Pictures of every answer, the most frequent first; without those of none and errors."""
        return dict(Counter(one.answer for one in self.rows if one.answer).most_common())


def refusal_path(home: Home, run_id: str) -> Path:
    """Where a run keeps when it says "none of these"."""
    return folder_of(home, run_id) / f"none-v{VERSION}.json"


def kept_refusal(home: Home, run_id: str) -> Refusal | None:
    """When a run says "none of these"; None before it was found out, or when it cannot be."""
    from tl_core.evaluate.foreign import Refusal

    path = refusal_path(home, run_id)
    body = read_json(path)["refusal"] if path.is_file() else None
    return Refusal.from_dict(body) if body else None


def _folder(home: Home, owner: str) -> Path:
    """Where the answers of a run lie, or of the bundle that a project was brought."""
    brought = home.bundle_dir(owner)
    return (brought if brought.is_dir() else home.root / "runs" / owner) / "batches"


def _path(home: Home, owner: str, task_id: str) -> Path:
    return _folder(home, owner) / f"{task_id}.json"


def keep_batch(home: Home, owner: str, task_id: str, batch: Batch) -> None:
    """Write the answers of a task down in the folder of a run, or of a project's bundle."""
    path = _path(home, owner, task_id)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, {"schema": SCHEMA, **asdict(batch)})


def has_batch(home: Home, owner: str, task_id: str) -> bool:
    """Whether the answers a task left are there."""
    return _path(home, owner, task_id).is_file()


def kept_batch(home: Home, owner: str, task_id: str) -> Batch | None:
    """The answers a task left; None when they are not there."""
    path = _path(home, owner, task_id)
    if not path.is_file():
        return None
    from tl_core.evaluate.drift import Drift

    body = read_json(path)
    rows = tuple(
        Answered(
            **{
                **row,
                "top": tuple((str(label), float(p)) for label, p in row["top"]),
                "likely": tuple(row["likely"]) if row["likely"] is not None else None,
            }
        )
        for row in body["rows"]
    )
    return Batch(
        name=body["name"],
        at=body["at"],
        rows=rows,
        promised=body["promised"],
        refuses=body["refuses"],
        drift=tuple(Drift(**one) for one in body["drift"]),
        compared=bool(body.get("compared", body["refuses"])),
    )


def batch_digests(home: Home, owner: str) -> set[str]:
    """Every content that the kept answers of a run or a bundle name."""
    folder = _folder(home, owner)
    found: set[str] = set()
    for path in folder.glob("*.json") if folder.is_dir() else ():
        found |= {row["digest"] for row in read_json(path)["rows"] if row["digest"]}
    return found


def remove_batch(home: Home, owner: str, task_id: str) -> set[str]:
    """Remove the answers of a task; returns the contents they named. Fine when not there."""
    batch = kept_batch(home, owner, task_id)
    _path(home, owner, task_id).unlink(missing_ok=True)
    return {row.digest for row in batch.rows if row.digest} if batch else set()
