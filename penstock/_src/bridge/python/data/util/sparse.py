"""Structures with sparse tensors, as before there were TypeSpecs."""

from typing import Any

from penstock._src.api.sparse.sparse_tensor import SparseTensor, SparseTensorValue
from penstock._src.core import dtypes
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape
from penstock._src.core.tensor import Tensor

from . import nest


def any_sparse(classes: Any) -> bool:
    """True if a class is that of sparse tensors."""
    return any(kind is SparseTensor for kind in nest.flatten(classes))


def _where_sparse(values: Any, classes: Any, other: Any) -> Any:
    pairs = zip(nest.flatten(values), nest.flatten(classes), strict=True)
    parts = [other if kind is SparseTensor else value for value, kind in pairs]
    return nest.pack_sequence_as(values, parts)


def as_dense_shapes(shapes: Any, classes: Any) -> Any:
    """Returns the shapes, unknown ones in place of those of sparse tensors."""
    return _where_sparse(shapes, classes, TensorShape(None))


def as_dense_types(types: Any, classes: Any) -> Any:
    """Returns the dtypes, variant in place of those of sparse tensors."""
    return _where_sparse(types, classes, dtypes.variant)


def get_classes(tensors: Any) -> Any:
    """Returns the classes of tensors."""
    kinds = [SparseTensor if isinstance(t, SparseTensor) else Tensor for t in nest.flatten(tensors)]
    return nest.pack_sequence_as(tensors, kinds)


def _serialized(tensors: Any, op: str) -> Any:
    parts = []
    for tensor in nest.flatten(tensors):
        if isinstance(tensor, SparseTensorValue):
            tensor = SparseTensor.from_value(tensor)
        if isinstance(tensor, SparseTensor):
            tensor = getattr(raw, op)(
                sparse_indices=tensor.indices,
                sparse_values=tensor.values,
                sparse_shape=tensor.dense_shape,
                out_type=dtypes.variant,
            )
        parts.append(tensor)
    return nest.pack_sequence_as(tensors, parts)


def serialize_sparse_tensors(tensors: Any) -> Any:
    """Returns the tensors, sparse ones as variants."""
    return _serialized(tensors, "SerializeSparse")


def serialize_many_sparse_tensors(tensors: Any) -> Any:
    """Returns the tensors, sparse ones as variants, one for each row."""
    return _serialized(tensors, "SerializeManySparse")


def deserialize_sparse_tensors(tensors: Any, types: Any, shapes: Any, classes: Any) -> Any:
    """Returns the tensors, with sparse ones in place of variants."""
    parts = []
    flat = (nest.flatten(part) for part in (tensors, types, shapes, classes))
    for tensor, dtype, shape, kind in zip(*flat, strict=True):
        if kind is SparseTensor:
            indices, values, dense_shape = raw.DeserializeSparse(
                serialized_sparse=tensor, dtype=dtype
            )
            indices.set_shape([None, shape.rank])
            dense_shape.set_shape([shape.rank])
            tensor = SparseTensor(indices, values, dense_shape)
        parts.append(tensor)
    return nest.pack_sequence_as(types, parts)
