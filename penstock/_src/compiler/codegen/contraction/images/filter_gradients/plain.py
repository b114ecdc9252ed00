"""The gradient of a convolution's filter: tiles are (tap, input channel) x output channel, and k runs over pixels."""

from collections.abc import Sequence
from typing import Any

from penstock._src.compiler.codegen.contraction.extents import value
from penstock._src.compiler.codegen.contraction.images.convolution import FilterGradient
from penstock._src.compiler.codegen.contraction.tile import times
from penstock._src.compiler.codegen.kernel_code import LEFT, OUTPUT, RIGHT, SCRATCH
from penstock._src.native import Val
from penstock._src.native.language.function import Fn
from penstock._src.native.language.types import PTR, SIZE, vec
from penstock._src.util.dataclass import dataclass

from .plain_choice import PlainSchedule
from .tiles import GradientTiles, Panel

MOST_ASKED = 2 << 10  # bytes of the next block that a tile prefetches


@dataclass(frozen=True)
class _Panel(Panel):
    """A panel over several images.

    count   images
    first   row of the block in the image
    ahead   inputs of the next block, for prefetching: (address, bytes)
    """

    count: Any
    first: Any = 0
    ahead: Sequence[tuple[Val, int]] = ()


class PlainWriter(GradientTiles):
    """Writes the functions of a sum of plain products."""

    schedule: PlainSchedule
    gradient: FilterGradient

    counts = ("images", "rows")

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

            # As many ranges for any number of threads, added in order: the sums have the same bits.
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
                    work = _Panel(
                        window=buf,
                        dy=columns,
                        sums=sums,
                        nv=nv,
                        masked=masked,
                        add=i > low,
                        count=f.i64(1),
                        first=first,
                        ahead=ahead,
                    )
                    self.write_tiles(f, work)

                # Panels within a block: the window stays in the cache for all of them.
                self.sweep_panels(f, panel)

            # A range without blocks has stored no sums, and they are added up all the same.
            f.when(low.eq(high), lambda: f.memset(mine, 0, s.length * s.size))
            f.loop(low, high, 1, block)

    def next_block(self, f: Fn, x: Val, dy: Val, i: Val) -> list[tuple[Val, int]]:
        """The memory that block i reads of either array, for prefetching: (address, bytes); empty if it is too much for each tile."""
        s, g, win = self.schedule, self.gradient, self.schedule.window
        size = win.rows * (g.h.stride * g.x.row + g.y.row) * s.size
        # A tile can ask for a few lines while it multiplies; more would hold up its own loads.
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
            # As PlainSchedule.layout: sums, all padded images, then a panel of dy for each thread.
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
                    f, _Panel(window=a, dy=b, sums=c, nv=nv, masked=masked, add=n > 0, count=count)
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
                        # Lanes beyond the outputs become zeros: tiles need no masks.
                        mask = f.mask(lanes, g.outputs - lanes * v - column) if ragged else None
                        x = f.load(dy, at + lanes * v, vec(g.y.element, lanes), mask)
                        f.store(f.convert(x, s.types.total), dst, to * s.nr + lanes * v)

                f.loop(f.i64(0), g.w.out, 1, pixel)

            f.loop(f.i64(0), g.h.out, 1, row)

        f.loop(f.i64(0), batch, 1, image)

    @property
    def reads_outputs(self) -> bool:
        return self.schedule.own

    @property
    def right_type(self) -> str:
        return self.gradient.y.element if self.schedule.own else self.schedule.types.total

    def loops_of_tile(self, f: Fn) -> list[tuple]:
        s, g, win = self.schedule, self.gradient, self.schedule.window
        count = f.rows if s.skips else win.rows
        rows = (count, g.h.stride * win.pitch, g.y.row if s.own else g.w.out * s.nr)
        columns = (g.w.out, g.w.stride * win.column, g.y.column if s.own else s.nr)
        loops = [rows, columns]
        if not s.own:
            loops.insert(0, (f.images, win.image_pitch, s.pixels * s.nr))
        # A loop of one turn would only cost registers for its addresses.
        while len(loops) > 1 and isinstance(loops[0][0], int) and loops[0][0] == 1:
            loops.pop(0)
        return loops

    def call(
        self, f: Fn, panel: "_Panel", name: str, a: Any, y: Any, tap: Any = None, row: Any = 0
    ) -> None:
        s, g, total = self.schedule, self.gradient, self.schedule.types.total
        skipped, after = 0, s.window.rows
        if tap is not None and s.own:
            self.ask_for(f, panel.ahead, f.i64(row) // s.mr)
        if tap is not None and s.skips:
            skipped, after = g.h.positions_inside(f, f.i64(panel.first), s.window.rows, tap)
        distance = g.y.row if s.own else g.w.out * s.nr
        here = f.at(panel.dy, times(f, skipped, distance), self.right_type)
        a = f.i64(a) if tap is not None else a
        a = a + times(f, skipped, g.h.stride * s.window.pitch)
        image, sums = f.at(panel.window, a, s.left_type), f.at(panel.sums, y, total)
        f.call(name, image, here, sums, panel.add, panel.count, f.i64(after - skipped))
