"""Build a classifier: a backbone from timm, with the weights asked for, and a new head."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import timm
import torch
from torch import Tensor, nn

from tl_core.config import RGB
from tl_core.errors import ConfigError, ModelError, WeightsFileError
from tl_core.models.catalog import card as card_of
from tl_core.models.catalog import valid_image_size
from tl_core.models.catalog import weights_path as embedded_path
from tl_core.models.channels import adapted
from tl_core.models.facts import ModelCard
from tl_core.models.groups import layer_groups
from tl_core.models.weights import (
    Report,
    fetch_pretrained,
    fit_state,
    load_embedded,
    read_weights_file,
    unavailable,
)

__all__ = ["build"]


def _silent(done: int, total: int) -> None:
    """Report progress to nobody."""


def build(
    name: str,
    *,
    n_classes: int,
    weights: str = "pretrained",
    weights_path: Path | None = None,
    dropout: float = 0.0,
    seed: int = 0,
    image_size: int | None = None,
    channels: int = RGB,
    report: Report = _silent,
    notice: Callable[[str], None] = lambda sentence: None,
) -> nn.Module:
    """Build a classifier for ``n_classes``.

    Args:
        name: Catalogue or timm name.
        n_classes: Outputs of the new head, at least 2.
        weights: "pretrained" (embedded or downloaded once), "random", or "file".
        weights_path: The user's file, for "file".
        dropout: Probability in 0..1 before the head (and inside, where the network has it there).
        seed: Of the head's, and with "random" all, initial values. The global random state is
            left as it was.
        image_size: Side of the input in pixels, for networks built for one; others ignore it.
        channels: Of the pictures; the first layer's pretrained weights are adapted to them
            (``tl_core.models.channels``).
        report: Told (bytes done, bytes in all) while weights are downloaded.
        notice: Told, in a sentence, what of the user's file could not be used.

    Returns:
        Module in eval mode, float32 on the CPU; input (B, channels, H, W) normalised with
        mean and std of the card ``for_channels``, output (B, n_classes) logits.

    Raises:
        UnknownModelError: No such name.
        WeightsUnavailableError: The weights are not here and cannot be downloaded.
        WeightsFileError: The user's file does not fit.
        ConfigError: The image size, channels or dropout do not suit this network.
    """
    card = card_of(name)
    shape = _Shape(n_classes, dropout, seed, image_size, channels)
    if weights == "random":
        model = _create(card, shape)
    elif weights == "file":
        model = _from_file(card, weights_path, shape, notice)
    elif card.embedded:
        model = _create(card, shape)
        _load_embedded(model, card, channels)
    else:
        model = _pretrained(card, shape, report)
    return model.eval()


class _Shape(NamedTuple):
    n_classes: int
    dropout: float
    seed: int
    image_size: int | None
    channels: int


def _create(card: ModelCard, shape: _Shape, **more: Any) -> nn.Module:
    """One call of timm, its random numbers fixed by the seed and not taken from ours."""
    if shape.dropout > 0:
        more["drop_rate"] = shape.dropout
    if shape.channels != RGB:
        more["in_chans"] = shape.channels
    more.update(_size_arguments(card, shape.image_size))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(shape.seed)
        try:
            model: nn.Module = timm.create_model(
                more.pop("architecture", card.architecture), num_classes=shape.n_classes, **more
            )
        except TypeError as err:
            if shape.dropout > 0 and "drop_rate" in str(err):
                raise ConfigError(
                    f"{card.title} has no dropout.", field="dropout", hint="Set dropout to 0."
                ) from err
            raise ModelError(
                f"{card.title} cannot be built for {shape.n_classes} classes of pictures.",
                hint="Choose a network from the catalogue.",
            ) from err
    return model


def _size_arguments(card: ModelCard, image_size: int | None) -> dict[str, Any]:
    """What timm must be told about the picture size; nothing for most networks."""
    if image_size is not None and valid_image_size(card, image_size) != image_size:
        raise ConfigError(
            f"{card.title} cannot look at pictures of {image_size} pixels.",
            field="image_size",
            hint=f"Use {valid_image_size(card, image_size)} pixels.",
        )
    return {"img_size": image_size or card.input_px} if card.sized else {}


def _load_embedded(model: nn.Module, card: ModelCard, channels: int) -> None:
    state = adapted(load_embedded(embedded_path(card)), model, channels)
    own = model.state_dict()
    head = layer_groups(model)[-1]
    body = {key: value for key, value in state.items() if not head.owns(key)}
    wanted = {key for key in own if not head.owns(key)}
    if wanted != body.keys():
        raise WeightsFileError(
            f"The embedded weights of {card.title} are not those of its architecture.",
            hint="Fetch Thaw again, or restore its assets folder.",
        )
    model.load_state_dict(body, strict=False)


def _from_file(
    card: ModelCard,
    path: Path | None,
    shape: _Shape,
    notice: Callable[[str], None],
) -> nn.Module:
    if path is None:
        raise WeightsFileError(
            "No weights file was given.", hint="Bring one, or use the pretrained weights."
        )
    state = read_weights_file(path)
    model = _create(card, shape)
    head = layer_groups(model)[-1].owns
    if not _fits(model, state, head):
        state = adapted(_converted(model, state), model, shape.channels)
    fitted, needed = fit_state(model, state, head, source=path.name)
    if fitted < needed:
        notice(
            f"{fitted} of the {needed} tensors of {card.title} are in {path.name}; "
            "the others start from random values."
        )
    return model


def _fits(model: nn.Module, state: dict[str, Tensor], head: Callable[[str], bool]) -> bool:
    own = model.state_dict()
    return all(
        name in state and state[name].shape == own[name].shape for name in own if not head(name)
    )


def _converted(model: nn.Module, state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Timm's own reading of a file: other key names, position embeddings of another size."""
    convert = getattr(sys.modules[type(model).__module__], "checkpoint_filter_fn", None)
    if convert is None:
        return state
    try:
        converted = convert(dict(state), model)
    except Exception:  # made for timm's own files; what it cannot read is judged as it is
        return state
    return converted if isinstance(converted, dict) else state


def _pretrained(card: ModelCard, shape: _Shape, report: Report) -> nn.Module:
    config: Any = timm.get_pretrained_cfg(card.name)
    if config is None:
        raise unavailable(card, None)
    file = fetch_pretrained(card, config, report)
    more: dict[str, Any] = {"architecture": card.name, "pretrained": True}
    if file is not None and config.custom_load != "hf":  # "hf": a format only timm can read
        more["pretrained_cfg_overlay"] = {"file": str(file)}
    try:
        return _create(card, shape, **more)
    except (OSError, RuntimeError) as err:
        raise unavailable(card, err) from err
