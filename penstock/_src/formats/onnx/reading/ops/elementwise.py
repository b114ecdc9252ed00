"""Operators on each element: arithmetic, comparisons, logic, bits."""

from collections.abc import Callable
from functools import reduce
from typing import Any

import ml_dtypes
import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.errors import InvalidArgumentError, UnimplementedError
from penstock._src.core.registry import raw
from penstock._src.formats.onnx.element_types import ELEMENT_TYPES, element_type
from penstock._src.formats.onnx.reading import tensors as t
from penstock._src.formats.onnx.reading.registry import Node, add_reader, reads
from penstock._src.formats.onnx.reading.rows import broadcast_of_old

_NARROW_FLOATS = {dtypes.TYPES[name] for name in dtypes.TYPES if name.startswith("float8")}


@reads("Abs")
def _abs(n: Node, x: Any) -> Any:
    return x if x.dtype.is_unsigned else raw.Abs(x)


@reads("Sign")
def _sign(n: Node, x: Any) -> Any:
    if x.dtype.is_unsigned:
        return t.cast(raw.NotEqual(x, t.like(0, x)), x.dtype)
    if x.dtype.is_integer and x.dtype.size < 4:
        return t.cast(raw.Sign(t.cast(x, dtypes.int32)), x.dtype)
    return raw.Sign(x)


@reads("Div")
def _div(n: Node, a: Any, b: Any) -> Any:
    a, b = broadcast_of_old(n, a, b)
    return raw.TruncateDiv(a, b) if a.dtype.is_integer else raw.RealDiv(a, b)


@reads("Mod")
def _mod(n: Node, a: Any, b: Any) -> Any:
    dtype = a.dtype
    if dtype.is_integer and dtype.size < 4:
        a, b = t.cast(a, dtypes.int32), t.cast(b, dtypes.int32)
    if not n.flag("fmod"):
        return t.cast(raw.FloorMod(a, b), dtype)
    if dtype.is_unsigned:
        return t.cast(raw.FloorMod(a, b), dtype)
    if dtype.is_integer:
        return t.cast(raw.TruncateMod(a, b), dtype)
    # The remainder has the sign of a, and a itself is left where b is infinite.
    return t.cast(raw.TruncateMod(t.wide(a), t.wide(b)), dtype)


@reads("Pow")
def _pow(n: Node, a: Any, b: Any) -> Any:
    a, b = broadcast_of_old(n, a, b)
    dtype = a.dtype
    if dtype is b.dtype and (dtype.is_floating or dtype in (dtypes.int32, dtypes.int64)):
        return raw.Pow(a, b)
    if dtype.is_floating:
        return raw.Pow(a, t.cast(b, dtype))
    if b.dtype.is_integer:
        return t.cast(raw.Pow(t.cast(a, dtypes.int64), t.cast(b, dtypes.int64)), dtype)
    return t.cast(raw.Pow(t.cast(a, dtypes.float64), t.cast(b, dtypes.float64)), dtype)


@reads("BitShift")
def _bit_shift(n: Node, a: Any, b: Any) -> Any:
    direction = n.attr("direction", "")
    if direction not in ("LEFT", "RIGHT"):
        raise InvalidArgumentError(f"direction must be LEFT or RIGHT. Received: {direction}")
    bits = 8 * a.dtype.size
    # Shifts by negative numbers count as those by all bits, which leave zeros, or the sign on the way right.
    beyond = raw.GreaterEqual(b, t.like(bits, b))
    if not b.dtype.is_unsigned:
        beyond = raw.LogicalOr(beyond, raw.Less(b, t.like(0, b)))
    b = raw.SelectV2(beyond, t.like(0, b), b)
    if direction == "LEFT":
        return raw.SelectV2(beyond, t.like(0, a), raw.LeftShift(a, b))
    rest = t.like(0, a) if a.dtype.is_unsigned else raw.RightShift(a, t.like(bits - 1, a))
    return raw.SelectV2(beyond, rest, raw.RightShift(a, b))


@reads("IsInf")
def _is_inf(n: Node, x: Any) -> Any:
    x = t.cast(x, dtypes.float32) if x.dtype in _NARROW_FLOATS else x
    infinite, zero = raw.IsInf(x), t.like(0, x)
    if not n.flag("detect_negative", 1):
        infinite = raw.LogicalAnd(infinite, raw.Greater(x, zero))
    if not n.flag("detect_positive", 1):
        infinite = raw.LogicalAnd(infinite, raw.Less(x, zero))
    return infinite


@reads("Identity")
def _identity(n: Node, x: Any) -> Any:
    return x


@reads("Xor")
def _xor(n: Node, a: Any, b: Any) -> Any:
    return raw.NotEqual(*broadcast_of_old(n, a, b))


