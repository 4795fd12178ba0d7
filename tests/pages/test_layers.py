from tests.pages.conftest import OpenPage, texts
from tests.pages.seed import project_with_pictures
from tl_core.session import Studio

def test_ready(studio: Studio, open_page: OpenPage) -> None:
    project = project_with_pictures(studio)
    app = open_page("layers", project=project.id)
    print(texts(app))
