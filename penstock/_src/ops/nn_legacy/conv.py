"""Convolution gradients that take a tensor instead of a shape, and convolutions fused with padding."""

from typing import Literal

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.calls.facts import HEAVY, HostKernel
from penstock._src.core.op import Op
from penstock._src.core.typesets import FLOAT
from penstock._src.ops.image.interpolation import resampled
from penstock._src.ops.image.taps import bilinear_taps
from penstock._src.ops.nn import conv
from penstock._src.ops.nn import convolution as cv
from penstock._src.ops.rules import ints
from penstock._src.util.signatures import read_only


class Conv2DBackpropInputV2(conv._ByInput):
    """The gradient of Conv2D with respect to its input, which is passed for its shape."""

    signature = "input: T, filter: T, out_backprop: T -> output: T[input]"
    ranks = {"input": (4,)}
    T = FLOAT | frozenset({dtypes.int32})
    strides: list[int]
    use_cudnn_on_gpu: bool = True
    padding: Literal["SAME", "VALID", "EXPLICIT"]
    explicit_paddings: list[int] = []
    data_format: Literal["NHWC", "NCHW"] = "NHWC"
    dilations: list[int] = [1, 1, 1, 1]

    def eager(self, input, filter, out_backprop):
        return super().eager(ints(input.shape), filter, out_backprop)

    def lower(self, p, input, filter, out_backprop):
        c = self._geometry(input.shape, filter, out_backprop)
        return cv.lower_input_gradient(p, c, input.shape, filter, out_backprop)


class Conv2DBackpropFilterV2(conv._ByFilter):
    """The gradient of Conv2D with respect to its filter, which is passed for its shape."""

    host_kernel = HostKernel(compiles_from=HEAVY, alike="filter")
    signature = "input: T, filter: T, out_backprop: T -> output: T[filter]"
    ranks = {"filter": (4,)}
    strides: list[int]
    use_cudnn_on_gpu: bool = True
    padding: Literal["SAME", "VALID", "EXPLICIT"]
    explicit_paddings: list[int] = []
    data_format: Literal["NHWC", "NCHW"] = "NHWC"
    dilations: list[int] = [1, 1, 1, 1]
    lower = None

    def eager(self, input, filter, out_backprop):
        return super().eager(input, ints(filter.shape), out_backprop)


class Conv3DBackpropInput(conv._ByInput):
    """The gradient of Conv3D with respect to its input, which is passed for its shape."""

    signature = "input: T, filter: T, out_backprop: T -> output: T"
    minimum = {"strides": 5}
    T = frozenset({dtypes.float16, dtypes.float32, dtypes.float64})
    strides: list[int]
    padding: Literal["SAME", "VALID"]
    dilations: list[int] = [1, 1, 1, 1, 1]
    spatial, data_format = 3, "NDHWC"
    shape, lower = Conv2DBackpropInputV2.shape, Conv2DBackpropInputV2.lower

    def eager(self, input, filter, out_backprop):
        return super().eager(ints(input.shape), filter, out_backprop)


class Conv3DBackpropFilter(conv._ByFilter):
    """The gradient of Conv3D with respect to its filter, which is passed for its shape."""

    host_kernel = HostKernel(compiles_from=HEAVY, alike="filter")
    signature = "input: T, filter: T, out_backprop: T -> output: T"
    minimum = {"strides": 5}
    T = frozenset({dtypes.float16, dtypes.float32, dtypes.float64})
    strides: list[int]
    padding: Literal["SAME", "VALID"]
    dilations: list[int] = [1, 1, 1, 1, 1]
    lower = None
    spatial, data_format = 3, "NDHWC"
    shape = Conv2DBackpropFilterV2.shape

    def eager(self, input, filter, out_backprop):
        return super().eager(input, ints(filter.shape), out_backprop)


def _padded(op, input, paddings):
    mode = "reflect" if op.mode == "REFLECT" else "symmetric"
    return np.pad(input, [tuple(map(int, row)) for row in paddings], mode)


class FusedPadConv2D(Op):
    """A convolution of images that are padded by their reflection first."""

    signature = "input: T, paddings: int32, filter: T -> output: T[input[0], ?, ?, filter[-1]]"
    T = FLOAT
    mode: Literal["REFLECT", "SYMMETRIC"]
    strides: list[int]
    padding: Literal["SAME", "VALID"]
    data_format, explicit_paddings, dilations = "NHWC", (), (1, 1, 1, 1)

    def eager(self, input, paddings, filter):
        padded = _padded(self, input, paddings)
        c = cv.convolution(self, padded.shape, filter.shape, 2)
        return cv.forward(c, padded, filter)


class FusedResizeAndPadConv2D(Op):
    """A convolution of images that are resized, then padded by their reflection."""

    signature = """input: T, size: int32, paddings: int32, filter: T
        -> output: T[input[0], ?, ?, filter[-1]]"""
    T = frozenset({dtypes.float16, dtypes.float32, dtypes.float64})
    resize_align_corners: bool = False
    mode: Literal["REFLECT", "SYMMETRIC"]
    strides: list[int]
    padding: Literal["SAME", "VALID"]
    data_format, explicit_paddings, dilations = "NHWC", (), (1, 1, 1, 1)
    half_pixel_centers = False

    align_corners = read_only("resize_align_corners", "Value of the resize op's kernel attribute.")

    def eager(self, input, size, paddings, filter):
        rows, columns = (bilinear_taps(self, n, int(m)) for n, m in zip(input.shape[1:3], size))
        wide = np.promote_types(input.dtype, np.float32)
        resized = resampled(input.astype(wide), rows, columns).astype(input.dtype)
        padded = _padded(self, resized, paddings)
        c = cv.convolution(self, padded.shape, filter.shape, 2)
        return cv.forward(c, padded, filter)
