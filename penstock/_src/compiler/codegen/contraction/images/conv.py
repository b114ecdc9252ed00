"""Convolutions as implicit products: forward, and (by phases) the input gradient.

The image is not unrolled to columns (im2col): the register tile broadcasts single elements of the image, and as shapes are
known, the offset of every pixel of a tile is a constant in the instruction. In NHWC the elements (column, channel) under one row of the
window are contiguous for any stride, so the loop over k consists of one such run for each row of the window.

The input gradient of a convolution with stride s consists of s * s dense convolutions of dy, one for each phase of the output,
over the taps that meet this phase. A single convolution of the dilated dy would multiply by zeros for all but one of s * s taps. In the
description it is a convolution with a dilated input (`Axis.base`).
"""

from typing import Any

from penstock._src.compiler.codegen.contraction.extents import value
from penstock._src.compiler.codegen.contraction.tile import (
    compress,
    row_groups,
    times,
    word,
)
from penstock._src.compiler.codegen.kernel_code import (
    LEFT,
    PARTIALS,
    RIGHT,
    SCRATCH,
    Epilogue,
    KernelCode,
)
from penstock._src.native import Code, Module, NamedCode, Val
from penstock._src.native.language.function import Fn
from penstock._src.native.language.types import PTR, SIZE

from .convolution import Convolution
from .panels import PanelWriter
from .schedule import ConvolutionSchedule, PartSchedule


def emit(
    schedule: ConvolutionSchedule, epilogue: Epilogue, part_of: "type[ConvolutionPart]"
) -> KernelCode:
    """The kernel for a schedule; `part_of` writes each of its dense convolutions."""

    def write() -> Code:
        module = Module(schedule.target)
        for part in schedule.parts:
            part_of(part, module, epilogue).write()
        return Code.of(module)

    return KernelCode(
        code=NamedCode(schedule.target, write),
        sizes=schedule.conv.sizes,
        stages=schedule.stages,
        scratch=schedule.scratch,
        threads=schedule.threads,
        partials=lambda sizes: (schedule.tasks(sizes), epilogue.partial_bytes),
        # Several blocks of k store partial sums before the epilogue reads what lies there.
        in_place=all(part.k_blocks == 1 for part in schedule.parts),
        label=schedule.label,
        prepacked_bytes=schedule.prepacked_bytes,
        facts=schedule.facts,
    )


