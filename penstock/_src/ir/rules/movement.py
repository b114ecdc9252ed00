"""Adjacent movements: each chain of one kind becomes one, and movements without effect are removed.

The canonical form: scalars are repeated by one broadcast; axes of extent 1 that a broadcast repeats are not in its
argument's reshape but in its `axes`.
"""

from penstock._src.ir.build.maker import NodeMaker
from penstock._src.ir.extents import dims
from penstock._src.ir.node import Node
from penstock._src.ir.rules import pattern as m
from penstock._src.ir.rules.rewrite import rule

x, y = m.variables("x y")


def _same_reshape(p: NodeMaker, node: Node, x: Node) -> Node | None:
    return x if dims.shape_key(x.shape) == dims.shape_key(node.shape) else None


def kept_axes(before: tuple[int, ...], after: tuple[int, ...]) -> list[tuple[int, int]] | None:
    """Pairs (axis before, axis after) if shapes differ only in axes of extent 1, else None."""
    left = [i for i, d in enumerate(before) if not dims.is_one(d)]
    right = [i for i, d in enumerate(after) if not dims.is_one(d)]
    if dims.shape_key([before[i] for i in left]) != dims.shape_key([after[i] for i in right]):
        return None
    return list(zip(left, right))


def _broadcast_of_reshape(p: NodeMaker, node: Node, x: Node) -> Node | None:
    """broadcast(reshape(x)) -> broadcast(x) where the reshape only adds or removes axes of extent 1."""
    middle = node.args[0]
    pairs = kept_axes(x.shape, middle.shape)
    if pairs is None or len(pairs) != x.rank:
        return None  # x itself has axes of extent 1, whose positions would be ambiguous
    return p.broadcast(x, node.shape, [node.attrs["axes"][after] for _, after in pairs])


def _drop_ones(p: NodeMaker, node: Node, x: Node) -> Node | None:
    """broadcast of an argument with axes of extent 1 that are repeated -> the same without these axes."""
    axes = node.attrs["axes"]
    ones = [i for i, d in enumerate(x.shape) if dims.is_repeated(d, node.shape[axes[i]])]
    if not ones:
        return None
    kept = [i for i in range(x.rank) if i not in ones]
    thinner = p.reshape(x, [x.shape[i] for i in kept])
    return p.broadcast(thinner, node.shape, [axes[i] for i in kept])


def _same_broadcast(p: NodeMaker, node: Node, x: Node) -> Node | None:
    return x if dims.shape_key(x.shape) == dims.shape_key(node.shape) else None


def _broadcast_twice(p: NodeMaker, node: Node, x: Node) -> Node:
    outer, inner = node.attrs["axes"], node.args[0].attrs["axes"]
    return p.broadcast(x, node.shape, [outer[axis] for axis in inner])


def _reshape_of_broadcast(p: NodeMaker, node: Node, x: Node) -> Node | None:
    """reshape(broadcast(x)) -> broadcast(x) where the reshape only adds or removes axes of extent 1, or x is a scalar."""
    middle = node.args[0]
    if x.rank == 0:
        return p.broadcast(x, node.shape, ())
    pairs = kept_axes(middle.shape, node.shape)
    if pairs is None:
        return None
    moved = dict(pairs)
    if not moved.keys() >= set(middle.attrs["axes"]):
        return None
    return p.broadcast(x, node.shape, [moved[axis] for axis in middle.attrs["axes"]])


def _same_transpose(p: NodeMaker, node: Node, x: Node) -> Node | None:
    perm = node.attrs["perm"]
    if perm == tuple(range(len(perm))):
        return x
    moved = [i for i in perm if not dims.is_one(x.shape[i])]
    if moved == sorted(moved):  # only axes of extent 1 move
        return p.reshape(x, node.shape)
    return None


def _transpose_twice(p: NodeMaker, node: Node, x: Node) -> Node:
    outer, inner = node.attrs["perm"], node.args[0].attrs["perm"]
    return p.transpose(x, [inner[i] for i in outer])


def _transpose_of_broadcast(p: NodeMaker, node: Node, x: Node) -> Node | None:
    """transpose(broadcast(x)) -> broadcast(transpose(x)): the smaller array is moved."""
    where = {old: new for new, old in enumerate(node.attrs["perm"])}
    axes = [where[axis] for axis in node.args[0].attrs["axes"]]
    order = sorted(range(len(axes)), key=axes.__getitem__)
    return p.broadcast(p.transpose(x, order), node.shape, [axes[i] for i in order])


def _whole_slice(p: NodeMaker, node: Node, x: Node) -> Node | None:
    whole = all(
        dims.key(start) == 0 and dims.key(limit) == dims.key(n) and (stride == 1 or n <= 1)
        for start, limit, stride, n in zip(
            node.attrs["starts"], node.attrs["limits"], node.attrs["strides"], x.shape
        )
    )
    return x if whole else None


