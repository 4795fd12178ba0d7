"""Judging a finished network on the pictures it was not fitted to. Imports torch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from tl_core.check.balance import shapes
from tl_core.check.looks import looks_of
from tl_core.check.whole import checked_set
from tl_core.config import PROBES, RunSpec
from tl_core.data.pixels import Pixels, open_pixels
from tl_core.data.records import ImageRecord
from tl_core.data.rows import Rows
from tl_core.errors import TLError
from tl_core.evaluate.predict import probabilities
from tl_core.evaluate.report import SPLIT_WORDS, build_report
from tl_core.evaluate.slices import thirds
from tl_core.events import RunFinished
from tl_core.jobs import confidence, following
from tl_core.jobs.belonging import moving_together
from tl_core.jobs.library import ImageRow, Library
from tl_core.jobs.loading import Classifier, load_classifier
from tl_core.jobs.submit import Snapshot
from tl_core.jobs.work import Context
from tl_core.models.facts import ModelCard
from tl_core.storage import Home, write_json
from tl_core.train.device import choose_device

__all__ = ["Known", "judge_again", "judged", "known_of"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Known:
    """What is known of pictures besides their class.

    ``units`` int (N,): what belongs together, near-copies included; ``kinds``: property to the
    kind of each picture, (N,), "" where it is not known.
    """

    units: NDArray[np.int64]
    kinds: Mapping[str, NDArray[np.str_]]


def judged(
    context: Context,
    spec: RunSpec,
    facts: ModelCard,
    snapshot: Snapshot,
    model: nn.Module,
    parts: Mapping[str, Pixels],
    finished: RunFinished,
) -> RunFinished:
    """Write the reports; the test pictures are looked at here for the first time.

    Leaves ``report-SPLIT.json`` and the answers (``following.keep_answers``) in the run's folder.
    """
    one = Classifier(
        model=model,
        classes=snapshot.classes,
        card=facts,
        spec=spec,
        snapshot=snapshot,
        row=context.row,
    )
    for split, report in _judged(context, one, lambda split: parts[split].images):
        # what is told is what the finished network says, computed in full precision
        value, interval = report["accuracy"]["value"], list(report["accuracy"]["ci"])
        if split == "test":
            finished = replace(finished, test_accuracy=value, test_accuracy_ci=interval)
        else:
            finished = replace(finished, val_accuracy=value, val_accuracy_ci=interval)
    return finished


def judge_again(context: Context) -> dict[str, Any]:
    """Judge a finished run anew, as a task: ``run_id``.

    For runs of earlier versions, which have kept less than is asked of them now. What the run
    itself has told stays as it was.

    Raises:
        RunNotFoundError, RunStateError: There is no such run, or it has no classifier.
        StorageError: A picture is not in the store any more.
    """
    run_id = str(context.row.spec["run_id"])
    one = load_classifier(context.home, context.engine, run_id, as_trained=True)

    def images(split: str) -> Rows:
        return open_pixels(
            context.home,
            [row.digest for row in one.snapshot.part(split)],
            size_px=one.size_px,
            resize=one.spec.train.resize,
            channels=one.card.channels,
        ).images

    for _ in _judged(context, one, images):
        pass
    temperature = confidence.temperature_of(context.home, run_id)
    if temperature != confidence.AS_TRAINED:
        confidence.change_temperature(context.home, run_id, temperature)
    return {"run_id": run_id}


def _judged(
    context: Context, one: Classifier, images: Callable[[str], Rows]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Judge part after part; each is written down when its report is given."""
    snapshot, run_id = one.snapshot, one.row.id
    counts = Counter(row.label for row in snapshot.part("train"))
    ids, records, _ = Library(context.engine).records(one.row.project_id)
    by_id = dict(zip(ids, records, strict=True))
    for split in ("val", "test"):
        rows = snapshot.part(split)
        if not rows:
            continue
        answers = probabilities(
            one.model,
            images(split),
            mean=one.card.mean,
            std=one.card.std,
            device=choose_device("auto"),
            report=context.progress(
                f"Judging the {SPLIT_WORDS[split]} pictures", cancellable=False
            ),
        )
        known = _known(context, by_id, rows, split)
        report = build_report(
            np.asarray(snapshot.labels(rows), dtype=np.int64),
            answers,
            classes=snapshot.classes,
            image_ids=[str(row.id) for row in rows],
            split=split,
            train_counts=counts,
            units=known.units if known else None,
            kinds=known.kinds if known else None,
        )
        report["chose_epoch"] = split == "val" and one.spec.freeze.layers not in PROBES
        write_json(context.home.run_dir(run_id) / f"report-{split}.json", report)
        following.keep_answers(
            context.home,
            run_id,
            split,
            rows,
            report["classes"],
            answers,
            units=known.units if known else None,
        )
        yield split, report


def known_of(
    home: Home,
    records: Sequence[ImageRecord],
    report: Callable[[int, int], None] = lambda done, total: None,
) -> Known:
    """What belongs together among pictures, and of what kind each is.

    Args:
        home: The store that holds them.
        records: The pictures.
        report: Called with (pictures looked at, pictures to look at).

    Raises:
        StorageError, UnreadableImageError: A picture cannot be looked at.
    """
    checked = checked_set(records, ["test"] * len(records))
    units = moving_together(home, checked, report)
    looks = looks_of(home, checked.digests)
    sides = np.minimum(checked.widths, checked.heights)
    kinds: dict[str, NDArray[np.str_]] = {
        "shape": shapes(checked),
        "format": np.array(checked.formats),
        "camera": np.array([one.camera for one in records]),
        "group": np.array([one.group for one in records]),
    }
    measured = {
        "brightness": looks["brightness"],
        "sharpness": looks["edges"],
        "side": sides,
    }
    for by, values in measured.items():
        third = thirds(values.astype(np.float64))
        if third is not None:
            kinds[by] = third
    return Known(units=units, kinds=kinds)


def _known(
    context: Context, by_id: Mapping[int, ImageRecord], rows: Sequence[ImageRow], split: str
) -> Known | None:
    """None where a picture is not in the set any more: a kind is not worth a finished run."""
    if any(row.id not in by_id or by_id[row.id].digest != row.digest for row in rows):
        return None
    progress = context.progress(f"Looking at the {SPLIT_WORDS[split]} pictures", cancellable=False)
    with suppress(TLError, OSError):
        return known_of(context.home, [by_id[row.id] for row in rows], progress)
    return None
