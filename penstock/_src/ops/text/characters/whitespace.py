"""Tokens between white space."""

import functools

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.op import Op
from penstock._src.core.typesets import INDEX
from penstock._src.native.algorithms.texts.table import PointTable
from penstock._src.native.algorithms.texts.words import ORDINARY, SPACE, parts_of, words_of
from penstock._src.native.systems import runs_native_code
from penstock._src.ops.text.characters.decoding import characters, cut, splits_shape
from penstock._src.ops.variants import variant

# Unicode's property White_Space.
SPACES = (*range(9, 14), 0x20, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000)  # fmt: skip


@functools.cache
def whitespace_config() -> bytes:
    """A bit for each code point up to the last white space character, as the op takes it."""
    bits = np.zeros((SPACES[-1] // 8 + 1) * 8, np.uint8)
    bits[list(SPACES)] = 1
    return np.packbits(bits, bitorder="little").tobytes()


@functools.lru_cache(maxsize=16)
def _table(config: bytes) -> np.ndarray:
    """True for each white space code point; the array ends one entry after the last one."""
    bits = np.unpackbits(np.frombuffer(config, np.uint8), bitorder="little")
    return np.append(bits, 0).astype(bool)


def _is_space(table: np.ndarray, points: np.ndarray) -> np.ndarray:
    # Malformed bytes, -1, are the last entry, too.
    return table[np.minimum(points, len(table) - 1)]


def _words(is_first: np.ndarray, is_space: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The first characters of the runs without white space, and the characters after them."""
    inside = ~is_space
    begins = inside & (is_first[:-1] | np.append(True, is_space[:-1])[: len(inside)])
    ends = inside & (is_first[1:] | np.append(is_space[1:], True)[: len(inside)])
    return np.flatnonzero(begins), np.flatnonzero(ends) + 1


@functools.lru_cache(maxsize=16)
def _kinds(config: bytes) -> PointTable:
    table = _table(config)

    def entries(points: range) -> np.ndarray:
        return np.where(_is_space(table, np.array(points)), SPACE, ORDINARY)

    return PointTable(entries, np.uint8)


def words_of_texts(texts: np.ndarray, config: bytes) -> tuple[np.ndarray, ...]:
    """The words of texts, their row splits, and the bytes at which they begin and end."""
    if runs_native_code():
        texts = np.ascontiguousarray(texts)
        words = words_of(texts, _kinds(config), stretches=True)
        if words is not None:
            return parts_of(texts, words), words.splits, words.begins, words.ends
    decoded = characters(texts)
    is_space = _is_space(_table(config), decoded.points)
    is_first = decoded.is_first()
    first, behind = _words(is_first, is_space)
    row_splits = np.searchsorted(first, decoded.splits).astype(np.int64)
    begins, ends = decoded.begins[first], decoded.begins[behind]
    # tensorflow-text ends a token one byte before the end of the following white space, even if that has several bytes.
    followed = ~is_first[behind]
    following = np.minimum(behind[followed] + 1, len(decoded.points))
    ends[followed] = decoded.begins[following] - 1
    rows = np.repeat(decoded.starts[:-1], np.diff(row_splits))
    return cut(decoded.data, begins, ends), row_splits, begins - rows, ends - rows


class _WhitespaceTokenizeWithOffsetsV2(Op):
    """The parts of strings between white space, and the bytes at which they begin and end."""

    signature = """input_values: string, input_config: string -> output_tokens: string,
        output_row_splits: int64, output_start_offsets: int32, output_end_offsets: int32"""

    def shape(self, input_values, input_config):
        input_config.with_rank(0)
        return [None], splits_shape(input_values), [None], [None]

    def eager(self, input_values, input_config):
        tokens, row_splits, begins, ends = words_of_texts(input_values, input_config.item())
        return tokens, row_splits, begins.astype(np.int32), ends.astype(np.int32)


variant("TFText>WhitespaceTokenizeWithOffsetsV2", _WhitespaceTokenizeWithOffsetsV2)


class WhitespaceTokenizeWithOffsets(Op):
    """The parts of rows of code points between white space, and where they begin and end."""

    signature = """input_values: int32, input_splits: Tsplits -> output_values: int32,
        output_values_inner_splits: Tsplits, output_offset_starts: int64,
        output_offset_limits: int64, output_outer_splits: Tsplits"""
    Tsplits: INDEX = dtypes.int64

    def shape(self, input_values, input_splits):
        input_values.with_rank(1)
        return [None], [None], [None], [None], input_splits.with_rank(1)

    def eager(self, input_values, input_splits):
        is_space = _is_space(_table(whitespace_config()), input_values)
        is_first = np.zeros(len(input_values) + 1, bool)
        is_first[input_splits] = True
        first, behind = _words(is_first, is_space)
        return words_of_points(input_values, input_splits, first, behind, ~is_space)


def words_of_points(points, splits, first, behind, is_kept):
    """The outputs of ops that cut rows of code points: of all kept ones, between `first` and `behind`."""
    outer = np.searchsorted(first, splits)
    inner = np.append(0, np.cumsum(behind - first))
    rows = np.repeat(splits[:-1], np.diff(outer))
    kind = splits.dtype
    starts, limits = (first - rows).astype(np.int64), (behind - rows).astype(np.int64)
    return points[is_kept], inner.astype(kind), starts, limits, outer.astype(kind)
