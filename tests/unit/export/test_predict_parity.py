"""The exported script makes the same pixels from a file as the app, or refuses it as the app does.

The script shares no code with the app, so every kind of file is compared bit by bit.
"""

import io
import sys

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from pydicom.uid import JPEG2000Lossless, RLELossless

from tests.unit.data.deep import dicom, pages_of, ramp, tiff
from tests.unit.data.heic import heic
from tests.unit.export.conftest import TinyNet, encoded, photo
from tl_core.data import decode, decoded, pixels, plain
from tl_core.data.reading import Reading
from tl_core.errors import UnreadableImageError
from tl_core.evaluate.predict import predict_files
from tl_core.export import pictures_template as script

EXIF_ORIENTATION = 0x0112


def turned(orientation, kind="JPEG"):
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = orientation
    return encoded(photo(), kind, exif=exif)


def palette_with_transparency():
    image = photo().quantize(16)
    return encoded(image, "PNG", transparency=3)


def rgba():
    image = photo().convert("RGBA")
    image.putalpha(Image.linear_gradient("L").resize(image.size))
    return image


def deep(dtype, kind, mode=None):
    values = np.asarray(photo().convert("L")).astype(np.float64) * 200 + 17
    image = Image.fromarray(values.astype(dtype)) if mode is None else None
    return encoded(image, kind)


def motion(kind, **options):
    frames = [photo(seed=i) for i in range(2)]
    return encoded(frames[0], kind, save_all=True, append_images=frames[1:], **options)


USABLE = {
    "jpeg": lambda: encoded(photo(), "JPEG"),
    "large jpeg": lambda: encoded(photo(900, 700), "JPEG"),
    "large grey jpeg": lambda: encoded(photo(900, 700).convert("L"), "JPEG"),
    "tall jpeg": lambda: encoded(photo(20, 300), "JPEG"),
    "one pixel": lambda: encoded(photo(1, 1), "PNG"),
    "one pixel wide": lambda: encoded(photo(1, 400), "PNG"),
    "cmyk jpeg": lambda: encoded(photo().convert("CMYK"), "JPEG"),
    "stereo photo": lambda: motion("MPO"),
    "grey": lambda: encoded(photo().convert("L"), "PNG"),
    "bilevel": lambda: encoded(photo().convert("1"), "PNG"),
    "grey and alpha": lambda: encoded(rgba().convert("LA"), "PNG"),
    "palette": lambda: encoded(photo().quantize(32), "PNG"),
    "palette with transparency": palette_with_transparency,
    "rgb with a transparent colour": lambda: encoded(
        Image.new("RGB", (9, 7), (3, 4, 5)), "PNG", transparency=(3, 4, 5)
    ),
    "rgba": lambda: encoded(rgba(), "PNG"),
    "rgba webp": lambda: encoded(rgba(), "WEBP", lossless=True),
    "bmp": lambda: encoded(photo(), "BMP"),
    "gif": lambda: encoded(photo(), "GIF"),
    "16 bit png": lambda: deep(np.uint16, "PNG"),
    "16 bit tiff": lambda: deep(np.uint16, "TIFF"),
    "32 bit tiff": lambda: deep(np.int32, "TIFF"),
    "float tiff": lambda: deep(np.float32, "TIFF"),
    "cmyk tiff": lambda: encoded(photo().convert("CMYK"), "TIFF"),
    "lab tiff": lambda: encoded(photo().convert("LAB"), "TIFF"),
    "animated gif": lambda: motion("GIF"),
    "animated webp": lambda: motion("WEBP"),
    "animated png": lambda: motion("PNG"),
    "animated avif": lambda: motion("AVIF"),
    "two pages": lambda: motion("TIFF"),
    "avif": lambda: encoded(photo(), "AVIF"),
    "turned tiff": lambda: turned(6, "TIFF"),
    "turned png": lambda: turned(8, "PNG"),
    **{f"turned {i}": lambda i=i: turned(i) for i in range(9)},
}

