"""Archives that are hostile as a whole: bombs, lies, circles, too much of something, damage."""

from __future__ import annotations

import bz2
import gzip
import lzma
import struct
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from tests.hostile.packing import DEFLATED, Lie, Member, raw_tar, special, tar_bytes, zip_bytes
from tests.hostile.pictures import zip_in_zip
from tests.unit.data import hostile

__all__ = ["EITHER", "FINE", "damaged_containers", "hostile_containers", "many_entries", "pictures"]

# What must come of a container: its good pictures, or an error for the user of one kind.
FINE, UNSAFE, REFUSED, EMPTY = "", "unsafe_archive", "unreadable_archive", "empty_dataset"
EITHER = "either"  # damage may hit anything
ZEROS = bytes(4 << 20)
FLIPS, CUTS = 50, 14  # damaged copies of each kind of archive

Wanted = tuple[str, bytes, str]


def pictures() -> dict[str, bytes]:
    """Six good pictures of two classes."""
    return hostile.two_classes()


def plain(**more: bytes) -> list[Member]:
    """Members: the good pictures, and others before them."""
    members = {**{name.replace("__", "/"): body for name, body in more.items()}, **pictures()}
    return [Member(name=name.encode(), body=body) for name, body in members.items()]


def hostile_containers() -> Iterator[Wanted]:
    """(name, content, what must come of it)."""
    yield from zip_bombs()
    yield from zip_lies()
    yield from zip_leftovers()
    yield from tar_bombs()
    yield from tar_lies()


def zip_bombs() -> Iterator[Wanted]:
    """Little that unpacks to much, in one member or in many."""
    bomb = Member(name=b"bomb/zeros.jpg", body=ZEROS, method=DEFLATED)
    yield "ratio.zip", zip_bytes([*plain(), bomb]), UNSAFE
    lying = replace(bomb, lie=Lie(size=100))
    yield "ratio-size-lie.zip", zip_bytes([*plain(), lying]), FINE
    yield "ratio-packed-lie.zip", zip_bytes([*plain(), replace(bomb, lie=Lie(packed=50))]), FINE
    just_under = [
        Member(name=b"bomb/%d.jpg" % n, body=ZEROS[: 1 << 20], method=DEFLATED) for n in range(400)
    ]
    yield "many-small-ones.zip", zip_bytes([*plain(), *just_under]), UNSAFE
    yield "in-each-other.zip", zip_bytes(plain(bomb__42=zip_in_zip(6))), FINE
    yield "in-each-other-by-name.zip", zip_bytes(plain(**{"bomb__42.zip": zip_in_zip(6)})), FINE
    yield "one-place.zip", one_place(2000), UNSAFE
    yield "quoted.zip", quoted_overlap(300), f"{UNSAFE}|{EMPTY}"  # newer Pythons see it first


def one_place(n: int) -> bytes:
    """Members of one name and place, each zeros of a megabyte; then some under other names."""
    first = Member(name=b"bomb/0.jpg", body=ZEROS[: 1 << 20], method=DEFLATED)
    again = replace(first, body=b"", method=0)
    same = Lie(
        size=1 << 20,
        packed=len(deflated(first.body)),
        crc=zlib.crc32(first.body),
        offset=0,
        method=DEFLATED,
        central=True,
    )
    return zip_bytes([first, *(replace(again, lie=same) for _ in range(n)), *plain(), *heavy(400)])


def heavy(n: int) -> list[Member]:
    """Members of zeros, each just under what is looked at alone."""
    return [
        Member(name=b"bomb/h%d.jpg" % i, body=ZEROS[: 1 << 20], method=DEFLATED) for i in range(n)
    ]


