"""Values of nodes that are known while lowering: constants, numbers computed from shapes, differences, ranges.

Numbers that depend on Dims are computed as expressions, in object arrays of ints and Dims, by the same NumPy meanings
as constants. A comparison of such numbers takes the answer of the current call and adds a condition (extents/guards.py).
"""

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock._src.core.dtypes import DType
from penstock._src.ir.extents import dims, functions
from penstock._src.ir.meaning import intervals, ranges
from penstock._src.ir.node import Node
from penstock._src.ir.primitives import PRIMITIVES
from penstock._src.ir.primitives.base import ints

SMALL = 4096  # most elements of a constant result that is computed while lowering
SYMBOLIC = 64  # most elements of shape arithmetic that is computed as expressions


class KnownValues:
    """The known values of the nodes of one builder, cached by their ids."""

    def __init__(self) -> None:
        self.ranges = ranges.Ranges()
        self._symbolic: dict[int, Any] = {}  # node id -> object array of ints and Dims, or None

    def forget(self) -> None:
        """Drops everything."""
        self.__init__()  # type: ignore[misc]

    def tell(self, node: Node, numbers: np.ndarray) -> None:
        """Makes the value of a node known from now on, as an object array of ints and Dims."""
        self._symbolic = {i: known for i, known in self._symbolic.items() if known is not None}
        self._symbolic[node.id] = numbers

    def value(self, node: Node) -> Any:
        """The value of a node in this specialization as an array, or None. Numbers of Dims in it become conditions."""
        if node.kind == "constant":
            return node.attrs["value"]
        if node.kind == "size":
            return _evaluated((), node)
        if node.kind == "broadcast" and node.args[0].kind in ("constant", "size"):
            return _evaluated([self.value(node.args[0])], node)
        if node.kind == "iota" and not dims.is_large(node.size, SMALL + 1):
            return _evaluated((), node)
        known = self.symbolic(node)
        if known is not None:
            return np.array([int(d) for d in known.flat], node.dtype.np).reshape(known.shape)
        return None

    def numbers(self, node: Node) -> Any:
        """The known value of a node, as an object array of ints and Dims if it depends on unknown extents; or None."""
        known = self.symbolic(node)
        if node.kind == "size" and node.dtype.is_floating:
            known = _objects(node)
        if known is not None and any(isinstance(n, dims.Dim) for n in known.flat):
            return known
        return self.value(node)

    def symbolic(self, node: Node) -> Any:
        """The known value of an integer node, as an object array of ints and Dims; or None."""
        if node.id not in self._symbolic:
            known = self._computed(node)
            if known is None and node.dtype is not None and dims.is_one(node.size):
                number = self.ranges.known_number(node)
                known = None if number is None else _boxed(number).reshape([1] * node.rank)
            self._symbolic[node.id] = known
        return self._symbolic[node.id]

    def number(self, node: Node) -> Any:
        """The known value of a node with one element, as an int or a Dim; or None."""
        known = self.symbolic(node) if dims.is_one(node.size) else None
        return None if known is None else known.reshape(-1)[0]

    def difference(self, before: Node, after: Node) -> Any:
        """The number (or Dim) `after` - `before`, if it is known although the nodes may not be; or None."""
        total: Any = 0
        while after is not before:
            if after.kind != "binary" or after.op not in ("add", "sub"):
                return None
            left, right = after.args
            if after.op == "add" and self.number(left) is not None:
                left, right = right, left
            step = self.number(right)
            if step is None:
                return None
            total = total + (step if after.op == "add" else -step)
            after = left
        return total

    def _computed(self, node: Node) -> Any:
        """`symbolic`, without the cache."""
        if node.results is not None or node.dtype is None:
            return None
        if not (node.dtype.is_integer or node.dtype.is_bool):
            return None
        if dims.is_large(node.size, SYMBOLIC + 1):
            return None
        if not node.size:
            return np.empty(node.shape, object)
        if node.kind == "constant":
            return node.attrs["value"].astype(object)
        if node.kind == "size":
            return _in_type(_objects(node), node.dtype)
        if node.kind == "iota":
            return _evaluated((), node).astype(object)
        if node.kind not in _OBJECT_MEANINGS or not node.args:
            return None
        args = [self._argument(node, i) for i in range(len(node.args))]
        if any(a is None for a in args):
            return None
        result = _OBJECT_MEANINGS[node.kind](args, node)
        if result is None:
            return None
        result = result if isinstance(result, np.ndarray) else _boxed(result)
        return _in_type(result, node.dtype) if node.kind in _COMPUTING else result

    def _argument(self, node: Node, index: int) -> Any:
        arg = node.args[index]
        first, last = _INDICES.get(node.kind, (0, 0))
        return self.value(arg) if first <= index < last else self.symbolic(arg)


