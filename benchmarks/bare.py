"""What this machine can do at best: the network on ready tensors, and its matrix product.

Nothing here reads a picture. ``python -m benchmarks.bare WAY ['{"option": value}']`` prints one
line of JSON; WAY is one of the public functions.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.settings import MODEL, SIZE_PX, layers_of
from tl_core.models.build import build
from tl_core.models.catalog import card as card_of
from tl_core.models.freezing import apply_plan, set_modes
from tl_core.models.groups import layer_groups
from tl_core.models.plan import FreezePlan

TRY_S = 1.5  # how long each way is repeated
PRODUCT = 2048  # side of the square matrices: large enough for the peak, 16 MB each
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}
LAYOUTS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}


class _AtCutError(Exception):
    """The forward pass has come to the first block that trains."""


def machine() -> dict[str, Any]:
    """What only torch knows of the machine."""
    return {
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "capability": torch.backends.cpu.get_cpu_capability(),
    }


def forward(
    *, size: int = SIZE_PX, batches: tuple[int, ...] = (16, 64), try_s: float = TRY_S
) -> dict[str, Any]:
    """Images/s of the whole backbone on ready tensors, for every precision, layout and batch."""
    found = {}
    for precision, dtype in DTYPES.items():
        for layout, memory_format in LAYOUTS.items():
            model = build(MODEL, n_classes=2).to(dtype).to(memory_format=memory_format).eval()
            for batch in batches:
                images = _images(batch, size).to(dtype).contiguous(memory_format=memory_format)
                with torch.inference_mode():
                    seconds = _median_s(lambda m=model, x=images: m(x), try_s)  # type: ignore[misc]
                found[f"{precision} {layout} {batch}"] = batch / seconds
    macs = sum(one.macs for one in card_of(MODEL).groups[:-1])
    scaled = macs * (size / card_of(MODEL).input_px) ** 2
    return {"images_per_s": max(found.values()), "ways": found, "flop_per_image": 2 * scaled}


def product(*, side: int = PRODUCT, try_s: float = TRY_S) -> dict[str, Any]:
    """The measured peak of the matrix product, in GFLOP/s per precision."""
    found = {}
    for precision, dtype in DTYPES.items():
        left, right = (torch.randn(side, side).to(dtype) for _ in range(2))
        seconds = _median_s(lambda a=left, b=right: torch.mm(a, b), try_s)  # type: ignore[misc]
        found[precision] = 2 * side**3 / seconds / 1e9
    return {"gflops": max(found.values()), "precisions": found}


def costs(
    *, layers: str = "head", size: int = SIZE_PX, batch: int = 16, try_s: float = TRY_S
) -> dict[str, Any]:
    """Milliseconds per picture of the frozen blocks (p) and of one training step of the rest (s).

    In float32 and torch's own layout, as the plain loop computes: s is a whole step less p.
    """
    model, optimizer = _trainable(layers, "cpu")
    groups = layer_groups(model)
    plan = FreezePlan.from_layers(layers_of(layers), len(groups))
    images, labels = _images(batch, size), torch.zeros(batch, dtype=torch.int64)
    whole = _median_s(partial(_step, model, optimizer, images, labels), try_s)
    first = model.get_submodule(groups[plan.first_trainable].modules[0])
    stop = first.register_forward_pre_hook(_stop)
    prefix = 0.0 if plan.first_trainable == 0 else _median_s(lambda: _to_cut(model, images), try_s)
    stop.remove()
    return {"prefix_ms": 1e3 * prefix / batch, "suffix_ms": 1e3 * (whole - prefix) / batch}


def step(
    *,
    layers: str = "all",
    size: int = SIZE_PX,
    batch: int = 64,
    device: str = "cpu",
    try_s: float = TRY_S,
) -> dict[str, Any]:
    """Images/s of one training step on ready tensors; bfloat16 means autocast."""
    found = {}
    for precision, dtype in DTYPES.items():
        model, optimizer = _trainable(layers, device)
        model.to(memory_format=torch.channels_last)
        images = _images(batch, size).to(device, memory_format=torch.channels_last)
        labels = torch.zeros(batch, dtype=torch.int64, device=device)
        lower: Callable[[], AbstractContextManager[Any]] = nullcontext
        if precision != "float32":
            lower = partial(torch.autocast, torch.device(device).type, dtype)
        once = partial(_step, model, optimizer, images, labels, lower)
        found[precision] = batch / _median_s(once, try_s)
    return {"images_per_s": max(found.values()), "ways": found}


def _trainable(layers: str, device: str) -> tuple[nn.Module, torch.optim.Optimizer]:
    """The network with what trains and an optimizer, in the modes of a training step."""
    model = build(MODEL, n_classes=2).to(device)
    groups = layer_groups(model)
    plan = FreezePlan.from_layers(layers_of(layers), len(groups))
    apply_plan(model, groups, plan)
    set_modes(model, groups, plan, training=True, freeze_norm_stats=True)
    wanted = [one for one in model.parameters() if one.requires_grad]
    return model, torch.optim.AdamW(wanted, lr=1e-6, fused=True)


def _step(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    images: Tensor,
    labels: Tensor,
    lower: Callable[[], AbstractContextManager[Any]] = nullcontext,
) -> None:
    optimizer.zero_grad()
    with lower():
        loss = nn.functional.cross_entropy(model(images), labels)
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    if images.is_cuda:
        torch.cuda.synchronize()


def _images(batch: int, size: int) -> Tensor:
    return torch.randn(batch, 3, size, size, generator=torch.Generator().manual_seed(0))


def _stop(module: nn.Module, args: tuple[Any, ...]) -> None:
    raise _AtCutError


def _to_cut(model: nn.Module, images: Tensor) -> None:
    try:
        model(images)
    except _AtCutError:
        return


def _median_s(work: Callable[[], Any], try_s: float) -> float:
    """Median seconds of one call, after two that do not count."""
    work(), work()
    times: list[float] = []
    until = time.perf_counter() + try_s
    while time.perf_counter() < until or len(times) < 3:
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return statistics.median(times)


WAYS: dict[str, Callable[..., dict[str, Any]]] = {
    one.__name__: one for one in (machine, forward, product, costs, step)
}


def main() -> None:
    options = json.loads(sys.argv[2]) if len(sys.argv) > 2 else {}
    print(json.dumps(WAYS[sys.argv[1]](**options)))


if __name__ == "__main__":
    main()
