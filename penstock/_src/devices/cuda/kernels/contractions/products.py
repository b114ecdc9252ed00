"""A product of matrices on a card: C = epilogue(A B), a tile of C for each block of threads.

A block goes through the depth in steps. Of each step its threads bring a tile of A and one of B to shared memory, read where they lie in whatever
strides; meanwhile they multiply what the step before brought. A thread sums a small tile in registers: some rows, and vectors of
neighboring columns, which the epilogue gets as CPUs' epilogues get register tiles.

Context of a launch: as kernel_code.py says. A task is a tile.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from penstock._src.compiler.codegen.contraction.extents import (
    ceil_divide,
    is_static,
    number,
    product,
    unravel,
    value,
)
from penstock._src.compiler.codegen.contraction.products.description import Gemm, Matrix
from penstock._src.compiler.codegen.contraction.products.gathered import Gathered
from penstock._src.compiler.codegen.contraction.tile import times, word
from penstock._src.compiler.codegen.kernel_code import (
    FIRST_SIZE,
    LEFT,
    OUTPUT,
    PARTIALS,
    PLAIN,
    RIGHT,
    SCRATCH,
    STEP,
    Epilogue,
    KernelCode,
    KernelStage,
    RegisterTile,
    Sizes,
)
from penstock._src.devices.cuda.kernels.contractions.epilogue import CudaEpilogue
from penstock._src.devices.cuda.kernels.contractions.split import (
    added_up,
    keep_sums,
    may_be_split,
    parts_of,
)
from penstock._src.devices.cuda.kernels.language import CudaFn, CudaModule
from penstock._src.native import Target
from penstock._src.native.language.types import F32, FLOATS, I8, I64, PTR, SIZE, lanes, vec
from penstock._src.native.language.value import Val

SIDE = 16  # threads along each side of a tile
THREADS = SIDE * SIDE
VECTOR = 4  # neighboring columns of a thread
LARGE = 1024  # rows and columns from which on tiles are large


@dataclass(frozen=True)
class TileShape:
    """Extents of a block's tile, and the depth of a step."""

    rows: int
    columns: int
    depth: int


SMALL_TILE, SHALLOW_TILE, LARGE_TILE = (
    TileShape(64, 64, 16),
    TileShape(64, 64, 8),
    TileShape(128, 128, 8),
)


def suits(gemm: Any) -> bool:
    """Whether a contraction is a product that this schedule computes."""
    if not isinstance(gemm, Gemm) or gemm.group != 1:
        return False
    types = gemm.types
    if types.total not in FLOATS:  # whole numbers: of their own type, or int8 summed in int32
        return types.left == types.right and types.left in (types.total, I8)
    return {types.left, types.right, types.output} <= FLOATS


def emit_product(
    gemm: Gemm, target: Target, epilogue: Epilogue = PLAIN, shape: TileShape | None = None
) -> KernelCode:
    """The code of a product."""
    return CudaProduct(gemm, target, epilogue, shape).emit()


def tile_of(gemm: Gemm) -> TileShape:
    """The tile of a block. Steps of wide numbers are shallow, or they take more registers than there are."""
    if gemm.types.total == F32 and all(is_static(x) and x >= LARGE for x in (gemm.m, gemm.n)):
        return LARGE_TILE
    is_shallow = is_static(gemm.depth) and gemm.depth <= SHALLOW_TILE.depth
    return SHALLOW_TILE if is_shallow or SIZE[gemm.types.total] > SIZE[F32] else SMALL_TILE


def lies_in_vectors(gemm: Gemm, width: int) -> bool:
    """Whether the result's rows and matrices begin at multiples of so many elements."""
    strides = [gemm.row, gemm.n, *gemm.batch_out]
    return all(isinstance(s, int) and s % width == 0 for s in strides)


