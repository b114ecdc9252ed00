"""Constants, placeholders and fills."""

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.calls.attributes import TensorValue
from penstock._src.core.calls.binding import kernel_name
from penstock._src.core.calls.facts import (
    Effects,
    Elements,
    HostKernel,
    Permissions,
    Slices,
    Values,
)
from penstock._src.core.dtypes import DType
from penstock._src.core.errors import InvalidArgumentError, UnimplementedError
from penstock._src.core.op import Op
from penstock._src.core.registry import raw
from penstock._src.core.shapes import UNKNOWN, TensorShape, make_shape
from penstock._src.core.typesets import ANY, BOOL, COMPLEX, FLOAT, INDEX, INTEGER
from penstock._src.core.values.arrays import empty_pooled
from penstock._src.filesystems.local.system import plain
from penstock._src.filesystems.translation import translated
from penstock._src.ir.errors import NotLowerable
from penstock._src.ops import infer
from penstock._src.ops.rules import dims_of, quiet, show, sum_over
from penstock._src.util.lazy import ByName

EMPTY_STRING = b""
# Of serialized variants, which few programs have: messages are imported for them alone.
_ZERO_VARIANT = ByName("penstock._src.ops.tensor_proto", "zero_variant")


def zero_of(dtype: DType) -> object:
    """Returns the zero of a dtype; for strings, the empty string."""
    return EMPTY_STRING if dtype is dtypes.string else dtype.np.type(0)


class Const(Op):
    """A constant."""

    signature = "-> output: dtype"
    value: TensorValue
    dtype: DType
    differentiable = False
    elements = Elements(is_movement=True)
    values = Values(has_static_value=True)

    def shape(self):
        return make_shape(np.shape(self.value))

    def eager(self):
        return np.asarray(self.value, self.dtype.np)

    def lower(self, p):
        if self.dtype.np.hasobject:
            raise NotLowerable(f"a constant of type {self.dtype.name}")
        return p.constant(np.asarray(self.value, self.dtype.np), self.dtype)


class HostConst(Const):
    """A constant in the host's memory."""


class ImmutableConst(Op):
    """A constant in a memory-mapped file."""

    signature = "-> tensor: dtype[*shape]"
    permissions = Permissions(capabilities="read_files", file_arguments="memory_region_name")
    dtype: DType
    shape: TensorShape
    memory_region_name: str

    def eager(self):
        if self.dtype.np.hasobject:
            raise UnimplementedError(f"ImmutableConst: type {self.dtype.name} has no plain bytes.")
        path = self.memory_region_name
        with translated(path):
            return np.memmap(plain(path), self.dtype.np, "r", 0, tuple(self.shape.as_list()))


# -- placeholders ----------------------------------------------------------------------------------


class _Placeholder(Op):
    """A value that is fed when the graph runs."""

    signature = "-> output: dtype"
    dtype: DType

    host_kernel = HostKernel(takes_name=True)

    def output_shape(self):
        return self.attrs["shape"]

    def eager(self, name="Placeholder"):
        shape = self.attrs["shape"]
        known = "" if shape.rank is None else f" and shape {show(shape)}"
        raise InvalidArgumentError(
            f"You must feed a value for placeholder tensor '{name}' with dtype "
            f"{kernel_name(self.dtype)}{known}"
        )


class Placeholder(_Placeholder):
    """A value that is fed when the graph runs."""

    shape: TensorShape = UNKNOWN
    elements = Elements(is_movement=True)


class PlaceholderV2(_Placeholder):
    """A value that is fed when the graph runs; the older form of Placeholder."""

    dtype: DType
    shape: TensorShape


class PlaceholderWithDefault(Op):
    """The input, unless another value is fed."""

    signature = "input: dtype -> output: dtype"
    dtype = ANY
    slices = Slices(accepted=True)
    shape: TensorShape

    def output_shape(self, input):
        input.assert_is_compatible_with(self.attrs["shape"])
        return self.attrs["shape"]

    def gradient(self, _input, _output, dy):
        return dy

    def eager(self, input):
        return input

    def lower(self, p, input):
        return input


# -- fills -----------------------------------------------------------------------------------------


