"""Tiles of an image, transformed: [36][tile][channel], as small products want them.

A row of tiles covers some rows of an image from side to side. Rows of the image that are missing are read from a row of
zeros, missing columns are known when emitting.
"""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import groupby
from typing import Any

from penstock._src.compiler.codegen.contraction.extents import Extent, is_static
from penstock._src.compiler.codegen.contraction.images.window import Axis, Image
from penstock._src.compiler.codegen.contraction.images.window_choice import TYPICAL_BATCH
from penstock._src.compiler.codegen.contraction.tile import Types, times
from penstock._src.compiler.codegen.kernel_code import LINE, round_up
from penstock._src.native import Module, Target, Val
from penstock._src.native.language.function import Fn
from penstock._src.native.language.types import BF16, F16, F32, PTR, SIZE, vec
from penstock._src.util.dataclass import dataclass

from .transforms import INPUTS, OUTPUTS, TAPS, both_axes

POINTS = INPUTS * INPUTS
LEAST_TILES = 16  # tiles of all images for which transforming weights pays
# The same where transformed weights are cached: 4 tiles take 0.6 to 0.75, 9 tiles half of the time of the plain sum, 2 tiles 1.1 (Zen 5, Nov 2026).
LEAST_OF_CACHED = 4
LEAST_FILLED = 0.6  # least share of the tiles' outputs that exist


