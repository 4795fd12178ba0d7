"""Making the map of a run's pictures, once: what the network takes for alike lies together.

torch and scikit-learn are imported when a map is made.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tl_core.errors import TooFewImagesError
from tl_core.jobs.embedding import kept_features
from tl_core.jobs.maps import Map, Point, drawn_map, keep_map
from tl_core.storage import Home

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from tl_core.jobs.library import ImageRow
    from tl_core.jobs.work import Context

__all__ = ["MOST", "PARTS", "draw_map", "make_map"]

MOST = 5000  # pictures on a map: more take minutes to lay out and cannot be told apart
PARTS = ("train", "val", "test")
SEED = 0


def draw_map(context: Context) -> dict[str, Any]:
    """Lay the pictures of a run out: ``run_id``."""
    begun = time.perf_counter()
    run_id = str(context.row.spec["run_id"])
    made = make_map(
        context.home,
        context.engine,
        run_id,
        report=context.progress("Looking at the pictures", "pictures"),
    )
    return {
        "run_id": run_id,
        "shown": len(made.points),
        "of": made.of,
        "seconds": time.perf_counter() - begun,
    }


def make_map(
    home: Home,
    engine: Engine,
    run_id: str,
    *,
    report: Callable[[int, int], None] = lambda done, total: None,
) -> Map:
    """The map of a run, made when it is not kept yet.

    Of more than ``MOST`` pictures every so many-th is shown, in the order of the run.

    Args:
        home: The home.
        engine: Of its store.
        run_id: A run with a result.
        report: Told how many pictures were looked at, of how many.

    Raises:
        RunNotFoundError: No such run.
        RunStateError: It has no finished result.
        ModelError: The network does not say what its last layer reads.
        TooFewImagesError: Too few pictures for a map.
    """
    known = drawn_map(home, run_id)
    if known is not None:
        return known
    import numpy as np

    from tl_core.explain.layout import FEWEST, company, laid_out, neighbours_kept
    from tl_core.jobs.loading import load_classifier

    one = load_classifier(home, engine, run_id)
    rows = [row for part in PARTS for row in one.snapshot.part(part)]
    if len(rows) < FEWEST:
        raise TooFewImagesError(
            f"{len(rows)} pictures make no map.", hint=f"It takes {FEWEST}; bring more pictures."
        )
    done, parts = 0, []
    for part in PARTS:

        def told(n: int, _: int, before: int = done) -> None:
            report(before + n, len(rows))

        found = kept_features(home, one, part, told)
        parts += [found] if len(found) else []
        done += len(found)
    features = np.concatenate(parts).astype(np.float32)
    near = company(features, [row.label for row in rows])
    shown = np.unique(np.linspace(0, len(rows) - 1, min(MOST, len(rows))).round().astype(int))
    places = laid_out(features[shown], seed=SEED)
    made = Map(
        points=tuple(
            _point(rows[i], near[i], float(x), float(y))
            for i, (x, y) in zip(shown.tolist(), places.tolist(), strict=True)
        ),
        of=len(rows),
        kept=neighbours_kept(features[shown], places),
        chance=min(1.0, min(10, len(shown) - 1) / (len(shown) - 1)),
    )
    keep_map(home, run_id, made)
    return made


def _point(row: ImageRow, near: Any, x: float, y: float) -> Point:
    return Point(
        image=str(row.id),
        label=row.label,
        split=row.split,
        x=round(x, 3),
        y=round(y, 3),
        among=near.most,
        same=round(near.same, 3),
        share=round(near.share, 3),
        strange=near.strange(row.label),
    )
