"""Trees by masks of leaves (QuickScorer, Lucchese et al. 2015): every node is tested; nodes that send a row right remove the leaves on their left.

A unit is 32 leaves of a tree, as bits of a word. Its entries are (feature, threshold, the bits that stay if the row goes right). The lowest bit that remains
set in the first nonzero unit is the row's leaf. Without branches and dependent loads, one instruction tests many rows; the work grows with the
number of nodes instead of the depth, which suits trees of some tens of leaves.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from penstock._src.ir.meaning.trees import ADDS, BITS, UNIT
from penstock._src.ops.trees.tables import LEAF, Tables

_ALL = np.uint32(0xFFFFFFFF)


@dataclass(frozen=True, eq=False)
class LeafMasks:
    """An ensemble arranged for the kernel; ir/meaning/trees.py defines the computation.

    Attributes:
      feature, threshold, mask: of entries that compare; a unit's are those that send a missing number left, then the others, an even number of each.
      sets: of entries with sets, [entries, 5]: feature, first word, bits, whether a missing number goes left, mask.
      units: [units, 8]: the first entry, the first that sends a missing number right, the end; first and end of entries with sets; the
        first leaf, the target, and 1 if the tree's sum is complete then.
      values: of leaves in the order of bits.
    """

    feature: np.ndarray
    threshold: np.ndarray
    mask: np.ndarray
    sets: np.ndarray
    units: np.ndarray
    values: np.ndarray

    def arrays(self, words: np.ndarray) -> tuple[np.ndarray, ...]:
        """Returns the tables in the order of the primitive; `words` are those of sets."""
        compared = self.feature, self.threshold, self.mask
        return self.values, *compared, self.sets, words, self.units


def arrange(tables: Tables) -> LeafMasks:
    """Returns the tables of the kernel."""
    count, first, tree = _leaves(tables)
    leaves = np.flatnonzero(tables.feature == LEAF)
    leaves = leaves[count[leaves] > 0]
    trees = len(tables.roots)
    base = np.concatenate([[0], np.cumsum(count[tables.roots])]).astype(np.int64)
    values = np.empty((int(base[-1]), tables.values.shape[1]), tables.values.dtype)
    values[base[tree[leaves]] + first[leaves]] = tables.values[tables.left[leaves]]

    words = -(-count[tables.roots] // BITS)
    node, word, mask = _entries(tables, count, first)
    # The units of a tree come from the last word to the first, so that an earlier word with bits has the last say.
    start = np.concatenate([[0], np.cumsum(words)])
    unit = start[tree[node] + 1] - 1 - word
    units = np.zeros((int(start[-1]), UNIT), np.int32)
    tree_of_unit = np.repeat(np.arange(trees), words)
    back = start[tree_of_unit + 1] - 1 - np.arange(len(units))
    units[:, 5] = base[tree_of_unit] + back * BITS
    units[:, 6] = tables.targets[tree_of_unit]
    units[:, ADDS] = back == 0

    compares = tables.set_of[node] < 0
    right = ~tables.missing_left[node]
    segment = (2 * unit + right)[compares]
    order = np.argsort(segment, kind="stable")
    sizes = np.bincount(segment, minlength=2 * len(units))
    ends = np.cumsum(sizes + sizes % 2)
    places = (ends - sizes - sizes % 2)[segment[order]] + _ranks(sizes)
    units[:, 1:3] = ends.reshape(-1, 2)
    units[:, 0] = np.concatenate([[0], units[:-1, 2]])[: len(units)]
    total = int(ends[-1]) if len(ends) else 0
    chosen = np.flatnonzero(compares)[order]
    feature = np.zeros(total, np.int32)
    threshold = np.zeros(total, tables.threshold.dtype)
    masks = np.full(total, _ALL)
    feature[places] = tables.feature[node[chosen]]
    threshold[places] = tables.threshold[node[chosen]]
    masks[places] = mask[chosen]

    chosen = np.flatnonzero(~compares)
    chosen = chosen[np.argsort(unit[chosen], kind="stable")]
    of = tables.set_of[node[chosen]]
    low, high = tables.set_offsets[of], tables.set_offsets[of + 1]
    columns = (tables.feature[node[chosen]], low, (high - low) * BITS, ~right[chosen], mask[chosen].view(np.int32))  # fmt: skip
    sets = np.stack(columns, 1).astype(np.int32) if chosen.size else np.zeros((0, 5), np.int32)
    units[:, 4] = np.cumsum(np.bincount(unit[chosen], minlength=len(units)))
    units[:, 3] = np.concatenate([[0], units[:-1, 4]])[: len(units)]
    return LeafMasks(feature, threshold, masks, sets, units, values)


def entries_of(tables: Tables) -> int:
    """Returns how many entries the ensemble has."""
    count, first, _ = _leaves(tables)
    inner = tables.inner
    inner = inner[count[inner] > 0]
    low, size = first[inner], count[tables.left[inner]]
    return int(np.sum((low + size - 1) // BITS - low // BITS + 1))


def _leaves(tables: Tables) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(leaves below each node, 0 if no tree has it; the first of them from the left; the node's tree)"""
    levels = tables.levels()
    count, first, tree = (np.zeros(len(tables.feature), np.int64) for _ in range(3))
    tree[tables.roots] = np.arange(len(tables.roots))
    for nodes in reversed(levels):
        is_leaf = tables.feature[nodes] == LEAF
        inner = nodes[~is_leaf]
        count[nodes[is_leaf]] = 1
        count[inner] = count[tables.left[inner]] + count[tables.right[inner]]
    for nodes in levels:
        inner = nodes[tables.feature[nodes] != LEAF]
        left, right = tables.left[inner], tables.right[inner]
        first[left], first[right] = first[inner], first[inner] + count[left]
        tree[left] = tree[right] = tree[inner]
    return count, first, tree


def _entries(
    tables: Tables, count: np.ndarray, first: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(node, word, bits that stay) of each pair of a node and a word of leaves on its left."""
    inner = tables.inner
    inner = inner[count[inner] > 0]
    low, high = first[inner], first[inner] + count[tables.left[inner]]
    words = (high - 1) // BITS - low // BITS + 1
    node = np.repeat(inner, words)
    word = np.repeat(low // BITS, words) + _ranks(words)
    from_bit = np.clip(np.repeat(low, words) - word * BITS, 0, BITS)
    to_bit = np.clip(np.repeat(high, words) - word * BITS, 0, BITS)
    gone = (np.uint64(1) << to_bit.astype(np.uint64)) - (np.uint64(1) << from_bit.astype(np.uint64))
    return node, word, ~gone.astype(np.uint32)


def _ranks(sizes: np.ndarray) -> np.ndarray:
    """0 to n - 1 for each size n, one after the other."""
    ends = np.cumsum(sizes)
    return np.arange(int(ends[-1]) if len(ends) else 0) - np.repeat(ends - sizes, sizes)
