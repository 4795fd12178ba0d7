"""Does the coach name what was planted in real runs, and keep silent in healthy ones?

``python -m benchmarks.planted_runs [--sets hymenoptera clothing] [--layers head last:1]
[--seeds 3] [--keep FOLDER] [--noise]`` trains the embedded backbone on real photographs with one
thing made wrong: labels dealt out at random, 20 training pictures with every layer open, a rate a
hundred times too high, one a thousand times too low; and with nothing wrong. It prints a Markdown
table of which verdicts came, whether the right one is among them, and whether any is wrong. Of
clothing, ``TAKEN`` training pictures are used. With ``--keep``, curves are written there and read
back in the next call, so that rules can be judged again without training. ``--noise`` prints how
restless the single pictures and the whole epochs of the healthy runs are.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.views import SETS, SHARED
from tl_core.cache.shelf import Shelf
from tl_core.config import RunSpec, changed, limits_of
from tl_core.config import TrainConfig as Train
from tl_core.data.intake import take_in
from tl_core.data.pixels import open_pixels
from tl_core.diagnose.rules import Coach
from tl_core.diagnose.verdicts import standing
from tl_core.errors import DivergedError
from tl_core.events import EpochDone, FindingRaised, FinishReason
from tl_core.models.build import build
from tl_core.models.catalog import DEFAULT_MODEL, card
from tl_core.models.groups import layer_groups
from tl_core.models.plan import FreezePlan
from tl_core.storage import Home
from tl_core.train.defaults import resolved
from tl_core.train.loop import fit
from tl_core.train.measuring import plan_engine
from tl_core.train.recipe import Go, TrainData, fit_subset, recipe_for

TAKEN = 600  # training pictures of a larger set
FEW = 20
SIZE_PX = 128
FEW_KIND = "20 pictures, all layers"
KINDS = ("healthy", "random labels", FEW_KIND, "rate x 100", "rate / 1000")
RIGHT = {  # one of these has to come
    "random labels": {"no_signal"},
    FEW_KIND: {"overfit", "overconfident", "memorised", "no_signal"},
    "rate x 100": {"diverged", "oscillating", "overfit", "overconfident"},
    "rate / 1000": {"rate_too_low"},
}
TRUE_TOO = {  # true as well, or no more than a remark
    "healthy": {"memorised", "noisy_validation", "plateau"},
    "random labels": {"overfit", "overconfident", "noisy_validation", "plateau"},
    FEW_KIND: {"noisy_validation"},
    "rate x 100": {"noisy_validation", "no_signal", "memorised"},
    "rate / 1000": {"noisy_validation", "memorised"},  # an exact head knows its pictures by heart
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """A real run: its settings, epochs, every validation picture's loss, and how it ended."""

    spec: RunSpec
    usual_lr: float
    n_classes: int
    labels: np.ndarray
    history: tuple[EpochDone, ...]
    losses: np.ndarray
    end: FinishReason


def said(ran: Ran) -> list[FindingRaised]:
    """What the coach says over a whole run, looking after every epoch."""
    coach = Coach(ran.spec, n_classes=ran.n_classes, val_labels=ran.labels, usual_lr=ran.usual_lr)
    raised: list[FindingRaised] = []
    for epoch in range(1, len(ran.history) + 1):
        end = ran.end if epoch == len(ran.history) and ran.end != "diverged" else None
        raised += coach(ran.history[:epoch], ran.losses[:epoch], raised, end)
    if ran.end == "diverged":
        raised += coach(ran.history, ran.losses, raised, "diverged")
    return raised


class _Watch:
    """Stands where the coach would, and keeps what it would see."""

    def __init__(self, n_val: int) -> None:
        self.history: tuple[EpochDone, ...] = ()
        self.losses = np.zeros((0, n_val), np.float32)
        self.end: FinishReason | None = None

    def __call__(
        self,
        history: Sequence[EpochDone],
        val_losses: np.ndarray,
        raised: Sequence[FindingRaised],
        end: FinishReason | None,
    ) -> list[FindingRaised]:
        """Nothing to say."""
        self.history, self.losses, self.end = tuple(history), val_losses, end
        return []


