"""Ranges of bytes of strings, as new strings."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ... import python_calls as py
from ...builtins import compiled
from ...language.module import Module
from ...language.types import I64, PTR
from ...language.value import Val
from . import utf8
from .words import put


class _Functions(NamedTuple):
    """Builtins.

    parts (strings, number, begin, count, parts) -> the number of strings that have the begin, all of whose parts are made; a negative
    begin counts from the end
    """

    parts: Callable[..., int]


@compiled(_Functions)
def _functions(m: Module) -> None:
    _emit_parts(m)
    py.emit_entry(m, "parts", "annna", holds_gil=True)


def parts(strings: np.ndarray, begin: int, count: int) -> np.ndarray | None:
    """Return up to `count` bytes of each string from a position on; None if a string does not have the position."""
    found = np.empty(len(strings), object)
    made = _functions().parts(np.ascontiguousarray(strings), len(strings), begin, count, found)
    return found if made == len(strings) else None


def _emit_parts(m: Module) -> None:
    arguments: Any = dict(strings=PTR, number=I64, begin=I64, most=I64, into=PTR)
    with m.fn("parts", ret=I64, internal=True, **arguments) as f:

        def one(row: Val, _: Val) -> tuple[Val, ...]:
            data, size = utf8.string(f, f.strings, row)
            first = f.select(f.begin < 0, f.begin + size, f.begin)
            is_there = (first >= 0) & (first <= size)

            def make() -> tuple[Val, ...]:
                length = f.min(f.most, size - first)
                text = f.call("PyBytes_FromStringAndSize", f.at(data, first), length, ret=PTR)
                put(f, text, f.into, row)
                return ()

            f.when(is_there, make)
            return row + 1, is_there

        def goes_on(row: Val, is_there: Val) -> Val:
            return (row < f.number) & is_there

        row, is_there = f.loop_while(goes_on, one, f.i64(0), f.const(1, "i1"))
        f.give(f.select(is_there, row, row - 1))
