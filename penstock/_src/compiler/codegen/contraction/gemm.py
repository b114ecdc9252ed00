"""C = epilogue(A B) over strided operands: any transposes, batched, ragged everywhere.

    blocks of the depth (KC)   A's rows packed once by all threads into panels of `mr` rows (or read in place)
      tasks (MC x NC)          each packs its own block of B into panels of `nr` columns, which stay in L2
        panels of A            in L1
          panels of B          a register tile: mr rows x nv vectors

Measured (2 cores Zen5, Nov 2026): KC 384, NC 256; k is hardly worth unrolling; A is read in place when its rows do
not crowd a few cache sets; a tile that divides the output costs half the code.
"""

from __future__ import annotations

from dataclasses import dataclass

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
    Prologue,
    Sizes,
    Stage,
    Tile,
    round_up,
)  # fmt: skip
from penstock._src.native import Code, Module, Target, Val
from penstock._src.native.language.function import Fn
from penstock._src.native.language.types import I1, I64, PTR, SIZE, vec

from .extents import HOST, Arg, Extent, ceil_divide, is_static, number, product, unravel, value
from .gathered import Gathered
from .pack import pack_across, pack_along, pack_single, room
from .tile import Types, accumulate, cover, store_as, times, word, zeros

TYPICAL_ROWS, TYPICAL_COLUMNS = 128, 256  # the schedule of a run-time extent is chosen for these
DEPTH_BLOCK, WIDE_DEPTH_BLOCK = 384, 192
COLUMN_BLOCK, WIDE_COLUMN_BLOCK = 256, 1024


@dataclass(frozen=True)
class Matrix:
    """An operand: element (batch, cross, depth) lies at base + the sum of index times stride.

    `cross` is the row of A or the column of B; several `depth` strides go with several extents of k.
    """

    element: str
    cross: Extent
    depth: tuple[Extent, ...]
    batch: tuple[Extent, ...] = ()
    base: Extent = 0


@dataclass(frozen=True)
class Gemm:
    """A product: extents and operands. The output's columns are contiguous; `row`, `batch_out` are its strides.

    `sizes` is how many run-time sizes the Args number.
    """

    m: Extent
    n: Extent
    k: tuple[Extent, ...]
    left: Matrix | Gathered
    right: Matrix | Gathered
    types: Types
    row: Extent
    batch: tuple[Extent, ...] = ()
    batch_out: tuple[Extent, ...] = ()
    sizes: int = 0

    @property
    def depth(self) -> Extent:
        """All of k if that is one number, or any Arg if it is only known at run time."""
        return (
            product(self.k)
            if all(map(is_static, self.k))
            else next(x for x in self.k if not is_static(x))
        )


def emit_gemm(
    gemm: Gemm,
    target: Target,
    threads: int,
    epilogue: Epilogue = PLAIN,
    left_prologue: Prologue | None = None,
    right_prologue: Prologue | None = None,
) -> KernelCode:
    """Writes the kernel of a product."""
    return _Emitter(gemm, target, threads, epilogue, left_prologue, right_prologue).emit()


def crowds_no_sets(stride: int, rows: int, size: int) -> bool:
    """May rows so far apart (in elements) be read where they are?  Not if they crowd a few sets of the L1."""
    lines: dict[int, int] = {}
    for r in range(rows):
        line = r * stride * size // 64 % 64
        lines[line] = lines.get(line, 0) + 1
    return stride * size <= 4096 and max(lines.values()) <= 8


