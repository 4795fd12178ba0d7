"""Predict: try the classifier on photos of one's own, singly or many at once."""

import streamlit as st

from tl_ui import page, text
from tl_ui.state import studio
from tl_ui.views import history, many, predict, runs

work = studio()
runs.adopt(work)
project = page.open(text.step_text("predict"), needs=("data",))
run = runs.judged(work, project.id)
history.since(work, run)
kind = predict.source()
if kind == "many":
    many.section(work, project, run)
else:
    left, right = st.columns([2, 3], gap="large")
    with left:
        predict.sources(work, project, run, kind)
    with right:
        predict.answers(work, project, run)
page.next_step("export")
