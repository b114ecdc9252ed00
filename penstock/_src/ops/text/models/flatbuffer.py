"""FlatBuffers of one table: read with every offset checked, and written.

A table begins with the distance back to its vtable, which has its own size, the table's size and of each field the distance from the table's begin, or 0. Strings
and vectors are stored as a distance forward, and begin with their length.
"""

import struct
from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock._src.core.errors import DataLossError

_U16, _I32, _U32 = struct.Struct("<H"), struct.Struct("<i"), struct.Struct("<I")


class Table:
    """A table within bytes.

    Args:
      data: the bytes.
      what: what they are, for messages.
      position: where the table begins; that of the root by default.
    """

    def __init__(self, data: bytes, what: str, position: int | None = None) -> None:
        self._data, self._what = data, what
        self._at = self._read(_U32, 0) if position is None else position
        self._vtable = self._at - self._read(_I32, self._at)
        size = self._read(_U16, self._vtable)
        self._fields = max(0, size - 4) // 2

    def _fail(self, message: str) -> DataLossError:
        return DataLossError(f"{self._what}: the bytes are not a model of this kind: {message}")

    def _read(self, reader: struct.Struct, position: int) -> Any:
        if position < 0 or position + reader.size > len(self._data):
            raise self._fail(f"byte {position} is outside of {len(self._data)} bytes.")
        return reader.unpack_from(self._data, position)[0]

    def _place(self, field: int) -> int | None:
        if field >= self._fields:
            return None
        distance = self._read(_U16, self._vtable + 4 + 2 * field)
        return self._at + distance if distance else None

    def scalar(self, field: int, default: int = 0, form: str = "<i") -> Any:
        """A number; `form` is that of `struct`."""
        place = self._place(field)
        return default if place is None else self._read(struct.Struct(form), place)

    def _vector(self, place: int, item: int) -> tuple[int, int]:
        begin = place + self._read(_U32, place)
        count = self._read(_U32, begin)
        if begin + 4 + count * item > len(self._data):
            raise self._fail(f"a vector of {count} at byte {begin} goes beyond the end.")
        return begin + 4, count

    def array(self, field: int, dtype: Any) -> np.ndarray:
        """A vector of numbers; empty if the field is not set."""
        place = self._place(field)
        if place is None:
            return np.empty(0, dtype)
        begin, count = self._vector(place, np.dtype(dtype).itemsize)
        return np.frombuffer(self._data, dtype, count, begin)

    def string(self, field: int) -> bytes:
        """A string; empty if the field is not set."""
        return self.array(field, np.uint8).tobytes()

    def strings(self, field: int) -> list[bytes]:
        """A vector of strings."""
        place = self._place(field)
        if place is None:
            return []
        begin, count = self._vector(place, 4)
        texts = []
        for entry in range(begin, begin + 4 * count, 4):
            first, size = self._vector(entry, 1)
            texts.append(self._data[first : first + size])
        return texts

    def table(self, field: int) -> "Table | None":
        """A table; None if the field is not set."""
        place = self._place(field)
        return (
            None
            if place is None
            else Table(self._data, self._what, place + self._read(_U32, place))
        )


def write(fields: Sequence[Any]) -> bytes:
    """The bytes of a table.

    Args:
      fields: a value for each: None where it is not set, a bool, an int or NumPy scalar, bytes for a string, an array for a vector of numbers, a list of bytes for
        a vector of strings, a tuple for a table of these fields.
    """
    out = bytearray(4)
    _append_table(out, 0, fields)
    return bytes(out)


def _append_table(out: bytearray, place: int, fields: Sequence[Any]) -> None:
    """Writes a table at the end, and its distance at an offset."""
    sizes = [0 if v is None else _inline_size(v) for v in fields]
    head = 4 + 2 * len(fields)
    out.extend(b"\0" * (-(len(out) + head) % 8 + head))
    table = len(out)
    distances, at = [0] * len(fields), 4
    for number in sorted(range(len(fields)), key=lambda n: -sizes[n]):
        if sizes[number]:
            at += -at % sizes[number]
            distances[number] = at
            at += sizes[number]
    out[table - head : table] = struct.pack(f"<HH{len(fields)}H", head, at, *distances)
    out.extend(bytes(at))
    _U32.pack_into(out, place, table - place)
    _I32.pack_into(out, table, head)
    for value, distance in zip(fields, distances, strict=True):
        if isinstance(value, tuple):
            _append_table(out, table + distance, value)
        elif isinstance(value, (bytes, list)) or (isinstance(value, np.ndarray) and value.ndim):
            _append(out, table + distance, value)
        elif value is not None:
            number = np.asarray(value, None if isinstance(value, (bool, np.generic)) else np.int32)
            out[table + distance : table + distance + number.nbytes] = number.tobytes()


def _inline_size(value: Any) -> int:
    if isinstance(value, (bool, np.generic)):
        return np.asarray(value).nbytes
    return 4


def _append(out: bytearray, place: int, value: Any) -> None:
    """Writes a string or vector at the end, and its distance at an offset."""
    if isinstance(value, list):
        out.extend(b"\0" * (-len(out) % 4))
        _U32.pack_into(out, place, len(out) - place)
        entries = len(out) + 4
        out.extend(_U32.pack(len(value)) + b"\0" * 4 * len(value))
        for number, text in enumerate(value):
            _append(out, entries + 4 * number, text)
        return
    item = 1 if isinstance(value, bytes) else value.dtype.itemsize
    out.extend(b"\0" * (-(len(out) + 4) % max(4, item)))
    _U32.pack_into(out, place, len(out) - place)
    out.extend(_U32.pack(len(value)))
    out.extend(value if isinstance(value, bytes) else value.tobytes())
    if isinstance(value, bytes):
        out.append(0)
