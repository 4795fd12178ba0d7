"""One server and one browser for all browser tests; pages of their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.e2e.serving import WIDE, Server, browser_path, open_browser

SHOTS = Path(__file__).resolve().parents[2] / "out" / "screens"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.e2e)
            item.add_marker(pytest.mark.xdist_group("e2e"))


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    browser_path()
    with open_browser() as browser:
        yield browser


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    browser_path()
    server = Server(tmp_path_factory.mktemp("e2e") / "home")
    server.start()
    yield server
    server.end_everything()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport=WIDE, color_scheme="light", accept_downloads=True)
    page = context.new_page()
    page.set_default_timeout(60_000)
    yield page
    context.close()


@pytest.fixture
def shots() -> Path:
    """Where the tests leave their screenshots."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    return SHOTS
