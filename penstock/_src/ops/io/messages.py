"""Tensors and examples as serialized messages."""

import base64
import json
import math
import re
import struct

import numpy as np
from google.protobuf import json_format
from google.protobuf.message import DecodeError

from penstock._src.core import dtypes
from penstock._src.core.dtypes import DType
from penstock._src.core.op import Op
from penstock._src.core.typesets import ANY
from penstock._src.ops.strings.elements import each, strings
from penstock._src.ops.tensor_proto import from_proto, parsed, serialized
from penstock._src.proto.example import Example
from penstock._src.util.files import varints


def tensor_of(op, data, dtype):
    """The array in a serialized TensorProto of the given type."""
    try:
        proto, content = parsed(data)
    except DecodeError as error:
        raise op.invalid(f"Cannot parse tensor from proto: {error}") from None
    stored = dtypes.as_dtype(proto.dtype) if proto.dtype else None
    if stored != dtype:
        shown = stored.name if stored is not None else "DT_INVALID"
        raise op.invalid(f"Type mismatch between parsed tensor ({shown}) and dtype ({dtype.name})")
    return from_proto(proto, content)


class SerializeTensor(Op):
    """A tensor as a serialized TensorProto."""

    signature = "tensor: T -> serialized: string[]"
    T = ANY
    differentiable = False

    def eager(self, tensor):
        return strings([serialized(tensor, self.T)], ())


class ParseTensor(Op):
    """The tensor in a serialized TensorProto."""

    signature = "serialized: string -> output: out_type"
    out_type: DType
    differentiable = False

    def eager(self, serialized):
        if serialized.ndim:
            raise self.invalid(
                f"Expected `serialized` to be a scalar, got shape: {list(serialized.shape)}"
            )
        return np.array(tensor_of(self, serialized.item(), self.out_type))


def _field(number, data):
    """Encodes a length-delimited field."""
    return varints.encode(number << 3 | 2) + varints.encode(len(data)) + data


def _unpacked(example):
    """Serializes an example with unpacked repeated fields, like TensorFlow's converter."""
    features = b""
    for key, feature in example.features.feature.items():
        kind = feature.WhichOneof("kind")
        values = getattr(feature, kind).value if kind else []
        if kind == "bytes_list":
            encoded = _field(1, b"".join(_field(1, v) for v in values))
        elif kind == "float_list":
            encoded = _field(2, b"".join(b"\x0d" + struct.pack("<f", v) for v in values))
        elif kind == "int64_list":
            encoded = _field(3, b"".join(b"\x08" + varints.encode(v % (1 << 64)) for v in values))
        else:
            encoded = b""
        features += _field(1, _field(1, key.encode()) + _field(2, encoded))
    return _field(1, features) if example.HasField("features") else b""


_KINDS = {
    "bytesList": 1, "bytes_list": 1, "floatList": 2, "float_list": 2, "int64List": 3, "int64_list": 3,
}  # fmt: skip
_BYTES = frozenset({"bytesList", "bytes_list"})
_INTEGERS = re.compile("-?[0-9]{1,18}", re.ASCII)
# Groups of four letters, of both alphabets; the last group's padding is whole or left out.
_BASE64 = re.compile("(?:[A-Za-z0-9+/_-]{4})*(?:[A-Za-z0-9+/_-]{2}(?:==)?|[A-Za-z0-9+/_-]{3}=?)?")


class _IsUnusual(Exception):
    """A text is left to the general parser, which also reports its errors."""


def _distinct(pairs):
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise _IsUnusual
    return fields


# Without the names of duplicates, which the general parser reports.
_DECODER = json.JSONDecoder(object_pairs_hook=_distinct)


def _only(value, name):
    """The value of an object's only field, None if it has none."""
    if type(value) is not dict or len(value) > 1 or (value and name not in value):
        raise _IsUnusual
    return value.get(name)


def _encoded_bytes(value):
    if value is None:
        return _field(1, b"")
    if type(value) is not str or not _BASE64.fullmatch(value):
        raise _IsUnusual
    return _field(1, base64.urlsafe_b64decode(value + "=" * (-len(value) % 4)))


def _encoded_float(value):
    if value is None:
        value = 0.0
    if type(value) not in (float, int) or not abs(value) < math.inf:
        raise _IsUnusual
    # Refuses what rounds to more than the largest float.
    return struct.pack("<Bf", 0x0D, value)


def _encoded_integer(value):
    if value is None:
        value = 0
    # Larger numbers may be out of range.
    text = value if type(value) is str else str(value) if type(value) is int else ""
    if not _INTEGERS.fullmatch(text):
        raise _IsUnusual
    return b"\x08" + varints.encode(int(text) % (1 << 64))


_ENCODERS = {1: _encoded_bytes, 2: _encoded_float, 3: _encoded_integer}


def _encoded_feature(feature):
    """The second field of an entry of the map; b"" if there is none."""
    if feature is None:
        return b""
    if type(feature) is not dict or len(feature) > 1:
        raise _IsUnusual
    for name, content in feature.items():
        kind = _KINDS.get(name)
        values = _only(content, "value")
        if kind is None or values is None or type(values) is dict:
            raise _IsUnusual
        numbers = values if type(values) is list else [values]
        return _field(2, _field(kind, b"".join(map(_ENCODERS[kind], numbers))))
    return _field(2, b"")


def _usual_example(text):
    """Serializes an example in JSON as `_unpacked` does, if its text is of the usual form and right."""
    message = _DECODER.decode(text.decode())
    features = _only(_only(message, "features"), "feature")
    if type(features) is not dict:
        raise _IsUnusual
    parts = [
        _field(1, _field(1, key.encode()) + _encoded_feature(feature))
        for key, feature in features.items()
    ]
    return _field(1, b"".join(parts))


def _wrong_bytes(value):
    """A text that should be base64 in what JSON gave and is not; None if there is none. The general parser passes over letters that it does not know."""
    found = None
    if type(value) is dict:
        for name, content in value.items():
            inside = content.get("value") if name in _BYTES and type(content) is dict else ()
            texts = inside if type(inside) is list else ()
            wrong = [t for t in texts if type(t) is str and not _BASE64.fullmatch(t)]
            found = found or (wrong[0] if wrong else _wrong_bytes(content))
    return found


class DecodeJSONExample(Op):
    """Examples in JSON as serialized examples."""

    signature = "json_examples: string -> binary_examples: string[json_examples]"

    def eager(self, json_examples):
        def convert(text):
            if not text.lstrip().startswith(b"{"):
                raise self.invalid("Error while parsing JSON: an object is expected")
            try:
                return _usual_example(text)
            except (_IsUnusual, ValueError, OverflowError, RecursionError):
                pass  # the general parser accepts other forms, and rejects invalid ones
            try:
                example = json_format.Parse(text, Example())
                wrong = _wrong_bytes(json.loads(text))
                if wrong is not None:
                    raise self.invalid(f"Error while parsing JSON: {wrong!r} is not base64")
                return _unpacked(example)
            except json_format.ParseError as error:
                raise self.invalid(f"Error while parsing JSON: {error}") from None

        return each(convert, json_examples)
