"""The largest trip count of a loop, and the growth of a list in a step, derived from the traced condition and body."""

import functools
from collections.abc import Mapping, Sequence
from typing import Any

import ml_dtypes
import numpy as np

from penstock._src.ir.build.maker import NodeMaker
from penstock._src.ir.extents import dims
from penstock._src.ir.meaning import intervals
from penstock._src.ir.node import Node

_DEEPEST = 24  # length of the longest chain of nodes by which a counter may grow
Range = tuple[int, int]


def trip_count(
    p: NodeMaker, condition: Node, carried: Sequence[tuple[Any, Node, Node]]
) -> tuple[dims.Extent | None, bool]:
    """The least bound in the condition, and True if it is the exact trip count.

    `carried` are (value before the loop, parameter, value after one step). A bound is found where one of the terms of
    the condition is `i < n` (or `i <= n`) with a known n, and i is a known number that each step raises by a number of known bounds. A term may
    also be a carried value that each step sets to such a comparison of the next i, as loops have them that compute their condition in the body.
    """
    counters: dict[int, tuple[Any, int]] = {}
    # Those whose steps may differ, with what a step compares less the counter.
    uneven: dict[int, tuple[Any, Range, Range]] = {}
    for before, parameter, after in carried:
        found = _Growth(p, parameter)
        first, steps = _known(p, before), found.range_of(after)
        if first is None or steps is None or steps[0] <= 0:
            # A counter that may stand still or fall reaches no upper limit.
            continue
        if steps[0] == steps[1] and found.compared is None:
            counters[parameter.id] = first, steps[0]
        else:
            uneven[parameter.id] = first, steps, found.compared or (0, 0)
    flags = {node.id: (before, after) for before, node, after in carried if node.dtype.is_bool}
    best, exact = None, True
    for term in terms(condition):
        if term.id in flags:
            bound, is_whole = _bound_of_flag(p, *flags[term.id], counters, carried)
        else:
            bound = _bound(p, term, counters)
            is_whole = bound is not None or is_true(term)
            bound = _uneven_bound(p, term, uneven) if bound is None else bound
        # A term that is not understood may end the loop sooner: the bound holds, but is not exact.
        exact = exact and is_whole
        if bound is not None:
            best = bound if best is None else dims.minimum(best, bound)
    return best, exact and best is not None


def _bound_of_flag(
    p: NodeMaker,
    before: Any,
    after: Node,
    counters: dict[int, tuple[Any, int]],
    carried: Sequence[tuple[Any, Node, Node]],
) -> tuple[dims.Extent | None, bool]:
    """The bound that a carried condition has, and True if it is the exact trip count.

    A step sets the condition to `i + ahead < n`. The first value is another condition: where it is not known to be this one's of a step
    before, the loop may take one step, or none.
    """
    best, exact = None, isinstance(before, Node)
    for term in terms(after):
        comparison = _ahead(p, term, counters, carried)
        if comparison is None:
            exact = exact and is_true(term)
            continue
        first, step, op, limit = comparison
        room = limit - first + (1 if op == "le" else 0)
        more = dims.maximum(dims.ceil_divide(room, step), 0)
        is_same = exact and _is_comparison(p, before, op, first - step, limit)
        if is_same:
            bound = dims.maximum(dims.ceil_divide(room + step, step), 0)
        else:
            bound = more + 1
            exact = exact and is_true(before)
        best = bound if best is None else dims.minimum(best, bound)
    return best, exact and best is not None


def _ahead(
    p: NodeMaker,
    term: Node,
    counters: dict[int, tuple[Any, int]],
    carried: Sequence[tuple[Any, Node, Node]],
) -> tuple[Any, int, str, Any] | None:
    """(what is compared in the first step, its growth, operator, limit) of a comparison of a counter, or of one plus a known number."""
    if term.kind != "compare" or term.op not in ("lt", "le"):
        return None
    left, right = term.args
    limit = _whole(p, right)
    if limit is None:
        return None
    number = _uncast(left)
    for _, parameter, _ in carried:
        ahead = p.known.difference(parameter, number) if parameter.id in counters else None
        if ahead is None:
            continue
        first, step = counters[parameter.id]
        most = min(_exact_to(left.dtype), _exact_to(number.dtype))
        if limit + step > most or not -most <= first + ahead:
            return None  # it would be rounded, or wrap around
        return first + ahead, step, term.op, limit
    return None


