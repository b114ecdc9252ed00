"""A product's kernel: its tiles, its packing, and its tasks."""

from functools import partial
from typing import Any

from penstock._src.compiler.codegen.contraction.extents import (
    ceil_divide,
    is_static,
    product,
    unravel,
    value,
)
from penstock._src.compiler.codegen.contraction.tile import accumulate, store_as, times, word, zeros
from penstock._src.compiler.codegen.kernel_code import (
    OUTPUT,
    PARTIALS,
    SCRATCH,
    KernelCode,
    RegisterTile,
)
from penstock._src.native import Code, NamedCode, Val
from penstock._src.native.language.function import Fn
from penstock._src.native.language.types import I1, I64, PTR, vec
from penstock._src.native.process.interrupts import unless_dropped

from .description import Matrix
from .packing import GemmPacking
from .pairs import multiplication


class GemmKernel(GemmPacking):
    """Writes the functions of a product's kernel."""

    def write(self) -> Code:
        """Writes the text."""
        self.emit_tiles()
        if self.shared_a or self.shared_b:
            self.emit_pack()
        if self.prepacked_b:
            self.emit_prepack()
        self.emit_task()
        return Code.of(self.module)

    def emit(self) -> KernelCode:
        return KernelCode(
            code=NamedCode(self.target, self.write),
            sizes=self.g.sizes,
            stages=self.stages,
            scratch=self.scratch,
            threads=self.threads,
            partials=lambda sizes: (self.tasks(sizes), self.epilogue.partial_bytes),
            in_place=self.steps == 1,
            label=f"gemm {self.mr}x{self.nr}",
            prepacked_bytes=self.prepacked_bytes,
            facts={
                "cut": self.cut,
                "A": "in place" if self.direct_a else "of a task" if self.own_a else "shared",
                "B": self.where_b,
                "kc": self.kc,
                "nc": self.nc,
                "group": self.g.group,
            },
        )

    @property
    def where_b(self) -> str:
        """Where tiles read B, for reports."""
        if self.direct_b:
            return "in place"
        return "prepacked" if self.prepacked_b else "of a task" if self.own_b else "shared"

    def emit_task(self):
        """A task: a block of rows and columns of one batch, through the depth blocks of a group."""
        g = self.g
        with self.module.task("task") as f:
            self.start(f)
            mc = self.row_block(f, self.m, self.batches_here, self.n)
            row_blocks, column_blocks = ceil_divide(self.m, mc), ceil_divide(self.n, self.nc)
            area = row_blocks * column_blocks
            bt, t = f.task // area, f.task % area
            i0, j0 = word(f, t // column_blocks) * mc, word(f, t % column_blocks) * self.nc
            i1, j1 = f.min(i0 + mc, self.m), f.min(word(f, j0) + self.nc, self.n)
            coordinates = unravel(f, bt, self.batch)
            base_a, base_b = (self.base(f, x, coordinates) for x in (g.left, g.right))
            out0 = self.batch_offset(f, coordinates, g.batch_out)
            own = self.own_at + f.tid * (self.block_b + self.block_a)
            packed_b = f.at(self.scr, own, self.types.total)
            packed_a = f.at(packed_b, self.block_b, self.types.total)
            sums = f.load(f.ctx, PARTIALS, PTR)
            if self.epilogue.partial_bytes:
                sums = f.at(sums, f.task * self.epilogue.partial_bytes)
                first = True if self.steps == 1 else self.first_step.eq(0)
                f.when(first, lambda: self.epilogue.clear(f, sums))
            last = (
                self.steps - 1
                if self.steps
                else f.max(0, ceil_divide(product(self.ks), self.kc) - 1)
            )
            row = value(f, g.row)

            def depth_block(block):
                step = word(f, block) + self.first_step
                self.at_step(f, step)
                if self.own_b:
                    self.pack_panels(f, 1, base_b, j0, f.i64(j1) - j0, packed_b)

                def one(first, i, j, name: str, rows_left, columns_left):
                    pa = self.rows_of_a(f, block, bt, i, first, base_a, packed_a)
                    pb = self.columns_of_b(f, block, step, j, j0, base_b, packed_b)
                    out = word(f, times(f, word(f, i), row)) + out0 + j
                    apart = (word(f, bt) * self.m + i) * self.n + j if self.sums_apart else f.i64(0)
                    f.call(
                        name, pa, pb, f.ctx, sums, word(f, out), word(f, j), word(f, self.depth), step.eq(0),
                        step.eq(last), word(f, rows_left), word(f, columns_left), word(f, apart),
                    )  # fmt: skip

                def rows_from(i):
                    end = f.min(f.i64(i1), i + self.rows_at_once)
                    self.pack_panels(f, 0, base_a, i, end - i, packed_a)
                    self.sweep(f, i, end, j0, j1, partial(one, i))

                if self.own_a:
                    f.loop(i0, i1, self.rows_at_once, rows_from)
                else:
                    self.sweep(f, i0, i1, j0, j1, partial(one, i0))

            def unless_interrupted(block):
                unless_dropped(f, lambda: depth_block(block))

            is_short = is_static(self.count) and self.count == 1
            f.loop(0, self.count, 1, depth_block if is_short else unless_interrupted)

    def rows_of_a(self, f: Fn, block, batch, i, first, base, packed: Val) -> Val:
        """Where a tile reads A from row i on; `first` is the first row of what the task has packed."""
        a: Any = self.g.left
        if self.direct_a:
            at = times(f, i, value(f, a.cross)) + base
            at = times(f, self.k0, value(f, a.depth[0])) + word(f, at)
            return f.at(self.a, at, a.element)
        if self.own_a:
            panel = (word(f, i) - first) // self.mr
            return f.at(packed, panel * self.pa, self.types.total)
        panel = word(f, batch) * self.row_panels + word(f, i) // self.mr
        panel = times(f, block, self.a_panels) + panel
        return f.at(self.scr, self.a_at + panel * self.pa, self.types.total)

    def columns_of_b(self, f: Fn, block, step, j, first, base, packed: Val) -> Val:
        """Where a tile reads B from column j on; `first` is the first column of what the task has packed."""
        b: Any = self.g.right
        total = self.types.total
        if self.direct_b:
            at = times(f, self.k0, value(f, b.depth[0])) + (word(f, j) + base)
            return f.at(self.b, at, b.element)
        if self.prepacked_b:
            panel = step * ceil_divide(self.n, self.nr) + word(f, j) // self.nr
            return f.at(self.b, panel * self.pb, total)
        if self.shared_b:
            panel = times(f, block, self.b_panels) + word(f, j) // self.nr
            return f.at(self.scr, self.b_at + panel * self.pb, total)
        return f.at(packed, (word(f, j) - first) // self.nr * self.pb, total)

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
            tile = RegisterTile(
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
            rows += [None] * self.idle
            vector = vec(types.total, n)
            acc = zeros(f, len(rows) * nv, vector)
            if self.begins:
                acc = [f.load(f.b, self.kc * self.nr + n * j, vector) for j in range(nv)] * r
            acc = accumulate(
                f, types, rows, nv, [(depth, sa, sb)], f.a, f.b, acc,
                masks if self.direct_b else None, a_type, b_type,
                multiply=multiplication(g), idle=g.zero,
            )  # fmt: skip
            if self.idle:
                of_zero = acc[r * nv :] * r
                acc = [x - y for x, y in zip(acc[: r * nv], of_zero, strict=True)]
            self.finish(f, tile, acc, c, place, masks, ragged)
        return name

    def finish(self, f: Fn, tile: RegisterTile, acc: list[Val], c: Val, place, masks, ragged: bool):
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
