"""A real studio in a process of its own, and a real browser to use it with."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome", "msedge")
FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
]
WIDE = {"width": 1280, "height": 900}
NARROW = {"width": 390, "height": 844}


class Server:
    """``streamlit run`` on a free port of this machine, with a home of its own."""

    def __init__(self, home: Path, entry: str = "app.py") -> None:
        self.home = home
        self.entry = entry
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        log = (self.home / "server.log").open("ab")
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-m", "streamlit", "run", self.entry),
                *("--server.port", str(self.port), "--server.headless", "true"),
            ],
            cwd=ROOT,
            env={**os.environ, "THAW_HOME": str(self.home)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        until(self._healthy, 60, "the server did not start")

    def _healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=2) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=30)
            self._process = None

    def end_everything(self) -> None:
        """Stop the server and every process that serves this home."""
        self.stop()
        for process in psutil.process_iter(["environ"]):
            environment = process.info["environ"] or {}
            if environment.get("THAW_HOME") == str(self.home) and process.pid != os.getpid():
                process.kill()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(reached: Callable[[], Any], limit_s: float, otherwise: str) -> None:
    """Wait for a condition; fail with a sentence when it never comes."""
    pause = threading.Event()
    end = time.monotonic() + limit_s
    while not reached():
        if time.monotonic() > end:
            pytest.fail(otherwise)
        pause.wait(0.1)


def browser_path() -> str:
    """The installed Chromium; missing is a failure in CI and a skip elsewhere."""
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        if os.environ.get("CI"):
            pytest.fail("no Chromium is installed, and CI must run the browser tests")
        pytest.skip("no Chromium (or Chrome, Edge) is installed")
    return found


@contextmanager
def open_browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path(), args=FLAGS)
        yield browser
        browser.close()


def settled(page: Page) -> None:
    """Wait until Streamlit has drawn what it was asked to draw."""
    page.wait_for_selector('[data-testid="stApp"]', timeout=60_000)
    page.wait_for_function(
        """() => {
            const app = document.querySelector('[data-testid="stApp"]');
            return app && app.dataset.testScriptState === 'notRunning'
                && document.querySelector('h1')
                && !document.querySelector('[data-testid="stSkeleton"]');
        }""",
        timeout=60_000,
    )
