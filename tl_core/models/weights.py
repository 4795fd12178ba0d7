"""Where a network's weights come from: embedded, downloaded, or the user's own file.

Nothing is ever unpickled: safetensors, or ``torch.load(weights_only=True)``.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from tl_core.errors import WeightsFileError, WeightsUnavailableError
from tl_core.models.catalog import cards, hub_cache, hub_id, is_downloaded
from tl_core.models.facts import ModelCard

__all__ = [
    "Report",
    "describe_weights",
    "fetch_pretrained",
    "fit_state",
    "load_embedded",
    "read_weights_file",
]

Report = Callable[[int, int], None]  # (bytes done, bytes in all; 0 = not known yet)

CONNECT_S = 5.0  # seconds to wait for the server before saying "offline"
MIN_FIT = 0.5  # share of the backbone's tensors a user's file must bring
PREFIXES = ("module.", "_orig_mod.", "model.", "backbone.", "encoder.", "net.")
WRAPPERS = ("state_dict", "model", "model_state_dict", "state_dict_ema", "model_ema", "params")
HUB_FILES = ("model.safetensors", "pytorch_model.bin")  # in the order tried
PROBED = "network."  # as tl_core.probe.deep names what lies below its head
SHOWN = 3  # misfits named in an error


def describe_weights(card: ModelCard, weights: str, *, file_name: str = "", seed: int = 0) -> str:
    """Say in one sentence what a network starts from; a random network is called random."""
    if weights == "random":
        return f"Random weights (seed {seed}): {card.title} starts without any knowledge."
    if weights == "file":
        return f"Weights from your file {file_name or 'of your own'}, in the shape of {card.title}."
    origin = "came with Thaw" if card.embedded else f"were published as {card.name}"
    return f"Pretrained on {card.source_data}; the weights {origin}."


def load_embedded(path: Path) -> dict[str, Tensor]:
    """Read embedded weights; half-precision tensors become float32.

    Raises:
        WeightsUnavailableError: The file is missing or damaged.
    """
    try:
        state: dict[str, Tensor] = load_file(path)
    except (OSError, SafetensorError) as err:
        raise WeightsUnavailableError(
            f"The embedded weights {path.name} are missing or damaged.",
            hint="Fetch Thaw again, or restore its assets folder.",
        ) from err
    return {key: _full_precision(value) for key, value in state.items()}


def read_weights_file(path: Path) -> dict[str, Tensor]:
    """Read a user's weights: safetensors, or a PyTorch checkpoint that holds tensors only.

    Known wrappings ("state_dict", "model", ...) are opened and prefixes ("module.", ...) removed.

    Raises:
        WeightsFileError: Not readable, not safe, or without tensors.
    """
    hint = "Bring a .safetensors file, or a .pt/.pth file that holds only a state dict."
    try:
        body: Any = (
            load_file(path)
            if _is_safetensors(path)
            else torch.load(path, map_location="cpu", weights_only=True)
        )
    except FileNotFoundError as err:
        raise WeightsFileError(f"The weights file {path.name} is not there.", hint=hint) from err
    except Exception as err:  # torch.load has no error type of its own for foreign bytes
        raise WeightsFileError(
            f"{path.name} could not be read as network weights.", hint=hint
        ) from err
    state = _without_probe(_unwrapped(body))
    if not state:
        raise WeightsFileError(f"{path.name} holds no tensors.", hint=hint)
    return {key: _full_precision(value) for key, value in _without_prefix(state).items()}


def fit_state(
    model: nn.Module, state: Mapping[str, Tensor], head: Callable[[str], bool], *, source: str
) -> tuple[int, int]:
    """Load into the backbone whatever fits by name and shape; ``model`` is changed.

    The head is taken too when it fits exactly, so a file saved with the same classes continues.

    Args:
        model: The network to fill.
        state: Tensors by name.
        head: Says whether a name belongs to the classifier.
        source: The file's name, for messages.

    Returns:
        How many of the backbone's tensors were filled, and how many there are.

    Raises:
        WeightsFileError: Fewer than half of them fit; the network is left untouched.
    """
    own = model.state_dict()
    body = [name for name in own if not head(name) and not name.endswith("num_batches_tracked")]
    fitting = [name for name in body if name in state and state[name].shape == own[name].shape]
    if len(fitting) < MIN_FIT * len(body):
        misfits = [_misfit(name, own, state) for name in body if name not in fitting][:SHOWN]
        raise WeightsFileError(
            f"Only {len(fitting)} of the {len(body)} tensors this network needs are in {source}: "
            + "; ".join(misfits)
            + ".",
            hint="Choose the network these weights were made for.",
        )
    heads = [name for name in own if head(name)]
    if not all(name in state and state[name].shape == own[name].shape for name in heads):
        heads = []
    counters = [name for name in own if name.endswith("num_batches_tracked") and name in state]
    with torch.no_grad():
        for name in (*fitting, *heads, *counters):
            own[name].copy_(state[name])
    return len(fitting), len(body)


def fetch_pretrained(card: ModelCard, config: Any, report: Report) -> Path | None:
    """Bring a published network's weights into the local cache.

    Args:
        card: The network.
        config: timm's ``PretrainedCfg`` of it.
        report: Told the bytes as they arrive.

    Returns:
        The file; None when timm has to load these weights by an own way.

    Raises:
        WeightsUnavailableError: Not cached, and no connection.
    """
    if not config.hf_hub_id:
        return None
    import huggingface_hub as hub

    last: Exception | None = None
    names = [config.hf_hub_filename] if config.hf_hub_filename else HUB_FILES
    for name in names:
        found = hub.try_to_load_from_cache(config.hf_hub_id, name, cache_dir=hub_cache())
        if isinstance(found, str):
            return Path(found)
    _check_connection(card)
    for name in names:
        try:
            path = hub.hf_hub_download(
                config.hf_hub_id,
                name,
                cache_dir=hub_cache(),
                etag_timeout=CONNECT_S,
                tqdm_class=_bar(report),
            )
        except hub.errors.RemoteEntryNotFoundError as err:
            last = err  # these weights may exist in the older format only
        except Exception as err:  # any network, proxy, permission or disk failure below the hub
            raise unavailable(card, err) from err
        else:
            return Path(path)
    raise unavailable(card, last) from last


def unavailable(card: ModelCard, cause: Exception | None) -> WeightsUnavailableError:
    """The message for weights that cannot be had: what to use instead, and how to bring a file."""
    logging.getLogger(__name__).info("weights of %s: %s", card.name, cause)
    ready = [one.title for one in cards() if not one.embedded and is_downloaded(one.name)]
    own = ", ".join(f"{one.title} ({one.name})" for one in cards() if one.embedded)
    also = f" Already downloaded: {', '.join(ready)}." if ready else ""
    repo = hub_id(card.name)
    bring = f" Or fetch model.safetensors of {repo} on another machine" if repo else " Or fetch it"
    return WeightsUnavailableError(
        f"The weights of {card.title} ({card.download_mb:.0f} MB) are not on this machine and "
        "could not be downloaded.",
        hint=f"Without a connection use {own}, which comes with Thaw.{also}{bring} and bring it "
        "as a weights file.",
    )


def _check_connection(card: ModelCard) -> None:
    """Ask the server once, quickly: the hub's own client would try for half a minute."""
    import httpx
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        raise unavailable(card, None)
    try:
        httpx.head(constants.ENDPOINT, timeout=CONNECT_S, follow_redirects=False)
    except Exception as err:  # no route, no name, a broken proxy setting: all mean offline
        raise unavailable(card, err) from err


