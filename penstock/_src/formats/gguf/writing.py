"""Writes GGUF files."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from penstock._src.core.errors import InvalidArgumentError
from penstock._src.filesystems.whole import written_whole
from penstock._src.formats.gguf import layout
from penstock._src.formats.weights.stored import StoredTensor, Weights

_NUMBERS = {name: number for number, name in layout.TENSOR_TYPES.items()}
_ARRAYS = {np.dtype("<" + letter): kind for kind, letter in layout.SCALARS.items()}


def write(weights: Weights, path: str, kinds: Mapping[str, Sequence[int]] | None = None) -> None:
    """Writes tensors and metadata; the file appears whole or not at all.

    Args:
      weights: the tensors and metadata.
      path: the file to make.
      kinds: numbers of the types of metadata, as `read_with_kinds` gives them; by default they follow from the values.

    Raises:
      InvalidArgumentError: a value or a tensor is of a type that GGUF does not have.
    """
    alignment = int(weights.metadata.get(layout.ALIGNMENT_KEY, layout.DEFAULT_ALIGNMENT))
    parts = [
        layout.MAGIC,
        struct.pack("<IQQ", layout.VERSIONS[-1], len(weights.tensors), len(weights.metadata)),
    ]
    for key, value in weights.metadata.items():
        kind = tuple((kinds or {}).get(key) or _kind_of(key, value))
        parts += [_text(key), struct.pack("<I", kind[0]), _value(key, value, kind)]
    offset = 0
    for name, tensor in weights.tensors.items():
        parts.append(_entry(name, tensor, offset))
        offset += -(-tensor.data.nbytes // alignment) * alignment
    head = b"".join(parts)
    with written_whole(path) as file:
        file.write(head + bytes(-len(head) % alignment))
        for tensor in weights.tensors.values():
            file.write(np.ascontiguousarray(tensor.data).data)
            file.write(bytes(-tensor.data.nbytes % alignment))


def _entry(name: str, tensor: StoredTensor, offset: int) -> bytes:
    rank, kind = len(tensor.shape), _NUMBERS.get(tensor.type.name)
    if kind is None:
        raise InvalidArgumentError(f"Tensor '{name}': GGUF has no type {tensor.type.name}.")
    if rank > layout.MOST_DIMENSIONS:
        raise InvalidArgumentError(
            f"Tensor '{name}': GGUF has no shape {list(tensor.shape)}: it has at most {layout.MOST_DIMENSIONS} dimensions."
        )
    extents = reversed(tensor.shape)
    return _text(name) + struct.pack(f"<I{rank}QIQ", rank, *extents, kind, offset)


def _text(text: str) -> bytes:
    data = text.encode("utf-8", "surrogateescape")
    return struct.pack("<Q", len(data)) + data


def _kind_of(key: str, value: Any) -> tuple[int, ...]:
    """The type of a value, and of its elements if it is an array."""
    if isinstance(value, np.ndarray):
        if value.ndim == 1 and value.dtype in _ARRAYS:
            return layout.ARRAY, _ARRAYS[value.dtype]
    elif isinstance(value, str):
        return (layout.STRING,)
    elif isinstance(value, bool):
        return (layout.BOOL,)
    elif isinstance(value, float):
        return (6,)
    elif isinstance(value, int):
        fitting = [kind for kind, least, most in _INTEGERS if least <= value <= most]
        if fitting:
            return (fitting[0],)
    elif isinstance(value, list | tuple):
        inner = {_kind_of(key, each) for each in value} or {(layout.STRING,)}
        if len(inner) == 1:
            return layout.ARRAY, *inner.pop()
    raise InvalidArgumentError(f"Metadata '{key}': GGUF has no type for {value!r}.")


# The first that fits is taken.
_INTEGERS = (
    (4, 0, (1 << 32) - 1),
    (5, -(1 << 31), (1 << 31) - 1),
    (10, 0, (1 << 64) - 1),
    (11, -(1 << 63), (1 << 63) - 1),
)


def _value(key: str, value: Any, kind: Sequence[int]) -> bytes:
    if kind[0] == layout.STRING:
        return _text(value)
    if kind[0] != layout.ARRAY:
        try:
            return struct.pack("<" + layout.SCALARS[kind[0]], value)
        except struct.error as error:
            raise InvalidArgumentError(f"Metadata '{key}': {error}.") from error
    head = struct.pack("<IQ", kind[1], len(value))
    if kind[1] in layout.SCALARS:
        return head + np.asarray(value, "<" + layout.SCALARS[kind[1]]).tobytes()
    if kind[1] == layout.STRING:
        return head + b"".join(map(_text, value))
    inner = (_kind_of(key, each) for each in value)
    return head + b"".join(_value(key, each, k) for each, k in zip(value, inner, strict=True))
