"""Elements as bytes: file caches, and datasets saved to disk."""

import os
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.dtypes import DType
from penstock._src.core.errors import DataLossError, UnimplementedError
from penstock._src.proto.tensor import TensorProto
from penstock._src.util import records

Element = tuple[Any, ...]


def encode(value: np.ndarray, dtype: DType) -> bytes:
    """A host value as a serialised TensorProto."""
    if not isinstance(value, np.ndarray) or dtype in (dtypes.variant, dtypes.resource):
        raise UnimplementedError(f"A value of type {dtype.name} cannot be written to a file.")
    proto = TensorProto(dtype=dtype.as_datatype_enum)
    proto.tensor_shape.SetInParent()
    for size in value.shape:
        proto.tensor_shape.dim.add(size=size)
    if dtype is dtypes.string:
        proto.string_val.extend(value.ravel().tolist())
    else:
        proto.tensor_content = value.tobytes()
    return proto.SerializeToString()


def decode(data: bytes) -> np.ndarray:
    """The host value of `encode`."""
    proto = TensorProto.FromString(data)
    shape = [dim.size for dim in proto.tensor_shape.dim]
    dtype = dtypes.as_dtype(proto.dtype)
    if dtype is not dtypes.string:
        return np.frombuffer(proto.tensor_content, dtype.np).reshape(shape)
    value = np.empty(len(proto.string_val), object)
    value[:] = list(proto.string_val)
    return value.reshape(shape)


def write_elements(
    file: records.RecordFile, elements: Iterator[Element], types: Sequence[DType]
) -> Iterator[Element]:
    """Passes the elements on while writing each: one record per component."""
    for element in elements:
        for component, dtype in zip(element, types, strict=True):
            file.write(encode(component, dtype))
        yield element


def read_elements(path: str, width: int, compression: str = "") -> Iterator[Element]:
    """The elements of a file of `write_elements`."""
    with open(path, "rb") as file:
        found = records.read_records(records.opened(file, compression), path)
        try:
            while True:
                element = tuple([decode(data) for _, data in zip(range(width), found)])
                if not element:
                    return
                yield element
        except records.DamagedRecord as error:
            raise DataLossError(f"{path}: {error}") from error


class FileCache:
    """The elements of a dataset in `<path>.data-0`; complete once `<path>.index` exists."""

    def __init__(self, path: str, types: Sequence[DType]) -> None:
        self.data, self.index, self.types = f"{path}.data-0", f"{path}.index", types

    def complete(self) -> bool:
        """Whether a whole iteration has been written."""
        return os.path.exists(self.index)

    def read(self) -> Iterator[Element]:
        """The elements written."""
        return read_elements(self.data, len(self.types))

    def write(self, elements: Iterator[Element]) -> Iterator[Element]:
        """Passes the elements on while writing them."""
        os.makedirs(os.path.dirname(self.data) or ".", exist_ok=True)
        file = records.RecordFile(open(self.data, "wb"))
        try:
            yield from write_elements(file, elements, self.types)
        finally:
            file.close()
        with open(self.index, "w") as index:
            index.write(f"{len(self.types)} components per element\n")
