"""The memory of nodes: which node's buffer contains a node's value."""

from penstock._src.ir.extents import dims
from penstock._src.ir.node import Node


def home(node: Node) -> Node:
    """The node that owns a node's memory: its argument, through reshapes and bitcasts, which move no data."""
    while node.kind in ("reshape", "bitcast"):
        node = node.args[0]
    return node


def is_splat(node: Node) -> bool:
    """True if a constant has the same value in every element."""
    value = node.attrs["value"]
    return value.size == 1 or (
        value.size > 0
        and 0 in value.strides
        and all(s == 0 or e == 1 for s, e in zip(value.strides, value.shape))
    )


def in_memory_already(node: Node) -> bool:
    """True if a node is in memory without a kernel that stores it: a parameter, a variable, a constant array, a result of a loop."""
    if node.kind == "constant":
        return not is_splat(node)
    return node.kind in ("parameter", "read", "item")


def bytes_of(node: Node) -> int:
    """Bytes of a node's elements."""
    return dims.settled(dims.product((node.dtype.size, *node.shape)))
