"""Elementwise operations: arithmetic, comparisons, conversions."""

from collections.abc import Callable

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.dtypes import DType
from penstock._src.ir.errors import NotLowerable
from penstock._src.ir.node import Node
from penstock._src.ops.xla.translation.translate import (
    Translation,
    place_of,
    result_dtype,
    translates,
)
from penstock._src.stablehlo.module import HloOperation

# StableHLO's name -> the builder's, where the semantics agree for all types.
_SAME = {
    "add": "add",
    "and": "and_",
    "atan2": "atan2",
    "cbrt": "cbrt",
    "ceil": "ceil",
    "complex": "complex",
    "cosine": "cos",
    "exponential": "exp",
    "exponential_minus_one": "expm1",
    "floor": "floor",
    "imag": "imag",
    "is_finite": "is_finite",
    "log": "log",
    "log_plus_one": "log1p",
    "logistic": "sigmoid",
    "multiply": "mul",
    "negate": "neg",
    "not": "not_",
    "or": "or_",
    "popcnt": "popcount",
    "power": "pow",
    "real": "real",
    "round_nearest_even": "round",
    "rsqrt": "rsqrt",
    "select": "select",
    "sign": "sign",
    "sine": "sin",
    "sqrt": "sqrt",
    "subtract": "sub",
    "tan": "tan",
    "tanh": "tanh",
    "xor": "xor",
}


def _same(name: str) -> Callable[..., Node]:
    def handle(t: Translation, _operation: HloOperation, *operands: Node) -> Node:
        return getattr(t.p, name)(*operands)

    return handle


for _name, _method in _SAME.items():
    translates(_name)(_same(_method))


@translates("abs")
def absolute(t: Translation, operation: HloOperation, x: Node) -> Node:
    """The modulus of complex numbers is real."""
    if not x.dtype.is_complex:
        return t.p.abs(x)
    return t.apply("ComplexAbs", x, Tout=result_dtype(operation))


@translates("maximum")
def maximum(t: Translation, operation: HloOperation, x: Node, y: Node) -> Node:
    """The larger; of bools: whether any is true."""
    if x.dtype.is_bool:
        return t.p.or_(x, y)
    return t.p.maximum(*_ordered(operation, x, y))


@translates("minimum")
def minimum(t: Translation, operation: HloOperation, x: Node, y: Node) -> Node:
    """The smaller; of bools: whether both are true."""
    if x.dtype.is_bool:
        return t.p.and_(x, y)
    return t.p.minimum(*_ordered(operation, x, y))


def _ordered(operation: HloOperation, *operands: Node) -> tuple[Node, ...]:
    if operands[0].dtype.is_complex:
        raise NotLowerable(f"complex numbers have no order{place_of(operation)}")
    return operands


@translates("divide")
def divide(t: Translation, _operation: HloOperation, x: Node, y: Node) -> Node:
    """Integer division rounds towards zero; a divisor of 0 gives -1, as in XLA on CPUs."""
    p = t.p
    if not x.dtype.is_integer:
        return p.div(x, y)
    quotient = p.truncdiv(x, y)
    if _is_without_zero(t, y):
        return quotient
    return p.select(p.eq(y, 0), _all_bits(t, x.dtype), quotient)


@translates("remainder")
def remainder(t: Translation, _operation: HloOperation, x: Node, y: Node) -> Node:
    """The remainder of division towards zero, with the sign of x; x itself for an integer divisor of 0."""
    p = t.p
    rest = p.truncmod(x, y)
    if not x.dtype.is_integer or _is_without_zero(t, y):
        return rest
    return p.select(p.eq(y, 0), x, rest)


def _is_without_zero(t: Translation, y: Node) -> bool:
    known = t.p.value(y)
    return known is not None and bool(np.all(known))


def _all_bits(t: Translation, dtype: DType) -> Node:
    return t.p.constant(np.array(-1).astype(dtype.np), dtype)


@translates("round_nearest_afz")
def round_away(t: Translation, _operation: HloOperation, x: Node) -> Node:
    """The nearest integer, halves away from zero."""
    p = t.p
    size = p.abs(x)
    whole = p.floor(size)
    near = p.select(p.ge(size - whole, 0.5), whole + 1.0, whole)
    return p.select(p.lt(x, 0), -near, near)


@translates("count_leading_zeros")
def count_leading_zeros(t: Translation, _operation: HloOperation, x: Node) -> Node:
    """The number of zeros above the highest bit that is set."""
    p, width = t.p, x.dtype.size * 8
    distance = 1
    while distance < width:  # sets all bits below the highest one
        x = p.or_(x, p.shift_right_logical(x, distance))
        distance *= 2
    return p.sub(p.constant(width, x.dtype), p.popcount(x))


@translates("shift_left", "shift_right_logical")
def shift(t: Translation, operation: HloOperation, x: Node, amount: Node) -> Node:
    """A logical shift; 0 if the amount is at least the width."""
    p = t.p
    function = p.shift_left if operation.name == "shift_left" else p.shift_right_logical
    known, width = p.value(amount), x.dtype.size * 8
    if known is not None and np.all((known >= 0) & (known < width)):
        return function(x, amount)
    inside = p.and_(p.ge(amount, 0), p.lt(amount, width))
    return p.select(inside, function(x, amount), 0)


