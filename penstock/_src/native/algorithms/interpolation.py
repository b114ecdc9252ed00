"""Images resized by bilinear interpolation.

Rows are interpolated along their pixels when an output needs them, and kept until the next rows; outputs are interpolated between two
such rows. Every operation is rounded separately, in the order of TensorFlow's formula.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from .. import python_calls as py
from ..builtins import compiled
from ..language.function import Fn
from ..language.module import Module
from ..language.types import F32, I8, I32, I64, PTR, vec
from ..language.value import Val

LANES = 8  # elements of a row that are interpolated together
ROOM = 4  # elements after rows, which are read and written together with the last pixel
COLORS = 3  # channels of a pixel that is loaded as a vector of four
ELEMENTS = {"uint8": I8, "float32": F32}  # NumPy dtype of images -> the IR type
PLAIN, ALIGNED, CENTERED = range(3)  # positions of pixels: align_corners, half_pixel_centers


class Interpolation(NamedTuple):
    """Builtins for images of an element type.

    interpolate_TYPE (images [count, height, width, channels], count, height, width, channels, centers (PLAIN ...), new height, new width,
                      into float32 [count, new height, new width, channels], float32 [room(...)]) -> 0
    """

    interpolate_uint8: Callable[..., int]
    interpolate_float32: Callable[..., int]


def room(width: Any, channels: Any, new_width: Any) -> Any:
    """Return the number of float32 elements of scratch space for the functions, of ints or of values in a function."""
    return new_width * 3 + (new_width * channels + ROOM) * 2 + width * channels + ROOM


@compiled(Interpolation)
def interpolation(m: Module) -> None:
    """The functions, compiled."""
    emit_interpolation(m, ELEMENTS)
    for name in ELEMENTS:
        py.emit_entry(m, f"interpolate_{name}", "annnnnnnaa")


def emit_interpolation(m: Module, names: Iterable[str]) -> None:
    """Adds `interpolate_NAME` for each of the names of ELEMENTS."""
    _emit_table(m)
    _emit_between(m)
    for name in names:
        _emit_line(m, name, ELEMENTS[name])
        _emit_images(m, name, ELEMENTS[name])


def _neighbors(f: Fn, at: Val, inputs: Val, outputs: Val, centers: Val) -> tuple[Val, Val, Val]:
    """The two inputs next to an output, and its distance from the first."""
    is_aligned = centers.eq(ALIGNED) & (outputs > 1)
    lengths = [f.convert(f.select(is_aligned, n - 1, n), F32) for n in (inputs, outputs)]
    scale, place = lengths[0] / lengths[1], f.convert(at, F32)
    centered = f.unfused("sub", f.unfused("add", place, 0.5) * scale, 0.5)
    place = f.select(centers.eq(CENTERED), centered, place * scale)
    floor = f.intrinsic("floor", place)
    # Centers of the first outputs may lie before the first input.
    first = f.max(f.convert(floor, I64), 0)
    second = f.min(f.convert(f.intrinsic("ceil", place), I64), inputs - 1)
    return first, second, f.unfused("sub", place, floor)


def _blended(f: Fn, first: Val, second: Val, part: Val) -> Val:
    return f.unfused("add", first, f.unfused("sub", second, first) * part)


def _emit_table(m: Module) -> None:
    """Writes the neighbors of all outputs along a row, as offsets of their first channels."""
    arguments: Any = dict(
        first=PTR, second=PTR, part=PTR, inputs=I64, outputs=I64, centers=I64, channels=I64
    )
    with m.fn("table", internal=True, **arguments) as f:

        def output(at: Val) -> None:
            *ends, part = _neighbors(f, at, f.inputs, f.outputs, f.centers)
            for end, into in zip(ends, (f.first, f.second), strict=True):
                f.store(f.convert(end * f.channels, I32), into, at)
            f.store(part, f.part, at)

        f.loop(f.i64(0), f.outputs, 1, output)


def _emit_line(m: Module, name: str, element: str) -> None:
    """Interpolate along a row. There must be room to read after it."""
    arguments: Any = dict(
        line=PTR, first=PTR, second=PTR, part=PTR, outputs=I64, channels=I64, into=PTR
    )
    with m.fn(f"line_{name}", internal=True, **arguments) as f:

        def wide(at: Val, lanes: int) -> Val:
            ty = element if lanes == 1 else vec(element, lanes)
            return f.convert(f.load(f.line, at, ty), F32, signed=False)

        def pixels(lanes: int, channels: Sequence[int] | Val) -> None:
            def pixel(at: Val) -> None:
                first, second = (
                    f.convert(f.load(table, at, I32), I64) for table in (f.first, f.second)
                )
                part = f.load(f.part, at, F32)
                part = part if lanes == 1 else f.splat(part, lanes)

                def channel(number: Any) -> None:
                    ends = wide(first + number, lanes), wide(second + number, lanes)
                    f.store(_blended(f, *ends, part), f.into, at * f.channels + number)

                if isinstance(channels, Val):
                    f.loop(f.i64(0), channels, 1, channel)
                else:
                    for number in channels:
                        channel(number)

            f.loop(f.i64(0), f.outputs, 1, pixel)

        f.when(
            # The fourth of three lanes is garbage, which the next pixel's store overwrites.
            f.channels.eq(COLORS) | f.channels.eq(COLORS + 1),
            lambda: pixels(COLORS + 1, (0,)),
            lambda: f.when(
                f.channels.eq(1), lambda: pixels(1, (0,)), lambda: pixels(1, f.channels)
            ),
        )


def _emit_between(m: Module) -> None:
    """Interpolates between two rows."""
    with m.fn("between", internal=True, noalias=False, upper=PTR, lower=PTR, part=F32, size=I64, into=PTR) as f:  # fmt: skip

        def blend(at: Val, ty: str) -> None:
            ends = f.load(f.upper, at, ty), f.load(f.lower, at, ty)
            part = f.part if ty == F32 else f.splat(f.part, LANES)
            f.store(_blended(f, *ends, part), f.into, at)

        whole = f.size - f.size % LANES
        f.loop(f.i64(0), whole, LANES, lambda at: blend(at, vec(F32, LANES)))
        f.loop(whole, f.size, 1, lambda at: blend(at, F32))


def _emit_images(m: Module, name: str, element: str) -> None:
    arguments: Any = dict(
        images=PTR, count=I64, height=I64, width=I64, channels=I64, centers=I64, rows=I64, columns=I64,
        into=PTR, work=PTR,
    )  # fmt: skip
    with m.fn(f"interpolate_{name}", ret=I64, internal=True, noalias=False, **arguments) as f:
        size, line = f.columns * f.channels, f.width * f.channels
        tables = [f.at(f.work, f.columns * i, F32) for i in range(3)]
        kept, step = f.at(f.work, f.columns * 3, F32), size + ROOM
        last_line = f.at(kept, step * 2, F32)
        f.call("table", *tables, f.width, f.columns, f.centers, f.channels)

        def image(number: Val) -> None:
            source = f.at(f.images, number * f.height * line, element)
            target = f.at(f.into, number * f.rows * size, F32)
            is_last = number.eq(f.count - 1)

            def interpolated(row: Val) -> None:
                source_row = f.at(source, row * line, element)

                def copied() -> tuple[Val, ...]:  # no read may go beyond the last row
                    f.memcpy(last_line, source_row, line * (1 if element == I8 else 4))
                    return (last_line,)

                (source_row,) = f.when(
                    # Three channels are read as four: after the last pixel there is nothing.
                    is_last & row.eq(f.height - 1),
                    copied,
                    lambda: (source_row,),
                )
                into = f.at(kept, step * (row & 1), F32)
                f.call(f"line_{name}", source_row, *tables, f.columns, f.channels, into)

            def wanted(row: Val, even: Val, odd: Val) -> tuple[Val, Val]:
                """Interpolates a row unless it is kept: there is one buffer for even and one for odd rows."""
                is_odd = (row & 1).ne(0)
                f.when(row.ne(f.select(is_odd, odd, even)), lambda: interpolated(row))
                return f.select(is_odd, even, row), f.select(is_odd, row, odd)

            def output(at: Val, even: Val, odd: Val) -> tuple[Val, Val]:
                upper, lower, part = _neighbors(f, at, f.height, f.rows, f.centers)
                even, odd = wanted(lower, *wanted(upper, even, odd))
                ends = [f.at(kept, step * (row & 1), F32) for row in (upper, lower)]
                f.call("between", *ends, part, size, f.at(target, at * size, F32))
                return even, odd

            f.loop(f.i64(0), f.rows, 1, output, f.i64(-1), f.i64(-1))

        f.loop(f.i64(0), f.count, 1, image)
        f.give(f.i64(0))
