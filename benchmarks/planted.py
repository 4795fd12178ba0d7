"""Does the data check find what was planted, and stay silent where nothing was?

``python -m benchmarks.planted [--sets hymenoptera clothing sample] [--only copies labels shortcuts
clean small quality] [--seeds 3] [--resamples 100] [--pictures 600]`` takes each set in, plants
problems, and prints Markdown tables: recall and precision of near-duplicates by what was done to
the copy; precision, recall and false alarms of wrong labels at several shares of noise, Thaw's rule
and cleanlab's rules on the same probabilities; which planted shortcuts are found, files written and
read as a user's would be (``--pictures``: how many they are planted among); how many resamples of
the clean set raise any shortcut alarm, and of small ones with a probe fitted to each; how many
pictures of the clean set each measure of quality names.
"""

from __future__ import annotations

import argparse
import io
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from cleanlab.filter import find_label_issues
from PIL import Image, ImageEnhance, ImageFilter

from benchmarks.pictures import Pictures
from benchmarks.settings import MODEL
from tl_core.check.copies import copies_of
from tl_core.check.crops import FINE_PX, crop_pairs
from tl_core.check.duplicates import Pair, near_pairs
from tl_core.check.findings import CheckedSet
from tl_core.check.labels import suspects
from tl_core.check.looks import fine_grey, look_at, looks_of
from tl_core.check.quality import odd_pictures
from tl_core.check.shortcuts import Audit, audit, nuisances
from tl_core.check.whole import checked_set
from tl_core.config import DataConfig
from tl_core.data.decode import open_rgb
from tl_core.data.intake import take_in
from tl_core.data.pixels import open_pixels
from tl_core.data.sample import SampleOptions, write_sample
from tl_core.data.split import assign_splits
from tl_core.jobs.checking import check_pictures, judged_by_others
from tl_core.jobs.processes import keep_freed_memory
from tl_core.models.build import build
from tl_core.models.catalog import card
from tl_core.models.groups import layer_groups
from tl_core.probe.deep import held_out_probabilities
from tl_core.probe.features import BlockFeatures
from tl_core.storage import Home

ARCHIVES = Path(__file__).resolve().parents[2] / "shared" / "data"
COPIED = 0.1  # of the pictures
NOISES = (0.0, 0.05, 0.2)
THEIRS = ("both", "prune_by_noise_rate", "prune_by_class", "confident_learning")
KEPT = 0.7  # of the pictures in a resample
SMALL = (64, 120, 200, 300)  # pictures of a small set
SMALL_RESAMPLES = 25  # of each size: a probe is fitted to every one
Change = Callable[[Image.Image], Image.Image]


class Set:
    """A set that was taken in, with what the checks know of it."""

    def __init__(self, root: Path, home: Home) -> None:
        self.root, self.home = root, home
        self.records = take_in(root, home, working=(card(MODEL).input_px, "squash")).records
        self.checked = checked_of(self.records)
        self.looks = looks_of(home, self.checked.digests)

    def image(self, position: int) -> Image.Image:
        """A picture, decoded."""
        with self.home.open_blob(self.checked.digests[position]) as stream:
            return open_rgb(stream)

    def features(self) -> tuple[BlockFeatures, torch.Tensor]:
        """What the deep probe sees of every picture, at the check's own size for large sets."""
        facts, n = card(MODEL), len(self.checked)
        size = facts.input_px if n >= 1000 else round(facts.input_px * 1.75)
        pixels: Any = open_pixels(
            self.home, self.checked.digests, size_px=size, resize="squash"
        ).images
        model = build(MODEL, n_classes=len(self.checked.classes))
        looked = BlockFeatures(
            model,
            layer_groups(model),
            image_size=size,
            mean=facts.mean,
            std=facts.std,
            n_pictures=n,
            home=self.home,
        )
        return looked, looked.of(pixels, self.checked.digests)


def checked_of(records: Any) -> CheckedSet:
    """As the check sees a set that is to be divided; test pictures are judged here as well."""
    return checked_set(records, ["train"] * len(records))


# -- near-duplicates -------------------------------------------------------------------------------


def recompressed(image: Image.Image) -> Image.Image:
    sink = io.BytesIO()
    image.save(sink, "JPEG", quality=25)
    return Image.open(sink).convert("RGB")


def cropped(image: Image.Image, share: float) -> Image.Image:
    w, h = image.size
    x, y = round(w * share / 2), round(h * share / 2)
    return image.crop((x, y, w - x, h - y))


