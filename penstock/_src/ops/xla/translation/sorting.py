"""Sorts: by keys, each a function of one operand, if the comparator has that form; else by comparing all pairs."""

from collections.abc import Sequence

from penstock._src.core import dtypes
from penstock._src.ir.node import Node
from penstock._src.ops.xla.translation.body import UNKNOWN, text_of
from penstock._src.ops.xla.translation.elementwise import total_order
from penstock._src.ops.xla.translation.translate import Translation, translates
from penstock._src.stablehlo.module import HloBlock, HloOperation, HloValue
from penstock._src.util.dataclass import dataclass

# JAX's canonicalization of floats before comparison (-0 to 0, all NaNs equal), which the primitive does itself.
_CANONICAL = "select(NE(x,x),nan,select(EQ(x,0.0),0.0,x))"


@dataclass(frozen=True)
class Key:
    """One sort key: the function `text` of operand `place`, in which x is the element; `value` holds its node."""

    place: int
    text: str
    value: HloValue
    is_descending: bool
    is_total: bool


@translates("sort")
def sort(t: Translation, operation: HloOperation, *xs: Node) -> list[Node]:
    """The operands sorted together along an axis; the sort is stable."""
    axis = operation.attribute("dimension") % max(xs[0].rank, 1)
    return sorted_by(t, operation.regions[0].block, xs, axis)


def sorted_by(t: Translation, block: HloBlock, xs: Sequence[Node], axis: int) -> list[Node]:
    """The operands sorted together along an axis by the comparator of a block."""
    p = t.p
    keys = keys_of(block)
    if keys is None:
        return p.sort([_ranks(t, block, xs, axis), *xs], axis)[1:]
    t.run(block, [x for x in xs for _ in range(2)])  # computes the keys of all elements
    nodes = [_ascending(t, key, xs[key.place]) for key in keys]
    extra = [x for x in xs if all(x is not node for node in nodes)]
    in_order = p.sort([*nodes, *extra], axis, num_keys=len(nodes))
    results = dict(zip([node.id for node in [*nodes, *extra]], in_order))
    return [results[x.id] for x in xs]


def _ascending(t: Translation, key: Key, x: Node) -> Node:
    """The key of every element of x, transformed for ascending order."""
    p, node = t.p, t.known[key.value]
    if node.dtype.is_floating:
        if key.text == _CANONICAL and not key.is_descending:
            return x
        if key.is_total or key.is_descending:
            node = total_order(t, node)
    if node.dtype.is_bool:
        node = p.cast(node, dtypes.uint8)
    return p.not_(node) if key.is_descending else node


def keys_of(block: HloBlock) -> list[Key] | None:
    """The sort keys of a comparator, primary key first; None if it does not have that form."""
    values = block.operations[-1].operands
    return _keys(values[0], block.arguments) if len(values) == 1 else None


def _keys(value: HloValue, arguments: list[HloValue]) -> list[Key] | None:
    """Matches less(a, b), or less(a, b) or (a == b and further keys), also written as a select."""
    operation = value.owner
    if operation is None:
        return None
    if operation.name == "compare":
        key = _key(operation, arguments)
        return None if key is None else [key]
    parts = _first_and_rest(operation)
    if parts is None:
        return None
    less, equal, rest = parts
    key, further = _key(less, arguments), _keys(rest, arguments)
    if key is None or further is None or equal.operands != less.operands:
        return None
    return [key, *further]


def _first_and_rest(operation: HloOperation) -> tuple[HloOperation, HloOperation, HloValue] | None:
    """The "less" and "equal" comparisons of the first key, and the comparison among equals."""
    if operation.name == "or":
        for less, other in (operation.operands, operation.operands[::-1]):
            if not _compares(less, "LT", "GT") or not other.owner or other.owner.name != "and":
                continue
            for equal, rest in (other.owner.operands, other.owner.operands[::-1]):
                if _compares(equal, "EQ"):
                    return less.owner, equal.owner, rest  # type: ignore[return-value]
    if operation.name == "select":
        equal, rest, less = operation.operands
        if _compares(equal, "EQ") and _compares(less, "LT", "GT"):
            return less.owner, equal.owner, rest  # type: ignore[return-value]
    return None


def _compares(value: HloValue, *directions: str) -> bool:
    owner = value.owner
    if owner is None or owner.name != "compare":
        return False
    return owner.attribute("comparison_direction") in directions


def _key(operation: HloOperation, arguments: list[HloValue]) -> Key | None:
    """The key if a comparison applies one function to both elements."""
    direction = operation.attribute("comparison_direction")
    if direction not in ("LT", "GT"):
        return None
    is_total = operation.attribute("compare_type") == "TOTALORDER"
    left, right = operation.operands
    for place in range(len(arguments) // 2):
        text = text_of(left, {arguments[2 * place]: "x"})
        if UNKNOWN not in text and text == text_of(right, {arguments[2 * place + 1]: "x"}):
            return Key(place, text, left, direction == "GT", is_total)
    return None


def _ranks(t: Translation, block: HloBlock, xs: Sequence[Node], axis: int) -> Node:
    """The rank of every element: the number of elements before it, by comparing all pairs."""
    p, extent = t.p, xs[0].shape[axis]
    before = axis + 1  # the axis of the other elements
    shape = [*xs[0].shape[:before], extent, *xs[0].shape[before:]]
    rest = [i for i in range(len(shape)) if i != before]
    others = [i for i in range(len(shape)) if i != axis]
    mine = [p.broadcast(x, shape, rest) for x in xs]
    theirs = [p.broadcast(x, shape, others) for x in xs]
    compare = t.function(block)
    (comes_first,) = compare(*[x for pair in zip(theirs, mine) for x in pair])
    (comes_later,) = compare(*[x for pair in zip(mine, theirs) for x in pair])
    is_earlier = p.lt(p.iota(shape, before, dtypes.int32), p.iota(shape, axis, dtypes.int32))
    tie = p.and_(p.not_(p.or_(comes_first, comes_later)), is_earlier)
    counted = p.cast(p.broadcast_to(p.or_(comes_first, tie), shape), dtypes.int32)
    return p.reduce_sum(counted, [before])
