"""Who may import whom, and what the server process may not load."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("torch", "torchvision", "timm")
SERVER_SIDE = (
    "tl_core.session",
    "tl_core.cli.main",
    "tl_core.jobs.queue",
    "tl_core.jobs.view",
    "tl_core.jobs.supervisor",
    "tl_core.models.catalog",
    "tl_core.models.plan",
    "tl_core.data.intake",
    "tl_core.data.sample",
    "tl_core.train.defaults",
    "tl_core.diagnose.rules",
    "tl_core.evaluate.report",
)


def loaded_after_importing(*modules: str) -> list[str]:
    """Heavy packages in ``sys.modules`` of a fresh process that imported these modules."""
    code = (
        "import importlib, json, sys\n"
        "for name in sys.argv[1:]: importlib.import_module(name)\n"
        f"print(json.dumps([name for name in {HEAVY!r} if name in sys.modules]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *modules],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: list[str] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_import_rules_hold() -> None:
    program = Path(sys.executable).with_name("lint-imports")
    if not program.exists():
        program = program.with_suffix(".exe")
    done = subprocess.run(
        [str(program), "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_the_server_imports_leaves_torch_out() -> None:
    assert loaded_after_importing(*SERVER_SIDE) == []


def test_the_shared_parts_of_the_pages_leave_torch_out() -> None:
    modules = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in sorted((ROOT / "tl_ui").rglob("*.py"))
        if path.stem != "__init__"
    ]
    assert modules
    assert loaded_after_importing(*modules) == []


def test_the_check_itself_notices_torch() -> None:
    assert loaded_after_importing("tl_core.models.build") != []
