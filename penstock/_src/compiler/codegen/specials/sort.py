"""Sorting of lines of an array seen as (outer, n, inner): a stable merge sort, once for each key.

All extents are run-time numbers, so there is one kernel for each type and order.
"""

import functools
from collections.abc import Sequence
from typing import Any

from penstock._src.compiler.codegen.nests import memory
from penstock._src.compiler.codegen.specials.special import Scratch, SpecialLaunch, line_extents
from penstock._src.ir.node import Node
from penstock._src.native import Code, Module, Target
from penstock._src.native.language.types import I64, PTR
from penstock._src.native.language.value import Val
from penstock._src.native.process.interrupts import unless_dropped

PIECE = 1 << 18  # elements that are merged between looks for an interrupt
WORDS = 4  # of a thread's scratch, for each element of a line: two arrays of keys and two of places


def launch(node: Node, outputs: Sequence[Node], _target: Target, threads: int) -> SpecialLaunch:
    """The launch of a sort: a task for each line. Arrays that nobody asked for are sorted into scratch."""
    outer, n, inner = line_extents(node.args[0].shape, node.attrs["axis"])
    types = tuple([a.dtype for a in node.args])
    form = types, node.attrs["num_keys"], bool(node.attrs["descending"])
    items = {item.attrs["index"]: item for item in outputs}
    sorted_to = [items.get(i, Scratch(int(a.size) * a.dtype.size)) for i, a in enumerate(node.args)]
    room = WORDS * 8 * n
    return SpecialLaunch(
        ("sort", *form), lambda target: emit_sort(*form, target), outer * inner if n else 0,
        (n, inner, outer * inner, Scratch(room * threads), room, *node.args, *sorted_to),
        f"sort[{outer}, {n}, {inner}]",
    )  # fmt: skip


def sortable(f: Any, x: Val, dtype: Any, descending: bool) -> Val:
    """A value as an i64 that orders as the values do when compared unsigned; NaN comes last either way."""
    if dtype.is_floating:
        wide = f.convert(x, "double")
        wide = f.select(wide.eq(0.0), f.const(0.0, "double"), wide)  # -0 and 0 are equal
        bits = f.bits(wide, I64)
        key = f.select(bits < 0, ~bits, bits | -(1 << 63))
        key = ~key if descending else key
        return f.select(f.compare("uno", x, x), -1, key)
    key = f.convert(x, I64, signed=not dtype.is_unsigned and not dtype.is_bool)
    if not dtype.is_unsigned and not dtype.is_bool:
        key = key ^ -(1 << 63)
    return ~key if descending else key


def emit_sort(dtypes: tuple, keys: int, descending: bool, target: Any) -> Code:
    """Sorts lines by a stable merge sort, once for each key, the last key first.

    Context: n, inner, lines, scratch, bytes of scratch a thread, then inputs, then outputs.  A thread's scratch holds two
    arrays of keys and two of places, n words each.
    """
    m = Module(target)
    rooms = dict(keys=PTR, places=PTR, other_keys=PTR, other_places=PTR)
    with m.fn("merge_sort", internal=True, noalias=False, **rooms, n=I64, tid=I64) as f:
        _merge_sort(f)
    with m.task("task") as f:
        n, inner, lines = (f.load(f.ctx, i, I64) for i in range(3))
        scratch = f.at(f.load(f.ctx, 3, PTR), f.tid * f.load(f.ctx, 4, I64), "i8")
        count = len(dtypes)
        inputs = [f.load(f.ctx, 5 + i, PTR) for i in range(count)]
        outputs = [f.load(f.ctx, 5 + count + i, PTR) for i in range(count)]
        rooms = [f.at(scratch, n * k, I64) for k in range(4)]
        base = f.task // inner * (n * inner) + f.task % inner
        f.loop(0, n, 1, lambda i: f.store(i, rooms[1], i))
        for k in range(keys - 1, -1, -1):

            def prepare(i, k=k):
                at = base + f.load(rooms[1], i, I64) * inner
                x = memory.load(f, memory.Elements(inputs[k], at), dtypes[k])
                f.store(sortable(f, x, dtypes[k], descending), rooms[0], i)

            # After an interrupt places are not those of elements.
            unless_dropped(f, functools.partial(f.loop, 0, n, 1, prepare))
            f.call("merge_sort", *rooms, n, f.tid)

        def write(i):
            at = base + f.load(rooms[1], i, I64) * inner
            for x, y, dtype in zip(inputs, outputs, dtypes):
                value = memory.load(f, memory.Elements(x, at), dtype)
                memory.store(f, memory.Elements(y, base + i * inner), dtype, value)

        unless_dropped(f, lambda: f.loop(0, n, 1, write))
        del lines
    return Code.of(m)


def _merge_sort(f: Any) -> None:
    """Bottom-up: runs of 1, 2, 4 ... are merged into the other arrays; the result is copied back if it ends there.

    Between pieces of many elements it looks for an interrupt, after which it merges no more.
    """
    rooms = (f.keys, f.places, f.other_keys, f.other_places)

    def merge(low, high, left_end, right_end, source, target, i, j):
        def one(k, i, j):
            left, right = i < left_end, j < right_end
            a = f.load(source[0], f.select(left, i, 0), I64)
            b = f.load(source[0], f.select(right, j, 0), I64)
            first = left & (~right | f.compare("ule", a, b))
            f.store(f.select(first, a, b), target[0], k)
            place = f.load(source[1], f.select(first, i, j), I64)
            f.store(place, target[1], k)
            step = f.convert(first, I64, signed=False)
            return i + step, j + (1 - step)

        return f.loop(low, high, 1, one, i, j)

    def pass_over(run, flipped):
        def go(source, target):
            is_large = run * 2 > PIECE

            def dropped():
                return (f.call("penstock_task_is_dropped", f.tid, ret=I64),)

            def pair(low):
                middle, high = f.min(low + run, f.n), f.min(low + run * 2, f.n)

                def piece(k, i, j):
                    (ends,) = f.when(is_large, dropped, lambda: (f.i64(0),))
                    end = f.select(ends.eq(0), f.min(k + PIECE, high), k)
                    return merge(k, end, middle, high, source, target, i, j)

                f.loop(low, high, PIECE, piece, low, middle)

            def block(at):
                unless_dropped(f, lambda: f.loop(at, f.min(at + size, f.n), run * 2, pair))

            size = f.max(run * 2, PIECE)
            f.loop(f.i64(0), f.n, size, block)

        f.when(flipped.ne(0), lambda: go(rooms[2:], rooms[:2]), lambda: go(rooms[:2], rooms[2:]))
        return run * 2, flipped ^ 1

    _, flipped = f.loop_while(lambda run, _: run < f.n, pass_over, f.i64(1), f.i64(0))

    def back():
        f.memcpy(f.keys, f.other_keys, f.n * 8)
        f.memcpy(f.places, f.other_places, f.n * 8)

    f.when(flipped.ne(0), back)