def _is_comparison(p: NodeMaker, node: Node, op: str, left: Any, right: Any) -> bool:
    """True if a node compares these numbers."""
    if node.kind != "compare" or node.op != op:
        return False
    sides = [_whole(p, side) for side in node.args]
    return None not in sides and dims.shape_key(tuple(sides)) == dims.shape_key((left, right))


def _whole(p: NodeMaker, node: Node) -> Any:
    """The known integer in a node of any type of numbers; None if it is not known, or has been rounded."""
    source = _uncast(node)
    known = p.known.numbers(source) if dims.is_one(source.size) else None
    if known is None:
        return None
    number, most = np.asarray(known).reshape(-1)[0], _exact_to(node.dtype)
    if not dims.is_symbolic(number):
        if not float(number).is_integer():
            return None
        number = int(number)
    return number if -most <= number <= most else None


def _uncast(node: Node) -> Node:
    """The node before it was widened or converted to a float."""
    while node.kind == "cast" and node.args[0].dtype.is_integer and not _narrows(node):
        node = node.args[0]
    return node


def _narrows(cast: Node) -> bool:
    """True if an integer type lacks numbers of the type before: large ones, or, without a sign, negative ones."""
    if not cast.dtype.is_integer:
        return False
    least, most = intervals.limits(cast.args[0].dtype)
    low, high = intervals.limits(cast.dtype)
    return bool(high < most or low > least)


def _exact_to(dtype: Any) -> int:
    """The integer to which all are numbers of a type."""
    if dtype.is_floating:
        return int(2 ** (ml_dtypes.finfo(dtype.np).nmant + 1))
    return int(intervals.limits(dtype)[1])


def value_range(
    p: NodeMaker, before: Node | None, inside: Node | None, after: Node | None, trips: Any
) -> tuple[int, int] | None:
    """The least and largest values of a counter in `trips` steps (None: any number) if each adds a number of known bounds, else None."""
    if before is None or inside is None or after is None:
        return None
    found = _Growth(p, inside)
    first, steps = _known(p, before), found.range_of(after)
    if first is None or steps is None or not before.dtype.is_integer:
        return None
    if trips is None and any(steps):
        return None
    # A step sees the counter before it adds to it, so that `trips` - 1 additions come before the last step.
    reached = [first + step * (trips - 1) if step else first for step in sorted(set(steps))]
    ends = (
        functools.reduce(dims.minimum, reached, first),
        functools.reduce(dims.maximum, reached, first),
    )
    low, high = found.compared or (0, 0)
    least, most = intervals.limits(before.dtype)
    wraps = ends[0] + min(low, 0) < least or ends[1] + max(high, 0) > most
    return None if wraps else ends


def is_true(node: Node) -> bool:
    """True if a condition is known to hold."""
    return node.kind == "constant" and bool(node.attrs["value"])


def growth(p: NodeMaker, before: Node, after: Node) -> int | None:
    """The known number by which `after` is larger than `before`, or None."""
    difference = p.known.difference(before, after)
    return None if difference is None else int(difference)


def growth_range(p: NodeMaker, before: Node, after: Node) -> Range | None:
    """The least and the most by which `after` is larger than `before`, or None: branches may add different numbers."""
    return _Growth(p, before).range_of(after)


