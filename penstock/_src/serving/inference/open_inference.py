"""The Open Inference Protocol's tensors: names of their types, and their bytes."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.dtypes import DType
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.serving.models.version import ModelVersion
from penstock._src.serving.servables.servable import Signature, TensorInfo

NAME = "penstock"
EXTENSIONS = ("binary_tensor_data",)
# The parameter of a request that names the signature; the protocol itself has one function per model.
SIGNATURE = "signature_name"
BYTES = "BYTES"
_NAMES: Mapping[DType, str] = {
    dtypes.bool_: "BOOL",
    dtypes.uint8: "UINT8",
    dtypes.uint16: "UINT16",
    dtypes.uint32: "UINT32",
    dtypes.uint64: "UINT64",
    dtypes.int8: "INT8",
    dtypes.int16: "INT16",
    dtypes.int32: "INT32",
    dtypes.int64: "INT64",
    dtypes.float16: "FP16",
    dtypes.bfloat16: "BF16",
    dtypes.float32: "FP32",
    dtypes.float64: "FP64",
    dtypes.string: BYTES,
}
_LENGTH = struct.Struct("<I")


class TensorMetadata(NamedTuple):
    """An input or output of a model in metadata; unknown extents are -1."""

    name: str
    datatype: str
    shape: list[int]


def type_name(dtype: DType, name: str) -> str:
    """Returns the protocol's name of a dtype.

    Raises:
      InvalidArgumentError: it has none.
    """
    known = _NAMES.get(dtype)
    if known is None:
        raise InvalidArgumentError(
            f"'{name}' is of type {dtype.name}, which the protocol cannot hold."
        )
    return known


def described(infos: Mapping[str, TensorInfo]) -> list[TensorMetadata]:
    """Returns the metadata of inputs or outputs."""
    return [
        TensorMetadata(
            name,
            _NAMES.get(info.dtype, info.dtype.name),
            [-1 if extent is None else extent for extent in info.shape or ()],
        )
        for name, info in infos.items()
    ]


def info_of(signature: Signature, name: str, datatype: str) -> TensorInfo:
    """Returns the description of a signature's input.

    Raises:
      InvalidArgumentError: it has no such input, or one of another type.
    """
    info = signature.inputs.get(name)
    if info is None:
        raise InvalidArgumentError(
            f"{signature.name} takes {sorted(signature.inputs)}. Received '{name}'."
        )
    if datatype != type_name(info.dtype, name):
        raise InvalidArgumentError(
            f"The input '{name}' is of type {type_name(info.dtype, name)}. Received {datatype!r:.50}."
        )
    return info


def shape_of(shape: Any, name: str) -> tuple[int, ...]:
    """Returns the shape that a request gives.

    Raises:
      InvalidArgumentError: it is none.
    """
    extents = list(shape) if isinstance(shape, Sequence) and not isinstance(shape, str) else [-1]
    if len(extents) > 32 or any(type(extent) is not int or extent < 0 for extent in extents):
        raise InvalidArgumentError(
            f"The input '{name}': expected a shape of integers that are not negative. Received {shape!r:.100}."
        )
    return tuple(extents)


def array_of(
    data: bytes | memoryview, shape: tuple[int, ...], info: TensorInfo, name: str
) -> np.ndarray:
    """Returns the array in the bytes of a tensor: its numbers in little endian, row-major, which are not copied; strings after their lengths.

    Raises:
      InvalidArgumentError: there are more or fewer bytes.
    """
    if info.dtype is dtypes.string:
        texts = _strings(bytes(data), math.prod(shape), name)
        strings = np.empty(len(texts), object)
        strings[:] = texts
        return strings.reshape(shape)
    need = math.prod(shape) * info.dtype.size
    if len(data) != need:
        raise InvalidArgumentError(
            f"The input '{name}' of shape {list(shape)} has {need:,} bytes. Received {len(data):,}."
        )
    array = np.frombuffer(data, info.dtype.np).reshape(shape)
    return array != 0 if info.dtype is dtypes.bool_ else array


def _strings(data: bytes, count: int, name: str) -> list[bytes]:
    strings: list[bytes] = []
    at = 0
    while at + _LENGTH.size <= len(data) and len(strings) < count:
        end = at + _LENGTH.size + _LENGTH.unpack_from(data, at)[0]
        strings.append(data[at + _LENGTH.size : end])
        at = end
    if len(strings) != count or at != len(data):
        raise InvalidArgumentError(
            f"The input '{name}': expected {count} strings, each after its length in 4 bytes. The data are of other lengths."
        )
    return strings


def bytes_of(array: np.ndarray) -> bytes:
    """Returns the bytes of a tensor, as `array_of` takes them."""
    if array.dtype == object:
        return b"".join(_LENGTH.pack(len(text)) + text for text in array.ravel().tolist())
    return array.tobytes()


def versions_of(versions: Mapping[int, ModelVersion]) -> list[str]:
    """Return the numbers of a model's versions in the protocol's form."""
    return [str(number) for number in sorted(versions)]


def wanted_outputs(names: Sequence[str], signature: Signature) -> list[str]:
    """Returns the outputs that a request names: all if it names none.

    Raises:
      InvalidArgumentError: there is no such output.
    """
    for name in names:
        if name not in signature.outputs:
            raise InvalidArgumentError(
                f"{signature.name} returns {sorted(signature.outputs)}. There is no output '{name}'."
            )
    return list(names) or list(signature.outputs)
