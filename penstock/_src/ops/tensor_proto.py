"""Converts arrays to TensorProtos and back."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError

from penstock._src.core import dtypes
from penstock._src.core.dtypes import DType
from penstock._src.core.errors import InvalidArgumentError, UnimplementedError
from penstock._src.core.shapes import LARGEST_RANK
from penstock._src.core.typesets import NARROW
from penstock._src.proto.tensor import TensorProto, VariantTensorDataProto
from penstock._src.util import slots
from penstock._src.util.files import varints


def to_proto(
    value: np.ndarray, dtype: DType, shape: Sequence[int] | None = None, is_packed: bool = False
) -> Any:
    """The TensorProto of a host value.

    Args:
      value: the elements. One that `np.broadcast_to` repeats is written once.
      dtype: of the elements.
      shape: of the tensor, if it is not that of `value`; readers repeat the last element where there are fewer.
      is_packed: True for the bytes of all elements, not numbers that are readable.

    Raises:
      UnimplementedError: values of this dtype cannot be serialized.
    """
    if dtype is dtypes.variant and hasattr(value, "as_messages"):
        value = value.as_messages()
    if dtype is dtypes.variant and not is_serialized(value):
        raise UnimplementedError(f"A value of type {dtype.name} cannot be written to a file.")
    if not isinstance(value, np.ndarray) or not (
        dtype.is_numpy_compatible or dtype is dtypes.variant
    ):
        raise UnimplementedError(f"A value of type {dtype.name} cannot be written to a file.")
    proto = TensorProto(dtype=dtype.as_datatype_enum)
    proto.tensor_shape.SetInParent()
    shape = value.shape if shape is None else shape
    for size in shape:
        proto.tensor_shape.dim.add(size=size)
    count = math.prod(shape)
    if not is_packed and _has_values(dtype) and is_one_repeated(value):
        value = value[(slice(1),) * value.ndim or ...].reshape(-1)[:count]
    if dtype is dtypes.string:
        proto.string_val.extend(value.ravel().tolist())
    elif dtype is dtypes.variant:
        proto.variant_val.extend(value.ravel().tolist())
    elif dtype.name.startswith("float8") and value.size == 1 and not is_packed:
        proto.float8_val = value.tobytes()
    elif (
        is_packed
        or dtype.name not in _FIELDS
        or value.size == count > 1
        and dtype.name not in _ALWAYS_BY_VALUE
    ):
        proto.tensor_content = value.tobytes()
    else:  # one number is readable, as TensorFlow writes it
        stored = value.view(np.uint16) if dtype.name in _HALVES else value
        if dtype.is_complex:
            stored = np.stack([value.real, value.imag], axis=-1)
        getattr(proto, _FIELDS[dtype.name]).extend(stored.ravel().tolist())
    return proto


def _has_values(dtype: DType) -> bool:
    """True if a TensorProto has a field for values of this dtype."""
    return dtype is dtypes.string or dtype.name in _FIELDS or dtype.name.startswith("float8")


def is_one_repeated(value: np.ndarray) -> bool:
    """True if an array is a single element, or one broadcast by `np.broadcast_to`."""
    return value.size > 0 and all(
        stride == 0 or extent == 1
        for stride, extent in zip(value.strides, value.shape, strict=True)
    )


# The wire format of protocol buffers: the field `tensor_content`, number 4, and the types of fields that are read.
_CONTENT_TAG, _VARINT, _LENGTH_DELIMITED = 4 << 3 | 2, 0, 2
_LONG = 1 << 12  # bytes, from which a copy takes longer than to read fields in Python
_FEW_FIELDS = 16
# The most elements that a tensor may have.
_MOST = (1 << 63) - 1
_SMALL = ("int2", "uint2", "int4", "uint4")
_ALWAYS_BY_VALUE = ("bool", "uint16", "complex64", "complex128", *_SMALL)
_HALVES = tuple(dtype.name for dtype in NARROW)
# {dtype: the field of its numbers}
_FIELDS = {
    **dict.fromkeys(_HALVES, "half_val"),
    "float32": "float_val",
    "float64": "double_val",
    "int8": "int_val",
    "int16": "int_val",
    "int32": "int_val",
    "int64": "int64_val",
    "uint8": "int_val",
    "uint16": "int_val",
    "uint32": "uint32_val",
    "uint64": "uint64_val",
    "bool": "bool_val",
    "complex64": "scomplex_val",
    "complex128": "dcomplex_val",
    **dict.fromkeys(_SMALL, "int_val"),
}


def is_serialized(value: Any) -> bool:
    """True if a host value consists of serialized variants, such as the states of iterators."""
    return isinstance(value, np.ndarray) and all(
        isinstance(item, VariantTensorDataProto) for item in value.ravel().tolist()
    )


def variants(messages: Sequence[Any], shape: Sequence[int]) -> np.ndarray:
    """A host value of variants that are messages."""
    array = np.empty(len(messages), object)
    array[:] = messages
    return array.reshape(shape)


# TensorFlow's variants that hold one number, whose bytes are the metadata.
_NUMBERS = ("int", "float", "double", "bool")


def zero_variant(value: np.ndarray) -> np.ndarray:
    """The zero of a serialized variant that holds a number.

    Raises:
      InvalidArgumentError: it is not a scalar, or holds something else.
    """
    if value.ndim:
        message = "ZerosLike non-scalar Tensor with dtype=DT_VARIANT is not supported."
        raise InvalidArgumentError(message)
    kind = value.item().type_name
    if kind not in _NUMBERS:
        raise InvalidArgumentError(f"ZerosLike: no zeros are known of a variant of type '{kind}'.")
    metadata = bytes(len(value.item().metadata))
    return variants([VariantTensorDataProto(type_name=kind, metadata=metadata)], ())


def serialized(value: np.ndarray, dtype: DType) -> bytes:
    """The TensorProto of a host value as a message, with the bytes of all numbers.

    Raises:
      UnimplementedError: values of this dtype cannot be serialized.
    """
    is_numeric = isinstance(value, np.ndarray) and dtype not in (dtypes.string, dtypes.variant)
    if not is_numeric or value.nbytes < _LONG:
        return to_proto(value, dtype, is_packed=True).SerializeToString()
    head = to_proto(value[(slice(0),) * value.ndim], dtype, value.shape, is_packed=True)
    content = np.ascontiguousarray(value).reshape(-1).view(np.uint8)
    size = varints.encode(content.size)
    return b"".join((head.SerializeToString(), bytes((_CONTENT_TAG,)), size, content.data))


def parsed(data: bytes) -> tuple[Any, memoryview | None]:
    """The TensorProto in a message; the bytes of its elements apart, without a copy, where they are long.

    Raises:
      DecodeError: the message is damaged.
    """
    rest, content = _without_content(data) if len(data) >= _LONG else (data, None)
    return TensorProto.FromString(rest), content


def _without_content(data: bytes) -> tuple[bytes, memoryview | None]:
    """Splits the field `tensor_content` from the others of a message; none of a message of many or unusual fields."""
    rest, content, at = [], None, 0
    for _ in range(_FEW_FIELDS):
        begin, tag = at, data[at]
        try:
            number, at = varints.decode(data, at + 1)
        except IndexError:
            return data, None
        if tag & 7 == _LENGTH_DELIMITED:
            first, at = at, at + number
        if tag > 127 or tag & 7 not in (_VARINT, _LENGTH_DELIMITED) or at > len(data):
            return data, None
        if tag == _CONTENT_TAG:
            content = memoryview(data)[first:at]
        else:
            rest.append(data[begin:at])
        if at == len(data):
            return b"".join(rest), content
    return data, None


def from_proto(proto: Any, content: memoryview | None = None) -> np.ndarray:
    """The host value in a TensorProto, whichever field holds it.

    Args:
      content: the bytes of the field `tensor_content`, which a message from `parsed` does not have.

    Raises:
      InvalidArgumentError: the number of values does not fit the shape.
      UnimplementedError: the shape has too many dimensions.
    """
    shape = [dim.size for dim in proto.tensor_shape.dim]
    dtype = _dtype_in(proto)
    if len(shape) > LARGEST_RANK:
        raise UnimplementedError(
            f"TensorProto: tensors of more than {LARGEST_RANK} dimensions are not implemented. Received {len(shape)}."
        )
    count = math.prod(shape)
    if any(size < 0 for size in shape) or count > _MOST:
        raise InvalidArgumentError(f"TensorProto: no tensor has the shape {shape}.")
    if content and dtype in (dtypes.string, dtypes.variant):
        proto.tensor_content = bytes(content)
    content = content or proto.tensor_content
    if content and dtype is dtypes.string:
        return _packed_strings(proto.tensor_content, count).reshape(shape)
    if dtype is dtypes.variant:
        return _variants(proto, shape, count)
    if content:
        if len(content) != count * dtype.np.itemsize:
            raise InvalidArgumentError(
                f"TensorProto: {len(content)} bytes do not fit {dtype.name}{shape}."
            )
        return np.frombuffer(content, dtype.np).reshape(shape)
    if dtype is dtypes.string:
        return _filled(list(proto.string_val), count, object, b"").reshape(shape)
    return _numbers(proto, dtype, count).reshape(shape)


def constant_of_message(proto: Any, name: str | None) -> Any:
    """A constant of the current graph with the value in a TensorProto."""
    return slots.MAKE_CONSTANT(from_proto(proto), _dtype_in(proto), name)


def _variants(proto: Any, shape: Sequence[int], count: int) -> np.ndarray:
    """Decodes variants as messages: fields, or, as TensorFlow writes them into files of datasets, packed like strings."""
    if proto.tensor_content:
        encoded = _packed_strings(proto.tensor_content, count).tolist()
    else:
        encoded = [value.SerializeToString() for value in proto.variant_val]
    if len(encoded) != count:
        raise InvalidArgumentError(
            f"TensorProto: {len(encoded)} variants do not fit the shape {list(shape)}."
        )
    try:
        return variants([VariantTensorDataProto.FromString(data) for data in encoded], shape)
    except DecodeError as error:
        raise InvalidArgumentError(f"TensorProto: a damaged variant: {error}") from error


def _dtype_in(proto: Any) -> DType:
    try:
        return dtypes.as_dtype(proto.dtype).base_dtype
    except TypeError as error:
        raise InvalidArgumentError(f"TensorProto: there is no data type {proto.dtype}.") from error


def _packed_strings(content: bytes, count: int) -> np.ndarray:
    """Decodes varint lengths followed by the strings.

    Raises:
      InvalidArgumentError: there are fewer.
    """
    lengths, at = [], 0
    if count > len(content):  # each has a byte of its length
        raise InvalidArgumentError(
            f"TensorProto: {len(content)} bytes do not hold {count} strings."
        )
    for _ in range(count):
        try:
            length, at = varints.decode(content, at)
        except IndexError:
            message = "TensorProto: the lengths of strings are cut short."
            raise InvalidArgumentError(message) from None
        lengths.append(length)
    out = np.empty(count, object)
    for number, length in enumerate(lengths):
        out[number] = content[at : at + length]
        at += length
    return out


def _numbers(proto: Any, dtype: DType, count: int) -> np.ndarray:
    name = dtype.name
    if name in _HALVES:
        bits = np.array(proto.half_val, np.uint16).view(dtype.np)
        return _filled(bits, count, dtype.np, 0)
    if name.startswith("float8"):
        return _filled(np.frombuffer(proto.float8_val, dtype.np), count, dtype.np, 0)
    if name in ("complex64", "complex128"):
        parts = np.array(proto.scomplex_val if name == "complex64" else proto.dcomplex_val)
        return _filled(parts[0::2] + 1j * parts[1::2], count, dtype.np, 0)
    return _filled(getattr(proto, _FIELDS.get(name, "int_val")), count, dtype.np, 0)


def _filled(values: Any, count: int, kind: Any, default: Any) -> np.ndarray:
    """`count` values; the last one is repeated if fewer are given."""
    if len(values) > count:
        raise InvalidArgumentError(f"TensorProto: {len(values)} values where {count} are expected.")
    available = len(values)
    if available <= 1 < count:  # a message of few bytes shall not take the memory of many
        one = np.empty((), kind)
        one[()] = values[0] if available else default
        return np.broadcast_to(one, (count,))
    array = np.empty(count, kind)
    if available:
        array[:available] = list(values) if kind is object else np.asarray(values).astype(kind)
    array[available:] = values[-1] if available else default
    return array
