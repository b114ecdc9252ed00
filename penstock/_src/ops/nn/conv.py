"""Convolutions over two, three, or any number of spatial axes, with their gradients."""

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.calls.facts import HEAVY, SLOWEST, Elements, HostKernel
from penstock._src.core.op import Op
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape
from penstock._src.core.typesets import FLOAT, INDEX
from penstock._src.ir.errors import NotLowerable
from penstock._src.ir.extents.dims import is_symbolic
from penstock._src.ops.nn import convolution as cv
from penstock._src.ops.nn.window import channel_axis, known_shape
from penstock._src.ops.rules import dims_of, shape_of

NO_FILTER = "filter must not have zero elements (i.e. all dimensions must be non-zero)"


class _Forward(Op):
    """Base of forward convolutions; `spatial` is the number of spatial axes."""

    spatial = 2
    vectorize = "examples, shared"
    host_kernel = HostKernel(compiles_from=SLOWEST, alike="filter")

    def shape(self, input, filter):
        return cv.output_shape(self, input, filter, self.spatial)

    def eager(self, input, filter):
        if filter.size == 0:
            return self.without_filter(input, filter)
        c = cv.known_convolution(self, input.shape, filter.shape, self.spatial)
        return cv.forward(c, input, filter)

    def without_filter(self, _input, _filter):
        raise self.invalid(NO_FILTER)

    def lower(self, p, input, filter):
        if 0 in filter.shape:
            raise NotLowerable("empty filters")
        c = cv.convolution(self, input.shape, filter.shape, self.spatial)
        return cv.lower_forward(p, c, input, filter)


class _ByInput(Op):
    """The gradient of a convolution with respect to its input."""

    ranks = {"input_sizes": (1,)}
    spatial = 2
    host_kernel = HostKernel(compiles_from=HEAVY, alike="filter")

    def shape(self, input_sizes, filter, out_backprop):
        shape = known_shape(input_sizes, self.spatial + 2)
        return shape.with_rank(self.spatial + 2)

    def eager(self, input_sizes, filter, out_backprop):
        c = self._geometry(self._full(input_sizes, filter, out_backprop), filter, out_backprop)
        shape = self._full(input_sizes, filter, out_backprop)
        return cv.input_gradient(c, shape, filter, out_backprop)

    def lower(self, p, input_sizes, filter, out_backprop):
        sizes = dims_of(p, input_sizes, "input_sizes")
        if any(size < 0 for size in sizes):
            raise NotLowerable("negative sizes")
        shape = self._full(sizes, filter, out_backprop)
        c = self._geometry(shape, filter, out_backprop)
        return cv.lower_input_gradient(p, c, shape, filter, out_backprop)

    def _full(self, sizes, filter, dy):
        """The input's shape; TensorFlow also accepts only the spatial sizes."""
        sizes = [s if is_symbolic(s) else int(s) for s in sizes]
        if len(sizes) == self.spatial:
            first = self.data_format.startswith("NC")
            channels = filter.shape[-2]
            return [dy.shape[0], channels, *sizes] if first else [dy.shape[0], *sizes, channels]
        return sizes

    def _geometry(self, shape, filter, dy):
        c = cv.convolution(self, shape, filter.shape, self.spatial)
        expected = c.output_shape(shape[0], filter.shape[-1])
        if list(dy.shape) != expected:
            raise self.invalid(
                "Size of out_backprop doesn't match computed: "
                f"actual = {list(dy.shape)}, computed = {expected}"
            )
        return c


class _ByFilter(Op):
    """The gradient of a convolution with respect to its filter."""

    signature = "input: T, filter_sizes: int32, out_backprop: T -> output: T"
    T = FLOAT

    ranks = {"filter_sizes": (1,)}
    host_kernel = HostKernel(compiles_from=HEAVY, alike="filter_sizes")
    spatial = 2

    def shape(self, input, filter_sizes, out_backprop):
        return known_shape(filter_sizes, self.spatial + 2).with_rank(self.spatial + 2)

    def eager(self, input, filter_sizes, out_backprop):
        if filter_sizes.ndim != 1:
            raise self.invalid(f"filter_sizes shape must be rank 1 but is rank {filter_sizes.ndim}")
        shape = [int(s) for s in filter_sizes]
        c = self._geometry(input, shape, out_backprop)
        return cv.filter_gradient(c, input, shape, out_backprop)

    def lower(self, p, input, filter_sizes, out_backprop):
        shape = dims_of(p, filter_sizes, "filter_sizes")
        c = self._geometry(input, shape, out_backprop)
        return cv.lower_filter_gradient(p, c, input, out_backprop)

    def _geometry(self, input, shape, dy):
        c = cv.convolution(self, input.shape, shape, self.spatial)
        expected = c.output_shape(input.shape[0], shape[-1])
        if list(dy.shape) != expected:
            raise self.invalid(
                "Size of out_backprop doesn't match computed: "
                f"actual = {list(dy.shape)}, computed = {expected}"
            )
        return c


