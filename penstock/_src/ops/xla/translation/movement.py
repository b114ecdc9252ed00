"""Data movement, constants and iota."""

from penstock._src.core import dtypes
from penstock._src.ir.node import Node
from penstock._src.ops.xla.translation.translate import (
    Translation,
    ints,
    result_dtype,
    static_shape,
    translates,
)
from penstock._src.stablehlo.module import HloOperation, plain


@translates("constant")
def constant(t: Translation, operation: HloOperation) -> Node:
    """A constant array."""
    return t.p.constant(plain(operation.attributes["value"]), result_dtype(operation))


@translates("iota")
def iota(t: Translation, operation: HloOperation) -> Node:
    """Each element's index along an axis."""
    return places(t, operation, list(static_shape(operation)))


def places(t: Translation, operation: HloOperation, shape: list[int]) -> Node:
    """Indices along the operation's axis, in its type."""
    dtype, axis = result_dtype(operation), operation.attribute("iota_dimension")
    if dtype.is_integer or dtype.is_floating:
        return t.p.iota(shape, axis, dtype)
    return t.p.cast(t.p.iota(shape, axis, dtypes.int32), dtype)


@translates("reshape")
def reshape(t: Translation, operation: HloOperation, x: Node) -> Node:
    """The same elements in another shape."""
    return t.p.reshape(x, static_shape(operation))


@translates("transpose")
def transpose(t: Translation, operation: HloOperation, x: Node) -> Node:
    """Axis i of the result is axis permutation[i] of x."""
    return t.p.transpose(x, ints(operation, "permutation"))


@translates("broadcast_in_dim")
def broadcast_in_dim(t: Translation, operation: HloOperation, x: Node) -> Node:
    """Axis i of x becomes axis broadcast_dimensions[i]; x is broadcast along the others."""
    return t.p.broadcast(x, static_shape(operation), ints(operation, "broadcast_dimensions"))


@translates("broadcast")
def broadcast(t: Translation, operation: HloOperation, x: Node) -> Node:
    """x broadcast along new leading axes."""
    return t.p.broadcast_to(x, [*ints(operation, "broadcast_sizes"), *x.shape])


@translates("slice")
def slice_(t: Translation, operation: HloOperation, x: Node) -> Node:
    """x[start:limit:stride] along every axis."""
    starts, limits = ints(operation, "start_indices"), ints(operation, "limit_indices")
    return t.p.slice(x, starts, limits, ints(operation, "strides"))


@translates("pad")
def pad(t: Translation, operation: HloOperation, x: Node, value: Node) -> Node:
    """x with edge and interior padding."""
    low, high = ints(operation, "edge_padding_low"), ints(operation, "edge_padding_high")
    return t.p.pad(x, low, high, value, ints(operation, "interior_padding"))


@translates("reverse")
def reverse(t: Translation, operation: HloOperation, x: Node) -> Node:
    """x reversed along axes."""
    return t.p.reverse(x, ints(operation, "dimensions"))


@translates("concatenate")
def concatenate(t: Translation, operation: HloOperation, *xs: Node) -> Node:
    """The operands concatenated."""
    return t.p.concat(xs, operation.attribute("dimension"))


@translates("dynamic_slice")
def dynamic_slice(t: Translation, operation: HloOperation, x: Node, *starts: Node) -> Node:
    """A block of x, with its start clamped so that it fits."""
    return t.p.dynamic_slice(x, starts, ints(operation, "slice_sizes"))


@translates("dynamic_update_slice")
def dynamic_update_slice(
    t: Translation, _operation: HloOperation, x: Node, update: Node, *starts: Node
) -> Node:
    """x with a block replaced, with its start clamped so that it fits."""
    return t.p.dynamic_update_slice(x, update, starts)
