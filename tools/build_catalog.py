"""Write assets/catalog.json and assets/timm_index.json. Run it after a change of timm or of words.

    python -m tools.build_catalog            both files
    python -m tools.build_catalog --cards    the catalogue only (a minute)

What a person wrote (titles, summaries, published accuracies) is in ``tools/catalog_words.json``;
everything else is measured here, on networks with random weights: parameters, multiply-adds, layer
groups, which picture sizes work. The output is the same on every machine.
"""

from __future__ import annotations

import argparse
import json
import logging
import math
import sys
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import timm
import torch
from timm.models import _registry
from torch import nn

from tl_core.errors import LayerGroupError
from tl_core.models.catalog import ANY, ASSETS, FIXED, HUB_OWNER, SIZED, source_path
from tl_core.models.facts import ModelCard
from tl_core.models.groups import describe_groups, layer_groups
from tl_core.storage import atomic_path, file_digest

WORDS = Path(__file__).with_name("catalog_words.json")
SIZES = (32, 64, 96, 128, 160, 192, 224)  # pixels tried, to find the smallest that works
ODD = 33  # pixels beyond a size that works: does any size do?
STEP = 32  # pixels; the usual total stride of a network that wants round sizes
CLASSES = 10  # of the networks built for measuring
CNN_LR, TRANSFORMER_LR = 1e-4, 3e-5  # AdamW for pretrained layers
COMMERCIAL: dict[str, bool | None] = {  # None: an own licence that one has to read
    "apache-2.0": True,
    "mit": True,
    "bsd-3-clause": True,
    "cc-by-4.0": True,
    "cc-by-nc-4.0": False,
    "fair-noncommercial-research-license": False,
    "apple-amlr": False,
}