def _bar(report: Report) -> type:
    """A progress bar class, as the hub's client wants one, that reports instead of drawing."""

    class Quiet:
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            self.total = int(kwargs.get("total") or 0)
            self.n = int(kwargs.get("initial") or 0)
            report(self.n, self.total)

        def update(self, n: float | None = 1) -> None:
            self.n += int(n or 0)
            report(self.n, max(self.n, int(self.total or 0)))

        def __enter__(self) -> Quiet:
            return self

        def __exit__(self, *args: object) -> None:
            return None

        def __getattr__(self, name: str) -> Any:
            return lambda *args, **kwargs: None  # refresh, close, set_description, ...

    return Quiet


def _is_safetensors(path: Path) -> bool:
    if path.suffix == ".safetensors":
        return True
    with path.open("rb") as stream:
        return stream.read(10)[8:9] == b"{"


def _unwrapped(body: Any) -> dict[str, Tensor]:
    for _ in range(3):
        inner = next((body[key] for key in WRAPPERS if _is_mapping(body) and key in body), None)
        if not _is_mapping(inner):
            break
        body = inner
    if not _is_mapping(body):
        return {}
    return {str(key): value for key, value in body.items() if isinstance(value, Tensor)}


def _is_mapping(value: Any) -> bool:
    return isinstance(value, Mapping)


def _without_probe(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Of a deep probe's weights the network: its head reads all blocks, which no other one does."""
    below = [key for key in state if key.startswith(PROBED)]
    if not below or set(state) - set(below) != {"head.weight", "head.bias"}:
        return state
    return {key.removeprefix(PROBED): state[key] for key in below}


def _without_prefix(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Remove prefixes that every name carries, outermost first."""
    while prefix := next((p for p in PREFIXES if all(k.startswith(p) for k in state)), ""):
        state = {key.removeprefix(prefix): value for key, value in state.items()}
    return state


def _full_precision(value: Tensor) -> Tensor:
    return value.float() if value.is_floating_point() else value


def _misfit(name: str, own: Mapping[str, Tensor], state: Mapping[str, Tensor]) -> str:
    if name not in state:
        return f"{name} is missing"
    given, wanted = tuple(state[name].shape), tuple(own[name].shape)
    return f"{name} is {given} instead of {wanted}"
