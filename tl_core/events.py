"""What a run says while it runs: frozen events of plain numbers and strings.

The life of a training run, top to bottom::

    Began                            a process took the run up
    Progress*                        pictures being prepared, weights being read
    StagesPlanned?                   a run in stages: all that may come, and how long each takes
    EngineChosen                     how it will be computed, and how long it will take
    RunStarted                       once per process: the plan
      RunResumed?                    after a resume; carries the epochs already done
      ( LayersChanged?               when the trainable groups change
        StrengthTried*               instead of steps, where a head is solved, not trained
        StepDone*                    thinned by the log writer to 4 per second
        Paused? Continued?           between two steps
        EpochDone                    once per epoch, epochs strictly rise
        FindingRaised*               what the coach sees after this epoch
        CheckpointSaved )*           the epoch is now safe on disk
      ( GateOpened GateClosed        a run in stages: may a further block be opened?
        RunStarted LayersChanged ... )*   it was opened: the plan from here on
      Warned*                        anywhere: something was adapted (batch halved, ...)
    Progress*                        the result being judged
    FindingRaised?                   what came of the remedy the run was started for
    RunFinished | RunFailed          exactly one, last; nothing after it

A run that was interrupted and resumed starts again with ``Began``; ``RunResumed`` then tells
readers to forget epochs after ``epoch``, and no time passed between the processes. Events hold no
tensor, no clock and no path: the log stamps ``seq`` and ``at``, so a list of events is the golden
record of a run.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import Any, ClassVar, Literal, TypeAlias

__all__ = [
    "EVENT_TYPES",
    "Began",
    "CheckpointSaved",
    "Continued",
    "EngineChosen",
    "EpochDone",
    "Event",
    "FindingRaised",
    "GateClosed",
    "GateOpened",
    "LayersChanged",
    "Paused",
    "Progress",
    "Remedy",
    "RunFailed",
    "RunFinished",
    "RunResumed",
    "RunStarted",
    "StagesPlanned",
    "StepDone",
    "StrengthTried",
    "Warned",
    "event_from_dict",
    "event_to_dict",
]

FinishReason: TypeAlias = Literal["completed", "early_stop", "stopped", "diverged"]
Severity: TypeAlias = Literal["info", "warning", "problem"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Began:
    """A process took the run up, for the first time or again after an interruption."""

    name: ClassVar[str] = "began"
    run_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted:
    """The plan as it will be carried out, every automatic choice resolved."""

    name: ClassVar[str] = "run_started"
    model: str
    layers: str
    epochs: int
    steps: int  # optimizer steps per epoch
    n_train: int
    n_val: int
    n_test: int
    classes: list[str]
    trainable: int  # parameters
    parameters: int
    lr: float
    batch_size: int
    image_size: int
    device: str
    majority: float  # share of the largest class among the validation pictures
    rates: list[float] = field(default_factory=list)  # peak rate of every block; 0 = frozen


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """A stage that is not training: ``done`` of ``total`` (0 when unknown) in ``unit``."""

    name: ClassVar[str] = "progress"
    stage: str
    done: int
    total: int
    unit: str = "pictures"


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineChosen:
    """How the run will be computed, as measured on this machine, and the time it should take.

    ``precision`` and ``memory_format`` are of the frozen blocks; what trains may differ and is
    named in ``train_precision``. ``prefix_ms`` and ``suffix_ms`` are per picture: the frozen
    blocks once, and one training step of the rest.
    """

    name: ClassVar[str] = "engine_chosen"
    precision: str  # float32 bfloat16
    train_precision: str  # float32 bfloat16
    memory_format: str  # channels_last contiguous
    threads: int
    batch_size: int
    views: int  # versions of every picture; 0 = a new one every epoch
    cache: str  # kept off none; none = nothing is frozen before what trains
    cache_mb: float  # of all views, when kept
    cut: str  # name of the first layer group that trains
    prefix_ms: float
    suffix_ms: float
    expected_seconds: float | None  # from here to the result; None = not known


@dataclass(frozen=True, slots=True, kw_only=True)
class StagesPlanned:
    """The stages that may come, in order; lists are aligned.

    ``stages`` is how a further one is decided on: "ask", "auto" or "gradual".
    """

    name: ClassVar[str] = "stages_planned"
    stages: str
    layers: list[str]  # that train in each
    epochs: list[int]
    expected_seconds: list[float | None]  # of each; None = not known


@dataclass(frozen=True, slots=True, kw_only=True)
class StrengthTried:
    """One strength of regularisation, judged by cross-validation on the training pictures."""

    name: ClassVar[str] = "strength_tried"
    strength: float  # of the L2 penalty, per picture
    loss: float  # nats, mean over held-out folds
    accuracy: float  # 0..1, mean over held-out folds
    done: int
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochDone:
    """One pass over the training pictures, and the validation after it.

    ``train_*`` are means over the epoch's augmented batches weighted by pictures; ``fit_acc`` is
    the accuracy on training pictures as they are, without augmentation and in eval mode.
    """

    name: ClassVar[str] = "epoch_done"
    epoch: int  # 1-based
    train_loss: float
    train_acc: float
    fit_acc: float
    val_loss: float
    val_acc: float
    n_fit: int
    n_val: int
    lr: float  # of the head, at the end of the epoch
    is_best: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResumed:
    """Training goes on after ``epoch``; ``history`` is the epochs done before, complete."""

    name: ClassVar[str] = "run_resumed"
    epoch: int
    history: list[EpochDone] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class StepDone:
    """One optimizer step. ``step`` is 1-based within the epoch."""

    name: ClassVar[str] = "step_done"
    epoch: int
    step: int
    steps: int
    loss: float
    lr: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LayersChanged:
    """The names of the layer groups that train from ``epoch`` on."""

    name: ClassVar[str] = "layers_changed"
    epoch: int
    trainable: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointSaved:
    """Everything up to ``epoch`` is on disk; ``best_epoch`` is the one that will be kept."""

    name: ClassVar[str] = "checkpoint_saved"
    epoch: int
    best_epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Paused:
    """The run waits between two steps."""

    name: ClassVar[str] = "paused"
    epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Continued:
    """A paused run goes on."""

    name: ClassVar[str] = "continued"
    epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GateOpened:
    """A stage is done and the run waits: may a further block learn?

    ``gained`` is what the stage brought in validation accuracy over the stages before it, ``fell``
    by how much the loss (nats) of the same validation pictures fell, with its 95 % interval; None
    after the first stage.
    """

    name: ClassVar[str] = "gate_opened"
    epoch: int  # done so far
    stage: int  # the one that would begin; the first is 0
    asks: bool  # whether somebody has to answer; else a policy does
    layers: str  # that would train
    before: str  # that have trained so far
    block: str  # that would be opened, by name
    lr: float  # of the head from then on
    block_lr: float  # of the opened block
    epochs: int  # that the stage would take
    expected_seconds: float | None  # that it would take; None = not known
    val_accuracy: float
    val_accuracy_ci: list[float]
    gained: float | None = None
    fell: float | None = None
    fell_low: float | None = None
    fell_high: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GateClosed:
    """The answer: whether the block is opened, and by whom ("user" or "policy")."""

    name: ClassVar[str] = "gate_closed"
    epoch: int
    opened: bool
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Warned:
    """Something was adapted or deserves a look; the run goes on."""

    name: ClassVar[str] = "warned"
    code: str
    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedy:
    """What may cure a finding.

    ``act`` says what it is: ``change`` a change to the RunSpec, ``stop`` to end the run that is at
    work and keep its best epoch, ``tell`` advice that nobody can carry out but the user.
    ``changes`` maps dotted RunSpec fields to new values, e.g. ``{"train.lr": 1e-4}``; empty unless
    it is a change.
    """

    label: str
    changes: dict[str, Any]
    why: str = ""
    act: Literal["change", "stop", "tell"] = "change"


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingRaised:
    """What the coach sees: a verdict with its evidence and remedies, best first."""

    name: ClassVar[str] = "finding"
    verdict: str  # overfit underfit diverged noisy_validation ... (docs/findings.md)
    since_epoch: int
    epoch: int  # after which it was raised
    severity: Severity
    sentence: str
    evidence: str
    remedies: list[Remedy] = field(default_factory=list)
    stage: int = 0  # of a run in stages, the one at work; the first is 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFinished:
    """The end of a run that can be used. Accuracies are of the best epoch's weights."""

    name: ClassVar[str] = "run_finished"
    reason: FinishReason
    epochs: int
    best_epoch: int
    val_accuracy: float
    val_accuracy_ci: list[float]
    test_accuracy: float | None = None
    test_accuracy_ci: list[float] | None = None
    findings: list[FindingRaised] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFailed:
    """The end of a run that raised; ``code``, ``message`` and ``hint`` of the error."""

    name: ClassVar[str] = "run_failed"
    code: str
    message: str
    hint: str = ""


