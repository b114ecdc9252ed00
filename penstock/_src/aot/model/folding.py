"""Constant folding of weights at build time: transposed filters, the scales of batch norms."""

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from penstock._src.aot.model.whole import WholeFunction
from penstock._src.core.values.resources import VariableHandle
from penstock._src.ir import folding, interpreter
from penstock._src.ir.function import Function
from penstock._src.ir.node import Node, depends_on_extents

MOST_GROWTH = 1.25  # of a result over what it follows from
SMALL = 4 << 10  # bytes that may be kept in any case
# Kinds whose results are not kept: views of what is kept, and what reads nothing.
_VIEWS = frozenset({"constant", "read", "reshape", "broadcast", "iota", "size"})
_NEVER = frozenset(
    {"parameter", "random_bits", "while", "case", "item", "unpack"}
    | {"exchange_start", "exchange_wait"}
)


def values_of_weights(
    whole: WholeFunction, values: tuple[Any, ...], assigned: Collection[int]
) -> dict[int, np.ndarray]:
    """Return the values of nodes computed from constants and unassigned variables only, by the nodes' ids.

    Args:
      whole: a lowered form.
      values: of the graph's inputs: handles of variables, None for what a call gives.
      assigned: ids of the handles that functions assign.
    """
    function = whole.function
    arrays: dict[int, np.ndarray] = {}
    for parameter, position in zip(function.parameters, whole.positions):
        argument = values[position] if position >= 0 else None
        if isinstance(argument, VariableHandle) and id(argument) not in assigned:
            arrays[parameter.id] = argument.value
    wanted = _wanted(function, arrays)
    if not wanted:
        return {}
    inputs = [arrays.get(p.id, np.zeros((), np.float32)) for p in function.parameters]
    results, _ = interpreter.run(Function("weights", function.parameters, tuple(wanted)), inputs)
    return {
        node.id: np.asarray(value, node.dtype.np, order="C") for node, value in zip(wanted, results)
    }


def _wanted(function: Function, arrays: Mapping[int, np.ndarray]) -> list[Node]:
    """The nodes that are known and that others need which are not."""
    sources: dict[int, frozenset[int]] = {}  # of known nodes: what they follow from
    sizes: dict[int, int] = {}
    needed: set[int] = {root.id for root in function.roots}
    for node in function.nodes():
        if node.kind == "constant" or (node.kind == "read" and node.args[0].id in arrays):
            sources[node.id] = frozenset((node.id,))
            sizes[node.id] = _bytes(node)
        elif _can_be_known(node) and all(a.id in sources for a in node.args):
            sources[node.id] = frozenset().union(*[sources[a.id] for a in node.args])
        else:
            needed.update(a.id for a in node.args)
    wanted = []
    for node in reversed(function.nodes()):
        if node.id not in sources or node.id not in needed:
            continue
        most = max(SMALL, MOST_GROWTH * sum(sizes[i] for i in sources[node.id]))
        if node.kind not in _VIEWS and _bytes(node) <= most and not folding.widens(node):
            wanted.append(node)
        else:
            needed.update(a.id for a in node.args)
    return wanted


def _can_be_known(node: Node) -> bool:
    if node.kind in _NEVER or node.results is not None or not node.dtype.is_numpy_compatible:
        return False
    return not depends_on_extents((*node.shape, *node.attrs.values()))


def _bytes(node: Node) -> int:
    return int(np.prod([int(d) for d in node.shape], dtype=np.int64)) * node.dtype.size
