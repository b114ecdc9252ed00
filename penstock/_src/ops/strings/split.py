"""Strings cut into pieces, and n-grams of pieces."""

import functools
import itertools

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.calls.attributes import as_bytes
from penstock._src.core.op import Op
from penstock._src.core.shapes import TensorShape
from penstock._src.core.typesets import INDEX
from penstock._src.core.values.groups import NotGrouped, Ragged, Stacked, is_group, splits_of
from penstock._src.native.algorithms.texts.joining import cuts, joined_ranges
from penstock._src.native.algorithms.texts.words import sizes_of
from penstock._src.native.readers.pieces import splitter
from penstock._src.native.systems import runs_native_code
from penstock._src.ops.rules import show
from penstock._src.ops.strings.elements import strings

_MOST_PADS = 1 << 20  # strings that are written between the rows of n-grams


def _joined(rows):
    """The indices and values of lists of pieces, and the number of each."""
    counts = np.array([len(row) for row in rows], np.int64)
    values = strings(itertools.chain.from_iterable(rows), (int(counts.sum()),))
    return _places(counts), values, counts


def _sparse(places, values, counts):
    """The indices, values and dense shape of pieces."""
    return places, values, np.array([len(counts), counts.max(initial=0)], np.int64)


def _sparse_each(input, places, values, counts):
    """The same for elements that are vectors of strings: those of a matrix."""
    elements, strings_each = input.shape
    by_element = counts.reshape(elements, strings_each)
    splits = splits_of(by_element.sum(1))
    if strings_each:
        places[:, 0] %= strings_each
    shapes = np.full((elements, 2), strings_each, np.int64)
    shapes[:, 1] = by_element.max(1, initial=0)
    return Ragged(places, splits), Ragged(values, splits), Stacked(shapes)


_BYTES = strings([bytes([code]) for code in range(256)], (256,))


def _bytes_of(rows):
    """The indices and values of the bytes of strings, and the number of each."""
    if runs_native_code():
        rows = np.ascontiguousarray(rows)
        counts, total = sizes_of(rows)
        values, places = np.empty(total, object), np.empty((total, 2), np.int64)
        splitter().take_bytes(rows, len(rows), _BYTES, values, places)
        return places, values, counts
    counts = np.array([len(s) for s in rows], np.int64)
    return _places(counts), _BYTES[np.frombuffer(b"".join(rows), np.uint8)], counts


def _places(counts):
    """The indices of values, from the number of values of each row."""
    places = np.empty((int(counts.sum()), 2), np.int64)
    places[:, 0] = np.repeat(np.arange(len(counts)), counts)
    starts = np.cumsum(counts) - counts
    places[:, 1] = np.arange(len(places)) - np.repeat(starts, counts)
    return places


def _split_natively(input, separator):
    """The indices and values of pieces, and the number of each string's."""
    split, rows = splitter(), np.ascontiguousarray(input)
    counts = np.empty(len(rows), np.int64)
    total = split.count(rows, len(rows), separator, len(separator), counts)
    values, places = np.empty(total, object), np.empty((total, 2), np.int64)
    split.split(rows, len(rows), separator, len(separator), values, places)
    return places, values, counts


class StringSplitV2(Op):
    """Strings cut at a separator, or at runs of whitespace if that is empty."""

    signature = """input: string, sep: string
        -> indices: int64[?, 2], values: string[?], shape: int64[2]"""
    maxsplit: int = -1
    ranks = {"input": (1,), "sep": (0,)}

    def eager(self, input, sep):
        if input.ndim != 1:
            raise self.invalid(f"input must be a vector, got shape: {show(input.shape)}")
        if sep.ndim:
            raise self.invalid(f"sep must be a scalar, got shape: {show(sep.shape)}")
        return _sparse(*self._pieces(input, sep.item()))

    def eager_each(self, input, sep):
        if type(input) is not Stacked or input.array.ndim != 2 or is_group(sep) or sep.ndim:
            raise NotGrouped
        return _sparse_each(input.array, *self._pieces(input.array.reshape(-1), sep.item()))

    def _pieces(self, input, by):
        most = self.maxsplit
        if most == 0:
            return _joined([[s] for s in input])
        if most < 0 and runs_native_code():
            return _split_natively(input, by)
        if by:
            return _joined([s.split(by, most) if most > 0 else s.split(by) for s in input])
        return _joined([_words(s, most) if most > 0 else s.split() for s in input])


def _words(s, most):
    """At most `most` words, then the rest, which may be empty."""
    pieces = s.split(None, most)
    return [*pieces, b""] if len(pieces) == most else pieces


class StringSplit(Op):
    """Strings cut at any of the characters of a delimiter."""

    signature = """input: string, delimiter: string
        -> indices: int64, values: string, shape: int64"""
    skip_empty: bool = True
    differentiable = False

    def shape(self, input, delimiter):
        input.with_rank(1)
        delimiter.with_rank(0)
        return TensorShape([None, 2]), TensorShape([None]), TensorShape([2])

    def eager(self, input, delimiter):
        if input.ndim != 1:
            raise self.invalid(f"input must be a vector, got shape: {show(input.shape)}")
        if delimiter.ndim:
            raise self.invalid(f"delimiter must be a scalar, got shape: {show(delimiter.shape)}")
        if not delimiter.item():
            return _sparse(*_bytes_of(input))
        return _sparse(*_joined([self._pieces(s, delimiter.item()) for s in input]))

    def eager_each(self, input, delimiter):
        if type(input) is not Stacked or input.array.ndim != 2 or is_group(delimiter):
            raise NotGrouped
        array, by = input.array, delimiter.item()
        return _sparse_each(array, *_joined([self._pieces(s, by) for s in array.reshape(-1)]))

    def _pieces(self, s, delimiters):
        if not delimiters or not s:
            return [s[i : i + 1] for i in range(len(s))]
        if len(delimiters) > 1:
            s = s.translate(_to_first(delimiters))
        pieces = s.split(delimiters[:1])
        return [p for p in pieces if p] if self.skip_empty else pieces