class CudaProduct:
    """Writes one product's kernel."""

    groups = SIDE  # of threads that each sum all of a tile's columns
    by = ""  # the instruction that multiplies

    def __init__(self, gemm: Gemm, target: Target, epilogue: Epilogue, shape: TileShape | None):
        self.g, self.target, self.epilogue = gemm, target, epilogue
        self.shape = shape or tile_of(gemm)
        self.lanes = VECTOR if self._has_vectors() else 1
        self.rows = self.shape.rows // SIDE  # of a thread
        self.vectors = self.shape.columns // SIDE // self.lanes  # of a thread's row
        self.total = gemm.types.total

    def _has_vectors(self) -> bool:
        types = self.g.types
        return lies_in_vectors(self.g, VECTOR) and types.total == F32 and types.output == F32

    # -- facts of launches
    def _row_blocks(self, sizes: Sizes) -> int:
        return ceil_divide(number(self.g.m, sizes), self.shape.rows)

    def _batches(self, sizes: Sizes) -> int:
        return product([number(b, sizes) for b in self.g.batch])

    def tasks(self, sizes: Sizes) -> int:
        """How many tiles there are."""
        columns = ceil_divide(number(self.g.n, sizes), self.shape.columns)
        return self._batches(sizes) * self._row_blocks(sizes) * columns

    def parts(self, sizes: Sizes) -> int:
        """Into how many parts the depth is cut."""
        return parts_of(self.g, sizes, self.shape.rows, self.shape.columns) if self.is_split else 1

    def _stages(self, sizes: Sizes) -> tuple[KernelStage, ...]:
        parts = self.parts(sizes)
        if parts == 1:
            return (KernelStage("task", self.tasks),)
        return (
            KernelStage("sum_parts", lambda sizes: parts * self.tasks(sizes), parts),
            KernelStage("add_up", self.tasks, parts),
        )

    def _scratch(self, sizes: Sizes) -> int:
        """Bytes of the parts' sums."""
        parts = self.parts(sizes)
        cells = self.shape.rows * self.shape.columns
        return parts * self.tasks(sizes) * cells * SIZE[self.total] if parts > 1 else 0

    def partials(self, sizes: Sizes) -> tuple[int, int]:
        """How many partial sums of columns there are, one for the rows of each thread, and their bytes."""
        return self._batches(sizes) * self._row_blocks(
            sizes
        ) * self.groups, self.epilogue.partial_bytes

    def module(self) -> CudaModule:
        """An empty module for the kernels."""
        return CudaModule(self.target, THREADS)

    def emit(self) -> KernelCode:
        m = self.module()
        self.is_split = may_be_split(self.g, self.shape.rows, self.shape.columns)
        if self.g.sizes or self.parts(()) == 1:
            with m.kernel() as f:
                self._write(f)
        if self.is_split and (self.g.sizes or self.parts(()) > 1):
            with m.kernel("sum_parts") as f:
                self._write_parts(f)
            with m.kernel("add_up") as f:
                self._write_total(f)
        return KernelCode(
            code=m.finished(),
            sizes=self.g.sizes,
            stages=self._stages,
            scratch=self._scratch,
            threads=1,
            partials=self.partials,
            in_place=True,
            label=" by ".join(
                filter(None, [f"gemm {self.shape.rows}x{self.shape.columns}", self.by])
            ),
            by=self.by,
            extents=self.epilogue.extents,
            facts={"tile": self.shape, "lanes": self.lanes},
        )

    # -- the kernel
    def _write(self, f: CudaFn) -> None:
        """A block sums a tile, and stores what the epilogue makes of it."""
        self._place(f, f.number)
        self._with_sums(self._store)

    def _write_parts(self, f: CudaFn) -> None:
        """A block sums a part of the depth."""
        parts = f.load(f.ctx, STEP, I64)
        tiles = self._place(f, None)
        part, depth = f.number // tiles, f.i64(self.depth)
        steps = ceil_divide(depth, parts * self.shape.depth)
        each = steps * self.shape.depth
        self.begin = f.min(part * each, depth)
        self.depth = f.min(self.begin + each, depth)
        scratch = f.load(f.ctx, SCRATCH, PTR)
        self._with_sums(lambda sums: keep_sums(f, scratch, sums, THREADS))

    def _write_total(self, f: CudaFn) -> None:
        """A block adds up the parts of a tile."""
        tiles = self._place(f, f.number)
        count = self.shape.rows * self.shape.columns // THREADS // self.lanes
        ty = vec(self.total, self.lanes) if self.lanes > 1 else self.total
        scratch, parts = f.load(f.ctx, SCRATCH, PTR), f.load(f.ctx, STEP, I64)
        types = [ty] * count
        self._by_those_who_sum(
            lambda: self._store(added_up(f, scratch, types, THREADS, tiles, parts))
        )

    def _by_those_who_sum(self, action: Callable[[], None]) -> None:
        """Done by the threads that sum: all of them."""
        action()

    def _with_sums(self, action: Callable[[list[Val]], None]) -> None:
        """What is done with a thread's sums of the tile."""
        action(self._tile_sums())

    def _place(self, f: CudaFn, task: Val | None) -> Any:
        """Finds out which tile a task is, by default the block's of its part; gives how many tiles there are."""
        g, shape = self.g, self.shape
        self.f = f
        self.m, self.n = value(f, g.m), value(f, g.n)
        self.begin, self.depth = 0, product([value(f, k) for k in g.k])
        row_blocks, column_blocks = (
            ceil_divide(x, size) for x, size in ((self.m, shape.rows), (self.n, shape.columns))
        )
        tiles = product([*[value(f, b) for b in g.batch], row_blocks, column_blocks])
        task = f.number % tiles if task is None else task
        rest, column_block = task // column_blocks, word(f, task % column_blocks)
        rest, column_block = f.i64(rest), f.i64(column_block)
        batch, row_block = word(f, rest // row_blocks), word(f, rest % row_blocks)
        self.first_row, self.first_column = row_block * shape.rows, column_block * shape.columns
        self.coordinates = unravel(f, batch, [value(f, b) for b in g.batch])
        self.across, self.along = f.thread // SIDE, f.thread % SIDE  # rows, columns
        self.statistics = (f.i64(batch) * row_blocks + row_block) * self.groups + self._row_group()
        return tiles

    def _tile_sums(self) -> list[Val]:
        """A thread's sums of the tile, from `begin` to `depth`, row by row."""
        f = self.f
        left, right = f.load(f.ctx, LEFT, PTR), f.load(f.ctx, RIGHT, PTR)
        return self._all_sums(left, right, self.coordinates)

    def _store(self, sums: list[Val]) -> None:
        """Stores what the epilogue makes of a thread's sums."""
        f, out = self.f, word(self.f, 0)
        for i, stride in zip(self.coordinates, self.g.batch_out, strict=True):
            out = out + word(f, times(f, i, value(f, stride)))
        self._finish(sums, out, self.statistics)

    def _all_sums(self, left: Val, right: Val, coordinates: list) -> list[Val]:
        """A thread's sums, row by row, after all steps."""
        g, shape = self.g, self.shape
        fetch_a = self._fetcher(g.left, left, coordinates, self.first_row, self.m, shape.rows)
        fetch_b = self._fetcher(
            g.right, right, coordinates, self.first_column, self.n, shape.columns
        )
        return self._sums(fetch_a, fetch_b)

    def fetched(self, x: Val) -> Val:
        """An element as it lies in shared memory."""
        return self.f.convert(x, self.total)

    def fetched_left(self, x: Val) -> Val:
        """The same of the left operand."""
        x = self.fetched(x)
        return x - self.g.zero if self.g.zero else x

    def _sums(self, fetch_a: "_Fetcher", fetch_b: "_Fetcher") -> list[Val]:
        """The same, of tiles that threads fetch."""
        f, shape, element = self.f, self.shape, self.total
        size = SIZE[element]
        pad = 16 // size  # so that neighbors in the depth are not in one bank
        strides = shape.rows + pad, shape.columns + pad
        room_a, room_b = (f.shared(2 * shape.depth * stride * size) for stride in strides)
        bytes_a, bytes_b = (shape.depth * stride for stride in strides)
        ty = vec(element, self.lanes) if self.lanes > 1 else element
        zeros = [f.zero(ty)] * (self.rows * self.vectors)

        def put(half: Any, found_a: list[Val], found_b: list[Val]) -> None:
            for fetch, room, stride, found, whole in (
                (fetch_a, room_a, strides[0], found_a, bytes_a),
                (fetch_b, room_b, strides[1], found_b, bytes_b),
            ):
                for (cross, k), x in zip(fetch.places, found, strict=True):
                    f.store(x, room, word(f, times(f, half, whole)) + k * stride + cross)

        def step(k0: Val, half: Val, *sums: Val) -> tuple[Val, ...]:
            # The next step's numbers are on their way while this one's are multiplied; after the last step they are not used.
            found_a, found_b = fetch_a.load(k0 + shape.depth), fetch_b.load(k0 + shape.depth)
            found = self._multiplied(
                list(sums), f.at(room_a, half * bytes_a, element), f.at(room_b, half * bytes_b, element),
                strides,
            )  # fmt: skip
            other = half ^ 1
            put(other, found_a, found_b)
            f.barrier()
            return other, *found

        def steps() -> tuple[Val, ...]:
            begin = f.i64(self.begin)
            put(0, fetch_a.load(begin), fetch_b.load(begin))
            f.barrier()
            return f.loop(self.begin, self.depth, shape.depth, step, f.i64(0), *zeros)[1:]

        is_any = self.depth > self.begin  # a product without depth reads nothing
        return list(f.when(is_any, steps, lambda: tuple(zeros)))

    def _multiplied(self, sums: list[Val], a: Val, b: Val, strides: tuple[int, int]) -> list[Val]:
        """The sums with a step's products added."""
        f, n = self.f, self.lanes
        ty = vec(self.total, n) if n > 1 else self.total
        for k in range(self.shape.depth):
            rows = [
                f.load(a, self.across * self.rows + (k * strides[0] + i), self.total)
                for i in range(self.rows)
            ]
            f.aligned(n > 1)
            columns = [
                f.load(b, self.along * n + (k * strides[1] + j * SIDE * n), ty)
                for j in range(self.vectors)
            ]
            f.aligned(False)
            for i, x in enumerate(rows):
                x = f.splat(x, n) if n > 1 else x
                for j, y in enumerate(columns):
                    at = i * self.vectors + j
                    sums[at] = f.fma(x, y, sums[at])
        return sums

    def _row_group(self) -> Val:
        """Which of the SIDE groups of threads, that each sum all of a tile's columns, the thread is of."""
        return self.across

    def _rows_and_columns(self) -> tuple[list[Val], list[Val]]:
        """The rows that a thread sums, and the first columns of its vectors."""
        rows = [self.first_row + self.across * self.rows + i for i in range(self.rows)]
        first = self.first_column + self.along * self.lanes
        return rows, [first + j * SIDE * self.lanes for j in range(self.vectors)]

    def _finish(self, sums: list[Val], out: Val, statistics: Val) -> None:
        """What the epilogue makes of the sums is stored, a column of vectors after the other."""
        f = self.f
        output = f.load(f.ctx, OUTPUT, PTR)
        rows, columns = self._rows_and_columns()
        partial: Any = None
        if self.epilogue.partial_bytes:
            partial = f.at(f.load(f.ctx, PARTIALS, PTR), statistics * self.epilogue.partial_bytes)
        for j, column in enumerate(columns):
            mine = sums[j :: len(columns)]

            def store(column: Val = column, mine: list[Val] = mine) -> None:
                self._store_column(mine, column, rows, out, output, partial)

            def nothing(column: Val = column) -> None:
                if isinstance(self.epilogue, CudaEpilogue) and partial is not None:
                    self.epilogue.no_statistics(f, partial, column, self.lanes)

            def either(store: Any = store, nothing: Any = nothing) -> None:
                f.when(rows[0] < self.m, store, nothing)

            f.when(column < self.n, either)

    def _store_column(
        self, sums: list[Val], column: Val, rows: list[Val], out: Val, output: Val, partial: Any
    ) -> None:
        f, g = self.f, self.g
        stride = value(f, g.row)
        exists = [row < self.m for row in rows]
        # Rows past the end read what the thread's first one reads, and are not stored.
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

    def _fetcher(
        self, operand: Any, pointer: Val, coordinates: list, first: Val, limit: Any, extent: int
    ) -> "_Fetcher":
        """What brings a step's tile of an operand."""
        at = self._locator(operand, coordinates)
        along_depth = isinstance(operand, Matrix) and operand.depth[-1] == 1
        fetched = self.fetched_left if operand is self.g.left else self.fetched
        return _Fetcher(
            self, operand.element, pointer, at, first, limit, extent, along_depth, fetched
        )

    def _locator(self, operand: Any, coordinates: list) -> Callable[[Val, Val], tuple[Val, Any]]:
        """(across, depth) -> (where an operand's element lies, whether there is one; None if there always is)."""
        f, g = self.f, self.g
        at: Callable[[Val, Val], tuple[Val, Any]]
        if isinstance(operand, Gathered):

            def at(cross: Val, depth: Val) -> tuple[Val, Any]:
                return operand.place(f, coordinates, cross, depth)

        else:
            base = word(f, value(f, operand.base))
            for i, stride in zip(coordinates, operand.batch, strict=True):
                base = base + word(f, times(f, i, value(f, stride)))

            def at(cross: Val, depth: Val) -> tuple[Val, Any]:
                place = base + word(f, times(f, cross, value(f, operand.cross)))
                letters = unravel(f, depth, [value(f, k) for k in g.k])
                for letter, stride in zip(letters, operand.depth, strict=True):
                    place = place + word(f, times(f, letter, value(f, stride)))
                return place, None

        return at


class _Fetcher:
    """Brings tiles of an operand: each thread some elements, of which neighbors lie side by side.

    `places` are where they go in the tile: (across, depth).
    """

    def __init__(
        self, of: CudaProduct, element: str, pointer: Val, at: Callable[[Val, Val], tuple[Val, Any]],
        first: Val, limit: Any, extent: int, along_depth: bool, fetched: Callable[[Val], Val],
    ) -> None:  # fmt: skip
        f, depth = of.f, of.shape.depth
        self.f, self.of, self.element, self.pointer, self.at = f, of, element, pointer, at
        self.fetched = fetched
        self.first, self.limit = first, limit
        self.places: list[tuple[Val, Val]] = []
        for i in range(extent * depth // THREADS):
            place = f.thread + i * THREADS
            if along_depth:
                self.places.append((word(f, place // depth), word(f, place % depth)))
            else:
                self.places.append((word(f, place % extent), word(f, place // extent)))

    def load(self, k0: Val) -> list[Val]:
        """The thread's elements of the step that begins at a depth: zero where the depth has ended.

        What is outside is read at the last row and the last depth instead.
        """
        f, of, found = self.f, self.of, []
        for cross, k in self.places:
            row = f.min(self.first + cross, f.i64(self.limit) - 1)
            depth = k0 + k
            place, inside = self.at(row, f.min(depth, f.i64(of.depth) - 1))
            there = depth < of.depth
            if inside is not None:
                there = there & inside
                place = f.select(inside, place, 0)
            x = self.fetched(f.load(self.pointer, place, self.element))
            found.append(f.select(there, x, f.zero(x.ty)))
        return found
