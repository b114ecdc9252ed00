"""The tiles of a product: C tile (+)= A panel x B panel over a depth block, with the epilogue after the last."""

from collections.abc import Callable
from typing import Any

from penstock._src.compiler.codegen.contraction.extents import (
    ceil_divide,
    is_static,
    product,
    value,
)
from penstock._src.compiler.codegen.contraction.tile import (
    IN_SECOND_CACHE,
    Reads,
    accumulate,
    store_as,
    times,
    zeros,
)
from penstock._src.compiler.codegen.kernel_code import (
    FIRST_SIZE,
    LINE,
    OUTPUT,
    SCRATCH,
    Epilogue,
    RegisterTile,
    final_values,
)
from penstock._src.native import Module, Val
from penstock._src.native.language.function import Fn
from penstock._src.native.language.types import F32, I1, I64, PTR, SIZE, vec

from .description import Matrix
from .matrix_registers import SIDE, RegisterBlock, matrix_registers
from .pairs import multiplication
from .schedule import GemmSchedule, Place

# (rows, True if columns are missing) -> the tile's function
TileNames = dict[tuple[int, bool], str]
LONG = 100  # least cost of an epilogue on a tile's cells for which its code is written once, in a loop over rows
ARGUMENTS = dict(
    a=PTR, b=PTR, ctx=PTR, partial=PTR, out=I64, col=I64, depth=I64, first=I1, final=I1, left=I64, cols=I64, apart=I64
)  # fmt: skip


def write_tiles(module: Module, s: GemmSchedule, epilogue: Epilogue) -> TileNames:
    """Writes a function for each kind of tile that the output is covered by."""
    m, n = s.gemm.m, s.gemm.n
    # If the number of rows is unknown, one kind serves whole and partial tiles: LLVM would take twice as long for two.
    ragged, rows = not is_static(m), [s.mr]
    if s.rest_rows:
        rows.append(s.rest_rows)
    edges = [False, True] if not is_static(n) or n % s.nr else [False]
    if is_static(n) and 0 < n < s.nr:
        edges = [True]
    tiles: TileNames = {}
    for r in rows:
        for edge in edges:
            name = f"tile_{r}{'r' if ragged else ''}{'e' if edge else ''}"
            kind = MatrixTile if s.by_matrices else Tile
            with module.fn(name, internal=True, noalias=False, **ARGUMENTS) as f:
                kind(f, s, epilogue, r, ragged, edge).write()
            tiles[r, edge] = name
    for r in rows:  # never called, but named
        tiles.setdefault((r, False), tiles[r, edges[0]])
    return tiles


