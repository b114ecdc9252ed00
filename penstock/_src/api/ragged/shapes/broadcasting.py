"""Broadcasts ragged shapes, and tensors to ragged shapes.

Axes are matched from the last one. Rows of different lengths match only rows of the same lengths, or an axis that is
uniformly 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from penstock._src.api.math.elementwise import cast
from penstock._src.api.ragged.dynamic_shape import DynamicRaggedShape
from penstock._src.api.ragged.ragged_tensor import RaggedTensor, ragged_of_value
from penstock._src.api.ragged.row_checks import depending, scalar
from penstock._src.api.ragged.row_partition import RowPartition
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dtypes import DType
from penstock._src.core.registry import raw
from penstock._src.core.tensor import Tensor
from penstock._src.util.signatures import read_only

from .arguments import index_type, index_type_of_all
from .layers import MISMATCH, LayerBroadcaster, common_length, first_layers, next_layers


class ShapeBroadcaster:
    """Broadcasts tensors of one shape to another.

    Args:
      source_shape, target_shape: DynamicRaggedShapes.
      layer_broadcasters: a list with one for each axis of the source.
      dtype: of the indices; by default that of the shapes.

    Raises:
      TypeError: an argument is something else.
    """

    def __init__(
        self,
        source_shape: DynamicRaggedShape,
        target_shape: DynamicRaggedShape,
        layer_broadcasters: list[LayerBroadcaster],
        dtype: DType | None = None,
    ) -> None:
        if not isinstance(source_shape, DynamicRaggedShape):
            raise TypeError("source_shape is not a DynamicRaggedShape")
        if not isinstance(target_shape, DynamicRaggedShape):
            raise TypeError("target_shape is not a DynamicRaggedShape")
        if not isinstance(layer_broadcasters, list):
            raise TypeError(f"layer_broadcasters not a list: {layer_broadcasters}")
        for layer in layer_broadcasters:
            if not isinstance(layer, LayerBroadcaster):
                raise TypeError(f"Not a LayerBroadcaster: {layer}")
        kind = index_type_of_all([source_shape, target_shape, *layer_broadcasters], dtype)
        kind = index_type(dtypes.int64, kind) or dtypes.int64
        self._source_shape = source_shape.with_dtype(kind)
        self._target_shape = target_shape.with_dtype(kind)
        self._layer_broadcasters = [layer.with_dtype(kind) for layer in layer_broadcasters]

    source_shape = read_only("_source_shape", "The shape of what is broadcast.")
    target_shape = read_only("_target_shape", "The shape of the result.")
    dtype = read_only("_source_shape.dtype", "The type of the indices.")

    def with_dtype(self, dtype: DType) -> ShapeBroadcaster:
        """Returns the same broadcaster with indices of another type."""
        return ShapeBroadcaster(
            self._source_shape, self._target_shape, self._layer_broadcasters, dtype
        )

    def broadcast_flat_values(self, rt: Any, inner_dimensions: bool = True) -> Any:
        """Returns the flat values of the result.

        Args:
          rt: a tensor or ragged tensor of the source's shape.
          inner_dimensions: whether the axes behind the first one are broadcast, too.
        """
        source, target = self._source_shape, self._target_shape
        values = rt.flat_values if isinstance(rt, RaggedTensor) else rt
        if target.rank == 0:
            return values
        if target.inner_rank > source.rank:
            if source.num_row_partitions:
                values = raw.Reshape(tensor=values, shape=source._alt_inner_shape(source.rank))
        else:
            if source.inner_rank != target.inner_rank:
                shape = source._alt_inner_shape(target.inner_rank)
                values = raw.Reshape(tensor=values, shape=shape)
            values = self._layer_broadcasters[-target.inner_rank].broadcast_tensor(values)
        if not inner_dimensions:
            return values
        return raw.BroadcastTo(input=values, shape=cast(target.inner_shape, dtypes.int32))

    def broadcast(self, rt: Any) -> Any:
        """Returns the tensor broadcast to the target's shape."""
        return self._target_shape._add_row_partitions(self.broadcast_flat_values(rt))

    def __repr__(self) -> str:
        return (
            f"{{src_shape:{self._source_shape}, target_shape:{self._target_shape} "
            f"layer_broadcasters: {self._layer_broadcasters}}}"
        )


