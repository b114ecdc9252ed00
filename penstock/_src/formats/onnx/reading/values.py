"""Values that are not tensors: sequences and optional values.

A sequence whose length is known while the model is read is a Python list. Where it is not, as in loops that append, it is
a TensorList. An optional value is the value itself, or `Absent`.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.dtypes import DType
from penstock._src.core.errors import UnimplementedError
from penstock._src.core.registry import raw
from penstock._src.core.tensor import Tensor
from penstock._src.formats.onnx.reading import tensors as t

_ANY_SHAPE = np.int32(-1)


@dataclass(frozen=True)
class Absent:
    """An optional value that is not there."""


@dataclass(frozen=True)
class ListValue:
    """A sequence of tensors: their list, or the handle of a TensorList.

    Attributes:
      items: the tensors, or None.
      handle: of the TensorList, or None.
      dtype: of the tensors.
    """

    items: list[Any] | None
    handle: Any
    dtype: DType

    @classmethod
    def of(cls, items: list[Any], dtype: DType | None = None) -> "ListValue":
        """The sequence of these tensors."""
        return cls(items, None, items[0].dtype if items else dtype or dtypes.float32)

    def as_handle(self) -> Any:
        """The handle of a TensorList with the tensors."""
        if self.items is None:
            return self.handle
        handle = raw.EmptyTensorList(_ANY_SHAPE, np.int32(-1), element_dtype=self.dtype)
        for item in self.items:
            handle = raw.TensorListPushBack(handle, item)
        return handle

    def length(self) -> Any:
        """The number of tensors, as a scalar of int64."""
        if self.items is not None:
            return t.int64(len(self.items))
        return t.cast(raw.TensorListLength(self.handle), dtypes.int64)

    def at(self, position: Any) -> Any:
        """The tensor at a position, which may count from the end."""
        where = t.known(position)
        if self.items is not None and where is not None:
            return self.items[int(where)]
        position = raw.Reshape(t.cast(position, dtypes.int64), t.int64([]))
        below = raw.Less(position, t.int64(0))
        position = raw.SelectV2(below, raw.AddV2(position, self.length()), position)
        return raw.TensorListGetItem(
            self.as_handle(), t.cast(position, dtypes.int32), _ANY_SHAPE, element_dtype=self.dtype
        )


def packed(value: Any) -> tuple[Any, Any]:
    """A value as a tensor that conditions and loops can carry, and its original kind."""
    if isinstance(value, ListValue):
        return value.as_handle(), value.dtype
    if isinstance(value, Tensor):
        return value, None
    raise UnimplementedError("an optional value in a branch or loop is not supported.")


def unpacked(tensor: Any, kind: Any) -> Any:
    """The value of a tensor that `packed` returned."""
    return tensor if kind is None else ListValue(None, tensor, kind)
