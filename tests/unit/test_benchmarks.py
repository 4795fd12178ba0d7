"""The parts of ``make bench`` that measure nothing: layout of data, statistics, formula, tables."""

from __future__ import annotations

import hashlib
import io
import re
import shutil
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from benchmarks.__main__ import FAILED, kept_rounds
from benchmarks.asking import Line, Question, Target
from benchmarks.formula import speed_up
from benchmarks.measuring import FASTAI, Asked, code_digest, measure
from benchmarks.medians import interval, median, present, range_of
from benchmarks.pictures import AbsentError, Pictures, with_comment
from benchmarks.plain_loop import squared
from benchmarks.questions import QUESTIONS
from benchmarks.settings import half, held_out, layers_of, spec_for
from benchmarks.tables import page, section
from benchmarks.values import (
    accuracy_gain,
    mean_over,
    predictions,
    share_of_bare,
    share_of_step,
    times,
    told_ways,
)
from tests.conftest import ROOT
from tl_core.data.pixels import fit_square

Runs = dict[str, list[dict[str, Any]]]

MACHINE = {
    "system": "Linux",
    "cpu": "a processor",
    "cores": 2,
    "memory_gb": 8,
    "python": "3.11",
    "torch": "2.10",
    "timm": "1.0",
    "threads": 2,
    "capability": "AVX2",
}


def results(lines: Runs) -> dict[str, Any]:
    return {"lines": lines, "machine": MACHINE, "date": "2026-01-31"}


def question(**more: Any) -> Question:
    lines = {
        "Thaw": Line(asked=Asked("thaw", "train", "set")),
        "plain loop": Line(asked=Asked("plain", "", "set"), base="Thaw", times=15, note="once"),
        "secret": Line(asked=Asked("bare", "costs"), hidden=True),
    }
    target = Target(text="times faster", value=times("plain loop", "Thaw", factor=15), least=20)
    return Question(name="one", title="One", text="Why.", lines=lines, targets=(target,), **more)


# -- the formula -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("suffix", "expected"), [(0.0, 30.0), (3.0, 1.32), (1.0, 1.94), (0.16, 6.0)]
)
def test_the_speed_up_is_that_of_the_cost_model(suffix: float, expected: float) -> None:
    found = speed_up(epochs=30, views=1, prefix=1.0, suffix=suffix)
    assert found == pytest.approx(expected, abs=0.01)


@given(
    epochs=st.integers(1, 200),
    views=st.integers(1, 200),
    prefix=st.floats(0.0, 10.0),
    suffix=st.floats(0.01, 10.0),
)
def test_caching_never_costs_and_never_gains_more_than_epochs_over_views(
    epochs: int, views: int, prefix: float, suffix: float
) -> None:
    found = speed_up(epochs=epochs, views=views, prefix=prefix, suffix=suffix)
    assert 1.0 - 1e-9 <= found <= max(1.0, epochs / views) + 1e-9


@pytest.mark.parametrize(
    ("epochs", "views", "prefix", "suffix"),
    [(0, 1, 1, 1), (1, 0, 1, 1), (1, 1, -1, 1), (1, 1, 0, 0)],
)
def test_impossible_costs_are_refused(
    epochs: int, views: int, prefix: float, suffix: float
) -> None:
    with pytest.raises(ValueError, match="must"):
        speed_up(epochs=epochs, views=views, prefix=prefix, suffix=suffix)


# -- statistics ------------------------------------------------------------------------------------


def test_missing_runs_do_not_count() -> None:
    runs: list[dict[str, Any]] = [{"seconds": one} for one in (3.0, 1.0, 2.0)]
    measured: Runs = {"a": [{"missing": "why"}, *runs]}
    assert median(measured, "a", "seconds") == 2.0
    assert len(present(measured, "a")) == 3
    assert median(measured, "a", "epoch_s") is None
    assert median(measured, "b", "seconds") is None
    assert range_of([3.0, 1.0, 2.0]) == (2.0, 1.0, 3.0, 3)


def test_an_accuracy_comes_with_wilsons_interval() -> None:
    low, high = interval(0.81, 153)
    assert (round(low, 3), round(high, 3)) == (0.741, 0.865)


