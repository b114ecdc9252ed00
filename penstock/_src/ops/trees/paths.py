"""Trees by paths: each row goes from node to node. The work grows with the depth, which suits large trees.

Both children of a node are neighbors, so a step is `node + distance + goes_right`. A leaf has the distance 0 and a threshold of NaN, which sends nothing right: rows
that have arrived stay, and many go side by side without branches.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from penstock._src.ir.meaning.trees import BITS
from penstock._src.ops.trees.tables import LEAF, Tables


@dataclass(frozen=True, eq=False)
class Paths:
    """An ensemble arranged for the kernel; ir/meaning/trees.py defines the computation.

    Attributes:
      threshold: of each node.
      link: of each node, from the lowest bit: whether a missing number goes right, the feature (`feature_bits`), the distance to the left child.
      set_of: of each node, one more than the number of its set, or 0; empty if no node has one.
      sets: [sets + 1, 2]: first word, bits; nothing for number 0.
      leaf: of each node, its row of values.
      trees: [trees, 2]: the first node, the target.
      feature_bits: how many bits of a link are the feature.
    """

    threshold: np.ndarray
    link: np.ndarray
    set_of: np.ndarray
    sets: np.ndarray
    leaf: np.ndarray
    trees: np.ndarray
    feature_bits: int

    def arrays(self, values: np.ndarray, words: np.ndarray) -> tuple[np.ndarray, ...]:
        """Returns the tables in the order of the primitive; `words` are those of sets."""
        nodes = self.threshold, self.link, self.set_of
        return values, *nodes, self.sets, words, self.leaf, self.trees


def arrange(tables: Tables, features: int) -> Paths:
    """Returns the tables of the kernel.

    Args:
      tables: the ensemble.
      features: of a row.
    """
    order, place = _siblings_together(tables)
    is_leaf = tables.feature[order] == LEAF
    left = np.where(is_leaf, 0, tables.left[order])
    distance = np.where(is_leaf, 0, place[left] - np.arange(len(order)))
    feature_bits = max(1, (max(features, 1) - 1).bit_length())
    feature = np.where(is_leaf, 0, tables.feature[order]).astype(np.int64)
    right = ~tables.missing_left[order] & ~is_leaf
    link = (distance << (feature_bits + 1)) | (feature << 1) | right
    if not link.size or int(link.max()) < 1 << 31:
        link = link.astype(np.int32)
    threshold = np.where(is_leaf, np.nan, tables.threshold[order]).astype(tables.threshold.dtype)
    set_of = np.where(is_leaf, 0, tables.set_of[order] + 1).astype(np.int32)
    low, high = tables.set_offsets[:-1], tables.set_offsets[1:]
    sets = np.concatenate([np.zeros((1, 2)), np.stack([low, (high - low) * BITS], 1)])
    return Paths(
        threshold,
        link,
        set_of if set_of.any() else set_of[:0],
        sets.astype(np.int32),
        np.where(is_leaf, tables.left[order], 0).astype(np.int32),
        np.stack([place[tables.roots], tables.targets], 1).astype(np.int32),
        feature_bits,
    )


def mean_depth(tables: Tables) -> float:
    """Returns the mean depth of leaves, summed over trees."""
    depth, leaves, tree = (np.zeros(len(tables.feature), np.int64) for _ in range(3))
    tree[tables.roots] = np.arange(len(tables.roots))
    for level, nodes in enumerate(tables.levels()):
        inner = nodes[tables.feature[nodes] != LEAF]
        for children in (tables.left[inner], tables.right[inner]):
            tree[children] = tree[inner]
        ends = nodes[tables.feature[nodes] == LEAF]
        depth[ends], leaves[ends] = level, 1
    totals = np.bincount(tree, depth, len(tables.roots))
    return float(np.sum(totals / np.maximum(1, np.bincount(tree, leaves, len(tables.roots)))))


def _siblings_together(tables: Tables) -> tuple[np.ndarray, np.ndarray]:
    """(nodes, tree by tree and level by level with children side by side; the index of each)"""
    tree = np.zeros(len(tables.feature), np.int64)
    tree[tables.roots] = np.arange(len(tables.roots))
    levels, nodes = [], tables.roots
    while nodes.size:
        levels.append(nodes)
        parents = nodes[tables.feature[nodes] != LEAF]
        children = np.stack([tables.left[parents], tables.right[parents]], 1)
        tree[children] = tree[parents][:, None]
        nodes = children.reshape(-1)
    in_levels = np.concatenate(levels) if levels else np.zeros(0, np.int64)
    order = in_levels[np.argsort(tree[in_levels], kind="stable")]
    place = np.zeros(len(tables.feature), np.int64)
    place[order] = np.arange(len(order))
    return order, place
