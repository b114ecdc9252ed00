"""Sorting of lines by one key of at most 32 bits, of fewer than 2**31 elements: by words of key and index (`pairs.py`).

A line that several threads can share is cut into pieces, a task each. Sorted pieces are merged by launches that double the runs; each task
finds by bisection where its words begin in both runs (merge path: Odeh, Green, Mwassi, Shmueli, Birk, 2012). So the words are the same for any
number of threads.
"""

from collections.abc import Sequence
from typing import Any

from penstock._src.compiler.codegen.nests import memory
from penstock._src.compiler.codegen.specials.sorts import pairs
from penstock._src.compiler.codegen.specials.sorts.sorting import first_of, forms, moved
from penstock._src.compiler.codegen.specials.special import (
    Scratch,
    SpecialLaunch,
    SpecialStage,
    line_extents,
)
from penstock._src.ir.extents import dims
from penstock._src.ir.node import Node
from penstock._src.native import Code, Module, Target
from penstock._src.native.language.types import I64, PTR
from penstock._src.native.language.value import Val
from penstock._src.native.process.interrupts import unless_dropped

SHARED = 1 << 15  # elements of a piece, at least
WORD = 8  # bytes


def takes(node: Node, target: Target) -> bool:
    """True if the words of a sort hold its keys and indices."""
    is_short = node.attrs["num_keys"] == 1 and node.args[0].dtype.size * 8 <= pairs.KEY_BITS
    # On microcontrollers counts of digits take more of the stack than there is.
    if not is_short or target.is_microcontroller:
        return False
    return bool(line_extents(node.args[0].shape, node.attrs["axis"])[1] < pairs.MOST)