def test_values_wait_for_everything_they_need() -> None:
    measured: Runs = {"a": [{"seconds": 6.0, "val_accuracy": 0.8}], "b": [{"seconds": 2.0}]}
    assert times("a", "b")(measured) == 3.0
    assert times("a", "c")(measured) is None
    assert accuracy_gain("a", "b")(measured) is None
    assert mean_over(["a", "b"], "seconds")(measured) == 4.0
    assert mean_over(["a", "c"], "seconds")(measured) is None


def test_features_are_held_against_the_bare_pass_of_the_same_kind() -> None:
    ways = {"float32 channels_last 16": 500.0, "bfloat16 channels_last 16": 1000.0}
    measured: Runs = {
        "Thaw, features": [
            {"images_per_s": 900.0, "precision": "bfloat16", "layout": "channels_last"}
        ],
        "bare forward pass, the fastest": [{"ways": ways, "flop_per_image": 1e9}],
        "matrix product, the fastest": [{"precisions": {"float32": 1000.0}}],
    }
    assert share_of_bare(measured) == pytest.approx(0.9)
    assert any("500 (50 %)" in sentence for sentence in told_ways(measured))
    assert share_of_bare({}) is None
    assert told_ways({}) == []


def test_training_is_held_against_the_bare_step_of_the_same_precision() -> None:
    measured: Runs = {
        "Thaw, all layers": [{"images_per_s": 90.0, "train_precision": "float32"}],
        "bare training step, the fastest": [{"ways": {"float32": 100.0, "bfloat16": 300.0}}],
    }
    assert share_of_step(measured) == pytest.approx(0.9)
    assert share_of_step({}) is None


def test_predictions_stand_beside_what_was_measured() -> None:
    thaw = {"epochs": 30, "views": 1, "seconds": 2.0, "prefix_ms": 1.0, "suffix_ms": 1.0}
    measured: Runs = {
        "head, Thaw": [thaw | {"expected_s": 1.1, "run_s": 1.0}],
        "head, costs": [{"prefix_ms": 4.0, "suffix_ms": 0.0}],
        "head, plain loop": [{"seconds": 50.0}],
    }
    table, forecast = predictions(("head", "all"))(measured)
    row = table.splitlines()[-1]
    assert row.startswith("| head | 30 | 1 | 4.00, 0.00 | 30.0 | 25.0 | 1.00, 1.00 | 1.9 |")
    assert row.endswith("not measured yet |")
    assert "(+10 %)" in forecast
    assert predictions(("head",))({}) == []


# -- the page --------------------------------------------------------------------------------------


def test_a_section_shows_medians_intervals_ratios_and_the_verdict() -> None:
    runs = [{"seconds": s, "val_accuracy": 0.81, "n_val": 153} for s in (2.0, 4.0, 3.0)]
    text = section(question(), results({"Thaw": runs, "plain loop": [{"seconds": 5.0}]}))
    assert "| Thaw | 3.00 s (2.00 to 4.00) | 3 | 0.810 [0.741, 0.865] of 153 |" in text
    assert "| plain loop | 75.0 s | 1 |  | 25.0 | once |" in text
    assert "| at least 20 times faster | 25.0 | met |" in text
    assert "secret" not in text
    assert "Measured 2026-01-31 on 2 cores of a processor" in text


def test_a_missed_target_says_so_and_a_missing_side_says_why() -> None:
    slow = results({"Thaw": [{"seconds": 5.0}], "plain loop": [{"seconds": 5.0}]})
    assert "| 15.0 | **missed** |" in section(question(), slow)
    absent = section(question(), results({"Thaw": [{"missing": "it is not here"}]}))
    assert "| Thaw | not measured yet | | | | It is not here. |" in absent
    assert "| at least 20 times faster | not measured yet | |" in absent


def test_measuring_one_question_leaves_the_other_sections_alone() -> None:
    first = question()
    other = Question(name="two", title="Two", text="Else.", lines=first.lines)
    both = {"one": results({"Thaw": [{"seconds": 1.0}]}), "two": results({})}
    old = page([first, other], both)
    again = page([first, other], {"one": results({"Thaw": [{"seconds": 9.0}]})}, old)
    assert "| Thaw | 9.00 s |" in again
    assert again.count("\n## ") == 2
    assert again[again.index("## Two") :] == old[old.index("## Two") :]
    assert page([first, other], {}, again) == again