def deflated(body: bytes) -> bytes:
    """Raw deflate at its best."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(body) + packer.flush()


def quoted_overlap(n: int) -> bytes:
    """Each member's data quotes the next one's header, then shares all that follows with it.

    Every name is another one, so nothing looks like a copy; only the last member's data is real.
    """
    contents, tail = ZEROS[: 1 << 20], deflated(ZEROS[: 1 << 20])
    central = b""
    places: list[tuple[int, bytes]] = []  # bytes from the end of the data, and the entry's start
    for number in range(n):
        name = b"bomb/%04d.jpg" % number
        told = (20, 0, 8, 0, 33, zlib.crc32(contents), len(tail), len(contents), len(name), 0)
        header = struct.pack("<4sHHHHHIIIHH", b"PK\x03\x04", *told) + name
        places.append((len(header) + len(tail), struct.pack("<HHHHHHIIIHH", 20, *told)))
        quote = b"\x00" + struct.pack("<HH", len(header), len(header) ^ 0xFFFF) + header
        whole, contents, tail = header + tail, header + contents, quote + tail
    for number, (from_end, head) in enumerate(places):
        place = struct.pack("<HHHII", 0, 0, 0, 0, len(whole) - from_end)
        central += b"PK\x01\x02" + head + place + b"bomb/%04d.jpg" % number
    end = struct.pack("<HHHHIIH", 0, 0, n, n, len(central), len(whole), 0)
    return whole + central + b"PK\x05\x06" + end


def zip_lies() -> Iterator[Wanted]:
    """Headers and central directories that do not say what is there."""
    body = hostile.picture(seed=900)
    lies = {
        "size-0": Lie(size=0),
        "size-1": Lie(size=1),
        "size-huge": Lie(size=0xFFFFFFF0),
        "packed-0": Lie(packed=0),
        "packed-huge": Lie(packed=0xFFFFFFF0),
        "checksum": Lie(crc=1),
        "offset-beyond": Lie(offset=0x7FFFFFF0),
        "offset-inside": Lie(offset=17),
        "other-name": Lie(local_name=b"../../up.jpg"),
        "no-name": Lie(local_name=b""),
        "central-only": Lie(size=7, packed=7, crc=7, central=True),
        "method": Lie(method=14),
        "method-none": Lie(method=77),
        "zip64": Lie(
            size=0xFFFFFFFF, packed=0xFFFFFFFF, extra=struct.pack("<HHQQ", 1, 16, 1 << 50, 1 << 50)
        ),
        "zip64-negative": Lie(size=0xFFFFFFFF, extra=struct.pack("<HHq", 1, 8, -5)),
        "extra": Lie(extra=struct.pack("<HH", 0xCAFE, 4) + b"abcd"),
    }
    for name, lie in lies.items():
        for method in (0, DEFLATED):
            liar = Member(name=b"liars/1.jpg", body=body, method=method, lie=lie)
            yield f"lie-{name}-{method}.zip", zip_bytes([*plain(), liar]), FINE
    short = Lie(extra=struct.pack("<HH", 1, 60) + b"ab")
    yield (
        "lie-extra-short.zip",
        zip_bytes([*plain(), Member(name=b"l/1.jpg", body=body, lie=short)]),
        REFUSED,
    )
    for count in (0, 1, 65_000):
        yield f"count-{count}.zip", zip_bytes(plain(), n_entries=count), FINE
    yield "locked.zip", zip_bytes([replace(one, flags=1) for one in plain()]), REFUSED
    yield "one-locked.zip", zip_bytes([*plain(), Member(name=b"l/1.jpg", body=body, flags=1)]), FINE
    raw = bytearray(zip_bytes(plain()))
    struct.pack_into("<I", raw, len(raw) - 10, 0xFFFFFFF0)
    yield "directory-size.zip", bytes(raw), REFUSED
    raw = bytearray(zip_bytes(plain()))
    struct.pack_into("<I", raw, len(raw) - 6, 3)
    yield "directory-place.zip", bytes(raw), EMPTY  # where its files lie is then wrong as well


def zip_leftovers() -> Iterator[Wanted]:
    """Things around and inside a zip that are no members."""
    yield "comment.zip", zip_bytes(plain(), comment=b"<script>" + b"c" * 60_000), FINE
    yield "before.zip", zip_bytes(plain(), before=b"PK\x05\x06" + bytes(500)), FINE
    yield "picture-before.zip", hostile.picture() + zip_bytes(plain()), REFUSED
    yield "page-before.zip", b"<html>" + zip_bytes(plain()), REFUSED
    yield "end-only.zip", zip_bytes([]), EMPTY
    yield "twice.zip", zip_bytes(plain()) + zip_bytes(plain()), FINE
    yield "folders-only.zip", zip_bytes([Member(name=b"d%d/" % n) for n in range(50)]), EMPTY
    # a file whose name ends like a folder's is a file
    yield (
        "folder-with-content.zip",
        zip_bytes([*plain(), Member(name=b"l/1.jpg/", body=b"x")]),
        FINE,
    )


def tar_bombs() -> Iterator[Wanted]:
    """Compressed zeros, headers without end, holes."""
    whole = tar_bytes([*pictures().items(), ("bomb/zeros.jpg", ZEROS * 5)])
    for name, pack in (("gz", gzip.compress), ("bz2", bz2.compress), ("xz", lzma.compress)):
        yield f"zeros.tar.{name}", pack(whole), UNSAFE
        yield f"twice.tar.{name}", pack(pack(tar_bytes(list(pictures().items())))), REFUSED
    yield (
        "not-wanted.tar.gz",
        gzip.compress(tar_bytes([("bomb.txt", ZEROS * 5), *pictures().items()])),
        UNSAFE,
    )
    yield "padding.tar.gz", gzip.compress(tar_bytes(list(pictures().items())) + ZEROS * 5), FINE
    yield (
        "members.tar.gz",
        b"".join(gzip.compress(part) for part in _pieces(tar_bytes(list(pictures().items())))),
        FINE,
    )
    good = tar_bytes(list(pictures().items()))
    for size in (300 << 10, 4 << 30, (8 << 30) - 1):
        head = raw_tar("x", tarfile.XHDTYPE, b"", claimed=size)
        yield f"pax-{size}.tar", head + bytes(1 << 20) + good, UNSAFE
        yield (
            f"long-name-{size}.tar",
            raw_tar("x", tarfile.GNUTYPE_LONGNAME, b"", claimed=size) + bytes(1 << 20) + good,
            UNSAFE,
        )
    circle = b"".join(raw_tar("x", tarfile.XHDTYPE, b"9 a=bcde\n") for _ in range(3000))
    yield "pax-after-pax.tar", circle + good, UNSAFE
    sparse = raw_tar("bomb/holes.jpg", tarfile.GNUTYPE_SPARSE, b"x" * 512)
    yield "sparse.tar", sparse + good, FINE
    holes = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": str(1 << 50)}
    yield (
        "sparse-pax.tar",
        raw_tar("h.jpg", tarfile.REGTYPE, b"1\n0\n1\n" + bytes(506), pax=holes) + good,
        FINE,
    )


def _pieces(body: bytes) -> list[bytes]:
    return [body[at : at + 1000] for at in range(0, len(body), 1000)]


def tar_lies() -> Iterator[Wanted]:
    """Names, sizes and kinds that a careful reader does not believe."""
    good = tar_bytes(list(pictures().items()))
    body = hostile.picture(seed=901)
    for key, value in {
        "path": "../../up.jpg",
        "mtime": "nan",
        "uid": "-1",
        "comment": "x" * 50_000,
        "hdrcharset": "BINARY",
        "GNU.sparse.map": "0,1,9999999999,1",
        "GNU.sparse.size": "99999999999999999999",
    }.items():
        yield (
            f"pax-{key}.tar",
            raw_tar("l/1.jpg", tarfile.REGTYPE, body, pax={key: value}) + good,
            FINE,
        )
    for value in ("100", "-5", "abc", "1e9", "99999999999999999999"):
        yield (
            f"pax-size-{value}.tar",
            raw_tar("l/1.jpg", tarfile.REGTYPE, body, pax={"size": value}) + good,
            REFUSED,
        )
    yield (
        "beyond.tar",
        good[:-1024] + raw_tar("l/1.jpg", tarfile.REGTYPE, b"", claimed=1 << 30),
        REFUSED,
    )
    yield (
        "kinds.tar",
        b"".join(
            raw_tar(f"l/{n}.jpg", bytes([n]), b"")
            for n in range(33, 127)
            if chr(n) not in "xgKLS05"
        )
        + good,
        FINE,
    )
    yield "global.tar", raw_tar("g", tarfile.XGLTYPE, b"20 path=../../../up\n") + good, EMPTY
    links: list[tuple[str, bytes] | tarfile.TarInfo] = [
        special("a", tarfile.SYMTYPE, "b"),
        special("b", tarfile.SYMTYPE, "a"),
        special("up", tarfile.SYMTYPE, "../../.."),
        ("up/climb.jpg", body),
        special("ants/0.jpg", tarfile.LNKTYPE, "/etc/passwd"),
    ]
    yield "links-first.tar", tar_bytes([*links, *pictures().items()]), FINE
    yield "nothing.tar", bytes(10_240), REFUSED
    for form in (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        yield f"form-{form}.tar", tar_bytes(list(pictures().items()), form=form), FINE


def damaged_containers() -> Iterator[Wanted]:
    """Every kind of archive with flipped bytes or cut off: read, or refused with a sentence."""
    tar = tar_bytes(list(pictures().items()))
    kinds = {
        "stored.zip": zip_bytes(plain()),
        "packed.zip": zip_bytes([replace(one, method=DEFLATED) for one in plain()]),
        "tar": tar,
        "tar.gz": gzip.compress(tar),
        "tar.bz2": bz2.compress(tar),
        "tar.xz": lzma.compress(tar),
    }
    for number, (ending, body) in enumerate(kinds.items()):
        rng = np.random.default_rng(number)
        for i in range(FLIPS):
            broken = bytearray(body)
            for at in rng.integers(0, len(body), 1 + i % 4):
                broken[at] ^= int(rng.integers(1, 256))
            yield f"flipped-{i:02}.{ending}", bytes(broken), EITHER
        for i in range(CUTS):
            yield f"cut-{i:02}.{ending}", body[: int(len(body) * (i + 0.5) / CUTS)], EITHER


def many_entries(n: int, kind: str) -> bytes:
    """Good pictures at the end of ``n`` others of no content."""
    if kind == "zip":
        return zip_bytes([*(Member(name=b"many/%06d.txt" % i) for i in range(n)), *plain()])
    head = special("many/000000.txt", tarfile.REGTYPE)
    block = bytearray(head.tobuf(tarfile.USTAR_FORMAT))
    out = bytearray()
    for i in range(n):
        block[5:11] = b"%06d" % i
        block[148:156] = b" " * 8
        block[148:156] = b"%06o\x00 " % sum(block)
        out += block
    return bytes(out) + tar_bytes(list(pictures().items()))
