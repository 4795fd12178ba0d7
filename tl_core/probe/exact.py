"""The exact head: the best linear head on a frozen network's features, solved in about a second.

It is the honest baseline of a set of pictures, and where fine-tuning starts from (LP-FT: Kumar and
others, arXiv:2202.10054).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from tl_core.errors import ConfigError, DataError, LayerGroupError
from tl_core.models.groups import LayerGroup
from tl_core.probe.path import CHOOSING, STRENGTHS, Report, Tried, some_rows, strength_path
from tl_core.probe.solver import minimise
from tl_core.probe.spaces import FeatureSpace, PictureSpace, Space, gram

__all__ = ["ExactHead", "fit_exact_head", "start_head"]

UNJUDGED = 3e-5  # relative strength where nothing can be held out; a middle one
FINAL = 1e-5  # tolerance of the head that is kept
CONSTANT = 1e-6  # of the largest spread; below it a feature says nothing


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ExactHead:
    """A linear head for features as they are: logits = features @ weight.T + bias.

    ``weight`` is (C, D) and ``bias`` (C,), float32 on the CPU. ``strength`` is of the penalty,
    relative to the standardised features' mean squared length; ``cv_loss`` (nats) and
    ``cv_accuracy`` (0..1) are of held-out training pictures, None where no class has two pictures.
    """

    weight: Tensor
    bias: Tensor
    strength: float
    cv_loss: float | None
    cv_accuracy: float | None
    tried: tuple[Tried, ...]

    def logits(self, features: Tensor) -> Tensor:
        """(N, C) for features (N, D)."""
        return features @ self.weight.to(features).t() + self.bias.to(features)


def fit_exact_head(
    features: Tensor,
    labels: Tensor,
    n_classes: int,
    *,
    seed: int = 0,
    strengths: Sequence[float] = STRENGTHS,
    report: Report = lambda strength, loss, accuracy, done, total: None,
) -> ExactHead:
    """Solve the head, its strength chosen by cross-validation.

    Classes of one picture are learnt from but never held out. When every class has only one,
    a middle strength is taken and nothing is claimed about the result.

    Args:
        features: (N, D) float, on the device to compute on; not changed.
        labels: (N,) int64, class positions.
        n_classes: Outputs, at least 2.
        seed: Of the folds.
        strengths: To try, falling.
        report: Told of each strength: strength, loss, accuracy, how many are done, of how many.

    Raises:
        DataError: There is no picture.
        ConfigError: A label is not a class position, or a feature is not a number.
    """
    labels = labels.to(features.device)
    _check(features, labels, n_classes)
    middle, scale = _standard(features)
    x = (features.float() - middle) * scale
    rows = some_rows(labels, x.shape[1], seed=seed)
    part, part_y = (x, labels) if rows is None else (x[rows], labels[rows])
    space: Space = FeatureSpace(part)
    if len(part) <= part.shape[1]:
        space = PictureSpace(gram(part), part)
    path = strength_path(space, part_y, n_classes, strengths=strengths, seed=seed, report=report)
    strength = UNJUDGED if path is None else path.best.strength
    bold = 1.0 if path is None else path.best.boldness
    start = space.zeros(1, n_classes) if path is None else path.point
    if rows is not None:  # with more pictures, each needs less holding back
        strength *= len(rows) / len(labels)
        weight, bias = space.weights(start)
        space = FeatureSpace(x)
        start = torch.cat([weight[:, None], bias[:, None, :, None]], dim=3)
    counts = torch.ones(1, len(labels), device=x.device)
    tolerance = FINAL if rows is None else CHOOSING  # of a large set, as exact as what was judged
    found = minimise(space, labels, counts, strength=strength, start=start, tolerance=tolerance)
    weight, bias = space.weights(found.point)
    weight = weight[0] * scale * bold
    bias = bias[0] * bold - weight @ middle
    return ExactHead(
        weight=weight.cpu(),
        bias=bias.cpu(),
        strength=strength,
        cv_loss=None if path is None else path.best.loss,
        cv_accuracy=None if path is None else path.best.accuracy,
        tried=() if path is None else path.tried,
    )


def start_head(model: nn.Module, groups: Sequence[LayerGroup], head: ExactHead) -> None:
    """Copy a head into the network's classifier, which is changed in place.

    Args:
        model: Its last group is one linear layer, or a convolution of one pixel.
        groups: From ``layer_groups(model)``.
        head: Fitted on what that layer reads.

    Raises:
        LayerGroupError: The classifier is of another kind or size.
    """
    modules = dict(model.named_modules())
    found = [modules[name] for name in groups[-1].modules if name in modules]
    last = found[0] if len(found) == 1 else None
    one_pixel = isinstance(last, nn.Conv2d) and last.kernel_size == (1, 1) and last.groups == 1
    if (
        not (isinstance(last, nn.Linear) or one_pixel)
        or last is None
        or last.weight.numel() != head.weight.numel()
        or len(last.weight) != len(head.weight)
        or last.bias is None
    ):
        raise LayerGroupError(
            "The head of this network is not one linear layer of the right size.",
            hint="Train its head step by step, or choose another network.",
        )
    with torch.no_grad():
        last.weight.copy_(head.weight.reshape(last.weight.shape))
        last.bias.copy_(head.bias)


def _standard(features: Tensor) -> tuple[Tensor, Tensor]:
    """What to subtract and to multiply by, so that pictures have mean squared length 1."""
    middle = features.mean(0, dtype=torch.float32)
    spread = features.float().std(0, correction=0)
    says = spread > CONSTANT * spread.max().clamp_min(1e-30)
    count = says.sum().clamp_min(1)
    scale = torch.where(says, 1 / spread.clamp_min(1e-30), 0.0) / count.sqrt()
    return middle, scale


def _check(features: Tensor, labels: Tensor, n_classes: int) -> None:
    if len(features) == 0:
        raise DataError("There is no training picture.", hint="Add pictures to the classes.")
    if int(labels.min()) < 0 or int(labels.max()) >= n_classes:
        raise ConfigError(
            f"Labels must be from 0 to {n_classes - 1}.",
            field="labels",
            hint="Number the classes from 0.",
        )
    if not bool(torch.isfinite(features.sum())):
        raise ConfigError(
            "Some features of the pictures are not finite numbers.",
            field="features",
            hint="Choose another network, or other weights: these compute infinities.",
        )
