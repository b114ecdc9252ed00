"""A pattern as a deterministic automaton over bytes, for native code (`native/algorithms/texts/patterns/automata.py`).

Patterns that native code handles are those whose program and automaton stay below bounds on their sizes.

A state is the list of instructions that ways through the pattern have come to, preferred ones first, and the kind of the last byte where the pattern asks for it. A transition sees the byte after
a position, or the end of the text, so it knows which assertions hold at that position, and whether a match ends there. Ways less preferred than a match are dropped: what matches last is the match
that Perl finds, the leftmost and first.

Source: Cox, "Regular expression matching in the wild", 2010.
"""

import numpy as np

from penstock._src.native.algorithms.texts.patterns import captures
from penstock._src.native.algorithms.texts.patterns.automata import Automaton
from penstock._src.ops.strings.re2.byte_program import (
    Assert,
    Instruction,
    Save,
    Split,
    Take,
    TooLarge,
    program,
)
from penstock._src.ops.strings.re2.parsing import Group, Node

MOST_STATES = 4_000
# Ways of all states and transitions, some tenths of a second.
MOST_WORK = 2_000_000
# Kinds of the byte before a position, those of `Automaton.kinds`, and of the byte after it.
_OTHER, _BEGIN, _NEWLINE, _WORD = range(4)
_END = 4
_BEFORE = (_OTHER, _BEGIN, _NEWLINE, _WORD)
_SIDES = (*_BEFORE, _END)
_WORD_BYTES = (*range(0x30, 0x3A), *range(0x41, 0x5B), 0x5F, *range(0x61, 0x7B))

_Closure = tuple[list[Take], bool]
_State = tuple[tuple[int, ...], int]


def automaton(tree: Node, is_full: bool) -> Automaton | None:
    """The automaton of a pattern.

    Args:
      tree: of the pattern.
      is_full: whether it is to match whole texts; else the preferred match from a position on.

    Returns:
      The automaton; None if it would be too large.
    """
    try:
        code, begin = program(tree)
        return _Builder(code, is_full).built(begin)
    except TooLarge:
        return None


def program_of_groups(tree: Node, groups: int) -> captures.Program | None:
    """The program that finds the groups of a match.

    Args:
      tree: of the pattern.
      groups: the number of captured ones.

    Returns:
      The program; None if it would be too large.
    """
    try:
        code, begin = program(Group(tree, 0), saves_groups=True)
    except TooLarge:
        return None
    rows: list[tuple[int, int, int]] = []
    targets: list[int] = []
    for part in code:
        if isinstance(part, Take):
            rows.append((captures.TAKE, part.low | part.high << 8, part.target))
        elif isinstance(part, Split):
            rows.append((captures.SPLIT, len(targets), len(part.targets)))
            targets += part.targets
        elif isinstance(part, Assert):
            rows.append((captures.ASSERT, _holding(part.kind), part.target))
        elif isinstance(part, Save):
            rows.append((captures.SAVE, part.slot, part.target))
        else:
            rows.append((captures.MATCH, 0, 0))
    sides = np.full(256, _OTHER, np.uint8)
    sides[list(_WORD_BYTES)] = _WORD
    sides[ord("\n")] = _NEWLINE
    table = np.array(rows, np.int32)
    return captures.Program(table, np.array(targets, np.int32), sides, 2 * groups + 2, begin)


def _holding(kind: str) -> int:
    """A bit for each pair of sides of a position at which an assertion holds."""
    holds = [_holds(kind, before, after) for before in _SIDES for after in _SIDES]
    return sum(1 << at for at, is_true in enumerate(holds) if is_true)


