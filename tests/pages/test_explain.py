"""Why it answered so: asked for by a click, and told with its check, on Evaluate and on Predict."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.pages import seed
from tests.pages.conftest import OpenPage, texts
from tl_core.explain import heat, neighbours, sanity
from tl_core.session import Studio
from tl_ui.text import esc_md
from tl_ui.texts import about_explain
from tl_ui.texts import explain as text
from tl_ui.texts.evaluate import VIEWS


def body(folder: Path, *, rank: float, none_near: bool) -> dict[str, Any]:
    files = {name: str(folder / f"{name}.png") for name in ("photo", "heat", "block")}
    for file in files.values():
        Image.new("RGBA", (32, 32), (200, 30, 30, 99)).save(file)
    return {
        "photo": files["photo"],
        "heat": files["heat"],
        "target": "ants",
        "empty": False,
        "gap": 0.031,
        "sanity": {"rank": rank, "ssim": 0.1, "draws": 3, "trusted": rank < 0.5},
        "neighbours": {"rows": [], "limit": 0.2, "none_near": none_near},
        "blocks": [{"title": "Block 1", "knows": "edges", "side": 8, "file": files["block"]}],
    }


@pytest.mark.parametrize("rank", [0.1, 0.9])
def test_a_mistake_is_explained(
    open_page: OpenPage, studio: Studio, tmp_path: Path, rank: float
) -> None:
    project = seed.project_with_pictures(studio, per_class=40)
    run_id = seed.finished_run(studio, project)
    app = open_page("evaluate", project=project.id, run=run_id, view=VIEWS["mistakes"])
    assert studio.active() == []
    next(one for one in app.button if one.key.startswith("explain.choose.")).click().run()
    assert not app.exception
    (task,) = studio.active()
    assert (task.kind, task.spec["method"]) == ("explain", "gradcam")
    found = body(tmp_path, rank=rank, none_near=rank > 0.5)
    seed.end_task(studio, task.id, result=found)
    app.run()
    assert not app.exception
    said = texts(app)
    assert esc_md(text.checked(found["sanity"])) in said
    assert (text.NONE_NEAR in said) == (rank > 0.5)
    assert text.gap(0.031) in said and esc_md("Block 1: edges") in said
    assert studio.active() == []


def test_what_is_told_of_the_limits_is_true() -> None:
    told = (about_explain.DRAWS, about_explain.ALIKE, about_explain.STEPS, about_explain.FAR)
    assert told == (sanity.DRAWS, sanity.ALIKE, heat.STEPS, round(100 * neighbours.FAR))
