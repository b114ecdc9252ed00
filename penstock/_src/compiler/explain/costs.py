"""The work of nodes: floating point operations and bytes."""

import math
from collections.abc import Iterable

from penstock._src.ir.function import Function
from penstock._src.ir.node import Node


def flops_of(node: Node) -> int:
    """Floating point operations of a node; a loop's body counts once a trip, as far as trips are known."""
    if node.kind == "contract":
        letters = node.attrs["spec"].split("->")[0].replace(",", "")
        extents = dict(zip(letters, (*node.args[0].shape, *node.args[1].shape)))
        return 2 * math.prod(map(int, extents.values()))
    if node.kind in ("unary", "binary", "compare", "select"):
        return int(node.size)
    if node.kind == "iterate":
        return int(node.size) * int(node.attrs["recurrence"].operations())
    if node.kind in ("reduce", "scan"):
        return int(node.args[0].size)
    if node.kind == "fft":
        return int(5 * node.size * math.log2(int(node.args[1].size)))
    if node.kind == "while":
        return total_flops(node.attrs["body"].nodes()) * int(node.attrs.get("max_trips") or 1)
    if node.kind == "case":
        return max(total_flops(branch.nodes()) for branch in node.attrs["branches"])
    return 0


def total_flops(nodes: Iterable[Node]) -> int:
    """Floating point operations of nodes."""
    return sum(map(flops_of, nodes))


def bytes_of(node: Node) -> int:
    """The size of a node's value; of a variable's handle, the variable's."""
    if "variable" in node.attrs:
        shape, dtype = node.attrs["variable"]
        return dtype.size * math.prod(map(int, shape))
    return int(node.size) * node.dtype.size


def cost(function: Function) -> tuple[int, int]:
    """Floating point operations of a function, and the least bytes that move: arguments, results, variables written."""
    moved = sum(bytes_of(n) for n in function.parameters if "variable" not in n.attrs)
    moved += sum(map(bytes_of, function.results))
    moved += sum(2 * bytes_of(value) for _, value in function.updates)
    return total_flops(function.nodes()), moved
