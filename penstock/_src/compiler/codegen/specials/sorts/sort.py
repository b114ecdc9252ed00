"""Sorting of lines of an array seen as (outer, n, inner): a stable sort, once for each key.

All extents are run-time numbers, so there is one kernel for each type and order. Where a small part of each line is wanted, the rest of it is only looked
at (`first_of_lines.py`). Nodes that ask for a heap's order have a kernel of their own (`heap.py`).
"""

import functools
from collections.abc import Sequence
from typing import Any

from penstock._src.compiler.codegen.nests import memory
from penstock._src.compiler.codegen.specials.sorts import short_keys
from penstock._src.compiler.codegen.specials.sorts.first_of_lines import (
    STATE,
    capacity,
    emit_first_of_lines,
)
from penstock._src.compiler.codegen.specials.sorts.heap import emit_heap_of_lines
from penstock._src.compiler.codegen.specials.sorts.sorting import (
    WORDS,
    arguments,
    first_of,
    forms,
    sortable,
    write_lines,
    write_stable_sort,
)
from penstock._src.compiler.codegen.specials.special import Scratch, SpecialLaunch, line_extents
from penstock._src.ir.extents import dims
from penstock._src.ir.node import Node
from penstock._src.native import Code, Module, Target
from penstock._src.native.language.types import I64, PTR
from penstock._src.native.process.interrupts import unless_dropped

MANY = 2  # if a line has more than this many elements for each wanted one, the rest is not sorted


def launch(node: Node, outputs: Sequence[Node], target: Target, threads: int) -> SpecialLaunch:
    """The launch of a sort: a task for each line. Unused results are sorted into scratch memory."""
    outer, n, inner = line_extents(node.args[0].shape, node.attrs["axis"])
    lines, count = outer * inner, dims.settled(node.attrs["count"])
    types = forms(node)
    form = types, node.attrs["num_keys"], bool(node.attrs["descending"])
    items = {item.attrs["index"]: item for item in outputs}
    sizes = [lines * count * a.dtype.size for a in node.args]
    arrays = *arguments(node), *[items.get(i, Scratch(size)) for i, size in enumerate(sizes)]
    tasks, label = lines if n and count else 0, f"sort[{outer}, {n}, {inner}]"
    rooms = dims.minimum(lines, threads)
    if node.attrs.get("heap"):
        size = 8 * (count + 1)
        return SpecialLaunch(
            ("heap of lines", types), lambda target: emit_heap_of_lines(types, target),
            tasks, (n, inner, count, Scratch(size * rooms), size, *arrays), label,
        )  # fmt: skip
    if node.attrs["num_keys"] == 1 and MANY * capacity(count) <= n:
        kept = capacity(count)
        size = 8 * (STATE + WORDS * kept)
        return SpecialLaunch(
            ("first of lines", *form, inner == 1),
            lambda target: emit_first_of_lines(types, form[2], inner == 1, target),
            tasks, (n, inner, count, kept, Scratch(size * rooms), size, *arrays), label,
        )  # fmt: skip
    if short_keys.takes(node, target):
        return short_keys.launch(node, arrays, threads)
    size = WORDS * 8 * n
    return SpecialLaunch(
        ("sort", *form), lambda target: emit_sort(*form, target), tasks,
        (n, inner, count, Scratch(size * rooms), size, *arrays), label,
    )  # fmt: skip


def emit_sort(types: tuple, keys: int, descending: bool, target: Any) -> Code:
    """Sorts lines by a stable sort, once for each key, the last key first.

    Context: n, inner, number of results for a line, scratch, bytes of scratch a thread, then inputs, then outputs.  A thread's
    scratch holds two arrays of keys and two of places, n words each.
    """
    m = Module(target)
    write_stable_sort(m)
    with m.task("task") as f:
        n, inner, wanted = (f.load(f.ctx, i, I64) for i in range(3))
        scratch = f.at(f.load(f.ctx, 3, PTR), f.tid * f.load(f.ctx, 4, I64), "i8")
        count = len(types)
        inputs = [f.load(f.ctx, 5 + i, PTR) for i in range(count)]
        outputs = [f.load(f.ctx, 5 + count + i, PTR) for i in range(count)]
        rooms = [f.at(scratch, n * k, I64) for k in range(WORDS)]
        base = first_of(f.task, n, inner)
        f.loop(0, n, 1, lambda i: f.store(i, rooms[1], i))
        for k in range(keys - 1, -1, -1):

            def prepare(i, k=k):
                at = base + f.load(rooms[1], i, I64) * inner
                x = memory.load(f, memory.Elements(inputs[k], at), types[k][0])
                f.store(sortable(f, x, types[k][0], descending), rooms[0], i)

            # After an interrupt the index arrays may be incomplete.
            unless_dropped(f, functools.partial(f.loop, 0, n, 1, prepare))
            f.call("stable_sort", *rooms, n, f.tid)
        write_lines(f, types, inputs, outputs, rooms[1], (n, inner, wanted))
    return Code.of(m)
