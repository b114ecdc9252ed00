"""Contractions take transposes into their letters: operands are read in the order in which they lie.

And sums over letters of both operands: the weights of a layer that was applied to a batch of matrices.
"""

from penstock._src.ir.build.maker import NodeMaker
from penstock._src.ir.node import Node
from penstock._src.ir.rules import pattern as m
from penstock._src.ir.rules.rewrite import rule
from penstock._src.ir.shape_rules import split_spec

x, y = m.variables("x y")


def _transposed_operand(p: NodeMaker, node: Node, x: Node, y: Node) -> Node | None:
    left, right, result = split_spec(node.attrs["spec"])
    operands, letters, changed = [x, y], [left, right], False
    for i, operand in enumerate(operands):
        if operand.kind == "transpose":
            spelled = [""] * operand.rank
            for place, axis in enumerate(operand.attrs["perm"]):
                spelled[axis] = letters[i][place]
            operands[i], letters[i], changed = operand.args[0], "".join(spelled), True
    if not changed:
        return None
    return p.contract(f"{letters[0]},{letters[1]}->{result}", *operands)


def _sum_over_batch(p: NodeMaker, node: Node, x: Node, y: Node) -> Node | None:
    left, right, result = split_spec(node.args[0].attrs["spec"])
    axes = node.attrs["axes"]
    kept = "".join(c for i, c in enumerate(result) if i not in axes)
    common = {c for c in left if c in right}
    if not common.issuperset(result[a] for a in axes) or common.issuperset(kept):
        return None  # of products element by element, sums are better made by a reduction
    return p.contract(f"{left},{right}->{kept}", x, y)


CONTRACTION = (
    rule(
        "contract(transpose(x), y) -> contract(x, y), other letters",
        m.Apply("contract", None, (x, y)),
        _transposed_operand,
    ),
    rule(
        "sum(contract(x, y)) over letters of both -> contract(x, y)",
        m.reduce_sum(m.Apply("contract", None, (x, y))),
        _sum_over_batch,
    ),
)
