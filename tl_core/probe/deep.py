"""The deep probe: one linear head on the pooled features of every block, seen plain and mirrored.

A frozen network knows more than its last block tells: textures, colours and where things are. The
deep probe reads all of it (Evci and others, "Head2Toe", ICML 2022), which on photographs beats
fine-tuning the same network in a fraction of its time. The features of a picture and its mirror
image are averaged before the head, in training and in prediction alike; so there is one row per
picture to solve for, and nobody outside has to know that pictures are looked at twice.
Choices and measurements: docs/decisions/0011-deep-probe.md.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from tl_core.errors import CheckpointError, DataError
from tl_core.models.groups import LayerGroup
from tl_core.probe.features import BlockFeatures, both_views
from tl_core.probe.path import (
    CHOOSING,
    STRENGTHS,
    Path,
    Report,
    Tried,
    parts_of,
    some_rows,
    strength_path,
)
from tl_core.probe.select import Prepared, prepared_features
from tl_core.probe.solver import minimise
from tl_core.probe.spaces import FeatureSpace, PictureSpace, Space
from tl_core.probe.taps import SCHEMES, tap

__all__ = [
    "DeepChoice",
    "DeepProbe",
    "fit_deep_probe",
    "held_out_probabilities",
    "restored_deep_probe",
]

FINAL = 1e-4  # tolerance of the head that is kept
UNJUDGED = 3e-5  # relative strength where nothing can be held out


class DeepProbe(nn.Module):
    """A classifier: pictures (B, 3, S, S) float32 normalised to logits (B, C).

    Its ``state_dict`` holds the network below and the head, nothing else is needed besides the
    network's name (``restored_deep_probe``).
    """

    def __init__(self, network: nn.Module, head: nn.Linear) -> None:
        super().__init__()
        self.network = network
        self.head = head

    def forward(self, images: Tensor) -> Tensor:
        """As the class says."""
        logits: Tensor = self.head(both_views(self.network, images))
        return logits


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DeepChoice:
    """What was chosen and how well it did on held-out training pictures.

    ``strength`` is of the penalty, relative to the pictures' mean squared length; ``placed`` the
    share of what is where (0..1); ``cv_loss`` nats and ``cv_accuracy`` 0..1, None where no class
    has two pictures; ``tried`` all strengths with the shares tried; ``logits`` (N, C) are of the
    training pictures.
    """

    strength: float
    placed: float
    cv_loss: float | None
    cv_accuracy: float | None
    tried: tuple[tuple[float, Tried], ...]
    logits: Tensor


def fit_deep_probe(
    looked: BlockFeatures,
    features: Tensor,
    labels: Tensor,
    *,
    n_classes: int,
    seed: int = 0,
    report: Report = lambda strength, loss, accuracy, done, total: None,
) -> tuple[DeepProbe, DeepChoice]:
    """Solve the head on what every block makes of the training pictures.

    Args:
        looked: The network, opened; it is shared by the probe.
        features: (N, D), what ``looked.of`` gave for the training pictures.
        labels: (N,) int64, class positions.
        n_classes: Outputs.
        seed: Of the folds.
        report: Told of each strength: strength, loss, accuracy, how many are done, of how many.

    Returns:
        The probe in eval mode on the features' device, and the choice.

    Raises:
        DataError: There is no picture.
    """
    if len(labels) == 0:
        raise DataError("There is no training picture.", hint="Add pictures to the classes.")
    ready = prepared_features(features, looked.taps.blocks)
    labels = labels.to(features.device)
    weight, bias, choice = _solved(ready, labels, n_classes, seed, report)
    head = nn.Linear(looked.taps.width, n_classes, device=features.device).requires_grad_(False)
    head.weight.copy_(weight)
    head.bias.copy_(bias)
    return DeepProbe(looked.taps.network, head).eval(), choice


def held_out_probabilities(
    looked: BlockFeatures,
    features: Tensor,
    labels: Tensor,
    *,
    n_classes: int,
    seed: int = 0,
    report: Report = lambda strength, loss, accuracy, done, total: None,
) -> Tensor:
    """What a deep probe that has not seen a picture says of it, for every picture of a set.

    A large set is judged in parts of a few thousand pictures, each by probes of its own part.

    Args:
        looked: The network, opened.
        features: (N, D), what ``looked.of`` gave for the pictures.
        labels: (N,) int64, class positions.
        n_classes: Outputs.
        seed: Of the parts and folds.
        report: As for ``fit_deep_probe``, for each part.

    Returns:
        (N, C) float32 on the CPU; NaN for the only picture of a class, which nobody could know.
    """
    found = torch.full((len(labels), n_classes), math.nan)
    for rows in parts_of(labels, features.shape[1], seed=seed):
        ready = prepared_features(features[rows], looked.taps.blocks)
        part_y = labels.to(features.device)[rows]
        _, path, _ = _best_share(ready, ready.products(None), part_y, n_classes, seed, report)
        if path is not None:
            found[rows.cpu()] = path.held_out.softmax(1).cpu()
    return found


def restored_deep_probe(
    model: nn.Module,
    groups: Sequence[LayerGroup],
    state: Mapping[str, Tensor],
    *,
    image_size: int,
) -> DeepProbe:
    """A saved deep probe, on the CPU in eval mode.

    Args:
        model: Of the same architecture, with whatever weights; they are replaced.
        groups: From ``layer_groups(model)``.
        state: The ``state_dict`` of the probe.
        image_size: As it was fitted with.

    Raises:
        CheckpointError: The state is not of a deep probe on this network at this size.
    """
    model.eval()
    classes, width = state["head.weight"].shape if "head.weight" in state else (0, 0)
    for scheme in SCHEMES:
        taps = tap(model, groups, image_size=image_size, scheme=scheme)
        if taps.width == width:
            probe = DeepProbe(taps.network, nn.Linear(width, classes)).requires_grad_(False)
            try:
                probe.load_state_dict(dict(state))
            except RuntimeError:
                break
            return probe.eval()
    raise CheckpointError(
        "The saved weights are not those of a deep probe on this network.",
        hint="Train it again, or choose the network and picture size it was trained with.",
    )


# -- the head --------------------------------------------------------------------------------------


def _solved(
    ready: Prepared,
    labels: Tensor,
    n_classes: int,
    seed: int,
    report: Report,
) -> tuple[Tensor, Tensor, DeepChoice]:
    """Weights and intercepts for features as they are, and how they were chosen."""
    rows = some_rows(labels, ready.x.shape[1], seed=seed)
    part_y = labels if rows is None else labels[rows]
    products = ready.products(rows)
    share, path, tried = _best_share(ready, products, part_y, n_classes, seed, report)
    strength = UNJUDGED if path is None else path.best.strength
    bold = 1.0 if path is None else path.best.boldness
    space: Space = PictureSpace(ready.mixed(products, share))
    start = space.zeros(1, n_classes) if path is None else path.point
    if rows is not None:  # with more pictures, each needs less holding back
        strength *= len(rows) / len(labels)
        of_pictures = torch.zeros(n_classes, len(labels), device=labels.device)
        of_pictures[:, rows] = start[0, 0, :, :-1]
        weight, bias = ready.weighted(of_pictures, share), start[0, 0, :, -1]
        space = FeatureSpace(ready.scaled(share))
        start = torch.cat([weight, bias[:, None]], dim=1)[None, None]
    counts = torch.ones(1, len(labels), device=labels.device)
    tolerance = FINAL if rows is None else CHOOSING  # of a large set, as exact as what was judged
    found = minimise(space, labels, counts, strength=strength, start=start, tolerance=tolerance)
    point = found.point[0, 0]
    weight = point[:, :-1] if rows is not None else ready.weighted(point[:, :-1], share)
    weight = weight * ready.scale(share) * bold
    bias = point[:, -1] * bold - weight @ ready.middle
    choice = DeepChoice(
        strength=strength,
        placed=share,
        cv_loss=None if path is None else path.best.loss,
        cv_accuracy=None if path is None else path.best.accuracy,
        tried=tried,
        logits=found.scores[0].t() * bold,
    )
    return weight, bias, choice


def _best_share(
    ready: Prepared,
    products: tuple[Tensor, Tensor],
    labels: Tensor,
    n_classes: int,
    seed: int,
    report: Report,
) -> tuple[float, Path | None, tuple[tuple[float, Tried], ...]]:
    """Every strength with the first share, then the best few with the others."""
    shares = ready.shares
    strengths: Sequence[float] = STRENGTHS
    total = len(STRENGTHS) + 3 * (len(shares) - 1)
    tried: list[tuple[float, Tried]] = []
    best: tuple[float, Path] | None = None
    for share in shares:
        offset = len(tried)

        def tell(
            strength: float, loss: float, accuracy: float, done: int, _: Any, offset: int = offset
        ) -> None:
            report(strength, loss, accuracy, offset + done, total)

        space = PictureSpace(ready.mixed(products, share))
        known = math.inf if best is None else best[1].best.loss
        path = strength_path(
            space,
            labels,
            n_classes,
            strengths=strengths,
            start=None if best is None else space.moved_here(best[1].points),
            seed=seed,
            known=known,
            report=tell,
        )
        if path is None:
            return share, None, ()
        tried += [(share, one) for one in path.tried]
        if best is None or path.best.loss < best[1].best.loss:
            best = share, path
        at = STRENGTHS.index(path.best.strength)
        strengths = STRENGTHS[max(at - 1, 0) : at + 2]  # one stronger, one weaker
    assert best is not None
    return best[0], best[1], tuple(tried)
