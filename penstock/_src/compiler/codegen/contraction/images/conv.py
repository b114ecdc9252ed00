"""Convolutions as implicit products: forward, and (by phases) the input gradient.

Nothing is unrolled to columns: the register tile broadcasts single elements of the image, and because shapes are
known, the offset of every pixel of a tile is a constant in the instruction.  In NHWC the (column, channel) run under a
window row is contiguous, whatever the stride, so the k loop is just rows of such runs.

The input gradient of a convolution with stride s is s * s dense convolutions of dy, one for each phase of the output,
each over its own taps; in the description it is a convolution whose input is dilated (`Axis.base`).
"""

from dataclasses import replace

from penstock._src.compiler.codegen.contraction.extents import is_static, number, value
from penstock._src.compiler.codegen.contraction.pack import room
from penstock._src.compiler.codegen.contraction.products.pairs import dot_of_pairs
from penstock._src.compiler.codegen.contraction.tile import (
    accumulate,
    compress,
    pick,
    row_groups,
    store_as,
    times,
    word,
    zeros,
)
from penstock._src.compiler.codegen.kernel_code import (
    FIRST_SIZE,
    LEFT,
    OUTPUT,
    PARTIALS,
    PLAIN,
    RIGHT,
    SCRATCH,
    Epilogue,
    KernelCode,
    KernelStage,
    RegisterTile,
    Sizes,
    round_up,
    threads_of_cut,
)  # fmt: skip
from penstock._src.compiler.codegen.processors import processor_of
from penstock._src.native import Code, Module, NamedCode, Target, Val
from penstock._src.native.language.function import Fn
from penstock._src.native.language.types import I1, I64, PTR, SIZE, vec

from .convolution import Convolution, phases
from .pairs import in_pairs
from .weights import pack_tap
from .window import TYPICAL_BATCH, ImageWindow, divisors

LIGHT_WEIGHTS = 256 << 10  # bytes that every block of rows may read again
TASK_WORK = 1e6  # flops of the smallest block of rows


def emit_convolution(
    conv: Convolution,
    target: Target,
    threads: int,
    epilogue: Epilogue = PLAIN,
    part_of: "type[ConvolutionPart] | None" = None,
) -> KernelCode:
    """Writes the kernel of a convolution; `part_of` writes each phase."""
    module = Module(target)
    conv = in_pairs(conv, target)
    if conv.h.base * conv.w.base > 1:  # each phase has weights of its own
        conv = replace(conv, is_prepacked=False)
    parts, before = [], 0
    for i, (phase, output) in enumerate(phases(conv)):
        part = (part_of or ConvolutionPart)(
            f"conv{i}", module, phase, output, conv, target, threads, epilogue, before
        )
        parts.append(part)
        before += part.unit

    def write() -> Code:
        for part in parts:
            part.emit()
        return Code.of(module)

    def stages(sizes: Sizes) -> list[KernelStage]:
        found, at = [], 0
        for part in parts:
            if not part.direct_w:
                found.append(
                    KernelStage(f"{part.name}_pack", part.pack_tasks, 0, at, conv.is_prepacked)
                )
            found.append(KernelStage(f"{part.name}_task", part.tasks, 0, at))
            at += part.scratch_bytes
        return found

    return KernelCode(
        code=NamedCode(target, write),
        sizes=conv.sizes,
        stages=stages,
        scratch=lambda _sizes: sum(part.scratch_bytes for part in parts),
        threads=threads,
        partials=lambda sizes: (sum(p.tasks(sizes) for p in parts), epilogue.partial_bytes),
        in_place=all(part.k_blocks == 1 for part in parts),
        label=f"{parts[0].label} {parts[0].mr}x{parts[0].nr}" if parts else "conv",
        prepacked_bytes=sum(part.weights_bytes for part in parts) if conv.is_prepacked else 0,
        facts={
            "rows": [p.win.rows for p in parts],
            "images": [p.win.images for p in parts],
            "pairs": conv.pairs,
        },
    )


