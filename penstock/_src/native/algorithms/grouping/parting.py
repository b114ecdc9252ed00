"""Rows of an array moved to the arrays of their parts, in order."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ... import python_calls as py
from ...builtins import compiled
from ...language.module import Module
from ...language.types import I8, I16, I32, I64, PTR
from ...language.value import Val

_WORDS = {1: I8, 2: I16, 4: I32, 8: I64}  # types for rows of as many bytes


class _Functions(NamedTuple):
    """Builtins.

    count (part of each row int32 [rows], rows, parts, sizes int64 [parts] of zeros) -> the number of rows before the first whose part is
        not one of the parts; adds up the sizes of the parts
    move (part of each row int32 [rows], rows, data [rows], bytes of a row, addresses int64 [parts] of the parts' arrays) -> 0; moves the
        addresses past what it has written
    """

    count: Callable[..., int]
    move: Callable[..., int]


def sizes_of(numbers: np.ndarray, parts: int) -> tuple[np.ndarray, int]:
    """The number of rows of each part, and the number of rows before the first whose part does not exist.

    Args:
      numbers: the part of each row, an int32 vector.
      parts: how many there are.
    """
    sizes = np.zeros(parts, np.int64)
    return sizes, _functions(I8).count(numbers, len(numbers), parts, sizes)


def parted(rows: np.ndarray, numbers: np.ndarray, sizes: np.ndarray) -> list[np.ndarray]:
    """The rows of each part.

    Args:
      rows: [count, ...], not of objects.
      numbers: the part of each row, an int32 vector of existing parts.
      sizes: the number of rows of each part.
    """
    rows = np.ascontiguousarray(rows)
    width = rows.dtype.itemsize * int(np.prod(rows.shape[1:]))
    parts = [np.empty((size, *rows.shape[1:]), rows.dtype) for size in sizes.tolist()]
    if width:
        addresses = np.array([part.ctypes.data for part in parts], np.int64)
        move = _functions(_WORDS.get(width, I8)).move
        move(numbers, len(numbers), rows.view(np.uint8), width, addresses)
    return parts


@compiled(_Functions)
def _functions(m: Module, word: str) -> None:
    _emit_count(m)
    _emit_move(m, word)
    py.emit_entry(m, "count", "anna")
    py.emit_entry(m, "move", "anana")


def _emit_count(m: Module) -> None:
    with m.fn("count", ret=I64, internal=True, numbers=PTR, rows=I64, parts=I64, sizes=PTR) as f:

        def number(i: Val) -> Val:
            return f.convert(f.load(f.numbers, i, I32), I64)

        def goes_on(i: Val) -> Val:
            (exists,) = f.when(
                i < f.rows,
                lambda: (f.compare("ult", number(i), f.parts),),
                lambda: (f.const(0, "i1"),),
            )
            return exists

        def one(i: Val) -> tuple[Val]:
            part = number(i)
            f.store(f.load(f.sizes, part, I64) + 1, f.sizes, part)
            return (i + 1,)

        f.give(f.loop_while(goes_on, one, f.i64(0))[0])


def _emit_move(m: Module, word: str) -> None:
    arguments: Any = dict(numbers=PTR, rows=I64, data=PTR, width=I64, addresses=PTR)
    with m.fn("move", ret=I64, internal=True, **arguments) as f:

        def one(i: Val) -> None:
            part = f.convert(f.load(f.numbers, i, I32), I64)
            to = f.load(f.addresses, part, PTR)
            if word == I8:
                f.memcpy(to, f.at(f.data, i * f.width), f.width)
                f.store(f.at(to, f.width), f.addresses, part)
            else:
                f.store(f.load(f.data, i, word), to)
                f.store(f.at(to, 1, word), f.addresses, part)

        f.loop(f.i64(0), f.rows, 1, one)
        f.give(f.i64(0))
