"""Forests of ai.onnx.ml: their nodes and leaves as arrays, their check, and the sums of the leaves that rows reach."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.registry import raw
from penstock._src.core.values.bounds import normal_bounds
from penstock._src.formats.onnx.reading import tensors as t
from penstock._src.util.process.forks import cached_property

LESS_EQUAL, LESS, GREATER_EQUAL, GREATER, EQUAL, NOT_EQUAL, MEMBER = range(7)
AVERAGE, SUM, MIN, MAX = range(4)
_ORDERED = (LESS_EQUAL, LESS, GREATER_EQUAL, GREATER)
_COMPARE = {
    LESS_EQUAL: "LessEqual",
    LESS: "Less",
    GREATER_EQUAL: "GreaterEqual",
    GREATER: "Greater",
    EQUAL: "Equal",
    NOT_EQUAL: "NotEqual",
}


@dataclass(frozen=True, eq=False)
class Forest:
    """The trees of a node of ONNX. A child is the number of a node, or -1 - the number of a leaf.

    Attributes:
      features: of each node, what it tests.
      modes: of each node, how.
      splits: of each node, what it compares with.
      trues, falses: its children.
      missing: whether NaN goes the way of true.
      roots: the child that each tree begins with.
      values: what leaves give, [leaves, outputs].
      present: whether a leaf gives something to an output, [leaves, outputs].
      members: the sets of nodes that test membership, in their order.
    """

    features: np.ndarray
    modes: np.ndarray
    splits: np.ndarray
    trues: np.ndarray
    falses: np.ndarray
    missing: np.ndarray
    roots: np.ndarray
    values: np.ndarray
    present: np.ndarray
    members: list[np.ndarray] = field(default_factory=list)

    def check(self) -> None:
        """Raises InvalidArgumentError unless the arrays are those of trees."""
        count, leaves = len(self.features), len(self.values)
        arrays = (self.modes, self.splits, self.trues, self.falses, self.missing)
        if any(len(each) != count for each in arrays):
            raise InvalidArgumentError("the arrays of nodes have different lengths.")
        children = np.concatenate([self.trues, self.falses, self.roots])
        if np.any(children >= count) or np.any(children < -leaves):
            raise InvalidArgumentError("a root or a child of a node is out of range.")
        if np.any(self.features < 0):
            raise InvalidArgumentError("a feature is out of range.")
        unknown = set(self.modes.tolist()) - {*_COMPARE, MEMBER}
        if unknown:
            raise InvalidArgumentError(f"the mode {unknown.pop()} of a node is unknown.")
        _ = self.depth

    @cached_property
    def depth(self) -> int:
        """The greatest number of tests of a row in a tree.

        Raises:
          InvalidArgumentError: a node is its own descendant.
        """
        level, depth = {r for r in self.roots.tolist() if r >= 0}, 0
        while level:
            depth += 1
            if depth > len(self.features):
                raise InvalidArgumentError("the trees have a circle.")
            children = (c for node in level for c in (self.trues[node], self.falses[node]))
            level = {int(child) for child in children if child >= 0}
        return depth

    def results(self, x: Any, aggregate: int) -> Any:
        """Returns `[rows, outputs]` of float32, or float64 if leaves have it.

        Args:
          x: the rows, `[rows, features]`.
          aggregate: AVERAGE, SUM, MIN or MAX over trees.
        """
        x = x if x.dtype in (dtypes.float32, dtypes.float64) else t.cast(x, dtypes.float32)
        if aggregate in (MIN, MAX):
            return self._extreme(self._leaves(x), aggregate)
        nodes = self._compiled_nodes(x.dtype.np)
        sums = self._compiled(x, nodes) if nodes else self._sums(self._leaves(x))
        return raw.RealDiv(sums, t.like(len(self.roots), sums)) if aggregate == AVERAGE else sums

    def _sums(self, leaves: Any) -> Any:
        values = t.constant(self.values, dtypes.as_dtype(self.values.dtype))
        return raw.Sum(t.batched_gather(values, leaves, 0), np.int32(1))

    def _extreme(self, leaves: Any, aggregate: int) -> Any:
        """The least or greatest of the values that the reached leaves give; 0 where none gives one."""
        limit = np.inf if aggregate == MIN else -np.inf
        table = np.where(self.present, self.values, limit).astype(self.values.dtype)
        reached = t.batched_gather(t.constant(table, dtypes.as_dtype(table.dtype)), leaves, 0)
        y = (raw.Min if aggregate == MIN else raw.Max)(reached, np.int32(1))
        return raw.SelectV2(raw.Equal(y, t.like(limit, y)), t.like(0, y), y)

    def _leaves(self, x: Any) -> Any:
        """The leaf of each tree that rows reach, `[rows, trees]`: walks all trees at once, a level in each step."""
        rows = t.extents(x)[0]
        at = raw.BroadcastTo(t.int64(self.roots), t.vector([rows, len(self.roots)]))
        for _ in range(self.depth):
            is_inner = raw.GreaterEqual(at, t.int64(0))
            node = raw.Maximum(at, t.int64(0))
            feature = t.batched_gather(t.int64(self.features), node, 0)
            value = raw.GatherV2(x, feature, np.int32(1), batch_dims=1)
            following = raw.SelectV2(
                self._decisions(node, value),
                t.batched_gather(t.int64(self.trues), node, 0),
                t.batched_gather(t.int64(self.falses), node, 0),
            )
            at = raw.SelectV2(is_inner, following, at)
        return raw.Sub(t.int64(-1), at)

    def _decisions(self, node: Any, value: Any) -> Any:
        """True if values pass the tests of their nodes."""
        split = t.batched_gather(t.like(self.splits, value), node, 0)
        mode = t.batched_gather(t.int64(self.modes), node, 0)
        decision = t.constant(False, dtypes.bool_)
        for number in sorted(set(self.modes.tolist())):
            if number == MEMBER:
                result = self._is_member(node, value)
            else:
                result = getattr(raw, _COMPARE[number])(value, split)
            decision = raw.SelectV2(raw.Equal(mode, t.int64(number)), result, decision)
        tracks = t.batched_gather(t.constant(self.missing, dtypes.bool_), node, 0)
        return raw.LogicalOr(decision, raw.LogicalAnd(raw.IsNan(value), tracks))

    def _is_member(self, node: Any, value: Any) -> Any:
        owners = np.flatnonzero(self.modes == MEMBER)
        result = t.constant(False, dtypes.bool_)
        for owner, members in zip(owners, self.members):
            here = raw.Equal(node, t.int64(owner))
            wide = t.expand_dims(value, [t.rank(value)])
            inside = raw.Any(raw.Equal(wide, t.like(members, value)), np.int32(-1))
            result = raw.SelectV2(here, inside, result)
        return result

    def _compiled_nodes(self, number: Any) -> dict[str, np.ndarray] | None:
        """The tables of the op TreeEnsemble for rows of a type; None if they can't represent its tests or leaves."""
        if not set(self.modes.tolist()) <= set(_ORDERED) or not self.values.size:
            return None
        order = self._in_order()
        if order is None:
            return None
        return _tables(self, order, number)

    def _in_order(self) -> list[int] | None:
        """Nodes and leaves of the trees one after the other, as children; None if parts have several parents."""
        order: list[int] = []
        for root in self.roots.tolist():
            pending = [root]
            while pending:
                at = pending.pop()
                order.append(at)
                if at >= 0:
                    pending += [int(self.falses[at]), int(self.trues[at])]
            if len(order) > 2 * len(self.features) + len(self.roots):
                return None
        return order

    def _compiled(self, x: Any, nodes: dict[str, np.ndarray]) -> Any:
        base = np.zeros(self.values.shape[1], self.values.dtype)
        return raw.TreeEnsemble(x=x, base=base, values=self.values, **nodes)