def number_of(node: Node) -> Any:
    """The Python number of every element of a node, if it is a constant of one number; or None."""
    while node.kind in ("broadcast", "reshape"):
        node = node.args[0]
    if node.kind == "constant" and node.attrs["value"].size == 1:
        return node.attrs["value"].reshape(()).item()
    return None


def is_number(node: Node, value: float) -> bool:
    """True if every element of the node is known to be this number (0.0 is not -0.0)."""
    known = number_of(node)
    if known is None or isinstance(known, bool) != isinstance(value, bool):
        return False
    if value == 0 and isinstance(known, float):
        return known == 0 and not np.signbit(known)
    return known == value


def _in_type(numbers: np.ndarray, dtype: DType) -> np.ndarray:
    """Python's ints, wrapped around as in the integer type."""
    if dtype.is_bool:
        return numbers
    return _elementwise(lambda n: wrapped(n, dtype), [numbers], numbers.shape)


def wrapped(number: dims.Extent, dtype: DType) -> dims.Extent:
    """A number, wrapped around if it is outside of the integer type. In 64-bit types it becomes a plain int: extents have no more bits."""
    if not dtype.is_integer:
        return number
    low, high = intervals.limits(dtype)
    if low <= number <= high:
        return number
    if dtype.size == 8:
        number = int(number)
    return (number - low) % (high - low + 1) + low


def _objects(node: Node) -> np.ndarray:
    """The numbers of a `size` node."""
    flat = np.empty(len(node.attrs["dims"]), object)
    flat[:] = node.attrs["dims"]
    return flat.reshape([int(d) for d in node.shape])


def _boxed(number: Any) -> np.ndarray:
    """A number as an object array: NumPy unpacks arrays of rank 0."""
    result = np.empty((), object)
    result[()] = number
    return result


# Kinds whose results can overflow the type, unlike those that only move numbers.
_COMPUTING = frozenset({"unary", "binary", "cast", "reduce", "scan", "scatter"})

# The arguments that are indices, which must be plain numbers: kind -> (first, last + 1).
_INDICES = {
    "scatter": (1, 2),
    "dynamic_update_slice": (2, 9),
}


def _evaluated(args: Sequence[Any], node: Node) -> Any:
    """The meaning of the kind, which holds for objects as well."""
    return PRIMITIVES[node.kind].evaluate(args, node)


def _elementwise(function: Any, args: list, shape: tuple) -> np.ndarray:
    result = np.empty(ints(shape), object)
    flat = [np.asarray(a, object).reshape(-1) for a in args]
    result.reshape(-1)[:] = [function(*values) for values in zip(*flat)] if result.size else []
    return result


def _truncated(a: int, b: int) -> int:
    if a >= 0 and b > 0:
        return a // b
    return -((-a) // b) if (a < 0) != (b < 0) else (-a) // (-b)


_BINARY = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "floordiv": lambda a, b: a // b if b else 0,
    "mod": lambda a, b: a % b if b else 0,
    "truncdiv": lambda a, b: _truncated(a, b) if b else 0,
    "truncmod": lambda a, b: a - _truncated(a, b) * b if b else 0,
    "maximum": dims.maximum,
    "minimum": dims.minimum,
    "and": functions.bit_and,
    "or": functions.bit_or,
    "xor": functions.bit_xor,
}
_SHIFTS = {
    "shift_left": functions.shift_left,
    "shift_right": functions.shift_right,
    "shift_right_logical": functions.shift_right_logical,
}
_UNARY = {
    "neg": operator.neg,
    "abs": functions.absolute,
    "sign": lambda a: dims.minimum(dims.maximum(a, -1), 1),
    "not": lambda a: not a,
}
_COMPARE = {name: getattr(operator, name) for name in ("eq", "ne", "lt", "le", "gt", "ge")}
_REDUCE = {
    "sum": lambda values: sum(values, 0),
    "prod": dims.product,
    "max": lambda values: _chosen(values, dims.maximum),
    "min": lambda values: _chosen(values, dims.minimum),
    "any": any,
    "all": all,
}


def _chosen(values: list, choose: Any) -> Any:
    result = values[0]
    for value in values[1:]:
        result = choose(result, value)
    return result


def _family(table: dict) -> Any:
    def compute(args: list, node: Node) -> Any:
        function = table.get(node.op)
        if function is None:
            return None
        if node.op == "not" and not node.dtype.is_bool:
            return _elementwise(_complement(node.dtype), args, node.shape)
        return _elementwise(function, args, node.shape)

    return compute


