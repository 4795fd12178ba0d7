"""Files that are no good as pictures: damaged, lying, vast, of two kinds at once, or of none."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import numpy as np
from PIL import Image

from tests.hostile.scans import dicom, vast_scans
from tests.unit.data import hostile

Named = Iterator[tuple[str, bytes]]
FLIPS, CUTS = 26, 14  # damaged copies of each kind of file
KINDS: dict[str, tuple[str, str, dict[str, Any]]] = {  # ending -> Pillow's format, mode, options
    "jpg": ("JPEG", "RGB", {}),
    "progressive.jpg": ("JPEG", "RGB", {"progressive": True}),
    "cmyk.jpg": ("JPEG", "CMYK", {}),
    "png": ("PNG", "RGB", {}),
    "palette.png": ("PNG", "P", {}),
    "alpha.png": ("PNG", "RGBA", {}),
    "bits.png": ("PNG", "1", {}),
    "deep.png": ("PNG", "I;16", {}),
    "webp": ("WEBP", "RGB", {}),
    "lossless.webp": ("WEBP", "RGBA", {"lossless": True}),
    "bmp": ("BMP", "RGB", {}),
    "gif": ("GIF", "P", {}),
    "raw.tif": ("TIFF", "RGB", {}),
    "lzw.tif": ("TIFF", "RGB", {"compression": "tiff_lzw"}),
    "deflate.tif": ("TIFF", "L", {"compression": "tiff_adobe_deflate"}),
    "jpeg.tif": ("TIFF", "RGB", {"compression": "jpeg"}),
    "float.tif": ("TIFF", "F", {}),
    "deep.tif": ("TIFF", "I;16", {}),
    "avif": ("AVIF", "RGB", {}),
    "dcm": ("DICOM", "I;16", {}),
    "mpo": ("MPO", "RGB", {}),
    "ico": ("ICO", "RGBA", {}),
    "jp2": ("JPEG2000", "RGB", {}),
    "tga": ("TGA", "RGB", {}),
    "ppm": ("PPM", "RGB", {}),
    "pcx": ("PCX", "RGB", {}),
    "sgi": ("SGI", "RGB", {}),
    "eps": ("EPS", "RGB", {}),
}


def sound(ending: str, seed: int = 0) -> bytes:
    """An undamaged file of one of ``KINDS``."""
    kind, mode, options = KINDS[ending]
    if kind == "DICOM":
        return dicom(seed)
    image = hostile.photo((52, 40), seed=seed)
    if mode == "I;16":
        image = Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 257)
    else:
        image = image.convert(mode)
    sink = io.BytesIO()
    image.save(sink, kind, **options)
    return sink.getvalue()


def damaged() -> Named:
    """Every kind with flipped bytes, cut off, and with rubbish in the middle."""
    for number, ending in enumerate(KINDS):
        body = sound(ending, seed=number)
        rng = np.random.default_rng(number)
        for i in range(FLIPS):
            broken = bytearray(body)
            # headers are short and matter most: half of the flips lie in the first 200 bytes
            reach = min(len(body), 200) if i % 2 else len(body)
            for at in rng.integers(0, reach, 1 + i % 5):
                broken[at] ^= int(rng.integers(1, 256))
            yield f"flipped-{i:02}.{ending}", bytes(broken)
        for i in range(CUTS):
            yield f"cut-{i:02}.{ending}", body[: int(len(body) * (i + 0.5) / CUTS)]
        yield f"zeroed.{ending}", body[: len(body) // 2] + bytes(len(body) - len(body) // 2)
        yield f"twice.{ending}", body + body


def mislabelled() -> Named:
    """Sound pictures under another kind's ending, and files that are no pictures at all."""
    endings = list(KINDS)
    for number, ending in enumerate(endings):
        other = endings[(number + 7) % len(endings)]
        yield f"is-{ending.replace('.', '-')}.{other}", sound(ending, seed=50 + number)
    others = {
        "text.jpg": b"hello\n",
        "web.png": b"<!DOCTYPE html><html><script>alert(1)</script></html>",
        "empty.jpg": b"",
        "zeros.jpg": bytes(4096),
        "one.jpg": b"\xff",
        "start.jpg": b"\xff\xd8\xff",
        "start.png": b"\x89PNG\r\n\x1a\n",
        "start.gif": b"GIF89a",
        "start.tif": b"II*\x00",
        "start.webp": b"RIFF\x10\x00\x00\x00WEBP",
        "start.bmp": b"BM",
        "program.jpg": b"MZ" + bytes(300),
        "elf.jpg": b"\x7fELF" + bytes(300),
        "heic.jpg": b"\x00\x00\x00\x18ftypheic" + bytes(300),
        "avif.jpg": b"\x00\x00\x00\x18ftypavif" + bytes(300),
        "dicom.jpg": bytes(128) + b"DICM" + bytes(300),
        "photoshop.psd": b"8BPS\x00\x01" + bytes(300),
        "lfs.jpg": b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64,
        "noise.jpg": np.random.default_rng(9).bytes(5000),
        "script.eps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(/tmp/x) (w) file\n",
        "fonts.jpg": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage\n",
    }
    yield from others.items()


