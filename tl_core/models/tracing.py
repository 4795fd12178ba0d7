"""A network as a graph of its operations (torch.fx), for those who must know what depends on what.

timm marks the parts of its networks that must stay whole while tracing; they are respected here.
Branches that depend on the mode (``self.training``) are fixed at tracing, so whoever needs both
modes traces twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from timm import layers
from torch import Tensor, nn
from torch.fx import Graph, GraphModule, Node, Tracer, map_arg

from tl_core.errors import ModelError

__all__ = ["acts_in_place", "drop_unused", "learns_or_draws", "needed_for", "traced", "twins"]

TIMM: Any = layers  # without types of its own
NO_CACHE = "It trains all the same, only without the cache of its frozen blocks."

# Functions whose answer to the same pictures changes from call to call, or with the batch.
DRAWING = {
    *("bernoulli", "cauchy", "exponential", "geometric", "log_normal", "multinomial", "normal"),
    *("poisson", "rand", "randint", "randn", "random", "randperm", "uniform"),
}
SWITCHED = {  # function -> (position of its ``training`` argument, value when it is left out)
    **{f"dropout{kind}": (2, True) for kind in ("", "1d", "2d", "3d")},
    **{f"{kind}alpha_dropout": (2, True) for kind in ("", "feature_")},
    "rrelu": (3, False),
    "batch_norm": (5, False),
}


class _Tracer(Tracer):
    def __init__(self) -> None:
        super().__init__(autowrap_functions=tuple(TIMM.get_notrace_functions()))
        self._whole = tuple(TIMM.get_notrace_modules())

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return isinstance(m, self._whole) or super().is_leaf_module(m, module_qualified_name)


def traced(model: nn.Module) -> GraphModule:
    """The network as a graph that shares its modules and parameters; its one input is pictures.

    Args:
        model: In the modes to trace; not changed.

    Raises:
        ModelError: Its forward pass cannot be followed (it branches on values).
    """
    try:
        graph = _Tracer().trace(model)
    except Exception as err:  # tracing runs the network's own code on stand-ins; any error may come
        raise ModelError(f"{type(model).__name__} cannot be taken apart.", hint=NO_CACHE) from err
    for node in graph.nodes:
        if node.op == "placeholder" and node.args:  # an option, such as an attention mask
            for user in list(node.users):
                user.args, user.kwargs = map_arg((user.args, user.kwargs), _filled_in(node))
            graph.erase_node(node)
    return GraphModule(model, graph, type(model).__name__)


def _filled_in(option: Node) -> Callable[[Node], Any]:
    return lambda node: option.args[0] if node is option else node


def needed_for(wanted: Iterable[Node], given: Iterable[Node] = ()) -> set[Node]:
    """The nodes that must be computed, ``wanted`` included, when those ``given`` are there."""
    found = set(given)
    stop = set(found)
    waiting = list(wanted)
    while waiting:
        node = waiting.pop()
        if node not in found:
            found.add(node)
            waiting.extend(node.all_input_nodes)
    return found - stop


def drop_unused(traced: GraphModule) -> None:
    """Remove what nobody uses and what changes nothing: checks, sizes. ``traced`` is changed."""
    modules = dict(traced.named_modules())

    def stays(node: Node) -> bool:
        ends = node.op in ("placeholder", "output")
        return ends or acts_in_place(node, modules) or learns_or_draws(node, modules)

    traced.graph.eliminate_dead_code(stays)
    traced.recompile()


def twins(one: Graph, two: Graph) -> dict[Node, Node]:
    """For nodes of ``one``, those of ``two`` that compute the same from the same.

    Both are traces of one network, in different modes; names may differ, operations count. What is
    computed several times is paired in order.
    """
    numbers: dict[tuple[object, ...], int] = {}

    def numbered(graph: Graph) -> dict[Node, int]:
        mine: dict[Node, int] = {}
        times: Counter[tuple[object, ...]] = Counter()
        for node in graph.nodes:
            given = [_spelled(value, mine) for value in (node.args, node.kwargs)]
            key = (node.op, node.target, *given)
            times[key] += 1
            mine[node] = numbers.setdefault((*key, times[key]), len(numbers))
        return mine

    first, second = numbered(one), numbered(two)
    by_number = {number: node for node, number in second.items()}
    return {node: by_number[number] for node, number in first.items() if number in by_number}


def acts_in_place(node: Node, modules: dict[str, nn.Module]) -> bool:
    """Whether the node writes its answer over its input."""
    if node.op == "call_module":
        return bool(getattr(modules[str(node.target)], "inplace", False))
    if node.op == "call_method":
        return str(node.target).endswith("_") and not str(node.target).endswith("__")
    if node.op == "call_function":
        torchs = getattr(node.target, "__module__", "") != "_operator"  # there "and_" is a word
        named = str(getattr(node.target, "__name__", ""))
        return (torchs and named.endswith("_")) or bool(node.kwargs.get("inplace"))
    return False


def learns_or_draws(node: Node, modules: dict[str, nn.Module]) -> bool:
    """Whether the node draws random numbers, or takes statistics from the batch.

    Args:
        node: Of a graph traced in the modes that ``modules`` are in now.
        modules: Name -> module of the traced network.
    """
    if node.op == "call_module":
        inside = modules[str(node.target)].modules()
        return any(one.training and _switches(one) for one in inside)
    name = getattr(node.target, "__name__", str(node.target))
    if node.op not in ("call_function", "call_method"):
        return False
    if name.removesuffix("_").removesuffix("_like") in DRAWING:
        return True
    if name in SWITCHED:
        place, default = SWITCHED[name]
        given = node.args[place] if len(node.args) > place else node.kwargs.get("training", default)
        return given is not False
    return bool(node.kwargs.get("dropout_p", 0.0))


def _switches(module: nn.Module) -> bool:
    """Whether a module without its training mode would answer otherwise."""
    dropout = isinstance(module, (nn.modules.dropout._DropoutNd, nn.RReLU))
    return dropout or isinstance(getattr(module, "running_mean", None), Tensor)


def _spelled(value: object, numbers: dict[Node, int]) -> str:
    """The arguments of a node as text, other nodes by their number."""
    if isinstance(value, Node):
        return f"%{numbers[value]}"
    if isinstance(value, (tuple, list)):
        return f"({','.join(_spelled(one, numbers) for one in value)})"
    if isinstance(value, dict):
        return str({key: _spelled(one, numbers) for key, one in value.items()})
    if isinstance(value, slice):
        return _spelled(("slice", value.start, value.stop, value.step), numbers)
    return repr(value)
