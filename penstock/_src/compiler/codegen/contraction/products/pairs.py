"""Products of narrow types by the CPU's dot products: a step multiplies a group of two or four neighboring k.

    bfloat16   pairs, summed in float
    int8       groups of four, or pairs widened to 16 bits while they are packed, summed exactly in int32 (../dots.py)

A group has the bytes of one sum, so panels, blocks and tiles are those of a product in the type of sums with a half or a quarter of the
depth. An operand that is contiguous along k already is such a matrix; of any other, two or four rows of k are interleaved
while they are packed.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TypeGuard

from penstock._src.compiler.codegen.contraction.dots import dots_of
from penstock._src.compiler.codegen.contraction.extents import Extent, is_static
from penstock._src.compiler.codegen.contraction.pack import load_as
from penstock._src.compiler.codegen.contraction.tile import times
from penstock._src.native import Target, Val
from penstock._src.native.language.function import Fn
from penstock._src.native.language.types import BF16, F32, I8, I16, I32, SIZE, lanes, scalar, vec

from .description import Gemm, Matrix, PackedMatrix
from .gathered import Gathered

PAIR, QUAD = 2, 4
# For this number of rows or fewer, interleaving B costs more than multiplying its elements one by one.
FEW = {BF16: 4, I8: 1}
_OF_BYTES = {1: I8, 2: I16, 4: I32}


def in_groups(gemm: Gemm, target: Target) -> Gemm:
    """The product over groups if the target has instructions for it, else the product itself."""
    types = gemm.types
    group = group_of((types.left, types.right, types.total), target)
    if group == 1 or isinstance(gemm.left, Gathered) or isinstance(gemm.right, Gathered):
        return gemm
    (k, *more) = gemm.k
    left, right = (_grouped(x, group) for x in (gemm.left, gemm.right))
    if more or not _divisible(k, group) or left is None or right is None:
        return gemm
    few = is_static(gemm.m) and gemm.m <= FEW[types.left] and not gemm.is_prepacked
    if right.second is not None and few:
        return gemm
    return replace(gemm, k=(k // group,), left=left, right=right, group=group)


def group_of(types: tuple[str, str, str], target: Target) -> int:
    """The number of neighbors of these types that one instruction multiplies and adds; 1 without such an instruction."""
    if types == (BF16, BF16, F32) and target.multiplies_pairs:
        return PAIR
    dots = dots_of(target) if types == (I8, I8, I32) else None
    return dots.count if dots is not None else 1


def _divisible(x: Extent, group: int) -> TypeGuard[int]:
    return is_static(x) and x % group == 0


def _grouped(matrix: Matrix, group: int) -> Matrix | None:
    if isinstance(matrix, PackedMatrix):
        return matrix  # its rows are unpacked to groups
    (along,) = matrix.depth if len(matrix.depth) == 1 else (0,)
    if along == 1:
        # Distances in memory are counted in groups, and must be whole ones.
        fewer = tuple(x // group for x in matrix.batch if _divisible(x, group))
        if len(fewer) < len(matrix.batch) or not _divisible(matrix.base, group):
            return None
        if not _divisible(matrix.cross, group):
            return None
        base, cross = matrix.base // group, matrix.cross // group
        element = F32 if matrix.element == BF16 else _OF_BYTES[group]
        return replace(matrix, element=element, cross=cross, base=base, batch=fewer)
    if matrix.cross != 1 or not is_static(along):
        return None
    return replace(matrix, depth=(group * along,), second=along)


def dot_of_pairs(f: Fn, a: Val, b: Val, acc: Val) -> Val:
    """acc + the products of the pairs that a and b hold in each lane."""
    pair = vec(BF16, 2 * lanes(acc.ty))
    width = 32 * lanes(acc.ty)
    name = f"llvm.x86.avx512bf16.dpbf16ps.{width}"
    return f.call(name, acc, f.bits(a, pair), f.bits(b, pair), ret=acc.ty)


def rounded_pairs(f: Fn, low: Val, high: Val) -> Val:
    """Two vectors of floats rounded to bfloat16, one after the other."""
    count = 2 * lanes(low.ty)
    name = f"llvm.x86.avx512bf16.cvtne2ps2bf16.{16 * count}"
    return f.call(name, high, low, ret=vec(BF16, count))


def _dot_of_bytes(f: Fn, a: Val, b: Val, acc: Val) -> Val:
    """acc + the products of the int8 numbers of a, without the target's bias, and of b."""
    dots = dots_of(f.target)
    assert dots is not None
    if dots.bias:
        # The instruction takes unsigned bytes on one side: a flipped top bit adds the bias, which the initial sums
        # take off again.
        a = f.binary("xor", f.bits(a, vec(I8, 4 * lanes(acc.ty))), -dots.bias)
    return dots.multiply(f, a, b, acc)


