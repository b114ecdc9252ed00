"""Contractions absorb transposes into their letters: operands are read in memory order.

Products of complex matrices become four products of their parts, which have kernels. Sums over letters of both operands are merged: the weights of a
layer that was applied to a batch of matrices. Rows that are all alike, as those of the gradient of a sum, are multiplied once. If no operand
contributes its own letter to the result, the contraction is a reduction, which is split if it is long.
"""

from penstock._src.core import dtypes
from penstock._src.core.typesets import NARROW
from penstock._src.ir.build.maker import NodeMaker
from penstock._src.ir.extents import dims
from penstock._src.ir.node import Node
from penstock._src.ir.primitives import split_spec
from penstock._src.ir.rules import pattern as m
from penstock._src.ir.rules.rewrite import rule

LARGE = 1 << 12  # multiplications

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
    return p.contract_again(node, f"{letters[0]},{letters[1]}->{result}", *operands)


def _repeated_operand(p: NodeMaker, node: Node, x: Node, y: Node) -> Node | None:
    left, right, result = split_spec(node.attrs["spec"])
    dropped = _repeated_letters(x, left) - set(right) | _repeated_letters(y, right) - set(left)
    dropped &= set(result)
    if not dropped:
        return None
    operands = [_without(p, operand, own, dropped) for operand, own in ((x, left), (y, right))]
    spelled = ["".join(c for c in own if c not in dropped) for own in (left, right, result)]
    once = p.contract_again(node, f"{spelled[0]},{spelled[1]}->{spelled[2]}", *operands)
    axes = [i for i, c in enumerate(result) if c not in dropped]
    return p.broadcast(once, node.shape, axes)


def _repeated_letters(x: Node, letters: str) -> set[str]:
    """The letters of the axes along which an operand repeats what it is broadcast from."""
    if x.kind != "broadcast":
        return set()
    (source,), axes = x.args, x.attrs["axes"]
    varied = {
        a for a, extent in zip(axes, source.shape, strict=True) if not dims.is_one(extent)
    } | {a for a, extent in enumerate(x.shape) if dims.is_one(extent)}
    return {c for a, c in enumerate(letters) if a not in varied}


def _without(p: NodeMaker, x: Node, letters: str, dropped: set[str]) -> Node:
    """An operand without the axes of these letters, along which it repeats itself."""
    gone = [a for a, c in enumerate(letters) if c in dropped]
    if not gone:
        return x
    (source,), axes = x.args, x.attrs["axes"]
    kept = [a for a in range(x.rank) if a not in gone]
    of_source = [i for i, a in enumerate(axes) if a not in gone]
    source = p.reshape(source, [source.shape[i] for i in of_source])
    return p.broadcast(source, [x.shape[a] for a in kept], [kept.index(axes[i]) for i in of_source])


def _sum_over_batch(p: NodeMaker, node: Node, x: Node, y: Node) -> Node | None:
    left, right, result = split_spec(node.args[0].attrs["spec"])
    axes = node.attrs["axes"]
    kept = "".join(c for i, c in enumerate(result) if i not in axes)
    common = {c for c in left if c in right}
    if not common.issuperset(result[a] for a in axes):
        return None
    return p.contract_again(node.args[0], f"{left},{right}->{kept}", x, y)


def _elementwise(p: NodeMaker, node: Node, x: Node, y: Node) -> Node | None:
    left, right, result = split_spec(node.attrs["spec"])
    if any((c in left) != (c in right) for c in result):
        return None
    wide = dtypes.float32 if node.dtype in NARROW else node.dtype
    x, letters = _summed_alone(p, p.cast(x, wide), left, right)
    y, others = _summed_alone(p, p.cast(y, wide), right, left)
    y = p.transpose(y, [others.index(c) for c in letters])
    axes = [i for i, c in enumerate(letters) if c not in result]
    product = p.mul(x, y)
    product = p.reduce(product, "sum", axes) if axes else product
    kept = [c for c in letters if c in result]
    return p.cast(p.transpose(product, [kept.index(c) for c in result]), node.dtype)


def _complex_parts(p: NodeMaker, node: Node, x: Node, y: Node) -> Node | None:
    if not node.dtype.is_complex or not _is_product(node):
        return None
    spec = node.attrs["spec"]
    (a, b), (c, d) = ((p.real(part), p.imag(part)) for part in (x, y))
    real = p.sub(*(p.contract_again(node, spec, *pair) for pair in ((a, c), (b, d))))
    imaginary = p.add(*(p.contract_again(node, spec, *pair) for pair in ((a, d), (b, c))))
    return p.complex(real, imaginary)


def _is_product(node: Node) -> bool:
    """True if a contraction is a product of large matrices: both operands have letters of their own, and the depth is large."""
    left, right, result = split_spec(node.attrs["spec"])
    extents = dict(zip(left + right, [*node.args[0].shape, *node.args[1].shape], strict=True))
    own = [set(result) & (set(a) - set(b)) for a, b in ((left, right), (right, left))]
    work = dims.product(extents.values())
    return all(own) and (isinstance(work, dims.Dim) or work >= LARGE)


def _summed_alone(p: NodeMaker, x: Node, own: str, other: str) -> tuple[Node, str]:
    """An operand summed over the letters that the other one lacks, and its remaining letters."""
    axes = [i for i, c in enumerate(own) if c not in other]
    return (p.reduce(x, "sum", axes) if axes else x), "".join(c for c in own if c in other)


CONTRACTION = (
    rule(
        "contract(transpose(x), y) -> contract(x, y), other letters",
        m.Apply("contract", None, (x, y)),
        _transposed_operand,
    ),
    rule(
        "contract(broadcast(x), y) -> broadcast(contract(x, y)) along letters of one operand alone",
        m.Apply("contract", None, (x, y)),
        _repeated_operand,
    ),
    rule(
        "sum(contract(x, y)) over letters of both -> contract(x, y)",
        m.reduce_sum(m.Apply("contract", None, (x, y))),
        _sum_over_batch,
    ),
    rule(
        "contract(x, y) -> sum(x * y) without a letter of one operand alone",
        m.Apply("contract", None, (x, y)),
        _elementwise,
    ),
    rule(
        "contract(x, y) of complex numbers -> sums of contracts of their parts",
        m.Apply("contract", None, (x, y)),
        _complex_parts,
    ),
)
