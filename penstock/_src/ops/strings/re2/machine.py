"""Matching in time linear in the text: all ways through a pattern are followed at once, the preferred ones first.

Source: Thompson, "Regular expression search algorithm", 1968; Pike's machine with captures, in Cox, "Regular expression matching:
the virtual machine approach", 2009.
"""

from collections.abc import Callable, Sequence

from penstock._src.ops.strings.re2.byte_program import is_nullable
from penstock._src.ops.strings.re2.characters import Ranges
from penstock._src.ops.strings.re2.parsing import (
    Alt,
    At,
    Cat,
    Chars,
    Group,
    Node,
    PatternError,
    Repeat,
)

MOST_INSTRUCTIONS = 50_000
# Sets of ways that are kept; a pattern that makes more is followed way by way.
MOST_STATES = 2_000
_CHAR, _SPLIT, _SAVE, _AT, _MATCH = range(5)
# (kind, operand): ranges; the targets, preferred first; the slot; the kind of place; None. All but splits go on to the next one.
Instruction = tuple[int, object]
Spans = list[int]


class State:
    """A state of the machine: the active instructions, and the next state for each character."""

    __slots__ = ("entries", "is_start", "places", "accepts", "following")

    def __init__(
        self, entries: frozenset[int], is_start: bool, places: frozenset[int], accepts: bool
    ) -> None:
        self.entries, self.is_start = entries, is_start
        self.places, self.accepts = places, accepts
        self.following: dict[str, State] = {}


