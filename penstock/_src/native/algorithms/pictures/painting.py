"""Pixels as image files hold them, painted and arranged as red, green, blue and alpha."""

from collections.abc import Callable
from typing import Any, NamedTuple

from ... import python_calls as py
from ...builtins import compiled
from ...language.module import Module
from ...language.types import I8, I64, PTR, vec
from ...language.value import Val

COLORS = 256  # rows of a color table, which an index of a byte cannot exceed
OPAQUE = 255
BLOCK = 16  # pixels of a row that are arranged together
# Channels in a file -> the source of each channel of the result; those beyond are opaque alpha.
ORDERS = {1: (0, 0, 0), 3: (2, 1, 0), 4: (2, 1, 0, 3)}
_KINDS = [(1, 1), (1, 3), (1, 4), (3, 3), (3, 4), (4, 3), (4, 4)]  # channels in a file, channels


class Painting(NamedTuple):
    """Builtins over bytes and arrays of uint8.

    paint   (indices [rows, their columns], their columns, rows, columns, colors [COLORS, 3], transparent, into, bytes of its rows)
            -> the largest index that was painted, -1 if none; pixels of the index `transparent` stay unchanged
    arrange (data, begin, bytes from row to row, rows, columns, channels of the data, channels, into [rows, columns, channels]) -> 0;
            data has blue first, and 1 (gray), 3 or 4 channels; the first row is at `begin`
    """

    paint: Callable[..., int]
    arrange: Callable[..., int]


@compiled(Painting)
def painting(m: Module) -> None:
    """The functions, compiled."""
    _emit_paint(m)
    py.emit_entry(m, "paint", "annnanan")
    for kind in _KINDS:
        _emit_row(m, *kind)
    _emit_arrange(m)
    py.emit_entry(m, "arrange", "bnnnnnna")


def _emit_paint(m: Module) -> None:
    arguments: Any = dict(
        indices=PTR, stride=I64, rows=I64, columns=I64, colors=PTR, transparent=I64, into=PTR, line=I64
    )  # fmt: skip
    with m.fn("paint", ret=I64, internal=True, **arguments) as f:

        def row(number: Val, most: Val) -> tuple[Val, ...]:
            source, target = f.at(f.indices, number * f.stride), f.at(f.into, number * f.line)

            def pixel(at: Val, most: Val) -> tuple[Val, ...]:
                index = f.convert(f.load(source, at, I8), I64, signed=False)

                def painted() -> tuple[Val, ...]:
                    for channel in range(3):
                        color = f.load(f.colors, index * 3 + channel, I8)
                        f.store(color, target, at * 3 + channel)
                    return (f.max(most, index),)

                return f.when(index.ne(f.transparent), painted, lambda: (most,))

            return f.loop(f.i64(0), f.columns, 1, pixel, most)

        f.give(f.loop(f.i64(0), f.rows, 1, row, f.i64(-1))[0])


def _emit_row(m: Module, stored_channels: int, channels: int) -> None:
    with m.fn(
        f"row{stored_channels}_{channels}", internal=True, line=PTR, columns=I64, into=PTR
    ) as f:

        def some(at: Val, count: int) -> None:
            stored = f.load(f.line, at * stored_channels, vec(I8, count * stored_channels))
            opaque = f.splat(OPAQUE, count * stored_channels, I8)
            sources = [
                pixel * stored_channels + ORDERS[stored_channels][channel] if channel < len(ORDERS[stored_channels]) else count * stored_channels
                for pixel in range(count)
                for channel in range(channels)
            ]  # fmt: skip
            # An index behind the stored bytes takes one of the second operand, which is opaque.
            f.store(f.shuffle(stored, opaque, sources), f.into, at * channels)

        def wide() -> None:  # the last block overlaps the previous one
            last = f.columns - BLOCK
            f.loop(f.i64(0), f.columns, BLOCK, lambda at: some(f.min(at, last), BLOCK))

        def narrow() -> None:
            f.loop(f.i64(0), f.columns, 1, lambda at: some(at, 1))

        f.when(f.columns >= BLOCK, wide, narrow)


def _emit_arrange(m: Module) -> None:
    arguments: Any = dict(
        data=PTR, begin=I64, step=I64, rows=I64, columns=I64, found=I64, channels=I64, into=PTR
    )
    with m.fn("arrange", ret=I64, internal=True, **arguments) as f:
        for stored, channels in _KINDS:

            def row(number: Val, found: int = stored, channels: int = channels) -> None:
                line = f.at(f.data, f.begin + number * f.step)
                target = f.at(f.into, number * f.columns * channels)
                f.call(f"row{found}_{channels}", line, f.columns, target)

            is_it = f.found.eq(stored) & f.channels.eq(channels)
            # Exactly one kind applies; each has shuffles of its own, which are constants.
            f.when(is_it, lambda row=row: f.loop(f.i64(0), f.rows, 1, row) or None)
        f.give(f.i64(0))
