"""Constant folding: nodes with known arguments are computed at creation.

Numbers that depend on Dims become a `size` node, so that kernels do not contain them as constants.
"""

import ml_dtypes
import numpy as np

from penstock._src.core.dtypes import DType
from penstock._src.ir import interpreter
from penstock._src.ir.build.maker import NodeMaker
from penstock._src.ir.extents import dims
from penstock._src.ir.meaning.known_values import SMALL, wrapped
from penstock._src.ir.node import Node, depends_on_extents
from penstock._src.ir.primitives import PRIMITIVES
from penstock._src.util import slots

_VIEWS = frozenset({"reshape", "transpose", "slice", "reverse"})
_LONGEST_LIST = 16


def fold(p: NodeMaker, node: Node) -> Node | None:
    """The node as a constant or a `size` if all arguments are such nodes; else None."""
    kind = node.kind
    if not PRIMITIVES[kind].is_folded or not node.args or node.results is not None:
        return None
    kinds = {a.kind for a in node.args}
    # Code that loads a part with unknown bounds is valid for all of them, a constant is not.
    if kinds == {"constant"} and not any(map(depends_on_extents, node.attrs.values())):
        if kind not in _VIEWS and node.size > SMALL or widens(node):
            return None
        values = [a.attrs["value"] for a in node.args]
        value = slots.CALL_FLUSHING(interpreter.evaluate_node, node, values)
        return p.constant(value, node.dtype)
    if kinds <= {"constant", "size"} and (kind == "slice" or "size" in kinds):
        return _fold_sizes(p, node)
    return None


def widens(node: Node) -> bool:
    """True if an integer array gets a wider type: it stays narrow in memory, as kernels widen the elements that they load.

    Short lists, such as sizes and paddings, are folded nevertheless.
    """
    if node.kind != "cast" or node.size <= _LONGEST_LIST:
        return False
    source = node.args[0].dtype
    return source.is_integer and node.dtype.is_integer and node.dtype.size > source.size


def _fold_sizes(p: NodeMaker, node: Node) -> Node | None:
    if node.kind == "cast" and not node.dtype.is_bool:
        arg = node.args[0]
        numbers = arg.attrs["dims"]
        if not arg.dtype.is_integer and not all(_is_exact(n, arg.dtype) for n in numbers):
            return None
        return p.make(
            "size",
            (),
            dims=tuple([wrapped(n, node.dtype) for n in numbers]),
            shape=arg.shape,
            dtype=node.dtype,
        )
    known = p.known.symbolic(node)
    if known is None or known.ndim > 1 and any(isinstance(d, dims.Dim) for d in known.flat):
        return None
    if not any(isinstance(d, dims.Dim) for d in known.flat):
        return p.constant(known.astype(node.dtype.np), node.dtype)
    return p.make("size", (), dims=tuple(known.reshape(-1)), shape=node.shape, dtype=node.dtype)


def _is_exact(number: dims.Extent, dtype: DType) -> bool:
    """True if a floating-point type can represent this number."""
    if not dtype.is_floating:
        return False
    if dims.is_symbolic(number):
        most = 2 ** (ml_dtypes.finfo(dtype.np).nmant + 1)
        return -most <= number <= most
    with np.errstate(over="ignore"):
        rounded = float(dtype.np.type(int(number)))
    return rounded == int(number)
