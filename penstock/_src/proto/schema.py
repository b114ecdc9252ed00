"""The schema language of the messages, and the private pool they are built into.

A schema is a text like

    NodeDef
        name=1 string, op=2 string, input=3 string*
        attr=5 {string: AttrValue}
        experimental_debug_info=6 ExperimentalDebugInfo
    NodeDef.ExperimentalDebugInfo
        original_node_names=1 string*
    enum SaverDef.CheckpointFormatVersion
        LEGACY=0, V1=1, V2=2

A line without indentation begins a message (or an enum); the indented ones hold its fields,
`name=number type`. Behind the type, `*` means repeated, `?` an optional scalar that remembers
whether it was set, and `*!` repeated but not packed. `{key: value}` is a map and
`(value: a=1 int64, b=2 bytes)` a oneof of the name `value`. Type names are looked up in the message
itself, then outwards. All messages live in a DescriptorPool of our own, so they never clash with
those of another library in the same process.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from google.protobuf import any_pb2, descriptor_pb2, descriptor_pool, message_factory, wrappers_pb2
from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper

POOL = descriptor_pool.DescriptorPool()
_WELL_KNOWN = (any_pb2, wrappers_pb2)
_Field = descriptor_pb2.FieldDescriptorProto
_SCALARS = {
    name: getattr(_Field, f"TYPE_{name.upper()}")
    for name in (
        "double float int32 int64 uint32 uint64 sint32 sint64 fixed32 fixed64 sfixed32 sfixed64"
        " bool string bytes"
    ).split()
}
_KINDS: dict[str, int] = {}  # full type name -> TYPE_MESSAGE or TYPE_ENUM, over all schemas
_FILES: dict[str, str] = {}  # full type name -> the file that declares it
_TOKEN = re.compile(r"\s*([\w.]+|[{}():,=?!*])")

for _module in _WELL_KNOWN:
    POOL.AddSerializedFile(_module.DESCRIPTOR.serialized_pb)
    for _known in _module.DESCRIPTOR.message_types_by_name.values():
        _KINDS[_known.full_name] = _Field.TYPE_MESSAGE
        _FILES[_known.full_name] = _module.DESCRIPTOR.name


class Schema:
    """The messages and enums of one schema text; `schema["NodeDef"]` is the class."""

    def __init__(self, name: str, text: str, uses: Iterable["Schema"] = (), package="tensorflow"):
        self.name = f"penstock/{name}.proto"
        self.module = f"{__package__}.{name}"
        self.package = package
        file = descriptor_pb2.FileDescriptorProto(name=self.name, package=package, syntax="proto3")
        file.dependency.extend(other.name for other in uses)
        file.dependency.extend(module.DESCRIPTOR.name for module in _WELL_KNOWN)
        _Builder(file, text).build()
        self.serialized = file.SerializeToString()
        POOL.AddSerializedFile(self.serialized)
        self.descriptor = POOL.FindFileByName(self.name)

    def __getitem__(self, name: str) -> Any:
        """The class of the message, or the wrapper of the enum."""
        full_name = f"{self.package}.{name}"
        if _KINDS.get(full_name) == _Field.TYPE_ENUM:
            return EnumTypeWrapper(POOL.FindEnumTypeByName(full_name))
        message = message_factory.GetMessageClass(POOL.FindMessageTypeByName(full_name))
        message.__module__ = self.module
        for nested in message.DESCRIPTOR.nested_types_by_name:
            if not hasattr(message, nested):  # protobuf without its native code
                setattr(message, nested, self[f"{name}.{nested}"])
        return message

    def many(self, names: str) -> list[Any]:
        """The classes of the messages named, in order."""
        return [self[name] for name in names.split()]


class _Builder:
    """Fills a FileDescriptorProto from a schema text."""

    def __init__(self, file: descriptor_pb2.FileDescriptorProto, text: str):
        self.file = file
        self.sections = list(_sections(text))
        self.messages: dict[str, descriptor_pb2.DescriptorProto] = {}

    def build(self) -> None:
        for header, _ in self.sections:  # first the names, since fields may point forwards
            self.declare(header)
        for header, body in self.sections:
            tokens = _Tokens(body, header)
            if header.startswith("enum "):
                self.enum_values(tokens)
            else:
                self.fields(header, self.messages[header], tokens)

    def declare(self, header: str) -> None:
        path = header.removeprefix("enum ")
        outer, _, name = path.rpartition(".")
        scope: Any = self.messages[outer] if outer else self.file
        if header.startswith("enum "):
            scope.enum_type.add(name=name)
            kind = _Field.TYPE_ENUM
        else:
            nested = scope.nested_type if outer else scope.message_type
            self.messages[path] = nested.add(name=name)
            kind = _Field.TYPE_MESSAGE
        full_name = f"{self.file.package}.{path}"
        _KINDS[full_name], _FILES[full_name] = kind, self.file.name

    def enum_values(self, tokens: "_Tokens") -> None:
        outer, _, name = tokens.header.removeprefix("enum ").rpartition(".")
        scope: Any = self.messages[outer] if outer else self.file
        enum = next(e for e in scope.enum_type if e.name == name)
        while tokens:
            value = tokens.next()
            tokens.expect("=")
            enum.value.add(name=value, number=int(tokens.next()))
            tokens.skip(",")
        numbers = [value.number for value in enum.value]
        enum.options.allow_alias = len(set(numbers)) < len(numbers)
        if not enum.options.allow_alias:
            enum.ClearField("options")

    def fields(self, path: str, message: descriptor_pb2.DescriptorProto, tokens: "_Tokens") -> None:
        optional = []
        while tokens:
            if tokens.skip("("):
                message.oneof_decl.add(name=tokens.next())
                tokens.expect(":")
                while not tokens.skip(")"):
                    field = self.field(path, message, tokens)
                    field.oneof_index = len(message.oneof_decl) - 1
                    tokens.skip(",")
            else:
                field = self.field(path, message, tokens)
                if tokens.skip("?"):
                    optional.append(field)
            tokens.skip(",")
        for field in optional:  # their oneofs must come after the written ones
            field.proto3_optional = True
            field.oneof_index = len(message.oneof_decl)
            message.oneof_decl.add(name=f"_{field.name}")

    def field(self, path: str, message: descriptor_pb2.DescriptorProto, tokens: "_Tokens") -> Any:
        name = tokens.next()
        tokens.expect("=")
        field = message.field.add(name=name, number=int(tokens.next()))
        field.label = _Field.LABEL_OPTIONAL
        if tokens.skip("{"):
            self.map_entry(path, message, field, tokens)
            return field
        self.set_type(field, path, tokens.next())
        if tokens.skip("*"):
            field.label = _Field.LABEL_REPEATED
            if tokens.skip("!"):
                field.options.packed = False
        return field

    def map_entry(self, path: str, message: Any, field: Any, tokens: "_Tokens") -> None:
        words = field.name.split("_")
        entry = message.nested_type.add(
            name="".join(w[:1].upper() + w[1:] for w in words) + "Entry"
        )
        entry.options.map_entry = True
        for number, part in enumerate(("key", "value"), 1):
            inner = entry.field.add(name=part, number=number, label=_Field.LABEL_OPTIONAL)
            self.set_type(inner, path, tokens.next())
            tokens.expect(":" if part == "key" else "}")
        field.label = _Field.LABEL_REPEATED
        field.type = _Field.TYPE_MESSAGE
        field.type_name = f".{self.file.package}.{path}.{entry.name}"

    def set_type(self, field: Any, path: str, name: str) -> None:
        if name in _SCALARS:
            field.type = _SCALARS[name]
            return
        scope = f"{self.file.package}.{path}".split(".")
        for depth in range(len(scope), -1, -1):
            full_name = ".".join([*scope[:depth], name])
            if full_name in _KINDS:
                field.type = _KINDS[full_name]
                field.type_name = f".{full_name}"
                # Protobuf without its native code sees the types of these files alone.
                if _FILES[full_name] not in (self.file.name, *self.file.dependency):
                    self.file.dependency.append(_FILES[full_name])
                return
        raise ValueError(f"Schema: unknown type '{name}' of the field '{field.name}' in {path}.")


class _Tokens:
    """The tokens under one header, consumed from the left."""

    def __init__(self, text: str, header: str):
        self.header = header
        self.rest = _TOKEN.findall(text)[::-1]

    def __bool__(self) -> bool:
        return bool(self.rest)

    def next(self) -> str:
        return self.rest.pop()

    def skip(self, token: str) -> bool:
        if self.rest and self.rest[-1] == token:
            self.rest.pop()
            return True
        return False

    def expect(self, token: str) -> None:
        if not self.skip(token):
            raise ValueError(f"Schema: expected '{token}' in {self.header}. Received: {self.rest}")


def _sections(text: str) -> Iterator[tuple[str, str]]:
    """(header, indented text under it) for every message and enum."""
    header, body = "", list[str]()
    for line in text.strip("\n").splitlines():
        if line[:1].strip():
            if header:
                yield header, " ".join(body)
            header, body = line.strip(), []
        else:
            body.append(line)
    if header:
        yield header, " ".join(body)