class Tile:
    """Writes one kind of tile with `rows` rows. If it is ragged only the first f.left of them exist; at an edge columns are missing."""

    def __init__(
        self, f: Fn, schedule: GemmSchedule, epilogue: Epilogue, rows: int, ragged: bool, edge: bool
    ) -> None:
        self.f, self.schedule, self.epilogue = f, schedule, epilogue
        self.rows, self.ragged, self.edge = rows, ragged, edge

    def write(self) -> None:
        f, s, g, lanes = self.f, self.schedule, self.schedule.gemm, self.schedule.lanes
        masks = self.masks()
        nv = len(masks)
        # A row that does not exist reads the last one that does: nothing beyond A is read, and its sums are not
        # stored.
        row = [f.min(f.left - 1, i) if self.ragged and i else i for i in range(self.rows)]
        stride = value(f, g.row)
        place = lambda i, j: times(f, row[i], stride) + lanes * j
        cells = [(i, j) for i in range(self.rows) for j in range(nv)]
        exists = (lambda i: f.left > i if i else None) if self.ragged else (lambda i: None)
        tile = RegisterTile(
            f, cells, lambda i, j: f.out + place(i, j), lambda j: f.col + lanes * j, lambda j: masks[j],
            value(f, g.n), FIRST_SIZE + g.sizes, exists,
        )  # fmt: skip
        c = f.at(f.load(f.ctx, OUTPUT, PTR), f.out, s.types.output)
        fetch = None
        if s.fetches_by_rows:
            fetch = lambda i: self.fetch_row(i, c, times(f, i, stride), masks)
        else:
            self.fetch(c, place, tile)
        acc = self.products(row, masks, fetch)
        self.finish(tile, acc, c, place, masks)

    def masks(self) -> list[Val | None]:
        """The masks of existing columns for the tile's vectors; None for whole vectors."""
        f, s, n, lanes = self.f, self.schedule, self.schedule.gemm.n, self.schedule.lanes
        if not self.edge:
            return [None] * s.nv
        if not is_static(n):
            return [f.mask(lanes, f.cols - lanes * j) for j in range(s.nv)]
        # At a known edge vectors without any column are left out, and only the last can be partial.
        masks: list[Val | None] = [None] * ceil_divide(n % s.nr, lanes)
        masks[-1] = f.mask(lanes, n % lanes) if n % lanes else None
        return masks

    def fetch(self, c: Val, place: Callable, tile: RegisterTile) -> None:
        """Asks for the lines of the output, which come while the sums are computed, and of the epilogue's operands."""
        f, s = self.f, self.schedule
        for i, j in tile.cells:
            f.prefetch(c, place(i, j), s.types.output)
        # Its operands once: they would take the place of panels, and the time of loads, under each depth block.
        f.when(True if s.steps == 1 else f.final, lambda: self.epilogue.prefetch(f, tile))

    def fetch_row(self, i: Val, c: Val, start: Val, masks: list[Val | None]) -> None:
        """The same for row i, which starts at this offset in the tile, and its share of the rows of A for the tiles below."""
        tile = self.tile_of_row(start, masks)
        self.fetch(c, lambda _, j: start + self.schedule.lanes * j, tile)
        if self.rows == self.schedule.mr:
            self.fetch_below(i)

    def fetch_below(self, i: Val) -> None:
        """Asks for some lines of row i of the tiles below, if A is read in place: the tiles of a row ask for all lines together."""
        f, s, left = self.f, self.schedule, self.schedule.gemm.left
        if not s.lines_below or not isinstance(left, Matrix):
            return
        line = LINE // SIZE[left.element]
        number = f.col % s.cut.columns // s.nr  # of the tile in its row
        at = times(f, i + s.mr, value(f, left.cross)) + number * (s.lines_below * line)
        for k in range(s.lines_below):
            f.prefetch(f.a, at + k * line, left.element, locality=IN_SECOND_CACHE)

    def products(
        self, row: list[Any], masks: list[Val | None], fetch: Callable[[Val], None] | None
    ) -> list[Val]:
        """The sums over the depth block; `fetch(i)` asks for the memory of row i during that."""
        f, s, g, types = self.f, self.schedule, self.schedule.gemm, self.schedule.types
        r, nv = self.rows, len(masks)
        if s.left.place is Place.IN_PLACE and isinstance(g.left, Matrix):
            cross = value(f, g.left.cross)
            rows = [times(f, x, cross) for x in row]
            step_a, type_a = value(f, g.left.depth[0]), g.left.element
        else:
            rows, step_a, type_a = list(range(r)), s.mr, types.total
        reads_b = s.right.place is Place.IN_PLACE and isinstance(g.right, Matrix)
        step_b, type_b = s.nr, types.total
        if isinstance(g.right, Matrix) and reads_b:
            step_b, type_b = value(f, g.right.depth[0]), g.right.element
        # A constant depth is a constant number of turns: no second loop for the rest of unrolling.
        depth = product(g.k) if s.static_k and s.steps == 1 else f.depth
        rows += [None] * s.idle
        vector = vec(types.total, s.lanes)
        acc = zeros(f, len(rows) * nv, vector)
        if s.begins:
            # Initial values hold for the column: every row of the tile begins with them.
            acc = [f.load(f.b, s.start_of_sums + s.lanes * j, vector) for j in range(nv)] * r
        reads = Reads(type_a, type_b, idle=g.zero, ahead=s.ahead, fetch=fetch, fetches=r)
        acc = accumulate(
            f, types, rows, nv, [(depth, step_a, step_b)], f.a, f.b, acc,
            masks if reads_b else None, reads=reads, multiply=multiplication(g),
        )  # fmt: skip
        if s.idle:
            # (a - zero) b = a b - zero b: the further row holds the second sum, which is equal for all rows.
            of_zero = acc[r * nv :] * r
            acc = [x - y for x, y in zip(acc[: r * nv], of_zero, strict=True)]
        return acc

    def finish(
        self, tile: RegisterTile, acc: list[Val], c: Val, place: Callable, masks: list[Val | None]
    ) -> None:
        """Adds the partial sums of earlier steps, and stores: sums, or after the last step the epilogue's values."""
        f, s, types, cells = self.f, self.schedule, self.schedule.types, tile.cells
        # An output of the sums' type holds them between depth blocks, without memory of their own.
        sums, sum_place = self.waiting_sums() if s.sums_apart else (c, place)
        if s.steps != 1:
            acc = self.with_earlier(
                acc, sums, [sum_place(i, j) for i, j in cells], [masks[j] for _, j in cells]
            )

        def put(values, p, where, element):
            # By rows, so that a ragged tile tests once for a row and not for each vector.
            for i in sorted({i for i, _ in cells}):

                def row(i=i):
                    for x, (q, j) in zip(values, cells, strict=True):
                        if q == i:
                            store_as(f, x, p, where(i, j), element, masks[j])

                exists = tile.row_exists(i)
                f.when(True if exists is None else exists, row)

        def final():
            if self.has_long_epilogue:
                self.finish_rows(acc, c, masks)
                return
            put(final_values(f, self.epilogue, tile, list(acc), f.partial), c, place, types.output)

        if s.steps == 1:
            final()
        else:
            f.when(f.final, final, lambda: put(acc, sums, sum_place, types.total))

    def with_earlier(
        self, sums: list[Val], waiting: Val, places: list[Val], masks: list[Val | None]
    ) -> list[Val]:
        """The sums, with those of earlier steps that wait at `places` added to them."""
        f, vector = self.f, vec(self.schedule.types.total, self.schedule.lanes)
        earlier = lambda: [
            x + f.load(waiting, place, vector, mask)
            for x, place, mask in zip(sums, places, masks, strict=True)
        ]
        return list(f.when(f.first, lambda: sums, earlier))

    @property
    def has_long_epilogue(self) -> bool:
        cells = self.rows * self.schedule.nv
        return self.rows > 1 and self.epilogue.work * cells > LONG

    def finish_rows(self, acc: list[Val], c: Val, masks: list[Val | None]) -> None:
        """Stores the epilogue's values in a loop over rows: LLVM's compile time grows with the length of the code."""
        f, s = self.f, self.schedule
        # A loop cannot index registers: the sums of a row are read back from memory.
        sums = f.alloca(s.types.total, s.lanes * len(acc))
        for number, x in enumerate(acc):
            f.store(x, sums, s.lanes * number)
        width = s.lanes * len(masks)
        # The tile's statistics wait in registers, and are added to the task's after the last row.
        totals = zeros(f, self.epilogue.sums * len(masks), vec(F32, s.lanes))

        def row(i: Val, tile: RegisterTile, start: Val, *totals: Val) -> list[Val]:
            values = self.epilogue.apply(f, tile, self.row_of(sums, i, width, masks))
            self.store_row(values, c, start, masks)
            own = self.epilogue.totals(tile, values)
            return [x + y for x, y in zip(totals, own, strict=True)]

        totals = self.each_row(masks, row, *totals)
        self.epilogue.accumulate(f, self.tile_of_row(f.i64(0), masks), totals, f.partial)

    def each_row(self, masks: list[Val | None], write: Callable, *carried: Val) -> list[Val]:
        """Writes a loop over the existing rows, with write(i, tile of the row, offset of the row in the tile, *carried values), which returns the next carried values."""
        f, s = self.f, self.schedule
        stride = value(f, s.gemm.row)

        def row(i: Val, *carried: Val) -> Any:
            start = times(f, i, stride)
            return write(i, self.tile_of_row(start, masks), start, *carried)

        end = f.min(f.left, self.rows) if self.ragged else self.rows
        return list(f.loop(f.i64(0), end, 1, row, *carried) or [])

    def tile_of_row(self, start: Val, masks: list[Val | None]) -> RegisterTile:
        """The tile of the row that starts at this offset in the whole tile."""
        f, s = self.f, self.schedule
        return RegisterTile(
            f, [(0, j) for j in range(len(masks))], lambda _, j: f.out + start + s.lanes * j,
            lambda j: f.col + s.lanes * j, lambda j: masks[j], value(f, s.gemm.n), FIRST_SIZE + s.gemm.sizes,
        )  # fmt: skip

    def row_of(self, sums: Val, i: Val, width: int, masks: list[Val | None]) -> list[Val]:
        """The vectors of row i of sums in memory."""
        vector = vec(self.schedule.types.total, self.schedule.lanes)
        at = lambda j: i * width + self.schedule.lanes * j
        return [self.f.load(sums, at(j), vector) for j in range(len(masks))]

    def store_results(
        self, tile: RegisterTile, sums: list[Val], c: Val, start: Val, masks: list[Val | None]
    ) -> None:
        """Stores the epilogue's values of one row."""
        values = final_values(self.f, self.epilogue, tile, sums, self.f.partial)
        self.store_row(values, c, start, masks)

    def store_row(self, values: list[Val], c: Val, start: Val, masks: list[Val | None]) -> None:
        """Stores the values of the row that starts at this offset in the whole tile."""
        s = self.schedule
        for j, x in enumerate(values):
            store_as(self.f, x, c, start + s.lanes * j, s.types.output, masks[j])

    def waiting_sums(self) -> tuple[Val, Callable]:
        """The address of the tile's sums in scratch memory, and a function for the offset of each vector."""
        f, s = self.f, self.schedule
        sums = f.at(f.load(f.ctx, SCRATCH, PTR), f.apart, s.types.total)
        width = value(f, s.gemm.n)
        row = lambda i: f.min(f.left - 1, i) if self.ragged and i else i
        return sums, lambda i, j: times(f, row(i), width) + s.lanes * j


