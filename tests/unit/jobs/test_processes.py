"""What processes ask of the system."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tl_core.jobs import processes

# Freed pieces of 48 MB come from the system anew, and every page of them with a fault, or not.
FAULTS = """
import resource
import numpy as np
from tl_core.jobs.processes import keep_freed_memory
kept = keep_freed_memory() if {keep} else False
def use():
    np.ones(48 << 20, np.uint8)
use()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5):
    use()
print(kept, resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(*, keep: bool) -> tuple[str, int]:
    command = [sys.executable, "-c", FAULTS.format(keep=keep)]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    return out[0], int(out[1])


@pytest.mark.skipif(sys.platform != "linux", reason="the GNU C library is Linux's")
def test_freed_memory_is_used_again() -> None:
    if processes._gnu_c_library() is None:
        pytest.skip("another C library")
    _, usual = faults(keep=False)
    took, kept = faults(keep=True)
    assert took == "True" and kept < usual / 4


def test_other_systems_are_left_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes.sys, "platform", "darwin")
    assert not processes.keep_freed_memory()
    processes.give_memory_back()
