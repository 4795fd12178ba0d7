"""Layers: which blocks learn, how fast, and what the model gets to see."""

import streamlit as st

from tl_ui import page, text
from tl_ui.state import studio
from tl_ui.texts import layers as words
from tl_ui.views import choosing, layers, preview, rates, settings
from tl_ui.views.drafted import Draft

project = page.open(text.step_text("layers"), needs=("data",))
draft = Draft(studio(), project.id)
groups = layers.described(draft)

plan = layers.blocks(draft, groups)
choosing.card(draft)
layers.costs(draft, groups, plan)
with settings.frame():
    settings.learning(draft)
    rates.blocks(draft, groups, plan)
    st.subheader(words.SEEING_TITLE, anchor=False)
    left, right = st.columns([2, 3], gap="large")
    with left:
        settings.pictures(draft)
    with right:
        preview.examples(draft)
    settings.advanced(draft)
layers.go_on()