class MatrixTile(Tile):
    """A tile of up to two by two matrix registers of sums; its rows are finished from memory, one after the other."""

    def write(self) -> None:
        f, s = self.f, self.schedule
        masks = self.masks()
        c = f.at(f.load(f.ctx, OUTPUT, PTR), f.out, s.types.output)
        width = s.nr
        sums = f.alloca(s.types.total, s.mr * width)
        self.multiply(sums)
        waiting, _ = self.waiting_sums() if s.sums_apart else (c, None)
        between = value(f, s.gemm.n if s.sums_apart else s.gemm.row)

        def finish(i: Val, tile: RegisterTile, start: Val) -> None:
            own = self.row_of(sums, i, width, masks)
            if s.steps == 1:
                self.store_results(tile, own, c, start, masks)
                return
            at = [times(f, i, between) + s.lanes * j for j in range(len(masks))]
            all_sums = self.with_earlier(own, waiting, at, masks)

            def put() -> None:
                for x, here, mask in zip(all_sums, at, masks, strict=True):
                    f.store(x, waiting, here, mask)

            f.when(f.final, lambda: self.store_results(tile, all_sums, c, start, masks), put)

        self.each_row(masks, finish)

    def multiply(self, sums: Val) -> None:
        """Stores the sums over the depth block at `sums`."""
        f, s, total = self.f, self.schedule, self.schedule.types.total
        registers = matrix_registers(f, total, s.gemm.group)
        block = RegisterBlock(registers, ceil_divide(self.rows, SIDE), s.nr // SIDE)
        stride = s.row_of_left
        if s.left.place is Place.IN_PLACE and isinstance(s.gemm.left, Matrix):
            stride = value(f, s.gemm.left.cross)
        if s.begins:
            block.begin_with(f.at(f.b, s.start_of_sums, total))
        else:
            block.begin()

        def step(t: Val) -> None:
            lefts = [
                f.at(f.a, times(f, stride, SIDE * i) + t * SIDE, total) for i in range(block.down)
            ]
            rights = [f.at(f.b, t * (SIDE * s.nr) + SIDE * j, total) for j in range(block.across)]
            block.multiply(lefts, stride, rights, s.nr)

        depth = product(s.gemm.k) if s.steps == 1 else f.depth
        f.loop(f.i64(0), ceil_divide(depth, SIDE), 1, step)
        block.store(sums, s.nr, SIDE * s.nr)
