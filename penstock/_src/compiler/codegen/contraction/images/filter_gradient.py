"""The gradient of a convolution's filter: tiles are (tap, input channel) x output channel, and k runs over pixels.

small filters   blocks of pixels are cut into fixed ranges; a task sums a range into a filter of its own, in order,
                and a second fork-join adds the ranges up in order: the same bits in every run
large filters   a task is a panel of output channels and sees every pixel; images are padded beforehand, together
"""

from dataclasses import replace
from typing import Any

from penstock._src.compiler.codegen.contraction.extents import is_static, number, value
from penstock._src.compiler.codegen.contraction.tile import (
    accumulate,
    compress,
    fits,
    pick,
    store_as,
    times,
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
    threads_of_sums,
)  # fmt: skip
from penstock._src.compiler.codegen.processors import processor_of
from penstock._src.native import Code, Module, NamedCode, Target, Val
from penstock._src.native.language.function import Fn
from penstock._src.native.language.types import I1, I64, PTR, SIZE, vec

from .convolution import FilterGradient
from .window import TYPICAL_BATCH, BlockedImageWindow, ImageWindow, span

OWN_BYTES = 640 << 10  # filters up to this size are summed by every range on its own
ALL_RANGES_BYTES = 16 << 20
MOST_RANGES = 64
LARGE_BLOCK = {
    "wanted": 300,
    "most": 768 << 10,
}  # of a window under a filter that does not stay in the L2
IMAGE_BYTES = 1 << 20  # images up to this size are padded all together, for large filters
PIXELS_AT_ONCE = 400  # of large filters: a sum stays in registers for so many
MOST_ASKED = 2 << 10  # bytes of the next block that a tile asks for
ROWS_OF_A_SUM = 8192  # elements that a task of the last stage adds up


def emit_filter_gradient(
    gradient: FilterGradient, target: Target, threads: int, epilogue: Epilogue = PLAIN
) -> KernelCode:
    return FilterGradientKernel(gradient, target, threads, epilogue).emit()