class _Builder:
    """Finds the states of an automaton."""

    def __init__(self, code: list[Instruction], is_full: bool) -> None:
        self.code, self.is_full = code, is_full
        asserted = {part.kind for part in code if isinstance(part, Assert)}
        self.sees_words = bool(asserted & {"word", "no_word"})
        self.sees_lines = bool(asserted & {"line", "end_line"})
        self.sees_begin = bool(asserted & {"text", "line"})
        self.kinds = self.kinds_of_bytes()
        self.lows = self.first_bytes()
        self.classes = np.repeat(np.arange(len(self.lows)), np.diff([*self.lows, 256]))
        self.numbers: dict[_State, int] = {}
        self.states: list[_State] = []
        self.work = 0

    def kinds_of_bytes(self) -> np.ndarray:
        """The kind of each byte, as far as the pattern asks for it."""
        kinds = np.full(256, _OTHER, np.uint8)
        if self.sees_words:
            kinds[list(_WORD_BYTES)] = _WORD
        if self.sees_lines:
            kinds[ord("\n")] = _NEWLINE
        return kinds

    def first_bytes(self) -> list[int]:
        """The first byte of each range of bytes that the pattern does not distinguish."""
        bounds = {0}
        for part in self.code:
            if isinstance(part, Take):
                bounds |= {part.low, part.high + 1}
        bounds |= {int(at) + 1 for at in np.flatnonzero(np.diff(self.kinds))}
        return sorted(bounds - {256})

    def built(self, begin: int) -> Automaton:
        self.number(((), _OTHER))
        known = {_OTHER, *self.kinds.tolist(), *([_BEGIN] if self.sees_begin else [])}
        starts = [self.number(((begin,), kind if kind in known else _OTHER)) for kind in _BEFORE]
        rows: list[list[int]] = []
        while len(rows) < len(self.states):
            rows.append(self.row(self.states[len(rows)]))
        width = len(self.lows) + 1
        # An entry is the index of the following state's row, times two, plus one if a match ends before the byte.
        entries = np.array(rows, np.int64)
        delta = ((entries >> 1) * width << 1 | entries & 1).astype(np.int32)
        can_begin = (entries[starts] != 0).any(0)[self.classes]
        return Automaton(
            self.classes.astype(np.uint8),
            can_begin.astype(np.uint8),
            self.kinds,
            np.array(starts, np.int32) * width,
            delta.reshape(-1),
        )

    def number(self, state: _State) -> int:
        number = self.numbers.get(state)
        if number is None:
            if len(self.states) >= MOST_STATES:
                raise TooLarge
            number = self.numbers[state] = len(self.states)
            self.states.append(state)
        return number

    def row(self, state: _State) -> list[int]:
        """The numbers of the states that follow for each class of bytes and the end, twice, plus one if a match ends before."""
        ways, before = state
        followed: list[dict[int, None]] = [{} for _ in self.lows]
        kinds = self.kinds[self.lows].tolist()
        closures = {kind: self.closure(ways, before, kind) for kind in set(kinds)}
        for kind, (takes, _) in closures.items():
            for take in takes:
                last = int(self.classes[take.high])
                self.spend(last)
                for at in range(int(self.classes[take.low]), last + 1):
                    if kinds[at] == kind:
                        followed[at][take.target] = None
        row = []
        for kind, targets in zip(kinds, followed, strict=True):
            # The order of ways decides between matches, of which a whole text has one.
            following = tuple(sorted(targets) if self.is_full else targets)
            number = self.number((following, kind if following else _OTHER))
            row.append(number << 1 | (closures[kind][1] and not self.is_full))
        return [*row, int(self.closure(ways, before, _END)[1])]

    def closure(self, ways: tuple[int, ...], before: int, after: int) -> _Closure:
        """The instructions that take a byte, reached at a position between such bytes, and True if a match ends there."""
        takes: list[Take] = []
        is_match = False
        seen: set[int] = set()
        stack = list(reversed(ways))
        while stack:
            at = stack.pop()
            if at in seen:
                continue
            seen.add(at)
            part = self.code[at]
            if isinstance(part, Take):
                takes.append(part)
            elif isinstance(part, Split):
                stack.extend(reversed(part.targets))
            elif isinstance(part, Assert):
                if _holds(part.kind, before, after):
                    stack.append(part.target)
            else:
                is_match = True
                if not self.is_full:
                    break
        self.spend(len(seen))
        return takes, is_match

    def spend(self, steps: int) -> None:
        self.work += steps + 1
        if self.work > MOST_WORK:
            raise TooLarge


def _holds(kind: str, before: int, after: int) -> bool:
    """True if an assertion holds between bytes of these kinds."""
    if kind == "text":
        return before == _BEGIN
    if kind == "line":
        return before in (_BEGIN, _NEWLINE)
    if kind == "end_text":
        return after == _END
    if kind == "end_line":
        return after in (_END, _NEWLINE)
    is_between = (before == _WORD) != (after == _WORD)
    return is_between == (kind == "word")
