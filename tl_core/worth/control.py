"""The control: the pretrained network and the same one from scratch, on the same folds.

From scratch is tuned first, on a part of the first fold's training pictures, because an untuned
control flatters what it is held against. Then every fold is learned both ways and judged on the
pictures that neither knew: the pretrained network with the deep probe, as a project's first run
is, and the network from scratch with the settings found. Beside them stand the nearest pictures
(as the pretrained network sees them), the largest class, a network from scratch that gets no more
time than the pretrained one took, and the pretrained one fine-tuned for as many epochs as from
scratch took. What was computed is handed out after every fold, so an interrupted control goes on.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from tl_core.check.gap import dealt
from tl_core.check.honesty import Share
from tl_core.errors import DivergedError
from tl_core.intervals import wilson
from tl_core.probe.deep import fit_deep_probe
from tl_core.probe.features import BlockFeatures
from tl_core.probe.select import prepared_features
from tl_core.train.recipe import Control
from tl_core.train.trials import Trials
from tl_core.worth.budget import FOLDS, INNER, REPEATS, Budget
from tl_core.worth.paired import across_folds, compared, needed, verdict
from tl_core.worth.transfer import ARMS, Arm, Transfer

__all__ = ["Found", "Material", "controlled"]

NEIGHBOURS = 5
LOOKS = 2  # the deep probe sees a picture and its mirror image


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Material:
    """What a control works on, N pictures: ``labels`` and ``units`` int (N,), ``features`` (N, D)
    as ``looked`` gives them; ``scratch`` makes runs from random weights (of a seed) and ``tuned``
    runs that fine-tune the pretrained network, both on these pictures.
    """

    labels: np.ndarray
    units: np.ndarray
    n_classes: int
    available: int
    image_px: int
    looked: BlockFeatures
    features: torch.Tensor
    scratch: Callable[[int], Trials]
    tuned: Callable[[], Trials]


@dataclass(slots=True)
class Found:
    """What is known so far; plain values, so that it can be kept and gone on from.

    ``settings`` (lr, epochs, accuracy, seconds per epoch and picture) of each setting tried;
    ``folds`` holds for "repeat.fold" what each arm came to: [accuracy, seconds].
    """

    settings: list[list[float]] = field(default_factory=list)
    folds: dict[str, dict[str, list[float]]] = field(default_factory=dict)


def controlled(
    material: Material,
    *,
    budget: Budget,
    control: Control,
    found: Found,
    keep: Callable[[Found], None] = lambda found: None,
) -> Transfer:
    """Run the control, or go on with it.

    Args:
        material: Pictures and networks.
        budget: What to try from scratch.
        control: Asked after every training step; may raise to end it.
        found: What is known from before; filled.
        keep: Called after every setting and every fold.
    """
    labels = material.labels
    for repeat in range(REPEATS):
        fold = dealt(labels, material.units, seed=repeat, folds=FOLDS)
        if repeat == 0:
            _tune(material, fold, budget, control, found, keep)
        scratch: Trials | None = None
        fine: Trials | None = None
        for number in range(int(fold.max()) + 1):
            key = f"{repeat}.{number}"
            mine = found.folds.setdefault(key, {})
            out = np.flatnonzero(fold == number)
            train = np.flatnonzero(fold != number)
            if "pretrained" not in mine:
                _solved(material, train, out, mine)
            lr, epochs = _best(found)
            short = _in_time(found, mine["pretrained"][1], len(train), epochs)
            for arm, take in (("scratch", epochs), ("scratch_time", short)):
                if arm in mine:
                    continue
                if take == epochs and arm == "scratch_time":
                    mine[arm] = list(mine["scratch"])
                    continue
                scratch = scratch or material.scratch(repeat)
                seed = repeat * FOLDS + number
                mine[arm] = _trained(scratch, train, out, control, lr, take, seed)
            if repeat == 0 and "pretrained_epochs" not in mine:
                fine = fine or material.tuned()
                mine["pretrained_epochs"] = _trained(
                    fine, train, out, control, None, epochs, number
                )
            keep(found)
    return _told(material, found)


# -- learning --------------------------------------------------------------------------------------


def _tune(
    material: Material,
    fold: np.ndarray,
    budget: Budget,
    control: Control,
    found: Found,
    keep: Callable[[Found], None],
) -> None:
    """Try settings from scratch inside the first fold's training pictures."""
    train = np.flatnonzero(fold != 0)
    inner = dealt(material.labels[train], material.units[train], seed=0, folds=INNER)
    learn, judge = train[inner != 0], train[inner == 0]
    first, *longer = budget.epochs
    runs: Trials | None = None
    plans = [(rate, first) for rate in budget.rates]
    while len(found.settings) < len(budget.rates) + len(longer):
        done = len(found.settings)
        if done < len(plans):
            rate, epochs = plans[done]
        else:
            rate, epochs = _best(found)[0], longer[done - len(plans)]
        runs = runs or material.scratch(0)
        accuracy, seconds = _trained(runs, learn, judge, control, rate, epochs, 0)
        found.settings.append([rate, epochs, accuracy, seconds / (epochs * len(learn))])
        keep(found)


