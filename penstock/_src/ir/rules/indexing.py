"""Blocks at run-time offsets: blocks that are the whole array, and blocks added to an array."""

from penstock._src.ir.build.maker import NodeMaker
from penstock._src.ir.extents import dims
from penstock._src.ir.meaning.known_values import is_number
from penstock._src.ir.node import Node
from penstock._src.ir.rules import pattern as m
from penstock._src.ir.rules.rewrite import rule


class _Sum(m.Pattern):
    """Matches a sum with a block in an array of zeros on one side."""

    heads = (("binary", "add"),)

    def match(self, node: Node, bindings: m.Bindings) -> bool:
        return any(_is_lone_block(a) for a in node.args)


def _is_lone_block(node: Node) -> bool:
    return node.kind == "dynamic_update_slice" and is_number(node.args[0], 0)


def _whole(p: NodeMaker, node: Node) -> Node | None:
    same = dims.shape_key(node.args[0].shape) == dims.shape_key(node.shape)
    return node.args[0] if same else None


def _all_replaced(p: NodeMaker, node: Node) -> Node | None:
    x, update = node.args[:2]
    return update if dims.shape_key(x.shape) == dims.shape_key(update.shape) else None


def _add_to_block(p: NodeMaker, node: Node) -> Node:
    x, y = node.args if _is_lone_block(node.args[1]) else reversed(node.args)
    _, update, *starts = y.args
    old = p.dynamic_slice(x, starts, update.shape)
    return p.dynamic_update_slice(x, p.add(old, update), starts)


INDEXING = (
    rule("dynamic_slice(x) of all -> x", m.Kind("dynamic_slice"), _whole),
    rule("dynamic_update_slice(x, y) over all -> y", m.Kind("dynamic_update_slice"), _all_replaced),
    rule("x + update(0, y, i) -> update(x, slice(x, i) + y, i)", _Sum(), _add_to_block),
)
