"""Settings of a run as frozen dataclasses, each value checked where it is owned.

Limits sit on the field once (``limited``, ``choice``) and serve the check here as well as the
widget drawn for the field. A ``RunSpec`` is all it takes to repeat a run; it travels as JSON.
Values that may be ``None`` are chosen automatically (``tl_core.train.defaults``) and written back
resolved before the run starts.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import Field, asdict, dataclass, field, fields, replace
from typing import Any

from tl_core.errors import ConfigError

__all__ = [
    "RGB",
    "AugmentConfig",
    "DataConfig",
    "FreezeConfig",
    "ModelConfig",
    "RunSpec",
    "TrainConfig",
    "block_parts",
    "changed",
    "check_limits",
    "choice",
    "limited",
    "limits_of",
]

SCHEMA = 1
RGB = 3  # channels of colour pictures; grey counts as colour unless it is asked for
RESIZE_MODES = ("pad", "squash", "crop")
SCHEDULES = ("one-cycle", "cosine", "constant")
WEIGHTS = ("pretrained", "random", "file")
STAGES = ("off", "ask", "auto", "gradual")
HEAD_STARTS = ("exact", "random")
PARTS = (0.0001, 10.0)  # of the head's rate, for a block with a rate of its own
PROBES = ("exact-head", "deep-probe")  # layer choices that are solved, not trained


def limited(default: float | int | None, *, low: float, high: float, scale: str = "linear") -> Any:
    """A number with inclusive limits; ``scale`` ("linear" or "log") is a hint for the widget."""
    return field(default=default, metadata={"low": low, "high": high, "scale": scale})


def choice(default: str, options: tuple[str, ...]) -> Any:
    """One of ``options``; their order is the order on screen."""
    return field(default=default, metadata={"options": options})


def limits_of(config: type[Any], name: str) -> Mapping[str, Any]:
    """The metadata given to ``limited`` or ``choice`` for one field of a config class."""
    for one in fields(config):
        if one.name == name:
            return one.metadata
    raise KeyError(name)


def check_limits(config: Any) -> None:
    """Raise ConfigError(field=...) for the first value outside its limits or of the wrong type."""
    for one in fields(config):
        value = getattr(config, one.name)
        if "options" in one.metadata:
            _check_choice(one, value)
        elif "low" in one.metadata:
            _check_number(one, value)
        elif isinstance(one.default, bool) and not isinstance(value, bool):
            raise ConfigError(f"{one.name} must be yes or no.", field=one.name)


def _check_choice(one: Field[Any], value: object) -> None:
    options = one.metadata["options"]
    if value not in options:
        raise ConfigError(
            f"{one.name} cannot be {value!r}.",
            field=one.name,
            hint=f"Choose one of: {', '.join(options)}.",
        )


def _check_number(one: Field[Any], value: object) -> None:
    if value is None and one.default is None:
        return
    low, high = one.metadata["low"], one.metadata["high"]
    whole = isinstance(low, int) and isinstance(high, int)
    right_type = isinstance(value, int) if whole else isinstance(value, (int, float))
    if isinstance(value, bool) or not right_type:
        kind = "a whole number" if whole else "a number"
        raise ConfigError(f"{one.name} must be {kind}, not {value!r}.", field=one.name)
    if not math.isfinite(value) or not low <= value <= high:  # type: ignore[arg-type]
        raise ConfigError(
            f"{one.name} is {value}, outside {low} to {high}.",
            field=one.name,
            hint=f"Choose a value from {low} to {high}.",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DataConfig:
    """How pictures are divided when the folders do not say it. Fractions of each class; ``bursts``
    keeps pictures that one camera took within seconds on one side.
    """

    val_fraction: float = limited(0.15, low=0.05, high=0.5)
    test_fraction: float = limited(0.15, low=0.0, high=0.5)
    seed: int = limited(0, low=0, high=2**31 - 1)
    bursts: bool = True

    def __post_init__(self) -> None:
        check_limits(self)
        if self.val_fraction + self.test_fraction > 0.8:
            raise ConfigError(
                "Validation and test together take more than 80 % of the pictures.",
                field="test_fraction",
                hint="Leave at least a fifth of the pictures for training.",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelConfig:
    """Which network, and where its weights come from.

    ``name`` is a catalogue or timm name. ``weights_file`` is the content digest of a weights file
    taken in earlier and is read only when ``weights`` is "file". ``channels`` of the pictures
    that the network looks at: 3 are colours, 1 is grey; None = as many as the pictures have.
    """

    name: str = "resnet10t.tiny_imagenet"
    weights: str = choice("pretrained", WEIGHTS)
    weights_file: str = ""
    channels: int | None = limited(None, low=1, high=32)

    def __post_init__(self) -> None:
        check_limits(self)
        if self.weights == "file" and not self.weights_file:
            raise ConfigError(
                "No weights file was chosen.",
                field="weights_file",
                hint="Bring a safetensors file on the Model page, or use the pretrained weights.",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class FreezeConfig:
    """Which layer groups train.

    ``layers`` is ``head``, ``last:N``, ``first:N`` (the head always trains too), ``all``,
    ``scratch`` (all, from random weights) or ``custom:0,3,5`` (group positions from the stem); or
    one of ``PROBES``, which are solved instead of trained: ``exact-head``, the best linear head on
    the frozen network's features, and ``deep-probe``, one on the features of every block.
    Whether it fits a network is checked by ``tl_core.models.freezing.FreezePlan``.

    ``stages`` is for ``last:N`` and ``all``: the head is trained first and one block more is opened
    at a time. "ask" waits for an answer before each, "auto" goes on while it helps, "gradual" goes
    all the way, "off" opens everything at once.
    """

    layers: str = "head"
    stages: str = choice("off", STAGES)

    def __post_init__(self) -> None:
        parse_layers(self.layers)
        check_limits(self)


def parse_layers(layers: str) -> tuple[str, tuple[int, ...]]:
    """Split a layer choice into its kind and numbers: "last:2" -> ("last", (2,)).

    Raises:
        ConfigError: Not one of the forms of FreezeConfig.
    """
    kind, _, rest = layers.strip().partition(":")
    if kind in ("head", "all", "scratch", *PROBES) and not rest:
        return kind, ()
    if kind in ("last", "first", "custom") and rest:
        parts = rest.split(",")
        if all(part.strip().isdigit() for part in parts):
            numbers = tuple(sorted({int(part) for part in parts}))
            if kind == "custom" or (len(parts) == 1 and numbers[0] >= 1):
                return kind, numbers
    raise ConfigError(
        f"{layers!r} is not a choice of layers.",
        field="layers",
        hint="Use head, deep-probe, exact-head, last:N, first:N, all, scratch or custom:0,1,...",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AugmentConfig:
    """Random changes to training pictures; each is drawn anew for every picture and epoch.

    ``crop`` is the smallest share of the picture's area kept (1 = off), ``rotate`` degrees to
    either side, ``color`` the relative range of brightness, contrast and saturation. The last
    three change what the frozen blocks give instead of the picture, and cost nothing: ``mixup`` is
    the alpha of the Beta distribution two pictures and their labels are blended with (0 = off),
    ``feature_noise`` and ``feature_brightness`` the standard deviations of noise per value and of
    one shift per picture, both relative to the spread of the values.
    """

    flip: bool = True
    flip_vertical: bool = False
    crop: float = limited(0.7, low=0.2, high=1.0)
    rotate: float = limited(10.0, low=0.0, high=180.0)
    color: float = limited(0.15, low=0.0, high=0.8)
    mixup: float = limited(0.0, low=0.0, high=2.0)
    feature_noise: float = limited(0.0, low=0.0, high=1.0)
    feature_brightness: float = limited(0.0, low=0.0, high=1.0)

    def __post_init__(self) -> None:
        check_limits(self)

    @property
    def any(self) -> bool:
        """Whether training pictures are changed at all."""
        return bool(
            self.flip or self.flip_vertical or self.crop < 1.0 or self.rotate > 0 or self.color > 0
        )


NO_AUGMENT = AugmentConfig(flip=False, flip_vertical=False, crop=1.0, rotate=0.0, color=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainConfig:
    """How to train (AdamW).

    Units: epochs in passes over the training pictures; ``lr`` per step for the head, each earlier
    trainable group gets ``block_decay`` times the rate of the next one, starting from
    ``lr * backbone_lr``; ``patience`` in epochs without a better validation loss, 0 = never stop
    early; ``batch_size`` and ``image_size`` (pixels of the square input) None = chosen for you.
    ``views`` is how many changed versions of every picture are made and used in turn (epoch ``e``
    trains on version ``e mod views``); None = chosen for you, which with ``cache`` off means a new
    version every epoch. ``cache`` keeps what the frozen blocks give for them. ``head_start`` is
    where the new head begins when pretrained blocks train with it: at the exact head's solution
    or at random values. ``block_rates`` names blocks whose rate is set by hand (``block_parts``).
    """

    epochs: int | None = limited(None, low=1, high=500)
    lr: float | None = limited(None, low=1e-6, high=1.0, scale="log")
    backbone_lr: float = limited(0.1, low=0.001, high=1.0, scale="log")
    block_decay: float = limited(0.4, low=0.05, high=1.0)
    block_rates: str = ""
    schedule: str = choice("one-cycle", SCHEDULES)
    batch_size: int | None = limited(None, low=2, high=512)
    weight_decay: float = limited(0.01, low=0.0, high=0.5)
    dropout: float = limited(0.0, low=0.0, high=0.8)
    label_smoothing: float = limited(0.0, low=0.0, high=0.3)
    image_size: int | None = limited(None, low=32, high=512)
    resize: str = choice("squash", RESIZE_MODES)
    patience: int = limited(0, low=0, high=100)
    views: int | None = limited(None, low=1, high=64)
    cache: bool = True
    head_start: str = choice("exact", HEAD_STARTS)
    seed: int = limited(0, low=0, high=2**31 - 1)

    def __post_init__(self) -> None:
        check_limits(self)
        block_parts(self.block_rates)


def block_parts(block_rates: str) -> dict[int, float]:
    """Blocks with a rate of their own: "3:0.05,4:0.2" -> {3: 0.05, 4: 0.2}.

    Args:
        block_rates: Positions from the stem, each with the part of the head's rate it learns at;
            "" = none. Positions that do not train, the head's, and all from scratch, are without
            effect.

    Raises:
        ConfigError: Not of that form, a position twice, or a part outside ``PARTS``.
    """
    found: dict[int, float] = {}
    for entry in filter(None, (one.strip() for one in block_rates.split(","))):
        position, _, words = entry.partition(":")
        try:
            place, part = int(position), float(words)
        except ValueError:
            place, part = -1, math.nan
        if place < 0 or place in found or not PARTS[0] <= part <= PARTS[1]:
            raise ConfigError(
                f"{entry!r} is not the rate of a block.",
                field="block_rates",
                hint="Give positions, each once, with a part of the head's rate from "
                f"{PARTS[0]:g} to {PARTS[1]:g}, such as 3:0.05,4:0.2",
            )
        found[place] = part
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSpec:
    """Everything that defines a training run of one project, enough to repeat it.

    ``goes_on`` begins with the weights of ``parent``'s best epoch instead of those of ``model``;
    ``verdict`` and ``remedy`` say which finding of ``parent`` it answers, and with what.
    """

    model: ModelConfig = field(default_factory=ModelConfig)
    freeze: FreezeConfig = field(default_factory=FreezeConfig)
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    train: TrainConfig = field(default_factory=TrainConfig)
    parent: str = ""  # the run this one was changed from, if any
    note: str = ""
    goes_on: bool = False
    verdict: str = ""
    remedy: str = ""

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready, with the schema number."""
        return {"schema": SCHEMA, **asdict(self)}

    @classmethod
    def from_dict(cls, body: Mapping[str, Any]) -> RunSpec:
        """Rebuild from ``to_dict``; fields this version does not know are ignored.

        Raises:
            ConfigError: A newer schema, or a value out of range.
        """
        if int(body.get("schema", SCHEMA)) > SCHEMA:
            raise ConfigError(
                "These settings were written by a newer Thaw.",
                field="schema",
                hint="Update Thaw, or choose the settings again.",
            )
        parts = {
            "model": ModelConfig,
            "freeze": FreezeConfig,
            "augment": AugmentConfig,
            "train": TrainConfig,
        }
        values: dict[str, Any] = {
            name: kind(**_known(kind, body[name])) for name, kind in parts.items() if name in body
        }
        for name in ("parent", "note", "verdict", "remedy"):
            if name in body:
                values[name] = str(body[name])
        values["goes_on"] = bool(body.get("goes_on", False))
        return cls(**values)


def changed(spec: RunSpec, changes: Mapping[str, Any]) -> RunSpec:
    """Return ``spec`` with dotted fields replaced, e.g. ``{"train.lr": 1e-4}``.

    Raises:
        ConfigError: An unknown field, or a value out of range.
    """
    for path, value in changes.items():
        part, _, name = path.partition(".")
        inner = getattr(spec, part, None)
        if inner is None or (name and not hasattr(inner, name)):
            raise ConfigError(f"There is no setting {path!r}.", field=path)
        spec = (
            replace(spec, **{part: replace(inner, **{name: value})})
            if name
            else replace(spec, **{part: value})
        )
    return spec


def _known(kind: type[Any], values: Mapping[str, Any]) -> dict[str, Any]:
    names = {one.name for one in fields(kind)}
    return {key: value for key, value in values.items() if key in names}
