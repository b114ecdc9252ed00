"""A row sum that attention's backward kernel computes by another formula than the graph.

The graph has D = sum(dP * P), where dP = dO V^T. The kernel computes the sum of dO * O, where O = P V was stored by the
forward pass: in exact arithmetic the same. But the rounding error of D then comes from O (16 bits under mixed precision), not from dP, so
the errors no longer cancel in dP - D. This shows where gradients cancel: that of a key's bias is zero except for rounding.
"""

from penstock._src.ir.node import Node
from penstock._src.ir.primitives import split_spec
from penstock._src.util.dataclass import dataclass


@dataclass(frozen=True)
class Share:
    """The operands of such a sum, and the einsums that make O of P and V, and D of dO and O."""

    product: Node  # dP, before it is cast
    operands: tuple[Node, Node, Node]  # P, V, dO
    output: str
    total: str


def share_of(node: Node) -> Share | None:
    """The share that a node sums, or None if it is not such a sum."""
    if node.kind != "reduce" or node.op != "sum" or len(node.attrs["axes"]) != 1:
        return None
    (terms,) = node.args
    if terms.kind != "binary" or terms.op != "mul" or not node.dtype.is_floating:
        return None
    for factor, weights in (terms.args, terms.args[::-1]):
        while factor.kind == "cast":
            (factor,) = factor.args
        if factor.kind == "contract" and factor.shape == weights.shape:
            return _share(factor, weights, node.attrs["axes"][0])
    return None


def _share(product: Node, weights: Node, axis: int) -> Share | None:
    left, right, result = split_spec(product.attrs["spec"])
    column = result[axis]
    if (column in left) == (column in right) or not product.args[0].dtype.is_floating:
        return None
    (value, values), (seed, seeds) = zip(product.args, (left, right), strict=True)
    if column in seeds:
        value, values, seed, seeds = seed, seeds, value, values
    kept = result.replace(column, "")
    if not set(kept) <= set(seeds) or any(len(set(x)) < len(x) for x in (left, right)):
        return None
    return Share(
        product, (weights, value, seed), f"{result},{values}->{seeds}", f"{seeds},{seeds}->{kept}"
    )
