"""TensorFlow's `.proto` files in the default descriptor pool, on which generated code of other packages depends.

Our messages are in a pool of our own. When a module such as `tensorflow.core.framework.tensor_shape_pb2` is imported, which generated code does
before it registers itself, the files of ours that hold its messages are added to the default pool, and `tensorflow/core/framework/tensor_shape.proto`,
which offers them to whoever depends on it. What another package has brought there stays as it is.

The messages of that code are those of the default pool: equal to ours as bytes, but of other classes, so `CopyFrom` does not take one for the other.
"""

from __future__ import annotations

import importlib
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool

from penstock._src.proto.schema import Schema

from .python_paths import PATHS

PROTOS = "@proto."


def register(path: str) -> None:
    """Adds the file of a module of messages, such as `core.framework.tensor_shape_pb2`, to the default pool, if it is not there.

    Args:
      path: the path of the module below `tensorflow`.
    """
    pool = descriptor_pool.Default()
    name = f"tensorflow/{path.removesuffix('_pb2').replace('.', '/')}.proto"
    ours = _files(path)
    if not ours or _has_file(pool, name) or any(_is_taken(pool, file) for file in _closure(ours)):
        return
    for file in _closure(ours):
        pool.AddSerializedFile(file.serialized_pb)
    offering = descriptor_pb2.FileDescriptorProto(name=name, package="tensorflow", syntax="proto3")
    offering.dependency.extend(file.name for file in ours)
    offering.public_dependency.extend(range(len(ours)))
    pool.AddSerializedFile(offering.SerializeToString())


def _files(path: str) -> list[Any]:
    """The descriptors of our files that hold the messages of a module."""
    sources = [source for source in PATHS.get(path, "").split() if source.startswith(PROTOS)]
    modules = {source[1:].partition(":")[0] for source in sources}
    held = [vars(importlib.import_module(f"penstock._src.{module}")) for module in sorted(modules)]
    return [value.descriptor for names in held for value in names.values() if _is_core(value)]


def _is_core(value: Any) -> bool:
    return isinstance(value, Schema) and value.package.startswith("tensorflow")


def _closure(files: list[Any]) -> list[Any]:
    """The files with those that they depend on in front."""
    found: dict[str, Any] = {}
    for file in files:
        found.update({each.name: each for each in _closure(list(file.dependencies))})
        found[file.name] = file
    return list(found.values())


def _has_file(pool: Any, name: str) -> bool:
    try:
        pool.FindFileByName(name)
    except KeyError:
        return False
    return True


def _is_taken(pool: Any, file: Any) -> bool:
    """Whether another file of the pool defines a name that this one defines."""
    for name in (*file.message_types_by_name, *file.enum_types_by_name):
        try:
            holder = pool.FindFileContainingSymbol(f"{file.package}.{name}")
        except KeyError:
            continue
        if holder.name != file.name:
            return True
    return False
