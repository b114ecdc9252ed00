"""TensorProtos as arrays of a signature's dtypes, and arrays as TensorProtos."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.dtypes import DType
from penstock._src.core.errors import InvalidArgumentError, ResourceExhaustedError
from penstock._src.ops.tensor_proto import from_proto, to_proto
from penstock._src.proto.tensor import TensorProto
from penstock._src.serving.inference.predict_messages import Content, large_array, put_back
from penstock._src.serving.servables.servable import TensorInfo
from penstock._src.util.files import varints

# Fields that hold numbers as they are in memory, one after the other.
_PACKED = {dtypes.float32: ("float_val", 5), dtypes.float64: ("double_val", 6)}
_LENGTH_DELIMITED = 2
_VARINT = 0
# Number of elements for which reading the raw bytes pays off.
_MANY = 32


def array_of(
    proto: Any, info: TensorInfo, name: str, max_bytes: int, content: Content | None = None
) -> np.ndarray:
    """Returns the array in a TensorProto.

    Args:
      proto: the message.
      info: of the input that it is for.
      name: of the input, for messages.
      max_bytes: that the array may have.
      content: the numbers, if they are not in the message; the array shares their memory.

    Raises:
      InvalidArgumentError: it is of another dtype, or damaged.
      ResourceExhaustedError: it is too large.
    """
    if proto.dtype != info.dtype.as_datatype_enum:
        raise InvalidArgumentError(
            f"The input '{name}' is of type {info.dtype.name}. Received {_type_name(proto.dtype)}."
        )
    shape = [dim.size for dim in proto.tensor_shape.dim]
    # Strings take at least the handle of each.
    size = math.prod(shape) * max(info.dtype.size, 8 if info.dtype is dtypes.string else 1)
    if size > max_bytes:
        raise ResourceExhaustedError(
            f"The input '{name}' of shape {shape} has {size:,} bytes. An input may have at most {max_bytes:,}."
        )
    if content is not None:
        array = large_array(content, shape, info.dtype)
        if array is not None:
            return array
        put_back(proto, content)
    field, number = _PACKED.get(info.dtype, ("", 0))
    if (
        field
        and not proto.tensor_content
        and len(getattr(proto, field)) == math.prod(shape) >= _MANY
    ):
        return _packed(proto.SerializeToString(), number, info.dtype).reshape(shape)
    return from_proto(proto)


def _type_name(number: int) -> str:
    try:
        return dtypes.as_dtype(number).name
    except TypeError:
        return f"data type {number}"


def _packed(data: bytes, number: int, dtype: DType) -> np.ndarray:
    """The numbers of a packed field of a message that was just serialized: each field occurs in it once."""
    at = 0
    while at < len(data):
        tag, at = varints.decode(data, at)
        length, at = varints.decode(data, at)
        if tag & 7 == _VARINT:
            continue
        if tag == number << 3 | _LENGTH_DELIMITED:
            return np.frombuffer(data, dtype.np, length // dtype.size, at)
        at += length
    return np.empty(0, dtype.np)


def fill(proto: Any, array: np.ndarray, dtype: DType) -> None:
    """Sets a TensorProto to an array, its numbers in the field of their dtype as TensorFlow Serving sends them."""
    field, number = _PACKED.get(dtype, ("", 0))
    if not field:
        proto.CopyFrom(_by_value(array, dtype))
        return
    proto.dtype = dtype.as_datatype_enum
    proto.tensor_shape.SetInParent()
    for extent in array.shape:
        proto.tensor_shape.dim.add(size=extent)
    if array.size < _MANY:
        getattr(proto, field).extend(array.ravel().tolist())
    else:
        head = bytes([number << 3 | _LENGTH_DELIMITED]) + varints.encode(array.nbytes)
        proto.MergeFromString(head + array.tobytes())


# The fields of integers and booleans.
_FIELDS = {
    dtypes.int8: "int_val",
    dtypes.int16: "int_val",
    dtypes.int32: "int_val",
    dtypes.int64: "int64_val",
    dtypes.uint8: "int_val",
    dtypes.uint16: "int_val",
    dtypes.uint32: "uint32_val",
    dtypes.uint64: "uint64_val",
    dtypes.bool_: "bool_val",
}


def _by_value(array: np.ndarray, dtype: DType) -> Any:
    field = _FIELDS.get(dtype)
    if field is None:
        return to_proto(array, dtype)
    proto = TensorProto(dtype=dtype.as_datatype_enum)
    proto.tensor_shape.SetInParent()
    for extent in array.shape:
        proto.tensor_shape.dim.add(size=extent)
    getattr(proto, field).extend(array.ravel().tolist())
    return proto
