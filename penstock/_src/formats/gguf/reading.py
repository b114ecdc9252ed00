"""Reads GGUF files. Sizes in a file are checked against the file's length before they are used."""

from __future__ import annotations

import math
import struct
from typing import Any, NoReturn

import numpy as np

from penstock._src.core.errors import DataLossError, InvalidArgumentError, UnimplementedError
from penstock._src.filesystems.mapping import mapped
from penstock._src.formats.gguf import layout
from penstock._src.formats.weights.stored import StoredTensor, Weights
from penstock._src.formats.weights.types import TYPES

# Bytes that an entry takes at least: a name without letters, a type and a value; a name, a number of extents, a type and an offset.
_LEAST_FACT = 8 + 4 + 1
_LEAST_TENSOR = 8 + 4 + 4 + 8


class _Cursor:
    """A position in a file that advances as values are read."""

    def __init__(self, data: np.ndarray, path: str) -> None:
        self.data, self.path, self.at = data.data, path, 0
        self.what = "header"

    def fail(self, why: str) -> NoReturn:
        raise DataLossError(f"{self.path}: {self.what} at byte {self.at}: {why}.")

    def need(self, count: int) -> None:
        """Fails if fewer bytes are left."""
        left = len(self.data) - self.at
        if count > left:
            self.fail(f"{count} bytes are needed, and {left} are left")

    def number(self, letter: str) -> Any:
        form = struct.Struct("<" + letter)
        self.need(form.size)
        (value,) = form.unpack_from(self.data, self.at)
        self.at += form.size
        return value

    def text(self) -> str:
        size = self.number("Q")
        self.need(size)
        raw_bytes = bytes(self.data[self.at : self.at + size])
        self.at += size
        return raw_bytes.decode("utf-8", "surrogateescape")

    def texts(self, count: int) -> list[str]:
        """Several texts; vocabularies are long, so that a call for each would take as long as everything else."""
        data, at, texts = self.data, self.at, list[str]()
        last, add, size_at = len(data) - 8, texts.append, struct.Struct("<Q").unpack_from
        for _ in range(count):
            if at > last:
                break
            (size,) = size_at(data, at)
            if size > last - at:
                break
            begin, at = at + 8, at + 8 + size
            add(str(data[begin:at], "utf-8", "surrogateescape"))
        self.at = at
        if len(texts) < count:
            self.text()  # raises the error with its reason
        return texts

    def value(self, kind: int, depth: int = 0) -> Any:
        """A value of metadata; arrays of numbers are NumPy's."""
        if kind == layout.STRING:
            return self.text()
        if kind != layout.ARRAY:
            if kind not in layout.SCALARS:
                self.fail(f"there is no type {kind}")
            return self.number(layout.SCALARS[kind])
        if depth >= layout.MOST_DEPTH:
            self.fail(f"arrays are nested more than {layout.MOST_DEPTH} deep")
        inner, count = self.number("I"), self.number("Q")
        if inner in layout.SCALARS:
            dtype = np.dtype("<" + layout.SCALARS[inner])
            self.need(count * dtype.itemsize)
            numbers = np.frombuffer(self.data, np.uint8, count * dtype.itemsize, self.at)
            self.at += numbers.nbytes
            return (numbers != 0) if inner == layout.BOOL else numbers.view(dtype).copy()
        self.need(count * (8 if inner == layout.STRING else 12))
        if inner == layout.STRING:
            return self.texts(count)
        return [self.value(inner, depth + 1) for _ in range(count)]


def read(path: str) -> Weights:
    """Returns the tensors and metadata of a file.

    Args:
      path: the file.

    Raises:
      NotFoundError: there is no such file.
      DataLossError: it is damaged, or of another format.
      UnimplementedError: it is of a version, byte order or tensor type that is not read.
    """
    return read_with_kinds(path)[0]


