"""Whatever a user can meet is documented, and nothing is documented that does not exist."""

from __future__ import annotations

import argparse
import re
from dataclasses import fields
from pathlib import Path

import pytest

from tl_core import config, errors, events
from tl_core.cli.main import build_parser

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
CONFIGS = ("DataConfig", "ModelConfig", "FreezeConfig", "AugmentConfig", "TrainConfig", "RunSpec")


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def section(text: str, title: str) -> str:
    """The text under a ``## title`` heading; fails when there is none."""
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", text, re.M | re.S)
    assert found, f"no section {title}"
    return found[1]


def headings(text: str) -> set[str]:
    return set(re.findall(r"^## (.+)$", text, re.M))


def commands() -> dict[str, argparse.ArgumentParser]:
    for action in build_parser()._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    raise AssertionError("the parser has no commands")


def options_of(parser: argparse.ArgumentParser) -> set[str]:
    return {name for action in parser._actions for name in action.option_strings if name != "-h"}


def test_every_error_code_is_explained_and_no_other() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \|", text_of("docs/errors.md"), re.M)
    expected = {(getattr(errors, name).code, name) for name in errors.__all__}
    assert set(rows) == expected


def test_every_event_and_its_fields_are_explained_and_no_other() -> None:
    text = text_of("docs/events.md")
    assert headings(text) == set(events.EVENT_TYPES)
    for name, cls in events.EVENT_TYPES.items():
        words = set(re.findall(r"`(\w+)`", section(text, name)))
        assert {one.name for one in fields(cls)} <= words, name


def test_every_verdict_of_the_coach_is_explained() -> None:
    from tl_core.diagnose.verdicts import FOLLOW_UPS, VERDICTS

    words = set(re.findall(r"`(\w+)`", text_of("docs/findings.md")))
    named = {*VERDICTS, *FOLLOW_UPS}
    assert named <= words, named - words


@pytest.mark.parametrize("name", CONFIGS)
def test_every_setting_is_explained_with_its_limits(name: str) -> None:
    part = section(text_of("docs/settings.md"), name)
    rows = dict(re.findall(r"^\| `(\w+)` \| ([^|]*) \|", part, re.M))
    cls = getattr(config, name)
    assert set(rows) == {one.name for one in fields(cls)}
    for one in fields(cls):
        if "low" in one.metadata:
            low, high = (float(word) for word in rows[one.name].split(" to "))
            assert (low, high) == (one.metadata["low"], one.metadata["high"]), one.name
        elif "options" in one.metadata:
            assert tuple(rows[one.name].split(", ")) == one.metadata["options"]


def test_every_command_and_option_is_explained_and_no_other() -> None:
    text = text_of("docs/cli.md")
    parsers = commands()
    assert headings(text) == set(parsers)
    everywhere = {"--json", "--home", "--help"}
    for name, parser in parsers.items():
        mentioned = set(re.findall(r"(--[a-z][a-z0-9-]*)", section(text, name)))
        assert options_of(parser) - everywhere == mentioned - everywhere, name
        assert parser.description, f"{name} has no help"


def documents() -> list[Path]:
    found = [*ROOT.glob("*.md"), *sorted(DOCS.rglob("*.md"))]
    return [path for path in found if not path.name.startswith(".")]


@pytest.mark.parametrize("path", documents(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_commands_named_in_the_docs_exist(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    known = commands()
    for name in re.findall(r"python -m tl_core +(\w[\w-]*)", text):
        assert name in known, name
    targets = set(re.findall(r"^([a-z][a-z0-9-]*):.*## ", text_of("Makefile"), re.M))
    for name in re.findall(r"`make ([a-z0-9-]+)", text) + re.findall(
        r"^make ([a-z0-9-]+)", text, re.M
    ):
        assert name in targets, f"make {name}"
    for module in re.findall(r"python -m (tl_core\.[\w.]+|benchmarks\.[\w.]+)", text):
        assert (ROOT / f"{module.rstrip('.').replace('.', '/')}.py").is_file(), module


@pytest.mark.parametrize("path", documents(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(path: Path) -> None:
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.S)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        file = (path.parent / name).resolve() if name else path
        assert file.exists(), f"{target} leads nowhere"
        if anchor:
            titles = re.findall(r"^#+ (.+)$", file.read_text(encoding="utf-8"), re.M)
            assert anchor in {slug(title) for title in titles}, f"{target}: no such heading"


@pytest.mark.parametrize("path", documents(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_files_named_in_code_marks_exist(path: Path) -> None:
    """A path in backticks that begins with one of our folders is really there."""
    text = path.read_text(encoding="utf-8")
    ours = r"`((?:tl_core|tl_ui|pages|tests|docs|assets|benchmarks|tools)/[\w./-]*)`"
    for name in re.findall(ours, text):
        assert (ROOT / name).exists(), name


def slug(title: str) -> str:
    """How GitHub turns a heading into an anchor."""
    return re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-")


def test_the_makefile_explains_every_target() -> None:
    text = text_of("Makefile")
    phony = re.search(r"^\.PHONY: (.+)$", text, re.M)
    assert phony
    explained = set(re.findall(r"^([a-z][a-z0-9-]*):.*## \S", text, re.M))
    assert explained == set(phony[1].split())


def test_decisions_are_numbered_once_and_have_the_same_parts() -> None:
    names = [path.name for path in (DOCS / "decisions").glob("*.md")]
    numbers = [name[:4] for name in names]
    assert len(numbers) == len(set(numbers))
    for name in names:
        assert re.fullmatch(r"\d{4}-[a-z0-9-]+\.md", name), name
        text = text_of(f"docs/decisions/{name}")
        missing = {"Context", "Options", "Decision", "Cost", "When to revisit"} - headings(text)
        assert not missing, f"{name} lacks {missing}"


def test_every_decision_and_guide_page_can_be_found() -> None:
    index = text_of("docs/architecture.md") + text_of("README.md") + text_of("docs/guide/home.md")
    for path in [*(DOCS / "decisions").glob("*.md"), *(DOCS / "guide").glob("*.md")]:
        assert path.name in index, path.name


def test_every_page_has_its_guide() -> None:
    guides = {path.stem for path in (DOCS / "guide").glob("*.md")}
    for page in (ROOT / "pages").glob("*.py"):
        assert page.stem in guides, page.stem


def test_changelog_has_the_version() -> None:
    from tl_core import __version__

    assert re.search(rf"^## \[?{re.escape(__version__)}\]?", text_of("CHANGELOG.md"), re.M)


def test_environment_variables_of_the_code_are_explained() -> None:
    explained = set(re.findall(r"`(THAW_[A-Z_]+)`", text_of("docs/settings.md")))
    used: set[str] = set()
    for place in ("tl_core", "tl_ui", "app.py", "studio.py"):
        root = ROOT / place
        for path in [root] if root.is_file() else root.rglob("*.py"):
            used |= set(re.findall(r"\"(THAW_[A-Z_]+)\"", path.read_text(encoding="utf-8")))
    assert used <= explained, used - explained
