"""What the Mistakes view says: choosing pictures, the map, mending them and training again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tl_core.jobs.maps import Map
from tl_core.jobs.mending import Mended
from tl_ui.text import plural
from tl_ui.texts import curation
from tl_ui.texts.numbers import percent

WAY = "Choose pictures by"
WAYS = {"cell": "What is taken for what", "sure": "Sure and wrong", "map": "Map"}
SHOWN = "Pictures chosen"
NO_PICTURES = "No picture is chosen yet."
NO_MISTAKES = "There is none: every picture was answered rightly."
GONE = "They are not in the set any more."
HINT = (
    "A wrong label? Select it and move it to its class. A picture that cannot be told? Leave it "
    "out. Both can be undone."
)
ANSWERED = "Answered"

MAP = "Map of the pictures"
MAP_HINT = "Pictures the network takes for alike lie close together."
DRAW = "Draw the map"
DRAW_HINT = (
    "It looks at every picture once: seconds for some hundreds, a minute for some thousands."
)
AGAIN = "Try again"
LASSO = (
    "Draw a line around points to see their pictures below; scroll to zoom. Those with a ring "
    "were answered wrongly."
)
COLOUR = "Colour by"
COLOURS = {"class": "Class", "part": "Part"}
STRANGE_HELP = (
    "At most 2 of its 10 most alike pictures have its class, and most have one other: a wrong "
    "label, or a picture that looks like another class."
)
WRONG = "answered wrongly"
SMALL_ISLES = (
    "Near means alike. Far apart, the size of islands and the gaps between them mean little."
)

TRAIN = "Then train again"
BEGIN = (
    "Mend pictures above; then train again here and see whether it helped, on pictures that "
    "neither run has learned from."
)
GO = "Train again"
GO_ON = "It goes on from the weights of this run, with its settings."
SOLVED = "Its head is solved anew with the settings of this run: a matter of seconds."
OLD, NEW = "this run", "the new run"
RUNNING = "The new run is at work."
WATCH = "Watch it"
FAILED = "The new run ended without a result."
OPEN = "Look at the new run"
CLOSELY = "Compare closely"
SAME_SET = "The new run was trained on the set as it is now."
ON_VALIDATION = "On validation pictures, so that the test pictures stay unused:"


def from_start(obstacle: str) -> str:
    """Why the new run begins anew."""
    return f"It begins anew with the settings of this run. {obstacle}"


def changed(found: Mended) -> str:
    """What was mended since the run."""
    assert found.since is not None
    return f"Since this run: {curation.changes(found.since)}."


def judging(n: int) -> str:
    """That the pictures mended are those that judge."""
    if n == 1:
        return (
            "1 of them is a picture the run was judged by. A score on pictures mended because "
            "they were answered wrongly is a little too kind; the comparison leaves it out."
        )
    return (
        f"{n:,} of them are pictures the run was judged by. A score on pictures mended because "
        "they were answered wrongly is a little too kind; the comparison leaves them out."
    )


def since_new(found: Mended) -> str:
    """What was mended since the newest run."""
    assert found.newer is not None
    return f"Since the new run: {curation.changes(found.newer)}. Open it to go on from there."


def chosen(n: int, shown: int) -> str:
    """How many pictures are below."""
    if shown < n:
        return f"{shown:,} of {plural(n, 'picture')} are shown"
    return plural(n, "picture")


def select_all(n: int) -> str:
    """The button that selects all of them."""
    return "Select it" if n == 1 else f"Select all {n:,}"


def strange(n: int) -> str:
    """The button that shows pictures among another class."""
    if n == 1:
        return "Show the one that lies among another class"
    return f"Show the {n:,} that lie among another class"


def among(name: str) -> str:
    """Below a picture that stands among another class."""
    return f"among {name}"


def told(found: Map) -> str:
    """How far the map can be believed."""
    part = "" if len(found.points) == found.of else f"{len(found.points):,} of {found.of:,} shown. "
    return (
        f"{part}Of the ten nearest on the map, {10 * found.kept:.1f} are really among the ten "
        f"most alike ({10 * found.chance:.2g} by chance). {SMALL_ISLES}"
    )


def alt(found: Map, wrong: int, strangers: int) -> str:
    """The map in a sentence, for those who hear it."""
    return (
        f"Map of {plural(len(found.points), 'picture')}: {wrong:,} answered wrongly, "
        f"{strangers:,} among another class. The lists above choose pictures without it."
    )


def caption(answer: Mapping[str, Any]) -> str:
    """Below a picture: what it was answered."""
    return f"said {answer['answer']}, {percent(answer['confidence'])}"
