"""Every number on the pages of the way can be opened to what it means: none is left out.

The pages are walked in the states that show numbers. A figure is a metric, a chart, a table, a big
number drawn by hand, or a component that draws numbers; each must be known here by its key, and the
explanation that goes with it must be on the page.
"""

from __future__ import annotations

import ast
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from tests.arch.sources import calls, python_files, tree_of
from tests.pages import seed
from tests.pages.conftest import OpenPage
from tests.pages.test_data import view
from tests.pages.test_export import certify
from tests.pages.test_predict import TOP, answered
from tests.pages.test_split import FLATTERED, STEADY
from tl_core.check.findings import KINDS, DataFinding
from tl_core.config import FreezeConfig, TrainConfig
from tl_core.session import Project, Studio
from tl_ui.texts import compare, crossing, data, evaluate, growth
from tl_ui.texts import meanings as text

# the beginning of a figure's key -> the key of its explanation; metrics by the key of their group
GROUPS = {
    "scores": "scores.meaning",
    "headline": "headline.meaning",
    "costs": "costs.meaning",
    "data.numbers": "data.numbers.meaning",
    "data.parts": "data.parts.meaning",
    "data.honesty": "data.honesty.meaning",
    "closer.line.figures": "closer.class.meaning",
}
CHARTS = {
    "confusion.chart": "confusion.meaning",
    "map.chart.": "map.meaning",
    "curves_": "curves.meaning",
    "strengths_": "curves.meaning",
    "predict.bars.": "answers.meaning",
    "data.balance": "data.classes.meaning",
    "growth.curve": "growth.meaning",
    "transfer.bars": "transfer.meaning",
    "crossing.parts": "crossing.meaning",
    "closer.curve.chart": "closer.class.meaning",
    "closer.reliability.chart": "closer.reliability.meaning",
    "compare.gaps": "compare.verdicts.meaning",
    "compare.curves.": "compare.curves.meaning",
    "compare.costs": "compare.costs.meaning",
}
TABLES = {  # by their columns, as a test sees no key of a table; one of these explains it
    ("class", "support"): ("classes.meaning",),
    (data.CLASS, data.TOTAL): ("data.classes.meaning", "data.parts.meaning"),
    (growth.CLASS, growth.COUNT): ("growth.meaning.classes",),
    ("file", "answer"): ("many.meaning",),
    (crossing.CLASS, crossing.COUNT): ("crossing.meaning.classes",),
    ("name", "value"): ("closer.scores.meaning",),
    ("kind", "n"): ("closer.kinds.meaning",),
    (compare.MARK, compare.NAME): ("compare.runs.meaning",),
}
TABLE_KEYS = (
    "classes",
    "data.split.",
    "data.table",
    "growth.classes",
    "crossing.classes",
    "advice.",
    "all-scores",
    "kinds",
    "compare.",
    "many.answers",
)
DRAWN = {
    "thaw-score": "scores.meaning",
    "thaw-base": "baseline.meaning",
    "thaw-run": "compare.runs.meaning",
    "thaw_curves": "curves.meaning",
    "thaw_network": "blocks.meaning",
}
WORDS_ONLY = {"data.left": "names of files and reasons, no number"}
ELSEWHERE = {"home.py": "the list of projects, on no page of the way"}


# -- what is on a page -----------------------------------------------------------------------------


def nodes(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, tuple[Any, ...]]]:
    for child in getattr(node, "children", {}).values():
        yield child, (*path, node)
        yield from nodes(child, (*path, node))


def key_of(node: Any) -> str:
    """The key that the code gave; Streamlit keeps it at the end of the id."""
    given = getattr(node, "key", None)
    name = str(getattr(getattr(node, "proto", None), "id", "") or "")
    return str(given) if given else name.split("-", 2)[-1] if name.startswith("$$ID") else ""


def explanations(app: AppTest) -> dict[str, str]:
    """Key of each explanation on the page -> everything behind it."""
    found = {}
    for node, _ in nodes(app.main):
        if getattr(node, "type", "") == "popover" and node.proto.popover.icon.endswith("help:"):
            told = "\n".join(str(one.value) for one, _ in nodes(node) if one.type == "markdown")
            for head in (text.MEANS, text.COMPUTED, text.CHANGES):
                assert f"**{head}**" in told, key_of(node)
            found[key_of(node)] = told.replace("\\", "")
    return found


def looked_up(key: str, ledger: dict[str, str]) -> str:
    """The explanation of a figure's key; the test fails where nobody has thought of one."""
    known = [one for one in ledger if key == one or (key.startswith(one) and one[-1] in "._")]
    assert known, f"nothing explains “{key}”"
    return ledger[max(known, key=len)]


