"""What is asked: each question with its measurements and the targets they are held against.

Plain data. Measurements that several questions share are made once per round.
"""

from __future__ import annotations

from typing import Any

from benchmarks.asking import Line, Question, Target, fastai, plain, thaw
from benchmarks.measuring import Asked
from benchmarks.settings import MODEL, half
from benchmarks.values import (
    BARE,
    FEATURES,
    PRODUCT,
    STEP,
    TRAINING,
    accuracy_gain,
    mean_over,
    number,
    predictions,
    share_of_bare,
    share_of_step,
    times,
    told_ways,
)
from tl_core.models.catalog import card as card_of

__all__ = ["QUESTIONS"]

ANTS, CLOTHES = "hymenoptera", "clothing"
SEEDS = (1, 2, 3, 4, 5)
RATES = (0.003, 0.01, 0.03)
FOLDS = 5
SEARCH_RUNS = len(RATES) * FOLDS
GROWTH = (100, 300, 1000, 3000, 10_000)
PLAIN_GROWTH = (100, 300, 1000)
EPOCHS = (5, 25, 100)
PLAIN_EPOCHS = (5, 25)
LONG = 3000  # pictures from which one run must do
JUDGED = (
    "The accuracy is that of the features it solved with; a run judges once more in full precision "
    "for its report, which is not timed here."
)


def _versus(layers: str, epochs: int, way: str, *, data: str = ANTS) -> dict[str, Line]:
    """Thaw, the plain loop in both layouts, fastai, with the same choice of layers."""
    stages = {"last": int(layers[5:])} if layers.startswith("last:") else {}
    same: dict[str, Any] = {"layers": layers, "epochs": epochs}
    last = plain(data, **same, layout="channels_last")
    return {
        "Thaw": Line(asked=thaw("train", data, **same)),
        "plain loop": Line(asked=plain(data, **same), base="Thaw"),
        "plain loop, channels_last": Line(asked=last, base="Thaw"),
        "fastai": Line(asked=fastai(way, data, epochs=epochs, **stages), base="Thaw"),
    }


def _head() -> Question:
    lines = _versus("head", 25, "frozen")
    return Question(
        name="head",
        title="Head only, 25 epochs with augmentation",
        text="Hymenoptera (244 + 153 pictures), 128 px. fastai: frozen `fit_one_cycle(25)`.",
        lines=lines,
        targets=(
            Target(text="times faster than the plain loop", value=times("plain loop", "Thaw"),
                   least=20),
            Target(text="times faster than fastai", value=times("fastai", "Thaw"), least=35),
            Target(text="points of validation accuracy above the plain loop",
                   value=accuracy_gain("Thaw", "plain loop"), least=0),
        ),
    )  # fmt: skip


def _exact() -> Question:
    return Question(
        name="exact",
        title="The best head on clean features",
        text="The exact head against the plain loop's 25 epochs, same pictures. Nothing is "
        "augmented.",
        lines={
            "Thaw, exact head": Line(asked=thaw("exact_head", ANTS)),
            "plain loop": Line(asked=plain(ANTS, layers="head", epochs=25),
                               base="Thaw, exact head"),
        },
        targets=(
            Target(text="times faster than the plain loop",
                   value=times("plain loop", "Thaw, exact head"), least=40),
        ),
    )  # fmt: skip


def _last() -> Question:
    return Question(
        name="last",
        title="Last block and head, 25 epochs",
        text="Hymenoptera, 128 px. fastai: `freeze_to(-2)`, `fit_one_cycle(25)`.",
        lines=_versus("last:1", 25, "last"),
        targets=(
            Target(text="times faster than the plain loop", value=times("plain loop", "Thaw"),
                   least=4),
            Target(text="points of validation accuracy above the plain loop",
                   value=accuracy_gain("Thaw", "plain loop"), least=0),
        ),
    )  # fmt: skip


