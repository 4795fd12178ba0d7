"""What the Train page says."""

from __future__ import annotations

from collections.abc import Sequence

from tl_core.events import EngineChosen, EpochDone, RunFinished, StrengthTried
from tl_core.intervals import wilson
from tl_core.jobs.view import RunView
from tl_core.session import DataView, Estimate, RunRow
from tl_ui.text import plural
from tl_ui.texts import gate
from tl_ui.texts.layers import versions
from tl_ui.texts.numbers import (
    clock,
    count,
    duration,
    interval,
    percent,
    rate,
    right_of,
    storage,
)

# -- before the start ------------------------------------------------------------------------------

READY_TITLE = "What will run"
NETWORK, BLOCKS, PICTURES, TRAINING = "Network", "Blocks that learn", "Pictures", "Training"
PROBE, SOLVING = "What is found", "Solving"
PROBE_NAMES = {"deep-probe": "Deep probe", "exact-head": "Exact head"}
PROBE_WORDS = {
    "deep-probe": "the best answer from every block; none changes",
    "exact-head": "the best answer from the last block; none changes",
}
SOLVING_WORDS = "calculated, not trained in steps"
CHANGE = "Change"
START, START_PROBE = "Start training", "Find the answer"
BUSY = "Another run is at work. This one will wait for its turn."
BUSY_ASKS = (
    "Another run waits for your answer. This one will wait behind it until you have given it."
)
SETTINGS_CHANGED = "The settings have changed since this run."
NEW_RUN = "Start a new run with them"

# -- while it runs ---------------------------------------------------------------------------------

VAL = "Validation accuracy"
VAL_HELP = (
    "The share of validation pictures answered rightly. The network does not learn from them; "
    "they tell which epoch is the best. The range is where the true figure likely lies (95 %)."
)
VAL_PROBE_HELP = (
    "The share of validation pictures answered rightly. They were not used to find the answer nor "
    "its strength. The range is where the true figure likely lies (95 %)."
)
PRECISIONS = {"float32": "full precision (float32)", "bfloat16": "half precision (bfloat16)"}
BEST = "Best epoch so far"
BEST_KEPT = "Best epoch, kept"
BEST_HELP = "The epoch with the lowest validation loss. Its network is the one that is kept."
FIT = "Training accuracy"
FIT_HELP = (
    "The share of training pictures answered rightly, without changes to them. Far above the "
    "validation accuracy means that pictures are being learned by heart."
)
TIME = "Time"
STRENGTH = "Strength chosen"
STRENGTH_SO_FAR = "Best strength so far"
STRENGTH_HELP = (
    "How firmly the answer is kept from following single pictures (regularisation). Every "
    "strength is tried on training pictures left out in turn (cross-validation); the one with the "
    "lowest loss is kept."
)
STRENGTH_CHARTS = {
    "loss": ("Loss, cross-validated", "lower is better"),
    "accuracy": ("Accuracy, cross-validated", "higher is better"),
}
STRENGTHS = "Strength of regularisation"
CHOSEN = "chosen"
NO_STRENGTH_YET = "after the first strength"
NO_STRENGTH = "too few pictures to choose it by"
NOT_SOLVED_YET = "once it is solved"
NONE_YET = "–"
NO_EPOCH_YET = "after the first epoch"
PAUSE, CONTINUE = "Pause", "Continue"
PAUSE_HELP = "It waits after the step it is in, and goes on where it stopped."
STOP = "Stop and keep the best epoch"
STOP_HELP = (
    "Ends the run now. The network of its best epoch so far is kept, judged on the test pictures "
    "and can be used like that of any other run."
)
STOP_PROBE = "Stop"
STOP_PROBE_HELP = "Ends the run; nothing is kept unless the answer was already found."
TAKE_OFF = "Take it off the queue"
STAYS = "Training goes on when you close this page or the browser; come back to it at any time."
STOPPING = "Stopping; the best epoch is being kept."
PAUSED = "Paused. It goes on where it stopped."

FINDINGS = "What stands out"
SEVERITIES = {
    "info": ("Good to know", "blue", ":material/info:"),
    "warning": ("Worth a look", "orange", ":material/visibility:"),
    "problem": ("Problem", "red", ":material/error:"),
}

# -- when it is over -------------------------------------------------------------------------------

JUDGE = "Judge it"
AGAIN = "Train again with other settings"
START_AGAIN = "Start again with these settings"
CHANGE_FIRST = "Change the settings"
RESUME = "Resume"
RESUME_HELP = "Goes on after the last finished epoch, with the same numbers as without the break."
CANCELLED = "This run was taken off the queue before it began."
STOPPED_EARLY = "This run was stopped before there was anything to keep."
SETTINGS = "All settings of this run"
DELETE = "Delete this run"
DELETE_SURE = "The run, its network and its results are removed for good."
DELETE_YES = "Delete it"
GONE = "This run is not here any more."


