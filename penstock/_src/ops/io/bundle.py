"""Tensor bundles: the files `<prefix>.index` and `<prefix>.data-<shard>-of-<count>` of a checkpoint.

The data file holds the tensors' bytes, concatenated; the index has each tensor's dtype, shape, offset and checksum. Strings
are stored as their lengths, a checksum of these, then the bytes. A tensor may be stored in slices (a partitioned variable),
which are separate entries.
"""

import contextlib
import math
import os
import struct
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError

from penstock._src.core import dtypes, errors
from penstock._src.core.values.arrays import empty_aligned
from penstock._src.filesystems.base import Reader
from penstock._src.filesystems.damaged import count_of, dtype_of, message_of, parsing
from penstock._src.filesystems.files import (
    make_folders,
    matching_prefix,
    read,
    reader_of,
    remove,
    remove_if_there,
    system_of,
)
from penstock._src.filesystems.read_ahead import ReadAhead
from penstock._src.filesystems.transaction import Transaction, recover, tidy
from penstock._src.filesystems.translation import naming
from penstock._src.ops.io import sstable
from penstock._src.ops.io.bundle_data import as_bytes, read_data, write_data
from penstock._src.ops.tensor_proto import is_serialized, variants
from penstock._src.proto.bundle import BundleEntryProto, BundleHeaderProto
from penstock._src.proto.tensor import VariantTensorDataProto
from penstock._src.util.dataclass import dataclass
from penstock._src.util.files import crc32c, varints

HEADER_KEY = b""


@dataclass
class TensorSlice:
    """A slice of a tensor: its start and length in each dimension (-1: all)."""

    full_shape: Sequence[int]
    starts: Sequence[int]
    lengths: Sequence[int]
    value: np.ndarray

    def spec(self) -> tuple[tuple[int, int], ...]:
        """(start, length) per dimension; (0, -1) for a whole dimension."""
        return tuple(
            (0, -1) if start == 0 and length == size else (start, length)
            for start, length, size in zip(self.starts, self.lengths, self.full_shape)
        )


def shard_name(prefix: str, shard: int, count: int) -> str:
    """The path of one data file."""
    return f"{prefix}.data-{shard:05d}-of-{count:05d}"


def index_name(prefix: str) -> str:
    """The path of the index file."""
    return f"{prefix}.index"


def write_bundle(prefix: str, tensors: Mapping[str, np.ndarray | Sequence[TensorSlice]]) -> None:
    """Writes the index and one data file. They get their final names together when both are complete."""
    write_shards(prefix, [tensors])


def write_shards(
    prefix: str,
    shards: Sequence[Mapping[str, np.ndarray | Sequence[TensorSlice]]],
    transaction: Transaction | None = None,
) -> None:
    """Writes the index and a data file per shard; slices of a tensor may be in several of them.

    Args:
      prefix: of the files' names.
      shards: the tensors of each data file by name.
      transaction: which the files are part of; else they are one of their own.
    """
    folder = os.path.dirname(prefix)
    make_folders(folder)
    if transaction is None:
        tidy(folder)
        old = set(matching_prefix(prefix, ".data-"))
        with Transaction(prefix) as own:
            write_shards(prefix, shards, own)
        for path in old.difference(shard_name(prefix, n, len(shards)) for n in range(len(shards))):
            remove_if_there(path)  # of a checkpoint with another number of files
        return
    entries: dict[bytes, Any] = {}
    for at, tensors in enumerate(shards):
        path = shard_name(prefix, at, len(shards))
        place = transaction.place(path)
        added = _Shard(at, entries)
        for name in sorted(tensors, key=lambda key: key.encode()):
            added.add(name, tensors[name])
        with naming(path, place):
            added.write(place)
    header = BundleHeaderProto(num_shards=len(shards))
    header.version.producer = 1
    entries[HEADER_KEY] = header
    stored = sorted((key, entry.SerializeToString()) for key, entry in entries.items())
    with transaction.open(index_name(prefix)) as file:  # the last: with it, the checkpoint is there
        file.write(sstable.write_table(stored))


def remove_bundle(prefix: str) -> None:
    """Removes the files of a checkpoint."""
    for path in [index_name(prefix), *matching_prefix(prefix, ".data-")]:
        remove(path)


