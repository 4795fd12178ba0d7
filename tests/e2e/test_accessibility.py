"""No page, in any of its states, has a critical or serious accessibility problem (axe).

The same visit leaves a screenshot of every page in ``out/screens`` and checks that nothing sticks
out sideways on a phone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from tests.e2e.serving import NARROW, WIDE, Server, settled
from tests.pages import seed
from tl_core.config import FreezeConfig, RunSpec
from tl_core.session import Studio
from tl_core.storage import Home

# Streamlit's own furniture, which a page cannot change; each with what axe says about it.
NOT_OURS: dict[str, str] = {}

COLORS = {  # of words, and of the words of what is chosen
    "light": ("rgb(6, 20, 27)", "rgb(8, 96, 140)"),
    "dark": ("rgb(228, 238, 243)", "rgb(124, 196, 234)"),
}

Places = dict[str, str]


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Places]]:
    """A server over a home that holds a project in every state; name -> address."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("THAW_NO_WORKERS", "1")
        home = tmp_path_factory.mktemp("states") / "home"
        addresses = seeded(Studio(Home(home)))
        server = Server(home)
        server.start()
        yield server, addresses
        server.end_everything()


def seeded(studio: Studio) -> Places:
    empty = studio.create("Nothing yet")
    ready = seed.project_with_pictures(studio, "Ready")
    done = seed.project_with_pictures(studio, "Insects")
    finished = seed.finished_run(studio, done, findings=[seed.finding()])
    failed = seed.failed_run(studio, done)
    interrupted = seed.interrupted_run(studio, done)
    running = seed.running_run(studio, done, findings=[seed.finding(3)])
    queued = seed.queued_run(studio, done)
    probed = seed.project_with_pictures(studio, "Probed")
    probe = seed.finished_probe(studio, probed)
    probing = seed.running_probe(studio, probed)
    scratch = replace(seed.short_spec(), freeze=FreezeConfig(layers="scratch"))
    seed.finished_run(studio, probed, right=0.4, seed=2, spec=scratch)
    studio.save_draft(probed.id, RunSpec.from_dict(studio.run(probe).spec))
    seed.known_baseline(studio, probed)
    project = f"project={done.id}"
    return {
        "home": "",
        "data-empty": f"data?project={empty.id}",
        "data": f"data?{project}",
        "data-baseline": f"data?project={probed.id}",
        "layers-probe": f"layers?project={probed.id}",
        "train-probing": f"train?project={probed.id}&run={probing}",
        "train-probed": f"train?project={probed.id}&run={probe}",
        "model": f"model?{project}",
        "layers": f"layers?{project}",
        "train-ready": f"train?project={ready.id}",
        "train-running": f"train?{project}&run={running}",
        "train-queued": f"train?{project}&run={queued}",
        "train-finished": f"train?{project}&run={finished}",
        "train-failed": f"train?{project}&run={failed}",
        "train-interrupted": f"train?{project}&run={interrupted}",
        "evaluate-empty": f"evaluate?project={ready.id}",
        "evaluate": f"evaluate?{project}&run={finished}",
        "evaluate-mistakes": f"evaluate?{project}&run={finished}&view=Mistakes",
        "evaluate-closer": f"evaluate?{project}&run={finished}&view=Look+closer",
        "evaluate-improve": f"evaluate?{project}&run={finished}&view=Improve",
        "compare-one": f"compare?{project}",
        "compare": f"compare?project={probed.id}",
        "predict": f"predict?{project}&run={finished}",
        "export": f"export?{project}&run={finished}",
    }


STATES = [
    "home",
    "data-empty",
    "data",
    "data-baseline",
    "model",
    "layers",
    "layers-probe",
    "train-ready",
    "train-running",
    "train-probing",
    "train-probed",
    "train-queued",
    "train-finished",
    "train-failed",
    "train-interrupted",
    "evaluate-empty",
    "evaluate",
    "evaluate-mistakes",
    "evaluate-closer",
    "evaluate-improve",
    "compare-one",
    "compare",
    "predict",
    "export",
]


@pytest.mark.parametrize("look", ["wide-light", "narrow-dark"])
@pytest.mark.parametrize("state", STATES)
def test_a_page_can_be_used_by_everybody(
    state: str, look: str, places: tuple[Server, Places], browser: Browser, shots: Path
) -> None:
    server, addresses = places
    width, scheme = look.split("-")
    context = browser.new_context(
        viewport=WIDE if width == "wide" else NARROW,  # type: ignore[arg-type]
        color_scheme=scheme,  # type: ignore[arg-type]
    )
    page = context.new_page()
    page.goto(f"{server.url}/{addresses[state]}")
    settled(page)
    page.screenshot(path=shots / f"state-{state}-{look}.png", full_page=False)
    found = Axe().run(page).response["violations"]
    serious = [
        f"{one['id']}: {one['help']} at {[node['target'] for node in one['nodes']][:3]}"
        for one in found
        if one["impact"] in ("critical", "serious") and one["id"] not in NOT_OURS
    ]
    assert serious == [], "\n".join(serious)
    over = page.evaluate("() => document.documentElement.scrollWidth - window.innerWidth")
    assert over <= 0, f"{over} px stick out sideways"
    context.close()


@pytest.mark.parametrize("after", ["light", "dark"])
def test_a_theme_that_changes_while_one_looks_on_leaves_nothing_dim(
    after: str, places: tuple[Server, Places], browser: Browser
) -> None:
    server, addresses = places
    before = "light" if after == "dark" else "dark"
    context = browser.new_context(viewport=WIDE, color_scheme=before)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(f"{server.url}/{addresses['layers']}")
    settled(page)
    page.emulate_media(color_scheme=after)  # type: ignore[arg-type]
    words, chosen = COLORS[after]
    expect(page.locator("button[data-selected=true] p").first).to_have_css("color", chosen)
    for box in page.get_by_test_id("stNumberInputStepUp").all():
        expect(box).to_have_css("color", words)
    context.close()
