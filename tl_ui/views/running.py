"""A run while it runs: how far it is, its curves, its orders. Drawn anew every second."""

from __future__ import annotations

import streamlit as st

from tl_core.config import PROBES
from tl_core.events import EpochDone
from tl_core.jobs.view import RunView
from tl_core.session import RunRow, Studio
from tl_ui import live, state
from tl_ui.errors import shown_kindly
from tl_ui.text import esc_md
from tl_ui.texts import about_train as about
from tl_ui.texts import train as text
from tl_ui.texts.numbers import percent
from tl_ui.views import findings, gate
from tl_ui.views.figures import Figure, figures

__all__ = ["computed", "follow", "headline"]


@st.fragment(run_every=1.0)
def follow(work: Studio, run_id: str) -> None:
    """Draw a run now and every second; the whole page is run again once it is over."""
    view = state.follow_run(run_id)
    if view.over:
        st.rerun()
    row = work.run(run_id)
    if view.gate is not None and row.state != "stopping":
        gate.question(work, row, view.gate)
    held_by = work.held_by(row)
    st.progress(view.share, text=esc_md(text.progress(view, row, held_by)))
    if held_by is not None:
        gate.to_the_question(held_by)
    with st.container(horizontal=True):
        _controls(work, row, view)
    if view.started is None:
        st.caption(text.STAYS)
        return
    headline(view)
    live.curves(view)
    computed(view)
    findings.draw(work, view, row)
    st.caption(text.STAYS)


def _controls(work: Studio, row: RunRow, view: RunView) -> None:
    if row.state == "queued":
        _control(text.TAKE_OFF, "stop", ":material/close:", work, row)
        return
    stopping = row.state == "stopping"
    waits = view.gate is not None
    probe = row.spec["freeze"]["layers"] in PROBES
    if waits or (probe and not view.paused):
        pass  # solved in a moment, or waiting anyway: there is no step to pause after
    elif view.paused or row.state == "paused":
        _control(text.CONTINUE, "unpause", ":material/play_arrow:", work, row, disabled=stopping)
    else:
        _control(
            text.PAUSE, "pause", ":material/pause:", work, row, text.PAUSE_HELP, disabled=stopping
        )
    words = (text.STOP_PROBE, text.STOP_PROBE_HELP) if probe else (text.STOP, text.STOP_HELP)
    _control(words[0], "stop", ":material/stop:", work, row, words[1], disabled=stopping)


def _control(
    label: str,
    order: str,
    icon: str,
    work: Studio,
    row: RunRow,
    help: str | None = None,
    *,
    disabled: bool = False,
) -> None:
    st.button(
        label,
        icon=icon,
        help=help,
        disabled=disabled,
        key=f"{order}.{row.id}",
        on_click=_order,
        args=(work, row.id, order),
    )


def _order(work: Studio, run_id: str, order: str) -> None:
    orders = {"pause": work.pause, "unpause": work.unpause, "stop": work.stop}
    with shown_kindly():
        orders[order](run_id)


def computed(view: RunView) -> None:
    """How the run is computed, and the time it should take."""
    if words := text.engine(view):
        st.caption(words)


def headline(view: RunView) -> None:
    """The numbers: of the best epoch when the run is over, else of the last one."""
    last = view.history[-1] if view.history else None
    best = next((row for row in view.history if row.epoch == view.best_epoch), None)
    main = best if view.over and best else last
    when = text.NOT_SOLVED_YET if view.is_probe else text.NO_EPOCH_YET
    figures(
        (
            Figure(
                text.VAL,
                percent(main.val_acc) if main else text.NONE_YET,
                text.val_words(main) if main else when,
            ),
            _strength(view) if view.is_probe else _best(view, best),
            Figure(
                text.FIT,
                percent(main.fit_acc) if main else text.NONE_YET,
                text.fit_words(main) if main else when,
            ),
            Figure(text.TIME, text.time_value(view), text.time_words(view)),
        ),
        about.headline(view),
        key="headline",
        least_px=165,
    )


def _best(view: RunView, best: EpochDone | None) -> Figure:
    return Figure(
        text.BEST_KEPT if view.over else text.BEST,
        str(best.epoch) if best else text.NONE_YET,
        f"validation {percent(best.val_acc)}" if best else text.NO_EPOCH_YET,
    )


def _strength(view: RunView) -> Figure:
    return Figure(
        text.STRENGTH if view.history else text.STRENGTH_SO_FAR,
        text.strength_value(view),
        text.strength_words(view),
    )
