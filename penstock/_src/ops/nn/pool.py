"""Pooling: the maximum or the mean of every window, over any axes of images and volumes."""

from math import prod
from typing import Literal

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.calls.facts import HEAVY, HostKernel, Values
from penstock._src.core.errors import InvalidArgumentError, UnimplementedError
from penstock._src.core.op import Op
from penstock._src.core.registry import raw
from penstock._src.core.typesets import FLOAT, INDEX, REAL, SIGNED, SINGLE
from penstock._src.ir.errors import NotLowerable
from penstock._src.ops.nn.pooling import (
    average,
    average_gradient,
    equal_gradient,
    first_equal_places,
    first_places,
    known_pooling,
    lower_average,
    lower_average_gradient,
    lower_compared_places,
    lower_equal_gradient,
    lower_first_places,
    lower_max,
    lower_max_gradient,
    lower_take,
    max_gradient,
    maximum,
    output_shape,
    pooling,
    take_places,
)
from penstock._src.ops.nn.window import known_shape
from penstock._src.ops.rules import dims_of, quiet, shape_of, show, zeros_like


class _Max(Op):
    """The maximum of every window."""

    host_kernel = HostKernel(compiles_from=HEAVY)
    vectorize = "examples"

    def shape(self, input):
        return output_shape(self, input)

    @quiet
    def eager(self, input):
        return maximum(known_pooling(self, input.shape), input)

    def lower(self, p, input):
        return lower_max(p, pooling(self, input.shape), input)


class _MaxGradient(Op):
    """Passes each window's gradient to its first maximum."""

    host_kernel = HostKernel(compiles_from=HEAVY)
    vectorize = "examples, examples, examples"

    def shape(self, orig_input, orig_output, grad):
        return orig_input.with_rank(self.rank)

    @quiet
    def eager(self, orig_input, orig_output, grad):
        c = known_pooling(self, orig_input.shape)
        c.require_output(orig_output.shape, "orig_output")
        c.require_output(grad.shape)
        return max_gradient(c, first_places(c, orig_input), grad)

    def lower(self, p, orig_input, orig_output, grad):
        c = pooling(self, orig_input.shape)
        c.require_output(orig_output.shape, "orig_output")
        c.require_output(grad.shape)
        return lower_max_gradient(p, c, lower_first_places(p, c, orig_input, orig_output), grad)


def require_maxima(c, orig_input, orig_output, grad):
    """Raises InvalidArgumentError unless the maxima and the gradient have the right shapes."""
    c.require_output(orig_output.shape, "orig_output")
    if grad.shape != orig_input.shape:
        raise InvalidArgumentError(
            f"{c.op}: Expected grad shape to be {show(orig_input.shape)}, but got {show(grad.shape)}"
        )


class _MaxGradientGradient(Op):
    """Gathers from `grad` the element at the first maximum of every window."""

    signature = "orig_input: T, orig_output: T, grad: T -> output: T[orig_output]"
    T = REAL
    vectorize = "examples, examples, examples"
    ksize: list[int]
    strides: list[int]
    padding: Literal["SAME", "VALID"]

    @quiet
    def eager(self, orig_input, orig_output, grad):
        c = known_pooling(self, orig_input.shape)
        require_maxima(c, orig_input, orig_output, grad)
        return take_places(c, first_equal_places(c, orig_input, orig_output), grad)

    def lower(self, p, orig_input, orig_output, grad):
        c = pooling(self, orig_input.shape)
        require_maxima(c, orig_input, orig_output, grad)
        return lower_take(p, c, lower_first_places(p, c, orig_input, orig_output), grad)


class _Mean(Op):
    """The mean of the inputs in every window; padding does not count."""

    host_kernel = HostKernel(compiles_from=HEAVY)
    T = FLOAT
    ksize: list[int]
    strides: list[int]
    padding: Literal["SAME", "VALID"]

    values = Values(in_float32=True)
    vectorize = "examples"

    def eager_mean(self, x):
        return average(known_pooling(self, x.shape), x)

    def lower_mean(self, p, x):
        return lower_average(p, pooling(self, x.shape), x)