def tiles_along(extent: int) -> int:
    """The number of tiles that cover an axis of the output."""
    return -(-extent // OUTPUTS)


def typical(batch: Extent) -> int:
    """The images that a schedule is chosen for."""
    return batch if is_static(batch) else TYPICAL_BATCH


def suits(
    axes: Sequence[Axis],
    batch: Extent,
    channels: int,
    outputs: int,
    types: Types,
    target: Target,
    is_cached: bool = False,
) -> bool:
    """True if tiles support a convolution's geometry, and make it faster. `is_cached`: its weights are transformed once for all calls."""
    for axis in axes:
        if (axis.taps, axis.stride, axis.dilation, axis.base) != (TAPS, 1, 1, 1) or axis.out <= 0:
            return False
    # Transforms work on whole vectors of channels: their loads have no masks.
    width = types.lanes(target)
    if not _are_floats(types) or channels % width or outputs % width:
        return False
    tiles, pixels = 1, 1
    for axis in axes:
        tiles, pixels = tiles * tiles_along(axis.out), pixels * axis.out
    # Outputs past the image are computed as well: many of them outweigh the saved products.
    filled = pixels / (OUTPUTS * OUTPUTS * tiles)
    # Tasks have rows of tiles: fewer of them than threads must outweigh that those of the plain sum keep all threads busy.
    rows = typical(batch) * tiles_along(axes[0].out)
    is_cached = is_cached and 3 * rows >= 2 * target.sum_threads
    least = LEAST_OF_CACHED if is_cached else LEAST_TILES
    return filled >= LEAST_FILLED and typical(batch) * tiles >= least


def _are_floats(types: Types) -> bool:
    """True if operands have the type of their sums, or a narrower one of floats, from which they are converted as they are read."""
    narrow = types.total == F32 and types.left == types.right and types.left in (BF16, F16)
    return narrow or types.left == types.right == types.total


def store_points(f: Fn, points: Sequence[Sequence[Val | None]], vector: str, dst: Val, pitch: int, at) -> None:  # fmt: skip
    """Stores 6 x 6 vectors `pitch` elements apart; None is zero."""
    for i, row in enumerate(points):
        for j, v in enumerate(row):
            f.store(f.zero(vector) if v is None else v, dst, at + (i * INPUTS + j) * pitch)


@dataclass(frozen=True)
class Side:
    """One spatial axis of the image that is divided into tiles: its extent, and the start of the first tile."""

    size: int
    low: int


@dataclass(frozen=True)
class TileGrid:
    """The tiles of an image, and their layout after the transform.

    sides         of the image, down and across
    down, across  tiles of an image
    reads         input pixels along a tile's side
    capacity      maximum number of tiles in a block
    """

    image: Image
    sides: tuple[Side, Side]
    down: int
    across: int
    reads: int
    channels: int
    lanes: int
    capacity: int

    @property
    def pitch(self) -> int:
        """Elements from a point to the next.

        One more line keeps the points in different sets of the caches.
        """
        return self.capacity * self.channels + self.lanes

    @property
    def blank(self) -> int:
        """Elements of zeros that missing rows are read from."""
        line = LINE // SIZE[self.image.element]
        return round_up((self.reads - 1) * self.image.column + self.channels, line)


class TileReader:
    """Writes the functions that transform the tiles of an image."""

    def __init__(self, module: Module, name: str, grid: TileGrid, total: str, transform: Callable[..., Any]) -> None:  # fmt: skip
        """`total` is the type of the transformed tiles."""
        self.module, self.name, self.grid, self.transform = module, name, grid, transform
        self.total, self.vector = total, vec(total, grid.lanes)
        self.written: set[str] = set()

    def read(self, f: Fn, x: Val, first: Val, count: Val, dst: Val, blank: Val) -> None:
        """Transforms `count` rows of tiles from row `first` of all images' on; `blank` holds zeros."""
        grid, image, (h, w) = self.grid, self.grid.image, self.grid.sides
        inside = lambda j: tuple(0 <= OUTPUTS * j + i - w.low < w.size for i in range(grid.reads))

        def row(r):
            n, ti = (first + r) // grid.down, (first + r) % grid.down
            top = f.i64(times(f, ti, OUTPUTS) - h.low)
            start = times(f, n, image.image) + times(f, top, image.row)
            start = f.i64(start + (image.base - w.low * image.column))
            exists = [(top + i >= 0) & (top + i < h.size) for i in range(grid.reads)]
            # Addresses of rows outside of the image are computed, and replaced by that of the zeros before a load.
            source = [f.at_any(x, start + i * image.row, image.element) for i in range(grid.reads)]

            def tile(name, skipped, j):
                along = times(f, j, OUTPUTS * image.column) + skipped * image.column
                rows = [
                    f.select(e, f.at_any(p, along, image.element), blank)
                    for e, p in zip(exists, source, strict=True)
                ]
                at = times(f, times(f, r, grid.across) + j, grid.channels)
                f.call(name, *rows, f.at(dst, at, self.total))

            # Tiles at the left and right edge lack columns; those between are one loop over one function.
            for columns, run in groupby(range(grid.across), inside):
                all_of, skipped = list(run), columns.index(True) if True in columns else 0
                each = partial(tile, self.tile(columns, skipped), skipped)
                f.loop(all_of[0], all_of[-1] + 1, 1, lambda j, each=each: each(f.i64(j)))

        f.loop(f.i64(0), count, 1, row)

    def tile(self, columns: tuple[bool, ...], skipped: int) -> str:
        """The function that transforms a tile with these columns inside of the image; its rows begin at the first of them."""
        grid = self.grid
        name = f"{self.name}_" + "".join(str(int(c)) for c in columns)
        if name in self.written:
            return name
        self.written.add(name)
        rows = {f"row{i}": PTR for i in range(grid.reads)}
        with self.module.fn(name, internal=True, noalias=False, **rows, out=PTR) as f:

            def vector(k):
                at = times(f, k, grid.lanes)

                def pixel(i, j):
                    row = getattr(f, f"row{i}")
                    inside = columns[j]
                    offset = at + (j - skipped) * grid.image.column
                    # None instead of zeros: the transform then leaves out the terms with it.
                    if not inside:
                        return None
                    pixels = f.load(row, offset, vec(grid.image.element, grid.lanes))
                    return f.convert(pixels, self.total)

                tile = [[pixel(i, j) for j in range(grid.reads)] for i in range(grid.reads)]
                points = both_axes(f, tile, self.transform)
                store_points(f, points, self.vector, f.out, grid.pitch, at)

            f.loop(f.i64(0), grid.channels // grid.lanes, 1, vector)
        return name


def vector_of(types: Types, target: Target) -> str:
    """The vectors that transforms work on."""
    return vec(types.total, types.lanes(target))