def launch(node: Node, arrays: Sequence[Any], threads: int) -> SpecialLaunch:
    """The launches of a sort.

    Args:
      node: that `takes` accepts.
      arrays: its arguments, then where the results are stored.
      threads: of a run.
    """
    outer, n, inner = line_extents(node.args[0].shape, node.attrs["axis"])
    lines, count, types = outer * inner, dims.settled(node.attrs["count"]), forms(node)
    descending = bool(node.attrs["descending"])
    label = f"sort[{outer}, {n}, {inner}]"
    # Memory for all lines is needed where they are cut: only where the lines are known to be few.
    most = 1 if dims.is_symbolic(lines) else threads // max(lines, 1)
    pieces = dims.maximum(1, dims.minimum(most, n // SHARED))
    tasks = lines * pieces if n and count else 0
    rooms = dims.minimum(lines * pieces, threads) if most <= 1 else lines
    size = WORD * n
    words = (n, inner, count, Scratch(size * rooms), Scratch(size * rooms), pieces)
    if most <= 1:
        return SpecialLaunch(
            ("sort of short keys", types, descending),
            lambda target: emit_sort(types, descending, target),
            tasks, (*words, *arrays), label,
        )  # fmt: skip
    levels = range((most - 1).bit_length())
    # A level has tasks while runs of 2**level pieces are not the whole line.
    merges = [
        SpecialStage("merge", dims.minimum(tasks, tasks * ((pieces - 1) // (1 << level))),
                     (*words, level, *arrays))
        for level in levels
    ]  # fmt: skip
    write = SpecialStage("write", tasks, (*words, 0, *arrays))
    return SpecialLaunch(
        ("sort of short keys in pieces", types, descending),
        lambda target: emit_sort_of_pieces(types, descending, target),
        tasks, (*words, 0, *arrays), label, then=(*merges, write),
    )  # fmt: skip


def emit_sort(types: Sequence[tuple[Any, bool]], descending: bool, target: Target) -> Code:
    """Context: n, inner, number of results for a line, two arrays of n words for each thread, 1, then inputs, then outputs."""
    m = Module(target)
    pairs.write_pair_sort(m)
    with m.task("task") as f:
        line = _Line(f, types, descending, f.task, f.tid, 6)
        line.sort(f.i64(0), line.n)
        line.write(f.i64(0), line.wanted)
    return Code.of(m)


def emit_sort_of_pieces(
    types: Sequence[tuple[Any, bool]], descending: bool, target: Target
) -> Code:
    """Context: n, inner, number of results for a line, two arrays of n words for each line, number of pieces of a line, level of merges,
    then inputs, then outputs. Merges of even levels read the first array.
    """
    m = Module(target)
    pairs.write_pair_sort(m)
    with m.task("task") as f:
        piece = _Piece(f, types, descending)
        piece.line.sort(piece.begin(piece.number), piece.begin(piece.number + 1))
    with m.task("merge") as f:
        _Piece(f, types, descending).merge()
    with m.task("write") as f:
        _Piece(f, types, descending).write()
    return Code.of(m)


class _Line:
    """Writes the code for a line.

    Args:
      f: the task.
      types: the forms of the arguments.
      descending: the order.
      number: the number of the line.
      room: which of the arrays of words is its own.
      before: words of the context before the inputs.
    """

    def __init__(
        self,
        f: Any,
        types: Sequence[tuple[Any, bool]],
        descending: bool,
        number: Val,
        room: Val,
        before: int,
    ) -> None:
        self.f, self.types, self.descending = f, types, descending
        self.n, self.inner, self.wanted = (f.load(f.ctx, i, I64) for i in range(3))
        self.words, self.other = (f.at(f.load(f.ctx, i, PTR), room * self.n, I64) for i in (3, 4))
        count = len(types)
        self.inputs = [f.load(f.ctx, before + i, PTR) for i in range(count)]
        self.outputs = [f.load(f.ctx, before + count + i, PTR) for i in range(count)]
        self.base = first_of(number, self.n, self.inner)
        self.to = first_of(number, self.wanted, self.inner)

    def sort(self, low: Val, high: Val) -> None:
        """Sorts the words of elements from `low` until `high`."""
        f, (dtype, _) = self.f, self.types[0]

        def prepare(i: Val) -> None:
            x = memory.load(f, memory.Elements(self.inputs[0], self.base + i * self.inner), dtype)
            f.store(pairs.pair(f, x, i, dtype, self.descending), self.words, i)

        f.loop(low, high, 1, prepare)
        words, other = (f.at(room, low, I64) for room in (self.words, self.other))
        unless_dropped(f, lambda: f.call("sort_pairs", words, other, high - low, f.tid))

    def write(self, low: Val, high: Val) -> None:
        """Writes the results from `low` until `high`."""
        f = self.f

        def one(i: Val) -> None:
            place = pairs.place_of(f.load(self.words, i, I64))
            for x, y, form in zip(self.inputs, self.outputs, self.types, strict=True):
                value = moved(f, x, self.base + place * self.inner, place, form)
                memory.store(f, memory.Elements(y, self.to + i * self.inner), form[0], value)

        # After an interrupt the words may be incomplete.
        unless_dropped(f, lambda: f.loop(low, high, 1, one))


class _Piece:
    """Writes the code for a piece of a line."""

    def __init__(self, f: Any, types: Sequence[tuple[Any, bool]], descending: bool) -> None:
        self.f = f
        self.pieces = f.load(f.ctx, 5, I64)
        number = f.task // self.pieces
        self.number = f.task % self.pieces
        self.line = _Line(f, types, descending, number, number, 7)

    def begin(self, number: Val) -> Val:
        """The first element of a piece, or the end of the line."""
        return self.f.min(number, self.pieces) * self.line.n // self.pieces

    def merge(self) -> None:
        """Writes this piece's share of the run that two runs make."""
        f, level = self.f, self.f.load(self.f.ctx, 6, I64)
        is_even = (level & 1).eq(0)
        source = f.select(is_even, self.line.words, self.line.other)
        target = f.select(is_even, self.line.other, self.line.words)
        run = f.binary("shl", f.i64(1), level)
        first = self.number // (run * 2) * (run * 2)
        low, middle, high = (self.begin(first + each) for each in (f.i64(0), run, run * 2))
        begin, end = (self.begin(self.number + each) - low for each in (0, 1))
        left, right = (f.at(source, at, I64) for at in (low, middle))
        lengths = middle - low, high - middle
        i, i_end = (self._lefts(left, right, lengths, at) for at in (begin, end))
        j, j_end = begin - i, end - i_end
        left, right = f.at(left, i, I64), f.at(right, j, I64)
        to = f.at(target, low + begin, I64)
        f.call("merge_pairs", left, right, i_end - i, j_end - j, to, f.tid)

    def _lefts(self, left: Val, right: Val, lengths: tuple[Val, Val], count: Val) -> Val:
        """The number of words of the left run among the least `count` of both."""
        f = self.f

        def halve(low: Val, high: Val) -> tuple[Val, Val]:
            middle = (low + high) // 2
            a, b = f.load(left, middle, I64), f.load(right, count - middle - 1, I64)
            takes_more = f.compare("ult", a, b)
            return f.select(takes_more, middle + 1, low), f.select(takes_more, high, middle)

        low, high = f.max(count - lengths[1], 0), f.min(count, lengths[0])
        return f.loop_while(lambda low, high: low < high, halve, low, high)[0]

    def write(self) -> None:
        """Writes this piece's share of the results."""
        f, line = self.f, self.line
        # Each level with merges has exchanged the arrays.
        levels = f.loop_while(
            lambda level: f.binary("lshr", self.pieces - 1, level).ne(0),
            lambda level: (level + 1,),
            f.i64(0),
        )[0]
        line.words = f.select((levels & 1).eq(0), line.words, line.other)
        line.write(
            *(
                self.f.min(self.number + each, self.pieces) * line.wanted // self.pieces
                for each in (0, 1)
            )
        )
