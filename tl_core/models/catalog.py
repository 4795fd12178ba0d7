"""The networks to choose from: cards of the catalogue, and a search over all the others. No torch.

Both lists are files written by ``tools/build_catalog.py`` and read once.
"""

from __future__ import annotations

import difflib
import json
import os
from functools import cache
from pathlib import Path
from typing import Any

from tl_core.errors import ConfigError, UnknownModelError
from tl_core.models.facts import IndexRow, ModelCard

__all__ = [
    "ASSETS",
    "DEFAULT_MODEL",
    "card",
    "cards",
    "embedded_names",
    "hub_cache",
    "hub_id",
    "is_downloaded",
    "search",
    "source_path",
    "valid_image_size",
    "weights_path",
]

ASSETS = Path(__file__).resolve().parents[2] / "assets"
DEFAULT_MODEL = "resnet10t.tiny_imagenet"
MIN_PX, MAX_PX = 32, 512  # as in config.TrainConfig.image_size
HUB_OWNER = "timm/"  # publisher of nearly all weights; others are named in the index
WEIGHT_FILES = ("model.safetensors", "pytorch_model.bin", "open_clip_model.safetensors")
ANY, FIXED, SIZED = 0, 1, 2  # size kinds in the index: any, the native one only, told when built
SEE_PAGE = "see the model page"


@cache
def cards() -> tuple[ModelCard, ...]:
    """The catalogue: embedded networks first, then from small to large within families."""
    body = json.loads((ASSETS / "catalog.json").read_text(encoding="utf-8"))
    return tuple(ModelCard.from_dict(one) for one in body["models"])


def card(name: str) -> ModelCard:
    """The card of a network by its name.

    A network outside the catalogue gets a short card from the search index, without groups; a
    name without weights tag ("resnet50") means the first network of that architecture.

    Raises:
        UnknownModelError: No network of that name; the hint lists close names.
    """
    found = _cards_by_name().get(name)
    if found is not None:
        return found
    row = _rows_by_name().get(name)
    if row is not None:
        return _card_from_row(row)
    for known in (*_cards_by_name(), *_rows_by_name()):
        if known.partition(".")[0] == name:
            return card(known)
    close = difflib.get_close_matches(name, [*_cards_by_name(), *_rows_by_name()], n=3, cutoff=0.5)
    hint = f"Did you mean {', '.join(close)}?" if close else "Search for it on the Model page."
    raise UnknownModelError(f"There is no network called {name!r}.", hint=hint)


def embedded_names() -> tuple[str, ...]:
    """Networks whose weights come with Thaw and need no network connection."""
    return tuple(one.name for one in cards() if one.embedded)


def search(query: str, limit: int = 30) -> list[IndexRow]:
    """Networks whose name or family holds every word of ``query``; smallest first.

    An empty query lists the smallest networks. Names that start with the query come first.
    """
    words = query.lower().replace("-", "").split()

    def fits(row: IndexRow) -> bool:
        text = f"{row.name} {row.family}".lower().replace("-", "")
        return all(word in text for word in words)

    def order(row: IndexRow) -> tuple[bool, bool, float, str]:
        starts = bool(words) and row.name.startswith(words[0])
        return not starts, not row.in_catalogue, row.parameters_m or float("inf"), row.name

    return sorted(filter(fits, _rows_by_name().values()), key=order)[:limit]


def is_downloaded(name: str) -> bool:
    """Whether the network can be built with its pretrained weights without a connection."""
    one = card(name)
    if one.embedded:
        return True
    repo = hub_id(one.name)
    if not repo:
        return False
    snapshots = hub_cache() / f"models--{repo.replace('/', '--')}" / "snapshots"
    return any((found / file).exists() for found in _folders(snapshots) for file in WEIGHT_FILES)


def valid_image_size(card: ModelCard, size: int) -> int:
    """The picture size (side in pixels) closest to ``size`` that the network accepts.

    Transformers cut the picture into squares of ``card.size_multiple`` pixels; a few networks are
    built for one size only. The result lies in 32..512 and is no smaller than ``card.smallest_px``,
    except for such a fixed size.
    """
    if card.fixed_px:
        return card.input_px
    step = max(1, card.size_multiple)
    smallest = max(MIN_PX, card.smallest_px)
    low, high = -(-smallest // step) * step, MAX_PX // step * step
    return min(max(round(size / step) * step, low), high)


def weights_path(card: ModelCard) -> Path:
    """The embedded weights file of a card with ``embedded`` set.

    Raises:
        ConfigError: The card has no embedded weights (field="model").
    """
    if not card.embedded:
        raise ConfigError(f"{card.title} does not come with Thaw.", field="model")
    return ASSETS / card.weights_file


def source_path(card: ModelCard) -> Path:
    """Where an embedded network's features of source pictures lie: beside its weights.

    Raises:
        ConfigError: The card has no embedded weights (field="model").
    """
    weights = weights_path(card)
    return weights.with_name(f"{weights.stem}_source{weights.suffix}")


def hub_id(name: str) -> str:
    """Where on the Hugging Face hub a network's weights are; empty when they are elsewhere."""
    return _hub_ids().get(name, HUB_OWNER + name)


def hub_cache() -> Path:
    """Where downloaded weights lie: the folder huggingface_hub uses, found by its own rules."""
    given = os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE")
    if given:
        return Path(given).expanduser()
    home = os.environ.get("HF_HOME")
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return (Path(home).expanduser() if home else Path(base) / "huggingface") / "hub"


def _card_from_row(row: IndexRow) -> ModelCard:
    return ModelCard(
        name=row.name,
        title=row.name,
        family=row.family,
        summary="A published network outside the catalogue; Thaw knows only its size.",
        parameters=round((row.parameters_m or 0) * 1e6),
        macs=0,
        input_px=row.input_px,
        top1=None,
        source_data=SEE_PAGE,
        licence=row.licence or SEE_PAGE,
        embedded=False,
        good_for="People who know this network already.",
        download_mb=row.download_mb or 0.0,
        finetune_lr=3e-5 if row.sized or row.fixed_px else 1e-4,
        commercial=_commercial().get(row.licence),
        size_multiple=row.size_multiple,
        smallest_px=row.smallest_px,
        fixed_px=row.fixed_px,
        sized=row.sized,
    )


@cache
def _index() -> dict[str, Any]:
    body: dict[str, Any] = json.loads((ASSETS / "timm_index.json").read_text(encoding="utf-8"))
    return body


@cache
def _rows_by_name() -> dict[str, IndexRow]:
    body = _index()
    rows: dict[str, IndexRow] = {}
    for name, family, params, px, licence, multiple, kind, smallest in body["rows"]:
        rows[name] = IndexRow(
            name=name,
            family=body["families"][family],
            input_px=px,
            parameters_m=params,
            download_mb=None if params is None else round(params * 4, 1),
            licence=body["licences"][licence],
            size_multiple=multiple,
            smallest_px=smallest,
            fixed_px=kind == FIXED,
            sized=kind == SIZED,
            in_catalogue=name in _cards_by_name(),
        )
    return rows


def _hub_ids() -> dict[str, str]:
    found: dict[str, str] = _index()["hub_ids"]
    return found


def _commercial() -> dict[str, bool | None]:
    found: dict[str, bool | None] = _index()["commercial"]
    return found


@cache
def _cards_by_name() -> dict[str, ModelCard]:
    return {one.name: one for one in cards()}


def _folders(path: Path) -> list[Path]:
    return [one for one in path.iterdir() if one.is_dir()] if path.is_dir() else []