WINDOW = {"WindowCenter": "900", "WindowWidth": "400"}
RULE = Reading(low=300, high=40_000)
# What follows the rule of the set, or its own window; each is compared with and without a rule.
DEEP = {
    "16 bit png": lambda: deep(np.uint16, "PNG"),
    "16 bit tiff": lambda: deep(np.uint16, "TIFF"),
    "32 bit tiff": lambda: deep(np.int32, "TIFF"),
    "float tiff": lambda: deep(np.float32, "TIFF"),
    "double tiff": lambda: tiff(ramp(0, 50_000, dtype="f8")),
    "packed double tiff": lambda: tiff(ramp(0, 50_000, dtype="f8"), compression="zlib"),
    "large numbers": lambda: tiff(ramp(0, 2**32 - 1, dtype="u4")),
    "white is zero": lambda: tiff(ramp(0, 50_000), photometric="miniswhite"),
    "doubles, white is zero": lambda: tiff(ramp(0, 50_000, dtype="f8"), photometric="miniswhite"),
    "deep colour": lambda: tiff(coloured(), photometric="rgb"),
    "deep colour in planes": lambda: tiff(
        np.moveaxis(coloured(), 2, 0), photometric="rgb", planarconfig="separate"
    ),
    "turned doubles": lambda: tiff(ramp(0, 50_000, dtype="f8"), extratags=[(274, "H", 1, 6, True)]),
    "dicom": lambda: dicom(ramp(0, 50_000)),
    "dicom without its start": lambda: dicom(ramp(0, 50_000), preamble=False),
    "dicom with meaning": lambda: dicom(
        ramp(0, 50_000), RescaleSlope="0.5", RescaleIntercept="-20"
    ),
    "dicom with a window": lambda: dicom(ramp(0, 2000), **WINDOW),
    "dicom with an exact window": lambda: dicom(
        ramp(0, 2000), VOILUTFunction="LINEAR_EXACT", **WINDOW
    ),
    "dicom with a curve": lambda: dicom(ramp(0, 2000), VOILUTFunction="SIGMOID", **WINDOW),
    "inverted dicom": lambda: dicom(ramp(0, 50_000), PhotometricInterpretation="MONOCHROME1"),
    "dicom with padding": lambda: dicom(ramp(-500, 30_000, dtype="i2"), PixelPaddingValue=-500),
    "dicom of 8 bits": lambda: dicom(ramp(0, 255, dtype="u1")),
    "dicom of 2 bits": lambda: dicom(ramp(0, 3, dtype="u1"), BitsStored=2, HighBit=1),
    "dicom of signed bytes": lambda: dicom(
        ramp(-100, 100, dtype="i1"), RescaleSlope="200", RescaleIntercept="0"
    ),
    "coloured dicom": lambda: dicom((coloured() >> 8).astype(np.uint8)),
    "dicom of deep colours": lambda: dicom(coloured()),
    "packed dicom": lambda: dicom(ramp(0, 50_000), syntax=RLELossless),
    "dicom in JPEG 2000": lambda: dicom(ramp(0, 50_000), syntax=JPEG2000Lossless),
    "frames": lambda: dicom(np.stack([ramp(0, 9000), ramp(0, 50_000)])),
    "heic": lambda: heic(photo(48, 32)),
    "turned heic": lambda: heic(photo(48, 32), quarter_turns=1),
}


def coloured():
    return np.random.default_rng(0).integers(0, 65_535, (30, 40, 3), dtype=np.uint16)


REFUSED = {
    "empty": lambda: b"",
    "text": lambda: b"this is no picture",
    "cut off": lambda: encoded(photo(200, 200), "PNG")[:-4000],
    "too many pixels": lambda: encoded(Image.new("1", (20_001, 5_001)), "PNG"),
}


def of_the_app(content, size_px, resize, reading=None):
    image = decode.open_rgb(io.BytesIO(content), max_side_px=2 * size_px, reading=reading)
    return np.asarray(pixels.fit_square(image, size_px, resize)).transpose(2, 0, 1)


@pytest.mark.parametrize("kind", USABLE)
def test_same_pixels_as_the_app(kind):
    content = USABLE[kind]()
    for size_px, resize in ((32, "pad"), (96, "squash"), (33, "crop")):
        rules = {"size_px": size_px, "resize": resize, "pad_color": pixels.PAD_COLOR}
        ours = script.to_pixels(io.BytesIO(content), rules)
        assert ours.dtype == np.uint8
        assert ours.shape == (3, size_px, size_px)
        np.testing.assert_array_equal(ours, of_the_app(content, size_px, resize))


@pytest.mark.filterwarnings("ignore")  # pydicom about values outside the standard
@pytest.mark.parametrize("reading", [None, RULE], ids=["no rule", "rule"])
@pytest.mark.parametrize("kind", DEEP)
def test_the_same_rule_makes_the_same_pixels(kind, reading):
    content = DEEP[kind]()
    rules = {"size_px": 48, "resize": "squash", "pad_color": pixels.PAD_COLOR}
    rules["reading"] = reading.to_dict() if reading else {}
    ours = script.to_pixels(io.BytesIO(content), rules)
    np.testing.assert_array_equal(ours, of_the_app(content, 48, "squash", reading))
    assert np.ptp(ours) > 5


