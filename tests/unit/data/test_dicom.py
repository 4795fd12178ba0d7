"""Medical pictures to 8 bits: window, table, rule, colours, frames; and what is refused."""

from __future__ import annotations

import hashlib
import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)

from tests.unit.data.deep import damaged, dicom, ramp
from tl_core.data.decode import decode, pages
from tl_core.data.decoded import MOST_PAGES
from tl_core.data.quarantine import CODES, reason_of
from tl_core.data.reading import Reading
from tl_core.errors import UnreadableImageError

# pydicom warns about values that do not follow the standard
pytestmark = pytest.mark.filterwarnings("ignore")


def grey(body: bytes, reading: Reading | None = None) -> np.ndarray:
    found = decode(io.BytesIO(body), reading=reading)
    assert (found.image.mode, found.format, found.native) == ("RGB", "DICOM", False)
    pixels = np.asarray(found.image)
    assert (pixels == pixels[:, :, :1]).all()
    return pixels[:, :, 0]


def why(body: bytes, **options: Any) -> tuple[str, str]:
    with pytest.raises(UnreadableImageError) as caught:
        decode(io.BytesIO(body), **options)
    assert caught.value.code in CODES
    return caught.value.code, reason_of(caught.value)


def test_the_window_of_the_file_gives_eight_bits() -> None:
    row = np.array([[-2000, -160, 40, 240, 3000]], np.int16)
    values = {"RescaleSlope": "1", "RescaleIntercept": "0", "WindowCenter": "40"}
    body = dicom(row, WindowWidth="401", **values)
    # PS3.3 C.11.2.1.2: ((x - (c - 0.5)) / (w - 1) + 0.5) * 255
    wanted = [0, round(((-160 - 39.5) / 400 + 0.5) * 255), 128, 255, 255]
    assert grey(body)[0].tolist() == wanted
    assert decode(io.BytesIO(body)).sample is None
    assert (
        grey(body, Reading(low=0, high=1))[0].tolist() == wanted
    )  # the set's rule does not matter
    exact = dicom(row, WindowWidth="400", VOILUTFunction="LINEAR_EXACT", **values)
    assert grey(exact)[0].tolist() == [0, 0, 128, 255, 255]
    curved = dicom(row, WindowWidth="400", VOILUTFunction="SIGMOID", **values)
    assert grey(curved)[0].tolist() == [0, 30, 128, 225, 255]
    several = dicom(row, **{**values, "WindowCenter": ["40", "900"]}, WindowWidth=["401", "10"])
    assert grey(several)[0].tolist() == wanted


def test_numbers_follow_slope_and_intercept_and_the_rule_of_the_set() -> None:
    row = np.array([[0, 1000, 2000, 3000]], np.uint16)
    body = dicom(row, RescaleSlope="2", RescaleIntercept="-1000", Modality="CT")
    found = decode(io.BytesIO(body))
    assert found.sample is not None
    assert (found.unit, sorted(found.sample.tolist())) == ("HU", [-1000, 1000, 3000, 5000])
    assert grey(body, Reading(low=-1000, high=4000))[0].tolist() == [0, 102, 204, 255]
    assert grey(body)[0].tolist() == [0, 85, 170, 255]  # without a rule: its own ends


def test_the_largest_value_may_be_black() -> None:
    row = np.array([[0, 50, 200]], np.uint16)
    body = dicom(row, PhotometricInterpretation="MONOCHROME1")
    assert grey(body, Reading(low=0, high=200))[0].tolist() == [255, 191, 0]


def test_what_is_no_measurement_is_black_and_does_not_count() -> None:
    row = np.array([[-2000, -2000, 0, 100]], np.int16)
    for kind in ("MONOCHROME1", "MONOCHROME2"):
        body = dicom(row, PixelPaddingValue=-2000, PhotometricInterpretation=kind)
        found = decode(io.BytesIO(body))
        assert found.sample is not None
        assert sorted(found.sample.tolist()) == [0, 100]
        assert grey(body)[0, :2].tolist() == [0, 0]


def test_tables_for_meaning_and_for_viewing() -> None:
    def table(name: str, entries: list[int], bits: int = 16) -> Sequence:
        item = Dataset()
        item.add_new("LUTDescriptor", "US", [len(entries), 0, bits])
        item.add_new("LUTData", "US", entries)
        if name == "ModalityLUTSequence":
            item.ModalityLUTType = "US"
        return Sequence([item])

    row = np.array([[0, 1, 2, 3]], np.uint16)
    body = dicom(row, ModalityLUTSequence=table("ModalityLUTSequence", [0, 10, 20, 100]))
    assert grey(body, Reading(low=0, high=100))[0].tolist() == [0, 26, 51, 255]
    body = dicom(row, VOILUTSequence=table("VOILUTSequence", [0, 1023, 0, 341], bits=10))
    assert grey(body)[0].tolist() == [0, 255, 0, 85]


