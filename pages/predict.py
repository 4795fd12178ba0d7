"""Predict: try the classifier on photos of one's own."""

import streamlit as st

from tl_ui import page, text
from tl_ui.state import studio
from tl_ui.views import history, predict, runs

work = studio()
runs.adopt(work)
project = page.open(text.step_text("predict"), needs=("data",))
run = runs.judged(work, project.id)
history.since(work, run)
left, right = st.columns([2, 3], gap="large")
with left:
    predict.sources(work, project, run)
with right:
    predict.answers(work, project, run)
page.next_step("export")
