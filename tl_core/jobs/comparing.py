"""Runs of a project side by side: what each is, how it did, and who is better on the same pictures.

Only results are read here; nothing is computed by a network. No torch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import combinations
from typing import Any, Literal

from sqlalchemy import Engine

from tl_core.config import PROBES, RunSpec
from tl_core.errors import RunNotFoundError, TLError
from tl_core.evaluate.paired import Judged, Pair, compared, matched
from tl_core.jobs import confidence, continuing
from tl_core.jobs.library import ImageRow, Library
from tl_core.jobs.log import EventLog
from tl_core.jobs.queue import Queue, RunRow
from tl_core.jobs.repeating import Repeatable, repeat, repeatable
from tl_core.jobs.submit import read_snapshot
from tl_core.jobs.versions import Since, Versions, between
from tl_core.jobs.view import RunView, fold
from tl_core.models.catalog import card
from tl_core.storage import Home

__all__ = [
    "FEWEST",
    "MOST",
    "Choice",
    "Comparing",
    "Comparison",
    "Disagreement",
    "RunFacts",
    "controls",
]

FEWEST, MOST = 2, 6  # runs that are compared at once
KEPT = 64  # comparisons kept in memory
VIEWS_KEPT = 512  # runs whose history is kept in memory
BYTES = 4  # of a parameter, where no file tells

Split = Literal["val", "test"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What a project compares: runs, the one the others are held against ("" = the best on
    validation), and the part they are judged on.
    """

    runs: tuple[str, ...] = ()
    reference: str = ""
    split: Split = "val"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """A run with a result.

    ``accuracy`` is (value, low, high) per part; ``seconds`` without pauses; ``state`` the number of
    the state of the set it was trained on, -1 for one that no step leads back to, None unknown.
    """

    row: RunRow
    network: str
    layers: str
    pictures: int
    state: int | None
    accuracy: Mapping[str, tuple[float, float, float]]
    seconds: float
    megabytes: float

    @property
    def id(self) -> str:
        """Of the run."""
        return self.row.id

    @property
    def solved(self) -> bool:
        """Whether its head was solved, so that there are no epochs."""
        return self.layers in PROBES

    @property
    def from_scratch(self) -> bool:
        """Whether nothing pretrained was used: a control."""
        return self.layers == "scratch"


@dataclass(frozen=True, slots=True, kw_only=True)
class Disagreement:
    """A picture that two runs answered differently, with their answers and how sure each was."""

    image: ImageRow
    first: str
    first_sure: float
    second: str
    second_sure: float

    @property
    def right(self) -> Literal["first", "second", "none"]:
        """Whose answer is right."""
        if self.first == self.image.label:
            return "first"
        return "second" if self.second == self.image.label else "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Runs held against one of them.

    Attributes:
        split: The part they are judged on.
        reference: The run the others are held against.
        by_itself: Whether it was taken for being the best, not chosen by the user.
        pairs: One per other run, as first, with the reference as second.
        tests: How many comparisons the verdicts are corrected for.
        missing: Runs of which no answer to every picture is kept for this part.
        other_classes: Runs whose classes are not those of the reference.
        tested: How many runs of the project were ever compared on the test pictures.
    """

    split: Split
    reference: str
    by_itself: bool
    pairs: tuple[Pair, ...]
    tests: int
    missing: tuple[str, ...] = ()
    other_classes: tuple[str, ...] = ()
    tested: int = 0
    disagreements: Mapping[str, tuple[Disagreement, ...]] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, without the single pictures."""
        found = {**asdict(self), "pairs": [asdict(one) for one in self.pairs]}
        del found["disagreements"]
        return found


