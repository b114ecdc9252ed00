"""The cost of computing nodes."""

from penstock._src.ir.node import Node

COST = {"exp": 8, "log": 8, "tanh": 10, "sigmoid": 10, "erf": 12, "erfc": 20, "sin": 12, "cos": 12, "pow": 25,
        "div": 3, "sqrt": 4, "rsqrt": 5, "mod": 10, "floordiv": 8, "truncmod": 10, "truncdiv": 8}  # fmt: skip
STEPS = 10  # assumed for a recurrence
RARE = frozenset(
    "expm1 log1p cbrt tan asin acos atan sinh cosh asinh acosh atanh lgamma atan2".split()
)


def cost_of(node: Node) -> int:
    """The approximate number of simple vector operations for one element of a node."""
    if node.kind in ("unary", "binary"):
        return 25 if node.op in RARE else COST.get(node.op, 1)
    if node.kind == "iterate":
        return STEPS * int(node.attrs["recurrence"].operations())
    return 1 if node.kind in ("compare", "select", "cast", "bitcast") else 0
