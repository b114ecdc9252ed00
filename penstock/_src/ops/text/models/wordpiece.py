"""The model of FastWordpieceTokenizer: a vocabulary as a trie.

A value of the trie is the number of a piece times 256, plus its length without the suffix indicator less 1, plus 2 ** 30 if it goes on within a word. Words are cut at the longest piece
from each place on; the failure links by which tensorflow-text finds the same pieces in one pass are not read, and those that are written say nothing.
"""

import functools
import unicodedata
from collections.abc import Sequence
from dataclasses import field

import numpy as np

from penstock._src.native.algorithms.texts.joining import Joiner
from penstock._src.native.algorithms.texts.table import PointTable
from penstock._src.native.algorithms.texts.wordpiece import Vocabulary
from penstock._src.native.algorithms.texts.words import APART, ORDINARY, SPACE
from penstock._src.ops.text.characters.whitespace import SPACES
from penstock._src.ops.text.models.double_array import Trie, build
from penstock._src.ops.text.models.flatbuffer import Table, write
from penstock._src.ops.text.pieces.memory import Memory, Piece
from penstock._src.util.dataclass import dataclass
from penstock._src.util.process import forks

_GOES_ON = 1 << 30
_MOST_CHARACTERS = 256
_NO_NODE = 0xFFFFFFFF
# BERT's ranges of Chinese characters.
_CHINESE = ((0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0x20000, 0x2A6DF), (0x2A700, 0x2B73F), (0x2B740, 0x2B81F), (0x2B820, 0x2CEAF), (0xF900, 0xFAFF), (0x2F800, 0x2FA1F))  # fmt: skip
_SPACES = frozenset(SPACES)
_ASCII_SYMBOLS = ((33, 47), (58, 64), (91, 96), (123, 126))


@functools.lru_cache(maxsize=1 << 16)
def _kind(point: int) -> int:
    if point in _SPACES:
        return SPACE
    ranges = _ASCII_SYMBOLS if point < 0x80 else _CHINESE
    if any(low <= point <= high for low, high in ranges):
        return APART
    if point >= 0x80 and unicodedata.category(chr(point))[0] == "P":
        return APART
    return ORDINARY


# For each code point: ORDINARY, SPACE, or APART for characters that are words of their own.
KINDS = PointTable(lambda points: [_kind(point) for point in points], np.uint8)


def kinds_of(points: np.ndarray) -> np.ndarray:
    """The kinds of code points; malformed bytes, which are negative, are ordinary."""
    return np.where(points >= 0, KINDS.of(np.maximum(points, 0)), ORDINARY)


@dataclass
class WordpieceModel:
    """A model that is read.

    Attributes:
      trie: of the pieces.
      suffix_root: the node of the trie behind the suffix indicator.
      most_bytes: of a word, beyond which it is unknown.
      suffix: what pieces that go on within a word begin with in the vocabulary.
      unknown: the text of the piece for unknown words.
      unknown_number: its number.
      is_end_to_end: whether texts are cut into words here.
      has_texts: whether the texts of the pieces are known.
      texts: of the pieces, without the suffix indicator.
      goes_on: whether each goes on within a word.
    """

    trie: Trie
    suffix_root: int
    most_bytes: int
    suffix: bytes
    unknown: bytes
    unknown_number: int
    is_end_to_end: bool
    has_texts: bool
    texts: list[bytes]
    goes_on: np.ndarray
    memory: Memory = field(init=False)

    def __post_init__(self) -> None:
        self.memory = Memory(self.cut)

    @forks.cached_property
    def vocabulary(self) -> tuple[Vocabulary, np.ndarray] | None:
        """The vocabulary for native code, and the texts of pieces by number; None if pieces of several texts have one number."""
        number_bits = _GOES_ON - 1
        numbers = {text: (value & number_bits & ~0xFF) >> 8 for text, value in self.trie.items()}
        numbers[self.unknown] = self.unknown_number
        is_number = 0 <= self.unknown_number <= number_bits >> 8
        if len(set(numbers.values())) < len(numbers) or not is_number:
            return None
        texts = np.full(max(numbers.values()) + 1, b"", object)
        texts[list(numbers.values())] = list(numbers)
        return (
            Vocabulary(
                units=np.ascontiguousarray(self.trie.units),
                suffix_root=self.suffix_root,
                most_bytes=self.most_bytes,
                unknown=self.unknown_number,
                shift=8,
                mask=number_bits,
            ),
            texts,
        )

    @forks.cached_property
    def joiner(self) -> Joiner | None:
        """Joins pieces to texts; None if a piece is empty, as an empty text would then not mean the start."""
        if not all(self.texts) or len(self.texts) != len(self.goes_on):
            return None
        pairs = list(zip(self.texts, self.goes_on.tolist(), strict=True))
        first = [self.suffix + text if goes_on else text for text, goes_on in pairs]
        return Joiner(first, [text if goes_on else b" " + text for text, goes_on in pairs])

    def cut(self, word: bytes) -> list[Piece]:
        """The pieces of a word."""
        if not word:
            return []
        unknown = [Piece(self.unknown, self.unknown_number, 0, len(word))]
        if len(word) > self.most_bytes:
            return unknown
        pieces, begin, trie = [], 0, self.trie
        node = 0
        while begin < len(word):
            end, value, at = -1, -1, begin
            while at < len(word):
                node = trie.child(node, word[at])
                if node < 0:
                    break
                at += 1
                candidate = trie.value(node)
                if candidate >= 0:
                    end, value = at, candidate
            if end < 0:
                return unknown
            number = (value & ~_GOES_ON) >> 8
            if number == self.unknown_number and not begin and end == len(word):
                return unknown
            text = (self.suffix if begin else b"") + word[begin:end]
            pieces.append(Piece(text, number, begin, end))
            begin, node = end, self.suffix_root
        return pieces