class _Shard:
    """The tensors of a data file, and their entries for the index."""

    def __init__(self, number: int, entries: dict[bytes, Any]) -> None:
        self._number, self._entries = number, entries
        self._parts: list[np.ndarray | bytes] = []
        self._described: list[tuple[Any, int | None]] = []  # (entry, checksum if it is known)
        self._size = 0

    def add(self, name: str, value: np.ndarray | Sequence[TensorSlice]) -> None:
        """Appends a tensor, or slices of one."""
        if isinstance(value, np.ndarray):
            self._entries[name.encode()] = self._append(value)
            return
        for part in value:
            # As a separate tensor, as TensorFlow does.
            if all(span == (0, -1) for span in part.spec()):
                self._entries[name.encode()] = self._append(part.value)
                return
        entry = self._entries.setdefault(name.encode(), _entry(value[0].value, value[0].full_shape))
        for part in value:
            slice_ = entry.slices.add()
            for start, length in part.spec():
                extent = slice_.extent.add(start=start)
                if length >= 0:
                    extent.length = length
            self._entries[slice_key(name, part.spec())] = self._append(part.value)

    def _append(self, value: np.ndarray) -> Any:
        entry = _entry(value, value.shape)
        part: np.ndarray | bytes
        crc: int | None = None
        if value.dtype == object and entry.dtype == dtypes.variant.as_datatype_enum:
            part, crc = _encode_variants(value)
        elif value.dtype == object:
            part, crc = _encode_strings(value)
        else:
            part = as_bytes(value)
        entry.shard_id, entry.offset, entry.size = self._number, self._size, len(part)
        self._parts.append(part)
        self._described.append((entry, crc))
        self._size += entry.size
        return entry

    def write(self, path: str) -> None:
        """Writes the file, and the checksums into the entries."""
        sums = write_data(path, self._parts)
        for (entry, known), computed in zip(self._described, sums, strict=True):
            entry.crc32c = crc32c.mask(computed if known is None else known)


# Bytes of a checkpoint that one thread reads ahead; several read each large tensor of a larger one.
_MOST_AHEAD = 64 << 20
_VARIANT = dtypes.variant.as_datatype_enum
# The types of values that are stored in a form of their own.
_ENCODED = frozenset({_VARIANT, dtypes.string.as_datatype_enum})
# The most elements that may be read as zeros, of a tensor with some slices stored.
_MOST_MISSING = 1 << 23


