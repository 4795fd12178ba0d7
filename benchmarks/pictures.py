"""The pictures that are measured on, laid out as train/ and val/ folders of class folders.

Real sets are unpacked once from the archives beside the project; the test part is left out, and so
is what is no photograph (one set holds a GIF that says "not found"), so that every side reads the
same files. Names: ``hymenoptera``, ``clothing``; ``hymenoptera~3``, the same pictures divided anew
with seed 3; ``many-1000``, that many training pictures of both sets, repeated where there are too
few, each file with bytes of its own; ``generated-10000``, that many made-up photographs.
"""

from __future__ import annotations

import io
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image

__all__ = ["AbsentError", "Pictures", "with_comment"]

ARCHIVES = {"hymenoptera": "hymenoptera.zip", "clothing": "clothing_small.zip"}
PARTS = {"train": "train", "val": "val", "validation": "val"}
SUFFIXES = {".jpg", ".jpeg", ".png"}
MANY_VAL = 200  # validation pictures of ``many-N``
GENERATED_PX = (320, 240)
GENERATED_CLASSES = 10
QUICK = 8  # pictures per class and part in a quick try
QUICK_SHARE = 50  # a quick try takes this many times fewer of a named number, but at least QUICK_N
QUICK_N = 40


class AbsentError(Exception):
    """The archives are not here; the text is a sentence for the page."""


class Pictures:
    """Lays sets out below a folder when they are first asked for.

    Args:
        folder: Scratch space, removed by its owner.
        archives: Where the zips of the real sets lie.
        quick: A few pictures of everything, to try the harness.
    """

    def __init__(self, folder: Path, archives: Path, *, quick: bool = False) -> None:
        self._folder, self._archives, self._quick = folder, archives, quick

    def root(self, name: str) -> Path:
        """The folder that holds train/ and val/ of a set.

        Raises:
            AbsentError: Its archive is not here.
            KeyError: There is no such set.
        """
        target = self._folder / name
        if target.is_dir():
            return target
        part = self._folder / f"{name}.part"
        shutil.rmtree(part, ignore_errors=True)
        if name in ARCHIVES:
            self._unpack(name, part)
        elif "~" in name:
            base, _, seed = name.partition("~")
            _divide_anew(self.root(base), part, int(seed))
        elif name.startswith("many-"):
            sources = [path for one in ARCHIVES for path in _files(self.root(one), "*")]
            _repeat(sources, part, self._fewer(name))
        elif name.startswith("generated-"):
            _generate(part, self._fewer(name))
        else:
            raise KeyError(name)
        part.rename(target)
        return target

    def _fewer(self, name: str) -> int:
        number = int(name.partition("-")[2])
        return max(QUICK_N, number // QUICK_SHARE) if self._quick else number

    def _unpack(self, name: str, target: Path) -> None:
        path = self._archives / ARCHIVES[name]
        if not path.is_file():
            raise AbsentError(f"the pictures ({ARCHIVES[name]}) are not here")
        taken: dict[Path, int] = {}
        with zipfile.ZipFile(path) as archive:  # ours; members are opened, never extracted by name
            for member in sorted(archive.namelist()):
                parts = PurePosixPath(member).parts
                if len(parts) < 3 or parts[-3] not in PARTS or Path(member).suffix not in SUFFIXES:
                    continue
                folder = target / PARTS[parts[-3]] / parts[-2]
                taken[folder] = taken.get(folder, 0) + 1
                if self._quick and taken[folder] > QUICK:
                    continue
                folder.mkdir(parents=True, exist_ok=True)
                (folder / parts[-1]).write_bytes(archive.read(member))


def with_comment(jpeg: bytes, text: str) -> bytes:
    """The same JPEG picture in other bytes: a comment right after its start.

    Args:
        jpeg: A JPEG file.
        text: At most 65,533 bytes in UTF-8.

    Raises:
        ValueError: Not a JPEG.
    """
    if jpeg[:2] != b"\xff\xd8":
        raise ValueError("not a JPEG")
    body = text.encode()
    return jpeg[:2] + b"\xff\xfe" + (len(body) + 2).to_bytes(2, "big") + body + jpeg[2:]


def _files(root: Path, part: str) -> list[Path]:
    return sorted(path for path in root.glob(f"{part}/*/*") if path.is_file())


def _divide_anew(root: Path, target: Path, seed: int) -> None:
    """Deal train and val again, every class with as many pictures in each as before."""
    rng = np.random.default_rng(seed)
    for name in sorted(path.name for path in (root / "train").iterdir()):
        given = {part: sorted((root / part / name).iterdir()) for part in ("train", "val")}
        files = given["train"] + given["val"]
        for place, index in enumerate(rng.permutation(len(files))):
            part = "train" if place < len(given["train"]) else "val"
            _copy(files[index], target / part / name)


def _repeat(sources: list[Path], target: Path, n_train: int) -> None:
    """``n_train`` training pictures and MANY_VAL others, every file with another digest."""
    jpegs = [path for path in sources if path.read_bytes()[:2] == b"\xff\xd8"]
    order = np.random.default_rng(0).permutation(len(jpegs))
    n_val = min(MANY_VAL, len(jpegs) // 4)
    parts = {"val": order[:n_val], "train": np.resize(order[n_val:], n_train)}
    for part, chosen in parts.items():
        for place, index in enumerate(chosen):
            source = jpegs[index]
            folder = target / part / source.parent.name
            folder.mkdir(parents=True, exist_ok=True)
            body = with_comment(source.read_bytes(), f"{part} {place}")
            (folder / f"{place:06}.jpg").write_bytes(body)


def _generate(target: Path, n: int) -> None:
    """Blurred noise as JPEG, a tenth of it for validation."""
    for number, body in enumerate(_noise(n)):
        part = "val" if number % 10 == 9 else "train"
        folder = target / part / f"class {number // 10 % GENERATED_CLASSES}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number:06}.jpg").write_bytes(body)


def _noise(n: int) -> Iterator[bytes]:
    rng = np.random.default_rng(0)
    for _ in range(n):
        coarse = rng.integers(0, 255, (30, 40, 3), dtype=np.uint8)
        sink = io.BytesIO()
        Image.fromarray(coarse).resize(GENERATED_PX).save(sink, "JPEG", quality=85)
        yield sink.getvalue()


def _copy(source: Path, folder: Path) -> None:
    """Into a folder, under another name when two pictures have the same one."""
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / source.name
    if target.exists():
        target = folder / f"{source.parent.parent.name} {source.name}"
    shutil.copyfile(source, target)