def test_eight_bits_are_taken_as_they_are() -> None:
    row = np.array([[0, 7, 255]], np.uint8)
    found = decode(io.BytesIO(dicom(row)))
    assert (found.sample, np.asarray(found.image)[0, :, 1].tolist()) == (None, [0, 7, 255])
    few = dicom(np.array([[0, 1, 3]], np.uint8), BitsStored=2, HighBit=1)
    assert grey(few)[0].tolist() == [0, 85, 255]


def test_colours_and_palettes() -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (6, 8, 3), dtype=np.uint8)
    assert (np.asarray(decode(io.BytesIO(dicom(pixels))).image) == pixels).all()
    deep = pixels.astype(np.uint16) * 256 + 77
    assert (np.asarray(decode(io.BytesIO(dicom(deep))).image) == pixels).all()
    red = np.array([0, 255, 9, 0], np.uint16)
    values: dict[str, Any] = {}
    for name, entries in (("Red", red), ("Green", red[::-1]), ("Blue", red * 0)):
        values[f"{name}PaletteColorLookupTableDescriptor"] = [4, 0, 16]
        values[f"{name}PaletteColorLookupTableData"] = (entries * 256).tobytes()
    body = dicom(
        np.array([[0, 1, 2]], np.uint8), PhotometricInterpretation="PALETTE COLOR", **values
    )
    found = np.asarray(decode(io.BytesIO(body)).image)[0]
    assert found.tolist() == [[0, 0, 0], [255, 9, 0], [9, 255, 0]]


def test_ybr_becomes_rgb() -> None:
    image = Image.fromarray(np.kron(np.eye(3, dtype=np.uint8) * 200 + 20, np.ones((8, 8, 1), "u1")))
    body = dicom(np.asarray(image.convert("YCbCr")), PhotometricInterpretation="YBR_FULL")
    found = np.asarray(decode(io.BytesIO(body)).image, int)
    assert np.abs(found - np.asarray(image, int)).max() <= 2


def test_real_files_of_many_makers() -> None:
    """Those that pydicom brings along for its own tests, where it does."""
    read = 0
    for name in ("CT_small.dcm", "MR_small_RLE.dcm", "JPEG2000.dcm", "SC_rgb_jpeg_dcmtk.dcm"):
        path = get_testdata_file(name, download=False)
        if path is not None:
            read += 1
            assert decode(Path(str(path))).image.width >= 64
    if not read:
        pytest.skip("this pydicom brings no files")


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless])
def test_packed_pixels_are_the_same(syntax: str) -> None:
    values = ramp(0, 60_000)
    rule = Reading(low=0, high=60_000)
    assert (grey(dicom(values, syntax=syntax), rule) == grey(dicom(values), rule)).all()


def test_frames_are_pages() -> None:
    frames = np.stack([ramp(low, low + 100) for low in (0, 1000, 2000)])
    found = list(pages(io.BytesIO(dicom(frames)), reading=Reading(low=0, high=2100)))
    assert [number for number, _ in found] == [1, 2, 3]
    means = []
    for _, one in found:
        assert not isinstance(one, UnreadableImageError)
        assert (one.n_pages, one.image.mode) == (3, "L")
        means.append(float(np.asarray(one.image).mean()))
    assert means == sorted(means)
    assert means[0] < 10 < 200 < means[2]


def test_a_frame_may_have_its_own_meaning() -> None:
    def group(slope: str) -> Dataset:
        inner, outer = Dataset(), Dataset()
        inner.RescaleSlope, inner.RescaleIntercept = slope, "0"
        outer.PixelValueTransformationSequence = Sequence([inner])
        return outer

    frames = np.stack([ramp(0, 100)] * 2)
    body = dicom(frames, PerFrameFunctionalGroupsSequence=Sequence([group("1"), group("2")]))
    tops = [
        one.sample.max()
        for _, one in pages(io.BytesIO(body))
        if not isinstance(one, UnreadableImageError) and one.sample is not None
    ]
    assert tops == [2 * 0 + tops[0], 2 * tops[0]]


