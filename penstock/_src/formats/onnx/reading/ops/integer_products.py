"""Products of integers of 8 bits minus their zero points, as products of the integers themselves.

    (a - z) (b - y) = a b - z (sum of b's columns) - y (sum of a's rows) + k z y        over k terms, modulo 2**32

The compiler multiplies int8 without widening it, so weights are read a quarter as long; sums of constants are constants. Unsigned numbers
become signed ones, 128 lower, as their zero points do.
"""

from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.registry import raw
from penstock._src.formats.onnx.reading import tensors as t
from penstock._src.formats.onnx.reading.ops.contraction import product_of
from penstock._src.formats.onnx.reading.registry import Node, reads

_NARROW = (dtypes.int8, dtypes.uint8)


def integer_product(a: Any, a_zero: Any, b: Any, b_zero: Any) -> Any:
    """The product of two matrices, or stacks of them, minus their zero points.

    Args:
      a: integers `[..., m, k]`.
      a_zero: None, a scalar, or `[..., m, 1]`.
      b: integers `[..., k, n]`.
      b_zero: None, a scalar, or `[..., 1, n]`.

    Returns:
      Integers of 32 bits `[..., m, n]`.
    """
    is_narrow = a.dtype in _NARROW and b.dtype in _NARROW and min(t.rank(a), t.rank(b)) > 1
    if not is_narrow:
        return product_of(_centered(a, a_zero), _centered(b, b_zero))
    (a, z), (b, y) = _signed(a, a_zero), _signed(b, b_zero)
    wide_a, wide_b = t.cast(a, dtypes.int32), t.cast(b, dtypes.int32)
    total = product_of(wide_a, wide_b)
    if z is not None:
        total = raw.Sub(total, raw.Mul(z, _sum(b, -2)))
    if y is not None:
        total = raw.Sub(total, raw.Mul(y, _sum(a, -1)))
    if z is not None and y is not None:
        terms = t.cast(t.extent(a, t.rank(a) - 1), dtypes.int32)
        total = raw.AddV2(total, raw.Mul(terms, raw.Mul(z, y)))
    return total


@reads("MatMulInteger", settings=(2, 3))
def _matmul_integer(n: Node, a: Any, b: Any, a_zero: Any = None, b_zero: Any = None) -> Any:
    rows = t.rank(a) - 2 if t.rank(a) > 1 else None
    columns = t.rank(b) - 1
    return integer_product(a, aligned_zero(a_zero, a, rows), b, aligned_zero(b_zero, b, columns))


def shifted(x: Any, zero_point: Any, axis: int | None = None) -> Any:
    """x minus its zero point, as int32; a vector of zero points is one for each row along an axis."""
    return _centered(x, aligned_zero(zero_point, x, axis))


def aligned_zero(zero: Any, x: Any, axis: int | None = None) -> Any:
    """The zero point of x as int32: a scalar, or one for each row along an axis that broadcasts to x; None for none."""
    if zero is None:
        return None
    zero = t.cast(zero, dtypes.int32)
    if axis is not None and zero.shape.rank == 1 and zero.shape.num_elements() != 1:
        return t.aligned(zero, t.rank(x), axis)
    return raw.Reshape(zero, np.zeros(0, np.int32)) if zero.shape.rank == 1 else zero


def _centered(x: Any, zero: Any) -> Any:
    x = t.cast(x, dtypes.int32)
    return x if zero is None else raw.Sub(x, t.cast(zero, dtypes.int32))


def _signed(x: Any, zero: Any) -> tuple[Any, Any]:
    """The numbers as int8, and their zero point as int32: None if it is 0."""
    zero = None if zero is None else t.cast(zero, dtypes.int32)
    if x.dtype == dtypes.uint8:
        x = _lowered(x)
        lower = np.int32(-128)
        zero = t.constant(lower, dtypes.int32) if zero is None else raw.AddV2(zero, lower)
    known = None if zero is None else t.known(zero)
    return x, None if known is not None and not known.any() else zero


def _lowered(x: Any) -> Any:
    """Numbers of uint8 less 128, as int8."""
    known = t.known(x)
    if known is not None:
        return t.constant((known ^ np.uint8(128)).view(np.int8), dtypes.int8)
    return raw.Bitcast(raw.BitwiseXor(x, t.like(128, x)), type=dtypes.int8)


def _sum(x: Any, axis: int) -> Any:
    """The sums along an axis, which stays."""
    known = t.known(x)
    if known is not None:
        return t.constant(known.sum(axis, dtype=np.int32, keepdims=True), dtypes.int32)
    wide = t.cast(x, dtypes.int32)
    return raw.Sum(wide, np.array([t.rank(x) + axis], np.int32), keep_dims=True)