def _half() -> Question:
    return Question(
        name="half",
        title="The later half of the blocks, 10 epochs",
        text=f"Hymenoptera, 128 px, layers `{half()}`. fastai: the same blocks, "
        "`fit_one_cycle(10)`.",
        lines=_versus(half(), 10, "last"),
    )


def _all() -> Question:
    lines = _versus("all", 5, "all")
    kept = plain(ANTS, layers="all", epochs=5, layout="channels_last", freed="kept")
    lines["plain loop, channels_last, freed memory kept"] = Line(asked=kept, base="Thaw")
    per_epoch = {
        label: Line(asked=one.asked, key="epoch_s", unit="s per epoch", base=one.base)
        for label, one in lines.items()
    }
    return Question(
        name="all",
        title="All layers, per epoch",
        text="Hymenoptera, 128 px, the median of 5 epochs with their validation. fastai: "
        "unfrozen, `fit_one_cycle(5)`. One line lends the plain loop what Thaw does with memory.",
        lines=per_epoch,
        targets=(
            Target(text="times faster per epoch than the plain loop",
                   value=times("plain loop", "Thaw", "epoch_s"), least=1.5),
        ),
    )  # fmt: skip


def _search() -> Question:
    return Question(
        name="search",
        title="Three learning rates on five folds, head only",
        text=f"{SEARCH_RUNS} runs of 25 epochs on the training pictures of hymenoptera. Of the "
        f"plain loop one run (four fifths of them) was measured and multiplied by {SEARCH_RUNS}.",
        lines={
            "Thaw": Line(asked=thaw("search", ANTS, rates=list(RATES), folds=FOLDS, epochs=25)),
            "plain loop": Line(
                asked=plain(ANTS, layers="head", epochs=25, folds=FOLDS, fold=0),
                times=SEARCH_RUNS,
                base="Thaw",
                note=f"one run measured, times {SEARCH_RUNS}; accuracy of its fold",
            ),
        },
        targets=(
            Target(text="times faster than the plain loop repeated",
                   value=times("plain loop", "Thaw", factor=SEARCH_RUNS), least=100),
        ),
    )  # fmt: skip


def _deep_clothing() -> Question:
    return Question(
        name="deep-clothing",
        title="Deep probe, clothing",
        text="3,068 + 341 pictures, 10 classes, 128 px; decoding, features and choice of strength "
        f"included. {JUDGED}",
        lines={
            "Thaw, deep probe": Line(asked=thaw("deep_probe", CLOTHES)),
            "fastai, fine_tune(5)": Line(
                asked=fastai("fine_tune", CLOTHES, epochs=5, batch=64), base="Thaw, deep probe"
            ),
        },
        targets=(
            Target(text="validation accuracy",
                   value=number("Thaw, deep probe", "val_accuracy"), least=0.77, digits=3),
            Target(text="times faster than fastai",
                   value=times("fastai, fine_tune(5)", "Thaw, deep probe"), least=12),
        ),
    )  # fmt: skip


def _deep_hymenoptera() -> Question:
    labels = [f"Thaw, deep probe, split {seed}" for seed in SEEDS]
    return Question(
        name="deep-hymenoptera",
        title="Deep probe, hymenoptera, five splits",
        text="Training and validation pictures dealt anew with five seeds, as many of each class "
        "as before. The splits share pictures, so their intervals are not independent. At 224 px, "
        f"Thaw's own choice for pictures of this size; fastai at 128 px. {JUDGED}",
        lines={
            **{
                label: Line(asked=thaw("deep_probe", f"{ANTS}~{seed}", size=224))
                for label, seed in zip(labels, SEEDS, strict=True)
            },
            "fastai, fine_tune(5), the given split": Line(
                asked=fastai("fine_tune", ANTS, epochs=5)
            ),
        },
        targets=(
            Target(text="mean validation accuracy of the five",
                   value=mean_over(labels, "val_accuracy"), least=0.83, digits=3),
            Target(text="seconds, mean of the five", value=mean_over(labels, "seconds"), most=4),
        ),
    )  # fmt: skip


