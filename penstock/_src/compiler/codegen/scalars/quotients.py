"""Quotients and remainders of integers, rounded toward zero.

Processors divide integers in vectors by no instruction, and one after the other slowly: vectors divide as floats. The rounded quotient of two integers with at most as
many bits as a float's fraction is on the same side of every integer as the exact one: between the exact quotient and the next integer there is more than half a unit in the last place.
"""

from penstock._src.native.language.function import Fn
from penstock._src.native.language.types import BITS, F32, F64, I32, I64, lanes, scalar
from penstock._src.native.language.value import Val

# Below 2 ** 51, integers and doubles are converted by an addition: 3 * 2 ** 51 puts the integer into the lowest bits of the fraction.
_EXACT_BITS = 51
_OFFSET = 3.0 * 2.0**_EXACT_BITS
_OFFSET_BITS = 0x4338000000000000


def divide(f: Fn, op: str, signed: bool, a: Val, b: Val) -> Val:
    """Integer quotient (div) or remainder (rem), truncating, that never traps: x / 0 is 0, and x / -1 wraps."""
    none = b.eq(0)
    wraps = none | b.eq(-1) if signed else none
    divisor = f.select(wraps, 1, b)
    if lanes(a.ty) == 1 or _multiplies(b):
        result = _by_instruction(f, op, signed, a, divisor)
    elif scalar(a.ty) == I64:
        result = _of_64_bits(f, op, signed, a, divisor)
    else:
        result = _by_floats(f, op, signed, a, divisor)
    if signed:
        result = f.select(b.eq(-1), -a if op == "div" else 0, result)
    return f.select(none, 0, result)


def _multiplies(b: Val) -> bool:
    """True if LLVM divides by shifts and products in vectors: by constants, and in 64 bits, whose products have no instruction, by powers of two."""
    if not b.s.startswith("splat"):
        return False
    number = abs(int(b.s.rpartition(" ")[2].rstrip(")")))
    return scalar(b.ty) != I64 or not number & (number - 1)


def _by_instruction(f: Fn, op: str, signed: bool, a: Val, b: Val) -> Val:
    return f.binary(("s" if signed else "u") + op, a, b)


def _by_floats(f: Fn, op: str, signed: bool, a: Val, b: Val) -> Val:
    """The result for integers of up to 32 bits."""
    element = scalar(a.ty)
    is_narrow = BITS[element] <= 16
    if is_narrow:
        a, b, signed = f.convert(a, I32, signed), f.convert(b, I32, signed), True
    kind = F32 if is_narrow else F64
    floats = f.convert(a, kind, signed) / f.convert(b, kind, signed)
    quotient = f.convert(floats, scalar(a.ty), signed)
    return f.convert(quotient if op == "div" else a - quotient * b, element)


def _of_64_bits(f: Fn, op: str, signed: bool, a: Val, b: Val) -> Val:
    """The result by doubles if all lanes have few bits, else lane by lane."""
    bits = a | b
    if signed:
        # From -2 ** 51 to 2 ** 51 - 1 becomes from 0 to 2 ** 52 - 1.
        half = 1 << _EXACT_BITS
        beyond = f.binary("lshr", (a + half) | (b + half), _EXACT_BITS + 1)
    else:
        beyond = f.binary("lshr", bits, _EXACT_BITS)

    def by_doubles() -> tuple[Val]:
        x, y = _double(f, a), _double(f, b)
        quotient = f.intrinsic("trunc", x / y)
        # Both the product and the difference have few enough bits to be exact.
        return (_integer(f, quotient if op == "div" else x - quotient * y),)

    (result,) = f.when(
        f.reduce("or", beyond).eq(0), by_doubles, lambda: (_by_instruction(f, op, signed, a, b),)
    )
    return result


def _double(f: Fn, x: Val) -> Val:
    return f.bits(x + _OFFSET_BITS, x.ty.replace(I64, F64)) - _OFFSET


def _integer(f: Fn, x: Val) -> Val:
    return f.bits(x + _OFFSET, x.ty.replace(F64, I64)) - _OFFSET_BITS
