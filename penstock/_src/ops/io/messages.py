"""Tensors and examples as serialized messages."""

import struct

import numpy as np
from google.protobuf import json_format
from google.protobuf.message import DecodeError

from penstock._src.core import dtypes
from penstock._src.core.dtypes import DType
from penstock._src.core.op import Op
from penstock._src.core.typesets import ANY
from penstock._src.ops.strings.elements import each, strings
from penstock._src.ops.tensor_proto import from_proto, to_proto
from penstock._src.proto.example import Example
from penstock._src.proto.tensor import TensorProto
from penstock._src.util.files import varints


def tensor_of(op, data, dtype):
    """The array in a serialized TensorProto of the given type."""
    try:
        proto = TensorProto.FromString(data)
    except DecodeError as error:
        raise op.invalid(f"Cannot parse tensor from proto: {error}") from None
    stored = dtypes.as_dtype(proto.dtype) if proto.dtype else None
    if stored != dtype:
        shown = stored.name if stored is not None else "DT_INVALID"
        raise op.invalid(f"Type mismatch between parsed tensor ({shown}) and dtype ({dtype.name})")
    return from_proto(proto)


class SerializeTensor(Op):
    """A tensor as a serialized TensorProto."""

    signature = "tensor: T -> serialized: string[]"
    T = ANY
    differentiable = False

    def eager(self, tensor):
        return strings([to_proto(tensor, self.T, is_packed=True).SerializeToString()], ())


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


class DecodeJSONExample(Op):
    """Examples in JSON as serialized examples."""

    signature = "json_examples: string -> binary_examples: string[json_examples]"

    def eager(self, json_examples):
        def convert(text):
            try:
                return _unpacked(json_format.Parse(text, Example()))
            except json_format.ParseError as error:
                raise self.invalid(f"Error while parsing JSON: {error}") from None

        return each(convert, json_examples)
