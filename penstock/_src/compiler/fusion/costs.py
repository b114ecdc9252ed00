"""The cost of computing nodes."""

from penstock._src.compiler.kernels.costs import cost_of_function
from penstock._src.ir.node import Node

STEPS = 10  # assumed for a recurrence


def cost_of(node: Node) -> int:
    """The approximate number of simple vector operations for one element of a node."""
    if node.kind in ("unary", "binary"):
        return cost_of_function(node.op)
    if node.kind == "iterate":
        return STEPS * int(node.attrs["recurrence"].operations())
    return 1 if node.kind in ("compare", "select", "cast", "bitcast") else 0