ENTITIES = "".join(f'<!ENTITY a{i} "{f"&a{i - 1};" * 10}">' for i in range(1, 10))
EXTERNAL = '<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]>'


def markup() -> Named:
    """Drawings and lists that a careless parser would expand or fetch from elsewhere."""
    svg = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9">{}</svg>'
    bodies = {
        "plain.svg": svg.format("<circle r='3'/>"),
        "entities.svg": f'<!DOCTYPE svg [<!ENTITY a0 "x">{ENTITIES}]>' + svg.format("&a9;"),
        "external.svg": EXTERNAL + svg.format("&x;"),
        "remote.svg": svg.format("<image href='http://192.0.2.1/x.png'/>"),
        "drawing.png": svg.format("<script>alert(1)</script>"),
        "bomb.jpg": f'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a0 "x">{ENTITIES}]><l>&a9;</l>',
        "include.jpg": '<?xml version="1.0"?><x xmlns:xi="http://www.w3.org/2001/XInclude">'
        '<xi:include href="file:///etc/passwd"/></x>',
    }
    for name, body in bodies.items():
        yield name, body.encode()


# -- headers that promise more than there is -------------------------------------------------------

SIDE = 60_000


def vast_headers() -> Named:
    """60,000 x 60,000 pixels announced by files of a few bytes."""
    yield "vast.png", hostile.png_header(SIDE, SIDE)
    yield "vast.jpg", _patched_jpeg(sound("jpg"))
    yield "vast.progressive.jpg", _patched_jpeg(sound("progressive.jpg"))
    gif = bytearray(sound("gif"))
    struct.pack_into("<HH", gif, 6, SIDE, SIDE)
    yield "vast.gif", bytes(gif)
    frame = bytearray(sound("gif"))
    at = frame.index(b"\x2c\x00\x00\x00\x00", 13)
    struct.pack_into("<HH", frame, at + 5, SIDE, SIDE)  # the frame, not the screen
    yield "vast-frame.gif", bytes(frame)
    for name, height in (("vast.bmp", SIDE), ("vast-upside-down.bmp", -SIDE)):
        bmp = bytearray(sound("bmp"))
        struct.pack_into("<ii", bmp, 18, SIDE, height)
        yield name, bytes(bmp)
    yield "vast.webp", _canvas(SIDE, SIDE)
    yield "vast.tif", tiff({256: SIDE, 257: SIDE})
    yield "wide.png", hostile.png_header(0x7FFFFFFF, 1)
    yield "flat.png", hostile.png_header(0, 40)
    yield "border.png", hostile.png_header(10_000, 10_001)  # one row above the limit


def _patched_jpeg(body: bytes) -> bytes:
    out = bytearray(body)
    at = next(out.find(marker) for marker in (b"\xff\xc0", b"\xff\xc2") if out.find(marker) >= 0)
    struct.pack_into(">HH", out, at + 5, SIDE, SIDE)
    return bytes(out)


