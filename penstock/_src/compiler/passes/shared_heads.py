"""Gradients of keys and values that heads of queries share, computed for each of these heads and then added.

Before: dk = contract("abgts,atbgw->absw", ds, q)        g: the heads of queries that share a head of keys
After:  dk = reduce(contract("abgts,atbgw->abgsw", ds, q), "sum", g)

A kernel of attention stores a gradient for each head of queries. With the sum inside of the product, recognize/attention.py does not recognize the
attention, so that its scores are stored. Sums are added in another order, with the same bound for their errors.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from penstock._src.compiler.kernels.attention import LEAST, WIDEST
from penstock._src.compiler.passes.remaking import remade
from penstock._src.core import dtypes
from penstock._src.ir.extents.dims import is_large, shape_key
from penstock._src.ir.function import Function
from penstock._src.ir.node import Node
from penstock._src.ir.primitives import ELEMENTWISE, split_spec

Users = dict[int, list[Node]]


def separate_shared_heads(function: Function) -> Function:
    """Takes the sums over heads out of gradients of attentions."""
    nodes = function.nodes()
    users: Users = {node.id: [] for node in nodes}
    for node in nodes:
        for argument in dict.fromkeys(node.args):
            users[argument.id].append(node)
    separated = {
        gradient.id: of_scores for gradient, of_scores in _gradients(nodes, users, function)
    }
    if not separated:
        return function

    def instead(p: Any, node: Node, args: Sequence[Node]) -> Node | None:
        of_scores = separated.get(node.id)
        return None if of_scores is None else _separated(p, node, args, of_scores)

    return remade(function, function.parameters, instead)


def _gradients(
    nodes: Sequence[Node], users: Users, function: Function
) -> Iterator[tuple[Node, int]]:
    """The gradients of shared keys and values, with the number of the operand that has the form of the scores."""
    kept = {root.id for root in function.roots}
    for node in nodes:
        if not _is_softmax(node) or node.id in kept:
            continue
        of_scores = _gradient_of_scores(node, users)
        if of_scores is None or of_scores.id in kept:
            continue
        of_values, of_keys = (_over_rows(each, users[each.id]) for each in (node, of_scores))
        # An attention without one of these gradients is not recognized.
        if of_values is None or of_keys is None:
            continue
        for product, scores in ((of_values, node), (of_keys, of_scores)):
            at = int(product.args[1] is scores)
            if len(_summed(product, at)) > 1 and _fits(product, scores, at):
                yield product, at


def _is_softmax(node: Node) -> bool:
    """True for exp(x - max(x)) / sum(exp(x - max(x))) along the last axis."""
    if node.kind != "binary" or node.op != "div" or len(node.shape) < 3:
        return False
    if node.dtype not in (dtypes.float32, dtypes.float64):
        return False
    exps, total = node.args
    while total.kind in ("broadcast", "reshape"):
        (total,) = total.args
    last = (len(node.shape) - 1,)
    return (
        (exps.kind == "unary" and exps.op == "exp")
        and (total.kind == "reduce" and total.op == "sum")
        and (total.args[0] is exps and tuple(total.attrs["axes"]) == last)
    )


def _gradient_of_scores(probabilities: Node, users: Users) -> Node | None:
    """What follows from (dP - sum(dP * P)) * P by elementwise nodes, up to the products that read it; None if there is no such node."""
    found = [u for u in users[probabilities.id] if _is(u, "mul") and _difference(u, probabilities)]
    if len(found) != 1:
        return None
    (node,) = found
    while not all(u.kind == "contract" for u in users[node.id]):
        readers = users[node.id]
        if len(readers) != 1 or readers[0].kind not in ELEMENTWISE:
            return None
        if shape_key(readers[0].shape) != shape_key(node.shape):
            return None
        (node,) = readers
    return node


def _is(node: Node, op: str) -> bool:
    return node.kind == "binary" and node.op == op


def _difference(product: Node, probabilities: Node) -> bool:
    """True if the other factor of a product with the probabilities is a difference."""
    return any(each is not probabilities and _is(each, "sub") for each in product.args)


def _over_rows(scores: Node, users: Sequence[Node]) -> Node | None:
    """The one product of a node with the scores' shape that sums over rows and not over columns, if another one sums over columns alone."""
    products: dict[bool, Node] = {}
    for user in users:
        if user.kind != "contract" or user.dtype is not scores.dtype:
            continue
        if user.attrs.get("is_exact", False) or (user.args[0] is user.args[1]):
            return None
        at = int(user.args[1] is scores)
        mine, summed = split_spec(user.attrs["spec"])[at], _summed(user, at)
        over_columns = mine[-1] in summed
        if not summed or over_columns in products or over_columns and len(summed) > 1:
            return None
        products[over_columns] = user
    return products.get(False) if True in products else None


def _fits(product: Node, scores: Node, at: int) -> bool:
    """True if an attention has the extents of a kernel: other gradients stay as they are."""
    *operands, _ = split_spec(product.attrs["spec"])
    rows, other = operands[at].index(_summed(product, at)[-1]), product.args[1 - at]
    widths = [
        n for n, c in zip(other.shape, operands[1 - at], strict=True) if c not in operands[at]
    ]
    if not all(type(width) is int and width <= WIDEST for width in widths):
        return False
    return is_large(scores.shape[-1], LEAST) and is_large(scores.shape[rows], LEAST)


def _summed(product: Node, at: int) -> str:
    """The letters of an operand over which both are summed, in its order."""
    *operands, result = split_spec(product.attrs["spec"])
    return "".join(c for c in operands[at] if c not in result and c in operands[1 - at])


def _separated(p: Any, product: Node, args: Sequence[Node], at: int) -> Node:
    """A product with an axis for each head, summed over these axes: all that are summed but the last, the rows."""
    *operands, result = split_spec(product.attrs["spec"])
    heads, column = _summed(product, at)[:-1], operands[at][-1]
    first = result.index(column)
    every = result[:first] + heads + result[first:]
    whole = p.contract(f"{operands[0]},{operands[1]}->{every}", *args)
    # Without the barrier, a rule of ir/rules would put the sum into the product again.
    whole = p.optimization_barrier(whole, ())
    return p.reduce(whole, "sum", tuple(range(first, first + len(heads))))
