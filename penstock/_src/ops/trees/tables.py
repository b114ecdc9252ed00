"""The tables of an ensemble of trees: their meaning and validity."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from penstock._src.ir.meaning.trees import BITS, is_in_set

LEAF = -1  # in place of a feature
_ROWS = 1 << 14  # that are walked at a time


@dataclass(frozen=True, eq=False)
class Tables:
    """Nodes of all trees, one after the other; a child comes after its parent.

    A numerical node sends a row left if its feature is at most (strict: below) the threshold, a categorical one if its feature,
    without its fraction, is in the node's set. A row whose feature is NaN goes where `missing_left` says.

    Attributes:
      roots: the number of each tree's first node.
      targets: the first sum that a tree adds to.
      feature: of each node; -1 of a leaf.
      threshold: of each node.
      left: of each node; of a leaf, its row of values.
      right: of each node.
      missing_left: of each node.
      set_of: of each node, the number of its set; -1 of those that compare.
      set_offsets: of each set, the number of its first word, and at the end that of words.
      set_words: bits of sets; category c is bit c % 32 of word c // 32.
      values: what leaves add, [leaves, sums that a tree adds to].
      strict: whether a number equal to the threshold goes right.
    """

    roots: np.ndarray
    targets: np.ndarray
    feature: np.ndarray
    threshold: np.ndarray
    left: np.ndarray
    right: np.ndarray
    missing_left: np.ndarray
    set_of: np.ndarray
    set_offsets: np.ndarray
    set_words: np.ndarray
    values: np.ndarray
    strict: bool = False

    @property
    def inner(self) -> np.ndarray:
        """The numbers of nodes that have children."""
        return np.flatnonzero(self.feature != LEAF)

    def levels(self) -> list[np.ndarray]:
        """Returns the numbers of the nodes at each depth."""
        depths, nodes = [], self.roots
        while nodes.size:
            depths.append(nodes)
            parents = nodes[self.feature[nodes] != LEAF]
            nodes = np.concatenate([self.left[parents], self.right[parents]])
        return depths

    def sums(self, x: np.ndarray, base: np.ndarray) -> np.ndarray:
        """Returns [rows, sums]: `base`, and the leaves' values in the order of trees.

        Args:
          x: [rows, features].
          base: what sums begin with.
        """
        out = np.repeat(base[None].astype(self.values.dtype), len(x), 0)
        width = self.values.shape[1]
        with np.errstate(all="ignore"):
            for low in range(0, len(x), _ROWS):
                part = x[low : low + _ROWS]
                for root, target in zip(self.roots.tolist(), self.targets.tolist()):
                    leaves = self.left[self._walk(part, root)]
                    out[low : low + _ROWS, target : target + width] += self.values[leaves]
        return out

    def _walk(self, x: np.ndarray, root: int) -> np.ndarray:
        """The leaf that each row reaches in one tree."""
        at = np.full(len(x), root)
        rows = np.arange(len(x))
        while rows.size:
            rows = rows[self.feature[at[rows]] != LEAF]
            nodes = at[rows]
            goes_left = self._tests(x[rows, self.feature[nodes]], nodes)
            at[rows] = np.where(goes_left, self.left[nodes], self.right[nodes])
        return at

    def _tests(self, x: np.ndarray, nodes: np.ndarray) -> np.ndarray:
        """True where a feature's number goes left at a node."""
        threshold = self.threshold[nodes]
        goes_left = x < threshold if self.strict else x <= threshold
        sets = self.set_of[nodes]
        if (chosen := np.flatnonzero(sets >= 0)).size:
            low, high = (self.set_offsets[sets[chosen] + i] for i in (0, 1))
            goes_left[chosen] = is_in_set(x[chosen], low, (high - low) * BITS, self.set_words)
        return np.where(np.isnan(x), self.missing_left[nodes], goes_left)

    def check(self, features: int, sums: int, invalid: Callable[[str], Exception]) -> None:
        """Raises the error of `invalid` for a message unless the tables are those of trees.

        Args:
          features: of a row.
          sums: how many are computed.
          invalid: makes the error.
        """
        for wrong, message in self._faults(features, sums):
            if wrong:
                raise invalid(message)

    def _faults(self, features: int, sums: int) -> Any:
        """Pairs (whether something is wrong, what); a later test relies on earlier ones."""
        vectors = (
            *(self.feature, self.threshold, self.left, self.right, self.missing_left, self.set_of),
            *(self.roots, self.targets, self.set_offsets, self.set_words),
        )
        yield any(v.ndim != 1 for v in vectors) or self.values.ndim != 2, "tables must be vectors, and values a matrix"  # fmt: skip
        count = len(self.feature)
        yield any(len(v) != count for v in vectors[:6]), "tables must have an entry for each node"
        yield len(self.targets) != len(self.roots), "targets must have an entry for each tree"
        leaves, width = self.values.shape
        yield bool(len(self.roots)) and not width, "leaves must have values"
        yield _outside(self.targets, sums - width + 1), "a tree adds to a sum that does not exist"
        yield _outside(self.roots, count), "a tree begins at a node that does not exist"
        inner = self.inner
        yield _outside(self.feature[inner], features), "a node tests a feature that does not exist"
        ends = self.left[self.feature == LEAF]
        yield _outside(ends, leaves), "a leaf has a value that does not exist"
        children = np.concatenate([self.left[inner], self.right[inner]])
        yield _outside(children, count), "a node has a child that does not exist"
        later = (self.left[inner] > inner) & (self.right[inner] > inner)
        yield not later.all(), "a node comes before its parent"
        all_parents = np.bincount(np.concatenate([children, self.roots]), minlength=1)
        yield all_parents.max() > 1, "a node has two parents"
        offsets = self.set_offsets
        yield not offsets.size or offsets[0] < 0 or offsets[-1] > len(self.set_words) or (np.diff(offsets) < 0).any(), "sets must be words one after the other"  # fmt: skip
        sets = self.set_of[inner]
        yield _outside(sets + 1, len(offsets)), "a node has a set that does not exist"
        yield bool(np.isnan(self.threshold[inner[sets < 0]]).any()), "a threshold is NaN"


def _outside(numbers: np.ndarray, count: int) -> bool:
    return bool(numbers.size) and (int(numbers.min()) < 0 or int(numbers.max()) >= count)
