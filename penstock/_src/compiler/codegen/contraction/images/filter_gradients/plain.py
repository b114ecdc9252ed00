"""The gradient of a convolution's filter: tiles are (tap, input channel) x output channel, and k runs over pixels."""

from collections.abc import Callable, Sequence
from typing import Any

from penstock._src.compiler.codegen.contraction.extents import value
from penstock._src.compiler.codegen.contraction.images.window import BlockedImageWindow
from penstock._src.compiler.codegen.contraction.tile import accumulate, compress, times, zeros
from penstock._src.compiler.codegen.kernel_code import LEFT, OUTPUT, RIGHT, SCRATCH, Epilogue
from penstock._src.native import Val
from penstock._src.native.language.function import Fn
from penstock._src.native.language.types import I1, I64, PTR, SIZE, vec
from penstock._src.util.dataclass import dataclass

from .kernel import FilterGradientWriter
from .plain_choice import PlainSchedule

MOST_ASKED = 2 << 10  # bytes of the next block that a tile prefetches


@dataclass(frozen=True)
class _Panel:
    """The memory used by the tiles of a panel of outputs.

    window, dy, sums  addresses: of the image's part, of the outputs' gradient, of the filter
    nv, masked        vectors of outputs, and True if the last one is partial
    add               True if the output already holds partial sums
    count             images
    first             row of the block in the image
    ahead             inputs of the next block, for prefetching: (address, bytes)
    """

    window: Val
    dy: Val
    sums: Val
    nv: int
    masked: bool
    add: Val
    count: Any
    first: Any = 0
    ahead: Sequence[tuple[Val, int]] = ()


