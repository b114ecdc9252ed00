"""Converts protocol buffer fields to tensors and back."""

from typing import Any

import numpy as np
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format
from google.protobuf.message import DecodeError

from penstock._src.core.calls.facts import Permissions
from penstock._src.core.dtypes import DType
from penstock._src.core.errors import DataLossError, InvalidArgumentError, OpError
from penstock._src.core.op import Op, at_least
from penstock._src.filesystems.files import read
from penstock._src.ops.rules import show
from penstock._src.ops.strings.elements import strings
from penstock._src.proto import schema

_Field = descriptor_pb2.FieldDescriptorProto
# The dtypes that can hold the values of each field type.
_KINDS = {
    **dict.fromkeys(
        (_Field.TYPE_STRING, _Field.TYPE_BYTES, _Field.TYPE_MESSAGE, _Field.TYPE_GROUP), ("string",)
    ),
    **dict.fromkeys(
        (_Field.TYPE_INT32, _Field.TYPE_SINT32, _Field.TYPE_SFIXED32), ("int32", "int64")
    ),
    **dict.fromkeys((_Field.TYPE_INT64, _Field.TYPE_SINT64, _Field.TYPE_SFIXED64), ("int64",)),
    **dict.fromkeys((_Field.TYPE_UINT32, _Field.TYPE_FIXED32), ("uint32", "uint64")),
    **dict.fromkeys((_Field.TYPE_UINT64, _Field.TYPE_FIXED64), ("uint64",)),
    _Field.TYPE_FLOAT: ("float32", "float64"),
    _Field.TYPE_DOUBLE: ("float64",),
    _Field.TYPE_BOOL: ("bool",),
    _Field.TYPE_ENUM: ("int32",),
}


_LOCAL = ("", "local://")  # messages of the program
_BYTES = "bytes://"


def message_class(source: str, name: str) -> Any:
    """The class of a message.

    Args:
      source: "" or "local://" (messages registered in the program), "bytes://" with a serialized FileDescriptorSet, or the
        path of a file with one.
      name: the full name of the message.

    Raises:
      InvalidArgumentError: there is no such message, or the source holds no FileDescriptorSet.
    """
    for pool in _pools(source):
        try:
            return message_factory.GetMessageClass(pool.FindMessageTypeByName(name))
        except KeyError:
            continue
    raise InvalidArgumentError(f"No descriptor found for message type {name}")


def _pools(source: str) -> list[Any]:
    if source in _LOCAL:
        return [schema.POOL, descriptor_pool.Default()]
    if source.startswith(_BYTES):
        data = source[len(_BYTES) :].encode("latin1")
    else:
        try:
            data = read(source)
        except OpError:
            raise InvalidArgumentError(
                f"Source does not represent serialized file descriptor set proto: {source}"
            ) from None
    try:
        files = descriptor_pb2.FileDescriptorSet.FromString(data)
    except DecodeError:
        raise InvalidArgumentError(
            f"Unable to parse file descriptor set from descriptor_source {source[:40]!r}"
        ) from None
    pool = descriptor_pool.DescriptorPool()
    for file in files.file:
        pool.AddSerializedFile(file.SerializeToString())
    return [pool]


def _field(op: Any, kind: Any, name: str) -> Any:
    field = kind.DESCRIPTOR.fields_by_name.get(name)
    if field is None:
        raise op.invalid(f"Unknown field: {name} in message type {kind.DESCRIPTOR.full_name}")
    return field


def _as_value(field: Any, value: Any) -> Any:
    """A field's value as a number or bytes."""
    if field.message_type is not None:
        return value.SerializeToString()
    return value.encode() if isinstance(value, str) else value


class _ByDescriptor(Op):
    """Base of ops with messages that `descriptor_source` describes."""

    permissions = Permissions(capabilities="read_files")
    descriptor_source: str = "local://"

    def touched_files(self, values):
        """The file with the descriptors, if they are in one."""
        source = self.descriptor_source
        return [] if source in _LOCAL or source.startswith(_BYTES) else [source]


