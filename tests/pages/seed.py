"""Projects and runs in any state, written straight into the store: no torch, no worker.

Every function takes a ``Studio`` and leaves what a real worker would have left for the pages:
rows, events, reports and blobs (tiny pictures that can be opened).
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tests.unit.jobs.samples import engine_chosen
from tl_core.config import DataConfig, FreezeConfig, RunSpec, TrainConfig
from tl_core.data.intake import ImageRecord, Intake, Quarantined
from tl_core.evaluate.report import build_report
from tl_core.events import (
    CheckpointSaved,
    EpochDone,
    Event,
    FindingRaised,
    Paused,
    Progress,
    Remedy,
    RunFailed,
    RunFinished,
    RunStarted,
    StepDone,
    StrengthTried,
)
from tl_core.export.brought import Brought, Scores
from tl_core.jobs import brought
from tl_core.jobs.following import keep_answers
from tl_core.jobs.log import Writer
from tl_core.jobs.maps import Map, Point, keep_map
from tl_core.jobs.schema import open_engine
from tl_core.session import Project, Studio
from tl_core.storage import Home, atomic_path, write_json

CLASSES = ("ants", "bees", "wasps")
SIDE_PX = 24
QUARANTINE = (
    Quarantined(file="ants/broken.gif", reason="is damaged or cut off", code="damaged"),
    Quarantined(file="bees/notes.txt", reason="is a text, not a picture", code="not_a_picture"),
)
EPOCHS = 6
STRENGTHS = 9
PID = 999_999_99  # of a process that is certainly not there


# -- pictures --------------------------------------------------------------------------------------


def picture(number: int = 0, *, side_px: int = SIDE_PX) -> bytes:
    """A small PNG, another one for every number."""
    rng = np.random.default_rng(number)
    sink = io.BytesIO()
    Image.fromarray(rng.integers(0, 255, (side_px, side_px, 3), dtype=np.uint8)).save(sink, "PNG")
    return sink.getvalue()


def keep(home: Home, content: bytes) -> str:
    """Put bytes into the blob store; returns their digest."""
    with atomic_path(home.folder("tmp") / "seed.bin") as part:
        part.write_bytes(content)
        return home.put_blob(part)


def intake(
    home: Home,
    *,
    classes: Sequence[str] = CLASSES,
    per_class: int = 12,
    parts: Sequence[str] = (),
    quarantine: Sequence[Quarantined] = QUARANTINE,
    notes: Sequence[str] = ("Every class has at least 12 pictures.",),
) -> Intake:
    """A set as the intake would give it; ``parts`` are the parts its folders name, in turn."""
    records = []
    for position, label in enumerate(classes):
        for i in range(per_class):
            content = picture(1000 * position + i)
            records.append(
                ImageRecord(
                    path=f"{label}/{i:03}.png",
                    label=label,
                    split=parts[i % len(parts)] if parts else None,
                    digest=keep(home, content),
                    width=SIDE_PX,
                    height=SIDE_PX,
                    bytes=len(content),
                    format="PNG",
                )
            )
    return Intake(
        records=tuple(records),
        quarantine=tuple(quarantine),
        given_splits=tuple(dict.fromkeys(parts)),
        notes=tuple(notes),
    )


def project_with_pictures(
    studio: Studio, name: str = "Insects", *, sample: bool = False, **of_intake: Any
) -> Project:
    """A project that is ready to train: 3 classes of 12 pictures, 2 files in quarantine."""
    project = studio.library.create(name, sample=sample)
    body = intake(studio.home, **of_intake)
    studio.library.replace_images(project.id, body, DataConfig())
    return studio.library.get(project.id)


def bundle(
    studio: Studio, name: str = "Birds", *, obstacle: str = "", certified: str = "same"
) -> Project:
    """A project that was brought a classifier of two classes; its network is not there."""
    project = studio.library.create(name)
    about = Brought(
        name=name,
        classes=("finch", "<b>owl</b>"),
        size_px=32,
        resize="pad",
        channels=3,
        reading={},
        model="resnet10t.tiny_imagenet",
        certified=certified,
        compared=48,
        exported="2026-01-02",
        scores=Scores(
            split="test", n=50, right=43, accuracy=(0.86, 0.74, 0.93), balanced=(0.85, 0.7, 0.93)
        ),
        likely=0.3,
        weights="" if obstacle else keep(studio.home, b"weights"),
        obstacle=obstacle,
    )
    folder = studio.home.folder("bundles", "checked")
    card = "---\nlicense: unknown\n---\n\n# A picture classifier"
    (folder / "MODEL_CARD.md").write_text(card, encoding="utf-8")
    brought.keep(studio.home, project.id, folder, about)
    task(studio, "bring_bundle", project_id=project.id, state="finished", result={})
    return project


# -- tasks -----------------------------------------------------------------------------------------


def task(
    studio: Studio,
    kind: str,
    payload: dict[str, Any] | None = None,
    *,
    project_id: str = "",
    state: str = "queued",
    progress: tuple[str, int, int] | None = None,
    result: dict[str, Any] | None = None,
    error: dict[str, str] | None = None,
) -> str:
    """A short task in a state: queued, running, finished (``result``) or failed (``error``)."""
    task_id = studio.queue.submit(kind, payload or {}, project_id=project_id, name=kind)
    end_task(studio, task_id, state=state, progress=progress, result=result, error=error)
    return task_id


def end_task(
    studio: Studio,
    task_id: str,
    *,
    state: str = "finished",
    progress: tuple[str, int, int] | None = None,
    result: dict[str, Any] | None = None,
    error: dict[str, str] | None = None,
) -> None:
    """Bring a queued task into a state, as the worker would."""
    if state == "queued":
        return
    row = studio.queue.get(task_id)
    if row.state == "queued":
        studio.queue.claim(row.lane, "test", task_id)
        studio.queue.started(task_id, PID)
    if progress is not None:
        stage, done, total = progress
        Writer(open_engine(studio.home), task_id).append(
            Progress(stage=stage, done=done, total=total)
        )
    if state == "finished":
        studio.queue.end(task_id, "finished", exit_code=0, result=result or {})
    elif state == "failed":
        studio.queue.end(task_id, "failed", exit_code=1, error=error or ERROR)


ERROR = {
    "code": "data",
    "message": "The archive is broken.",
    "hint": "Pack the folder again and bring it once more.",
}


BASELINE = {
    "model": "resnet10t.tiny_imagenet",
    "title": "Thaw ResNet-10T",
    "accuracy": 0.82,
    "ci": [0.76, 0.87],
    "n_val": 153,
    "majority": 0.54,
    "seconds": 3.1,
    "strength": 1e-3,
}


def known_baseline(studio: Studio, project: Project) -> str:
    """An instant baseline of the project's pictures and network that is there already."""
    wanted = {
        "model": studio.draft(project.id).model.name,
        "data_version": project.data_version,
    }
    return task(
        studio, "baseline", wanted, project_id=project.id, state="finished", result=BASELINE
    )


