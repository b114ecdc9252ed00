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

    weaken (planes, number of boxes, order int64, its size, most, float32 [2]: factor of squared overlaps and the least score,
            scores float32 [boxes], how many kept boxes each was compared with int64 [boxes] of zeros, kept int32 [most])
           -> the number of boxes kept; order, scores and numbers are changed: `scores` of kept boxes are the results.
    """

    suppress: Callable[..., int]
    weaken: Callable[..., int]


@compiled(Suppression)
def suppression(m: Module) -> None:
    """The functions, compiled."""
    _emit_suppress(m)
    _emit_sink(m)
    _emit_weaken(m)
    py.emit_entry(m, "suppress", "anannaana")
    py.emit_entry(m, "weaken", "anannaaaa")


def _emit_suppress(m: Module) -> None:
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
        # In memory, as builtins take no floats.
        limit = f.load(f.threshold, 0, F32)

        def look(at: Val, kept: Val) -> tuple[Val, ...]:
            i = f.load(f.order, at, I64)
            box = [f.load(f.boxes, f.number * plane + i, F32) for plane in range(PLANES)]

            # Beyond the kept boxes the planes are zeros: boxes without area, whose ratio is 0.
            def is_free(first: Val, goes_on: Val) -> Val:
                return (first < kept) & goes_on.ne(0)

            def compare(first: Val, _: Val) -> tuple[Val, ...]:
                others = [
                    f.load(f.room, f.width * plane + first, vec(F32, LANES))
                    for plane in range(PLANES)
                ]
                spread = [f.splat(value, LANES) for value in box]
                ratio = _ratio(f, spread, others, f.splat(0.0, LANES))
                overlaps = f.reduce("or", ratio > limit)
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


def _emit_sink(m: Module) -> None:
    """Moves the first box of a heap down to its place, as its score is lower now: better boxes are above."""
    arguments: Any = dict(order=PTR, count=I64, scores=PTR)
    with m.fn("sink", internal=True, noalias=False, **arguments) as f:
        box = f.load(f.order, 0, I64)
        score = f.load(f.scores, box, F32)

        def is_better(other: Val, than: Val, score: Val) -> Val:
            value = f.load(f.scores, other, F32)
            # Equal scores in order of the boxes, as TensorFlow's priority queue has them.
            return (value > score) | (value.eq(score) & (other < than))

        def better_child(at: Val) -> Val:
            left = at * 2 + 1

            def of_two() -> tuple[Val, ...]:
                first, second = (f.load(f.order, left + side, I64) for side in range(2))
                right = is_better(second, first, f.load(f.scores, first, F32))
                return (f.select(right, left + 1, left),)

            return f.when(left + 1 < f.count, of_two, lambda: (left,))[0]

        def down(at: Val, _: Val) -> tuple[Val, ...]:
            child = better_child(at)
            other = f.load(f.order, child, I64)

            def up() -> tuple[Val, ...]:
                f.store(other, f.order, at)
                return child, f.i64(1)

            return f.when(is_better(other, box, score), up, lambda: (at, f.i64(0)))

        place, _ = f.loop_while(
            lambda at, moved: moved.ne(0) & (at * 2 + 1 < f.count), down, f.i64(0), f.i64(1)
        )
        f.store(box, f.order, place)


def _emit_weaken(m: Module) -> None:
    """Boxes lose score by their overlap with those kept. The order is a heap: the best box is the first.

    Bodla et al., "Soft-NMS: improving object detection with one line of code", ICCV 2017.
    """
    arguments: Any = dict(boxes=PTR, number=I64, order=PTR, count=I64, most=I64)
    more: Any = dict(limits=PTR, scores=PTR, compared=PTR, kept=PTR)
    with m.fn("weaken", ret=I64, internal=True, noalias=False, **arguments, **more) as f:
        factor, least = (f.load(f.limits, k, F32) for k in range(2))

        def corners(i: Val) -> list[Val]:
            return [f.load(f.boxes, f.number * plane + i, F32) for plane in range(PLANES)]

        def weakened(i: Val, kept: Val, score: Val) -> Val:
            box, first = corners(i), f.load(f.compared, i, I64)

            def compare(at: Val, score: Val) -> tuple[Val, ...]:
                other = f.convert(f.load(f.kept, at, I32), I64)
                ratio = _ratio(f, box, corners(other), f.const(0.0, F32))
                weight = f.call("expf", factor * ratio * ratio, ret=F32)
                # From the last kept box backwards, as TensorFlow: rounding depends on the order.
                return at - 1, score * weight

            def goes_on(at: Val, score: Val) -> Val:
                return (at >= first) & ((score > least) | at.eq(kept - 1))

            return f.loop_while(goes_on, compare, kept - 1, score)[1]

        def look(count: Val, kept: Val) -> tuple[Val, ...]:
            i = f.load(f.order, 0, I64)
            before = f.load(f.scores, i, F32)
            score = weakened(i, kept, before)
            f.store(score, f.scores, i)
            f.store(kept, f.compared, i)
            # No kept box has lowered it, and no box left has a higher score.
            is_kept = score.eq(before)
            f.when(is_kept, lambda: f.store(f.convert(i, I32), f.kept, kept))

            def last() -> tuple[Val, ...]:
                f.store(f.load(f.order, count - 1, I64), f.order, 0)
                return (count - 1,)

            ends = is_kept | ~(score > least)
            (left,) = f.when(ends, last, lambda: (count,))
            f.when(left > 0, lambda: f.call("sink", f.order, left, f.scores))
            return left, kept + f.convert(is_kept, I64, signed=False)

        _, chosen = f.loop_while(
            lambda count, kept: (count > 0) & (kept < f.most), look, f.count, f.i64(0)
        )
        f.give(chosen)


def _ratio(f: Fn, box: list[Val], others: list[Val], zero: Val) -> Val:
    """Intersection over union of a box with others, or with one; 0 where either has no area."""
    y1, x1, y2, x2, area = box
    tops, lefts, bottoms, rights, areas = others
    sides = [
        # Unfused, as TensorFlow's kernel: a comparison may depend on the last bit.
        f.max(f.unfused("sub", f.min(ends, end), f.max(begins, begin)), zero)
        for ends, end, begins, begin in ((bottoms, y2, tops, y1), (rights, x2, lefts, x1))
    ]
    shared = sides[0] * sides[1]
    ratio = shared / f.unfused("sub", f.unfused("add", areas, area), shared)
    return f.select((area <= 0.0) | (areas <= 0.0), zero, ratio)
