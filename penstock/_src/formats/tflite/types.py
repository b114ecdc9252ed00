"""Tensor types of TFLite and their dtypes, and the layout of buffers."""

import struct
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.dtypes import DType
from penstock._src.formats.tflite.schema import TensorType

# Types narrower than a byte are held as int8 and uint8: arithmetic on their values is the same.
DTYPES: dict[int, DType] = {
    TensorType.FLOAT32: dtypes.float32,
    TensorType.FLOAT16: dtypes.float16,
    TensorType.FLOAT64: dtypes.float64,
    TensorType.BFLOAT16: dtypes.bfloat16,
    TensorType.INT2: dtypes.int8,
    TensorType.INT4: dtypes.int8,
    TensorType.UINT4: dtypes.uint8,
    TensorType.INT8: dtypes.int8,
    TensorType.INT16: dtypes.int16,
    TensorType.INT32: dtypes.int32,
    TensorType.INT64: dtypes.int64,
    TensorType.UINT8: dtypes.uint8,
    TensorType.UINT16: dtypes.uint16,
    TensorType.UINT32: dtypes.uint32,
    TensorType.UINT64: dtypes.uint64,
    TensorType.BOOL: dtypes.bool_,
    TensorType.COMPLEX64: dtypes.complex64,
    TensorType.COMPLEX128: dtypes.complex128,
    TensorType.STRING: dtypes.string,
    TensorType.RESOURCE: dtypes.resource,
    TensorType.VARIANT: dtypes.variant,
    TensorType.FLOAT8_E4M3FN: dtypes.as_dtype("float8_e4m3fn"),
    TensorType.FLOAT8_E5M2: dtypes.as_dtype("float8_e5m2"),
}
# Bits of the types that are packed into bytes.
PACKED_BITS = {TensorType.INT2: 2, TensorType.INT4: 4, TensorType.UINT4: 4}
TYPES = {dtype: number for number, dtype in reversed(DTYPES.items()) if number not in PACKED_BITS}


def buffer_to_array(data: np.ndarray, type: int, count: int) -> np.ndarray:
    """Returns the `count` values of a buffer, flat.

    Raises:
      ValueError: the buffer has another size, or its strings are damaged.
    """
    if type == TensorType.STRING:
        return _strings(bytes(data), count)
    bits = PACKED_BITS.get(type)
    if bits:
        return _unpacked(data, bits, type != TensorType.UINT4, count)
    dtype = np.dtype(DTYPES[type].as_numpy_dtype)
    if len(data) != count * dtype.itemsize:
        raise ValueError(f"{count} values of {dtype} expected. Received {len(data)} bytes.")
    return np.frombuffer(data, dtype, count)


def _unpacked(data: np.ndarray, bits: int, signed: bool, count: int) -> np.ndarray:
    per_byte = 8 // bits
    if len(data) != -(-count // per_byte):
        raise ValueError(f"{count} values of {bits} bits expected. Received {len(data)} bytes.")
    raw = np.asarray(data, np.uint8)[:, None] >> np.arange(0, 8, bits, dtype=np.uint8)
    values = (raw & ((1 << bits) - 1)).reshape(-1)[:count]
    if not signed:
        return values
    half = 1 << (bits - 1)
    return (values.astype(np.int8) ^ half) - np.int8(half)


def _strings(data: bytes, count: int) -> np.ndarray:
    if len(data) < 4:
        raise ValueError(f"a buffer of strings has {len(data)} bytes.")
    (count_in_file,) = struct.unpack_from("<i", data)
    if count_in_file != count or len(data) < 4 * (count_in_file + 2):
        raise ValueError(
            f"{count} strings expected. Received {count_in_file} in {len(data)} bytes."
        )
    ends = struct.unpack_from(f"<{count_in_file + 1}i", data, 4)
    if any(a > b for a, b in zip(ends, ends[1:])) or ends[0] < 0 or ends[-1] > len(data):
        raise ValueError(f"the places of strings {ends[:5]} are not in the buffer.")
    values = np.empty(count_in_file, object)
    values[:] = [data[begin:end] for begin, end in zip(ends, ends[1:])]
    return values


def array_to_buffer(values: Any, type: int) -> bytes:
    """Returns the buffer of an array."""
    if type == TensorType.STRING:
        texts = [bytes(value) for value in np.asarray(values, object).reshape(-1)]
        ends = 4 * (len(texts) + 2) + np.cumsum([0, *map(len, texts)])
        head = struct.pack(f"<{len(texts) + 2}i", len(texts), *ends)
        return head + b"".join(texts)
    bits = PACKED_BITS.get(type)
    if bits:
        flat = np.asarray(values).reshape(-1).astype(np.uint8) & ((1 << bits) - 1)
        flat = np.pad(flat, (0, -len(flat) % (8 // bits))).reshape(-1, 8 // bits)
        shifts = np.arange(0, 8, bits, dtype=np.uint8)
        return np.bitwise_or.reduce(flat << shifts, axis=1).astype(np.uint8).tobytes()
    dtype = np.dtype(DTYPES[type].as_numpy_dtype)
    return np.ascontiguousarray(values, dtype).tobytes()