def _tables(forest: Forest, order: list[int], number: Any) -> dict[str, np.ndarray]:
    """The tables of nodes in an order in which children follow their parents: all tests become "at most"."""
    at = np.array(order)
    is_leaf = at < 0
    node = np.maximum(at, 0)
    places = _places_of_children(forest, order)
    mode = forest.modes[node]
    splits = forest.splits.astype(number)[node]
    below = np.isin(mode, (LESS, GREATER_EQUAL))
    swapped = np.isin(mode, (GREATER, GREATER_EQUAL))
    with np.errstate(all="ignore"):
        threshold = np.where(below, np.nextafter(splits, splits.dtype.type(-np.inf)), splits)
        threshold = normal_bounds(threshold, -np.inf)
    true, false = places[:, 0], places[:, 1]
    is_root = np.ones(len(order), bool)
    is_root[places[~is_leaf].reshape(-1)] = False
    return {
        "roots": np.flatnonzero(is_root).astype(np.int32),
        "targets": np.zeros(len(forest.roots), np.int32),
        "feature": np.where(is_leaf, -1, forest.features[node]).astype(np.int32),
        "threshold": np.where(is_leaf, 0, threshold).astype(number),
        "left": np.where(is_leaf, -1 - at, np.where(swapped, false, true)).astype(np.int32),
        "right": np.where(is_leaf, 0, np.where(swapped, true, false)).astype(np.int32),
        "missing_left": forest.missing[node] != swapped,
        "set_of": np.full(len(order), -1, np.int32),
        "set_offsets": np.zeros(1, np.int32),
        "set_words": np.zeros(0, np.uint32),
    }


def _places_of_children(forest: Forest, order: list[int]) -> np.ndarray:
    """Indices of the children of each entry of a preorder, [entries, (true, false)]; 0 for leaves."""
    places = np.zeros((len(order), 2), np.int64)
    open_parents: list[tuple[int, int]] = []  # (parent, which child comes next)
    for index, at in enumerate(order):
        if open_parents:
            parent, side = open_parents.pop()
            places[parent, side] = index
            if side == 0:
                open_parents.append((parent, 1))
        if at >= 0:
            open_parents.append((index, 0))
    return places