Event: TypeAlias = (
    Began
    | RunStarted
    | RunResumed
    | Progress
    | StagesPlanned
    | EngineChosen
    | StrengthTried
    | StepDone
    | EpochDone
    | LayersChanged
    | CheckpointSaved
    | Paused
    | Continued
    | GateOpened
    | GateClosed
    | Warned
    | FindingRaised
    | RunFinished
    | RunFailed
)

EVENT_TYPES: dict[str, type[Any]] = {
    cls.name: cls
    for cls in (
        Began,
        RunStarted,
        RunResumed,
        Progress,
        StagesPlanned,
        EngineChosen,
        StrengthTried,
        StepDone,
        EpochDone,
        LayersChanged,
        CheckpointSaved,
        Paused,
        Continued,
        GateOpened,
        GateClosed,
        Warned,
        FindingRaised,
        RunFinished,
        RunFailed,
    )
}


def event_to_dict(event: Event) -> dict[str, Any]:
    """Return ``{"event": name, **fields}``, JSON-ready."""
    return {"event": event.name, **asdict(event)}


def event_from_dict(body: dict[str, Any]) -> Event:
    """Rebuild an event from ``event_to_dict``; unknown fields of a newer version are ignored.

    Raises:
        KeyError: The event's name is unknown.
    """
    cls = EVENT_TYPES[body["event"]]
    known = {f.name for f in fields(cls)}
    values = {key: value for key, value in body.items() if key in known}
    if cls is RunResumed:
        values["history"] = [
            EpochDone(**row) for row in _plain(EpochDone, values.get("history", []))
        ]
    elif cls is FindingRaised:
        values["remedies"] = [Remedy(**row) for row in _plain(Remedy, values.get("remedies", []))]
    elif cls is RunFinished:
        values["findings"] = [
            event_from_dict({"event": FindingRaised.name, **row})
            for row in values.get("findings", [])
        ]
    event: Event = cls(**values)
    return event


def _plain(kind: type[Any], rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    known = {f.name for f in fields(kind)}
    return [{key: value for key, value in row.items() if key in known} for row in rows]
