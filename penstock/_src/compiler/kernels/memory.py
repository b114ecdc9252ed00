"""Where nodes lie in memory."""

from __future__ import annotations

from penstock._src.compiler.kernels.inline import is_splat
from penstock._src.ir import dims
from penstock._src.ir.node import Node


def home(node: Node) -> Node:
    """The node whose memory a node is, through reshapes and changes of type that move nothing."""
    while node.kind in ("reshape", "bitcast"):
        node = node.args[0]
    return node


def in_memory_already(node: Node) -> bool:
    """Whether a node lies in memory without being computed: an argument, a variable, a known array, a loop's result."""
    if node.kind == "constant":
        return not is_splat(node)
    return node.kind in ("parameter", "read", "item")


def bytes_of(node: Node) -> int:
    """Bytes of a node's elements."""
    return int(dims.product(node.shape)) * node.dtype.size
