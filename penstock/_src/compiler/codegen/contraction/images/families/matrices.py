"""Convolutions of bfloat16 by matrix registers (products/matrix_registers.py).

The rows of a register are neighboring pixels under a tap, 16 pairs of their channels each: they are loaded from the copy of the image, in
which each pixel's channels are filled with zeros to whole registers. If the stride is 1, rows of the image follow each other in the copy,
and so do tiles: the pixels at the end of a row whose taps would reach into the next one are computed, but not stored.
"""

from dataclasses import replace

from penstock._src.compiler.codegen.contraction.images.choice import PartProblem
from penstock._src.compiler.codegen.contraction.images.conv import ConvolutionPart
from penstock._src.compiler.codegen.contraction.images.convolution import Convolution
from penstock._src.compiler.codegen.contraction.images.schedule import PartSchedule
from penstock._src.compiler.codegen.contraction.images.weights import in_pairs, pack_tap
from penstock._src.compiler.codegen.contraction.images.window import ImageWindow, PaddedImageWindow
from penstock._src.compiler.codegen.contraction.images.window_choice import choose_window
from penstock._src.compiler.codegen.contraction.products.matrix_registers import (
    COUNT,
    SIDE,
    RegisterBlock,
    begin_matrices,
    end_matrices,
    matrix_registers,
)
from penstock._src.compiler.codegen.contraction.products.pairs import PAIR
from penstock._src.compiler.codegen.contraction.tile import store_as, times
from penstock._src.compiler.codegen.kernel_code import (
    FIRST_SIZE,
    OUTPUT,
    RegisterTile,
    final_values,
    round_up,
)
from penstock._src.native import Target, Val
from penstock._src.native.language.function import Fn
from penstock._src.native.language.types import I1, I64, PTR, vec
from penstock._src.util.dataclass import dataclass

LEAST_PAIRS = 8  # of channels: fewer would leave most of a register empty


def suits(conv: Convolution, target: Target) -> bool:
    """True if a convolution of bfloat16 has enough channels for the target's matrix registers."""
    if not target.multiplies_matrices:
        return False
    paired = in_pairs(conv, target)
    return paired.pairs and paired.channels >= LEAST_PAIRS


class MatrixProblem(PartProblem):
    """The input of the choice for a schedule of matrix registers."""

    label = "conv by matrices"
    cuts_taps = False

    @property
    def depth(self) -> int:
        c = self.conv
        return c.h.taps * c.w.taps * round_up(c.channels, SIDE)

    def register_tile(self) -> tuple[int, int]:
        """As many sums as leave registers for a row and a column of operands."""
        across = 2 if self.conv.outputs > SIDE else 1
        # Eight registers hold down * across sums, `across` of weights and `down` of pixels.
        down = (COUNT - across) // (across + 1)
        return SIDE * down, across * SIDE // self.lanes

    def window(self, split: int) -> ImageWindow:
        c = self.conv
        plain = choose_window(
            c.x, c.h, c.w, c.channels, c.batch, c.types.total, SIDE, self.limits(split),
            copied=True, kind=PaddedImageWindow,
        )  # fmt: skip
        assert isinstance(plain, PaddedImageWindow)
        # A register always loads 16 pixels: those after the last one are read, not used.
        return replace(plain, room_after=SIDE * c.w.stride * plain.column)


