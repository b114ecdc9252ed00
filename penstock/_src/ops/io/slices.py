"""Files of TensorFlow's V1 checkpoints: one sorted table of tensor slices by name and position."""

import os
from collections.abc import Iterator
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.dtypes import DType
from penstock._src.core.errors import (
    DataLossError,
    InvalidArgumentError,
    NotFoundError,
    UnimplementedError,
)
from penstock._src.core.typesets import NARROW
from penstock._src.filesystems.damaged import count_of, dtype_of, message_of, parsing
from penstock._src.filesystems.files import exists, make_folders, matching, read
from penstock._src.filesystems.whole import write_whole
from penstock._src.ops.io.bundle import overlap, parsed_slice
from penstock._src.ops.io.sstable import read_table, write_table
from penstock._src.ops.tensor_proto import from_proto
from penstock._src.proto.bundle import SavedSlice, SavedTensorSlices, TensorSliceProto
from penstock._src.proto.tensor import TensorProto

# The field of a TensorProto for each dtype.
_FIELDS = {
    "float32": "float_val",
    "float64": "double_val",
    "int64": "int64_val",
    "bool": "bool_val",
    "uint32": "uint32_val",
    "uint64": "uint64_val",
    **dict.fromkeys("int32 int16 int8 uint16 uint8 qint8 quint8 qint32".split(), "int_val"),
}
_FULL = -1
_MOST = 1 << 31  # bytes of a message
_WIDEST = 10  # bytes of a number whose length depends on its value
_AT_ONCE = 1 << 20  # numbers that are lists of Python at the same time


class Piece:
    """A slice of a tensor of shape `full`: its start and length (None: all) along each axis."""

    def __init__(self, full: list[int], spans: list[tuple[int, int] | None]) -> None:
        self.full, self.spans = full, spans

    @classmethod
    def of(cls, spec: str, shape: tuple[int, ...]) -> "Piece":
        """Parses a slice such as "10 20 0,10:5,15"; an empty string means the whole tensor."""
        if not spec:
            return cls(list(shape), [None] * len(shape))
        full, starts, lengths = parsed_slice(spec)
        spans = [
            None if part == "-" else (start, length)
            for part, start, length in zip(
                spec.split(" ")[-1].split(":"), starts, lengths, strict=True
            )
        ]
        return cls(full, spans)

    @classmethod
    def from_proto(cls, full: list[int], proto: Any) -> "Piece":
        """The slice of a TensorSliceProto."""
        spans = [(e.start, e.length) if e.HasField("length") else None for e in proto.extent]
        return cls(full, spans)

    def to_proto(self) -> Any:
        """The slice as a TensorSliceProto."""
        proto = TensorSliceProto()
        for span in self.spans:
            extent = proto.extent.add()
            if span is not None:
                extent.start, extent.length = span
        return proto

    def index(self) -> tuple[slice, ...]:
        """The index of the slice in the tensor."""
        return tuple(slice(None) if s is None else slice(s[0], s[0] + s[1]) for s in self.spans)

    def box(self) -> tuple[list[int], list[int]]:
        """The starts and the extents of the slice."""
        return [0 if s is None else s[0] for s in self.spans], list(self.shape())

    def shape(self) -> tuple[int, ...]:
        """The extents of the slice."""
        return tuple(n if s is None else s[1] for n, s in zip(self.full, self.spans, strict=True))

    def key(self, name: bytes) -> bytes:
        """The key of the slice in the table: zero, name, rank, then start and length of each axis, in TensorFlow's ordered code."""
        spans = [(0, _FULL) if s is None else s for s in self.spans]
        escaped = name.replace(b"\xff", b"\xff\0").replace(b"\0", b"\0\xff")
        rank = bytes([1, len(spans)]) if spans else b"\0"
        return b"\0" + escaped + b"\0\1" + rank + b"".join(_ordered(n) for s in spans for n in s)


def _ordered(number: int) -> bytes:
    """Encodes a signed number so that byte order is numeric order."""
    magnitude = number if number >= 0 else ~number
    size = next(n for n in range(1, 11) if magnitude < 1 << (7 * n - 1))
    header = (((1 << size) - 1) << (16 - size)) & 0xFFFF
    data = bytearray(number.to_bytes(max(size, 2), "big", signed=True)[-size:])
    data[0] ^= header >> 8
    if size > 1:
        data[1] ^= header & 0xFF
    return bytes(data)


def write_slices(path: str, pieces: list[tuple[bytes, Piece, np.ndarray, DType]]) -> None:
    """Writes slices of tensors into a file.

    Raises:
      InvalidArgumentError: one is too large for a message.
    """
    for _, _, values, dtype in pieces:
        _check_size(values, dtype)
    described = SavedTensorSlices()
    described.meta.versions.producer = 1
    entries, known = [], {}
    for name, piece, values, dtype in sorted(pieces, key=lambda p: p[0]):
        meta = known.get(name)
        if meta is None:
            meta = known[name] = described.meta.tensor.add(
                name=name.decode(), type=dtype.as_datatype_enum
            )
            meta.shape.SetInParent()
            for extent in piece.full:
                meta.shape.dim.add(size=extent)
        meta.slice.append(piece.to_proto())
        message = SavedTensorSlices(data=SavedSlice(name=name.decode(), slice=piece.to_proto()))
        _write_values(message.data.data, values, dtype)
        entries.append((piece.key(name), message.SerializeToString()))
    table = write_table([(b"", described.SerializeToString()), *sorted(entries)])
    make_folders(os.path.dirname(path))
    write_whole(path, table)


