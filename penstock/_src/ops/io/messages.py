"""Tensors and examples as serialized messages."""

import numpy as np
from google.protobuf import json_format
from google.protobuf.message import DecodeError

from penstock._src.core import dtypes
from penstock._src.core.dtypes import DType
from penstock._src.core.op import Op
from penstock._src.core.typesets import ANY
from penstock._src.ops.rules import invalid
from penstock._src.ops.strings.elements import each, strings
from penstock._src.ops.tensor_proto import from_proto, to_proto
from penstock._src.proto.example import Example
from penstock._src.proto.tensor import TensorProto


def tensor_of(op, data, dtype):
    """The array in a serialized TensorProto of the given type."""
    try:
        proto = TensorProto.FromString(data)
    except DecodeError as error:
        raise invalid(op, f"Cannot parse tensor from proto: {error}") from None
    held = dtypes.as_dtype(proto.dtype) if proto.dtype else None
    if held != dtype:
        shown = held.name if held is not None else "DT_INVALID"
        raise invalid(op, f"Type mismatch between parsed tensor ({shown}) and dtype ({dtype.name})")
    return from_proto(proto)


class SerializeTensor(Op):
    """A tensor as a serialized TensorProto."""

    signature = "tensor: T -> serialized: string"
    T = ANY
    differentiable = False

    def shape(self, tensor):
        return ()

    def eager(self, tensor):
        return strings([to_proto(tensor, self.T).SerializeToString()], ())


class ParseTensor(Op):
    """The tensor in a serialized TensorProto."""

    signature = "serialized: string -> output: out_type"
    out_type: DType
    differentiable = False

    def eager(self, serialized):
        if serialized.ndim:
            raise invalid(
                self, f"Expected `serialized` to be a scalar, got shape: {list(serialized.shape)}"
            )
        return np.array(tensor_of(self, serialized.item(), self.out_type))


class DecodeJSONExample(Op):
    """Examples in JSON as serialized examples."""

    signature = "json_examples: string -> binary_examples: string"
    differentiable = False

    def shape(self, json_examples):
        return json_examples

    def eager(self, json_examples):
        def convert(text):
            try:
                return json_format.Parse(text, Example()).SerializeToString()
            except json_format.ParseError as error:
                raise invalid(self, f"Error while parsing JSON: {error}") from None

        return each(convert, json_examples)
