"""Which processor a run uses, and what it is called on screen."""

from __future__ import annotations

import platform

import torch

from tl_core.errors import ConfigError

__all__ = ["choose_device", "device_title", "is_out_of_memory"]


def choose_device(wanted: str = "auto") -> torch.device:
    """The fastest processor present, or the one asked for.

    Args:
        wanted: ``auto`` (CUDA, then Apple's MPS, then the CPU), or a torch device name.

    Raises:
        ConfigError: The device asked for is not on this machine (field="device").
    """
    if wanted == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(wanted)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as err:
        raise ConfigError(
            f"There is no device {wanted!r} on this machine.",
            field="device",
            hint="Use auto or cpu.",
        ) from err
    return device


def device_title(device: torch.device) -> str:
    """A name for people, e.g. "CPU, 2 threads" or the graphics card's own name."""
    if device.type == "cuda":
        return str(torch.cuda.get_device_name(device))
    if device.type == "mps":
        return f"Apple GPU ({platform.machine()})"
    threads = torch.get_num_threads()
    return f"CPU, {threads} thread{'s' if threads != 1 else ''}"


def is_out_of_memory(error: RuntimeError) -> bool:
    """Whether torch failed for want of memory, on whatever device.

    The CPU allocator raises a plain RuntimeError, so its text is all there is to go by.
    """
    if isinstance(error, torch.OutOfMemoryError):
        return True
    text = str(error).lower()
    return "out of memory" in text or "not enough memory" in text or "can't allocate memory" in text
