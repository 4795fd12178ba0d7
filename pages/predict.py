"""Predict: try the classifier on photos of one's own, singly or many at once."""

import streamlit as st

from tl_ui import page, text
from tl_ui.state import studio
from tl_ui.views import answering, many, predict, runs

work = studio()
runs.adopt(work)
project = page.open(text.step_text("predict"), needs=answering.needs(work))
who = answering.chosen(work, project)
kind = predict.source(who)
if kind == "many":
    many.section(work, who)
else:
    left, right = st.columns([2, 3], gap="large")
    with left:
        predict.sources(work, who, kind)
    with right:
        predict.answers(work, who)
if who.run is not None:
    page.next_step("export")
