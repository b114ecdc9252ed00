"""Serialized elements: file caches, and datasets saved to disk."""

import os
from collections.abc import Iterator, Sequence
from typing import Any

from penstock._src.core.dtypes import DType
from penstock._src.core.errors import DataLossError
from penstock._src.filesystems import files
from penstock._src.filesystems.damaged import message_of
from penstock._src.filesystems.whole import write_whole, written_whole
from penstock._src.ops.data_shared.snappy_stream import opened
from penstock._src.ops.data_snapshot.components import component_from_proto, component_to_proto
from penstock._src.proto.tensor import TensorProto
from penstock._src.util.files import records

Element = tuple[Any, ...]


def write_element(file: records.RecordFile, element: Element, types: Sequence[DType]) -> None:
    """Appends an element: one record per component."""
    for component, dtype in zip(element, types, strict=True):
        file.write(component_to_proto(component, dtype).SerializeToString())


def write_elements(
    file: records.RecordFile, elements: Iterator[Element], types: Sequence[DType]
) -> Iterator[Element]:
    """Passes the elements on while writing each: one record per component."""
    for element in elements:
        write_element(file, element, types)
        yield element


def read_elements(path: str, width: int, compression: str = "") -> Iterator[Element]:
    """The elements in a file written by `write_elements`."""
    with files.open_file(path) as file:
        found = records.read_records(opened(file, compression, path), path)
        try:
            while True:
                element = tuple(
                    [
                        component_from_proto(message_of(TensorProto, data, path))
                        for _, data in zip(range(width), found)
                    ]
                )
                if not element:
                    return
                yield element
        except records.DamagedRecord as error:
            raise DataLossError(str(error)) from error


class FileCache:
    """The elements of a dataset in `<path>.data-0`; complete once `<path>.index` exists."""

    def __init__(self, path: str, types: Sequence[DType]) -> None:
        self.data, self.index, self.types = f"{path}.data-0", f"{path}.index", types

    def complete(self) -> bool:
        """Whether a full iteration has been written."""
        return files.exists(self.index)

    def read(self) -> Iterator[Element]:
        """The elements written."""
        return read_elements(self.data, len(self.types))

    def write(self, elements: Iterator[Element]) -> Iterator[Element]:
        """Passes the elements on while writing them."""
        files.make_folders(os.path.dirname(self.data))
        with written_whole(self.data) as data:
            file = records.RecordFile(data)
            yield from write_elements(file, elements, self.types)
            file.flush()
        write_whole(self.index, f"{len(self.types)} components per element\n")