def read(data: bytes) -> WordpieceModel:
    """The model in bytes.

    Raises:
      DataLossError: they are none.
    """
    table = Table(data, "FastWordpieceTokenizer")
    units = table.array(0, np.uint32)
    trie = Trie(units if len(units) else np.zeros(1, np.uint32))
    root = table.scalar(3, form="<I")
    texts = table.strings(12)
    goes_on = table.array(13, np.uint8).astype(bool)
    return WordpieceModel(
        trie=trie,
        suffix_root=min(root, len(trie.units) - 1),
        most_bytes=table.scalar(4, form="<i"),
        suffix=table.string(5),
        unknown=table.string(6),
        unknown_number=table.scalar(7),
        is_end_to_end=bool(table.scalar(10, form="<B")),
        has_texts=bool(table.scalar(11, form="<B")),
        texts=texts,
        goes_on=goes_on,
    )


def build_model(
    vocab: Sequence[str | bytes],
    most_bytes: int,
    suffix: str,
    unknown: str,
    no_pretokenization: bool,
    support_detokenization: bool,
) -> bytes:
    """The bytes of a model of a vocabulary.

    Raises:
      RuntimeError: pieces are repeated, too long, or lack the unknown one.
    """
    words = [
        word if isinstance(word, bytes) else word.encode("utf-8", "surrogateescape")
        for word in vocab
    ]
    indicator, unknown_text = suffix.encode(), unknown.encode()
    if unknown_text not in words:
        raise RuntimeError("Cannot find unk_token in the vocab!")
    if len(set(words)) < len(words):
        raise RuntimeError("Tokens in the vocabulary must be unique.")
    unknown_number = words.index(unknown_text)
    values: dict[bytes, int] = {}
    texts, goes_on = [], []
    for number, word in enumerate(words):
        is_suffix = bool(indicator) and word.startswith(indicator) and word != indicator
        own = word[len(indicator) :] if is_suffix else word
        texts.append(own)
        goes_on.append(is_suffix)
        size = len(own.decode("utf-8", "surrogateescape"))
        if size > _MOST_CHARACTERS:
            raise RuntimeError(
                "Vocab token utf8 length (excluding suffix indicator) exceeds the max supported (256). The vocab token is: "
                + word.decode("utf-8", "replace")
            )
        if word and b"\0" not in word and (no_pretokenization or _is_within_word(own)):
            values[word] = number << 8 | (size - 1) | (_GOES_ON if is_suffix else 0)
    if not any(
        number >> 8 & 0x3FFFFF != unknown_number or no_pretokenization for number in values.values()
    ):
        raise RuntimeError("No valid vocab tokens were found to build the trie.")
    return _written(
        values,
        texts,
        goes_on,
        most_bytes,
        indicator,
        unknown_text,
        unknown_number,
        not no_pretokenization,
        support_detokenization,
    )


def _is_within_word(text: bytes) -> bool:
    """True if a text may be a piece when texts are cut at white space and at APART characters."""
    points = [ord(c) for c in text.decode("utf-8", "surrogateescape")]
    kinds = [_kind(p) for p in points]  # malformed bytes are surrogates here, which are ordinary
    return len(points) == 1 and kinds[0] != SPACE or all(kind == ORDINARY for kind in kinds)


def _written(
    values, texts, goes_on, most_bytes, suffix, unknown, unknown_number, is_end_to_end, has_texts
) -> bytes:
    # The node after the suffix indicator exists even if no piece continues.
    root_value = values.get(suffix)
    units = build(values if root_value is not None or not suffix else values | {suffix: 0x7FFFFFFF})
    trie = Trie(units)
    root = trie.walk(suffix)
    if root_value is None and suffix:
        units[root] &= ~np.uint32(1 << 8)
    no_links = np.full(2 * len(units), _NO_NODE, np.uint32)
    return write(
        [
            units,
            no_links,
            np.empty(0, np.uint32),
            np.uint32(root),
            np.int32(most_bytes),
            suffix,
            unknown,
            np.int32(unknown_number),
            np.array([unknown_number << 8 | 4], np.uint32),
            np.uint32(_NO_NODE),
            is_end_to_end,
            has_texts,
            texts if has_texts else [],
            np.array(goes_on if has_texts else [], np.uint8),
        ]
    )