def figures_of(app: AppTest) -> list[tuple[str, str, str]]:
    """Every figure on the page: what it is, the key of its explanation, a label to be named."""
    found = []
    for node, path in nodes(app.main):
        kind, key = node.type, key_of(node)
        if kind == "metric":
            group = next(key_of(one) for one in reversed(path) if one.type == "grid_container")
            found.append((f"metric {node.label}", looked_up(group, GROUPS), node.label))
        elif kind == "plotly_chart":
            found.append((f"chart {key}", looked_up(key, CHARTS), ""))
        elif kind == "dataframe":
            columns = tuple(node.value.columns[:2])
            if columns[0] == compare.SETTING:  # and a column of each run
                found.append(("table of settings", "compare.differ.meaning", ""))
                continue
            assert columns in TABLES, f"nothing explains the table {columns}"
            why = [one for one in TABLES[columns] if one in explanations(app)]
            found.append((f"table {columns}", why[0] if why else "", ""))
        elif kind == "html":
            drawn = [one for one in DRAWN if f'class="{one}"' in node.value]
            found += [(one, DRAWN[one], "") for one in drawn]
            assert drawn or "<strong>" not in node.value, node.value[:200]
        elif kind == "bidi_component" or "component_name" in str(getattr(node, "proto", "")):
            name = str(node.proto.component_name)
            found += [(name, why, "") for one, why in DRAWN.items() if name.endswith(one)]
    return found


def all_explained(app: AppTest, *also: str, drawn: int) -> dict[str, str]:
    """Every figure of the page is explained, and what is told in words only (``also``) too."""
    told, found = explanations(app), figures_of(app)
    assert len(found) >= drawn, found  # else the page shows less than the test believes
    for what, why, label in found:
        assert why in told, f"{what} has no explanation on the page"
        plain = label.replace("\\", "")
        assert plain in told[why] or plain in COUNTED, f"{what} is not named in {why}"
    for key in also:
        assert key in told, key
    return told


COUNTED = {"Classes"}  # needs no word


# -- the pages -------------------------------------------------------------------------------------


@pytest.fixture
def project(studio: Studio) -> Project:
    return seed.project_with_pictures(studio, per_class=20)


def everything_found() -> list[DataFinding]:
    """One finding of each kind, with the numbers the check would give."""
    more: dict[str, Any] = {
        "copies": {"exact": 3},
        "wrong_labels": {"expected_wrong": 4.2},
        "imbalance": {"effective_classes": 2.4},
    }
    return [
        DataFinding(kind=kind, severity="info", sentence="So it is.", evidence=more.get(kind, {}))
        for kind in KINDS
    ]


def checked(studio: Studio, project: Project, honesty: Any = FLATTERED) -> str:
    result = {
        "findings": [one.to_dict() for one in everything_found()],
        "pictures": 60,
        "judged": 50,
        "accuracy": 0.9,
        "honesty": honesty.to_dict(),
        "seconds": 4.0,
        "data_version": studio.library.get(project.id).data_version,
    }
    return seed.task(studio, "check", project_id=project.id, state="finished", result=result)


def test_evaluate(studio: Studio, project: Project, open_page: OpenPage) -> None:
    run_id = seed.finished_run(studio, project, findings=[seed.finding()])
    app = open_page("evaluate", project=project.id, run=run_id)
    told = all_explained(app, "says.meaning", drawn=4)
    report = studio.report(run_id, "test")
    assert report is not None
    right, n = report["accuracy"]["right"], report["n"]
    assert f"{right} right answers of {n}; the answer is" in told["scores.meaning"]
    assert f"{100 * report['calibration']['ece']:.1f} points here" in told["says.meaning"]
    assert "McNemar" in told["says.meaning"]


@pytest.mark.parametrize(
    ("view", "told"),
    [
        ("scores", "500 redraws"),
        ("class", "tried on the validation pictures"),
        ("confidence", "Split conformal prediction"),
    ],
)
def test_a_closer_look(
    studio: Studio, project: Project, open_page: OpenPage, view: str, told: str
) -> None:
    run_id = seed.finished_run(studio, project)
    app = open_page("evaluate", project=project.id, run=run_id, view=evaluate.VIEWS["closer"])
    app.get("segmented_control")[-1].set_value(view).run()
    assert told in " ".join(all_explained(app, drawn=1).values())


