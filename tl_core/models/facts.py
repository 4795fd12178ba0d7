"""What is known about a network without building it: plain numbers and words, no torch.

A ``ModelCard`` is one network of the catalogue, a ``GroupFacts`` one of its layer groups (shown as
"block"), an ``IndexRow`` one line of the search over all networks with published weights.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from tl_core.config import RGB

__all__ = ["GroupFacts", "IndexRow", "ModelCard", "groups_for", "normalisation"]

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupFacts:
    """One layer group at the card's input size; groups are listed stem -> head.

    ``title`` and ``knows`` are for people. ``parameters`` counts trainable numbers (buffers not
    included), ``macs`` multiply-adds for one picture, ``output`` is the shape without the batch:
    (channels, height, width) for a map, (tokens, channels) for a transformer, (n,) for a vector.
    """

    name: str
    title: str
    knows: str
    parameters: int
    macs: int
    output: tuple[int, ...]

    @classmethod
    def from_dict(cls, body: Mapping[str, Any]) -> GroupFacts:
        """Rebuild from JSON; unknown keys are ignored."""
        values = _known(cls, body)
        return cls(**{**values, "output": tuple(values["output"])})


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCard:
    """One network with pretrained weights, described for somebody who never trained one.

    ``parameters`` and ``macs`` (multiply-adds for one picture at ``input_px``) are measured on the
    network as published, its own classifier included; ``top1`` (percent, on ImageNet-1k pictures of
    ``top1_px``) is only given where the publisher's own number is known. ``note`` is a caution to
    show with the card. ``features`` is how many numbers the head reads, 0 when unknown.
    ``download_mb`` is an estimate (10^6 bytes). ``size_multiple``, ``smallest_px`` and ``fixed_px``
    say which picture sizes the network accepts, see ``catalog.valid_image_size``; ``sized``
    networks (transformers) are built for the size they will see. ``groups`` is
    empty for networks outside the catalogue. ``commercial`` is False when the licence of the
    weights forbids commercial use and None when it has to be read. ``finetune_lr`` is the AdamW
    rate to start with for pretrained layers.
    """

    name: str
    title: str
    family: str
    summary: str
    parameters: int
    macs: int
    input_px: int
    top1: float | None
    source_data: str
    licence: str
    embedded: bool
    good_for: str
    mean: tuple[float, ...] = IMAGENET_MEAN
    std: tuple[float, ...] = IMAGENET_STD
    groups: tuple[GroupFacts, ...] = ()
    download_mb: float = 0.0
    finetune_lr: float = 1e-4
    features: int = 0
    commercial: bool | None = None
    size_multiple: int = 1
    smallest_px: int = 32
    fixed_px: bool = False
    sized: bool = False
    top1_px: int = 0
    note: str = ""
    weights_file: str = ""  # below assets/, embedded networks only
    source_file: str = ""  # below assets/: what it sees in pictures of its source
    source_sha256: str = ""  # of that file
    channels: int = RGB  # that mean and std are for; see for_channels

    @property
    def architecture(self) -> str:
        """The timm architecture: the name without its weights tag."""
        return self.name.partition(".")[0]

    @property
    def backbone_parameters(self) -> int:
        """Parameters below the head; 0 outside the catalogue."""
        return sum(one.parameters for one in self.groups[:-1])

    def for_channels(self, channels: int | None) -> ModelCard:
        """The card for pictures of so many channels; None = three."""
        mean, std = normalisation(self.mean, self.std, channels or RGB)
        return replace(self, mean=mean, std=std, channels=channels or RGB)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self)

    @classmethod
    def from_dict(cls, body: Mapping[str, Any]) -> ModelCard:
        """Rebuild from JSON; unknown keys are ignored."""
        values = _known(cls, body)
        for key in ("mean", "std"):
            if key in values:
                values[key] = tuple(values[key])
        values["groups"] = tuple(GroupFacts.from_dict(one) for one in values.get("groups", ()))
        return cls(**values)


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexRow:
    """One network of the search: ``parameters_m`` in millions (None when it could not be counted),
    ``download_mb`` an estimate from it, ``licence`` empty when the publisher states none.
    """

    name: str
    family: str
    input_px: int
    parameters_m: float | None
    download_mb: float | None
    licence: str
    size_multiple: int = 1
    smallest_px: int = 32
    fixed_px: bool = False
    sized: bool = False
    in_catalogue: bool = False


def groups_for(card: ModelCard, n_classes: int) -> tuple[GroupFacts, ...]:
    """The card's groups with the head sized for ``n_classes`` (a weight per feature, and a bias).

    A network outside the catalogue does not say how many features its head reads; its head was
    described for some number of classes, and every class needs the same.

    Returns:
        Groups stem -> head; empty when the card has none.
    """
    if not card.groups:
        return ()
    head = card.groups[-1]
    features = card.features or head.parameters // max(1, head.output[0]) - 1
    sized = replace(
        head,
        parameters=(features + 1) * n_classes,
        macs=features * n_classes,
        output=(n_classes,),
    )
    return (*card.groups[:-1], sized)


def _known(kind: type[Any], body: Mapping[str, Any]) -> dict[str, Any]:
    names = {one.name for one in fields(kind)}
    return {key: value for key, value in body.items() if key in names}


def normalisation(
    mean: Sequence[float], std: Sequence[float], channels: int
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation for each of ``channels``, from those of the three colours.

    Other than three channels get the averages, so that a grey picture is fed to the network as
    the same picture three times would be.
    """
    if channels == len(mean):
        return tuple(mean), tuple(std)
    return (sum(mean) / len(mean),) * channels, (sum(std) / len(std),) * channels
