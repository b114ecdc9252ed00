"""Rows of a matrix combined by ids that never descend."""

from collections.abc import Callable
from typing import Any, NamedTuple

from .. import python_calls as py
from ..builtins import compiled
from ..language.function import Fn
from ..language.module import Module
from ..language.types import F32, F64, I32, I64, PTR, vec
from ..language.value import Val

STRETCH = 128  # rows that one running sum adds up: its error grows with its steps
LANES = 16
TYPES = {"float32": F32, "float64": F64, "int32": I32, "int64": I64}
OPERATIONS = ("add", "mul", "max", "min")


class Segments(NamedTuple):
    """Builtins.

    combine (rows [count, width], width, first row of each segment int64 [segments + 1], segments, combined [segments, width]) -> 0
    A segment has a row at least; the last number is where the last one ends.
    """

    combine: Callable[..., int]


@compiled(Segments)
def segments(m: Module, dtype: str, operation: str) -> None:
    """The function for a dtype of TYPES and one of OPERATIONS, compiled."""
    arguments: Any = dict(rows=PTR, width=I64, begins=PTR, count=I64, combined=PTR)
    with m.fn("combine", ret=I64, internal=True, **arguments) as f:
        ty = TYPES[dtype]

        def segment(k: Val) -> None:
            begin, end = f.load(f.begins, k, I64), f.load(f.begins, k + 1, I64)
            whole = f.width // LANES * LANES
            f.loop(f.i64(0), whole, LANES, lambda c: column(k, begin, end, c, vec(ty, LANES)))
            f.loop(whole, f.width, 1, lambda c: column(k, begin, end, c, ty))

        def column(k: Val, begin: Val, end: Val, c: Val, ty: str) -> None:
            def at(row: Val) -> Val:
                return f.load(f.rows, row * f.width + c, ty)

            def stretch(first: Val) -> Val:
                last = f.min(first + STRETCH, end)

                def step(row: Val, total: Val) -> tuple[Val, ...]:
                    return (_combined(f, operation, total, at(row)),)

                return f.loop(first + 1, last, 1, step, at(first))[0]

            def more(first: Val, total: Val) -> tuple[Val, ...]:
                return (_combined(f, operation, total, stretch(first)),)

            (total,) = f.loop(begin + STRETCH, end, STRETCH, more, stretch(begin))
            f.store(total, f.combined, k * f.width + c)

        f.loop(f.i64(0), f.count, 1, segment)
        f.give(f.i64(0))
    py.emit_entry(m, "combine", "anana")


def _combined(f: Fn, operation: str, x: Val, y: Val) -> Val:
    if operation in ("add", "mul"):
        return f.binary(operation, x, y)
    is_first = f.compare("ge" if operation == "max" else "le", x, y)
    if "float" in x.ty or "double" in x.ty:
        is_first = is_first | f.compare("uno", x, x)  # a NaN stays one
    return f.select(is_first, x, y)
