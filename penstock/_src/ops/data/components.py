"""Components of elements as TensorProtos, as TensorFlow writes them to files: arrays, ragged tensors, optionals, and the parts of sparse ones."""

from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.dtypes import DType
from penstock._src.core.errors import DataLossError, UnimplementedError
from penstock._src.ops.data.iteration.optional import OptionalValue
from penstock._src.ops.sparse.variants import RaggedValue
from penstock._src.ops.tensor_proto import from_proto, is_serialized, to_proto, variants
from penstock._src.proto.tensor import VariantTensorDataProto

_RAGGED, _TENSOR, _OPTIONAL = (
    "RaggedTensorVariant",
    "tensorflow::Tensor",
    "tensorflow::data::Optional",
)
_READ = (_RAGGED, _TENSOR, _OPTIONAL)
_HAS_VALUE, _IS_EMPTY = b"\1", b"\0"  # the metadata of an optional


def component_to_proto(value: Any, dtype: DType) -> Any:
    """Returns the TensorProto of a component of an element.

    Raises:
      UnimplementedError: files hold no such values.
    """
    if dtype is not dtypes.variant or hasattr(value, "as_messages") or is_serialized(value):
        return to_proto(value, dtype)
    if isinstance(value, RaggedValue | OptionalValue):
        return to_proto(variants([_message(value)], ()), dtype)
    if not (isinstance(value, np.ndarray) and value.dtype == object):
        raise UnimplementedError(f"A {type(value).__name__} cannot be written to a file.")
    return to_proto(variants(list(map(_message, value.ravel())), value.shape), dtype)


def _message(item: Any) -> Any:
    if isinstance(item, RaggedValue):
        parts = [*item.splits, item.values]
        return VariantTensorDataProto(type_name=_RAGGED, tensors=list(map(_dense, parts)))
    if isinstance(item, OptionalValue):
        if item.components is None:
            return VariantTensorDataProto(type_name=_OPTIONAL, metadata=_IS_EMPTY)
        tensors = [component_to_proto(value, _dtype_of(value)) for value in item.components]
        return VariantTensorDataProto(type_name=_OPTIONAL, metadata=_HAS_VALUE, tensors=tensors)
    if not isinstance(item, np.ndarray):
        raise UnimplementedError(f"A {type(item).__name__} cannot be written to a file.")
    return VariantTensorDataProto(type_name=_TENSOR, tensors=[_dense(item)])


def _dense(array: Any) -> Any:
    values = np.asarray(array)
    return to_proto(
        values, dtypes.string if values.dtype == object else dtypes.as_dtype(values.dtype)
    )


def _dtype_of(value: Any) -> DType:
    """The dtype of a component of an optional; arrays of objects hold strings or variants."""
    if not isinstance(value, np.ndarray):
        return dtypes.variant
    if value.dtype != object:
        return dtypes.as_dtype(value.dtype)
    is_text = all(isinstance(item, bytes | str) for item in value.flat)
    return dtypes.string if is_text else dtypes.variant


def component_from_proto(proto: Any) -> Any:
    """Returns the component of a TensorProto.

    Raises:
      DataLossError: it is damaged.
    """
    value = from_proto(proto)
    messages = value.ravel().tolist() if proto.dtype == dtypes.variant.as_datatype_enum else []
    if not messages or any(message.type_name not in _READ for message in messages):
        return value
    objects = np.empty(len(messages), object)
    for at, message in enumerate(messages):
        objects[at] = _item(message)
    return objects.reshape(value.shape) if value.ndim else objects[0]


def _item(message: Any) -> Any:
    if message.type_name == _OPTIONAL:
        return _optional(message)
    tensors = [from_proto(tensor) for tensor in message.tensors]
    if not tensors or (message.type_name == _TENSOR and len(tensors) > 1):
        raise DataLossError(f"A {message.type_name} of {len(tensors)} tensors is damaged.")
    return RaggedValue(tensors[:-1], tensors[-1]) if message.type_name == _RAGGED else tensors[0]


def _optional(message: Any) -> OptionalValue:
    if message.metadata == _HAS_VALUE:
        return OptionalValue(tuple(map(component_from_proto, message.tensors)))
    if message.metadata != _IS_EMPTY or message.tensors:
        raise DataLossError(f"A {_OPTIONAL} with the metadata {message.metadata!r} is damaged.")
    return OptionalValue(None)
