"""What the kernel distance to the source says, on a scale that can be read. Standard library only.

0 is other pictures of the source, 100 pictures of it with every pixel shuffled, in which nothing
can be recognised. Between them stand parts of the source and changed pictures of it, measured for
each network by ``tools/source_features.py``, so no limit is set by hand.
"""

from __future__ import annotations

from tl_core.advise.advice import Candidate, Rung, SourceDistance

__all__ = ["ladder", "no_farther", "of_hundred", "scale"]

NEAR = (
    "In what the network makes of them in the end, your pictures are no farther from those it "
    "learned from than its own pictures of only {kinds} are."
)
FARTHER = (
    "In what the network makes of them in the end, your pictures are farther from those it learned "
    "from than its own pictures of only {kinds} are{besides}."
)
SCALE = (
    "On a scale from 0 (others of its own pictures) to 100 (its own with every pixel shuffled) "
    "yours are at {at} (likely {low} to {high}), those of {kinds} at {from_} to {to}."
)
ABOUT = " and about as far as {what} ({at})"
NEARER = ", but nearer than {what} ({at})"
BEYOND = " and farther than {what} ({at})"
CHANGED = {
    "grey": "its own pictures in grey",
    "blurred": "its own pictures strongly blurred",
    "shuffled": "its own pictures with every pixel shuffled",
}
NOT_COMPARED = "Your pictures as a whole cannot be compared with those it learned from"
ABSENT = {
    "unshipped": f"{NOT_COMPARED}: Thaw knows what a network sees in those only for the weights "
    "that come with Thaw.",
    "channels": f"{NOT_COMPARED}: those have three colour channels.",
    "size": f"{NOT_COMPARED} at this picture size.",
    "few": f"{NOT_COMPARED}: they form too few groups that are independent of each other.",
    "damaged": f"{NOT_COMPARED}: Thaw's file for that is missing or belongs to other weights. "
    "Fetch Thaw again, or restore its assets folder.",
}


def scale(candidate: Candidate) -> str:
    """Where the pictures lie, in a sentence or two, or why that is not known; "" for results from
    before this was measured.
    """
    kid = candidate.kid
    if kid is None:
        return ABSENT.get(candidate.no_kid, "")
    part = _rung(kid, "kinds")
    kinds = _classes(part)
    verdict = NEAR if no_farther(kid) else FARTHER
    where = SCALE.format(
        at=of_hundred(kid, kid.value),
        low=of_hundred(kid, kid.low),
        high=of_hundred(kid, kid.high),
        kinds=kinds,
        from_=of_hundred(kid, part.low),
        to=of_hundred(kid, part.high),
    )
    return f"{verdict.format(kinds=kinds, besides=_besides(kid))} {where}"


def no_farther(kid: SourceDistance) -> bool:
    """Whether the pictures may be as near as parts of the source with about as many classes."""
    return kid.low <= _rung(kid, "kinds").high


def ladder(kid: SourceDistance) -> list[tuple[str, str]]:
    """What lies on the scale, near to far: places of 100, and what lies there ("" = the user's)."""
    known = [(one.value, _named(one)) for one in kid.rungs]
    steps = sorted([*known, (kid.value, "")])
    return [(of_hundred(kid, value), what) for value, what in steps]


def of_hundred(kid: SourceDistance, value: float) -> str:
    """A kernel distance as a place on the scale; what is below zero by chance is 0."""
    at = max(0.0, 100 * value / _rung(kid, "shuffled").value)
    return f"{at:.1f}" if 0.05 <= at < 9.95 else f"{at:.0f}"


# -- inside ----------------------------------------------------------------------------------------


def _besides(kid: SourceDistance) -> str:
    """Of the changed pictures the one that says most: level with, else the next farther one."""
    changed = sorted((one for one in kid.rungs if one.what in CHANGED), key=lambda one: one.value)
    level = [one for one in changed if kid.low <= one.value <= kid.high]
    beyond = [one for one in changed if one.value > kid.high]
    sentence, one = (
        (ABOUT, level[0]) if level else (NEARER, beyond[0]) if beyond else (BEYOND, changed[-1])
    )
    return sentence.format(what=CHANGED[one.what], at=of_hundred(kid, one.value))


def _rung(kid: SourceDistance, what: str) -> Rung:
    return next(one for one in kid.rungs if one.what == what)


def _named(rung: Rung) -> str:
    if rung.what == "same":
        return "others of its own pictures"
    if rung.what == "kinds":
        return f"its own pictures of only {_classes(rung)}"
    return CHANGED[rung.what]


def _classes(rung: Rung) -> str:
    return "one class" if rung.kinds == 1 else f"{rung.kinds} classes"
