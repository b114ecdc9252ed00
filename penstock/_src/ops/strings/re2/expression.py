"""A pattern of RE2's: matched by Python's `re` where that provably takes few steps, else by the linear machine."""

import functools
import re
from collections.abc import Callable

from penstock._src.native.algorithms.texts.patterns import captures
from penstock._src.native.algorithms.texts.patterns.automata import Automaton
from penstock._src.native.systems import runs_native_code
from penstock._src.ops.strings.re2 import characters
from penstock._src.ops.strings.re2.automaton import automaton, program_of_groups
from penstock._src.ops.strings.re2.byte_program import of_bytes, size_of_first
from penstock._src.ops.strings.re2.characters import Ranges
from penstock._src.ops.strings.re2.machine import MOST_INSTRUCTIONS, Machine
from penstock._src.ops.strings.re2.parsing import (
    Alt,
    At,
    Cat,
    Chars,
    Group,
    Node,
    PatternError,
    Repeat,
    parse,
)
from penstock._src.util.dataclass import dataclass

# Steps of `re` for one text, a tenth of a second.
MOST_STEPS = 10_000_000
_NEVER = float("inf")
_PLACES = {
    "text": r"\A",
    "line": r"(?:(?<![\s\S])|(?<=\n))",
    "end_text": r"\Z",
    "end_line": r"(?:(?![\s\S])|(?=\n))",
    "word": r"\b",
    "no_word": r"(?:(?<=\w)(?=\w)|(?<!\w)(?!\w))",
}


@dataclass(frozen=True)
class Steps:
    """Bounds the steps of a backtracking match: `factor * size ** degree`."""

    factor: float
    degree: int


