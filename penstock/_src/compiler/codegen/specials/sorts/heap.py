"""The largest elements of lines in the order in which a heap holds them (ir/meaning/heaps.py): a line is read once."""

from collections.abc import Sequence
from typing import Any

from penstock._src.compiler.codegen.nests import memory
from penstock._src.compiler.codegen.specials.sorts.sorting import PIECE, first_of, write_lines
from penstock._src.native import Code, Module
from penstock._src.native.language.types import I64, PTR
from penstock._src.native.language.value import Val
from penstock._src.native.process.interrupts import unless_dropped


def emit_heap_of_lines(types: Sequence[tuple[Any, bool]], target: Any) -> Code:
    """Keeps the largest elements of each line by the first array.

    Context: n, inner, number of results for a line (fewer than n, more than one), scratch, bytes of scratch a thread, then inputs, then
    outputs. A thread's scratch holds the indices of that number of elements, and of one more.
    """
    m = Module(target)
    parts = dict(places=PTR, source=PTR, base=I64, inner=I64)
    for name, write in (("raise_place", _write_raise), ("sift_place", _write_sift)):
        with m.fn(name, internal=True, noalias=False, **parts, hole=I64, limit=I64, place=I64) as f:
            write(f, types[0][0])
    with m.task("task") as f:
        n, inner, wanted = (f.load(f.ctx, i, I64) for i in range(3))
        places = f.at(f.load(f.ctx, 3, PTR), f.tid * f.load(f.ctx, 4, I64), "i8")
        count = len(types)
        inputs = [f.load(f.ctx, 5 + i, PTR) for i in range(count)]
        outputs = [f.load(f.ctx, 5 + count + i, PTR) for i in range(count)]
        line = places, inputs[0], first_of(f.task, n, inner), inner
        # The heap's top is the entry that comes last; of the first wanted + 1 it is dropped.
        f.loop(0, wanted + 1, 1, lambda i: f.store(i, places, i))

        def heapify(i: Val) -> None:
            at = (wanted - 1) // 2 - i
            f.call("sift_place", *line, at, wanted + 1, f.load(places, at, I64))

        f.loop(0, (wanted - 1) // 2 + 1, 1, heapify)
        f.call("sift_place", *line, f.i64(0), wanted, f.load(places, wanted, I64))

        def take(i: Val) -> None:
            last = wanted - 1
            f.call("sift_place", *line, f.i64(0), last, f.load(places, last, I64))
            f.call("raise_place", *line, last, f.i64(0), i)

        def look(i: Val) -> None:
            f.when(_comes_before(f, types[0][0], line, i, f.load(places, 0, I64)), lambda: take(i))

        def piece(first: Val) -> None:
            unless_dropped(f, lambda: f.loop(first, f.min(first + PIECE, n), 1, look))

        f.loop(wanted + 1, n, PIECE, piece)
        write_lines(f, types, inputs, outputs, places, (n, inner, wanted))
    return Code.of(m)


def _comes_before(f: Any, dtype: Any, line: tuple[Val, ...], a: Val, b: Val) -> Val:
    """Emit the condition that the element at index a is larger than that at b, or else not smaller and at a lower index."""
    _, source, base, inner = line
    x, y = (memory.load(f, memory.Elements(source, base + i * inner), dtype) for i in (a, b))
    u = "u" if dtype.is_unsigned else ""
    return f.compare(u + "gt", x, y) | (~f.compare(u + "lt", x, y) & (a < b))


def _write_raise(f: Any, dtype: Any) -> None:
    """Puts an index into a hole, or above it as far as it comes after the entries there, but not above `limit`."""
    line = f.places, f.source, f.base, f.inner

    def above(hole: Val) -> Val:
        # The condition below reads the parent even at the top: its index has to stay in the heap.
        return f.max(hole - 1, 0) // 2

    def goes_on(hole: Val) -> Val:
        parent = f.load(f.places, above(hole), I64)
        return (f.limit < hole) & _comes_before(f, dtype, line, parent, f.place)

    def step(hole: Val) -> tuple[Val, ...]:
        parent = above(hole)
        f.store(f.load(f.places, parent, I64), f.places, hole)
        return (parent,)

    (hole,) = f.loop_while(goes_on, step, f.hole)
    f.store(f.place, f.places, hole)


def _write_sift(f: Any, dtype: Any) -> None:
    """Moves the hole down to a leaf of `limit` entries, always to the child that comes last, and inserts the index from there upwards."""
    line = f.places, f.source, f.base, f.inner

    def move(child: Val, hole: Val) -> tuple[Val, ...]:
        f.store(f.load(f.places, child, I64), f.places, hole)
        return (child,)

    def step(hole: Val) -> tuple[Val, ...]:
        right = hole * 2 + 2
        a, b = (f.load(f.places, i, I64) for i in (right, right - 1))
        is_left = f.convert(_comes_before(f, dtype, line, a, b), I64, signed=False)
        return move(right - is_left, hole)

    # Floyd's way, as std::pop_heap's: down with one comparison a level, then up a short way again.
    (hole,) = f.loop_while(lambda hole: hole * 2 + 2 < f.limit, step, f.hole)
    # With an even number of entries the last parent has one child, which no sibling is compared to.
    only_left = (hole * 2 + 2).eq(f.limit)
    (hole,) = f.when(only_left, lambda: move(f.limit - 1, hole), lambda: (hole,))
    f.call("raise_place", *line, hole, f.hole, f.place)
