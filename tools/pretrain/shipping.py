"""A trained network as it goes into assets/: float16 weights, and what its card says."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import nn

from tl_core.intervals import wilson
from tl_core.storage import atomic_path
from tl_core.train.checkpoint import write_tensors
from tools.pretrain.recipes import Recipe

__all__ = ["card", "half_precision", "write_card", "write_weights"]


def write_weights(model: nn.Module, path: Path) -> int:
    """Write float16 weights, classifier included, under timm's names; returns the bytes."""
    state = {
        name: value.detach().cpu().contiguous().clone().half()
        if value.is_floating_point()
        else value.detach().cpu().clone()
        for name, value in model.state_dict().items()
    }
    write_tensors(path, state)
    return path.stat().st_size


def card(
    recipe: Recipe,
    model: nn.Module,
    *,
    file: str,
    accuracies: Mapping[int, float],
    n_valid: int,
    n_train: int,
    seed: int,
    compute: str,
    begun_from: str | None = None,
) -> str:
    """The card in Markdown; transfer results are added by hand from the benchmarks.

    Args:
        recipe: As it was trained.
        model: The network.
        file: Name of the weights file.
        accuracies: Validation accuracy by picture size, of the float16 weights.
        n_valid: Pictures they were judged on.
        n_train: Pictures it learned from.
        seed: Of the training.
        compute: Machine and hours.
        begun_from: SHA-256 of the weights it went on from; without, it began at random.
    """
    begun = f"from the weights {begun_from[:12]} (SHA-256)" if begun_from else "from scratch"
    count = sum(one.numel() for one in model.parameters())
    judged = ", ".join(
        f"{accuracy:.1%} at {size} px ({low:.1%} to {high:.1%})"
        for size, accuracy in accuracies.items()
        for low, high in [wilson(round(accuracy * n_valid), n_valid)]
    )
    phases = ", then ".join(
        f"{one.epochs} epochs at {one.size} px"
        + (f" with {one.mix:.0%} of the batches mixed" if one.mix else " without mixing")
        for one in recipe.phases
    )
    blends = "mixup and cutmix in turn, " if any(one.mix for one in recipe.phases) else ""
    rows = {
        "file": f"{file} (float16, timm key names, classifier of 200 classes included)",
        "architecture": f"timm `{recipe.model}`, {count / 1e6:.2f} M parameters",
        "data": f"Tiny-ImageNet-200, {n_train:,} training pictures of 64 x 64 (research terms)",
        "classes": "WordNet ids in sorted order",
        "normalisation": "ImageNet mean and standard deviation",
        "recipe": f"{begun}: {phases}; {blends}random crop, flip, light "
        f"and colour; {recipe.optimizer}, batch {recipe.batch}, peak rate {recipe.lr:g}, cosine, "
        f"weight decay {recipe.weight_decay:g}, averaged weights {recipe.ema:g}, no label "
        f"smoothing; normalisation statistics taken anew from whole pictures; seed {seed}",
        "compute": compute,
        "validation top-1": f"{judged}; {n_valid:,} pictures that chose nothing",
        "licence": "the weights: Apache-2.0, as Thaw; the training pictures were collected for "
        "research",
    }
    lines = [f"# {recipe.model}, Tiny-ImageNet-200", "", "| what | value |", "|---|---|"]
    return "\n".join([*lines, *(f"| {name} | {value} |" for name, value in rows.items())]) + "\n"


def write_card(text: str, path: Path) -> None:
    """Beside the weights; rows that somebody added to an older card stay."""
    names = {line.split("|")[1] for line in text.splitlines() if line.startswith("| ")}
    old = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    text += "".join(
        f"{line}\n" for line in old if line.startswith("| ") and line.split("|")[1] not in names
    )
    with atomic_path(path) as part:
        part.write_text(text, encoding="utf-8")


def half_precision(model: nn.Module) -> nn.Module:
    """The network with its weights rounded to float16, as shipped, computing in float32."""
    with torch.no_grad():
        for one in (*model.parameters(), *model.buffers()):
            if one.is_floating_point():
                one.copy_(one.half().float())
    return model
