"""Builds tries in one array, as `ops/text/models/double_array.py` describes them, and with the same units as its Python code."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from ... import python_calls as py
from ...builtins import compiled
from ...language.function import Fn
from ...language.module import Module
from ...language.types import I1, I8, I32, I64, PTR
from ...language.value import Val
from . import utf8

BLOCK = 256
# Number of free slots tried for the children of a node before new ones are added.
TRIES = 64
# A node with this many children hardly fits between others.
MANY = 16
_LEAF = 1 << 31
_NONE = -1
# The links to the first and the last free unit.
_FIRST, _LAST, _PLACES = range(3)


class _Functions(NamedTuple):
    """Builtins.

    build (keys, starts [number + 1], number, values, queue int64 [nodes, 4], capacity, units, is free, is base, tries, next, previous, ends int64 [3]) -> the number of
        used slots, or -1 if they exceed the capacity
    """

    build: Callable[..., int]


class Built(NamedTuple):
    """A trie whose unused slots have no units.

    Attributes:
      units: uint32, of all slots.
      is_free: tests if a unit is unused.
      is_base: True for slots from which children are indexed.
    """

    units: np.ndarray
    is_free: np.ndarray
    is_base: np.ndarray


@compiled(_Functions)
def _functions(m: Module) -> None:
    _emit_grow(m)
    _emit_take(m)
    _emit_base(m)
    _emit_build(m)
    py.emit_entry(m, "build", "aanaanaaaaaaa", holds_gil=True)


def build(values: Mapping[bytes, int]) -> Built:
    """Assigns slots to the nodes of a trie.

    Args:
      values: of texts, which have no zero byte; below 2 ** 31.
    """
    keys = sorted(values)
    data = np.frombuffer(b"".join(keys) + b"\0", np.uint8)
    starts = np.zeros(len(keys) + 1, np.int64)
    np.cumsum([len(key) for key in keys], out=starts[1:])
    leaves = np.array([values[key] for key in keys], np.int64)
    queue = np.empty((len(data) + 1, 4), np.int64)
    # Nearly always enough; otherwise all is built again with twice as many slots.
    capacity = 4 * (len(data) + len(keys)) + 4 * BLOCK
    while True:
        units = np.zeros(capacity, np.uint32)
        is_free, is_base, tries = (np.empty(capacity, np.uint8) for _ in range(3))
        following, before = np.empty(capacity, np.int32), np.empty(capacity, np.int32)
        ends = np.array([_NONE, _NONE, 0], np.int64)
        count = _functions().build(
            data, starts, len(keys), leaves, queue, capacity, units, is_free, is_base, tries, following,
            before, ends,
        )  # fmt: skip
        if count >= 0:
            break
        capacity *= 2
    return Built(units[:count].copy(), is_free[:count] != 0, is_base[:count] != 0)


_LISTS: dict[str, Any] = dict(
    capacity=I64, free=PTR, bases=PTR, tries=PTR, following=PTR, before=PTR, ends=PTR
)


def _lists(f: Fn) -> list[Val]:
    return [f.capacity, f.free, f.bases, f.tries, f.following, f.before, f.ends]


def _flag(f: Fn, array: Val, at: Val) -> Val:
    return f.load(array, at, I8).ne(0)


def _link(f: Fn, array: Val, at: Val) -> Val:
    return f.convert(f.load(array, at, I32), I64)


def _join(f: Fn, left: Val, right: Val) -> None:
    """Makes two open slots neighbors in the list; either may be missing."""
    narrow = f.convert(right, I32)
    f.when(
        left < 0,
        lambda: f.store(right, f.ends, _FIRST),
        lambda: f.store(narrow, f.following, left),
    )
    before = f.convert(left, I32)
    f.when(
        right < 0,
        lambda: f.store(left, f.ends, _LAST),
        lambda: f.store(before, f.before, right),
    )


def _emit_grow(m: Module) -> None:
    """`grow` -> the first slot of a new block, or -1."""
    with m.fn("grow", ret=I64, internal=True, **_LISTS) as f:
        first = f.load(f.ends, _PLACES, I64)

        def grown() -> tuple[Val]:
            def place(i: Val) -> None:
                at = first + i
                f.store(f.const(1, I8), f.free, at)
                f.store(f.const(0, I8), f.bases, at)
                f.store(f.const(TRIES, I8), f.tries, at)
                _join(f, f.load(f.ends, _LAST, I64), at)
                _join(f, at, f.i64(_NONE))

            f.loop(f.i64(0), f.i64(BLOCK), 1, place)
            f.store(first + BLOCK, f.ends, _PLACES)
            return (first,)

        (first_slot,) = f.when(first + BLOCK <= f.capacity, grown, lambda: (f.i64(_NONE),))
        f.give(first_slot)


def _close(f: Fn, at: Val) -> None:
    """Removes a slot from the open ones, if it is among them."""

    def out() -> None:
        f.store(f.const(0, I8), f.tries, at)
        _join(f, _link(f, f.before, at), _link(f, f.following, at))

    f.when(_flag(f, f.tries, at), out)


def _emit_take(m: Module) -> None:
    with m.fn("take", ret=I64, internal=True, place=I64, **_LISTS) as f:
        f.store(f.const(0, I8), f.free, f.place)
        _close(f, f.place)
        f.give(f.i64(0))


def _emit_base(m: Module) -> None:
    """`base` (node, labels, number of labels, ...) -> a base for which all labels are free, or -1."""
    with m.fn("base", ret=I64, internal=True, node=I64, labels=PTR, count=I64, **_LISTS) as f:
        first = utf8.byte(f, f.labels, f.i64(0))

        def candidate(at: Val, left: Val, _: Val) -> tuple[Val, ...]:
            base = at ^ first
            after = _link(f, f.following, at)

            def failed() -> tuple[Val]:
                # A slot that never fits leaves the list, so that building takes linear time.
                remaining = f.load(f.tries, at, I8) - 1

                def kept() -> None:
                    f.store(remaining, f.tries, at)

                f.when(remaining.eq(0), lambda: _close(f, at), kept)
                return (f.i64(_NONE),)

            (free_base,) = f.when(_fits(f, base), lambda: (base,), failed)
            return after, left - 1, free_base

        most = f.select(f.count <= MANY, f.i64(BLOCK), f.i64(0))
        _, _, free_base = f.loop_while(
            lambda at, left, free_base: (at >= 0) & (left > 0) & (free_base < 0),
            candidate, f.load(f.ends, _FIRST, I64), most, f.i64(_NONE),
        )  # fmt: skip

        def new() -> tuple[Val, ...]:
            begin = f.call("grow", *_lists(f), ret=I64)
            # Far away, the distance's lowest eight bits are not stored: they have to be zero.
            low = f.select((f.node ^ begin) >= 1 << 21, f.node & 0xFF, first)
            return (f.select(begin < 0, begin, begin | low),)

        (free_base,) = f.when(free_base < 0, new, lambda: (free_base,))
        f.give(free_base)


def _fits(f: Fn, base: Val) -> Val:
    """True if the slots of all labels are free for a base, and the node's unit can hold its distance."""
    far = f.node ^ base

    def are_free() -> tuple[Val, ...]:
        return f.loop_while(
            lambda i, good: (i < f.count) & good,
            lambda i, good: (i + 1, _flag(f, f.free, base ^ utf8.byte(f, f.labels, i))),
            f.i64(0),
            f.const(1, I1),
        )[1:]

    is_new = ~_flag(f, f.bases, base)
    # A unit has 21 bits for the distance to its base; far bases lack the lowest eight.
    can_hold = (far < 1 << 21) | (far & 0xFF).eq(0)
    (is_good,) = f.when(is_new & can_hold, are_free, lambda: (f.const(0, I1),))
    return is_good


