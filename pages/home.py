"""Home: what Thaw is, the projects, the work going on, and how to begin."""

from tl_ui.state import studio
from tl_ui.views import beginning, home

work = studio()
projects = work.projects()
home.head()
if projects and work.active():
    home.at_work(work)
if projects:
    home.projects(work, projects)
beginning.start(work, first=not projects)
home.recent_runs(work)