def _folded(op: str) -> Callable[..., Any]:
    def build(n: Node, first: Any, *others: Any) -> Any:
        dtype = first.dtype
        if dtype.is_integer and op in ("Maximum", "Minimum") and dtype.size < 4:
            wider = [t.cast(x, dtypes.int32) for x in (first, *others)]
            return t.cast(reduce(getattr(raw, op), wider), dtype)
        return reduce(getattr(raw, op), others, first)

    return build


for _name, _op in {"Max": "Maximum", "Min": "Minimum", "Sum": "AddV2"}.items():
    add_reader([_name], _folded(_op), "", ())


@reads("Mean")
def _mean(n: Node, first: Any, *others: Any) -> Any:
    return raw.RealDiv(reduce(raw.AddV2, others, first), t.like(1 + len(others), first))


@reads("Clip", settings=(1, 2))
def _clip(n: Node, x: Any, low: Any = None, high: Any = None) -> Any:
    if n.version < 11:
        low = t.like(n.attr("min"), x) if n.has("min") else None
        high = t.like(n.attr("max"), x) if n.has("max") else None
    dtype = x.dtype
    if dtype.is_integer and dtype.size < 4:
        x, low, high = (None if v is None else t.cast(v, dtypes.int32) for v in (x, low, high))
    if low is not None:
        x = raw.Maximum(x, low)
    return t.cast(x if high is None else raw.Minimum(x, high), dtype)


@reads("Cast")
def _cast(n: Node, x: Any) -> Any:
    return casted(x, _dtype_of(n), n.flag("saturate", 1))


@reads("CastLike")
def _cast_like(n: Node, x: Any, like: Any) -> Any:
    return casted(x, like.dtype, n.flag("saturate", 1))


def _dtype_of(n: Node) -> Any:
    to = n.attr("to")
    if isinstance(to, str):
        named = [e.dtype for e in ELEMENT_TYPES if e.name == to.lower()]
        if not named:
            raise InvalidArgumentError(f"there is no type '{to}'.")
        return named[0]
    return element_type(to).dtype


def casted(x: Any, dtype: Any, saturate: bool) -> Any:
    """x as another dtype, as ONNX converts; `saturate` is about narrow floats."""
    if x.dtype is dtype:
        return x
    if x.dtype is dtypes.string:
        return _parsed(x, dtype)
    if dtype is dtypes.string:
        return raw.AsString(x, shortest=True) if x.dtype.is_floating else raw.AsString(x)
    if dtype in _NARROW_FLOATS or dtype.name == "float4_e2m1fn":
        return _to_narrow(x, dtype, saturate)
    if dtype.name in ("int4", "uint4", "int2", "uint2") and x.dtype.is_floating:
        # Values wrap around, as those of wider integers do.
        x = raw.Cast(x, DstT=dtypes.int32)
    if x.dtype.is_floating and x.dtype.size < 2 and dtype.is_bool:
        x = raw.Cast(x, DstT=dtypes.float32)
    return raw.Cast(x, DstT=dtype)


def _parsed(x: Any, dtype: Any) -> Any:
    if dtype in (dtypes.float32, dtypes.float64, dtypes.int32, dtypes.int64):
        return raw.StringToNumber(x, out_type=dtype)
    if dtype.is_floating:
        return raw.Cast(raw.StringToNumber(x, out_type=dtypes.float32), DstT=dtype)
    if dtype.is_integer:
        return raw.Cast(raw.StringToNumber(x, out_type=dtypes.int64), DstT=dtype)
    raise UnimplementedError(f"strings are not converted to {dtype.name}.")


def _to_narrow(x: Any, dtype: Any, saturate: bool) -> Any:
    """Floats of 4 or 8 bits: values beyond the largest saturate, or become NaN or infinity."""
    wide = raw.Cast(x, DstT=dtypes.float32)
    if saturate or dtype.name == "float4_e2m1fn":
        largest = _largest(dtype)
        limited = raw.Minimum(raw.Maximum(wide, np.float32(-largest)), np.float32(largest))
        wide = raw.SelectV2(raw.IsNan(wide), wide, limited)
    return raw.Cast(wide, DstT=dtype)


def _largest(dtype: Any) -> float:
    return float(ml_dtypes.finfo(dtype.np).max)


@reads("BitCast")
def _bit_cast(n: Node, x: Any) -> Any:
    dtype = _dtype_of(n)
    x = t.cast(x, dtypes.uint8) if x.dtype.is_bool else x
    if dtype.is_bool:
        return t.cast(raw.Bitcast(x, type=dtypes.uint8), dtype)
    return raw.Bitcast(x, type=dtype)