def test_a_section_nobody_measured_follows_its_question() -> None:
    old = page([question()], {})
    assert "This question is not measured yet." in old
    asked = Question(name="one", title="One", text="Asked anew.", lines=question().lines)
    assert "Asked anew." in page([asked], {}, old)


def test_the_page_in_docs_is_what_the_generator_writes() -> None:
    text = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    assert page(list(QUESTIONS.values()), {}, text) == text


@pytest.mark.parametrize("one", QUESTIONS.values(), ids=QUESTIONS)
def test_every_question_is_whole(one: Question) -> None:
    for label, line in one.lines.items():
        assert not line.base or line.base in one.lines, label
    for target in one.targets:
        assert (target.least is None) is not (target.most is None)
        assert target.value({}) is None
    assert one.extra({}) in ([], ())
    assert len({line.title for line in QUESTIONS.values()}) == len(QUESTIONS)


def test_every_number_of_a_target_comes_from_a_line() -> None:
    """With something measured in every line, every target has a value."""
    run: dict[str, Any] = {"precision": "float32", "layout": "contiguous"}
    run |= dict.fromkeys(("seconds", "epoch_s", "val_accuracy", "images_per_s", "peak_gb"), 1.0)
    run |= {"ways": {"float32 contiguous 16": 9.0, "float32": 9.0}, "train_precision": "float32"}
    for one in QUESTIONS.values():
        measured = {label: [run] for label in one.lines}
        for target in one.targets:
            assert target.value(measured) is not None, (one.name, target.text)


# -- data and settings -----------------------------------------------------------------------------


def jpeg(seed: int) -> bytes:
    noise = np.random.default_rng(seed).integers(0, 255, (6, 9, 3), dtype=np.uint8)
    sink = io.BytesIO()
    Image.fromarray(noise).resize((90, 60)).save(sink, "JPEG")
    return sink.getvalue()


@pytest.fixture
def archives(tmp_path: Path) -> Path:
    """Both archives as they are laid out in reality, with a few pictures each."""
    folder = tmp_path / "archives"
    folder.mkdir()
    for name, val, classes in (
        ("hymenoptera", "val", ("ants", "bees")),
        ("clothing_small", "validation", ("hat", "shirt")),
    ):
        with zipfile.ZipFile(folder / f"{name}.zip", "w") as archive:
            for number in range(60):
                part = ("train", "train", val)[number % 3]
                path = f"{name}/{part}/{classes[number // 3 % 2]}/{number}.jpg"
                archive.writestr(path, jpeg(number + (val == "val") * 100))
            archive.writestr(f"{name}/test/{classes[0]}/9.jpg", jpeg(9))
            archive.writestr(f"{name}/train/{classes[0]}/lost.gif", b"GIF89a")
    return folder


def counts(root: Path) -> dict[str, int]:
    return {part: len(list(root.glob(f"{part}/*/*"))) for part in ("train", "val", "test")}


def contents(root: Path, part: str = "*") -> list[str]:
    files = sorted(root.glob(f"{part}/*/*"))
    return sorted(hashlib.sha256(path.read_bytes()).hexdigest() for path in files)


def test_sets_are_laid_out_as_train_and_val(archives: Path, tmp_path: Path) -> None:
    pictures = Pictures(tmp_path / "scratch", archives)
    for name in ("hymenoptera", "clothing"):
        assert counts(pictures.root(name)) == {"train": 40, "val": 20, "test": 0}
    assert counts(Pictures(tmp_path / "quick", archives, quick=True).root("clothing")) == {
        "train": 16,
        "val": 16,
        "test": 0,
    }
    with pytest.raises(AbsentError, match="not here"):
        Pictures(tmp_path / "none", tmp_path).root("clothing")
    with pytest.raises(KeyError):
        pictures.root("flowers")


def test_a_set_divided_anew_has_the_same_pictures_and_numbers(
    archives: Path, tmp_path: Path
) -> None:
    pictures = Pictures(tmp_path / "scratch", archives)
    given, first, second = (pictures.root(f"hymenoptera{end}") for end in ("", "~1", "~2"))
    assert contents(first) == contents(second) == contents(given)
    assert counts(first) == counts(second) == counts(given)
    assert len({tuple(contents(one, "val")) for one in (given, first, second)}) == 3


