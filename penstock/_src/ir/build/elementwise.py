"""Elementwise functions, with NumPy's broadcasting of their arguments."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.dtypes import DType
from penstock._src.ir.build.movement import Movement
from penstock._src.ir.errors import NotLowerable
from penstock._src.ir.extents import dims
from penstock._src.ir.node import Node, Shape


def _unary(op: str, meaning: str) -> Callable[[Any, Node], Node]:
    def apply(self: Any, x: Node) -> Node:
        return self.make("unary", (x,), op=op)

    apply.__name__, apply.__doc__ = op, f"{meaning}, element by element."
    return apply


def _binary(op: str, meaning: str, kind: str = "binary") -> Callable[[Any, Any, Any], Node]:
    def apply(self: Any, x: Any, y: Any) -> Node:
        return self.make(kind, self.broadcast_together(x, y), op=op)

    apply.__name__, apply.__doc__ = op, f"{meaning}, element by element."
    return apply


def _compare(op: str, meaning: str) -> Callable[[Any, Any, Any], Node]:
    return _binary(op, f"Whether {meaning}", "compare")


class Elementwise(Movement):
    """Scalar functions over whole arrays. Python numbers are accepted where a Node is."""

    def div(self, x: Any, y: Any) -> Node:
        """x / y, of floats, element by element."""
        args = self.broadcast_together(x, y)
        if args[0].dtype.is_integer or args[0].dtype.is_bool:
            raise NotLowerable("integers have no division of this kind: use truncdiv or floordiv")
        return self.make("binary", args, op="div")

    neg = _unary("neg", "-x")
    abs = _unary("abs", "|x|")
    sign = _unary("sign", "-1, 0 or 1")
    exp = _unary("exp", "e ** x")
    expm1 = _unary("expm1", "e ** x - 1")
    log = _unary("log", "The natural logarithm")
    log1p = _unary("log1p", "log(1 + x)")
    sqrt = _unary("sqrt", "The square root")
    rsqrt = _unary("rsqrt", "1 / sqrt(x)")
    cbrt = _unary("cbrt", "The cube root")
    sin = _unary("sin", "The sine")
    cos = _unary("cos", "The cosine")
    tan = _unary("tan", "The tangent")
    asin = _unary("asin", "The inverse sine")
    acos = _unary("acos", "The inverse cosine")
    atan = _unary("atan", "The inverse tangent")
    sinh = _unary("sinh", "The hyperbolic sine")
    cosh = _unary("cosh", "The hyperbolic cosine")
    tanh = _unary("tanh", "The hyperbolic tangent")
    asinh = _unary("asinh", "The inverse hyperbolic sine")
    acosh = _unary("acosh", "The inverse hyperbolic cosine")
    atanh = _unary("atanh", "The inverse hyperbolic tangent")
    sigmoid = _unary("sigmoid", "1 / (1 + e ** -x)")
    logistic = sigmoid
    erf = _unary("erf", "The error function")
    erfc = _unary("erfc", "1 - erf(x)")
    lgamma = _unary("lgamma", "log |gamma(x)|")
    floor = _unary("floor", "The largest integer below")
    ceil = _unary("ceil", "The smallest integer above")
    round = _unary("round", "The nearest integer, halves to even")
    rint = round
    not_ = _unary("not", "The complement: logical of bools, bitwise of integers")
    is_finite = _unary("is_finite", "Whether x is neither infinite nor NaN")
    is_nan = _unary("is_nan", "Whether x is NaN")
    is_inf = _unary("is_inf", "Whether x is infinite")
    reciprocal = _unary("reciprocal", "1 / x")
    square = _unary("square", "x * x")
    popcount = _unary("popcount", "The number of bits set")
    real = _unary("real", "The real part")
    imag = _unary("imag", "The imaginary part")
    conj = _unary("conj", "The complex conjugate")

    add = _binary("add", "x + y")
    sub = _binary("sub", "x - y")
    mul = _binary("mul", "x * y")
    floordiv = _binary("floordiv", "x / y rounded down")
    mod = _binary("mod", "x - floordiv(x, y) * y")
    truncdiv = _binary("truncdiv", "x / y rounded towards 0")
    truncmod = _binary("truncmod", "x - truncdiv(x, y) * y")
    pow = _binary("pow", "x ** y")
    maximum = _binary("maximum", "The larger")
    minimum = _binary("minimum", "The smaller")
    atan2 = _binary("atan2", "The angle of the point (y, x)")
    and_ = _binary("and", "x & y, logical of bools")
    or_ = _binary("or", "x | y, logical of bools")
    xor = _binary("xor", "x ^ y, logical of bools")
    shift_left = _binary("shift_left", "x << y")
    shift_right = _binary("shift_right", "x >> y, keeping the sign")
    shift_right_logical = _binary("shift_right_logical", "x >> y, shifting zeros in")
    complex = _binary("complex", "x + i y")

    eq = _compare("eq", "x == y")
    ne = _compare("ne", "x != y")
    lt = _compare("lt", "x < y")
    le = _compare("le", "x <= y")
    gt = _compare("gt", "x > y")
    ge = _compare("ge", "x >= y")

    def select(self, condition: Any, a: Any, b: Any) -> Node:
        """a where the condition holds, else b."""
        a, b = self.lifted(a, b)
        if not isinstance(condition, Node):
            condition = self.constant(condition, dtypes.bool_)
        shape = self.broadcast_shape(condition.shape, a.shape, b.shape)
        return self.make("select", [self.broadcast_to(x, shape) for x in (condition, a, b)])

    def clip(self, x: Node, low: Any, high: Any) -> Node:
        """x moved into [low, high]."""
        return self.minimum(self.maximum(x, low), high)

    def cast(self, x: Any, dtype: DType) -> Node:
        """The value in another dtype."""
        if not isinstance(x, Node):
            return self.scalar(x, dtype)
        return x if x.dtype == dtype else self.make("cast", (x,), dtype=dtype)

    def saturated_cast(self, x: Node, dtype: DType) -> Node:
        """Floats as integers as XLA converts them: out of range the nearest integer of the dtype, and 0 for NaN."""
        if x.dtype.size < 4:
            x = self.cast(x, dtypes.float32)
        limits = np.iinfo(dtype.np)
        low, high = float(limits.min), float(limits.max) + 1.0  # powers of two: exact in floats
        is_inside = self.and_(self.ge(x, low), self.lt(x, high))
        fitting = self.cast(self.select(is_inside, x, 0.0), dtype)
        largest, smallest = (self.constant(n, dtype) for n in (limits.max, limits.min))
        outside = self.select(
            self.ge(x, high), largest, self.select(self.lt(x, low), smallest, fitting)
        )
        return self.select(is_inside, fitting, outside)

    def bitcast(self, x: Node, dtype: DType) -> Node:
        """The same bits as another dtype."""
        return x if x.dtype == dtype else self.make("bitcast", (x,), dtype=dtype)

    def lifted(self, *values: Any) -> list[Node]:
        """The values as Nodes; Python numbers take the dtype of the first Node among them."""
        dtype = next((v.dtype for v in values if isinstance(v, Node)), None)
        if dtype is None:
            return [self.constant(v) for v in values]
        return [v if isinstance(v, Node) else self.scalar(v, dtype) for v in values]

    def broadcast_together(self, *values: Any) -> list[Node]:
        """The values as Nodes of one shape and one dtype."""
        nodes = self.lifted(*values)
        if all(dims.shape_key(n.shape) == dims.shape_key(nodes[0].shape) for n in nodes):
            return nodes
        shape = self.broadcast_shape(*[n.shape for n in nodes])
        return [self.broadcast_to(n, shape) for n in nodes]

    @staticmethod
    def broadcast_shape(*shapes: Sequence[int]) -> Shape:
        """The shape that shapes broadcast to by NumPy's rule, Dims preferred to equal ints."""
        rank = max(len(s) for s in shapes)
        result = []
        for axis in range(rank):
            extent = 1
            for shape in shapes:
                at = axis - rank + len(shape)
                if at < 0 or dims.is_one(shape[at]) or dims.same(shape[at], extent):
                    continue
                if dims.is_one(extent):
                    extent = shape[at]
                    continue
                if extent == shape[at]:  # before unknown extents are compared to 1
                    extent = dims.merge(extent, shape[at])
                elif extent == 1:
                    extent = shape[at]
                elif shape[at] != 1:
                    raise NotLowerable(f"shapes {[list(s) for s in shapes]} do not broadcast")
            result.append(extent)
        return tuple(result)
