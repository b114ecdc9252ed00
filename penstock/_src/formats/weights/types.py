"""The types in which weights are stored: a row each."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import ml_dtypes
import numpy as np

from penstock._src.core.errors import InvalidArgumentError, UnimplementedError
from penstock._src.formats.weights.packing import PACKERS
from penstock._src.formats.weights.tables import TABLE_BLOCKS, TableBlock
from penstock._src.ir.meaning.packed import FORMATS, PackedFormat, unpack


@dataclass(frozen=True)
class StorageType:
    """The storage of numbers.

    Attributes:
      name: as GGUF's and safetensors' users write it.
      dtype: of a number; None where blocks are packed.
      layout: of a block of packed numbers, as programs take it.
      table: of a block in a file that is turned into several of `layout`; None if files hold `layout`.
      pack: makes blocks `[n, bytes]` of float32 `[n, numbers]`; None if only reading is known.
    """

    name: str
    dtype: Any = None
    layout: PackedFormat | None = None
    pack: Callable[[np.ndarray], np.ndarray] | None = None
    table: TableBlock | None = None

    @property
    def is_packed(self) -> bool:
        """True if a block holds several numbers."""
        return self.layout is not None

    def size(self, shape: Sequence[int]) -> int:
        """Returns the bytes of a tensor.

        Raises:
          InvalidArgumentError: its rows are not whole blocks.
        """
        if self.layout is None:
            return math.prod(shape) * self.dtype.itemsize
        form = self.table or self.layout
        if not shape or shape[-1] % form.block:
            raise InvalidArgumentError(
                f"{self.name} holds rows of multiples of {form.block} numbers. Received the shape {list(shape)}."
            )
        return math.prod(shape[:-1]) * form.row_bytes(shape[-1])

    def unpacked(self, data: np.ndarray, shape: Sequence[int]) -> np.ndarray:
        """Returns the tensor in bytes: float32 if it was packed, else a view of the bytes in the type's own dtype.

        Args:
          data: uint8, as many as `size` says.
          shape: of the tensor.
        """
        if self.layout is None:
            return data.view(self.dtype).reshape(shape)
        return unpack(self.blocks(data), self.layout).reshape(shape)

    def blocks(self, data: np.ndarray) -> np.ndarray:
        """Returns the bytes of packed numbers as blocks `[n, bytes]` of `layout`: a view unless they are looked up in a table."""
        assert self.layout is not None
        if self.table is None:
            return data.reshape(-1, self.layout.size)
        return self.table.widened(data.reshape(-1, self.table.size))

    def packed(self, values: np.ndarray) -> np.ndarray:
        """Returns the bytes of a tensor.

        Raises:
          InvalidArgumentError: its rows are not whole blocks.
          UnimplementedError: the type is only read.
        """
        self.size(values.shape)
        if self.layout is None:
            return np.ascontiguousarray(values.astype(self.dtype)).reshape(-1).view(np.uint8)
        if self.pack is None:
            raise UnimplementedError(f"Packing numbers as {self.name} is not implemented.")
        rows = np.ascontiguousarray(values, np.float32).reshape(-1, self.layout.block)
        return self.pack(rows).reshape(-1)


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
TYPES: Mapping[str, StorageType] = (
    {name: StorageType(name, np.dtype(dtype)) for name, dtype in _PLAIN.items()}
    | {
        name: StorageType(name, layout=layout, pack=PACKERS.get(name))
        for name, layout in FORMATS.items()
    }
    | {
        name: StorageType(name, layout=FORMATS[table.layout], table=table)
        for name, table in TABLE_BLOCKS.items()
    }
)


def type_of(dtype: Any) -> StorageType:
    """Returns the type that stores numbers of a dtype as they are.

    Raises:
      UnimplementedError: there is none.
    """
    for each in TYPES.values():
        if each.dtype == dtype:
            return each
    raise UnimplementedError(f"Files of weights have no type for {np.dtype(dtype)}.")
