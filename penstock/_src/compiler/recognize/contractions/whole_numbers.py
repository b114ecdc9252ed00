"""Values that are whole numbers, such as signs: plain sums of their products are exact, and programs count on it.

A binary network takes the sign of such sums. Where a sum is 0, the smallest error makes another network of it.
"""

import numpy as np

from penstock._src.ir.node import Node

_ROUNDED = frozenset({"sign", "floor", "ceil", "round"})
_OF_WHOLE_ARGUMENTS = {
    "unary": frozenset({"neg", "abs"}),
    "binary": frozenset({"add", "sub", "mul", "maximum", "minimum"}),
}
_MOVEMENTS = frozenset({"reshape", "transpose", "broadcast", "slice", "reverse", "pad", "concat"})
_DEPTH = 12  # operations that are looked at, one inside another


def holds_whole_numbers(node: Node, depth: int = _DEPTH) -> bool:
    """True if the values of a node are known to be whole numbers, of any dtype."""
    if node.dtype.is_integer or node.dtype.is_bool:
        return True
    if node.kind == "constant":
        value = np.asarray(node.attrs["value"])
        return bool(np.all(value == np.round(value)))
    if node.kind == "unary" and node.attrs["op"] in _ROUNDED:
        return True
    if depth == 0:
        return False
    values = node.args[1:] if node.kind == "select" else node.args
    passes = node.kind in _MOVEMENTS or node.kind in ("select", "cast")
    passes = passes or node.attrs.get("op") in _OF_WHOLE_ARGUMENTS.get(node.kind, ())
    return passes and all(holds_whole_numbers(x, depth - 1) for x in values)