class Comparing:
    """Comparing the runs of one home.

    What is kept in memory belongs to a run that ended at a certain time; a run that was resumed
    since is read anew.

    Args:
        home: Where results lie.
        engine: From ``open_engine``.
    """

    def __init__(self, home: Home, engine: Engine) -> None:
        self._home, self._engine = home, engine
        self._queue = Queue(engine)
        self._log = EventLog(engine)
        self._library = Library(engine)
        self._versions = Versions(home, engine)
        self._views: dict[tuple[str, float | None], RunView] = {}
        self._compared: dict[tuple[Any, ...], Comparison] = {}

    # -- what is chosen ------------------------------------------------------------------------

    def choice(self, project_id: str) -> Choice:
        """What the user chose; the two newest runs before that. Runs that are gone are left out."""
        body = self._library.get(project_id).compared
        there = [one.id for one in self._with_result(project_id)]
        known = Choice(
            runs=tuple(one for one in body.get("runs", there[:FEWEST]) if one in there),
            reference=str(body.get("reference", "")),
            split="test" if body.get("split") == "test" else "val",
        )
        if known.reference not in known.runs:
            known = Choice(runs=known.runs, split=known.split)
        return known

    def choose(self, project_id: str, choice: Choice) -> None:
        """Keep what the user chose; it survives a refresh and a restart."""
        body = {**asdict(choice), "runs": list(choice.runs[:MOST])}
        if body != self._library.get(project_id).compared:
            self._library.update(project_id, compared=body)

    # -- what runs are -------------------------------------------------------------------------

    def runs(self, project_id: str) -> list[RunFacts]:
        """Every training run of a project that has a result, the newest first."""
        states = {
            run_id: number
            for number, ids in self._versions.used(project_id).items()
            for run_id in ids
        }
        return [self._facts(row, states.get(row.id)) for row in self._with_result(project_id)]

    def facts(self, run_id: str) -> RunFacts:
        """One run.

        Raises:
            RunNotFoundError: There is none of that id, or it has no result.
        """
        row = self._queue.get(run_id)
        if not _has_result(row):
            raise RunNotFoundError(
                f"Run {run_id} has no result to compare.",
                hint="List the runs; one that was interrupted can be resumed.",
            )
        return self._facts(row, None)

    def view(self, row: RunRow) -> RunView:
        """The history of a run that is over."""
        key = (row.id, row.ended_at)
        if key not in self._views:
            while len(self._views) >= VIEWS_KEPT:
                self._views.pop(next(iter(self._views)))
            self._views[key] = fold(RunView(run_id=row.id), self._log.all_after(row.id))
        return self._views[key]

    def between(self, first: str, second: str) -> Since | None:
        """How the pictures of the second run differ from those of the first; None = not known."""
        try:
            return between(read_snapshot(self._home, first), read_snapshot(self._home, second))
        except RunNotFoundError:
            return None

    def describe(self, run_id: str, *, name: str, tags: Sequence[str], note: str) -> None:
        """Give a run another name, tags and a note. Raises ConfigError for unusable ones."""
        self._queue.describe(run_id, name=name, tags=tags, note=note)

    def repeatable(self, row: RunRow) -> Repeatable:
        """Whether a run can be run again as it was."""
        return repeatable(self._home, self._engine, self._versions, row)

    def repeat(self, run_id: str, *, as_then: bool = True) -> str:
        """Queue a run like an earlier one; see ``tl_core.jobs.repeating.repeat``."""
        return repeat(self._home, self._engine, run_id, as_then=as_then)

    def _with_result(self, project_id: str) -> list[RunRow]:
        rows = self._queue.rows(project_id=project_id, kind="train", limit=None)
        return [row for row in rows if _has_result(row)]

    def _facts(self, row: RunRow, state: int | None) -> RunFacts:
        spec, view = RunSpec.from_dict(row.spec), self.view(row)
        began = view.started
        title, parameters = spec.model.name, began.parameters if began else 0
        try:
            about = card(spec.model.name)
            title, parameters = about.title, parameters or about.parameters
        except TLError:  # a network that is not known any more
            pass
        weights = self._home.run_dir(row.id) / continuing.WEIGHTS
        size = weights.stat().st_size if weights.is_file() else BYTES * parameters
        return RunFacts(
            row=row,
            network=title,
            layers=spec.freeze.layers,
            pictures=began.n_train + began.n_val + began.n_test if began else 0,
            state=state,
            accuracy=_accuracies(row.result or {}),
            seconds=view.elapsed_s,
            megabytes=size / 1e6,
        )

    # -- who is better -------------------------------------------------------------------------

    def compare(self, run_ids: Sequence[str], *, split: Split, reference: str = "") -> Comparison:
        """Hold runs against one of them on the pictures they have in common.

        Where the reference is taken for being the best on the very pictures that judge, every pair
        counts as a comparison: the best of several equal ones looks better than it is.

        Args:
            run_ids: Two to six.
            split: The part they are judged on.
            reference: One of them; "" takes the best on validation.

        Raises:
            RunNotFoundError: One is not here or has no result.
        """
        rows = [self.facts(run_id).row for run_id in dict.fromkeys(run_ids)]
        sure = {row.id: confidence.temperature_of(self._home, row.id) for row in rows}
        key = (split, reference, *((row.id, row.ended_at, sure[row.id]) for row in rows))
        if key not in self._compared:
            while len(self._compared) >= KEPT:
                self._compared.pop(next(iter(self._compared)))
            self._compared[key] = self._held(rows, split, reference)
        found = self._compared[key]
        if split != "test":
            return found
        self._note_tested(rows)
        return replace(found, tested=self._tested(rows[0].project_id))

    def _note_tested(self, rows: Sequence[RunRow]) -> None:
        new = [row.id for row in rows if row.tested_at is None]
        if new:
            self._queue.note_tested(new)

    def _tested(self, project_id: str) -> int:
        rows = self._queue.rows(project_id=project_id, kind="train", limit=None)
        return sum(row.tested_at is not None for row in rows)

    def _held(self, rows: Sequence[RunRow], split: Split, reference: str) -> Comparison:
        judged = [one for row in rows if (one := self._judged(row, split)) is not None]
        there = [one.run for one in judged]
        by_itself = reference not in there
        if by_itself:
            reference = _best([row for row in rows if row.id in there])
        at = there.index(reference) if there else 0
        shown = [(i, at) for i in range(len(there)) if i != at]
        tests = shown
        if by_itself and split == "val":
            tests = shown + [one for one in combinations(range(len(there)), 2) if at not in one]
        pairs = compared(judged, tests)[: len(shown)]
        classes = [set(one.answers.classes) for one in judged]
        return Comparison(
            split=split,
            reference=reference,
            by_itself=by_itself,
            pairs=tuple(pairs),
            tests=len(tests),
            missing=tuple(row.id for row in rows if row.id not in there),
            other_classes=tuple(there[i] for i, _ in shown if classes[i] != classes[at]),
            disagreements={
                there[i]: self._disagreements(judged[i], judged[at], split) for i, _ in shown
            },
        )

    def _judged(self, row: RunRow, split: Split) -> Judged | None:
        answers = confidence.answers_now(self._home, row.id, split)
        if answers is None:
            return None
        try:
            seen = {one.digest for one in read_snapshot(self._home, row.id).part("train")}
        except RunNotFoundError:
            return None
        origin = continuing.kept_origin(self._home, row.id)
        return Judged(run=row.id, answers=answers, seen=seen | set(origin.seen if origin else ()))

    def _disagreements(
        self, first: Judged, second: Judged, split: Split
    ) -> tuple[Disagreement, ...]:
        pictures = {str(one.id): one for one in read_snapshot(self._home, first.run).part(split)}
        match = matched(first, second)
        one, other = first.answers, second.answers
        found = []
        for i, j in zip(match.first, match.second, strict=True):
            said, told = one.classes[one.given[i]], other.classes[other.given[j]]
            if said != told and one.images[i] in pictures:
                found.append(
                    Disagreement(
                        image=pictures[one.images[i]],
                        first=said,
                        first_sure=float(one.confidence[i]),
                        second=told,
                        second_sure=float(other.confidence[j]),
                    )
                )
        return tuple(sorted(found, key=lambda d: -max(d.first_sure, d.second_sure)))


def controls(runs: Sequence[RunFacts], pair: Pair) -> list[str]:
    """The run of a pair that is a control from scratch of the other's network: one or none."""
    both = [one for one in runs if one.id in (pair.first, pair.second)]
    scratch = [one.id for one in both if one.from_scratch]
    same = len({one.row.spec.get("model", {}).get("name") for one in both}) == 1
    return scratch if same and len(both) == 2 and len(scratch) == 1 else []


def _has_result(row: RunRow) -> bool:
    return (
        not row.active and bool(row.result) and (row.result or {}).get("val_accuracy") is not None
    )


def _accuracies(result: Mapping[str, Any]) -> dict[str, tuple[float, float, float]]:
    found = {}
    for split in ("val", "test"):
        value, ends = result.get(f"{split}_accuracy"), result.get(f"{split}_accuracy_ci")
        if value is not None and ends:
            found[split] = (float(value), float(ends[0]), float(ends[1]))
    return found


def _best(rows: Sequence[RunRow]) -> str:
    """The run that is right most often on validation; of equals the oldest."""
    if not rows:
        return ""
    oldest = sorted(rows, key=lambda row: row.created_at)
    return max(oldest, key=lambda row: float((row.result or {})["val_accuracy"])).id
