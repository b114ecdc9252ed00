"""One row by weights that are computed from narrower numbers: a loop nest, which reads the numbers and multiplies at once.

Before: contract("mk,kn->mn", x, mul(cast<float32>(q), scale))      for one row x, and weights that only products read
After:  no contraction: the nest of its sum computes each weight in a register, once

A contraction would read the weights from memory, several times the bytes of the numbers, after another kernel has stored them there.
"""

from collections.abc import Callable, Mapping

from penstock._src.compiler.codegen.contraction.extents import is_static
from penstock._src.compiler.codegen.contraction.match import Match
from penstock._src.compiler.codegen.contraction.products.description import Gemm
from penstock._src.compiler.kernels.memory import bytes_of
from penstock._src.ir.node import Node
from penstock._src.ir.primitives import ELEMENTWISE, MOVEMENT

NARROWER = 2  # least ratio of the bytes of weights to the bytes that they are computed from
_COMPUTED = ELEMENTWISE | MOVEMENT | {"gather"}


def multiplies_computed_row(
    match: Match, users: Mapping[int, list[Node]], wanted: Callable[[Node], bool]
) -> bool:
    """True if a product has one row, and weights that are better computed where they are multiplied; `wanted` nodes are stored."""
    product, weights = match.description, match.right
    # With more rows each weight would be computed once for every row.
    if not isinstance(product, Gemm) or product.batch or weights.kind not in ELEMENTWISE:
        return False
    if not is_static(product.m) or product.m != 1 or type(weights.size) is not int:
        return False
    return _only_multiplied(weights, users, wanted) and _is_from_narrower(weights)


def _only_multiplied(
    node: Node, users: Mapping[int, list[Node]], wanted: Callable[[Node], bool]
) -> bool:
    if wanted(node):
        return False
    return all(
        u.kind == "contract" or (u.kind in MOVEMENT and _only_multiplied(u, users, wanted))
        for u in users[node.id]
    )


def _is_from_narrower(weights: Node) -> bool:
    """True if the arrays that weights are computed from take fewer bytes."""
    sources: dict[int, Node] = {}
    seen, rest = {weights.id}, [weights]
    while rest:
        # Through movements, too: they cost nothing in a loop nest.
        node = rest.pop()
        if node.kind not in _COMPUTED:
            sources[node.id] = node
            continue
        rest += [arg for arg in node.args if arg.id not in seen]
        seen.update(arg.id for arg in node.args)
    if any(type(node.size) is not int for node in sources.values()):
        return False
    return NARROWER * sum(map(bytes_of, sources.values())) <= bytes_of(weights)
