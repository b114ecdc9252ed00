"""Promotion by a lattice of dtypes, in which Python numbers are weak: they take the other operand's dtype.

bool < unsigned < signed < float < complex; within a kind the wider wins; unsigned and signed join in the next wider signed
dtype, which above 64 bits is float64. "Safe" rejects lossy joins.
"""

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.tensor import Tensor
from penstock._src.util import nest

_SIGNED = {8: dtypes.int8, 16: dtypes.int16, 32: dtypes.int32, 64: dtypes.int64}
# The number of integer bits that each float dtype represents exactly.
_DIGITS = {
    dtypes.bfloat16: 8,
    dtypes.float16: 11,
    dtypes.float32: 24,
    dtypes.float64: 53,
    dtypes.complex64: 24,
    dtypes.complex128: 53,
}


def _level(dtype):
    if dtype.is_bool:
        return 0
    if dtype.is_integer:
        return 1 if dtype.is_unsigned else 2
    return 4 if dtype.is_complex else 3


def join(a, b):
    """The join of two dtypes."""
    if a is b:
        return a
    low, high = sorted((a, b), key=lambda d: (_level(d), d.size))
    first, second = _level(low), _level(high)
    if first == 0:
        return high
    if first == second:
        if first == 3 and {a, b} == {dtypes.bfloat16, dtypes.float16}:
            return dtypes.float32
        return high
    if second == 2:
        bits = 8 * max(2 * low.size, high.size)
        return _SIGNED.get(bits, dtypes.float64)
    if second == 4 and low is dtypes.float64:
        return dtypes.complex128
    return high


def _loses(source, target):
    """Whether a conversion from `source` to `target` may be lossy."""
    if source is target or source.is_bool:
        return False
    if source.is_integer and not target.is_integer:
        return 8 * source.size - (0 if source.is_unsigned else 1) > _DIGITS[target]
    return False


def _refuse(a, b, weak=False):
    raise TypeError(
        "In promotion mode PromoMode.SAFE, implicit dtype promotion between (<dtype: "
        f"'{a.name}'>, weak=False) and (<dtype: '{b.name}'>, weak={weak}) is disallowed. You need "
        "to explicitly specify the dtype in your op, or relax your dtype promotion rules (such as "
        "from SAFE mode to ALL mode)."
    )


def _check_safe(a, b, result):
    widened = result not in (a, b)
    if widened or _loses(a, result) or _loses(b, result):
        _refuse(a, b)


def _check_weak(dtype, value):
    """Refuses a Python number beside a dtype that would be widened for it."""
    if isinstance(value, float) and dtype.is_integer:
        _refuse(dtype, dtypes.float32, weak=True)
    narrow = dtype.is_floating and dtype is not dtypes.float64
    if isinstance(value, complex) and (narrow or _loses(dtype, dtypes.complex128)):
        _refuse(dtype, dtypes.complex128, weak=True)


def _weak(value, dtype):
    """The dtype that a Python number takes next to `dtype`."""
    if isinstance(value, bool):
        return dtypes.bool_ if dtype is None else dtype
    if isinstance(value, int):
        return dtypes.int32 if dtype is None or dtype.is_bool else dtype
    floating = dtype is not None and (dtype.is_floating or dtype.is_complex)
    if isinstance(value, float):
        if dtype is not None and dtype.is_integer:
            return dtypes.float64
        return dtype if floating else dtypes.float32
    if dtype is not None and dtype in (dtypes.float64, dtypes.complex128):
        return dtypes.complex128
    return dtypes.complex64 if floating else dtypes.complex128


def join_all(values, safe):
    """The join of arrays, dtypes and Python numbers."""
    strong, weak = None, []
    for value in values:
        if isinstance(value, (bool, int, float, complex)) and not isinstance(value, np.generic):
            weak.append(value)
            continue
        dtype = _dtype(value)
        if strong is None:
            strong = dtype
            continue
        joined = join(strong, dtype)
        if safe:
            _check_safe(strong, dtype, joined)
        strong = joined
    # A tensor does not know that it was made of Python numbers: those of their dtype are taken as such.
    if strong is dtypes.int32 and any(isinstance(value, Tensor) for value in values):
        strong, weak = None, [*weak, 0]
    arrays = strong
    for value in sorted(weak, key=lambda v: (isinstance(v, complex), isinstance(v, float))):
        if safe and arrays is not None:
            _check_weak(arrays, value)
        strong = _weak(value, None if arrays is None else strong)
    return strong


def _dtype(value):
    if isinstance(value, (list, tuple)):
        return join_all(nest.flatten(list(value)) or [0.0], safe=False)
    if isinstance(value, (dtypes.DType, type, np.dtype)):
        return dtypes.as_dtype(value)
    return dtypes.as_dtype(getattr(value, "dtype", None) or np.asarray(value).dtype)