# -- training runs ---------------------------------------------------------------------------------


def queued_run(studio: Studio, project: Project, spec: RunSpec | None = None) -> str:
    """A run that waits for its turn."""
    return studio.start(project.id, spec or short_spec())


def short_spec() -> RunSpec:
    """Head only, six epochs."""
    return replace(RunSpec(), train=TrainConfig(epochs=EPOCHS))


def running_run(
    studio: Studio,
    project: Project,
    *,
    epochs_done: int = 3,
    findings: Sequence[FindingRaised] = (),
    spec: RunSpec | None = None,
) -> str:
    """A run in the middle of the epoch after ``epochs_done``."""
    run_id = queued_run(studio, project, spec)
    studio.queue.claim("train", "test", run_id)
    studio.queue.started(run_id, PID)
    write(studio, run_id, *_opening(studio, run_id, epochs_done), *findings)
    write(studio, run_id, StepDone(epoch=epochs_done + 1, step=1, steps=4, loss=0.6, lr=0.009))
    return run_id


def paused_run(studio: Studio, project: Project) -> str:
    """A run that waits between two steps."""
    run_id = running_run(studio, project)
    write(studio, run_id, Paused(epoch=4))
    studio.queue.mark(run_id, "paused")
    return run_id


def interrupted_run(studio: Studio, project: Project) -> str:
    """A run whose process is gone; it can be resumed after epoch 3."""
    run_id = running_run(studio, project)
    error = {
        "code": "worker_died",
        "message": "The process doing this work ended unexpectedly.",
        "hint": "Resume it: training goes on after the last finished epoch.",
    }
    studio.queue.end(run_id, "interrupted", exit_code=-9, error=error)
    return run_id


