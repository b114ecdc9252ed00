"""Reads FlatBuffers into records, and checks every offset and length against the file first.

The layout: a table begins with the distance back to its vtable; the vtable has its own size, the table's size, and per
field the distance from the table's begin, or 0. A string, vector or table is stored as a distance forward.
FlatBuffers' own Python library reads without checks, and files come from anywhere.
"""

import struct
from typing import Any

import numpy as np

from penstock._src.core.errors import DataLossError
from penstock._src.formats.tflite.schema.language import SCALARS, Field, Record, Schema, Table

_U16, _I32, _U32 = struct.Struct("<H"), struct.Struct("<i"), struct.Struct("<I")
_SCALAR_FORMATS = {
    "bool": "<?", "int8": "<b", "uint8": "<B", "int16": "<h", "uint16": "<H", "int32": "<i",
    "uint32": "<I", "int64": "<q", "uint64": "<Q", "float32": "<f", "float64": "<d",
}  # fmt: skip
_READERS = {name: struct.Struct(form) for name, form in _SCALAR_FORMATS.items()}


class ModelFileError(DataLossError, ValueError):  # type: ignore[valid-type, misc]
    """A damaged file. TensorFlow's interpreter raises ValueError for it."""


class Decoder:
    """Decodes the tables of one file.

    Args:
      schema: what the tables are.
      data: the file's bytes; arrays of the records are views of them.
      file: its name, for messages.
    """

    def __init__(self, schema: Schema, data: Any, file: str) -> None:
        self._schema, self._file = schema, file
        self._data = memoryview(data).cast("B")
        self._size = len(self._data)
        # A table that several others refer to is read once, which also bounds time and memory by the file's size.
        self._seen: dict[tuple[int, str], Any] = {}
        self._path: list[str] = []

    def root(self, name: str, identifier: bytes) -> Any:
        """Returns the record of the file's root table."""
        self._path = [name]
        identifier_bytes = bytes(self._data[4:8])
        if self._size < 8 or identifier_bytes != identifier:
            raise ModelFileError(
                f"{self._file}: expected the identifier {identifier!r} at byte 4. Received {identifier_bytes!r}."
            )
        return self._table(self._unpack(_U32, 0), self._schema.tables[name])

    def fail(self, position: int, message: str) -> ModelFileError:
        """Returns the error of damage at a position."""
        where = "".join(self._path)
        return ModelFileError(f"{self._file}: {where} at byte {position}: {message}")

    def _unpack(self, reader: struct.Struct, position: int) -> Any:
        if position < 0 or position + reader.size > self._size:
            raise self.fail(position, f"it is outside of the file of {self._size} bytes.")
        return reader.unpack_from(self._data, position)[0]

    def _table(self, position: int, table: Table) -> Record:
        key = (position, table.name)
        if key not in self._seen:
            self._seen[key] = self._read_table(position, table)
        return self._seen[key]

    def _read_table(self, position: int, table: Table) -> Record:
        vtable = position - self._unpack(_I32, position)
        length, extent = self._unpack(_U16, vtable), self._unpack(_U16, vtable + 2)
        if length < 4 or vtable + length > self._size or position + extent > self._size:
            raise self.fail(position, f"the table's sizes are {length} and {extent}.")
        record = self._schema[table.name]()
        entries = (length - 4) // 2
        for field in table.fields:
            if field.number >= entries:
                continue
            offset = self._unpack(_U16, vtable + 4 + 2 * field.number)
            if not offset:
                continue
            self._path.append("." + field.name)
            if offset >= extent:
                raise self.fail(position, f"the offset {offset} is outside of the table.")
            if field.kind == "union":
                value = self._union(position + offset, field, vtable, position, entries)
            else:
                value = self._value(position + offset, field)
            setattr(record, field.name, value)
            self._path.pop()
        return record

    def _union(self, at: int, field: Field, vtable: int, table: int, entries: int) -> Any:
        offset = self._unpack(_U16, vtable + 2 + 2 * field.number)
        tag = self._unpack(_READERS["uint8"], table + offset) if offset else 0
        if not tag:
            return None
        member = self._schema.unions[field.type].get(tag)
        if member is None:
            raise self.fail(at, f"{field.type} has no member {tag}.")
        return self._table(self._follow(at), self._schema.tables[member])

    def _follow(self, at: int) -> int:
        return at + self._unpack(_U32, at)

    def _value(self, at: int, field: Field) -> Any:
        if field.is_vector:
            return self._vector(self._follow(at), field)
        if field.kind == "scalar":
            return self._unpack(_READERS[field.type], at)
        if field.kind == "string":
            return self._string(self._follow(at))
        return self._table(self._follow(at), self._schema.tables[field.type])

    def _string(self, at: int) -> str:
        length = self._length(at, 1)
        return bytes(self._data[at + 4 : at + 4 + length]).decode("utf-8", "surrogateescape")

    def _vector(self, at: int, field: Field) -> Any:
        key = (at, f"{field.type}*")
        if key not in self._seen:
            self._seen[key] = self._read_vector(at, field)
        return self._seen[key]

    def _read_vector(self, at: int, field: Field) -> Any:
        if field.kind == "scalar":
            dtype = np.dtype(SCALARS[field.type])
            length = self._length(at, dtype.itemsize)
            return np.frombuffer(self._data, dtype, length, at + 4)
        items: list[Any] = []
        for i in range(self._length(at, 4)):
            self._path.append(f"[{i}]")
            target = self._follow(at + 4 + 4 * i)
            if field.kind == "string":
                items.append(self._string(target))
            else:
                items.append(self._table(target, self._schema.tables[field.type]))
            self._path.pop()
        return items

    def _length(self, at: int, size: int) -> int:
        length = self._unpack(_U32, at)
        if at + 4 + length * size > self._size:
            raise self.fail(at, f"{length} elements go beyond the end of the file.")
        return length
