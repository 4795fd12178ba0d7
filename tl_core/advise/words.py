"""What a measurement of networks says, in plain sentences. Standard library only."""

from __future__ import annotations

from tl_core.advise.advice import Advice, Candidate
from tl_core.advise.scale import scale
from tl_core.advise.source import early, late, told
from tl_core.evaluate.words import percent

__all__ = ["behind", "control", "distance", "distances", "speed", "unmeasured", "verdict"]

LOOKS = (
    "Your pictures look different from those it learned from, in light, contrast or sharpness: the "
    "early blocks, which see nothing else, differ by {early:.2f} (0.10 and less is usual)."
)
THINGS = (
    "Your pictures look like those it learned from in light and sharpness, but may show other "
    "things, or fewer kinds of things: the last block differs by {late:.2f} (0.12 and less is "
    "usual)."
)
NEAR = (
    "Your pictures are close to those it learned from, in how they look ({early:.2f}; 0.10 and "
    "less is usual) and in what they show ({late:.2f}; 0.12 and less is usual)."
)
UNKNOWN = (
    "The early blocks differ by {early:.2f} from what they learned on, the last one by {late:.2f}. "
    "Thaw has not measured which of that is much for this network."
)
SILENT = (
    "This network keeps no statistics of what it learned from, so what its blocks see cannot be "
    "compared."
)
NO_REASON = "The order of the networks does not depend on this."


def verdict(advice: Advice) -> str:
    """Which network comes first and why, in a sentence or two."""
    ranked = advice.ranked
    first = ranked[0]
    level = [one for one in ranked if one.group == first.group]
    if advice.because == "alone":
        return _alone(advice, first)
    if advice.because == "better":
        second = ranked[1]
        return (
            f"{first.title} is the best of the {len(ranked)} networks on your pictures"
            + (f": {_points(second.behind.value)} ahead of {second.title}" if second.behind else "")
            + (f" (likely {_span(second)})." if second.behind else ".")
        )
    names = _listed([one.title for one in level])
    reason = {
        "likelier": f"{first.title} comes first because it got most of them right, which may be "
        "chance: more pictures could change that.",
        "faster": f"{first.title} comes first: none that is about as often right is as fast "
        f"({speed(first)}).",
        "evidence": f"{first.title} comes first: none that is about as often right is clearly "
        "faster, and what it sees explains your labels best.",
    }[advice.because]
    return f"{names} cannot be told apart on your {advice.pictures:,} pictures. {reason}"


def behind(advice: Advice, candidate: Candidate) -> str:
    """How a network compares with the most accurate one; "" for that one."""
    if candidate.behind is None:
        return ""
    leader = next(one for one in advice.ranked if one.behind is None)
    points = f"{_points(candidate.behind.value)} behind {leader.title} (likely {_span(candidate)})"
    if candidate.group == leader.group:
        return f"{points}: cannot be told apart."
    return f"{points}."


def control(advice: Advice) -> str:
    """What the random network says about the first one; "" when none was measured."""
    random = advice.control
    if random is None or random.scores is None or random.behind is None:
        return ""
    first = advice.ranked[0]
    gain = random.behind
    same = (random.name, random.cost and random.cost.image_size) == (
        first.name,
        first.cost and first.cost.image_size,
    )
    what = "the same kind of network" if same else f"a network of the kind of {random.title}"
    share = percent(random.scores.accuracy.value)
    if gain.low > 0:
        return (
            f"What {first.title} has learned is worth {_points(gain.value)} here: {what} with "
            f"random weights gets {share}."
        )
    if gain.high < 0:
        return (
            f"What {first.title} has learned does not help here: {what} with random weights gets "
            f"{share}."
        )
    return (
        f"{what[0].upper()}{what[1:]} with random weights gets {share}, which cannot be told "
        f"apart: nothing shows yet that what {first.title} has learned helps here."
    )


def distance(candidate: Candidate) -> str:
    """How far the pictures are from what a network learned from; explains, ranks nothing."""
    return " ".join(distances(candidate))


def distances(candidate: Candidate) -> list[str]:
    """The same in parts: by blocks, as a whole, and that it ranks nothing."""
    kind = told(candidate)
    sentences = {"looks": LOOKS, "things": THINGS, "near": NEAR, "unknown": UNKNOWN}
    said = SILENT
    if kind != "silent":
        blocks = candidate.distance
        said = sentences[kind].format(early=early(blocks), late=late(blocks))
    return [one for one in (said, scale(candidate), NO_REASON) if one]


def speed(candidate: Candidate) -> str:
    """How long a picture takes on this machine."""
    assert candidate.cost is not None
    ms = candidate.cost.ms
    return f"{ms:.0f} ms a picture" if ms >= 9.5 else f"{ms:.2g} ms a picture"


def unmeasured(candidate: Candidate) -> str:
    """Why a network has no scores, and what to do."""
    return f"{candidate.title}: {candidate.reason} {candidate.hint}".strip()


def _alone(advice: Advice, first: Candidate) -> str:
    assert first.scores is not None
    accuracy = first.scores.accuracy
    if accuracy.low > advice.majority:
        worth = "tells your classes apart"
    elif accuracy.high < advice.majority:
        worth = "does worse than guessing on your pictures"
    else:
        worth = "is not shown to be better than guessing on your pictures"
    return (
        f"{first.title} {worth}: {percent(accuracy.value)} right, where always guessing the "
        f"largest class gives {percent(advice.majority)}. No other network was measured."
    )


def _points(share: float) -> str:
    points = 100 * share
    return "1.0 point" if round(points, 1) == 1.0 else f"{points:.1f} points"


def _span(candidate: Candidate) -> str:
    assert candidate.behind is not None
    return f"{100 * candidate.behind.low:.1f} to {100 * candidate.behind.high:.1f}"


def _listed(names: list[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}"
