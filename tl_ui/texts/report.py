"""Words of the report on the Export page."""

from __future__ import annotations

TITLE = "A report for colleagues"
INTRO = (
    "One file that opens in any browser, for readers who were not there: the pictures and how they "
    "were divided, the network, how it learned, how good it is and where it fails, what it cannot "
    "do, and how to repeat it. Its print command makes a PDF."
)
PICTURES = "With example pictures and file names"
PICTURES_HELP = (
    "Without them the file holds no picture, and no name of a file, camera or group. Class names, "
    "the project's name and your note stay."
)
MAKE = "Write the report"
AGAIN = "Write it again"
FAILED = "The report could not be written."
COMMAND = "python -m tl_core report {run_id} --out report.html"
COMMAND_BARE = f"{COMMAND} --no-pictures"
COMMAND_HINT = "The same on the command line:"


def command(run_id: str, *, pictures: bool) -> str:
    """What writes it without the studio."""
    return (COMMAND if pictures else COMMAND_BARE).format(run_id=run_id)


def download(megabytes: float) -> str:
    """The button that fetches it."""
    return f"Download the report ({max(0.1, megabytes):.1f} MB)"