def test_a_file_without_its_first_bytes_is_known_by_its_content() -> None:
    values = ramp(0, 900)
    rule = Reading(low=0, high=900)
    assert (grey(dicom(values, preamble=False), rule) == grey(dicom(values), rule)).all()


def test_of_the_header_only_a_hash_of_the_patient_and_the_device_are_told() -> None:
    body = dicom(ramp(0, 9), PatientID="4711", Manufacturer="Acme", ManufacturerModelName="CT 1")
    found = decode(io.BytesIO(body))
    assert found.patient == hashlib.sha256(b"4711").hexdigest()[:12]
    assert (found.camera, found.taken) == ("Acme CT 1", None)
    assert decode(io.BytesIO(dicom(ramp(0, 9), PatientID=""))).patient == ""


def test_a_file_without_a_picture_is_named() -> None:
    body = dicom(ramp(0, 9))
    cut = body.index(b"\x28\x00\x02\x00")  # before the description of the pixels
    assert why(body[:cut]) == (
        "not_a_picture",
        "is a DICOM file without a picture (a report, a plan or a list of files)",
    )


def test_sizes_are_judged_by_the_header() -> None:
    body = dicom(ramp(0, 9, (4, 4)))
    huge = body.replace(
        b"\x28\x00\x10\x00US\x02\x00\x04\x00", b"\x28\x00\x10\x00US\x02\x00\xff\xff"
    )
    huge = huge.replace(
        b"\x28\x00\x11\x00US\x02\x00\x04\x00", b"\x28\x00\x11\x00US\x02\x00\xff\xff"
    )
    assert why(huge)[0] == "too_large"
    assert why(body, max_pixels=15)[1].startswith("is too large (4 x 4 pixels)")
    many = dicom(ramp(0, 9, (4, 4)), NumberOfFrames=MOST_PAGES + 1)
    assert why(many)[1] == "holds more than 500 pages: divide it into smaller files"
    wide = dicom(ramp(0, 9, (4, 4)), NumberOfFrames=400, Rows=5000, Columns=5000)
    assert why(wide)[1].startswith("holds more than 2 billion pixels in its 400 pages")


def test_rle_that_unpacks_to_anything_is_refused_before_it_is_unpacked() -> None:
    start = struct.pack("<16L", 1, 64, *[0] * 14)
    pixels = np.zeros((16, 16), np.uint8)

    def packed(n_runs: int) -> bytes:
        frame = start + bytes([129, 7]) * n_runs  # 128 bytes each
        return dicom(pixels, syntax=RLELossless, PixelData=encapsulate([frame]))

    assert grey(packed(2)).tolist() == [[7] * 16] * 16
    assert why(packed(4000))[0] == "damaged"


def test_what_cannot_be_unpacked_here_is_named() -> None:
    body = dicom(ramp(0, 9), syntax=None)
    old, new = b"1.2.840.10008.1.2.1\x00", str(JPEGLSLossless).encode()
    assert len(new) > len(old)  # another length: written by pydicom instead
    packed = dicom(ramp(0, 9), syntax=JPEG2000Lossless).replace(str(JPEG2000Lossless).encode(), new)
    code, reason = why(packed)
    assert code == "unsupported"
    assert reason.startswith("is DICOM packed in a way Thaw cannot open (JPEG-LS Lossless")
    assert reason.endswith("save it unpacked, as JPEG 2000, or as PNG")
    deflated = body + str(DeflatedExplicitVRLittleEndian).encode()
    assert why(deflated)[1].startswith("is DICOM packed as a whole (Deflated)")


@pytest.mark.parametrize("seed", range(8))
def test_damaged_bytes_are_a_picture_or_an_error_with_a_reason(seed: int) -> None:
    rng = np.random.default_rng(seed)
    window = {"WindowCenter": "9", "WindowWidth": "5"}
    bodies = [
        dicom(ramp(0, 900), **window),
        dicom(ramp(0, 900), syntax=RLELossless, RescaleSlope="2", RescaleIntercept="1"),
        dicom(ramp(0, 900), syntax=JPEG2000Lossless),
        dicom(np.stack([ramp(0, 9)] * 3)),
    ]
    for broken in damaged(bodies, rng):
        try:
            for _, one in pages(broken, max_pixels=10_000):
                if isinstance(one, UnreadableImageError):
                    assert one.code in CODES
                else:
                    assert one.width * one.height <= 10_000
        except UnreadableImageError as err:
            assert err.code in CODES