class _Growth:
    """Differences between nodes of a loop's body and a number before it.

    compared    the ends of ranges from which a maximum or minimum was taken: exact only if these numbers do not wrap around
    """

    def __init__(self, p: NodeMaker, before: Node) -> None:
        self.p, self.before = p, before
        self.compared: Range | None = None

    def range_of(self, after: Node) -> Range | None:
        """The least and the most by which `after` is larger than the number, or None."""
        return self.of(after, {self.before.id: (0, 0)}, _DEEPEST)

    def of(self, node: Node, known: dict[int, Range], depth: int) -> Range | None:
        """The ends of a node minus the number; `known` has those of others by their ids."""
        if node.id in known:
            return known[node.id]
        if not depth or node.dtype is None or not node.dtype.is_integer:
            return None
        if node.kind in ("reshape", "broadcast") and dims.is_one(node.size):
            return self.of(node.args[0], known, depth - 1)
        if node.kind == "constant":
            return self._of_number(node)
        if node.kind == "select":
            # Either side may be taken.
            return _hull([self.of(arg, known, depth - 1) for arg in node.args[1:]])
        if node.kind == "item" and node.args[0].kind == "case":
            return self._of_branches(node, known, depth - 1)
        return self._of_binary(node, known, depth - 1) if node.kind == "binary" else None

    def _of_number(self, node: Node) -> Range | None:
        """The ends of a constant: the number before has ends itself."""
        number, ends = _known(self.p, node), self.p.bounds(self.before)
        if number is None or ends is None or any(map(dims.is_symbolic, ends)):
            return None
        if ends == intervals.limits(self.before.dtype):
            return None  # nothing is known of it
        return int(number) - ends[1], int(number) - ends[0]

    def _of_binary(self, node: Node, known: dict[int, Range], depth: int) -> Range | None:
        left, right = node.args
        if node.op in ("maximum", "minimum"):
            # max(a, b) - n = max(a - n, b - n): the difference of a maximum is the maximum of the differences.
            first, second = self.of(left, known, depth), self.of(right, known, depth)
            choose = max if node.op == "maximum" else min
            if first is None or second is None:
                return None
            self.compared = _hull([first, second, self.compared or first])
            return choose(first[0], second[0]), choose(first[1], second[1])
        if node.op not in ("add", "sub"):
            return None
        if node.op == "add" and _known(self.p, left) is not None:
            left, right = right, left
        step, ends = _known(self.p, right), self.of(left, known, depth)
        if step is None or ends is None:
            return None
        step = int(step) if node.op == "add" else -int(step)
        return ends[0] + step, ends[1] + step

    def _of_branches(self, item: Node, known: dict[int, Range], depth: int) -> Range | None:
        """The ends of a result of a `case`, whichever branch is taken."""
        case = item.args[0]
        operand_ranges = [
            self.of(x, known, depth) if dims.is_one(x.size) else None for x in case.args[1:]
        ]
        result_ranges = []
        for branch in case.attrs["branches"]:
            pairs = zip(branch.parameters, operand_ranges, strict=True)
            inside = {parameter.id: ends for parameter, ends in pairs if ends is not None}
            result_ranges.append(self.of(branch.results[item.attrs["index"]], inside, depth))
        return _hull(result_ranges)


def _hull(parts: Sequence[Range | None]) -> Range | None:
    """The least and the largest of all ends; None if some are not known."""
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return None
    return min(low for low, _ in known), max(high for _, high in known)


def terms(condition: Node) -> list[Node]:
    """The terms of a conjunction."""
    if condition.kind == "binary" and condition.op == "and":
        return [t for arg in condition.args for t in terms(arg)]
    return [condition]


def _bound(p: NodeMaker, term: Node, counters: dict[int, tuple[Any, int]]) -> dims.Extent | None:
    """The number of steps in which a counter reaches the limit that a comparison has for it."""
    compared = _compared(p, term, counters)
    if compared is None:
        return None
    counter, room = compared
    first, step = counters[counter.id]
    trips = dims.maximum(dims.ceil_divide(room, step), 0)
    # The addition that ends the loop happens too, beyond the limit.
    if first + trips * step > intervals.limits(counter.dtype)[1]:
        return None  # it wraps around before it gets there
    return trips


def _uneven_bound(
    p: NodeMaker, term: Node, counters: dict[int, tuple[Any, Range, Range]]
) -> dims.Extent | None:
    """The largest number of steps in which a counter, to which steps add different numbers, reaches the limit that a comparison has for it."""
    compared = _compared(p, term, counters)
    if compared is None:
        return None
    counter, room = compared
    first, (least, most), (low, high) = counters[counter.id]
    smallest, largest = intervals.limits(counter.dtype)
    if first + low < smallest or first + room + max(most, high) > largest:
        return None  # it may wrap around
    return dims.maximum(dims.ceil_divide(room, least), 0)


def _compared(p: NodeMaker, term: Node, counters: Mapping[int, Any]) -> tuple[Node, Any] | None:
    """(a counter, what it lacks at first of failing the comparison `term`); None if it is not one of a counter with a known limit."""
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
    return left, limit - counters[left.id][0] + (1 if op == "le" else 0)


def _known(p: NodeMaker, node: Any) -> Any:
    if not isinstance(node, Node) or not dims.is_one(node.size):
        return None
    return p.known.number(node)
