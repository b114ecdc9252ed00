"""Windows: the part of an image under a task's output, and its copy in a buffer of the task.

A block is some output rows of one image, or several small images. The rows of the input under the block are copied, with
zeros around them, to memory that stays in the L1 or L2, if the convolution has a border, the pixels are not dense, or elements are
converted; otherwise the image is read in place. With the copy, the inner loop needs no tests for the border. window_choice.py chooses
the size of blocks.
"""

from typing import Any

from penstock._src.compiler.codegen.contraction.extents import Extent
from penstock._src.compiler.codegen.contraction.tile import times
from penstock._src.compiler.codegen.kernel_code import round_up
from penstock._src.native import Val
from penstock._src.native.language.function import Fn
from penstock._src.native.language.types import vec
from penstock._src.util.dataclass import dataclass
from penstock._src.util.process.forks import cached_property

WRITTEN_OUT = 8  # most vectors of a pixel that are copied without a loop


@dataclass(frozen=True)
class AxisIndices:
    """One spatial axis: input index = (stride * position + dilation * tap - low) / base, if that is an integer.

    Elements outside the input, and those between the elements of a dilated input, are zero.
    """

    size: Extent
    out: Extent
    taps: int
    stride: int = 1
    dilation: int = 1
    low: Extent = 0
    base: int = 1