def _check_size(values: np.ndarray, dtype: DType) -> None:
    if dtype is dtypes.string:
        return
    if dtype.size == 1 and not dtype.is_integer or dtype.is_unsigned and dtype.size == 1:
        each = 2
    else:
        each = _WIDEST if dtype.is_integer else max(dtype.size, 3)
    if values.size * each > _MOST:
        raise InvalidArgumentError(
            "Tensor slice is too large to serialize (conservative estimate: "
            f"{values.size * each} bytes)"
        )


def _write_values(proto: Any, values: np.ndarray, dtype: DType) -> None:
    if dtype is dtypes.string:
        _extend(proto.string_val, values.ravel())
    elif dtype in NARROW:
        _extend(proto.half_val, values.ravel().view(np.uint16))
    elif dtype.is_complex:
        pairs = values.ravel().view(values.real.dtype)
        _extend(proto.scomplex_val if dtype.size == 8 else proto.dcomplex_val, pairs)
    elif dtype.name in _FIELDS:
        _extend(getattr(proto, _FIELDS[dtype.name]), values.ravel())
    else:
        raise UnimplementedError(f"Save: tensors of {dtype.name} are not written.")


def _extend(field: Any, values: np.ndarray) -> None:
    for start in range(0, values.size, _AT_ONCE):
        field.extend(values[start : start + _AT_ONCE].tolist())


class SliceReader:
    """The tensors in the files that match a pattern."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        files = matching(pattern) or ([pattern] if exists(pattern) else [])
        if not files:
            raise NotFoundError(
                "Unsuccessful TensorSliceReader constructor: Failed to find any matching files for "
                f"{pattern}"
            )
        self.described: dict[str, Any] = {}
        self.slices: dict[str, list[Any]] = {}
        for name in files:
            table = read_table(read(name), name)
            for key, value in table.items():
                entry = message_of(SavedTensorSlices, value, f"{name}: entry {key!r}")
                if key:
                    self.slices.setdefault(entry.data.name, []).append(entry.data)
                else:
                    self.described.update((meta.name, meta) for meta in entry.meta.tensor)

    def read(self, name: str, spec: str, dtype: DType) -> np.ndarray:
        """A tensor, or the slice `spec` of it.

        Raises:
          NotFoundError: there is no such tensor.
          InvalidArgumentError: the dtype differs, or the slice is not stored completely.
        """
        if name not in self.described:
            raise NotFoundError(
                f'Tensor name "{name}" not found in checkpoint files {self.pattern}'
            )
        meta, where = self.described[name], f"{self.pattern}: tensor '{name}'"
        stored = dtype_of(meta.type, where)
        if stored is not dtype:
            raise InvalidArgumentError(
                f"Expected to restore a tensor of type {dtype.name}, got a tensor of type {stored.name} "
                f"instead: tensor_name = {name} in {self.pattern}"
            )
        full = [dim.size for dim in meta.shape.dim]
        with parsing(where):
            pieces = list(self._pieces(name, full, dtype, where))
            wanted = Piece.of(spec, tuple(full))
            count = count_of(wanted.shape(), where)
            if count > sum(values.size for _, values in pieces):  # before it takes memory
                raise InvalidArgumentError(f"{where}: Error copying slice data")
            whole, there = np.empty(wanted.shape(), dtype.np), np.zeros(wanted.shape(), bool)
            for piece, values in pieces:
                places = overlap(*wanted.box(), *piece.box())
                inside = tuple(slice(at, at + n) for at, _, n in places)
                whole[inside] = values[tuple(slice(at, at + n) for _, at, n in places)]
                there[inside] = True
        if not there.all():
            raise InvalidArgumentError(f"{where}: Error copying slice data")
        return whole

    def _pieces(
        self, name: str, full: list[int], dtype: DType, where: str
    ) -> Iterator[tuple[Piece, np.ndarray]]:
        for data_slice in self.slices.get(name, []):
            piece = Piece.from_proto(full, data_slice.slice)
            shape = piece.shape()
            # A TensorProto may store few values for many equal ones: here all are expanded.
            if count_of(shape, where) * _least(dtype) > data_slice.ByteSize():
                raise DataLossError(f"{where}: a slice has fewer values than its shape {shape}.")
            data = TensorProto()
            data.CopyFrom(data_slice.data)
            data.dtype = dtype.as_datatype_enum
            for extent in shape:
                data.tensor_shape.dim.add(size=extent)
            yield piece, from_proto(data)


def _least(dtype: DType) -> int:
    """The least number of bytes that a value takes in a message."""
    wide = ("float32", "float64", "complex64", "complex128")
    return dtype.size if dtype.name in wide else 1
