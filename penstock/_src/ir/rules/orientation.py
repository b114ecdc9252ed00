"""Transposes move outwards, through elementwise operations, reductions and other movements, until they meet one that takes them back, or a
result.

So a softmax along the first axis, which TensorFlow's op computes of a transposed array, and layers of images with channels first are computed
in the order in which their operands lie in memory.
"""

from collections.abc import Sequence

from penstock._src.ir.build.maker import NodeMaker
from penstock._src.ir.extents import dims
from penstock._src.ir.node import Node
from penstock._src.ir.primitives import ELEMENTWISE
from penstock._src.ir.rules import pattern as m
from penstock._src.ir.rules.rewrite import rule

DEEP = 6  # operations of repeated numbers alone, such as a gradient's share of a mean

x, y, z = m.variables("x y z")


def _elementwise(p: NodeMaker, node: Node) -> Node | None:
    """f(transpose(x), transpose(y)) -> transpose(f(x, y)) with one permutation; arguments that only repeat are made in that order."""
    perm = next((a.attrs["perm"] for a in node.args if a.kind == "transpose"), None)
    return None if perm is None else _made_before(p, node, perm, DEEP)


def _made_before(p: NodeMaker, node: Node, perm: Sequence[int], depth: int) -> Node | None:
    """The transpose of an elementwise operation, computed from its arguments before the permutation; None if some argument has no such form."""
    args = []
    for arg in node.args:
        before = _before(p, arg, perm, depth)
        if before is None:
            return None
        args.append(before)
    return p.transpose(p.make(node.kind, args, **node.attrs), perm)


def _before(p: NodeMaker, node: Node, perm: Sequence[int], depth: int) -> Node | None:
    """A node that needs no memory of its own and equals `node` after a permutation of its axes; None if none is known."""
    if node.kind in ELEMENTWISE and depth > 0:
        transposed = _made_before(p, node, perm, depth - 1)
        return None if transposed is None else _before(p, transposed, perm, 0)
    if node.kind == "transpose":
        return node.args[0] if node.attrs["perm"] == tuple(perm) else None
    if node.kind not in ("broadcast", "iota"):
        return None
    shape = _in_order(node.shape, perm)
    if node.kind == "iota":
        return p.iota(shape, perm[node.attrs["axis"]], node.dtype)
    axes = [perm[axis] for axis in node.attrs["axes"]]
    return p.broadcast(node.args[0], shape, axes) if axes == sorted(axes) else None


def _reduced(p: NodeMaker, node: Node, x: Node) -> Node:
    perm = node.args[0].attrs["perm"]
    axes = [perm[axis] for axis in node.attrs["axes"]]
    return _without(p, p.reduce(x, node.op, sorted(axes)), perm, axes)


def _index_of_extreme(p: NodeMaker, node: Node, x: Node) -> Node:
    perm = node.args[0].attrs["perm"]
    axis = perm[node.attrs["axis"]]
    extreme = p.make("arg_reduce", (x,), op=node.op, axis=axis, dtype=node.dtype)
    return _without(p, extreme, perm, [axis])


def _without(p: NodeMaker, array: Node, perm: Sequence[int], axes: Sequence[int]) -> Node:
    """The rest of an array after removing some axes, permuted by the remaining entries of `perm`."""
    left = [axis for axis in perm if axis not in axes]
    return p.transpose(array, [sorted(left).index(axis) for axis in left])


def _padded(p: NodeMaker, node: Node, x: Node, y: Node) -> Node:
    perm, attrs = node.args[0].attrs["perm"], node.attrs
    low, high, interior = (_in_order(attrs[name], perm) for name in ("low", "high", "interior"))
    return p.transpose(p.make("pad", (x, y), low=low, high=high, interior=interior), perm)


def _sliced(p: NodeMaker, node: Node, x: Node) -> Node:
    perm, attrs = node.args[0].attrs["perm"], node.attrs
    bounds = [_in_order(attrs[name], perm) for name in ("starts", "limits", "strides")]
    return p.transpose(p.slice(x, *bounds), perm)


def _reversed(p: NodeMaker, node: Node, x: Node) -> Node:
    perm = node.args[0].attrs["perm"]
    return p.transpose(p.reverse(x, sorted(perm[axis] for axis in node.attrs["axes"])), perm)


def _reshaped(p: NodeMaker, node: Node, x: Node) -> Node | None:
    """reshape(transpose(x)) -> transpose(reshape(x)) where the reshape only adds or removes axes of extent 1."""
    perm, before, after = node.args[0].attrs["perm"], node.args[0].shape, node.shape
    left, right = _others(before), _others(after)
    if dims.shape_key([before[i] for i in left]) != dims.shape_key([after[i] for i in right]):
        return None
    sources = {new: perm[old] for old, new in zip(left, right)}  # axes of x
    order: list[int] = []  # axes of the result as they lie in x, each new one before its successor
    for source in sorted(sources.values()):
        new = next(axis for axis, kept in sources.items() if kept == source)
        start = new
        while start > 0 and start - 1 not in sources:
            start -= 1
        order += range(start, new + 1)
    order += [axis for axis in range(len(after)) if axis not in order]
    moved = p.reshape(x, [after[axis] for axis in order])
    return p.transpose(moved, [order.index(axis) for axis in range(len(after))])


def _others(shape: Sequence[int]) -> list[int]:
    """The axes that are not known to have extent 1, by the conditions so far."""
    return [axis for axis, extent in enumerate(shape) if not dims.is_known_one(extent)]


def _joined(p: NodeMaker, node: Node) -> Node | None:
    perm = node.args[0].attrs["perm"]
    if any(a.kind != "transpose" or a.attrs["perm"] != perm for a in node.args):
        return None
    parts = [a.args[0] for a in node.args]
    return p.transpose(p.concat(parts, perm[node.attrs["axis"]]), perm)


def _in_order(values: Sequence[int], perm: Sequence[int]) -> tuple[int, ...]:
    """The values for the axes of an array, from `values` for the axes of its transpose."""
    return tuple([values[perm.index(axis)] for axis in range(len(perm))])


ORIENTATION = (
    *[
        rule(
            f"f(transpose(x), transpose(y)) -> transpose(f(x, y)), f {kind}",
            m.Apply(kind, None, args),
            lambda p, node, **_: _elementwise(p, node),
        )
        for kind, args in (
            ("unary", (x,)),
            ("binary", (x, y)),
            ("compare", (x, y)),
            ("select", (x, y, z)),
            ("cast", (x,)),
        )
    ],
    rule(
        "reduce(transpose(x)) -> transpose(reduce(x))",
        m.Apply("reduce", None, (m.transpose(x),)),
        _reduced,
    ),
    rule(
        "arg_reduce(transpose(x)) -> transpose(arg_reduce(x))",
        m.Apply("arg_reduce", None, (m.transpose(x),)),
        _index_of_extreme,
    ),
    rule("pad(transpose(x)) -> transpose(pad(x))", m.pad(m.transpose(x), y), _padded),
    rule("slice(transpose(x)) -> transpose(slice(x))", m.slice_(m.transpose(x)), _sliced),
    rule(
        "reshape(transpose(x)) -> transpose(reshape(x)), axes of extent 1",
        m.reshape(m.transpose(x)),
        _reshaped,
    ),
    rule("reverse(transpose(x)) -> transpose(reverse(x))", m.reverse(m.transpose(x)), _reversed),
    rule(
        "concat(transpose(x), transpose(y)) -> transpose(concat(x, y))",
        m.Kind("concat", of="transpose"),
        _joined,
    ),
)
