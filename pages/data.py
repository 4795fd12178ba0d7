"""Data: bring pictures, see what was taken in, decide the split."""

from tl_ui import page, text
from tl_ui.state import studio
from tl_ui.views import bringing, data

work = studio()
project = page.open(text.step_text("data"))
at_work = bringing.intake(work, project)
view = work.data(project.id)
if at_work is not None:
    bringing.in_progress(work, at_work, has_pictures=view.n_images > 0)
else:
    bringing.last_error(work, project)
if view.n_images:
    data.overview(work, project, view)
    if at_work is None:
        data.cards(work, project, view)
    data.closer(work, project, view, busy=at_work is not None)
    if at_work is None:
        bringing.more(work, project)
    page.next_step("model", done=not view.missing)
elif at_work is None:
    bringing.bring(work, project)
