"""Walks along tries in one array, as `ops/text/models/double_array.py` describes them."""

from typing import Any

from ...language.function import Fn
from ...language.module import Module
from ...language.types import I32, I64, PTR
from ...language.value import Val
from . import utf8

NOTHING = -1
_LEAF = 1 << 31
_LABEL = _LEAF | 0xFF


def _unit(f: Fn, units: Val, node: Val) -> Val:
    return f.convert(f.load(units, node, I32), I64, signed=False)


def _children(f: Fn, node: Val, unit: Val) -> Val:
    """The base index of a node's children, each of which is at this index combined with its label."""
    far = f.binary("shl", unit >> 10, (unit & (1 << 9)) >> 6)
    return node ^ far


def child(f: Fn, units: Val, size: Val, node: Val, label: Val) -> Val:
    """The node after an arc; NOTHING if there is none."""
    place = _children(f, node, _unit(f, units, node)) ^ label

    def checked() -> tuple[Val]:
        matches = (_unit(f, units, place) & _LABEL).eq(label)
        return (f.select(matches, place, f.i64(NOTHING)),)

    (matches,) = f.when(place < size, checked, lambda: (f.i64(NOTHING),))
    return matches


def value(f: Fn, units: Val, size: Val, node: Val) -> Val:
    """The value at a node; NOTHING if there is none."""
    unit = _unit(f, units, node)

    def held() -> tuple[Val, ...]:
        place = _children(f, node, unit)
        return f.when(
            place < size,
            lambda: (_unit(f, units, place) & (_LEAF - 1),),
            lambda: (f.i64(NOTHING),),
        )

    (number,) = f.when((unit & (1 << 8)).ne(0), held, lambda: (f.i64(NOTHING),))
    return number


def emit_longest(m: Module) -> None:
    """`longest` (units, their number, start node, data, position, end, address for the value) -> the end of the longest text with a value, NOTHING without one."""
    arguments: Any = dict(units=PTR, count=I64, root=I64, data=PTR, begin=I64, end=I64, into=PTR)
    with m.fn("longest", ret=I64, internal=True, **arguments) as f:

        def step(place: Val, node: Val, best: Val) -> tuple[Val, ...]:
            following = child(f, f.units, f.count, node, utf8.byte(f, f.data, place))

            def inside() -> tuple[Val, ...]:
                number = value(f, f.units, f.count, following)

                def better() -> tuple[Val]:
                    f.store(number, f.into)
                    return (place + 1,)

                return f.when(number >= 0, better, lambda: (best,))

            (better,) = f.when(following >= 0, inside, lambda: (best,))
            return place + 1, following, better

        _, _, best = f.loop_while(
            lambda place, node, best: (place < f.end) & (node >= 0),
            step, f.begin, f.root, f.i64(NOTHING),
        )  # fmt: skip
        f.give(best)
