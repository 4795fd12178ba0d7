"""What every test shares: fixed seeds, one torch thread, no network, a home of its own."""

from __future__ import annotations

import os
import random
import socket
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import numpy as np
import pytest

from tl_core.storage import Home

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"


@pytest.fixture(autouse=True)
def _seeds() -> None:
    random.seed(0)
    np.random.seed(0)


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only this machine can be reached: a test that needs the internet is a broken test."""
    real = socket.socket.connect

    def connect(self: socket.socket, address: object) -> None:
        host = address[0] if isinstance(address, tuple) else ""
        if self.family != getattr(socket, "AF_UNIX", None) and host not in (
            "127.0.0.1",
            "::1",
            "localhost",
        ):
            raise OSError(f"tests may not reach {host}")
        real(self, address)  # type: ignore[arg-type]

    monkeypatch.setattr(socket.socket, "connect", connect)


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing a test does may land in the home of whoever runs it."""
    monkeypatch.setenv("THAW_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("THAW_DATABASE_URL", raising=False)
    monkeypatch.delenv("THAW_BLOBS", raising=False)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """An empty home."""
    return Home(tmp_path / "home")


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """The folder of real picture sets beside the project."""
    folder = SHARED / "data"
    if not folder.is_dir():
        pytest.skip("the real picture sets (../shared/data) are not here")
    return folder