@pytest.mark.parametrize(
    ("way", "also"), [("cell", "confusion"), ("sure", "mistakes"), ("map", "map")]
)
def test_mistakes(
    studio: Studio, project: Project, open_page: OpenPage, way: str, also: str
) -> None:
    run_id = seed.finished_run(studio, project)
    seed.drawn_map(studio, run_id)
    app = open_page("evaluate", project=project.id, run=run_id, view=evaluate.VIEWS["mistakes"])
    app.get_by_key("mistakes.way").set_value(way).run()
    keys = (f"{also}.meaning", "explain.meaning", "mending.meaning")
    all_explained(app, *keys, drawn=int(way != "sure"))


def test_compare(studio: Studio, project: Project, open_page: OpenPage) -> None:
    scratch = replace(seed.short_spec(), freeze=FreezeConfig(layers="scratch"))
    runs = [
        seed.finished_run(studio, project),
        seed.finished_run(studio, project, right=0.4, seed=1, spec=scratch),
    ]
    app = open_page("compare", project=project.id, run=runs[0])
    also = ("compare.transfer.meaning", "compare.disagree.meaning")
    told = all_explained(app, *also, drawn=8)
    assert "McNemar" in told["compare.verdicts.meaning"]
    assert "4,000 times" in told["compare.verdicts.meaning"]


def test_a_classifier_that_was_brought(studio: Studio, open_page: OpenPage) -> None:
    brought = seed.bundle(studio)
    app = open_page("predict", project=brought.id)
    app.get("file_uploader")[0].upload("a.png", seed.picture(7)).run()
    answered(studio, *TOP)
    app.run()
    told = all_explained(app, "brought.meaning", drawn=1)
    assert "settled where it was made" in told["answers.meaning"]
    assert "SHA-256" in told["brought.meaning"]


def test_data(studio: Studio, project: Project, open_page: OpenPage) -> None:
    seed.known_baseline(studio, project)
    checked(studio, project)
    told = all_explained(open_page("data", project=project.id), "check.meaning", drawn=9)
    assert "2 files that could not be used" in told["data.numbers.meaning"]
    assert "the largest class among them, 54 %" in told["baseline.meaning"]


@pytest.mark.parametrize(("honesty", "numbers"), [(STEADY, 1), (FLATTERED, 3)])
def test_the_split(
    studio: Studio, project: Project, open_page: OpenPage, honesty: Any, numbers: int
) -> None:
    checked(studio, project, honesty)
    app = open_page("data", project=project.id)
    view(app, "split")
    told = all_explained(app, drawn=6 + 3 + 1 + numbers)
    assert "25 times in all" in told["data.honesty.meaning"]


def test_what_the_check_found(studio: Studio, project: Project, open_page: OpenPage) -> None:
    task_id = checked(studio, project)
    app = open_page("data", project=project.id)
    view(app, "check")
    each = [f"check.meaning.{task_id}.{place}" for place in range(len(KINDS))]
    told = all_explained(app, "check.judged.meaning", *each, drawn=6)
    assert "about 4 should be wrong" in told[each[KINDS.index("wrong_labels")]]
    assert "as 2.4 classes of equal size" in told[each[KINDS.index("imbalance")]]


@pytest.mark.parametrize("layers", ["head", "deep-probe"])
def test_before_a_run(studio: Studio, project: Project, open_page: OpenPage, layers: str) -> None:
    spec = replace(seed.short_spec(), freeze=FreezeConfig(layers=layers))
    studio.save_draft(project.id, spec)
    told = all_explained(open_page("train", project=project.id), "summary.meaning", drawn=0)
    assert "measured on this machine" in told["summary.meaning"]
    told = all_explained(open_page("layers", project=project.id), drawn=4)
    solved = "only a new head is found" in told["costs.meaning"]
    assert solved is (layers == "deep-probe")


@pytest.mark.parametrize(
    ("begun", "drawn"),
    [
        (seed.running_run, 5),
        (seed.finished_run, 5),
        (seed.running_probe, 6),
        (seed.finished_probe, 6),
    ],
)
def test_a_run(
    studio: Studio,
    project: Project,
    open_page: OpenPage,
    begun: Callable[[Studio, Project], str],
    drawn: int,
) -> None:
    run_id = begun(studio, project)
    all_explained(open_page("train", project=project.id, run=run_id), drawn=drawn)


def test_predict(studio: Studio, project: Project, open_page: OpenPage) -> None:
    seed.finished_run(studio, project)
    app = open_page("predict", project=project.id)
    app.get("file_uploader")[0].upload("my ant.png", seed.picture(7)).run()
    answered(studio, *TOP)
    told = all_explained(app.run(), drawn=1)
    assert "“Very sure” is said from 95 % on" in told["answers.meaning"]


