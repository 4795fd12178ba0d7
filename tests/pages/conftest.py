"""The studio in a test: a real store in a temporary home, no worker, one page at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from tl_core.session import Studio
from tl_core.storage import Home

ROOT = Path(__file__).resolve().parents[2]

OpenPage = Callable[..., AppTest]


@pytest.fixture(autouse=True)
def _no_workers(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing is started in the background, and no cache outlives a test."""
    monkeypatch.setenv("THAW_NO_WORKERS", "1")
    monkeypatch.chdir(ROOT)
    st.cache_resource.clear()
    st.cache_data.clear()
    yield
    st.cache_resource.clear()
    st.cache_data.clear()


@pytest.fixture
def studio(home: Home) -> Studio:
    """The engine on the same home the pages will open (THAW_HOME of ``tests/conftest.py``)."""
    return Studio(home)


@pytest.fixture
def open_page() -> OpenPage:
    """``open_page("data", project="p123", run="t456")``: the page, run once, without exception."""

    def opened(name: str, **params: str) -> AppTest:
        app = AppTest.from_file(str(ROOT / "studio.py"), default_timeout=30)
        for key, value in params.items():
            app.query_params[key] = value
        app.run()
        if name != "home":
            app.switch_page(f"pages/{name}.py")
            for key, value in params.items():
                app.query_params[key] = value
            app.run()
        assert not app.exception, [one.value for one in app.exception]
        return app

    return opened


def texts(app: AppTest) -> str:
    """Everything a page says, for ``in``: headings, text, captions, alerts, labels and numbers."""
    kinds = ("title", "header", "subheader", "markdown", "caption", "error", "warning")
    found = [str(one.value) for kind in kinds for one in app.get(kind)]
    for kind in ("info", "success", "text", "code"):
        found += [str(one.value) for one in app.get(kind)]
    found += [f"{one.label} {one.value}" for one in app.get("metric")]
    found += [str(one.label) for one in app.get("button")]
    found += [str(one.value) for one in app.get("html")]
    return "\n".join(found)
