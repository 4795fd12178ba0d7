"""Draw the six small tiles that Home shows of the sample set, one per class.

``python -m tools.draw_sample_tiles`` rewrites ``assets/sample_tiles/<class>.webp``. They are files,
so that the first page does not have to import numpy.
"""

from __future__ import annotations

from pathlib import Path

from tl_core.data.sample import CLASSES, draw_tile

FOLDER = Path(__file__).resolve().parents[1] / "assets" / "sample_tiles"
TILE_PX = 96
NUMBER = 3  # of the class; one on which the fault is easy to see


def main() -> None:
    """Write the tiles."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for kind in CLASSES:
        draw_tile(kind, NUMBER, size_px=TILE_PX).save(
            FOLDER / f"{kind}.webp", "WEBP", quality=82, method=6
        )


if __name__ == "__main__":
    main()
