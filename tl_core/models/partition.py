"""Cut a network's parameter names into consecutive parts, stem -> head. Used by ``groups`` only.

timm knows for most networks in which order their parts work (``group_matcher``) and where the
resolution halves (``feature_info``). A convolutional network gets one part per resolution stage, a
transformer its patch embedding and four equal parts; a network timm says nothing about is cut into
parts of equal length. Nothing here looks at values, so a network on the meta device will do.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from timm.models._manipulate import group_with_matcher
from torch import nn

__all__ = ["Part", "ancestors", "body_parts", "head_names", "module_names", "state_names"]

MAX_BODY = 8  # groups before the head that a person still reads as a list
PARTS = 4  # equal parts of a network whose resolution never changes (transformers)
MIN_STAGES = 3  # fewer resolution changes than this say too little to cut by
DENSE_SHARE = 0.5  # a tail with more of the body's parameters is a group of its own (VGG)

STEM_KNOWS = "edges, colours and simple contrasts"
PATCHES_KNOWS = "the colours and edges inside each small square of the picture"
DENSE_KNOWS = "combinations of everything seen before, tuned to the source classes"
DEPTH_KNOWS = (  # (relative depth up to which it holds, words), for the groups between
    (0.25, "textures and small patterns"),
    (0.5, "simple shapes and repeated patterns"),
    (0.7, "larger shapes and outlines"),
    (0.85, "parts of things, such as an eye, a petal or a wheel"),
    (1.0, "whole objects, as in the pictures it was trained on"),
)


@dataclass(frozen=True, slots=True)
class Part:
    """Consecutive members (parameter and buffer names) with the words a person reads."""

    name: str
    title: str
    knows: str
    members: list[str]


def body_parts(model: nn.Module, body: list[str]) -> list[Part]:
    """Parts of the backbone in working order, 1 to 8.

    Args:
        model: A timm network.
        body: Its parameter and buffer names without those of the head, in definition order.
    """
    units = _by_ordinal(body, _ordinals(model, body))
    if len(units) < MIN_STAGES:  # timm does not say in which order the parts work
        return _named([], _evenly(_child_units(model, body), PARTS + 1), [], whole=False)
    cuts = _stage_cuts(model, units)
    stem_end = 0 if _stands_alone(units, cuts) else -1
    ends = [end for end in cuts if end > stem_end]
    if ends:
        tail = _dense_tail(model, units, cuts)
        ends[-1] = len(units) - 1 - len(tail)
        starts = [stem_end + 1, *(end + 1 for end in ends[:-1])]
        pieces = [_joined(units[a : b + 1]) for a, b in zip(starts, ends, strict=True)]
        stem = _joined(units[: stem_end + 1])
        return _named(stem, _evenly(pieces, MAX_BODY - 2), _joined(tail), whole=True)
    return _named(units[0], _evenly(units[1:], PARTS), [], whole=False)


def _named(stem: list[str], pieces: list[list[str]], tail: list[str], *, whole: bool) -> list[Part]:
    """Names and words for the groups before the head; ``whole``: pieces are resolution stages."""
    parts: list[Part] = []
    if stem:
        patches = not whole
        title, knows = ("Patches", PATCHES_KNOWS) if patches else ("Stem", STEM_KNOWS)
        parts.append(Part("patches" if patches else "stem", title, knows, stem))
    kind = "stage" if whole else "part"
    for index, members in enumerate(pieces):
        depth = (index + 1) / len(pieces)
        knows = next(words for limit, words in DEPTH_KNOWS if depth <= limit)
        if not stem and index == 0:
            knows = STEM_KNOWS
        parts.append(Part(f"{kind}{index + 1}", f"{kind.title()} {index + 1}", knows, members))
    if tail:
        dense = all(name.startswith("pre_logits.") for name in tail)
        name, title = ("dense", "Dense layers") if dense else ("top", "Top layers")
        parts.append(Part(name, title, DENSE_KNOWS, tail))
    return parts


def _ordinals(model: nn.Module, body: list[str]) -> dict[str, int]:
    """Working order of every name as timm sees it; empty when timm says nothing."""
    try:
        matcher: Any = model.group_matcher(coarse=True)  # type: ignore[operator]
    except (AttributeError, AssertionError, NotImplementedError, TypeError):
        return {}
    outside = "thaw\0outside"  # a name no pattern matches: where timm puts what it does not know
    extra = [outside] if isinstance(matcher, dict) else []
    try:
        found = group_with_matcher(((one, None) for one in [*body, *extra]), matcher, reverse=True)
    except (ValueError, TypeError, IndexError):
        return {}
    unmatched = found.pop(outside, None)
    known = {name: place for name, place in found.items() if place != unmatched}
    if not known:
        return {}
    first, late = min(known.values()), max(known.values()) + 1
    blocks_begin = next((i for i, name in enumerate(body) if known.get(name, first) > first), 0)
    # what timm does not know is stem when it stands before the first block, otherwise the tail
    return {
        name: known.get(name, first if index < blocks_begin else late)
        for index, name in enumerate(body)
    }


def _by_ordinal(body: list[str], ordinals: dict[str, int]) -> list[list[str]]:
    units: dict[int, list[str]] = defaultdict(list)
    for name in body:
        if name in ordinals:
            units[ordinals[name]].append(name)
    return [units[key] for key in sorted(units)]


def _stage_cuts(model: nn.Module, units: list[list[str]]) -> list[int]:
    """Unit positions at which a resolution stage ends; empty when the resolution hardly changes."""
    info = getattr(model, "feature_info", None)
    info = getattr(info, "info", info)
    if not isinstance(info, list) or not units:
        return []
    ends: dict[int, int] = {}
    modules = module_names(model)
    place = {name: index for index, unit in enumerate(units) for name in unit}
    for one in info:
        reduction, module = one.get("reduction"), one.get("module")
        if not isinstance(reduction, int) or module not in modules:
            continue
        before = modules[: modules.index(module) + 1]
        inside = [index for name, index in place.items() if name.startswith(f"{module}.")]
        if not inside:  # an activation or pooling: the stage ends with the weights before it
            inside = _last_with_state(before, place)
        if inside:
            ends[reduction] = max(inside)
    return sorted(set(ends.values())) if len(ends) >= MIN_STAGES else []


def _last_with_state(modules: Iterable[str], place: dict[str, int]) -> list[int]:
    for module in reversed(list(modules)):
        inside = [index for name, index in place.items() if name.rpartition(".")[0] == module]
        if module and inside:
            return inside
    return []


def _stands_alone(units: list[list[str]], cuts: list[int]) -> bool:
    """Whether the stem is a part of its own rather than the first layer of one long row (VGG)."""
    stem = {name.partition(".")[0] for name in units[0]}
    after = {name.partition(".")[0] for name in units[1]}
    return 0 in cuts or not stem & after


def _dense_tail(model: nn.Module, units: list[list[str]], cuts: list[int]) -> list[list[str]]:
    if not cuts or cuts[-1] + 1 >= len(units):
        return []
    sizes = {name: parameter.numel() for name, parameter in model.named_parameters()}
    tail = units[cuts[-1] + 1 :]
    share = sum(sizes.get(name, 0) for name in _joined(tail))
    total = sum(sizes.get(name, 0) for name in _joined(units))
    return tail if share > DENSE_SHARE * total else []


def _child_units(model: nn.Module, body: list[str]) -> list[list[str]]:
    """Children in definition order, long rows of blocks taken apart."""
    rows = (nn.Sequential, nn.ModuleList)
    keys: dict[str, list[str]] = {}
    for name in body:
        key = name.partition(".")[0]
        child = getattr(model, key)
        if isinstance(child, rows) and len(child) > 1:
            key = ".".join(name.split(".")[:2])
        keys.setdefault(key if isinstance(child, nn.Module) else "", []).append(name)
    loose = keys.pop("", [])
    units = list(keys.values()) or [[]]
    units[0] = [*loose, *units[0]]
    return units


def _evenly(units: list[list[str]], limit: int) -> list[list[str]]:
    """Merge neighbours so that at most ``limit`` lists of about equal length remain."""
    count = min(limit, len(units))
    bounds = [round(index * len(units) / count) for index in range(count + 1)]
    return [_joined(units[a:b]) for a, b in itertools.pairwise(bounds)]


def _joined(units: Iterable[list[str]]) -> list[str]:
    return [name for unit in units for name in unit]


# -- names -----------------------------------------------------------------------------------------


def state_names(model: nn.Module) -> list[str]:
    """Parameters and buffers in definition order (by module, then parameters, then buffers)."""
    names: list[str] = []
    for prefix, module in model.named_modules():
        own = [*module._parameters, *module._buffers]
        for name in own:
            value = getattr(module, name)
            if value is not None:
                names.append(f"{prefix}.{name}" if prefix else name)
    return names


def module_names(model: nn.Module) -> list[str]:
    """Modules in definition order, the model itself ("") first."""
    return [name for name, _ in model.named_modules()]


def head_names(model: nn.Module, names: list[str]) -> set[str]:
    """Those of ``names`` that belong to the classifier; empty when there is none."""
    found: Any = getattr(model, "pretrained_cfg", None) or {}
    given = found.get("classifier") or ()
    prefixes = [given] if isinstance(given, str) else list(given)
    head = {name for name in names for one in prefixes if name.startswith(f"{one}.")}
    if head:
        return head
    if not hasattr(model, "get_classifier"):
        return set()
    classifier: Any = model.get_classifier()  # type: ignore[operator]
    wanted = classifier if isinstance(classifier, (tuple, list)) else (classifier,)
    prefixes = [name for name, module in model.named_modules() if any(module is w for w in wanted)]
    return {name for name in names for one in prefixes if name.startswith(f"{one}.")}


def ancestors(name: str) -> list[str]:
    """Modules that contain the parameter or module of this name: "a.b.c" -> "", "a", "a.b"."""
    parts = name.split(".")
    return [".".join(parts[:depth]) for depth in range(len(parts))]
