"""TensorInfos: how signatures name the values that they take and give."""

from typing import Any

from penstock._src.api.sparse.sparse_tensor import SparseTensor
from penstock._src.eager.variable import Variable
from penstock._src.function import structured_values
from penstock._src.graph.serialize.attributes import shape_to_proto
from penstock._src.proto.saved import TensorInfo
from penstock._src.util import nest


def info_of(value: Any) -> Any:
    """The TensorInfo of a tensor, a SparseTensor or another composite of a graph."""
    is_sparse = isinstance(value, SparseTensor)
    if nest.is_composite(value) and not is_sparse and not isinstance(value, Variable):
        return _info_of_composite(value)
    info = TensorInfo(dtype=value.dtype.as_datatype_enum)
    info.tensor_shape.CopyFrom(shape_to_proto(value.shape))
    if is_sparse:
        info.coo_sparse.values_tensor_name = value.values.name
        info.coo_sparse.indices_tensor_name = value.indices.name
        info.coo_sparse.dense_shape_tensor_name = value.dense_shape.name
    else:
        info.name = value.name
    return info


def _info_of_composite(value: Any) -> Any:
    """The TensorInfo of a value such as a RaggedTensor: its spec, and those of its tensors."""
    info = TensorInfo()
    spec = structured_values.encode(value._type_spec).type_spec_value
    info.composite_tensor.type_spec.CopyFrom(spec)
    for part in nest.flatten(value, expand_composites=True):
        info.composite_tensor.components.add().CopyFrom(info_of(part))
    return info
