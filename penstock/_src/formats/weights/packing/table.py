"""The types in which weights are stored: a row each."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import ml_dtypes
import numpy as np

from penstock._src.core.errors import InvalidArgumentError, UnimplementedError
from penstock._src.formats.weights.packing import blocks_of_32, blocks_of_256


@dataclass(frozen=True)
class StorageType:
    """How numbers are stored.

    Attributes:
      name: as GGUF's and safetensors' users write it.
      numbers: in a block.
      bytes: of a block.
      dtype: of a number; None where blocks are packed.
      unpack: of blocks `[n, bytes]` to float32 `[n, numbers]`.
      pack: the way back; None if only reading is known.
    """

    name: str
    numbers: int
    bytes: int
    dtype: Any = None
    unpack: Callable[[np.ndarray], np.ndarray] | None = None
    pack: Callable[[np.ndarray], np.ndarray] | None = None

    @property
    def is_packed(self) -> bool:
        """True if a block holds several numbers."""
        return self.dtype is None

    def size(self, shape: Sequence[int]) -> int:
        """Returns the bytes of a tensor.

        Raises:
          InvalidArgumentError: its rows are not whole blocks.
        """
        if self.is_packed and (not shape or shape[-1] % self.numbers):
            raise InvalidArgumentError(
                f"{self.name} holds rows of multiples of {self.numbers} numbers. Received the shape {list(shape)}."
            )
        return math.prod(shape) // self.numbers * self.bytes

    def unpacked(self, data: np.ndarray, shape: Sequence[int]) -> np.ndarray:
        """Returns the tensor in bytes: float32 if it was packed, else a view of the bytes in the type's own dtype.

        Args:
          data: uint8, as many as `size` says.
          shape: of the tensor.
        """
        if self.unpack is None:
            return data.view(self.dtype).reshape(shape)
        return self.unpack(data.reshape(-1, self.bytes)).reshape(shape)

    def packed(self, values: np.ndarray) -> np.ndarray:
        """Returns the bytes of a tensor.

        Raises:
          InvalidArgumentError: its rows are not whole blocks.
          UnimplementedError: the type is only read.
        """
        self.size(values.shape)
        if not self.is_packed:
            return np.ascontiguousarray(values.astype(self.dtype)).reshape(-1).view(np.uint8)
        if self.pack is None:
            raise UnimplementedError(f"Packing numbers as {self.name} is not implemented.")
        rows = np.ascontiguousarray(values, np.float32).reshape(-1, self.numbers)
        return self.pack(rows).reshape(-1)


def _plain(name: str, dtype: Any) -> StorageType:
    return StorageType(name, 1, np.dtype(dtype).itemsize, np.dtype(dtype))


_PLAIN: Mapping[str, Any] = {
    "F64": np.float64,
    "F32": np.float32,
    "F16": np.float16,
    "BF16": ml_dtypes.bfloat16,
    "I64": np.int64,
    "I32": np.int32,
    "I16": np.int16,
    "I8": np.int8,
    "U64": np.uint64,
    "U32": np.uint32,
    "U16": np.uint16,
    "U8": np.uint8,
    "BOOL": np.bool_,
    "F8_E4M3": ml_dtypes.float8_e4m3fn,
    "F8_E5M2": ml_dtypes.float8_e5m2,
}
_of_32, _of_256 = blocks_of_32, blocks_of_256
_PACKED = (
    StorageType("Q4_0", 32, 18, None, _of_32.unpack_q4_0, _of_32.pack_q4_0),
    StorageType("Q4_1", 32, 20, None, _of_32.unpack_q4_1, _of_32.pack_q4_1),
    StorageType("Q5_0", 32, 22, None, _of_32.unpack_q5_0, _of_32.pack_q5_0),
    StorageType("Q5_1", 32, 24, None, _of_32.unpack_q5_1, _of_32.pack_q5_1),
    StorageType("Q8_0", 32, 34, None, _of_32.unpack_q8_0, _of_32.pack_q8_0),
    StorageType("Q4_K", 256, 144, None, _of_256.unpack_q4_k),
    StorageType("Q5_K", 256, 176, None, _of_256.unpack_q5_k),
    StorageType("Q6_K", 256, 210, None, _of_256.unpack_q6_k),
)
TYPES: Mapping[str, StorageType] = {name: _plain(name, dtype) for name, dtype in _PLAIN.items()} | {
    each.name: each for each in _PACKED
}


def type_of(dtype: Any) -> StorageType:
    """Returns the type that stores numbers of a dtype as they are.

    Raises:
      UnimplementedError: there is none.
    """
    for each in TYPES.values():
        if each.dtype == dtype:
            return each
    raise UnimplementedError(f"Files of weights have no type for {np.dtype(dtype)}.")
