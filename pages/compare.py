"""Compare: runs held against each other on the same pictures, and one of them chosen."""

from tl_ui import page, state, text
from tl_ui.views import compare, compared, one_run, runs

work = state.studio()
runs.adopt(work)
project = page.open(text.step_text("compare"), needs=runs.needs(work))
everything = compare.listed(work, project)
chosen = compare.chosen(work, project, everything)
if len(chosen.rows) > 1:
    choice, ids = chosen.choice, [one.id for one in chosen.rows]
    found = work.comparing.compare(ids, split=choice.split, reference=choice.reference)
    compared.verdicts(chosen, found)
    compared.transfer(chosen, found)
    compared.curves(work, chosen)
    compared.costs(chosen, everything)
    compared.differ(work, chosen, found)
    compared.disagree(chosen, found)
one_run.actions(work, project, everything, chosen)
page.next_step("predict")