class ConvolutionPart(PanelWriter):
    """Writes one dense convolution of a kernel."""

    schedule: PartSchedule
    conv: Convolution

    def __init__(self, schedule: PartSchedule, module: Module, epilogue: Epilogue) -> None:
        super().__init__(schedule, module, epilogue)
        self.in_pairs = schedule.conv.pairs

    def write(self) -> None:
        s = self.schedule
        if not s.direct_weights:
            self.write_packing()
        # Only rows of a block are known alike: its tiles are a loop over rows, not a list of runs.
        if s.skips:
            self.write_task([])
            return
        calls = []
        for first, relative in row_groups(s.window.pixels(), s.mr):
            start, r, col = first
            y = r * s.y_row + col * s.y_column
            pattern = (
                tuple(a - start for a, _, _ in relative),
                tuple(i * s.y_row + j * s.y_column - y for _, i, j in relative),
            )
            calls.append((start, y, pattern))
        self.write_task(compress(calls))

    def write_task(self, runs: list[tuple]) -> None:
        """A task: a block of images or rows of one, all panels or a part of them; `runs` are its tiles, as loops."""
        s, c, win = self.schedule, self.conv, self.schedule.window
        with self.module.task(f"{s.name}_task") as f:
            x, w, partials, scratch = (
                f.load(f.ctx, i, PTR) for i in (LEFT, RIGHT, PARTIALS, SCRATCH)
            )
            batch = value(f, c.batch)
            split, rest = f.task % s.split, f.task // s.split
            group, rest = rest % c.groups, rest // c.groups
            block, images = rest % win.row_blocks, rest // win.row_blocks
            n0, oh0 = f.i64(images * win.images), f.i64(times(f, block, win.rows))
            count = f.min(f.i64(batch) - n0, win.images) if win.images > 1 else 1
            partials = self.cleared_partials(f, partials, batch)
            mine = f.at(scratch, f.tid * s.window_bytes + s.own_at)
            shift = times(f, group, c.x.group)
            base = f.i64(shift) + c.x.base if c.groups > 1 else c.x.base
            buf = win.fill(f, x, base, n0, count, oh0, mine)
            out0 = (
                times(f, n0, c.y.image)
                + times(f, oh0, s.y_row)
                + times(f, group, c.y.group)
                + s.y_first
            )
            out0 = f.i64(out0)
            w_at = (
                times(f, group, c.filter.group) + c.filter.base if c.groups > 1 else c.filter.base
            )
            column0 = times(f, group, c.outputs)
            # Weights that this launch packs are at the start of the scratch.
            packed = w if c.is_prepacked else scratch

            def tile(name, a, b, out, p, kb=0, number=c.h.taps):
                column = word(f, times(f, p, s.nr))
                f.call(
                    name, a, b, f.ctx, partials, f.i64(out) + column, column + column0,
                    f.i64(kb).eq(0), f.i64(kb).eq(s.k_blocks - 1), f.i64(number),
                )  # fmt: skip

            def panel(p, nv: int, masked: bool):
                if s.direct_weights:
                    b = f.at(w, w_at + times(f, p, s.nr), c.filter.element)
                else:
                    which = times(f, group, s.panels) + p
                    b = f.at(packed, times(f, which, s.panel_room), self.types.total)
                self.tiles_of_panel(f, tile, runs, buf, b, p, nv, masked, count, oh0, out0)

            self.sweep_panels(f, split, panel)

    def cleared_partials(self, f: Fn, partials: Val, batch: Any) -> Val:
        """The address of this task's partial results of the epilogue, which are cleared."""
        if not self.epilogue.partial_bytes:
            return partials
        number = self.tasks_before(f, batch) + f.task
        partials = f.at(partials, number * self.epilogue.partial_bytes)
        self.epilogue.clear(f, partials)
        return partials

    def tasks_before(self, f: Fn, batch: Any) -> Val:
        """The number of tasks of the parts before this one."""
        tasks = f.i64(0)
        # Phases with few taps have light weights, and so blocks of fewer images than the others.
        for images, unit in self.schedule.before:
            tasks = tasks + (f.i64(batch) + (images - 1)) // images * unit
        return tasks

    def tiles_of_panel(
        self, f: Fn, tile, runs, buf: Val, b: Val, p, nv: int, masked: bool, count, oh0, out0
    ):  # fmt: skip
        """The tiles of a block of images by one panel of weights, tap rows outermost if these are many."""
        s, c, win = self.schedule, self.conv, self.schedule.window
        step = c.filter.channel if s.direct_weights else s.step

        def k_block(kb):
            a_kb = f.at(buf, times(f, kb, c.h.dilation * win.pitch), s.left_type)
            b_kb = f.at(b, times(f, kb, c.w.taps * c.channels * step), self.types.total)

            def image(g):
                # Tap rows outermost: a part of the panel serves all pixels before the next.
                pitch = win.image_pitch if win.copied else c.x.image
                a_g = f.at(a_kb, times(f, g, pitch), s.left_type)
                out_g = out0 + times(f, g, c.y.image)
                if s.skips:
                    self.rows_of_tiles(f, tile, oh0, a_g, b_kb, out_g, p, step, nv, masked)
                for first, y, pattern, n, da, dy in runs:
                    name = self.kernel(pattern, nv, masked, step)

                    def one(i, name=name, first=first, y=y, da=da, dy=dy):
                        a = f.at(a_g, times(f, i, da) + first, s.left_type)
                        tile(name, a, b_kb, out_g + times(f, i, dy) + y, p, kb)

                    f.loop(0, n, 1, one)

            f.loop(0, count, 1, image)

        f.loop(0, s.k_blocks, 1, k_block)

    def rows_of_tiles(self, f: Fn, tile, oh0, a, b, out, p, step: int, nv: int, masked: bool):
        """The tiles of a block, row by row: of each the taps that meet the image."""
        s, c, h, win = self.schedule, self.conv, self.conv.h, self.schedule.window
        along_row = c.w.stride * win.column
        pattern = (
            tuple(i * along_row for i in range(s.mr)),
            tuple(i * s.y_column for i in range(s.mr)),
        )
        name = self.kernel(pattern, nv, masked, step)
        ahead = self.next_block(f)

        def row(r):
            start = times(f, oh0 + r, h.stride) - h.low
            t0, t1 = h.taps_inside(f, start)
            from_row = times(f, r, h.stride * win.pitch) + times(f, t0, h.dilation * win.pitch)
            weights = f.at(b, times(f, t0, c.w.taps * c.channels * step), self.types.total)

            def one(i):
                at = from_row + times(f, i, s.mr * along_row)
                to = out + times(f, r, s.y_row) + times(f, i, s.mr * s.y_column)
                if ahead is not None:
                    self.ask_for(f, ahead, r, i)
                tile(name, f.at(a, at, s.left_type), weights, to, p, number=t1 - t0)

            f.loop(0, c.w.out // s.mr, 1, one)

        f.loop(f.i64(0), win.rows, 1, row)

    def next_block(self, f: Fn) -> Val | None:
        """The address in the image of the block that this thread will probably work on next."""
        s, c, win = self.schedule, self.conv, self.schedule.window
        # Several panels come back to this block's window: the next would push it out of the cache.
        plain = c.groups == 1 and s.panels == 1 and c.x.channel == 1
        if not plain or win.images > 1 or not win.copied:
            return None
        # Threads take tasks in turn, so this thread's next one is probably as many tasks further.
        task = f.task + s.threads
        n, block = task // win.row_blocks, task % win.row_blocks
        row = times(f, block, win.rows * c.h.stride) - c.h.low
        return f.i64(times(f, n, c.x.image)) + times(f, row, c.x.row) + c.x.base

    def ask_for(self, f: Fn, ahead: Val, r, i) -> None:
        """Prefetches the part of the next block at this tile's relative position, so that copying finds it in the cache."""
        s, c, x, h = self.schedule, self.conv, self.conv.x, self.conv.h
        wide = s.mr * c.w.stride * x.column
        line = 64 // SIZE[x.element]
        source = f.load(f.ctx, LEFT, PTR)
        start = ahead + times(f, r, h.stride * x.row) + times(f, i, wide)
        for k in range(h.stride):
            for part in range(0, wide, line):
                f.prefetch(source, start + (k * x.row + part), x.element, locality=2)

    def loops_of_tile(self, f: Fn, step: int) -> list[tuple]:
        return self.loops(step, f.taps if self.schedule.skips else self.conv.h.taps)

    def loops(self, step: int, taps) -> list[tuple]:
        """The k nest over (tap rows, tap columns, channels), merged where both walks are regular."""
        s, c, win = self.schedule, self.conv, self.schedule.window
        run = [
            (c.w.taps, c.w.dilation * win.column, c.channels * step),
            (c.channels, 1, step),
        ]
        # Taps follow each other in memory: their channels are one long run, as in the weights.
        if c.w.dilation * win.column == c.channels or c.w.taps == 1:
            run = [(c.w.taps * c.channels, 1, step)]
        if s.k_blocks > 1:
            return run
        rows = (taps, c.h.dilation * win.pitch, c.w.taps * c.channels * step)
        if s.skips:
            return [rows, *run]
        if c.h.taps == 1:
            return run
        if len(run) == 1 and rows[1] == run[0][0]:
            return [(c.h.taps * run[0][0], 1, step)]
        return [rows, *run]
