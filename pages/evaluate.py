"""Evaluate: how good it is, where it fails, and what the numbers cannot say."""

from tl_ui import page, state, text
from tl_ui.views import (
    closer,
    confusion,
    crossing,
    evaluate,
    explain,
    findings,
    growth,
    history,
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

evaluate.headline(work, report)
evaluate.classes(report)
confusion.matrix(report, pictures)
evaluate.mistakes(report, pictures)
explain.section(work, run, report, pictures)
closer.look(work, run, report, pictures)
findings.draw(work, state.follow_run(run.id), run)
crossing.card(work, run)
growth.card(work, project)
transfer.card(work, project)
page.next_step("compare", quiet=findings.urgent(state.follow_run(run.id), run))
