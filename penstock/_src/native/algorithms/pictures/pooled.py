"""Windows of varying extents over pictures, whose elements are combined."""

from collections.abc import Callable
from typing import Any, NamedTuple

from ... import python_calls as py
from ...builtins import compiled
from ...language.function import Fn
from ...language.module import Module
from ...language.types import F32, F64, I1, I32, I64, PTR, is_float, lanes, like, scalar, vec
from ...language.value import Val
from ..grouping.segments import combined

TYPES = {"float32": F32, "float64": F64, "int32": I32, "int64": I64}
_LANES = 16


class Pooled(NamedTuple):
    """Builtins.

    pool (pictures [batch, height, width, depth], results [batch, rows, columns, depth], batch, height, width, depth,
        begins and ends of row windows int64 [rows, 2], rows, those of column windows int64 [columns, 2], columns) -> 0
    A window has its begin at least.
    """

    pool: Callable[..., int]


@compiled(Pooled)
def pooled(m: Module, dtype: str, operation: str) -> None:
    """The function for a dtype of TYPES and an operation, "max" or "mean", compiled."""
    numbers = ("batch", "height", "width", "depth")
    arguments: Any = dict(pictures=PTR, results=PTR, **dict.fromkeys(numbers, I64))
    arguments |= dict(down=PTR, rows=I64, across=PTR, columns=I64)
    with m.fn("pool", ret=I64, internal=True, **arguments) as f:
        ty = TYPES[dtype]

        def window(picture: Val, i: Val, j: Val) -> None:
            bounds = [_bounds(f, f.down, i), _bounds(f, f.across, j)]
            source = f.at(f.pictures, picture * f.height * f.width * f.depth, ty)
            target = ((picture * f.rows + i) * f.columns + j) * f.depth

            def channels(first: Val, kind: str) -> None:
                value = _combined_window(f, source, bounds, first, kind, operation)
                f.store(value, f.results, target + first)

            whole = f.depth // _LANES * _LANES
            f.loop(f.i64(0), whole, _LANES, lambda c: channels(c, vec(ty, _LANES)))
            f.loop(whole, f.depth, 1, lambda c: channels(c, ty))

        def line(picture: Val, i: Val) -> None:
            f.loop(f.i64(0), f.columns, 1, lambda j: window(picture, i, j))

        def one(picture: Val) -> None:
            f.loop(f.i64(0), f.rows, 1, lambda i: line(picture, i))

        f.loop(f.i64(0), f.batch, 1, one)
        f.give(f.i64(0))
    py.emit_entry(m, "pool", "aannnnanan")


def _bounds(f: Fn, windows: Val, number: Val) -> tuple[Val, Val]:
    return f.load(windows, number * 2, I64), f.load(windows, number * 2 + 1, I64)


def _combined_window(
    f: Fn, source: Val, bounds: list[tuple[Val, Val]], first: Val, kind: str, operation: str
) -> Val:
    """The greatest element or the mean of a window, of some channels."""
    (top, bottom), (left, right) = bounds

    def at(row: Val, column: Val) -> Val:
        return f.load(source, (row * f.width + column) * f.depth + first, kind)

    def along(row: Val, begin: Val, value: Val) -> tuple[Val, ...]:
        how = "add" if operation == "mean" else operation
        return f.loop(
            begin, right, 1, lambda c, total: (combined(f, how, total, at(row, c)),), value
        )

    value = along(top, left + 1, at(top, left))
    (total,) = f.loop(top + 1, bottom, 1, lambda row, value: along(row, left, value), *value)
    if operation != "mean":
        return total
    count = f.convert((bottom - top) * (right - left), scalar(kind))
    divide = "div" if is_float(kind) else "sdiv"
    return f.binary(divide, total, count)


class Maxima(NamedTuple):
    """Builtins.

    give_back (pictures [batch, height, width, depth], maxima of the windows [batch, rows, columns, depth], their gradients, results like the pictures, zeros before,
            batch, height, width, depth, begins and ends of row windows int64 [rows, 2], rows, those of column windows int64 [columns, 2], columns)
        -> the number of windows and groups of channels whose maxima are others
    The first of the largest elements of a window gets the gradient of the maximum.
    """

    give_back: Callable[..., int]


@compiled(Maxima)
def maxima(m: Module, dtype: str) -> None:
    """The function for a dtype of TYPES, compiled."""
    arguments: Any = dict.fromkeys(("pictures", "maxima", "slopes", "results"), PTR)
    arguments |= dict.fromkeys(("batch", "height", "width", "depth"), I64)
    arguments |= dict(down=PTR, rows=I64, across=PTR, columns=I64)
    with m.fn("give_back", ret=I64, internal=True, **arguments) as f:
        ty = TYPES[dtype]

        def window(picture: Val, i: Val, j: Val, wrong: Val) -> tuple[Val, ...]:
            bounds = [_bounds(f, f.down, i), _bounds(f, f.across, j)]
            begin = picture * f.height * f.width * f.depth
            target = ((picture * f.rows + i) * f.columns + j) * f.depth

            def channels(first: Val, kind: str, wrong: Val) -> tuple[Val]:
                return (wrong + _give_back(f, begin + first, target + first, bounds, kind),)

            whole = f.depth // _LANES * _LANES
            wrong = f.loop(
                f.i64(0), whole, _LANES, lambda c, n: channels(c, vec(ty, _LANES), n), wrong
            )[0]
            return f.loop(whole, f.depth, 1, lambda c, n: channels(c, ty, n), wrong)

        def line(picture: Val, i: Val, wrong: Val) -> tuple[Val, ...]:
            return f.loop(f.i64(0), f.columns, 1, lambda j, n: window(picture, i, j, n), wrong)

        def one(picture: Val, wrong: Val) -> tuple[Val, ...]:
            return f.loop(f.i64(0), f.rows, 1, lambda i, n: line(picture, i, n), wrong)

        f.give(f.loop(f.i64(0), f.batch, 1, one, f.i64(0))[0])
    py.emit_entry(m, "give_back", "aaaannnnanan")


def _give_back(f: Fn, source: Val, target: Val, bounds: list[tuple[Val, Val]], kind: str) -> Val:
    """Adds the gradients of a window's maxima, of some channels; 1 if some maximum is another, else 0."""
    (top, bottom), (left, right) = bounds
    largest, slope = f.load(f.maxima, target, kind), f.load(f.slopes, target, kind)
    mask = like(kind, I1)

    def element(row: Val, column: Val, found: Val, fits: Val) -> tuple[Val, Val]:
        at = source + (row * f.width + column) * f.depth
        x = f.load(f.pictures, at, kind)
        is_first = x.eq(largest) & ~found
        total = f.load(f.results, at, kind) + f.select(is_first, slope, f.zero(kind))
        f.store(total, f.results, at)
        # False for a NaN.
        return found | is_first, fits & (x <= largest)

    def along(row: Val, found: Val, fits: Val) -> tuple[Val, ...]:
        return f.loop(left, right, 1, lambda c, *state: element(row, c, *state), found, fits)

    found, fits = f.loop(top, bottom, 1, along, f.zero(mask), ~f.zero(mask))
    is_right = found & fits
    is_right = is_right if lanes(kind) == 1 else f.reduce("and", is_right)
    return f.convert(~is_right, I64, signed=False)
