"""A pattern as a nondeterministic program over bytes, which takes characters as RE2 does.

RE2 encodes ranges of characters in UTF-8 without regard to surrogates, and takes some malformed bytes for characters beyond ASCII if a range has all of these.
"""

from dataclasses import replace
from typing import TypeAlias

from penstock._src.ops.strings.re2.characters import LAST
from penstock._src.ops.strings.re2.parsing import Alt, At, Cat, Chars, Group, Node, Repeat
from penstock._src.util.dataclass import dataclass

MOST_INSTRUCTIONS = 20_000
_CONTINUATION = (0x80, 0xBF)
# Lead bytes of characters of two to four bytes, where a range has all characters beyond ASCII.
_LEADS = ((0xC2, 0xDF), (0xE0, 0xEF), (0xF0, 0xF4))
_LAST_OF_SIZE = (0x7F, 0x7FF, 0xFFFF, LAST)

ByteRanges: TypeAlias = tuple[tuple[int, int], ...]


class TooLarge(Exception):
    """A program or automaton beyond its bound."""


@dataclass(frozen=True)
class Take:
    """Takes a byte from `low` to `high`, and goes on with another instruction."""

    low: int
    high: int
    target: int


@dataclass(frozen=True)
class Split:
    """Goes on with several instructions, the preferred one first."""

    targets: tuple[int, ...]


@dataclass(frozen=True)
class Assert:
    """Goes on with another instruction at positions of a kind of `At`."""

    kind: str
    target: int


@dataclass(frozen=True)
class Save:
    """Keeps the position as the begin or end of a group, and goes on with another instruction."""

    slot: int
    target: int


@dataclass(frozen=True)
class Match:
    """The end of a match."""


Instruction: TypeAlias = Take | Split | Assert | Save | Match


def program(tree: Node, saves_groups: bool = False) -> tuple[list[Instruction], int]:
    """The instructions of a pattern, and the index of the first one.

    Args:
      tree: of the pattern.
      saves_groups: whether to keep the positions of captured groups.

    Raises:
      TooLarge: it has more than MOST_INSTRUCTIONS.
    """
    writer = _Writer(saves_groups)
    begin = writer.node(tree, writer.add(Match()))
    return writer.code, begin


class _Writer:
    """Writes a pattern from its end to its begin: each part is given the instruction that follows it."""

    def __init__(self, saves_groups: bool) -> None:
        self.code: list[Instruction] = []
        self.saves_groups = saves_groups

    def add(self, instruction: Instruction) -> int:
        if len(self.code) >= MOST_INSTRUCTIONS:
            raise TooLarge
        self.code.append(instruction)
        return len(self.code) - 1

    def node(self, node: Node, following: int) -> int:
        """Adds a part of the pattern; the index of its first instruction."""
        if isinstance(node, Chars):
            return self.chars(node, following)
        if isinstance(node, At):
            return self.add(Assert(node.kind, following))
        if isinstance(node, Group):
            return self.group(node, following)
        if isinstance(node, Alt):
            return self.add(Split(tuple([self.node(part, following) for part in node.parts])))
        if isinstance(node, Repeat):
            return self.repeat(node, following)
        for part in reversed(node.parts):
            following = self.node(part, following)
        return following

    def group(self, node: Group, following: int) -> int:
        if node.number is None or not self.saves_groups:
            return self.node(node.part, following)
        end = self.add(Save(2 * node.number + 1, following))
        return self.add(Save(2 * node.number, self.node(node.part, end)))

    def chars(self, node: Chars, following: int) -> int:
        if node.is_byte:
            return self.add(Take(0, 0xFF, following))
        sequences = [sequence for part in node.ranges for sequence in utf8_sequences(*part)]
        return self.sequences(tuple(sequences), {((),): following})

    def sequences(
        self, sequences: tuple[ByteRanges, ...], known: dict[tuple[ByteRanges, ...], int]
    ) -> int:
        """Adds alternative sequences, whose first bytes are equal or disjoint; equal sets of ends are the same instructions."""
        index = known.get(sequences)
        if index is None:
            ends: dict[tuple[int, int], list[ByteRanges]] = {}
            for first, *end in sequences:
                ends.setdefault(first, []).append(tuple(end))
            takes = [
                self.add(Take(*first, self.sequences(tuple(end), known)))
                for first, end in ends.items()
            ]
            index = takes[0] if len(takes) == 1 else self.add(Split(tuple(takes)))
            known[sequences] = index
        return index

    def choice(self, preferred: int, other: int, is_greedy: bool) -> Split:
        return Split((preferred, other) if is_greedy else (other, preferred))

    def repeat(self, node: Repeat, following: int) -> int:
        if node.most is None:
            first = self.loop(node, following)
            copies = max(node.least - 1, 0)
        else:
            first = following
            for _ in range(node.most - node.least):
                part = self.node(node.part, first)
                first = self.add(self.choice(part, following, node.is_greedy))
            copies = node.least
        for _ in range(copies):
            first = self.node(node.part, first)
        return first

    def loop(self, node: Repeat, following: int) -> int:
        loop = self.add(Match())  # until its part is known
        part = self.node(node.part, loop)
        self.code[loop] = self.choice(part, following, node.is_greedy)
        if node.least:
            return part
        # RE2 takes x* for (x+)? if x may be empty: an empty x ends the loop.
        if is_nullable(node.part):
            return self.add(self.choice(part, following, node.is_greedy))
        return loop


