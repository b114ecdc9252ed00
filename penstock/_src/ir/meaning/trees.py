"""Ensembles of decision trees as kernels take them: the two arrangements, and their meaning in NumPy.

`leaf_masks` tests every node: an entry whose test sends a row right takes bits away, and the lowest bit left is the row's leaf. `tree_paths` follows each row from
node to node. The tables, how they are made, and when which one is taken: ops/trees.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

BITS = 32  # of a word: leaves of a unit, categories of a word of a set
# Columns of a unit: the first entry, the first that sends NaN right, the end; first and end of entries with sets; the first leaf, the target, ADDS.
UNIT = 8
# The column that is 1 if the tree's leaf is known after the unit.
ADDS = 7


def is_in_set(x: Any, low: Any, bits: Any, words: np.ndarray) -> np.ndarray:
    """True where a category, without its fraction, is in a set.

    Args:
      x: categories.
      low: the number of each set's first word.
      bits: how many each set has.
      words: of all sets; category c is bit c % 32 of word c // 32.
    """
    if not words.size:
        return np.zeros(np.shape(x), bool)
    held = (x > -1) & (x < bits)
    category = np.where(held, x, 0).astype(np.int64)
    word = words[np.where(held, low + (category >> 5), 0)]
    return held & ((word >> (category & 31).astype(np.uint32)) & 1).astype(bool)


def leaf_masks(args: Sequence[Any], strict: bool) -> np.ndarray:
    """Sums of leaves by masks: [rows, sums]."""
    x, base, values, feature, threshold, mask, sets, words, units = args
    out = np.repeat(base[None], len(x), 0)
    leaf = np.zeros(len(x), np.int64)
    for low, middle, high, first_set, last_set, first, target, adds in units.tolist():
        bits = np.full(len(x), 0xFFFFFFFF, np.uint32)
        for i in range(low, high):
            column = x[:, feature[i]]
            goes_left = column < threshold[i] if strict else column <= threshold[i]
            goes_left |= np.isnan(column) & (i < middle)
            bits &= np.where(goes_left, np.uint32(0xFFFFFFFF), mask[i])
        for number, word, count, missing_left, stays in sets[first_set:last_set].tolist():
            column = x[:, number]
            goes_left = np.where(
                np.isnan(column), bool(missing_left), is_in_set(column, word, count, words)
            )
            bits &= np.where(goes_left, np.uint32(0xFFFFFFFF), np.uint32(stays & 0xFFFFFFFF))
        lowest = np.log2((bits & -bits.astype(np.int64)).astype(np.float64) + (bits == 0))
        leaf = np.where(bits != 0, first + lowest.astype(np.int64), leaf)
        if adds:
            out[:, target : target + values.shape[1]] += values[leaf]
    return out


def tree_paths(args: Sequence[Any], strict: bool, feature_bits: int) -> np.ndarray:
    """Sums of leaves by paths: [rows, sums]."""
    x, base, values, threshold, link, set_of, sets, words, leaf, trees = args
    out = np.repeat(base[None], len(x), 0)
    rows, most = np.arange(len(x)), (1 << feature_bits) - 1
    for root, target in trees.tolist():
        at = np.full(len(x), root)
        while True:
            held = link[at].astype(np.int64)
            number = x[rows, (held >> 1) & most]
            goes_right = number >= threshold[at] if strict else number > threshold[at]
            if set_of.size:
                low, bits = sets[set_of[at]].T
                goes_right = np.where(
                    set_of[at] > 0, ~is_in_set(number, low, bits, words), goes_right
                )
            goes_right = np.where(np.isnan(number), held & 1, goes_right).astype(np.int64)
            following = at + (held >> (feature_bits + 1)) + goes_right
            if (following == at).all():
                break
            at = following
        out[:, target : target + values.shape[1]] += values[leaf[at]]
    return out
