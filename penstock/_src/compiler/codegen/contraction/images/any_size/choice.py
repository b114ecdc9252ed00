"""Chooses blocks and register tiles for images of any size. No choice depends on a size that a call brings."""

from collections.abc import Iterator
from typing import Any

from penstock._src.compiler.codegen.contraction.extents import ceil_divide, is_static, number
from penstock._src.compiler.codegen.contraction.images.choice import (
    LIGHT_WEIGHTS,
    reads_weights_in_place,
)
from penstock._src.compiler.codegen.contraction.images.schedule import PackedPanels
from penstock._src.compiler.codegen.contraction.images.window_choice import divisors
from penstock._src.compiler.codegen.contraction.pack import room
from penstock._src.compiler.codegen.contraction.tile import (
    MOST_ROWS,
    Types,
    cost,
    fits,
)
from penstock._src.compiler.codegen.kernel_code import KernelStage, Sizes, round_up
from penstock._src.compiler.codegen.processors import processor_of
from penstock._src.native import Target
from penstock._src.native.language.types import SIZE
from penstock._src.util.dataclass import dataclass

from .description import AnySizeAxis, AnySizeConvolution
from .window import AnySizeWindow

MOST_VECTORS = 4  # of outputs in a tile
TYPICAL_WIDTHS = (7, 14, 28)  # of images, for which tiles are compared
MOST_PIXELS = 256  # of a block
BLOCK_ROWS = (1, 2, 3, 4, 6, 8, 12, 16)  # that a block may have
BLOCK_COLUMNS = 64  # most of a block


@dataclass(frozen=True)
class AnySizeSchedule(PackedPanels):
    """The division of a convolution.

    blocks      some rows and columns of the outputs of an image, of one phase if the input is dilated
      panels    `nr` outputs: weights that a task goes through one after the other
        tiles   `mr` or fewer pixels of a row by nv vectors of outputs

    split, direct_weights, panel_room, depth are as in schedule.py.
    """

    name = "any_size"
    k_blocks = 1

    conv: AnySizeConvolution
    target: Target
    threads: int
    mr: int
    nv: int
    depth: int
    panels: int
    split: int
    window: AnySizeWindow
    direct_weights: bool
    panel_room: int

    @property
    def types(self) -> Types:
        return self.conv.types

    @property
    def left_type(self) -> str:
        """The type of the elements that tiles read of the image."""
        return self.types.total

    @property
    def pieces(self) -> list[int]:
        """The widths of tiles, largest first; a row of a block is divided into as many of each as there is room for."""
        return pieces(self.mr)

    @property
    def phases(self) -> int:
        return self.conv.h.base * self.conv.w.base

    # -- memory, in bytes
    @property
    def window_bytes(self) -> int:
        return round_up(self.window.elements * self.size, 64)

    @property
    def scratch_bytes(self) -> int:
        return self.own_at + self.threads * self.window_bytes

    # -- tasks
    def blocks(self, height: Any, width: Any) -> tuple[Any, Any]:
        """The numbers of blocks along an image with outputs of this height and width; ints or values."""
        return axis_blocks(self.conv.h, height, self.window.rows), axis_blocks(
            self.conv.w, width, self.window.columns
        )

    def tasks(self, sizes: Sizes) -> Any:
        c = self.conv
        rows, columns = self.blocks(number(c.h.out, sizes), number(c.w.out, sizes))
        return number(c.batch, sizes) * rows * columns * (self.phases * c.groups * self.split)

    def stages(self, _sizes: Sizes) -> list[KernelStage]:
        stages = []
        if not self.direct_weights:
            tasks = self.panels * self.conv.groups
            is_prepacked = self.conv.is_prepacked
            stages.append(KernelStage(f"{self.name}_pack", lambda _: tasks, prepacks=is_prepacked))
        return [*stages, KernelStage(f"{self.name}_task", self.tasks)]

    @property
    def facts(self) -> dict[str, Any]:
        """The choices, for reports."""
        return {"rows": self.window.rows, "columns": self.window.columns, "split": self.split}


