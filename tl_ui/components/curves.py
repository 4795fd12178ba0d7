"""Live curves: loss, accuracy and learning rate of a run, fed with new epochs only.

The browser keeps the points it has, so zoom and hover survive every update. When it finds a gap
(it was reloaded, the page was left) it asks, and the next update carries the whole history.
"""

from __future__ import annotations

from typing import Any

import streamlit as st

from tl_core.jobs.view import RunView
from tl_ui.components.files import script, style
from tl_ui.server.routes import PLOTLY_URL

__all__ = ["live_curves", "payload", "sentence"]

TAIL = 25  # epochs sent with each update; more than a tab can miss without noticing the gap
MAX_POINTS = 500  # epochs shown; RunSpec allows no more

_mount = st.components.v2.component(
    "thaw_curves",
    html='<div class="thaw-curves"></div>',
    css=style("curves"),
    js=script("curves"),
    isolate_styles=False,  # plotly puts its own styles into the page's head
)


def live_curves(view: RunView, *, key: str) -> None:
    """Draw the curves of a run as far as it is; call it again with every newer view."""
    whole = f"{key}:whole"
    sent = f"{key}:sent"
    mark = f"{view.run_id}/{view.restarts}"
    if st.session_state.get(sent) != mark:
        st.session_state[whole] = True
    body = payload(view, whole=bool(st.session_state.pop(whole, False)))

    def send_all() -> None:
        st.session_state[whole] = True

    _mount(key=key, data=body, on_gap_change=send_all)
    st.session_state[sent] = mark


def payload(view: RunView, *, whole: bool) -> dict[str, Any]:
    """What the browser is told: the epochs from ``start`` on, and where the run stands now."""
    start = 0 if whole else max(0, len(view.history) - TAIL)
    started, step = view.started, view.step
    begun = step is not None and step.epoch > len(view.history)
    return {
        "url": PLOTLY_URL.lstrip("/"),
        "mark": f"{view.run_id}/{view.restarts}",
        "start": start,
        "rows": [
            [row.epoch, row.train_loss, row.val_loss, row.fit_acc, row.val_acc, row.lr]
            for row in view.history[start:]
        ],
        "epochs": started.epochs if started else len(view.history),
        "majority": started.majority if started else None,
        "best": view.best_epoch,
        "step": [step.epoch - 1 + step.step / max(1, step.steps), step.loss, step.lr]
        if step is not None and begun
        else None,
        "sentence": sentence(view),
    }


def sentence(view: RunView) -> str:
    """The latest values in words, for those who cannot see the curves."""
    if not view.history:
        return "No epoch has ended yet."
    row = view.history[-1]
    best = f" The best epoch is {view.best_epoch}." if view.best_epoch else ""
    return (
        f"After epoch {row.epoch}: loss {row.train_loss:.3f} in training and {row.val_loss:.3f} in "
        f"validation; accuracy {row.fit_acc:.0%} on training and {row.val_acc:.0%} on validation "
        f"pictures; learning rate {row.lr:.1e}.{best}"
    )
