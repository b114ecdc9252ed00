"""The doubles nearest to decimal numbers of up to 19 digits, in native code (Lemire, "Number parsing at a gigabyte per second", 2021).

A number is multiplied by a power of five of 128 bits; the product's first 64 bits are enough to round it rightly.
"""

from typing import Any

from ..language.function import Fn
from ..language.module import Module
from ..language.types import F64, I64, PTR
from ..language.value import Val

# Powers of ten; beyond them, numbers with digits of 64 bits are 0 or infinite, or subnormal.
LEAST_POWER, MOST_POWER = (
    -342,
    308,
)
_MANTISSA = 52
_BIAS = 1023
_SPARE = 64 - _MANTISSA - 3  # bits of the product below the rounding bit
_LOG2_OF_10 = 217706  # times 2**16


def emit(m: Module) -> None:
    """Adds `nearest` to a module: (digits as an unsigned number, power of ten, address of the validity flag) -> double."""
    words = [word for power in range(LEAST_POWER, MOST_POWER + 1) for word in power_of_five(power)]
    table = ", ".join(f"i64 {word}" for word in words)
    m.raw(f"@powers_of_five = private constant [{len(words)} x i64] [{table}]")
    with m.fn("nearest", ret=F64, internal=True, digits=I64, power=I64, valid=PTR) as f:
        _emit_nearest(f)


def power_of_five(power: int) -> tuple[int, int]:
    """The first 128 bits of a power of five, as two words; of 1/5, 1/25 ... they are rounded up."""
    if power >= 0:
        number = 5**power
        size = number.bit_length()
        bits = number << (128 - size) if size <= 128 else number >> (size - 128)
    else:
        divisor = 5**-power
        bits = (1 << (divisor.bit_length() + 127)) // divisor + 1
    return bits >> 64, bits & ((1 << 64) - 1)


def _emit_nearest(f: Any) -> None:
    is_near = (f.power >= LEAST_POWER) & (f.power <= MOST_POWER)
    row = f.select(is_near, f.power - LEAST_POWER, f.i64(0)) * 2
    table = f.address("powers_of_five")
    five, below = f.load(table, row, I64), f.load(table, row + 1, I64)
    zeros = _leading_zeros(f, f.digits)
    # Zero has 64 leading zeros, more than a shift may have.
    number = f.digits << (zeros & 63)
    high, low = _product(f, number, five, below)
    upper = f.binary("lshr", high, 63)
    shift = upper + _SPARE
    cut = f.binary("lshr", high, shift)
    # Halfway between two doubles: to the even one.
    is_tie = f.compare("ult", low, 2) & (f.power >= -4) & (f.power <= 23)
    is_tie = is_tie & (cut & 3).eq(1) & (cut << shift).eq(high)
    cut = f.select(is_tie, cut & -2, cut)
    rounded = f.binary("lshr", cut + (cut & 1), 1)
    is_next = rounded.eq(1 << (_MANTISSA + 1))
    exponent = (((f.power * _LOG2_OF_10) >> 16) + (63 + _BIAS)) + (upper - zeros)
    exponent = exponent + f.convert(is_next, I64)
    mantissa = f.select(is_next, f.i64(0), rounded & ((1 << _MANTISSA) - 1))
    is_normal = (exponent > 0) & (exponent < 2 * _BIAS + 1)
    is_exact = (f.power >= -27) & (f.power <= 55)
    is_zero = f.digits.eq(0)
    is_valid = is_zero | (is_near & is_normal & (is_exact | low.ne(-1)))
    f.store(f.convert(is_valid, I64), f.valid)
    bits = f.select(is_zero, f.i64(0), mantissa | (exponent << _MANTISSA))
    f.give(f.bits(bits, F64))


def _product(f: Fn, number: Val, five: Val, below: Val) -> tuple[Val, Val]:
    """The first 128 bits of a product with a power, exact enough to round it to a double."""
    high, low = high_product(f, number, five), number * five
    may_carry = (high & ((1 << _SPARE) - 1)).eq((1 << _SPARE) - 1)
    more = high_product(f, number, below)
    more = f.select(may_carry, more, f.i64(0))
    total = low + more
    return high + f.convert(f.compare("ult", total, more), I64, signed=False), total


def high_product(f: Fn, a: Val, b: Val) -> Val:
    """The upper half of the product of two unsigned numbers."""
    a, b = (f.emit("i128", f"zext i64 {number.s} to i128") for number in (a, b))
    product = f.emit("i128", f"mul i128 {a.s}, {b.s}")
    upper = f.emit("i128", f"lshr i128 {product.s}, 64")
    return f.emit(I64, f"trunc i128 {upper.s} to i64")


def _leading_zeros(f: Fn, number: Val) -> Val:
    f.module.declare("declare i64 @llvm.ctlz.i64(i64, i1)")
    return f.emit(I64, f"call i64 @llvm.ctlz.i64(i64 {number.s}, i1 false)")
