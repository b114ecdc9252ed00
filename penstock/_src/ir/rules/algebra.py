"""Arithmetic with known numbers, and chains of scalar functions.

Rules hold for every IEEE number, infinities and NaN included, up to the sign of zero; sums are not reordered.
"""

from typing import Any

import ml_dtypes
import numpy as np

from penstock._src.core import dtypes
from penstock._src.ir.build.maker import NodeMaker
from penstock._src.ir.extents import dims
from penstock._src.ir.meaning.known_values import number_of
from penstock._src.ir.node import Node
from penstock._src.ir.rules import pattern as m
from penstock._src.ir.rules.rewrite import rule

x, y, z, c = m.variables("x y z c")


def _is_scalar(node: Node) -> bool:
    """True if all elements are one value: a scalar, repeated."""
    while node.kind == "broadcast":
        node = node.args[0]
    return dims.is_one(node.size)


def _integer(node: Node, **_: Any) -> bool:
    return node.dtype.is_integer


def _real(node: Node, **_: Any) -> bool:
    return not node.dtype.is_complex


def _hoist(p: NodeMaker, node: Node) -> Node | None:
    """f(broadcast(a), broadcast(b)) -> broadcast(f(a, b)) where a and b are scalars: one computation for all elements."""
    if not node.shape or not all(a.kind == "broadcast" and _is_scalar(a) for a in node.args):
        return None
    scalars = [p.reshape(a.args[0], ()) for a in node.args]
    return p.broadcast_to(p.make(node.kind, scalars, **node.attrs), node.shape)


def _sink_reshape(p: NodeMaker, node: Node) -> Node | None:
    """f(reshape(x), repeat(c)) -> reshape(f(x, repeat(c))) where the reshapes only add axes of extent 1."""
    shape = None
    for arg in node.args:
        if arg.kind == "reshape":
            inner = arg.args[0].shape
            if any(map(dims.is_one, inner)):
                return None
            if shape is not None and dims.shape_key(inner) != dims.shape_key(shape):
                return None
            shape = inner
        elif not (arg.kind == "broadcast" and _is_scalar(arg)):
            return None
    wide = [d for d in node.shape if not dims.is_one(d)]
    if shape is None or dims.shape_key(wide) != dims.shape_key(shape):
        return None
    args = [
        a.args[0] if a.kind == "reshape" else p.broadcast(p.reshape(a.args[0], ()), shape, ())
        for a in node.args
    ]
    return p.reshape(p.make(node.kind, args, **node.attrs), node.shape)


def _scale_of(p: NodeMaker, node: Node, x: Node, y: Node, z: Node) -> Node | None:
    """(x * y) * z with numbers y and z, if neither undoes a change of the range by the other."""
    first, second = number_of(y), number_of(z)
    if first is None or second is None:
        return None
    if not node.dtype.is_integer:
        limits = (
            np.finfo(node.dtype.np)
            if node.dtype.np.kind in "fc"
            else ml_dtypes.finfo(node.dtype.np)
        )
        sizes, size = (abs(first), abs(second)), abs(first * second)
        if not float(limits.tiny) <= size <= float(limits.max) or min(sizes) < 1 < max(sizes):
            return None
    return p.mul(x, p.mul(y, z))


def _power(p: NodeMaker, node: Node, x: Node, y: Node) -> Node | None:
    exponent = number_of(y)
    if not node.dtype.is_floating or exponent is None:
        return None
    simple = {
        1.0: lambda: x,
        2.0: lambda: p.square(x),
        3.0: lambda: _cube(p, x),
        -1.0: lambda: p.reciprocal(x),
    }
    make = simple.get(exponent)
    return make() if make else None


def _cube(p: NodeMaker, x: Node) -> Node:
    """x * x * x, rounded once in types narrower than float32: x * x overflows or vanishes only where the cube does."""
    if x.dtype.size >= dtypes.float32.size:
        return p.mul(p.square(x), x)
    wide = p.cast(x, dtypes.float32)
    return p.cast(p.mul(p.square(wide), wide), x.dtype)


