"""Outlines of boxes in images: lines of pixels of one color."""

from collections.abc import Callable
from typing import Any, NamedTuple

from ... import python_calls as py
from ...builtins import compiled
from ...language.function import Fn
from ...language.module import Module
from ...language.types import I16, I32, I64, PTR
from ...language.value import Val

NUMBERS = {2: I16, 4: I32}  # bytes of a channel -> the IR type that it is copied as


class Outlines(NamedTuple):
    """Builtins that give 0.

    outline (images [batch, height, width, depth], batch, height, width, depth, boxes int64 [batch, count, 4], count, colors [rows,
        depth], rows): boxes are the pixels of top, left, bottom and right; one that ends before it begins is left out. Box i of an
        image has color i % rows.
    """

    outline: Callable[..., int]


@compiled(Outlines)
def outlines(m: Module, size: int) -> None:
    """The function for channels of some bytes, compiled."""
    arguments: Any = dict(
        images=PTR, batch=I64, height=I64, width=I64, depth=I64, boxes=PTR, count=I64, colors=PTR, rows=I64
    )  # fmt: skip
    with m.fn("outline", ret=I64, internal=True, **arguments) as f:

        def box(image: Val, number: Val) -> None:
            corners = f.at(f.boxes, (image * f.count + number) * 4, I64)
            top, left, bottom, right = (f.load(corners, i, I64) for i in range(4))
            is_box = (top <= bottom) & (left <= right)
            is_inside = (top < f.height) & (bottom >= 0) & (left < f.width) & (right >= 0)
            pixels = _Pixels(f, image, number % f.rows, NUMBERS[size])
            f.when(is_box & is_inside, lambda: pixels.outline(top, left, bottom, right))

        def image(at: Val) -> None:
            f.loop(f.i64(0), f.count, 1, lambda number: box(at, number))

        f.loop(f.i64(0), f.batch, 1, image)
        f.give(f.i64(0))
    py.emit_entry(m, "outline", "annnnanan")


class _Pixels:
    """The pixels of one image, written in one color."""

    def __init__(self, f: Fn, image: Val, color: Val, ty: str) -> None:
        self.f, self.ty = f, ty
        self.image = f.at(f.images, image * f.height * f.width * f.depth, ty)
        self.color = f.at(f.colors, color * f.depth, ty)

    def outline(self, top: Val, left: Val, bottom: Val, right: Val) -> None:
        f = self.f
        first, end = f.max(top, 0), f.min(bottom, f.height - 1) + 1
        begin, stop = f.max(left, 0), f.min(right, f.width - 1) + 1
        for row, is_seen in ((top, top >= 0), (bottom, bottom < f.height)):
            f.when(is_seen, lambda row=row: self._line(row * f.width, begin, stop, 1))  # type: ignore[misc]
        for column, is_seen in ((left, left >= 0), (right, right < f.width)):
            f.when(is_seen, lambda column=column: self._line(column, first, end, f.width))  # type: ignore[misc]

    def _line(self, origin: Val, begin: Val, end: Val, step: Val | int) -> None:
        f = self.f

        def pixel(i: Val) -> None:
            target = (origin + i * step) * f.depth

            def channel(c: Val) -> None:
                f.store(f.load(self.color, c, self.ty), self.image, target + c)

            f.loop(f.i64(0), f.depth, 1, channel)

        f.loop(begin, end, 1, pixel)
