"""The indices of the true elements of an array of bools: a launch counts them in each part, one writes them.

Bools are read eight at a time: words without any are skipped.
"""

from collections.abc import Sequence
from typing import Any

from penstock._src.compiler.codegen.specials.special import (
    TASK,
    Scratch,
    SpecialLaunch,
    SpecialStage,
)
from penstock._src.ir.extents import dims
from penstock._src.ir.node import Node
from penstock._src.native import Code, Module, Target
from penstock._src.native.language.types import I8, I32, I64, PTR
from penstock._src.native.language.value import Val

WORD = 8  # elements that are read at once


def launch(node: Node, outputs: Sequence[Node], _target: Target, threads: int) -> SpecialLaunch:
    """The launches; unused results go to scratch memory."""
    (mask,) = node.args
    extents = tuple(map(dims.settled, mask.shape))
    size, rank = dims.settled(mask.size), len(extents)
    parts = dims.minimum(dims.ceil_divide(size, TASK), 4 * threads)
    per = dims.ceil_divide(dims.ceil_divide(size, dims.maximum(parts, 1)), WORD) * WORD
    tasks = dims.ceil_divide(size, per) if size else 0
    items = {item.attrs["index"]: item for item in outputs}
    rows = items.get(0, Scratch(size * rank * 8))
    count = items.get(1, Scratch(4))
    words = (size, per, tasks, mask, Scratch(8 * tasks), rows, count, *extents)
    return SpecialLaunch(
        ("argwhere", rank), lambda target: emit(rank, target), tasks, words,
        f"argwhere[{', '.join(map(str, extents))}]", then=(SpecialStage("write", tasks),),
    )  # fmt: skip


def emit(rank: int, target: Target) -> Code:
    """Context: elements, elements of a task, tasks, bools, counts of the tasks, places, their number, then the extents."""
    m = Module(target)
    with m.task("task") as f:
        mask, counts = f.load(f.ctx, 3, PTR), f.load(f.ctx, 4, PTR)
        f.store(_over_words(f, mask, _counted, f.i64(0)), counts, f.task)
    with m.task("write") as f:
        _Writer(f, rank).write()
    return Code.of(m)


def _over_words(f: Any, mask: Val, body: Any, state: Val) -> Val:
    """The state after body(f, first element, word with the high bits of true bytes, state) for the task's words."""
    size, per = f.load(f.ctx, 0, I64), f.load(f.ctx, 1, I64)
    low = f.task * per
    high = f.min(low + per, size)
    whole = low + (high - low) // WORD * WORD

    def several(i: Val, s: Val) -> tuple[Val]:
        return (body(f, i, _high_bits(f, f.load(f.at(mask, i), 0, I64)), s),)

    def single(i: Val, s: Val) -> tuple[Val]:
        word = f.convert(f.load(mask, i, I8), I64, signed=False)
        return (body(f, i, _high_bits(f, word), s),)

    (state,) = f.loop(low, whole, WORD, several, state)

    return f.loop(whole, high, 1, single, state)[0]


def _high_bits(f: Any, word: Val) -> Val:
    """A word whose bytes are 128 where those of `word` are not 0. Bools that others have made may be other bytes than 0 and 1."""
    low = f.i64(0x7F7F7F7F7F7F7F7F)
    return ((word & low) + low | word) & ~low


def _counted(f: Any, _i: Val, word: Val, count: Val) -> Val:
    return count + f.intrinsic("ctpop", word)


class _Writer:
    """Writes the code that writes a task's places, and its share of the zeros after all places."""

    def __init__(self, f: Any, rank: int) -> None:
        self.f, self.rank = f, rank
        self.size, self.per, self.tasks = (f.load(f.ctx, i, I64) for i in range(3))
        self.mask, self.counts, self.rows, self.count = (
            f.load(f.ctx, 3 + i, PTR) for i in range(4)
        )
        self.extents = [f.convert(f.load(f.ctx, 7 + i, I64), I32) for i in range(rank)]

    def write(self) -> None:
        """Writes all."""
        f = self.f

        def total(low: Any, high: Val) -> Val:
            return f.loop(low, high, 1, lambda i, s: (s + f.load(self.counts, i, I64),), f.i64(0))[
                0
            ]

        before = total(f.i64(0), f.task)
        count = before + total(f.task, self.tasks)
        f.when(f.task.eq(0), lambda: f.store(f.convert(count, I32), self.count, 0))
        _over_words(f, self.mask, self._places, before)
        low = f.max(f.task * self.per, count)
        high = f.max(low, f.min((f.task + 1) * self.per, self.size))
        to = f.at(self.rows, low * self.rank, I64)
        f.memset(to, 0, (high - low) * (8 * self.rank))

    def _places(self, f: Any, first: Val, word: Val, at: Val) -> Val:
        def one(rest: Val, at: Val) -> tuple[Val, Val]:
            # The lowest bit gives the element; it is then cleared.
            below = f.intrinsic("ctpop", ~rest & (rest - 1))
            number = f.binary("lshr", below, 3)
            self._place(first + number, at)
            return rest & (rest - 1), at + 1

        return f.loop_while(lambda rest, _: rest.ne(0), one, word, at)[1]

    def _place(self, element: Val, at: Val) -> None:
        """Writes the coordinates of an element."""
        f = self.f
        rest = f.convert(element, I32)
        for axis in range(self.rank - 1, -1, -1):
            coordinate = rest
            if axis:
                quotient = f.binary("udiv", rest, self.extents[axis])
                coordinate, rest = rest - quotient * self.extents[axis], quotient
            place = f.convert(coordinate, I64, signed=False)
            f.store(place, self.rows, at * self.rank + axis)
