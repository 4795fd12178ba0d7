"""What a page is: a short script that asks the engine and draws the answer."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

from tests.arch.sources import ROOT, calls, imported, python_files, shown, tree_of
from tl_ui import text

PAGES = python_files("pages")
LONGEST_PAGE = 80  # lines
ALLOWED = ("streamlit", "tl_ui", "tl_core.session", "tl_core.config", "tl_core.errors")
NO_STDLIB = ("subprocess", "threading", "multiprocessing", "sqlite3", "pickle", "asyncio")
STEPS = ("home", "data", "model", "layers", "train", "evaluate", "compare", "predict")


def test_every_step_has_its_page_without_a_number() -> None:
    names = [path.stem for path in PAGES]
    assert set(STEPS) <= set(names), names
    assert not [name for name in names if name[0].isdigit()]


@pytest.mark.parametrize("path", PAGES, ids=shown)
def test_a_page_is_short(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST_PAGE


@pytest.mark.parametrize("path", PAGES, ids=shown)
def test_a_page_begins_by_saying_what_it_is(path: Path) -> None:
    assert ast.get_docstring(tree_of(path))


@pytest.mark.parametrize("path", PAGES, ids=shown)
def test_a_page_imports_little(path: Path) -> None:
    for name in imported(tree_of(path)):
        top = name.split(".")[0]
        light = top in sys.stdlib_module_names and top not in NO_STDLIB
        ours = any(name == one or name.startswith(f"{one}.") for one in ALLOWED)
        assert light or ours, f"{shown(path)} imports {name}"


@pytest.mark.parametrize("path", PAGES, ids=shown)
def test_a_page_defines_nothing(path: Path) -> None:
    # Streamlit runs the file anew each time: a class defined in it is another one every time.
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Try)
    found = [node.lineno for node in ast.walk(tree_of(path)) if isinstance(node, kinds)]
    assert not found, f"{shown(path)}: lines {found}"


@pytest.mark.parametrize("path", [*PAGES, *python_files("tl_ui", "studio.py")], ids=shown)
def test_no_html_that_is_not_ours(path: Path) -> None:
    for name, call in calls(tree_of(path)):
        for keyword in call.keywords:
            assert keyword.arg not in ("unsafe_allow_html", "unsafe_allow_javascript"), (
                f"{shown(path)}:{call.lineno} {name} lets markup through"
            )


def test_the_router_reaches_navigation_before_anything_heavy() -> None:
    tree = tree_of(ROOT / "studio.py")
    body = tree.body
    assert ast.get_docstring(tree)
    for name in imported(tree):
        assert name.split(".")[0] not in ("torch", "torchvision", "timm", "pandas", "numpy"), name
    order = [ast.unparse(node) for node in body]
    places = {
        call: next((n for n, text in enumerate(order) if call in text), None)
        for call in ("st.set_page_config(", "st.navigation(")
    }
    assert None not in places.values(), places
    page_config, navigation = places["st.set_page_config("], places["st.navigation("]
    assert page_config is not None
    assert navigation is not None
    assert page_config < navigation
    before = [
        node
        for node in body[1:page_config]
        if not isinstance(node, ast.Import | ast.ImportFrom | ast.Assign | ast.AnnAssign)
    ]
    assert not before, [ast.unparse(node) for node in before]


def test_every_page_is_in_the_navigation() -> None:
    listed = [page.path for page in text.PAGES]
    assert sorted(listed) == sorted(f"pages/{path.name}" for path in PAGES)
