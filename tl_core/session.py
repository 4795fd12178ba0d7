"""What pages call: one user's projects, settings, runs and results. No torch, no waiting.

Every method is a short read or write of the store; work is queued and carried out by other
processes. A page may therefore call anything here on every rerun.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from tl_core.config import DataConfig, RunSpec, changed
from tl_core.data.divided import Divided, divided
from tl_core.data.quarantine import Quarantined
from tl_core.errors import RunStateError, TLError
from tl_core.events import FindingRaised, Progress
from tl_core.jobs import continuing, estimate, gates, incoming, mending
from tl_core.jobs.bringing import queue_intake
from tl_core.jobs.continuing import Origin
from tl_core.jobs.curation import Curation
from tl_core.jobs.estimate import Estimate
from tl_core.jobs.gallery import Gallery
from tl_core.jobs.library import ClassRow, ImageRow, Library, Project
from tl_core.jobs.log import EventLog
from tl_core.jobs.overview import DataView, data_view
from tl_core.jobs.queue import ACTIVE, Queue, RunRow
from tl_core.jobs.removing import forget_project, forget_run
from tl_core.jobs.results import Results
from tl_core.jobs.schema import open_engine
from tl_core.jobs.submit import read_snapshot, submit_training
from tl_core.jobs.supervisor import ensure_running, note_server
from tl_core.jobs.versions import Versions
from tl_core.jobs.view import RunView, fold
from tl_core.models.catalog import card
from tl_core.models.facts import ModelCard
from tl_core.storage import Home
from tl_core.train import defaults

if TYPE_CHECKING:
    from tl_core.jobs.comparing import Comparing

__all__ = [
    "ClassRow",
    "DataView",
    "Divided",
    "Estimate",
    "FindingRaised",
    "ImageRow",
    "ModelCard",
    "Origin",
    "Project",
    "Quarantined",
    "RunRow",
    "RunView",
    "Studio",
]

STEPS = ("data", "model", "layers", "train", "evaluate", "compare", "predict", "export")
SAMPLE_NAME = "Surface inspection (sample)"


class Studio(Results):
    """The engine as the pages see it.

    Args:
        home: Where everything lies; ``THAW_HOME`` or ``~/.thaw`` when not given.
    """

    def __init__(self, home: Home | None = None) -> None:
        super().__init__(home or Home())
        self._engine = open_engine(self.home)
        self.library = Library(self._engine)
        self.curation = Curation(self._engine)
        self.gallery = Gallery(self._engine)
        self.versions = Versions(self.home, self._engine)
        self.queue = Queue(self._engine)
        self.log = EventLog(self._engine)

    @cached_property
    def comparing(self) -> Comparing:
        """Runs held against each other."""
        from tl_core.jobs.comparing import Comparing  # numpy: not before it is needed

        return Comparing(self.home, self._engine)

    def ensure_workers(self) -> None:
        """Start the supervisor when none serves this home."""
        ensure_running(self.home)

    def note_server(self) -> None:
        """Tell the supervisor that somebody is here."""
        note_server(self.home)

    # -- projects ------------------------------------------------------------------------------

    def projects(self) -> list[Project]:
        """All projects, the one touched last first."""
        return self.library.projects()

    def create(self, name: str) -> Project:
        """Start an empty project. Raises ConfigError for an unusable name."""
        return self.library.create(name)

    def project(self, project_id: str) -> Project | None:
        """A project, or None when it is not here any more."""
        try:
            return self.library.get(project_id)
        except TLError:
            return None

    def rename(self, project_id: str, name: str) -> None:
        """Give a project another name."""
        self.library.update(project_id, name=name)

    def delete(self, project_id: str) -> None:
        """Remove every byte of a project that nobody else uses. Its work is stopped."""
        for row in self.queue.rows(project_id=project_id, states=tuple(ACTIVE), limit=None):
            with suppress(RunStateError):  # it has ended by itself this moment
                self.queue.command(row.id, "stop")
        forget_project(self.home, self._engine, project_id)

    def start_sample_project(self, **options: Any) -> tuple[Project, str]:
        """Create the sample project and queue the drawing of its pictures."""
        project = self.library.create(SAMPLE_NAME, sample=True)
        return project, self.make_sample(project.id, **options)

    # -- pictures ------------------------------------------------------------------------------

    def take_in(
        self, project_id: str, *, files: Sequence[tuple[str, bytes]] = (), **source: str
    ) -> str:
        """Queue the taking in of one source; see ``tl_core.jobs.bringing.queue_intake``."""
        return queue_intake(self.home, self.queue, project_id, files=files, **source)

    def make_sample(self, project_id: str, **options: Any) -> str:
        """Queue the drawing of the sample pictures into a project."""
        return self.queue.submit(
            "sample", {"options": options}, project_id=project_id, name="Drawing the sample"
        )

    def data(self, project_id: str) -> DataView:
        """Counts, notes and what is missing."""
        return data_view(self.library, project_id)

    def images(
        self,
        project_id: str,
        *,
        label: str | None = None,
        split: str | None = None,
        offset: int = 0,
        limit: int = 60,
    ) -> list[ImageRow]:
        """A page of pictures."""
        return self.library.images(project_id, label=label, split=split, offset=offset, limit=limit)

    def count(self, project_id: str, label: str | None = None, split: str | None = None) -> int:
        """Number of pictures."""
        return self.library.count(project_id, label, split)

    def quarantine(self, project_id: str) -> list[Quarantined]:
        """Files that were not taken in, with the reason."""
        return self.library.quarantine(project_id)

    def resplit(self, project_id: str, config: DataConfig) -> None:
        """Divide the pictures anew."""
        self.curation.divide(project_id, config, title="The pictures were divided again")

    def divided(self, project_id: str) -> Divided:
        """The division in numbers, and what is kept on one side. Reads every picture's record."""
        config = DataConfig(**self.library.get(project_id).data_config)
        _, records, splits = self.library.records(project_id)
        return divided(records, splits, bursts=config.bursts)

    # -- settings ------------------------------------------------------------------------------

    def draft(self, project_id: str) -> RunSpec:
        """The settings as the user left them; automatic ones are None."""
        return RunSpec.from_dict(self.library.get(project_id).draft)

    def save_draft(self, project_id: str, spec: RunSpec) -> None:
        """Keep the settings; they survive a refresh and a restart."""
        self.library.update(project_id, draft=spec.to_dict())

    def resolved_draft(self, project_id: str) -> RunSpec:
        """The settings with every automatic one filled in."""
        return defaults.resolved(self.draft(project_id), **self._situation(project_id))

    def reasons(self, project_id: str) -> dict[str, str]:
        """Why each automatic setting is what it is: field name to sentence."""
        return defaults.reasons(self.draft(project_id), **self._situation(project_id))

    def _situation(self, project_id: str) -> dict[str, Any]:
        rows = self.library.classes(project_id)
        return {
            "card": self.card(project_id),
            "n_train": sum(row.train for row in rows),
            "n_classes": len(rows),
            "detail_px": self.library.detail_px(project_id),
            "channels": self.library.get(project_id).channels,
        }

    def card(self, project_id: str) -> ModelCard:
        """The chosen model; its groups are filled in once a task has described it."""
        return self.card_of(self.draft(project_id).model.name)

    def card_of(self, name: str) -> ModelCard:
        """A model's card. Raises UnknownModelError with close matches."""
        return estimate.described(self.home, card(name))

    def estimate(self, project_id: str) -> Estimate:
        """Trainable parameters, expected seconds and memory of the drafted run."""
        spec = self.resolved_draft(project_id)
        view = self.data(project_id)
        return estimate.expected(
            self.home,
            spec,
            self.card(project_id),
            n_train=view.n_train,
            n_val=view.n_val,
            n_classes=len(view.classes),
        )

    def comparison_seconds(self, project_id: str) -> float | None:
        """How long comparing the usual choices of layers takes at most; None when not known."""
        return estimate.comparison_seconds(
            self.home, self.draft(project_id), **self._situation(project_id)
        )

    def control_seconds(self, project_id: str) -> float | None:
        """About how long comparing with training from scratch takes; None = not known yet."""
        view = self.data(project_id)
        return estimate.control_seconds(
            self.home,
            self.card(project_id),
            pictures=view.n_train + view.n_val,
            n_classes=len(view.classes),
        )

    def progress_of(self, project_id: str) -> dict[str, bool]:
        """Which steps of the way are done."""
        project = self.library.get(project_id)
        done = [row for row in self.runs(project_id) if row.state == "finished"]
        ready = project.n_images > 0 and not self.data(project_id).missing
        spec = RunSpec.from_dict(project.draft)
        chosen = bool(done) or spec != RunSpec()
        tasks = {
            row.kind
            for row in self.queue.rows(project_id=project_id, states=("finished",), limit=500)
        }
        return {
            "data": ready,
            "model": ready,
            "layers": ready and chosen,
            "train": bool(done),
            "evaluate": bool(done),
            "compare": bool(project.compared.get("runs")),
            "predict": "predict" in tasks,
            "export": "export" in tasks,
        }

    # -- training runs -------------------------------------------------------------------------

    def start(self, project_id: str, spec: RunSpec | None = None) -> str:
        """Queue a training run with the given or the drafted settings; returns its id.

        Raises:
            TooFewImagesError, ConfigError, ModelError: The settings or pictures do not allow it.
        """
        return submit_training(self.home, self._engine, project_id, spec or self.draft(project_id))

    def start_changed(
        self,
        run_id: str,
        changes: Mapping[str, Any],
        *,
        go_on: bool = False,
        verdict: str = "",
        remedy: str = "",
    ) -> str:
        """Queue a run like an earlier one with some settings changed.

        Args:
            run_id: The earlier run.
            changes: Dotted settings and their new values.
            go_on: Begin with the weights of its best epoch. If it is still at work it is told to
                stop, which keeps that epoch.
            verdict: The finding that the changes answer.
            remedy: Their name; the new run then states whether it helped.
        """
        row = self.queue.get(run_id)
        where = {"parent": run_id, "goes_on": go_on, "verdict": verdict, "remedy": remedy}
        asked = RunSpec.from_dict(row.spec)
        staged = asked.freeze.stages != "off"
        # what is to be changed was said of the stage that the run has come to
        before = self._reached(row) if go_on or (staged and changes) else asked
        spec = changed(before, {**changes, **where})
        started = self.start(row.project_id, spec)
        if go_on and row.active:
            with suppress(RunStateError):  # it has ended by itself this moment
                self.queue.command(run_id, "stop")
        # the user's own draft takes the change over, and keeps what it leaves automatic
        lasting = continuing.lasting(asked, changes)
        self.save_draft(row.project_id, changed(self.draft(row.project_id), lasting))
        return started

    def mended(self, row: RunRow) -> mending.Mended:
        """Where mending the pictures of a finished run stands."""
        return mending.mended(self.home, self.library, self.versions, self.queue, row)

    def start_mended(self, row: RunRow) -> str:
        """Queue a run with a run's settings on the set as it is now, from its weights if it can."""
        return self.start(row.project_id, mending.mended_spec(self.home, row))

    def _reached(self, row: RunRow) -> RunSpec:
        """A run's settings; of a run in stages, those of the stage that it has come to."""
        spec = RunSpec.from_dict(row.spec)
        started = self.catch_up(row.id).started
        if spec.freeze.stages == "off" or started is None:
            return spec
        own: dict[str, Any] = {"freeze.stages": "off", "freeze.layers": started.layers}
        if started.layers == "head":  # its rate and epochs are not those of opened blocks
            own |= {"train.lr": None, "train.epochs": None, "train.views": None}
        return changed(spec, own)

    def obstacle(self, row: RunRow, changes: Mapping[str, Any]) -> str:
        """Why a run with these changes cannot go on from an earlier one; empty when it can."""
        spec = changed(RunSpec.from_dict(row.spec), changes)
        return continuing.obstacle(self.home, spec, row)

    def origin(self, run_id: str) -> Origin | None:
        """Where a run began; None before it has, and for runs of earlier versions."""
        return continuing.kept_origin(self.home, run_id)

    def pause(self, run_id: str) -> None:
        """Ask a run to wait after its current step."""
        self.queue.command(run_id, "pause")

    def unpause(self, run_id: str) -> None:
        """Let a paused run go on."""
        self.queue.command(run_id, "continue")

    def answer_gate(self, run_id: str, stage: int, *, opened: bool) -> None:
        """Answer the gate before a stage: open its block, or keep what there is.

        An answer to a gate that was answered before has no effect.
        """
        self.queue.command(run_id, gates.answer(stage, opened=opened))

    def held_by(self, row: RunRow) -> RunRow | None:
        """The run whose question work in the queue waits for; None when it only waits its turn."""
        return gates.held_by(self.queue, self.log, row)

    def stop(self, run_id: str) -> None:
        """Ask a run to end now and keep its best epoch; takes a waiting run off the queue."""
        self.queue.command(run_id, "stop")

    def resume(self, run_id: str) -> None:
        """Queue an interrupted run again, to go on after its last finished epoch."""
        self.queue.requeue(run_id)

    def remove(self, run_id: str) -> None:
        """Forget a run, its files, and pictures that only it still had."""
        forget_run(self.home, self._engine, run_id)

    def runs(self, project_id: str | None = None) -> list[RunRow]:
        """Training runs, newest first."""
        return self.queue.rows(project_id=project_id, kind="train")

    def run(self, run_id: str) -> RunRow:
        """One run or task. Raises RunNotFoundError."""
        return self.queue.get(run_id)

    def active(self) -> list[RunRow]:
        """Everything waiting or at work, on any project."""
        return self.queue.rows(states=tuple(ACTIVE))

    def catch_up(self, run_id: str, view: RunView | None = None) -> RunView:
        """Fold what is new into ``view`` (or everything, when None)."""
        row = self.queue.get(run_id)  # before the events: a terminal state implies all are there
        view = view or RunView(run_id=run_id)
        return replace(fold(view, self.log.all_after(run_id, view.cursor)), state=row.state)

    # -- short work in other processes ---------------------------------------------------------

    def ask(self, kind: str, project_id: str = "", **payload: Any) -> str:
        """Queue a task (predict, preview, describe, download, export, measure); returns its id."""
        return self.queue.submit(kind, payload, project_id=project_id, name=kind)

    def task(self, task_id: str) -> RunRow:
        """Where a task stands; ``result`` when finished, ``error`` when failed."""
        return self.queue.get(task_id)

    def task_progress(self, task_id: str) -> tuple[str, int, int] | None:
        """(stage, done, total) of a task; total 0 when unknown, None before its first report."""
        event = self.log.last(task_id, Progress.name)
        return (event.stage, event.done, event.total) if isinstance(event, Progress) else None

    def keep_picture(self, name: str, content: bytes, run_id: str = "") -> incoming.KeptPicture:
        """Check a photo and put it into the store, read as the pictures of a run were.

        Raises:
            UnreadableImageError: Not a picture.
        """
        return incoming.keep_picture(
            self.home,
            name,
            content,
            reading=lambda: read_snapshot(self.home, run_id).reading if run_id else {},
        )