@translates("shift_right_arithmetic")
def shift_right(t: Translation, _operation: HloOperation, x: Node, amount: Node) -> Node:
    """An arithmetic right shift: of unsigned numbers, too, the highest bit is repeated."""
    p, last = t.p, x.dtype.size * 8 - 1
    known = p.value(amount)
    if known is None or not np.all((known >= 0) & (known <= last)):
        inside = p.and_(p.ge(amount, 0), p.le(amount, last))
        amount = p.select(inside, amount, last)
    if not x.dtype.is_unsigned:
        return p.shift_right(x, amount)
    signed = _SIGNED[x.dtype.size]
    return p.bitcast(p.shift_right(p.bitcast(x, signed), p.bitcast(amount, signed)), x.dtype)


@translates("clamp")
def clamp(t: Translation, _operation: HloOperation, low: Node, x: Node, high: Node) -> Node:
    """x clamped to [low, high]."""
    return t.p.minimum(t.p.maximum(x, low), high)


_DIRECTIONS = {"EQ": "eq", "NE": "ne", "GE": "ge", "GT": "gt", "LE": "le", "LT": "lt"}


@translates("compare")
def compare(t: Translation, operation: HloOperation, x: Node, y: Node) -> Node:
    """A comparison; in the total order of floats -NaN < -inf < -0 < 0 < inf < NaN."""
    direction = _DIRECTIONS[operation.attribute("comparison_direction")]
    if operation.attribute("compare_type") == "TOTALORDER":
        x, y = total_order(t, x), total_order(t, y)
    elif direction not in ("eq", "ne"):
        if x.dtype.is_bool:
            x, y = t.p.cast(x, dtypes.uint8), t.p.cast(y, dtypes.uint8)
        x, y = _ordered(operation, x, y)
    return getattr(t.p, direction)(x, y)


_SIGNED = {1: dtypes.int8, 2: dtypes.int16, 4: dtypes.int32, 8: dtypes.int64}
_UNSIGNED = {2: dtypes.uint16, 4: dtypes.uint32, 8: dtypes.uint64}


def total_order(t: Translation, x: Node) -> Node:
    """Integers that sort in the total order of floats."""
    p = t.p
    if not x.dtype.is_floating:
        return x
    dtype = _SIGNED[x.dtype.size]
    bits = p.bitcast(x, dtype)
    rest = p.constant(np.iinfo(dtype.np).max, dtype)
    return p.select(p.lt(bits, 0), p.xor(bits, rest), bits)


@translates("convert")
def convert(t: Translation, operation: HloOperation, x: Node) -> Node:
    """A cast. Floats out of an integer's range saturate; NaN becomes 0."""
    return converted(t, x, result_dtype(operation))


def converted(t: Translation, x: Node, dtype: DType) -> Node:
    """x cast to another dtype with StableHLO's semantics."""
    p = t.p
    if dtype.is_bool and not x.dtype.is_bool:
        return p.ne(x, 0)
    if x.dtype.is_floating and dtype.is_integer:
        return p.saturated_cast(x, dtype)
    if x.dtype.is_complex and not dtype.is_complex:
        return converted(t, p.real(x), dtype)
    return p.cast(x, dtype)


@translates("bitcast_convert")
def bitcast(t: Translation, operation: HloOperation, x: Node) -> Node:
    """A bitcast; a different element size adds or removes a last axis."""
    return t.p.bitcast(x, result_dtype(operation))


@translates("reduce_precision")
def reduce_precision(t: Translation, operation: HloOperation, x: Node) -> Node:
    """Round to fewer bits of exponent and mantissa: large values to infinity, and subnormals to zero."""
    p = t.p
    exponent, mantissa = operation.attribute("exponent_bits"), operation.attribute("mantissa_bits")
    own_exponent, own_mantissa = dtypes.float_format(x.dtype.np)
    if exponent >= own_exponent and mantissa >= own_mantissa:
        return x
    dtype = _UNSIGNED[x.dtype.size]

    def number(value: int) -> Node:
        return p.constant(value, dtype)

    bits = p.bitcast(x, dtype)
    sign = p.and_(bits, number(1 << x.dtype.size * 8 - 1))
    dropped = own_mantissa - mantissa
    if dropped > 0:  # to the nearest; from the middle to the even one
        last = p.and_(p.shift_right_logical(bits, dropped), number(1))
        bits = p.add(p.add(bits, last), number((1 << dropped - 1) - 1))
        bits = p.shift_left(p.shift_right_logical(bits, dropped), dropped)
    if exponent < own_exponent:
        middle, reach = (1 << own_exponent - 1) - 1, (1 << exponent - 1) - 1
        infinity = number((1 << own_exponent) - 1 << own_mantissa)
        own = p.and_(bits, infinity)
        is_large = p.gt(own, number(middle + reach << own_mantissa))
        is_small = p.le(own, number(middle - reach << own_mantissa))
        bits = p.select(is_large, p.or_(sign, infinity), p.select(is_small, sign, bits))
    return p.select(p.ne(x, x), x, p.bitcast(bits, x.dtype))


@translates("map")
def map_(t: Translation, operation: HloOperation, *operands: Node) -> list[Node]:
    """An elementwise function, applied to whole arrays."""
    return t.run(operation.regions[0].block, operands)