def multiplication(gemm: Gemm) -> Callable[[Fn, Val, Val, Val], Val]:
    """The function that computes the next sum of a product: (f, a, b, sum)."""
    if gemm.group == 1:
        return Fn.fma
    return dot_of_pairs if gemm.types.total == F32 else _dot_of_bytes


def reader(gemm: Gemm, matrix: Matrix) -> Callable:
    """The function that loads elements or groups of a matrix while it is packed, as `load_as`."""
    if matrix.second is not None:
        return partial(load_group, gemm.group, matrix.second)
    return _load_words if gemm.group == PAIR and gemm.types.total == I32 else load_as


def surplus(gemm: Gemm, target: Target) -> int:
    """The surplus in each element of A as it is multiplied. Initial sums contain its negated product with B."""
    dots = dots_of(target)
    assert dots is not None
    return gemm.zero + dots.bias


def begin_sums(
    f: Fn, panel: Val, rows: Val | int, width: int, vector_lanes: int, surplus: int, at: int, group: int
) -> None:  # fmt: skip
    """Writes the initial values of the sums of each column into a packed panel of groups, at element `at`."""
    bits = 32 // group
    for v in range(0, width, vector_lanes):
        vector = vec(I32, vector_lanes)

        def row(k, total, v=v, vector=vector):
            all_of_group = f.load(panel, times(f, k, width) + v, vector)
            for shift in range(0, 32, bits):
                # To the top and back down, so that the sign of each part is extended.
                high = f.binary("shl", all_of_group, shift)
                total = total + f.binary("ashr", high, 32 - bits)
            return (total,)

        (total,) = f.loop(f.i64(0), rows, 1, row, f.zero(vector))
        f.store(total * -surplus, panel, at + v)


def load_group(group: int, second: int, f: Fn, source: Val, at: Val, size: int, mask: Val | None,
               element: str, total: str) -> Val:  # fmt: skip
    """Groups of the elements at `at` and each `second` further on, one in each lane; those of bytes fill its room."""
    bits = _OF_BYTES[SIZE[element]]
    parts = [f.load(source, at + far * second, vec(bits, size), mask) for far in range(group)]
    parts = [f.convert(part, _OF_BYTES[SIZE[total] // group]) for part in parts]
    return f.bits(interleaved(f, parts, size), vec(total, size))


def _load_words(f: Fn, source: Val, at: Val, size: int, mask: Val | None, element: str, total: str) -> Val:  # fmt: skip
    """Pairs of bytes, as pairs of 16 bits."""
    pairs = f.bits(f.load(source, at, vec(element, size), mask), vec(I8, 2 * size))
    return f.bits(f.convert(pairs, I16), vec(total, size))


def interleaved(f: Fn, parts: list[Val], size: int) -> Val:
    """Interleaves vectors in runs, `size` to a vector: run 0 of all, run 1 of all, and so on."""
    while len(parts) > 1:
        parts = [_interleaved(f, a, b, size) for a, b in zip(parts[::2], parts[1::2], strict=True)]
    return parts[0]


load_pairs = partial(load_group, PAIR)


def _interleaved(f: Fn, a: Val, b: Val, size: int) -> Val:
    """Interleaves two vectors in runs, `size` to a vector: run 0 of both, run 1 of both, and so on."""
    run = lanes(a.ty) // size
    index = [run * i + j + far for i in range(size) for far in (0, run * size) for j in range(run)]
    assert scalar(a.ty) == scalar(b.ty)
    return f.shuffle(a, b, index)