class FilterGradientKernel:
    """Writes the functions of a filter gradient."""

    def __init__(self, gradient, target, threads, epilogue):
        self.g, self.target, self.threads = gradient, target, threads
        self.epilogue = epilogue
        self.module = Module(target)
        self.types, self.lanes = gradient.types, target.lanes(gradient.types.total)
        self.size = SIZE[self.types.total]
        self.operands = FIRST_SIZE + gradient.sizes
        self.kernels: dict = {}
        self.choose()

    name = "filter gradient"

    def choose(self):
        g, lanes, cut_for = self.g, self.lanes, threads_of_sums()
        self.rows = g.h.taps * g.w.taps * g.channels
        self.length = round_up(self.rows * g.outputs, 64 // self.size)
        vectors = -(-g.outputs // lanes)
        self.blocked = g.channels % lanes == 0 and g.x.channel == 1
        if self.blocked:
            three = vectors % 3 == 0 and fits(lanes // 2, 3, self.target)
            self.nv = nv = 1 if vectors == 1 else 3 if three else 2
            heights = [r for r in (16, 8, 4, 2, 1) if r <= lanes and (r < 16 or nv == 1)]
            self.mr = next(r for r in heights if fits(r, nv, self.target))
        else:
            self.mr, self.nv = pick(g.w.taps * g.channels, self.rows, vectors, self.target)
        self.nr = self.nv * lanes
        self.panels = -(-vectors // self.nv)
        self.pixels = g.h.out * g.w.out
        small = self.rows * g.outputs * self.size <= OWN_BYTES
        image = g.h.reach(g.h.out) * g.w.reach(g.w.out) * g.channels * self.size
        self.own = small or image > IMAGE_BYTES
        copied = self.blocked or not self.own
        processor = processor_of(self.target)
        kind = BlockedImageWindow if self.blocked else ImageWindow
        self.win = kind(
            g.x, g.h, g.w, g.channels, g.batch, self.types.total, lanes, copied, 0, cut_for,
            limit=processor.gradient_window if self.own else 1 << 40,
            **({"most": processor.wide_window} if small else LARGE_BLOCK),
        )  # fmt: skip
        # rows of dy under which a tap lies above or below the image are left out
        self.skips = self.blocked and g.h.has_border
        self.win.blank_rows = not self.skips
        batch = g.batch if is_static(g.batch) else TYPICAL_BATCH
        if self.own:
            work = batch * self.win.row_blocks
            most = max(1, ALL_RANGES_BYTES // (self.length * self.size * g.groups))
            self.ranges = max(1, min(4 * cut_for, work, most, MOST_RANGES))
            self.window_elements = round_up(self.win.elements + lanes, 64 // self.size)
        else:
            self.ranges = 1
            self.at_once = max(1, min(PIXELS_AT_ONCE // max(1, self.pixels), 64))
            self.image_room = round_up(self.win.image_pitch, 64 // self.size)
            self.win.image_pitch = self.image_room
        f = g.filter
        dense = f.column == g.channels * f.channel * (1 if g.groups == 1 else g.groups)
        ordered = (
            f.channel == g.outputs
            and f.column == g.channels * f.channel
            and f.row == g.w.taps * f.column
        )
        self.straight = (  # sums may grow in the output itself
            not self.own and self.epilogue is PLAIN and dense and ordered and f.base == 0
            and self.types.output == self.types.total and g.groups == 1
        )  # fmt: skip

    # -- what the host computes
    def batch(self, sizes: Sizes) -> int:
        return number(self.g.batch, sizes)

    def layout(self, sizes: Sizes) -> tuple[int, int, int]:
        """Elements of scratch: sums, padded images, threads' own."""
        sums = 0 if self.straight else self.ranges * self.g.groups * self.length
        if self.own:
            return sums, 0, self.threads * self.window_elements
        images = self.batch(sizes) * self.g.groups * self.image_room + self.lanes
        return (
            sums,
            round_up(images, 64 // self.size),
            self.threads * self.panel_room(self.batch(sizes)),
        )

    def panel_room(self, batch):
        """Elements of a panel of dy; an int or a value."""
        return batch * (self.pixels * self.nr) + 64

    def stages(self, sizes: Sizes) -> list[KernelStage]:
        g = self.g
        nothing = not self.rows * g.outputs * g.groups
        found = []
        if self.own:
            found.append(
                KernelStage("sum_ranges", lambda s: 0 if nothing else self.ranges * g.groups)
            )
        else:
            found.append(KernelStage("pad_images", lambda s: self.batch(s) * g.groups))
            found.append(
                KernelStage("sum_panels", lambda s: 0 if nothing else self.panels * g.groups)
            )
        if not self.straight:
            found.append(KernelStage("add_up", lambda s: 0 if nothing else self.sum_tasks))
        return found

    @property
    def rows_of_a_sum(self) -> int:
        return max(1, ROWS_OF_A_SUM // max(1, self.g.outputs))

    @property
    def sum_tasks(self) -> int:
        return self.g.groups * -(-self.rows // self.rows_of_a_sum)

    def write(self) -> Code:
        """Writes the text."""
        if self.own:
            self.emit_ranges()
        else:
            self.emit_images()
            self.emit_panels()
        if not self.straight:
            self.emit_add_up()
        return Code.of(self.module)

    def emit(self) -> KernelCode:
        return KernelCode(
            code=NamedCode(self.target, self.write),
            sizes=self.g.sizes,
            stages=self.stages,
            scratch=lambda sizes: sum(self.layout(sizes)) * self.size,
            threads=self.threads,
            partials=lambda sizes: (self.sum_tasks, self.epilogue.partial_bytes),
            in_place=not self.straight,
            label=f"{self.name} {self.mr}x{self.nr}",
            facts=self.facts(),
        )

    def facts(self) -> dict[str, Any]:
        """Of the schedule, for reports."""
        return {
            "rows": self.win.rows,
            "blocked": self.blocked,
            "own": self.own,
            "ranges": self.ranges,
        }

    # -- in the kernel
    def image_of(self, f: Fn, group):
        """The image description with the group's own start."""
        x = self.g.x
        return replace(x, base=f.i64(times(f, group, x.group)) + x.base) if self.g.groups > 1 else x

    def emit_ranges(self):
        g, win = self.g, self.win
        with self.module.task("sum_ranges") as f:
            x, dy, scratch = (f.load(f.ctx, i, PTR) for i in (LEFT, RIGHT, SCRATCH))
            group, part = f.task % g.groups, f.task // g.groups
            blocks = f.i64(times(f, value(f, g.batch), win.row_blocks))
            mine = f.at(scratch, f.task * self.length, self.types.total)
            window = f.tid * self.window_elements + self.ranges * g.groups * self.length
            buffer = f.at(scratch, window, self.types.total)

            low, high = part * blocks // self.ranges, (part + 1) * blocks // self.ranges

            def block(i):
                n, first = i // win.row_blocks, f.i64(times(f, i % win.row_blocks, win.rows))
                win.x = self.image_of(f, group)
                buf = win.fill(f, x, f.i64(n), 1, first, buffer)
                win.x = g.x
                at = (
                    times(f, f.i64(n), g.y.image)
                    + times(f, first, g.y.row)
                    + times(f, group, g.y.group)
                    + g.y.base
                )
                here = f.at(dy, f.i64(at), g.y.element)
                self.ahead = self.next_block(f, x, dy, i + 1)
                self.sweep_panels(f, lambda p, nv, masked: self.panel(
                    f, buf, f.at(here, times(f, p, self.nr), g.y.element),
                    f.at(mine, times(f, p, self.nr), self.types.total), nv, masked, i > low, f.i64(1), first,
                ))  # fmt: skip

            f.when(low.eq(high), lambda: f.memset(mine, 0, self.length * self.size))
            f.loop(low, high, 1, block)

    def next_block(self, f: Fn, x: Val, dy: Val, i: Val) -> list[tuple[Val, int]]:
        """What block i reads of either array: (address, bytes); nothing if that is much for each tile to ask for."""
        g, win = self.g, self.win
        size = win.rows * (g.h.stride * g.x.row + g.y.row) * self.size
        if g.groups > 1 or not self.blocked or size > MOST_ASKED * self.tiles:
            return []
        n, first = f.i64(i // win.row_blocks), f.i64(times(f, i % win.row_blocks, win.rows))
        found = []
        for image, pointer, stride in ((g.x, x, g.h.stride), (g.y, dy, 1)):
            at = times(f, n, image.image) + times(f, first, stride * image.row) + image.base
            size = win.rows * stride * image.row * SIZE[image.element]
            found.append((f.at_any(pointer, f.i64(at), image.element), size))
        return found

    @property
    def tiles(self) -> int:
        """Of a panel."""
        return self.rows // self.mr

    def ask_for(self, f: Fn, index) -> None:
        """Asks for a tile's share of the next block."""
        for start, size in self.ahead:
            share = -(-size // (64 * self.tiles)) * 64
            first = f.i64(times(f, index, share))

            def ask(b, start=start, first=first):
                for line in range(0, 256, 64):
                    f.prefetch(start, first + b + line, "i8", locality=2)

            f.loop(0, share, 256, ask)

    def emit_images(self):
        g, win = self.g, self.win
        with self.module.task("pad_images") as f:
            x, scratch = f.load(f.ctx, LEFT, PTR), f.load(f.ctx, SCRATCH, PTR)
            group, n = f.task % g.groups, f.task // g.groups
            sums = 0 if self.straight else self.length * g.groups
            place = (times(f, group, value(f, g.batch)) + f.i64(n)) * self.image_room + sums
            win.x = self.image_of(f, group)
            win.fill(f, x, f.i64(n), 1, f.i64(0), f.at(scratch, place, self.types.total))
            win.x = g.x

    def emit_panels(self):
        g, lanes, total = self.g, self.lanes, self.types.total
        with self.module.task("sum_panels") as f:
            dy, out, scratch = (f.load(f.ctx, i, PTR) for i in (RIGHT, OUTPUT, SCRATCH))
            batch = f.i64(value(f, g.batch))
            group, p = f.task // self.panels, f.task % self.panels
            sums = 0 if self.straight else self.length * g.groups
            images = f.at(scratch, times(f, group, batch) * self.image_room + sums, total)
            after = batch * (g.groups * self.image_room) + (lanes + 64 // self.size - 1)
            after = after // (64 // self.size) * (64 // self.size) + sums
            mine = f.at(scratch, f.tid * self.panel_room(batch) + after, total)
            column = f.i64(times(f, p, self.nr))
            whole = out if self.straight else f.at(scratch, times(f, group, self.length), total)
            self.pack_dy(f, dy, group, column, batch, mine)

            def images_from(n):
                count = f.min(batch - n, self.at_once)
                a = f.at(images, n * self.image_room, total)
                b = f.at(mine, n * (self.pixels * self.nr), total)
                c = f.at(whole, column, total)
                tail = -(-(g.outputs - (self.panels - 1) * self.nr) // lanes)
                masked = g.outputs % lanes != 0
                full = lambda: self.panel(f, a, b, c, self.nv, False, n > 0, count)
                rest = lambda: self.panel(f, a, b, c, tail, masked, n > 0, count)
                if g.outputs % self.nr == 0:
                    full()
                elif self.panels == 1:
                    rest()
                else:
                    f.when(f.i64(p) < self.panels - 1, full, rest)

            # an empty batch still sets the filter to zero
            f.loop(f.i64(0), f.max(batch, 1), self.at_once, images_from)

    def pack_dy(self, f: Fn, dy: Val, group, column: Val, batch: Val, dst: Val):
        """The panel's columns of dy, [image][pixel][nr]."""
        g, lanes = self.g, self.lanes
        ragged = g.outputs % self.nr != 0
        start = times(f, group, g.y.group) + column + g.y.base

        def image(n):
            def row(r):
                def pixel(c):
                    at = (
                        start
                        + times(f, n, g.y.image)
                        + times(f, r, g.y.row)
                        + times(f, c, g.y.column)
                    )
                    to = (n * g.h.out + r) * g.w.out + c
                    for v in range(self.nv):
                        mask = f.mask(lanes, g.outputs - lanes * v - column) if ragged else None
                        x = f.load(dy, at + lanes * v, vec(g.y.element, lanes), mask)
                        f.store(f.convert(x, self.types.total), dst, to * self.nr + lanes * v)

                f.loop(f.i64(0), g.w.out, 1, pixel)

            f.loop(f.i64(0), g.h.out, 1, row)

        f.loop(f.i64(0), batch, 1, image)

    def sweep_panels(self, f: Fn, panel):
        outputs = self.g.outputs
        whole = outputs // self.nr
        f.loop(0, whole, 1, lambda p: panel(p, self.nv, False))
        if outputs % self.nr:
            panel(whole, -(-(outputs - whole * self.nr) // self.lanes), outputs % self.lanes != 0)

    def panel(self, f: Fn, buf: Val, dy: Val, dw: Val, nv: int, masked: bool, add: Val, count: Val,
              first=0):  # fmt: skip
        """All tiles of a panel: (tap, channel) rows times nv vectors of output channels."""
        g, win, total = self.g, self.win, self.types.total
        kh, kw, c, lanes = g.h.taps, g.w.taps, g.channels, self.lanes
        a_type = total if win.copied else g.x.element

        def call(name, a, y, skipped=0, rows=win.rows):
            distance = g.y.row if self.own else g.w.out * self.nr
            here = f.at(dy, times(f, skipped, distance), g.y.element if self.own else total)
            a = a + times(f, skipped, g.h.stride * win.pitch)
            f.call(name, f.at(buf, a, a_type), here, f.at(dw, y, total), add, count, f.i64(rows))

        if self.blocked:
            name = self.kernel(tuple((i, i * g.outputs) for i in range(self.mr)), nv, masked)

            def tile(q, i, j, e):
                a = (
                    times(f, q, win.plane)
                    + times(f, i, g.h.dilation * win.pitch)
                    + times(f, j, g.w.dilation * lanes)
                )
                row = (times(f, i, kw) + j) * c + times(f, q, lanes) + e
                r0, r1 = 0, win.rows
                if self.own:
                    self.ask_for(f, f.i64(row) // self.mr)
                if self.skips:
                    r0, r1 = g.h.positions_inside(f, f.i64(first), win.rows, i)
                call(name, f.i64(a + e), f.i64(times(f, row, g.outputs)), r0, r1 - r0)

            f.loop(0, c // lanes, 1, lambda q: f.loop(0, kh, 1, lambda i: f.loop(
                0, kw, 1, lambda j: f.loop(0, lanes, self.mr, lambda e: tile(q, i, j, e)))))  # fmt: skip
            return
        cells = [
            (
                i * g.h.dilation * win.pitch + j * g.w.dilation * win.column + e,
                ((i * kw + j) * c + e) * g.outputs,
            )
            for i in range(kh)
            for j in range(kw)
            for e in range(c)
        ]
        if not win.copied and g.x.channel != 1:
            raise AssertionError("pixels that are not dense are copied")
        tiles = [cells[i : i + self.mr] for i in range(0, len(cells), self.mr)]
        calls = [(t[0][0], t[0][1], tuple((a - t[0][0], y - t[0][1]) for a, y in t)) for t in tiles]
        for a, y, pattern, n, da, dy_step in compress(calls):
            name = self.kernel(pattern, nv, masked)
            f.loop(
                0, n, 1,
                lambda i, name=name, a=a, y=y, da=da, dy_step=dy_step: call(
                    name, times(f, i, da) + a, times(f, i, dy_step) + y
                ),
            )  # fmt: skip

    def kernel(self, pattern, nv: int, masked: bool) -> str:
        key = pattern, nv, masked
        if key in self.kernels:
            return self.kernels[key]
        name = self.kernels[key] = f"filter_tile{len(self.kernels)}"
        g, win, lanes, types = self.g, self.win, self.lanes, self.types
        vector = vec(types.total, lanes)
        args = dict(a=PTR, b=PTR, c=PTR, add=I1, images=I64, rows=I64)
        with self.module.fn(name, internal=True, noalias=False, **args) as f:
            masks: list[Val | None] = [None] * nv
            if masked:
                masks[-1] = f.mask(lanes, g.outputs % lanes)
            count = f.rows if self.skips else win.rows
            rows = (count, g.h.stride * win.pitch, g.y.row if self.own else g.w.out * self.nr)
            columns = (g.w.out, g.w.stride * win.column, g.y.column if self.own else self.nr)
            loops = [rows, columns]
            if not self.own:
                loops.insert(0, (f.images, win.image_pitch, self.pixels * self.nr))
            while len(loops) > 1 and isinstance(loops[0][0], int) and loops[0][0] == 1:
                loops.pop(0)
            a_type = types.total if win.copied else g.x.element
            b_type = g.y.element if self.own else types.total
            acc = accumulate(
                f, types, [a for a, _ in pattern], nv, loops, f.a, f.b, zeros(f, len(pattern) * nv, vector),
                masks if self.own else None, a_type, b_type,
            )  # fmt: skip
            cells = [(y + lanes * j, masks[j]) for _, y in pattern for j in range(nv)]
            more = lambda: [
                x + f.load(f.c, o, vector, mask) for x, (o, mask) in zip(acc, cells, strict=True)
            ]
            acc = f.when(f.add, more, lambda: acc)
            for x, (o, mask) in zip(acc, cells, strict=True):
                f.store(x, f.c, o, mask)
        return name

    def emit_add_up(self):
        """The ranges' sums, added in order, go to the output through the epilogue; a task is some rows of it."""
        g, lanes, types = self.g, self.lanes, self.types
        vector = vec(types.total, lanes)
        w, many = g.filter, self.rows_of_a_sum
        with self.module.task("add_up") as f:
            scratch, out = f.load(f.ctx, SCRATCH, PTR), f.load(f.ctx, OUTPUT, PTR)
            per = -(-self.rows // many)
            group, first = f.task // per, f.task % per * many
            partial = f.at(
                f.load(f.ctx, PARTIALS, PTR), f.task * max(1, self.epilogue.partial_bytes)
            )
            if self.epilogue.partial_bytes:
                self.epilogue.clear(f, partial)

            def row(r):
                channel, tap = r % g.channels, r // g.channels
                at = times(f, tap // g.w.taps, w.row) + times(f, tap % g.w.taps, w.column)
                at = f.i64(at + times(f, channel, w.channel) + times(f, group, w.group) + w.base)

                def some(j, mask=None):
                    start = times(f, group, self.length) + r * g.outputs + j
                    total = f.load(scratch, start, vector, mask)
                    for k in range(1, self.ranges):
                        total = total + f.load(
                            scratch, start + k * g.groups * self.length, vector, mask
                        )
                    tile = RegisterTile(
                        f,
                        [(0, 0)],
                        lambda _i, _j: at + j,
                        lambda _j: f.i64(j),
                        lambda _j: mask,
                        g.outputs,
                        self.operands,
                    )
                    (v,) = self.epilogue.apply(f, tile, [total])
                    if self.epilogue.partial_bytes:
                        self.epilogue.accumulate(f, tile, [v], partial)
                    store_as(f, v, out, at + j, types.output, mask)

                span(f, g.outputs, lanes, some, unroll=1)

            f.loop(first, f.min(first + many, self.rows), 1, row)
