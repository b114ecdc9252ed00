"""Dot products of neighboring int8 numbers, added to sums of int32: exact, by the instructions that a target has.

    AVX-512 VNNI, AVX-VNNI    four bytes, those of the left operand without a sign
    aarch64 with dotprod      four bytes
    x86-64, WebAssembly       two numbers of 16 bits, to which bytes are widened before

So a left operand x, whose number `zero` stands for 0, is read as x + bias, and what its products with a column of
weights w have too much, (zero + bias) times the sum of w, is what the column's sums begin with, negated.
"""

from collections.abc import Callable

from penstock._src.native import Target, Val
from penstock._src.native.language.function import Fn
from penstock._src.native.language.types import I8, I16, I32, SIZE, lanes, vec
from penstock._src.util.dataclass import dataclass


@dataclass(frozen=True)
class Dots:
    """How a target multiplies and adds.

    element     the type of neighbors that fill the room of one sum
    bias        what is added to each number of the left operand
    multiply    (f, left with its bias, right, sum) -> the next sum, all vectors of int32
    """

    element: str
    bias: int
    multiply: Callable[[Fn, Val, Val, Val], Val]

    @property
    def count(self) -> int:
        """How many neighbors are multiplied together."""
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
    name = f"llvm.x86.avx512.vpdpbusd.{32 * lanes(acc.ty)}"
    return f.call(name, acc, f.bits(a, four), f.bits(b, four), ret=acc.ty)


def _signed_by_signed(f: Fn, a: Val, b: Val, acc: Val) -> Val:
    four = vec(I8, 4 * lanes(acc.ty))
    name = f"llvm.aarch64.neon.sdot.v{lanes(acc.ty)}i32.v{4 * lanes(acc.ty)}i8"
    return f.call(name, acc, f.bits(a, four), f.bits(b, four), ret=acc.ty)


_MULTIPLY_WORDS = {
    16: "llvm.x86.sse2.pmadd.wd", 32: "llvm.x86.avx2.pmadd.wd", 64: "llvm.x86.avx512.pmaddw.d.512",
}  # fmt: skip


def _words(f: Fn, a: Val, b: Val, acc: Val) -> Val:
    two = vec(I16, 2 * lanes(acc.ty))
    is_wasm = f.target.architecture == "wasm32"
    name = "llvm.wasm.dot" if is_wasm else _MULTIPLY_WORDS[SIZE[I32] * lanes(acc.ty)]
    return acc + f.call(name, f.bits(a, two), f.bits(b, two), ret=acc.ty)


_VNNI = Dots(I8, 128, _unsigned_by_signed)
_NEON = Dots(I8, 0, _signed_by_signed)
_WORDS = Dots(I16, 0, _words)