def test_export(studio: Studio, project: Project, open_page: OpenPage) -> None:
    run_id = seed.finished_run(studio, project)
    with zipfile.ZipFile(seed.export_file(studio, run_id), "w") as archive:
        archive.writestr(f"thaw-{run_id}/model.onnx", bytes(2000))
    certify(studio, run_id)
    app = open_page("export", project=project.id, run=run_id)
    told = all_explained(app, "certificate.meaning", drawn=0)
    assert "48 pictures that were not trained on" in told["certificate.meaning"]


# -- no figure anywhere that nobody has thought of -------------------------------------------------


def test_every_chart_table_and_number_in_the_code_is_known_here() -> None:
    """A figure in a state that no test above shows is found in the code."""
    ledgers = {*GROUPS, *CHARTS, *TABLE_KEYS, *WORDS_ONLY, "rate_curve"}
    seen = 0
    for path in python_files("tl_ui/views", "tl_ui/live.py", "pages"):
        if path.name in ELSEWHERE:
            continue
        for name, call in calls(tree_of(path)):
            if name.rsplit(".", 1)[-1] not in ("plotly_chart", "dataframe", "figures"):
                continue
            seen += 1
            given = next((one.value for one in call.keywords if one.arg == "key"), None)
            assert given is not None, f"{path.name}:{call.lineno} has no key"
            words = _literal(given, path)
            assert any(one in words for one in ledgers), f"{path.name}:{call.lineno} {words}"
    assert seen >= 15


def _literal(node: ast.AST, path: Any) -> str:
    """The constant parts of a key; a name is looked up among the module's constants."""
    if isinstance(node, ast.Name):
        for one in tree_of(path).body:
            if isinstance(one, ast.Assign):
                for target, value in zip(
                    getattr(one.targets[0], "elts", one.targets),
                    getattr(one.value, "elts", [one.value]),
                    strict=False,
                ):
                    if getattr(target, "id", "") == node.id and isinstance(value, ast.Constant):
                        return str(value.value)
        return "data.table" if node.id == "key" else ""  # handed in: parts.table, figures
    return "".join(str(one.value) for one in ast.walk(node) if isinstance(one, ast.Constant))


# -- one button stands out, and rates are listed ---------------------------------------------------


def primaries(app: AppTest) -> list[str]:
    return [str(one.key) for one in app.button if one.proto.type == "primary"]


@pytest.mark.parametrize("page", ["train", "evaluate"])
@pytest.mark.parametrize("severity", ["info", "warning", "problem"])
def test_one_button_stands_out_when_a_run_is_over(
    studio: Studio, project: Project, open_page: OpenPage, page: str, severity: Any
) -> None:
    found = replace(seed.finding(), severity=severity)
    run_id = seed.finished_run(studio, project, findings=[found])
    there = primaries(open_page(page, project=project.id, run=run_id))
    on = "next_evaluate" if page == "train" else "next_compare"
    assert there == ([f"anew.{run_id}.overfit.0"] if severity == "problem" else [on])


def test_advice_that_is_no_button_leaves_the_way_on_to_stand_out(
    studio: Studio, project: Project, open_page: OpenPage
) -> None:
    tell = replace(seed.finding().remedies[0], act="tell", changes={})
    found = replace(seed.finding(), severity="problem", remedies=[tell])
    run_id = seed.finished_run(studio, project, findings=[found])
    assert primaries(open_page("train", project=project.id, run=run_id)) == ["next_evaluate"]


def test_the_rates_of_blocks_are_listed_with_the_settings(
    studio: Studio, project: Project, open_page: OpenPage
) -> None:
    spec = replace(
        seed.short_spec(),
        freeze=FreezeConfig(layers="last:2"),
        train=TrainConfig(epochs=6, lr=0.01, block_rates="3:0.5"),
    )
    titles = [group.title for group in studio.card(project.id).groups]
    studio.save_draft(project.id, spec)
    before = "\n".join(str(one.value) for one in open_page("train", project=project.id).caption)
    by_hand = f"{titles[3]}: 0.005 (set by you)"
    by_rule = f"{titles[4]}: 0.001 (by rule)"
    assert f"{by_hand}, {by_rule}" in before.replace("\\", "")
    run_id = seed.finished_run(studio, project, spec=spec)
    app = open_page("train", project=project.id, run=run_id)
    table = "\n".join(str(one.value) for one in app.markdown).replace("\\", "")
    assert f"| Rate of each block | {by_hand}, {by_rule} |" in table


def test_where_only_the_head_learns_no_rates_are_listed(
    studio: Studio, project: Project, open_page: OpenPage
) -> None:
    run_id = seed.finished_run(studio, project)
    app = open_page("train", project=project.id, run=run_id)
    assert "Rate of each block" not in "\n".join(str(one.value) for one in app.markdown)