def _clothing() -> Question:
    found: dict[str, Line] = {}
    for name, layers in (("head only", "head"), ("last block", "last:1")):
        mine = f"Thaw, {name}"
        found[mine] = Line(asked=thaw("train", CLOTHES, layers=layers, epochs=15))
        found[f"plain loop, {name}"] = Line(
            asked=plain(CLOTHES, layers=layers, epochs=15, once=True), base=mine
        )
    return Question(
        name="clothing",
        title="Clothing, head only and last block",
        text="15 epochs with augmentation, 128 px; the plain loop was run once.",
        lines=found,
    )


def _lpft() -> Question:
    starts = {"a random head": "random", "the exact head": "exact"}
    lines = {
        f"Thaw, last block from {name}": Line(
            asked=thaw("train", CLOTHES, layers="last:1", epochs=15, train__head_start=start)
        )
        for name, start in starts.items()
    }
    return Question(
        name="lp-ft",
        title="Fine-tuning from a solved head (LP-FT)",
        text="Clothing, last block, 15 epochs, beside the deep probe: does fine-tuning from a "
        "solved head beat it?",
        lines={"Thaw, deep probe": Line(asked=thaw("deep_probe", CLOTHES)), **lines},
        targets=(
            Target(text="points of validation accuracy that the exact head adds to a random one",
                   value=accuracy_gain(*reversed(list(lines))), least=0),
        ),
    )  # fmt: skip