class Machine:
    """A pattern as a program; `match` finds the spans of its groups.

    Args:
      tree: of the pattern.
      groups: the number of captured ones.
      most: the largest number of instructions.

    Raises:
      PatternError: there are more instructions.
    """

    def __init__(self, tree: Node, groups: int, most: int = MOST_INSTRUCTIONS) -> None:
        self.code: list[Instruction] = []
        self._most = most
        self.groups = groups
        self._emit(Group(tree, 0))
        self._add(_MATCH, None)
        # For each instruction: the characters that it has tested before, and the results.
        self._fits: list[dict[str, bool]] = [{} for _ in self.code]
        # Lines and words depend on more than how far a way has come.
        self._needs_neighbors = any(
            kind == _AT and place not in ("text", "end_text") for kind, place in self.code
        )
        self._states: dict[tuple[frozenset[int], bool, bool], State] = {}

    def _add(self, kind: int, operand: object) -> int:
        if len(self.code) >= self._most:
            raise PatternError("pattern too large - compile failed")
        self.code.append((kind, operand))
        return len(self.code) - 1

    def _emit(self, node: Node) -> None:
        if isinstance(node, Chars):
            self._add(_CHAR, node.ranges)
        elif isinstance(node, At):
            self._add(_AT, node.kind)
        elif isinstance(node, Cat):
            for part in node.parts:
                self._emit(part)
        elif isinstance(node, Group):
            if node.number is None:
                return self._emit(node.part)
            self._add(_SAVE, 2 * node.number)
            self._emit(node.part)
            self._add(_SAVE, 2 * node.number + 1)
        elif isinstance(node, Alt):
            self._emit_alternatives(node.parts)
        else:
            self._emit_repeat(node)

    def _emit_alternatives(self, parts: Sequence[Node]) -> None:
        ends = []
        for part in parts[:-1]:
            split = self._add(_SPLIT, ())
            self._emit(part)
            ends.append(self._add(_SPLIT, ()))
            self.code[split] = _SPLIT, (split + 1, len(self.code))
        self._emit(parts[-1])
        for end in ends:
            self.code[end] = _SPLIT, (len(self.code),)

    def _emit_repeat(self, node: Repeat) -> None:
        copies = node.least if node.most is not None else max(node.least - 1, 0)
        for _ in range(copies):
            self._emit(node.part)
        if node.most is None:
            self._emit_loop(node)
            return
        splits = []
        for _ in range(node.most - node.least):
            splits.append(self._add(_SPLIT, ()))
            self._emit(node.part)
        for split in splits:
            self._set_split(split, len(self.code), node.is_greedy)

    def _emit_loop(self, node: Repeat) -> None:
        # RE2 takes x* for (x+)? if x may be empty: an empty x ends the loop.
        skip = self._add(_SPLIT, ()) if not node.least else None
        begin = len(self.code)
        self._emit(node.part)
        if skip is not None and not is_nullable(node.part):
            self._add(_SPLIT, (skip,))
        else:
            again = self._add(_SPLIT, ())
            end = len(self.code)
            self.code[again] = _SPLIT, (begin, end) if node.is_greedy else (end, begin)
        if skip is not None:
            self._set_split(skip, len(self.code), node.is_greedy)

    def _set_split(self, split: int, end: int, is_greedy: bool) -> None:
        self.code[split] = _SPLIT, (split + 1, end) if is_greedy else (end, split + 1)

    def is_possible(self, text: str, start: int = 0, is_full: bool = False) -> bool | None:
        """True if there is a match, with the arguments of `match`; None if only `match` can decide."""
        if self._needs_neighbors:
            return None
        state = self._state({0}, is_full, start == 0)
        for at in range(start, len(text)):
            if state.accepts and not is_full:
                return True
            letter = text[at]
            following = state.following.get(letter)
            if following is None:
                if len(self._states) > MOST_STATES:
                    return None
                places = {p + 1 for p in state.places if self._takes(p, letter)}
                following = self._state(places if is_full else {*places, 0}, is_full, False)
                state.following[letter] = following
            state = following
            if not state.entries:
                return False
        return state.accepts or self._accepts(self._reached(state.entries, state.is_start, True))

    def _state(self, entries: set[int], is_full: bool, is_start: bool) -> State:
        """The state with these active instructions."""
        key = frozenset(entries), is_full, is_start
        state = self._states.get(key)
        if state is None:
            places = self._reached(key[0], is_start, False)
            state = self._states[key] = State(key[0], is_start, places, self._accepts(places))
        return state

    def _accepts(self, places: frozenset[int]) -> bool:
        return any(self.code[place][0] == _MATCH for place in places)

    def _reached(self, entries: frozenset[int], is_start: bool, is_end: bool) -> frozenset[int]:
        """The instructions that take a character or match, reached through splits, saves and the ends of the text."""
        passes = {"text": is_start, "end_text": is_end}
        seen: set[int] = set()
        stack = list(entries)
        while stack:
            place = stack.pop()
            if place in seen:
                continue
            seen.add(place)
            kind, operand = self.code[place]
            if kind == _SPLIT:
                stack.extend(operand)  # type: ignore[arg-type]
            elif kind == _SAVE or kind == _AT and passes[operand]:  # type: ignore[index]
                stack.append(place + 1)
        return frozenset(place for place in seen if self.code[place][0] in (_CHAR, _MATCH))

    def _takes(self, place: int, letter: str) -> bool:
        """True if an instruction takes a character."""
        kind, ranges = self.code[place]
        if kind != _CHAR:
            return False
        fits = self._fits[place].get(letter)
        if fits is None:
            fits = self._fits[place][letter] = _holds(ranges, letter)  # type: ignore[arg-type]
        return fits

    def match(self, text: str, start: int = 0, is_full: bool = False) -> Spans | None:
        """The spans of the first match from `start` on, [start, end] of each group, -1 for none.

        Args:
          text: what is searched.
          start: the first place where a match may begin.
          is_full: whether it must begin there and end with the text.

        Returns:
          The spans; None without a match.
        """
        if self.is_possible(text, start, is_full) is False:
            return None
        best: Spans | None = None
        threads: list[tuple[int, Spans]] = []
        size, empty = len(text), [-1] * (2 * self.groups + 2)
        for at in range(start, size + 1):
            if best is None and (not is_full or at == start):
                self._follow(threads, 0, text, at, empty)
            if not threads:
                if best is not None or is_full:
                    break
                continue
            letter = text[at] if at < size else ""
            following: list[tuple[int, Spans]] = []
            seen: set[int] = set()
            for place, spans in threads:
                if self.code[place][0] == _MATCH:
                    if is_full and at < size:
                        continue
                    best = spans
                    break
                if not letter:
                    continue
                if self._takes(place, letter):
                    self._follow(following, place + 1, text, at + 1, spans, seen)
            threads = following
        return best

    def _follow(
        self,
        threads: list[tuple[int, Spans]],
        place: int,
        text: str,
        at: int,
        spans: Spans,
        seen: set[int] | None = None,
    ) -> None:
        """Adds the instructions reachable without taking a character, preferred ways first."""
        if seen is None:
            seen = {instruction for instruction, _ in threads}
        stack = [(place, spans)]
        while stack:
            place, spans = stack.pop()
            if place in seen:
                continue
            seen.add(place)
            kind, operand = self.code[place]
            if kind == _SPLIT:
                stack.extend((target, spans) for target in reversed(operand))  # type: ignore[call-overload]
            elif kind == _SAVE:
                spans = spans.copy()
                spans[operand] = at  # type: ignore[call-overload]
                stack.append((place + 1, spans))
            elif kind == _AT:
                if PLACES[operand](text, at):  # type: ignore[index]
                    stack.append((place + 1, spans))
            else:
                threads.append((place, spans))


def _holds(ranges: Ranges, letter: str) -> bool:
    code = ord(letter)
    return any(low <= code <= high for low, high in ranges)


def _is_word(text: str, at: int) -> bool:
    return 0 <= at < len(text) and text[at].isascii() and (text[at].isalnum() or text[at] == "_")


PLACES: dict[object, Callable[[str, int], bool]] = {
    "text": lambda text, at: at == 0,
    "line": lambda text, at: at == 0 or text[at - 1] == "\n",
    "end_text": lambda text, at: at == len(text),
    "end_line": lambda text, at: at == len(text) or text[at] == "\n",
    "word": lambda text, at: _is_word(text, at - 1) != _is_word(text, at),
    "no_word": lambda text, at: _is_word(text, at - 1) == _is_word(text, at),
}
