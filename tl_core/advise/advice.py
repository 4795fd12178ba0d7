"""What a measurement of networks found, as plain values; read by pages without numpy or torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

__all__ = [
    "Advice",
    "BlockDistance",
    "Candidate",
    "Cost",
    "Difference",
    "Measure",
    "Rung",
    "Scores",
    "SourceDistance",
    "advice_from_dict",
]

State = Literal["measured", "not_here", "failed"]
Unasked = Literal["", "unshipped", "channels", "size", "damaged", "few"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """A value with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """How many of 100 pictures more (as a share) the leader of the ranking gets right, with its
    95 % interval over the same folds; ``chance`` is the p-value, adjusted for all comparisons made.
    """

    value: float
    low: float
    high: float
    chance: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockDistance:
    """How far a block's ``layers`` normalisation layers are from the source; 0 is the same."""

    title: str
    layers: int
    distance: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """The kernel distance of known pictures to the source.

    ``what`` is "same" (others of the source) or "kinds" (of ``kinds`` of its classes only), where
    ``low`` .. ``high`` hold nine tenths of the draws; or how pictures of the source were changed,
    "grey", "blurred" or "shuffled" (every pixel), where they are the 95 % interval.
    """

    what: str
    value: float
    low: float
    high: float
    kinds: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceDistance:
    """The kernel distance (KID) of ``pictures`` of the user's to ``compared`` of the source, with
    its 95 % interval, and what else lies on that scale.
    """

    value: float
    low: float
    high: float
    pictures: int
    compared: int
    rungs: tuple[Rung, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """What a frozen network's features are worth on the pictures.

    ``accuracy``, ``balanced`` (mean over the classes) and ``log_loss`` (nats) are of a linear head
    about pictures it does not know, over repeated folds; ``nearest`` and ``nearest5`` of the vote
    of the 1 and the 5 most alike pictures. ``evidence`` is the corrected LogME per picture, in
    nats; None where it could not be computed.
    """

    accuracy: Measure
    balanced: float
    log_loss: Measure
    nearest: Measure
    nearest5: Measure
    evidence: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What the network asks for: ``ms`` per picture (forward, measured on this machine),
    ``macs`` multiply-adds at ``image_size`` pixels (0 = not known), ``parameters``.
    """

    ms: float
    macs: int
    parameters: int
    image_size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One network and what became of it.

    ``weights`` and ``weights_file`` as in ``ModelConfig``; ``control`` networks are random and
    nobody's choice. ``group`` numbers what cannot be told apart, 1 the best; ``behind`` is against
    the best network of the whole ranking, None for that one. ``top1`` is the publisher's accuracy
    on ImageNet in percent. ``reason`` and ``hint`` say why there are no scores, ``no_kid`` why
    there is no ``kid``: Thaw has no features of source pictures for these weights ("unshipped"),
    for this number of "channels" or picture "size", or not those of the weights ("damaged").
    """

    name: str
    title: str
    weights: str = "pretrained"
    weights_file: str = ""
    control: bool = False
    state: State = "measured"
    reason: str = ""
    hint: str = ""
    top1: float | None = None
    download_mb: float = 0.0
    scores: Scores | None = None
    cost: Cost | None = None
    group: int = 0
    behind: Difference | None = None
    distance: tuple[BlockDistance, ...] = ()
    kid: SourceDistance | None = None
    no_kid: Unasked = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """A ranking on ``pictures`` that are not for the test, in ``units`` that belong together.

    ``candidates`` are in order: measured ones from best to worst, then the control, then those
    without scores. ``because`` names what put the first before the others of its group: "alone",
    "better", "likelier", "faster" or "evidence". ``majority`` is the share of the largest class.
    """

    candidates: tuple[Candidate, ...]
    because: str
    pictures: int
    units: int
    left_out: int
    classes: tuple[str, ...]
    folds: int
    repeats: int
    majority: float
    seconds: float
    data_version: int

    @property
    def ranked(self) -> tuple[Candidate, ...]:
        """The measured candidates, best first."""
        return tuple(one for one in self.candidates if one.scores and not one.control)

    @property
    def control(self) -> Candidate | None:
        """The random network, when it was measured."""
        return next((one for one in self.candidates if one.scores and one.control), None)

    @property
    def missing(self) -> tuple[Candidate, ...]:
        """Those without scores."""
        return tuple(one for one in self.candidates if not one.scores)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self)


def advice_from_dict(body: Mapping[str, Any]) -> Advice:
    """What ``to_dict`` told; unknown keys are ignored."""
    values = _known(Advice, body)
    values["classes"] = tuple(values["classes"])
    values["candidates"] = tuple(_candidate(one) for one in values["candidates"])
    return Advice(**values)


def _candidate(body: Mapping[str, Any]) -> Candidate:
    values = _known(Candidate, body)
    if scores := values.get("scores"):
        measures: dict[str, Any] = {
            name: Measure(**value) if isinstance(value, Mapping) else value
            for name, value in _known(Scores, scores).items()
        }
        values["scores"] = Scores(**measures)
    if cost := values.get("cost"):
        values["cost"] = Cost(**_known(Cost, cost))
    if behind := values.get("behind"):
        values["behind"] = Difference(**_known(Difference, behind))
    if kid := values.get("kid"):
        rungs = tuple(Rung(**_known(Rung, one)) for one in kid["rungs"])
        values["kid"] = SourceDistance(**{**_known(SourceDistance, kid), "rungs": rungs})
    values["distance"] = tuple(
        BlockDistance(**_known(BlockDistance, one)) for one in values.get("distance", ())
    )
    return Candidate(**values)


def _known(kind: type[Any], body: Mapping[str, Any]) -> dict[str, Any]:
    names = {one.name for one in fields(kind)}
    return {key: value for key, value in body.items() if key in names}