CHANGES: dict[str, Change] = {
    "half the size": lambda one: one.resize((max(1, one.width // 2), max(1, one.height // 2))),
    "JPEG at 25": recompressed,
    "30 % brighter": lambda one: ImageEnhance.Brightness(one).enhance(1.3),
    "30 % darker": lambda one: ImageEnhance.Brightness(one).enhance(0.7),
    "more contrast": lambda one: ImageEnhance.Contrast(one).enhance(1.4),
    "blurred": lambda one: one.filter(ImageFilter.GaussianBlur(max(one.size) / 150)),
    "grey": lambda one: one.convert("L").convert("RGB"),
    "mirrored": lambda one: one.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    "turned by 90": lambda one: one.transpose(Image.Transpose.ROTATE_90),
    "turned by 180": lambda one: one.transpose(Image.Transpose.ROTATE_180),
    "4 % cropped": lambda one: cropped(one, 0.04),
    "10 % cropped": lambda one: cropped(one, 0.10),
    "20 % cropped": lambda one: cropped(one, 0.20),
    "a corner of 85 %": lambda one: one.crop((0, 0, one.width * 17 // 20, one.height * 17 // 20)),
    "lower 85 %": lambda one: one.crop((0, one.height * 3 // 20, one.width, one.height)),
}


def copies(one: Set, seeds: int) -> Iterator[str]:
    """Rows: what was done, recall, and pairs that are no planted ones."""
    grey = one.looks["grey"]
    stored: dict[int, np.ndarray] = {}

    def fine(position: int) -> np.ndarray:
        if position not in stored:
            stored[position] = fine_grey(one.home, one.checked.digests[position], FINE_PX)
        return stored[position]

    natural = {
        (pair.first, pair.second)
        for pair in pairs_of(grey, fine)
        if one.checked.digests[pair.first] != one.checked.digests[pair.second]
    }
    yield f"| none: pairs in the set as it is | | {len(natural)} of {len(grey):,} pictures |"
    for name, change in CHANGES.items():
        hits, n_planted, strange = 0, 0, 0
        for seed in range(seeds):
            rng = np.random.default_rng(seed)
            chosen = rng.choice(len(grey), max(1, round(COPIED * len(grey))), replace=False)
            thumbs = [thumb(change(one.image(at))) for at in chosen]
            made = np.concatenate([look_at(image) for image in thumbs])
            small = [grey_square(image) for image in thumbs]
            pairs = pairs_of(
                np.concatenate([grey, made["grey"]]),
                lambda at, small=small: fine(at) if at < len(grey) else small[at - len(grey)],
            )
            partner = dict(zip(range(len(grey), len(grey) + len(made)), chosen, strict=True))
            found = {(pair.first, pair.second) for pair in pairs if pair.second in partner}
            right = {pair for pair in found if partner[pair[1]] == pair[0]}
            hits, n_planted = hits + len(right), n_planted + len(made)
            known = {frozenset(pair) for pair in natural}
            strange += sum(
                frozenset((first, int(partner[second]))) not in known
                and first not in partner
                and one.checked.digests[first] != one.checked.digests[int(partner[second])]
                for first, second in found - right
            )
        yield f"| {name} | {hits / n_planted:.3f} | {strange} beside {hits} right |"


def pairs_of(grey: np.ndarray, fine: Callable[[int], np.ndarray]) -> list[Pair]:
    """Near-duplicates and cut-outs, as the check looks for both."""
    near = near_pairs(grey)
    known = {(pair.first, pair.second) for pair in near}
    return near + crop_pairs(grey, fine, known=known)


def grey_square(image: Image.Image) -> np.ndarray:
    """A thumbnail as ``fine_grey`` gives it."""
    small = image.convert("L").resize((FINE_PX, FINE_PX), Image.Resampling.BOX)
    return np.asarray(small, dtype=np.float32)


def thumb(image: Image.Image) -> Image.Image:
    """As the store keeps it: 160 px, JPEG."""
    small = image.copy()
    small.thumbnail((160, 160), Image.Resampling.HAMMING)
    sink = io.BytesIO()
    small.save(sink, "JPEG", quality=80)
    return Image.open(sink).convert("RGB")


# -- wrong labels ----------------------------------------------------------------------------------


def labels(one: Set, seeds: int) -> Iterator[str]:
    """Rows: noise and rule; found, precision, recall, F1, false alarms; means over the seeds."""
    looked, features = one.features()
    y, n_classes = one.checked.labels, len(one.checked.classes)
    spare = copies_of(one.checked, one.looks["grey"]).spare
    rows = np.setdiff1d(np.arange(len(y)), spare)
    y, features = y[rows], features[torch.from_numpy(rows)]
    for noise in NOISES:
        scores: dict[str, list[tuple[float, ...]]] = {}
        for seed in range(seeds if noise else 1):
            rng = np.random.default_rng(seed)
            bad = rng.choice(len(y), round(noise * len(y)), replace=False)
            written = y.copy()
            written[bad] = (written[bad] + rng.integers(1, n_classes, len(bad))) % n_classes
            planted = written != y
            chances = held_out_probabilities(
                looked, features, torch.from_numpy(written), n_classes=n_classes
            )
            told = chances.double().numpy()
            named = np.zeros(len(y), bool)
            named[[one.position for one in suspects(written, told)]] = True
            scores.setdefault("Thaw", []).append(score(named, planted))
            for rule in THEIRS:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    theirs = find_label_issues(written, told, filter_by=rule, n_jobs=1)
                scores.setdefault(f"cleanlab, {rule}", []).append(score(theirs, planted))
        for rule, several in scores.items():
            n, precision, recall, f1, alarms = np.mean(several, axis=0)
            yield (
                f"| {noise:.0%} | {rule} | {n:.0f} | {precision:.2f} | {recall:.2f} | {f1:.2f} | "
                f"{alarms:.2%} |"
            )


def score(named: np.ndarray, planted: np.ndarray) -> tuple[float, ...]:
    """Found, precision, recall, F1, share of the right labels that were named."""
    hits = float((named & planted).sum())
    precision, recall = hits / max(1, named.sum()), hits / max(1, planted.sum())
    f1 = 2 * precision * recall / max(1e-9, precision + recall)
    alarms = float((named & ~planted).sum()) / max(1, (~planted).sum())
    return float(named.sum()), precision, recall, f1, alarms


# -- shortcuts -------------------------------------------------------------------------------------


def framed(image: Image.Image) -> Image.Image:
    found = image.copy()
    edge = max(2, round(min(image.size) * 0.04))
    inner = found.crop((edge, edge, found.width - edge, found.height - edge))
    found = Image.new("RGB", image.size, "white")
    found.paste(inner, (edge, edge))
    return found


def stamped(image: Image.Image) -> Image.Image:
    found = image.copy()
    side = max(4, round(min(image.size) * 0.12))
    found.paste((255, 220, 0), (0, 0, side, side))
    return found


def saved(image: Image.Image, path: Path, kind: str) -> None:
    """Write a picture of the class with the shortcut, or of another class ("")."""
    notes, quality, suffix = Image.Exif(), 90, "jpg"
    if kind == "light":
        image = ImageEnhance.Brightness(image).enhance(1.35)
    elif kind == "border":
        image = framed(image)
    elif kind == "corners":
        image = stamped(image)
    elif kind == "size":
        image = image.resize((round(image.width * 0.8), round(image.height * 0.8)))
    elif kind == "file":
        suffix = "png"
    elif kind == "camera":
        notes[0x010F], notes[0x0110] = "Other", "B2"
    elif kind == "time":
        notes[0x0132] = "2025:01:02 10:00:00"
    elif kind == "sharpness":
        image = image.filter(ImageFilter.GaussianBlur(max(image.size) / 120))
    path = path.with_suffix(f".{suffix}")
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, quality=quality, **({"exif": notes} if suffix == "jpg" else {}))


PLANTED = ("light", "border", "corners", "size", "file", "camera", "time", "sharpness")


def shortcuts(one: Set, pictures: int, folder: Path) -> Iterator[str]:
    """Rows: what was planted in one class, whether it was found, and what else was told."""
    rng = np.random.default_rng(0)
    n = min(pictures, len(one.checked))
    rows = np.sort(rng.choice(len(one.checked), n, replace=False))
    victim = int(np.bincount(one.checked.labels[rows]).argmax())
    for kind in ("", *PLANTED):
        root = folder / f"planted-{kind or 'nothing'}"
        for at in rows.tolist():
            mine = kind if one.checked.labels[at] == victim else ""
            saved(one.image(at), root / one.checked.label(at) / f"{at:05}", mine)
        home = Home(folder / f"home-{kind or 'nothing'}")
        records = take_in(root, home, working=(card(MODEL).input_px, "squash")).records
        checked = checked_set(records, assign_splits(records, DataConfig()))
        findings, _ = check_pictures(home, checked)
        told = [f.evidence["nuisance"] for f in findings if f.kind == "shortcut"]
        found = "" if not kind else ("yes" if kind in told else "**no**")
        others = ", ".join(name for name in told if name != kind) or "none"
        yield f"| {kind or 'nothing'} in {checked.classes[victim]} | {found} | {others} |"


def clean(one: Set, resamples: int) -> Iterator[str]:
    """One row: how many resamples of the clean set raise a shortcut alarm, and which."""
    n = len(one.checked)
    guess = guessed(one, one.checked)
    features = nuisances(one.checked, one.looks)
    alarms = []
    for seed in range(resamples):
        some = some_of(n, round(KEPT * n), seed)
        part = {name: values[some] for name, values in features.items()}
        alarms.append(audit(part, one.checked.labels[some], guess[some], seed=seed))
    yield f"| {resamples} {silent(alarms)}"


def small(one: Set) -> Iterator[str]:
    """Rows: the same for small sets, each with a probe that knows no other pictures."""
    for n in SMALL:
        alarms = []
        for seed in range(SMALL_RESAMPLES):
            some = some_of(len(one.checked), n, seed)
            part = checked_of([one.records[at] for at in some])
            found = nuisances(part, one.looks[some])
            alarms.append(audit(found, part.labels, guessed(one, part), seed=seed))
        yield f"| {n} | {SMALL_RESAMPLES} {silent(alarms)}"


def guessed(one: Set, part: CheckedSet) -> np.ndarray:
    """What a probe that has not seen a picture takes it for; -1 = it cannot be judged."""
    rows = np.arange(len(part))
    told = judged_by_others(one.home, part, rows, lambda stage: lambda done, total: None)
    found: np.ndarray = np.where(np.isfinite(told).all(1), np.nan_to_num(told).argmax(1), -1)
    return found


def some_of(n: int, kept: int, seed: int) -> np.ndarray:
    return np.sort(np.random.default_rng(seed).choice(n, kept, replace=False))


def silent(alarms: list[list[Audit]]) -> str:
    """The end of a row: how many resamples had no alarm, and what the others had."""
    names = [{one.nuisance for one in several} for several in alarms]
    counts = Counter(name for several in names for name in several)
    return f"| {sum(not one for one in names)} | {dict(counts) or 'none'} |"


def quality(one: Set) -> Iterator[str]:
    """Rows: measure, pictures of the clean set that it names."""
    found = {x.kind: len(x.pictures) for x in odd_pictures(one.checked, one.looks)}
    for kind in ("dark", "bright", "blurry", "low_information", "odd_shape", "odd_size"):
        n = found.get(kind, 0)
        yield f"| {kind} | {n} of {len(one.checked):,} | {n / len(one.checked):.2%} |"


# -- all of it -------------------------------------------------------------------------------------

HEADS = {
    "copies": "| what was done to one in ten | recall | pairs nobody planted |\n|---|---|---|",
    "labels": "| noise | rule | named | precision | recall | F1 | of right labels |\n"
    "|---|---|---|---|---|---|---|",
    "shortcuts": "| planted | found | other alarms |\n|---|---|---|",
    "clean": "| resamples | without an alarm | alarms |\n|---|---|---|",
    "small": "| pictures | resamples | without an alarm | alarms |\n|---|---|---|---|",
    "quality": "| measure | named | share |\n|---|---|---|",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", nargs="+", default=["hymenoptera", "clothing", "sample"])
    parser.add_argument("--only", nargs="+", choices=tuple(HEADS), default=list(HEADS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--resamples", type=int, default=100)
    parser.add_argument("--pictures", type=int, default=600)
    args = parser.parse_args()
    keep_freed_memory()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        pictures = Pictures(Path(scratch), ARCHIVES)
        for name in args.sets:
            if name == "sample":
                root = Path(scratch) / "sample"
                write_sample(root, SampleOptions(per_class=60))
            else:
                root = pictures.root(name)
            one = Set(root, Home(Path(scratch) / f"home-{name}"))
            ways: dict[str, Callable[[], Iterator[str]]] = {
                "copies": lambda one=one: copies(one, args.seeds),
                "labels": lambda one=one: labels(one, args.seeds),
                "shortcuts": lambda one=one, name=name: shortcuts(
                    one, args.pictures, Path(scratch) / f"cuts-{name}"
                ),
                "clean": lambda one=one: clean(one, args.resamples),
                "small": lambda one=one: small(one),
                "quality": lambda one=one: quality(one),
            }
            for way in args.only:
                print(f"\n### {name}, {len(one.checked):,} pictures: {way}\n\n{HEADS[way]}")
                for row in ways[way]():
                    print(row, flush=True)


if __name__ == "__main__":
    main()