def _canvas(width: int, height: int) -> bytes:
    head = b"VP8X" + struct.pack("<I", 10) + b"\x00" * 4
    head += (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    rest = sound("webp")[12:]
    return b"RIFF" + struct.pack("<I", 4 + len(head) + len(rest)) + b"WEBP" + head + rest


def tiff(
    tags: dict[int, int], *, data: bytes = b"", following: int = 0, n_tags: int | None = None
) -> bytes:
    """A little-endian TIFF of 16 x 16 grey pixels with some tags changed.

    ``following`` is where it says that the next directory lies; ``n_tags`` how many tags it
    claims to have.
    """
    data = data or bytes(256)
    usual = {256: 16, 257: 16, 258: 8, 259: 1, 262: 1, 273: 8, 277: 1, 278: 16, 279: len(data)}
    entries = b"".join(
        struct.pack("<HHII", tag, 4, 1, value) for tag, value in sorted({**usual, **tags}.items())
    )
    count = len(entries) // 12 if n_tags is None else n_tags
    directory = struct.pack("<H", count) + entries + struct.pack("<I", following)
    return b"II*\x00" + struct.pack("<I", 8 + len(data)) + data + directory


def lying_tiffs() -> Named:
    """Directories in a circle, 65,535 tags, tiles and strips out of all proportion."""
    where = 8 + 256
    yield "circle.tif", tiff({}, following=where)
    yield "circle-to-start.tif", tiff({}, following=8)
    yield "beyond.tif", tiff({}, following=0x7FFFFFF0)
    yield "tags.tif", tiff({}, n_tags=65_535)
    yield "no-tags.tif", tiff({}, n_tags=0)
    yield "tiles.tif", tiff({322: SIDE, 323: SIDE, 324: 8, 325: 256})
    yield "strips.tif", tiff({278: 0xFFFFFFFF, 279: 0xFFFFFFFF})
    yield "samples.tif", tiff({277: 65_535})
    yield "bits.tif", tiff({258: 4096})
    yield "packing.tif", tiff({259: 7})
    yield "jpeg-packing.tif", tiff({259: 6})
    yield "zip-packing.tif", tiff({259: 8}, data=zlib.compress(bytes(30 << 20), 9))
    yield "orientation.tif", tiff({274: 4_000_000_000})
    yield "big.tif", b"II+\x00\x08\x00\x00\x00" + struct.pack("<Q", 16) + b"\xff" * 64
    pages = io.BytesIO()
    first, *rest = [Image.new("L", (8, 8), i % 256) for i in range(1500)]
    first.save(pages, "TIFF", save_all=True, append_images=rest)
    yield "pages.tif", pages.getvalue()


# -- bombs and other heavy things ------------------------------------------------------------------


def chunk(kind: bytes, body: bytes) -> bytes:
    """One chunk of a PNG."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _with_chunk(kind: bytes, body: bytes) -> bytes:
    png = sound("png")
    return png[:33] + chunk(kind, body) + png[33:]  # after the header


def png_bombs() -> Named:
    """Texts and profiles that unpack to 100 MB, pixels that never end, chunks that lie."""
    packed = zlib.compress(bytes(100 << 20), 9)
    yield "text-bomb.png", _with_chunk(b"zTXt", b"Comment\x00\x00" + packed)
    yield "long-text-bomb.png", _with_chunk(b"iTXt", b"Comment\x00\x01\x00\x00\x00" + packed)
    yield "profile-bomb.png", _with_chunk(b"iCCP", b"icc\x00\x00" + packed)
    header = struct.pack(">IIBBBBB", 16, 16, 8, 2, 0, 0, 0)
    start = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
    yield "pixels-bomb.png", start + chunk(b"IDAT", packed) + chunk(b"IEND", b"")
    yield "lying-chunk.png", start + struct.pack(">I", 0x7FFFFFFF) + b"IDAT" + bytes(64)
    yield "many-chunks.png", start + chunk(b"tEXt", b"a\x00b") * 20_000 + chunk(b"IEND", b"")
    yield (
        "animated.png",
        start + chunk(b"acTL", struct.pack(">II", 0xFFFFFFFF, 0)) + sound("png")[33:],
    )
    grey = zlib.compress(bytes((9_900 // 8 + 1) * 9_900), 9)
    large = chunk(b"IHDR", struct.pack(">IIBBBBB", 9_900, 9_900, 1, 0, 0, 0, 0))
    # within the limit, so it is a picture: 98 million pixels out of 12 KB
    yield "large.png", b"\x89PNG\r\n\x1a\n" + large + chunk(b"IDAT", grey) + chunk(b"IEND", b"")


def animations() -> Named:
    """Thousands of frames, and comments without end."""
    gif = bytearray(sound("gif"))
    body = bytes(gif[:-1])
    start = body.index(b"\x2c\x00\x00\x00\x00", 13)
    yield "frames.gif", body[:start] + body[start:] * 3000 + b"\x3b"
    yield (
        "comments.gif",
        body[:start] + b"\x21\xfe\xff" + (b"x" * 255 + b"\xff") * 4000 + body[start:],
    )
    yield "no-end.gif", body + b"\x21\xfe\xff" * 2000
    sink = io.BytesIO()
    frames = [Image.new("RGB", (16, 16), (i, 0, 0)) for i in range(120)]
    frames[0].save(sink, "WEBP", save_all=True, append_images=frames[1:])
    yield "frames.webp", sink.getvalue()
    sink = io.BytesIO()
    frames[0].save(sink, "PNG", save_all=True, append_images=frames[1:])
    yield "frames.png", sink.getvalue()


def exif_rubbish() -> Named:
    """Camera data that lies about itself; the pictures around it are sound."""
    blocks: dict[str, bytes] = {
        "circle": tiff({34665: 8 + 256}, following=8 + 256),
        "noise": np.random.default_rng(3).bytes(900),
        "tags": tiff({}, n_tags=65_535),
        "orientation-99": tiff({274: 99}),
        "orientation-text": tiff({}).replace(
            struct.pack("<HHI", 277, 4, 1), b"\x12\x01\x02\x00\x09\x00\x00\x00"
        ),
        "beyond": tiff({34665: 0x7FFFFFF0, 34853: 0x7FFFFFF0}),
        "short": b"II*",
    }
    for name, block in blocks.items():
        yield f"exif-{name}.jpg", jpeg_with(0xE1, b"Exif\x00\x00" + block[:60_000])
        yield f"exif-{name}.png", _with_chunk(b"eXIf", block)
    yield "profile-noise.jpg", jpeg_with(0xE2, b"ICC_PROFILE\x00\x01\x01" + bytes(500))
    yield "profile-part-9-of-0.jpg", jpeg_with(0xE2, b"ICC_PROFILE\x00\x09\x00" + bytes(500))
    yield "pictures-index.jpg", jpeg_with(0xE2, b"MPF\x00" + tiff({45057: 0xFFFFFFFF}))
    yield "adobe.jpg", jpeg_with(0xEE, b"Adobe\x00\x64\xff\xff\xff\xff\x09")
    yield "segments.jpg", jpeg_with(0xFE, b"x" * 60_000, times=20)


def jpeg_with(marker: int, body: bytes, *, times: int = 1) -> bytes:
    """A sound JPEG with a segment of ours after its start."""
    plain = sound("jpg", seed=77)
    return (
        plain[:2]
        + (b"\xff" + bytes([marker]) + struct.pack(">H", len(body) + 2) + body) * times
        + plain[2:]
    )


def of_two_kinds() -> Named:
    """One file, two readers, two opinions."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("../../climb.jpg", b"x")
    page = b"<html><script>alert(1)</script></html>"
    yield "jpeg-and-zip.jpg", sound("jpg") + packed.getvalue()
    yield "zip-and-jpeg.jpg", packed.getvalue() + sound("jpg")
    yield "gif-and-page.gif", sound("gif") + page
    yield "page-in-gif.gif", b"GIF89a/*\x00\x00" + page + b"*/"
    yield "pdf-and-png.png", b"%PDF-1.4\n" + sound("png")
    yield "png-and-pdf.png", sound("png") + b"%PDF-1.4\n%%EOF"
    yield "script-in-comment.jpg", jpeg_with(0xFE, page)
    yield "bmp-and-page.bmp", b"BM" + page
    yield "nested.zip.jpg", packed.getvalue()


def weights_of_another_kind() -> Named:
    """Odd modes that are still pictures, and a table of numbers."""
    for mode, kind, ending in (("LA", "PNG", "png"), ("1", "TIFF", "tif"), ("CMYK", "TIFF", "tif")):
        sink = io.BytesIO()
        hostile.photo((30, 20), seed=4).convert(mode).save(sink, kind)
        yield f"mode-{mode}.{ending}", sink.getvalue()
    sink = io.BytesIO()
    Image.fromarray(np.full((9, 9), np.nan, np.float32)).save(sink, "TIFF")
    yield "no-numbers.tif", sink.getvalue()
    sink = io.BytesIO()
    hostile.photo((30, 20), seed=5).convert("LAB").save(sink, "TIFF")
    yield "mode-LAB.tif", sink.getvalue()
    yield "one-pixel.png", hostile.picture((1, 1), "PNG")
    yield "one-row.png", hostile.picture((3000, 1), "PNG")
    yield "archive-in-archive.zip", zip_in_zip(5)


def zip_in_zip(depth: int) -> bytes:
    """Archives in archives, the innermost one of zeros."""
    body = bytes(1 << 20)
    for level in range(depth):
        sink = io.BytesIO()
        with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
            for copy in range(4):
                archive.writestr(f"{level}-{copy}.zip", body)
        body = sink.getvalue()
    return body


GROUPS: dict[str, Callable[[], Named]] = {
    "damaged": damaged,
    "mislabelled": mislabelled,
    "markup": markup,
    "vast headers": vast_headers,
    "lying TIFFs": lying_tiffs,
    "PNG bombs": png_bombs,
    "animations": animations,
    "camera data": exif_rubbish,
    "two kinds at once": of_two_kinds,
    "vast scans": vast_scans,
    "odd kinds": weights_of_another_kind,
}


@cache
def hostile_files() -> dict[str, bytes]:
    """Every file of the corpus by a harmless relative name without a folder."""
    return {name: body for make in GROUPS.values() for name, body in make()}