def _emit_build(m: Module) -> None:
    arguments: Any = dict(
        keys=PTR, starts=PTR, number=I64, held=PTR, queue=PTR, capacity=I64, units=PTR, free=PTR, bases=PTR,
        tries=PTR, following=PTR, before=PTR, ends=PTR,
    )  # fmt: skip
    with m.fn("build", ret=I64, internal=True, **arguments) as f:
        nodes = _Nodes(f)
        f.call("grow", *_lists(f), ret=I64)
        f.call("take", f.i64(0), *_lists(f), ret=I64)
        tail = nodes.push(f.i64(0), f.i64(0), f.i64(0), f.number, f.i64(0))
        # Without keys the root has no children, and the queue is empty.
        tail = f.select(f.number > 0, tail, f.i64(0))
        _, _, failed = f.loop_while(
            lambda head, tail, failed: (head < tail) & failed.eq(0),
            nodes.place_next, f.i64(0), tail, f.i64(0),
        )  # fmt: skip
        f.give(f.select(failed.ne(0), f.i64(_NONE), f.load(f.ends, _PLACES, I64)))


class _Nodes:
    """Writes the parts of `build` that place nodes, in the order of a queue.

    An entry of the queue is (slot, first key, end of keys, depth): the keys below the node, which share their first `depth` bytes.
    """

    def __init__(self, f: Fn) -> None:
        self.f = f
        # Of the node at hand: its children's labels (0: the end of a key), and the first key of each and the end of all.
        self.labels, self.firsts = f.alloca(I8, 256), f.alloca(I64, 257)

    def push(self, at: Val, *node: Val) -> Val:
        """Writes an entry of the queue; returns the index after it."""
        for k, part in enumerate(node):
            self.f.store(part, self.f.queue, at * 4 + k)
        return at + 1

    def place_next(self, head: Val, tail: Val, _failed: Val) -> tuple[Val, ...]:
        """Places the children of the node at `head`; returns the queue's new ends, and 1 if there is no room for them."""
        f = self.f
        slot, low, high, depth = (f.load(f.queue, head * 4 + k, I64) for k in range(4))
        count = self._split(low, high, depth)
        base = f.call("base", slot, self.labels, count, *_lists(f), ret=I64)

        def placed() -> tuple[Val, ...]:
            self._link_to_base(slot, base)
            (following,) = f.loop(
                f.i64(0), count, 1, lambda i, tail: self._place_child(i, tail, base, depth), tail
            )
            return following, f.i64(0)

        tail, failed = f.when(base >= 0, placed, lambda: (tail, f.i64(1)))
        return head + 1, tail, failed

    def _split(self, low: Val, high: Val, depth: Val) -> Val:
        """Writes the labels of a node's children, and the first key of each; returns their number."""
        f = self.f

        def key(i: Val, count: Val, last: Val) -> tuple[Val, ...]:
            place = f.load(f.starts, i, I64) + depth
            ended = place.eq(f.load(f.starts, i + 1, I64))
            label = f.select(ended, f.i64(0), utf8.byte(f, f.keys, place))

            def new() -> tuple[Val]:
                f.store(f.convert(label, I8), self.labels, count)
                f.store(i, self.firsts, count)
                return (count + 1,)

            (count,) = f.when(label.ne(last), new, lambda: (count,))
            return count, label

        count, _ = f.loop(low, high, 1, key, f.i64(0), f.i64(_NONE))
        f.store(high, self.firsts, count)
        return count

    def _link_to_base(self, slot: Val, base: Val) -> None:
        """Completes the unit of a node: the distance to its base, and if one of its children is a value."""
        f = self.f
        f.store(f.const(1, I8), f.bases, base)
        far = slot ^ base
        coded = f.select(far < 1 << 21, far << 10, ((far >> 8) << 10) | (1 << 9))
        has_value = f.load(self.labels, 0, I8).eq(0)
        unit = f.convert(f.load(f.units, slot, I32), I64, signed=False)
        own = unit | coded | f.select(has_value, f.i64(1 << 8), f.i64(0))
        f.store(f.convert(own, I32), f.units, slot)

    def _place_child(self, i: Val, tail: Val, base: Val, depth: Val) -> tuple[Val, ...]:
        """Places a child: the value of a key that ends here, or a node for the queue; returns the queue's end."""
        f = self.f
        label, first = utf8.byte(f, self.labels, i), f.load(self.firsts, i, I64)
        at = base ^ label
        f.call("take", at, *_lists(f), ret=I64)

        def inner() -> tuple[Val]:
            f.store(f.convert(label, I32), f.units, at)
            return (self.push(tail, at, first, f.load(self.firsts, i + 1, I64), depth + 1),)

        def value() -> tuple[Val]:
            leaf = f.load(f.held, first, I64) | _LEAF
            f.store(f.convert(leaf, I32), f.units, at)
            return (tail,)

        return f.when(label.ne(0), inner, value)
