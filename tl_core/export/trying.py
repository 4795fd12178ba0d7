"""One picture through a bundle that is not trusted yet, in a process of its own.

``python -m tl_core.export.trying FOLDER`` ends with 0 when the network answers a grey picture with
one share for each class, with ``REFUSED`` and a sentence when it does not, and with anything else
when it took the process down. Where the system can, memory is limited.
"""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from pathlib import Path

__all__ = ["REFUSED"]

REFUSED = 3
MEMORY = 8_000_000_000  # bytes of address space, beside four times the network's file


def refusal(folder: Path) -> str:
    """Why the network of a bundle's folder cannot be used; "" when it can."""
    import numpy as np

    from tl_core.export.pictures_template import UnusableError
    from tl_core.export.predict_template import Classifier

    facts = json.loads((folder / "preprocessing.json").read_text(encoding="utf-8"))
    size, channels = facts["size_px"], facts.get("channels", 3)
    pixels = np.full((1, channels, size, size), 128, dtype=np.uint8)
    try:
        one = Classifier.from_folder(folder)
        row = np.asarray(one.probabilities(pixels))
    except UnusableError as err:
        return str(err)
    except Exception as err:  # onnxruntime has errors of its own
        return f"model.onnx does not answer a picture ({type(err).__name__})"
    fits = row.shape == (1, len(one.classes)) and bool(np.isfinite(row).all())
    if not fits or row.min() < 0 or abs(float(row.sum()) - 1.0) > 1e-3:
        return "model.onnx does not answer with one share for each class"
    return ""


def _limit_memory(folder: Path) -> None:
    with suppress(ImportError, ValueError, OSError):  # not on every system
        import resource

        most = MEMORY + 4 * (folder / "model.onnx").stat().st_size
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


def main() -> int:
    """Try the bundle named on the command line."""
    folder = Path(sys.argv[1])
    _limit_memory(folder)
    why = refusal(folder)
    sys.stdout.write(why)
    return REFUSED if why else 0


if __name__ == "__main__":
    raise SystemExit(main())