def test_repeated_pictures_have_bytes_of_their_own(archives: Path, tmp_path: Path) -> None:
    root = Pictures(tmp_path / "scratch", archives).root("many-300")
    assert counts(root)["train"] == 300
    assert len(set(contents(root))) == len(contents(root))
    generated = Pictures(tmp_path / "scratch", archives).root("generated-50")
    assert counts(generated) == {"train": 45, "val": 5, "test": 0}


def test_a_comment_changes_the_bytes_and_not_the_picture() -> None:
    before = jpeg(0)
    after = with_comment(before, "7")
    assert before != after
    same = [np.asarray(Image.open(io.BytesIO(one))) for one in (before, after)]
    assert np.array_equal(same[0], same[1])
    with pytest.raises(ValueError, match="JPEG"):
        with_comment(b"GIF89a", "7")


def test_folds_divide_every_class_evenly() -> None:
    labels = np.array([0] * 12 + [1] * 23)
    parts = [held_out(labels, folds=5, fold=fold) for fold in range(5)]
    assert sorted(np.concatenate(parts).tolist()) == list(range(35))
    per_class = np.array([np.bincount(labels[part]) for part in parts])
    assert (per_class.max(axis=0) - per_class.min(axis=0) <= 1).all()


def test_both_sides_take_thaws_own_settings() -> None:
    spec = spec_for(n_train=244, n_classes=2, freeze__layers="head", train__lr=None)
    assert (spec.train.lr, spec.train.batch_size, spec.train.epochs) == (0.01, 16, 25)
    assert layers_of("half") == half() == "last:2"
    assert layers_of("last:1") == "last:1"


@pytest.mark.parametrize("resize", ["pad", "squash"])
def test_the_plain_loop_makes_pictures_square_as_thaw_does(resize: str) -> None:
    image = Image.open(io.BytesIO(jpeg(3)))
    ours = np.asarray(fit_square(image, 64, resize), dtype=float)
    plain = np.asarray(squared(image, 64, resize), dtype=float)
    assert np.abs(ours - plain).mean() < 2.0


# -- measuring -------------------------------------------------------------------------------------


def test_equal_measurements_are_known_as_equal() -> None:
    one, two = (Asked("plain", "", "set", {"epochs": n}, seeded=True) for n in (25, 5))
    assert one.key == Asked("plain", "", "set", {"epochs": 25}).key != two.key
    assert one.quick().options == two.quick().options == {"epochs": 2}


def test_rounds_go_on_where_machine_and_code_are_the_same() -> None:
    same = {"machine": MACHINE, "code": "abc", "device": "cpu"}
    label, line = next(iter(QUESTIONS["exact"].lines.items()))
    stored = {"exact": {**same, "lines": {label: [{"seconds": 1.0}, {"missing": FAILED}]}}}
    made = kept_rounds(stored, same, quick=False)
    assert made == {line.asked.key: [{"seconds": 1.0}]}
    for change in ({"code": "abd"}, {"device": "cuda"}, {"machine": {**MACHINE, "cores": 4}}):
        assert not kept_rounds(stored, {**same, **change}, quick=False)


def test_the_digest_of_the_code_is_that_of_what_is_timed(tmp_path: Path) -> None:
    for name in ("tl_core", "benchmarks"):
        shutil.copytree(
            ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("*.safetensors")
        )
    assert code_digest(tmp_path) == code_digest()
    (tmp_path / "benchmarks" / "tables.py").write_text("# the page, which times nothing")
    assert code_digest(tmp_path) == code_digest()
    (tmp_path / "tl_core" / "train" / "loop.py").write_text("# faster")
    assert code_digest(tmp_path) != code_digest()


def test_what_cannot_be_measured_is_told(
    tmp_path: Path, archives: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(FASTAI, "none")
    asked = Asked("fastai", "frozen", "hymenoptera")
    told = measure(asked, Pictures(tmp_path / "a", archives), run=0)
    assert told == {"missing": "fastai is not installed beside Thaw"}
    assert "not here" in measure(asked, Pictures(tmp_path / "b", tmp_path), run=0)["missing"]


@pytest.mark.slow
def test_a_side_that_fails_says_what_it_said(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=re.escape("KeyError: 'nothing'")):
        measure(Asked("bare", "nothing"), Pictures(tmp_path, tmp_path), run=0)
