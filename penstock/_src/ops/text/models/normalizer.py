"""The model of FastBertNormalizer: what each character becomes.

A value of the trie, whose texts are single characters, has bit 30, the length of the new bytes in its lowest 6 bits, and where they begin in a pool above them.
"""

import functools
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from penstock._src.ops.text.characters.normalization import folded, is_ignorable
from penstock._src.ops.text.models.double_array import Trie, build
from penstock._src.ops.text.models.flatbuffer import Table, write

_CHANGES = 1 << 30
_LENGTH_BITS = 6
_CONTROLS = ("Cc", "Cf")
# Behind the last letters there are tags and variation selectors, and nothing else that has a name.
_LAST_LETTERS = 0x32000
_TAGS = range(0xE0000, 0xE1000)
_HANGUL = range(0xAC00, 0xD7A4)


@dataclass
class NormalizerModel:
    """A model that is read.

    Attributes:
      sizes: of each code point, how many bytes it becomes; -1 for those that stay. The last entry is that of malformed bytes.
      begins: where these bytes begin in the pool.
      pool: all of them.
    """

    sizes: np.ndarray
    begins: np.ndarray
    pool: np.ndarray


def read(data: bytes) -> NormalizerModel:
    """The model in bytes.

    Raises:
      DataLossError: they are none.
    """
    table = Table(data, "FastBertNormalizer")
    units = table.array(1, np.uint32)
    pool = table.array(3, np.uint8)
    sizes, begins = np.full(0x110001, -1, np.int8), np.zeros(0x110001, np.int32)
    values = dict(Trie(units).items()) if len(units) else {}
    values[b"\0"] = table.scalar(2, form="<I")
    for text, value in values.items():
        try:
            character = text.decode()
        except UnicodeDecodeError:
            continue
        if len(character) == 1 and value & _CHANGES:
            size, begin = value & 63, (value & ~_CHANGES) >> _LENGTH_BITS
            if begin + size <= len(pool):
                sizes[ord(character)], begins[ord(character)] = size, begin
    return NormalizerModel(sizes, begins, pool)


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
        made = _normalized(character, lower_case)
        if made == character:
            continue
        text = made.encode()
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
