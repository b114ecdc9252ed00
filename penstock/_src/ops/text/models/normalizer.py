"""The model of FastBertNormalizer: the replacement of each character.

A value of the trie, whose texts are single characters, has bit 30, the length of the new bytes in its lowest 6 bits, and where they begin in a pool above them.
"""

import functools
import unicodedata
from collections.abc import Callable, Iterator

import numpy as np

from penstock._src.native.algorithms.texts.replacing import Replacements
from penstock._src.ops.text.characters.normalization import folded, is_ignorable
from penstock._src.ops.text.models.double_array import Trie, build
from penstock._src.ops.text.models.flatbuffer import Table, write
from penstock._src.util.process import forks

_CHANGES = 1 << 30
_LENGTH_BITS = 6
_CONTROLS = ("Cc", "Cf")
# Behind the last letters there are tags and variation selectors, and nothing else that has a name.
_LAST_LETTERS = 0x32000
_TAGS = range(0xE0000, 0xE1000)
_HANGUL = range(0xAC00, 0xD7A4)


class NormalizerModel:
    """A model that is read.

    Args:
      trie: of characters; None if none changes.
      zero: the value of the character that no trie has.
      pool: the bytes that characters become.
    """

    def __init__(self, trie: Trie | None, zero: int, pool: bytes) -> None:
        self._trie, self._zero, self._pool = trie, zero, pool
        self.replacements = Replacements(lambda points: [self.new(point) for point in points])

    def new(self, point: int) -> bytes | None:
        """The replacement of a code point; None if it stays. Malformed bytes, which are negative, stay."""
        if point < 0 or 0xD800 <= point < 0xE000:
            return None
        value = self._zero
        if point:
            node = self._trie.walk(chr(point).encode()) if self._trie is not None else -1
            value = self._trie.value(node) if self._trie is not None and node >= 0 else 0
        if value < 0 or not value & _CHANGES:
            return None
        size, begin = value & 63, (value & ~_CHANGES) >> _LENGTH_BITS
        return self._pool[begin : begin + size] if begin + size <= len(self._pool) else None

    @forks.cached_property
    def known(self) -> "_New":
        """The replacements of the code points seen so far."""
        return _New(self.new)


class _New(dict):
    def __init__(self, new: Callable[[int], bytes | None]) -> None:
        super().__init__()
        self._new = new

    def __missing__(self, point: int) -> bytes | None:
        replacement = self[point] = self._new(point)
        return replacement


def read(data: bytes) -> NormalizerModel:
    """The model in bytes.

    Raises:
      DataLossError: they are none.
    """
    table = Table(data, "FastBertNormalizer")
    units = table.array(1, np.uint32)
    trie = Trie(units) if len(units) else None
    return NormalizerModel(trie, table.scalar(2, form="<I"), table.array(3, np.uint8).tobytes())


def _that_may_change(lower_case: bool) -> Iterator[int]:
    category, decomposition = unicodedata.category, unicodedata.decomposition
    for point in (*range(1, 0xD800), *range(0xE000, _LAST_LETTERS), *_TAGS):
        character = chr(point)
        kind = category(character)
        if kind in _CONTROLS or (
            lower_case
            and (
                kind == "Mn"
                or decomposition(character)
                or is_ignorable(point)
                or character.casefold() != character
                or point in _HANGUL
            )
        ):
            yield point


def _normalized(character: str, lower_case: bool) -> str:
    if lower_case:
        lower = unicodedata.normalize("NFD", folded(character.encode()).decode())
        character = "".join(c for c in lower if unicodedata.category(c) != "Mn")
    return "".join(" " if unicodedata.category(c) in _CONTROLS else c for c in character)


@functools.cache
def build_model(lower_case: bool) -> bytes:
    """The bytes of a model.

    Args:
      lower_case: whether case is folded and accents are left out.
    """
    places, pool, values = {b" ": 0}, bytearray(b" "), {}
    for point in _that_may_change(lower_case):
        character = chr(point)
        replacement = _normalized(character, lower_case)
        if replacement == character:
            continue
        text = replacement.encode()
        if text not in places:
            places[text] = len(pool)
            pool += text
        values[character.encode()] = (
            _CHANGES | (places[text] << _LENGTH_BITS if text else 0) | len(text)
        )
    return write(
        [
            lower_case or None,
            build(values),
            np.uint32(_CHANGES | 1),
            np.frombuffer(bytes(pool), np.uint8),
        ]
    )
