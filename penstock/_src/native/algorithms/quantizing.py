"""Floats as integers of 8 or 16 bits: clipped, scaled, rounded and clipped to the type, in one pass.

Every operation is rounded separately, as NumPy does.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from .. import python_calls as py
from ..builtins import compiled
from ..language.function import Fn
from ..language.module import Module
from ..language.types import F32, I8, I16, I32, I64, PTR, vec
from ..language.value import Val

LANES = 16  # elements that are computed together
INTEGERS = {1: I8, 2: I16}  # bytes of a number -> the IR type
BELOW_HALF = 0.49999997  # a half would round the number below it up


class Quantizing(NamedTuple):
    """Builtins that give 0.

    quantize (x float32, its size, float32 [7]: low, high, origin, scale, shift, least, greatest, into integers):
    round((clip(x, low, high) - origin) * scale - shift), clipped to [least, greatest]; one of these for a NaN
    """

    quantize: Callable[..., int]


@compiled(Quantizing)
def quantizing(m: Module, rounding: str, size: int, nan: str) -> None:
    """The function for a rounding, "away", "even" or "trunc", integers of some bytes and a NaN as "least" or "greatest", compiled."""
    arguments: Any = dict(x=PTR, size=I64, constants=PTR, into=PTR)
    with m.fn("quantize", ret=I64, internal=True, **arguments) as f:
        constants = [f.load(f.constants, i, F32) for i in range(7)]

        def block(at: Val, lanes: int) -> None:
            numbers = constants if lanes == 1 else [f.splat(c, lanes) for c in constants]
            low, high, origin, scale, shift, least, greatest = numbers
            x = f.load(f.x, at, F32 if lanes == 1 else vec(F32, lanes))
            x = f.min(high, f.max(low, x))  # a NaN stays one, up to the last clip
            steps = f.unfused("sub", f.unfused("sub", x, origin) * scale, shift)
            level = _rounded(f, rounding, steps)
            if nan == "least":  # the first clip gives its end for a NaN
                level = f.min(f.max(level, least), greatest)
            else:
                level = f.max(f.min(level, greatest), least)
            f.store(f.convert(f.convert(level, I32), INTEGERS[size]), f.into, at)

        def wide() -> None:  # the last block overlaps the previous one
            last = f.size - LANES
            f.loop(f.i64(0), f.size, LANES, lambda at: block(f.min(at, last), LANES))

        f.when(f.size >= LANES, wide, lambda: f.loop(f.i64(0), f.size, 1, lambda at: block(at, 1)))
        f.give(f.i64(0))
    py.emit_entry(m, "quantize", "anaa")


def _rounded(f: Fn, rounding: str, x: Val) -> Val:
    if rounding == "even":
        return f.intrinsic("rint", x)
    if rounding == "away":
        x = f.unfused("add", x, f.intrinsic("copysign", f.const(BELOW_HALF, x.ty), x))
    return f.intrinsic("trunc", x)
