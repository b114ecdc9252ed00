"""A product of matrices on a GPU: C = epilogue(A B), a tile of C for each block of threads.

A block goes through the depth in steps. In each step its threads load a tile of A and one of B into shared memory, with any strides;
meanwhile they multiply the tiles of the previous step. A thread sums a small tile in registers: some rows, and vectors of
neighboring columns, which the epilogue gets as CPUs' epilogues get register tiles.

Context of a launch: see kernel_code.py. A task is a tile.
"""

from collections.abc import Callable
from typing import Any

from penstock._src.compiler.codegen.contraction.extents import is_static
from penstock._src.compiler.codegen.contraction.products.description import Gemm
from penstock._src.compiler.codegen.contraction.tile import times, word
from penstock._src.compiler.codegen.kernel_code import PLAIN, Epilogue, KernelCode
from penstock._src.devices.gpu.kernels.contractions.schedule import (
    LARGE,
    SIDE,
    THREADS,
    ProductSchedule,
    TileShape,
    lies_in_vectors,
)
from penstock._src.devices.gpu.kernels.contractions.writer import (
    Fetcher,
    Place,
    ProductWriter,
    emit,
)
from penstock._src.devices.gpu.kernels.language import CudaFn, CudaModule
from penstock._src.native import Target
from penstock._src.native.language.types import F32, FLOATS, I8, SIZE, vec
from penstock._src.native.language.value import Val
from penstock._src.util.dataclass import dataclass

VECTOR = 4  # neighboring columns of a thread

SMALL_TILE, SHALLOW_TILE, LARGE_TILE = (
    TileShape(64, 64, 16),
    TileShape(64, 64, 8),
    TileShape(128, 128, 8),
)


@dataclass(frozen=True)
class TiledSchedule(ProductSchedule):
    """The choice for a product by plain threads, SIDE along each side of a tile."""

    @property
    def rows(self) -> int:
        """Rows of a thread."""
        return self.shape.rows // SIDE

    @property
    def vectors(self) -> int:
        """Vectors of a thread's row."""
        return self.shape.columns // SIDE // self.lanes


def suits(gemm: Any) -> bool:
    """True if a contraction is a product that this schedule computes."""
    if not isinstance(gemm, Gemm) or gemm.group != 1:
        return False
    types = gemm.types
    if types.total not in FLOATS:  # whole numbers: of their own type, or int8 summed in int32
        return types.left == types.right and types.left in (types.total, I8)
    return {types.left, types.right, types.output} <= FLOATS


def tile_of(gemm: Gemm) -> TileShape:
    """The tile of a block. Steps of wide numbers are shallow, or they take more registers than there are."""
    if gemm.types.total == F32 and all(is_static(x) and x >= LARGE for x in (gemm.m, gemm.n)):
        return LARGE_TILE
    is_shallow = is_static(gemm.depth) and gemm.depth <= SHALLOW_TILE.depth
    return SHALLOW_TILE if is_shallow or SIZE[gemm.types.total] > SIZE[F32] else SMALL_TILE


def choose(gemm: Gemm, shape: TileShape | None = None) -> TiledSchedule:
    """The schedule of a product, with the tile that suits it unless a shape is given."""
    has_vectors = gemm.types.total == F32 and gemm.types.output == F32
    lanes = VECTOR if has_vectors and lies_in_vectors(gemm, VECTOR) else 1
    return TiledSchedule(gemm, shape or tile_of(gemm), lanes, groups=SIDE)


def emit_product(
    gemm: Gemm, target: Target, epilogue: Epilogue = PLAIN, shape: TileShape | None = None
) -> KernelCode:
    """The code of a product."""
    return emit(choose(gemm, shape), TiledProduct, CudaModule(target, THREADS), epilogue)


