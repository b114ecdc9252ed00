"""What sorts of lines share: keys that order as values do, a stable merge sort of them, and the writing of elements in their order."""

from collections.abc import Sequence
from typing import Any

from penstock._src.compiler.codegen.nests import memory
from penstock._src.compiler.codegen.scalars.registers import register_type
from penstock._src.ir.node import Node
from penstock._src.native import Module
from penstock._src.native.language.types import I64, PTR
from penstock._src.native.language.value import Val
from penstock._src.native.process.interrupts import unless_dropped

PIECE = 1 << 18  # elements that are merged between looks for an interrupt
WORDS = 4  # of a thread's scratch, for each element that is sorted: two arrays of keys and two of places


def is_place(node: Node, index: int) -> bool:
    """Whether an argument of a sort numbers the elements of its lines, which kernels know without reading it."""
    if node.kind != "sort" or index < node.attrs["num_keys"]:
        return False
    arg = node.args[index]
    return arg.kind == "iota" and arg.attrs["axis"] == node.attrs["axis"]


def arguments(node: Node) -> list[Node | int]:
    """What kernels of a sort read: its arguments, or 0 for those that number elements."""
    return [0 if is_place(node, i) else a for i, a in enumerate(node.args)]


def forms(node: Node) -> tuple[tuple[Any, bool], ...]:
    """The types of a sort's arguments, and whether each numbers elements."""
    return tuple([(a.dtype, is_place(node, i)) for i, a in enumerate(node.args)])


def moved(f: Any, source: Val, at: Val, place: Val, form: tuple[Any, bool]) -> Any:
    """The register with an element of an argument, which stands at a place of its line."""
    dtype, numbers = form
    if numbers:
        return f.convert(place, register_type(dtype), signed=True)
    return memory.load(f, memory.Elements(source, at), dtype)


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


def first_of(line: Val, n: Val, inner: Val) -> Val:
    """The number of the first element of a line of an array (outer, n, inner)."""
    return line // inner * (n * inner) + line % inner


def write_lines(
    f: Any,
    forms: Sequence[tuple[Any, bool]],
    inputs: Sequence[Val],
    outputs: Sequence[Val],
    places: Val,
    extents: tuple[Val, Val, Val],
) -> None:
    """Writes the elements of the task's line that stand at `places`; `extents` are n, inner, and how many are wanted."""
    n, inner, wanted = extents
    base, to = first_of(f.task, n, inner), first_of(f.task, wanted, inner)

    def write(i: Val) -> None:
        place = f.load(places, i, I64)
        for x, y, form in zip(inputs, outputs, forms, strict=True):
            value = moved(f, x, base + place * inner, place, form)
            memory.store(f, memory.Elements(y, to + i * inner), form[0], value)

    unless_dropped(f, lambda: f.loop(0, wanted, 1, write))


def write_merge_sort(m: Module) -> None:
    """Writes the function merge_sort(keys, places, other_keys, other_places, n, tid)."""
    rooms = dict(keys=PTR, places=PTR, other_keys=PTR, other_places=PTR)
    with m.fn("merge_sort", internal=True, noalias=False, **rooms, n=I64, tid=I64) as f:
        _merge_sort(f)


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