def _slice_twice(p: NodeMaker, node: Node, x: Node) -> Node:
    outer, inner = node.attrs, node.args[0].attrs
    starts, limits, strides = [], [], []
    for i in range(x.rank):
        first = inner["starts"][i] + outer["starts"][i] * inner["strides"][i]
        extent, stride = node.shape[i], outer["strides"][i] * inner["strides"][i]
        if dims.is_one(stride):
            limit = first + extent
        elif extent > 0:
            limit = first + (extent - 1) * stride + 1
        else:  # nothing: after the last element of an inner stride, x may have no further one
            first = limit = inner["starts"][i]
        starts.append(first)
        limits.append(limit)
        strides.append(stride)
    return p.slice(x, starts, limits, strides)


def _slice_of_concat(p: NodeMaker, node: Node) -> Node | None:
    """A slice that is known to lie within one of the concatenated parts takes it from there."""
    joined, attrs = node.args[0], node.attrs
    axis, start = joined.attrs["axis"], 0
    for part in joined.args:
        stop = start + part.shape[axis]
        starts, limits = list(attrs["starts"]), list(attrs["limits"])
        if dims.is_at_most(start, starts[axis]) and dims.is_at_most(limits[axis], stop):
            starts[axis], limits[axis] = starts[axis] - start, limits[axis] - start
            return p.slice(part, starts, limits, attrs["strides"])
        start = stop
    return None


def _slice_of_broadcast(p: NodeMaker, node: Node, x: Node) -> Node | None:
    axes = node.args[0].attrs["axes"]
    if any(node.shape[axis] != n and n != 1 for axis, n in zip(axes, x.shape)):
        return None
    return p.broadcast(x, node.shape, axes)


def _no_padding(p: NodeMaker, node: Node, x: Node, y: Node) -> Node | None:
    amounts = (*node.attrs["low"], *node.attrs["high"], *node.attrs["interior"])
    return None if any(dims.shape_key(amounts)) else x


def _reverse(p: NodeMaker, node: Node, x: Node) -> Node | None:
    # one that may be 1 stays: backwards is right for it, too
    axes = [a for a in node.attrs["axes"] if not dims.is_one(x.shape[a])]
    if len(axes) == len(node.attrs["axes"]):
        return None
    return p.reverse(x, axes) if axes else x


def _reverse_twice(p: NodeMaker, node: Node, x: Node) -> Node:
    axes = set(node.attrs["axes"]) ^ set(node.args[0].attrs["axes"])
    return p.reverse(x, sorted(axes)) if axes else x


def _concat(p: NodeMaker, node: Node) -> Node | None:
    axis = node.attrs["axis"]
    parts: list[Node] = []
    for arg in node.args:
        nested = arg.kind == "concat" and arg.attrs["axis"] == axis
        parts += arg.args if nested else [arg]
    # one that may be empty stays: no element is read from it then
    parts = [a for a in parts if not dims.same(a.shape[axis], 0)] or parts[:1]
    if len(parts) == 1:
        return parts[0]
    return None if len(parts) == len(node.args) else p.concat(parts, axis)


MOVEMENT = (
    rule("reshape(x) to its own shape -> x", m.reshape(x), _same_reshape),
    rule(
        "reshape(reshape(x)) -> reshape(x)",
        m.reshape(m.reshape(x)),
        lambda p, node, x: p.reshape(x, node.shape),
    ),
    rule(
        "reshape(broadcast(x)) -> broadcast(x), axes of extent 1",
        m.reshape(m.broadcast(x)),
        _reshape_of_broadcast,
    ),
    rule("broadcast(x) to its own shape -> x", m.broadcast(x), _same_broadcast),
    rule("broadcast(broadcast(x)) -> broadcast(x)", m.broadcast(m.broadcast(x)), _broadcast_twice),
    rule(
        "broadcast(reshape(x)) -> broadcast(x), axes of extent 1",
        m.broadcast(m.reshape(x)),
        _broadcast_of_reshape,
    ),
    rule("broadcast(x of extents 1) -> broadcast(reshape(x))", m.broadcast(x), _drop_ones),
    rule("transpose(x) in order -> x", m.transpose(x), _same_transpose),
    rule("transpose(transpose(x)) -> transpose(x)", m.transpose(m.transpose(x)), _transpose_twice),
    rule(
        "transpose(broadcast(x)) -> broadcast(transpose(x))",
        m.transpose(m.broadcast(x)),
        _transpose_of_broadcast,
    ),
    rule("slice(x) of all -> x", m.slice_(x), _whole_slice),
    rule("slice(slice(x)) -> slice(x)", m.slice_(m.slice_(x)), _slice_twice),
    rule("slice(broadcast(x)) -> broadcast(x)", m.slice_(m.broadcast(x)), _slice_of_broadcast),
    rule(
        "dynamic_slice(repeat(x)) -> repeat(x)",
        m.Kind("dynamic_slice", of="broadcast"),
        lambda p, node: _slice_of_broadcast(p, node, node.args[0].args[0]),
    ),
    rule("slice(concat(..., x, ...)) -> slice(x)", m.Kind("slice", of="concat"), _slice_of_concat),
    rule("pad(x) by nothing -> x", m.pad(x, y), _no_padding),
    rule("reverse(x) of extents 1 -> x", m.reverse(x), _reverse),
    rule("reverse(reverse(x)) -> reverse(x)", m.reverse(m.reverse(x)), _reverse_twice),
    rule("concat(x) -> x, concat(concat(x, y), z) -> concat(x, y, z)", m.Kind("concat"), _concat),
)
