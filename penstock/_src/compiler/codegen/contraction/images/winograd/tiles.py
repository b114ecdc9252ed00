"""Tiles of an image, transformed: [36][tile][channel], as small products want them.

A row of tiles covers some rows of an image from side to side. Rows of the image that are missing are read from a row of
zeros, missing columns are known when emitting.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import Any

from penstock._src.compiler.codegen.contraction.extents import Extent, is_static
from penstock._src.compiler.codegen.contraction.images.window import TYPICAL_BATCH, Axis, Image
from penstock._src.compiler.codegen.contraction.tile import Types, times
from penstock._src.compiler.codegen.kernel_code import round_up
from penstock._src.native import Module, Target, Val
from penstock._src.native.language.function import Fn
from penstock._src.native.language.types import PTR, SIZE, lanes, vec

from .transforms import INPUTS, OUTPUTS, TAPS, both_axes

POINTS = INPUTS * INPUTS
LEAST_TILES = 16  # of all images: for fewer, transforming weights does not pay
LEAST_FILLED = 0.6  # of the tiles' outputs are wanted


def tiles_along(extent: int) -> int:
    """How many tiles cover an axis of the output."""
    return -(-extent // OUTPUTS)


def typical(batch: Extent) -> int:
    """The images that a schedule is chosen for."""
    return batch if is_static(batch) else TYPICAL_BATCH


def suits(axes: Sequence[Axis], batch: Extent, channels: int, outputs: int, types: Types, target: Target) -> bool:  # fmt: skip
    """Whether a convolution's geometry is one that tiles are made for, and gains by them."""
    for axis in axes:
        if (axis.taps, axis.stride, axis.dilation, axis.base) != (TAPS, 1, 1, 1) or axis.out <= 0:
            return False
    width = types.lanes(target)
    if not types.left == types.right == types.total or channels % width or outputs % width:
        return False
    tiles, pixels = 1, 1
    for axis in axes:
        tiles, pixels = tiles * tiles_along(axis.out), pixels * axis.out
    filled = pixels / (OUTPUTS * OUTPUTS * tiles)
    return filled >= LEAST_FILLED and typical(batch) * tiles >= LEAST_TILES


def store_points(f: Fn, points: Sequence[Sequence[Val | None]], vector: str, dst: Val, pitch: int, at) -> None:  # fmt: skip
    """Stores 6 x 6 vectors `pitch` elements from each other; None is zero."""
    for i, row in enumerate(points):
        for j, v in enumerate(row):
            f.store(f.zero(vector) if v is None else v, dst, at + (i * INPUTS + j) * pitch)


@dataclass
class Side:
    """One spatial axis of the image that tiles are taken from: its extent, and where the first tile begins."""

    size: int
    low: int


class TileReader:
    """Writes the functions that transform the tiles of an image; a tile reads `reads` x `reads` pixels."""

    def __init__(
        self, module: Module, name: str, image: Image, sides: tuple[Side, Side], tiles: tuple[int, int], reads: int,
        transform: Callable[..., Any], channels: int, vector: str, capacity: int,
    ):  # fmt: skip
        """`tiles` are those of an image, down and across; `capacity` those of a block."""
        self.module, self.name, self.image, self.sides = module, name, image, sides
        self.down, self.across = tiles
        self.reads, self.transform = reads, transform
        self.channels, self.vector, self.lanes = channels, vector, lanes(vector)
        # a line more than what is there keeps the points in different sets of the caches
        self.pitch = capacity * channels + self.lanes
        line = 64 // SIZE[image.element]
        self.blank = round_up((reads - 1) * image.column + channels, line)  # elements of the zeros
        self.written: set[str] = set()

    def read(self, f: Fn, x: Val, first: Val, count: Val, dst: Val, blank: Val) -> None:
        """Transforms `count` rows of tiles from row `first` of all images' on; `blank` holds zeros."""
        image, (h, w) = self.image, self.sides
        inside = lambda j: tuple(0 <= OUTPUTS * j + i - w.low < w.size for i in range(self.reads))

        def row(r):
            n, ti = (first + r) // self.down, (first + r) % self.down
            top = f.i64(times(f, ti, OUTPUTS) - h.low)
            start = times(f, n, image.image) + times(f, top, image.row)
            start = f.i64(start + (image.base - w.low * image.column))
            exists = [(top + i >= 0) & (top + i < h.size) for i in range(self.reads)]
            source = [f.at_any(x, start + i * image.row, image.element) for i in range(self.reads)]

            def tile(name, skipped, j):
                along = times(f, j, OUTPUTS * image.column) + skipped * image.column
                rows = [
                    f.select(e, f.at_any(p, along, image.element), blank)
                    for e, p in zip(exists, source, strict=True)
                ]
                at = times(f, times(f, r, self.across) + j, self.channels)
                f.call(name, *rows, f.at(dst, at, image.element))

            for columns, run in groupby(range(self.across), inside):
                all_of, skipped = list(run), columns.index(True) if True in columns else 0
                each = partial(tile, self.tile(columns, skipped), skipped)
                f.loop(all_of[0], all_of[-1] + 1, 1, lambda j, each=each: each(f.i64(j)))

        f.loop(f.i64(0), count, 1, row)

    def tile(self, columns: tuple[bool, ...], skipped: int) -> str:
        """The function that transforms a tile of which these columns lie in the image; its rows begin at the first of them."""
        name = f"{self.name}_" + "".join(str(int(c)) for c in columns)
        if name in self.written:
            return name
        self.written.add(name)
        rows = {f"row{i}": PTR for i in range(self.reads)}
        with self.module.fn(name, internal=True, noalias=False, **rows, out=PTR) as f:

            def vector(k):
                at = times(f, k, self.lanes)

                def pixel(i, j):
                    row = getattr(f, f"row{i}")
                    inside = columns[j]
                    offset = at + (j - skipped) * self.image.column
                    return f.load(row, offset, self.vector) if inside else None

                tile = [[pixel(i, j) for j in range(self.reads)] for i in range(self.reads)]
                points = both_axes(f, tile, self.transform)
                store_points(f, points, self.vector, f.out, self.pitch, at)

            f.loop(f.i64(0), self.channels // self.lanes, 1, vector)
        return name


def vector_of(types: Types, target: Target) -> str:
    """The vectors that transforms work on."""
    return vec(types.total, types.lanes(target))
