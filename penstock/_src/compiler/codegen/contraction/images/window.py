"""The part of an image that a task works on, and its copy in a buffer of the task's own.

A block is some output rows of one image, or a few whole small images.  If the convolution has a border, if the pixels
are not dense or if elements have to be converted, the rows under the block are copied, with
zeros around them, to memory that stays in the L1 or L2; otherwise the image is read where it is.
"""

from dataclasses import dataclass

from penstock._src.compiler.codegen.contraction.extents import Extent, is_static
from penstock._src.compiler.codegen.contraction.tile import times
from penstock._src.native import Val
from penstock._src.native.language.function import Fn
from penstock._src.native.language.types import SIZE, vec

WANTED_PIXELS = 96  # of a block, so that its weights are read often enough
TYPICAL_BATCH = 16
WRITTEN_OUT = 8  # vectors of a pixel that are copied without a loop
HEAVY_WEIGHTS = 1 << 20  # bytes of weights that are better read once for several small images


@dataclass(frozen=True)
class Axis:
    """One spatial axis: input index = (stride * position + dilation * tap - low) / base, where that is whole.

    Elements outside the input are zero.
    """

    size: int
    out: int
    taps: int
    stride: int = 1
    dilation: int = 1
    low: int = 0
    base: int = 1

    def reach(self, positions: int) -> int:
        """How many input indices lie under so many neighboring positions."""
        return (positions - 1) * self.stride + (max(self.taps, 1) - 1) * self.dilation + 1

    def taps_inside(self, f: Fn, start: Val) -> tuple[Val, Val]:
        """The taps (from, to) whose input index start + dilation * tap lies inside; equal if none does."""
        d = self.dilation
        first = f.max((f.max(-start, 0) + (d - 1)) // d, 0)
        end = f.min((f.max(f.i64(self.size) - start, 0) + (d - 1)) // d, self.taps)
        return f.min(first, end), end

    def positions_inside(self, f: Fn, first: Val, count: int, tap) -> tuple[Val, Val]:
        """Of `count` positions from `first` on those (from, to) at which a tap lies inside; equal if it never does."""
        s = self.stride
        before = f.i64(self.low) - times(f, tap, self.dilation) - times(f, first, s)
        start = f.min((f.max(before, 0) + (s - 1)) // s, count)
        end = f.min((f.max(before + self.size, 0) + (s - 1)) // s, count)
        return start, f.max(start, end)

    @property
    def has_border(self) -> bool:
        return self.low > 0 or self.reach(self.out) - self.low > self.size


@dataclass(frozen=True)
class Image:
    """Where pixels lie: strides in elements of image, row, column, channel and group of channels."""

    element: str
    image: Extent
    row: int
    column: int
    channel: int = 1
    group: int = 0
    base: int = 0

    @property
    def steps(self) -> tuple[Extent, ...]:
        """Its strides."""
        return (self.image, self.row, self.column, self.channel, self.group)


def divisors(n: int) -> list[int]:
    return [d for d in range(1, n + 1) if n % d == 0]


class ImageWindow:
    """Blocks of `rows` output rows of `images` images, and the input under them."""

    def __init__(self, x: Image, h: Axis, w: Axis, channels: int, batch: Extent, total: str, lanes: int,
                 copied: bool, weight_bytes: int, threads: int, split: int = 1, *,
                 limit: int, most: int, wanted: int = WANTED_PIXELS, least_blocks: int = 1,
                 shift: int = 0, blank: int = 0):  # fmt: skip
        """`limit` is the bytes of a window, `most` those of one that has enough pixels (`wanted`) only so.

        `shift` is added to what is copied, `blank` stands around it.
        """
        self.x, self.h, self.w, self.channels = x, h, w, channels
        self.total, self.lanes, self.shift, self.blank = total, lanes, shift, blank
        dense = x.channel == 1
        self.copied = copied or not dense or h.has_border or w.has_border or x.element != total
        self.width = w.reach(w.out)
        self.column = channels if self.copied else x.column  # elements from a pixel to the next
        self.pitch = self.width * channels if self.copied else x.row
        self.size = SIZE[total]

        def room(rows):
            return h.reach(rows) * self.width * channels * self.size

        fit = [r for r in divisors(h.out) if room(r) <= limit]
        most = max(4 * limit, most)
        many = [r for r in divisors(h.out) if r * w.out >= wanted and room(r) <= most]
        many = many or [r for r in reversed(divisors(h.out)) if room(r) <= most]
        self.rows = max([*fit, *many[:1], 1])
        if least_blocks > 1 and h.out:
            cut = [r for r in divisors(h.out) if h.out // r >= least_blocks]
            self.rows = min(self.rows, max(cut, default=1))
        self.images = 1
        self.blank_rows = True  # whether rows outside the image are read
        images = batch if is_static(batch) else TYPICAL_BATCH
        if self.rows == h.out and weight_bytes > HEAVY_WEIGHTS:
            several = min(196 // max(1, h.out * w.out), 3 * limit // max(1, room(h.out)))
            while several > 1 and -(-images // several) * split < 3 * threads:
                several -= 1
            self.images = max(1, several)
        self.in_rows = h.reach(self.rows)
        self.image_pitch = self.in_rows * self.pitch
        self.elements = self.images * self.image_pitch + lanes if self.copied else 0

    @property
    def row_blocks(self) -> int:
        return max(1, self.h.out // self.rows)

    def pixels(self) -> list[tuple[int, int, int]]:
        """(offset in the window, row, column) of every output pixel of an image of a block, in order."""
        return [
            (r * self.h.stride * self.pitch + c * self.w.stride * self.column, r, c)
            for r in range(self.rows)
            for c in range(self.w.out)
        ]

    def fill(self, f: Fn, source: Val, first_image, count, first_row, buffer: Val) -> Val:
        """Emits the copy of `count` images' rows under a block; the address of the window."""
        x, h = self.x, self.h
        image_stride = x.image
        if not self.copied:
            at = times(f, first_image, image_stride) + f.i64(times(f, first_row, h.stride * x.row))
            return f.at(source, at + (x.base - h.low * x.row - self.w.low * x.column), x.element)

        def image(g):
            def row(r):
                ih = times(f, first_row, h.stride) + r - h.low
                ih = f.i64(ih)
                start = times(f, first_image + g, image_stride) + ih * x.row + x.base
                at = times(f, g, self.image_pitch) + times(f, r, self.pitch)
                dst = f.at(buffer, at, self.total)
                f.when(
                    (ih >= 0) & (ih < h.size),
                    lambda: self._row(f, source, f.i64(start), dst),
                    lambda: self._blank(f, dst, 0, self.pitch) if self.blank_rows else (),
                )

            f.loop(f.i64(0), self.in_rows, 1, row)

        f.loop(f.i64(0), count, 1, image)
        return buffer

    def _row(self, f: Fn, source: Val, start: Val, dst: Val) -> None:
        """One row of the window from the input row at `start`: zeros, pixels, zeros."""
        w, channels = self.w, self.channels
        low = max(0, w.low)
        skipped = max(0, -w.low)
        here = max(0, min(self.width - low, w.size - skipped))
        self._blank(f, dst, 0, low * channels)
        self._blank(f, dst, (low + here) * channels, self.pitch)
        self._copy(
            f, source, start + skipped * self.x.column, f.at(dst, low * channels, self.total), here
        )

    def _copy(self, f: Fn, source: Val, start: Val, dst: Val, pixels: int) -> None:
        x, channels, lanes = self.x, self.channels, self.lanes

        def move(offset, place, mask):
            v = self._taken(f, f.load(source, offset, vec(x.element, lanes), mask))
            f.store(v, dst, place, mask)

        if x.channel != 1:

            def single(p):
                def one(c):
                    offset = start + times(f, p, x.column) + times(f, c, x.channel)
                    v = self._taken(f, f.load(source, offset, x.element))
                    f.store(v, dst, times(f, p, channels) + c)

                f.loop(0, channels, 1, one)

            f.loop(f.i64(0), pixels, 1, single)
        elif x.column == channels:
            span(f, pixels * channels, lanes, lambda i, mask: move(start + i, i, mask))
        else:

            def pixel(p):
                at, place = start + times(f, p, x.column), times(f, p, channels)
                span(f, channels, lanes, lambda c, mask: move(at + c, place + c, mask))

            f.loop(f.i64(0), pixels, 1, pixel)

    def _taken(self, f: Fn, v: Val) -> Val:
        """What an element becomes in the window."""
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


class BlockedImageWindow(ImageWindow):
    """The window as [channels / lanes][row][column][lanes]: neighboring pixels are neighboring cache lines.

    So a walk over pixels at a fixed channel does not crowd a few sets of the cache, as strides of a power of two do.
    Channels are a multiple of the lanes.
    """

    def __init__(self, *args, **kw):
        super().__init__(*args, **kw)
        assert self.copied and self.channels % self.lanes == 0
        self.column = self.lanes
        self.pitch = self.width * self.lanes
        self.plane = self.in_rows * self.pitch
        self.image_pitch = self.plane * (self.channels // self.lanes)

    def _row(self, f: Fn, source: Val, start: Val, dst: Val) -> None:
        w, x, lanes = self.w, self.x, self.lanes
        low, skipped = max(0, w.low), max(0, -w.low)
        here = max(0, min(self.width - low, w.size - skipped))
        groups = self.channels // lanes

        def pixel(c):
            at, place = start + times(f, c + skipped, x.column), times(f, c + low, lanes)

            def one(q):
                offset = at + times(f, q, lanes)
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