def layers_of_partitions(
    zero_broadcaster: LayerBroadcaster,
    source_rps: Sequence[RowPartition],
    target_rps: Sequence[RowPartition],
) -> list[LayerBroadcaster]:
    """Return the broadcaster of an axis and those of the following axes, which have these rows."""
    if not isinstance(zero_broadcaster, LayerBroadcaster):
        raise TypeError(f"Not a _LayerBroadcaster: {zero_broadcaster}")
    layers = [zero_broadcaster]
    for source, target in zip(source_rps, target_rps, strict=True):
        layers.append(layers[-1].next_layer(source, target))
    return layers


def identity_broadcaster(shape: DynamicRaggedShape) -> ShapeBroadcaster:
    """Returns the broadcaster of a shape to itself.

    Raises:
      ValueError: the rank is unknown.
    """
    if shape.rank is None:
        raise ValueError("Shape must have a defined rank")
    return ShapeBroadcaster(shape, shape, _identities(shape, shape.rank))


def _identities(shape: DynamicRaggedShape, count: int) -> list[LayerBroadcaster]:
    return [
        LayerBroadcaster.get_identity_broadcaster(shape._num_slices_in_dimension(axis))
        for axis in range(count)
    ]


def broadcaster_between(
    source_shape: DynamicRaggedShape, target_shape: DynamicRaggedShape
) -> ShapeBroadcaster:
    """Returns the broadcaster from one shape to another.

    Raises:
      ValueError: the types or ranks do not fit, or ranks are unknown.
      InvalidArgumentError: the rows do not match; in a graph when it runs.
    """
    if source_shape.dtype != target_shape.dtype:
        raise ValueError("The source and target row_split dtypes should be equal")
    if source_shape.rank is None or target_shape.rank is None:
        raise ValueError("Rank of source and target must be statically known")
    if source_shape.rank > target_shape.rank:
        raise ValueError("Cannot broadcast to a shape with smaller rank")
    if source_shape.rank == 0:
        return ShapeBroadcaster(source_shape, target_shape, [])
    source, target = source_shape._as_row_partitions(), target_shape._as_row_partitions()
    missing = len(target) - len(source)
    if not missing:
        zero = LayerBroadcaster.first_layer(source_shape[0], target_shape[0])
    else:
        above = target[missing - 1]
        zero = LayerBroadcaster.get_singleton_broadcaster(above.nrows())
        zero = zero.next_layer(_one_row(source_shape[0]), above)
    layers = layers_of_partitions(zero, source, target[missing:])
    return ShapeBroadcaster(source_shape, target_shape, layers)


def _one_row(length: Tensor) -> RowPartition:
    return RowPartition.from_uniform_row_length(length, nrows=scalar(1, length.dtype), nvals=length)


def broadcast_shapes(
    a: DynamicRaggedShape, b: DynamicRaggedShape
) -> tuple[DynamicRaggedShape, ShapeBroadcaster, ShapeBroadcaster]:
    """Returns the shape to which two shapes broadcast, and the broadcasters from them to it.

    Raises:
      ValueError: the types differ, or a rank is unknown.
      InvalidArgumentError: the shapes do not match; in a graph when it runs.
    """
    a, b = _of_one_type(a, b)
    if a.rank is None or b.rank is None:
        raise ValueError("Unable to broadcast: unknown rank")
    if a.rank == 0:
        return b, ShapeBroadcaster(a, b, []), identity_broadcaster(b)
    if b.rank == 0:
        return a, identity_broadcaster(a), ShapeBroadcaster(b, a, [])
    if a.rank > b.rank:
        shape, from_b, from_a = broadcast_shapes(b, a)
        return shape, from_a, from_b
    if b.rank == 1:
        return _broadcast_vectors(a, b)
    return _broadcast_by_rows(a, b)


def _of_one_type(
    a: DynamicRaggedShape, b: DynamicRaggedShape
) -> tuple[DynamicRaggedShape, DynamicRaggedShape]:
    if a.dtype == b.dtype:
        return a, b
    if a.row_partitions and b.row_partitions:
        raise ValueError("Dtypes don't match")
    kind = a.dtype if a.row_partitions else b.dtype if b.row_partitions else dtypes.int64
    return a.with_dtype(kind), b.with_dtype(kind)


