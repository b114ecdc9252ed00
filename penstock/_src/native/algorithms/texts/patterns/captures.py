"""Groups of a match: the ways through a pattern's program are tried in their order, none twice from the same byte.

The automaton has found where the match ends, so no way is followed beyond that.

Source: the bit-state search in Cox, "Regular expression matching in the wild", 2010.
"""

from typing import Any, NamedTuple

import numpy as np

from ....language.function import Fn
from ....language.module import Module
from ....language.types import I8, I32, I64, PTR
from ....language.value import Val
from .. import utf8

# Kinds of instructions.
TAKE, SPLIT, ASSERT, SAVE, MATCH = range(5)
# Kinds of bytes at both sides of a position: any, begin of the text, newline, part of a word; end of the text.
SIDES = 5
_BEGIN_SIDE, _END_SIDE = 1, 4
# Words of the state: the address of the memory and its size.
MEMORY, ROOM = range(2)
STATE_WORDS = 2
# Instructions times positions, of a match that is tried here.
_MOST = 4_000_000
_FAILED = -(1 << 40)
TABLES: dict[str, str] = dict(code=PTR, targets=PTR, sides=PTR, instructions=I64, ways=I64, slots=I64, origin=I64)  # fmt: skip
PARAMETERS = "aaannnn"


class Program(NamedTuple):
    """A pattern's instructions with the begins and ends of its groups.

    Attributes:
      code: int32 [n, 3], a kind, an operand and the following instruction. TAKE: the lowest byte plus 256 times the highest; SPLIT: the first of its `targets`, and their number instead of the
        following instruction; ASSERT: a bit for each pair of sides where it holds; SAVE: the slot.
      targets: int32, instructions that splits go on with, preferred ones first.
      sides: uint8 [256], the side that each byte is.
      slots: twice the number of groups, the match counted.
      entry: the first instruction.
    """

    code: np.ndarray
    targets: np.ndarray
    sides: np.ndarray
    slots: int
    entry: int

    def arguments(self) -> tuple[Any, ...]:
        """Arguments that builtins take: TABLES."""
        return (
            self.code, self.targets, self.sides, len(self.code), len(self.targets), self.slots,
            self.entry,
        )  # fmt: skip


# For rewrites without groups: the spans of matches are all that is asked for.
NO_PROGRAM = Program(
    np.zeros((0, 3), np.int32), np.zeros(0, np.int32), np.zeros(256, np.uint8), 2, 0
)


def _word(f: Fn, table: Val, index: Val) -> Val:
    return f.convert(f.load(table, index, I32), I64)


def _emit_memory(m: Module) -> None:
    """`capture_memory` (state, size) -> memory of that size, null if there is none; its contents are lost."""
    with m.fn("capture_memory", ret=PTR, internal=True, noalias=False, state=PTR, size=I64) as f:

        def larger() -> None:
            f.call("free", f.load(f.state, MEMORY, PTR))
            memory = f.call("malloc", f.size * 2, ret=PTR)
            f.store(memory, f.state, MEMORY)
            f.store(f.select(f.is_null(memory), f.i64(0), f.size * 2), f.state, ROOM)

        f.when(f.size > f.load(f.state, ROOM, I64), larger)
        f.give(f.load(f.state, MEMORY, PTR))


def emit_captured(m: Module) -> None:
    """`captured` (data, size, begin, end, state, slots of the match, TABLES) -> 1 if they are found, else 0."""
    _emit_memory(m)
    arguments: Any = dict(data=PTR, size=I64, begin=I64, end=I64, state=PTR, into=PTR, **TABLES)
    with m.fn("captured", ret=I64, internal=True, noalias=False, **arguments) as f:
        positions = f.end - f.begin + 1
        cells = f.instructions * positions
        # A way waits for each target of a split, and a slot for its former value after each save.
        waiting = (f.instructions + f.ways) * positions + 1
        seen_size = ((cells + 63) >> 6) * 8

        def tried() -> tuple[Val]:
            memory = f.call("capture_memory", f.state, seen_size + waiting * 16, ret=PTR)
            return f.when(
                f.is_null(memory),
                lambda: (f.i64(0),),
                lambda: (_Search(f, memory, f.at(memory, seen_size), positions).emit(seen_size),),
            )  # type: ignore[return-value]

        is_small = cells + f.ways * positions <= _MOST
        (found,) = f.when(is_small, tried, lambda: (f.i64(0),))
        f.give(found)


# The instruction, the position, the height of the stack, and 1 if a way has matched.
_Step = tuple[Val, ...]


