"""What cross-validation says of a run: plain values and sentences, read without numpy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from tl_core.check.honesty import Share

__all__ = ["FOLDS", "ClassCrossed", "Crossing", "crossing_from_dict", "crossing_sentences"]

FOLDS = 5  # each network learns from 80 of 100 pictures, about as many as a run does
NEAR = 0.05  # of the pictures a run learned from; a difference below it is not worth a word
Verdict = Literal["lucky", "unlucky", "fair"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassCrossed:
    """One class over all folds: ``right`` of ``pictures`` were found, a mean over the repeats."""

    name: str
    pictures: int
    right: float
    found: Share


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossing:
    """A run's settings, judged on every training and validation picture.

    ``pictures`` were answered, which form ``groups`` (each picture that stands alone is one);
    ``always`` belong to classes of a single group and only taught. ``values`` are the accuracies of
    the folds, repeat after repeat; ``learned`` is how many pictures a fold's network was trained on
    and ``run_learned`` how many the run's. ``one`` is what the run's own validation part of
    ``one_n`` pictures said, ``chose`` whether that part chose the run's epoch too. ``staged`` says
    that the run opened its blocks in stages and the folds at once; ``unknown`` pictures are not in
    the set any more, so that only their looks tell what they belong to; ``diverged`` folds gave no
    network.
    """

    pictures: int
    groups: int
    always: int
    folds: int
    repeats: int
    learned: int
    run_learned: int
    accuracy: Share
    balanced: Share
    majority: float
    classes: tuple[ClassCrossed, ...]
    values: tuple[float, ...]
    one: float
    one_n: int
    chose: bool
    staged: bool = False
    unknown: int = 0
    diverged: int = 0

    @property
    def verdict(self) -> Verdict:
        """Whether the run's own number lies above, below or within the interval of the folds."""
        if self.one > self.accuracy.high:
            return "lucky"
        return "unlucky" if self.one < self.accuracy.low else "fair"

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def crossing_from_dict(body: Mapping[str, Any]) -> Crossing:
    """What ``to_dict`` told; keys that this version does not know are ignored."""
    known = {name: body[name] for name in Crossing.__dataclass_fields__ if name in body}
    return Crossing(
        **{
            **known,
            "accuracy": Share(**body["accuracy"]),
            "balanced": Share(**body["balanced"]),
            "classes": tuple(
                ClassCrossed(**{**one, "found": Share(**one["found"])}) for one in body["classes"]
            ),
            "values": tuple(body["values"]),
        }
    )


def crossing_sentences(found: Crossing) -> list[str]:
    """What was found, then what it says of the run's own number, and what bears on both."""
    low, high = _whole(found.accuracy.low), _whole(found.accuracy.high)
    times = "" if found.repeats == 1 else f", {found.repeats} times over"
    said = [
        f"About {_whole(found.accuracy.value)} of 100 are right ({low} to {high}): each of "
        f"{found.pictures:,} pictures was answered by one of {found.folds} networks that had not "
        f"seen it{times}.",
        _of_the_one(found),
        f"The parts by themselves say from {_percent(min(found.values))} to "
        f"{_percent(max(found.values))}: so much depends on which pictures happen to judge.",
    ]
    if found.accuracy.low <= found.majority:
        said.append(
            f"Always answering the most frequent class would be right {_percent(found.majority)}: "
            "from these pictures one cannot tell that it does better than that."
        )
    if abs(found.learned - found.run_learned) > NEAR * found.run_learned:
        fewer = found.learned < found.run_learned
        said.append(
            f"Each network learned from about {found.learned:,} pictures and the run from "
            f"{found.run_learned:,}, so the run itself is rather a little "
            f"{'better' if fewer else 'worse'} than this."
        )
    return [*said, *_cautions(found)]


def _of_the_one(found: Crossing) -> str:
    one = f"The run's own {found.one_n:,} validation pictures said {_percent(found.one)}"
    also = ", and they also chose its epoch" if found.chose else ""
    if found.verdict == "lucky":
        return f"{one}{also}: they were lucky. Go by the lower number."
    if found.verdict == "unlucky":
        return f"{one}: they were unlucky, it is rather better than that."
    return f"{one}, which fits: that part was a fair sample."


def _cautions(found: Crossing) -> Sequence[str]:
    said = []
    if found.staged:
        said.append(
            "The run opened its blocks one after the other; here the same blocks were opened at "
            "once, because nobody can answer at the gates of every part."
        )
    if found.unknown:
        is_are = "picture is" if found.unknown == 1 else "pictures are"
        said.append(
            f"{found.unknown:,} {is_are} not in the set any more, so groups they belonged to are "
            "not known; only copies of each other were kept on one side."
        )
    if found.diverged:
        part = "part" if found.diverged == 1 else "parts"
        said.append(f"In {found.diverged} {part} the training diverged; it counts as all wrong.")
    return said


def _whole(share: float) -> str:
    return f"{100 * share:.0f}"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