class Conv2D(_Forward):
    """2-D convolution of NHWC or NCHW images with HWIO filters."""

    signature = "input: T, filter: T -> output: T"
    ranks = {"filter": (4,)}
    T = FLOAT | {dtypes.int32}
    host_kernel = HostKernel(compiles_from=SLOWEST, alike="filter")
    strides: list[int]
    use_cudnn_on_gpu: bool = True
    padding: Literal["SAME", "VALID", "EXPLICIT"]
    explicit_paddings: list[int] = []
    data_format: Literal["NHWC", "NCHW"] = "NHWC"
    dilations: list[int] = [1, 1, 1, 1]

    def without_filter(self, input, filter):
        c = cv.convolution(self, input.shape, filter.shape, self.spatial)
        shape = c.output_shape(input.shape[0], filter.shape[-1])
        if 0 not in shape:
            raise self.invalid(NO_FILTER)
        return np.zeros(shape, input.dtype)

    def gradient(self, input, filter, _output, dy):
        return (
            self.input_gradient(0, input, filter, None, dy),
            self.input_gradient(1, input, filter, None, dy),
        )

    def input_gradient(self, at, input, filter, _output, dy):
        attrs = _shared(self)
        if at:
            return raw.Conv2DBackpropFilter(
                input=input, filter_sizes=shape_of(filter), out_backprop=dy, **attrs
            )
        return raw.Conv2DBackpropInput(
            input_sizes=shape_of(input), filter=filter, out_backprop=dy, **attrs
        )


class Conv2DBackpropInput(_ByInput):
    """The gradient of Conv2D with respect to its input."""

    signature = "input_sizes: int32, filter: T, out_backprop: T -> output: T"
    ranks = {"filter": (4,), "out_backprop": (4,)}
    T = FLOAT | {dtypes.int32}
    strides: list[int]
    use_cudnn_on_gpu: bool = True
    padding: Literal["SAME", "VALID", "EXPLICIT"]
    explicit_paddings: list[int] = []
    data_format: Literal["NHWC", "NCHW"] = "NHWC"
    dilations: list[int] = [1, 1, 1, 1]
    vectorize = "batch, shared, examples"

    def gradient(self, _input_sizes, filter, out_backprop, _output, dy):
        attrs = _shared(self)
        by_filter = raw.Conv2DBackpropFilter(
            input=dy, filter_sizes=shape_of(filter), out_backprop=out_backprop, **attrs
        )
        return None, by_filter, raw.Conv2D(input=dy, filter=filter, **attrs)


class Conv2DBackpropFilter(_ByFilter):
    """The gradient of Conv2D with respect to its filter."""

    elements = Elements(vectorizes_one_by_one=True)
    strides: list[int]
    use_cudnn_on_gpu: bool = True
    padding: Literal["SAME", "VALID", "EXPLICIT"]
    explicit_paddings: list[int] = []
    data_format: Literal["NHWC", "NCHW"] = "NHWC"
    dilations: list[int] = [1, 1, 1, 1]

    def gradient(self, input, _filter_sizes, out_backprop, _output, dy):
        attrs = _shared(self)
        by_input = raw.Conv2DBackpropInput(
            input_sizes=shape_of(input), filter=dy, out_backprop=out_backprop, **attrs
        )
        return by_input, None, raw.Conv2D(input=input, filter=dy, **attrs)


class Conv3D(_Forward):
    """3-D convolution of NDHWC or NCDHW volumes with DHWIO filters."""

    signature = "input: T, filter: T -> output: T"
    minimum = {"strides": 5}
    T = FLOAT
    strides: list[int]
    padding: Literal["SAME", "VALID"]
    data_format: Literal["NDHWC", "NCDHW"] = "NDHWC"
    dilations: list[int] = [1, 1, 1, 1, 1]
    spatial = 3

    def gradient(self, input, filter, _output, dy):
        attrs = _shared(self)
        return (
            raw.Conv3DBackpropInputV2(
                input_sizes=shape_of(input), filter=filter, out_backprop=dy, **attrs
            ),
            raw.Conv3DBackpropFilterV2(
                input=input, filter_sizes=shape_of(filter), out_backprop=dy, **attrs
            ),
        )


class Conv3DBackpropInputV2(_ByInput):
    """The gradient of Conv3D with respect to its input."""

    signature = "input_sizes: Tshape, filter: T, out_backprop: T -> output: T"
    minimum = {"strides": 5}
    T = FLOAT
    strides: list[int]
    padding: Literal["SAME", "VALID"]
    data_format: Literal["NDHWC", "NCDHW"] = "NDHWC"
    dilations: list[int] = [1, 1, 1, 1, 1]
    Tshape: INDEX = dtypes.int32
    spatial = 3
    vectorize = "batch, shared, examples"

    def gradient(self, _input_sizes, filter, out_backprop, _output, dy):
        attrs = _shared(self)
        by_filter = raw.Conv3DBackpropFilterV2(
            input=dy, filter_sizes=shape_of(filter), out_backprop=out_backprop, **attrs
        )
        return None, by_filter, raw.Conv3D(input=dy, filter=filter, **attrs)


