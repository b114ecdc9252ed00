"""Ranges: the least and the largest number that a node can be, by interval arithmetic over the nodes it is computed from.

They bound extents that depend on data while lowering: the counts of `clip(x, 0, 255)` have at most 256 elements. Ends are
computed in the node's own type and rounded as its elements are, as rounding is monotone.
"""

import functools
from collections.abc import Callable, Iterable
from typing import Any

import ml_dtypes
import numpy as np

from penstock._src.core.dtypes import DType
from penstock._src.ir.extents import dims
from penstock._src.ir.meaning import arrays
from penstock._src.ir.node import Node

Range = tuple[Any, Any]

_LARGEST_CONSTANT = 4096  # elements of a constant whose range is computed
_DEEPEST = 48  # length of the longest chain of nodes that is followed


class Ranges:
    """The ranges of nodes: `found` by the rules, `assumed` as set by a lowering, such as for the counter of a loop."""

    def __init__(self) -> None:
        self.found: dict[int, Range | None] = {}
        self.assumed: dict[int, Range] = {}

    def bounds(self, node: Node, depth: int = _DEEPEST) -> Range | None:
        """The least and the largest number of a node, both included; None if nothing is known, or it may be NaN."""
        if node.results is not None or node.dtype is None:
            return None
        if node.id in self.assumed:
            return self.assumed[node.id]
        if node.id not in self.found:
            rule = _RULES.get(node.kind) if depth and node.size else None
            ends = rule(self, node, depth - 1) if rule is not None else None
            if not depth:
                return _whole(node.dtype)
            self.found[node.id] = ends or _whole(node.dtype)
        return self.found[node.id]

    def assume(self, node: Node, low: Any, high: Any) -> None:
        """Sets the range of a node."""
        self.assumed[node.id] = low, high
        self.found.clear()

    def known_number(self, node: Node) -> int | None:
        """The integer of every element of a node, if only one is possible."""
        if not node.dtype.is_integer:
            return None
        ends = self.bounds(node)
        return ends[0] if ends is not None and dims.same(*ends) else None


def _whole(dtype: DType) -> Range | None:
    """The range of an integer type or bool; None for other types."""
    if dtype.is_bool:
        return 0, 1
    if not dtype.is_integer:
        return None
    return limits(dtype) if dtype.np.kind in "iu" else None


@functools.cache
def limits(dtype: DType) -> tuple[int, int]:
    """The least and the largest number of an integer type."""
    info = ml_dtypes.iinfo(dtype.np)
    return int(info.min), int(info.max)


def _number_of(value: Any, dtype: DType) -> Any:
    """An end as a Python number."""
    if dtype.is_floating:
        return float(value)
    return value if dims.is_symbolic(value) else int(value)


def _constant(ranges: Ranges, node: Node, depth: int) -> Range | None:
    value = node.attrs["value"]
    if value.size > _LARGEST_CONSTANT or not (
        node.dtype.is_integer or node.dtype.is_floating or node.dtype.is_bool
    ):
        return None
    low, high = value.min(), value.max()
    return None if low != low else (_number_of(low, node.dtype), _number_of(high, node.dtype))


def _size(ranges: Ranges, node: Node, depth: int) -> Range:
    values = node.attrs["dims"]
    return functools.reduce(dims.minimum, values), functools.reduce(dims.maximum, values)


def _first(ranges: Ranges, node: Node, depth: int) -> Range | None:
    return ranges.bounds(node.args[0], depth)


def _union(ranges: Iterable[Range | None]) -> Range | None:
    low = high = None
    for ends in ranges:
        if ends is None:
            return None
        low = ends[0] if low is None else dims.minimum(low, ends[0])
        high = ends[1] if high is None else dims.maximum(high, ends[1])
    return None if low is None else (low, high)


def _all_from(first: int) -> Callable[[Ranges, Node, int], Range | None]:
    def rule(ranges: Ranges, node: Node, depth: int) -> Range | None:
        return _union(ranges.bounds(arg, depth) for arg in node.args[first:] if arg.size)

    return rule


def _gather(ranges: Ranges, node: Node, depth: int) -> Range | None:
    values = ranges.bounds(node.args[0], depth)
    return _union([values, (0, 0)]) if node.attrs["mode"] == "zero" else values


def _cast(ranges: Ranges, node: Node, depth: int) -> Range | None:
    found = ranges.bounds(node.args[0], depth)
    if found is None or node.dtype.is_complex:
        return None
    if node.dtype.is_bool:  # not monotone: 0 is between -1 and 1
        return int(found[0] > 0 or found[1] < 0), int(found != (0, 0))
    if not node.dtype.is_integer:
        source = node.args[0].dtype.np
        plain = [int(end) if dims.is_symbolic(end) else end for end in found]
        low, high = (arrays.cast([np.array(end, source)], node) for end in plain)
        return _finite(low, high)
    low, high = (end if dims.is_symbolic(end) else int(end) for end in found)
    return _fitting(node.dtype, (low, high))


def _finite(low: Any, high: Any) -> Range | None:
    """A range of floats, unless an end is infinite: products with infinity may be NaN, which no range contains.

    Ends that are denormal numbers are taken for zeros when a program runs.
    """
    if not (np.isfinite(low) and np.isfinite(high)):
        return None
    least = float(np.finfo(np.float64 if isinstance(low, np.float64) else np.float32).tiny)
    low, high = float(low), float(high)
    return (0.0 if 0 < low < least else low, 0.0 if -least < high < 0 else high)


