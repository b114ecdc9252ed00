"""Pooling with window and strides as inputs."""

from typing import Literal

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.op import Op
from penstock._src.core.registry import raw
from penstock._src.core.typesets import FLOAT, REAL, SIGNED
from penstock._src.ops.nn.pool import require_maxima
from penstock._src.ops.nn.pooling import (
    first_equal_places,
    first_places,
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
from penstock._src.ops.rules import value_of, zeros_like


class _Dynamic:
    """Attributes of a pooling op from its window inputs, which may have any shape with four elements."""

    def __init__(self, op, ksize, strides):
        for name, sizes in (("ksize", ksize), ("strides", strides)):
            if np.size(sizes) != 4:
                raise op.invalid(f"Sliding window {name} field must specify 4 dimensions")
        ksize, strides = np.ravel(ksize), np.ravel(strides)
        self.op_type, self.padding, self.data_format = op.op_type, op.padding, op.data_format
        self.ksize, self.strides = [int(k) for k in ksize], [int(s) for s in strides]
        self.explicit_paddings = ()


class MaxPoolV2(Op):
    """MaxPool with the window and its strides as inputs."""

    signature = "input: T, ksize: int32, strides: int32 -> output: T"
    ranks = {"input": (4,)}
    extents = {"ksize": "4", "strides": "4"}
    vectorize = "examples, shared, shared"
    T: FLOAT | SIGNED | {dtypes.qint8, dtypes.uint16, dtypes.uint8} = dtypes.float32
    padding: Literal["SAME", "VALID"]
    data_format: Literal["NHWC", "NCHW", "NCHW_VECT_C"] = "NHWC"

    def shape(self, input, ksize, strides):
        if ksize.value is None or strides.value is None:
            return [None] * 4
        try:
            return output_shape(_Dynamic(self, ksize.value, strides.value), input)
        except InvalidArgumentError as error:
            raise ValueError(str(error)) from None

    def gradient(self, input, ksize, strides, output, dy):
        by_input = raw.MaxPoolGradV2(
            orig_input=input,
            orig_output=output,
            grad=dy,
            ksize=ksize,
            strides=strides,
            padding=self.padding,
            data_format=self.data_format,
        )
        return by_input, None, None

    def eager(self, input, ksize, strides):
        return maximum(pooling(_Dynamic(self, ksize, strides), input.shape), input)

    def lower(self, p, input, ksize, strides):
        sizes, steps = value_of(p, ksize, "ksize"), value_of(p, strides, "strides")
        return lower_max(p, pooling(_Dynamic(self, sizes, steps), input.shape), input)


class MaxPoolGradV2(Op):
    """MaxPoolGrad with the window and its strides as inputs."""

    signature = """orig_input: T, orig_output: T, grad: T, ksize: int32, strides: int32
        -> output: T[orig_input]"""
    ranks = {"orig_input": (4,)}
    vectorize = "examples, examples, examples, shared, shared"
    padding: Literal["SAME", "VALID"]
    data_format: Literal["NHWC", "NCHW"] = "NHWC"
    T: REAL = dtypes.float32

    def gradient(self, orig_input, orig_output, _grad, ksize, strides, _output, dy):
        by_grad = raw.MaxPoolGradGradV2(
            orig_input=orig_input,
            orig_output=orig_output,
            grad=dy,
            ksize=ksize,
            strides=strides,
            padding=self.padding,
            data_format=self.data_format,
        )
        return zeros_like(orig_input), zeros_like(orig_output), by_grad, None, None

    def eager(self, orig_input, orig_output, grad, ksize, strides):
        c = pooling(_Dynamic(self, ksize, strides), orig_input.shape)
        c.require_output(orig_output.shape, "orig_output")
        c.require_output(grad.shape)
        return max_gradient(c, first_places(c, orig_input), grad)

    def lower(self, p, orig_input, orig_output, grad, ksize, strides):
        sizes, steps = value_of(p, ksize, "ksize"), value_of(p, strides, "strides")
        c = pooling(_Dynamic(self, sizes, steps), orig_input.shape)
        c.require_output(orig_output.shape, "orig_output")
        c.require_output(grad.shape)
        return lower_max_gradient(p, c, lower_first_places(p, c, orig_input, orig_output), grad)


class MaxPoolGradGradV2(Op):
    """MaxPoolGradGrad with the window and its strides as inputs."""

    signature = """orig_input: T, orig_output: T, grad: T, ksize: int32, strides: int32
        -> output: T[orig_output]"""
    ranks = {"orig_input": (4,)}
    extents = {"ksize": "4", "strides": "4"}
    T = REAL
    vectorize = "examples, examples, examples, shared, shared"
    padding: Literal["SAME", "VALID"]
    data_format: Literal["NHWC", "NCHW"] = "NHWC"

    def eager(self, orig_input, orig_output, grad, ksize, strides):
        c = pooling(_Dynamic(self, ksize, strides), orig_input.shape)
        require_maxima(c, orig_input, orig_output, grad)
        return take_places(c, first_equal_places(c, orig_input, orig_output), grad)

    def lower(self, p, orig_input, orig_output, grad, ksize, strides):
        sizes, steps = value_of(p, ksize, "ksize"), value_of(p, strides, "strides")
        c = pooling(_Dynamic(self, sizes, steps), orig_input.shape)
        require_maxima(c, orig_input, orig_output, grad)
        return lower_take(p, c, lower_first_places(p, c, orig_input, orig_output), grad)
