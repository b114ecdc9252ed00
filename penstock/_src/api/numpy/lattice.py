"""Promotion by a lattice of dtypes, in which Python numbers are weak: they take the other operand's dtype.

bool < unsigned < signed < float < complex; within a kind the wider wins; unsigned and signed join in the next wider signed
dtype, which above 64 bits is weak float64. "Safe" rejects joins that may lose digits, or that neither operand has.
"""

import functools
from typing import Any

import numpy as np

from penstock._src.api.extending.weak_tensor import WeakTensor
from penstock._src.core import dtypes
from penstock._src.core.composite import CompositeTensor, IndexedSlices
from penstock._src.core.dtypes import DType
from penstock._src.core.shapes import TensorShape
from penstock._src.core.typesets import BOOL, NARROW, NUMERIC
from penstock._src.util import nest

Kind = tuple[DType, bool]
"""A dtype, and whether it is weak."""

STRONG = NUMERIC | BOOL
WEAK = (dtypes.int32, dtypes.int64, dtypes.float32, dtypes.float64, dtypes.complex128)
# Dtypes of Python's types.
_PYTHON = {int: dtypes.int32, float: dtypes.float32, complex: dtypes.complex128}

_SIGNED = {8: dtypes.int8, 16: dtypes.int16, 32: dtypes.int32, 64: dtypes.int64}


def _level(dtype: DType) -> int:
    if dtype.is_bool:
        return 0
    if dtype.is_integer:
        return 1 if dtype.is_unsigned else 2
    return 4 if dtype.is_complex else 3


def _loses(source: DType, target: DType) -> bool:
    """True if a conversion from `source` to `target` may lose information."""
    if source is target or source.is_bool:
        return False
    if source.is_integer and not target.is_integer:
        # The bits of a float's integers are those of its mantissa and the leading one.
        return (
            8 * source.size - (0 if source.is_unsigned else 1)
            > dtypes.float_format(target.np).mantissa + 1
        )
    return False


def _join_strong(a: DType, b: DType) -> tuple[Kind, bool]:
    """The join of two dtypes, and whether it is safe."""
    if a is b:
        return (a, False), True
    low, high = sorted((a, b), key=lambda d: (_level(d), d.size))
    first, second = _level(low), _level(high)
    joined, weak = high, False
    if first == second == 3 and {a, b} == NARROW:
        joined = dtypes.float32
    elif first == 1 and second == 2:
        bits = 8 * max(2 * low.size, high.size)
        weak = bits > 64
        joined = dtypes.float64 if weak else _SIGNED[bits]
    elif second == 4 and low is dtypes.float64:
        joined = dtypes.complex128
    return (joined, weak), joined in (a, b) and not _loses(a, joined) and not _loses(b, joined)


def _join_with_weak(dtype: DType, weak: DType) -> tuple[Kind, bool]:
    """The join of a dtype and a weak one, and whether it is safe."""
    if dtype.is_bool:
        return (weak, True), True
    if dtype.is_integer and not weak.is_integer:
        joined = dtypes.float64 if weak.is_floating else weak
        return (joined, True), weak is not dtypes.float32 and not _loses(dtype, joined)
    if dtype.is_floating and weak.is_complex:
        wide = dtype is dtypes.float64
        return (dtypes.complex128 if wide else dtypes.complex64, False), wide
    return (dtype, False), True


@functools.cache
def join(a: Kind, b: Kind) -> tuple[Kind, bool]:
    """The join of two kinds, and whether it is safe.

    Raises:
      NotImplementedError: there is none, as for strings.
    """
    known = all(dtype in (WEAK if weak else STRONG) for dtype, weak in (a, b))
    if not known:
        if a == b:
            return a, True
        raise NotImplementedError(
            f"Implicit conversion between {a[0]} and {b[0]} is not allowed. Convert the input explicitly."
        )
    if a[1] and b[1]:
        return max(a, b, key=lambda kind: WEAK.index(kind[0])), True
    if a[1] or b[1]:
        (weak, _), (dtype, _) = (a, b) if a[1] else (b, a)
        return _join_with_weak(dtype, weak)
    return _join_strong(a[0], b[0])


def kind_of(x: Any) -> Kind:
    """The kind of a tensor, array, Python number, string or dtype.

    Raises:
      OverflowError: an int that int32 does not hold.
      NotImplementedError: a value of another type.
    """
    if isinstance(x, WeakTensor):
        return x.dtype, True
    if isinstance(x, DType):
        return x.base_dtype, False
    own_dtype = getattr(x, "dtype", None)
    if isinstance(own_dtype, DType):
        return own_dtype.base_dtype, False
    if isinstance(own_dtype, np.dtype):
        return _of_numpy(own_dtype), False
    if isinstance(x, (bytes, str)):
        return dtypes.string, False
    if isinstance(x, bool) or x is bool:
        return dtypes.bool_, False
    if isinstance(x, int) and not -(2**31) <= x < 2**31:
        raise OverflowError(f"Python int {x} too large to convert to np.int32")
    python = x if isinstance(x, type) else type(x)
    if python in _PYTHON:
        return _PYTHON[python], True
    if isinstance(x, TensorShape):
        return dtypes.int32, False
    if isinstance(x, np.dtype) or (isinstance(x, type) and issubclass(x, np.generic)):
        return _of_numpy(np.dtype(x)), False
    for base, dtype in _PYTHON.items():
        if isinstance(x, base):
            return dtype, True
    raise NotImplementedError(f"Values of {type(x)} have no dtype in the promotion lattice.")


def _of_numpy(dtype: np.dtype) -> DType:
    if dtype.kind in "OSU":
        return dtypes.string
    try:
        return dtypes.as_dtype(dtype)
    except TypeError as error:
        raise NotImplementedError(f"{dtype} is not in the promotion lattice.") from error


def result_kind(values: Any, safe: bool) -> Kind:
    """The join of tensors, arrays, Python numbers and dtypes, which may be nested; those that are None are left out.

    Args:
      values: a sequence.
      safe: whether to refuse what is not safe.

    Raises:
      TypeError: it is refused.
      NotImplementedError: there is no join, or not of such values.
    """
    values = [value for value in values if value is not None]
    for value in values:
        if isinstance(value, CompositeTensor) and not isinstance(
            value, (WeakTensor, IndexedSlices)
        ):
            raise NotImplementedError(
                f"Values of {type(value)} have no dtype in the promotion lattice."
            )
    kinds = [kind_of(x) for x in nest.flatten(values)] or [(dtypes.float32, True)]
    joined = kinds[0]
    for kind in kinds[1:]:
        previous, (joined, is_safe) = joined, join(joined, kind)
        if safe and not is_safe:
            raise TypeError(
                f"In promotion mode PromoMode.SAFE, implicit dtype promotion between ({previous[0]}, "
                f"weak={previous[1]}) and ({kind[0]}, weak={kind[1]}) is disallowed. You need to "
                "explicitly specify the dtype in your op, or relax your dtype promotion rules (such as "
                "from SAFE mode to ALL mode)."
            )
    return joined
