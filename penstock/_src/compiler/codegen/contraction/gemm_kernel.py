"""A product's kernel: its tiles, its packing, and its tasks."""

from __future__ import annotations

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
    Tile,
)  # fmt: skip
from penstock._src.native import Code, Module, Target, Val
from penstock._src.native.language.function import Fn
from penstock._src.native.language.types import I1, I64, PTR, vec

from .extents import ceil_divide, is_static, product, unravel, value
from .gathered import Gathered
from .gemm_schedule import STEP_BITS, Gemm, Matrix, Schedule
from .pack import pack_across, pack_along, pack_single
from .tile import accumulate, store_as, times, word, zeros


class GemmKernel(Schedule):
    """Writes the functions of a product's kernel."""

    def __init__(self, gemm: Gemm, target: Target, threads: int, epilogue: Epilogue, heads: tuple):
        super().__init__(gemm, target, threads, heads)
        self.epilogue = epilogue
        self.module = Module(target)
        self.operands = FIRST_SIZE + gemm.sizes

    def emit(self) -> KernelCode:
        self.emit_tiles()
        if not self.direct_a or self.shared_b:
            self.emit_pack()
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
            facts={
                "A in place": self.direct_a,
                "B": "in place" if self.direct_b else "shared" if self.shared_b else "of a task",
                "kc": self.kc,
                "nc": self.nc,
            },
        )

    def start(self, f: Fn):
        """Loads what every function needs."""
        g = self.g
        self.a, self.b, self.c, self.scr = (
            f.load(f.ctx, i, PTR) for i in (LEFT, RIGHT, OUTPUT, SCRATCH)
        )
        self.m, self.n = value(f, g.m), value(f, g.n)
        self.ks = [value(f, k) for k in g.k]
        self.batch = [value(f, b) for b in g.batch]
        self.batches_here = product(self.batch)
        step = f.load(f.ctx, STEP, I64)
        self.first_step, self.count = step & ((1 << STEP_BITS) - 1), step >> STEP_BITS
        if self.steps == 1:
            self.first_step, self.count = 0, 1
        # panels of A of one depth block in all batches, and of B
        self.row_panels = ceil_divide(self.m, self.mr)
        self.a_panels = 0 if self.direct_a else word(f, self.row_panels * self.batches_here)
        self.b_panels = ceil_divide(self.n, self.nr)
        # where in the scratch (in elements): sums, then panels of A, then B's
        apart = word(f, self.batches_here * self.m) * self.n if self.sums_apart else 0
        self.a_at = word(f, apart)
        self.b_at = self.a_at + word(f, times(f, self.a_panels, self.count)) * self.pa

    def at_step(self, f: Fn, step):
        """Sets what of the depth block `step`, counted from the whole depth's start, is worked on."""
        total = product(self.ks)
        if self.steps == 1:
            self.k0, self.depth = 0, total
            return
        self.k0 = times(f, step, self.kc)
        whole = self.steps is not None and total % self.kc == 0
        self.depth = self.kc if whole else f.max(0, f.min(total - self.k0, self.kc))

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
            where = pointer, place, width, count, self.depth, dst, width, *common, expression
            pack_single(f, *where, run=self.runs[side])
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

        def along_depth(k):
            if len(strides) == 1:
                return times(f, k, strides[0])
            steps = zip(unravel(f, f.i64(k) + self.k0, self.ks), strides, strict=True)
            return sum((times(f, i, s) for i, s in steps), start=0)

        if matrix.cross == 1:
            pack_along(
                f,
                pointer,
                start,
                along_depth,
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
        place = lambda c, k: (word(f, times(f, c, cross)) + start + along_depth(k), None)
        pack_single(f, pointer, place, width, count, self.depth, dst, width, *common, expression)

    def emit_pack(self):
        """One panel of A or of B for one depth block of the group: a task."""
        g, total = self.g, self.types.total
        with self.module.task("pack") as f:
            self.start(f)
            self.expressions = [self.expression(f, 0), self.expression(f, 1)]
            each = word(f, self.a_panels) + (self.b_panels if self.shared_b else 0)
            block, panel = f.task // each, f.task % each
            self.at_step(f, block + self.first_step)

            def of_a():
                first = word(f, panel % self.row_panels) * self.mr
                coordinates = unravel(f, panel // self.row_panels, self.batch)
                at = self.a_at + (block * self.a_panels + panel) * self.pa
                base = self.base(f, g.left, coordinates)
                self.pack(f, 0, base, first, self.mr, self.m - first, f.at(self.scr, at, total))

            def of_b():
                q = panel - self.a_panels
                at = self.b_at + (block * self.b_panels + q) * self.pb
                base = self.base(f, g.right, [f.i64(0)] * len(self.batch))
                self.pack(
                    f,
                    1,
                    base,
                    q * self.nr,
                    self.nr,
                    self.n - q * self.nr,
                    f.at(self.scr, at, total),
                )

            if self.direct_a:
                of_b()
            elif not self.shared_b:
                of_a()
            else:
                f.when(panel < self.a_panels, of_a, of_b)

    def emit_task(self):
        g = self.g
        with self.module.task("task") as f:
            self.start(f)
            own_b = not self.direct_b and not self.shared_b
            self.expressions = [None, self.expression(f, 1) if own_b else None]
            mc = self.row_block(f, self.m, self.batches_here, self.n)
            row_blocks, column_blocks = ceil_divide(self.m, mc), ceil_divide(self.n, self.nc)
            area = row_blocks * column_blocks
            bt, t = f.task // area, f.task % area
            i0, j0 = word(f, t // column_blocks) * mc, word(f, t % column_blocks) * self.nc
            i1, j1 = f.min(i0 + mc, self.m), f.min(word(f, j0) + self.nc, self.n)
            coordinates = unravel(f, bt, self.batch)
            base_a, base_b = (self.base(f, x, coordinates) for x in (g.left, g.right))
            out0 = self.batch_offset(f, coordinates, g.batch_out)
            packed_b = f.at(self.scr, self.b_at + f.tid * self.block_b, self.types.total)
            partial = f.load(f.ctx, PARTIALS, PTR)
            if self.epilogue.partial_bytes:
                partial = f.at(partial, f.task * self.epilogue.partial_bytes)
                first = True if self.steps == 1 else self.first_step.eq(0)
                f.when(first, lambda: self.epilogue.clear(f, partial))
            last = (
                self.steps - 1
                if self.steps
                else f.max(0, ceil_divide(product(self.ks), self.kc) - 1)
            )
            row = value(f, g.row)

            def depth_block(block):
                step = word(f, block) + self.first_step
                self.at_step(f, step)
                if own_b:
                    self.pack_block_of_b(f, base_b, j0, j1, packed_b)

                def one(i, j, name: str, rows_left, columns_left):
                    if self.direct_a:
                        at = times(f, i, value(f, g.left.cross)) + base_a
                        at = times(f, self.k0, value(f, g.left.depth[0])) + word(f, at)
                        pa = f.at(self.a, at, g.left.element)
                    else:
                        panel = word(f, bt) * self.row_panels + word(f, i) // self.mr
                        panel = times(f, block, self.a_panels) + panel
                        pa = f.at(self.scr, self.a_at + panel * self.pa, self.types.total)
                    if self.direct_b:
                        at = times(f, self.k0, value(f, g.right.depth[0])) + (word(f, j) + base_b)
                        pb = f.at(self.b, at, g.right.element)
                    elif self.shared_b:
                        panel = times(f, block, self.b_panels) + word(f, j) // self.nr
                        pb = f.at(self.scr, self.b_at + panel * self.pb, self.types.total)
                    else:
                        pb = f.at(
                            packed_b, (word(f, j) - j0) // self.nr * self.pb, self.types.total
                        )
                    out = word(f, times(f, word(f, i), row)) + out0 + j
                    apart = (word(f, bt) * self.m + i) * self.n + j if self.sums_apart else f.i64(0)
                    f.call(
                        name, pa, pb, f.ctx, partial, word(f, out), word(f, j), word(f, self.depth), step.eq(0),
                        step.eq(last), word(f, rows_left), word(f, columns_left), word(f, apart),
                    )  # fmt: skip

                self.sweep(f, i0, i1, j0, j1, one)

            f.loop(0, self.count, 1, depth_block)

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
            masks: list[Val | None] = [None] * nv
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
            if self.direct_a and isinstance(g.left, Matrix):
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
