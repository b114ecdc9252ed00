"""RE2's syntax of regular expressions, parsed to a tree.

    node := Chars(ranges, is_byte)           one character of these, or any byte
          | Cat(parts) | Alt(parts)
          | Repeat(part, least, most, is_greedy)   most is None for no bound
          | Group(part, number)              number is None for a group that is not captured
          | At(kind)                         "text", "line", "end_text", "end_line", "word", "no_word"

Reference: https://github.com/google/re2/wiki/Syntax.
"""

from dataclasses import replace
from typing import TypeAlias

from penstock._src.ops.strings.re2 import characters
from penstock._src.ops.strings.re2.characters import Ranges
from penstock._src.util.dataclass import dataclass

MOST_REPEATS = 1000
# Nested groups: more would exhaust Python's stack.
MOST_DEPTH = 200


@dataclass(frozen=True)
class Chars:
    """One character of some ranges, or one byte."""

    ranges: Ranges
    is_byte: bool = False


@dataclass(frozen=True)
class Cat:
    """Parts one after the other."""

    parts: tuple["Node", ...]


@dataclass(frozen=True)
class Alt:
    """The first part that matches."""

    parts: tuple["Node", ...]


@dataclass(frozen=True)
class Repeat:
    """A part several times."""

    part: "Node"
    least: int
    most: int | None
    is_greedy: bool


@dataclass(frozen=True)
class Group:
    """A part, whose match is captured if it has a number."""

    part: "Node"
    number: int | None


@dataclass(frozen=True)
class At:
    """A position in the text."""

    kind: str


Node: TypeAlias = Chars | Cat | Alt | Repeat | Group | At


class PatternError(ValueError):
    """A pattern that RE2 rejects; the message is RE2's."""


@dataclass(frozen=True)
class _Flags:
    ignores_case: bool = False
    many_lines: bool = False
    dot_is_all: bool = False
    is_lazy: bool = False


_FLAGS = {"i": "ignores_case", "m": "many_lines", "s": "dot_is_all", "U": "is_lazy"}
_ESCAPED = {"a": 7, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11}


def parse(pattern: str) -> tuple[Node, int]:
    """Parses a pattern.

    Returns:
      (tree, number of captured groups)

    Raises:
      PatternError: it cannot be parsed.
    """
    parser = _Parser(pattern)
    tree = parser.alternatives(_Flags(), 0)
    if parser.at < len(pattern):
        raise PatternError(f"unexpected ): {pattern}")
    return tree, parser.groups


