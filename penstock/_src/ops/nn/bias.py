"""Bias addition along channels, and its gradient."""

from typing import Literal

from penstock._src.core.calls.facts import Elements, Slices
from penstock._src.core.op import Op
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape
from penstock._src.core.typesets import NUMBER
from penstock._src.ops.nn.window import channel_axis
from penstock._src.ops.rules import in_float32, ints, joined, quiet, reshape, show
from penstock._src.ops.sums import add_up


def _axis(op, rank):
    return channel_axis(op.data_format, rank)


class BiasAdd(Op):
    """value + bias, broadcast along the channels."""

    signature = "value: T, bias: T -> output: T"
    T = NUMBER
    data_format: Literal["NHWC", "NCHW"] = "NHWC"
    elements = Elements(is_row_wise=True)
    slices = Slices(accepted=True)

    def shape(self, value, bias):
        bias = bias.with_rank(1)
        if value.rank is None:
            return None
        value = value.with_rank_at_least(2)
        axis = _axis(self, value.rank)
        dims = value.as_list()
        dims[axis] = TensorShape([value[axis]]).merge_with([bias[0]])[0]
        return dims

    def gradient(self, _value, _bias, _output, dy):
        return dy, raw.BiasAddGrad(out_backprop=dy, data_format=self.data_format)

    @quiet
    def eager(self, value, bias):
        return value + _along_channels(self, value, bias)

    def lower(self, p, value, bias):
        rank = len(value.shape)
        axis = _axis(self, rank)
        shape = [1] * rank
        shape[axis] = bias.shape[0]
        return value + p.reshape(bias, shape)


class BiasAddV1(Op):
    """value + bias, broadcast along the last axis."""

    ranks = {"bias": (1,)}
    signature = "value: T, bias: T -> output: T"
    T = NUMBER
    slices = Slices(accepted=True)

    def shape(self, value, bias):
        known = value.with_rank_at_least(2)
        if known.rank is not None:
            known[-1:].merge_with(bias.with_rank(1))
        return value

    def gradient(self, _value, _bias, _output, dy):
        return dy, raw.BiasAddGrad(out_backprop=dy)

    @quiet
    def eager(self, value, bias):
        return value + _along_channels(self, value, bias)

    def lower(self, p, value, bias):
        return value + bias


class BiasAddGrad(Op):
    """The sum over all axes except the channels."""

    signature = "out_backprop: T -> output: T"
    T = NUMBER
    data_format: Literal["NHWC", "NCHW"] = "NHWC"

    def shape(self, out_backprop):
        if out_backprop.rank is None:
            return [None]
        return [out_backprop[_axis(self, out_backprop.with_rank_at_least(2).rank)]]

    def gradient(self, out_backprop, _output, dy):
        shape = raw.Shape(input=out_backprop)
        if self.data_format == "NCHW":
            after = raw.StridedSlice(shape, ints([2]), ints([0]), ints([1]), end_mask=1)
            dy = reshape(dy, joined(ints([-1]), raw.OnesLike(x=after)))
        return raw.BroadcastTo(input=dy, shape=shape)

    @quiet
    def eager(self, out_backprop):
        if out_backprop.ndim < 2:
            raise self.invalid(f"Input tensor must be at least 2D: {show(out_backprop.shape)}")
        axis = _axis(self, out_backprop.ndim)
        wide = in_float32(out_backprop)
        axes = tuple(a for a in range(wide.ndim) if a != axis)
        return add_up(wide, axes).astype(out_backprop.dtype, copy=False)

    def lower(self, p, out_backprop):
        rank = len(out_backprop.shape)
        axis = _axis(self, rank)
        return p.reduce_sum(out_backprop, [a for a in range(rank) if a != axis])


def _along_channels(op, value, bias):
    if value.ndim < 2:
        raise op.invalid(f"Input tensor must be at least 2D: {show(value.shape)}")
    if bias.ndim != 1:
        raise op.invalid(f"Biases must be 1D: {show(bias.shape)}")
    axis = _axis(op, value.ndim) if hasattr(op, "data_format") else value.ndim - 1
    if bias.shape[0] != value.shape[axis]:
        raise op.invalid(
            "Must provide as many biases as the last dimension of the input tensor: "
            f"{show(bias.shape)} vs. {show(value.shape)}"
        )
    shape = [1] * value.ndim
    shape[axis] = bias.shape[0]
    return bias.reshape(shape)