class Expression:
    """A pattern.

    Args:
      pattern: in RE2's syntax.
      by_bytes: whether characters of texts stand for bytes.

    Raises:
      PatternError: it cannot be parsed.

    Example:
      >>> from penstock._src.ops.strings.re2.expression import Expression
      >>> Expression("((a+)+)+b").matches("a" * 10_000)
      False
    """

    def __init__(self, pattern: str, by_bytes: bool = False) -> None:
        self.tree, self.groups = parse(pattern)
        self.sees_bytes = _sees_bytes(self.tree)
        self._by_bytes: Expression | None = None
        self._is_by_bytes = by_bytes
        if by_bytes:
            self.tree = of_bytes(self.tree)
        self.least = _least(self.tree)
        self.literal = _literal(self.tree)  # ASCII characters that every match contains
        full, search = _steps(self.tree), _steps(_without_last(self.tree))
        length = max(1, len(pattern))
        self._full = Steps(full.factor * length, max(1, full.degree))
        self._search = Steps(search.factor * length, search.degree + 1)
        self._machine: Machine | None = None
        self._automata: dict[bool, Automaton | None] = {}
        self._program: tuple[captures.Program | None] | None = None
        self._is_bounded = search.factor < MOST_STEPS
        self._pattern_text = pattern
        # By the last character of texts: sets of ASCII characters are faster.
        self._python: dict[int, re.Pattern[str]] = {}
        if self._is_bounded:
            self._pattern("")
        else:
            self.machine()

    def _takes_few(self, steps: Steps, size: int) -> bool:
        return self._is_bounded and steps.factor * max(size, 1) ** steps.degree <= MOST_STEPS

    def _pattern(self, text: str) -> re.Pattern[str]:
        """The pattern as one of Python's, for such texts."""
        last = characters.LAST_ASCII if text.isascii() else characters.LAST
        pattern = self._python.get(last)
        if pattern is None:
            pattern = self._python[last] = _compiled(_source(self.tree, last))
        return pattern

    def machine(self) -> Machine:
        """The linear machine of the pattern."""
        if self._machine is None:
            # Classes of characters are many instructions over bytes.
            most = MOST_INSTRUCTIONS * (20 if self._is_by_bytes else 1)
            self._machine = Machine(self.tree, self.groups, most)
        return self._machine

    def automaton(self, is_full: bool) -> Automaton | None:
        """The automaton of the pattern, for native code; None if there is no such code, or the automaton would be too large.

        Args:
          is_full: whether it is to match whole texts.
        """
        if not runs_native_code():
            return None
        if is_full not in self._automata:
            self._automata[is_full] = automaton(self.tree, is_full)
        return self._automata[is_full]

    def program(self) -> captures.Program | None:
        """The program that finds the groups of a match of the automaton; None if it would be too large."""
        if self._program is None:
            self._program = (program_of_groups(self.tree, self.groups),)
        return self._program[0]

    def reading(self, string: bytes) -> tuple["Expression", str, str]:
        """The expression that reads a string, the string as a text for it, and the encoding of that.

        A text is a string's characters if it has no malformed ones, and the pattern does not tell bytes apart; else its bytes.
        """
        try:
            if not self.sees_bytes or string.isascii():
                return self, string.decode(), "utf-8"
        except UnicodeDecodeError:
            pass
        return self.by_bytes(), string.decode("latin-1"), "latin-1"

    def by_bytes(self) -> "Expression":
        """The expression for texts whose characters stand for bytes."""
        if self._by_bytes is None:
            self._by_bytes = Expression(self._pattern_text, by_bytes=True)
        return self._by_bytes

    def matches(self, text: str) -> bool:
        """True if the pattern matches the whole text."""
        if self._takes_few(self._full, len(text)):
            return self._pattern(text).fullmatch(text) is not None
        possible = self.machine().is_possible(text, 0, True)
        return self.machine().match(text, 0, True) is not None if possible is None else possible

    def find(self, text: str, start: int) -> list[int] | None:
        """The spans of the first match starting at a position, [start, end] of each group, -1 for none; None without a match."""
        if not self._takes_few(self._search, len(text)):
            return self.machine().match(text, start)
        match = self._pattern(text).search(text, start)
        return match and [at for group in range(self.groups + 1) for at in match.span(group)]

    def replaced(
        self, text: str, rewrite: Callable[[str, list[int]], str], everywhere: bool
    ) -> str:
        """The text with the first match, or all of them, replaced.

        Args:
          text: what is searched.
          rewrite: takes the text and the spans of a match, and returns what stands there instead.
          everywhere: whether all matches are replaced.

        Returns:
          The new text.
        """
        pieces: list[str] = []
        at, last = 0, -1
        while at <= len(text):
            spans = self.find(text, at)
            if spans is None:
                break
            start, end = spans[:2]
            pieces.append(text[at:start])
            if start == end == last:  # no empty match where one has just ended
                at = start + (size_of_first(text[start : start + 4]) if self._is_by_bytes else 1)
                pieces.append(text[start:at])
                continue
            pieces.append(rewrite(text, spans))
            at = last = end
            if not everywhere:
                break
        return "".join(pieces) + text[at:]

    def substituted(self, text: str, template: str) -> str | None:
        """`replaced` everywhere by a template of `re`, which is faster; None where that takes many steps or differs."""
        if not self.least or self._is_by_bytes or not self._takes_few(self._search, len(text)):
            return None
        return self._pattern(text).sub(template, text)

    def ascii_matcher(self, size: int) -> Callable[[str], object] | None:
        """`matches` for ASCII texts up to a size, faster; None where that takes many steps."""
        return self._pattern("").fullmatch if self._takes_few(self._full, size) else None

    def ascii_substitution(self, template: str, size: int) -> Callable[[str], str] | None:
        """`substituted` by a template for ASCII texts up to a size, faster; None where that takes many steps or differs."""
        if not self.least or not self._takes_few(self._search, size):
            return None
        return functools.partial(self._pattern("").sub, template)


@functools.lru_cache(maxsize=1024)
def expression(pattern: str) -> Expression:
    """The expression of a pattern, kept."""
    return Expression(pattern)


def _compiled(source: str) -> re.Pattern[str]:
    try:
        return re.compile(source, re.ASCII)
    except (re.error, OverflowError, RecursionError) as error:
        raise PatternError(f"pattern too large - compile failed ({error})") from None


# -- as a pattern of Python's


