"""Train: start a run, watch it learn, stop it, resume it, start a better one."""

from tl_ui import page, text
from tl_ui.state import studio
from tl_ui.views import ended, running, runs, train

work = studio()
runs.adopt(work)
project = page.open(text.step_text("train"), needs=runs.needs(work))
run = train.chosen(work, project)

if run is None:
    train.ready(work, project)
elif run.active:
    running.follow(work, run.id)
else:
    ended.over(work, run)
