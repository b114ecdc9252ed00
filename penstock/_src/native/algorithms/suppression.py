"""Non-maximum suppression: boxes, best first, that overlap none of those kept."""

from collections.abc import Callable
from typing import Any, NamedTuple

from .. import python_calls as py
from ..builtins import compiled
from ..language.function import Fn
from ..language.module import Module
from ..language.types import F32, I32, I64, PTR, vec
from ..language.value import Val

LANES = 8  # kept boxes that are looked at together
PLANES = 5  # for kept boxes: their least and largest coordinates, and areas


class Suppression(NamedTuple):
    """Builtins.

    suppress (planes float32 [PLANES, boxes], number of boxes, order int64, its size, most, threshold float32 [1],
              kept planes float32 [PLANES, room] of zeros, room, kept int32 [most]) -> the number of boxes kept
    The room is a multiple of LANES and not less than `most`.
    """

    suppress: Callable[..., int]


@compiled(Suppression)
def suppression(m: Module) -> None:
    """The function, compiled."""
    arguments: Any = dict(
        boxes=PTR,
        number=I64,
        order=PTR,
        count=I64,
        most=I64,
        threshold=PTR,
        room=PTR,
        width=I64,
        kept=PTR,
    )
    with m.fn("suppress", ret=I64, internal=True, **arguments) as f:
        limit = f.load(f.threshold, 0, F32)

        def look(at: Val, kept: Val) -> tuple[Val, ...]:
            i = f.load(f.order, at, I64)
            box = [f.load(f.boxes, f.number * plane + i, F32) for plane in range(PLANES)]

            def is_free(first: Val, goes_on: Val) -> Val:
                return (first < kept) & goes_on.ne(0)

            def compare(first: Val, _: Val) -> tuple[Val, ...]:
                others = [
                    f.load(f.room, f.width * plane + first, vec(F32, LANES))
                    for plane in range(PLANES)
                ]
                overlaps = f.reduce("or", _ratio(f, box, others) > limit)
                return first + LANES, f.convert(~overlaps, I64, signed=False)

            _, free = f.loop_while(is_free, compare, f.i64(0), f.i64(1))

            def keep() -> tuple[Val, ...]:
                for plane, value in enumerate(box):
                    f.store(value, f.room, f.width * plane + kept)
                f.store(f.convert(i, I32), f.kept, kept)
                return (kept + 1,)

            return at + 1, *f.when(free.ne(0), keep, lambda: (kept,))

        _, chosen = f.loop_while(
            lambda at, kept: (at < f.count) & (kept < f.most), look, f.i64(0), f.i64(0)
        )
        f.give(chosen)
    py.emit_entry(m, "suppress", "anannaana")


def _ratio(f: Fn, box: list[Val], others: list[Val]) -> Val:
    """Intersection over union of a box with others; 0 where either has no area."""
    y1, x1, y2, x2, area = (f.splat(value, LANES) for value in box)
    tops, lefts, bottoms, rights, areas = others
    sides = [
        f.max(f.unfused("sub", f.min(ends, end), f.max(begins, begin)), f.splat(0.0, LANES))
        for ends, end, begins, begin in ((bottoms, y2, tops, y1), (rights, x2, lefts, x1))
    ]
    shared = sides[0] * sides[1]
    ratio = shared / f.unfused("sub", f.unfused("add", areas, area), shared)
    return f.select((area <= 0.0) | (areas <= 0.0), f.splat(0.0, LANES), ratio)