@dataclass(frozen=True)
class Axis(AxisIndices):
    """An axis whose extents are known when its code is written."""

    size: int
    out: int
    low: int = 0

    def reach(self, positions: int) -> int:
        """The number of input indices under this number of neighboring positions."""
        return (positions - 1) * self.stride + (max(self.taps, 1) - 1) * self.dilation + 1

    def taps_inside(self, f: Fn, start: Val) -> tuple[Val, Val]:
        """The range of taps [from, to) for which the input index start + dilation * tap is inside; empty if there are none."""
        d = self.dilation
        # Clamped before the division, which rounds to zero: the quotient is a ceiling.
        first = f.max((f.max(-start, 0) + (d - 1)) // d, 0)
        end = f.min((f.max(f.i64(self.size) - start, 0) + (d - 1)) // d, self.taps)
        # min: where all taps lie before the image, `first` is beyond the last of them.
        return f.min(first, end), end

    def positions_inside(self, f: Fn, first: Val, count: int, tap) -> tuple[Val, Val]:
        """The range [from, to), relative to `first`, of those of `count` positions at which a tap is inside; empty if it never is."""
        s = self.stride
        before = f.i64(self.low) - times(f, tap, self.dilation) - times(f, first, s)
        start = f.min((f.max(before, 0) + (s - 1)) // s, count)
        end = f.min((f.max(before + self.size, 0) + (s - 1)) // s, count)
        return start, f.max(start, end)

    @property
    def has_border(self) -> bool:
        return self.low > 0 or self.reach(self.out) - self.low > self.size


@dataclass(frozen=True)
class PixelLayout:
    """The layout of pixels: strides in elements of image, row, column, channel and group of channels."""

    element: str
    image: Extent
    row: Extent
    column: int
    channel: int = 1
    group: int = 0
    base: int = 0

    @cached_property
    def steps(self) -> tuple[Extent, ...]:
        """All strides."""
        return (self.image, self.row, self.column, self.channel, self.group)


@dataclass(frozen=True)
class Image(PixelLayout):
    """The layout of images whose rows have a length that is known when code is written."""

    row: int


@dataclass(frozen=True)
class ImageWindow:
    """Blocks of output rows of some images, and the input under them.

    x           the layout of the image's pixels
    total       the type of elements in the window; a vector has `lanes` of them
    copied      True if the window is a copy; else the image is read in place
    rows        output rows of a block, in each of its `images`
    shift       the number that is added to copied elements
    blank       the number around them
    blank_rows  True if rows outside the image are read
    image_room  elements between two images of the copy; 0: without a gap
    """

    x: Image
    h: Axis
    w: Axis
    channels: int
    total: str
    lanes: int
    copied: bool
    rows: int
    images: int
    shift: int = 0
    blank: int = 0
    blank_rows: bool = True
    image_room: int = 0

    @property
    def width(self) -> int:
        """Pixels of a row of the window."""
        return self.w.reach(self.w.out)

    @property
    def column(self) -> int:
        """Elements between two pixels."""
        return self.channels if self.copied else self.x.column

    @property
    def pitch(self) -> int:
        """Elements between two rows."""
        return self.width * self.column if self.copied else self.x.row

    @property
    def in_rows(self) -> int:
        """Input rows under a block."""
        return self.h.reach(self.rows)

    @property
    def plane(self) -> int:
        """Elements of an image's rows, of those channels that lie together."""
        return self.in_rows * self.pitch

    @property
    def image_pitch(self) -> int:
        """Elements from an image to the next."""
        return self.image_room or self.plane

    @property
    def elements(self) -> int:
        """Elements of the copy, and of a vector that may be read after it."""
        return self.images * self.image_pitch + self.lanes if self.copied else 0

    @property
    def row_blocks(self) -> int:
        return max(1, self.h.out // self.rows)

    @property
    def parts_of_row(self) -> tuple[int, int, int]:
        """(pixels of a row before the image's, pixels of the image before them, pixels of the image)."""
        w = self.w
        low, skipped = min(max(0, w.low), self.width), max(0, -w.low)  # all may be in the border
        return low, skipped, max(0, min(self.width - low, w.size - skipped))

    def pixels(self) -> list[tuple[int, int, int]]:
        """(offset in the window, row, column) of every output pixel of an image of a block, in order."""
        return [
            (r * self.h.stride * self.pitch + c * self.w.stride * self.column, r, c)
            for r in range(self.rows)
            for c in range(self.w.out)
        ]

    def fill(
        self, f: Fn, source: Val, base: Any, first_image: Any, count: Any, first_row: Any, buffer: Val
    ) -> Val:  # fmt: skip
        """Emits the copy of `count` images' rows under a block; the address of the window. The array begins at `base`."""
        x, h = self.x, self.h
        image_stride = x.image
        if not self.copied:
            # Dense images have no border but, if cropped, a negative one, which moves the window.
            at = times(f, first_image, image_stride) + f.i64(times(f, first_row, h.stride * x.row))
            return f.at(source, at + (base - h.low * x.row - self.w.low * x.column), x.element)

        def image(g):
            def row(r):
                ih = times(f, first_row, h.stride) + r - h.low
                ih = f.i64(ih)
                start = times(f, first_image + g, image_stride) + ih * x.row + base
                at = times(f, g, self.image_pitch) + times(f, r, self.pitch)
                dst = f.at(buffer, at, self.total)
                f.when(
                    (ih >= 0) & (ih < h.size),
                    lambda: self._row(f, source, f.i64(start), dst),
                    # Rows that taps skip are never read, so they may keep the last task's pixels.
                    lambda: self._blank(f, dst, 0, self.pitch) if self.blank_rows else (),
                )

            f.loop(f.i64(0), self.in_rows, 1, row)

        f.loop(f.i64(0), count, 1, image)
        return buffer

    def _row(self, f: Fn, source: Val, start: Val, dst: Val) -> None:
        """One row of the window from the input row at `start`: zeros, pixels, zeros."""
        step = self.column
        low, skipped, here = self.parts_of_row
        self._blank(f, dst, 0, low * step)
        self._blank(f, dst, (low + here) * step, self.pitch)
        self._copy(
            f, source, start + skipped * self.x.column, f.at(dst, low * step, self.total), here
        )

    def _copy(self, f: Fn, source: Val, start: Val, dst: Val, pixels: int) -> None:
        x, channels, lanes = self.x, self.channels, self.lanes

        def move(offset, place, mask):
            v = self._taken(f, f.load(source, offset, vec(x.element, lanes), mask))
            # Lanes without a channel are zeros: they fill the room after a pixel's channels.
            f.store(v, dst, place, mask if self.column == channels else None)

        if x.channel != 1:

            def single(p):
                def one(c):
                    offset = start + times(f, p, x.column) + times(f, c, x.channel)
                    v = self._taken(f, f.load(source, offset, x.element))
                    f.store(v, dst, times(f, p, self.column) + c)

                f.loop(0, channels, 1, one)

            f.loop(f.i64(0), pixels, 1, single)
        elif x.column == channels == self.column:
            span(f, pixels * channels, lanes, lambda i, mask: move(start + i, i, mask))
        else:

            def pixel(p):
                at, place = start + times(f, p, x.column), times(f, p, self.column)
                span(f, channels, lanes, lambda c, mask: move(at + c, place + c, mask))

            f.loop(f.i64(0), pixels, 1, pixel)

    def _taken(self, f: Fn, v: Val) -> Val:
        """The element of the window for one of the image: converted and shifted."""
        v = f.convert(v, self.total)
        return v + self.shift if self.shift else v

    def _blank(self, f: Fn, dst: Val, low: int, high: int) -> None:
        blank = f.const(self.blank, vec(self.total, self.lanes))
        span(f, high - low, self.lanes, lambda i, mask: f.store(blank, dst, i + low, mask))


def span(f: Fn, n: int, lanes: int, each, unroll: int = 4) -> None:
    """each(i, mask) over n contiguous elements, a vector at a time (n an int)."""
    if n <= 0:
        return
    main = n // lanes * lanes
    big = main // (lanes * unroll) * lanes * unroll

    def several(i):
        for j in range(unroll):
            each(i + lanes * j, None)

    f.loop(0, big, lanes * unroll, several)
    for i in range(big, main, lanes):
        each(i, None)
    if n % lanes:
        each(main, f.mask(lanes, n % lanes))


@dataclass(frozen=True)
class BlockedImageWindow(ImageWindow):
    """The window as [channels / lanes][row][column][lanes]: neighboring pixels are neighboring cache lines.

    So a walk over pixels at a fixed channel does not crowd a few sets of the cache, as strides of a power of two do.
    Channels are a multiple of the lanes, and it is always a copy.
    """

    @property
    def column(self) -> int:
        return self.lanes

    @property
    def image_pitch(self) -> int:
        return self.image_room or self.plane * (self.channels // self.lanes)

    def _row(self, f: Fn, source: Val, start: Val, dst: Val) -> None:
        x, lanes = self.x, self.lanes
        low, skipped, here = self.parts_of_row
        groups = self.channels // lanes

        def pixel(c):
            at, place = start + times(f, c + skipped, x.column), times(f, c + low, lanes)

            def one(q):
                offset = at + times(f, q, lanes)
                # Channels are whole vectors here, so that no load needs a mask.
                v = f.convert(f.load(source, offset, vec(x.element, lanes)), self.total)
                f.store(v, dst, place + times(f, q, self.plane))

            if groups <= WRITTEN_OUT:
                for q in range(groups):
                    one(q)
            else:
                f.loop(0, groups, 1, one)

        self._blank(f, dst, 0, low * lanes)
        self._blank(f, dst, (low + here) * lanes, self.pitch)
        f.loop(f.i64(0), here, 1, pixel)

    def _blank(self, f: Fn, dst: Val, low: int, high: int) -> None:
        def plane(q):
            super(BlockedImageWindow, self)._blank(
                f, f.at(dst, times(f, q, self.plane), self.total), low, high
            )

        if high > low:
            f.loop(f.i64(0), self.channels // self.lanes, 1, plane)


@dataclass(frozen=True)
class PaddedImageWindow(ImageWindow):
    """The window with zeros after the channels of each pixel, up to whole vectors; always a copy of an image with contiguous channels.

    room_after  elements after the last pixel that may be read
    """

    room_after: int = 0

    @property
    def column(self) -> int:
        return round_up(self.channels, self.lanes)

    @property
    def elements(self) -> int:
        return super().elements + self.room_after
