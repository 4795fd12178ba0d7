"""Model: choose the pretrained network to start from."""

import streamlit as st

from tl_ui import page, text
from tl_ui.state import studio
from tl_ui.texts import model as words
from tl_ui.views import advice, baseline, model

work = studio()
project = page.open(text.step_text("model"), needs=("data",))
spec = work.draft(project.id)
model.chosen(work, project, spec)
baseline.card(work, project)
advice.card(work, project, spec)
page.next_step("layers")
st.subheader(words.OTHERS, anchor=False)
model.finders(work, project, spec)
