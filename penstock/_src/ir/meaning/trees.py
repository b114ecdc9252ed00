"""Ensembles of decision trees: the meaning of the two layouts of kernels in NumPy.

`leaf_masks` tests every node (QuickScorer): a test that sends a row to the right clears the bits of leaves on its left, and the lowest bit that
remains is the row's leaf. `tree_paths` follows each row from node to node. ops/trees describes the tables and the choice of the layout.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

BITS = 32  # bits of a word: leaves of a unit, categories of a word of a set
# Columns of a unit: the first entry, the first that sends NaN right, the end; first and end of entries with sets; the first leaf, the target, ADDS.
UNIT = 8
# The column that is 1 for the last unit of a tree: its leaf is known then.
ADDS = 7


def is_in_set(x: Any, low: Any, bits: Any, words: np.ndarray) -> np.ndarray:
    """True where a category, truncated to an integer, is in a set.

    Args:
      x: categories.
      low: the index of each set's first word.
      bits: the number of bits of each set.
      words: of all sets; category c is bit c % 32 of word c // 32.
    """
    if not words.size:
        return np.zeros(np.shape(x), bool)
    has_bit = (x > -1) & (x < bits)
    category = np.where(has_bit, x, 0).astype(np.int64)
    word = words[np.where(has_bit, low + (category >> 5), 0)]
    return has_bit & ((word >> (category & 31).astype(np.uint32)) & 1).astype(bool)


def leaf_masks(args: Sequence[Any], strict: bool) -> np.ndarray:
    """The sums of leaves by masks: [rows, sums]."""
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
        # The index of the lowest bit: b & -b isolates it. 0 has none, and keeps the leaf of an earlier unit of the tree.
        lowest = np.log2((bits & -bits.astype(np.int64)).astype(np.float64) + (bits == 0))
        leaf = np.where(bits != 0, first + lowest.astype(np.int64), leaf)
        if adds:
            out[:, target : target + values.shape[1]] += values[leaf]
    return out


def tree_paths(args: Sequence[Any], strict: bool, feature_bits: int) -> np.ndarray:
    """The sums of leaves by paths: [rows, sums].

    A link has, from the lowest bit, the direction of NaN, the feature, and the distance to the left child; the right child follows it.
    A leaf has distance 0 and sends no row to the right, so that its rows stay.
    """
    x, base, values, threshold, link, set_of, sets, words, leaf, trees = args
    out = np.repeat(base[None], len(x), 0)
    rows, most = np.arange(len(x)), (1 << feature_bits) - 1
    for root, target in trees.tolist():
        at = np.full(len(x), root)
        while True:
            links = link[at].astype(np.int64)
            number = x[rows, (links >> 1) & most]
            goes_right = number >= threshold[at] if strict else number > threshold[at]
            if set_of.size:
                low, bits = sets[set_of[at]].T
                goes_right = np.where(
                    set_of[at] > 0, ~is_in_set(number, low, bits, words), goes_right
                )
            goes_right = np.where(np.isnan(number), links & 1, goes_right).astype(np.int64)
            following = at + (links >> (feature_bits + 1)) + goes_right
            if (following == at).all():
                break
            at = following
        out[:, target : target + values.shape[1]] += values[leaf[at]]
    return out