class DecodeProtoV2(_ByDescriptor):
    """The number of values of each field in each message, and the values, padded with defaults."""

    signature = "bytes: string -> sizes: int32, values: *output_types"
    message_type: str
    field_names: list[str]
    output_types: list[DType]
    descriptor_source: str = "local://"
    message_format: str = "binary"
    sanitize: bool = False
    differentiable = False

    def shape(self, bytes):
        if bytes.rank is None:
            return None, [None] * len(self.output_types)
        lead = bytes.as_list()
        return [*lead, len(self.field_names)], [[*lead, None] for _ in self.output_types]

    def eager(self, bytes):
        if len(self.field_names) != len(self.output_types):
            raise self.invalid("field_names and output_types attributes must have the same length.")
        kind = message_class(self.descriptor_source, self.message_type)
        fields = [_field(self, kind, name) for name in self.field_names]
        for field, dtype in zip(fields, self.output_types, strict=True):
            if dtype.name not in _KINDS[field.type]:
                raise self.invalid(
                    f"Unexpected output type for {field.full_name}: {field.type} to {dtype.name}"
                )
        messages = [self._message(kind, data) for data in bytes.reshape(-1)]
        values = [[_values(field, message) for message in messages] for field in fields]
        sizes = np.array([[len(v) for v in column] for column in values], np.int32)
        columns = [
            _column(field, column, dtype)
            for field, column, dtype in zip(fields, values, self.output_types, strict=True)
        ]
        sizes = sizes.reshape(len(fields), -1).T.reshape(*bytes.shape, len(fields))
        return sizes, [c.reshape(*bytes.shape, c.shape[1]) for c in columns]

    def _message(self, kind: Any, data: Any) -> Any:
        try:
            if self.message_format == "text":
                return text_format.Parse(data, kind())
            if self.message_format != "binary":
                raise self.invalid('message_format should be one of "binary" or "text".')
            return kind.FromString(data)
        except (DecodeError, text_format.ParseError) as error:
            raise DataLossError(
                f"Unable to parse {self.message_format} protobuf: {error}"
            ) from None


def _values(field: Any, message: Any) -> list[Any]:
    """The values of a field; none if it is not set."""
    if field.is_repeated:
        return [_as_value(field, v) for v in getattr(message, field.name)]
    if field.has_presence and not message.HasField(field.name):
        return []
    value = getattr(message, field.name)
    # Without field presence, a default value counts as unset.
    return (
        [] if not field.has_presence and value == field.default_value else [_as_value(field, value)]
    )


def _column(field: Any, column: list[list[Any]], dtype: DType) -> np.ndarray:
    """The values of all messages, padded with the field's default."""
    widest = max([1, *map(len, column)])
    is_plain = field.message_type is None and not field.is_repeated
    blank = b"" if dtype.name == "string" else 0
    default = _as_value(field, field.default_value) if is_plain else blank
    rows = [[*values, *[default] * (widest - len(values))] for values in column]
    if dtype.name == "string":
        return strings([v for row in rows for v in row], (len(rows), widest))
    return np.array(rows).astype(dtype.np).reshape(len(rows), widest)


class EncodeProto(_ByDescriptor):
    """Messages with the given number of values of each field."""

    signature = "sizes: int32, values: *Tinput_types -> bytes: string"
    ranks = {"values": at_least(2)}
    field_names: list[str]
    message_type: str
    descriptor_source: str = "local://"
    Tinput_types: list[DType]
    differentiable = False

    def shape(self, sizes, values):
        return sizes.with_rank_at_least(1)[:-1] if sizes.rank is not None else None

    def eager(self, sizes, values):
        if not sizes.ndim or sizes.shape[-1] != len(self.field_names):
            raise self.invalid(
                f"sizes must end in {len(self.field_names)} fields. Received {show(sizes.shape)}"
            )
        if any(v.shape[:-1] != sizes.shape[:-1] for v in values):
            raise self.invalid("Values must match up to the last dimension")
        kind = message_class(self.descriptor_source, self.message_type)
        fields = [_field(self, kind, name) for name in self.field_names]
        counts = sizes.reshape(-1, len(fields))
        columns = [v.reshape(len(counts), v.shape[-1]) for v in values]
        for column, most in zip(columns, counts.max(0, initial=0), strict=True):
            if most > column.shape[1]:
                raise self.invalid(
                    f"Size {most} is larger than the number of values {column.shape[1]}"
                )
        texts = []
        for number, row in enumerate(counts):
            message = kind()
            for field, count, column in zip(fields, row, columns, strict=True):
                _fill(message, field, column[number, :count].tolist())
            texts.append(message.SerializeToString(deterministic=True))
        return strings(texts, sizes.shape[:-1])


def _fill(message: Any, field: Any, values: list[Any]) -> None:
    if field.message_type is not None:
        for value in values:
            into = getattr(message, field.name)
            (into.add() if field.is_repeated else into).MergeFromString(value)
        return
    if field.type == field.TYPE_STRING:
        values = [value.decode() for value in values]
    if field.is_repeated:
        getattr(message, field.name).extend(values)
    elif values:
        setattr(message, field.name, values[-1])
