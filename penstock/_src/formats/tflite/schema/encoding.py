"""Writes records as FlatBuffers, with the library of the format."""

import contextlib
import importlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from penstock._src.core.errors import InvalidArgumentError
from penstock._src.formats.tflite.schema.language import SCALARS, Field, Record, Schema
from penstock._src.util.process.installing import pip_install


def encode(schema: Schema, root: Record, identifier: bytes) -> bytes:
    """Returns the file whose root is a record.

    Args:
      schema: what the tables are.
      root: the root's record. Vectors of scalars are arrays, lists or bytes.
      identifier: the file's four letters.

    Raises:
      ImportError: flatbuffers is not installed.
      InvalidArgumentError: the file would exceed 2 GB, which FlatBuffers cannot address.
    """
    with _writing():
        flatbuffers = importlib.import_module("flatbuffers")
    builder = flatbuffers.Builder(1024)
    try:
        builder.Finish(_Encoder(schema, builder).table(root), identifier)
    except flatbuffers.builder.BuilderSizeError as error:
        raise InvalidArgumentError(f"TFLite: a model must be smaller than 2 GB: {error}") from None
    return bytes(builder.Output())


def encode_options(values: Mapping[str, Any] | Sequence[Any]) -> np.ndarray:
    """Returns the options of a custom op: bytes of a FlexBuffer.

    Args:
      values: numbers and texts by name, or a list of them.

    Raises:
      ImportError: flatbuffers is not installed.
    """
    with _writing():
        flexbuffers = importlib.import_module("flatbuffers.flexbuffers")
    return np.frombuffer(flexbuffers.Dumps(values), np.uint8)


@contextlib.contextmanager
def _writing() -> Iterator[None]:
    """Within this context the package flatbuffers is imported, which only writing needs."""
    try:
        yield
    except ImportError:
        raise ImportError(
            f"Writing TFLite models needs the package flatbuffers: {pip_install('lite')}."
        ) from None


class _Encoder:
    def __init__(self, schema: Schema, builder: Any) -> None:
        self._schema, self._builder = schema, builder
        self._strings: dict[str, int] = {}

    def table(self, record: Record) -> int:
        """Writes a table after its referenced objects; returns its offset."""
        table, builder = record.TABLE, self._builder
        offsets = {}
        for field in table.fields:
            value = getattr(record, field.name)
            if value is not None and (field.is_vector or field.kind != "scalar"):
                offsets[field.name] = self._reference(field, value)
        builder.StartObject(table.slots)
        for field in table.fields:
            value = getattr(record, field.name)
            if field.name in offsets:
                if field.kind == "union":
                    tag = self._schema.tags[field.type][value.TABLE.name]
                    builder.PrependUint8Slot(field.number - 1, tag, 0)
                builder.PrependUOffsetTRelativeSlot(field.number, offsets[field.name], 0)
            elif value is not None:
                prepend = getattr(builder, f"Prepend{field.type.capitalize()}Slot")
                prepend(field.number, value, field.default)
        return builder.EndObject()

    def _reference(self, field: Field, value: Any) -> int:
        if field.is_vector:
            if field.kind == "scalar":
                return self._scalars(field, value)
            write = self._string if field.kind == "string" else self.table
            return self._offsets([write(item) for item in value])
        return self._string(value) if field.kind == "string" else self.table(value)

    def _string(self, text: str) -> int:
        if text not in self._strings:
            data = text.encode("utf-8", "surrogateescape")
            self._strings[text] = self._builder.CreateString(data)
        return self._strings[text]

    def _scalars(self, field: Field, value: Any) -> int:
        dtype = np.dtype(SCALARS[field.type])
        if isinstance(value, (bytes, bytearray, memoryview)):
            data = bytes(value)
        else:
            data = np.ascontiguousarray(value, dtype).tobytes()
        size, builder = dtype.itemsize, self._builder
        builder.StartVector(size, len(data) // size, max(size, field.align))
        head = builder.Head() - len(data)
        builder.head = head  # as its CreateByteVector does, which has no alignment argument
        builder.Bytes[head : head + len(data)] = data
        return builder.EndVector()

    def _offsets(self, offsets: Sequence[int]) -> int:
        self._builder.StartVector(4, len(offsets), 4)
        for offset in reversed(offsets):
            self._builder.PrependUOffsetTRelative(offset)
        return self._builder.EndVector()
