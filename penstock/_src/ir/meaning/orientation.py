"""Orientation: do nodes read arrays along rows, in the order of memory, or across them?"""

from collections.abc import Callable

from penstock._src.ir.extents.dims import Dim, is_one
from penstock._src.ir.node import Node

SHORT = 8  # elements of a row so short that adjacent rows share cache lines


def turns_rows(node: Node) -> bool:
    """True if a node is a transpose that makes another axis the innermost one, if neither innermost axis is short."""
    if node.kind != "transpose":
        return False
    shape, perm = node.args[0].shape, node.attrs["perm"]
    moved = [axis for axis in perm if not is_one(shape[axis])]
    if len(moved) < 2 or moved[-1] == max(moved):
        return False
    return all(isinstance(e, Dim) or e > SHORT for e in (shape[moved[-1]], shape[max(moved)]))


def reads_across_rows(node: Node, is_leaf: Callable[[Node], bool]) -> bool:
    """True if a node is computed from a transpose for which `turns_rows` holds; `is_leaf` is True for nodes that are read from memory."""
    pending, seen = [node], {node.id}
    while pending:
        current = pending.pop()
        if turns_rows(current):
            return True
        new = [a for a in current.args if a.id not in seen and not is_leaf(a)]
        seen.update([a.id for a in new])
        pending += new
    return False
