"""Runs side by side: their facts, the choice that lasts, and honest comparisons."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.pages import seed
from tl_core.config import DataConfig, FreezeConfig, TrainConfig
from tl_core.errors import DataError, RunNotFoundError
from tl_core.jobs.comparing import MOST, Choice, controls
from tl_core.jobs.confidence import change_temperature
from tl_core.jobs.continuing import Origin, keep_origin
from tl_core.session import Project, Studio
from tl_core.storage import Home


@pytest.fixture
def studio(home: Home) -> Studio:
    return Studio(home)


@pytest.fixture
def project(studio: Studio) -> Project:
    return seed.project_with_pictures(studio, per_class=40)


def three(studio: Studio, project: Project) -> list[str]:
    return [
        seed.finished_run(studio, project, right=0.98, seed=1),
        seed.finished_run(studio, project, right=0.9, seed=2),
        seed.finished_run(studio, project, right=0.3, seed=3),
    ]


def test_only_runs_with_a_result_are_there(studio: Studio, project: Project) -> None:
    done = seed.finished_run(studio, project)
    seed.failed_run(studio, project)
    broken = seed.interrupted_run(studio, project)
    seed.running_run(studio, project)
    assert [one.id for one in studio.comparing.runs(project.id)] == [done]
    with pytest.raises(RunNotFoundError, match="no result"):
        studio.comparing.facts(broken)
    with pytest.raises(RunNotFoundError):
        studio.comparing.facts("t0")


def test_facts_are_those_of_result_history_and_set(studio: Studio, project: Project) -> None:
    first = seed.finished_run(studio, project)
    studio.curation.exclude(project.id, [1], title="one")
    second = seed.finished_probe(studio, project)
    newest, oldest = studio.comparing.runs(project.id)
    assert (newest.id, oldest.id) == (second, first)
    assert (oldest.state, newest.state) == (0, 1)
    assert (oldest.pictures, newest.pictures) == (120, 119)
    assert (oldest.solved, newest.solved, newest.from_scratch) == (False, True, False)
    report = studio.report(first, "test")
    assert report is not None
    assert oldest.accuracy["test"] == (report["accuracy"]["value"], *report["accuracy"]["ci"])
    assert oldest.seconds == studio.catch_up(first).elapsed_s > 0
    assert oldest.megabytes == pytest.approx(4e-6 * studio.card(project.id).parameters)
    (studio.home.run_dir(first) / "model.safetensors").write_bytes(bytes(3_000_000))
    assert studio.comparing.facts(first).megabytes == 3.0


def test_the_choice_lasts_and_forgets_what_is_gone(studio: Studio, project: Project) -> None:
    runs = three(studio, project)
    assert studio.comparing.choice(project.id) == Choice(runs=(runs[2], runs[1]))
    asked = Choice(runs=(runs[0], runs[2]), reference=runs[2], split="test")
    studio.comparing.choose(project.id, asked)
    assert Studio(studio.home).comparing.choice(project.id) == asked
    studio.remove(runs[2])
    assert studio.comparing.choice(project.id) == Choice(runs=(runs[0],), split="test")


def test_no_more_than_six_are_kept(studio: Studio, project: Project) -> None:
    runs = [seed.finished_run(studio, project, seed=n) for n in range(MOST + 1)]
    studio.comparing.choose(project.id, Choice(runs=tuple(runs)))
    assert len(studio.comparing.choice(project.id).runs) == MOST


def test_the_best_on_validation_is_the_one_others_are_held_against(
    studio: Studio, project: Project
) -> None:
    runs = three(studio, project)
    found = studio.comparing.compare(list(reversed(runs)), split="val")
    assert (found.reference, found.by_itself, found.tests) == (runs[0], True, 3)
    assert [(one.first, one.second) for one in found.pairs] == [
        (runs[2], runs[0]),
        (runs[1], runs[0]),
    ]
    assert found.pairs[0].verdict == "second"
    chosen = studio.comparing.compare(runs, split="val", reference=runs[1])
    assert (chosen.reference, chosen.by_itself, chosen.tests) == (runs[1], False, 2)


def test_on_test_pictures_the_best_was_not_picked_by_them(studio: Studio, project: Project) -> None:
    runs = three(studio, project)
    found = studio.comparing.compare(runs, split="test")
    assert (found.reference, found.tests) == (runs[0], 2)


def test_every_comparison_on_test_pictures_is_remembered(studio: Studio, project: Project) -> None:
    runs = three(studio, project)
    studio.comparing.compare(runs, split="val")
    assert studio.comparing.compare(runs[:2], split="test").tested == 2
    assert studio.comparing.compare(runs[1:], split="test").tested == 3
    assert studio.comparing.compare(runs[:2], split="test").tested == 3  # kept in memory or not
    assert Studio(studio.home).run(runs[2]).tested_at is not None


def test_pictures_the_other_has_learned_from_are_left_out(studio: Studio, project: Project) -> None:
    first = seed.finished_run(studio, project, seed=1)
    studio.resplit(project.id, DataConfig(seed=5))
    second = seed.finished_run(studio, project, seed=2)
    (pair,) = studio.comparing.compare([first, second], split="test").pairs
    one, other = studio.snapshot(pair.first), studio.snapshot(pair.second)
    parts = {
        (which, split): {row.digest for row in snapshot.part(split)}
        for which, snapshot in (("one", one), ("other", other))
        for split in ("train", "test")
    }
    learned = (parts["one", "test"] & parts["other", "train"]) | (
        parts["other", "test"] & parts["one", "train"]
    )
    assert pair.learned == len(learned) > 0
    assert pair.n == len(parts["one", "test"] & parts["other", "test"])


def test_what_the_weights_it_went_on_from_have_seen_counts_as_learned(
    studio: Studio, project: Project
) -> None:
    runs = three(studio, project)[:2]
    seen = tuple(row.digest for row in studio.snapshot(runs[0]).part("test")[:3])
    keep_origin(studio.home, runs[1], Origin(run="t0", weights=True, seen=seen))
    (pair,) = studio.comparing.compare(runs, split="test").pairs
    assert (pair.learned, pair.n) == (3, len(studio.snapshot(runs[0]).part("test")) - 3)


def test_a_relabelled_picture_is_another_question(studio: Studio, project: Project) -> None:
    first = seed.finished_run(studio, project, seed=1)
    row = studio.snapshot(first).part("val")[0]
    other = next(name for name in seed.CLASSES if name != row.label)
    studio.curation.relabel(project.id, {row.id: other}, title="one")
    second = seed.finished_run(studio, project, seed=2)
    (pair,) = studio.comparing.compare([first, second], split="val").pairs
    assert pair.relabelled == 1
    changed = studio.comparing.between(first, second)
    assert changed is not None and changed.moved == 1
    assert studio.comparing.between(first, "t0") is None


def test_a_corrected_confidence_is_compared_as_it_is_now(studio: Studio, project: Project) -> None:
    first, second, _ = three(studio, project)
    before = studio.comparing.compare([first, second], split="val").pairs[0]
    change_temperature(studio.home, second, 3.0)
    after = studio.comparing.compare([first, second], split="val").pairs[0]
    assert after.accuracy == before.accuracy, "no answer has changed"
    assert after.loss != before.loss


def test_disagreements_name_both_answers_and_who_is_right(studio: Studio, project: Project) -> None:
    good, _, bad = three(studio, project)
    found = studio.comparing.compare([good, bad], split="val")
    pair, shown = found.pairs[0], found.disagreements[bad]
    assert sum(one.right == "second" for one in shown) == pair.only_second > 0
    assert sum(one.right == "first" for one in shown) == pair.only_first
    for one in shown:
        assert one.first != one.second
        assert (one.right == "first") is (one.first == one.image.label)


def test_runs_without_answers_are_named(studio: Studio, project: Project) -> None:
    runs = three(studio, project)
    (studio.home.run_dir(runs[0]) / "answers-val.safetensors").unlink()
    found = studio.comparing.compare(runs, split="val")
    assert found.missing == (runs[0],)
    assert found.reference == runs[1]
    for run_id in runs[1:]:
        (studio.home.run_dir(run_id) / "answers-test.json").unlink()
        (studio.home.run_dir(run_id) / "data.json").unlink()
    empty = studio.comparing.compare(runs[1:], split="test")
    assert (empty.reference, empty.pairs, empty.missing) == ("", (), tuple(runs[1:]))


def test_other_classes_are_told(studio: Studio, project: Project) -> None:
    first = seed.finished_run(studio, project, seed=1)
    studio.curation.exclude_class(project.id, "wasps", title="no wasps")
    second = seed.finished_run(studio, project, seed=2, right=0.5)
    found = studio.comparing.compare([first, second], split="val", reference=first)
    assert found.other_classes == (second,)


def test_a_run_from_scratch_is_a_control_of_its_own_network_only(
    studio: Studio, project: Project
) -> None:
    first = seed.finished_run(studio, project)
    spec = replace(seed.short_spec(), freeze=FreezeConfig(layers="scratch"))
    control = seed.finished_run(studio, project, spec=spec, right=0.3, seed=4)
    (pair,) = studio.comparing.compare([first, control], split="val").pairs
    facts = studio.comparing.runs(project.id)
    assert controls(facts, pair) == [control]
    other = [
        replace(one, row=replace(one.row, spec={"model": {"name": "other"}}))
        if one.id == first
        else one
        for one in facts
    ]
    assert controls(other, pair) == []


def test_a_comparison_is_plain_values(studio: Studio, project: Project) -> None:
    runs = three(studio, project)
    body = studio.comparing.compare(runs, split="val").to_dict()
    assert body["reference"] == runs[0] and "disagreements" not in body
    assert body["pairs"][0]["accuracy"].keys() == {"value", "low", "high"}


# -- running a run again ---------------------------------------------------------------------------


def test_a_run_again_has_the_same_settings_and_pictures(studio: Studio, project: Project) -> None:
    spec = replace(seed.short_spec(), train=TrainConfig(epochs=6, seed=7))
    first = seed.finished_run(studio, project, spec=spec)
    studio.curation.relabel(project.id, {1: "bees"}, title="one")
    about = studio.comparing.repeatable(studio.run(first))
    assert about.since is not None and about.since.moved == 1
    assert (about.anew, about.by_hand) == ("", False)
    again = studio.comparing.repeat(first)
    assert studio.run(again).spec == studio.run(first).spec
    assert studio.snapshot(again) == studio.snapshot(first)
    assert studio.run(again).name == f"{studio.run(first).name}, again"
    assert studio.versions.used(project.id)[0] == [again, first]  # the state it was trained on
    now = studio.comparing.repeat(again, as_then=False)
    assert studio.snapshot(now).images[0].label == "bees"
    assert studio.run(now).name == f"{studio.run(first).name}, again"


def test_a_run_whose_pictures_are_lost_says_so(studio: Studio, project: Project) -> None:
    first = seed.finished_run(studio, project)
    studio.home.drop_blob(studio.snapshot(first).images[0].digest)
    with pytest.raises(DataError, match="1 of the pictures of this run are not here"):
        studio.comparing.repeat(first)
    assert studio.comparing.repeat(first, as_then=False)


def test_a_run_that_went_on_from_one_that_is_gone_says_so(studio: Studio, project: Project) -> None:
    first = seed.finished_run(studio, project)
    second = studio.start_changed(first, {}, go_on=True)
    studio.remove(first)
    about = studio.comparing.repeatable(studio.run(second))
    assert "not here any more" in about.anew


def test_a_run_of_unknown_pictures_can_only_have_those_of_now(
    studio: Studio, project: Project
) -> None:
    first = seed.finished_run(studio, project)
    (studio.home.run_dir(first) / "data.json").unlink()
    assert studio.comparing.repeatable(studio.run(first)).since is None
    with pytest.raises(RunNotFoundError):
        studio.comparing.repeat(first)


def test_a_run_that_was_ended_by_hand_is_there_and_says_that_another_goes_on(
    studio: Studio, project: Project
) -> None:
    row = studio.run(seed.finished_run(studio, project))
    stopped = replace(row, result={**(row.result or {}), "reason": "stopped"})
    assert studio.comparing.repeatable(stopped).by_hand
    assert not studio.comparing.repeatable(row).by_hand
