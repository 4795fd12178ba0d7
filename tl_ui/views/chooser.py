"""Which side of a set or of a result is looked at, and the way back: a row that stays in sight.

Acts are undone where they are done, so the row stays at the top while the view below it is
scrolled. Where it needs two lines, the one with Undo stays.
"""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from tl_core.session import Project, Studio
from tl_ui import state
from tl_ui.components.landing import landing
from tl_ui.texts import data as text
from tl_ui.texts import evaluate as result
from tl_ui.views import history

__all__ = ["CHOOSER", "RESULT", "of_result", "show", "turn"]

CHOOSER = "data.view"
RESULT = "view"  # as it stands in the address, so that a refresh and a link find it
SOUGHT = "data.sought"  # how often the views were gone to from elsewhere on the page
SEEN = "data.seen"  # how often of those the page has moved there
# The head of the page covers what is above 3.75rem. The row lies below menus and the sidebar.
STYLE = """<style>
[data-testid="stLayoutWrapper"]:has(>.st-key-views){position:sticky;top:3.75rem;z-index:30}
.st-key-views{padding-block:.5rem;margin-block:-.5rem;background:light-dark(#fbfdfe,#0d171d);
row-gap:.5rem}
.st-key-views::after{content:"";position:absolute;inset:100% 0 auto;height:.6rem;
pointer-events:none;background:linear-gradient(light-dark(#fbfdfe,#0d171d),transparent)}
.st-key-views-landing{height:0;margin-bottom:-1rem}
@media (max-width:480px){
.st-key-views [role="radiogroup"] button{padding-inline:.55rem}
.st-key-views [role="radiogroup"] button p{font-size:.85rem}
[data-testid="stLayoutWrapper"]:has(>.st-key-views){top:1.6rem}
}
</style>"""


def show(work: Studio, project: Project) -> str:
    """Draw the row of the Data page; which view is chosen, a key of ``VIEWS``."""
    return _row(work, project, text.VIEWS, first=text.FIRST, label=text.VIEW, key=CHOOSER)


def of_result(work: Studio, project: Project) -> str:
    """Draw the row of the Evaluate page; which view is chosen, a key of its ``VIEWS``."""
    return _row(work, project, result.VIEWS, first=result.FIRST_VIEW, label=result.VIEW, key=RESULT)


def _row(
    work: Studio, project: Project, views: Mapping[str, str], *, first: str, label: str, key: str
) -> str:
    address = key == RESULT
    st.html(STYLE)
    _landing()
    with st.container(
        horizontal=True,
        horizontal_alignment="distribute",
        vertical_alignment="center",
        key="views",
    ):
        view = st.segmented_control(
            label,
            list(views),
            default=first,
            required=True,
            format_func=lambda one: views[one],
            label_visibility="collapsed",
            width="content",
            key=key,
            persist_state=None if address else "session",
            bind="query-params" if address else None,
        )
        history.bar(work, project)
    return view or first


def turn(view: str) -> None:
    """Have the page show a view when it is drawn next, and move there."""
    st.session_state[CHOOSER] = view
    state.remember(SOUGHT, state.memory(SOUGHT, 0) + 1)


def _landing() -> None:
    """The place the page moves to when a view was turned to from elsewhere on it."""
    sought = state.memory(SOUGHT, 0)
    seen = state.memory(SEEN, 0)
    state.remember(SEEN, sought)
    landing(sought if sought != seen else 0, key="views.landing")