class Conv3DBackpropFilterV2(_ByFilter):
    """The gradient of Conv3D with respect to its filter."""

    minimum = {"strides": 5}

    elements = Elements(vectorizes_one_by_one=True)
    strides: list[int]
    padding: Literal["SAME", "VALID"]
    data_format: Literal["NDHWC", "NCDHW"] = "NDHWC"
    dilations: list[int] = [1, 1, 1, 1, 1]
    spatial = 3

    def gradient(self, input, _filter_sizes, out_backprop, _output, dy):
        attrs = _shared(self)
        by_input = raw.Conv3DBackpropInputV2(
            input_sizes=shape_of(input), filter=dy, out_backprop=out_backprop, **attrs
        )
        return by_input, None, raw.Conv3D(input=input, filter=dy, **attrs)


class Conv(Op):
    """Convolution over one to three spatial axes, with any number of leading batch axes."""

    signature = "input: T, filter: T -> output: T"
    T = FLOAT | {dtypes.int32}
    strides: list[int]
    padding: Literal["SAME", "VALID", "EXPLICIT"]
    explicit_paddings: list[int] = []
    data_format: Literal["CHANNELS_FIRST", "CHANNELS_LAST"] = "CHANNELS_LAST"
    dilations: list[int] = []
    batch_dims: int = 1
    groups: int = 1

    def shape(self, input, filter):
        if input.rank is None or filter.rank is None:
            return None
        self._check_ranks(input.rank, filter.rank)
        named, spatial = self._as_named(), filter.rank - 2
        batch, one = (
            input[: self.batch_dims],
            TensorShape([1]).concatenate(input[self.batch_dims :]),
        )
        self._check_depths(one, filter)
        return batch.concatenate(cv.output_shape(named, one, filter, spatial)[1:])

    def eager(self, input, filter):
        self._check_ranks(input.ndim, filter.ndim)
        batch, x = self._flat_batch(input)
        self._check_depths(TensorShape(x.shape), TensorShape(filter.shape))
        if filter.size == 0:
            raise self.invalid(NO_FILTER)
        c = self._geometry(x.shape, filter.shape)
        y = cv.forward(c, x, filter)
        return y.reshape(*batch, *y.shape[1:])

    def lower(self, p, input, filter):
        if self.batch_dims != 1:
            raise NotLowerable("several batch axes")
        if 0 in filter.shape:
            raise NotLowerable("empty filters")
        return cv.lower_forward(p, self._geometry(input.shape, filter.shape), input, filter)

    def _check_ranks(self, rank, filter_rank):
        """Rejects inputs without the axes that a filter slides over, a channel axis and `batch_dims` others."""
        spatial = rank - self.batch_dims - 1
        if self.batch_dims < 0 or filter_rank != spatial + 2:
            raise self.invalid(
                f"expected a filter with two axes more than the {spatial} that follow batch_dims={self.batch_dims} and are not "
                f"channels. Received an input of rank {rank} and a filter of rank {filter_rank}"
            )
        for name, values in (("strides", self.strides), ("dilations", self.dilations)):
            if len(values) != filter_rank and (values or name == "strides"):
                raise self.invalid(f"{name} must have {filter_rank} elements. Received {values}")

    def _check_depths(self, input, filter):
        """Raise an error unless an input (of one batch axis) has `groups` times the channels that a filter reads."""
        depth = input[channel_axis(self._as_named().data_format, filter.rank)]
        if None not in (depth, filter[-2]) and depth != self.groups * filter[-2]:
            raise self.invalid(
                f"the depth of the input must be groups={self.groups} times that of the filter. Received an input of depth "
                f"{depth} and a filter of shape {filter}"
            )

    def _flat_batch(self, input):
        batch = input.shape[: self.batch_dims]
        return batch, input.reshape(math.prod(batch), *input.shape[self.batch_dims :])

    def _geometry(self, shape, filter_shape):
        return cv.convolution(self._as_named(), shape, filter_shape, len(filter_shape) - 2)

    def _as_named(self):
        """The attributes under Conv2D's names."""
        rank = len(self.strides)
        return _NamedAttributes(
            op_type="Conv",
            data_format="NCHW" if self.data_format == "CHANNELS_FIRST" else "NHWC",
            strides=self.strides,
            dilations=self.dilations or (1,) * rank,
            padding=self.padding,
            explicit_paddings=self.explicit_paddings,
        )


class _NamedAttributes(NamedTuple):
    """Attributes under Conv2D's names, for geometry shared by ops that spell them differently."""

    op_type: str
    data_format: str
    strides: Sequence[int]
    dilations: Sequence[int]
    padding: str
    explicit_paddings: Sequence[int]


def _shared(op):
    """The attributes shared by a convolution and its gradients."""
    names = ("strides", "padding", "explicit_paddings", "data_format", "dilations")
    return {n: op.attrs[n] for n in names if n in op.attrs}
