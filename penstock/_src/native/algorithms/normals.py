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
from ..language.types import F64, I64, PTR
from ..language.value import Val

_MANTISSA = (1 << 52) - 1
_ONE = 1023 << 52  # the bits of 1.0


class Normals(NamedTuple):
    """Builtins.

    normals (words [count, 4] of uint32, count, least, results [count, 2] of float64) -> 0; `least` is an array of a number, which
        numbers are raised to before their logarithm
    """

    normals: Callable[..., int]


@compiled(Normals)
def normals(m: Module) -> None:
    """The function, compiled."""
    arguments: Any = dict(words=PTR, count=I64, least=PTR, results=PTR)
    with m.fn("normals", ret=I64, internal=True, **arguments) as f:
        least = f.load(f.least, 0, F64)

        def pair(i: Val) -> None:
            logarithm = f.call("log", f.max(_uniform(f, 2 * i), least), ret=F64)
            radius = f.intrinsic("sqrt", logarithm * -2.0)
            angle = _uniform(f, 2 * i + 1) * (2.0 * math.pi)
            f.store(f.call("sin", angle, ret=F64) * radius, f.results, 2 * i)
            f.store(f.call("cos", angle, ret=F64) * radius, f.results, 2 * i + 1)

        f.loop(f.i64(0), f.count, 1, pair)
        f.give(f.i64(0))
    py.emit_entry(m, "normals", "anaa")


def _uniform(f: Fn, at: Val) -> Val:
    """A number in [0, 1) from two words, the high one first."""
    words = f.load(f.words, at, I64)
    swapped = f.intrinsic("fshl", words, words, 32, ty=I64)
    return f.bits((swapped & _MANTISSA) | _ONE, F64) - 1.0