def _iota(ranges: Ranges, node: Node, depth: int) -> Range | None:
    last = node.shape[node.attrs["axis"]] - 1
    if node.dtype.is_integer:
        is_wide = dims.is_symbolic(last) and node.dtype.size >= 4  # no condition for 2**31 elements
        return (0, last) if is_wide else _fitting(node.dtype, (0, last))
    if dims.is_symbolic(last) or not node.dtype.is_floating:
        return None
    with np.errstate(over="ignore"):
        return _finite(0, np.asarray(last).astype(node.dtype.np))  # rounded, as its elements are


def _fitting(dtype: DType, found: Range) -> Range | None:
    """A range of integers; None if it leaves the type, as numbers wrap around."""
    whole = _whole(dtype)
    return found if whole is not None and whole[0] <= found[0] <= found[1] <= whole[1] else None


def _bitcast(ranges: Ranges, node: Node, depth: int) -> Range | None:
    arg = node.args[0]
    if not (node.dtype.is_integer and arg.dtype.is_integer and arg.dtype.size == node.dtype.size):
        return None
    ends = ranges.bounds(arg, depth)
    return None if ends is None or ends[0] < 0 else _fitting(node.dtype, ends)


def _unary(ranges: Ranges, node: Node, depth: int) -> Range | None:
    ends = ranges.bounds(node.args[0], depth)
    if ends is None:
        return None
    low, high = ends
    if node.op == "neg":
        ends = -high, -low
    elif node.op == "abs":
        ends = max(low, -high, 0), max(abs(low), abs(high))
    elif node.op in ("floor", "ceil", "round"):
        rounded = {"floor": np.floor, "ceil": np.ceil, "round": np.rint}[node.op]
        return float(rounded(low)), float(rounded(high))
    else:
        return None
    return _fitting(node.dtype, ends) if node.dtype.is_integer else ends


def _binary(ranges: Ranges, node: Node, depth: int) -> Range | None:
    x, y = (ranges.bounds(arg, depth) for arg in node.args)
    if x is None or y is None:
        return None
    if node.op in _CORNERS:
        if node.dtype.is_floating:
            return _floating(node, x, y)
        if not node.dtype.is_integer:
            return None
        ends = [_CORNERS[node.op](a, b) for a in x for b in y]
        low, high = functools.reduce(dims.minimum, ends), functools.reduce(dims.maximum, ends)
        return _fitting(node.dtype, (low, high))
    rule = _BINARY.get(node.op)
    return None if rule is None or not node.dtype.is_integer else rule(x, y)


def _floating(node: Node, x: Range, y: Range) -> Range | None:
    if any(map(dims.is_symbolic, (*x, *y))):
        return None  # floats are not extents, and a plain number would make a program for it alone
    kind = node.dtype.np.type
    with np.errstate(all="ignore"):
        ends = [_CORNERS[node.op](kind(a), kind(b)) for a in x for b in y]
        low, high = min(ends), max(ends)
        if node.op in ("add", "sub") and (0, 0) not in (x, y):
            # Kernels may use a fused multiply-add, which does not round the product: the sum may differ by one place.
            low, high = np.nextafter(low, kind(-np.inf)), np.nextafter(high, kind(np.inf))
    return _finite(low, high)


# Operations that are monotone in each argument: their ends are at the corners.
_CORNERS: dict[str, Callable[[Any, Any], Any]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "maximum": dims.maximum,
    "minimum": dims.minimum,
}


def _modulus(x: Range, y: Range) -> Range | None:
    if y[0] <= 0:
        return None
    return x if x[0] >= 0 and x[1] < y[0] else (0, y[1] - 1)


def _remainder(x: Range, y: Range) -> Range | None:
    return _modulus(x, y) if x[0] >= 0 else None


def _quotient(x: Range, y: Range) -> Range | None:
    if y[0] <= 0:
        return None
    ends = [a // b for a in x for b in y]
    return functools.reduce(dims.minimum, ends), functools.reduce(dims.maximum, ends)


_BINARY: dict[str, Callable[[Range, Range], Range | None]] = {
    "mod": _modulus,
    "truncmod": _remainder,
    "floordiv": _quotient,
    "truncdiv": lambda x, y: _quotient(x, y) if x[0] >= 0 else None,
    "and": lambda x, y: (
        (0, min(end for low, end in (x, y) if low >= 0)) if x[0] >= 0 or y[0] >= 0 else None
    ),
}


def _reduce(ranges: Ranges, node: Node, depth: int) -> Range | None:
    (arg,) = node.args
    found = ranges.bounds(arg, depth)
    if found is None or not arg.size or node.op not in ("max", "min", "sum"):
        return None
    if node.op != "sum":
        return found
    count = arg.size // node.size
    ends = found[0] * count, found[1] * count
    return _fitting(node.dtype, ends) if node.dtype.is_integer else None


def _arg_reduce(ranges: Ranges, node: Node, depth: int) -> Range:
    return 0, node.args[0].shape[node.attrs["axis"]] - 1


_RULES: dict[str, Callable[[Ranges, Node, int], Range | None]] = {
    "constant": _constant,
    "size": _size,
    "iota": _iota,
    "compare": lambda ranges, node, depth: (0, 1),
    **dict.fromkeys(
        (
            "reshape",
            "transpose",
            "broadcast",
            "slice",
            "reverse",
            "dynamic_slice",
            "optimization_barrier",
        ),
        _first,
    ),
    "gather": _gather,
    "select": _all_from(1),
    "concat": _all_from(0),
    "pad": _all_from(0),
    "dynamic_update_slice": lambda ranges, node, depth: _union(
        ranges.bounds(arg, depth) for arg in node.args[:2] if arg.size
    ),
    "cast": _cast,
    "bitcast": _bitcast,
    "unary": _unary,
    "binary": _binary,
    "reduce": _reduce,
    "arg_reduce": _arg_reduce,
}