def _best(found: Found) -> tuple[float, int]:
    """Rate and epochs of the best setting tried; of equal ones the first, which is shorter."""
    rate, epochs, *_ = max(found.settings, key=lambda one: one[2])
    return rate, int(epochs)


def _in_time(found: Found, seconds: float, n_train: int, most: int) -> int:
    """Epochs from scratch that take as long as the pretrained network did, 1 at least."""
    per_picture = float(np.median([one[3] for one in found.settings]))
    return int(np.clip(round(seconds / max(per_picture * n_train, 1e-9)), 1, most))


def _trained(
    runs: Trials,
    train: np.ndarray,
    out: np.ndarray,
    control: Control,
    lr: float | None,
    epochs: int,
    seed: int,
) -> list[float]:
    """Accuracy after the last epoch, and seconds; what never learns is right by chance alone.

    The last epoch and not the best: the pictures that judge must not choose.
    """
    begun = time.perf_counter()
    changes: dict[str, Any] = {"epochs": epochs, "seed": seed, "patience": 0}
    if lr is not None:
        changes["lr"] = lr
    try:
        trial = runs.run(train=train, held_out=out, control=control, **changes)
    except DivergedError:
        return [0.0, time.perf_counter() - begun]
    return [trial.history[-1].val_acc, time.perf_counter() - begun]


def _solved(
    material: Material, train: np.ndarray, out: np.ndarray, mine: dict[str, list[float]]
) -> None:
    """The arms that need no training."""
    labels, held = material.labels, torch.from_numpy(out)
    known, truth = torch.from_numpy(train), torch.from_numpy(labels[train])
    begun = time.perf_counter()
    probe, _ = fit_deep_probe(
        material.looked, material.features[known], truth, n_classes=material.n_classes
    )
    with torch.inference_mode():
        answers = probe.head(material.features[held].float()).argmax(1).cpu().numpy()
    seconds = time.perf_counter() - begun + LOOKS * material.looked.seconds * len(train)
    mine["pretrained"] = [float((answers == labels[out]).mean()), seconds]
    begun = time.perf_counter()
    near = _neighbours(material, train, out)
    mine["knn"] = [float((near == labels[out]).mean()), time.perf_counter() - begun]
    largest = int(np.bincount(labels[train]).argmax())
    mine["majority"] = [float((labels[out] == largest).mean()), 0.0]


def _neighbours(material: Material, train: np.ndarray, out: np.ndarray) -> np.ndarray:
    """The class that most of the five most similar training pictures have, the nearest's if none
    does.
    """
    ready = prepared_features(
        material.features[torch.from_numpy(train)], material.looked.taps.blocks
    )
    scale = ready.scale(ready.shares[0])
    rows = [
        F.normalize(
            (material.features[torch.from_numpy(one)].float() - ready.middle) * scale, dim=1
        )
        for one in (train, out)
    ]
    near = (rows[1] @ rows[0].t()).topk(min(NEIGHBOURS, len(train))).indices.cpu().numpy()
    votes = material.labels[train][near]  # (n, k), the nearest first
    counts = np.stack([(votes == one).sum(1) for one in range(material.n_classes)], axis=1)
    level = counts == counts.max(1, keepdims=True)
    first = np.stack(
        [np.where(row[vote], True, False).argmax() for row, vote in zip(level, votes, strict=True)]
    )
    found: np.ndarray = votes[np.arange(len(votes)), first]
    return found


# -- what it says ----------------------------------------------------------------------------------


def _told(material: Material, found: Found) -> Transfer:
    n = len(material.labels)
    keys = sorted(found.folds)
    share = 1 / (FOLDS - 1)
    arms = []
    for name in ARMS:
        rows = [found.folds[key][name] for key in keys if name in found.folds[key]]
        values = [one[0] for one in rows]
        arms.append(
            Arm(
                name=name,
                accuracy=_bounded(across_folds(values, test_share=share), n),
                values=tuple(values),
                seconds=float(np.mean([one[1] for one in rows])),
            )
        )
    pairs = [found.folds[key]["pretrained"][0] - found.folds[key]["scratch"][0] for key in keys]
    units = len(np.unique(material.units))
    difference = compared(pairs, pictures=units, test_share=share)
    word = verdict(difference)
    lr, epochs = _best(found)
    seconds = next(one.seconds for one in arms if one.name == "pretrained")
    return Transfer(
        pictures=n,
        available=material.available,
        image_px=material.image_px,
        folds=FOLDS,
        repeats=REPEATS,
        difference=difference,
        verdict=word,
        needed=needed(difference, n) if word == "cannot tell" else None,
        arms=tuple(arms),
        lr=lr,
        epochs=epochs,
        tried=len(found.settings),
        epochs_in_time=_in_time(found, seconds, round(n * (1 - 1 / FOLDS)), epochs),
    )


def _bounded(share: Share, n: int) -> Share:
    """An accuracy's interval, inside 0..1 and never narrower than Wilson's."""
    low, high = wilson(round(share.value * n), n)
    return Share(
        value=share.value,
        low=max(0.0, min(low, share.low)),
        high=min(1.0, max(high, share.high)),
    )
