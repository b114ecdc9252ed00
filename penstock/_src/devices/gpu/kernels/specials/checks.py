"""The check of indices by one block: its threads divide the index vectors, and the first one out of bounds is reported."""

from penstock._src.compiler.codegen.scalars.registers import memory_type
from penstock._src.core.dtypes import DType
from penstock._src.devices.gpu.kernels.language import CudaCode, CudaFn, CudaModule
from penstock._src.devices.gpu.target import THREADS, WARP
from penstock._src.native import Target
from penstock._src.native.language.types import I64, PTR
from penstock._src.native.language.value import Val

NONE = (1 << 63) - 1
VECTORS, CODE, FIRST_EXTENT = 2, 3, 4  # words of the context, after the status and the indices


def emit_cuda_bounds_check(dtype: DType, depth: int, target: Target) -> CudaCode:
    """Writes code, index position, value and extent to the status if an index is out of range.

    Context: status, indices, index vectors, code, then `depth` extents.
    """
    m = CudaModule(target, THREADS)
    with m.kernel() as f:
        status, indices = f.load(f.ctx, 0, PTR), f.load(f.ctx, 1, PTR)
        extents = [f.load(f.ctx, FIRST_EXTENT + i, I64) for i in range(depth)]

        def index(place: Val) -> Val:
            return f.convert(f.load(indices, place, memory_type(dtype)), I64, not dtype.is_unsigned)

        def vector(number: Val, first: Val) -> tuple[Val]:
            for i, extent in enumerate(extents):
                place = number * depth + i
                is_outside = f.compare("uge", index(place), extent)
                first = f.select(is_outside, f.intrinsic("smin", first, place), first)
            return (first,)

        vectors = f.load(f.ctx, VECTORS, I64)
        (mine,) = f.loop(f.thread, vectors, THREADS, vector, f.i64(NONE))
        first = least_of_block(f, mine)

        def note() -> None:
            axis, extent = first % depth, extents[0]
            for i in range(1, depth):
                extent = f.select(axis.eq(i), extents[i], extent)
            for at, what in enumerate((f.load(f.ctx, CODE, I64), first, index(first), extent)):
                f.store(what, status, at)

        def look() -> None:
            f.when(f.load(status, 0, I64).eq(0), note)

        f.when(f.thread.eq(0) & first.ne(NONE), look)
    return m.finished()


def least_of_block(f: CudaFn, x: Val) -> Val:
    """The least number of all threads of the block."""
    distance = WARP // 2
    while distance:
        x = f.intrinsic("smin", x, f.shuffled(x, distance))
        distance //= 2
    warps = THREADS // WARP
    room = f.shared(warps * 8)
    f.when((f.thread % WARP).eq(0), lambda: f.store(x, room, f.thread // WARP))
    f.barrier()
    least = f.load(room, 0, I64)
    for i in range(1, warps):
        least = f.intrinsic("smin", least, f.load(room, i, I64))
    return least
