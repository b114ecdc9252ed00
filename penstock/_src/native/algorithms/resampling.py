"""Resamples images by tables: each output along an axis is a weighted sum of inputs.

A row of the result is first summed over whole rows of an image, then over the pixels along it, as TensorFlow does. Every operation is
rounded separately, in the order of the table.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from .. import python_calls as py
from ..builtins import compiled
from ..language.function import Fn
from ..language.module import Module
from ..language.types import F32, I8, I32, I64, PTR, vec
from ..language.value import Val

LANES = 16  # elements of a row that are summed together
COLORS = 4  # channels of a pixel that is loaded as a vector
ROOM = COLORS  # elements after a row, which are read and written with the last pixel
FEW = 4  # inputs of an output that are summed without a loop
ELEMENTS = {"uint8": I8, "float32": F32}  # NumPy dtype of images -> the IR type


class Resampling(NamedTuple):
    """Builtins for images of an element type.

    resample_TYPE (images [count, height, width, channels], count, height, width, channels,
                   rows: inputs, weights [new height, most], numbers of inputs [new height], most, new height,
                   columns: inputs, as indices of their first channels, weights [new width, most], numbers of inputs, most, new width,
                   into float32 [count, new height, new width, channels], float32 [room(...)]) -> 0
    """

    resample_uint8: Callable[..., int]
    resample_float32: Callable[..., int]


def room(width: int, channels: int, new_width: int) -> int:
    """The number of float32 elements of the buffer that the functions work with."""
    return (width + new_width) * channels + 2 * ROOM


@compiled(Resampling)
def resampling(m: Module) -> None:
    """The functions, compiled."""
    _emit_columns(m)
    for name, element in ELEMENTS.items():
        _emit_rows(m, name, element)
        _emit_images(m, name, element)
        py.emit_entry(m, f"resample_{name}", "annnnaaannaaannaa")


def _weighted(f: Fn, total: Val, value: Val, weight: Val, lanes: int) -> Val:
    # A fused multiplication and addition would round once, unlike TensorFlow.
    return f.unfused("add", total, value * (weight if lanes == 1 else f.splat(weight, lanes)))


def _zero(f: Fn, lanes: int) -> Val:
    zero = f.const(0.0, F32)
    return zero if lanes == 1 else f.splat(zero, lanes)


def _emit_rows(m: Module, name: str, element: str) -> None:
    """Sums rows of an image."""
    arguments: Any = dict(image=PTR, index=PTR, weight=PTR, count=I64, line=I64, into=PTR)
    with m.fn(f"rows_{name}", internal=True, **arguments) as f:

        def block(at: Val, lanes: int) -> None:
            ty = element if lanes == 1 else vec(element, lanes)

            def add(number: Val, total: Val) -> tuple[Val]:
                row = f.convert(f.load(f.index, number, I32), I64)
                value = f.load(f.image, row * f.line + at, ty)
                value = f.convert(value, F32, signed=False)
                weight = f.load(f.weight, number, F32)
                return (_weighted(f, total, value, weight, lanes),)

            (total,) = f.loop(f.i64(0), f.count, 1, add, _zero(f, lanes))
            f.store(total, f.into, at)

        def wide() -> None:  # the last block overlaps the previous one
            last = f.line - LANES
            f.loop(f.i64(0), f.line, LANES, lambda at: block(f.min(at, last), LANES))

        f.when(f.line >= LANES, wide, lambda: f.loop(f.i64(0), f.line, 1, lambda at: block(at, 1)))


def _emit_columns(m: Module) -> None:
    """Sums pixels of a row, after which there is room to read; there is room to write after the result."""
    arguments: Any = dict(
        line=PTR, index=PTR, weight=PTR, counts=PTR, most=I64, outputs=I64, channels=I64, into=PTR
    )
    with m.fn("columns", internal=True, **arguments) as f:

        def summed(first: Val, count: Val | int, channel: Val | int, lanes: int) -> Val:
            ty = F32 if lanes == 1 else vec(F32, lanes)

            def add(number: Any, total: Val) -> tuple[Val]:
                at = f.convert(f.load(f.index, first + number, I32), I64) + channel
                weight = f.load(f.weight, first + number, F32)
                return (_weighted(f, total, f.load(f.line, at, ty), weight, lanes),)

            total = _zero(f, lanes)
            if isinstance(count, Val):
                return f.loop(f.i64(0), count, 1, add, total)[0]
            for number in range(count):
                (total,) = add(number, total)
            return total

        def pixel(at: Val) -> None:
            first, target = at * f.most, at * f.channels
            count = f.convert(f.load(f.counts, at, I32), I64)

            # Three channels are summed and stored as four: the value after the pixel is
            # overwritten by the next one, or lies in ROOM.
            def colors() -> None:
                # overwritten by the next pixel, or lies in ROOM.
                (total,) = f.when(
                    # Bicubic enlargement has just so many: its sums need no loop.
                    count.eq(FEW),
                    lambda: (summed(first, FEW, 0, COLORS),),
                    lambda: (summed(first, count, 0, COLORS),),
                )
                f.store(total, f.into, target)

            def channel(number: Val) -> None:
                f.store(summed(first, count, number, 1), f.into, target + number)

            is_color = f.channels.eq(COLORS) | f.channels.eq(COLORS - 1)
            f.when(is_color, colors, lambda: f.loop(f.i64(0), f.channels, 1, channel))

        f.loop(f.i64(0), f.outputs, 1, pixel)


def _emit_images(m: Module, name: str, element: str) -> None:
    arguments: Any = dict(
        images=PTR, count=I64, height=I64, width=I64, channels=I64,
        row_index=PTR, row_weight=PTR, row_counts=PTR, row_most=I64, rows=I64,
        column_index=PTR, column_weight=PTR, column_counts=PTR, column_most=I64, columns=I64,
        into=PTR, work=PTR,
    )  # fmt: skip
    with m.fn(f"resample_{name}", ret=I64, internal=True, noalias=False, **arguments) as f:
        line, size = f.width * f.channels, f.columns * f.channels
        resampled_line = f.at(f.work, line + ROOM, F32)

        def image(number: Val) -> None:
            source = f.at(f.images, number * f.height * line, element)

            def output(at: Val) -> None:
                first, count = at * f.row_most, f.convert(f.load(f.row_counts, at, I32), I64)
                index, weight = f.at(f.row_index, first, I32), f.at(f.row_weight, first, F32)
                f.call(f"rows_{name}", source, index, weight, count, line, f.work)
                table = f.column_index, f.column_weight, f.column_counts, f.column_most
                f.call("columns", f.work, *table, f.columns, f.channels, resampled_line)
                target = f.at(f.into, (number * f.rows + at) * size, F32)
                # Not summed in place: the last pixel would be stored over the row's end.
                f.memcpy(target, resampled_line, size * 4)

            f.loop(f.i64(0), f.rows, 1, output)

        f.loop(f.i64(0), f.count, 1, image)
        f.give(f.i64(0))
