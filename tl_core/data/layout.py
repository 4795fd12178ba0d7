"""From relative file names, and tables if there are any: the pictures, their classes and parts.

The rules, in order:

1. Files that systems leave behind (``__MACOSX``, ``.DS_Store``, ``Thumbs.db``, anything hidden)
   are junk and not mentioned one by one.
2. Files known not to be pictures by their ending, and placeholders that web sites send in place
   of a missing picture, are set aside with a reason.
3. Folders that wrap everything else are taken off, however many there are.
4. First-level folders called train, val or test (or one of their other names) are parts of the
   set when they hold class folders and a training part is among them; a folder of that name with
   pictures directly inside is a class. Class folders beside the parts count as training.
5. The label is the name of the first folder that is left. Folders below it do not matter.
   Names that differ only by upper and lower case stay different classes.
6. A folder called like "recording 2026-11-26 17.15.02" holds the shots of one webcam recording: it
   is looked through, and keeps them on one side of the split.
7. Tables of labels (CSV, TSV, Excel) that are about these pictures are used, see
   ``tl_core.data.tabled``.

Names use "/" and are clean already (``tl_core.data.names``). Nothing here touches a disk.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from tl_core.data.placed import FILLERS, SPLITS, Placed, split_of
from tl_core.data.quarantine import Quarantined
from tl_core.data.tabled import Table, by_tables
from tl_core.errors import UnreadableTableError

__all__ = ["SPLITS", "Layout", "Placed", "is_junk", "read_layout"]

_RECORDING = re.compile(r"recording \d{4}-\d\d-\d\d \d\d\.\d\d\.\d\d")  # made by the uploader
_JUNK_NAMES = {"__macosx", "thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r", "lost+found"}
_JUNK_NAMES |= {"$recycle.bin", "system volume information", "@eadir", "icon\ufffd"}
_OTHER_ENDINGS = {
    "is a text, not a picture": "txt md rst log rtf doc docx odt pdf tex html htm css js py ipynb",
    "is a table or a list, not a picture": "csv tsv xls xlsx ods json jsonl xml yaml yml toml ini "
    "cfg names",
    "is data, not a picture": "npy npz mat h5 hdf5 pkl pickle pt pth onnx safetensors parquet db "
    "sqlite bin dat tfrecord tfrecords lmdb",
    "is a film or a sound, not a picture": "mp4 mov avi mkv webm m4v wmv mp3 wav flac ogg m4a",
    "is an archive; archives inside are not opened": "zip tar gz tgz bz2 xz 7z rar zst",
    "is a program, not a picture": "exe dll so dylib msi apk jar sh bat cmd ps1",
}
_NOT_PICTURES = {
    ending: reason for reason, endings in _OTHER_ENDINGS.items() for ending in endings.split()
}
_RAW_ENDINGS = {"cr2", "cr3", "nef", "nrw", "arw", "srf", "sr2", "dng", "orf", "rw2", "raf"}
_RAW_ENDINGS |= {"pef", "srw", "x3f"}
# Names web sites give to the picture that stands for a missing one, letters and digits only.
_PLACEHOLDERS = {
    "imagenotfound",
    "imagenotavailable",
    "imageunavailable",
    "noimage",
    "noimageavailable",
    "nophoto",
    "photonotavailable",
    "photounavailable",
    "photonotfound",
    "picturenotfound",
    "placeholder",
}
_TABLE_HINT = (
    "It needs a column file with the names of the pictures, as seen from the table's own folder, "
    "and a column label with their classes."
)

Paths = Mapping[str, tuple[str, ...]]  # name as given -> its parts, wrapping folders taken off


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What the names say. ``pictures`` keep the order of the names; ``parts_from`` begins the
    sentence about what gives the parts.
    """

    pictures: tuple[Placed, ...]
    quarantine: tuple[Quarantined, ...]
    n_junk: int
    notes: tuple[str, ...]
    parts_from: str = "The folders give"


