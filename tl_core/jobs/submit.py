"""Starting a training run: settings checked and completed, its pictures written down, queued.

A run keeps its own list of pictures (``runs/<id>/data.json``), so that it still knows them when
the project's set changes later.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from sqlalchemy import Engine

from tl_core.config import RunSpec
from tl_core.data.wording import named
from tl_core.errors import RunNotFoundError, TooFewImagesError
from tl_core.jobs.estimate import described
from tl_core.jobs.library import ClassRow, ImageRow, Library
from tl_core.jobs.queue import Queue, new_id
from tl_core.jobs.seal import keep_seal
from tl_core.models.catalog import card
from tl_core.models.plan import FreezePlan
from tl_core.storage import Home, read_json, write_json
from tl_core.train.defaults import resolved

__all__ = ["Snapshot", "missing_for_training", "read_snapshot", "run_name", "submit_training"]

SCHEMA = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The pictures of one run. ``classes`` in alphabetical order is the order of the outputs.

    ``reading`` is the rule by which pictures of more than 8 bits were read, as plain values; {}
    where there is none.
    """

    classes: tuple[str, ...]
    images: tuple[ImageRow, ...]
    data_version: int
    reading: dict[str, Any] = field(default_factory=dict)

    def part(self, split: str) -> list[ImageRow]:
        """Pictures of one part: "train", "val" or "test"."""
        return [one for one in self.images if one.split == split]

    def labels(self, rows: Sequence[ImageRow]) -> list[int]:
        """Class numbers of pictures."""
        number = {label: position for position, label in enumerate(self.classes)}
        return [number[row.label] for row in rows]


def missing_for_training(rows: Sequence[ClassRow]) -> str:
    """One sentence saying why these pictures cannot be trained on; empty when they can."""
    if not rows:
        return "There are no pictures yet."
    if len(rows) == 1:
        return f"There is only one class ({rows[0].label}); learning to tell apart needs two."
    short = [row.label for row in rows if row.train < 2]
    if short:
        return (
            f"{named(short)} {'has' if len(short) == 1 else 'have'} fewer than 2 training "
            "pictures; add some, or remove the class."
        )
    if sum(row.val for row in rows) == 0:
        return (
            "There is no validation picture; put at least 2 pictures in every class, of different "
            "recordings or groups where there are any."
        )
    return ""


def submit_training(
    home: Home,
    engine: Engine,
    project_id: str,
    spec: RunSpec,
    *,
    name: str = "",
    pictures: Snapshot | None = None,
) -> str:
    """Queue a training run and return its id.

    Every automatic setting is resolved here, so the stored spec says what will really be done.

    Args:
        home: The home.
        engine: Of its store.
        project_id: Whose run it is.
        spec: The settings.
        name: Of the run; made from the settings when not given.
        pictures: To train on, as an earlier run had them; the project's when not given.

    Raises:
        TooFewImagesError: The pictures do not allow training.
        LayerGroupError, UnknownModelError, ConfigError: The settings do not fit.
    """
    library = Library(engine)
    rows = library.classes(project_id) if pictures is None else _counted(pictures)
    if missing := missing_for_training(rows):
        raise TooFewImagesError(missing, hint="Bring more pictures on the Data page.")
    facts = described(home, card(spec.model.name))
    if facts.groups:  # a model outside the catalogue is checked when it is built
        FreezePlan.from_layers(spec.freeze.layers, len(facts.groups))
    n_train = sum(row.train for row in rows)
    project = library.get(project_id)
    spec = resolved(
        spec,
        card=facts,
        n_train=n_train,
        n_classes=len(rows),
        detail_px=library.detail_px(project_id),
        channels=project.channels,
    )
    run_id = new_id("train")
    snapshot = pictures or Snapshot(
        classes=tuple(row.label for row in rows),
        images=tuple(library.images(project_id, limit=None)),
        data_version=project.data_version,
        reading=project.reading,
    )
    folder = home.run_dir(run_id)
    write_json(folder / "data.json", _snapshot_dict(snapshot))
    write_json(folder / "spec.json", spec.to_dict())
    keep_seal(home, run_id, snapshot.images)
    return Queue(engine).submit(
        "train",
        spec.to_dict(),
        project_id=project_id,
        name=name or run_name(spec),
        run_id=run_id,
    )


def run_name(spec: RunSpec) -> str:
    """A short label: model and layers."""
    words = {
        "head": "head only",
        "all": "all layers",
        "scratch": "from scratch",
        "deep-probe": "deep probe",
        "exact-head": "exact head",
    }
    kind, _, rest = spec.freeze.layers.partition(":")
    layers = words.get(kind) or {
        "last": f"last {rest}" if rest != "1" else "last block",
        "first": f"first {rest}" if rest != "1" else "first block",
    }.get(kind, "chosen blocks")
    return f"{card(spec.model.name).title}, {layers}"


def read_snapshot(home: Home, run_id: str) -> Snapshot:
    """The pictures a run was started with.

    Raises:
        RunNotFoundError: The run has no list of pictures.
    """
    path = home.run_dir(run_id) / "data.json"
    if not path.is_file():
        raise RunNotFoundError(f"The pictures of run {run_id} are not known.")
    body: Mapping[str, Any] = read_json(path)
    return Snapshot(
        classes=tuple(body["classes"]),
        images=tuple(ImageRow(**row) for row in body["images"]),
        data_version=int(body["data_version"]),
        reading=dict(body.get("reading") or {}),  # runs of earlier versions have none
    )


def _counted(snapshot: Snapshot) -> list[ClassRow]:
    counts = Counter((one.label, one.split) for one in snapshot.images)
    found = []
    for label in snapshot.classes:
        train, val, test = (counts[label, split] for split in ("train", "val", "test"))
        total = train + val + test
        found.append(ClassRow(label=label, total=total, train=train, val=val, test=test))
    return found


def _snapshot_dict(snapshot: Snapshot) -> dict[str, Any]:
    return {"schema": SCHEMA, **asdict(snapshot)}
