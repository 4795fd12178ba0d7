"""Words of the shell and of every page's head; a page's own sentences are in ``tl_ui/texts``.

Light on purpose: ``studio.py`` imports it before anything else.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

__all__ = [
    "APP",
    "HOME",
    "LOGO",
    "MARK",
    "PAGES",
    "STATES",
    "STEPS",
    "PageText",
    "duration",
    "esc_md",
    "plural",
    "step_text",
]

APP = "Thaw"
ROOT = Path(__file__).parents[1]
MARK = str(ROOT / "assets" / "thaw-mark.svg")
LOGO = str(ROOT / "assets" / "thaw-logo.svg")


@dataclass(frozen=True, slots=True, kw_only=True)
class PageText:
    """The head of one page. ``missing`` says what is not done, ``do`` is the link that does it."""

    key: str
    title: str
    purpose: str
    icon: str
    missing: str = ""
    do: str = ""

    @property
    def path(self) -> str:
        """The page script, as Streamlit names it."""
        return f"pages/{self.key}.py"


HOME = PageText(
    key="home",
    title="Home",
    purpose="Teach a pretrained network your own pictures, on this machine, without code.",
    icon=":material/home:",
)
STEPS = (
    PageText(
        key="data",
        title="Data",
        purpose="Bring labelled pictures, see what was taken in, and decide the split.",
        icon=":material/photo_library:",
        missing="There are no pictures to train on yet.",
        do="Bring pictures",
    ),
    PageText(
        key="model",
        title="Model",
        purpose="Choose the pretrained network to start from.",
        icon=":material/account_tree:",
        missing="No network has been chosen yet.",
        do="Choose a network",
    ),
    PageText(
        key="layers",
        title="Layers",
        purpose="Choose which blocks to unfreeze and how fast they learn.",
        icon=":material/layers:",
        missing="It has not been decided yet which blocks train.",
        do="Choose the blocks",
    ),
    PageText(
        key="train",
        title="Train",
        purpose="Start, watch it learn, and stop when it is good.",
        icon=":material/model_training:",
        missing="No training run has finished yet.",
        do="Train",
    ),
    PageText(
        key="evaluate",
        title="Evaluate",
        purpose="See how good it is on pictures it has never seen.",
        icon=":material/fact_check:",
        missing="No result has been judged yet.",
        do="See the result",
    ),
    PageText(
        key="compare",
        title="Compare",
        purpose="Hold runs against each other on the same pictures, and choose one.",
        icon=":material/balance:",
        missing="No runs have been compared yet.",
        do="Compare runs",
    ),
    PageText(
        key="predict",
        title="Predict",
        purpose="Try it on a photo of your own.",
        icon=":material/photo_camera:",
        missing="Nothing has been tried out yet.",
        do="Try a photo",
    ),
    PageText(
        key="export",
        title="Export",
        purpose="Take the classifier away: a file that runs without Thaw.",
        icon=":material/ios_share:",
        missing="Nothing has been exported yet.",
        do="Export it",
    ),
)
PAGES = (HOME, *STEPS)

STATES = {
    "queued": "waiting",
    "starting": "starting",
    "running": "running",
    "paused": "paused",
    "stopping": "stopping",
    "finished": "finished",
    "failed": "failed",
    "interrupted": "interrupted",
    "cancelled": "cancelled",
}

NO_PROJECT = "No project is open."
NO_PROJECT_HINT = "A project holds one set of pictures and everything learned from it."
OPEN_HOME = "Go to Home"
NOTHING_RUNS = "Nothing is running."
PROJECT = "Project"
STEP_DONE = "done"
STEP_HERE = "you are here"
STEP_OPEN = "to do"
SERVER_BACK = (
    "The studio was restarted. Your pictures and runs are here; training went on without it."
)
NEXT = "Next: {title}"


def step_text(key: str) -> PageText:
    """The head of a page by its key. Raises KeyError for an unknown one."""
    return {page.key: page for page in PAGES}[key]


_JOINER = "\u2060"  # no width; parts what Markdown would turn into a link
_LINK = re.compile(r"((?:https?|ftp):(?=//)|www(?=\.)|\w(?=@))", re.IGNORECASE)
_SPECIAL = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:^=&\"'])")


def esc_md(text: str) -> str:
    """Make a user's text safe inside Markdown: shown as typed, no link, picture, icon or colour."""
    plain = _LINK.sub(f"\\1{_JOINER}", " ".join(text.split()))
    return _SPECIAL.sub(r"\\\1", plain)


def plural(n: int, one: str, many: str = "") -> str:
    """``1 picture``, ``1,200 pictures``."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def duration(seconds: float) -> str:
    """Seconds in words short enough for a label: ``8 s``, ``3 min 20 s``, ``1 h 5 min``."""
    whole = round(seconds)
    if whole < 60:
        return f"{max(whole, 1)} s"
    if whole < 3600:
        minutes, rest = divmod(whole, 60)
        return f"{minutes} min {rest} s" if minutes < 10 and rest else f"{minutes} min"
    hours, rest = divmod(whole // 60, 60)
    return f"{hours} h {rest} min" if rest else f"{hours} h"
