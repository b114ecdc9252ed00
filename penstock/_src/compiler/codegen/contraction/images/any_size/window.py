"""The part of an image under a block of outputs, copied with zeros where it lies outside.

The copy has a fixed room for a row, whatever the image's size, so the offsets of a tile's pixels are constants of the code.
"""

from collections.abc import Callable
from typing import Any

from penstock._src.compiler.codegen.contraction.extents import value
from penstock._src.compiler.codegen.contraction.tile import times
from penstock._src.native import Val
from penstock._src.native.language.function import Fn
from penstock._src.native.language.types import vec
from penstock._src.util.dataclass import dataclass

from .description import AnySizeAxis, AnySizeImage


@dataclass(frozen=True)
class Place:
    """The position of a window in the image.

    top, left      input index of its first row and column, which may lie outside
    height, width  rows and columns that are read
    """

    top: Val
    left: Val
    height: Val
    width: Val


@dataclass(frozen=True)
class AnySizeWindow:
    """A block of at most `rows` times `columns` outputs of an image, and the input under it.

    x        the layout of the image's pixels
    total    the type of elements in the window; a vector has `lanes` of them
    blocked  True if the copy is [channels / lanes][row][column][lanes] (BlockedImageWindow says why), else [row][column][channel]
    """

    x: AnySizeImage
    h: AnySizeAxis
    w: AnySizeAxis
    channels: int
    total: str
    lanes: int
    rows: int
    columns: int
    blocked: bool = False

    @property
    def column(self) -> int:
        """Elements between two pixels."""
        return self.lanes if self.blocked else self.channels

    @property
    def pitch(self) -> int:
        """Elements between two rows."""
        return self.w.reach(self.columns) * self.column

    @property
    def plane(self) -> int:
        """Elements of a channel's pixels, or of those of some channels if it is blocked."""
        return self.h.reach(self.rows) * self.pitch

    @property
    def elements(self) -> int:
        """Elements of the copy, and of a vector that may be read after it."""
        planes = self.channels // self.lanes if self.blocked else 1
        return planes * self.plane + self.lanes

    def fill(self, f: Fn, image: Val, place: Place, buffer: Val) -> None:
        """Emits the copy from the image at this address."""
        height, width = value(f, self.h.size), f.i64(value(f, self.w.size))
        pitch = value(f, self.x.row)
        # Both are clamped: a window may lie beside the image as a whole, on either side.
        first = _clamped(f, -place.left, place.width)
        after = f.max(first, _clamped(f, width - place.left, place.width))

        def row(r: Val) -> None:
            index = place.top + r
            to = f.at(buffer, times(f, r, self.pitch), self.total)

            def inside() -> None:
                start = times(f, index, pitch) + times(f, place.left + first, self.x.column)
                self._blank(f, to, f.i64(0), first)
                self._copy(f, f.at(image, f.i64(start), self.x.element), to, first, after)
                self._blank(f, to, after, place.width)

            is_inside = (index >= 0) & (index < f.i64(height))
            f.when(is_inside, inside, lambda: self._blank(f, to, f.i64(0), place.width))

        f.loop(f.i64(0), place.height, 1, row)

    def _copy(self, f: Fn, source: Val, to: Val, first: Val, after: Val) -> None:
        """Copies the pixels from `source` on to the columns from `first` to `after`."""
        x, kind = self.x, vec(self.x.element, self.lanes)

        def move(offset: Any, place: Any, mask: Val | None) -> None:
            f.store(f.convert(f.load(source, offset, kind, mask), self.total), to, place, mask)

        if x.channel == 1 and x.column == self.channels and not self.blocked:
            at = times(f, first, self.channels)
            move_on = lambda i, mask: move(i, at + i, mask)
            _run(f, times(f, after - first, self.channels), self.lanes, move_on)
            return

        def pixel(c: Val) -> None:
            at, place = times(f, c - first, x.column), times(f, c, self.column)
            if x.channel != 1:
                self._copy_channels(f, f.at(source, at, x.element), f.at(to, place, self.total))
            elif self.blocked:
                count = self.channels // self.lanes
                f.loop(
                    0, count, 1,
                    lambda q: move(at + times(f, q, self.lanes), place + times(f, q, self.plane), None),
                )  # fmt: skip
            else:
                main = self.channels // self.lanes * self.lanes
                f.loop(0, main, self.lanes, lambda i: move(at + i, place + i, None))
                if main < self.channels:
                    move(at + main, place + main, f.mask(self.lanes, self.channels - main))

        f.loop(first, after, 1, pixel)

    def _copy_channels(self, f: Fn, source: Val, to: Val) -> None:
        """Copies a pixel whose channels are apart."""

        def channel(c: Any) -> None:
            x = f.load(source, times(f, c, self.x.channel), self.x.element)
            place = c
            if self.blocked:
                c = f.i64(c)
                place = times(f, c // self.lanes, self.plane) + c % self.lanes
            f.store(f.convert(x, self.total), to, place)

        f.loop(0, self.channels, 1, channel)

    def _blank(self, f: Fn, to: Val, first: Val, after: Val) -> None:
        """Sets the columns from `first` to `after` of a row to zero."""
        zero = f.zero(vec(self.total, self.lanes))

        def plane(q: Any) -> None:
            at = times(f, first, self.column) + times(f, q, self.plane)
            count = times(f, after - first, self.column)
            _run(f, count, self.lanes, lambda i, mask: f.store(zero, to, at + i, mask))

        f.loop(0, self.channels // self.lanes if self.blocked else 1, 1, plane)


def _clamped(f: Fn, x: Val, most: Val) -> Val:
    """x within 0 to `most`."""
    return f.min(f.max(x, 0), most)


def _run(f: Fn, count: Val, lanes: int, each: Callable[[Val, Val | None], None]) -> None:
    """each(i, mask) over contiguous elements, a vector at a time."""
    main = count - count % lanes
    f.loop(f.i64(0), main, lanes, lambda i: each(i, None))
    f.when(main < count, lambda: each(main, f.mask(lanes, count - main)))
