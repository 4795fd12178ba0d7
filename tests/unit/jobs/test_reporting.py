"""The report: all its parts, nobody's markup, no script, and nothing it was told to leave out."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.pages import seed
from tests.pages.test_crossing import FOUND
from tl_core.config import FreezeConfig
from tl_core.data.quarantine import Quarantined
from tl_core.errors import ConfigError, ExportError, RunStateError
from tl_core.jobs.removing import forget_run
from tl_core.jobs.reported import report_file
from tl_core.jobs.reporting import report_html, write_report
from tl_core.jobs.schema import open_engine
from tl_core.jobs.work import carry_out
from tl_core.session import Studio
from tl_core.storage import Home, write_json

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(2)>',
    "{{ 7 * 7 }} & 'quoted' </style>",
)
SECTIONS = (
    "The pictures",
    "The network",
    "How it learned",
    "How good it is",
    "What it cannot do",
    "How to repeat it",
)

Written = Callable[..., str]


@pytest.fixture
def studio(home: Home) -> Studio:
    return Studio(home)


@pytest.fixture
def written(studio: Studio) -> Written:
    def html(run_id: str, **options: object) -> str:
        return report_html(studio.home, open_engine(studio.home), run_id, **options)  # type: ignore[arg-type]

    return html


class Tags(HTMLParser):
    """Every tag with its attributes; fails on one that is not closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)
        assert self.open == [], self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, tag


def named(tags: Tags, tag: str) -> list[dict[str, str | None]]:
    return [attributes for name, attributes in tags.found if name == tag]


def test_every_part_is_there_and_in_order(studio: Studio, written: Written) -> None:
    project = seed.project_with_pictures(studio, per_class=20)
    run_id = seed.finished_run(studio, project, findings=[seed.finding()])
    text = written(run_id)
    heads = re.findall(r"<h2>(.*?)</h2>", text)
    assert [one for one in heads if one in SECTIONS] == list(SECTIONS)
    report = studio.report(run_id, "test")
    assert report is not None
    right, n = report["accuracy"]["right"], report["n"]
    assert f"On {n} pictures it has never seen it was right {right} times" in text
    assert seed.finding().sentence in text and "It advised:" in text
    assert "2 files" in text or "1 file." in text  # in quarantine
    assert "python -m tl_core train PICTURES" in text
    assert "not checked" in text and "Loss by epoch" in text


def test_nothing_in_it_runs_or_fetches(studio: Studio, written: Written) -> None:
    run_id = seed.finished_run(studio, seed.project_with_pictures(studio))
    text = written(run_id)
    tags = Tags(text)
    assert {tag for tag, _ in tags.found}.isdisjoint({"script", "link", "iframe", "a", "form"})
    (policy,) = [one["content"] for one in named(tags, "meta") if one.get("http-equiv")]
    assert policy is not None and policy.startswith("default-src 'none'; style-src 'unsafe-inline'")
    assert "script-src" not in policy and "img-src data:;" in policy
    sources = [one["src"] or "" for one in named(tags, "img")]
    assert sources and all(one.startswith("data:image/jpeg;base64,") for one in sources)
    assert not re.search(r"url\(|@import|https?://|\son\w+=", text)
    assert all(one.get("alt") for one in named(tags, "img"))
    drawn = [one for one in named(tags, "svg") if one.get("role") == "img"]
    labels = {one["id"] for tag in ("title", "desc") for one in named(tags, tag) if "id" in one}
    assert drawn
    for one in drawn:
        assert set((one["aria-labelledby"] or "").split()) <= labels


def test_names_and_notes_cannot_become_markup(studio: Studio, written: Written) -> None:
    project = seed.project_with_pictures(
        studio,
        HOSTILE[0],
        classes=HOSTILE,
        per_class=14,
        quarantine=[Quarantined(file="<svg onload=1>.gif", reason="is <b>bold</b>", code="empty")],
    )
    run_id = seed.finished_run(studio, project, right=0.5)
    studio.queue.describe(run_id, name=HOSTILE[1], tags=["<i>"], note="</style><script>1</script>")
    write_json(studio.home.run_dir(run_id) / "crossing.json", {"crossing": FOUND.to_dict()})
    text = written(run_id, label=HOSTILE[0], miss=5.0)
    tags = Tags(text)
    names = {tag for tag, _ in tags.found}
    assert names.isdisjoint({"script", "i"})
    assert named(tags, "b") == [{}] * 4  # the tiles' own
    assert all("data:image" in (one["src"] or "") for one in named(tags, "img"))
    assert not any(name.startswith("on") for _, given in tags.found for name in given)
    assert "{{ 7 * 7 }}" in text.replace("&#34;", '"') and "49 &amp;" not in text
    assert "The line for" in text and "How much of it is luck" in text
    assert text.count("</style>") == 1