class PlainWriter(FilterGradientWriter):
    """Writes the functions of a sum of plain products."""

    schedule: PlainSchedule

    def __init__(self, schedule: PlainSchedule, epilogue: Epilogue) -> None:
        super().__init__(schedule, epilogue)
        self.kernels: dict[Any, str] = {}  # functions of tiles that have been written

    def write_sums(self) -> None:
        if self.schedule.own:
            self.write_ranges()
        else:
            self.write_images()
            self.write_panels()

    def base_of(self, f: Fn, group: Any) -> Any:
        """The offset of a group's image."""
        x = self.gradient.x
        return f.i64(times(f, group, x.group)) + x.base if self.gradient.groups > 1 else x.base

    def write_ranges(self) -> None:
        """A task sums a range of blocks, into a filter of its own."""
        s, g, win = self.schedule, self.gradient, self.schedule.window
        with self.module.task("sum_ranges") as f:
            x, dy, scratch = (f.load(f.ctx, i, PTR) for i in (LEFT, RIGHT, SCRATCH))
            group, part = f.task % g.groups, f.task // g.groups
            blocks = f.i64(times(f, value(f, g.batch), win.row_blocks))
            mine = f.at(scratch, f.task * s.length, s.types.total)
            window = f.tid * s.window_elements + s.ranges * g.groups * s.length
            buffer = f.at(scratch, window, s.types.total)

            low, high = part * blocks // s.ranges, (part + 1) * blocks // s.ranges

            def block(i):
                n, first = i // win.row_blocks, f.i64(times(f, i % win.row_blocks, win.rows))
                buf = win.fill(f, x, self.base_of(f, group), f.i64(n), 1, first, buffer)
                at = (
                    times(f, f.i64(n), g.y.image)
                    + times(f, first, g.y.row)
                    + times(f, group, g.y.group)
                    + g.y.base
                )
                here = f.at(dy, f.i64(at), g.y.element)
                ahead = self.next_block(f, x, dy, i + 1)

                def panel(p, nv: int, masked: bool) -> None:
                    columns = f.at(here, times(f, p, s.nr), g.y.element)
                    sums = f.at(mine, times(f, p, s.nr), s.types.total)
                    work = _Panel(buf, columns, sums, nv, masked, i > low, f.i64(1), first, ahead)
                    self.write_tiles(f, work)

                self.sweep_panels(f, panel)

            f.when(low.eq(high), lambda: f.memset(mine, 0, s.length * s.size))
            f.loop(low, high, 1, block)

    def next_block(self, f: Fn, x: Val, dy: Val, i: Val) -> list[tuple[Val, int]]:
        """The memory that block i reads of either array, for prefetching: (address, bytes); empty if it is too much for each tile."""
        s, g, win = self.schedule, self.gradient, self.schedule.window
        size = win.rows * (g.h.stride * g.x.row + g.y.row) * s.size
        if g.groups > 1 or not s.blocked or size > MOST_ASKED * s.tiles:
            return []
        n, first = f.i64(i // win.row_blocks), f.i64(times(f, i % win.row_blocks, win.rows))
        ranges = []
        for image, pointer, stride in ((g.x, x, g.h.stride), (g.y, dy, 1)):
            at = times(f, n, image.image) + times(f, first, stride * image.row) + image.base
            size = win.rows * stride * image.row * SIZE[image.element]
            ranges.append((f.at_any(pointer, f.i64(at), image.element), size))
        return ranges

    def ask_for(self, f: Fn, ahead: Sequence[tuple[Val, int]], index: Val) -> None:
        """Prefetches a tile's share of the next block."""
        for start, size in ahead:
            share = -(-size // (64 * self.schedule.tiles)) * 64
            first = f.i64(times(f, index, share))

            def ask(b, start=start, first=first):
                for line in range(0, 256, 64):
                    f.prefetch(start, first + b + line, "i8", locality=2)

            f.loop(0, share, 256, ask)

    def write_images(self) -> None:
        """A task pads an image."""
        s, g, win = self.schedule, self.gradient, self.schedule.window
        with self.module.task("pad_images") as f:
            x, scratch = f.load(f.ctx, LEFT, PTR), f.load(f.ctx, SCRATCH, PTR)
            group, n = f.task % g.groups, f.task // g.groups
            sums = 0 if s.straight else s.length * g.groups
            place = (times(f, group, value(f, g.batch)) + f.i64(n)) * win.image_room + sums
            base, dst = self.base_of(f, group), f.at(scratch, place, s.types.total)
            win.fill(f, x, base, f.i64(n), 1, f.i64(0), dst)

    def write_panels(self) -> None:
        """A task sums all pixels of a panel of outputs."""
        s, g, lanes = self.schedule, self.gradient, self.schedule.lanes
        total, room = s.types.total, s.window.image_room
        with self.module.task("sum_panels") as f:
            dy, out, scratch = (f.load(f.ctx, i, PTR) for i in (RIGHT, OUTPUT, SCRATCH))
            batch = f.i64(value(f, g.batch))
            group, p = f.task // s.panels, f.task % s.panels
            sums = 0 if s.straight else s.length * g.groups
            images = f.at(scratch, times(f, group, batch) * room + sums, total)
            after = batch * (g.groups * room) + (lanes + s.line - 1)
            after = after // s.line * s.line + sums
            mine = f.at(scratch, f.tid * s.panel_room(batch) + after, total)
            column = f.i64(times(f, p, s.nr))
            whole = out if s.straight else f.at(scratch, times(f, group, s.length), total)
            self.pack_dy(f, dy, group, column, batch, mine)

            def images_from(n):
                count = f.min(batch - n, s.at_once)
                a = f.at(images, n * room, total)
                b = f.at(mine, n * (s.pixels * s.nr), total)
                c = f.at(whole, column, total)
                tail = -(-(g.outputs - (s.panels - 1) * s.nr) // lanes)
                masked = g.outputs % lanes != 0
                panel = lambda nv, masked: self.write_tiles(
                    f, _Panel(a, b, c, nv, masked, n > 0, count)
                )
                full = lambda: panel(s.nv, False)
                rest = lambda: panel(tail, masked)
                if g.outputs % s.nr == 0:
                    full()
                elif s.panels == 1:
                    rest()
                else:
                    f.when(f.i64(p) < s.panels - 1, full, rest)

            # an empty batch still sets the filter to zero
            f.loop(f.i64(0), f.max(batch, 1), s.at_once, images_from)

    def pack_dy(self, f: Fn, dy: Val, group, column: Val, batch: Val, dst: Val) -> None:
        """The panel's columns of dy, [image][pixel][nr]."""
        s, g, lanes = self.schedule, self.gradient, self.schedule.lanes
        ragged = g.outputs % s.nr != 0
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
                    for v in range(s.nv):
                        mask = f.mask(lanes, g.outputs - lanes * v - column) if ragged else None
                        x = f.load(dy, at + lanes * v, vec(g.y.element, lanes), mask)
                        f.store(f.convert(x, s.types.total), dst, to * s.nr + lanes * v)

                f.loop(f.i64(0), g.w.out, 1, pixel)

            f.loop(f.i64(0), g.h.out, 1, row)

        f.loop(f.i64(0), batch, 1, image)

    def sweep_panels(self, f: Fn, panel: Callable[[Any, int, bool], None]) -> None:
        """Calls panel(number, vectors, True if the last is masked) for all panels."""
        s, outputs = self.schedule, self.gradient.outputs
        whole = outputs // s.nr
        f.loop(0, whole, 1, lambda p: panel(p, s.nv, False))
        if outputs % s.nr:
            panel(whole, -(-(outputs - whole * s.nr) // s.lanes), outputs % s.lanes != 0)

    def write_tiles(self, f: Fn, panel: "_Panel") -> None:
        """All tiles of a panel: (tap, channel) rows times vectors of output channels."""
        if self.schedule.blocked:
            self.blocked_tiles(f, panel)
        else:
            self.compressed_tiles(f, panel)

    def call(self, f: Fn, panel: "_Panel", name: str, a: Any, y: Any, skipped: Any, rows: Any) -> None:  # fmt: skip
        """Calls a tile that reads from element `a` of the window and sums to element `y`, over `rows` rows of pixels."""
        s, g, total = self.schedule, self.gradient, self.schedule.types.total
        distance = g.y.row if s.own else g.w.out * s.nr
        here = f.at(panel.dy, times(f, skipped, distance), g.y.element if s.own else total)
        a = a + times(f, skipped, g.h.stride * s.window.pitch)
        image, sums = f.at(panel.window, a, s.left_type), f.at(panel.sums, y, total)
        f.call(name, image, here, sums, panel.add, panel.count, f.i64(rows))

    def blocked_tiles(self, f: Fn, panel: "_Panel") -> None:
        """Tiles of `mr` channels of one tap: all are alike."""
        s, g, win, lanes = self.schedule, self.gradient, self.schedule.window, self.schedule.lanes
        assert isinstance(win, BlockedImageWindow)
        plane, channels = win.plane, g.channels
        pattern = tuple((i, i * g.outputs) for i in range(s.mr))
        name = self.kernel(pattern, panel.nv, panel.masked)

        def tile(q, i, j, e):
            a = (
                times(f, q, plane)
                + times(f, i, g.h.dilation * win.pitch)
                + times(f, j, g.w.dilation * lanes)
            )
            row = (times(f, i, g.w.taps) + j) * channels + times(f, q, lanes) + e
            r0, r1 = 0, win.rows
            if s.own:
                self.ask_for(f, panel.ahead, f.i64(row) // s.mr)
            if s.skips:
                r0, r1 = g.h.positions_inside(f, f.i64(panel.first), win.rows, i)
            self.call(f, panel, name, f.i64(a + e), f.i64(times(f, row, g.outputs)), r0, r1 - r0)

        f.loop(0, channels // lanes, 1, lambda q: f.loop(0, g.h.taps, 1, lambda i: f.loop(
            0, g.w.taps, 1, lambda j: f.loop(0, lanes, s.mr, lambda e: tile(q, i, j, e)))))  # fmt: skip

    def compressed_tiles(self, f: Fn, panel: "_Panel") -> None:
        """Tiles of any rows of the filter: those that are alike are loops."""
        s, g, win = self.schedule, self.gradient, self.schedule.window
        assert win.copied or g.x.channel == 1, "pixels that are not dense are copied"
        cells = [
            (
                i * g.h.dilation * win.pitch + j * g.w.dilation * win.column + e,
                ((i * g.w.taps + j) * g.channels + e) * g.outputs,
            )
            for i in range(g.h.taps)
            for j in range(g.w.taps)
            for e in range(g.channels)
        ]
        tiles = [cells[i : i + s.mr] for i in range(0, len(cells), s.mr)]
        calls = [(t[0][0], t[0][1], tuple((a - t[0][0], y - t[0][1]) for a, y in t)) for t in tiles]
        for a, y, pattern, n, da, dy in compress(calls):
            name = self.kernel(pattern, panel.nv, panel.masked)

            def one(i, name=name, a=a, y=y, da=da, dy=dy):
                at, to = times(f, i, da) + a, times(f, i, dy) + y
                self.call(f, panel, name, at, to, 0, win.rows)

            f.loop(0, n, 1, one)

    def kernel(self, pattern: tuple, nv: int, masked: bool) -> str:
        """The function of a tile with rows that read and sum at these (elements of the window, elements of the filter)."""
        key = pattern, nv, masked
        if key in self.kernels:
            return self.kernels[key]
        name = self.kernels[key] = f"filter_tile{len(self.kernels)}"
        s, g, win = self.schedule, self.gradient, self.schedule.window
        lanes, types = s.lanes, s.types
        vector = vec(types.total, lanes)
        args = dict(a=PTR, b=PTR, c=PTR, add=I1, images=I64, rows=I64)
        with self.module.fn(name, internal=True, noalias=False, **args) as f:
            masks: list[Val | None] = [None] * nv
            if masked:
                masks[-1] = f.mask(lanes, g.outputs % lanes)
            count = f.rows if s.skips else win.rows
            rows = (count, g.h.stride * win.pitch, g.y.row if s.own else g.w.out * s.nr)
            columns = (g.w.out, g.w.stride * win.column, g.y.column if s.own else s.nr)
            loops = [rows, columns]
            if not s.own:
                loops.insert(0, (f.images, win.image_pitch, s.pixels * s.nr))
            while len(loops) > 1 and isinstance(loops[0][0], int) and loops[0][0] == 1:
                loops.pop(0)
            b_type = g.y.element if s.own else types.total
            acc = accumulate(
                f, types, [a for a, _ in pattern], nv, loops, f.a, f.b, zeros(f, len(pattern) * nv, vector),
                masks if s.own else None, s.left_type, b_type,
            )  # fmt: skip
            cells = [(y + lanes * j, masks[j]) for _, y in pattern for j in range(nv)]
            more = lambda: [
                x + f.load(f.c, o, vector, mask) for x, (o, mask) in zip(acc, cells, strict=True)
            ]
            acc = f.when(f.add, more, lambda: acc)
            for x, (o, mask) in zip(acc, cells, strict=True):
                f.store(x, f.c, o, mask)
        return name
