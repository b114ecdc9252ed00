"""Numbers that every step of a loop raises by a known one: expressions of one counter instead of states."""

from typing import Any

from penstock._src.compiler.lower.trip_count import growth, trip_count
from penstock._src.compiler.passes.loops.loop import CarriedState, OpenLoop
from penstock._src.core import dtypes
from penstock._src.ir.extents import dims
from penstock._src.ir.meaning import intervals
from penstock._src.ir.meaning.known_values import wrapped
from penstock._src.ir.node import Node

Affine = tuple[Any, Any]  # (a, b): a * t + b in step t

_INT32 = -(2**31), 2**31 - 1
# Position of the first argument with the start indices.
STARTS = {"dynamic_slice": 1, "dynamic_update_slice": 2}


def count_steps(loop: OpenLoop) -> bool:
    """Finds the trip count of the loop and gives it one counter; False if that is not known before it runs."""
    p = loop.p
    pairs = [(s.init, s.parameter, s.result) for s in loop.states]
    trips, exact = trip_count(p, loop.condition, pairs)
    if not exact or trips is None:
        return False
    loop.trips = trips
    # An int32 counter is kept where it suffices: index arithmetic is done in the type of the counter.
    kind = dtypes.int32 if trips <= _INT32[1] else dtypes.int64
    counters = [(s, c) for s in loop.states if (c := _counted(p, s)) is not None]
    # A counter that the loop has already is taken, so that none is added.
    first = next((s for s, c in counters if c == (1, 0) and s.parameter.dtype == kind), None)
    if first is None:
        first = loop.add_state(p.scalar(0, kind), lambda t: p.add(t, 1))
    loop.counter = first.parameter
    known = {}
    # The last values of counters are computed, so that the loop need not carry them for their readers after it.
    for state, (a, b) in counters:
        end = p.scalar(wrapped(trips * a + b, state.init.dtype), state.init.dtype)
        state.final = p.reshape(end, state.init.shape)
        if state is not first:
            known[state.parameter.id] = p.reshape(
                p.cast(normal_form(loop, a, b), state.init.dtype), state.init.shape
            )
    loop.replace(known)
    loop.condition = p.lt(loop.counter, p.scalar(trips, kind))
    _normalize_places(loop)
    return True


def _counted(p: Any, state: CarriedState) -> Affine | None:
    """(step, first) of a state that is a counter."""
    if not state.init.dtype.is_integer or not dims.is_one(state.init.size):
        return None
    first, step = p.known.symbolic(state.init), growth(p, state.parameter, state.result)
    return None if first is None or step is None else (step, first.reshape(-1)[0])


def normal_form(loop: OpenLoop, a: Any, b: Any) -> Node:
    """a * t + b in step t, always in one form: an int32, or an int64 where a term leaves that."""
    p, t = loop.p, loop.counter
    # The product comes before the sum, so that it must fit too.
    terms = (a, b, *_ends(loop, (a, b)), a * loop.trips)
    dtype = dtypes.int32 if all(_INT32[0] <= x <= _INT32[1] for x in terms) else dtypes.int64
    if a == 0:
        return p.scalar(wrapped(b, dtype), dtype)
    t = p.cast(t, dtype)
    first = p.scalar(wrapped(b, dtype), dtype)
    if a == -1:
        return p.sub(first, t)
    scaled = t if a == 1 else p.mul(t, p.scalar(wrapped(a, dtype), dtype))
    return p.add(scaled, first)


def _ends(loop: OpenLoop, place: Affine) -> tuple[Any, Any]:
    """The numbers of the first and the last step."""
    a, b = place
    return b, (loop.trips - 1) * a + b


def _normalize_places(loop: OpenLoop) -> None:
    """Normalizes block positions that are affine in the counter, so that equal ones become one node."""
    known = {}
    for node in loop.nodes():
        for start in node.args[STARTS[node.kind] :] if node.kind in STARTS else ():
            form = affine(loop, start)
            if form is not None and not loop.is_invariant(start):
                place = normal_form(loop, *form)
                known[start.id] = loop.p.cast(place, start.dtype)  # others may read it too
    loop.replace({i: n for i, n in known.items() if n.id != i})


def affine(loop: OpenLoop, node: Node) -> Affine | None:
    """(a, b) of a number that is a * t + b in step t, t from 0, and never leaves its type."""
    form = _affine(loop, node)
    if form is None:
        return None
    least, most = intervals.limits(node.dtype)
    # A line has its extremes at its ends, so that two steps suffice.
    return form if all(least <= x <= most for x in _ends(loop, form)) else None


def _affine(loop: OpenLoop, node: Node) -> Affine | None:
    if node is loop.counter:
        return 1, 0
    if node.dtype is None or not node.dtype.is_integer or not dims.is_one(node.size):
        return None
    if loop.is_invariant(node):
        known = loop.p.known.symbolic(node)
        return None if known is None else (0, known.reshape(-1)[0])
    if node.kind in ("reshape", "cast", "broadcast"):
        return affine(loop, node.args[0])
    if node.kind == "binary" and node.op in ("add", "sub", "mul"):
        left, right = (affine(loop, a) for a in node.args)
        if left is None or right is None:
            return None
        if node.op == "mul":
            return _product(left, right)
        sign = 1 if node.op == "add" else -1
        return left[0] + right[0] * sign, left[1] + right[1] * sign
    if node.kind == "dynamic_slice" and node.args[0].kind == "iota" and node.rank == 1:
        form = affine(loop, node.args[1])  # gathering from 0, 1, 2, ... returns the index itself
        return form if form is not None and is_within(loop, form, node.args[0].shape[0]) else None
    return None


def _product(left: Affine, right: Affine) -> Affine | None:
    if left[0] != 0:
        left, right = right, left
    if left[0] != 0:
        return None
    return right[0] * left[1], right[1] * left[1]


def is_within(loop: OpenLoop, place: Affine, extent: Any) -> bool:
    """True if 0 <= a * t + b < extent in every step."""
    return all(0 <= x < extent for x in _ends(loop, place))