class _Search:
    """Emits the search for the way of a match, in its memory: bits of what has been tried, and a stack of ways and former values of slots."""

    def __init__(self, f: Fn, seen: Val, stack: Val, positions: Val) -> None:
        self.f, self.seen, self.stack, self.positions = f, seen, stack, positions

    def emit(self, seen_size: Val) -> Val:
        """Tries the ways; 1 if one matches."""
        f = self.f
        f.memset(self.seen, 0, seen_size)
        f.loop(f.i64(0), f.slots, 1, lambda slot: f.store(f.i64(-1), f.into, slot))
        top = self.push(f.i64(_FAILED), f.i64(0), f.i64(0))
        *_, found = f.loop_while(
            lambda at, place, top, found: at.ne(_FAILED),
            self.step, f.origin, f.begin, top, f.i64(0),
        )  # fmt: skip
        return found

    def push(self, at: Val, value: Val, top: Val) -> Val:
        self.f.store(at, self.stack, top * 2)
        self.f.store(value, self.stack, top * 2 + 1)
        return top + 1

    def popped(self, top: Val) -> _Step:
        f, top = self.f, top - 1
        return f.load(self.stack, top * 2, I64), f.load(self.stack, top * 2 + 1, I64), top, f.i64(0)

    def step(self, at: Val, place: Val, top: Val, _: Val) -> _Step:
        # Instructions below 0 are slots: of ways that follow a save that has failed.
        return self.f.when(
            at < 0, lambda: self.restore(at, place, top), lambda: self.visit(at, place, top)
        )

    def restore(self, at: Val, value: Val, top: Val) -> _Step:
        self.f.store(value, self.f.into, -at - 1)
        return self.popped(top)

    def visit(self, at: Val, place: Val, top: Val) -> _Step:
        f = self.f
        cell = at * self.positions + (place - f.begin)
        word, bit = f.load(self.seen, cell >> 6, I64), f.i64(1) << (cell & 63)

        def first_time() -> _Step:
            f.store(word | bit, self.seen, cell >> 6)
            return self.follow(at, place, top)

        return f.when((word & bit).ne(0), lambda: self.popped(top), first_time)

    def follow(self, at: Val, place: Val, top: Val) -> _Step:
        f = self.f
        kind, a, b = (_word(f, f.code, at * 3 + i) for i in range(3))
        known = (TAKE, self.take), (SPLIT, self.split), (SAVE, self.save), (ASSERT, self.assertion)

        def from_kind(number: int) -> _Step:
            if number == len(known):
                return self.match(place, top)
            value, emit = known[number]
            return f.when(
                kind.eq(value), lambda: emit(a, b, place, top), lambda: from_kind(number + 1)
            )

        return from_kind(0)

    def goes_on(self, condition: Val, following: Val, place: Val, top: Val) -> _Step:
        f = self.f
        return f.when(
            condition, lambda: (following, place, top, f.i64(0)), lambda: self.popped(top)
        )

    def take(self, operand: Val, following: Val, place: Val, top: Val) -> _Step:
        f = self.f
        byte = utf8.byte(f, f.data, place)
        is_taken = (place < f.end) & (byte >= (operand & 0xFF)) & (byte <= (operand >> 8))
        return self.goes_on(is_taken, following, place + 1, top)

    def split(self, first: Val, number: Val, place: Val, top: Val) -> _Step:
        f = self.f

        def waiting(i: Val, top: Val) -> tuple[Val]:
            return (self.push(_word(f, f.targets, first + number - i), place, top),)

        (top,) = f.loop(f.i64(1), number, 1, waiting, top)
        return _word(f, f.targets, first), place, top, f.i64(0)

    def save(self, slot: Val, following: Val, place: Val, top: Val) -> _Step:
        f = self.f
        top = self.push(-slot - 1, f.load(f.into, slot, I64), top)
        f.store(place, f.into, slot)
        return following, place, top, f.i64(0)

    def side(self, place: Val) -> Val:
        f = self.f
        return f.convert(f.load(f.sides, utf8.byte(f, f.data, place), I8), I64, signed=False)

    def assertion(self, holding: Val, following: Val, place: Val, top: Val) -> _Step:
        f = self.f
        byte_before = self.side(f.max(place - 1, f.i64(0)))
        before = f.select(place.eq(0), f.i64(_BEGIN_SIDE), byte_before)
        after = f.select(place.eq(f.size), f.i64(_END_SIDE), self.side(place))
        holds = ((holding >> (before * SIDES + after)) & 1).ne(0)
        return self.goes_on(holds, following, place, top)

    def match(self, place: Val, top: Val) -> _Step:
        f = self.f
        return f.when(
            place.eq(f.end),
            lambda: (f.i64(_FAILED), place, top, f.i64(1)), lambda: self.popped(top),
        )  # fmt: skip