class Photos:
    """A photo set in memory, with the embedded backbone's settings for it."""

    def __init__(self, name: str, home: Home) -> None:
        self.name, self.home, self.card = name, home, card(DEFAULT_MODEL)
        records = take_in(SHARED / SETS[name], home, working=(SIZE_PX, Train().resize)).records
        self.classes = sorted({one.label for one in records})
        parts: dict[str, Any] = {}
        for part in ("train", "val"):
            rows = [one for one in records if one.split == part]
            digests = tuple(one.digest for one in rows)
            parts[f"{part}_keys"] = digests
            parts[f"{part}_y"] = np.array([self.classes.index(one.label) for one in rows])
            pixels: Any = open_pixels(home, digests, size_px=SIZE_PX, resize=Train().resize).images
            parts[f"{part}_x"] = pixels[np.arange(len(rows))]
        self.data = self._part(TrainData(fit_index=np.arange(1), **parts), TAKEN, seed=0)

    def _part(self, data: TrainData, n: int, *, seed: int) -> TrainData:
        """``n`` of the training pictures, classes in their proportions."""
        rows = fit_subset(data.train_y, limit=n, seed=seed)
        labels = data.train_y[rows]
        return replace(
            data,
            train_x=data.train_x[rows],
            train_y=labels,
            train_keys=tuple(data.train_keys[row] for row in rows),
            fit_index=fit_subset(labels),
        )

    def run(self, kind: str, layers: str, seed: int) -> Ran:
        """Train with one thing made wrong."""
        data = self.data
        if kind == "random labels":
            rng = np.random.default_rng(seed)
            data = replace(
                data, train_y=rng.permutation(data.train_y), val_y=rng.permutation(data.val_y)
            )
        elif kind == FEW_KIND:
            data, layers = self._part(data, FEW, seed=seed), "all"
        asked = changed(RunSpec(), {"freeze.layers": layers, "train.seed": seed})
        spec = resolved(
            asked, card=self.card, n_train=len(data.train_y), n_classes=len(self.classes)
        )
        usual = spec.train.lr or 0.0
        factor = {"rate x 100": 100.0, "rate / 1000": 1e-3}.get(kind, 1.0)
        limits = limits_of(Train, "lr")
        rate = min(max(usual * factor, limits["low"]), limits["high"])
        return self._trained(changed(spec, {"train.lr": rate}), usual, data)

    def _trained(self, spec: RunSpec, usual: float, data: TrainData) -> Ran:
        model = build(DEFAULT_MODEL, n_classes=len(self.classes), seed=spec.train.seed)
        groups = layer_groups(model)
        plan = FreezePlan.from_layers(spec.freeze.layers, len(groups))
        recipe = recipe_for(spec, mean=self.card.mean, std=self.card.std)
        shelf = Shelf(self.home)
        decided, _, _ = plan_engine(
            model, groups, plan, data, recipe, home=self.home, shelf=shelf, name=DEFAULT_MODEL
        )
        watch = _Watch(len(data.val_y))
        try:
            for _ in fit(
                model,
                groups,
                plan,
                data,
                recipe,
                classes=self.classes,
                model_name=DEFAULT_MODEL,
                control=Go(),
                judge=watch,
                decided=decided,
                shelf=shelf,
            ):
                pass
        except DivergedError:
            watch.end = "diverged"
        return Ran(
            spec=spec,
            usual_lr=usual,
            n_classes=len(self.classes),
            labels=data.val_y,
            history=watch.history,
            losses=watch.losses,
            end=watch.end or "completed",
        )


def kept(path: Path, make: Any) -> Ran:
    """A run read back from ``path``, or made and written there."""
    if path.with_suffix(".npz").is_file():
        facts = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        with np.load(path.with_suffix(".npz")) as arrays:
            labels, losses = arrays["labels"], arrays["losses"]
        return Ran(
            spec=RunSpec.from_dict(facts["spec"]),
            usual_lr=facts["usual_lr"],
            n_classes=facts["n_classes"],
            labels=labels,
            history=tuple(EpochDone(**one) for one in facts["history"]),
            losses=losses,
            end=facts["end"],
        )
    ran: Ran = make()
    path.parent.mkdir(parents=True, exist_ok=True)
    facts = {
        "spec": ran.spec.to_dict(),
        "usual_lr": ran.usual_lr,
        "n_classes": ran.n_classes,
        "history": [asdict(one) for one in ran.history],
        "end": ran.end,
    }
    path.with_suffix(".json").write_text(json.dumps(facts), encoding="utf-8")
    np.savez(path.with_suffix(".npz"), labels=ran.labels, losses=ran.losses)
    return ran