def main() -> int:
    """Write the files; progress goes to stderr."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cards", action="store_true", help="only the catalogue")
    only_cards = parser.parse_args().cards
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    torch.set_num_threads(1)
    words = json.loads(WORDS.read_text(encoding="utf-8"))["models"]
    if not only_cards:
        write(ASSETS / "timm_index.json", index(say), wide=True)
    models = [measured_card(one).to_dict() for one in words]
    write(ASSETS / "catalog.json", {"timm": timm.__version__, "models": models}, wide=False)
    return 0


def measured_card(words: dict[str, Any]) -> ModelCard:
    """A card from its words and from measuring the network with random weights."""
    name = words["name"]
    architecture = name.partition(".")[0]
    config = published(name)
    classes = config.num_classes if config is not None else words["source_classes"]
    original = make(architecture, classes, "meta")
    sizes = size_rules(architecture, config)
    px = words.get("input_px") or config.input_size[1]
    model = make(architecture, CLASSES, "cpu", **size_arguments(sizes, px))
    groups = describe_groups(model, layer_groups(model), px)
    features = groups[-1].parameters // CLASSES - 1
    count = sum(one.numel() for one in original.parameters())
    licence = words.get("licence") or (config.license if config else None)
    card = ModelCard(
        name=name,
        title=words["title"],
        family=words["family"],
        summary=words["summary"],
        parameters=count,
        macs=sum(one.macs for one in groups),
        input_px=px,
        top1=words.get("top1"),
        top1_px=words.get("top1_px", 0),
        source_data=words["source_data"],
        licence=licence or "see the model page",
        embedded=bool(words.get("embedded")),
        good_for=words["good_for"],
        note=words.get("note", ""),
        groups=groups,
        download_mb=0.0 if words.get("embedded") else round(count * 4 / 1e6, 1),
        finetune_lr=TRANSFORMER_LR if sizes["sized"] else CNN_LR,
        features=features,
        commercial=COMMERCIAL.get(str(licence)),
        weights_file=words.get("weights_file", ""),
        **sizes,
    )
    if config is not None:
        card = replace(card, mean=tuple(config.mean), std=tuple(config.std))
    return with_source(card)


def with_source(card: ModelCard) -> ModelCard:
    """The card with the features that ``tools/source_features.py`` wrote, when there are some."""
    if not card.embedded or not source_path(card).is_file():
        return card
    path = source_path(card)
    name = path.relative_to(ASSETS).as_posix()
    return replace(card, source_file=name, source_sha256=file_digest(path))


def published(name: str) -> Any:
    """The record timm keeps of published weights; None for our own."""
    config: Any = timm.get_pretrained_cfg(name) if timm.is_model_pretrained(name) else None
    return config


def index(report: Callable[[int, int, str], None]) -> dict[str, Any]:
    """Every timm network with published weights that can be given a new head."""
    names = timm.list_pretrained()
    known: dict[str, dict[str, Any] | None] = {}
    families: list[str] = []
    licences: list[str] = []
    rows: list[list[Any]] = []
    hub_ids: dict[str, str] = {}
    for done, name in enumerate(names, 1):
        architecture = name.partition(".")[0]
        config = published(name)
        if architecture not in known:
            known[architecture] = architecture_facts(architecture, config)
            report(done, len(names), name)
        facts = known[architecture]
        if facts is None:
            continue
        if config.hf_hub_id != HUB_OWNER + name:
            hub_ids[name] = config.hf_hub_id or ""  # empty: on a server of its own
        px = facts["fixed"] or config.input_size[1]
        rows.append(
            [
                name,
                place(families, facts["family"]),
                parameters_m(facts, config),
                px,
                place(licences, config.license or ""),
                facts["multiple"],
                FIXED if facts["fixed"] else SIZED if facts["sized"] else ANY,
                facts["smallest"],
            ]
        )
    commercial = {one: COMMERCIAL.get(one) for one in licences}
    return {
        "timm": timm.__version__,
        "columns": "name family parameters_m input_px licence size_multiple size_kind smallest_px",
        "families": families,
        "licences": licences,
        "commercial": commercial,
        "hub_ids": hub_ids,
        "rows": rows,
    }


def architecture_facts(architecture: str, config: Any) -> dict[str, Any] | None:
    """Size, family and legal picture sizes; None when it cannot become a classifier."""
    try:
        model = make(architecture, CLASSES, "meta")
        groups = layer_groups(model)
        sizes = size_rules(architecture, config)
    except (LayerGroupError, TypeError, AttributeError, RuntimeError, ValueError, KeyError) as err:
        say(0, 0, f"{architecture} left out: {type(err).__name__}: {str(err)[:90]}")
        return None
    return {
        "family": family(architecture),
        "body": sum(one.parameters for one in groups[:-1]),
        "head": groups[-1].parameters // CLASSES,
        "multiple": sizes["size_multiple"],
        "fixed": config.input_size[1] if sizes["fixed_px"] else 0,
        "smallest": sizes["smallest_px"],
        "sized": sizes["sized"],
    }


def parameters_m(facts: dict[str, Any], config: Any) -> float:
    """Millions of parameters of the published network, its own classifier included."""
    count: int = facts["body"] + facts["head"] * config.num_classes
    return round(count / 1e6, 2)


def size_rules(architecture: str, config: Any) -> dict[str, Any]:
    """Which square sizes the network accepts, found by trying (shapes only, on no device)."""
    native = config.input_size[1] if config is not None else 224
    only_native = {"size_multiple": 1, "fixed_px": True, "smallest_px": native, "sized": False}
    if config is not None and config.fixed_input_size:
        try:
            model: Any = make(architecture, CLASSES, "meta", dynamic_img_size=True)
            patch = int(model.patch_embed.patch_size[0])
        except (TypeError, AttributeError, RuntimeError):
            return only_native
        step = patch if patch > 1 else STEP  # 1: patches of another network's feature map
        smallest = step * math.ceil(SIZES[0] / step)
        works = all(runs(model, px) for px in (smallest, step * 7, step * 10))
        rules = {"size_multiple": step, "fixed_px": False, "smallest_px": smallest, "sized": True}
        return rules if works else only_native
    model = make(architecture, CLASSES, "meta")
    smallest = next((px for px in SIZES if runs(model, px)), 0)
    if not smallest or not runs(model, native):
        return only_native
    step = 1 if runs(model, smallest + ODD) and runs(model, native + ODD) else STEP
    if not runs(model, smallest + STEP):
        return only_native
    return {"size_multiple": step, "fixed_px": False, "smallest_px": smallest, "sized": False}


def size_arguments(sizes: dict[str, Any], px: int) -> dict[str, Any]:
    """Arguments for timm when the network has to know its input size."""
    return {"img_size": px} if sizes["sized"] else {}


def make(architecture: str, n_classes: int, device: str, **more: Any) -> nn.Module:
    """The network with random weights (on "meta": without any memory)."""
    with torch.device(device), torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model: nn.Module = timm.create_model(architecture, num_classes=n_classes, **more)
    return model.eval()


def runs(model: nn.Module, px: int) -> bool:
    """Whether the network accepts square pictures of ``px`` pixels."""
    try:
        with torch.no_grad():
            answer = model(torch.zeros(1, 3, px, px, device="meta"))
    except Exception:  # whatever an architecture raises on a size it cannot take
        return False
    return isinstance(answer, torch.Tensor) and answer.shape == (1, CLASSES)


def family(architecture: str) -> str:
    """The architecture's module in timm, as words."""
    return str(_registry._model_to_module[architecture]).replace("_", " ")


def place(values: list[str], value: str) -> int:
    """Position of ``value`` in ``values``, appended when new."""
    if value not in values:
        values.append(value)
    return values.index(value)


def write(path: Path, body: dict[str, Any], *, wide: bool) -> None:
    """Write JSON in a stable form; ``wide``: one row per line."""
    if wide:
        rows = body.pop("rows")
        head = json.dumps(body, ensure_ascii=False, indent=1)[:-2]
        lines = ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows)
        text = f'{head},\n "rows": [\n{lines}\n]\n}}\n'
    else:
        text = json.dumps(body, ensure_ascii=False, indent=1) + "\n"
    with atomic_path(path) as part:
        part.write_text(text, encoding="utf-8")
    say(0, 0, f"{path.name}: {path.stat().st_size / 1000:.0f} kB")


def say(done: int, total: int, text: str) -> None:
    """Progress for the developer."""
    print(f"{done}/{total} {text}" if total else text, file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
