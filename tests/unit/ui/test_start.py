"""Starting: light imports, the launcher, and the studio without it."""

import ast
import os
import subprocess
import sys
from pathlib import Path

from tl_ui import text

ROOT = Path(__file__).parents[3]
HEAVY = ("torch", "torchvision", "timm", "pandas")


def run_python(code: str, home: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, "THAW_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_the_server_process_imports_no_torch(tmp_path):
    code = (
        "import sys, app, tl_ui.shell, tl_ui.page, tl_ui.live, tl_ui.gallery, tl_ui.forms, "
        "tl_ui.errors, tl_ui.components.uploader, tl_ui.components.network;"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = run_python(code, tmp_path)
    assert done.stdout.strip() == "[]", done.stderr[-2000:]


def test_the_launcher_says_how_to_start_it(tmp_path):
    done = subprocess.run(
        [sys.executable, "app.py"],
        cwd=ROOT,
        env={**os.environ, "THAW_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert "streamlit run app.py" in done.stdout


def test_the_navigation_comes_before_anything_heavy():
    body = ast.parse((ROOT / "studio.py").read_text(encoding="utf-8")).body
    before = []
    for node in body:
        if "st.navigation" in ast.unparse(node):
            break
        before.append(node)
    imported = {
        alias.name if isinstance(node, ast.Import) else f"{node.module}.{alias.name}"
        for node in before
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for alias in node.names
    }
    assert imported <= {"pathlib.Path", "streamlit", "tl_ui.text"}


def test_page_scripts_have_no_numbers_and_the_paths_the_texts_say():
    for page in text.PAGES:
        assert page.path == f"pages/{page.key}.py"
    assert all(path.stem.isidentifier() for path in (ROOT / "pages").glob("*.py"))