def _select_known(p: NodeMaker, node: Node, x: Node, y: Node, z: Node) -> Node | None:
    known = number_of(x)
    return None if known is None else (y if known else z)


_ELEMENTWISE = (
    ("unary", (x,), lambda p, node, x: _elementwise(p, node)),
    ("binary", (x, y), lambda p, node, x, y: _elementwise(p, node)),
    ("compare", (x, y), lambda p, node, x, y: _elementwise(p, node)),
    ("select", (x, y, z), lambda p, node, x, y, z: _elementwise(p, node)),
    ("cast", (x,), lambda p, node, x: _elementwise(p, node)),
)


def _elementwise(p: NodeMaker, node: Node) -> Node | None:
    hoisted = _hoist(p, node)
    return _sink_reshape(p, node) if hoisted is None else hoisted


ALGEBRA = (
    *[
        rule(
            f"f(repeat(a)) -> repeat(f(a)), f(reshape(a)) -> reshape(f(a)), f {kind}",
            m.Apply(kind, None, args),
            build,
        )
        for kind, args, build in _ELEMENTWISE
    ],
    rule("x + 0 -> x", x + 0, lambda p, node, x: x),
    rule("x - 0 -> x", x - 0, lambda p, node, x: x),
    rule("x * 1 -> x", x * 1, lambda p, node, x: x),
    rule("x / 1 -> x", x / 1, lambda p, node, x: x),
    rule("x + (-y) -> x - y", x + (-y), lambda p, node, x, y: p.sub(x, y)),
    rule("x - (-y) -> x + y", x - (-y), lambda p, node, x, y: p.add(x, y)),
    rule("(-x) * (-y) -> x * y", (-x) * (-y), lambda p, node, x, y: p.mul(x, y)),
    rule("x * -1 -> -x", x * -1, lambda p, node, x: p.neg(x)),
    rule("-(-x) -> x", m.neg(m.neg(x)), lambda p, node, x: x),
    rule("-(x - y) -> y - x", -(x - y), lambda p, node, x, y: p.sub(y, x), when=_integer),
    rule(
        "x * 0 -> 0 (integers)",
        x * 0,
        lambda p, node, x: p.full(node.shape, 0, node.dtype),
        when=_integer,
    ),
    rule("x * y * z -> x * (y*z), y and z numbers", (x * y) * z, _scale_of),
    rule(
        "x ** 2 -> square(x), x ** 3 -> x*x*x, x ** 1 -> x, x ** -1 -> 1/x",
        m.binary("pow", x, y),
        _power,
    ),
    rule("x * x -> square(x)", x * x, lambda p, node, x: p.square(x)),
    # Of complex numbers rsqrt is another at 0 and at infinite ones.
    rule("1 / sqrt(x) -> rsqrt(x)", 1 / m.sqrt(x), lambda p, node, x: p.rsqrt(x), when=_real),
    rule(
        "reciprocal(sqrt(x)) -> rsqrt(x)",
        m.reciprocal(m.sqrt(x)),
        lambda p, node, x: p.rsqrt(x),
        when=_real,
    ),
    rule("max(x, x) -> x", m.maximum(x, x), lambda p, node, x: x),
    rule("min(x, x) -> x", m.minimum(x, x), lambda p, node, x: x),
    rule("select(known, y, z) -> y or z", m.select(x, y, z), _select_known),
    rule("select(x, y, y) -> y", m.select(x, y, y), lambda p, node, x, y: y),
    rule(
        "select(not x, y, z) -> select(x, z, y)",
        m.select(m.not_(x), y, z),
        lambda p, node, x, y, z: p.select(x, z, y),
    ),
    rule("not not x -> x", m.not_(m.not_(x)), lambda p, node, x: x),
    rule("x and True -> x", m.and_(x, True), lambda p, node, x: x),
    rule("x or False -> x", m.or_(x, False), lambda p, node, x: x),
    rule("x and x -> x", m.and_(x, x), lambda p, node, x: x),
    rule("x or x -> x", m.or_(x, x), lambda p, node, x: x),
)
