"""Encodings of one to four bytes a character, as ICU reads them.

charsets.txt has a line for each: names, the codec of Python that is nearest, and where ICU differs from it (`tools/gen_charsets.py` records it).
"""

import functools
import pathlib
import re
from collections.abc import Iterator

import numpy as np

MALFORMED = -1
# The first byte is malformed alone, and the second one is read again.
_FIRST_ALONE = -2


class Charset:
    """An encoding without states.

    Attributes:
      ones: int32, the code points of the 256 bytes; MALFORMED for bytes that are not a character.
      leads: bytes that begin a character of several bytes.
    """

    def __init__(self, codec: str, leads: str, alone: str, longer: str, differences: str) -> None:
        self._codec = codec
        self.leads = _bytes_in(leads)
        self._alone = _bytes_in(alone)
        self._longer = [_bytes_in(part) for part in longer.split()]
        self._differences = dict(_runs(differences))
        self.ones = np.array([self._point(bytes([byte])) for byte in range(256)], np.int32)
        self._remembered = functools.lru_cache(maxsize=1 << 16)(self._point)

    def characters(self, s: bytes) -> Iterator[tuple[int, int]]:
        """The code point of each character of a string, and where it begins."""
        ones, at = self.ones.tolist(), 0
        while at < len(s):
            if s[at] not in self.leads:
                yield ones[s[at]], at
                at += 1
                continue
            point, size = self._of_several(s, at)
            yield point, at
            at += size

    def _of_several(self, s: bytes, at: int) -> tuple[int, int]:
        """The code point and the number of bytes of a character that begins with a lead."""
        size = 2
        if self._begins_longer(s[at : at + 2]):
            size = len(self._longer)
            rest = zip(s[at : at + size], self._longer, strict=False)
            if not all(byte in allowed for byte, allowed in rest):
                return MALFORMED, 1
        if at + size > len(s):
            return MALFORMED, len(s) - at
        if size == 2 and s[at + 1] in self._alone:
            return MALFORMED, 1
        point = self._remembered(s[at : at + size])
        return (MALFORMED, 1) if point == _FIRST_ALONE else (point, size)

    def _begins_longer(self, pair: bytes) -> bool:
        return (
            len(pair) == 2
            and bool(self._longer)
            and pair[0] in self._longer[0]
            and pair[1] in self._longer[1]
        )

    def _point(self, row: bytes) -> int:
        if row in self._differences:
            return self._differences[row]
        try:
            text = row.decode(self._codec)
        except UnicodeDecodeError:
            return MALFORMED
        return ord(text) if len(text) == 1 else MALFORMED


def charset(name: str) -> Charset | None:
    """The encoding of a name of `plain_name`; None if it is unknown."""
    line = _lines().get(name)
    return None if line is None else _of_line(line)


def plain_name(name: str) -> str:
    """A name without what ICU ignores in names: case, all but letters and digits, and zeros before other digits."""
    bare = re.sub("[^a-z0-9]", "", name.lower())
    return re.sub("(?<![0-9])0+(?=[0-9])", "", bare)


@functools.cache
def _of_line(line: str) -> Charset:
    return Charset(*(part.strip() for part in line.split("|")))


@functools.cache
def _lines() -> dict[str, str]:
    """What follows the names in the line of each name."""
    text = pathlib.Path(__file__).with_name("charsets.txt").read_text("ascii")
    found: dict[str, str] = {}
    for line in text.splitlines():
        names, rest = line.split("|", 1)
        found |= dict.fromkeys(names.split(), rest)
    return found


def _bytes_in(ranges: str) -> frozenset[int]:
    ends = [[int(end, 16) for end in part.split("-")] for part in ranges.split()]
    return frozenset(byte for low, high in ends for byte in range(low, high + 1))


def _runs(differences: str) -> Iterator[tuple[bytes, int]]:
    """Each string of bytes that ICU reads otherwise than Python's codec, and as what."""
    for run in differences.split():
        row, meaning = run.split("=")
        value, _, count = meaning.partition("*")
        first = int(row, 16)
        for step in range(int(count or 1)):
            marks = {"-": MALFORMED, "!": _FIRST_ALONE}
            point = marks[value] if value in marks else int(value, 16) + step
            yield (first + step).to_bytes(len(row) // 2, "big"), point
