"""Names that climb, hide, collide or cannot be written, for members of archives and for files."""

from __future__ import annotations

import unicodedata
from pathlib import Path

__all__ = ["FOLDER", "for_folders", "hostile_names", "raw_names"]

FOLDER = "names"  # where a name without a folder of its own is put
RESERVED = ("CON", "PRN", "AUX", "NUL", "COM1", "LPT9", "CONIN$", "CLOCK$")
ODD = '<>:"|?*%~#&;$`!^{}[]()=+,@'


def hostile_names(outside: Path) -> list[str]:
    """Member names as text.

    Args:
        outside: A folder beside the target, which absolute and climbing names point into.
    """
    there = outside.as_posix()
    climbing = [f"{'../' * depth}up{depth}.jpg" for depth in range(1, 9)]
    climbing += [f"names/{'../' * depth}up.jpg" for depth in range(2, 9)]
    climbing += [f"names{chr(92)}{('..' + chr(92)) * depth}up.jpg" for depth in range(1, 6)]
    climbing += ["names/..", "..", "../", "names/../names/in.jpg", "./../x.jpg", "..//x.jpg"]
    climbing += [f"names/..{end}/x.jpg" for end in (" ", ".", "\u2024", "\uff0e", "%2f", "\x00")]
    climbing += ["names/%2e%2e/%2e%2e/x.jpg", "names/\uff0e\uff0e/x.jpg", "~/x.jpg", "~root/x.jpg"]
    absolute = [f"{there}/absolute.jpg", f"//{there}/two.jpg", "/etc/passwd", "/x.jpg", "\\x.jpg"]
    absolute += ["C:\\x.jpg", "c:/x.jpg", "Z:x.jpg", "C:", "\\\\server\\share\\x.jpg"]
    absolute += ["\\\\?\\C:\\x.jpg", "\\\\.\\PhysicalDrive0", "//server/share/x.jpg"]
    absolute += ["file:///etc/passwd", "names/x.jpg:stream", "names/C:/x.jpg"]
    reserved = [f"names/{name}{end}" for name in RESERVED for end in ("", ".jpg", ".tar.gz", " ")]
    ends = [
        f"names/end{n}.jpg{end}" for n, end in enumerate((".", " ", "...", " .", "/", "//", "\\"))
    ]
    control = [f"names/control{chr(code)}{code}.jpg" for code in (*range(32), 127, 133, 160)]
    marks = "\u202e\u202d\u2066\u2069\u200f\u200b\ufeff\u00ad\ufffd\u2028\U000e0041\ud83d\udcff"
    marked = [f"names/mark{mark}gpj.exe.jpg" for mark in marks]
    odd = [f"names/odd{sign}.jpg" for sign in ODD] + [
        "names/-rf.jpg",
        "names/--home",
        "names/'.jpg",
    ]
    odd += ["names/$(touch x).jpg", "names/`id`.jpg", "names/a\nb.jpg", "names/<script>.jpg"]
    long = ["names/" + "n" * 300 + ".jpg", "names/" + "n" * 5000 + ".jpg", "d/" * 2500 + "x.jpg"]
    long += ["names/" + "\u00e9" * 990, "x" * 65_000]
    alike = [
        "names/Case.jpg",
        "names/case.jpg",
        "names/CASE.JPG",
        "Names/case.jpg",
        "NAMES/Case.jpg",
    ]
    alike += ["names/ae\u0301.jpg", unicodedata.normalize("NFC", "names/ae\u0301.jpg")]
    alike += ["names/./same.jpg", "names//same.jpg", "names/same.jpg", "./names/same.jpg"]
    alike += ["names\\same.jpg", "names/a\x01.jpg", "names/a\x02.jpg", "names/a\ufffd.jpg"]
    alike += ["names/stra\u00dfe.jpg", "names/STRASSE.jpg", "names/\u0130.jpg", "names/i\u0307.jpg"]
    hidden = [".hidden.jpg", "names/.x.jpg", ".git/x.jpg", "__MACOSX/names/._x.jpg", "Thumbs.db"]
    hidden += ["names/desktop.ini", "names/..jpg", "names/...", "names/....jpg"]
    none = ["", ".", "/", "./", "\\", "names/", "names/ ", " ", "\x00", "\x00names/x.jpg"]
    scripts = ["\u8682\u8681/\u4e00.jpg", "\u043c\u0443\u0440\u0430/1.jpg", "\U0001f41c/ant.jpg"]
    scripts += ["\u05d0\u05d1/\u05d2.jpg", "names/e" + "\u0301" * 200 + ".jpg"]
    every = [climbing, absolute, reserved, ends, control, marked, odd, long, alike, hidden, none]
    return [name for group in [*every, scripts] for name in group]


def raw_names() -> list[bytes]:
    """Names as bytes in encodings that a zip does not declare, or in none at all."""
    names = [
        f"names/{word}.jpg" for word in ("\u00e9t\u00e9", "gr\u00f6\u00dfe", "\u00f1and\u00fa")
    ]
    encoded = [name.encode(code) for name in names for code in ("cp437", "latin-1", "utf-8")]
    encoded += [
        f"names/{word}.jpg".encode("shift_jis") for word in ("\u30bd\u8868", "\u5341\u4e88")
    ]
    encoded += ["names/\u8682\u8681.jpg".encode("gb18030"), "names/\ubc8c.jpg".encode("euc_kr")]
    encoded += [b"names/\xff\xfe.jpg", b"names/\xc3\x28.jpg", b"names/\xed\xa0\x80.jpg"]
    encoded += [b"names/\xc0\xae\xc0\xae\xc0\xafup.jpg", b"\xc0\xae./x.jpg", bytes(range(128, 256))]
    return encoded


def for_folders(names: list[str]) -> list[str]:
    """Those that can be told to a file system as relative names that stay where they are."""
    out = []
    for name in names:
        parts = name.split("/")
        stays = "\x00" not in name and not name.startswith("/") and ".." not in parts
        if (
            stays
            and parts[-1] not in ("", ".")
            and all(len(p.encode("utf-8", "replace")) < 250 for p in parts)
        ):
            out.append(name)
    return [name for name in dict.fromkeys(out) if len(name) < 900]