class _MeanGradient(Op):
    """Spreads each window's gradient evenly over its inputs."""

    signature = "orig_input_shape: int32, grad: T -> output: T"
    host_kernel = HostKernel(compiles_from=HEAVY)
    T = FLOAT
    ksize: list[int]
    strides: list[int]
    padding: Literal["SAME", "VALID"]

    values = Values(in_float32=True)

    ranks = {"orig_input_shape": (1,)}
    vectorize = "batch, examples"

    def shape(self, orig_input_shape, grad):
        return known_shape(orig_input_shape, grad.rank)

    @quiet
    def eager(self, orig_input_shape, grad):
        c = known_pooling(self, tuple([int(n) for n in orig_input_shape]))
        c.require_output(grad.shape)
        return average_gradient(c, grad)

    def lower(self, p, orig_input_shape, grad):
        shape = dims_of(p, orig_input_shape, "orig_input_shape")
        c = pooling(self, shape)
        c.require_output(grad.shape)
        return lower_average_gradient(p, c, grad)


class MaxPool(_Max):
    """The maximum of every window of NHWC or NCHW images."""

    signature = "input: T -> output: T"
    minimum = {"ksize": 4, "strides": 4}
    T: FLOAT | SIGNED | {dtypes.qint8, dtypes.uint16, dtypes.uint8} = dtypes.float32
    ksize: list[int]
    strides: list[int]
    padding: Literal["SAME", "VALID", "EXPLICIT"]
    explicit_paddings: list[int] = []
    data_format: Literal["NHWC", "NCHW", "NCHW_VECT_C"] = "NHWC"

    def gradient(self, input, output, dy):
        return raw.MaxPoolGrad(orig_input=input, orig_output=output, grad=dy, **_attrs(self))


class MaxPoolGrad(_MaxGradient):
    """The gradient of MaxPool: to the first maximum of each window."""

    signature = "orig_input: T, orig_output: T, grad: T -> output: T"
    rank = 4
    minimum = {"ksize": 4, "strides": 4}
    ksize: list[int]
    strides: list[int]
    padding: Literal["SAME", "VALID", "EXPLICIT"]
    explicit_paddings: list[int] = []
    data_format: Literal["NHWC", "NCHW"] = "NHWC"
    T: REAL = dtypes.float32

    def gradient(self, orig_input, orig_output, _grad, _output, dy):
        if self.padding == "EXPLICIT":
            raise UnimplementedError("MaxPoolGrad: its gradient with explicit padding is missing.")
        attrs = {k: v for k, v in _attrs(self).items() if k != "explicit_paddings"}
        by_grad = raw.MaxPoolGradGrad(
            orig_input=orig_input, orig_output=orig_output, grad=dy, **attrs
        )
        return zeros_like(orig_input), zeros_like(orig_output), by_grad


class MaxPoolGradGrad(_MaxGradientGradient):
    """The gradient of MaxPoolGrad with respect to its gradient."""

    minimum = {"ksize": 4, "strides": 4}

    data_format: Literal["NHWC", "NCHW"] = "NHWC"

    def gradient(self, orig_input, orig_output, _grad, _output, dy):
        by_grad = raw.MaxPoolGrad(
            orig_input=orig_input, orig_output=orig_output, grad=dy, **_attrs(self)
        )
        return zeros_like(orig_input), zeros_like(orig_output), by_grad


class MaxPool3D(_Max):
    """The maximum of every window of volumes."""

    signature = "input: T -> output: T"
    minimum = {"ksize": 5, "strides": 5}
    T = SINGLE
    ksize: list[int]
    strides: list[int]
    padding: Literal["SAME", "VALID"]
    data_format: Literal["NDHWC", "NCDHW"] = "NDHWC"

    def gradient(self, input, output, dy):
        return raw.MaxPool3DGrad(orig_input=input, orig_output=output, grad=dy, **_attrs(self))


class MaxPool3DGrad(_MaxGradient):
    """The gradient of MaxPool3D: to every input that equals the maximum."""

    signature = "orig_input: TInput, orig_output: TInput, grad: T -> output: T"
    rank = 5
    minimum = {"ksize": 5, "strides": 5}
    ksize: list[int]
    strides: list[int]
    padding: Literal["SAME", "VALID"]
    data_format: Literal["NDHWC", "NCDHW"] = "NDHWC"
    T: SINGLE = dtypes.float32
    TInput: SINGLE = dtypes.float32

    @quiet
    def eager(self, orig_input, orig_output, grad):
        c = known_pooling(self, orig_input.shape)
        c.require_output(orig_output.shape, "orig_output")
        c.require_output(grad.shape)
        return equal_gradient(c, orig_input, orig_output, grad)

    def lower(self, p, orig_input, orig_output, grad):
        c = pooling(self, orig_input.shape)
        c.require_output(orig_output.shape, "orig_output")
        c.require_output(grad.shape)
        return lower_equal_gradient(p, c, orig_input, orig_output, grad)

    def gradient(self, orig_input, orig_output, _grad, _output, dy):
        by_grad = raw.MaxPool3DGradGrad(
            orig_input=orig_input, orig_output=orig_output, grad=dy, **_attrs(self)
        )
        return zeros_like(orig_input), zeros_like(orig_output), by_grad