def _complement(dtype: DType) -> Any:
    return lambda a: functions.bit_not(a, 8 * dtype.size, dtype.is_unsigned)


def _binary(args: list, node: Node) -> Any:
    shift = _SHIFTS.get(node.op)
    if shift is None:
        return _family(_BINARY)(args, node)
    bits = 8 * node.dtype.size
    return _elementwise(lambda a, amount: shift(a, amount, bits), args, node.shape)


def _gather(args: list, node: Node) -> Any:
    """Rows at indices that may depend on unknown extents."""
    x, indices = args
    if not _has_unknown(indices):
        indices = indices.astype(np.int64)
        if node.attrs["mode"] == "error" and not _are_inside(indices, x.shape[node.attrs["axis"]]):
            return None  # its kernel raises the error
        return _evaluated([x, indices], node)
    if node.attrs["axis"] or node.attrs["batch_dims"]:
        return None
    return _rows(x, list(indices.flat), node.shape)


def _are_inside(indices: np.ndarray, extent: int) -> bool:
    return bool(((indices >= 0) & (indices < extent)).all())


def _slice(args: list, node: Node) -> Any:
    """A slice whose start may depend on unknown extents."""
    (x,), attrs = args, node.attrs
    if not _has_unknown([*attrs["starts"], *attrs["limits"]]):
        return _evaluated(args, node)
    return _part(x, attrs["starts"], attrs["strides"], node)


def _dynamic_slice(args: list, node: Node) -> Any:
    x, *starts = args
    starts = [start.reshape(-1)[0] for start in starts]
    if not _has_unknown(starts):
        return _evaluated([x, *[np.int64(n) for n in starts]], node)
    last = [n - taken for n, taken in zip(x.shape, node.shape, strict=True)]
    starts = [dims.minimum(dims.maximum(n, 0), m) for n, m in zip(starts, last, strict=True)]
    return _part(x, starts, [1] * x.ndim, node)


def _part(x: np.ndarray, starts: Any, strides: Any, node: Node) -> Any:
    """A slice of the first axis with an unknown start; None if another axis is sliced too."""
    if node.shape[1:] != x.shape[1:]:
        return None
    indices = [starts[0] + i * strides[0] for i in range(node.shape[0])]
    return _rows(x, indices, node.shape)


def _rows(x: np.ndarray, indices: list, shape: tuple) -> Any:
    """Rows of a table as expressions; None if `functions.entry` does not support the table, or an index is out of range."""
    columns = [list(column) for column in x.reshape(len(x), -1).T]
    are_inside = all([index >= 0 and index < len(x) for index in indices])
    if not are_inside or not all(map(functions.is_table, columns)):
        return None
    result = np.empty((len(indices), len(columns)), object)
    for i, index in enumerate(indices):
        result[i] = [functions.entry(column, index) for column in columns]
    return result.reshape(shape)


def _has_unknown(numbers: Any) -> bool:
    return any(isinstance(n, dims.Dim) for n in np.asarray(numbers, object).flat)


def _reduce(args: list, node: Node) -> Any:
    if args[0].ndim != 1:
        return None
    if not args[0].size and node.op in ("max", "min"):
        return None
    return _boxed(_REDUCE[node.op](list(args[0]))) if node.attrs["axes"] else args[0]


def _scan(args: list, node: Node) -> Any:
    """Running sums and products of a vector."""
    if args[0].ndim != 1 or node.op not in ("sum", "prod"):
        return None
    values = list(args[0])[::-1] if node.attrs["reverse"] else list(args[0])
    combine, total = (operator.add, 0) if node.op == "sum" else (operator.mul, 1)
    totals = []
    for value in values:
        before, total = total, combine(total, value)
        totals.append(before if node.attrs["exclusive"] else total)
    result = np.empty(len(totals), object)
    result[:] = totals[::-1] if node.attrs["reverse"] else totals
    return result


def _cast(args: list, node: Node) -> Any:
    if node.dtype.is_bool:
        return _elementwise(bool, args, node.shape)
    return args[0] if node.args[0].dtype.is_integer else _elementwise(int, args, node.shape)


_OBJECT_MEANINGS = {
    "unary": _family(_UNARY),
    "binary": _binary,
    "compare": _family(_COMPARE),
    "select": lambda args, node: _elementwise(lambda c, a, b: a if c else b, args, node.shape),
    "cast": _cast,
    "reduce": _reduce,
    "gather": _gather,
    "scan": _scan,
    "dynamic_slice": _dynamic_slice,
    "slice": _slice,
    **dict.fromkeys(
        "pad concat scatter dynamic_update_slice reshape transpose broadcast reverse".split(),
        _evaluated,
    ),
}
