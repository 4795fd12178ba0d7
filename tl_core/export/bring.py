"""Bringing a bundle that somebody else exported: hostile until checked. Needs onnx, no torch.

Only files of known names are read, each up to a limit; nothing is run, nothing unpickled, and no
entry of the zip decides where anything is written. The network may hold standard operations alone
and no reference to a file outside itself, and it must answer a picture before it counts.
"""

from __future__ import annotations

import errno
import hashlib
import lzma
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import onnx

from tl_core.config import RESIZE_MODES
from tl_core.data.reading import Reading
from tl_core.errors import ExportError, TLError
from tl_core.export.brought import SCORES, Brought, read_likely, read_scores
from tl_core.export.trying import REFUSED
from tl_core.storage import atomic_path, disk_error, read_json

__all__ = ["CARD", "WEIGHTS", "bring"]

MODEL, WEIGHTS, CARD = "model.onnx", "model.safetensors", "MODEL_CARD.md"
TEXTS = ("labels.json", "preprocessing.json")
OPTIONAL = ("spec.json", "certificate.json", SCORES, CARD)
KNOWN = (MODEL, *TEXTS, *OPTIONAL, WEIGHTS)
LARGEST = {MODEL: 2_000_000_000, WEIGHTS: 4_000_000_000}  # bytes; an ONNX file cannot be larger
LARGEST_TEXT = 10_000_000
MOST_ENTRIES = 1_000
MOST_CLASSES, LONGEST_CLASS = 10_000, 200
SIDES, MOST_CHANNELS = (8, 2048), 32
DOMAINS = ("", "ai.onnx")
CHUNK = 1 << 20
TIMEOUT_S = 300  # for one picture in the fresh process; the largest networks take seconds
HINT = "Bring the zip or the folder that Export has written, as it is."

Opened = Callable[[], IO[bytes]]


def bring(source: Path, target: Path, *, name: str = "") -> Brought:
    """Copy a bundle's known files to a folder, and check that they are what they should be.

    Args:
        source: A bundle's folder or zip.
        target: An empty folder; what is in it after an error is of no use.
        name: What to call it; default the name of the source.

    Returns:
        What it says of itself, without ``weights``.

    Raises:
        ExportError: It is no bundle, or a part of it is missing, broken or not to be trusted.
        StorageError: There is no room for it.
    """
    try:
        return _brought(source, target, name or source.stem)
    except (ValueError, TypeError, KeyError, zipfile.BadZipFile) as err:
        raise _refused(str(err)) from err
    except (RuntimeError, EOFError, zlib.error, lzma.LZMAError) as err:
        # JSON without end, a way of packing that is not known, a zip with a password or a hole
        raise _refused(f"a file in it cannot be read ({type(err).__name__})") from err
    except OSError as err:
        raise _unread(target, err) from err


def _unread(target: Path, err: OSError) -> TLError:
    """A place in a zip that is none, or a disk that takes no more."""
    if err.errno in (errno.EINVAL, None):
        return _refused("its zip is damaged")
    return disk_error(target, err)


def _refused(why: str) -> ExportError:
    return ExportError(f"This is not a bundle that can be used: {why}.", hint=HINT)


def _brought(source: Path, target: Path, name: str) -> Brought:
    if source.is_dir():
        files = {one: _opener(source / one) for one in KNOWN if (source / one).is_file()}
        digests = _copied(files, target)
    elif source.is_file() and zipfile.is_zipfile(source):
        with zipfile.ZipFile(source) as archive:
            digests = _copied(_entries(archive), target)
    else:
        raise ValueError("it is neither a folder nor a zip")
    for needed in (MODEL, *TEXTS):
        if needed not in digests:
            raise ValueError(f"{needed} is missing")
    classes = _classes(read_json(target / "labels.json"))
    preprocessing = _preprocessing(read_json(target / "preprocessing.json"))
    _trusted(target / MODEL)
    _answers(target)
    certified, compared, exported = _certificate(target, digests)
    spec = read_json(target / "spec.json") if "spec.json" in digests else {}
    scores = read_json(target / SCORES) if SCORES in digests else None
    return Brought(
        name=" ".join(name.split())[:80] or "classifier",
        classes=classes,
        size_px=preprocessing["size_px"],
        resize=preprocessing["resize"],
        channels=preprocessing["channels"],
        reading=preprocessing["reading"],
        model=_network(spec),
        certified=certified,
        compared=compared,
        exported=exported,
        scores=None if scores is None else read_scores(scores),
        likely=read_likely(scores),
    )


# -- files -----------------------------------------------------------------------------------------


def _opener(path: Path) -> Opened:
    return lambda: path.open("rb")


def _entries(archive: zipfile.ZipFile) -> dict[str, Opened]:
    """The known files of a zip, at its top or in its one folder; the rest is not looked at."""
    found: dict[str, Opened] = {}
    entries = archive.infolist()
    if len(entries) > MOST_ENTRIES:
        raise ValueError(f"it holds {len(entries):,} files")
    for entry in entries:
        path = entry.filename.replace("\\", "/")
        name = path.rpartition("/")[2]
        if path.count("/") > 1 or name not in KNOWN or entry.is_dir():
            continue
        if name in found:
            raise ValueError(f"it holds {name} twice")

        def opened(entry: zipfile.ZipInfo = entry) -> IO[bytes]:
            return archive.open(entry)

        found[name] = opened
    return found


