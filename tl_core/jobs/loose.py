"""Pictures that come without classes, to be answered: read as guardedly as those of a set."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tl_core.data.intake import Intake, take_in
from tl_core.data.reading import Reading
from tl_core.jobs.batches import Answered
from tl_core.storage import Home

__all__ = ["read_loose", "unusable"]

ALL = "pictures"  # the class they are read under; nobody sees it


def read_loose(
    home: Home,
    source: Path,
    *,
    reading: Reading | None,
    channels: int,
    report: Callable[[int, int], None],
    cancelled: Callable[[], bool] = lambda: False,
) -> Intake:
    """Put the pictures of a folder or an archive into the store.

    Args:
        home: The home.
        source: A folder, a zip or a tar.
        reading: The rule of what answers, for grey of more than 8 bits.
        channels: Of a picture.
        report: Told how many are read, of how many.
        cancelled: Whether nobody waits any more.

    Raises:
        DataError: Nothing usable in it.
    """
    return take_in(
        source,
        home,
        reading=reading,
        joins=channels,
        label=ALL,
        report=report,
        cancelled=cancelled,
    )


def unusable(intake: Intake) -> tuple[Answered, ...]:
    """The rows of files that could not be used."""
    return tuple(Answered(file=one.file, error=f"It {one.reason}.") for one in intake.quarantine)
