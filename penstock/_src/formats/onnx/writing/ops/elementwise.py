"""Ops on each element."""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.errors import UnimplementedError
from penstock._src.formats.onnx.element_types import element_type_of
from penstock._src.formats.onnx.writing.writer import (
    Writer,
    attribute_of,
    rank,
    scalar,
    writes,
)
from penstock._src.graph.operation import Operation

_ALIASES = (
    "Identity StopGradient PreventGradient Snapshot CheckNumerics EnsureShape PlaceholderWithDefault Copy"
).split()


@writes(*_ALIASES)
def _alias(w: Writer, op: Operation, x: Any, *_: Any) -> Any:
    return x


@writes("IdentityN")
def _aliases(w: Writer, op: Operation, *inputs: Any) -> Any:
    return inputs


@writes("Cast")
def _cast(w: Writer, op: Operation, x: str) -> str:
    source, target = op.inputs[0].dtype, op.outputs[0].dtype
    if source.is_floating and target.is_integer and target.size < 4:
        # Values beyond the smaller type wrap around in Penstock; runtimes differ.
        x = w.cast(x, source, dtypes.int32)
        source = dtypes.int32
    return w.cast(x, source, target)


@writes("Bitcast")
def _bitcast(w: Writer, op: Operation, x: str) -> str:
    source, target = op.inputs[0].dtype, op.outputs[0].dtype
    if source is target:
        return x
    if source.is_integer and target.is_integer and source.size == target.size:
        return w.cast(x, source, target)  # which discards no bit
    raise UnimplementedError(f"values cannot be reinterpreted before opset 26 ({op.name}).")


@writes("Select")
def _select(w: Writer, op: Operation, condition: str, x: str, y: str) -> str:
    behind = rank(op.inputs[1]) - rank(op.inputs[0])
    if behind > 0 and rank(op.inputs[0]) > 0:  # a vector chooses rows
        condition = w.unsqueeze(condition, *range(1, behind + 1))
    return w.node("Where", condition, x, y)


@writes("NotEqual")
def _not_equal(w: Writer, op: Operation, x: str, y: str) -> str:
    return w.node("Not", w.node("Equal", x, y))


@writes("Square")
def _square(w: Writer, op: Operation, x: str) -> str:
    return w.node("Mul", x, x)


@writes("SquaredDifference")
def _squared_difference(w: Writer, op: Operation, x: str, y: str) -> str:
    difference = w.node("Sub", x, y)
    return w.node("Mul", difference, difference)


@writes("Rsqrt")
def _rsqrt(w: Writer, op: Operation, x: str) -> str:
    return w.node("Reciprocal", w.node("Sqrt", x))


@writes("Expm1")
def _expm1(w: Writer, op: Operation, x: str) -> str:
    """exp(x) - 1; near 0 from the hyperbolic tangent, which keeps its digits."""
    like = op.inputs[0]
    one, half = scalar(w, 1, like), scalar(w, 0.5, like)
    tangent = w.node("Tanh", w.node("Mul", x, half))
    near = w.node("Div", w.node("Add", tangent, tangent), w.node("Sub", one, tangent))
    far = w.node("Sub", w.node("Exp", x), one)
    return w.node("Where", w.node("Less", w.node("Abs", x), half), near, far)


@writes("Log1p")
def _log1p(w: Writer, op: Operation, x: str) -> str:
    """log(1 + x); near 0 from the inverse hyperbolic tangent, which keeps its digits."""
    like = op.inputs[0]
    one, two, half = (scalar(w, v, like) for v in (1, 2, 0.5))
    small = w.node("Less", w.node("Abs", x), half)
    inside = w.node("Where", small, x, scalar(w, 0, like))
    ratio = w.node("Div", inside, w.node("Add", inside, two))
    near = w.node("Mul", two, w.node("Atanh", ratio))
    return w.node("Where", small, near, w.node("Log", w.node("Add", x, one)))


