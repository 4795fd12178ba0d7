"""The exported script makes the same pixels from a file as the app, or refuses it as the app does.

The script shares no code with the app, so every kind of file is compared bit by bit.
"""

import io

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from tests.unit.export.conftest import encoded, photo
from tl_core.data import decode, decoded, pixels, plain
from tl_core.errors import UnreadableImageError
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

REFUSED = {
    "empty": lambda: b"",
    "text": lambda: b"this is no picture",
    "cut off": lambda: encoded(photo(200, 200), "PNG")[:-4000],
    "too many pixels": lambda: encoded(Image.new("1", (20_001, 5_001)), "PNG"),
}


def of_the_app(content, size_px, resize):
    image = decode.open_rgb(io.BytesIO(content), max_side_px=2 * size_px)
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


@pytest.mark.parametrize("kind", REFUSED)
def test_refused_as_in_the_app(kind):
    content = REFUSED[kind]()
    with pytest.raises(UnreadableImageError):
        of_the_app(content, 32, "pad")
    with pytest.raises(script.UnusableError, match=r"^is "):
        script.open_rgb(io.BytesIO(content), 64)


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
