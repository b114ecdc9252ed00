"""Reads FlexBuffers, the options of custom ops: values that say themselves what they are.

A value is a number in place, or a distance back to what it is. Next to it, or behind the vector that has it, stands its type: the kind in six bits and the width
of what it refers to in two. A vector begins with its length, a map with its keys' distance and width besides; the root is the last value of the bytes. All offsets
and lengths are checked, for files come from anywhere.
"""

import struct
from typing import Any

_INTEGERS, _WHOLES, _REALS = (
    {1: "<b", 2: "<h", 4: "<i", 8: "<q"},
    {1: "<B", 2: "<H", 4: "<I", 8: "<Q"},
    {2: "<e", 4: "<f", 8: "<d"},
)
_NONE, _INT, _UINT, _FLOAT, _KEY, _STRING = range(6)
_INDIRECT = {6: _INT, 7: _UINT, 8: _FLOAT}
_MAP, _VECTOR, _BLOB, _BOOL = 9, 10, 25, 26
# Vectors whose elements have no types of their own; of two, three and four elements those that have no length either.
_TYPED = {11: _INT, 12: _UINT, 13: _FLOAT, 14: _KEY, 15: _STRING, 36: _BOOL}
_FIXED = {16 + 3 * (n - 2) + i: (n, (_INT, _UINT, _FLOAT)[i]) for n in (2, 3, 4) for i in range(3)}
_DEEPEST = 32
# A damaged buffer may refer to the same bytes again and again.
_MOST_PER_BYTE = 8


def decode_flexbuffer(data: bytes) -> Any:
    """Returns the value of a FlexBuffer.

    Args:
      data: its bytes.

    Returns:
      A number, bool or None, bytes for a text or blob, a list, or a dict by names.

    Raises:
      ValueError: it is damaged.
    """
    if len(data) < 3:
        raise ValueError(f"{len(data)} bytes are no FlexBuffer.")
    packed, width = data[-2], data[-1]
    return _Reader(data).value(len(data) - 2 - width, width, packed, 0)


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._left = _MOST_PER_BYTE * len(data)

    def _number(self, formats: dict[int, str], position: int, width: int) -> Any:
        form = formats.get(width)
        if form is None or not 0 <= position <= len(self._data) - width:
            raise ValueError(f"A damaged FlexBuffer: {width} bytes at {position}.")
        return struct.unpack_from(form, self._data, position)[0]

    def _size(self, position: int, width: int) -> int:
        return int(self._number(_WHOLES, position, width))

    def value(self, position: int, width: int, packed: int, depth: int) -> Any:
        """Returns the value at a position, whose slot is so wide and has that type."""
        kind, inner = packed >> 2, 1 << (packed & 3)
        self._left -= 1
        if depth > _DEEPEST or self._left < 0:
            raise ValueError("A damaged FlexBuffer: its values contain one another.")
        if kind == _NONE:
            return None
        if kind in (_INT, _UINT, _FLOAT, _BOOL):
            return self._scalar(kind, position, width)
        target = position - self._size(position, width)
        if kind in _INDIRECT:
            return self._scalar(_INDIRECT[kind], target, inner)
        if kind == _KEY:
            return self._key(target)
        if kind in (_STRING, _BLOB):
            return self._bytes(target, self._size(target - inner, inner))
        if kind in _FIXED:
            count, element = _FIXED[kind]
            return [self._scalar(element, target + i * inner, inner) for i in range(count)]
        count = self._size(target - inner, inner)
        if target + count * inner > len(self._data):
            raise ValueError(f"A damaged FlexBuffer: {count} elements at {target}.")
        if kind in _TYPED:
            return self._elements(target, inner, [_TYPED[kind] << 2] * count, depth)
        if kind not in (_MAP, _VECTOR):
            raise ValueError(f"A damaged FlexBuffer: there is no type {kind}.")
        types = self._bytes(target + count * inner, count)
        values = self._elements(target, inner, list(types), depth)
        return values if kind == _VECTOR else dict(zip(self._keys(target, inner, count), values))

    def _elements(self, begin: int, width: int, types: list[int], depth: int) -> list[Any]:
        return [
            self.value(begin + i * width, width, packed, depth + 1)
            for i, packed in enumerate(types)
        ]

    def _scalar(self, kind: int, position: int, width: int) -> Any:
        formats = _REALS if kind == _FLOAT else _INTEGERS if kind == _INT else _WHOLES
        number = self._number(formats, position, width)
        return bool(number) if kind == _BOOL else number

    def _bytes(self, begin: int, count: int) -> bytes:
        if not 0 <= begin <= len(self._data) - count:
            raise ValueError(f"A damaged FlexBuffer: {count} bytes at {begin}.")
        return bytes(self._data[begin : begin + count])

    def _key(self, begin: int) -> str:
        end = self._data.find(b"\0", max(begin, 0))
        if begin < 0 or end < 0:
            raise ValueError(f"A damaged FlexBuffer: a name at {begin} has no end.")
        return self._data[begin:end].decode("utf-8", "replace")

    def _keys(self, target: int, inner: int, count: int) -> list[str]:
        place = target - 3 * inner
        keys, width = place - self._size(place, inner), self._size(place + inner, inner)
        return [
            self._key(keys + i * width - self._size(keys + i * width, width)) for i in range(count)
        ]
