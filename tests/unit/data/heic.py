"""HEIC photos made by hand: HEVC whose blocks are stored as they are (PCM), in a HEIF container.

No encoder of HEVC may be shipped, and none is needed: a block of raw samples costs one bit of
arithmetic code and its own bytes. The size is at most six blocks of 16 x 16.
"""

from __future__ import annotations

import struct

import numpy as np
from PIL import Image

BLOCK = 16
# Of ITU-T H.265, table 9-46, states 0 to 5: what the less probable symbol takes of the range.
LESS_PROBABLE = (
    (128, 176, 208, 240),
    (128, 167, 197, 227),
    (128, 158, 187, 216),
    (123, 150, 178, 205),
    (116, 142, 169, 195),
    (111, 135, 160, 185),
)


class Bits:
    def __init__(self) -> None:
        self.out: list[int] = []

    def u(self, count: int, value: int) -> Bits:
        self.out += [(value >> place) & 1 for place in range(count - 1, -1, -1)]
        return self

    def ue(self, *values: int) -> Bits:
        for value in values:
            size = (value + 1).bit_length()
            self.u(size - 1, 0).u(size, value + 1)
        return self

    def aligned(self) -> Bits:
        self.out += [0] * (-len(self.out) % 8)
        return self

    def trailing(self) -> Bits:
        return self.u(1, 1).aligned()

    def raw(self, body: bytes) -> Bits:
        for byte in body:
            self.u(8, byte)
        return self

    def body(self) -> bytes:
        return np.packbits(np.array(self.out, np.uint8)).tobytes()


class Arithmetic:
    """The arithmetic coder, for one context that always sees its more probable symbol."""

    def __init__(self, bits: Bits) -> None:
        self.bits, self.state = bits, 0
        self.restart()

    def restart(self) -> None:
        self.low, self.range, self.first, self.waiting = 0, 510, True, 0

    def likely(self) -> None:
        self.range -= LESS_PROBABLE[self.state][(self.range >> 6) & 3]
        self.state += 1
        self._renorm()

    def terminate(self, value: int) -> None:
        self.range -= 2
        if not value:
            self._renorm()
            return
        self.low += self.range
        self.range = 2
        self._renorm()
        self._put((self.low >> 9) & 1)
        self.bits.u(2, ((self.low >> 7) & 3) | 1)

    def _put(self, bit: int) -> None:
        if self.first:
            self.first = False
        else:
            self.bits.u(1, bit)
        for _ in range(self.waiting):
            self.bits.u(1, 1 - bit)
        self.waiting = 0

    def _renorm(self) -> None:
        while self.range < 256:
            if self.low < 256:
                self._put(0)
            elif self.low >= 512:
                self.low -= 512
                self._put(1)
            else:
                self.low -= 256
                self.waiting += 1
            self.range <<= 1
            self.low <<= 1


def profile(bits: Bits) -> Bits:
    bits.u(8, 1).u(32, 0x60000000).u(1, 1).u(1, 0).u(1, 0).u(1, 1)
    return bits.u(32, 0).u(12, 0).u(8, 93)


def nal(kind: int, payload: bytes) -> bytes:
    body = bytearray()
    zeros = 0
    for byte in payload:
        if zeros >= 2 and byte <= 3:
            body.append(3)
            zeros = 0
        body.append(byte)
        zeros = zeros + 1 if byte == 0 else 0
    return bytes([kind << 1, 1]) + bytes(body)


def parameter_sets(width: int, height: int) -> list[bytes]:
    video = profile(Bits().u(4, 0).u(2, 3).u(6, 0).u(3, 0).u(1, 1).u(16, 0xFFFF))
    video.u(1, 1).ue(0, 0, 0).u(6, 0).ue(0).u(2, 0).trailing()
    sequence = profile(Bits().u(4, 0).u(3, 0).u(1, 1))
    sequence.ue(0, 1, width, height).u(1, 0).ue(0, 0, 0).u(1, 1).ue(0, 0, 0)
    sequence.ue(1, 0, 0, 2, 0, 0).u(3, 0)  # blocks of 16, transforms of 4 to 16; no lists, amp, sao
    sequence.u(1, 1).u(4, 7).u(4, 7).ue(1, 0).u(1, 1)  # raw blocks of 16, not filtered
    sequence.ue(0).u(5, 0).trailing()
    picture = Bits().ue(0, 0).u(7, 0).ue(0, 0, 0).u(3, 0).ue(0, 0).u(7, 0)
    picture.u(1, 1).u(1, 0).u(1, 1).u(2, 0).ue(0).u(2, 0).trailing()
    return [nal(32, video.body()), nal(33, sequence.body()), nal(34, picture.body())]


