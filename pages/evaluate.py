"""Evaluate: how good it is, where it fails, and what the numbers cannot say."""

from tl_ui import page, state, text
from tl_ui.views import (
    chooser,
    closer,
    crossing,
    evaluate,
    findings,
    growth,
    history,
    mistakes,
    runs,
    transfer,
)

work = state.studio()
runs.adopt(work)
project = page.open(text.step_text("evaluate"), needs=runs.needs(work))
run = runs.judged(work, project.id)
history.since(work, run)
report = evaluate.report_of(work, run)
pictures = evaluate.pictures_of(work, run)
view = chooser.of_result(work, project)

if view == "mistakes":
    mistakes.flow(work, project, run, report, pictures)
elif view == "closer":
    closer.look(work, run, report, pictures)
elif view == "better":
    growth.card(work, project)
    transfer.card(work, project)
else:
    evaluate.headline(work, report)
    evaluate.classes(report)
    findings.draw(work, state.follow_run(run.id), run)
    crossing.card(work, run)
urgent = findings.urgent(state.follow_run(run.id), run)
page.next_step("compare", quiet=urgent or view == "mistakes")