def read_with_kinds(path: str) -> tuple[Weights, dict[str, tuple[int, ...]]]:
    """Returns the tensors and metadata of a file as `read` does, and the numbers of the types of all metadata: of an array, its own and its elements'."""
    data = mapped(path)
    cursor = _Cursor(data, path)
    tensor_count, fact_count = _header(cursor)
    metadata: dict[str, Any] = {}
    kinds: dict[str, tuple[int, ...]] = {}
    for number in range(fact_count):
        cursor.what = f"metadata {number}"
        key = cursor.text()
        cursor.what = f"metadata '{key}'"
        if key in metadata:
            cursor.fail("the key is there twice")
        kind = cursor.number("I")
        inner = cursor.data[cursor.at : cursor.at + 4]
        kinds[key] = (
            (kind, *inner.cast("I")) if kind == layout.ARRAY and len(inner) == 4 else (kind,)
        )
        metadata[key] = cursor.value(kind)
    entries = [_entry(cursor, number) for number in range(tensor_count)]
    alignment = metadata.get(layout.ALIGNMENT_KEY, layout.DEFAULT_ALIGNMENT)
    if type(alignment) is not int or alignment < 1 or alignment & (alignment - 1):
        cursor.fail(f"'{layout.ALIGNMENT_KEY}' is not a power of two: {alignment!r}")
    begin = -(-cursor.at // alignment) * alignment
    tensors: dict[str, StoredTensor] = {}
    for name, shape, kind, offset in entries:
        cursor.what, cursor.at = f"tensor '{name}'", begin
        if name in tensors:
            cursor.fail("the name is there twice")
        tensors[name] = _tensor(cursor, data, shape, kind, offset, alignment)
    return Weights(path, tensors, metadata), kinds


def _header(cursor: _Cursor) -> tuple[int, int]:
    cursor.need(len(layout.MAGIC))
    magic = bytes(cursor.data[: len(layout.MAGIC)])
    if magic != layout.MAGIC:
        cursor.fail(f"a GGUF file begins with {layout.MAGIC!r}, this one with {magic!r}")
    cursor.at = len(magic)
    version = cursor.number("I")
    if version not in layout.VERSIONS:
        order = ", in the order of bytes of another machine" if version >= 1 << 16 else ""
        raise UnimplementedError(
            f"{cursor.path}: GGUF of the version {version}{order} is not read; versions {layout.VERSIONS} are."
        )
    tensor_count, fact_count = cursor.number("Q"), cursor.number("Q")
    cursor.need(fact_count * _LEAST_FACT + tensor_count * _LEAST_TENSOR)
    return tensor_count, fact_count


def _entry(cursor: _Cursor, number: int) -> tuple[str, tuple[int, ...], str, int]:
    """A tensor's name, shape, type and offset."""
    cursor.what = f"tensor {number}"
    name = cursor.text()
    cursor.what = f"tensor '{name}'"
    rank = cursor.number("I")
    if rank > layout.MOST_DIMENSIONS:
        cursor.fail(f"it has {rank} dimensions, at most {layout.MOST_DIMENSIONS} are possible")
    extents = [cursor.number("Q") for _ in range(rank)]
    kind, offset = cursor.number("I"), cursor.number("Q")
    if kind in layout.OTHER_TENSOR_TYPES:
        raise UnimplementedError(
            f"{cursor.path}: {cursor.what}: weights of the type {layout.OTHER_TENSOR_TYPES[kind]} are not read."
        )
    if kind not in layout.TENSOR_TYPES:
        cursor.fail(f"there is no type {kind} of tensors")
    return name, tuple(reversed(extents)), layout.TENSOR_TYPES[kind], offset


def _tensor(
    cursor: _Cursor,
    data: np.ndarray,
    shape: tuple[int, ...],
    kind: str,
    offset: int,
    alignment: int,
) -> StoredTensor:
    if offset % alignment:
        cursor.fail(f"its offset {offset} is not a multiple of {alignment}")
    try:
        size = TYPES[kind].size(shape)
    except InvalidArgumentError as error:
        cursor.fail(str(error).rstrip("."))
    if math.prod(shape) >= 1 << 63:
        cursor.fail(f"it has the shape {list(shape)}")
    cursor.at += offset
    cursor.need(size)
    return StoredTensor(shape, TYPES[kind], data[cursor.at : cursor.at + size])