class _Parser:
    def __init__(self, pattern: str) -> None:
        self.pattern, self.at, self.groups = pattern, 0, 0
        self.names: set[str] = set()

    def peek(self, text: str) -> bool:
        return self.pattern.startswith(text, self.at)

    def take(self, text: str) -> bool:
        is_next = self.peek(text)
        self.at += len(text) if is_next else 0
        return is_next

    def rest(self) -> str:
        return self.pattern[self.at :]

    # -- structure

    def alternatives(self, flags: _Flags, depth: int) -> Node:
        """Parses the content of parentheses; flags that it sets hold to its end."""
        if depth > MOST_DEPTH:
            raise PatternError("expression nests too deeply")
        branches: list[Node] = []
        parts: list[Node] = []
        while self.at < len(self.pattern) and not self.peek(")"):
            if self.take("|"):
                branches.append(Cat(tuple(parts)))
                parts = []
            elif self.take("\\Q"):
                text, _, _ = self.rest().partition("\\E")
                self.at += len(text)
                self.take("\\E")
                parts += [self.chars(ord(c), flags) for c in text]
            elif self.take("\\E"):
                continue
            elif self.peek("(?") and (changed := self.flags(flags)) is not None:
                flags = changed
            else:
                parts.append(self.repeated(self.atom(flags, depth), flags))
        branches.append(Cat(tuple(parts)))
        return branches[0] if len(branches) == 1 else Alt(tuple(branches))

    def flags(self, flags: _Flags) -> _Flags | None:
        """Takes "(?flags)"; None if something else stands there."""
        start = self.at
        letters = self.flag_letters(flags)
        if letters is not None and self.take(")"):
            return letters
        self.at = start
        return None

    def flag_letters(self, flags: _Flags) -> _Flags | None:
        """Takes "(?flags", None if something else stands there."""
        self.at += 2
        is_set, is_empty = True, True
        while self.at < len(self.pattern):
            letter = self.pattern[self.at]
            if letter == "-" and is_set:
                is_set, is_empty = False, True
            elif letter in _FLAGS:
                flags, is_empty = replace(flags, **{_FLAGS[letter]: is_set}), False
            else:
                break
            self.at += 1
        return None if is_empty and not is_set else flags

    def atom(self, flags: _Flags, depth: int) -> Node:
        start = self.at
        letter = self.pattern[self.at]
        if letter == "(":
            return self.group(flags, depth)
        if letter == "[":
            return Chars(self.character_class(flags))
        if letter == "\\":
            return self.escape(flags)
        if letter in "*+?" or letter == "{" and self.bounds() is not None:
            self.at = max(self.at, start + 1)
            self.take("?")
            raise PatternError(
                f"no argument for repetition operator: {self.pattern[start : self.at]}"
            )
        self.at = start + 1
        if letter == ".":
            return Chars(characters.EVERY if flags.dot_is_all else characters.NO_NEWLINE)
        if letter == "^":
            return At("line" if flags.many_lines else "text")
        if letter == "$":
            return At("end_line" if flags.many_lines else "end_text")
        return self.chars(ord(letter), flags)

    def group(self, flags: _Flags, depth: int) -> Node:
        start, number = self.at, None
        if self.peek("(?P<"):
            name, end, _ = self.pattern[self.at + 4 :].partition(">")
            is_word = name and all(c == "_" or c.isalnum() for c in name)
            if not end or not is_word:
                raise PatternError(
                    f"invalid named capture group: {self.rest().partition('>')[0]}{end}"
                )
            if name in self.names:
                raise PatternError(f"duplicate capture group name: {name}")
            self.names.add(name)
            self.at += 5 + len(name)
            self.groups = number = self.groups + 1
        elif self.peek("(?"):
            letters = self.flag_letters(flags)
            if letters is None or not self.take(":"):
                raise PatternError(f"invalid perl operator: {self.pattern[start : self.at + 1]}")
            flags = letters
        else:
            self.at += 1
            self.groups = number = self.groups + 1
        inner = self.alternatives(flags, depth + 1)
        if not self.take(")"):
            raise PatternError(f"missing ): {self.pattern}")
        return Group(inner, number)

    # -- repetitions

    def bounds(self) -> tuple[int, int | None] | None:
        """Takes "{n}", "{n,}" or "{n,m}"; None if something else stands there."""
        if not self.peek("{"):
            return None
        inside, end, _ = self.pattern[self.at + 1 :].partition("}")
        least, comma, most = inside.partition(",")
        if not end or not _is_number(least) or most and not _is_number(most):
            return None
        self.at += len(inside) + 2
        return int(least), (int(most) if most else None) if comma else int(least)

    def operator(self) -> tuple[int, int | None] | None:
        for sign, bounds in (("*", (0, None)), ("+", (1, None)), ("?", (0, 1))):
            if self.take(sign):
                return bounds
        return self.bounds()

    def repeated(self, part: Node, flags: _Flags) -> Node:
        start = self.at
        bounds = self.operator()
        if bounds is None:
            return part
        least, most = bounds
        is_greedy = self.take("?") == flags.is_lazy
        if max(least, most or 0) > MOST_REPEATS or most is not None and most < least:
            raise PatternError(f"invalid repetition size: {self.pattern[start : self.at]}")
        if self.operator() is not None:
            self.take("?")
            raise PatternError(f"bad repetition operator: {self.pattern[start : self.at]}")
        repetition = Repeat(part, least, most, is_greedy)
        if _repeats(repetition) > MOST_REPEATS:
            raise PatternError(f"invalid repetition size: {self.pattern[start : self.at]}")
        return repetition

    # -- characters

    def chars(self, code: int, flags: _Flags) -> Chars:
        ranges: Ranges = ((code, code),)
        return Chars(characters.folded(ranges) if flags.ignores_case else ranges)

    def escape(self, flags: _Flags) -> Node:
        places = {"A": "text", "z": "end_text", "b": "word", "B": "no_word"}
        letter = self.pattern[self.at + 1 : self.at + 2]
        if letter in places and letter:
            self.at += 2
            return At(places[letter])
        if letter == "C":
            self.at += 2
            return Chars(characters.EVERY, is_byte=True)
        ranges = self.class_escape(flags)
        return Chars(ranges) if ranges is not None else self.chars(self.code(), flags)

    def class_escape(self, flags: _Flags) -> Ranges | None:
        """Parses an escape for a class of characters, None if it is another one."""
        letter = self.pattern[self.at + 1 : self.at + 2]
        if letter and letter.lower() in characters.PERL:
            self.at += 2
            return self.folded(characters.PERL[letter.lower()], letter.isupper(), flags)
        if not letter or letter not in "pP":
            return None
        start = self.at
        self.at += 2
        if self.take("{"):
            name, end, _ = self.rest().partition("}")
            if not end:
                raise PatternError(f"invalid character class range: {self.pattern[start:]}")
            self.at += len(name) + 1
        else:
            name = self.rest()[:1]
            self.at += 1
        is_negated = (letter == "P") != name.startswith("^")
        ranges = characters.property_ranges(name.removeprefix("^"))
        if ranges is None:
            raise PatternError(f"invalid character class range: {self.pattern[start : self.at]}")
        return self.folded(ranges, is_negated, flags)

    def folded(self, ranges: Ranges, is_negated: bool, flags: _Flags) -> Ranges:
        """A named class under flags; cases are joined before it is negated."""
        ranges = characters.folded(ranges) if flags.ignores_case else ranges
        return characters.negated(ranges) if is_negated else ranges

    def code(self) -> int:
        """Parses an escape for one character."""
        start = self.at
        letter = self.pattern[self.at + 1 : self.at + 2]
        if not letter:
            raise PatternError("trailing \\")
        self.at += 2
        if letter in _ESCAPED:
            return _ESCAPED[letter]
        if letter == "x":
            return self.hexadecimal(start)
        following = self.rest()[:1]
        if letter == "0" or letter in "1234567" and following and following in "01234567":
            digits = letter
            while len(digits) < 3 and self.rest()[:1] and self.rest()[0] in "01234567":
                digits += self.rest()[0]
                self.at += 1
            return int(digits, 8)
        if ord(letter) < 128 and not letter.isalnum() and letter != "_":
            return ord(letter)
        raise PatternError(f"invalid escape sequence: {self.pattern[start : self.at]}")

    def hexadecimal(self, start: int) -> int:
        if self.take("{"):
            digits, end, _ = self.rest().partition("}")
            self.at += len(digits) + 1
        else:
            digits, end = self.rest()[:2], self.rest()[:2][1:]
            self.at += 2
        if not end or not digits or any(c not in "0123456789abcdefABCDEF" for c in digits):
            raise PatternError(f"invalid escape sequence: {self.pattern[start : self.at]}")
        if int(digits, 16) > 0x10FFFF:
            raise PatternError(f"invalid escape sequence: {self.pattern[start : self.at]}")
        return int(digits, 16)

    def character_class(self, flags: _Flags) -> Ranges:
        start = self.at
        self.at += 1
        is_negated = self.take("^")
        ranges: Ranges = ()
        is_first = True
        while is_first or not self.peek("]"):
            if self.at >= len(self.pattern):
                raise PatternError(f"missing ]: {self.pattern[start:]}")
            ranges += self.class_part(flags)
            is_first = False
        self.at += 1
        ranges = characters.merged(ranges)
        if flags.ignores_case:
            ranges = characters.folded(ranges)
        return characters.negated(ranges) if is_negated else ranges

    def class_part(self, flags: _Flags) -> Ranges:
        """Takes a named class, an escape, a character or a range in brackets."""
        start = self.at
        if self.peek("[:"):
            name, end, _ = self.pattern[self.at + 2 :].partition(":]")
            if end:
                self.at += len(name) + 4
                ranges = characters.POSIX.get(name.removeprefix("^"))
                if ranges is None:
                    raise PatternError(f"invalid character class range: [:{name}:]")
                return self.folded(ranges, name.startswith("^"), flags)
        if self.peek("\\"):
            many = self.class_escape(flags)
            if many is not None:
                return many
        low = self.class_code()
        high = low
        if self.peek("-") and self.rest()[1:2] not in ("]", ""):
            self.at += 1
            high = self.class_code()
            if high < low:
                raise PatternError(
                    f"invalid character class range: {self.pattern[start : self.at]}"
                )
        return ((low, high),)

    def class_code(self) -> int:
        if self.at >= len(self.pattern):
            raise PatternError(f"missing ]: {self.pattern}")
        if self.peek("\\"):
            return self.code()
        self.at += 1
        return ord(self.pattern[self.at - 1])


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 9


def _repeats(node: Node) -> int:
    """The number of copies of the innermost expression in nested repetitions."""
    if isinstance(node, Repeat):
        return max(node.least, node.most or 0, 1) * _repeats(node.part)
    if isinstance(node, Group):
        return _repeats(node.part)
    if isinstance(node, Cat | Alt):
        return max(map(_repeats, node.parts), default=1)
    return 1
