"""Normal numbers of float64 from random words: the C library's functions round as those do that TensorFlow calls.

Source: Box & Muller, "A note on the generation of random normal deviates", 1958.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from .. import python_calls as py
from ..builtins import compiled
from ..language.function import Fn
from ..language.module import Module
from ..language.types import F64, I32, I64, PTR
from ..language.value import Val
from .philox import emit_block

_MANTISSA = (1 << 52) - 1
_ONE = 1023 << 52  # the bits of 1.0


class Normals(NamedTuple):
    """Builtins. `least` is an array of a number, which numbers are raised to before their logarithm.

    normals (words [count, 4] of uint32, count, least, results [count, 2] of float64) -> 0
    truncated (key, low, high, count, blocks, least, results [count, 2] of float64) -> 0; of each pair the first two numbers
        of magnitude below 2, from blocks of a Philox stream (`philox.py`) that begin `blocks` after those of the pair before
    """

    normals: Callable[..., int]
    truncated: Callable[..., int]


@compiled(Normals)
def normals(m: Module) -> None:
    """The functions, compiled."""
    emit_block(m)
    arguments: Any = dict(words=PTR, count=I64, least=PTR, results=PTR)
    with m.fn("normals", ret=I64, internal=True, **arguments) as f:
        least = f.load(f.least, 0, F64)

        def pair(i: Val) -> None:
            for at, number in enumerate(_pair(f, f.at(f.words, 4 * i, I32), least)):
                f.store(number, f.results, 2 * i + at)

        f.loop(f.i64(0), f.count, 1, pair)
        f.give(f.i64(0))
    _emit_truncated(m)
    py.emit_entry(m, "normals", "anaa")
    py.emit_entry(m, "truncated", "nnnnnaa")


def _emit_truncated(m: Module) -> None:
    arguments: Any = dict(key=I64, low=I64, high=I64, count=I64, blocks=I64, least=PTR, results=PTR)
    with m.fn("truncated", ret=I64, internal=True, **arguments) as f:
        least, words = f.load(f.least, 0, F64), f.alloca(I32, 4)

        def group(i: Val) -> None:
            room = f.at(f.results, 2 * i, F64)

            def block(offset: Val, filled: Val) -> tuple[Val, ...]:
                f.call("block", f.key, f.low, f.high, offset, words, ret=I64)
                for number in _pair(f, words, least):
                    is_taken = (f.intrinsic("fabs", number) < 2.0) & (filled < 2)
                    f.when(is_taken, lambda n=number, at=filled: f.store(n, room, at))
                    filled = filled + f.convert(is_taken, I64, signed=False)
                return offset + 1, filled

            f.loop_while(lambda _, filled: filled < 2, block, i * f.blocks, f.i64(0))

        f.loop(f.i64(0), f.count, 1, group)
        f.give(f.i64(0))


def _pair(f: Fn, words: Val, least: Val) -> tuple[Val, Val]:
    """Two normal numbers from four words."""
    logarithm = f.call("log", f.max(_uniform(f, words, 0), least), ret=F64)
    radius = f.intrinsic("sqrt", logarithm * -2.0)
    angle = _uniform(f, words, 1) * (2.0 * math.pi)
    return f.call("sin", angle, ret=F64) * radius, f.call("cos", angle, ret=F64) * radius


def _uniform(f: Fn, words: Val, at: int) -> Val:
    """A number in [0, 1) from two words, the high one first."""
    both = f.load(words, at, I64)
    swapped = f.intrinsic("fshl", both, both, 32, ty=I64)
    return f.bits((swapped & _MANTISSA) | _ONE, F64) - 1.0