def picture_nal(image: Image.Image) -> bytes:
    luma, blue, red = (np.asarray(one) for one in image.convert("YCbCr").split())
    luma = np.rint(16 + luma * (219 / 255)).astype(np.uint8)  # a decoder expects 16 to 235
    blue, red = (np.rint(128 + (one - 128.0) * (224 / 255)).astype(np.uint8) for one in (blue, red))
    half = (image.width // 2, image.height // 2)
    blue, red = (
        np.asarray(Image.fromarray(one).resize(half, Image.Resampling.BOX)) for one in (blue, red)
    )
    bits = Bits().u(2, 2).ue(0, 2, 0).trailing()
    coder = Arithmetic(bits)
    corners = [
        (top, left)
        for top in range(0, image.height, BLOCK)
        for left in range(0, image.width, BLOCK)
    ]
    for number, (top, left) in enumerate(corners):
        coder.likely()  # the block is not divided
        coder.terminate(1)  # its samples are raw
        bits.aligned().raw(luma[top : top + BLOCK, left : left + BLOCK].tobytes())
        for plane in (blue, red):
            bits.raw(plane[top // 2 : top // 2 + 8, left // 2 : left // 2 + 8].tobytes())
        coder.restart()
        coder.terminate(number == len(corners) - 1)
    return nal(19, bits.aligned().body())


def box(kind: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I", len(body) + 8) + kind + body


def full(kind: bytes, version: int, *parts: bytes) -> bytes:
    return box(kind, bytes([version, 0, 0, 0]), *parts)


def heic(image: Image.Image, *, quarter_turns: int = 0, exif: bytes = b"") -> bytes:
    """A photo of 16-pixel blocks, six at most.

    ``quarter_turns`` counter-clockwise stand in the container; ``exif`` starts with its TIFF part.
    """
    sets = parameter_sets(*image.size)
    coded = picture_nal(image)
    items = [struct.pack(">I", len(coded)) + coded]
    if exif:
        items.append(struct.pack(">I", 0) + exif)
    arrays = b"".join(
        bytes([0x80 | kind]) + struct.pack(">HH", 1, len(one)) + one
        for kind, one in zip((32, 33, 34), sets, strict=True)
    )
    config = box(
        b"hvcC",
        bytes([1, 1]) + bytes.fromhex("60000000 900000000000") + bytes([93]),
        bytes.fromhex("f000 fc fd f8 f8 0000 0f 03"),
        arrays,
    )
    properties = [config, full(b"ispe", 0, struct.pack(">II", *image.size))]
    if quarter_turns:
        properties.append(box(b"irot", bytes([quarter_turns])))
    numbers = bytes([0x80 | 1, *range(2, len(properties) + 1)])
    infos = [full(b"infe", 2, struct.pack(">HH", 1, 0), b"hvc1\0")]
    if exif:
        infos.append(full(b"infe", 2, struct.pack(">HH", 2, 0), b"Exif\0"))

    def meta(first: int) -> bytes:
        places, at = b"", first
        for number, item in enumerate(items, start=1):
            places += struct.pack(">HHHII", number, 0, 1, at, len(item))
            at += len(item)
        parts = [
            full(b"hdlr", 0, bytes(4), b"pict", bytes(13)),
            full(b"pitm", 0, struct.pack(">H", 1)),
            full(b"iloc", 0, bytes([0x44, 0]), struct.pack(">H", len(items)), places),
            full(b"iinf", 0, struct.pack(">H", len(infos)), *infos),
            box(
                b"iprp",
                box(b"ipco", *properties),
                full(b"ipma", 0, struct.pack(">IHB", 1, 1, len(properties)), numbers),
            ),
        ]
        if exif:
            parts.append(full(b"iref", 0, box(b"cdsc", struct.pack(">HHH", 2, 1, 1))))
        return full(b"meta", 0, *parts)

    start = box(b"ftyp", b"heic", bytes(4), b"mif1heic")
    begin = len(start) + len(meta(0)) + 8
    return start + meta(begin) + box(b"mdat", *items)
