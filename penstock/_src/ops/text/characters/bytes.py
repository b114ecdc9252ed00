"""Bytes and bits of strings."""

import numpy as np

from penstock._src.core.op import Op
from penstock._src.ops.rules import places_in_runs
from penstock._src.ops.text.characters.decoding import (
    MALFORMED,
    characters,
    cut,
    splits_shape,
    starts_of,
)
from penstock._src.ops.variants import variant


class _ByteSplitWithOffsets(Op):
    """The bytes of strings, and where they begin and end."""

    signature = """input_values: string -> output_bytes: uint8, output_row_splits: int64,
        output_start_offsets: int32, output_end_offsets: int32"""

    def shape(self, input_values):
        return [None], splits_shape(input_values), [None], [None]

    def eager(self, input_values):
        splits = starts_of(input_values)
        values = np.frombuffer(b"".join(input_values), np.uint8).copy()
        starts = np.arange(len(values)) - np.repeat(splits[:-1], np.diff(splits))
        return values, splits, starts.astype(np.int32), (starts + 1).astype(np.int32)


variant("TFText>ByteSplitWithOffsets", _ByteSplitWithOffsets)


class _ByteSplitByOffsets(Op):
    """The parts of strings between rows of bytes at which they begin and end."""

    signature = """input_values: string, input_start_offsets: int32, input_end_offsets: int32,
        input_row_splits: int64 -> output_values: string, output_row_splits: int64"""

    def shape(self, input_values, input_start_offsets, input_end_offsets, input_row_splits):
        input_start_offsets.with_rank(1)
        return [None], input_row_splits.with_rank(1)

    def eager(self, input_values, input_start_offsets, input_end_offsets, input_row_splits):
        counts = np.diff(input_row_splits)
        if len(counts) != len(input_values):
            raise self.invalid(
                f"Expecting row_splits have {len(input_values) + 1} elements, got {len(input_row_splits)}"
            )
        starts = starts_of(input_values)
        rows = np.repeat(starts[:-1], counts)
        sizes = np.repeat(np.diff(starts), counts)
        begins, ends = input_start_offsets.astype(np.int64), input_end_offsets.astype(np.int64)
        if ((begins < 0) | (begins > sizes)).any():
            raise self.invalid("Start offsets out of range.")
        if ((ends < 0) | (ends > sizes)).any():
            raise self.invalid("End offsets out of range.")
        if (begins > ends).any():
            raise self.invalid("Start offset after end offset.")
        return cut(b"".join(input_values), begins + rows, ends + rows), input_row_splits


variant("TFText>ByteSplitByOffsets", _ByteSplitByOffsets)


class _Utf8Binarize(Op):
    """The bits of the first characters of strings, the lowest of each first, padded with zeros."""

    signature = "input_tokens: string -> output_binarizations: float32"
    word_length: int
    bits_per_char: int
    replacement_char: int

    def shape(self, input_tokens):
        return [input_tokens.with_rank(1)[0], self.word_length * self.bits_per_char]

    def eager(self, input_tokens):
        rows, words, bits = len(input_tokens), self.word_length, self.bits_per_char
        if words <= 0 or bits <= 0:
            return np.zeros((rows, max(words, 0) * max(bits, 0)), np.float32)
        decoded = characters(input_tokens)
        counts = np.minimum(np.diff(decoded.splits), words)
        points = np.zeros((rows, words), np.int64)
        row = np.repeat(np.arange(rows), counts)
        column = places_in_runs(counts)
        points[row, column] = decoded.points[decoded.splits[row] + column]
        points[points == MALFORMED] = self.replacement_char
        # Bits beyond those of a number are zeros.
        shifts = np.arange(min(bits, 32))
        out = np.zeros((rows, words, bits), np.float32)
        out[..., : len(shifts)] = (points[..., None] >> shifts) & 1
        return out.reshape(rows, words * bits)


variant("TFText>Utf8Binarize", _Utf8Binarize)
