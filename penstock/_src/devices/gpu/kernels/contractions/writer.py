"""Common parts of the kernels of all products on a GPU: the tile of a block, parts of the depth, fetching operands, storing results.

A kind of product (products.py, tensor_products.py, ...) defines the rows and columns of each thread, and how they are summed.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Generic, TypeVar

from penstock._src.compiler.codegen.contraction.extents import ceil_divide, product, unravel, value
from penstock._src.compiler.codegen.contraction.products.description import Matrix
from penstock._src.compiler.codegen.contraction.products.gathered import Gathered
from penstock._src.compiler.codegen.contraction.tile import times, word
from penstock._src.compiler.codegen.kernel_code import (
    FIRST_SIZE,
    LEFT,
    OUTPUT,
    PARTIALS,
    RIGHT,
    SCRATCH,
    STEP,
    Epilogue,
    KernelCode,
    RegisterTile,
)
from penstock._src.devices.gpu.kernels.contractions.epilogue import CudaEpilogue
from penstock._src.devices.gpu.kernels.contractions.schedule import THREADS, ProductSchedule
from penstock._src.devices.gpu.kernels.contractions.split import added_up, keep_sums
from penstock._src.devices.gpu.kernels.language import CudaFn, CudaModule
from penstock._src.native.language.types import I64, PTR, lanes, vec
from penstock._src.native.language.value import Val
from penstock._src.util.dataclass import dataclass

Schedule = TypeVar("Schedule", bound=ProductSchedule)
Located = tuple[Val, Any]  # offset of an element, and True if it exists; None if it always does


@dataclass(frozen=True)
class Place:
    """The tile of a block, as values of its kernel.

    m, n                      rows and columns of the result
    begin, depth              the part of the depth that is summed: from where, up to where
    first_row, first_column   of the tile
    coordinates               of the tile's matrix within the batch
    row_tile                  the number of the tile's rows among those of all matrices
    tiles                     number of tiles
    """

    m: Any
    n: Any
    begin: Any
    depth: Any
    first_row: Val
    first_column: Val
    coordinates: list
    row_tile: Val
    tiles: Any


def place_of(f: CudaFn, schedule: ProductSchedule, task: Val | None) -> Place:
    """The tile of a task; by default of the block, whose number also counts parts."""
    g, shape = schedule.gemm, schedule.shape
    m, n = value(f, g.m), value(f, g.n)
    depth = product([value(f, k) for k in g.k])
    row_blocks, column_blocks = ceil_divide(m, shape.rows), ceil_divide(n, shape.columns)
    tiles = product([*[value(f, b) for b in g.batch], row_blocks, column_blocks])
    # Parts are counted outside of tiles: neighboring blocks share operands in the L2.
    task = f.number % tiles if task is None else task
    rest, column_block = task // column_blocks, word(f, task % column_blocks)
    rest, column_block = f.i64(rest), f.i64(column_block)
    batch, row_block = word(f, rest // row_blocks), word(f, rest % row_blocks)
    first_row, first_column = row_block * shape.rows, column_block * shape.columns
    coordinates = unravel(f, batch, [value(f, b) for b in g.batch])
    row_tile = f.i64(batch) * row_blocks + row_block
    return Place(
        m=m,
        n=n,
        begin=0,
        depth=depth,
        first_row=first_row,
        first_column=first_column,
        coordinates=coordinates,
        row_tile=row_tile,
        tiles=tiles,
    )


class ProductWriter(ABC, Generic[Schedule]):
    """Writes one kernel of a product."""

    def __init__(self, f: CudaFn, schedule: Schedule, epilogue: Epilogue, place: Place) -> None:
        self.f, self.schedule, self.epilogue, self.place = f, schedule, epilogue, place
        self.g, self.shape = schedule.gemm, schedule.shape
        self.lanes, self.total = schedule.lanes, schedule.total

    # -- implemented by each kind of product
    @abstractmethod
    def row_group(self) -> Any:
        """The index of the thread's group, among those that each sum all of a tile's columns."""

    @abstractmethod
    def rows_and_columns(self) -> tuple[list[Val], list[Val]]:
        """The rows that a thread sums, and the first columns of its vectors."""

    @abstractmethod
    def with_sums(self, action: Callable[[list[Val]], None]) -> None:
        """Sums the tile over this part of the depth, and passes a thread's sums to `action`, row by row."""

    def by_those_who_sum(self, action: Callable[[], None]) -> None:
        """Done by the threads that sum: all of them."""
        action()

    def operands(self) -> tuple[Val, Val]:
        """The addresses of the operands."""
        f = self.f
        return f.load(f.ctx, LEFT, PTR), f.load(f.ctx, RIGHT, PTR)

    def fetched(self, x: Val) -> Val:
        """An element as it lies in shared memory."""
        return self.f.convert(x, self.total)

    def fetched_left(self, x: Val) -> Val:
        """An element of the left operand as it is multiplied."""
        x = self.fetched(x)
        return x - self.g.zero if self.g.zero else x

    # -- results
    def store(self, sums: list[Val]) -> None:
        """Stores the epilogue of a thread's sums, one column of vectors after the other."""
        f, place = self.f, self.place
        out = word(f, 0)
        for i, stride in zip(place.coordinates, self.g.batch_out, strict=True):
            out = out + word(f, times(f, i, value(f, stride)))
        output = f.load(f.ctx, OUTPUT, PTR)
        rows, columns = self.rows_and_columns()
        partial = self._partial()
        for j, column in enumerate(columns):
            mine = sums[j :: len(columns)]

            def store(column: Val = column, mine: list[Val] = mine) -> None:
                self._store_column(mine, column, rows, out, output, partial)

            def nothing(column: Val = column) -> None:
                if isinstance(self.epilogue, CudaEpilogue) and partial is not None:
                    # Partial sums are added up whole: threads without rows have to leave zeros.
                    self.epilogue.no_statistics(f, partial, column, self.lanes)

            def either(store: Any = store, nothing: Any = nothing) -> None:
                f.when(rows[0] < place.m, store, nothing)

            f.when(column < place.n, either)

    def _partial(self) -> Val | None:
        """The address of the thread's statistics, if the epilogue has any."""
        f, size = self.f, self.epilogue.partial_bytes
        if not size:
            return None
        number = self.place.row_tile * self.schedule.groups + self.row_group()
        return f.at(f.load(f.ctx, PARTIALS, PTR), number * size)

    def _store_column(
        self, sums: list[Val], column: Val, rows: list[Val], out: Val, output: Val, partial: Val | None
    ) -> None:  # fmt: skip
        f, g = self.f, self.g
        stride = value(f, g.row)
        exists = [row < self.place.m for row in rows]
        # Rows past the end read the row of the thread's first one, and are not stored.
        # A select instead of a branch, so that all loads of a thread are under way together.
        own = [f.select(there, row, rows[0]) for there, row in zip(exists, rows, strict=True)]
        places = [word(f, times(f, row, stride)) + out + column for row in own]
        cells = [(i, 0) for i in range(len(rows))]
        operands = FIRST_SIZE + g.sizes
        tile = RegisterTile(
            f, cells, lambda i, j: places[i], lambda j: column, lambda j: None, value(f, g.n), operands,
            lambda i: exists[i],
        )  # fmt: skip
        values = self.epilogue.apply(f, tile, sums)
        if partial is not None:
            self.epilogue.accumulate(f, tile, values, partial)
        for x, place, there in zip(values, places, exists, strict=True):

            def put(x: Val = x, place: Val = place) -> None:
                element = g.types.output
                y = f.convert(x, element)
                f.aligned(lanes(y.ty) > 1)
                f.store(y, output, place)
                f.aligned(False)

            f.when(there, put)

    # -- operands
    def fetcher(self, operand: Any, pointer: Val, first: Val, limit: Any, extent: int) -> "Fetcher":
        """The fetcher of a step's tile of an operand."""
        at = self.locator(operand)
        along_depth = isinstance(operand, Matrix) and operand.depth[-1] == 1
        fetched = self.fetched_left if operand is self.g.left else self.fetched
        return Fetcher(
            self, operand.element, pointer, at, first, limit, extent, along_depth, fetched
        )

    def locator(self, operand: Any) -> Callable[[Val, Val], Located]:
        """(across, depth) -> the offset of an operand's element, and True if it exists."""
        f, g, coordinates = self.f, self.g, self.place.coordinates
        at: Callable[[Val, Val], Located]
        if isinstance(operand, Gathered):

            def at(cross: Val, depth: Val) -> Located:
                return operand.place(f, coordinates, cross, depth)

        else:
            base = word(f, value(f, operand.base))
            for i, stride in zip(coordinates, operand.batch, strict=True):
                base = base + word(f, times(f, i, value(f, stride)))

            def at(cross: Val, depth: Val) -> Located:
                place = base + word(f, times(f, cross, value(f, operand.cross)))
                letters = unravel(f, depth, [value(f, k) for k in g.k])
                for letter, stride in zip(letters, operand.depth, strict=True):
                    place = place + word(f, times(f, letter, value(f, stride)))
                return place, None

        return at