def _images() -> Question:
    lines = {}
    for n in GROWTH:
        mine = f"Thaw, {n:,} pictures"
        asked = thaw("train", f"many-{n}", layers="head", epochs=25, once=n >= LONG)
        lines[mine] = Line(asked=asked)
        if n in PLAIN_GROWTH:
            theirs = plain(f"many-{n}", layers="head", epochs=25, once=n >= LONG // 3)
            lines[f"plain loop, {n:,} pictures"] = Line(asked=theirs, base=mine)
    return Question(
        name="images",
        title="Cost growing with pictures",
        text="Head only, 25 epochs, 128 px, pictures of both sets, repeated beyond their number "
        "(as files of their own); 200 for validation. Only times mean anything here.",
        lines=lines,
    )


def _epochs() -> Question:
    lines = {}
    for n in EPOCHS:
        lines[f"Thaw, {n} epochs"] = Line(asked=thaw("train", ANTS, layers="head", epochs=n))
        if n in PLAIN_EPOCHS:
            lines[f"plain loop, {n} epochs"] = Line(
                asked=plain(ANTS, layers="head", epochs=n), base=f"Thaw, {n} epochs"
            )
    return Question(
        name="epochs",
        title="Cost growing with epochs",
        text="Head only, hymenoptera, 128 px.",
        lines=lines,
    )


def _features() -> Question:
    return Question(
        name="features",
        title="Feature extraction",
        text="Thaw: from decoded working copies on disk to kept features (clothing, training "
        "pictures). Bare: the network on ready tensors. The matrix product of two 2,048 x 2,048 "
        f"matrices is the machine's measured peak; a picture takes "
        f"{2 * sum(one.macs for one in card_of(MODEL).groups[:-1]) / 1e9:.3f} GFLOP at 128 px.",
        lines={
            FEATURES: Line(asked=thaw("features", CLOTHES), key="images_per_s",
                                   unit="images/s"),
            BARE: Line(asked=Asked("bare", "forward"),
                                                   key="images_per_s", unit="images/s"),
            PRODUCT: Line(asked=Asked("bare", "product"), key="gflops",
                                                unit="GFLOP/s"),
        },
        targets=(
            Target(text="of the bare forward pass in the same precision and layout",
                   value=share_of_bare, least=0.9, digits=2),
        ),
        extra=told_ways,
    )  # fmt: skip


def _step() -> Question:
    return Question(
        name="step",
        title="Training all layers against the bare step",
        text="Clothing, 128 px, batch 64, images/s within an epoch: reading, augmenting and "
        "training, against the same step on ready tensors. Meant for a graphics card "
        "(`--only step --device cuda`), measured wherever the page was written.",
        lines={
            TRAINING: Line(
                asked=thaw("train", CLOTHES, layers="all", epochs=3, once=True),
                key="images_per_s",
                unit="images/s",
            ),
            STEP: Line(asked=Asked("bare", "step"), key="images_per_s", unit="images/s"),
        },
        targets=(
            Target(text="of the bare step in the same precision", value=share_of_step, least=0.9,
                   digits=2),
        ),
    )  # fmt: skip


def _first() -> Question:
    return Question(
        name="first",
        title="From pictures taken in to the first honest accuracy",
        text="Hymenoptera, 128 px: decoding, features, the instant baseline. Taking in is over "
        "when the clock starts.",
        lines={"Thaw, instant baseline": Line(asked=thaw("first_accuracy", ANTS))},
        targets=(
            Target(text="seconds", value=number("Thaw, instant baseline", "seconds"), most=10),
        ),
    )


def _memory() -> Question:
    lines: dict[str, Line] = {}
    for name, layers in (("head only", "head"), ("last block", "last:1")):
        asked = Asked(
            "thaw", "memory", "generated-10000", options={"layers": layers}, once=True, watched=True
        )
        lines[f"{name}, resident"] = Line(asked=asked, key="peak_gb", unit="GB")
        lines[f"{name}, its own"] = Line(asked=asked, key="peak_own_gb", unit="GB")
    return Question(
        name="memory",
        title="Peak memory, 10,000 pictures at 224 px",
        text="Generated JPEGs taken in, decoded and trained on (2 epochs) in one process. Resident "
        "memory counts pages of mapped files, which the system takes back when it needs them; "
        "the lines called its own leave them out.",
        lines=lines,
        targets=tuple(
            Target(text=f"GB resident, {name}", value=number(f"{name}, resident", "peak_gb"),
                   most=2.5, digits=2)
            for name in ("head only", "last block")
        ),
    )  # fmt: skip


def _formula() -> Question:
    choices = {"head": 25, "last:1": 25, half(): 10, "all": 5}
    lines: dict[str, Line] = {}
    for layers, epochs in choices.items():
        same: dict[str, Any] = {"layers": layers, "epochs": epochs}
        asked = {
            "Thaw": thaw("train", ANTS, **same),
            "Thaw without cache": thaw("train", ANTS, **same, train__cache=False),
            "plain loop": plain(ANTS, **same),
            "costs": Asked("bare", "costs", options={"layers": layers}),
        }
        for side, one in asked.items():
            if layers != "all" or side != "Thaw without cache":  # nothing is frozen there
                hidden = side != "Thaw without cache"
                lines[f"{layers}, {side}"] = Line(asked=one, hidden=hidden, base=f"{layers}, Thaw")
    return Question(
        name="formula",
        title="Predicted and measured",
        text="Computing frozen blocks once per view instead of once per epoch saves at most "
        "E(p + s)/(Kp + Es): E epochs, K views, p the frozen blocks' forward pass and s a training "
        "step of the rest, per picture. The first prediction takes p and s in float32 as the plain "
        "loop computes, the second as Thaw chose to compute. Against the plain loop Thaw also "
        "saves decoding and, by precision and layout, arithmetic, and pays for taking in. "
        "Without its cache Thaw computes the frozen blocks in float32, so the last column has "
        "precision and caching together.",
        lines=lines,
        extra=predictions(tuple(choices)),
    )


QUESTIONS: dict[str, Question] = {
    one.name: one
    for one in (
        _head(),
        _exact(),
        _last(),
        _half(),
        _all(),
        _search(),
        _deep_clothing(),
        _deep_hymenoptera(),
        _clothing(),
        _lpft(),
        _images(),
        _epochs(),
        _features(),
        _step(),
        _first(),
        _memory(),
        _formula(),
    )
}
