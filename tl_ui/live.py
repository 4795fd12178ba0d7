"""The curves of a training run, live where the launcher serves the chart library."""

from __future__ import annotations

import streamlit as st

from tl_core.jobs.view import RunView
from tl_ui.components.curves import live_curves, sentence
from tl_ui.server.presence import routes_present
from tl_ui.texts import about_train as about
from tl_ui.texts import train as text
from tl_ui.views.meaning import explained

__all__ = ["curves"]


def curves(view: RunView) -> None:
    """The live curves, or the plain chart when the launcher's routes are absent.

    A head that is solved has no curve over epochs; its chart is over the strengths tried.
    """
    if view.is_probe:
        _strengths(view)
        return
    with st.container(gap="xxsmall"):
        if routes_present():
            live_curves(view, key=f"curves_{view.run_id}")
        else:
            _plain(view)
        explained(about.curves(), key="curves.meaning")


def _plain(view: RunView) -> None:
    from tl_ui.charts import curve_figure

    if view.history:
        st.plotly_chart(curve_figure(view.history, view.best_epoch), key=f"curves_{view.run_id}")
    st.caption(sentence(view))


def _strengths(view: RunView) -> None:
    if not view.strengths:
        return
    from tl_ui.charts import strength_figure, walks

    done = bool(view.history) or view.over
    with st.grid(2, min_column_width=280, border=True, gap="small") as grid:
        for field, (title, note) in text.STRENGTH_CHARTS.items():
            with grid.cell(), st.container(gap=None):
                st.markdown(f"**{title}** :small[{note}]")
                st.plotly_chart(
                    strength_figure(view.strengths, field, done=done),
                    key=f"strengths_{field}_{view.run_id}",
                    config={"displayModeBar": False},
                )
    st.caption(text.strengths_sentence(view, walks=len(walks(view.strengths))))
    explained(about.strengths(), key="curves.meaning")