def blocks_words(names: Sequence[str], scratch: bool) -> str:
    """Which blocks learn: "Head only", "Stage 4 and the head", "All 6, from scratch"."""
    if scratch:
        return f"All {len(names)}, from scratch"
    if len(names) == 1:
        return "Head only"
    listed = [*names[:-1]]
    if len(listed) > 3:
        return f"{len(names)} blocks, {listed[0]} to the head"
    return f"{', '.join(listed)} and the head"


def learns_words(trainable: int, parameters: int) -> str:
    """How much of the network that is."""
    return f"{percent(trainable / max(1, parameters))} of {count(parameters)} parameters"


def weights_words(embedded: bool, downloaded: bool, weights: str, megabytes: float) -> str:
    """Where the weights come from."""
    if weights == "random":
        return "random weights"
    if weights == "file":
        return "your own weights file"
    if embedded:
        return "comes with Thaw"
    return "weights are on this machine" if downloaded else f"{megabytes:.0f} MB to download first"


def pictures_value(data: DataView) -> str:
    """The training pictures."""
    return plural(data.n_train, "picture")


def pictures_words(data: DataView, size_px: int) -> str:
    """The other parts, and the size."""
    return f"{data.n_val:,} to validate, {data.n_test:,} to test, at {size_px} px"


def training_value(expected: Estimate) -> str:
    """How long it will take."""
    if expected.seconds is None:
        return "Time unknown"
    most = "Up to about" if expected.least_seconds is not None else "About"
    return f"{most} {duration(expected.seconds)}"


def training_words(expected: Estimate, lr: float) -> str:
    """Epochs and rate."""
    if expected.stages == 1:
        return f"{plural(expected.epochs, 'epoch')}, learning rate {rate(lr)}"
    most = "at most " if expected.least_seconds is not None else ""
    return (
        f"{most}{plural(expected.epochs, 'epoch')} in {expected.stages} stages, learning rate "
        f"{rate(lr)} once blocks are open"
    )


def engine(view: RunView) -> str:
    """How the run is computed and how long it should take; "" before that is known."""
    chosen = view.engine
    if chosen is None:
        return ""
    words = _looked(chosen) if view.is_probe else _computed(chosen)
    if chosen.expected_seconds is None:
        return f"{words}."
    told = duration(chosen.expected_seconds)
    if not view.over:
        what = "in all" if view.plan is None else "in this stage"
        return f"{words}. Expected to take about {told} {what}."
    whole = view.finished is not None and view.finished.reason == "completed"
    if not whole or view.engine_from is None or view.restarts or view.plan is not None:
        return f"{words}."
    return f"{words}. Expected {told}, took {duration(view.elapsed_s - view.engine_from)}."


def _looked(chosen: EngineChosen) -> str:
    looks = "once" if chosen.views == 1 else "twice, the second time mirrored"
    precise = PRECISIONS.get(chosen.precision, chosen.precision)
    return f"Every picture goes through the frozen network {looks}, in {precise}"


def _computed(chosen: EngineChosen) -> str:
    precise = PRECISIONS.get(chosen.precision, chosen.precision)
    if chosen.cache == "kept":
        return (
            f"Frozen blocks are computed once for {versions(chosen.views)} of every picture, in "
            f"{precise}, and kept ({storage(chosen.cache_mb)})"
        )
    if chosen.cache == "off":
        return f"Frozen blocks are computed anew every epoch, in {precise}"
    precise = PRECISIONS.get(chosen.train_precision, chosen.train_precision)
    return f"Every picture goes through the whole network every epoch, in {precise}"


def progress(view: RunView, row: RunRow, held_by: RunRow | None = None) -> str:
    """Where the run is, in one line; ``held_by`` is a run whose question it waits for."""
    if row.state == "queued" and held_by is not None:
        return gate.held(held_by.name)
    if row.state == "queued":
        return f"Waiting for its turn: number {row.place or 1} in the queue"
    if row.state == "stopping":
        return STOPPING
    if view.paused:
        return PAUSED
    if view.gate is not None:
        return gate.WAITING
    if view.stage is not None:
        part = f": {view.stage.done:,} of {view.stage.total:,}" if view.stage.total else ""
        return f"{view.stage.stage}{part}"
    if view.started is None:
        return "Starting"
    if view.is_probe:
        return _solving(view)
    step = view.step
    if step is None or step.epoch <= len(view.history):
        epoch, within = min(len(view.history) + 1, view.started.epochs), ""
    else:
        epoch, within = step.epoch, f", step {step.step} of {step.steps}"
    where = f"Epoch {epoch} of {view.started.epochs}{within}{_left(view)}"
    if view.plan is None:
        return where
    most = "up to " if view.may_end_sooner else ""
    return f"Stage {view.stage_at + 1} of {most}{len(view.plan.layers)}: {where}"


