"""Products of few rows on a GPU, such as steps of decoding: the matrix is read once, by wide loads, and the other operand stays in caches.

A block has some columns of the result, and all rows. If the matrix is contiguous across the depth, a lane sums a vector of neighboring
columns, and warps take turns over the lines of the depth; the warps' sums are added up in shared memory. If it is contiguous along the
depth, a warp sums one column after the other, lanes take turns over its vectors, and the lanes' sums are added up by shuffles. Large depths
are divided into parts (split.py). The order of sums depends on sizes alone.
"""

from collections.abc import Callable
from typing import Any

from penstock._src.compiler.codegen.contraction.extents import is_static
from penstock._src.compiler.codegen.contraction.products.description import Gemm, Matrix
from penstock._src.compiler.codegen.kernel_code import PLAIN, Epilogue, KernelCode
from penstock._src.devices.gpu.kernels.contractions.access import BYTES, access_of
from penstock._src.devices.gpu.kernels.contractions.schedule import (
    THREADS,
    ProductSchedule,
    TileShape,
)
from penstock._src.devices.gpu.kernels.contractions.writer import (
    Located,
    Place,
    ProductWriter,
    emit,
)
from penstock._src.devices.gpu.kernels.language import CudaFn, CudaModule
from penstock._src.devices.gpu.target import WARP
from penstock._src.native import Target
from penstock._src.native.language.types import BF16, F32, F64, FLOATS, I16, SIZE, vec
from penstock._src.native.language.value import Val
from penstock._src.util.dataclass import dataclass

MOST_ROWS = 8
LEAST_COLUMNS = 64
COLUMNS = THREADS  # columns of a block: in the end each thread has one
WARPS = THREADS // WARP
STEP = 256  # granularity of the depth: parts start at its multiples
AT_ONCE = 4  # loads of the matrix that a lane has on their way


def suits_thin(gemm: Any) -> bool:
    """True if a contraction is a product of few rows of floats, with a matrix that is loaded in whole vectors."""
    if not isinstance(gemm, Gemm) or gemm.group != 1 or len(gemm.k) != 1:
        return False
    if not is_static(gemm.m) or not 1 <= gemm.m <= MOST_ROWS:
        return False
    if is_static(gemm.n) and gemm.n < LEAST_COLUMNS:
        return False
    types = gemm.types
    if types.left != types.right or not {types.left, types.output} <= FLOATS:
        return False
    if types.total not in (F32, F64) or not isinstance(gemm.left, Matrix):
        return False
    return isinstance(gemm.right, Matrix) and _layout(gemm) is not None


def _layout(gemm: Gemm) -> bool | None:
    """True if the matrix is contiguous along the depth; None if it cannot be loaded in whole vectors."""
    whole = BYTES // SIZE[gemm.types.right]
    # Reading the matrix takes all of the time: narrow loads would not reach the memory's speed.
    right = access_of(gemm.right, gemm.k, gemm.n, gemm.types.right, True)
    if right.vector < whole:
        return None
    if not right.along_depth:
        return False
    left = access_of(gemm.left, gemm.k, gemm.m, gemm.types.left, False)
    return True if left.vector == whole else None


@dataclass(frozen=True)
class ThinSchedule(ProductSchedule):
    """The choice for a product of few rows.

    along_depth   the matrix lies along the depth
    """

    along_depth: bool = False

    @property
    def element(self) -> str:
        """The type of the operands."""
        return self.gemm.types.right

    @property
    def vector(self) -> int:
        """Elements that a lane loads at once."""
        return BYTES // SIZE[self.element]


def choose(gemm: Gemm) -> ThinSchedule:
    """The schedule of a product that suits."""
    assert is_static(gemm.m)
    shape = TileShape(gemm.m, COLUMNS, STEP)
    return ThinSchedule(gemm, shape, lanes=1, groups=1, along_depth=bool(_layout(gemm)))


def emit_thin_product(gemm: Gemm, target: Target, epilogue: Epilogue = PLAIN) -> KernelCode:
    """The code of a product that suits."""
    return emit(choose(gemm), ThinProduct, CudaModule(target, THREADS), epilogue)


@dataclass(frozen=True)
class _Operand:
    """The address of an operand, and the location of its elements."""

    pointer: Val
    locate: Callable[[Val, Val], Located]