@functools.lru_cache(16)
def _to_first(delimiters):
    """A table for `bytes.translate` that turns all of some bytes into the first of them."""
    return bytes([delimiters[0] if byte in delimiters else byte for byte in range(256)])


MOST_PADDING = (1 << 30) - 1  # TensorFlow counts twice this in 32 bits


class StringNGrams(Op):
    """N-grams of the pieces in each row of a ragged tensor."""

    signature = """data: string, data_splits: Tsplits -> ngrams: string[?],
        ngrams_splits: Tsplits[data_splits]"""
    ranks = {"data": (1,), "data_splits": (1,)}
    separator: str
    ngram_widths: list[int]
    left_pad: str
    right_pad: str
    pad_width: int
    preserve_short_sequences: bool
    Tsplits: INDEX = dtypes.int64

    def eager(self, data, data_splits):
        if data.ndim != 1 or data_splits.ndim != 1:
            raise self.invalid(
                f"data and data_splits must be vectors. Received {show(data.shape)}, {show(data_splits.shape)}"
            )
        if data_splits.size and (data_splits[0] != 0 or data_splits[-1] != data.size):
            raise self.invalid("First split value must be 0, and the last the number of elements")
        if (data_splits[1:] < data_splits[:-1]).any():
            raise self.invalid(f"data_splits must ascend. Received {show(data_splits)}")
        if any(width < 1 for width in self.ngram_widths):
            raise self.invalid(f"ngram_widths must contain positive values: {self.ngram_widths}")
        for width in self.ngram_widths:
            if self._padding(width) >= MOST_PADDING:
                raise self.invalid(
                    f"Pad width could lead to integer overflow, got pad_width = {self._padding(width)}"
                )
        if not data.size:  # then TensorFlow pads no row
            return strings([], (0,)), np.zeros_like(data_splits)
        if runs_native_code() and cuts(data_splits, data.size):
            padding = max(map(self._padding, self.ngram_widths), default=0)
            if padding * data_splits.size <= _MOST_PADS:
                return self._joined_natively(data, data_splits, padding)
        grams, splits, pieces, bounds = [], [0], data.tolist(), data_splits.tolist()
        for begin, end in itertools.pairwise(bounds):
            grams.extend(self._row(pieces[begin:end]))
            splits.append(len(grams))
        return strings(grams, (len(grams),)), np.array(splits, data_splits.dtype)

    def _padding(self, width):
        """The pads on each side of a row for n-grams of `width`."""
        return width - 1 if self.pad_width < 0 else min(self.pad_width, width - 1)

    def _joined_natively(self, data, data_splits, most):
        """The n-grams of all rows, each with as many pads on either side as the widest ones have."""
        bounds = data_splits.astype(np.int64)
        lengths = np.diff(bounds)
        padded, begins = data, bounds[:-1]
        if most:
            begins = np.concatenate([[0], np.cumsum(lengths + 2 * most)])
            padded = np.full(begins[-1], as_bytes(self.right_pad), object)
            begins = begins[:-1]
            padded[begins[:, None] + np.arange(most)] = as_bytes(self.left_pad)
            padded[np.arange(data.size) + np.repeat(begins + most - bounds[:-1], lengths)] = data
        # A column for each width: the number of n-grams in each row, where they begin, and their length.
        pads = np.array([self._padding(width) for width in self.ngram_widths], np.int64)
        widths = np.array(self.ngram_widths, np.int64)
        counts = np.maximum(lengths[:, None] + 2 * pads - widths + 1, 0)
        firsts = begins[:, None] + most - pads
        sizes = np.broadcast_to(widths, counts.shape)
        if self.preserve_short_sequences:
            pad = self._padding(min(self.ngram_widths))
            is_short = (counts.sum(1) == 0) & (lengths > 0)
            counts, firsts, sizes = (
                np.column_stack(columns)
                for columns in (
                    (counts, is_short), (firsts, begins + most - pad), (sizes, lengths + 2 * pad)
                )
            )  # fmt: skip
        splits = np.concatenate([[0], np.cumsum(counts.sum(1))])
        counts = counts.reshape(-1)
        before = np.cumsum(counts) - counts
        starts = np.arange(splits[-1]) + np.repeat(firsts.reshape(-1) - before, counts)
        ends = starts + np.repeat(sizes.reshape(-1), counts)
        grams = joined_ranges(padded, starts, ends, as_bytes(self.separator))
        return grams, splits.astype(data_splits.dtype)

    def _row(self, row):
        by = as_bytes(self.separator)
        left, right = as_bytes(self.left_pad), as_bytes(self.right_pad)
        pieces = []
        for width in self.ngram_widths:
            pad = self._padding(width)
            count = len(row) + 2 * pad - width + 1
            if count <= 0:
                continue
            padded = [left] * pad + row + [right] * pad
            runs = (padded[i : i + count] for i in range(width))
            pieces.extend(padded if width == 1 else map(by.join, zip(*runs, strict=True)))
        if not pieces and self.preserve_short_sequences and row:
            pad = self._padding(min(self.ngram_widths))
            pieces.append(by.join([left] * pad + row + [right] * pad))
        return pieces
