"""The registers of each dtype, and the conversions from and to memory.

dtype               memory        register
float32, float64    the same      the same
float16, bfloat16   16 bits       float, always a value that the 16 bits can hold (rounded after every operation)
integers            the same      the same; signedness is the operation's affair
bool                a byte 0, 1   i1
complex             two floats    a Pair of them
"""

from collections.abc import Sequence
from typing import Any

from penstock._src.core import dtypes
from penstock._src.core.errors import InternalError, UnimplementedError
from penstock._src.core.typesets import BOOL, NARROW, NUMERIC
from penstock._src.native.language.function import Fn
from penstock._src.native.language.types import (
    BF16,
    F16,
    F32,
    I1,
    I8,
    I16,
    I32,
    I64,
    OF_NUMPY,
    lanes,
    like,
    scalar,
    vec,
)
from penstock._src.native.language.value import Val
from penstock._src.util.dataclass import dataclass

# Floats of 16 bits are loaded as their bits, which are converted to float; a complex number is two floats.
MEMORY = {
    dtype: I16 if dtype in NARROW else OF_NUMPY[dtype.real_dtype.name] for dtype in NUMERIC | BOOL
}
REGISTER = {**MEMORY, **dict.fromkeys(NARROW, F32), **dict.fromkeys(BOOL, I1)}


def memory_type(dtype) -> str:
    """LLVM's type of one element in memory (of one half of a complex number)."""
    try:
        return MEMORY[dtype]
    except KeyError:
        raise UnimplementedError(None, None, f"Compiled code has no type {dtype.name}.") from None


def register_type(dtype) -> str:
    """LLVM's type of one element in a register (of one half of a complex number)."""
    memory_type(dtype)
    return REGISTER[dtype]


@dataclass(frozen=True)
class Pair:
    """A complex number, or a vector of them."""

    re: Val
    im: Val

    @property
    def ty(self) -> str:
        return self.re.ty


def parts(x: Val | Pair) -> tuple[Val, ...]:
    """A value as registers: two of a complex number."""
    return (x.re, x.im) if isinstance(x, Pair) else (x,)


def joined(registers: Sequence[Val]) -> Any:
    """The value of `parts`."""
    return Pair(*registers) if len(registers) == 2 else registers[0]


def width(x: Val | Pair) -> int:
    """Lanes of a value."""
    return lanes(x.ty)


def spread(f: Fn, x, n: int):
    """A value in n lanes."""
    if isinstance(x, Pair):
        return Pair(spread(f, x.re, n), spread(f, x.im, n))
    if width(x) == n:
        return x
    if x.s[0] not in "%@<":  # a constant
        return Val(f, vec(x.ty, n), f"splat ({x.ty} {x.s})")
    return f.splat(x, n)


def constant(f: Fn, x, dtype):
    """A Python number as a register value."""
    ty = register_type(dtype)
    if dtype.is_complex:
        return Pair(f.const(complex(x).real, ty), f.const(complex(x).imag, ty))
    if dtype.is_floating:
        return f.const(float(x), ty)
    if dtype.is_bool:
        return f.const(int(bool(x)), ty)
    x, bits = int(x), dtype.size * 8
    x &= (1 << bits) - 1
    # LLVM has integers without a sign; the text of a constant is that of a signed one.
    return f.const(x - (1 << bits) if x >> (bits - 1) else x, ty)


def zero(f: Fn, dtype, n: int):
    """Zero in n lanes."""
    return spread(f, constant(f, 0, dtype), n)


def rounded(f: Fn, x: Val, dtype) -> Val:
    """A float register brought to the nearest value that a 16-bit type can hold."""
    if dtype == dtypes.float16:
        return f.convert(f.convert(x, F16), F32)
    if dtype == dtypes.bfloat16:
        return widen_bfloat(f, narrow_bfloat(f, x))
    return x


def narrow_bfloat(f: Fn, x: Val) -> Val:
    """float -> the 16 bits of the nearest bfloat16, ties to even; a NaN stays one."""
    return f.bits(f.convert(x, BF16), like(x.ty, I16))


def widen_bfloat(f: Fn, x: Val) -> Val:
    """16 bits of a bfloat16 -> float."""
    wide = f.bits(f.convert(x, I32, signed=False) << 16, like(x.ty, F32))
    wide.narrow = x
    return wide


def from_memory(f: Fn, x: Val, dtype) -> Val:
    """A loaded element as a register value."""
    if dtype == dtypes.bool_:
        return x.ne(0)
    if dtype == dtypes.float16:
        return f.convert(f.bits(x, like(x.ty, F16)), F32)
    if dtype == dtypes.bfloat16:
        return widen_bfloat(f, x)
    return x


def to_memory(f: Fn, x: Val, dtype) -> Val:
    """A register value as it is stored."""
    if scalar(x.ty) != register_type(dtype):  # a wider store would overwrite the next element
        raise InternalError(None, None, f"A {x.ty} is stored as {dtype.name}.")
    if dtype == dtypes.bool_:
        return f.convert(x, I8, signed=False)
    if dtype == dtypes.float16:
        return f.bits(f.convert(x, F16), like(x.ty, I16))
    if dtype == dtypes.bfloat16:
        return narrow_bfloat(f, x)
    return x


def bits_type(dtype) -> str:
    """The integer type of a register value's size in memory."""
    return {1: I8, 2: I16, 4: I32, 8: I64}[dtype.size]