def failed_run(studio: Studio, project: Project) -> str:
    """A run that ended with an error."""
    run_id = running_run(studio, project, epochs_done=1)
    error = {
        "code": "device_memory",
        "message": "There is not enough memory even for 2 pictures at a time.",
        "hint": "Choose a smaller picture size or a smaller network.",
    }
    write(studio, run_id, RunFailed(**error))
    studio.queue.end(run_id, "failed", exit_code=1, error=error)
    return run_id


def finished_run(
    studio: Studio,
    project: Project,
    *,
    right: float = 0.8,
    findings: Sequence[FindingRaised] = (),
    spec: RunSpec | None = None,
    seed: int = 0,
) -> str:
    """A run with six epochs, a report on validation and test, and a result in its row.

    Args:
        studio: Where.
        project: With pictures.
        right: Share of pictures answered rightly, about.
        findings: What the coach raised after the last epoch.
        spec: Other settings than ``short_spec``.
        seed: Of the fake answers.
    """
    run_id = running_run(studio, project, epochs_done=EPOCHS - 1, spec=spec)
    write(studio, run_id, epoch_done(EPOCHS), *findings)
    write(studio, run_id, CheckpointSaved(epoch=EPOCHS, best_epoch=EPOCHS))
    _judge(studio, run_id, epochs=EPOCHS, right=right, seed=seed, findings=findings)
    return run_id


def running_probe(
    studio: Studio, project: Project, *, layers: str = "deep-probe", tried: int = 6
) -> str:
    """A deep probe (or an exact head) that has tried some of nine strengths."""
    run_id = queued_run(studio, project, replace(short_spec(), freeze=FreezeConfig(layers=layers)))
    studio.queue.claim("train", "test", run_id)
    studio.queue.started(run_id, PID)
    started = _opening(studio, run_id, 0)[0]
    assert isinstance(started, RunStarted)
    plan = replace(started, epochs=1, steps=1)
    write(studio, run_id, engine_chosen(), plan, *(strength(n) for n in range(1, tried + 1)))
    return run_id


def finished_probe(studio: Studio, project: Project, *, layers: str = "deep-probe") -> str:
    """A deep probe (or an exact head) that was solved and judged."""
    run_id = running_probe(studio, project, layers=layers, tried=STRENGTHS)
    write(studio, run_id, epoch_done(1))
    _judge(studio, run_id, epochs=1, right=0.8, seed=0, findings=())
    return run_id


def _judge(
    studio: Studio,
    run_id: str,
    *,
    epochs: int,
    right: float,
    seed: int,
    findings: Sequence[FindingRaised],
) -> None:
    """Write a run's reports and end it."""
    reports = {
        split: fake_report(studio, run_id, split, right=right, seed=seed)
        for split in ("val", "test")
    }
    for split, body in reports.items():
        if body is not None:
            write_json(studio.home.run_dir(run_id) / f"report-{split}.json", body)
    assert reports["val"] is not None
    finished = RunFinished(
        reason="completed",
        epochs=epochs,
        best_epoch=epochs,
        val_accuracy=reports["val"]["accuracy"]["value"],
        val_accuracy_ci=reports["val"]["accuracy"]["ci"],
        test_accuracy=reports["test"]["accuracy"]["value"] if reports["test"] else None,
        test_accuracy_ci=reports["test"]["accuracy"]["ci"] if reports["test"] else None,
        findings=list(findings),
    )
    write(studio, run_id, finished)
    result = {
        "val_accuracy": finished.val_accuracy,
        "val_accuracy_ci": finished.val_accuracy_ci,
        "test_accuracy": finished.test_accuracy,
        "test_accuracy_ci": finished.test_accuracy_ci,
        "best_epoch": finished.best_epoch,
        "epochs": finished.epochs,
        "reason": finished.reason,
    }
    studio.queue.end(run_id, "finished", exit_code=0, result=result)


def strength(number: int) -> StrengthTried:
    """Strength ``number`` of nine, strongest first; the sixth is the best."""
    away = abs(number - 6)
    return StrengthTried(
        strength=10.0 ** (1 - number),
        loss=0.41 + 0.05 * away + 0.012 * away**2,
        accuracy=0.84 - 0.022 * away,
        done=number,
        total=STRENGTHS,
    )


def write(studio: Studio, run_id: str, *events: Event) -> None:
    """Append events to a run's log; nothing is thinned out."""
    writer = Writer(open_engine(studio.home), run_id, clock=iter(range(1000, 10_000)).__next__)
    for event in events:
        writer.append(event)


