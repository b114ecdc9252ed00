"""Tensors in files, and their descriptions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from penstock._src.formats.weights.types import StorageType, type_of


@dataclass(frozen=True, eq=False)
class StoredTensor:
    """A tensor as its file holds it.

    Attributes:
      shape: the extents, the slowest first.
      type: how its numbers are stored.
      data: its bytes, uint8; a view of the mapped file.
    """

    shape: tuple[int, ...]
    type: StorageType
    data: np.ndarray

    def array(self) -> np.ndarray:
        """Returns the numbers: float32 if they are packed, else a view of the file."""
        return self.type.unpacked(self.data, self.shape)

    def stored_as(self, kind: StorageType) -> StoredTensor:
        """Returns the tensor in another type."""
        if kind is self.type:
            return self
        return StoredTensor(self.shape, kind, kind.packed(self.array()))


def stored(array: np.ndarray) -> StoredTensor:
    """Returns an array as it is stored without packing."""
    kind = type_of(array.dtype)
    return StoredTensor(array.shape, kind, kind.packed(array))


@dataclass(frozen=True, eq=False)
class Weights:
    """The tensors of a file or folder.

    Attributes:
      path: the file or folder.
      tensors: by name, in the file's order.
      metadata: what the file says besides: GGUF's keys, or the texts of safetensors' header.
    """

    path: str
    tensors: Mapping[str, StoredTensor]
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @property
    def bytes(self) -> int:
        """The bytes of all tensors."""
        return sum(each.data.nbytes for each in self.tensors.values())

    @property
    def numbers(self) -> int:
        """The elements of all tensors."""
        return sum(int(np.prod(each.shape, dtype=np.int64)) for each in self.tensors.values())