class TiledProduct(ProductWriter[TiledSchedule]):
    """Writes a kernel whose threads multiply."""

    def __init__(
        self, f: CudaFn, schedule: TiledSchedule, epilogue: Epilogue, place: Place
    ) -> None:
        super().__init__(f, schedule, epilogue, place)
        self.across, self.along = f.thread // SIDE, f.thread % SIDE  # rows, columns

    def row_group(self) -> Val:
        return self.across

    def rows_and_columns(self) -> tuple[list[Val], list[Val]]:
        place, count = self.place, self.schedule.rows
        # A thread's rows are neighbors, which all threads along a row read at once (a broadcast).
        rows = [place.first_row + self.across * count + i for i in range(count)]
        first = place.first_column + self.along * self.lanes
        # Vectors at a distance, so that neighboring threads store neighboring vectors.
        return rows, [first + j * SIDE * self.lanes for j in range(self.schedule.vectors)]

    def with_sums(self, action: Callable[[list[Val]], None]) -> None:
        action(self._sums_of_tile(*self.operands()))

    def _sums_of_tile(self, left: Val, right: Val) -> list[Val]:
        g, place, shape = self.g, self.place, self.shape
        fetch_a = self.fetcher(g.left, left, place.first_row, place.m, shape.rows)
        fetch_b = self.fetcher(g.right, right, place.first_column, place.n, shape.columns)
        return self._sums(fetch_a, fetch_b)

    def _sums(self, fetch_a: Fetcher, fetch_b: Fetcher) -> list[Val]:
        """The sums of tiles that threads fetch."""
        f, shape, element, place = self.f, self.shape, self.total, self.place
        size = SIZE[element]
        pad = 16 // size  # so that neighbors in the depth are not in one bank
        strides = shape.rows + pad, shape.columns + pad
        # Two tiles of each operand: one is multiplied while the other is filled.
        room_a, room_b = (f.shared(2 * shape.depth * stride * size) for stride in strides)
        bytes_a, bytes_b = (shape.depth * stride for stride in strides)
        ty = vec(element, self.lanes) if self.lanes > 1 else element
        zeros = [f.zero(ty)] * (self.schedule.rows * self.schedule.vectors)

        def put(half: Any, found_a: list[Val], found_b: list[Val]) -> None:
            for fetch, room, stride, elements, whole in (
                (fetch_a, room_a, strides[0], found_a, bytes_a),
                (fetch_b, room_b, strides[1], found_b, bytes_b),
            ):
                for (cross, k), x in zip(fetch.places, elements, strict=True):
                    f.store(x, room, word(f, times(f, half, whole)) + k * stride + cross)

        def step(k0: Val, half: Val, *sums: Val) -> tuple[Val, ...]:
            # The next step's numbers are on their way while this one's are multiplied; after the last step they are not used.
            found_a, found_b = fetch_a.load(k0 + shape.depth), fetch_b.load(k0 + shape.depth)
            updated = self._multiplied(
                list(sums), f.at(room_a, half * bytes_a, element), f.at(room_b, half * bytes_b, element),
                strides,
            )  # fmt: skip
            other = half ^ 1
            put(other, found_a, found_b)
            f.barrier()
            return other, *updated

        def steps() -> tuple[Val, ...]:
            begin = f.i64(place.begin)
            put(0, fetch_a.load(begin), fetch_b.load(begin))
            f.barrier()
            return f.loop(place.begin, place.depth, shape.depth, step, f.i64(0), *zeros)[1:]

        is_any = place.depth > place.begin  # a product without depth reads nothing
        return list(f.when(is_any, steps, lambda: tuple(zeros)))

    def _multiplied(self, sums: list[Val], a: Val, b: Val, strides: tuple[int, int]) -> list[Val]:
        """The sums with a step's products added."""
        f, n, count, vectors = self.f, self.lanes, self.schedule.rows, self.schedule.vectors
        ty = vec(self.total, n) if n > 1 else self.total
        for k in range(self.shape.depth):
            rows = [
                f.load(a, self.across * count + (k * strides[0] + i), self.total)
                for i in range(count)
            ]
            f.aligned(n > 1)
            columns = [
                f.load(b, self.along * n + (k * strides[1] + j * SIDE * n), ty)
                for j in range(vectors)
            ]
            f.aligned(False)
            for i, x in enumerate(rows):
                x = f.splat(x, n) if n > 1 else x
                for j, y in enumerate(columns):
                    at = i * vectors + j
                    sums[at] = f.fma(x, y, sums[at])
        return sums