def is_junk(name: str) -> bool:
    """Whether a file or any folder of its path is a hidden or system file."""
    return any(part.startswith(".") or part.casefold() in _JUNK_NAMES for part in name.split("/"))


def read_layout(
    names: Sequence[str], *, tables: Sequence[Table] = (), alone: bool = False, label: str = ""
) -> Layout:
    """Decide label and part of every file from its relative name.

    Args:
        names: Clean relative names of files (not folders), each at most once.
        tables: Those of them that may be tables of labels, read.
        alone: The set is what the tables name; other files are no part of it.
        label: The class of all pictures, whatever their folders are called.

    Raises:
        UnreadableTableError: ``alone``, and the tables are not about these pictures.
    """
    kept = [name for name in names if not is_junk(name)]
    quarantine = [one for name in kept if (one := _no_picture(name)) is not None]
    left_out = {one.file for one in quarantine}
    groups, paths = _without_recordings(name for name in kept if name not in left_out)
    paths = _unwrapped(paths)
    splits = {} if label else _split_folders(paths.values())
    if splits:
        paths = _unwrapped_parts(paths, splits)
    placed = [
        _placed(name, parts, splits, label=label, group=groups.get(name, ""))
        for name, parts in paths.items()
    ]
    tabled = by_tables(
        placed, {name: parts[:-1] for name, parts in paths.items()}, tables, alone=alone
    )
    if alone and not tabled.used:
        raise UnreadableTableError(*next(iter(tabled.unused.items())), hint=_TABLE_HINT)
    quarantine = _after_tables(quarantine, tabled.used, tabled.unused, alone=alone)
    quarantine += tabled.quarantine
    pictures = [one for one in tabled.pictures if one.label]
    quarantine += [_outside(one.path) for one in tabled.pictures if not one.label]
    n_beside = sum(one.split is None for one in pictures) if splits else 0
    if splits:
        pictures = [replace(one, split=one.split or "train") for one in pictures]
    gives = _givers(tabled.parts)
    pictures, notes = _only_with_training(pictures, gives)
    if n_beside and any(one.split for one in pictures):
        words = "picture beside" if n_beside == 1 else "pictures beside"
        notes.append(f"{n_beside} {words} the folders of the parts: taken as training.")
    notes = tabled.notes + notes + _alike({one.label for one in pictures})
    return Layout(
        pictures=tuple(pictures),
        quarantine=tuple(quarantine),
        n_junk=len(names) - len(kept),
        notes=tuple(notes),
        parts_from=gives,
    )


def _without_recordings(names: Iterable[str]) -> tuple[dict[str, str], Paths]:
    """The recording each picture belongs to, if any, and the paths without these folders."""
    groups, paths = {}, {}
    for name in names:
        *folders, last = name.split("/")
        found = [folder for folder in folders if _RECORDING.fullmatch(folder)]
        if found:
            groups[name] = found[-1]
        paths[name] = (*(folder for folder in folders if folder not in found), last)
    return groups, paths


def _placed(
    name: str, parts: tuple[str, ...], splits: Mapping[str, str], *, label: str, group: str
) -> Placed:
    """By folders alone; without a class folder the label is ""."""
    split = splits.get(parts[0]) if len(parts) > 1 else None
    folders = parts[1:-1] if split else parts[:-1]
    return Placed(
        path=name, label=label or (folders[0] if folders else ""), split=split, group=group
    )


def _outside(name: str) -> Quarantined:
    return Quarantined(file=name, reason="is not inside a class folder", code="no_class_folder")


def _after_tables(
    quarantine: Sequence[Quarantined],
    used: Sequence[str],
    unused: Mapping[str, str],
    *,
    alone: bool,
) -> list[Quarantined]:
    """Tables that were used are not left out, and of others it is said why."""
    if alone and used:
        return []  # what else lies beside the table is no part of the set
    return [
        replace(one, reason=unused.get(one.file, one.reason))
        for one in quarantine
        if one.file not in used
    ]