@writes("Erfc")
def _erfc(w: Writer, op: Operation, x: str) -> str:
    return w.node("Sub", scalar(w, 1, op.inputs[0]), w.node("Erf", x))


@writes("IsFinite")
def _is_finite(w: Writer, op: Operation, x: str) -> str:
    return w.node("Not", w.node("Or", w.node("IsInf", x), w.node("IsNaN", x)))


@writes("Relu6")
def _relu6(w: Writer, op: Operation, x: str) -> str:
    return w.node("Clip", x, scalar(w, 0, op.inputs[0]), scalar(w, 6, op.inputs[0]))


@writes("ClipByValue")
def _clip_by_value(w: Writer, op: Operation, x: str, low: str, high: str) -> str:
    if rank(op.inputs[1]) == rank(op.inputs[2]) == 0:
        return w.node("Clip", x, low, high)
    return w.node("Min", w.node("Max", x, low), high)


@writes("DivNoNan")
def _div_no_nan(w: Writer, op: Operation, x: str, y: str) -> str:
    zero = scalar(w, 0, op.inputs[0])
    empty = w.node("Equal", y, zero)
    safe = w.node("Where", empty, scalar(w, 1, op.inputs[0]), y)
    return w.node("Where", empty, zero, w.node("Div", x, safe))


@writes("MulNoNan")
def _mul_no_nan(w: Writer, op: Operation, x: str, y: str) -> str:
    zero = scalar(w, 0, op.inputs[0])
    return w.node("Where", w.node("Equal", y, zero), zero, w.node("Mul", x, y))


@writes("Xdivy", "Xlogy", "Xlog1py")
def _of_zero(w: Writer, op: Operation, x: str, y: str) -> str:
    zero, one = scalar(w, 0, op.inputs[0]), scalar(w, 1, op.inputs[0])
    empty = w.node("Equal", x, zero)
    if op.type == "Xdivy":
        result = w.node("Div", x, w.node("Where", empty, one, y))
    elif op.type == "Xlogy":
        result = w.node("Mul", x, w.node("Log", w.node("Where", empty, one, y)))
    else:
        safe = w.node("Where", empty, zero, y)
        result = w.node("Mul", x, w.node("Log", w.node("Add", safe, one)))
    return w.node("Where", empty, zero, result)


@writes("FloorDiv")
def _floor_div(w: Writer, op: Operation, x: str, y: str) -> str:
    like = op.inputs[0]
    if like.dtype.is_floating:
        return w.node("Floor", w.node("Div", x, y))
    if like.dtype.is_unsigned:
        return w.node("Div", x, y)
    # Truncated quotients are one too large where the two remainders differ.
    quotient = w.node("Div", x, y)
    alike = w.node("Equal", w.node("Mod", x, y), w.node("Mod", x, y, fmod=1))
    return w.node("Where", alike, quotient, w.node("Sub", quotient, scalar(w, 1, like)))


@writes("FloorMod", "Mod", "TruncateMod")
def _mod(w: Writer, op: Operation, x: str, y: str) -> str:
    like = op.inputs[0]
    floored = op.type == "FloorMod"
    if not like.dtype.is_floating:
        return w.node("Mod", x, y, fmod=None if floored else 1)
    rest = w.node("Mod", x, y, fmod=1)
    if not floored:
        return rest
    zero = scalar(w, 0, like)
    apart = w.node("Xor", w.node("Less", rest, zero), w.node("Less", y, zero))
    other = w.node("And", apart, w.node("Not", w.node("Equal", rest, zero)))
    return w.node("Where", other, w.node("Add", rest, y), rest)


