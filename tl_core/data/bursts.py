"""Bursts: pictures that one camera took within seconds, which show the same thing once more.

A network that knows one picture of a burst knows the others by heart, so they must stay on one side
of the split. They are told by the camera's clock: a picture that follows another one of the same
camera in less than two seconds belongs to its burst, whatever its class, because light, place and
background are the same for both.

A clock may also tell nothing: it was reset, a program wrote the time while it saved all files, or a
machine takes a picture every second. Then whole classes would become one burst and could not be
divided. Such bursts are not believed, and a note says so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tl_core.data.records import ImageRecord

__all__ = ["BURST_GAP_S", "Bursts", "bursts_of"]

BURST_GAP_S = 2.0  # from one picture to the next; cameras write whole seconds, so 0 or 1
FASTEST = 30  # pictures within one second of the clock; cameras that people own take no more
FEW = 5  # pictures of a class: a burst as short as this is believed whatever the class's size
LONG = 0.2  # of a class: more than a part of the split takes (15 %), so few of them fill it
MOST_LONG = 0.5  # of a class in long bursts: what is left can no longer be divided in shares


@dataclass(frozen=True, slots=True, kw_only=True)
class Bursts:
    """Groups of positions, each of two pictures or more, and sentences on what was not believed."""

    groups: tuple[tuple[int, ...], ...]
    notes: tuple[str, ...] = ()


def bursts_of(records: Sequence[ImageRecord]) -> Bursts:
    """The bursts of a set.

    Pictures whose time is not known are in none. Those of unknown cameras count as of one camera.

    Args:
        records: In any order; positions of the result are in theirs.
    """
    stopped = _stopped_clock(records)
    chains = _chains(records, stopped)
    sizes = Counter(record.label for record in records)
    long = [_long_in(chain, records, sizes) for chain in chains]
    taken: Counter[str] = Counter()
    for of_chain in long:
        taken.update(of_chain)
    vain = {label for label, n in taken.items() if n > MOST_LONG * sizes[label]}
    doubted = [at for at, of_chain in enumerate(long) if vain & of_chain.keys()]
    notes = _notes(len(stopped), sum(len(chains[at]) for at in doubted))
    gone = set(doubted)
    return Bursts(
        groups=tuple(tuple(sorted(one)) for at, one in enumerate(chains) if at not in gone),
        notes=notes,
    )


def _stopped_clock(records: Sequence[ImageRecord]) -> set[int]:
    """Positions of pictures that more of one camera share their second with than it can take."""
    seconds: dict[tuple[str, int], list[int]] = {}
    for position, record in enumerate(records):
        if record.taken is not None:
            seconds.setdefault((record.camera, int(record.taken // 1)), []).append(position)
    return {at for positions in seconds.values() if len(positions) > FASTEST for at in positions}


def _chains(records: Sequence[ImageRecord], without: set[int]) -> list[list[int]]:
    """Pictures of one camera, each less than ``BURST_GAP_S`` after the one before."""
    known = [
        (record.camera, record.taken, position)
        for position, record in enumerate(records)
        if record.taken is not None and position not in without
    ]
    found: list[list[int]] = []
    last: tuple[str, float] | None = None
    for camera, taken, position in sorted(known):
        if last is not None and last[0] == camera and taken - last[1] < BURST_GAP_S:
            found[-1].append(position)
        else:
            found.append([position])
        last = camera, taken
    return [chain for chain in found if len(chain) > 1]


def _long_in(
    chain: Sequence[int], records: Sequence[ImageRecord], sizes: Counter[str]
) -> dict[str, int]:
    """The classes of which a burst holds a large share, and how many pictures of each."""
    counts = Counter(records[at].label for at in chain)
    return {label: n for label, n in counts.items() if n > max(FEW, LONG * sizes[label])}


def _notes(n_stopped: int, n_doubted: int) -> tuple[str, ...]:
    notes = []
    if n_stopped:
        notes.append(
            f"{n_stopped:,} pictures carry one and the same second as more than {FASTEST} others: "
            "their clock tells nothing, and they are not taken for bursts."
        )
    if n_doubted:
        notes.append(
            f"{n_doubted:,} pictures follow each other by less than {BURST_GAP_S:.0f} seconds, in "
            "rows that hold most of a class: a program may have written the times, or a machine "
            "taken the pictures. They are not taken for bursts."
        )
    return tuple(notes)
