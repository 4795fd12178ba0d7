"""The corpus beside good pictures, as a zip, a tar, a compressed tar and a folder."""

from __future__ import annotations

import gzip
import os
import sys
import tarfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.hostile.names import for_folders, hostile_names, raw_names
from tests.hostile.packing import DEFLATED, Member, of_text, special, tar_bytes, zip_bytes
from tests.hostile.pictures import hostile_files
from tests.unit.data import hostile

__all__ = ["KINDS", "Set", "build", "good_pictures"]

KINDS = ("zip", "tar", "tar.gz", "folder")
GOOD = 20  # pictures in each of two classes
SMALL = 1 << 20  # bytes; larger members are stored, or they would be taken for bombs of the zip
LINK, PIPE, DEVICE, SOCKET = 0o120777, 0o010644, 0o020644, 0o140644


@dataclass(frozen=True, slots=True, kw_only=True)
class Set:
    """What was built: ``files`` is how many files it holds, links and special files included.

    ``hidden`` of a folder's files are not walked; in archives they are counted by the intake.
    """

    path: Path
    files: int
    hidden: int
    good: dict[str, bytes]


def good_pictures() -> dict[str, bytes]:
    """Ordinary pictures that must all come in, whatever lies beside them."""
    kinds = ("JPEG", "PNG", "WEBP")
    return {
        f"good {label}/{n:02}.{kinds[n % 3].lower()}": hostile.picture(
            (60, 45), kinds[n % 3], seed=10_000 + 100 * position + n
        )
        for position, label in enumerate(("ants", "bees"))
        for n in range(GOOD)
    }


def build(kind: str, target: Path, outside: Path) -> Set:
    """Write one container.

    Args:
        kind: One of ``KINDS``.
        target: The file or folder to make.
        outside: What climbing names and links point into.
    """
    good = good_pictures()
    bad = {f"bad/{name}": body for name, body in hostile_files().items()}
    n_hidden = 0
    if kind == "zip":
        n_files = _zip(target, good, bad, outside)
    elif kind == "folder":
        n_files, n_hidden = _folder(target, good, bad, outside)
    else:
        n_files = _tar(target, good, bad, outside, packed=kind == "tar.gz")
    return Set(path=target, files=n_files, hidden=n_hidden, good=good)


def _own(number: int) -> bytes:
    """A small picture that no other file of the set has."""
    return hostile.picture((8, 8), "PNG", seed=20_000 + number)


def _zip(target: Path, good: dict[str, bytes], bad: dict[str, bytes], outside: Path) -> int:
    members = [of_text(name, _own(n)) for n, name in enumerate(hostile_names(outside))]
    members += [Member(name=name, body=_own(9000 + n)) for n, name in enumerate(raw_names())]
    for mode in (LINK, PIPE, DEVICE, SOCKET):
        to = str(outside / "secret.jpg").encode()
        members.append(Member(name=b"bad/special%d.jpg" % mode, body=to, mode=mode))
    members.append(Member(name=b"bad/locked.jpg", body=_own(1), flags=1))
    members.append(Member(name=b"bad/packed.jpg", body=_own(2), method=12))
    for position, (name, body) in enumerate({**bad, **good}.items()):
        method = DEFLATED if len(body) < SMALL and position % 2 else 0
        members.append(Member(name=name.encode(), body=body, method=method))
    target.write_bytes(zip_bytes(members))
    return len(members)


def _tar(
    target: Path, good: dict[str, bytes], bad: dict[str, bytes], outside: Path, *, packed: bool
) -> int:
    named: list[tuple[str, bytes] | tarfile.TarInfo] = []
    for number, name in enumerate(hostile_names(outside)):
        with suppress(UnicodeEncodeError):  # halves of characters cannot be told in a tar
            name.encode("utf-8", "surrogateescape")
            named.append((name, _own(number)))
    secret = str(outside / "secret.jpg")
    for position, to in enumerate((secret, "../../secret.jpg", "/etc/passwd", ".", "bad", "")):
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE):
            named.append(special(f"bad/link-{position}-{kind.decode()}.jpg", kind, to))
    # a link to a folder, then a file through it
    named += [special("through", tarfile.SYMTYPE, str(outside)), ("through/climb.jpg", _own(7000))]
    for kind in (tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.CONTTYPE):
        named.append(special(f"bad/special-{kind.decode()}.jpg", kind, devmajor=1, devminor=5))
    body = tar_bytes([*named, *bad.items(), *good.items()])
    target.write_bytes(gzip.compress(body, 6) if packed else body)
    return len(named) + len(bad) + len(good)


def _folder(
    target: Path, good: dict[str, bytes], bad: dict[str, bytes], outside: Path
) -> tuple[int, int]:
    hostile.folder_of(target, {**good, **bad})
    for number, name in enumerate(for_folders(hostile_names(outside))):
        with suppress(OSError, ValueError):  # what this system refuses cannot lie in a folder
            path = target / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.exists():
                path.write_bytes(_own(number))
    if os.name == "posix":
        _links(target / "bad", target, outside)
    found = [
        os.path.relpath(Path(top, name), target).replace(os.sep, "/")
        for top, folders, files in os.walk(target)
        for name in (*files, *(one for one in folders if Path(top, one).is_symlink()))
    ]
    return len(found), sum(_hidden(name) for name in found)


def _hidden(name: str) -> bool:
    """What systems leave behind, by a rule of our own."""
    parts = name.casefold().split("/")
    left = {"__macosx", "thumbs.db", "desktop.ini"}
    return any(part[:1] == "." or part in left for part in parts)


def _links(folder: Path, root: Path, outside: Path) -> None:
    """Links out of the set, in circles and to nothing, hard links, pipes, files nobody may read."""
    (folder / "out.jpg").symlink_to(outside / "secret.jpg")
    (folder / "nothing.jpg").symlink_to(root / "nothing")
    (folder / "itself.jpg").symlink_to(folder / "itself.jpg")
    (folder / "there.jpg").symlink_to("back.jpg")
    (folder / "back.jpg").symlink_to("there.jpg")
    (folder / "root").symlink_to(root)
    (folder / "above").symlink_to("../..")
    (folder / "elsewhere").symlink_to(outside)
    (folder / "device.jpg").symlink_to("/dev/zero")
    (folder / "memory.jpg").symlink_to("/proc/self/mem")
    os.mkfifo(folder / "pipe.jpg")
    os.link(outside / "secret.jpg", folder / "hard.jpg")
    if sys.platform == "linux":
        (folder / os.fsdecode(b"bytes\xff\xfe.jpg")).write_bytes(_own(6001))
    deep = folder
    for _ in range(60):
        deep = deep / "deep"
    deep.mkdir(parents=True)
    (deep / "x.jpg").write_bytes(_own(6002))
