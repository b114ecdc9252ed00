"""The first few elements of sorted lines: candidates are collected, and sorted whenever there are too many.

An element is a candidate only if it comes before the last one kept. Most elements do not, so in contiguous lines a vector of
elements is compared with that last one at once.
"""

from collections.abc import Sequence
from typing import Any

from penstock._src.compiler.codegen.nests import memory
from penstock._src.compiler.codegen.scalars.registers import memory_type, register_type, spread
from penstock._src.compiler.codegen.specials.sorts.sorting import (
    PIECE,
    WORDS,
    first_of,
    sortable,
    write_lines,
    write_stable_sort,
)
from penstock._src.ir.extents import dims
from penstock._src.native import Code, Module
from penstock._src.native.language.types import I64, PTR
from penstock._src.native.language.value import Val
from penstock._src.native.process.interrupts import unless_dropped

# Further words of a thread's scratch: number of candidates, and the key of the last of them.
STATE = 2
SPARE = 32  # least number of candidates beyond the wanted elements before they are sorted


def capacity(count: int) -> int:
    """The largest number of candidates for `count` results."""
    return count + dims.maximum(count, SPARE)


def emit_first_of_lines(
    types: Sequence[tuple[Any, bool]], descending: bool, single: bool, target: Any
) -> Code:
    """Sorts the first elements of each line by the first array; `single`: lines are contiguous.

    Context: n, inner, number of results for a line, capacity, scratch, bytes of scratch a thread, then inputs, then outputs.
    """
    m = Module(target)
    write_stable_sort(m)
    with m.task("task") as f:
        n, inner, wanted, kept = (f.load(f.ctx, i, I64) for i in range(4))
        scratch = f.at(f.load(f.ctx, 4, PTR), f.tid * f.load(f.ctx, 5, I64), "i8")
        count = len(types)
        inputs = [f.load(f.ctx, 6 + i, PTR) for i in range(count)]
        outputs = [f.load(f.ctx, 6 + count + i, PTR) for i in range(count)]
        keys = types[0][0], descending
        line = _Line(f, target, inputs[0], keys, (n, inner, wanted, kept), scratch)
        line.begin()
        f.loop(kept, n, PIECE, lambda i: unless_dropped(f, lambda: line.look(i, single)))
        line.prune()
        write_lines(f, types, inputs, outputs, line.rooms[1], (n, inner, wanted))
    return Code.of(m)


class _Line:
    """Writes the code for the task's line."""

    def __init__(
        self,
        f: Any,
        target: Any,
        source: Val,
        keys: tuple[Any, bool],
        extents: tuple[Val, Val, Val, Val],
        scratch: Val,
    ) -> None:
        self.f, self.source = f, source
        self.dtype, self.descending = keys
        self.n, self.inner, self.wanted, self.kept = extents
        self.base = first_of(f.task, self.n, self.inner)
        self.rooms = [f.at(scratch, self.kept * k + STATE, I64) for k in range(WORDS)]
        self.state = scratch
        self.lanes = target.lanes(memory_type(self.dtype))

    def _element(self, i: Val, lanes: int = 1) -> Any:
        at = self.base + i * self.inner
        place = memory.Elements(self.source, at, 1 if lanes > 1 else 0, None, lanes)
        return memory.load(self.f, place, self.dtype)

    def _put(self, key: Val, i: Val, at: Val) -> None:
        self.f.store(key, self.rooms[0], at)
        self.f.store(i, self.rooms[1], at)

    def begin(self) -> None:
        """Keeps the first elements, as many as there is room for."""
        f = self.f
        f.loop(0, self.kept, 1, lambda i: self._put(self._key(i), i, i))
        f.store(self.kept, self.state, 0)
        self.prune()

    def _key(self, i: Val) -> Val:
        return sortable(self.f, self._element(i), self.dtype, self.descending)

    def prune(self) -> None:
        """Sorts the candidates, and drops all but the results."""
        f = self.f
        f.call("stable_sort", *self.rooms, f.load(self.state, 0, I64), f.tid)
        f.store(self.wanted, self.state, 0)
        f.store(f.load(self.rooms[0], self.wanted - 1, I64), self.state, 1)

    def look(self, first: Val, single: bool) -> None:
        """Looks at a piece of the line from an element on."""
        f = self.f
        end = f.min(first + PIECE, self.n)
        if not single or self.dtype.is_bool:
            f.loop(first, end, 1, self._take)
            return
        whole = first + (end - first) // self.lanes * self.lanes

        def vector(i: Val) -> None:
            last = spread(f, self._value(f.load(self.state, 1, I64)), self.lanes)
            # Most vectors hold nothing to keep: one comparison rejects them without keys.
            some = f.reduce("or", self._may_come_before(self._element(i, self.lanes), last))
            f.when(some, lambda: f.loop(i, i + self.lanes, 1, self._take))

        f.loop(first, whole, self.lanes, vector)
        f.loop(whole, end, 1, self._take)

    def _take(self, i: Val) -> None:
        """Keeps an element if it comes before the last of those kept."""
        f, key = self.f, self._key(i)

        def keep() -> None:
            at = f.load(self.state, 0, I64)
            self._put(key, i, at)
            f.store(at + 1, self.state, 0)
            f.when((at + 1).eq(self.kept), self.prune)

        # Strictly less: of equal keys the earlier one comes first, and it is a candidate already.
        f.when(f.compare("ult", key, f.load(self.state, 1, I64)), keep)

    def _may_come_before(self, x: Any, last: Any) -> Val:
        """Emit the condition that elements come before one; also where either is NaN, which keys decide."""
        f = self.f
        if self.dtype.is_floating:
            return ~f.compare("le" if self.descending else "ge", x, last)
        op = "gt" if self.descending else "lt"
        return f.compare("u" + op if self.dtype.is_unsigned else op, x, last)

    def _value(self, key: Val) -> Val:
        """The element that has a key (`sortable`)."""
        f, dtype = self.f, self.dtype
        if not dtype.is_floating:
            key = ~key if self.descending else key
            key = key if dtype.is_unsigned else key ^ -(1 << 63)
            return f.convert(key, register_type(dtype), signed=not dtype.is_unsigned)
        missing = key.eq(-1)
        key = ~key if self.descending else key
        bits = f.select(key < 0, key ^ -(1 << 63), ~key)
        return f.convert(f.bits(f.select(missing, -1, bits), "double"), register_type(dtype))
