"""Forest: gathers the trees that a reader finds into tables."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from penstock._src.ops.trees.tables import BITS, LEAF, Tables


class Forest:
    """The trees found so far.

    Args:
      values: the type of leaves' values.
      strict: whether a number equal to its threshold goes right.
    """

    def __init__(self, values: type[np.floating], strict: bool) -> None:
        self.values, self.strict = values, strict
        self._nodes = self._leaves = 0
        self._roots: list[int] = []
        self._targets: list[int] = []
        self._columns: list[tuple[np.ndarray, ...]] = []
        self._values: list[np.ndarray] = []
        self._sets: list[np.ndarray] = []

    def add_set(self, categories: Iterable[int]) -> int:
        """Keeps a set; returns its number.

        Raises:
          ValueError: a category is negative or too large.
        """
        chosen = np.unique(np.fromiter(categories, np.int64))
        if chosen.size and not 0 <= chosen[0] <= chosen[-1] < 1 << 24:
            raise ValueError(f"A category is outside of 0 to {(1 << 24) - 1}.")
        bits = np.zeros((int(chosen[-1]) // BITS + 1) * BITS if chosen.size else 0, np.uint8)
        bits[chosen] = 1
        return self.add_bits(np.packbits(bits, bitorder="little").view("<u4"))

    def add_bits(self, words: np.ndarray) -> int:
        """Keeps a set, words of 32 bits; returns its number."""
        self._sets.append(np.asarray(words, np.uint32))
        return len(self._sets) - 1

    def add(
        self,
        left: np.ndarray,
        right: np.ndarray,
        feature: np.ndarray,
        threshold: np.ndarray,
        missing_left: np.ndarray,
        values: np.ndarray,
        target: int = 0,
        set_of: np.ndarray | None = None,
    ) -> None:
        """Adds a tree, whose first node is its root; only nodes that it leads to count.

        Args:
          left, right: the children of each node; negative of leaves.
          feature: that each node tests.
          threshold: of each node.
          missing_left: whether a missing number goes left.
          values: what each node adds if it is a leaf, [nodes, sums that the tree adds to].
          target: the first of these sums.
          set_of: the number of each node's set; -1 of those that compare.

        Raises:
          ValueError: it is not a tree.
        """
        left, right = np.asarray(left, np.int64), np.asarray(right, np.int64)
        order, place = _from_the_root(left, right)
        is_leaf = left[order] < 0
        leaf = self._leaves + np.cumsum(is_leaf) - 1
        children = [
            np.where(is_leaf, other, self._nodes + place[np.where(is_leaf, 0, side[order])])
            for side, other in ((left, leaf), (right, LEAF))
        ]
        sets = np.full(len(left), -1) if set_of is None else np.asarray(set_of)
        column = (
            np.where(is_leaf, LEAF, np.asarray(feature)[order]),
            np.where(is_leaf, 0.0, np.asarray(threshold, np.float64)[order]),
            *children,
            np.where(is_leaf, False, np.asarray(missing_left, bool)[order]),
            np.where(is_leaf, -1, sets[order]),
        )
        self._columns.append(column)
        self._values.append(np.asarray(values, self.values)[order][is_leaf])
        self._roots.append(self._nodes)
        self._targets.append(target)
        self._nodes += len(order)
        self._leaves += int(is_leaf.sum())

    def tables(self, features: int, sums: int) -> Tables:
        """Returns the tables of all trees.

        Args:
          features: of a row.
          sums: that trees add to.

        Raises:
          ValueError: a tree tests a feature, or adds to a sum, that does not exist.
        """
        types = np.int32, np.float64, np.int32, np.int32, np.bool_, np.int32
        columns = [
            np.concatenate([np.zeros(0, kind), *(c[i] for c in self._columns)]).astype(kind)
            for i, kind in enumerate(types)
        ]
        offsets = np.cumsum([0, *map(len, self._sets)]).astype(np.int32)
        words = np.concatenate([np.zeros(0, np.uint32), *self._sets])
        values = np.concatenate(self._values) if self._values else np.zeros((0, 1), self.values)
        roots, targets = (np.array(numbers, np.int32) for numbers in (self._roots, self._targets))
        tables = Tables(roots, targets, *columns, offsets, words, values, self.strict)
        tables.check(features, sums, ValueError)
        return tables


def _from_the_root(left: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(the nodes reachable from the root, parents first; the index of each)

    Raises:
      ValueError: a child does not exist, or has two parents.
    """
    count = len(left)
    if not count or len(right) != count:
        raise ValueError("A tree has no nodes.")
    levels, nodes, total = [], np.zeros(1, np.int64), 0
    while nodes.size:
        total += nodes.size
        if total > count or nodes.max() >= count:
            raise ValueError("A tree has a node with two parents, or a child that does not exist.")
        levels.append(nodes)
        parents = nodes[left[nodes] >= 0]
        if (right[parents] < 0).any():
            raise ValueError("A tree has a node with one child.")
        nodes = np.stack([left[parents], right[parents]], 1).reshape(-1)
    order = np.concatenate(levels)
    place = np.zeros(count, np.int64)
    place[order] = np.arange(len(order))
    return order, place