class Fill(Op):
    """A tensor of a shape filled with one value."""

    signature = "dims: index_type, value: T -> output: T"
    T = ANY
    index_type: INDEX = dtypes.int32
    values = Values(keeps_finite=True, has_static_value=True)

    def shape(self, dims, value):
        value.with_rank(0)
        dims.with_rank(1)
        if dims.value is not None and (np.asarray(dims.value) < 0).any():
            raise ValueError("Fill dimensions must be >= 0")
        return infer.held(dims)

    def gradient(self, _dims, _value, _output, dy):
        rank = dy.shape.rank
        every = (
            raw.Range(np.int32(0), raw.Rank(dy), np.int32(1)) if rank is None else list(range(rank))
        )
        return None, sum_over(dy, every)

    def eager(self, dims, value):
        if dims.ndim > 1 or (dims.ndim == 0 and dims.size != 1):
            raise self.invalid(f"dims must represent a vector, got shape {show(dims.shape)}")
        for d in dims.ravel():
            if d < 0:
                raise self.invalid(f"Dimension {d} must be >= 0")
        if self.T.is_numpy_compatible and value.size != 1:
            raise self.invalid(f"value must represent a scalar, got shape {show(value.shape)}")
        shape = tuple(dims.ravel().tolist())
        if not isinstance(value, np.ndarray):
            out = np.empty(shape, object)
            out[...] = value
            return out
        if not any(value.tobytes()):  # -0.0 is another number
            return np.zeros(shape, self.T.np)  # memory that the system has cleared
        filled = empty_pooled(shape, self.T.np)
        filled[...] = value.reshape(())
        return filled

    def lower(self, p, dims, value):
        if self.T.np.hasobject or value.shape:
            raise NotLowerable(f"a fill of type {self.T.name}")
        shape = dims_of(p, dims, "the shape")
        if any(d < 0 for d in shape):
            raise NotLowerable("a negative dimension")
        return p.broadcast_to(value, shape)


class ZerosLike(Op):
    """Zeros (for strings, empty strings) with the shape and dtype of x."""

    signature = "x: T -> y: T[x]"
    host_kernel = HostKernel(is_view=True)
    T = ANY
    differentiable = False
    elements = Elements(is_elementwise=True)
    values = Values(has_static_value=True)

    def held(self, x):
        return x.handle_data

    def eager(self, x):
        if self.T == dtypes.variant:
            return _ZERO_VARIANT(x) if isinstance(x, np.ndarray) else x.zeros_like()
        if self.T == dtypes.string:
            return np.full(x.shape, EMPTY_STRING, object)
        return np.zeros(x.shape, self.T.np)

    def lower(self, p, x):
        if self.T.np.hasobject:
            raise NotLowerable(f"zeros of type {self.T.name}")
        return p.full(x.shape, 0, self.T)


class OnesLike(Op):
    """Ones in the shape and type of x."""

    signature = "x: T -> y: T[x]"
    host_kernel = HostKernel(is_view=True)
    T = FLOAT | INTEGER | COMPLEX | BOOL
    differentiable = False
    elements = Elements(is_elementwise=True)
    values = Values(has_static_value=True)

    def eager(self, x):
        ones = empty_pooled(x.shape, self.T.np)  # np.ones takes three times as long for a few
        ones.fill(1)
        return ones

    def lower(self, p, x):
        return p.full(x.shape, 1, self.T)


class Empty(Op):
    """An uninitialized tensor of a shape; zeros with `init`."""

    signature = "shape: int32 -> output: dtype"
    dtype: DType
    init: bool = False
    stateful = True
    effects = Effects(leaves_nothing=True)

    def output_shape(self, shape):
        shape.with_rank(1)
        return infer.held(shape)

    @quiet
    def eager(self, shape):
        if shape.ndim != 1:
            raise self.invalid(f"shape must be a vector of int32, got shape {show(shape.shape)}")
        for d in shape:
            if d < 0:
                raise self.invalid(f"Dimension {d} must be >= 0")
        return np.full(tuple(shape.tolist()), zero_of(self.dtype), self.dtype.np)

    def lower(self, p, shape):
        if self.dtype.np.hasobject:
            raise NotLowerable(f"elements of type {self.dtype.name}")
        return p.full(dims_of(p, shape, "the shape"), 0, self.dtype)
