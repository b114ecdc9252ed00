"""Elementwise kinds: all arguments have one shape. `unary`, `binary` and `compare` are families, whose `op` is one of the names here."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.ir.extents import dims
from penstock._src.ir.meaning import intervals, recurrences, scalars
from penstock._src.ir.meaning.intervals import Range, finite, fitting
from penstock._src.ir.meaning.rows import RowFlow, Rows
from penstock._src.ir.node import Node
from penstock._src.ir.primitives.base import (
    PRIMITIVES,
    Args,
    Arrays,
    Attrs,
    Bounds,
    Primitive,
    Result,
    widened,
)

UNARY = frozenset(
    "neg abs sign exp expm1 log log1p sqrt rsqrt cbrt sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh"
    " sigmoid erf erfc lgamma floor ceil round not is_finite is_nan is_inf reciprocal square popcount real imag"
    " conj".split()
)
BINARY = frozenset(
    "add sub mul div floordiv mod truncdiv truncmod pow maximum minimum atan2 and or xor shift_left shift_right"
    " shift_right_logical complex".split()
)
COMPARE = frozenset("eq ne lt le gt ge".split())
COMMUTATIVE = frozenset("add mul maximum minimum and or xor".split())
PREDICATES = frozenset({"is_finite", "is_nan", "is_inf"})


class _Counted(Primitive):
    """An elementwise kind of one operation an element."""

    is_elementwise = True

    def flops(self, node: Node) -> int:
        return int(node.size)


class Unary(_Counted):
    """op(x), element by element."""

    form = "unary(x; op)"
    ops = UNARY

    def infer(self, args: Args, attrs: Attrs) -> Result:
        (x,), op = args, attrs["op"]
        if op in PREDICATES:
            return x.shape, dtypes.bool_
        if op in ("abs", "real", "imag") and x.dtype.is_complex:
            return x.shape, x.dtype.real_dtype
        return x.shape, x.dtype

    def evaluate(self, args: Arrays, node: Node) -> np.ndarray:
        return widened(scalars.UNARY[node.op], args, node)

    def value_range(self, bounds: Bounds, node: Node) -> Range | None:
        ends = bounds(node.args[0])
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
        return fitting(node.dtype, ends) if node.dtype.is_integer else ends


class Binary(_Counted):
    """op(x, y), element by element."""

    form = "binary(x, y; op)"
    ops = BINARY

    def infer(self, args: Args, attrs: Attrs) -> Result:
        x, y = args
        self.require(x.dtype == y.dtype, f"the dtypes of {attrs['op']} must be equal", args)
        shape = self.same_shape(args)
        if attrs["op"] == "complex":
            return shape, dtypes.complex64 if x.dtype == dtypes.float32 else dtypes.complex128
        return shape, x.dtype

    def evaluate(self, args: Arrays, node: Node) -> np.ndarray:
        return widened(scalars.BINARY[node.op], args, node)

    def value_range(self, bounds: Bounds, node: Node) -> Range | None:
        x, y = (bounds(arg) for arg in node.args)
        if x is None or y is None:
            return None
        if node.op in _CORNERS:
            if node.dtype.is_floating:
                return _floating(node, x, y)
            if not node.dtype.is_integer:
                return None
            ends = [_CORNERS[node.op](a, b) for a in x for b in y]
            low, high = functools.reduce(dims.minimum, ends), functools.reduce(dims.maximum, ends)
            return fitting(node.dtype, (low, high))
        rule = intervals.INTEGER_RULES.get(node.op)
        return None if rule is None or not node.dtype.is_integer else rule(x, y)


# Operations that are monotone in each argument: their ends are at the corners.
_CORNERS: dict[str, Callable[[Any, Any], Any]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "maximum": dims.maximum,
    "minimum": dims.minimum,
}


def _floating(node: Node, x: Range, y: Range) -> Range | None:
    if any(map(dims.is_symbolic, (*x, *y))):
        return None  # floats are not extents, and a plain number would make a program for it alone
    number = node.dtype.np.type
    with np.errstate(all="ignore"):
        ends = [_CORNERS[node.op](number(a), number(b)) for a in x for b in y]
        low, high = min(ends), max(ends)
        if node.op in ("add", "sub") and (0, 0) not in (x, y):
            # Kernels may use a fused multiply-add, which does not round the product: the sum may differ by one place.
            low, high = np.nextafter(low, number(-np.inf)), np.nextafter(high, number(np.inf))
    return finite(low, high)


class Compare(_Counted):
    """A bool: x op y."""

    form = "compare(x, y; op)"
    ops = COMPARE

    def infer(self, args: Args, attrs: Attrs) -> Result:
        self.require(args[0].dtype == args[1].dtype, "the dtypes must be equal", args)
        return self.same_shape(args), dtypes.bool_

    def evaluate(self, args: Arrays, node: Node) -> np.ndarray:
        return scalars.COMPARE[node.op](*args)

    def value_range(self, bounds: Bounds, node: Node) -> Range:
        return 0, 1


class Select(_Counted):
    """a where the condition holds, else b."""

    form = "select(condition, a, b)"

    def infer(self, args: Args, attrs: Attrs) -> Result:
        condition, a, b = args
        self.require(condition.dtype == dtypes.bool_, "the condition must be bool", args)
        self.require(a.dtype == b.dtype, "the dtypes must be equal", args)
        return self.same_shape((a, b, condition)), a.dtype

    def evaluate(self, args: Arrays, node: Node) -> np.ndarray:
        return np.asarray(np.where(args[0], args[1], args[2]))

    def value_range(self, bounds: Bounds, node: Node) -> Range | None:
        return intervals.union(bounds(arg) for arg in node.args[1:] if arg.size)


class Cast(Primitive):
    """The value in another dtype: floats to integers truncate, complex to real drops the imaginary part (convert)."""

    form = "cast(x; dtype)"
    is_elementwise = True

    def infer(self, args: Args, attrs: Attrs) -> Result:
        return args[0].shape, attrs["dtype"]

    def evaluate(self, args: Arrays, node: Node) -> np.ndarray:
        (x,) = args
        if node.dtype == dtypes.bool_:
            return x != np.zeros((), x.dtype)
        if x.dtype.kind == "c" and not node.dtype.is_complex:
            x = x.real
        with np.errstate(all="ignore"):
            x = scalars.widened(x)
            if node.dtype == dtypes.float16 and x.dtype == np.float64:
                x = x.astype(np.float32)  # rounded twice, as generated code does
            if node.dtype == dtypes.uint64 and x.dtype.kind not in "iub":
                return scalars.to_uint64(x)
            return np.asarray(x).astype(node.dtype.np)

    def value_range(self, bounds: Bounds, node: Node) -> Range | None:
        ends = bounds(node.args[0])
        if ends is None or node.dtype.is_complex:
            return None
        if node.dtype.is_bool:  # not monotone: 0 is between -1 and 1
            return int(ends[0] > 0 or ends[1] < 0), int(ends != (0, 0))
        if not node.dtype.is_integer:
            source = node.args[0].dtype.np
            plain = [int(end) if dims.is_symbolic(end) else end for end in ends]
            low, high = (self.evaluate([np.array(end, source)], node) for end in plain)
            return finite(low, high)
        low, high = (end if dims.is_symbolic(end) else int(end) for end in ends)
        return fitting(node.dtype, (low, high))


class Iterate(Primitive):
    """Carried values, stepped element by element by the recurrence as long as it says; the one of the index.

    (meaning/recurrences.py; in StableHLO a while and selects)
    """

    form = "iterate(x, ...; recurrence, index)"
    is_elementwise = True

    def infer(self, args: Args, attrs: Attrs) -> Result:
        recurrence, index = attrs["recurrence"], attrs["index"]
        types = tuple([a.dtype for a in args])
        self.require(types == recurrence.types, "the recurrence takes other dtypes", args)
        return self.same_shape(args), recurrence.dtype_of(index)

    def evaluate(self, args: Arrays, node: Node) -> np.ndarray:
        results = recurrences.results(node.attrs["recurrence"], args, _evaluate)
        return np.asarray(results[node.attrs["index"]])

    def flops(self, node: Node) -> int:
        return int(node.size) * int(node.attrs["recurrence"].operations())


def _evaluate(kind: str, args: Arrays, node: Any) -> Any:
    """The value of an instruction of a recurrence."""
    return PRIMITIVES[kind].evaluate(args, node)


class Bitcast(Primitive):
    """The same bits as another dtype; a narrower one adds a last axis, a wider one takes it (bitcast_convert)."""

    form = "bitcast(x; dtype)"

    def rows(self, flow: RowFlow, node: Node) -> Rows | None:
        (x,) = node.args
        return flow.along(flow.of(x), () if x.rank == node.rank else (x.rank - 1,))

    def infer(self, args: Args, attrs: Attrs) -> Result:
        (x,), dtype = args, attrs["dtype"]
        if dtype.size == x.dtype.size:
            return x.shape, dtype
        if dtype.size < x.dtype.size:
            return (*x.shape, x.dtype.size // dtype.size), dtype
        fits = bool(x.shape) and x.shape[-1] * x.dtype.size == dtype.size
        self.require(fits, f"the last axis must have the bytes of one {dtype.name}", args)
        return x.shape[:-1], dtype

    def evaluate(self, args: Arrays, node: Node) -> np.ndarray:
        (x,), target = args, node.dtype.np
        x = np.asarray(x, order="C")
        if target.itemsize == x.dtype.itemsize:
            return x.view(target)
        if target.itemsize < x.dtype.itemsize:
            return x.reshape(*x.shape, 1).view(target)
        return x.view(target).reshape(x.shape[:-1])

    def value_range(self, bounds: Bounds, node: Node) -> Range | None:
        (x,) = node.args
        if not (node.dtype.is_integer and x.dtype.is_integer and x.dtype.size == node.dtype.size):
            return None
        ends = bounds(x)
        return None if ends is None or ends[0] < 0 else fitting(node.dtype, ends)