class ThinProduct(ProductWriter[ThinSchedule]):
    """Writes a kernel of a product of few rows."""

    def __init__(self, f: CudaFn, schedule: ThinSchedule, epilogue: Epilogue, place: Place) -> None:
        super().__init__(f, schedule, epilogue, place)
        self.element, self.vector = schedule.element, schedule.vector
        self.count = self.shape.rows

    def row_group(self) -> int:
        return 0

    def rows_and_columns(self) -> tuple[list[Val], list[Val]]:
        rows = [self.place.first_row + i for i in range(self.count)]
        return rows, [self.place.first_column + self.f.thread]

    def with_sums(self, action: Callable[[list[Val]], None]) -> None:
        action(self._sums_of_tile(*self.operands()))

    def _sums_of_tile(self, left: Val, right: Val) -> list[Val]:
        operands = (
            _Operand(left, self.locator(self.g.left)),
            _Operand(right, self.locator(self.g.right)),
        )
        if self.schedule.along_depth:
            return self._sums_along(*operands)
        return self._sums_across(*operands)

    def _vector(self, x: _Operand, cross: Val, k: Val, there: Val) -> Val:
        """A vector of an operand as numbers that are summed; zeros if it is not `there`."""
        f, n = self.f, self.vector
        place, _ = x.locate(cross, k)
        kept = I16 if self.element == BF16 else self.element
        loaded = f.vector_load(f.at(x.pointer, place, kept), 0, vec(kept, n))
        numbers = f.convert(f.bits(loaded, vec(self.element, n)), self.total)
        return f.select(there, numbers, f.zero(numbers.ty))

    # -- a matrix that lies across the depth
    def _sums_across(self, left: _Operand, right: _Operand) -> list[Val]:
        f, n = self.f, self.vector
        wide = COLUMNS // (WARP * n)  # warps beside one another
        deep = WARPS // wide
        warp, lane = f.thread // WARP, f.thread % WARP
        own = (warp % wide * WARP + lane) * n
        # The last lanes repeat the last whole vector; their sums have no column.
        column = f.min(self.place.first_column + own, f.i64(self.place.n) - n)
        zeros = [f.zero(vec(self.total, n))] * self.count

        def step(first: Val, *sums: Val) -> list[Val]:
            totals = list(sums)
            for i in range(AT_ONCE):
                there = first + i < self.place.depth
                k = f.min(first + i, f.i64(self.place.depth) - 1)
                line = self._vector(right, column, k, there)
                for row in range(self.count):
                    x = self._number(left, row, k, there)
                    totals[row] = f.fma(f.splat(x, n), line, totals[row])
            return totals

        start = f.i64(self.place.begin) + warp // wide * AT_ONCE
        sums = f.loop(start, f.i64(self.place.depth), deep * AT_ONCE, step, *zeros)
        return self._added_up(list(sums), warp // wide, own, deep)

    def _number(self, left: _Operand, row: int, k: Val, there: Val) -> Val:
        """A number of the left operand, as it is summed."""
        f = self.f
        place, _ = left.locate(f.i64(row), k)
        x = f.convert(f.load(left.pointer, place, self.element), self.total)
        return f.select(there, x, f.zero(x.ty))

    def _added_up(self, sums: list[Val], which: Val, own: Val, deep: int) -> list[Val]:
        """The sums of the thread's column over the warps that share it, in order."""
        f, totals = self.f, []
        room = f.shared(deep * COLUMNS * SIZE[self.total])
        for x in sums:
            f.aligned(True)
            f.store(x, room, which * COLUMNS + own)
            f.aligned(False)
            f.barrier()
            total = f.load(room, f.thread, self.total)
            for i in range(1, deep):
                total = total + f.load(room, f.thread + i * COLUMNS, self.total)
            totals.append(total)
            f.barrier()
        return totals

    # -- a matrix that lies along the depth
    def _sums_along(self, left: _Operand, right: _Operand) -> list[Val]:
        f = self.f
        warp, lane = f.thread // WARP, f.thread % WARP
        first = self.place.first_column + warp * WARP

        def some(i: Val, *kept: Val) -> list[Val]:
            columns = [f.min(first + i + j, f.i64(self.place.n) - 1) for j in range(AT_ONCE)]
            totals = list(kept)
            for j, sums in enumerate(self._sums_of(left, right, columns, lane)):
                for row, x in enumerate(sums):
                    # Every lane has all sums after the shuffles, and keeps those of its own column.
                    totals[row] = f.select(lane.eq(i + j), x, totals[row])
            return totals

        zeros = [f.zero(self.total)] * self.count
        return list(f.loop(f.i64(0), f.i64(WARP), AT_ONCE, some, *zeros))

    def _sums_of(
        self, left: _Operand, right: _Operand, columns: list[Val], lane: Val
    ) -> list[list[Val]]:
        """The sums of all rows for each column, in all lanes."""
        f, n = self.f, self.vector
        zeros = [f.zero(self.total)] * (len(columns) * self.count)

        def step(first: Val, *sums: Val) -> list[Val]:
            updated = list(sums)
            there = first < self.place.depth
            k = f.min(first, f.i64(self.place.depth) - n)
            rows = [self._vector(left, f.i64(row), k, there) for row in range(self.count)]
            for j, column in enumerate(columns):
                line = self._vector(right, column, k, there)
                for row, x in enumerate(rows):
                    at = j * self.count + row
                    for i in range(n):
                        updated[at] = f.fma(f.extract(x, i), f.extract(line, i), updated[at])
            return updated

        # all lanes make as many rounds
        begin, end = f.i64(self.place.begin), f.i64(self.place.depth)
        rounds = f.loop(begin, end, WARP * n, lambda k, *sums: step(k + lane * n, *sums), *zeros)
        totals = [self._over_lanes(x) for x in rounds]
        return [totals[i : i + self.count] for i in range(0, len(totals), self.count)]

    def _over_lanes(self, x: Val) -> Val:
        """The sum over the warp's lanes."""
        distance = WARP // 2
        while distance:
            x = x + self.f.shuffled(x, distance)
            distance //= 2
        return x
