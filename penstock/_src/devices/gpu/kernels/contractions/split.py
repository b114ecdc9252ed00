"""Products of few tiles and a large depth: the depth is divided into parts, whose sums are added up in order by a second launch.

The number of parts depends on sizes alone, so sums have the same bits each time. Each thread's sums are stored next to those of its block's
other threads, in the order in which the second launch reads them.
"""

from typing import Any

from penstock._src.compiler.codegen.contraction.extents import is_static, number, product
from penstock._src.compiler.codegen.contraction.products.description import Gemm
from penstock._src.compiler.codegen.kernel_code import Sizes
from penstock._src.devices.gpu.kernels.language import CudaFn
from penstock._src.native.language.types import lanes, size_of
from penstock._src.native.language.value import Val

WANTED = 256  # number of blocks that keep a GPU busy
LEAST = 256  # elements of a part's depth
MOST = 64  # parts


def may_be_split(gemm: Gemm, rows: int, columns: int) -> bool:
    """True if there are sizes for which the depth is divided, with tiles of these rows and columns."""
    extents = [gemm.m, gemm.n, *gemm.batch]
    # Half as many tiles as blocks keep a GPU busy: two parts would already be too many.
    if all(map(is_static, extents)) and _tiles(gemm, (), rows, columns) * 2 > WANTED:
        return False
    # Fewer elements would make a single part.
    return not all(map(is_static, gemm.k)) or product(gemm.k) >= 2 * LEAST


def _tiles(gemm: Gemm, sizes: Sizes, rows: int, columns: int) -> int:
    m, n = number(gemm.m, sizes), number(gemm.n, sizes)
    return product([number(b, sizes) for b in gemm.batch]) * -(-m // rows) * -(-n // columns)


def parts_of(gemm: Gemm, sizes: Sizes, rows: int, columns: int) -> int:
    """The number of parts of the depth."""
    tiles = _tiles(gemm, sizes, rows, columns)
    depth = product([number(k, sizes) for k in gemm.k])
    # As many as make enough blocks; more would only be more sums to read.
    return max(1, min(MOST, depth // LEAST, WANTED // max(1, tiles)))


def keep_sums(f: CudaFn, scratch: Val, sums: list[Val], threads: int) -> None:
    """Stores the sums of a part computed by the threads of a block."""
    for i, x in enumerate(sums):
        # Neighboring threads write neighboring elements: few transactions for a warp.
        place = f.at(scratch, ((f.number * len(sums) + i) * threads + f.thread) * size_of(x.ty))
        f.aligned(lanes(x.ty) > 1)
        f.store(x, place)
        f.aligned(False)


def added_up(
    f: CudaFn, scratch: Val, types: list[str], threads: int, tiles: Any, parts: Val
) -> list[Val]:
    """A thread's sums over all parts, in order."""
    zeros = [f.zero(ty) for ty in types]

    def add(part: Val, *sums: Val) -> list[Val]:
        totals = []
        for i, x in enumerate(sums):
            number_ = ((part * tiles + f.number) * len(sums) + i) * threads + f.thread
            place = f.at(scratch, number_ * size_of(x.ty))
            f.aligned(lanes(x.ty) > 1)
            totals.append(x + f.load(place, 0, x.ty))
            f.aligned(False)
        return totals

    return list(f.loop(f.i64(0), parts, 1, add, *zeros))
