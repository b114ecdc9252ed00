"""Products of narrow numbers by the CPU's dot products of neighbors: two or four neighboring k make one step.

    bfloat16   pairs, summed in float
    int8       fours, summed in int32: exact, as their products are

A group takes the room of one sum, so panels, blocks and tiles are those of a product of sums half or a quarter as
deep: an operand that lies along the depth is such a matrix already, of another it takes as many rows, interleaved
while they are packed.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TypeGuard

from penstock._src.compiler.codegen.contraction.extents import Extent, is_static
from penstock._src.native import Target, Val
from penstock._src.native.language.function import Fn
from penstock._src.native.language.types import BF16, F32, I8, I16, I32, SIZE, lanes, scalar, vec

from .description import Gemm, Matrix
from .gathered import Gathered

PAIR, QUAD = 2, 4
FEW = {
    PAIR: 4,
    QUAD: 1,
}  # rows for which interleaving B costs more than multiplying its elements one by one


def in_groups(gemm: Gemm, target: Target) -> Gemm:
    """The product over groups, if it is one that the target has instructions for; else the same."""
    types = gemm.types
    group = group_of((types.left, types.right, types.total), target)
    if group == 1 or isinstance(gemm.left, Gathered) or isinstance(gemm.right, Gathered):
        return gemm
    (k, *more) = gemm.k
    left, right = (_grouped(x, group, types.total) for x in (gemm.left, gemm.right))
    if more or not _divisible(k, group) or left is None or right is None:
        return gemm
    if right.second is not None and is_static(gemm.m) and gemm.m <= FEW[group]:
        return gemm
    return replace(gemm, k=(k // group,), left=left, right=right, group=group)


def group_of(types: tuple[str, str, str], target: Target) -> int:
    """How many neighbors of these types one instruction of the target multiplies and adds; 1 if none does."""
    if types == (BF16, BF16, F32) and target.multiplies_pairs:
        return PAIR
    return QUAD if types == (I8, I8, I32) and target.multiplies_quads else 1


def _divisible(x: Extent, group: int) -> TypeGuard[int]:
    return is_static(x) and x % group == 0


def _grouped(matrix: Matrix, group: int, total: str) -> Matrix | None:
    (along,) = matrix.depth if len(matrix.depth) == 1 else (0,)
    if along == 1:
        fewer = tuple(x // group for x in matrix.batch if _divisible(x, group))
        if len(fewer) < len(matrix.batch) or not _divisible(matrix.base, group):
            return None
        if not _divisible(matrix.cross, group):
            return None
        base, cross = matrix.base // group, matrix.cross // group
        return replace(matrix, element=total, cross=cross, base=base, batch=fewer)
    if matrix.cross != 1 or not is_static(along):
        return None
    return replace(matrix, depth=(group * along,), second=along)


def dot_of_pairs(f: Fn, a: Val, b: Val, acc: Val) -> Val:
    """acc + the products of the pairs that a and b hold in each lane."""
    pair = vec(BF16, 2 * lanes(acc.ty))
    width = 32 * lanes(acc.ty)
    name = f"llvm.x86.avx512bf16.dpbf16ps.{width}"
    return f.call(name, acc, f.bits(a, pair), f.bits(b, pair), ret=acc.ty)


def dot_of_quads(f: Fn, a: Val, b: Val, acc: Val) -> Val:
    """acc + the products of the bytes of a, plus 128 each, and of b: one factor must be unsigned.

    So a row of zeros sums 128 times b, which is what every other row has too much.
    """
    four = vec(I8, 4 * lanes(acc.ty))
    unsigned = f.binary("xor", f.bits(a, four), -128)
    name = f"llvm.x86.avx512.vpdpbusd.{32 * lanes(acc.ty)}"
    return f.call(name, acc, unsigned, f.bits(b, four), ret=acc.ty)


MULTIPLY: dict[int, Callable[[Fn, Val, Val, Val], Val]] = {
    1: Fn.fma, PAIR: dot_of_pairs, QUAD: dot_of_quads,
}  # fmt: skip


def load_group(group: int, second: int, f: Fn, source: Val, at: Val, size: int, mask: Val | None,
               _element: str, total: str) -> Val:  # fmt: skip
    """Groups of the elements at `at` and each `second` further on, one in each lane."""
    bits = I16 if SIZE[total] // group == SIZE[I16] else I8
    parts = [f.load(source, at + far * second, vec(bits, size), mask) for far in range(group)]
    while len(parts) > 1:
        parts = [_interleaved(f, a, b, size) for a, b in zip(parts[::2], parts[1::2], strict=True)]
    return f.bits(parts[0], vec(total, size))


load_pairs = partial(load_group, PAIR)


def _interleaved(f: Fn, a: Val, b: Val, size: int) -> Val:
    """Of `size` runs in each of two vectors: run 0 of both, run 1 of both, and so on."""
    run = lanes(a.ty) // size
    index = [run * i + j + far for i in range(size) for far in (0, run * size) for j in range(run)]
    assert scalar(a.ty) == scalar(b.ty)
    return f.shuffle(a, b, index)
