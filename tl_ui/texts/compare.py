"""What the Compare page says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any

from tl_core.config import PROBES, parse_layers
from tl_core.jobs.comparing import Comparison, Disagreement, RunFacts
from tl_core.jobs.differing import NOT_USED
from tl_core.jobs.repeating import Repeatable
from tl_core.jobs.versions import Since
from tl_ui.text import duration, plural
from tl_ui.texts import curation, findings, layers
from tl_ui.texts.numbers import interval, percent, rate, storage

# -- the list of runs ------------------------------------------------------------------------------

RUNS = "Runs with a result"
SEARCH = "Search"
SEARCH_HELP = "Words in the name, the tags or the note of a run."
TAGS, NETWORKS, LAYERS = "Tags", "Networks", "What learned"
NONE_FIT = "No run fits. Take a filter away."
ONE_ONLY = "Comparing takes two runs, and there is one."
ONE_ONLY_HINT = "Train another, with other blocks or another rate; both answer the same pictures."
TRAIN_ANOTHER = "Choose other settings"
MARK, NAME, WHEN, NETWORK, BLOCKS = "mark", "name", "when", "network", "blocks"
COLUMNS = {
    MARK: ("", "Its letter, when it is compared below."),
    NAME: ("Run", None),
    "right": ("Right", "Share of the pictures chosen above that were answered rightly."),
    "likely": ("likely", "Where the true share lies (95 %)."),
    "time": ("Seconds", "From start to end, without pauses."),
    "size": ("MB", "Of the network that was kept."),
    NETWORK: ("Network", None),
    BLOCKS: ("What learned", None),
    "pictures": ("Pictures", "In all three parts."),
    "state": ("State of the set", "Whether the pictures are still those it was trained on."),
    WHEN: ("When", None),
    "tags": ("Tags", None),
    "note": ("Note", None),
}
AS_NOW, ELSEWHERE, UNDONE = "as now", "another set", "since undone"

CHOOSE = "Runs to compare"
CHOOSE_HELP = "Two to six. The list above shows what there is."
SPLIT = "Judged on"
SPLITS = {"val": "Validation pictures", "test": "Test pictures"}
AGAINST = "Held against"
AGAINST_HELP = (
    "The run that all others are compared with. The best on validation looks a little better than "
    "it is, so the others have to show more against it."
)
BEST = "The best on validation"
TOO_FEW = "Choose two runs or more."
VAL_WORDS = "Choose by validation: it can be looked at as often as you like."
VAL_ONLY = (
    "Judged on validation pictures, because no run has test pictures. The winner's number is a "
    "little too good."
)
TEST_WORDS = (
    "The test pictures are for the last word. Choose by validation, then quote the test once, of "
    "the run you chose."
)

# -- the verdicts ----------------------------------------------------------------------------------

VERDICTS = "Which is better?"
GAP_AXIS = "points more often right than {mark}"
CLASSES_DIFFER = "has other classes: a question with more classes is a harder one."
TIME_AXIS, SIZE_AXIS = "Seconds to train", "Size in MB"
CURVES = "How they learned"
SOLVED_LINE = "A dotted line is a head that was solved at once and has no epochs."
NO_CURVES = "These runs have kept no history."
EPOCH, ACCURACY = "Epoch", "Accuracy"
CURVE_TITLES = {
    "val_loss": ("Validation loss", "lower is better"),
    "val_acc": ("Validation accuracy", "higher is better"),
}
COSTS = "What each costs"
COST = "Cost"
COST_NAMES = {"seconds": "Time", "megabytes": "Size"}
UNBEATEN = "nothing is better for less"
DIFFER = "What differs"
NOTHING_DIFFERS = "Settings and pictures are the same; only chance is left, such as the seed."
SAME_PICTURES = "The pictures are the same in all of them."
SETTING = "setting"
OTHER_STATES = "Runs of another state of the set answered other pictures, easier or harder ones."
UNUSED = "–"
TRANSFER = "Does transfer help?"
TRANSFER_HINT = (
    "One run from scratch with settings as they were is a weak control. The control on the "
    "Evaluate page tunes it first, and repeats both on the same folds."
)
TRANSFER_GO = "To the control"

# -- where they disagree ---------------------------------------------------------------------------

DISAGREE = "Where they disagree"
PAIR = "Runs"
NO_DISAGREEMENT = "They give the same answer to every picture."
SHOWN = 12
MORE = "Show more"
KINDS = ("first", "second", "none")

# -- one run ---------------------------------------------------------------------------------------

ONE = "One run"
ONE_HELP = "Name it, run it again, or change its settings."
DESCRIBE = "Name, tags, note"
NEW_NAME, NEW_TAGS, NEW_NOTE = "Name", "Tags", "Note"
NEW_TAGS_HELP = "Write a word and press Enter."
KEEP, KEPT = "Keep", "Kept."
AGAIN = "Run it again"
BRANCH = "Change its settings"
BRANCH_HELP = "Takes its settings over as your own and goes to the Layers page."
JUDGE = "Evaluate it"
SAME = (
    "The same settings and seed on the same pictures. On this machine that gives the same result, "
    "or nearly: which precision computes it fastest is measured anew."
)
AS_THEN = "With its own pictures"
AS_NOW_GO = "With the pictures as they are now"
START = "Start"
BY_HAND = "You ended this run by hand; another one goes on to its planned end."
UNKNOWN_PICTURES = (
    "Which pictures this run had is not known any more, so it can only be run with those of now."
)
LETTERS = "ABCDEF"


def blocks(choice: str) -> str:
    """A choice of layers as the Layers page calls it: "Last 2 blocks"."""
    kind, numbers = parse_layers(choice)
    if kind in PROBES:
        return layers.PROBES[kind]
    if kind == "last" and numbers[0] > 1:
        return f"Last {numbers[0]} blocks"
    if kind == "first" and numbers[0] > 1:
        return f"First {numbers[0]} blocks"
    if kind == "custom":
        return f"{layers.PRESETS['custom']}: {', '.join(str(one + 1) for one in numbers)}"
    return layers.PRESETS[kind]


def when(at: float, zone: tzinfo | None) -> datetime:
    """When a run was started, as the table wants it."""
    return datetime.fromtimestamp(at, zone).replace(microsecond=0)


def state(number: int | None, here: int) -> str:
    """The state of the set that a run was trained on, seen from now."""
    if number is None or number < 0:
        return ELSEWHERE
    if number == here:
        return AS_NOW
    return UNDONE if number > here else f"{plural(here - number, 'change')} ago"


def accuracy(one: RunFacts, split: str) -> str:
    """The big number of a run."""
    known = one.accuracy.get(split)
    return "–" if known is None else percent(known[0])


def likely(one: RunFacts, split: str) -> str:
    """Where it lies."""
    known = one.accuracy.get(split)
    return "not judged on these" if known is None else f"likely {interval(known[1:])}"


def costs(one: RunFacts) -> str:
    """Time and size of a run."""
    return f"{duration(one.seconds)} · {storage(one.megabytes)}"


def best(mark: str) -> str:
    """The reference when the user has chosen none."""
    return f"{BEST} ({mark})" if mark else BEST


def tested(found: Comparison) -> str:
    """The warning of many looks at the test pictures."""
    return (
        f"{found.tested} runs of this project were compared on the test pictures. The winner of "
        "many looks better than it is: choose by validation, quote the test once."
    )


def corrected(found: Comparison) -> str:
    """For how many comparisons the verdicts are corrected."""
    if found.tests < 2:
        return ""
    why = (
        " (every pair, because the run they are held against was picked by these very pictures)"
        if found.by_itself and found.split == "val"
        else ""
    )
    return f"Corrected for {found.tests} comparisons{why}."


def missing(marks: Sequence[str], split: str) -> str:
    """Runs that cannot be compared on this part."""
    return (
        f"{', '.join(marks)} cannot be compared here: no answer to every one of the "
        f"{SPLITS[split].lower()} was kept, because there are none or the run is of an earlier "
        "Thaw. Run it again to compare it."
    )


def unbeaten(words: Iterable[str]) -> str:
    """The runs that nothing beats, in a sentence."""
    return (
        f"Nothing is better for less than {', '.join(words)}. Where intervals overlap, the "
        "verdicts above say more than the order of the points."
    )


def cost(one: RunFacts, kind: str) -> str:
    """A cost in words."""
    return duration(one.seconds) if kind == "seconds" else storage(one.megabytes)


# -- what differs ----------------------------------------------------------------------------------

MORE_NAMES = {
    "model.weights_file": "Your weights file",
    "model.channels": "Channels of the pictures",
    "freeze.stages": "Opened in stages",
    "train.block_rates": "Rates set by hand",
}
WEIGHTS = {"pretrained": "pretrained", "random": "random", "file": "your own file"}
STAGES = {
    "off": "all at once",
    "ask": "asking before each",
    "auto": "while it helps",
    "gradual": "all the way",
}


def setting(path: str) -> str:
    """A setting as the Layers page calls it."""
    return findings.NAMES.get(path) or MORE_NAMES.get(path, path)


def value(path: str, found: Any, titles: Mapping[str, str]) -> str:
    """Its value in a run.

    Args:
        path: The setting.
        found: The value, or ``NOT_USED``.
        titles: Names of networks to what they are called.
    """
    if found is NOT_USED:
        return UNUSED
    if path == "freeze.layers":
        return blocks(str(found))
    if path == "freeze.stages":
        return STAGES.get(str(found), str(found))
    if path == "model.name":
        return titles.get(str(found), str(found))
    if path == "model.weights":
        return WEIGHTS.get(str(found), str(found))
    if path == "model.weights_file":
        return str(found)[:8]
    if path == "train.schedule":
        return layers.SCHEDULE_NAMES.get(str(found), str(found))
    if path == "train.resize":
        return layers.RESIZE_NAMES.get(str(found), str(found))
    if path == "train.lr" and found is not None:
        return rate(float(found))
    if found is None or found == "":
        return findings.value_words(path, found) if path == "train.views" else UNUSED
    return findings.value_words(path, found)


def pictures_changed(found: Since | None) -> str:
    """How the pictures of a run differ from those of the reference; "" where they do not."""
    if found is None:
        return "it is not known how they differ"
    if found.replaced:
        return "another set altogether"
    told = [
        f"{n:,} {words}"
        for n, words in (
            (found.moved, "in another class"),
            (found.left_out, "not in it"),
            (found.added, "more"),
            (found.parted, "in another part of the split"),
        )
        if n
    ]
    return ", ".join(told)


def other_pictures(marks: Sequence[str], reference: str, changed: str) -> str:
    """Runs whose pictures are not those of the reference."""
    *some, last = marks
    names = f"{', '.join(some)} and {last}" if some else last
    return f"{names} {'have' if some else 'has'} other pictures than {reference}: {changed}."


# -- where they disagree ---------------------------------------------------------------------------


def kind(which: str, first: str, second: str, n: int) -> str:
    """A group of pictures that two runs answered differently."""
    return {
        "first": f"Only {first} right: {n}",
        "second": f"Only {second} right: {n}",
        "none": f"Both wrong: {n}",
    }[which]


def answers(one: Disagreement, first: str, second: str) -> str:
    """Two answers below a picture, and what it is."""
    return (
        f"is {one.image.label}\n{first}: {one.first}, {percent(one.first_sure)}\n"
        f"{second}: {one.second}, {percent(one.second_sure)}"
    )


# -- one run ---------------------------------------------------------------------------------------


def again(found: Repeatable) -> list[str]:
    """What is the same when a run is run again, and what is not."""
    told = []
    if found.since is None:
        told.append(UNKNOWN_PICTURES)
    elif found.since:
        told.append(
            f"The pictures have changed since this run ({curation.changes(found.since)}). With its "
            "own pictures the result is the same, or nearly; with those of now it is another one."
        )
    else:
        told.append(SAME)
    if found.anew:
        told.append(f"It went on from an earlier run, and cannot again: {found.anew}")
    if found.by_hand:
        told.append(BY_HAND)
    return told