class _Emitter:
    def __init__(self, gemm, target, threads, epilogue, left_prologue, right_prologue):
        self.g, self.target, self.threads = gemm, target, threads
        self.epilogue, self.heads = epilogue, (left_prologue, right_prologue)
        self.types, self.lanes = gemm.types, target.lanes(gemm.types.total)
        self.size = SIZE[self.types.total]
        self.module = Module(target)
        self.operands = FIRST_SIZE + gemm.sizes
        self.choose()

    # -- the schedule
    def choose(self):
        g, n_lanes = self.g, self.lanes
        m = g.m if is_static(g.m) else TYPICAL_ROWS
        n = g.n if is_static(g.n) else TYPICAL_COLUMNS
        self.mr, self.nv = cover(m, n, self.target, n_lanes)
        self.nr = self.nv * n_lanes
        self.static_k = all(map(is_static, g.k))
        depth = product(g.k) if self.static_k else DEPTH_BLOCK
        wide = m <= 64 and n >= 1024  # B is read once: long pieces of its rows
        block = WIDE_DEPTH_BLOCK if wide else DEPTH_BLOCK
        if self.static_k:
            blocks = max(1, ceil_divide(depth, block))
            self.kc = max(1, min(depth, round_up(ceil_divide(depth, blocks), 4)))
            self.steps = max(1, ceil_divide(depth, self.kc))
        else:
            self.kc, self.steps = block, None
        self.direct_a, self.direct_b = self.reads_left_in_place(n), self.reads_right_in_place(m)
        self.nc = max(self.nr, (WIDE_COLUMN_BLOCK if wide else COLUMN_BLOCK) // self.nr * self.nr)
        if is_static(g.n):
            self.nc = min(self.nc, round_up(max(1, g.n), self.nr))
        self.small = max(1, int(2e6 / (2 * self.nc * self.kc)))  # rows of some 8 µs of work
        self.pa = room(self.mr, self.kc, n_lanes)
        self.pb = room(self.nr, self.kc, n_lanes)
        # sums of several blocks wait in the output, or in scratch if that has another type
        self.sums_apart = self.types.output != self.types.total and self.steps != 1

    def reads_left_in_place(self, n: int) -> bool:
        g, a = self.g, self.g.left
        if isinstance(a, Gathered) or self.heads[0] or len(g.k) != 1 or not is_static(a.cross):
            return False
        if is_static(g.m) and g.m <= 4:
            return True
        return a.depth[0] == 1 and n <= 1024 and crowds_no_sets(a.cross, self.mr, SIZE[a.element])

    def reads_right_in_place(self, m: int) -> bool:
        g, b = self.g, self.g.right
        if (
            isinstance(b, Gathered)
            or self.heads[1]
            or len(g.k) != 1
            or b.cross != 1
            or not is_static(g.n)
            or not is_static(b.depth[0])
        ):
            return False
        if m <= 2 * self.mr and is_static(g.m):
            return True
        return g.n % self.lanes == 0 and g.n * self.kc * SIZE[b.element] <= 64 << 10

    # formulas of the host and of kernels alike: `ops` has min and max, extents are ints or values
    def row_block(self, ops, m, batches, n):
        """Rows of a task: enough tasks to share out, none too small."""
        columns = ceil_divide(n, self.nc)
        want = (
            ops.max(1, ceil_divide(4 * self.threads, ops.max(1, columns * batches)))
            if self.threads > 1
            else 1
        )
        rows = ops.max(ceil_divide(m, want), self.small)
        return ceil_divide(ops.max(1, ops.min(rows, m)), self.mr) * self.mr

    def steps_of(self, sizes: Sizes) -> int:
        return self.steps or max(
            1, ceil_divide(product(number(k, sizes) for k in self.g.k), self.kc)
        )

    # -- what the host computes
    def stages(self, sizes: Sizes) -> list[Stage]:
        found = []
        for step in range(self.steps_of(sizes)):
            if not self.direct_a:
                found.append(Stage("pack_a", self.panels_a, step))
            found.append(Stage("task", self.tasks, step))
        return found

    def batches(self, sizes: Sizes) -> int:
        return product(number(b, sizes) for b in self.g.batch)

    def panels_a(self, sizes: Sizes) -> int:
        if number(self.g.n, sizes) == 0:
            return 0
        return self.batches(sizes) * ceil_divide(number(self.g.m, sizes), self.mr)

    def tasks(self, sizes: Sizes) -> int:
        m, n, batches = number(self.g.m, sizes), number(self.g.n, sizes), self.batches(sizes)
        if 0 in (m, n, batches):
            return 0
        return (
            batches * ceil_divide(m, self.row_block(HOST, m, batches, n)) * ceil_divide(n, self.nc)
        )

    def layout(self, sizes: Sizes) -> tuple[int, int, int]:
        """Elements of scratch: packed A, packed B (of all threads), sums kept apart."""
        a = 0 if self.direct_a else self.panels_a(sizes) * self.pa
        b = 0 if self.direct_b else self.threads * self.block_b
        m, n = number(self.g.m, sizes), number(self.g.n, sizes)
        return a, b, self.batches(sizes) * m * n if self.sums_apart else 0

    @property
    def block_b(self) -> int:
        return self.nc // self.nr * self.pb

    def scratch(self, sizes: Sizes) -> int:
        return sum(self.layout(sizes)) * self.size + 64

    def emit(self) -> KernelCode:
        self.emit_tiles()
        if not self.direct_a:
            self.emit_pack_a()
        self.emit_task()
        bytes_each = self.epilogue.partial_bytes
        return KernelCode(
            code=Code.of(self.module),
            sizes=self.g.sizes,
            stages=self.stages,
            scratch=self.scratch,
            threads=self.threads,
            partials=(lambda sizes: (self.tasks(sizes), bytes_each)) if bytes_each else None,
            in_place=self.steps == 1,
            label=f"gemm {self.mr}x{self.nr}",
            facts={"in place": (self.direct_a, self.direct_b), "kc": self.kc, "nc": self.nc},
        )

    # -- in the kernel
    def start(self, f: Fn):
        """Loads what every function needs."""
        g = self.g
        self.a, self.b, self.c, self.scr = (
            f.load(f.ctx, i, PTR) for i in (LEFT, RIGHT, OUTPUT, SCRATCH)
        )
        self.m, self.n = value(f, g.m), value(f, g.n)
        self.ks = [value(f, k) for k in g.k]
        self.batch = [value(f, b) for b in g.batch]
        self.step = f.load(f.ctx, STEP, I64)
        total = product(self.ks)
        if self.steps == 1:
            self.k0, self.depth = 0, total
        else:
            self.k0 = self.step * self.kc
            whole = isinstance(total, int) and total % self.kc == 0
            self.depth = self.kc if whole else f.max(0, f.min(total - self.k0, self.kc))
        self.panel_count = ceil_divide(self.m, self.mr)

    def batch_offset(self, f: Fn, coordinates, strides):
        total = 0
        for i, s in zip(coordinates, strides, strict=True):
            if s != 0:
                total = times(f, i, value(f, s)) + total
        return total

    def base(self, f: Fn, matrix: Matrix | Gathered, coordinates):
        """Where an operand begins for a batch; of a gathered one, the batch's coordinates."""
        if isinstance(matrix, Gathered):
            return coordinates
        return value(f, matrix.base) + word(f, self.batch_offset(f, coordinates, matrix.batch))

    def expression(self, f: Fn, side: int):
        """The prologue of an operand, as packing wants it."""
        head = self.heads[side]
        if head is None:
            return None
        first = self.operands + self.epilogue.operand_count
        if side and self.heads[0]:
            first += self.heads[0].operand_count
        head.prepare(f, lambda k, ty=PTR: f.load(f.ctx, first + k, ty))
        return lambda v, offset, mask: head.apply(f, v, offset, None, mask)

    def pack(self, f: Fn, side: int, base, first, width: int, count, dst: Val):
        """One panel: `width` rows or columns of an operand from `first` on, over this step's depth."""
        matrix = (self.g.left, self.g.right)[side]
        pointer = (self.a, self.b)[side]
        common = matrix.element, self.types.total
        expression = self.expressions[side]
        if isinstance(matrix, Gathered):
            place = lambda c, k: matrix.place(f, base, word(f, c) + first, word(f, k) + self.k0)
            pack_single(
                f, pointer, place, width, count, self.depth, dst, width, *common, expression
            )
            return
        cross = value(f, matrix.cross)
        start = word(f, times(f, first, cross) + base)
        if len(self.g.k) == 1:
            along = value(f, matrix.depth[0])
            if self.steps != 1:
                start = word(f, times(f, self.k0, along) + start)
            if matrix.depth[0] == 1:
                pack_across(
                    f,
                    pointer,
                    start,
                    cross,
                    width,
                    count,
                    self.depth,
                    dst,
                    width,
                    *common,
                    self.lanes,
                    expression,
                )
                return
        strides = [value(f, s) for s in matrix.depth]

        def along(k):
            if len(strides) == 1:
                return times(f, k, strides[0])
            steps = zip(unravel(f, f.i64(k) + self.k0, self.ks), strides, strict=True)
            return sum((times(f, i, s) for i, s in steps), start=0)

        if matrix.cross == 1:
            pack_along(
                f,
                pointer,
                start,
                along,
                width,
                count,
                self.depth,
                dst,
                width,
                *common,
                self.lanes,
                expression,
            )
            return
        place = lambda c, k: (word(f, times(f, c, cross)) + start + along(k), None)
        pack_single(f, pointer, place, width, count, self.depth, dst, width, *common, expression)

    def emit_pack_a(self):
        with self.module.task("pack_a") as f:
            self.start(f)
            self.expressions = [self.expression(f, 0), None]
            panel = f.task % self.panel_count
            coordinates = unravel(f, f.task // self.panel_count, self.batch)
            first = panel * self.mr
            dst = f.at(self.scr, f.task * self.pa, self.types.total)
            self.pack(
                f, 0, self.base(f, self.g.left, coordinates), first, self.mr, self.m - first, dst
            )

    def emit_task(self):
        g = self.g
        with self.module.task("task") as f:
            self.start(f)
            self.expressions = [None, self.expression(f, 1)]
            batches = product(self.batch)
            mc = self.row_block(f, self.m, batches, self.n)
            row_blocks, column_blocks = ceil_divide(self.m, mc), ceil_divide(self.n, self.nc)
            area = row_blocks * column_blocks
            bt, t = f.task // area, f.task % area
            i0, j0 = word(f, t // column_blocks) * mc, word(f, t % column_blocks) * self.nc
            i1, j1 = f.min(i0 + mc, self.m), f.min(word(f, j0) + self.nc, self.n)
            coordinates = unravel(f, bt, self.batch)
            base_a, base_b = (self.base(f, x, coordinates) for x in (g.left, g.right))
            out0 = self.batch_offset(f, coordinates, g.batch_out)
            packed_a = 0 if self.direct_a else product((batches, self.panel_count)) * self.pa
            packed_b = f.at(self.scr, word(f, packed_a) + f.tid * self.block_b, self.types.total)
            sums = word(f, packed_a) + (0 if self.direct_b else self.threads * self.block_b)
            partial = f.load(f.ctx, PARTIALS, PTR)
            if self.epilogue.partial_bytes:
                partial = f.at(partial, f.task * self.epilogue.partial_bytes)
                first = self.step.eq(0) if self.steps != 1 else True
                f.when(first, lambda: self.epilogue.clear(f, partial))
            if not self.direct_b:
                self.pack_block_of_b(f, base_b, j0, j1, packed_b)
            last_step = self.steps - 1 if self.steps else ceil_divide(product(self.ks), self.kc) - 1
            last_step = f.max(0, last_step)
            row = value(f, g.row)

            def one(i, j, name: str, rows_left, columns_left):
                if self.direct_a:
                    at = times(f, i, value(f, g.left.cross)) + base_a
                    at = times(f, self.k0, value(f, g.left.depth[0])) + word(f, at)
                    pa = f.at(self.a, at, g.left.element)
                else:
                    panel = word(f, bt) * self.panel_count + word(f, i) // self.mr
                    pa = f.at(self.scr, panel * self.pa, self.types.total)
                if self.direct_b:
                    at = times(f, self.k0, value(f, g.right.depth[0])) + (word(f, j) + base_b)
                    pb = f.at(self.b, at, g.right.element)
                else:
                    pb = f.at(packed_b, (word(f, j) - j0) // self.nr * self.pb, self.types.total)
                out = word(f, times(f, word(f, i), row)) + out0 + j
                apart = (
                    sums + ((word(f, bt) * self.m + i) * self.n + j)
                    if self.sums_apart
                    else f.i64(0)
                )
                f.call(
                    name, pa, pb, f.ctx, partial, word(f, out), word(f, j), word(f, self.depth),
                    self.step.eq(0), self.step.eq(last_step), word(f, rows_left), word(f, columns_left), word(f, apart),
                )  # fmt: skip

            self.sweep(f, i0, i1, j0, j1, one)

    def pack_block_of_b(self, f: Fn, base_b, j0, j1, packed_b: Val):
        g, n = self.g, self.lanes
        panel = lambda j: f.at(packed_b, (j - j0) // self.nr * self.pb, self.types.total)
        if isinstance(g.right, Matrix) and g.right.cross == 1 and len(g.k) == 1:
            # along the rows of B: a walk down its columns would crowd cache sets and miss in the TLB every time
            along = value(f, g.right.depth[0])
            ragged = not is_static(g.n) or g.n % self.nr

            def row(k):
                start = word(f, times(f, k + self.k0, along) + base_b)
                ahead = word(f, times(f, 4, along) + start)

                def piece(j):
                    dst = f.at(panel(j), k * self.nr, self.types.total)
                    for v in range(self.nv):
                        mask = f.mask(n, (self.n - n * v) - j) if ragged else None
                        f.prefetch(self.b, ahead + j + n * v, g.right.element)
                        at = start + j + n * v
                        x = f.convert(
                            f.load(self.b, at, vec(g.right.element, n), mask), self.types.total
                        )
                        x = self.expressions[1](x, at, mask) if self.expressions[1] else x
                        f.store(x, dst, n * v)

                f.loop(j0, j1, self.nr, piece)

            f.loop(f.i64(0), self.depth, 1, row)
            return
        f.loop(
            j0,
            j1,
            self.nr,
            lambda j: self.pack(f, 1, base_b, j, self.nr, word(f, self.n) - j, panel(j)),
        )

    def sweep(self, f: Fn, i0, i1, j0, j1, one):
        """Calls one(i, j, tile, rows left, columns left) for every tile of a task's block."""
        g = self.g
        column_edge = not is_static(g.n) or g.n % self.nr

        def row_of_tiles(i, r: int, ragged: bool):
            left = i1 - i if ragged else r
            jw = word(f, j0) + (j1 - j0) // self.nr * self.nr if column_edge else j1
            f.loop(
                j0, jw, self.nr, lambda j: one(i, j, self.tiles[r, ragged, False], left, self.nr)
            )
            if column_edge:
                f.when(jw < j1, lambda: one(i, jw, self.tiles[r, ragged, True], left, j1 - jw))

        iw = word(f, i0) + (i1 - i0) // self.mr * self.mr
        f.loop(i0, iw, self.mr, lambda i: row_of_tiles(i, self.mr, False))
        if not is_static(g.m):
            f.when(iw < i1, lambda: row_of_tiles(iw, self.mr, True))
        elif g.m % self.mr:
            f.when(iw < i1, lambda: row_of_tiles(iw, g.m % self.mr, False))

    # -- tiles
    def emit_tiles(self):
        g = self.g
        rows = [(self.mr, False)]
        if not is_static(g.m):
            rows.append((self.mr, True))
        elif g.m % self.mr:
            rows.append((g.m % self.mr, False))
        edges = [False, True] if not is_static(g.n) or g.n % self.nr else [False]
        if is_static(g.n) and 0 < g.n < self.nr:
            edges = [True]
        self.tiles = {
            (r, ragged, edge): self.emit_tile(r, ragged, edge)
            for r, ragged in rows
            for edge in edges
        }
        for r, ragged in rows:  # never called, but named
            self.tiles.setdefault((r, ragged, False), self.tiles[r, ragged, edges[0]])

    def emit_tile(self, r: int, ragged: bool, edge: bool) -> str:
        """C tile (+)= A panel x B panel over the step's depth, with the epilogue after the last step."""
        g, n, types = self.g, self.lanes, self.types
        name = f"tile_{r}{'r' if ragged else ''}{'e' if edge else ''}"
        args = dict(
            a=PTR,
            b=PTR,
            ctx=PTR,
            partial=PTR,
            out=I64,
            col=I64,
            depth=I64,
            first=I1,
            final=I1,
            left=I64,
            cols=I64,
            apart=I64,
        )
        with self.module.fn(name, internal=True, noalias=False, **args) as f:
            nv = ceil_divide(g.n % self.nr, n) if edge and is_static(g.n) else self.nv
            masks = [None] * nv
            if edge and is_static(g.n):
                masks[-1] = f.mask(n, g.n % n) if g.n % n else None
            elif edge:
                masks = [f.mask(n, f.cols - n * j) for j in range(nv)]
            row = [f.min(f.left - 1, i) if ragged and i else i for i in range(r)]
            stride = value(f, g.row)
            place = lambda i, j: times(f, row[i], stride) + n * j
            cells = [(i, j) for i in range(r) for j in range(nv)]
            tile = Tile(
                f, cells, lambda i, j: f.out + place(i, j), lambda j: f.col + n * j, lambda j: masks[j],
                value(f, g.n), self.operands, (lambda i: f.left > i if i else None) if ragged else (lambda i: None),
            )  # fmt: skip
            c = f.at(f.load(f.ctx, OUTPUT, PTR), f.out, types.output)
            for i, j in cells:
                f.prefetch(c, place(i, j), types.output)
            self.epilogue.prefetch(f, tile)
            if self.direct_a:
                cross = value(f, g.left.cross)
                rows, sa, a_type = (
                    [times(f, x, cross) for x in row],
                    value(f, g.left.depth[0]),
                    g.left.element,
                )
            else:
                rows, sa, a_type = list(range(r)), self.mr, types.total
            sb, b_type = (
                (value(f, g.right.depth[0]), g.right.element)
                if self.direct_b
                else (self.nr, types.total)
            )
            depth = product(g.k) if self.static_k and self.steps == 1 else f.depth
            acc = accumulate(
                f, types, rows, nv, [(depth, sa, sb)], f.a, f.b, zeros(f, r * nv, vec(types.total, n)),
                masks if self.direct_b else None, a_type, b_type,
            )  # fmt: skip
            self.finish(f, tile, acc, c, place, masks, ragged)
        return name

    def finish(self, f: Fn, tile: Tile, acc: list[Val], c: Val, place, masks, ragged: bool):
        """Adds what earlier steps left, and stores: sums, or after the last step the epilogue's values."""
        types, n, cells = self.types, self.lanes, tile.cells
        vector = vec(types.total, n)
        if self.sums_apart:
            sums = f.at(f.load(f.ctx, SCRATCH, PTR), f.apart, types.total)
            width = value(f, self.g.n)
            sum_place = lambda i, j: (
                times(f, f.min(f.left - 1, i) if ragged and i else i, width) + n * j
            )
        else:
            sums, sum_place = c, place
        if self.steps != 1:
            earlier = lambda: [
                x + f.load(sums, sum_place(i, j), vector, masks[j])
                for x, (i, j) in zip(acc, cells, strict=True)
            ]
            acc = f.when(f.first, lambda: acc, earlier)

        def put(values, p, where, element):
            for i in sorted({i for i, _ in cells}):

                def row(i=i):
                    for x, (q, j) in zip(values, cells, strict=True):
                        if q == i:
                            store_as(f, x, p, where(i, j), element, masks[j])

                exists = tile.row_exists(i)
                f.when(True if exists is None else exists, row)

        def final():
            values = self.epilogue.apply(f, tile, list(acc))
            if self.epilogue.partial_bytes:
                self.epilogue.accumulate(f, tile, values, f.partial)
            put(values, c, place, types.output)

        if self.steps == 1:
            final()
        else:
            f.when(f.final, final, lambda: put(acc, sums, sum_place, types.total))


__all__ = ["Arg", "Gemm", "Matrix", "emit_gemm"]
