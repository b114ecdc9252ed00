"""The largest trip count of a loop, and the growth of a list in a step, derived from the traced condition and body."""

from collections.abc import Sequence
from typing import Any

from penstock._src.ir.build.maker import NodeMaker
from penstock._src.ir.extents import dims
from penstock._src.ir.meaning import ranges
from penstock._src.ir.node import Node


def trip_count(
    p: NodeMaker, condition: Node, carried: Sequence[tuple[Any, Node, Node]]
) -> tuple[dims.Extent | None, bool]:
    """The least bound in the condition, and True if it is the exact trip count.

    `carried` are (value before the loop, parameter, value after one step). A bound is found where one of the terms of
    the condition is `i < n` (or `i <= n`) with a known n, and i is a known number that each step raises by a known one.
    """
    counters = {}
    for before, parameter, after in carried:
        first = _known(p, before)
        step = growth(p, parameter, after)
        if first is not None and step is not None and step > 0:
            counters[parameter.id] = first, step
    best, exact = None, True
    for term in terms(condition):
        bound = _bound(p, term, counters)
        if bound is None:
            exact = exact and is_true(term)
        else:
            best = bound if best is None else dims.minimum(best, bound)
    return best, exact and best is not None


def value_range(
    p: NodeMaker, before: Node | None, inside: Node | None, after: Node | None, trips: Any
) -> tuple[int, int] | None:
    """The least and largest values of a counter in `trips` steps (None: any number) if each adds a known number, else None."""
    if before is None or inside is None or after is None:
        return None
    first, step = _known(p, before), growth(p, inside, after)
    if first is None or step is None or not before.dtype.is_integer:
        return None
    if trips is None and step:
        return None
    last = first + step * (trips - 1) if step else first
    ends = dims.minimum(first, last), dims.maximum(first, last)
    least, most = ranges.limits(before.dtype)
    return None if ends[0] < least or ends[1] > most else ends  # it wraps around


def is_true(node: Node) -> bool:
    """True if a condition is known to hold."""
    return node.kind == "constant" and bool(node.attrs["value"])


def growth(p: NodeMaker, before: Node, after: Node) -> int | None:
    """The known number by which `after` is larger than `before`, or None."""
    difference = p.known.difference(before, after)
    return None if difference is None else int(difference)


def terms(condition: Node) -> list[Node]:
    """The terms of a conjunction."""
    if condition.kind == "binary" and condition.op == "and":
        return [t for arg in condition.args for t in terms(arg)]
    return [condition]


def _bound(p: NodeMaker, term: Node, counters: dict[int, tuple[Any, int]]) -> dims.Extent | None:
    if term.kind != "compare":
        return None
    left, right = term.args
    op = term.op
    if left.id not in counters:
        left, right = right, left
        op = {"lt": "gt", "gt": "lt", "le": "ge", "ge": "le"}.get(op, op)
    if left.id not in counters or op not in ("lt", "le"):
        return None
    limit = _known(p, right)
    if limit is None:
        if dims.is_one(right.size):
            # Records its value as requested: if the loop does not lower without it, it waits for the value.
            p.dims(right)
        return None
    first, step = counters[left.id]
    room = limit - first + (1 if op == "le" else 0)
    trips = dims.maximum(dims.ceil_divide(room, step), 0)
    if first + trips * step > ranges.limits(left.dtype)[1]:
        return None  # it wraps around before it gets there
    return trips


def _known(p: NodeMaker, node: Any) -> Any:
    if not isinstance(node, Node) or not dims.is_one(node.size):
        return None
    return p.known.number(node)