def _solving(view: RunView) -> str:
    if view.history:
        return "Solved; the result is being judged"
    if not view.strengths:
        return f"Preparing the answer{_left(view)}"
    last = view.strengths[-1]
    return f"Trying strengths: {last.done} of {last.total}{_left(view)}"


def left(view: RunView) -> str:
    """The time that is left, for all stages that may come; "" when it is not known."""
    if view.eta_s is None:
        return ""
    return f"{'up to ' if view.may_end_sooner else ''}about {duration(view.eta_s)} left"


def _left(view: RunView) -> str:
    words = left(view)
    return f" · {words}" if words else ""


def _strength(one: StrengthTried) -> str:
    return rate(float(f"{one.strength:.1e}"))


def strength_value(view: RunView) -> str:
    """The best strength, for the big number."""
    return _strength(view.strength) if view.strength else NONE_YET


def strength_words(view: RunView) -> str:
    """How good the best strength is on training pictures that were left out."""
    if view.strength is None:
        return NO_STRENGTH if view.history else NO_STRENGTH_YET
    return f"{percent(view.strength.accuracy)} right, cross-validated"


def strengths_sentence(view: RunView, *, walks: int) -> str:
    """The chart of strengths in words; ``walks`` is the number of its lines."""
    best = view.strength
    if best is None:
        return ""
    tried = plural(len({one.strength for one in view.strengths}), "strength")
    lines = f", each line with another mix of what the blocks see: {walks} mixes" * (walks > 1)
    return (
        f"{tried} tried{lines}. At {_strength(best)} the loss is lowest, {best.loss:.3f}, with "
        f"{percent(best.accuracy)} of the training pictures that were left out answered rightly."
    )


def solved(view: RunView) -> str:
    """How a probe ended, in one sentence."""
    if view.finished is not None and view.finished.reason == "stopped":
        return "You stopped it; the answer found up to then is kept."
    if not view.strengths:
        return "Solved. The network is unchanged."
    n_tried = len({one.strength for one in view.strengths})
    return f"Solved: the best of {plural(n_tried, 'strength')} is kept. The network is unchanged."


def val_words(row: EpochDone) -> str:
    """The validation accuracy of an epoch in pictures, with its interval."""
    right = round(row.val_acc * row.n_val)
    return f"{right_of(right, row.n_val)}; likely {interval(wilson(right, row.n_val))}"


def fit_words(row: EpochDone) -> str:
    """The accuracy on training pictures in pictures."""
    return f"{right_of(round(row.fit_acc * row.n_fit), row.n_fit)}"


def time_words(view: RunView) -> str:
    """Epochs done."""
    if view.is_probe:
        return SOLVING_WORDS
    planned = view.started.epochs if view.started else 0
    return f"{len(view.history)} of {plural(planned, 'epoch')}"


def time_value(view: RunView) -> str:
    """Time spent."""
    return clock(view.elapsed_s)


def ended(finished: RunFinished, planned: int) -> str:
    """How a run ended, in one sentence."""
    kept = f"Epoch {finished.best_epoch} was the best and is kept."
    return {
        "completed": f"All {plural(finished.epochs, 'epoch')} done. {kept}",
        "early_stop": f"It ended by itself after epoch {finished.epochs} of {planned}, "
        f"because it got no better. {kept}",
        "stopped": f"You stopped it after {plural(finished.epochs, 'epoch')} of {planned}. {kept}",
        "diverged": f"The training broke down after epoch {finished.epochs}. {kept}",
    }.get(finished.reason, kept)


def interrupted(view: RunView) -> str:
    """What happened to a run whose process is gone."""
    done = len(view.history)
    if view.is_probe and not done:
        return "It was interrupted before it was solved. Resuming begins it anew."
    if done == 0:
        return "It was interrupted before its first epoch was over. Resuming begins it anew."
    return f"It was interrupted after epoch {done}. Nothing up to there is lost."


def failed_where(view: RunView) -> str:
    """How far a failed run came."""
    done = len(view.history)
    if view.is_probe:
        return "It ended while the result was judged." if done else "It ended before it was solved."
    return f"It ended after epoch {done}." if done else "It ended before its first epoch was over."


def since(epoch: int) -> str:
    """Since when a finding holds."""
    return f"since epoch {epoch}"