def _broadcast_vectors(
    a: DynamicRaggedShape, b: DynamicRaggedShape
) -> tuple[DynamicRaggedShape, ShapeBroadcaster, ShapeBroadcaster]:
    size, checks = common_length(a[0], b[0], MISMATCH)
    shape = DynamicRaggedShape([], raw.Pack(values=[depending(size, checks)]))
    ac, bc = first_layers(a[0], b[0], MISMATCH)
    return shape, ShapeBroadcaster(a, shape, [ac]), ShapeBroadcaster(b, shape, [bc])


def _broadcast_by_rows(
    a: DynamicRaggedShape, b: DynamicRaggedShape
) -> tuple[DynamicRaggedShape, ShapeBroadcaster, ShapeBroadcaster]:
    """Broadcast two shapes: `b` has the higher rank, at least 2, and `a` has rank at least 1."""
    mine, theirs = list(a._as_row_partitions()), list(b._as_row_partitions())
    missing = len(theirs) - len(mine)
    if missing:  # the axes of `a` lie within one row
        mine = [_one_row(a[0]), *mine]
        one = convert_to_tensor(scalar(1, b.dtype))
        ac, bc = first_layers(one, theirs[missing - 1].nrows())
    else:
        ac, bc = first_layers(mine[0].nrows(), theirs[0].nrows())
    from_a, from_b, partitions = [ac], [bc], []
    for here, there in zip(mine, theirs[-len(mine) :], strict=True):
        rows, ac, bc = next_layers(ac, bc, here, there)
        partitions.append(rows)
        from_a.append(ac)
        from_b.append(bc)
    if missing:
        from_a = from_a[1:]
    whole = DynamicRaggedShape.from_row_partitions([*theirs[: -len(mine)], *partitions])
    shape = whole._with_num_row_partitions(_common_partitions(a, b))
    from_b = _identities(b, b.rank - len(from_b)) + from_b
    return shape, ShapeBroadcaster(a, shape, from_a), ShapeBroadcaster(b, shape, from_b)


def _common_partitions(a: DynamicRaggedShape, b: DynamicRaggedShape) -> int:
    """Return how many axes of the broadcast shape have partitions."""
    rank = max(a.rank, b.rank)
    counts = [rank - x.rank + x.num_row_partitions for x in (a, b) if x.num_row_partitions]
    return max(counts, default=0)


def broadcast_dynamic_shape(
    shape_x: DynamicRaggedShape, shape_y: DynamicRaggedShape
) -> DynamicRaggedShape:
    """Returns the shape to which two DynamicRaggedShapes broadcast.

    Raises:
      TypeError: an argument is something else.
      ValueError, InvalidArgumentError: as `broadcast_shapes`.
    """
    for name, shape in (("shape_x", shape_x), ("shape_y", shape_y)):
        if not isinstance(shape, DynamicRaggedShape):
            raise TypeError(f"{name} must be a DynamicRaggedShape")
    return broadcast_shapes(shape_x, shape_y)[0]


def broadcast_to(rt_input: Any, shape: DynamicRaggedShape) -> Any:
    """Returns a tensor or ragged tensor broadcast to a shape.

    Raises:
      TypeError: `shape` is not a DynamicRaggedShape.
      ValueError: the types of row splits differ.
      InvalidArgumentError: the rows do not match; in a graph when it runs.
    """
    if not isinstance(shape, DynamicRaggedShape):
        raise TypeError("shape must be a DynamicRaggedShape")
    tensor = ragged_of_value(rt_input)
    if not isinstance(tensor, RaggedTensor):
        tensor = convert_to_tensor(tensor)
    kind = shape.dtype if shape.num_row_partitions else dtypes.int64
    if isinstance(tensor, RaggedTensor):
        if shape.num_row_partitions and tensor.row_splits.dtype != kind:
            raise ValueError("Cannot coerce row_splits.dtype")
        kind = tensor.row_splits.dtype
    source = DynamicRaggedShape.from_tensor(tensor, dtype=kind)
    return broadcaster_between(source, shape.with_dtype(kind)).broadcast(tensor)