class Fetcher:
    """Copies tiles of an operand: each thread some elements, in adjacent groups.

    `places` are their positions in the tile: (across, depth).
    """

    def __init__(
        self, of: ProductWriter, element: str, pointer: Val, at: Callable[[Val, Val], Located],
        first: Val, limit: Any, extent: int, along_depth: bool, fetched: Callable[[Val], Val],
    ) -> None:  # fmt: skip
        f, depth = of.f, of.shape.depth
        self.f, self.element, self.pointer, self.at = f, element, pointer, at
        self.end, self.fetched = of.place.depth, fetched
        self.first, self.limit = first, limit
        self.places: list[tuple[Val, Val]] = []
        for i in range(extent * depth // THREADS):
            place = f.thread + i * THREADS
            if along_depth:
                self.places.append((word(f, place // depth), word(f, place % depth)))
            else:
                self.places.append((word(f, place % extent), word(f, place // extent)))

    def load(self, k0: Val) -> list[Val]:
        """The thread's elements of the step that begins at a depth: zero past the end of the depth.

        Elements out of range are replaced by those of the last row and the last depth.
        """
        f, loaded = self.f, []
        for cross, k in self.places:
            # Clamped, not branched around: neighboring threads then load together.
            row = f.min(self.first + cross, f.i64(self.limit) - 1)
            depth = k0 + k
            place, inside = self.at(row, f.min(depth, f.i64(self.end) - 1))
            there = depth < self.end
            if inside is not None:
                there = there & inside
                # Where the element does not exist, its offset may lie outside of the operand.
                place = f.select(inside, place, 0)
            x = self.fetched(f.load(self.pointer, place, self.element))
            loaded.append(f.select(there, x, f.zero(x.ty)))
        return loaded


def emit(
    schedule: Schedule, writer: type[ProductWriter[Schedule]], module: CudaModule, epilogue: Epilogue
) -> KernelCode:  # fmt: skip
    """The code of a product: a kernel for whole depths, and two for divided depths, as far as its sizes may need them."""
    is_any_size = bool(schedule.gemm.sizes)
    # Which of the two forms a size takes is known at launch: both are written if both may occur.
    if is_any_size or schedule.parts(()) == 1:
        with module.kernel() as f:
            whole = writer(f, schedule, epilogue, place_of(f, schedule, f.number))
            whole.with_sums(whole.store)
    if schedule.is_split and (is_any_size or schedule.parts(()) > 1):
        with module.kernel("sum_parts") as f:
            _write_parts(f, schedule, writer, epilogue)
        with module.kernel("add_up") as f:
            _write_total(f, schedule, writer, epilogue)
    return KernelCode(
        code=module.finished(),
        sizes=schedule.gemm.sizes,
        stages=schedule.stages,
        scratch=schedule.scratch,
        threads=1,
        partials=lambda sizes: (schedule.statistics(sizes), epilogue.partial_bytes),
        in_place=True,
        label=schedule.label,
        by=schedule.by,
        extents=epilogue.extents,
        facts={"tile": schedule.shape, "lanes": schedule.lanes},
    )


def _write_parts(
    f: CudaFn, schedule: Schedule, writer: type[ProductWriter[Schedule]], epilogue: Epilogue
) -> None:
    """A block sums a part of the depth."""
    parts = f.load(f.ctx, STEP, I64)
    place = place_of(f, schedule, None)
    part, depth = f.number // place.tiles, f.i64(place.depth)
    step = schedule.shape.depth
    # Whole steps, so that only the last part ends with an incomplete one.
    each = ceil_divide(depth, parts * step) * step
    begin = f.min(part * each, depth)
    place = replace(place, begin=begin, depth=f.min(begin + each, depth))
    scratch = f.load(f.ctx, SCRATCH, PTR)
    kernel = writer(f, schedule, epilogue, place)
    kernel.with_sums(lambda sums: keep_sums(f, scratch, sums, THREADS))


def _write_total(
    f: CudaFn, schedule: Schedule, writer: type[ProductWriter[Schedule]], epilogue: Epilogue
) -> None:
    """A block adds up the parts of a tile."""
    kernel = writer(f, schedule, epilogue, place_of(f, schedule, f.number))
    shape, n = schedule.shape, schedule.lanes
    types = [vec(schedule.total, n) if n > 1 else schedule.total] * (
        shape.rows * shape.columns // THREADS // n
    )
    scratch, parts = f.load(f.ctx, SCRATCH, PTR), f.load(f.ctx, STEP, I64)
    tiles = kernel.place.tiles
    kernel.by_those_who_sum(
        lambda: kernel.store(added_up(f, scratch, types, THREADS, tiles, parts))
    )
