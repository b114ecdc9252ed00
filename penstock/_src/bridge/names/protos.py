"""TensorFlow's `.proto` files in the default descriptor pool, on which generated code of other packages depends.

Our messages are in a pool of our own. When a module such as `tensorflow.core.framework.tensor_shape_pb2` is imported, which generated code does
before it registers itself, the files of ours that hold its messages are added to the default pool, and `tensorflow/core/framework/tensor_shape.proto`,
which offers them to whoever depends on it. What another package has brought there stays as it is.

The messages of that code are those of the default pool: equal to ours as bytes, but of other classes. `CopyFrom` and `MergeFrom` of either class take
messages of the other, through their bytes, so `request.inputs["x"].CopyFrom(tf.make_tensor_proto(x))` does what it does with TensorFlow. So do constructors,
`Request(shape=tf.TensorShape([2]).as_proto())`, of these classes and of those that generated code builds with fields of their types. Lists of messages that exist
already (`request.shapes.append`), whose class is protobuf's in C, take messages of their own class only.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Iterator
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.internal import builder
from google.protobuf.message import Message

from penstock._src.proto.schema import Schema

from .python_paths import PATHS

PROTOS = "@proto."
# Classes with methods that convert: protobuf recreates an unreferenced class, without these methods.
_CONVERTING: set[type[Message]] = set()
# The classes whose constructors convert, for the same reason.
_CONSTRUCTING: set[type[Message]] = set()
# The full names of messages with two classes.
_SHARED: set[str] = set()


def register(path: str) -> None:
    """Adds the file of a module of messages, such as `core.framework.tensor_shape_pb2`, to the default pool, if it is not there.

    Args:
      path: the path of the module below `tensorflow`.
    """
    pool = descriptor_pool.Default()
    name = f"tensorflow/{path.removesuffix('_pb2').replace('.', '/')}.proto"
    ours = _files(path)
    if not ours:
        return
    files = _closure(ours)
    if not _has_file(pool, name) and not any(_is_taken(pool, file) for file in files):
        for file in files:
            pool.AddSerializedFile(file.serialized_pb)
        offering = descriptor_pb2.FileDescriptorProto(
            name=name, package="tensorflow", syntax="proto3"
        )
        offering.dependency.extend(file.name for file in ours)
        offering.public_dependency.extend(range(len(ours)))
        pool.AddSerializedFile(offering.SerializeToString())
    messages = [m for file in files for m in _messages(file.message_types_by_name.values())]
    pairs = [
        (ours, theirs) for ours in messages if (theirs := _namesake(ours, pool)) not in (None, ours)
    ]
    _SHARED.update(ours.full_name for ours, _ in pairs)
    for pair in pairs:
        for descriptor in pair:
            _accept_by_name(message_factory.GetMessageClass(descriptor))
            _construct_by_name(descriptor)
    _watch_generated_code()


@functools.cache
def _watch_generated_code() -> None:
    """Lets constructors of classes that generated code builds from now on take messages of either class."""
    build = builder.BuildTopDescriptorsAndMessages

    @functools.wraps(build)
    def build_and_convert(file_des: Any, module_name: str, module: Any) -> None:
        build(file_des, module_name, module)
        for descriptor in _messages(file_des.message_types_by_name.values()):
            _construct_by_name(descriptor)

    builder.BuildTopDescriptorsAndMessages = build_and_convert


def _messages(descriptors: Any) -> Iterator[Any]:
    """The descriptors of messages, and of those that are declared within them."""
    for descriptor in descriptors:
        yield descriptor
        yield from _messages(descriptor.nested_types)


def _namesake(descriptor: Any, pool: Any) -> Any:
    """Returns the descriptor of this full name in a pool, or None."""
    try:
        return pool.FindMessageTypeByName(descriptor.full_name)
    except KeyError:
        return None


def _accept_by_name(message: type[Message]) -> None:
    """Makes a class take messages of another class of the same full name when it copies and merges."""
    if message not in _CONVERTING:
        _CONVERTING.add(message)
        for name in ("CopyFrom", "MergeFrom"):
            setattr(message, name, _converting(getattr(message, name)))


def _converting(method: Callable[[Any, Any], None]) -> Callable[[Any, Any], None]:
    @functools.wraps(method)
    def convert_and_call(self: Any, other: Any) -> None:
        kind = type(self)
        if not isinstance(other, kind) and isinstance(other, Message):
            if other.DESCRIPTOR.full_name == self.DESCRIPTOR.full_name:
                other = kind.FromString(other.SerializePartialToString())
        method(self, other)

    return convert_and_call


def _construct_by_name(descriptor: Any) -> None:
    """Makes the constructor of a class convert what is given for fields of shared messages, if it has such fields."""
    fields = {
        field.name: field
        for field in descriptor.fields
        if field.message_type is not None and field.message_type.full_name in _SHARED
    }
    message = message_factory.GetMessageClass(descriptor)
    if not fields or message in _CONSTRUCTING:
        return
    _CONSTRUCTING.add(message)
    construct = message.__init__

    @functools.wraps(construct)
    def convert_and_construct(self: Any, *args: Any, **values: Any) -> None:
        for name in fields.keys() & values.keys():
            values[name] = _converted(fields[name].message_type, values[name])
        construct(self, *args, **values)

    message.__init__ = convert_and_construct  # type: ignore[method-assign]


def _converted(descriptor: Any, value: Any) -> Any:
    """Returns a message as one of a descriptor's class if the names are equal, and so those of a list; else what it is."""
    if isinstance(value, list | tuple):
        return [_converted(descriptor, item) for item in value]
    kind = message_factory.GetMessageClass(descriptor)
    if isinstance(value, Message) and not isinstance(value, kind):
        if value.DESCRIPTOR.full_name == descriptor.full_name:
            return kind.FromString(value.SerializePartialToString())
    return value


def _files(path: str) -> list[Any]:
    """The descriptors of our files that hold the messages of a module."""
    sources = [source for source in PATHS.get(path, "").split() if source.startswith(PROTOS)]
    modules = {source[1:].partition(":")[0] for source in sources}
    namespaces = [
        vars(importlib.import_module(f"penstock._src.{module}")) for module in sorted(modules)
    ]
    return [value.descriptor for names in namespaces for value in names.values() if _is_core(value)]


def _is_core(value: Any) -> bool:
    return isinstance(value, Schema) and value.package.startswith("tensorflow")


def _closure(files: list[Any]) -> list[Any]:
    """The files with those that they depend on in front."""
    by_name: dict[str, Any] = {}
    for file in files:
        by_name.update({each.name: each for each in _closure(list(file.dependencies))})
        by_name[file.name] = file
    return list(by_name.values())


def _has_file(pool: Any, name: str) -> bool:
    try:
        pool.FindFileByName(name)
    except KeyError:
        return False
    return True


def _is_taken(pool: Any, file: Any) -> bool:
    """True if another file of the pool defines a name that this one defines."""
    for name in (*file.message_types_by_name, *file.enum_types_by_name):
        try:
            holder = pool.FindFileContainingSymbol(f"{file.package}.{name}")
        except KeyError:
            continue
        if holder.name != file.name:
            return True
    return False
