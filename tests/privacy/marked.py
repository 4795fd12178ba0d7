"""Pictures that carry a marker in every place where a camera or a program can write one."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, PngImagePlugin, TiffImagePlugin
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid

__all__ = ["MARK", "PATH_MARK", "marked_picture", "write_set"]

MARK = "vulture71"  # in every comment, place, name and profile
PATH_MARK = "kraken93"  # in the path of the folder that holds the set, and of the home
ENDINGS = ("jpg", "png", "webp", "tif")


def marked_picture(ending: str, *, bright: bool, seed: int) -> bytes:
    """A noisy tile of 48 x 48 pixels, brighter at the top or at the bottom, with markers."""
    rng = np.random.default_rng(seed)
    ramp = np.linspace(-60, 60, 48)[:, None, None] * (1 if bright else -1)
    pixels = np.clip(128 + ramp + rng.normal(0, 25, (48, 48, 3)), 0, 255).astype(np.uint8)
    image, sink = Image.fromarray(pixels), io.BytesIO()
    if ending == "jpg":
        image.save(sink, "JPEG", quality=90, exif=_exif(), comment=f"{MARK} comment")
        return _with_segments(sink.getvalue())
    if ending == "png":
        about = PngImagePlugin.PngInfo()
        about.add_text("Author", f"{MARK} text")
        about.add_itxt("XML:com.adobe.xmp", _xmp().decode())
        about.add_text("Comment", f"{MARK} packed", zip=True)
        image.save(sink, "PNG", pnginfo=about, exif=_exif(), icc_profile=MARK.encode() * 20)
    elif ending == "webp":
        image.save(sink, "WEBP", quality=95, exif=_exif(), xmp=_xmp(), icc_profile=MARK.encode())
    else:
        tags = TiffImagePlugin.ImageFileDirectory_v2()
        for tag in (270, 271, 305, 315, 33432):  # description, maker, program, artist, copyright
            tags[tag] = f"{MARK} tag {tag}"
        image.save(sink, "TIFF", tiffinfo=tags)
    return sink.getvalue()


def write_set(folder: Path, *, per_class: int, first: int = 0) -> Path:
    """Two classes in turn of all kinds; beside them a DICOM file and one that cannot be used."""
    for label, bright in (("high", True), ("low", False)):
        (folder / label).mkdir(parents=True, exist_ok=True)
        for n in range(first, first + per_class):
            ending = ENDINGS[n % len(ENDINGS)]
            body = marked_picture(ending, bright=bright, seed=2 * n + bright)
            (folder / label / f"{n:03}.{ending}").write_bytes(body)
    (folder / "high" / "scan.dcm").write_bytes(_dicom())
    (folder / "low" / "broken.jpg").write_bytes(marked_picture("jpg", bright=True, seed=999)[:900])
    return folder


def _exif() -> Image.Exif:
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = f"{MARK} make"
    exif[ExifTags.Base.Model] = f"{MARK} model"
    exif[ExifTags.Base.Artist] = f"{MARK} artist"
    exif[ExifTags.Base.DateTime] = "2026:11:26 17:00:00"
    details = exif.get_ifd(ExifTags.IFD.Exif)
    details[ExifTags.Base.UserComment] = b"ASCII\0\0\0" + f"{MARK} comment".encode()
    details[ExifTags.Base.BodySerialNumber] = f"{MARK} serial"
    place = exif.get_ifd(ExifTags.IFD.GPSInfo)
    place[ExifTags.GPS.GPSLatitudeRef] = "N"
    place[ExifTags.GPS.GPSLatitude] = (47.0, 22.0, 30.0)
    place[ExifTags.GPS.GPSAreaInformation] = f"{MARK} place".encode()
    return exif


def _xmp() -> bytes:
    return (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf'
        b'-syntax-ns#"><rdf:Description about="%s"/></rdf:RDF></x:xmpmeta>' % MARK.encode()
    )


def _with_segments(jpeg: bytes) -> bytes:
    iptc = b"\x1c\x02\x78" + struct.pack(">H", len(MARK)) + MARK.encode()  # the caption
    block = (
        b"8BIM\x04\x04\x00\x00" + struct.pack(">I", len(iptc)) + iptc + b"\x00" * (len(iptc) % 2)
    )
    segments = (
        (0xE1, b"http://ns.adobe.com/xap/1.0/\x00" + _xmp()),
        (0xED, b"Photoshop 3.0\x00" + block),
        (0xE2, b"ICC_PROFILE\x00\x01\x01" + MARK.encode() * 20),
    )
    packed = b"".join(
        b"\xff" + bytes([kind]) + struct.pack(">H", len(body) + 2) + body for kind, body in segments
    )
    return jpeg[:2] + packed + jpeg[2:] + f"{MARK} after the end".encode()


def _dicom() -> bytes:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    body = FileDataset("", {}, file_meta=meta, preamble=bytes(128))
    body.PatientName = f"{MARK}^Patient"
    body.PatientID = f"{MARK} id"
    body.InstitutionName = f"{MARK} clinic"
    body.SOPClassUID = SecondaryCaptureImageStorage
    body.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
    body.Modality = "OT"
    body.Rows = body.Columns = 48
    body.SamplesPerPixel, body.PhotometricInterpretation = 1, "MONOCHROME2"
    body.BitsAllocated = body.BitsStored = 16
    body.HighBit, body.PixelRepresentation = 15, 0
    body.PixelData = np.random.default_rng(5).integers(0, 4000, (48, 48), np.uint16).tobytes()
    sink = io.BytesIO()
    body.save_as(sink, enforce_file_format=True)
    return sink.getvalue()
