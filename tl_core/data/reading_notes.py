"""Plain sentences about how a set was read: its rule, pages, patients, animations, transparency."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from tl_core.data.passes import Fact
from tl_core.data.reading import Reading, number_words
from tl_core.data.wording import count, listed

__all__ = ["placeholder_patient", "reading_notes"]

SURE_P = 0.01  # of Fisher's exact test, times the number of classes
DIFFERENCE = 0.3  # of the shares, below which transparency is no shortcut worth a word: judgement
PATIENT = "patient "  # how the groups of patients begin
OUTSIDE = 0.05  # of the values; by its making a rule leaves 0.01 of its own set outside


def reading_notes(
    facts: Sequence[Fact],
    labels: Mapping[str, str],
    reading: Reading | None,
    *,
    outside: float | None = None,
    joins: bool = False,
) -> list[str]:
    """What was decided about the pictures, the most far-reaching first.

    Args:
        facts: Of every picture.
        labels: Class by file.
        reading: The rule for deep grey, or None.
        joins: Whether they are added to a set.
        outside: Where the rule was given: the share of the new values that lie outside of it.
    """
    return [
        *_channels(facts, reading),
        *_rule([fact for fact in facts if fact.channels == 3], reading, outside),
        *_stored(facts),
        *_pages(facts),
        *_patients(facts, joins),
        *_animated(facts),
        *_transparent(facts, labels),
    ]


def _rule(facts: Sequence[Fact], reading: Reading | None, outside: float | None) -> list[str]:
    deep = [fact for fact in facts if fact.deep]
    if not deep or reading is None:
        return []
    have = count(len(deep), "picture has", "pictures have")
    if outside is None:
        notes = [
            f"{have} more than 8 bits of grey. One rule for the whole set makes 8 bits of them: "
            f"{reading.in_words()} (the 0.5 % and the 99.5 % point of all values)."
        ]
    else:
        notes = [
            f"{have} more than 8 bits of grey. The rule of the set makes 8 bits of them: "
            f"{reading.in_words()}."
        ]
        if outside > OUTSIDE:
            notes.append(
                f"{100 * outside:.0f} % of the new values lie outside of that rule and are lost. "
                "To make a rule for all pictures, bring the whole set again."
            )
    if flat := sum(fact.flat for fact in deep):
        look = "of them looks" if flat == 1 else "of them look"
        notes.append(
            f"{flat:,} {look} nearly even by this rule, with hardly any difference between light "
            "and dark: perhaps stored in another unit or with other settings."
        )
    return notes


def _channels(facts: Sequence[Fact], reading: Reading | None) -> list[str]:
    several = [fact for fact in facts if fact.channels != 3]
    if not several:
        return []
    n = several[0].channels
    note = (
        f"The pictures have {n} channels. A network that learnt from colours is adapted to them; "
        "what you see of them here are the first three as red, green and blue."
    )
    own = reading.ends(n) if reading else ()
    if not own or not any(fact.deep for fact in several):
        return [note]
    ends = ", ".join(f"{number_words(low)} to {number_words(high)}" for low, high in own)
    return [note, f"Each channel becomes 8 bits by one rule for the whole set: {ends}."]


def _stored(facts: Sequence[Fact]) -> list[str]:
    kinds = Counter(fact.format for fact in facts if fact.rendered)
    if not kinds:
        return []
    words = listed([f"{n:,} {kind}" for kind, n in sorted(kinds.items())])
    whole = count(sum(kinds.values()), "picture is", "pictures are")
    note = f"{whole} kept as 8-bit PNG ({words})"
    if "DICOM" in kinds:
        return [f"{note}; of the DICOM headers only the make of the device is kept."]
    if any(fact.channels != 3 for fact in facts):
        note = note.replace("8-bit PNG", "8 bits per channel")
    return [f"{note}."]


def _pages(facts: Sequence[Fact]) -> list[str]:
    several = [fact for fact in facts if fact.n_pages > 1]
    if not several:
        return []
    files = count(len({fact.entry for fact in several}), "file has", "files have")
    return [
        f"{files} several pages: each of the {len(several):,} is a picture of its own, and the "
        "pages of a file stay on one side of the division."
    ]


def _patients(facts: Sequence[Fact], joins: bool) -> list[str]:
    n = len({fact.group for fact in facts if fact.group.startswith(PATIENT)})
    if not n:
        return []
    if not joins and placeholder_patient(facts):
        return [
            "All DICOM pictures bear the same patient number, so they are not held together by it."
        ]
    return [
        f"The pictures of each of {count(n, 'patient', 'patients')} stay on one side of the "
        "division. Of the patient's number only a hash is kept."
    ]


def placeholder_patient(facts: Sequence[Fact]) -> str:
    """The group of the one patient that all of several files name: no patient, most likely.

    "" where there are several patients, or none.
    """
    files = {fact.entry: fact.group for fact in facts if fact.group.startswith(PATIENT)}
    groups = set(files.values())
    return groups.pop() if len(groups) == 1 and len(files) > 1 else ""


def _animated(facts: Sequence[Fact]) -> list[str]:
    n = sum(fact.animated for fact in facts)
    if not n:
        return []
    words = count(n, "animated picture counts as its", "animated pictures count as their")
    return [f"{words} first frame."]


def _transparent(facts: Sequence[Fact], labels: Mapping[str, str]) -> list[str]:
    whole = Counter(labels[fact.entry] for fact in facts)
    clear = Counter(labels[fact.entry] for fact in facts if fact.transparent)
    n, n_clear = len(facts), sum(clear.values())
    if not n_clear:
        return []
    words = count(n_clear, "picture has", "pictures have")
    note = f"{words} see-through parts; white lies behind them now."
    if n_clear == n or len(whole) < 2:
        return [note]
    from scipy.stats import fisher_exact  # a second to load, and rarely needed

    worst: tuple[float, str] | None = None
    for label, of_class in whole.items():
        inside, others = clear[label], n - of_class
        table = [[inside, of_class - inside], [n_clear - inside, others - (n_clear - inside)]]
        gap = abs(inside / of_class - (n_clear - inside) / others)
        p = float(fisher_exact(table).pvalue) * len(whole)
        if p < SURE_P and gap >= DIFFERENCE and (worst is None or gap > worst[0]):
            worst = (gap, label)
    if worst is None:
        return [note]
    label = worst[1]
    return [
        note,
        f"Transparency goes with the class: {clear[label]:,} of {whole[label]:,} pictures of "
        f"{label} have it, and {n_clear - clear[label]:,} of {n - whole[label]:,} of the others. A "
        "network may learn the white instead of the subject: give all pictures the same kind of "
        "background.",
    ]
