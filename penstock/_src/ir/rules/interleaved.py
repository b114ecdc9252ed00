"""Products with weights that pack several columns in a byte: one product for each position in the byte, with interleaved result columns.

Keras packs two 4-bit numbers, neighbors along the output axis, into a byte. Unpacked in column order they cannot be loaded as vectors, whereas all
low halves of a matrix form one matrix, and all high halves another one, both in the order of the bytes.
"""

from collections.abc import Iterator

from penstock._src.ir.build.maker import NodeMaker
from penstock._src.ir.extents.dims import Dim, is_one
from penstock._src.ir.node import Node
from penstock._src.ir.primitives import ELEMENTWISE, split_spec
from penstock._src.ir.rules import pattern as m
from penstock._src.ir.rules.rewrite import rule

MOST_DEPTH = 16  # operations between a product and the numbers

x, y = m.variables("x y")


def _by_columns(p: NodeMaker, node: Node, x: Node, y: Node) -> Node | None:
    *letters, result = split_spec(node.attrs["spec"])
    for side, operand in enumerate((x, y)):
        for axis, letter in enumerate(letters[side]):
            if letter not in result or letter in letters[1 - side]:
                continue
            count = _turns(p, operand, axis, 0)
            if count:
                taken = [_every(p, operand, axis, first, count) for first in range(count)]
                pairs = [(x, each) if side else (each, y) for each in taken]
                spec = node.attrs["spec"]
                products = [p.contract_again(node, spec, *pair) for pair in pairs]
                return _interleaved(p, products, result.index(letter))
    return None


def _interleaved(p: NodeMaker, parts: list[Node], axis: int) -> Node:
    """Interleaves parts along an axis."""
    shape = list(parts[0].shape)
    apart = [p.reshape(part, [*shape[: axis + 1], 1, *shape[axis + 1 :]]) for part in parts]
    shape[axis] *= len(parts)
    return p.reshape(p.concat(apart, axis + 1), shape)


def _turns(p: NodeMaker, node: Node, axis: int, depth: int) -> int:
    """The number of unpacked parts interleaved along an axis of a value, or 0 if it is not interleaved."""
    if depth > MOST_DEPTH:
        return 0
    parts = _parts(p, node, axis)
    if parts is not None:
        return len(parts) if _are_unpacked(parts) else 0
    if node.kind == "transpose":
        return _turns(p, node.args[0], node.attrs["perm"][axis], depth + 1)
    if node.kind in ELEMENTWISE:
        return next(filter(None, (_turns(p, arg, axis, depth + 1) for arg in node.args)), 0)
    return 0


def _parts(p: NodeMaker, node: Node, axis: int) -> tuple[Node, ...] | None:
    """The parts interleaved along an axis: `reshape(concat(a, b))`, each with an extra axis of extent 1 that is merged with the previous one.

    The concatenation may be transposed, since transposes move outwards: then the parts are.
    """
    if node.kind != "reshape":
        return None
    turned = node.args[0]
    joined = turned.args[0] if turned.kind == "transpose" else turned
    if joined.kind != "concat":
        return None
    along, perm = joined.attrs["axis"], turned.attrs.get("perm", tuple(range(joined.rank)))
    apart, shape = perm.index(along), tuple(turned.shape)
    if apart != axis + 1 or not all(is_one(part.shape[along]) for part in joined.args):
        return None
    pair = shape[axis : axis + 2]
    if any(isinstance(extent, Dim) for extent in pair):
        return None
    wanted = (*shape[:axis], pair[0] * pair[1], *shape[apart + 1 :])
    if tuple(node.shape) != wanted:
        return None
    return tuple([p.transpose(part, perm) for part in joined.args])


def _are_unpacked(parts: tuple[Node, ...]) -> bool:
    """True if parts are small integers, computed of the same array."""
    if any(part.dtype.size != 1 or not part.dtype.is_integer for part in parts):
        return False
    sources = [{source.id for source in _sources(part, 0)} for part in parts]
    return len(parts) > 1 and all(len(each) == 1 and each == sources[0] for each in sources)


def _sources(node: Node, depth: int) -> Iterator[Node]:
    """The sources of a value, without numbers that are the same for all elements."""
    if node.kind in ELEMENTWISE or node.kind in ("transpose", "reshape") and depth <= MOST_DEPTH:
        for arg in node.args:
            yield from _sources(arg, depth + 1)
    elif not (node.kind == "broadcast" and node.args[0].rank == 0):
        yield node


def _every(p: NodeMaker, node: Node, axis: int, first: int, count: int) -> Node:
    """Elements first, first + count ... along an axis, computed of those alone."""
    parts = _parts(p, node, axis)
    if parts is not None and len(parts) == count:
        shape = list(node.shape)
        shape[axis] //= count
        return p.reshape(parts[first], shape)
    if node.kind == "transpose":
        inner = _every(p, node.args[0], node.attrs["perm"][axis], first, count)
        return p.transpose(inner, node.attrs["perm"])
    if node.kind in ELEMENTWISE:
        args = tuple([_every(p, arg, axis, first, count) for arg in node.args])
        return p.make(node.kind, args, **node.attrs)
    if node.kind == "gather" and not node.attrs["batch_dims"]:
        x, indices = node.args
        rank = indices.rank
        if axis >= node.attrs["axis"] + rank:
            taken = _every(p, x, axis - rank + 1, first, count)
            return p.gather(taken, indices, node.attrs["axis"], 0, node.attrs["mode"])
    return p.slice_axis(node, axis, first, node.shape[axis], count)


INTERLEAVED = (
    rule(
        "contract(x, columns that take turns in bytes) -> contracts whose columns take turns",
        m.Apply("contract", None, (x, y)),
        _by_columns,
    ),
)