def is_nullable(node: Node) -> bool:
    """True if a part may match without taking a byte."""
    if isinstance(node, Chars):
        return False
    if isinstance(node, Group):
        return is_nullable(node.part)
    if isinstance(node, Cat):
        return all(map(is_nullable, node.parts))
    if isinstance(node, Alt):
        return any(map(is_nullable, node.parts))
    return not node.least or is_nullable(node.part) if isinstance(node, Repeat) else True


def utf8_sequences(low: int, high: int) -> list[ByteRanges]:
    """The encodings of the characters of a range, as sequences of ranges of bytes."""
    if low <= 0x80 and high == LAST:
        ascii_bytes: list[ByteRanges] = [((low, 0x7F),)] if low < 0x80 else []
        longer = [(lead, *[_CONTINUATION] * (at + 1)) for at, lead in enumerate(_LEADS)]
        return ascii_bytes + longer
    for last in _LAST_OF_SIZE:
        if low <= last < high:
            return utf8_sequences(low, last) + utf8_sequences(last + 1, high)
    if high <= 0x7F:
        return [((low, high),)]
    for bits in (6, 12, 18):
        rest = (1 << bits) - 1
        if low | rest >= high:
            continue
        if low & rest:
            return utf8_sequences(low, low | rest) + utf8_sequences((low | rest) + 1, high)
        if high & rest != rest:
            return utf8_sequences(low, (high & ~rest) - 1) + utf8_sequences(high & ~rest, high)
    return [tuple(zip(_encoded(low), _encoded(high), strict=True))]


def of_bytes(node: Node) -> Node:
    """A pattern that matches the bytes of what another one matches, as characters up to 255."""
    if isinstance(node, Chars):
        if node.is_byte:
            return Chars(((0, 0xFF),))
        sequences = [sequence for part in node.ranges for sequence in utf8_sequences(*part)]
        return Alt(tuple([Cat(tuple([Chars((byte,)) for byte in s])) for s in sequences]))
    if isinstance(node, Cat):
        return Cat(tuple(map(of_bytes, node.parts)))
    if isinstance(node, Alt):
        return Alt(tuple(map(of_bytes, node.parts)))
    if isinstance(node, Group):
        return Group(of_bytes(node.part), node.number)
    return replace(node, part=of_bytes(node.part)) if isinstance(node, Repeat) else node


def size_of_first(text: str) -> int:
    """The number of bytes of the character at the begin of up to four bytes; 1 if it is malformed.

    Args:
      text: bytes as characters up to 255.
    """
    encoded = text.encode("latin-1")
    for size in range(1, len(encoded) + 1):
        try:
            encoded[:size].decode("utf-8", "surrogatepass")
        except UnicodeDecodeError:
            continue
        return size
    return 1


def _encoded(code: int) -> bytes:
    return chr(code).encode("utf-8", "surrogatepass")