class ConvolutionPart:
    """One dense convolution of a kernel."""

    label = "conv"

    def __init__(self, name, module, conv, phase, whole, target, threads, epilogue, before):
        self.name, self.module, self.c, self.target, self.threads = (
            name,
            module,
            conv,
            target,
            threads,
        )
        self.epilogue, self.before = epilogue, before
        self.cut_for = threads_of_cut(threads, epilogue)
        self.processor = processor_of(target)
        self.types, self.lanes = conv.types, target.lanes(conv.types.total)
        self.size = SIZE[self.types.total]
        self.operands = FIRST_SIZE + conv.sizes
        self.h, self.w = conv.h, conv.w
        y = conv.y
        self.y_first = phase[0] * y.row + phase[1] * y.column + y.base
        self.y_row, self.y_column = whole.h.base * y.row, whole.w.base * y.column
        self.choose()

    def choose(self):
        c, lanes = self.c, self.lanes
        self.depth = self.summands()
        vectors = -(-c.outputs // lanes)
        self.mr, self.nv = self.register_tile(vectors)
        self.nr = self.nv * lanes
        self.step = self.nr  # in packed weights, from a channel to the next
        self.panels = -(-vectors // self.nv)
        batch = c.batch if is_static(c.batch) else TYPICAL_BATCH
        self.win, self.split = self.window(1), 1
        blocks = -(-batch // self.win.images) * self.win.row_blocks * c.groups
        if blocks < 4 * self.cut_for and self.panels > 1:
            self.split = min(
                d
                for d in divisors(self.panels)
                if blocks * d >= 4 * self.cut_for or d == self.panels
            )
            self.win = self.window(self.split)
        self.unit = self.win.row_blocks * c.groups * self.split  # tasks of a few images
        long = self.h.taps > 1 and self.depth * self.nr * self.size > self.processor.weight_panel
        self.k_blocks = self.h.taps if long and self.types.output == self.types.total else 1
        # tiles that lie in one row of the image leave out the taps above and below it
        in_a_row = self.w.out > 0 and self.w.out % self.mr == 0
        self.skips = in_a_row and self.h.has_border and self.h.taps > 1 and self.k_blocks == 1
        self.win.blank_rows = not self.skips
        f = c.filter
        ordered = (
            f.output == 1 and f.column == c.channels * f.channel and f.row == self.w.taps * f.column
        )
        few = c.outputs == self.nr or c.outputs * self.depth * self.size <= 32 << 10
        self.direct_w = (
            self.depth == 0
            or ordered and few and c.outputs % lanes == 0 and f.element == self.types.total and f.channel >= c.outputs
        )  # fmt: skip
        self.panel_room = room(self.nr, self.depth, lanes)
        self.weights_bytes = (
            0
            if self.direct_w
            else round_up(c.groups * self.panels * self.panel_room * self.size, 64)
        )
        self.own_at = 0 if c.is_prepacked else self.weights_bytes
        elements = self.win.elements + self.win.lanes
        self.window_bytes = round_up(elements * SIZE[self.win.total], 64)
        self.scratch_bytes = round_up(self.own_at + self.threads * self.window_bytes, 64)

    def summands(self) -> int:
        """How many steps the sum of an output has."""
        return self.h.taps * self.w.taps * self.c.channels

    def window(self, split: int) -> ImageWindow:
        """What a task reads of an image, if so many tasks share its panels."""
        c = self.c
        return ImageWindow(
            c.x, self.h, self.w, c.channels, c.batch, self.types.total, self.lanes, False,
            self.depth * c.outputs * self.size, self.cut_for, split,
            limit=self.processor.window, most=self.processor.wide_window, least_blocks=self.least_blocks(),
            shift=-c.zero,
        )  # fmt: skip

    def register_tile(self, vectors: int) -> tuple[int, int]:
        """Pixels, and vectors of outputs."""
        return pick(self.w.out, self.h.out * self.w.out, vectors, self.target)

    def least_blocks(self) -> int:
        """Into how many blocks of rows an image must be cut so that few images are work for all threads."""
        c = self.c
        if not is_static(c.batch) or self.depth * c.outputs * self.size > LIGHT_WEIGHTS:
            return 1
        images = max(1, c.batch * c.groups)
        work = 2.0 * images * self.h.out * self.w.out * self.depth * c.outputs
        return -(-min(4 * self.cut_for, int(work / TASK_WORK)) // images)

    def tasks(self, sizes: Sizes) -> int:
        if not self.h.out * self.w.out * self.c.outputs * self.c.groups:
            return 0
        return -(-number(self.c.batch, sizes) // self.win.images) * self.unit

    def pack_tasks(self, sizes: Sizes) -> int:
        return self.panels * self.c.groups if self.c.is_prepacked or self.tasks(sizes) else 0

    # -- in the kernel
    def emit(self):
        if not self.direct_w:
            self.emit_pack()
        self.kernels: dict = {}
        if self.skips:
            self.emit_task([])
            return
        calls = []
        for first, relative in row_groups(self.win.pixels(), self.mr):
            start, r, col = first
            y = r * self.y_row + col * self.y_column
            pattern = (
                tuple(a - start for a, _, _ in relative),
                tuple(i * self.y_row + j * self.y_column - y for _, i, j in relative),
            )
            calls.append((start, y, pattern))
        self.emit_task(compress(calls))

    def emit_task(self, runs):
        """A task: a block of images or rows of one, all panels or a part of them; `runs` are its tiles, as loops."""
        c, win = self.c, self.win
        with self.module.task(f"{self.name}_task") as f:
            x, w, partials, scratch = (
                f.load(f.ctx, i, PTR) for i in (LEFT, RIGHT, PARTIALS, SCRATCH)
            )
            batch = value(f, c.batch)
            split, rest = f.task % self.split, f.task // self.split
            group, rest = rest % c.groups, rest // c.groups
            block, images = rest % win.row_blocks, rest // win.row_blocks
            n0, oh0 = f.i64(images * win.images), f.i64(times(f, block, win.rows))
            count = f.min(f.i64(batch) - n0, win.images) if win.images > 1 else 1
            if self.epilogue.partial_bytes:
                blocks = (f.i64(batch) + (win.images - 1)) // win.images
                partials = f.at(
                    partials, (blocks * self.before + f.task) * self.epilogue.partial_bytes
                )
                self.epilogue.clear(f, partials)
            mine = f.at(scratch, f.tid * self.window_bytes + self.own_at)
            shift = times(f, group, c.x.group)
            shifted = replace(c.x, base=f.i64(shift) + c.x.base) if c.groups > 1 else c.x
            win.x = shifted
            buf = win.fill(f, x, n0, count, oh0, mine)
            win.x = c.x
            out0 = (
                times(f, n0, c.y.image)
                + times(f, oh0, self.y_row)
                + times(f, group, c.y.group)
                + self.y_first
            )
            out0 = f.i64(out0)
            w_at = (
                times(f, group, c.filter.group) + c.filter.base if c.groups > 1 else c.filter.base
            )
            column0 = times(f, group, c.outputs)
            packed = w if c.is_prepacked else scratch

            def tile(name, a, b, out, p, kb=0, taps=self.h.taps):
                column = word(f, times(f, p, self.nr))
                f.call(
                    name, a, b, f.ctx, partials, f.i64(out) + column, column + column0,
                    f.i64(kb).eq(0), f.i64(kb).eq(self.k_blocks - 1), f.i64(taps),
                )  # fmt: skip

            def panel(p, nv: int, masked: bool):
                if self.direct_w:
                    b = f.at(w, w_at + times(f, p, self.nr), c.filter.element)
                else:
                    which = times(f, group, self.panels) + p
                    b = f.at(packed, times(f, which, self.panel_room), self.types.total)
                self.tiles_of_panel(f, tile, runs, buf, b, p, nv, masked, count, oh0, out0)

            self.sweep_panels(f, split, panel)

    def tiles_of_panel(
        self, f: Fn, tile, runs, buf: Val, b: Val, p, nv: int, masked: bool, count, oh0, out0
    ):  # fmt: skip
        """The tiles of a block of images by one panel of weights, tap rows outermost if these are many."""
        c, win = self.c, self.win
        step = c.filter.channel if self.direct_w else self.step

        def k_block(kb):
            a_kb = f.at(buf, times(f, kb, self.h.dilation * win.pitch), self.a_type)
            b_kb = f.at(b, times(f, kb, self.w.taps * c.channels * step), self.types.total)

            def image(g):
                pitch = win.image_pitch if win.copied else c.x.image
                a_g = f.at(a_kb, times(f, g, pitch), self.a_type)
                out_g = out0 + times(f, g, c.y.image)
                if self.skips:
                    self.rows_of_tiles(f, tile, oh0, a_g, b_kb, out_g, p, step, nv, masked)
                for first, y, pattern, n, da, dy in runs:
                    name = self.kernel(pattern, nv, masked, step)

                    def one(i, name=name, first=first, y=y, da=da, dy=dy):
                        a = f.at(a_g, times(f, i, da) + first, self.a_type)
                        tile(name, a, b_kb, out_g + times(f, i, dy) + y, p, kb)

                    f.loop(0, n, 1, one)

            f.loop(0, count, 1, image)

        f.loop(0, self.k_blocks, 1, k_block)

    def rows_of_tiles(self, f: Fn, tile, oh0, a, b, out, p, step: int, nv: int, masked: bool):
        """The tiles of a block, row by row: of each the taps that meet the image."""
        h, win = self.h, self.win
        along_row = self.w.stride * win.column
        pattern = (
            tuple(i * along_row for i in range(self.mr)),
            tuple(i * self.y_column for i in range(self.mr)),
        )
        name = self.kernel(pattern, nv, masked, step)
        ahead = self.next_block(f)

        def row(r):
            start = times(f, oh0 + r, h.stride) - h.low
            t0, t1 = h.taps_inside(f, start)
            from_row = times(f, r, h.stride * win.pitch) + times(f, t0, h.dilation * win.pitch)
            weights = f.at(b, times(f, t0, self.w.taps * self.c.channels * step), self.types.total)

            def one(i):
                at = from_row + times(f, i, self.mr * along_row)
                to = out + times(f, r, self.y_row) + times(f, i, self.mr * self.y_column)
                if ahead is not None:
                    self.ask_for(f, ahead, r, i)
                tile(name, f.at(a, at, self.a_type), weights, to, p, taps=t1 - t0)

            f.loop(0, self.w.out // self.mr, 1, one)

        f.loop(f.i64(0), win.rows, 1, row)

    def next_block(self, f: Fn) -> Val | None:
        """Where in the image array the block begins that this thread will probably work on next."""
        c, win = self.c, self.win
        plain = c.groups == 1 and self.panels == 1 and c.x.channel == 1
        if not plain or win.images > 1 or not win.copied:
            return None
        task = f.task + self.threads
        n, block = task // win.row_blocks, task % win.row_blocks
        row = times(f, block, win.rows * self.h.stride) - self.h.low
        return f.i64(times(f, n, c.x.image)) + times(f, row, c.x.row) + c.x.base

    def ask_for(self, f: Fn, ahead: Val, r, i) -> None:
        """Asks for what of the next block lies where this tile lies in its own, so that copying finds it near."""
        x, h = self.c.x, self.h
        wide = self.mr * self.w.stride * x.column
        line = 64 // SIZE[x.element]
        source = f.load(f.ctx, LEFT, PTR)
        start = ahead + times(f, r, h.stride * x.row) + times(f, i, wide)
        for k in range(h.stride):
            for part in range(0, wide, line):
                f.prefetch(source, start + (k * x.row + part), x.element, locality=2)

    @property
    def a_type(self) -> str:
        return self.win.total if self.win.copied else self.c.x.element

    def sweep_panels(self, f: Fn, split, panel):
        outputs, last = self.c.outputs, self.panels - 1
        ragged = outputs % self.nr != 0
        tail = lambda: panel(
            last, -(-(outputs - last * self.nr) // self.lanes), outputs % self.lanes != 0
        )
        if self.panels == 1:
            if ragged:
                tail()
            else:
                panel(0, self.nv, False)
            return
        per = self.panels // self.split
        p0 = f.i64(times(f, split, per))
        p1 = p0 + per
        f.loop(p0, f.min(p1, last) if ragged else p1, 1, lambda p: panel(p, self.nv, False))
        if ragged:
            f.when(p1.eq(self.panels), tail)

    def loops(self, step: int, taps) -> list[tuple]:
        """The k nest over (tap rows, tap columns, channels), merged where both walks are regular."""
        c, win = self.c, self.win
        run = [
            (self.w.taps, self.w.dilation * win.column, c.channels * step),
            (c.channels, 1, step),
        ]
        if self.w.dilation * win.column == c.channels or self.w.taps == 1:
            run = [(self.w.taps * c.channels, 1, step)]
        if self.k_blocks > 1:
            return run
        rows = (taps, self.h.dilation * win.pitch, self.w.taps * c.channels * step)
        if self.skips:
            return [rows, *run]
        if self.h.taps == 1:
            return run
        if len(run) == 1 and rows[1] == run[0][0]:
            return [(self.h.taps * run[0][0], 1, step)]
        return [rows, *run]

    def kernel(self, pattern, nv: int, masked: bool, step: int) -> str:
        key = pattern, nv, masked
        if key in self.kernels:
            return self.kernels[key]
        name = self.kernels[key] = f"{self.name}_tile{len(self.kernels)}"
        c, types, lanes = self.c, self.types, self.lanes
        rows, ys = pattern
        vector = vec(types.total, lanes)
        args = dict(
            a=PTR, b=PTR, ctx=PTR, partial=PTR, out=I64, col=I64, first=I1, final=I1, taps=I64
        )
        with self.module.fn(name, internal=True, noalias=False, **args) as f:
            masks: list[Val | None] = [None] * nv
            if masked:
                masks[-1] = f.mask(lanes, c.outputs % lanes)
            cells = [(i, j) for i in range(len(rows)) for j in range(nv)]
            place = lambda i, j: ys[i] + lanes * j
            tile = RegisterTile(
                f, cells, lambda i, j: f.out + place(i, j), lambda j: f.col + lanes * j, lambda j: masks[j],
                c.outputs * c.groups, self.operands,
            )  # fmt: skip
            y = f.at(f.load(f.ctx, OUTPUT, PTR), f.out, types.output)
            self.epilogue.prefetch(f, tile)
            acc = self.first_sums(f, len(rows), nv)
            if self.depth:
                loops = self.loops(step, f.taps if self.skips else self.h.taps)
                acc = self.sums(f, rows, nv, loops, acc)
            if self.k_blocks > 1:
                earlier = lambda: [
                    v + f.load(y, place(i, j), vector, masks[j])
                    for v, (i, j) in zip(acc, cells, strict=True)
                ]
                acc = f.when(f.first, lambda: acc, earlier)

            def put(values):
                for v, (i, j) in zip(values, cells, strict=True):
                    store_as(f, v, y, place(i, j), types.output, masks[j])

            def finish():
                values = self.epilogue.apply(f, tile, list(acc))
                if self.epilogue.partial_bytes:
                    self.epilogue.accumulate(f, tile, values, f.partial)
                put(values)

            if self.k_blocks == 1:
                finish()
            else:
                f.when(f.final, finish, lambda: put(acc))
        return name

    def first_sums(self, f: Fn, rows: int, nv: int) -> list[Val]:
        """What the sums of a tile begin with."""
        return zeros(f, rows * nv, vec(self.types.total, self.lanes))

    def sums(self, f: Fn, rows, nv: int, loops: list[tuple], acc: list[Val]) -> list[Val]:
        """The sums of a tile, a vector for each pixel and each vector of outputs."""
        multiply = dot_of_pairs if self.c.pairs else Fn.fma
        total = self.types.total
        return accumulate(
            f, self.types, rows, nv, loops, f.a, f.b, acc, None, self.a_type, total, multiply=multiply
        )  # fmt: skip

    def emit_pack(self):
        """Weights into panels [group][outputs / nr][tap row, tap column, channel][nr]; a task for each panel."""
        c, types, w, nr = self.c, self.types, self.c.filter, self.nr
        with self.module.task(f"{self.name}_pack") as f:
            source = f.load(f.ctx, RIGHT, PTR)
            group, p = f.task // self.panels, f.task % self.panels
            first = f.i64(times(f, p, nr))
            start = (
                first * w.output + times(f, group, w.group) + w.base
                if c.groups > 1
                else first * w.output + w.base
            )
            start, count = f.i64(start), c.outputs - first
            packed = f.load(f.ctx, OUTPUT if c.is_prepacked else SCRATCH, PTR)
            dst = f.at(packed, f.task * self.panel_room, types.total)
            self.pack_taps(f, source, start, count, dst)

    def pack_taps(self, f: Fn, source: Val, start: Val, count: Val, dst: Val) -> None:
        """A panel: all weights of `count` outputs from `start` on."""
        c, w, nr = self.c, self.c.filter, self.nr

        def row(i):
            def column(j):
                at = start + times(f, i, w.row) + times(f, j, w.column)
                k0 = times(f, i, self.w.taps * c.channels) + times(f, j, c.channels)
                here = f.at(dst, times(f, k0, nr), self.types.total)
                pack_tap(f, w, source, at, nr, count, c.channels, here, self.types, self.lanes)

            f.loop(f.i64(0), self.w.taps, 1, column)

        f.loop(f.i64(0), self.h.taps, 1, row)