def test_without_pictures_no_picture_and_no_name_is_in_it(studio: Studio, written: Written) -> None:
    project = seed.project_with_pictures(studio, per_class=20)
    run_id = seed.finished_run(studio, project, right=0.5)
    finding = {"kind": "series", "severity": "info", "sentence": "IMG_77 looks like a series."}
    result = {"findings": [finding], "pictures": 60, "data_version": 1}
    seed.task(studio, "check", project_id=project.id, state="finished", result=result)
    bare, full = written(run_id, pictures=False), written(run_id)
    files = [Path(one.path).name for one in studio.snapshot(run_id).images]
    files += [Path(one.file).name for one in studio.quarantine(project.id)]
    assert any(name in full for name in files) and "IMG_77" in full
    assert not [name for name in files if name in bare] and "IMG_77" not in bare
    assert "<img" not in bare and "data:image" not in bare
    assert "Pictures and file names were left out" in bare
    assert len(bare) < len(full)


@pytest.mark.parametrize("layers", ["deep-probe", "exact-head"])
def test_a_solved_head_shows_strengths_in_place_of_epochs(
    studio: Studio, written: Written, layers: str
) -> None:
    run_id = seed.finished_probe(studio, seed.project_with_pictures(studio), layers=layers)
    text = written(run_id)
    assert "Strengths that were tried" in text and "Loss by epoch" not in text
    assert "no block was changed" in text


def test_the_run_it_was_changed_from_stands_beside_it(studio: Studio, written: Written) -> None:
    project = seed.project_with_pictures(studio, per_class=30)
    before = seed.finished_run(studio, project, right=0.5)
    spec = replace(
        seed.short_spec(), parent=before, freeze=FreezeConfig(layers="last:1"), verdict="underfit",
        remedy="Open a block",
    )  # fmt: skip
    text = written(seed.finished_run(studio, project, spec=spec, right=0.9, seed=2))
    assert "Beside the run it was changed from" in text and before in text
    assert "freeze.layers" in text and "remedy of the coach: Open a block" in text
    studio.remove(before)
    assert "Beside the run" not in written(
        seed.finished_run(studio, project, spec=spec, right=0.9, seed=2)
    )


def test_a_line_needs_a_class_that_there_is(studio: Studio, written: Written) -> None:
    run_id = seed.finished_run(studio, seed.project_with_pictures(studio))
    with pytest.raises(ConfigError, match="no class 'ghosts'"):
        written(run_id, label="ghosts")


def test_a_run_without_a_result_has_no_report(studio: Studio, written: Written) -> None:
    with pytest.raises(RunStateError, match="nothing to report yet"):
        written(seed.running_run(studio, seed.project_with_pictures(studio)))


def test_a_file_that_cannot_be_written_is_told(studio: Studio, tmp_path: Path) -> None:
    run_id = seed.finished_run(studio, seed.project_with_pictures(studio))
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ExportError, match="could not be written"):
        write_report(
            studio.home, open_engine(studio.home), run_id, tmp_path / "file" / "report.html"
        )


def test_it_is_kept_with_the_run_and_goes_with_it(studio: Studio) -> None:
    project = seed.project_with_pictures(studio)
    run_id = seed.finished_run(studio, project)
    for pictures in (True, False):
        task = studio.ask("report", project.id, run_id=run_id, pictures=pictures)
        row = studio.queue.claim("quick", "test", task)
        assert row is not None
        ended = carry_out(studio.home, open_engine(studio.home), row)
        assert ended.state == "finished", ended.error
        assert report_file(studio.home, run_id, pictures=pictures).is_file()
    assert studio.exported(run_id) == []  # a report is no bundle
    forget_run(studio.home, open_engine(studio.home), run_id)
    assert not report_file(studio.home, run_id, pictures=True).exists()
