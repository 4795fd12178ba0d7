"""Every benchmark and tool can still be begun: nobody runs them for weeks, and names move."""

from __future__ import annotations

import importlib
import pkgutil

import pytest

import benchmarks
import tools

ELSEWHERE = {"benchmarks.fastai_loop"}  # needs an environment of its own


@pytest.mark.parametrize(
    "name",
    sorted(
        one.name
        for package in (benchmarks, tools)
        for one in pkgutil.iter_modules(package.__path__, f"{package.__name__}.")
        if not one.name.endswith("__main__") and one.name not in ELSEWHERE
    ),
)
def test_it_can_be_imported(name: str) -> None:
    importlib.import_module(name)