def _no_picture(name: str) -> Quarantined | None:
    """Why a file is set aside for its name alone, if it is."""
    stem, dot, ending = name.rsplit("/", 1)[-1].rpartition(".")
    if not dot:
        stem, ending = ending, ""
    if reason := _NOT_PICTURES.get(ending.lower()):
        return Quarantined(file=name, reason=reason, code="not_a_picture")
    if ending.lower() in _RAW_ENDINGS:
        reason = "is a camera raw file, which is not supported: save it as JPEG"
        return Quarantined(file=name, reason=reason, code="unsupported")
    if re.sub(r"[\W_]", "", stem).lower() in _PLACEHOLDERS:
        reason = "is what web sites show in place of a missing picture (judging by its name)"
        return Quarantined(file=name, reason=reason, code="placeholder")
    return None


def _unwrapped(paths: Paths) -> Paths:
    """Take off first folders that all files share, as long as most keep a folder after that."""
    while paths:
        first = {parts[0] for parts in paths.values()}
        deep = sum(len(parts) > 2 for parts in paths.values())
        if len(first) > 1 or 2 * deep < len(paths) or any(len(p) < 2 for p in paths.values()):
            break
        paths = {name: parts[1:] for name, parts in paths.items()}
    return paths


def _split_folders(paths: Iterable[tuple[str, ...]]) -> dict[str, str]:
    """First-level folders that are parts of the set, with the part; empty when there are none."""
    below: dict[str, list[tuple[str, ...]]] = {}
    for parts in paths:
        if len(parts) > 1:
            below.setdefault(parts[0], []).append(parts[1:])
    found = {
        folder: split
        for folder, inside in below.items()
        if (split := split_of(folder)) and 2 * sum(len(rest) > 1 for rest in inside) > len(inside)
    }
    others = below.keys() - found.keys()
    classes = {rest[0] for folder in found for rest in below[folder] if len(rest) > 1}
    several = len(set(found.values())) > 1
    if others and not classes & others and not (several and "train" in found.values()):
        return {}
    return found


def _unwrapped_parts(paths: Paths, splits: Mapping[str, str]) -> Paths:
    """Take off a folder that wraps everything in a part: train/images/..., test/test/..."""
    out = dict(paths)
    for folder, split in splits.items():
        own = [name for name, parts in out.items() if parts[0] == folder and len(parts) > 1]
        inner = {out[name][1] for name in own if len(out[name]) > 3}
        if len(inner) != 1 or any(len(out[name]) < 4 for name in own):
            continue
        only = inner.pop()
        words = set(re.split(r"[\W_]+", only.casefold()))
        if only == folder or split_of(only) == split or words <= FILLERS:
            out |= {name: (folder, *out[name][2:]) for name in own}
    return out


def _only_with_training(pictures: list[Placed], gives: str) -> tuple[list[Placed], list[str]]:
    """Forget the given parts when none of them is for training."""
    given = {one.split for one in pictures} - {None}
    if not given or (given - {"train"} and "train" in given):
        return pictures, []
    pictures = [replace(one, split=None) for one in pictures]
    if "train" in given:
        return pictures, []
    return pictures, [f"{gives} no training part, so the parts are drawn from all pictures."]


def _givers(tables: Sequence[str]) -> str:
    """The beginning of a sentence about what gives the parts."""
    if not tables:
        return "The folders give"
    return f"{' and '.join(tables)} {'gives' if len(tables) == 1 else 'give'}"


def _alike(labels: Iterable[str]) -> list[str]:
    """Notes on classes whose names differ only in case or spaces: often one class by mistake."""
    groups: dict[str, list[str]] = {}
    for label in sorted(labels):
        groups.setdefault(" ".join(label.casefold().split()), []).append(label)
    return [
        f"The classes {' and '.join(same)} differ only in upper and lower case or in spaces."
        for same in groups.values()
        if len(same) > 1
    ]
