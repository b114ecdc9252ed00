"""TensorFlow 1's tensor arrays: mutable arrays of tensors, referenced by a handle.

A dummy number, the `flow`, is passed from op to op to order them. The handle is a resource in V3, a string in V2 and a
reference in V1 (see tensor_array_v1.py).
"""

import numpy as np

from penstock._src.core.dtypes import DType
from penstock._src.core.op import Op
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape
from penstock._src.ops.dataflow.arrays import HostArray, array_of
from penstock._src.ops.rules import show

FLOW = np.float32(0)


class _Make(Op):
    differentiable = False
    identical_element_shapes = False

    def made(self, size):
        """The new array."""
        if int(size) < 0:
            raise self.invalid("Size should be >= 0.")
        return HostArray(
            self.dtype,
            int(size),
            self.element_shape,
            self.dynamic_size,
            self.clear_after_read,
            self.identical_element_shapes,
            self.tensor_array_name,
        )


class TensorArrayV3(_Make):
    """A new array of `size` elements, and its first flow."""

    signature = "size: int32 -> handle: resource[], flow: float32[]"
    ranks = {"size": (0,)}
    dtype: DType
    element_shape: TensorShape = TensorShape(None)
    dynamic_size: bool = False
    clear_after_read: bool = True
    identical_element_shapes: bool = False
    tensor_array_name: str = ""

    def eager(self, size):
        return self.made(size), FLOW


class _ArrayOp(Op):
    stateful = True
    version = "V3"

    def raw(self, name, **inputs):
        """Calls the op of that name and of this version."""
        return getattr(raw, f"TensorArray{name}{self.version}")(**inputs)

    def of_gradients(self, handle, flow):
        """The array of the gradients, and its flow."""
        gradients = self.raw("Grad", handle=handle, flow_in=flow, source="gradients")
        if self.version == "V3":
            return gradients
        return gradients, flow


class TensorArrayGradV3(_ArrayOp):
    """The array that accumulates the gradients of an array's elements, one for each `source`."""

    signature = (
        "handle: resource, flow_in: float32[] -> grad_handle: resource[], flow_out: float32[]"
    )
    source: str
    differentiable = False

    def eager(self, handle, flow_in):
        return array_of(handle).gradients(self.source), flow_in


class TensorArrayGradWithShape(_ArrayOp):
    """TensorArrayGradV3 whose elements have additional leading dimensions."""

    signature = """handle: resource, flow_in: float32[], shape_to_prepend: int32
        -> grad_handle: resource[], flow_out: float32[]"""
    source: str
    differentiable = False

    def eager(self, handle, flow_in, shape_to_prepend):
        lead = tuple(int(d) for d in shape_to_prepend)
        return array_of(handle).gradients(self.source, lead), flow_in


class TensorArrayWriteV3(_ArrayOp):
    """Puts a value at an index."""

    signature = (
        "handle: resource, index: int32, value: T, flow_in: float32[] -> flow_out: float32[]"
    )

    def gradient(self, handle, index, _value, _flow_in, _flow_out, dflow):
        array, flow = self.of_gradients(handle, dflow)
        return (
            None,
            None,
            self.raw("Read", handle=array, index=index, flow_in=flow, dtype=self.T),
            dflow,
        )

    def eager(self, handle, index, value, flow_in):
        array_of(handle).write(int(index), value, self.T)
        return flow_in


class TensorArrayReadV3(_ArrayOp):
    """The value at an index."""

    signature = "handle: resource, index: int32, flow_in: float32[] -> value: dtype[...]"
    dtype: DType

    def gradient(self, handle, index, flow_in, _value, dy):
        array, flow = self.of_gradients(handle, flow_in)
        return None, None, self.raw("Write", handle=array, index=index, value=dy, flow_in=flow)

    def eager(self, handle, index, flow_in):
        return array_of(handle).read(int(index), self.dtype)


class TensorArrayGatherV3(_ArrayOp):
    """The values at some indices, stacked."""

    signature = "handle: resource, indices: int32, flow_in: float32[] -> value: dtype"
    dtype: DType
    element_shape: TensorShape = TensorShape(None)

    def shape(self, handle, indices, flow_in):
        return TensorShape([indices[0]]).concatenate(self.element_shape)

    def gradient(self, handle, indices, flow_in, _value, dy):
        array, flow = self.of_gradients(handle, flow_in)
        return (
            None,
            None,
            self.raw("Scatter", handle=array, indices=indices, value=dy, flow_in=flow),
        )

    def eager(self, handle, indices, flow_in):
        return array_of(handle).stacked(indices.tolist(), self.dtype, self.element_shape)


class TensorArrayScatterV3(_ArrayOp):
    """Puts the rows of a value at some indices."""

    signature = """handle: resource, indices: int32, value: T, flow_in: float32[]
        -> flow_out: float32[]"""

    def gradient(self, handle, indices, _value, _flow_in, _flow_out, dflow):
        array, flow = self.of_gradients(handle, dflow)
        rows = self.raw("Gather", handle=array, indices=indices, flow_in=flow, dtype=self.T)
        return None, None, rows, dflow

    def eager(self, handle, indices, value, flow_in):
        array = array_of(handle)
        if len(indices) != len(value):
            raise invalid_rows(self, len(indices), value)
        for index, row in zip(indices.tolist(), value):
            array.write(index, np.asarray(row, value.dtype), self.T)
        return flow_in


class TensorArrayConcatV3(_ArrayOp):
    """All values concatenated along their first dimension, and the length of each."""

    signature = "handle: resource, flow_in: float32[] -> value: dtype[...], lengths: int64[?]"
    dtype: DType
    element_shape_except0: TensorShape = TensorShape(None)

    def gradient(self, handle, flow_in, _value, lengths, dy, _dlengths):
        array, flow = self.of_gradients(handle, flow_in)
        return None, self.raw("Split", handle=array, value=dy, lengths=lengths, flow_in=flow)

    def eager(self, handle, flow_in):
        return array_of(handle).joined(self.dtype)


class TensorArraySplitV3(_ArrayOp):
    """Splits a value into pieces of the given lengths and writes them in order."""

    signature = """handle: resource, value: T, lengths: int64, flow_in: float32[]
        -> flow_out: float32[]"""

    def gradient(self, handle, _value, _lengths, _flow_in, _flow_out, dflow):
        array, flow = self.of_gradients(handle, dflow)
        return None, self.raw("Concat", handle=array, flow_in=flow, dtype=self.T)[0], None, dflow

    def eager(self, handle, value, lengths, flow_in):
        array = array_of(handle)
        if lengths.sum() != len(value):
            raise invalid_rows(self, int(lengths.sum()), value)
        bounds = [0, *np.cumsum(lengths).tolist()]
        for index, (begin, end) in enumerate(zip(bounds[:-1], bounds[1:])):
            array.write(index, value[begin:end], self.T)
        return flow_in


class TensorArraySizeV3(_ArrayOp):
    """The number of elements."""

    signature = "handle: resource, flow_in: float32[] -> size: int32[]"
    differentiable = False

    def eager(self, handle, flow_in):
        return np.int32(len(array_of(handle).items))


class TensorArrayCloseV3(_ArrayOp):
    """Forgets the elements."""

    signature = "handle: resource ->"
    differentiable = False

    def eager(self, handle):
        array_of(handle).close()


def invalid_rows(op, count, value):
    """The error for a value with the wrong number of rows."""
    return op.invalid(f"expected a value of {count} rows. Received shape {show(np.shape(value))}")