def _source(node: Node, last: int) -> str:
    """A pattern that matches the same in texts of characters up to the last one."""
    if isinstance(node, Chars):
        return _set(tuple((low, min(high, last)) for low, high in node.ranges if low <= last))
    if isinstance(node, At):
        return _PLACES[node.kind]
    if isinstance(node, Cat):
        return "".join([_source(part, last) for part in node.parts])
    if isinstance(node, Alt):
        return f"(?:{'|'.join([_source(part, last) for part in node.parts])})"
    if isinstance(node, Group):
        return f"({'?:' if node.number is None else ''}{_source(node.part, last)})"
    most = "" if node.most is None else str(node.most)
    part = _source(node.part, last)
    inner = part if isinstance(node.part, Chars) else f"(?:{part})"
    return f"{inner}{{{node.least},{most}}}{'' if node.is_greedy else '?'}"


def _set(ranges: Ranges) -> str:
    if len(ranges) == 1 and ranges[0][0] == ranges[0][1]:
        return re.escape(chr(ranges[0][0]))
    if not ranges:
        return "(?!)"
    return "[" + "".join(f"{_escaped(low)}-{_escaped(high)}" for low, high in ranges) + "]"


def _escaped(code: int) -> str:
    return f"\\U{code:08x}"


# -- bounds


def _sees_bytes(node: Node) -> bool:
    """True if a pattern may begin or end a match within a character."""
    if isinstance(node, Chars):
        return node.is_byte
    if isinstance(node, Cat | Alt):
        return any(map(_sees_bytes, node.parts))
    if isinstance(node, Group | Repeat):
        return _sees_bytes(node.part)
    return node.kind == "no_word"


def _least(node: Node) -> int:
    """The length of the shortest match."""
    if isinstance(node, Chars):
        return 1
    if isinstance(node, Cat):
        return sum(map(_least, node.parts))
    if isinstance(node, Alt):
        return min(map(_least, node.parts))
    if isinstance(node, Group):
        return _least(node.part)
    return node.least * _least(node.part) if isinstance(node, Repeat) else 0


def _literal(node: Node) -> bytes:
    """The longest run of ASCII characters that every match contains, empty if none is known."""
    joined = "".join([character or "\x80" for character in _required(node)])
    return max(joined.split("\x80"), key=len).encode()


def _required(node: Node) -> list[str | None]:
    """The characters of every match in order, None where others may be between them."""
    if isinstance(node, Chars):
        is_one = len(node.ranges) == 1 and node.ranges[0][0] == node.ranges[0][1] < 0x80
        return [chr(node.ranges[0][0]) if is_one else None]
    if isinstance(node, Cat):
        return [character for part in node.parts for character in _required(part)]
    if isinstance(node, Group):
        return _required(node.part)
    if isinstance(node, Repeat) and node.least:
        return [None, *_required(node.part), None]
    return [] if isinstance(node, At) else [None]


def _steps(node: Node) -> Steps:
    """The number of ways that a backtracking matcher may try."""
    if isinstance(node, Chars | At):
        return Steps(1, 0)
    if isinstance(node, Group):
        return _steps(node.part)
    if isinstance(node, Repeat):
        return _steps_of_repeat(node)
    parts = [_steps(part) for part in node.parts]
    if isinstance(node, Alt):
        return Steps(sum(p.factor for p in parts), max(p.degree for p in parts))
    factor, degree = 1.0, 0
    for part in parts:
        factor, degree = factor * part.factor, degree + part.degree
    return Steps(factor, degree)


def _steps_of_repeat(node: Repeat) -> Steps:
    inner = _steps(node.part)
    is_single = inner == Steps(1, 0) and _least(node.part) > 0
    if is_single:
        return Steps(1, 1) if node.most is None else Steps(node.most - node.least + 1, 0)
    if node.most is None or node.most > 20:
        return Steps(_NEVER, 0)
    most = max(node.most, 1)
    return Steps((inner.factor + 1) ** most, inner.degree * most)


def _without_last(node: Node) -> Node:
    """The pattern without a repetition of one character at its end: nothing can fail after it, so nothing is tried again."""
    if isinstance(node, Cat) and node.parts:
        return Cat((*node.parts[:-1], _without_last(node.parts[-1])))
    if isinstance(node, Group):
        return Group(_without_last(node.part), node.number)
    if isinstance(node, Repeat) and node.most is None and isinstance(node.part, Chars):
        return Cat((node.part,) * min(node.least, 1))
    return node
