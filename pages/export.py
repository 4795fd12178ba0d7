"""Export: the classifier as files that answer as it does here, with the proof."""

from tl_ui import page, text
from tl_ui.state import studio
from tl_ui.views import export, report, runs

work = studio()
runs.adopt(work)
project = page.open(text.step_text("export"), needs=runs.needs(work))
run = runs.judged(work, project.id)
archive = export.bundle(work, run)
export.usage(run, archive)
report.section(work, run)