def noise(ran: Ran) -> tuple[float, float]:
    """Standard deviations from epoch to epoch in log-odds: of single pictures, of whole epochs.

    Taken from first differences over the second half of a run. A picture's log-odds of its true
    class follow from its loss.
    """
    losses = np.clip(ran.losses[len(ran.losses) // 2 :].astype(np.float64), 1e-6, 30.0)
    steps = np.diff(-np.log(np.expm1(losses)), axis=0) / np.sqrt(2)
    common = steps.mean(axis=1)
    return float((steps - common[:, None]).std()), float(np.sqrt(np.mean(common**2)))


def row(name: str, layers: str, kind: str, runs: Sequence[Ran]) -> str:
    """One line of the table."""
    found = [{one.verdict for one in standing(said(ran))} for ran in runs]
    right = RIGHT.get(kind, set())
    allowed = right | TRUE_TOO[kind]
    hits = sum(bool(one & right) for one in found)
    clean = sum(one <= allowed for one in found)
    times = {verdict: sum(verdict in one for one in found) for verdict in set().union(*found)}
    told = ", ".join(f"`{verdict}` {n}" for verdict, n in sorted(times.items())) or "nothing"
    best = np.mean([max(one.val_acc for one in ran.history) for ran in runs if ran.history] or [0])
    shown = f"{hits} of {len(runs)}" if right else "-"
    return (
        f"| {name} | {layers} | {kind} | {best:.2f} | {told} | {shown} | {clean} of {len(runs)} |"
    )


class Runs:
    """Runs of one set, made when they are asked for or read back.

    Args:
        name: Of the set.
        folder: Scratch space, removed by its owner.
        where: Curves are kept there.
    """

    def __init__(self, name: str, folder: Path, where: Path) -> None:
        self._name, self._folder, self._where = name, folder, where
        self._photos: Photos | None = None

    def get(self, kind: str, layers: str, seed: int) -> Ran:
        """One run."""
        file = f"{self._name}-{layers}-{kind}-{seed}".replace(" ", "_").replace("/", "per")
        return kept(self._where / file.replace(":", "_"), lambda: self._made(kind, layers, seed))

    def _made(self, kind: str, layers: str, seed: int) -> Ran:
        if self._photos is None:
            self._photos = Photos(self._name, Home(self._folder))
        began = time.perf_counter()
        done = self._photos.run(kind, layers, seed)
        seconds = time.perf_counter() - began
        print(f"<!-- {self._name} {layers} {kind} {seed}: {seconds:.0f} s -->", flush=True)
        return done


def main() -> None:
    """Train, judge and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", nargs="*", default=list(SETS))
    parser.add_argument("--layers", nargs="*", default=["head", "last:1"])
    parser.add_argument("--kinds", nargs="*", default=list(KINDS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--keep", type=Path, default=None)
    parser.add_argument("--noise", action="store_true")
    options = parser.parse_args()
    print("| set | layers | planted | best accuracy | said, of the runs | right | nothing wrong |")
    print("|---|---|---|---|---|---|---|")
    for name in options.sets:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            runs = Runs(name, Path(folder) / "home", options.keep or Path(folder) / "kept")
            for layers in options.layers:
                for kind in options.kinds:
                    everything = kind == FEW_KIND
                    if everything and layers != options.layers[0]:
                        continue  # every layer is open in any case
                    made = [runs.get(kind, layers, seed) for seed in range(options.seeds)]
                    print(row(name, "all" if everything else layers, kind, made), flush=True)
                    if options.noise and kind == "healthy":
                        told = ", ".join("{:.2f} / {:.3f}".format(*noise(one)) for one in made)
                        print(f"<!-- noise, picture / epoch: {told} -->", flush=True)


if __name__ == "__main__":
    main()
