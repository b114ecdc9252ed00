"""Operations with shapes that the module computes, as for JAX's polymorphic shapes.

The sizes of arguments are static when a program is compiled, so that these shape vectors are constants.
"""

from penstock._src.ir.node import Node
from penstock._src.ops.xla.translation.movement import places
from penstock._src.ops.xla.translation.translate import (
    Translation,
    ints,
    result_dtype,
    translates,
)
from penstock._src.stablehlo.module import HloOperation


@translates("get_dimension_size")
def get_dimension_size(t: Translation, operation: HloOperation, x: Node) -> Node:
    """The extent of an axis."""
    return t.p.size(x.shape[operation.attribute("dimension")], result_dtype(operation))


@translates("set_dimension_size")
def set_dimension_size(t: Translation, operation: HloOperation, x: Node, size: Node) -> Node:
    """x truncated along an axis."""
    (extent,) = t.extents(size)
    return t.p.slice_axis(x, operation.attribute("dimension"), 0, extent)


@translates("dynamic_broadcast_in_dim")
def dynamic_broadcast_in_dim(t: Translation, operation: HloOperation, x: Node, shape: Node) -> Node:
    """Axis i of x becomes axis broadcast_dimensions[i] of a computed shape."""
    return t.p.broadcast(x, t.extents(shape), ints(operation, "broadcast_dimensions"))


@translates("dynamic_reshape")
def dynamic_reshape(t: Translation, _operation: HloOperation, x: Node, shape: Node) -> Node:
    """The same elements in a computed shape."""
    return t.p.reshape(x, t.extents(shape))


@translates("dynamic_iota")
def dynamic_iota(t: Translation, operation: HloOperation, shape: Node) -> Node:
    """Indices along an axis of a computed shape."""
    return places(t, operation, t.extents(shape))


@translates("dynamic_pad")
def dynamic_pad(
    t: Translation,
    _operation: HloOperation,
    x: Node,
    value: Node,
    low: Node,
    high: Node,
    interior: Node,
) -> Node:
    """x with computed edge and interior padding."""
    return t.p.pad(x, t.extents(low), t.extents(high), value, t.extents(interior))


@translates("real_dynamic_slice")
def real_dynamic_slice(
    t: Translation, _operation: HloOperation, x: Node, starts: Node, limits: Node, strides: Node
) -> Node:
    """x[start:limit:stride] along every axis, by computed vectors."""
    return t.p.slice(x, t.extents(starts), t.extents(limits), t.extents(strides))
