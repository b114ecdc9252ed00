"""TensorProtos to arrays and back, with data in the message or in files beside the model."""

import math
import os
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.calls.consent import is_below
from penstock._src.core.errors import DataLossError, InvalidArgumentError, UnimplementedError
from penstock._src.filesystems import files
from penstock._src.formats.onnx.element_types import ElementType, element_type, element_type_of
from penstock._src.formats.onnx.schema import EXTERNAL, TensorProto

_PER_VALUE = {"complex64": 2, "complex128": 2}  # entries of the field
_HELD_AS_BITS = {8: np.uint8, 16: np.uint16}


def array_of(proto: Any, model: str = "") -> np.ndarray:
    """Returns the array of a TensorProto.

    Args:
      proto: the message.
      model: the path of its model; files of external data are in the same folder.

    Raises:
      DataLossError: there is less or more data than the shape says.
      InvalidArgumentError: the shape or the name of the file is invalid.
      UnimplementedError: there is no dtype for its elements.
    """
    element = element_type(proto.data_type)
    shape = tuple(proto.dims)
    if any(size < 0 for size in shape):
        raise InvalidArgumentError(f"tensor '{proto.name}' has the invalid shape {list(shape)}.")
    if proto.HasField("segment"):
        raise UnimplementedError(f"ONNX: tensor '{proto.name}' is a segment of a tensor.")
    count = math.prod(shape)
    if element.dtype is dtypes.string:
        return _checked(np.array(list(proto.string_data), object), proto, count).reshape(shape)
    if proto.data_location == EXTERNAL:
        return _from_bytes(_external(proto, model), element, proto, count).reshape(shape)
    if proto.HasField("raw_data"):
        return _from_bytes(proto.raw_data, element, proto, count).reshape(shape)
    return _from_field(element, proto, count).reshape(shape)


def _checked(values: np.ndarray, proto: Any, count: int) -> np.ndarray:
    if len(values) != count:
        raise DataLossError(
            f"tensor '{proto.name}' of shape {list(proto.dims)} has {len(values)} values "
            f"in place of {count}."
        )
    return values


def _from_bytes(data: bytes, element: ElementType, proto: Any, count: int) -> np.ndarray:
    expected = (count * element.bits + 7) // 8
    if len(data) != expected:
        raise DataLossError(
            f"tensor '{proto.name}' of shape {list(proto.dims)} and type {element.name} has "
            f"{len(data)} bytes in place of {expected}."
        )
    if element.bits < 8:
        return _unpacked(np.frombuffer(data, np.uint8), element, count)
    stored = np.dtype(element.dtype.np)
    if stored == np.bool_:
        return np.frombuffer(data, np.uint8) != 0
    return np.frombuffer(data, stored.newbyteorder("<") if stored.isbuiltin == 1 else stored)


def _unpacked(packed: np.ndarray, element: ElementType, count: int) -> np.ndarray:
    """Values of 2 or 4 bits, the first in the lowest bits of each byte."""
    shifts = np.arange(0, 8, element.bits, dtype=np.uint8)
    bits = ((packed[:, None] >> shifts) & ((1 << element.bits) - 1)).reshape(-1)[:count]
    if element.name.startswith("int"):  # bring the sign to the byte's
        spare = 8 - element.bits
        bits = (bits << spare).astype(np.int8) >> spare
    if element.dtype.is_floating:
        return bits.astype(np.uint8).view(element.dtype.np)
    return bits.astype(element.dtype.np)


def _from_field(element: ElementType, proto: Any, count: int) -> np.ndarray:
    array = np.array(getattr(proto, element.field))
    per_value = _PER_VALUE.get(element.name, 1)
    if element.bits < 8:
        _checked(array, proto, (count * element.bits + 7) // 8)
        return _unpacked(array.astype(np.uint8), element, count)
    _checked(array, proto, count * per_value)
    kind = element.dtype.np
    if per_value == 2:
        return array.astype(np.float32 if element.bits == 64 else np.float64).view(kind)
    if element.dtype.is_floating and element.field == "int32_data":
        return array.astype(_HELD_AS_BITS[element.bits]).view(kind)
    return array.astype(kind)


def _external(proto: Any, model: str) -> bytes:
    """The bytes of a tensor that are in a file beside the model."""
    facts = {entry.key: entry.value for entry in proto.external_data}
    location = facts.get("location", "")
    if not location or os.path.isabs(location) or ".." in location.replace("\\", "/").split("/"):
        raise InvalidArgumentError(
            f"tensor '{proto.name}' names the file '{location}', which is not below the model's folder."
        )
    path = os.path.join(os.path.dirname(model), location)
    # Caches of downloads hold links, whose targets are beside that of the model.
    if not any(is_below(path, os.path.dirname(at)) for at in (model, _target(model))):
        raise InvalidArgumentError(
            f"tensor '{proto.name}' names the file '{location}', a link out of the model's folder."
        )
    try:
        offset, length = int(facts.get("offset", 0)), int(facts.get("length", -1))
    except ValueError as error:
        raise InvalidArgumentError(
            f"tensor '{proto.name}': offset and length must be numbers. Received: {facts}"
        ) from error
    size = files.status(path).length
    if length < 0:
        length = size - offset
    if offset < 0 or length < 0 or offset + length > size:
        raise DataLossError(
            f"tensor '{proto.name}' takes the bytes {offset} to {offset + length} of '{path}', "
            f"which has {size}."
        )
    with files.open_file(path) as file:
        file.seek(offset)
        return file.read(length)


def _target(path: str) -> str:
    """The file that a link leads to, or the path itself."""
    return os.path.realpath(path) if os.path.islink(path) else path


def proto_of(array: np.ndarray, name: str = "") -> Any:
    """Returns the TensorProto of an array.

    Raises:
      UnimplementedError: ONNX has no type for its elements.
    """
    element = element_type_of(dtypes.as_dtype(array.dtype))
    proto = TensorProto(data_type=element.number, name=name, dims=array.shape)
    if element.dtype is dtypes.string:
        proto.string_data.extend(v if isinstance(v, bytes) else v.encode() for v in array.flat)
    elif element.bits < 8:
        proto.raw_data = _packed(array, element)
    else:
        proto.raw_data = np.ascontiguousarray(array).tobytes()
    return proto


def _packed(array: np.ndarray, element: ElementType) -> bytes:
    per_byte = 8 // element.bits
    if element.dtype.is_floating:
        values = np.ascontiguousarray(array).view(np.uint8).reshape(-1)
    else:
        values = array.reshape(-1).astype(np.int8).view(np.uint8)
    values = values & ((1 << element.bits) - 1)
    values = np.pad(values, (0, -len(values) % per_byte)).reshape(-1, per_byte)
    shifts = np.arange(0, 8, element.bits, dtype=np.uint8)
    return np.bitwise_or.reduce(values << shifts, axis=1).astype(np.uint8).tobytes()
