"""Follow a training run: read what is new, draw it, stop when it is over."""

from __future__ import annotations

import streamlit as st

from tl_core.jobs.view import RunView
from tl_ui import state, text
from tl_ui.components.curves import live_curves, sentence
from tl_ui.server.presence import routes_present

__all__ = ["curves", "draw", "follow", "headline"]


@st.fragment(run_every=1.0, key="thaw_follow")
def follow(run_id: str) -> None:
    """Draw the run now and every second; rerun the whole page once when it is over."""
    view = state.follow_run(run_id)
    draw(view)
    if view.over:
        st.rerun()


def draw(view: RunView) -> None:
    """Progress, headline numbers and curves of a run, running or over."""
    if not view.over:
        st.progress(view.share, text=progress_words(view))
    headline(view)
    curves(view)


def progress_words(view: RunView) -> str:
    """Where the run is, in one line."""
    if view.paused:
        return "Paused. Nothing is lost; it goes on where it stopped."
    if view.stage is not None:
        part = f" {view.stage.done:,} of {view.stage.total:,}" if view.stage.total else ""
        return f"{text.esc_md(view.stage.stage)}{part}"
    if view.started is None:
        return "Waiting for its turn" if view.state == "queued" else "Starting"
    epoch = view.step.epoch if view.step else len(view.history) + 1
    left = f", about {text.duration(view.eta_s)} left" if view.eta_s is not None else ""
    return f"Epoch {min(epoch, view.started.epochs)} of {view.started.epochs}{left}"


def headline(view: RunView) -> None:
    """The latest and the best numbers."""
    rows = {row.epoch: row for row in view.history}
    best = rows.get(view.best_epoch or 0)
    last = view.history[-1] if view.history else None
    with st.grid(4, min_column_width=150):
        st.metric(
            "Validation accuracy",
            f"{last.val_acc:.1%}" if last else "–",
            border=True,
            height="stretch",
        )
        st.metric(
            "Best so far" if not view.over else "Best epoch",
            f"{best.val_acc:.1%}" if best else "–",
            f"epoch {best.epoch}" if best else None,
            delta_color="off",
            delta_arrow="off",
            border=True,
            height="stretch",
        )
        st.metric(
            "Training accuracy",
            f"{last.fit_acc:.1%}" if last else "–",
            border=True,
            height="stretch",
        )
        st.metric(
            "Time training",
            text.duration(view.elapsed_s) if view.elapsed_s else "–",
            border=True,
            height="stretch",
        )


def curves(view: RunView) -> None:
    """The live curves, or the plain chart when the launcher's routes are absent."""
    if routes_present():
        live_curves(view, key=f"curves_{view.run_id}")
        return
    from tl_ui.charts import curve_figure

    if view.history:
        st.plotly_chart(curve_figure(view.history, view.best_epoch), key=f"curves_{view.run_id}")
    st.caption(sentence(view))
