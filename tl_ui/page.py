"""The frame of a page: head, step strip, guard, and the way on."""

from __future__ import annotations

import streamlit as st

from tl_core.session import Project
from tl_ui import state, text
from tl_ui.text import PageText, esc_md

__all__ = ["go", "next_step", "open", "title"]

STRIP = "thaw_steps"
_STRIP_STYLE = f"""<style>
.st-key-{STRIP} a {{ border-radius: 2rem; padding: .15rem .4rem; gap: .3rem; }}
.st-key-{STRIP} {{ gap: .1rem; }}
.st-key-{STRIP}_here a {{ background: rgba(20, 128, 184, .17); font-weight: 700; }}
</style>"""


def title(this: PageText) -> None:
    """Title and the one sentence that says what the page is for."""
    st.title(this.title, anchor=False)
    st.markdown(this.purpose)


def open(this: PageText, *, needs: tuple[str, ...] = ()) -> Project:
    """Draw the head of a step; stop with a link when something it needs is missing.

    Args:
        this: The page's head.
        needs: Keys of the steps that must be done, in their order on the way.

    Returns:
        The open project. Without one the page stops here.
    """
    opened = state.project()
    if opened is None:
        title(this)
        with st.container(border=True):
            st.markdown(f"**{text.NO_PROJECT}** {text.NO_PROJECT_HINT}")
            st.page_link(text.HOME.path, label=text.OPEN_HOME, icon=text.HOME.icon)
        st.stop()
    done = state.studio().progress_of(opened.id)
    _strip(this, done)
    title(this)
    for key in needs:
        if not done.get(key):
            _blocked(text.step_text(key))
    return opened


def next_step(key: str, *, done: bool = True, quiet: bool = False) -> None:
    """The way on, at the end of a page: a button-like link when ``done``, else what is missing.

    Args:
        key: Of the step.
        done: Whether it can be taken.
        quiet: Whether something else on the page is the next thing to do.
    """
    target = text.step_text(key)
    st.space("small")
    with st.container(horizontal=True, horizontal_alignment="right"):
        clicked = st.button(
            text.NEXT.format(title=target.title),
            icon=":material/arrow_forward:",
            icon_position="right",
            type="primary" if done and not quiet else "secondary",
            disabled=not done,
            key=f"next_{key}",
        )
    if clicked:
        go(target)


def go(target: PageText) -> None:
    """Switch to another page, keeping the open project and run in the address."""
    st.switch_page(target.path, query_params=state.query())


def _blocked(step: PageText) -> None:
    with st.container(border=True):
        st.markdown(f"**{step.missing}**")
        st.page_link(step.path, label=step.do, icon=step.icon, query_params=state.query())
    st.stop()


def _strip(this: PageText, done: dict[str, bool]) -> None:
    """One link per step: check mark, place, or open circle; the same in words for all to read."""
    st.html(_STRIP_STYLE)
    with st.container(horizontal=True, gap="xxsmall", key=STRIP, vertical_alignment="center"):
        for number, step in enumerate(text.STEPS, start=1):
            here = step.key == this.key
            icon, word = _mark(here=here, is_done=done.get(step.key, False))
            with st.container(width="content", key=f"{STRIP}_here" if here else None):
                st.page_link(
                    step.path,
                    label=f"{number} {step.title}",
                    icon=icon,
                    help=f"{esc_md(step.purpose)} ({word})",
                    query_params=state.query(),
                )


def _mark(*, here: bool, is_done: bool) -> tuple[str, str]:
    if is_done:
        return ":material/check_circle:", text.STEP_DONE
    if here:
        return ":material/radio_button_checked:", text.STEP_HERE
    return ":material/radio_button_unchecked:", text.STEP_OPEN