class MaxPool3DGradGrad(_MaxGradientGradient):
    """The gradient of MaxPool3DGrad with respect to its gradient."""

    minimum = {"ksize": 5, "strides": 5}

    data_format: Literal["NDHWC", "NCDHW"] = "NDHWC"

    def gradient(self, orig_input, orig_output, _grad, _output, dy):
        by_grad = raw.MaxPool3DGrad(
            orig_input=orig_input, orig_output=orig_output, grad=dy, **_attrs(self)
        )
        return zeros_like(orig_input), zeros_like(orig_output), by_grad


class AvgPool(_Mean):
    """The mean of every window of NHWC or NCHW images; padding does not count."""

    signature = "value: T -> output: T"
    ranks = {"value": (4,)}
    minimum = {"ksize": 4, "strides": 4}
    data_format: Literal["NHWC", "NCHW"] = "NHWC"

    def shape(self, value):
        return output_shape(self, value)

    def gradient(self, value, _output, dy):
        return raw.AvgPoolGrad(orig_input_shape=shape_of(value), grad=dy, **_attrs(self))

    @quiet
    def eager(self, value):
        return self.eager_mean(value)

    def lower(self, p, value):
        return self.lower_mean(p, value)


class AvgPoolGrad(_MeanGradient):
    """The gradient of AvgPool."""

    minimum = {"ksize": 4, "strides": 4}

    data_format: Literal["NHWC", "NCHW"] = "NHWC"

    def gradient(self, _orig_input_shape, _grad, _output, dy):
        return None, raw.AvgPool(value=dy, **_attrs(self))


class AvgPool3D(_Mean):
    """The mean of every window of volumes; padding does not count."""

    signature = "input: T -> output: T"
    minimum = {"ksize": 5, "strides": 5}
    data_format: Literal["NDHWC", "NCDHW"] = "NDHWC"

    def shape(self, input):
        return output_shape(self, input)

    def gradient(self, input, _output, dy):
        return raw.AvgPool3DGrad(orig_input_shape=shape_of(input), grad=dy, **_attrs(self))

    @quiet
    def eager(self, input):
        return self.eager_mean(input)

    def lower(self, p, input):
        return self.lower_mean(p, input)


class AvgPool3DGrad(_MeanGradient):
    """The gradient of AvgPool3D."""

    minimum = {"ksize": 5, "strides": 5}

    data_format: Literal["NDHWC", "NCDHW"] = "NDHWC"

    def gradient(self, _orig_input_shape, _grad, _output, dy):
        return None, raw.AvgPool3D(input=dy, **_attrs(self))


MOST_TAPS = 64  # elements of a window that are compared one by one


class _WithPlaces:
    """The attributes of MaxPoolWithArgmax under MaxPool's names."""

    def __init__(self, op):
        self.op_type, self.padding, self.data_format = op.op_type, op.padding, "NHWC"
        self.ksize, self.strides, self.explicit_paddings = op.ksize, op.strides, ()


class MaxPoolWithArgmax(Op):
    """The maximum of every window, and its index in the flattened image (or batch)."""

    signature = "input: T -> output: T, argmax: Targmax"
    ranks = {"input": (4,)}
    host_kernel = HostKernel(compiles_from=HEAVY)
    minimum = {"ksize": 4, "strides": 4}
    T = REAL
    ksize: list[int]
    strides: list[int]
    Targmax: INDEX = dtypes.int64
    padding: Literal["SAME", "VALID"]
    include_batch_in_index: bool = False

    def shape(self, input):
        shape = output_shape(_WithPlaces(self), input)
        return shape, shape

    def gradient(self, input, _output, argmax, dy, _dargmax):
        return raw.MaxPoolGradWithArgmax(
            input=input,
            grad=dy,
            argmax=argmax,
            ksize=list(self.ksize),
            strides=list(self.strides),
            padding=self.padding,
            include_batch_in_index=self.include_batch_in_index,
        )

    @quiet
    def eager(self, input):
        if not input.size:
            raise self.invalid(f"tensor_in must not be empty: {show(input.shape)}")
        c = pooling(_WithPlaces(self), input.shape)
        places = self._flat_places(c, first_places(c, input), input.shape)
        return maximum(c, input), places.astype(self.Targmax.as_numpy_dtype)

    def _flat_places(self, c, places, shape):
        """Converts indices inside windows to indices in the image."""
        sizes = [w.size for w in c.windows]
        inside = np.unravel_index(places, sizes) if sizes else ()
        coordinates = list(np.indices(places.shape, sparse=True))
        for axis, w, offset in zip(c.axes, c.windows, inside, strict=True):
            coordinates[axis] = coordinates[axis] * w.stride - w.low + offset
        flat = (coordinates[1] * shape[2] + coordinates[2]) * shape[3] + coordinates[3]
        if self.include_batch_in_index:
            flat = flat + coordinates[0] * (shape[1] * shape[2] * shape[3])
        return flat

    def lower(self, p, input):
        if not input.size:
            raise NotLowerable("no elements")
        c = pooling(_WithPlaces(self), input.shape)
        if prod(c.sizes) > MOST_TAPS:
            raise NotLowerable("large windows")
        out, _, height, width, channels = c.output(), *input.shape
        coordinates = [p.iota(out, axis, dtypes.int64) for axis in range(4)]
        rest = p.cast(lower_compared_places(p, c, input), dtypes.int64)
        for axis, w in reversed(list(zip(c.axes, c.windows, strict=True))):
            coordinates[axis] = coordinates[axis] * w.stride - w.low + p.mod(rest, w.size)
            rest = p.floordiv(rest, w.size)
        image, row, column, channel = coordinates
        flat = (row * width + column) * channels + channel
        if self.include_batch_in_index:
            flat = flat + image * (height * width * channels)
        return lower_max(p, c, input), p.cast(flat, self.Targmax)


