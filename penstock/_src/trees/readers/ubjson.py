"""Universal Binary JSON (draft 12), in which XGBoost writes models."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

# Numbers, as the module struct names them.
_NUMBERS = {"i": ">b", "U": ">B", "I": ">h", "l": ">i", "L": ">q", "d": ">f", "D": ">d"}
_CONSTANTS = {"T": True, "F": False, "Z": None}
_DEEPEST = 100


def decode(data: bytes) -> Any:
    """Returns the decoded value; arrays of numbers of one type are NumPy's.

    Raises:
      ValueError: the bytes are damaged.
    """
    return _Reader(data).value()


class _Reader:
    """A position in bytes."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def value(self, depth: int = 0) -> Any:
        return self._of(self._marker(), depth)

    def _of(self, marker: str, depth: int) -> Any:
        if depth > _DEEPEST:
            raise ValueError("The values are nested too deeply.")
        if marker in _NUMBERS:
            return self._number(marker)
        if marker in _CONSTANTS:
            return _CONSTANTS[marker]
        if marker == "S":
            return self._text()
        if marker == "[":
            return self._array(depth + 1)
        if marker == "{":
            return self._object(depth + 1)
        raise ValueError(f"There is no type {marker!r} at byte {self.at - 1}.")

    def _array(self, depth: int) -> Any:
        kind, count = self._header()
        if kind in _NUMBERS and count is not None:
            form = np.dtype(_NUMBERS[kind])
            array = np.frombuffer(self._take(count * form.itemsize), form)
            return array.astype(form.newbyteorder("="))
        items: list[Any] = []
        while not self._ends("]") if count is None else len(items) < count:
            items.append(self._of(kind or self._marker(), depth))
        return items

    def _object(self, depth: int) -> dict[str, Any]:
        kind, count = self._header()
        items: dict[str, Any] = {}
        read = 0
        while not self._ends("}") if count is None else read < count:
            key = self._text()
            items[key], read = self._of(kind or self._marker(), depth), read + 1
        return items

    def _header(self) -> tuple[str, int | None]:
        """(the type of all items or "", how many there are or None)"""
        kind = ""
        if self._ends("$"):
            kind = self._marker()
        if self._ends("#"):
            return kind, self._size()
        if kind:
            raise ValueError(f"A type is without a number of items at byte {self.at}.")
        return "", None

    def _size(self) -> int:
        marker = self._marker()
        if (
            marker not in "iUIlL"
            or (size := int(self._number(marker))) < 0
            or size > len(self.data)
        ):
            raise ValueError(f"There is no size at byte {self.at}.")
        return size

    def _text(self) -> str:
        return self._take(self._size()).decode()

    def _number(self, marker: str) -> Any:
        form = _NUMBERS[marker]
        return struct.unpack(form, self._take(struct.calcsize(form)))[0]

    def _marker(self) -> str:
        marker = chr(self._take(1)[0])
        while marker == "N":  # nothing
            marker = chr(self._take(1)[0])
        return marker

    def _ends(self, marker: str) -> bool:
        """True if a marker follows; it is then consumed."""
        if self.data[self.at : self.at + 1] != marker.encode():
            return False
        self.at += 1
        return True

    def _take(self, count: int) -> bytes:
        part = self.data[self.at : self.at + count]
        if len(part) != count:
            raise ValueError("The file ends too early.")
        self.at += count
        return part
