"""Products of bfloat16 by the CPU's dot products of pairs: two neighbouring k make one step, summed in float.

A pair takes the room of a float, so panels, blocks and tiles are those of a product of floats half as deep: an operand
that lies along the depth is such a matrix already, of another it takes two rows, interleaved while they are packed.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeGuard

from penstock._src.compiler.codegen.contraction.extents import Extent, is_static
from penstock._src.native import Target, Val
from penstock._src.native.language.function import Fn
from penstock._src.native.language.types import BF16, F32, I16, lanes, vec

from .gathered import Gathered

if TYPE_CHECKING:
    from .schedule import Gemm, Matrix


def in_pairs(gemm: Gemm, target: Target) -> Gemm:
    """The product over pairs, if it is one of bfloat16 that the target has instructions for; else the same."""
    types = gemm.types
    if (types.left, types.right, types.total) != (BF16, BF16, F32) or not multiplies_pairs(target):
        return gemm
    if isinstance(gemm.left, Gathered) or isinstance(gemm.right, Gathered):
        return gemm
    (k, *more) = gemm.k
    left, right = _paired(gemm.left), _paired(gemm.right)
    if more or not _even(k) or left is None or right is None:
        return gemm
    return replace(gemm, k=(k // 2,), left=left, right=right, pairs=True)


def multiplies_pairs(target: Target) -> bool:
    """Whether the target has dot products of bfloat16 pairs."""
    return "+avx512bf16" in target.features and "+avx512vl" in target.features


def _even(x: Extent) -> TypeGuard[int]:
    return is_static(x) and x % 2 == 0


def _paired(matrix: Matrix) -> Matrix | None:
    (along,) = matrix.depth if len(matrix.depth) == 1 else (0,)
    if along == 1:
        half = tuple(x // 2 for x in matrix.batch if _even(x))
        if len(half) < len(matrix.batch) or not _even(matrix.cross) or not _even(matrix.base):
            return None
        return replace(
            matrix, element=F32, cross=matrix.cross // 2, base=matrix.base // 2, batch=half
        )
    if matrix.cross != 1 or not is_static(along):
        return None
    return replace(matrix, depth=(2 * along,), second=along)


def dot_of_pairs(f: Fn, a: Val, b: Val, acc: Val) -> Val:
    """acc + the products of the pairs that a and b hold in each lane."""
    pair = vec(BF16, 2 * lanes(acc.ty))
    width = 32 * lanes(acc.ty)
    name = f"llvm.x86.avx512bf16.dpbf16ps.{width}"
    return f.call(name, acc, f.bits(a, pair), f.bits(b, pair), ret=acc.ty)


def load_pairs(second: int, f: Fn, source: Val, at: Val, size: int, mask: Val | None, *_) -> Val:
    """Pairs of the elements at `at` and `second` further on, a lane each."""
    first, other = [f.load(source, at + far, vec(I16, size), mask) for far in (0, second)]
    both = f.shuffle(first, other, [i // 2 + size * (i % 2) for i in range(2 * size)])
    return f.bits(both, vec(F32, size))
