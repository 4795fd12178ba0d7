"""What a comparison of two runs says, in plain words; for pages and the command line alike."""

from __future__ import annotations

from collections.abc import Mapping

from tl_core.evaluate.paired import FEWEST, Pair

__all__ = [
    "chance",
    "left_out",
    "numbers",
    "probabilities",
    "transfer",
    "transfer_sentence",
    "verdict",
]


def verdict(pair: Pair, names: Mapping[str, str]) -> str:
    """Who is better, or what would tell.

    Args:
        pair: The comparison.
        names: What the two runs are called, by id.
    """
    first, second = names[pair.first], names[pair.second]
    if pair.verdict == "too few":
        if not pair.n:
            return f"{first} and {second} were asked about no picture in common."
        if pair.groups < pair.n:
            return (
                f"The {pair.n:,} pictures that {first} and {second} have in common form only "
                f"{pair.groups} groups; fewer than {FEWEST} can tell nothing."
            )
        return (
            f"{first} and {second} have only {pair.n} pictures in common; fewer than {FEWEST} "
            "can tell nothing."
        )
    if pair.verdict != "cannot tell":
        better, other = (first, second) if pair.verdict == "first" else (second, first)
        return f"{better} is better than {other}."
    return f"Cannot tell {first} and {second} apart; {_would(pair)}."


def _would(pair: Pair) -> str:
    if pair.needed is not None:
        return f"that would need about {pair.needed:,} pictures"
    if pair.only_first == pair.only_second:
        return f"each is right {pair.first_right:,} times of {pair.n:,}"
    return "they are too close for any number of pictures in reach to tell"


def numbers(pair: Pair, names: Mapping[str, str]) -> str:
    """The pictures behind a verdict, the difference with its interval, and the chance."""
    first, second, gap = names[pair.first], names[pair.second], pair.accuracy
    together = f" in {pair.groups:,} groups" if pair.groups < pair.n else ""
    return (
        f"Of the same {pair.n:,} pictures{together} only {first} has {pair.only_first:,} right, "
        f"only {second} {pair.only_second:,}: {first} is {_points(gap.value)} points against "
        f"{second} ({_points(gap.low)} to {_points(gap.high)}, {chance(pair.p_accuracy)})."
    )


def probabilities(pair: Pair, names: Mapping[str, str]) -> str:
    """Whose probabilities are better, by the log-loss; "" where nothing was compared."""
    if pair.surer == "too few":
        return ""
    gap = pair.loss
    told = (
        f"log-loss {pair.first_loss:.3f} against {pair.second_loss:.3f}, difference "
        f"{_signed(gap.value, 3)} ({_signed(gap.low, 3)} to {_signed(gap.high, 3)})"
    )
    if pair.surer == "cannot tell":
        return f"Whose probabilities are better cannot be told: {told}."
    better = names[pair.first if pair.surer == "first" else pair.second]
    return f"The probabilities of {better} are better: {told}."


def left_out(pair: Pair) -> str:
    """Which pictures were not compared, and why; "" when all were."""
    told = []
    if pair.learned:
        told.append(f"{_pictures(pair.learned)} of one that the other was trained on")
    if pair.relabelled:
        told.append(f"{_pictures(pair.relabelled)} under another class in the other run")
    if pair.alone:
        told.append(f"{_pictures(pair.alone)} that only one of them was asked about")
    return f"Left out: {'; '.join(told)}." if told else ""


def transfer(pair: Pair, control: str) -> str:
    """What a pair says of transfer when one of both, ``control``, was trained from scratch."""
    if pair.verdict not in ("first", "second"):
        return "cannot tell"
    better = pair.first if pair.verdict == "first" else pair.second
    return "hurts" if better == control else "helps"


def transfer_sentence(pair: Pair, control: str, names: Mapping[str, str]) -> str:
    """The same as a sentence."""
    told = {
        "helps": "What the pretrained network knows helps",
        "hurts": "What the pretrained network knows hurts",
        "cannot tell": "Cannot tell whether what the pretrained network knows helps",
    }[transfer(pair, control)]
    other = pair.second if pair.first == control else pair.first
    return f"{told}: {names[other]} against {names[control]}, the same network from scratch."


def chance(p: float) -> str:
    """A corrected p-value: "p = 0.03"."""
    if p < 0.001:
        return "p below 0.001"
    return f"p = {p:.3f}" if p < 0.1 else f"p = {p:.2f}"


def _points(share: float) -> str:
    return _signed(100 * share, 1)


def _signed(value: float, digits: int) -> str:
    """A number with its sign; 0 has none."""
    told = f"{value:+.{digits}f}".replace("-", "\N{MINUS SIGN}")
    return told.lstrip("+\N{MINUS SIGN}") if float(f"{value:.{digits}f}") == 0 else told


def _pictures(n: int) -> str:
    return "1 picture" if n == 1 else f"{n:,} pictures"
