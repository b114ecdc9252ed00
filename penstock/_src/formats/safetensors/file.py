"""One safetensors file. Sizes in its header are checked against the file's length before they are used."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from penstock._src.core.errors import DataLossError, InvalidArgumentError, UnimplementedError
from penstock._src.filesystems.mapping import mapped
from penstock._src.filesystems.whole import written_whole
from penstock._src.formats.weights.stored import StoredTensor, Weights
from penstock._src.formats.weights.types import TYPES

SUFFIX = ".safetensors"
_METADATA = "__metadata__"
_LENGTH = struct.Struct("<Q")
# Most bytes of a header; the format's own limit.
_MOST_HEADER = 100_000_000
_ALIGNMENT = 8
_KNOWN = tuple(name for name, kind in TYPES.items() if not kind.is_packed)
# Types that the format has and Penstock does not read.
_OTHERS = ("F4", "F6_E2M3", "F6_E3M2", "F8_E8M0", "C64")


def read(path: str) -> Weights:
    """Returns the tensors of a file, and the texts of its metadata.

    Args:
      path: the file.

    Raises:
      NotFoundError: there is no such file.
      DataLossError: it is damaged, or of another format.
      UnimplementedError: a tensor's type is not read.
    """
    data = mapped(path)
    header, begin = _header(data, path)
    texts = header.pop(_METADATA, None) or {}
    if not isinstance(texts, dict) or not all(isinstance(each, str) for each in texts.values()):
        raise DataLossError(f"{path}: '{_METADATA}': expected texts by name.")
    body = data[begin:]
    ends: list[tuple[int, int, str]] = []
    tensors = {name: _tensor(name, entry, body, path, ends) for name, entry in header.items()}
    at = 0
    for first, end, name in sorted(ends):
        if first != at:
            raise DataLossError(
                f"{path}: tensor '{name}' begins at byte {first} of the data, and those before end at {at}."
            )
        at = end
    if at != len(body):
        raise DataLossError(f"{path}: the tensors take {at} bytes, and there are {len(body)}.")
    return Weights(path, tensors, texts)


def _header(data: np.ndarray, path: str) -> tuple[dict[str, Any], int]:
    if len(data) < _LENGTH.size:
        raise DataLossError(f"{path}: {len(data)} bytes do not hold the length of a header.")
    (size,) = _LENGTH.unpack(data[: _LENGTH.size].tobytes())
    begin = _LENGTH.size + size
    if size > _MOST_HEADER or begin > len(data):
        raise DataLossError(
            f"{path}: the header is said to have {size} bytes, and the file has {len(data)}; at most {_MOST_HEADER} are possible."
        )
    try:
        header = json.loads(
            data[_LENGTH.size : begin].tobytes(), object_pairs_hook=_without_doubles
        )
    except (ValueError, RecursionError) as error:
        raise DataLossError(f"{path}: header: {error}.") from error
    if not isinstance(header, dict):
        raise DataLossError(f"{path}: header: expected an object.")
    return header, begin


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        names = [name for name, _ in pairs]
        double = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"'{double}' is there twice")
    return members


def _tensor(
    name: str, entry: Any, body: np.ndarray, path: str, ends: list[tuple[int, int, str]]
) -> StoredTensor:
    where = f"{path}: tensor '{name}'"
    if not isinstance(entry, dict):
        raise DataLossError(f"{where}: expected an object. Found {entry!r}.")
    fields: list[Any] = [entry.get(key) for key in ("dtype", "shape", "data_offsets")]
    kind, shape, offsets = fields
    if kind in _OTHERS:
        raise UnimplementedError(f"{where}: weights of the type {kind} are not read.")
    if not isinstance(kind, str) or kind not in _KNOWN:
        raise DataLossError(f"{where}: dtype: there is no type {kind!r}.")
    if not _are_sizes(shape):
        raise DataLossError(f"{where}: shape: expected a list of extents. Found {shape!r}.")
    if not _are_sizes(offsets) or len(offsets) != 2:
        raise DataLossError(f"{where}: data_offsets: expected two offsets. Found {offsets!r}.")
    first, end = offsets
    size = TYPES[kind].size(shape)
    if first > end or end > len(body) or end - first != size:
        raise DataLossError(
            f"{where}: data_offsets {offsets}: a tensor {shape} of {kind} takes {size} bytes, and there are {len(body)}."
        )
    ends.append((first, end, name))
    return StoredTensor(tuple(shape), TYPES[kind], body[first:end])


def _are_sizes(value: Any) -> bool:
    return isinstance(value, list) and all(type(each) is int and each >= 0 for each in value)


def write(
    tensors: Mapping[str, StoredTensor], path: str, metadata: Mapping[str, str] | None = None
) -> None:
    """Writes a file; it appears whole or not at all.

    Args:
      tensors: by name; of types that are not packed.
      path: the file to make.
      metadata: texts for its header.

    Raises:
      InvalidArgumentError: a type is not one of the format's.
    """
    header: dict[str, Any] = {_METADATA: dict(metadata)} if metadata else {}
    at = 0
    for name, tensor in tensors.items():
        if tensor.type.is_packed:
            raise InvalidArgumentError(
                f"Tensor '{name}': safetensors has no type {tensor.type.name}: unpack it first."
            )
    names = _aligned_first(tensors)
    for name in names:
        tensor = tensors[name]
        end = at + tensor.data.nbytes
        header[name] = {
            "dtype": tensor.type.name,
            "shape": list(tensor.shape),
            "data_offsets": [at, end],
        }
        at = end
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % _ALIGNMENT)
    with written_whole(path) as file:
        file.write(_LENGTH.pack(len(text)) + text)
        for name in names:
            file.write(np.ascontiguousarray(tensors[name].data).data)


def _aligned_first(tensors: Mapping[str, StoredTensor]) -> Sequence[str]:
    """The names, those of wide numbers first, so that all are aligned."""
    return sorted(tensors, key=lambda name: -tensors[name].type.dtype.itemsize)