ENDS = ((0, 9000), (100, 40_000), (0, 300), (5, 60_000), (9, 10))
PLANES = Reading(low=0, high=0, planes=(ENDS[:2], ENDS[:3], ENDS))


@pytest.mark.parametrize("separate", [False, True])
@pytest.mark.parametrize("dtype", ["u1", "u2", "f4"])
@pytest.mark.parametrize("channels", [2, 3, 5])
@pytest.mark.parametrize("reading", [None, RULE, PLANES], ids=["no rule", "rule of grey", "rule"])
def test_channels_that_are_no_colours_make_the_same_pixels(reading, channels, dtype, separate):
    rng = np.random.default_rng(channels)
    values = (rng.uniform(0, 1, (30, 40, channels)) * (255 if dtype == "u1" else 50_000)).astype(
        dtype
    )
    content = tiff(
        np.moveaxis(values, 2, 0) if separate else values,
        photometric="minisblack",
        planarconfig="separate" if separate else "contig",
    )
    rule = reading
    rules = {"size_px": 24, "resize": "pad", "pad_color": pixels.PAD_COLOR, "channels": channels}
    rules["reading"] = rule.to_dict() if rule else {}
    theirs = pixels.square_of(io.BytesIO(content), 24, "pad", channels, reading=rule)
    assert (script.to_pixels(io.BytesIO(content), rules) == theirs).all()


def test_grey_only_makes_the_same_pixels():
    content = encoded(photo(), "PNG")
    rules = {"size_px": 24, "resize": "pad", "pad_color": pixels.PAD_COLOR, "channels": 1}
    theirs = pixels.square_of(io.BytesIO(content), 24, "pad", 1)
    assert (script.to_pixels(io.BytesIO(content), rules) == theirs).all()


def test_what_was_looked_at_is_told():
    for content, note in (
        (pages_of(3), "the first of several pages"),
        (pages_of(1), ""),
        (dicom(np.stack([ramp(0, 9)] * 2)), "the first of several pages"),
        (dicom(ramp(0, 9)), ""),
        (motion("GIF"), "the first frame of an animation"),
        (motion("MPO"), ""),
        (encoded(photo(), "PNG"), ""),
    ):
        assert script.opened(io.BytesIO(content), 64)[1] == note
        (answer,) = predict_files(
            TinyNet(),
            [("x", io.BytesIO(content))],
            size_px=32,
            resize="pad",
            mean=(0.5, 0.5, 0.5),
            std=(0.2, 0.2, 0.2),
        )
        assert (answer.note, answer.error) == (note, "")


@pytest.mark.parametrize(
    ("package", "content", "words"),
    [
        ("pi_heif", lambda: heic(photo(48, 32)), "is a HEIC photo: run  pip install pi-heif"),
        ("pydicom", lambda: dicom(ramp(0, 9)), "is a DICOM file: run  pip install pydicom"),
        ("tifffile", lambda: tiff(ramp(0, 9, dtype="f8")), "run  pip install tifffile"),
    ],
)
def test_a_package_that_is_missing_is_named(monkeypatch, package, content, words):
    body = content()
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.setattr(script, "FORMATS", [one for one in script.FORMATS if one != "HEIF"])
    with pytest.raises(script.UnusableError, match=words):
        script.opened(io.BytesIO(body), 64)


@pytest.mark.parametrize("kind", REFUSED)
def test_refused_as_in_the_app(kind):
    content = REFUSED[kind]()
    with pytest.raises(UnreadableImageError):
        of_the_app(content, 32, "pad")
    with pytest.raises(script.UnusableError, match=r"^is "):
        script.opened(io.BytesIO(content), 64)


def test_text_in_a_png_does_not_matter():
    notes = PngInfo()
    notes.add_text("GPS", "48.1, 11.5")
    content = encoded(photo(), "PNG", pnginfo=notes)
    rules = {"size_px": 32, "resize": "pad", "pad_color": pixels.PAD_COLOR}
    np.testing.assert_array_equal(
        script.to_pixels(io.BytesIO(content), rules), of_the_app(content, 32, "pad")
    )


def test_the_tables_of_both_sides_agree():
    assert [one for one in script.FORMATS if one != "HEIF"] == list(decode.FORMATS)
    assert script.MAX_PIXELS == decode.MAX_PIXELS
    assert script.LARGE_PIXELS == decoded.LARGE_PIXELS
    assert script.TURNS == plain._TURNS