def axis_blocks(axis: AnySizeAxis, outputs: Any, positions: int) -> Any:
    """The number of blocks of a number of positions along an axis with `outputs` outputs; ints or values."""
    return ceil_divide(ceil_divide(outputs, axis.base), positions)


def pieces(mr: int) -> list[int]:
    """The widths of tiles of at most `mr` pixels, largest first."""
    # Whole, half and single: any row is covered, by three functions instead of `mr`.
    return sorted({mr, -(-mr // 2), 1}, reverse=True)


def choose(conv: AnySizeConvolution, target: Target, threads: int, cut_for: int) -> AnySizeSchedule:
    """The schedule for a pool of `threads`, divided into tasks for `cut_for` threads."""
    types, lanes = conv.types, conv.types.lanes(target)
    size = SIZE[types.total]
    vectors = max(1, -(-conv.outputs // lanes))
    mr, nv = _register_tile(vectors, target)
    depth = conv.h.taps * conv.w.taps * conv.channels
    panels, weights = -(-vectors // nv), depth * conv.outputs * size
    rows, columns = block_of(
        conv.h, conv.w, conv.channels * size, processor_of(target).window, mr, MOST_PIXELS
    )
    is_heavy = weights > LIGHT_WEIGHTS
    # The number of blocks is not known, so heavy weights are shared as if there were just one.
    split = min(d for d in divisors(panels) if d >= cut_for or d == panels) if is_heavy else 1
    return AnySizeSchedule(
        conv=conv,
        target=target,
        threads=threads,
        mr=mr,
        nv=nv,
        depth=depth,
        panels=panels,
        split=split,
        window=AnySizeWindow(
            x=conv.x,
            h=conv.h,
            w=conv.w,
            channels=conv.channels,
            total=types.total,
            lanes=lanes,
            rows=rows,
            columns=columns,
        ),
        direct_weights=reads_weights_in_place(conv, depth, weights, nv * lanes, lanes),
        panel_room=room(nv * lanes, depth, lanes),
    )


def _register_tile(vectors: int, target: Target) -> tuple[int, int]:
    """(pixels, vectors) of the tile that covers rows of typical widths in the fewest cycles."""

    def row(width: int, mr: int, nv: int) -> float:
        cycles = 0.0
        for piece in pieces(mr):
            cycles += width // piece * cost(piece, nv, target)
            width %= piece
        return cycles

    def cycles(mr: int, nv: int) -> float:
        whole = sum(row(width, mr, nv) / width for width in TYPICAL_WIDTHS) * (vectors // nv)
        rest = vectors % nv
        return whole + (sum(row(w, mr, rest) / w for w in TYPICAL_WIDTHS) if rest else 0)

    choices = [
        (cycles(mr, nv), mr, nv)
        for nv in range(1, min(vectors, MOST_VECTORS) + 1)
        for mr in range(1, MOST_ROWS + 1)
        if fits(mr, nv, target)
    ]
    return min(choices)[1:]


def block_of(
    h: AnySizeAxis, w: AnySizeAxis, pixel: int, room: int, unit: int, most: int
) -> tuple[int, int]:
    """(rows, columns) of a block of at most `most` outputs, whose window of `pixel` bytes an input has room; columns by `unit`."""

    def candidates() -> Iterator[tuple[int, int]]:
        rows = [r for r in BLOCK_ROWS if not is_static(h.out) or r <= max(1, h.out)]
        widest = BLOCK_COLUMNS if not is_static(w.out) else min(BLOCK_COLUMNS, max(1, w.out))
        for r in rows:
            for c in range(unit, max(widest, unit) + unit, unit):
                if r * c <= most:
                    yield r, c

    def badness(block: tuple[int, int]) -> tuple:
        rows, columns = block
        window = h.reach(rows) * w.reach(columns)
        pixels = rows * columns
        # The remaining columns of a row of an image form another block.
        # Copied inputs for each output: the borders of small blocks are read several times.
        copied = window / pixels * (1 + unit / columns)
        is_small = pixels < most // 2
        return window * pixel > room, is_small and -pixels, copied

    return min(candidates(), key=badness)
