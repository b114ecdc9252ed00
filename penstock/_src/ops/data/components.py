"""Components of elements as TensorProtos, as TensorFlow writes them to files: arrays, ragged tensors, and the parts of sparse ones."""

from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.dtypes import DType
from penstock._src.core.errors import DataLossError, UnimplementedError
from penstock._src.ops.sparse.variants import RaggedValue
from penstock._src.ops.tensor_proto import from_proto, is_serialized, to_proto, variants
from penstock._src.proto.tensor import VariantTensorDataProto

_RAGGED, _TENSOR = "RaggedTensorVariant", "tensorflow::Tensor"


def component_to_proto(value: Any, dtype: DType) -> Any:
    """Returns the TensorProto of a component of an element.

    Raises:
      UnimplementedError: files hold no such values.
    """
    if dtype is not dtypes.variant or hasattr(value, "as_messages") or is_serialized(value):
        return to_proto(value, dtype)
    if isinstance(value, RaggedValue):
        return to_proto(variants([_message(value)], ()), dtype)
    if not (isinstance(value, np.ndarray) and value.dtype == object):
        raise UnimplementedError(f"A {type(value).__name__} cannot be written to a file.")
    return to_proto(variants(list(map(_message, value.ravel())), value.shape), dtype)


def _message(item: Any) -> Any:
    if isinstance(item, RaggedValue):
        parts = [*item.splits, item.values]
        return VariantTensorDataProto(type_name=_RAGGED, tensors=list(map(_dense, parts)))
    if not isinstance(item, np.ndarray):
        raise UnimplementedError(f"A {type(item).__name__} cannot be written to a file.")
    return VariantTensorDataProto(type_name=_TENSOR, tensors=[_dense(item)])


def _dense(array: Any) -> Any:
    values = np.asarray(array)
    return to_proto(
        values, dtypes.string if values.dtype == object else dtypes.as_dtype(values.dtype)
    )


def component_from_proto(proto: Any) -> Any:
    """Returns the component of a TensorProto.

    Raises:
      DataLossError: it is damaged.
    """
    value = from_proto(proto)
    messages = value.ravel().tolist() if proto.dtype == dtypes.variant.as_datatype_enum else []
    if not messages or any(message.type_name not in (_RAGGED, _TENSOR) for message in messages):
        return value
    objects = np.empty(len(messages), object)
    for at, message in enumerate(messages):
        objects[at] = _item(message)
    return objects.reshape(value.shape) if value.ndim else objects[0]


def _item(message: Any) -> Any:
    tensors = [from_proto(tensor) for tensor in message.tensors]
    if not tensors or (message.type_name == _TENSOR and len(tensors) > 1):
        raise DataLossError(f"A {message.type_name} of {len(tensors)} tensors is damaged.")
    return RaggedValue(tensors[:-1], tensors[-1]) if message.type_name == _RAGGED else tensors[0]
