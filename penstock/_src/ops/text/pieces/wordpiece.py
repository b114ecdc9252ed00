"""Words cut into pieces of a vocabulary that a table holds."""

import functools
import weakref
from typing import Literal

import numpy as np

from penstock._src.core.calls.facts import Effects
from penstock._src.core.op import Op
from penstock._src.ops.lookup.tables import ready
from penstock._src.ops.text.characters.decoding import splits_shape
from penstock._src.ops.text.pieces.memory import Memory, Piece

_NO_NUMBER = -1


def _boundaries(word: bytes) -> list[int]:
    """The starts of characters, and the end; each stray continuation byte counts as a character."""
    try:
        begins, at = [0], 0
        for character in word.decode():
            at += len(character.encode())
            begins.append(at)
        return begins
    except UnicodeDecodeError:
        return [at for at, byte in enumerate(word) if byte & 0xC0 != 0x80 or not at] + [len(word)]


def cut_word(op, vocabulary, word: bytes) -> list[Piece]:
    """The pieces of a word: at each position, the longest part in the vocabulary."""
    if len(word) > op.max_bytes_per_word:
        # tensorflow-text gives the unknown token the length of its own name here.
        unknown = op.unknown_token.encode()
        return [
            Piece(unknown, _NO_NUMBER, 0, len(unknown))
            if op.use_unknown_token
            else Piece(word, _NO_NUMBER, 0, len(word))
        ]
    begins = _boundaries(word)
    suffix, pieces, first, last = op.suffix_indicator.encode(), [], 0, len(begins) - 1
    while first < last:
        begin = begins[first]
        prefix = suffix if begin else b""
        most = min(last, first + op.max_chars_per_token) if op.max_chars_per_token > 0 else last
        for behind in range(most, first, -1):
            piece = prefix + word[begin : begins[behind]]
            if piece in vocabulary:
                break
        else:
            if not op.split_unknown_characters:
                whole = op.unknown_token.encode() if op.use_unknown_token else word
                return [Piece(whole, _NO_NUMBER, 0, len(word))]
            behind = first + 1
            piece = prefix + (
                op.unknown_token.encode() if op.use_unknown_token else word[begin : begins[behind]]
            )
        pieces.append(Piece(piece, _NO_NUMBER, begin, begins[behind]))
        first = behind
    return pieces


# For static tables: {table: {op: memory}}.
_MEMORIES: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()


class WordpieceTokenizeWithOffsets(Op):
    """The pieces of words that are keys of a table, and the bytes at which they begin and end."""

    signature = """input_values: string, vocab_lookup_table: resource -> output_values: string,
        output_row_lengths: int64, start_values: int64, limit_values: int64"""
    suffix_indicator: str
    max_bytes_per_word: int
    max_chars_per_token: int = 0
    use_unknown_token: bool
    unknown_token: str
    split_unknown_characters: bool = False
    output_row_partition_type: Literal["row_lengths", "row_splits"] = "row_lengths"
    effects = Effects(reads_only=True)

    def shape(self, input_values, vocab_lookup_table):
        rows = splits_shape(input_values)
        if self.output_row_partition_type == "row_lengths":
            rows = [input_values.with_rank(1)[0]]
        return [None], rows, [None], [None]

    def eager(self, input_values, vocab_lookup_table):
        counts, texts, _, begins, ends = self._memory(vocab_lookup_table).pieces(
            input_values.tolist()
        )
        if self.output_row_partition_type == "row_splits":
            counts = np.append(0, np.cumsum(counts))
        return texts, counts, begins, ends

    def _memory(self, handle) -> Memory:
        table = ready(self, handle)
        vocabulary = table.held
        if table.mutable:
            return Memory(functools.partial(cut_word, self, vocabulary))
        memories = _MEMORIES.setdefault(table, {})
        known = memories.get(self)
        if known is None or known[0] is not vocabulary or known[1] != len(vocabulary):
            known = memories[self] = (
                vocabulary,
                len(vocabulary),
                Memory(functools.partial(cut_word, self, vocabulary)),
            )
        return known[2]
