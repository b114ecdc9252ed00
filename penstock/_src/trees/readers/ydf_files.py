"""The files of a model of YDF: their names, the messages in them, and the sequences of nodes."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from typing import Any

from google.protobuf.message import DecodeError

from penstock._src.core.errors import UnimplementedError
from penstock._src.filesystems import files
from penstock._src.trees.readers.ydf_schema import SCHEMA

HEADER, COLUMNS, DONE = "header.pb", "data_spec.pb", "done"
FOREST, BOOSTED = "random_forest_header.pb", "gradient_boosted_trees_header.pb"
SEQUENCE = "BLOB_SEQUENCE"  # the format of nodes
_MAGIC, _VERSION, _HEAD = b"BS", 1, 8


def prefix_of(folder: str) -> str | None:
    """Returns the prefix of the names of a folder's model files; None if there is no model."""
    if not files.is_folder(folder):
        return None
    names = files.names(folder)
    ends = [name.removesuffix(COLUMNS) for name in names if name.endswith(COLUMNS)]
    return next((start for start in sorted(ends) if start + HEADER in names), None)


def read_message(start: str, name: str, file: str) -> Any:
    """Returns the message in a file.

    Args:
      start: the folder and prefix of the model's files.
      name: of the message, in the schema.
      file: the rest of the file's name.

    Raises:
      ValueError: the file is damaged.
    """
    return _parsed(SCHEMA[name], files.read(start + file), file)


def write_message(start: str, file: str, message: Any) -> None:
    """Writes a message into a file.

    Args:
      start: the folder and prefix of the model's files.
      file: the rest of the file's name.
      message: what is written.
    """
    files.write(start + file, message.SerializeToString(deterministic=True))


def read_nodes(start: str, shards: int) -> Iterator[Any]:
    """Yields the nodes of all files, in order.

    Args:
      start: the folder and prefix of the model's files.
      shards: how many files there are.

    Raises:
      ValueError: a file is damaged.
      UnimplementedError: nodes are compressed.
    """
    node = SCHEMA["Node"]
    for shard in range(shards):
        name = _nodes_name(shard, shards)
        data = files.read(start + name)
        if data[:2] != _MAGIC or len(data) < _HEAD:
            raise ValueError(f"{name} is damaged: it is not a sequence of nodes.")
        if data[4]:
            raise UnimplementedError("YDF's compressed nodes are not implemented.")
        at = _HEAD
        while at < len(data):
            if at + 4 > len(data):
                raise ValueError(f"{name} is damaged: it ends too early.")
            (size,) = struct.unpack_from("<I", data, at)
            at += 4
            if at + size > len(data):
                raise ValueError(f"{name} is damaged: it ends too early.")
            yield _parsed(node, data[at : at + size], name)
            at += size


def write_nodes(start: str, nodes: Iterable[Any]) -> None:
    """Writes nodes into one file.

    Args:
      start: the folder and prefix of the model's files.
      nodes: the messages, in order.
    """
    parts = [_MAGIC + struct.pack("<HI", _VERSION, 0)]
    for node in nodes:
        data = node.SerializeToString()
        parts += [struct.pack("<I", len(data)), data]
    files.write(start + _nodes_name(0, 1), b"".join(parts))


def _nodes_name(shard: int, shards: int) -> str:
    return f"nodes-{shard:05d}-of-{shards:05d}"


def _parsed(message: Any, data: bytes, name: str) -> Any:
    """A message of bytes.

    Raises:
      ValueError: they are damaged.
    """
    try:
        return message.FromString(data)
    except DecodeError as error:
        raise ValueError(f"{name} is damaged: {error}") from error
