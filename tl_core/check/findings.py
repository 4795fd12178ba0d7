"""What the data check says: findings with their pictures, and the repairs that they offer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from tl_core.events import Severity

if TYPE_CHECKING:  # pages read findings and need no arrays for it
    import numpy as np

__all__ = ["KINDS", "TITLES", "CheckedSet", "DataFinding", "Repair", "finding_from_dict"]

KINDS = (
    "across_classes",
    "leak",
    "gap",
    "one_group",
    "copies",
    "wrong_labels",
    "shortcut",
    "too_few",
    "imbalance",
    "subgroups",
    "series",
    "dark",
    "bright",
    "blurry",
    "low_information",
    "odd_shape",
    "odd_size",
)  # in the order in which they are told where severities are equal
TITLES = {
    "across_classes": "One picture, two classes",
    "leak": "Copies on both sides of the split",
    "copies": "Copies",
    "gap": "The gap",
    "one_group": "A class that cannot be judged",
    "wrong_labels": "Probably wrong labels",
    "shortcut": "A shortcut",
    "too_few": "Too few pictures",
    "imbalance": "Uneven classes",
    "subgroups": "One kind of picture is missing",
    "series": "File names look like series",
    "dark": "Dark pictures",
    "bright": "Overexposed pictures",
    "blurry": "Blurred pictures",
    "low_information": "Empty pictures",
    "odd_shape": "Odd shapes",
    "odd_size": "Odd sizes",
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CheckedSet:
    """The pictures of a set as the checks need them, all aligned.

    ``ids`` name pictures to the caller; ``labels`` are positions in ``classes``; ``splits`` are
    "train", "val" and "test"; sizes are in pixels and bytes; ``given`` says whether the folders
    named the parts, which are then not drawn anew; ``units`` number what belongs together as far as
    the pictures' records say, () when nothing does, and ``unit_names`` say what each is called;
    ``channels`` of the pictures.
    """

    ids: tuple[int, ...]
    paths: tuple[str, ...]
    digests: tuple[str, ...]
    labels: np.ndarray
    classes: tuple[str, ...]
    splits: tuple[str, ...]
    widths: np.ndarray
    heights: np.ndarray
    sizes: np.ndarray
    formats: tuple[str, ...]
    given: bool = False
    units: tuple[int, ...] = ()
    unit_names: tuple[str, ...] = ()
    channels: int = 3

    def __len__(self) -> int:
        return len(self.ids)

    def only(self, rows: np.ndarray) -> CheckedSet:
        """Some of the pictures by position, the classes as they are."""
        kept = rows.tolist()

        def of(values: Any) -> Any:
            return tuple(values[row] for row in kept) if len(values) else values

        return replace(
            self,
            ids=of(self.ids),
            paths=of(self.paths),
            digests=of(self.digests),
            labels=self.labels[rows],
            splits=of(self.splits),
            widths=self.widths[rows],
            heights=self.heights[rows],
            sizes=self.sizes[rows],
            formats=of(self.formats),
            units=of(self.units),
        )

    def label(self, position: int) -> str:
        """The class of a picture by name."""
        return self.classes[int(self.labels[position])]


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """Changes that would mend a finding; nothing is changed before the user asks for it.

    ``exclude`` leaves pictures out, ``relabel`` gives them another class (id to class),
    ``together`` keeps each group of pictures on one side of the split.
    """

    exclude: tuple[int, ...] = ()
    relabel: Mapping[int, str] = field(default_factory=dict)
    together: tuple[tuple[int, ...], ...] = ()

    @property
    def nothing(self) -> bool:
        """Whether there is nothing to change."""
        return not (self.exclude or self.relabel or self.together)


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFinding:
    """One thing that is wrong, or may be.

    ``sentence`` says it in plain words and ``advice`` what to do; ``evidence`` holds the numbers
    behind it; ``groups`` are pictures that belong together (ids), the worst group first, groups of
    one where a finding is about single pictures; ``captions`` say something of single pictures.
    """

    kind: str
    severity: Severity
    sentence: str
    advice: str = ""
    evidence: Mapping[str, Any] = field(default_factory=dict)
    groups: tuple[tuple[int, ...], ...] = ()
    captions: Mapping[int, str] = field(default_factory=dict)
    repair: Repair = field(default_factory=Repair)

    @property
    def pictures(self) -> tuple[int, ...]:
        """Every picture it is about, once."""
        return tuple(dict.fromkeys(one for group in self.groups for one in group))

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; ids that are keys become text."""
        body = asdict(self)
        body["captions"] = {str(key): value for key, value in self.captions.items()}
        body["repair"]["relabel"] = {str(key): value for key, value in self.repair.relabel.items()}
        return body


def finding_from_dict(body: Mapping[str, Any]) -> DataFinding:
    """The finding that ``to_dict`` told."""
    repair = body.get("repair", {})
    return DataFinding(
        kind=str(body["kind"]),
        severity=body["severity"],
        sentence=str(body["sentence"]),
        advice=str(body.get("advice", "")),
        evidence=dict(body.get("evidence", {})),
        groups=_groups(body.get("groups", ())),
        captions={int(key): str(value) for key, value in body.get("captions", {}).items()},
        repair=Repair(
            exclude=tuple(int(one) for one in repair.get("exclude", ())),
            relabel={int(key): str(value) for key, value in repair.get("relabel", {}).items()},
            together=_groups(repair.get("together", ())),
        ),
    )


def _groups(groups: Sequence[Sequence[int]]) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(int(one) for one in group) for group in groups)
