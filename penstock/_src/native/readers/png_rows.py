"""Undoes the filters of PNG's rows: each byte was stored minus a prediction from its neighbors.

Source: PNG Specification, Third Edition, W3C 2025, section 9.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from .. import python_calls as py
from ..builtins import compiled
from ..language.function import Fn
from ..language.module import Module
from ..language.types import I8, I16, I64, PTR, vec
from ..language.value import Val

STEPS = (1, 2, 3, 4, 6, 8)  # bytes of a pixel
_SUB, _UP, _AVERAGE, _PAETH = 1, 2, 3, 4

# A predictor: the expected byte, from the pixels to the left, above, and to the upper left.
Guess = Callable[[Fn, Val, Val, Val], Val]


class PngRows(NamedTuple):
    """Builtins over bytes and arrays.

    undo   (data, begin, rows, size, step, into [rows, size]) -> -1, or the number of the first row with an unknown filter. At `begin` the
           rows of the data start, each `size` bytes after the number of its filter; a pixel has `step` bytes, one of STEPS
    """

    undo: Callable[..., int]


@compiled(PngRows)
def png_rows(m: Module) -> None:
    """The functions, compiled."""
    for step in STEPS:
        for kind, guess in _GUESSES.items():
            _emit_row(m, kind, step, guess)
        _emit_kinds(m, step)
    _emit_undo(m)
    py.emit_entry(m, "undo", "bnnnna")


def _sub(f: Fn, left: Val, above: Val, corner: Val) -> Val:
    return left


def _up(f: Fn, left: Val, above: Val, corner: Val) -> Val:
    return above


def _average(f: Fn, left: Val, above: Val, corner: Val) -> Val:
    return (left + above) >> 1


def _paeth(f: Fn, left: Val, above: Val, corner: Val) -> Val:
    """The value among the three that is nearest to left + above - corner."""
    by_left, by_above = above - corner, left - corner
    to_left, to_above, to_corner = (f.max(x, -x) for x in (by_left, by_above, by_left + by_above))
    nearer = f.select(to_above <= to_corner, above, corner)
    return f.select((to_left <= to_above) & (to_left <= to_corner), left, nearer)


_GUESSES: dict[int, Guess] = {_SUB: _sub, _UP: _up, _AVERAGE: _average, _PAETH: _paeth}


def _emit_row(m: Module, kind: int, step: int, guess: Guess) -> None:
    """Undoes the filter of a row. A pixel is a vector; those to the left stay in registers."""
    lanes = 1 << (step - 1).bit_length()
    arguments: Any = dict(line=PTR, above=PTR, into=PTR, size=I64)
    with m.fn(f"row{kind}_{step}", internal=True, noalias=False, **arguments) as f:
        mask = None if lanes == step else f.mask(lanes, step)

        def pixel_of(p: Val, at: Val) -> Val:
            return f.convert(f.load(p, at, vec(I8, lanes), mask), I16, signed=False)

        def pixel(at: Val, left: Val, corner: Val) -> tuple[Val, ...]:
            above = pixel_of(f.above, at)
            # 16 bits: sums and Paeth's differences of bytes do not wrap before they are reduced.
            value = (pixel_of(f.line, at) + guess(f, left, above, corner)) & 255
            f.store(f.convert(value, I8), f.into, at, mask)
            return value, above

        f.loop(f.i64(0), f.size, step, pixel, *[f.zero(vec(I16, lanes))] * 2)


def _emit_kinds(m: Module, step: int) -> None:
    """Undoes the filter of a row, whatever it is; gives 1 if it is unknown."""
    arguments: Any = dict(kind=I64, line=PTR, above=PTR, into=PTR, size=I64)
    with m.fn(f"row_{step}", ret=I64, internal=True, noalias=False, **arguments) as f:

        def unfiltered() -> None:
            f.memcpy(f.into, f.line, f.size)

        f.when(f.kind.eq(0), unfiltered)
        for kind in _GUESSES:

            def row(kind: int = kind) -> None:
                f.call(f"row{kind}_{step}", f.line, f.above, f.into, f.size)

            f.when(f.kind.eq(kind), row)
        f.give(f.convert(f.kind > _PAETH, I64))


def _emit_undo(m: Module) -> None:
    arguments: Any = dict(data=PTR, begin=I64, rows=I64, size=I64, step=I64, into=PTR)
    with m.fn("undo", ret=I64, internal=True, noalias=False, **arguments) as f:
        f.memset(f.into, 0, f.size)  # the row above the first row

        def row(number: Val, wrong: Val) -> tuple[Val, ...]:
            line = f.at(f.data, f.begin + number * (f.size + 1))
            into = f.at(f.into, number * f.size)
            # The first row's own memory, still zeros, stands for the row above it.
            above = f.at(f.into, f.max(number - 1, 0) * f.size)
            kind = f.convert(f.load(line, 0, I8), I64, signed=False)
            values = kind, f.at(line, 1), above, into, f.size
            for step in STEPS:

                def of_step(step: int = step) -> tuple[Val, ...]:
                    return (f.call(f"row_{step}", *values, ret=I64),)

                (bad,) = f.when(f.step.eq(step), of_step, lambda: (f.i64(0),))
                wrong = f.select((wrong < 0) & bad.ne(0), number, wrong)
            return (wrong,)

        (wrong,) = f.loop(f.i64(0), f.rows, 1, row, f.i64(-1))
        f.give(wrong)
