"""Basic indexing of eager tensors without an op: by NumPy and, after many calls, by native code."""

from collections.abc import Callable
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.dispatch import STATE
from penstock._src.eager.execute import FrequentCalls, surroundings
from penstock._src.eager.tensor import EagerTensor

_WIDE = 1 << 63


def is_basic(spec: Any) -> bool:
    """True if an index consists only of Python ints of 64 bits, slices of them, `...` and None."""
    kind = type(spec)
    if kind is tuple:
        return all(map(is_basic, spec)) and tuple not in map(type, spec)
    if kind is slice:
        return _is_bound(spec.start) and _is_bound(spec.stop) and _is_bound(spec.step)
    return spec is Ellipsis or _is_bound(spec)


def _is_bound(value: Any) -> bool:
    """True for None and ints of 64 bits: NumPy slices by larger ones, too, which no op can have."""
    return value is None or (type(value) is int and -_WIDE <= value < _WIDE)


def with_numbers(spec: Any) -> Any:
    """Returns an index with Python ints in place of integer scalars of NumPy and eager tensors, or `spec` itself if others stand in it."""
    kind = type(spec)
    if kind is tuple:
        return tuple(map(_with_numbers, spec))
    return _with_numbers(spec)


def _with_numbers(entry: Any) -> Any:
    kind = type(entry)
    if kind is slice:
        return slice(*map(_number, (entry.start, entry.stop, entry.step)))
    return _number(entry)


def _number(value: Any) -> Any:
    kind = type(value)
    if kind is EagerTensor:
        array = value._value
        if (value._dtype is dtypes.int32 or value._dtype is dtypes.int64) and array.ndim == 0:
            return int(array)
    return int(value) if kind is np.int64 or kind is np.int32 else value


def eager_item(tensor: EagerTensor, spec: Any) -> EagerTensor | None:
    """Returns the slice of a basic index that no tape records; None if an op is needed to record it or to raise an error."""
    if STATE.tapes or STATE.accumulators or STATE.graph is not None or tensor._dtype.np.kind == "O":
        return None
    value = tensor._value
    try:
        item = EagerTensor(np.asarray(value[spec], value.dtype, order="C"), tensor._dtype)
    except (IndexError, ValueError):
        return None
    ITEMS.count()
    return item


class _Items(FrequentCalls):
    """Slices that native code makes after many that NumPy has made; `quick` gives None for what it does not serve."""

    __slots__ = ("quick",)

    def __init__(self) -> None:
        super().__init__()
        self.quick: Callable[[Any, Any], Any] = _not_served

    def _load(self) -> None:
        # Only for programs that make many eager calls: it loads what writes native code.
        from penstock._src.native.process.eager_calls.item_calls import item_call

        self.quick = item_call(surroundings(), _PLAIN)


def _not_served(_tensor: Any, _spec: Any) -> Any:
    return None


# The dtypes of arrays that hold numbers, the frequent ones first: each call looks for its own.
_PLAIN = [
    dtype.np
    for dtype in (
        dtypes.float32, dtypes.int32, dtypes.int64, dtypes.float64, dtypes.bool_, dtypes.uint8, dtypes.float16,
        dtypes.bfloat16,
    )
]  # fmt: skip
ITEMS = _Items()
