"""The filters of PNG: rows of bytes less bytes before them.

Source: PNG specification (W3C, 2003), sections 9 and 12.8.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ... import python_calls as py
from ...builtins import compiled
from ...language.function import Fn
from ...language.module import Module
from ...language.types import I8, I16, I32, I64, PTR, vec
from ...language.value import Val

# None, left, above, the mean of these, and the nearest to left + above - corner (Paeth).
_FILTERS = 5
_LANES = 16


class _Functions(NamedTuple):
    """Builtins.

    filter (lines [height + 1, step + width], height, width, step, results [height, 1 + width]) -> 0
    Lines begin with `step` zeros, and the first one is zeros.
    """

    filter: Callable[..., int]


def filtered(lines: np.ndarray, step: int) -> np.ndarray:
    """Rows of bytes, each after the number of its filter: the one with the smallest sum of differences.

    Args:
      lines: uint8 [height, width].
      step: the bytes of a pixel.
    """
    height, width = lines.shape
    padded = np.zeros((height + 1, step + width), np.uint8)
    padded[1:, step:] = lines
    results = np.empty((height, 1 + width), np.uint8)
    _functions().filter(padded, height, width, step, results)
    return results


@compiled(_Functions)
def _functions(m: Module) -> None:
    arguments: Any = dict(data=PTR, height=I64, width=I64, step=I64, results=PTR)
    with m.fn("filter", ret=I64, internal=True, **arguments) as f:
        f.loop(f.i64(0), f.height, 1, lambda row: _row(f, row))
        f.give(f.i64(0))
    py.emit_entry(m, "filter", "annna")


def _row(f: Fn, row: Val) -> None:
    stride = f.step + f.width
    own = f.at(f.data, (row + 1) * stride + f.step)
    whole = f.width // _LANES * _LANES
    wide = vec(I32, _LANES)

    def added(at: Val, sums: tuple[Val, ...], kind: str, ty: str) -> list[Val]:
        signed = [f.convert(x, ty) for x in _differences(f, own, at, stride, kind)]
        return [s + f.max(x, -x) for s, x in zip(sums, signed, strict=True)]

    sums = f.loop(
        f.i64(0), whole, _LANES, lambda at, *sums: added(at, sums, vec(I8, _LANES), I32),
        *[f.zero(wide)] * _FILTERS,
    )  # fmt: skip
    sums = f.loop(
        whole, f.width, 1, lambda at, *sums: added(at, sums, I8, I64),
        *[f.reduce("add", f.convert(s, I64)) for s in sums],
    )  # fmt: skip
    number, least = f.i64(0), sums[0]
    for i, total in enumerate(sums[1:], 1):
        is_less = total < least
        number, least = f.select(is_less, f.i64(i), number), f.select(is_less, total, least)
    to = f.at(f.results, row * (f.width + 1))
    f.store(f.convert(number, I8), to)

    def write(which: int) -> None:
        def part(at: Val, kind: str) -> None:
            f.store(_differences(f, own, at, stride, kind)[which], to, at + 1)

        f.loop(f.i64(0), whole, _LANES, lambda at: part(at, vec(I8, _LANES)))
        f.loop(whole, f.width, 1, lambda at: part(at, I8))

    for i in range(_FILTERS):
        f.when(number.eq(i), lambda i=i: write(i))


def _differences(f: Fn, own: Val, at: Val, stride: Val, kind: str) -> list[Val]:
    """The bytes from `at` on by each filter."""
    x, left, above, corner = (
        f.load(own, at - before, kind) for before in (f.i64(0), f.step, stride, stride + f.step)
    )
    a, b, c = (f.convert(v, I16, signed=False) for v in (left, above, corner))
    by_left, by_above, by_corner = (f.max(v, -v) for v in (b - c, a - c, a + b - c - c))
    nearest = f.select(by_above <= by_corner, above, corner)
    nearest = f.select((by_left <= by_above) & (by_left <= by_corner), left, nearest)
    return [x, x - left, x - above, x - f.convert((a + b) >> 1, I8), x - nearest]
