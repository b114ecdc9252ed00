"""Recognizes reductions that only serve the rows that they reduce, as in a softmax or a layer norm.

Before: s = sum(x), along the last axis;  b = broadcast(s), along the rows of x;  r = div(x, b)
After:  s is not stored: each kernel over rows of x reduces its row again, which is in its cache
"""

from collections.abc import Container, Mapping, Sequence
from typing import Any

from penstock._src.ir.extents.dims import is_one, key, shape_key
from penstock._src.ir.node import Node
from penstock._src.ir.primitives import ELEMENTWISE
from penstock._src.util.flags import flags

LONGEST_ROW = 4096  # elements of a row that a kernel may go over several times


def find_row_reductions(
    nodes: Sequence[Node],
    users: Mapping[int, list[Node]],
    roots: Container[int],
    reductions: Mapping[int, Node],
    absorbed: Container[int],
    contractions: Container[int],
) -> frozenset[int]:
    """Ids of the ends of reductions of short rows along the last axis, whose result is broadcast along the row once."""
    ids: set[int] = set()
    if "rows" in flags.disable:
        return frozenset()
    # From the end, as the results of later reductions decide what earlier ones serve.
    for end in reversed(nodes):
        root = reductions.get(end.id)
        if root is None or end.id in roots:
            continue
        (x,) = root.args
        extent = x.shape[-1] if x.shape else 0
        short = type(extent) is int and 1 < extent <= LONGEST_ROW
        if short and tuple(root.attrs["axes"]) == (len(x.shape) - 1,):
            takers = _takers_along_rows(end, x, users)
            # A kernel of another kind computes those; it would have to read the row from memory.
            if takers is not None and not any(
                u.id in absorbed or u.id in contractions for u in takers
            ):
                ids.add(end.id)
    return frozenset(ids)


def _takers_along_rows(end: Node, x: Node, users: Mapping[int, list[Node]]) -> list[Node] | None:
    """The users (two at most) of the only broadcast of a row's result along that row; None if it is used otherwise."""
    node, lead = end, len(x.shape) - 1
    while len(users[node.id]) == 1:
        (user,) = users[node.id]
        if user.kind == "reshape" and _long(user) == _long(end):
            node = user
            continue
        whole = user.kind == "broadcast" and shape_key(user.shape) == shape_key(x.shape)
        straight = whole and all(
            is_one(e) or a < lead for e, a in zip(node.shape, user.attrs["axes"])
        )
        takers = users[user.id]
        return takers if straight and len(takers) <= 2 else None
    return None


def _long(node: Node) -> list[Any]:
    return [key(e) for e in node.shape if not is_one(e)]


class RowUses:
    """Uses of nodes that contain row reductions: are all of them kernels over the same rows?"""

    def __init__(
        self,
        users: Mapping[int, list[Node]],
        roots: Container[int],
        absorbed: Container[int],
        contractions: Container[int],
    ):
        """`roots` are ids of the reduce nodes that are computed in rows."""
        self.users, self.roots = users, roots
        self.absorbed, self.contractions = absorbed, contractions
        self._feeding: dict[tuple[int, Any], bool] = {}

    def leaves(self, node: Node) -> bool:
        """True if a node that contains a row reduction must be stored, because it has users outside of one kernel over the same rows."""
        if node.kind in ("reshape", "broadcast") or not node.shape:
            return False
        shape = shape_key(node.shape)
        others = [u for u in self.users[node.id] if not self._feeds(u, shape)]
        if not others:
            # A node without users is a result.
            return not self.users[node.id]
        (user, *more) = others
        plain = user.kind in ELEMENTWISE and shape_key(user.shape) == shape
        stays = plain and not more
        return not stays or user.id in self.contractions or user.id in self.absorbed

    def _feeds(self, node: Node, shape: Any) -> bool:
        """True if all users of a node, of a shape (a `shape_key`), end in reductions that are computed in rows."""
        # With a stack of its own, as expressions are deeper than Python's.
        pending = [node]
        while pending:
            current = pending[-1]
            if (current.id, shape) in self._feeding:
                pending.pop()
                continue
            onward = self._needed(current, shape)
            unknown = [u for u in onward or () if (u.id, shape) not in self._feeding]
            if unknown:
                pending += unknown
                continue
            feeds = onward is not None and all(self._feeding[u.id, shape] for u in onward)
            # Known for all of the expression: each node is looked at once per shape.
            self._feeding[current.id, shape] = feeds
            pending.pop()
        return self._feeding[node.id, shape]

    def _needed(self, node: Node, shape: Any) -> list[Node] | None:
        """The users for which `_feeds` must be true so that it is true for a node; None if it cannot be."""
        if node.kind == "reduce":
            return [] if node.id in self.roots else None
        plain = node.kind in ELEMENTWISE and shape_key(node.shape) == shape
        return self.users[node.id] if plain and node.id not in self.contractions else None