class BundleReader:
    """The tensors of a checkpoint, read on demand."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        recover(prefix)
        try:
            table = sstable.read_table(read(index_name(prefix)), index_name(prefix))
        except (errors.NotFoundError, errors.FailedPreconditionError) as error:
            raise errors.NotFoundError(
                "Unsuccessful TensorSliceReader constructor: Failed to find any matching files "
                f"for {prefix}",
            ) from error
        where = index_name(prefix)
        if HEADER_KEY not in table:
            raise errors.DataLossError(f"{where}: the table has no header.")
        header = message_of(BundleHeaderProto, table.pop(HEADER_KEY), where)
        if header.endianness == BundleHeaderProto.BIG:
            raise errors.UnimplementedError(f"{prefix}: big-endian checkpoints are not supported.")
        self.num_shards = header.num_shards
        self._slice_entries = {key: value for key, value in table.items() if key[:1] == b"\0"}
        with parsing(where):
            self.entries: dict[str, Any] = {
                key.decode(): message_of(BundleEntryProto, value, f"{where}: tensor {key!r}")
                for key, value in table.items()
                if key[:1] != b"\0"
            }
        self._shards: dict[int, Reader] = {}
        self._ahead: ReadAhead | None = None

    def __contains__(self, name: str) -> bool:
        return name in self.entries

    def expect_all(self) -> None:
        """Tells that all tensors will be read: checksums of many small ones are worth native code from the first on."""
        crc32c.expect(sum(entry.size for entry in self.entries.values()))

    def read_ahead(self) -> None:
        """Starts to read all tensors, which will be read soon, in another thread: unless they are many bytes, or their files are far away."""
        plain = {
            name: entry
            for name, entry in self.entries.items()
            if not entry.slices and entry.dtype not in _ENCODED and 0 < entry.size <= _MOST_AHEAD
        }
        if not 0 < sum(entry.size for entry in plain.values()) <= _MOST_AHEAD:
            return
        if system_of(self.prefix).is_distant:
            return
        wanted = []
        for name, entry in plain.items():
            with contextlib.suppress(errors.DataLossError):  # `read` will raise it
                wanted.append(
                    (name, self._shard(entry.shard_id), entry.offset, self._space(entry, name))
                )
        self._ahead = ReadAhead(wanted)

    def shape(self, name: str) -> list[int]:
        """The full shape of a tensor."""
        shape = _shape(self._find(name))
        count_of(shape, f"{self.prefix}: tensor '{name}'")
        return shape

    def dtype(self, name: str) -> dtypes.DType:
        """The type of a tensor."""
        return dtype_of(self._find(name).dtype, f"{self.prefix}: tensor '{name}'")

    def read(self, name: str) -> np.ndarray:
        """The value of a tensor.

        Raises:
          NotFoundError: no tensor has this name.
          DataLossError: its bytes are damaged.
        """
        stored = self.read_stored(name)
        if isinstance(stored, np.ndarray):
            return stored
        shape = self.shape(name)
        return self._assembled(name, stored, [0] * len(shape), shape, _MOST_MISSING)

    def read_stored(self, name: str) -> np.ndarray | list[TensorSlice]:
        """The value of a tensor, or the slices of it that the checkpoint has, as `write_bundle` takes it."""
        entry = self._find(name)
        if not entry.slices:
            return self._value(entry, name)
        full = _shape(entry)
        parts = []
        for slice_ in entry.slices:
            spec = tuple(
                (e.start, e.length if e.WhichOneof("has_length_hack") else -1)
                for e in slice_.extent
            )
            lengths = [size if length < 0 else length for (_, length), size in zip(spec, full)]
            starts = [start for start, _ in spec]
            where = f"{self.prefix}: tensor '{name}': slice {spec}"
            with parsing(where):
                stored = message_of(
                    BundleEntryProto, self._slice_entries[slice_key(name, spec)], where
                )
                value = self._value(stored, name).reshape(lengths)
            if any(s < 0 or s + n > size for s, n, size in zip(starts, lengths, full, strict=True)):
                raise errors.DataLossError(f"{where} is outside of the shape {full}.")
            parts.append(TensorSlice(full, starts, lengths, value))
        return parts

    def read_slice(self, name: str, starts: Sequence[int], lengths: Sequence[int]) -> np.ndarray:
        """A part of a tensor, however it was stored."""
        stored = self.read_stored(name)
        if isinstance(stored, np.ndarray):
            return stored[tuple(slice(s, s + n) for s, n in zip(starts, lengths))]
        return self._assembled(name, stored, starts, lengths)

    def _assembled(
        self,
        name: str,
        parts: list[TensorSlice],
        starts: Sequence[int],
        lengths: Sequence[int],
        most_missing: int = 0,
    ) -> np.ndarray:
        """A part of a tensor from its slices, with zeros for up to `most_missing` elements that none has.

        Raises:
          InvalidArgumentError: there are more, for which no memory is taken.
        """
        places = [overlap(starts, lengths, part.starts, part.lengths) for part in parts]
        covered = sum(math.prod(n for _, _, n in place) for place in places)
        if math.prod(lengths) - covered > most_missing:
            raise errors.InvalidArgumentError(
                f"{self.prefix}: tensor '{name}': its slices do not cover the extents {list(lengths)} from {list(starts)}."
            )
        value = np.zeros(lengths, self.dtype(name).np)
        for part, place in zip(parts, places, strict=True):
            inside = tuple(slice(at, at + n) for at, _, n in place)
            value[inside] = part.value[tuple(slice(at, at + n) for _, at, n in place)]
        return value

    def _find(self, name: str) -> Any:
        entry = self.entries.get(name)
        if entry is None:
            raise errors.NotFoundError(f"Key {name} not found in checkpoint")
        return entry

    def _shard(self, shard: int) -> Reader:
        if shard not in self._shards:
            self._shards[shard] = reader_of(shard_name(self.prefix, shard, self.num_shards))
        return self._shards[shard]

    def _value(self, entry: Any, name: str) -> np.ndarray:
        ahead = None if self._ahead is None else self._ahead.take(name)
        if ahead is not None:
            self._check(entry, name, crc32c.crc32c(ahead.reshape(-1).view(np.uint8).data))
            return ahead
        reader = self._shard(entry.shard_id)
        if entry.dtype in _ENCODED:
            where, shape = self._where(name), _shape(entry)
            count_of(shape, where)
            self._check_place(entry, where)
            raw = np.empty(entry.size, np.uint8)
            read_data(reader, entry.offset, raw)
            decode = _decode_variants if entry.dtype == _VARIANT else _decode_strings
            return decode(raw.tobytes(), shape, entry.crc32c, where)
        value = self._space(entry, name)
        checksum = read_data(reader, entry.offset, value.reshape(-1).view(np.uint8))
        if checksum is None:
            raise errors.DataLossError(f"{self._where(name)} is truncated.")
        self._check(entry, name, checksum)
        return value

    def _where(self, name: str) -> str:
        return f"{self.prefix}: tensor '{name}'"

    def _check(self, entry: Any, name: str, checksum: int) -> None:
        if entry.crc32c and crc32c.mask(checksum) != entry.crc32c:
            raise errors.DataLossError(f"{self._where(name)}: checksum mismatch.")

    def _check_place(self, entry: Any, where: str) -> None:
        size = self._shard(entry.shard_id).size
        if entry.offset < 0 or entry.size < 0 or entry.offset + entry.size > size:
            raise errors.DataLossError(f"{where} is truncated.")

    def _space(self, entry: Any, name: str) -> np.ndarray:
        """Memory for a tensor of numbers: of large ones memory that is used again, of the values that were restored before."""
        where = self._where(name)
        dtype, shape = dtype_of(entry.dtype, where), _shape(entry)
        count = count_of(shape, where)
        self._check_place(entry, where)
        if entry.size != dtype.np.itemsize * count:
            raise errors.DataLossError(f"{where}: size does not fit its shape.")
        return empty_aligned(tuple(shape), dtype.np)


def overlap(
    starts: Sequence[int],
    lengths: Sequence[int],
    other_starts: Sequence[int],
    other_lengths: Sequence[int],
) -> list[tuple[int, int, int]]:
    """Return, for each axis of two slices, the start of their overlap in each and its extent."""
    overlaps = []
    for start, length, other, size in zip(
        starts, lengths, other_starts, other_lengths, strict=True
    ):
        first = max(start, other)
        extent = max(0, min(start + length, other + size) - first)
        overlaps.append((first - start, first - other, extent) if extent else (0, 0, 0))
    return overlaps


def _entry(value: np.ndarray, shape: Iterable[int]) -> Any:
    if value.dtype != object:
        dtype = dtypes.as_dtype(value.dtype)
    else:
        dtype = dtypes.variant if value.size and is_serialized(value) else dtypes.string
    entry = BundleEntryProto(dtype=dtype.as_datatype_enum)
    entry.shape.SetInParent()
    for size in shape:
        entry.shape.dim.add(size=size)
    return entry


def _shape(entry: Any) -> list[int]:
    return [dim.size for dim in entry.shape.dim]


def _encode_strings(value: np.ndarray) -> tuple[bytes, int]:
    """(bytes, checksum): the checksum covers the lengths as fixed integers."""
    texts = [bytes(text) for text in value.ravel()]
    lengths = b"".join(varints.encode(len(text)) for text in texts)
    check = crc32c.crc32c(_fixed_lengths(texts))
    stored = struct.pack("<I", crc32c.mask(check))
    joined = b"".join(texts)
    return lengths + stored + joined, crc32c.crc32c(stored + joined, check)


# The largest message that protobuf reads again; it writes larger ones, too.
LARGEST_MESSAGE = (1 << 31) - 1


def _encode_variants(value: np.ndarray) -> tuple[bytes, int]:
    """(bytes, checksum): for each message its length, its bytes and the checksum of everything so far.

    Raises:
      InvalidArgumentError: a message is too large to be read again.
    """
    parts: list[bytes] = []
    check = 0
    for message in value.ravel():
        data = message.SerializeToString()
        if len(data) > LARGEST_MESSAGE:
            raise errors.InvalidArgumentError(
                f"A variant of {len(data)} bytes cannot be saved: messages have at most {LARGEST_MESSAGE} bytes. "
                f"Received a variant of type {message.type_name}."
            )
        stored, check = _variant_check(data, check)
        parts += [varints.encode(len(data)), data, stored]
    return b"".join(parts), check


def _variant_check(data: bytes, check: int) -> tuple[bytes, int]:
    """(the checksum behind a variant, as it is stored; the checksum of all up to there)."""
    check = crc32c.crc32c(data, crc32c.crc32c(struct.pack("<Q", len(data)), check))
    stored = struct.pack("<I", crc32c.mask(check))
    return stored, crc32c.crc32c(stored, check)


def _decode_variants(raw: bytes, shape: list[int], stored_crc: int, where: str) -> np.ndarray:
    at, check, messages = 0, 0, []
    try:
        for _ in range(math.prod(shape)):
            size, at = varints.decode(raw, at)
            data = raw[at : at + size]
            messages.append(VariantTensorDataProto.FromString(data))
            check = _variant_check(data, check)[1]
            at += size + 4
    except (IndexError, DecodeError) as error:
        raise errors.DataLossError(f"{where} is truncated.") from error
    if stored_crc and crc32c.mask(check) != stored_crc:
        raise errors.DataLossError(f"{where}: checksum mismatch.")
    return variants(messages, shape)


def _fixed_lengths(texts: list[bytes]) -> bytes:
    return b"".join(struct.pack("<I" if len(text) < 1 << 32 else "<Q", len(text)) for text in texts)


def _decode_strings(raw: bytes, shape: list[int], stored_crc: int, where: str) -> np.ndarray:
    at, sizes = 0, []
    try:
        for _ in range(math.prod(shape)):
            size, at = varints.decode(raw, at)
            sizes.append(size)
        stored, at = raw[at : at + 4], at + 4
    except IndexError as error:
        raise errors.DataLossError(f"{where} is truncated.") from error
    texts = []
    joined = raw[at:]
    for size in sizes:
        texts.append(raw[at : at + size])
        at += size
    if at != len(raw):
        raise errors.DataLossError(f"{where}: the lengths of strings do not match its data.")
    check = crc32c.crc32c(_fixed_lengths(texts))
    if stored_crc and crc32c.mask(crc32c.crc32c(stored + joined, check)) != stored_crc:
        raise errors.DataLossError(f"{where}: checksum mismatch.")
    value = np.empty(len(texts), object)
    value[:] = texts
    return value.reshape(shape)


def slice_key(name: str, spec: Sequence[tuple[int, int]]) -> bytes:
    """The key of a slice: an order-preserving encoding of its parts."""
    escaped = name.encode().replace(b"\xff", b"\xff\x00").replace(b"\x00", b"\x00\xff")
    key = b"\0" + escaped + b"\0\1" + _increasing(len(spec))
    for start, length in spec:
        key += _signed_increasing(start) + _signed_increasing(length)
    return key


def _increasing(value: int) -> bytes:
    """Encodes an unsigned number: its byte count, then its bytes in big-endian order."""
    size = (value.bit_length() + 7) // 8
    return bytes([size]) + value.to_bytes(size, "big")


def _signed_increasing(value: int) -> bytes:
    """Encodes a signed number: leading ones (zeros if negative) give the byte count, like UTF-8."""
    magnitude = ~value if value < 0 else value
    size = magnitude.bit_length() // 7 + 1
    bits = 8 * size
    header = ((1 << size) - 1) << (bits - size)
    encoded = (magnitude | header) if value >= 0 else ((1 << bits) - 1) ^ (magnitude | header)
    return encoded.to_bytes(size, "big")


def path_of(value: Any) -> str:
    """The path in a host string scalar."""
    return os.fsdecode(value[()] if isinstance(value, np.ndarray) else value)


def parsed_slice(spec: str) -> tuple[list[int], list[int], list[int]]:
    """(full shape, starts, lengths) of a slice such as "10 20 0,10:5,15"."""
    *extents, parts = spec.split(" ")
    full = [int(extent) for extent in extents]
    starts, lengths = [], []
    for part, extent in zip(parts.split(":"), full, strict=True):
        start, length = (0, extent) if part == "-" else map(int, part.split(","))
        starts.append(start)
        lengths.append(length)
    return full, starts, lengths
