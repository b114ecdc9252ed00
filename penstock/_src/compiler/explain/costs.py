"""The work of functions: floating point operations, and the bytes of their values."""

import math

from penstock._src.ir.function import Function
from penstock._src.ir.node import Node
from penstock._src.ir.primitives.control import total_flops


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