def epoch_done(number: int, *, is_best: bool = True) -> EpochDone:
    """Epoch ``number`` of a run that gets better every epoch."""
    return EpochDone(
        epoch=number,
        train_loss=1.1 / number + 0.1,
        train_acc=min(0.95, 0.5 + 0.07 * number),
        fit_acc=min(0.97, 0.55 + 0.07 * number),
        val_loss=1.2 / number + 0.2,
        val_acc=min(0.9, 0.45 + 0.07 * number),
        n_fit=26,
        n_val=6,
        lr=0.01 * (1 - number / 10),
        is_best=is_best,
    )


def finding(after: int = EPOCHS, *, verdict: str = "overfit") -> FindingRaised:
    """A finding with one remedy."""
    return FindingRaised(
        verdict=verdict,
        since_epoch=max(1, after - 2),
        epoch=after,
        severity="warning",
        sentence="It learns the training pictures by heart.",
        evidence="Training 95 %, validation 60 %; z = 3.4.",
        remedies=[
            Remedy(
                label="Stop it from memorising: dropout 0.3",
                changes={"train.dropout": 0.3},
                why="Dropout makes memorising harder.",
            )
        ],
    )


def fake_report(
    studio: Studio, run_id: str, split: str, *, right: float, seed: int
) -> dict[str, Any] | None:
    """A real report on made-up probabilities, which are kept too; None when the part is empty."""
    snapshot = studio.snapshot(run_id)
    rows = snapshot.part(split)
    if not rows:
        return None
    rng = np.random.default_rng(seed)
    labels = np.asarray(snapshot.labels(rows))
    n_classes = len(snapshot.classes)
    answers = np.where(
        rng.random(len(rows)) < right,
        labels,
        (labels + rng.integers(1, n_classes, len(rows))) % n_classes,
    )
    scores = rng.random((len(rows), n_classes)) * 0.3
    scores[np.arange(len(rows)), answers] += 0.7
    scores /= scores.sum(axis=1, keepdims=True)
    keep_answers(studio.home, run_id, split, rows, snapshot.classes, scores)
    return build_report(
        labels,
        scores,
        classes=snapshot.classes,
        image_ids=[str(row.id) for row in rows],
        split=split,
        train_counts=Counter(row.label for row in snapshot.part("train")),
    )


def export_file(studio: Studio, run_id: str, name: str = "") -> Path:
    """A (fake) exported zip of a run."""
    folder = studio.home.run_dir(run_id) / "export"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / (name or f"thaw-{run_id}.zip")
    path.write_bytes(b"PK\x05\x06" + bytes(18))
    return path


def _opening(studio: Studio, run_id: str, epochs_done: int) -> list[Event]:
    spec = RunSpec.from_dict(studio.run(run_id).spec)
    snapshot = studio.snapshot(run_id)
    card = studio.card_of(spec.model.name)
    val = Counter(row.label for row in snapshot.part("val"))
    started = RunStarted(
        model=card.title,
        layers=spec.freeze.layers,
        epochs=spec.train.epochs or EPOCHS,
        steps=4,
        n_train=len(snapshot.part("train")),
        n_val=len(snapshot.part("val")),
        n_test=len(snapshot.part("test")),
        classes=list(snapshot.classes),
        trainable=513 * len(snapshot.classes),
        parameters=card.parameters,
        lr=spec.train.lr or 0.01,
        batch_size=spec.train.batch_size or 16,
        image_size=spec.train.image_size or 128,
        device="CPU",
        majority=max(val.values()) / max(1, val.total()),
    )
    body: list[Event] = [started]
    for number in range(1, epochs_done + 1):
        body.append(StepDone(epoch=number, step=4, steps=4, loss=1.0 / number, lr=0.01))
        body.append(epoch_done(number))
        body.append(CheckpointSaved(epoch=number, best_epoch=number))
    return body


def drawn_map(studio: Studio, run_id: str) -> list[str]:
    """The map of a run as its task would leave it; ids of the two that stand among others."""
    rows = studio.snapshot(run_id).images
    strange = [str(row.id) for row in rows if row.split == "train"][:2]
    points = tuple(
        Point(
            image=str(row.id),
            label=row.label,
            split=row.split,
            x=float(place % 7),
            y=float(place // 7),
            among="wasps" if str(row.id) in strange else row.label,
            same=0.1 if str(row.id) in strange else 0.9,
            share=0.9,
            strange=str(row.id) in strange,
        )
        for place, row in enumerate(rows)
    )
    keep_map(studio.home, run_id, Map(points=points, of=len(points), kept=0.5, chance=0.1))
    return strange
