"""Predict's messages. The numbers of large tensors stay in the received bytes, and are appended to the sent ones: a message would copy them several times."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.dtypes import DType
from penstock._src.serving.protos import apis
from penstock._src.util.files import varints

# Bytes of a message, and of a tensor's numbers, from which this pays.
_LARGE = 8192
# Fields of a message with large tensors; those with more hold their numbers one by one.
_MOST_FIELDS = 500
_VARINT, _FIXED64, _DELIMITED, _FIXED32 = 0, 1, 2, 5
_SIZES = {_FIXED64: 8, _FIXED32: 4}
_INPUTS, _OUTPUTS, _KEY, _VALUE = 2, 1, 1, 2
# Fields of TensorProto.
CONTENT, FLOATS, DOUBLES = 4, 5, 6


class Content(NamedTuple):
    """The numbers of a tensor.

    Args:
      field: of TensorProto that holds them.
      data: the bytes.
    """

    field: int
    data: memoryview


class PredictRequest:
    """A request of Predict.

    Args:
      message: without the numbers of large tensors.
      contents: these, by the names of inputs.
    """

    DESCRIPTOR = apis.PredictRequest.DESCRIPTOR

    def __init__(self, message: Any, contents: Mapping[str, Content]) -> None:
        self.model_spec, self.inputs = message.model_spec, message.inputs
        self.output_filter, self.contents = message.output_filter, contents

    @staticmethod
    def FromString(data: bytes) -> PredictRequest:
        """Reads a message.

        Raises:
          DecodeError: it is damaged.
        """
        contents: dict[str, Content] = {}
        rest = _without_contents(data, contents) if len(data) >= _LARGE else None
        if rest is None:  # nothing is large, or in another order than programs write it
            return PredictRequest(apis.PredictRequest.FromString(data), {})
        return PredictRequest(apis.PredictRequest.FromString(rest), contents)


class _Irregular(Exception):
    """A message that is not as programs write it."""


class _Field(NamedTuple):
    number: int
    start: int  # of the tag
    value: int  # of the bytes
    end: int


def _without_contents(data: bytes, contents: dict[str, Content]) -> bytes | None:
    """Returns a request without the numbers of large tensors, which are added to `contents`; None if it is irregular."""
    parts: list[bytes] = []
    try:
        for field in _fields(data, 0, len(data), [_MOST_FIELDS]):
            small = None
            if field.number == _INPUTS and field.end - field.value >= _LARGE:
                small = _small_entry(data, field, contents)
            parts.append(data[field.start : field.end] if small is None else small)
    except (_Irregular, IndexError, UnicodeDecodeError):
        return None
    return b"".join(parts)


def _small_entry(data: bytes, entry: _Field, contents: dict[str, Content]) -> bytes | None:
    """Returns an input without its numbers; None if they are not in one piece."""
    left = [_MOST_FIELDS]
    inside = list(_fields(data, entry.value, entry.end, left))
    if [field.number for field in inside] != [_KEY, _VALUE]:
        raise _Irregular
    key, value = inside
    name = data[key.value : key.end].decode()
    matching = [
        field
        for field in _fields(data, value.value, value.end, left)
        if field.number in (CONTENT, FLOATS, DOUBLES)
    ]
    if name in contents or len(matching) > 1:
        raise _Irregular
    if not matching or matching[0].end - matching[0].value < _LARGE:
        return None
    (numbers,) = matching
    contents[name] = Content(numbers.number, memoryview(data)[numbers.value : numbers.end])
    tensor = data[value.value : numbers.start] + data[numbers.end : value.end]
    return _delimited(_INPUTS, data[key.start : key.end] + _delimited(_VALUE, tensor))


def _fields(data: bytes, at: int, end: int, left: list[int]) -> Iterator[_Field]:
    """Yield the fields of a message.

    Args:
      data: that hold it.
      at: where it begins.
      end: where it ends.
      left: the number of fields that may still be read.
    """
    while at < end:
        start = at
        tag, at = varints.decode(data, at)
        kind = tag & 7
        value = at
        if kind == _DELIMITED:
            size, value = varints.decode(data, at)
            at = value + size
        elif kind == _VARINT:
            _, at = varints.decode(data, at)
        elif kind in _SIZES:
            at += _SIZES[kind]
        else:
            raise _Irregular
        left[0] -= 1
        if at > end or left[0] < 0 or (kind != _DELIMITED and tag >> 3 in (FLOATS, DOUBLES)):
            raise _Irregular
        yield _Field(tag >> 3, start, value, at)


def _delimited(number: int, data: bytes) -> bytes:
    return _head(number, len(data)) + data


def _head(number: int, size: int) -> bytes:
    return bytes([number << 3 | _DELIMITED]) + varints.encode(size)


class PredictResponse:
    """A reply of Predict.

    Args:
      message: without large outputs.
    """

    def __init__(self, message: Any) -> None:
        self.message = message
        self._parts: list[bytes | memoryview] = []

    def add(self, name: str, array: np.ndarray, dtype: DType) -> bool:
        """Adds an output if it is large, and of a dtype whose numbers are sent as they are in memory; returns True if so."""
        field = {dtypes.float32: FLOATS, dtypes.float64: DOUBLES}.get(dtype)
        if field is None or array.nbytes < _LARGE:
            return False
        tensor = apis.PredictResponse().outputs[name]
        tensor.dtype = dtype.as_datatype_enum
        for extent in array.shape:
            tensor.tensor_shape.dim.add(size=extent)
        head = tensor.SerializeToString() + _head(field, array.nbytes)
        key = _delimited(_KEY, name.encode())
        value = _head(_VALUE, len(head) + array.nbytes)
        size = len(key) + len(value) + len(head) + array.nbytes
        self._parts.append(_head(_OUTPUTS, size) + key + value + head)
        self._parts.append(np.ascontiguousarray(array).reshape(-1).data.cast("B"))
        return True

    def SerializeToString(self) -> bytes:
        """Returns the message's bytes."""
        data = self.message.SerializeToString()
        return b"".join([data, *self._parts]) if self._parts else data


def large_array(content: Content, shape: Sequence[int], dtype: DType) -> np.ndarray | None:
    """Returns the array of a tensor's numbers, which shares their memory; None if they are not all of it, as they are in memory."""
    is_direct = content.field == CONTENT and dtype.np.kind in "iufc"
    if not is_direct and (content.field, dtype) not in (
        (FLOATS, dtypes.float32),
        (DOUBLES, dtypes.float64),
    ):
        return None
    if min(shape, default=0) < 0 or np.prod(shape, dtype=object) * dtype.size != len(content.data):
        return None
    return np.frombuffer(content.data, dtype.np).reshape(shape)


def put_back(proto: Any, content: Content) -> None:
    """Sets the field of a TensorProto that numbers were taken from."""
    proto.MergeFromString(_head(content.field, len(content.data)) + bytes(content.data))