@dataclass(frozen=True)
class Positions:
    """The pixels of a block's image in the order in which rows of registers take them.

    Position q of a line is the pixel at row q // width, column q % width; some columns do not exist.
    """

    lines: int
    length: int
    width: int

    @property
    def registers(self) -> int:
        """Registers of sums for each 16 outputs."""
        return self.lines * -(-self.length // SIDE)


def positions_of(s: PartSchedule) -> Positions:
    """All rows in one line if that takes fewer registers than a line for each row."""
    c, window = s.conv, s.window
    apart = Positions(window.rows, c.w.out, c.w.out)
    if c.h.stride != 1 or c.w.stride != 1:
        return apart
    # The columns between two rows are computed in vain, but no register is left half empty.
    together = Positions(1, (window.rows - 1) * window.width + c.w.out, window.width)
    return min(together, apart, key=lambda positions: positions.registers)


class MatrixConvolution(ConvolutionPart):
    """Writes one dense convolution of a kernel."""

    counts = ("first_position",)

    def write(self) -> None:
        if not self.schedule.direct_weights:
            self.write_packing()
        self.write_task([])

    def sweep_panels(self, f: Fn, split, panel) -> None:
        begin_matrices(f)
        super().sweep_panels(f, split, panel)
        end_matrices(f)

    def tiles_of_panel(
        self, f: Fn, tile, runs, buf: Val, b: Val, p, nv: int, masked: bool, count, oh0, out0
    ):  # fmt: skip
        """The tiles of a block of images by one panel of weights."""
        s, c, win = self.schedule, self.conv, self.schedule.window
        positions = positions_of(s)
        apart = c.w.stride * win.column
        whole, rest = divmod(positions.length, s.mr)

        def line(g, r):
            at = times(f, g, win.image_pitch) + times(f, r, c.h.stride * win.pitch)
            out = out0 + times(f, g, c.y.image) + times(f, r, s.y_row)

            def some(i, rows):
                q = times(f, i, s.mr)
                a = f.at(buf, at + times(f, q, apart), s.left_type)
                tile(self.matrix_tile(rows, nv, masked), a, b, out, p, number=q)

            f.loop(f.i64(0), whole, 1, lambda i: some(i, s.mr))
            if rest:
                some(f.i64(whole), rest)

        f.loop(
            f.i64(0), count, 1, lambda g: f.loop(f.i64(0), positions.lines, 1, lambda r: line(g, r))
        )

    def matrix_tile(self, rows: int, nv: int, masked: bool) -> str:
        """The function of a tile of this number of rows."""
        key = rows, nv, masked
        if key in self.kernels:
            return self.kernels[key]
        s, total = self.schedule, self.types.total
        name = self.kernels[key] = f"{s.name}_tile{len(self.kernels)}"
        args = dict(a=PTR, b=PTR, ctx=PTR, partial=PTR, out=I64, col=I64, first=I1, final=I1)
        args |= dict.fromkeys(self.counts, I64)
        with self.module.fn(name, internal=True, noalias=False, **args) as f:
            sums = f.alloca(total, round_up(rows, SIDE) * s.nr)
            self.multiply(f, rows, nv, sums)
            self.finish_rows(f, rows, nv, masked, sums)
        return name

    def multiply(self, f: Fn, rows: int, nv: int, sums: Val) -> None:
        """Stores the sums of a tile as rows of the panel's width."""
        s, c, win, total = self.schedule, self.conv, self.schedule.window, self.types.total
        registers = matrix_registers(f, total, PAIR)
        block = RegisterBlock(registers, -(-rows // SIDE), nv * self.lanes // SIDE)
        stride = c.w.stride * win.column
        block.begin()

        def row_of_taps(i):
            def tap(j):
                a = times(f, i, c.h.dilation * win.pitch) + times(f, j, c.w.dilation * win.column)
                b = times(f, times(f, i, c.w.taps) + j, win.column * s.nr)

                def some(k):
                    down = range(block.down)
                    lefts = [f.at(f.a, a + k + SIDE * stride * i, total) for i in down]
                    at = b + times(f, k, s.nr)
                    rights = [f.at(f.b, at + SIDE * j, total) for j in range(block.across)]
                    block.multiply(lefts, stride, rights, s.nr)

                f.loop(f.i64(0), win.column, SIDE, some)

            f.loop(f.i64(0), c.w.taps, 1, tap)

        f.loop(f.i64(0), c.h.taps, 1, row_of_taps)
        block.store(sums, s.nr, SIDE * s.nr)

    def finish_rows(self, f: Fn, rows: int, nv: int, masked: bool, sums: Val) -> None:
        """Stores the epilogue's values of the pixels that exist."""
        s, c, lanes = self.schedule, self.conv, self.lanes
        width = positions_of(s).width
        masks: list[Val | None] = [None] * nv
        if masked:
            masks[-1] = f.mask(lanes, c.outputs % lanes)
        y = f.at(f.load(f.ctx, OUTPUT, PTR), f.out, self.types.output)

        def row(i):
            q = f.first_position + i
            column = q % width
            start = times(f, q // width, s.y_row) + times(f, column, s.y_column)

            def store():
                tile = RegisterTile(
                    f, [(0, j) for j in range(nv)], lambda _, j: f.out + start + lanes * j,
                    lambda j: f.col + lanes * j, lambda j: masks[j], c.outputs * c.groups, FIRST_SIZE + c.sizes,
                )  # fmt: skip
                own = [
                    f.load(sums, i * s.nr + lanes * j, vec(self.types.total, lanes))
                    for j in range(nv)
                ]
                for j, x in enumerate(final_values(f, self.epilogue, tile, own, f.partial)):
                    store_as(f, x, y, start + lanes * j, self.types.output, masks[j])

            # Columns whose taps reach into the next row of the image are not pixels of the output.
            f.when(column < c.w.out, store)

        f.loop(f.i64(0), rows, 1, row)

    # -- packing
    def pack_taps(self, f: Fn, source: Val, start: Val, count: Val, dst: Val) -> None:
        """Packs a panel, with rows of zeros for the zeros after each pixel's channels."""
        c, nr, column = self.conv, self.schedule.nr, self.schedule.window.column
        total = self.types.total

        def tap(i, j):
            at = start + times(f, i, c.filter.row) + times(f, j, c.filter.column)
            here = f.at(dst, times(f, times(f, i, c.w.taps) + j, column * nr), total)
            pack_tap(f, c.filter, source, at, nr, count, c.channels, here, self.types, self.lanes)
            padding = (column - c.channels) * nr * self.schedule.size
            f.memset(f.at(here, c.channels * nr, total), 0, padding)

        f.loop(
            f.i64(0), c.h.taps, 1,
            lambda i: f.loop(f.i64(0), c.w.taps, 1, lambda j: tap(i, j)),
        )  # fmt: skip
