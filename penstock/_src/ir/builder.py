"""The Builder creates nodes.

Every node is created by `make`: it returns an existing equal node instead of a new one, computes a node with known
arguments (folding.py), and applies the rules of `rules/`. So nodes are simplified at creation, and no separate pass is needed. The methods that
write primitives are the mixins in `build/`; compiler/lower/context.py adds variables and checks for lowerings.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from penstock._src.core.shapes import LARGEST_RANK
from penstock._src.ir import folding
from penstock._src.ir.build.maker import NodeMaker
from penstock._src.ir.errors import MalformedFunction, NotLowerable
from penstock._src.ir.meaning.known_values import KnownValues
from penstock._src.ir.node import Node, attribute_key
from penstock._src.ir.primitives import PRIMITIVES
from penstock._src.ir.rules import simplify

# The dtype of nodes with several results; each `item` has its own.
NO_DTYPE: Any = None


class Builder(NodeMaker):
    """Makes nodes. One builder serves one program: its nodes and those of all nested functions."""

    def __init__(self, rules: bool = True, fold: bool = True) -> None:
        self.rules, self.fold = rules, fold
        self.known = KnownValues()
        self.nodes: dict[tuple, Node] = {}  # by kind, arguments and attributes
        # The operation being lowered, which every new node gets as its origin.
        self.origin: Any = None
        self.hits: dict[str, int] = {}  # number of applications of each rule

    def forget(self) -> None:
        """Drops the tables for making further nodes: the builder lives as long as any of its nodes."""
        self.nodes.clear()
        self.known.forget()

    def make(self, kind: str, args: Sequence[Node], **attrs: Any) -> Node:
        """The node `kind(args; attrs)`, or a simpler node of the same value."""
        args = tuple(args)
        key = (
            kind,
            tuple([a.id for a in args]),
            tuple([attribute_key(attrs[k]) for k in sorted(attrs)]),
        )
        node = self.nodes.get(key)
        if node is None:
            node = self.nodes[key] = self.simplified(new_node(self, kind, args, attrs, self.origin))
        return node

    def simplified(self, node: Node) -> Node:
        """The node itself, a constant if it can be computed, or the result of a rule."""
        if self.fold:
            folded = folding.fold(self, node)
            if folded is not None:
                return folded
        if self.rules:
            replaced = simplify(self, node, self.hits)
            if replaced is not None:
                return replaced
        return node


def new_node(
    maker: NodeMaker, kind: str, args: tuple[Node, ...], attrs: Mapping[str, Any], origin: Any
) -> Node:
    """A node without simplification, with the shape from the kind's rule."""
    primitive = PRIMITIVES[kind]
    if primitive.arity is not None and len(args) != primitive.arity:
        raise MalformedFunction(f"{kind} takes {primitive.arity} arguments. Received {len(args)}.")
    if primitive.ops is not None and attrs["op"] not in primitive.ops:
        raise MalformedFunction(f"{kind} knows no operation {attrs['op']!r}.")
    depth = max([a.depth for a in args], default=0)
    typed = primitive.infer(args, attrs)
    if isinstance(typed, list):
        return Node(maker, kind, args, attrs, (), NO_DTYPE, tuple(typed), depth, origin)
    shape, dtype = typed
    if any([n < 0 for n in shape]):
        raise NotLowerable(f"{kind} of negative extents: {list(map(int, shape))}")
    if len(shape) > LARGEST_RANK:
        raise NotLowerable(f"a tensor of more than {LARGEST_RANK} dimensions")
    if kind == "parameter":
        depth = attrs["scope"][0]
    return Node(maker, kind, args, attrs, shape, dtype, None, depth, origin)
