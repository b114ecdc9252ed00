"""Strings cut where labels of their characters say so."""

import numpy as np

from penstock._src.core.op import Op
from penstock._src.ops.text.characters.decoding import characters, splits_shape
from penstock._src.ops.text.characters.whitespace import SPACES

_SPACES = np.array(SPACES, np.int32)


def _words(characters, is_split, forced):
    """The tokens, their row splits, and where they begin and end; a token has no white space."""
    is_space = np.isin(characters.points, _SPACES)
    is_first = characters.is_first()[:-1]
    begins = is_split | is_first
    if forced:
        begins[1:] |= is_space[:-1]
    kept = np.flatnonzero(~is_space)
    # The first character of a string that is kept begins a token; a split at white space is none.
    row = np.searchsorted(characters.splits, kept, side="right") - 1
    starts_token = begins[kept] | (np.diff(row, prepend=-1) != 0)
    first = np.flatnonzero(starts_token)
    behind = np.append(first[1:], len(kept))[: len(first)]
    lows, highs = characters.begins[kept], characters.begins[kept + 1]
    tokens = np.empty(len(first), object)
    data = characters.data
    for number, (a, b) in enumerate(zip(first.tolist(), behind.tolist(), strict=True)):
        low, high = int(lows[a]), int(highs[b - 1])
        whole = kept[b - 1] - kept[a] == b - 1 - a
        tokens[number] = (
            data[low:high] if whole else b"".join(data[lows[k] : highs[k]] for k in range(a, b))
        )
    row_splits = np.searchsorted(row[first], np.arange(len(characters.splits)))
    rows = characters.starts[row[first]]
    return tokens, row_splits.astype(np.int64), lows[first] - rows, highs[behind - 1] - rows


class SplitMergeTokenizeWithOffsets(Op):
    """The tokens of strings by labels of their characters: 0 begins one, another number goes on."""

    signature = """input_values: string, labels: int32, row_splits: int32 -> output_values: string,
        output_row_splits: int64, start_values: int64, limit_values: int64"""
    force_split_at_break_character: bool = True

    def shape(self, input_values, labels, row_splits):
        labels.with_rank(1)
        row_splits.with_rank(1)
        return [None], splits_shape(input_values), [None], [None]

    def eager(self, input_values, labels, row_splits):
        if len(row_splits) != len(input_values) + 1:
            raise self.invalid(
                f"Expecting row_splits have {len(input_values) + 1} elements, got {len(row_splits)}"
            )
        if row_splits[-1] > len(labels):
            raise self.invalid(
                f"Expecting row_splits[last] to be {len(labels)}, got {row_splits[-1]}"
            )
        decoded = characters(input_values)
        counts = np.diff(decoded.splits)
        for row in np.flatnonzero(np.diff(row_splits) < counts)[:1]:
            shown = input_values[row].decode("utf-8", "replace")
            raise self.invalid(
                f"Number of labels {np.diff(row_splits)[row]} is insufficient for text {shown}"
            )
        places = np.arange(len(decoded.points)) + np.repeat(
            row_splits[:-1] - decoded.splits[:-1], counts
        )
        return _words(decoded, labels[places] == 0, self.force_split_at_break_character)


class TokenizerFromLogits(Op):
    """The tokens of strings by two numbers for each character: the first is larger where one begins."""

    signature = """strings: string, logits: float32, force_split_at_break_character: bool
        -> output_values: string, row_splits: int64, start_values: int64, limit_values: int64"""

    def shape(self, strings, logits, force_split_at_break_character):
        logits.with_rank(3)
        force_split_at_break_character.with_rank(0)
        return [None], splits_shape(strings), [None], [None]

    def eager(self, strings, logits, force_split_at_break_character):
        if logits.ndim != 3 or logits.shape[0] != len(strings) or logits.shape[2] != 2:
            raise self.invalid(
                f"logits must have the shape [{len(strings)}, characters, 2]. Received {list(logits.shape)}."
            )
        decoded = characters(strings)
        counts = np.diff(decoded.splits)
        for row in np.flatnonzero(counts > logits.shape[1])[:1]:
            shown = strings[row].decode("utf-8", "replace")
            raise self.invalid(
                f'Number of logits, {logits.shape[1]}, is insufficient for text "{shown}"'
            )
        rows = np.repeat(np.arange(len(strings)), counts)
        own = logits[rows, np.arange(len(decoded.points)) - decoded.splits[rows]]
        return _words(decoded, own[:, 0] > own[:, 1], bool(force_split_at_break_character))
