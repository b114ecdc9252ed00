"""int8 and bfloat16 operands that are widened only to be multiplied: kernels read them without widening.

Before: contract(sub(cast<int32>(x), zero), cast<int32>(w))     for int8 x and w, and for views of these
After:  contract(x, w), whose products and sums are of int32, and whose kernel knows `zero`

Likewise contract(cast<float32>(x), cast<float32>(w)) for bfloat16 x and w: products of two of these are exact in float32.

If a widened operand is reshaped, for example from stacked rows to one matrix, the narrow operand is reshaped instead: both have the same elements in the same order.
"""

from dataclasses import replace

import numpy as np

from penstock._src.compiler.kernels.views import View
from penstock._src.compiler.recognize.contractions.problem import Problem
from penstock._src.core import dtypes
from penstock._src.core.dtypes import DType
from penstock._src.ir.node import Node
from penstock._src.native.language.types import BF16, F32, I8, I32

_INT8 = np.iinfo(np.int8)
# By the type of the sums: the type that is widened to it, and its dtype.
_WIDENED = {I32: (I8, dtypes.int8), F32: (BF16, dtypes.bfloat16)}


def unwidened(problem: Problem) -> Problem | None:
    """The problem with operands of int8 or bfloat16 instead of widened ones, if possible. At most one operand has a zero point."""
    types = problem.types
    if types.total not in _WIDENED or not types.left == types.right == types.total:
        return None
    element, dtype = _WIDENED[types.total]
    operands = [narrow(view.source, dtype) for view in (problem.left, problem.right)]
    (left, left_zero), (right, right_zero) = operands
    # With two zero points the product would need the sums of both operands.
    if left is None or right is None or (left_zero and right_zero):
        return None
    return replace(
        problem,
        left=View(left, problem.left.axes),
        right=View(right, problem.right.axes),
        types=replace(types, left=element, right=element),
        zeros=(left_zero, right_zero),
    )


def narrow(node: Node, dtype: DType) -> tuple[Node | None, int]:
    """The node of a narrow dtype that a node widens (None if it does not), and its zero point, which is subtracted from int8."""
    if node.kind == "reshape":
        inner, zero = narrow(node.args[0], dtype)
        return (None if inner is None else inner.builder.reshape(inner, node.shape)), zero
    zero = 0
    if dtype == dtypes.int8 and node.kind == "binary" and node.attrs["op"] in ("sub", "add"):
        number = _number(node.args[1])
        if number is None:
            return None, 0
        node, zero = node.args[0], number if node.attrs["op"] == "sub" else -number
    is_widened = node.kind == "cast" and node.args[0].dtype == dtype
    # A zero point outside of int8 does not fit into the kernel's packed operand.
    if not is_widened or not _INT8.min <= zero <= _INT8.max:
        return None, 0
    return node.args[0], zero


def _number(node: Node) -> int | None:
    """The number that all elements of a constant are."""
    while node.kind in ("broadcast", "reshape"):
        node = node.args[0]
    if node.kind != "constant" or not node.attrs["value"].size:
        return None
    value = node.attrs["value"]
    first = value.reshape(-1)[0]
    return int(first) if value.size == 1 or (value == first).all() else None
