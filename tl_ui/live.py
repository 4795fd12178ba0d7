"""The curves of a training run, live where the launcher serves the chart library."""

from __future__ import annotations

import streamlit as st

from tl_core.jobs.view import RunView
from tl_ui.components.curves import live_curves, sentence
from tl_ui.server.presence import routes_present

__all__ = ["curves"]


def curves(view: RunView) -> None:
    """The live curves, or the plain chart when the launcher's routes are absent."""
    if routes_present():
        live_curves(view, key=f"curves_{view.run_id}")
        return
    from tl_ui.charts import curve_figure

    if view.history:
        st.plotly_chart(curve_figure(view.history, view.best_epoch), key=f"curves_{view.run_id}")
    st.caption(sentence(view))