@writes("LeftShift", "RightShift")
def _shift(w: Writer, op: Operation, x: str, y: str) -> str:
    """Shifts 32 or 64 bits without a sign, which is all that `BitShift` does everywhere. `Cast` discards the bits above, and takes the others as they are."""
    kind = op.inputs[0].dtype
    width = 8 * kind.size
    bits = dtypes.uint64 if width == 64 else dtypes.uint32
    wide = bits if kind.is_unsigned else dtypes.int64 if width == 64 else dtypes.int32

    def number(value: int) -> str:
        return w.constant(value, wide)

    def shifted(value: str, direction: str) -> str:
        moved = w.node("BitShift", w.cast(value, wide, bits), by, direction=direction)
        return w.cast(moved, bits, wide)

    x, y = w.cast(x, kind, wide), w.cast(y, kind, wide)
    y = y if kind.is_unsigned else w.node("Max", y, number(0))
    by = w.cast(w.node("Min", y, number(width - 1)), wide, bits)
    if kind.is_unsigned or op.type == "LeftShift":
        return w.cast(shifted(x, "LEFT" if op.type == "LeftShift" else "RIGHT"), wide, kind)
    # The inverse of a negative number, which is -1 - x, has zeros to move in from the left.
    is_negative = w.node("Less", x, number(0))
    moved = shifted(w.node("Where", is_negative, w.node("Sub", number(-1), x), x), "RIGHT")
    return w.cast(w.node("Where", is_negative, w.node("Sub", number(-1), moved), moved), wide, kind)


@writes("TruncateDiv")
def _truncate_div(w: Writer, op: Operation, x: str, y: str) -> str:
    quotient = w.node("Div", x, y)
    if not op.inputs[0].dtype.is_floating:
        return quotient  # which ONNX truncates
    return w.node("Mul", w.node("Sign", quotient), w.node("Floor", w.node("Abs", quotient)))


@writes("Atan2")
def _atan2(w: Writer, op: Operation, y: str, x: str) -> str:
    like = op.inputs[0]
    zero, pi, infinity = (scalar(w, value, like) for value in (0, np.pi, np.inf))
    infinite = [w.node("Equal", w.node("Abs", z), infinity) for z in (y, x)]
    corner = w.node("And", *infinite)
    y, x = (w.node("Where", corner, w.node("Sign", z), z) for z in (y, x))
    # Reciprocals have the signs of zeros.
    level = w.node("Equal", y, zero)
    divisor = w.node("Where", level, w.node("Reciprocal", x), zero)
    divisor = w.node("Where", w.node("Equal", x, zero), divisor, x)
    angle = w.node("Atan", w.node("Div", y, divisor))
    below = w.node("Less", w.node("Where", level, w.node("Reciprocal", y), y), zero)
    turned = w.node("Where", below, w.node("Sub", angle, pi), w.node("Add", angle, pi))
    return w.node("Where", w.node("Less", divisor, zero), turned, angle)


@writes("ZerosLike", "OnesLike")
def _filled_like(w: Writer, op: Operation, x: str) -> str:
    like = op.inputs[0]
    value = np.array([op.type == "OnesLike"]).astype(like.dtype.np)
    return w.node("ConstantOfShape", w.node("Shape", x), value=value)


@writes("BiasAdd", "BiasAddV1")
def _bias_add(w: Writer, op: Operation, x: str, bias: str) -> str:
    if attribute_of(op, "data_format", "NHWC").startswith("NC") and rank(op.inputs[0]) > 2:
        bias = w.reshape(bias, *[1] * 1, -1, *[1] * (rank(op.inputs[0]) - 2))
    return w.node("Add", x, bias)


@writes("ApproximateEqual")
def _approximate_equal(w: Writer, op: Operation, x: str, y: str) -> str:
    limit = scalar(w, attribute_of(op, "tolerance"), op.inputs[0])
    return w.node("Less", w.node("Abs", w.node("Sub", x, y)), limit)


@writes("AsString")
def _as_string(w: Writer, op: Operation, x: str) -> str:
    if op.inputs[0].dtype.is_floating:
        raise UnimplementedError("texts of floats differ between runtimes.")
    return w.node("Cast", x, to=element_type_of(dtypes.string).number)