class MaxPoolGradWithArgmax(Op):
    """Adds each gradient at the index that MaxPoolWithArgmax found."""

    signature = "input: T, grad: T, argmax: Targmax -> output: T[input]"
    ranks = {"input": (4,)}
    minimum = {"ksize": 4, "strides": 4}
    Targmax = INDEX
    T = REAL
    ksize: list[int]
    strides: list[int]
    padding: Literal["SAME", "VALID"]
    include_batch_in_index: bool = False

    @quiet
    def eager(self, input, grad, argmax):
        out = np.zeros(input.size, grad.dtype)
        np.add.at(out, _batch_places(self, input, argmax), grad)
        return out.reshape(input.shape)

    def lower(self, p, input, grad, argmax):
        if tuple(grad.shape) != tuple(argmax.shape) or not input.size or not grad.size:
            raise NotLowerable("gradients and indices of different shapes, or no elements")
        images, *image = input.shape
        size = prod(image)
        flat = p.cast(argmax, dtypes.int64)
        if not self.include_batch_in_index:
            flat = flat + p.iota(argmax.shape, 0, dtypes.int64) * size
        inside = p.and_(p.ge(flat, 0), p.lt(flat, images * size))
        message = (
            f"{self.op_type}: argmax has a value outside of the input of shape {show(input.shape)}"
        )
        p.check(p.reduce_all(inside), message, [input, grad, argmax])
        zeros = p.full((images * size,), 0, grad.dtype)
        places, numbers = p.reshape(flat, (-1, 1)), p.reshape(grad, (-1,))
        return p.reshape(p.scatter(zeros, places, numbers, op="add"), input.shape)


class MaxPoolGradGradWithArgmax(Op):
    """Gathers the elements at the indices that MaxPoolWithArgmax found."""

    signature = "input: T, grad: T, argmax: Targmax -> output: T[argmax]"
    ranks = {"input": (4,), "argmax": (4,)}
    minimum = {"ksize": 4, "strides": 4}
    Targmax = INDEX
    T = REAL
    ksize: list[int]
    strides: list[int]
    padding: Literal["SAME", "VALID"]
    include_batch_in_index: bool = False

    @quiet
    def eager(self, input, grad, argmax):
        require_maxima(known_pooling(self, input.shape), input, argmax, grad)
        return grad.reshape(-1)[_batch_places(self, input, argmax)]


def _batch_places(op, input, argmax):
    if argmax.ndim != 4:
        raise op.invalid(f"argmax must be 4-dimensional. Received {show(argmax.shape)}")
    flat = argmax.astype(np.int64)
    if not op.include_batch_in_index:
        image = int(np.prod(input.shape[1:]))
        flat = flat + np.arange(input.shape[0])[:, None, None, None] * image
    if flat.size and (flat.min() < 0 or flat.max() >= input.size):
        raise op.invalid(f"argmax has a value outside of the input of shape {show(input.shape)}")
    return flat


def _attrs(op):
    """The attributes shared by a pooling and its gradients."""
    names = ("ksize", "strides", "padding", "explicit_paddings", "data_format")
    return {n: op.attrs[n] for n in names if n in op.attrs}
