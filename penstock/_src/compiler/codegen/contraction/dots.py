"""Dot products of neighboring int8 numbers, accumulated exactly in int32, with the instructions of each target.

    AVX-512 VNNI, AVX-VNNI    four bytes; those of the left operand are unsigned
    aarch64 with dotprod      four bytes
    x86-64, WebAssembly       two numbers of 16 bits, to which bytes are widened first

An unsigned operand is x + bias, with bias = 128. For a left operand x with zero point `zero` and a column w of weights,

    sum((x - zero) * w) = sum((x + bias) * w) - (zero + bias) * sum(w)

so each column's sum starts with the second term, which depends on the weights only.
"""

from collections.abc import Callable

from penstock._src.native import Target, Val
from penstock._src.native.language.function import Fn
from penstock._src.native.language.types import I8, I16, I32, SIZE, lanes, vec
from penstock._src.util.dataclass import dataclass


@dataclass(frozen=True)
class Dots:
    """A target's dot product.

    element     the type of the numbers that are multiplied; a group of them has the bytes of one sum
    bias        the number that is added to each element of the left operand
    multiply    (f, left with bias, right, sum) -> the next sum; all are vectors of int32
    """

    element: str
    bias: int
    multiply: Callable[[Fn, Val, Val, Val], Val]

    @property
    def count(self) -> int:
        """The number of neighbors in a group."""
        return SIZE[I32] // SIZE[self.element]


def dots_of(target: Target) -> Dots | None:
    """The dot products of a target."""
    if target.multiplies_quads:
        return _VNNI
    if target.multiplies_signed_quads:
        return _NEON
    return _WORDS if target.multiplies_words else None


def _unsigned_by_signed(f: Fn, a: Val, b: Val, acc: Val) -> Val:
    four = vec(I8, 4 * lanes(acc.ty))
    # Not vpmaddubsw, whose sums of two products saturate at 16 bits: these are exact in 32.
    name = f"llvm.x86.avx512.vpdpbusd.{32 * lanes(acc.ty)}"
    return f.call(name, acc, f.bits(a, four), f.bits(b, four), ret=acc.ty)


def _signed_by_signed(f: Fn, a: Val, b: Val, acc: Val) -> Val:
    four = vec(I8, 4 * lanes(acc.ty))
    # Both operands are signed here, so this target's bias is 0.
    name = f"llvm.aarch64.neon.sdot.v{lanes(acc.ty)}i32.v{4 * lanes(acc.ty)}i8"
    return f.call(name, acc, f.bits(a, four), f.bits(b, four), ret=acc.ty)


_MULTIPLY_WORDS = {
    16: "llvm.x86.sse2.pmadd.wd", 32: "llvm.x86.avx2.pmadd.wd", 64: "llvm.x86.avx512.pmaddw.d.512",
}  # fmt: skip


def _words(f: Fn, a: Val, b: Val, acc: Val) -> Val:
    two = vec(I16, 2 * lanes(acc.ty))
    is_wasm = f.target.architecture == "wasm32"
    # Numbers widened from bytes: two products are far below 2^31, so the pair's sum is exact.
    name = "llvm.wasm.dot" if is_wasm else _MULTIPLY_WORDS[SIZE[I32] * lanes(acc.ty)]
    return acc + f.call(name, f.bits(a, two), f.bits(b, two), ret=acc.ty)


_VNNI = Dots(I8, 128, _unsigned_by_signed)
_NEON = Dots(I8, 0, _signed_by_signed)
_WORDS = Dots(I16, 0, _words)