def _copied(files: dict[str, Opened], target: Path) -> dict[str, str]:
    """Write each to the target, no longer than its limit; returns their SHA-256."""
    digests = {}
    for name, opened in files.items():
        limit, hashed = LARGEST.get(name, LARGEST_TEXT), hashlib.sha256()
        with opened() as source, atomic_path(target / name) as part, part.open("wb") as sink:
            for chunk in _chunks(source):
                limit -= len(chunk)
                if limit < 0:
                    raise ValueError(f"{name} is too large")
                hashed.update(chunk)
                sink.write(chunk)
        digests[name] = hashed.hexdigest()
    return digests


def _chunks(source: IO[bytes]) -> Iterator[bytes]:
    while chunk := source.read(CHUNK):
        yield chunk


# -- what they say ---------------------------------------------------------------------------------


def _classes(body: Any) -> tuple[str, ...]:
    if not isinstance(body, list) or not 1 <= len(body) <= MOST_CLASSES:
        raise ValueError("labels.json is no list of classes")
    if not all(isinstance(one, str) and 1 <= len(one) <= LONGEST_CLASS for one in body):
        raise ValueError("a class in labels.json has no usable name")
    if len(set(body)) < len(body):
        raise ValueError("a class stands in labels.json twice")
    return tuple(body)


def _preprocessing(body: Any) -> dict[str, Any]:
    if not isinstance(body, dict) or not _between(body.get("size_px"), *SIDES):
        raise ValueError("preprocessing.json names no usable size")
    channels = body.get("channels", 3)
    if not _between(channels, 1, MOST_CHANNELS) or body.get("resize") not in RESIZE_MODES:
        raise ValueError("preprocessing.json names no usable channels or resizing")
    pad = body.get("pad_color")
    if not isinstance(pad, list) or len(pad) != 3 or not all(_between(one, 0, 255) for one in pad):
        raise ValueError("preprocessing.json names no usable colour")
    reading = body.get("reading") or {}
    if not isinstance(reading, dict):
        raise ValueError("preprocessing.json names no usable reading")
    Reading.from_dict(reading)
    return {
        "size_px": body["size_px"],
        "resize": body["resize"],
        "channels": channels,
        "reading": reading,
    }


def _between(value: Any, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def _network(spec: Any) -> str:
    model = spec.get("model") if isinstance(spec, dict) else None
    name = model.get("name") if isinstance(model, dict) else None
    return name[:100] if isinstance(name, str) else ""


def _certificate(target: Path, digests: dict[str, str]) -> tuple[str, int, str]:
    """Whether the certificate speaks of these files, of how many pictures, and its date."""
    if "certificate.json" not in digests:
        return "none", 0, ""
    body = read_json(target / "certificate.json")
    named = body.get("sha256") if isinstance(body, dict) else None
    if not isinstance(named, dict):
        return "none", 0, ""
    same = all(named.get(name) == digests[name] for name in (MODEL, *TEXTS))
    pictures, date = body.get("pictures"), body.get("date")
    return (
        "same" if same else "changed",
        pictures if _between(pictures, 0, 10**9) else 0,
        date[:10] if isinstance(date, str) else "",
    )


# -- the network -----------------------------------------------------------------------------------


def _trusted(path: Path) -> None:
    """Raise unless the network is one file of standard operations without loops."""
    try:
        model = onnx.load_model(str(path), load_external_data=False)
    except Exception as err:  # the parser of protocol buffers has errors of its own
        raise ValueError(f"{MODEL} is no network ({type(err).__name__})") from err
    graph = model.graph
    attributes = [one for node in graph.node for one in node.attribute]
    domains = {one.domain for one in (*model.opset_import, *graph.node)}
    if domains - set(DOMAINS) or model.functions or any(map(_holds_a_graph, attributes)):
        raise ValueError(f"{MODEL} needs operations that classifiers do not need")
    tensors = [*graph.initializer]
    for sparse in graph.sparse_initializer:
        tensors += [sparse.values, sparse.indices]
    for one in attributes:
        tensors += [one.t, *one.tensors]
    if any(one.data_location == onnx.TensorProto.EXTERNAL for one in tensors):
        raise ValueError(f"{MODEL} refers to files outside itself")


def _holds_a_graph(one: onnx.AttributeProto) -> bool:
    return bool(one.HasField("g") or one.graphs or one.HasField("sparse_tensor"))


def _answers(folder: Path) -> None:
    """Raise unless the network answers a grey picture, tried where it can do no harm."""
    command = [sys.executable, "-m", "tl_core.export.trying", str(folder)]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, encoding="utf-8", timeout=TIMEOUT_S
        )
    except subprocess.TimeoutExpired as err:
        raise ValueError(f"{MODEL} took longer than {TIMEOUT_S} s for one picture") from err
    if done.returncode == REFUSED:
        raise ValueError(done.stdout.strip()[:300])
    if done.returncode:
        raise ValueError(f"{MODEL} does not answer a picture (the trial ended: {done.returncode})")
