"""Fake quantization: floats rounded to the levels of a small integer type, to train with the errors of inference."""

from typing import Literal

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.calls.facts import SLOW, SLOWEST, HostKernel, Slices
from penstock._src.core.op import Op
from penstock._src.core.registry import raw
from penstock._src.core.shapes import unknown_shape
from penstock._src.core.typesets import FLOAT, NARROW
from penstock._src.ir.errors import NotLowerable
from penstock._src.ops import infer
from penstock._src.ops.quantized.ends import check_channels
from penstock._src.ops.rules import in_float32, quiet, show, value_of
from penstock._src.ops.sums import add_up

Rounding = Literal["HALF_TO_EVEN", "HALF_UP"]
single = np.float32


def nudged(low, high, bits, narrow):
    """Returns (low, high, step) of the levels, shifted slightly so that zero is a level."""
    first, last = float(narrow), float((1 << bits) - 1)
    low, high = np.asarray(low, single), np.asarray(high, single)
    step = (high - low) / single(last - first)
    zero = np.floor(single(first) - low / step + single(0.5))
    if zero.ndim:
        zero = np.clip(zero, single(first), single(last))
    else:  # in a tenth of the time; a NaN stays one
        zero = min(max(zero, single(first)), single(last))
    return (single(first) - zero) * step, (single(last) - zero) * step, step


@quiet
def fake_quantized(x, low, high, bits, narrow, divides):
    """Returns x rounded to the nearest of the levels between low and high; 0 if both are 0.

    Args:
      divides: counts levels by x / step rather than x * (number of steps / (high - low)). TensorFlow's ops differ in it, which decides
        where halves between two levels go.
    """
    low, high = np.asarray(low, single), np.asarray(high, single)
    bottom, top, step = nudged(low, high, bits, narrow)
    # TensorFlow's order of operations, which decides the last bit: levels are counted from that of zero.
    inverse = single((1 << bits) - 1 - narrow) / (high - low)
    zero = np.floor(single(0.5) - bottom * inverse)
    level = np.asarray(np.minimum(x, top))  # from here in place
    np.maximum(level, bottom, out=level)
    level -= bottom
    if divides:
        level /= step
    else:
        level *= inverse
    level -= zero
    level += single(0.5)
    np.floor(level, out=level)
    level *= step
    if low.ndim or high.ndim:
        np.copyto(level, single(0), where=(low == 0) & (high == 0))
    elif not (low or high):
        level[...] = 0
    return level


@quiet
def fake_gradients(gradient, x, low, high, bits, narrow):
    """Returns the elementwise gradients of x, low and high; the gradient passes to x within the levels."""
    nothing = (np.asarray(low) == 0) & (np.asarray(high) == 0)
    bottom, top, _ = nudged(low, high, bits, narrow)
    below, above = ~nothing & (x < bottom), ~nothing & (x > top)
    zero = single(0)
    inside = np.where(nothing | ((x >= bottom) & (x <= top)), gradient, zero)
    return inside, np.where(below, gradient, zero), np.where(above, gradient, zero)


def _lowered_levels(p, low, high, bits, narrow):
    """`nudged` in a program, of float32 nodes, and whether there are no levels."""
    first, last = float(narrow), float((1 << bits) - 1)
    step = p.div(p.sub(high, low), last - first)
    zero = p.clip(p.floor(p.add(p.sub(first, p.div(low, step)), 0.5)), first, last)
    nothing = p.and_(p.eq(low, 0.0), p.eq(high, 0.0))
    return p.mul(p.sub(first, zero), step), p.mul(p.sub(last, zero), step), step, nothing


def require_same_size(op, gradients, inputs):
    """Raises InvalidArgumentError unless the gradients have the shape of the inputs."""
    if gradients.shape != inputs.shape:
        raise op.invalid("gradient and input must be the same size")


class _FakeQuantize(Op):
    """Floats rounded to the levels of an integer type."""

    signature = "inputs: float32 -> outputs: float32"
    host_kernel = HostKernel(compiles_from=SLOWEST)
    num_bits: int = 8
    narrow_range: bool = False
    divides = False  # as `fake_quantized` has it

    def check(self, low, high, channels=None):
        """Raises InvalidArgumentError unless the number of bits and the shapes of the range are valid."""
        if not 2 <= self.num_bits <= 16:
            raise self.invalid(f"num_bits must be between 2 and 16, inclusive. Got {self.num_bits}")
        for name, bound in (("min", low), ("max", high)):
            shape = getattr(bound, "shape", ())
            if channels is None and shape:
                raise self.invalid(f"`{name}` must be rank 0 but is rank {len(shape)}")
            if channels is not None and len(shape) != 1:
                raise self.invalid(f"`{name}` must be rank 1 but is rank {len(shape)}")
            if channels is not None and shape != (channels,):
                raise self.invalid(
                    f"{name} has incorrect size, expected {channels} was {show(shape)}"
                )

    def lowered(self, p, inputs, low, high):
        """Inputs rounded to levels."""
        bottom, top, step, nothing = _lowered_levels(p, low, high, self.num_bits, self.narrow_range)
        within = p.maximum(p.minimum(inputs, top), bottom)
        steps = float((1 << self.num_bits) - 1 - self.narrow_range)
        inverse = p.div(steps, p.sub(high, low))
        zero = p.floor(p.sub(0.5, p.mul(bottom, inverse)))
        shifted = p.sub(within, bottom)
        counted = p.div(shifted, step) if self.divides else p.mul(shifted, inverse)
        level = p.floor(p.add(p.sub(counted, zero), 0.5))
        return p.select(nothing, 0.0, p.mul(level, step))

    def lowered_gradients(self, p, gradients, inputs, low, high):
        """`fake_gradients` in a program."""
        if gradients.shape != inputs.shape:
            raise NotLowerable("the host refuses other sizes")
        bottom, top, _, nothing = _lowered_levels(p, low, high, self.num_bits, self.narrow_range)
        some = p.not_(nothing)
        below, above = p.and_(some, p.lt(inputs, bottom)), p.and_(some, p.gt(inputs, top))
        between = p.and_(p.ge(inputs, bottom), p.le(inputs, top))
        passes = (p.or_(nothing, between), below, above)
        return [p.select(chosen, gradients, 0.0) for chosen in passes]


class FakeQuantWithMinMaxArgs(_FakeQuantize):
    """Floats rounded to levels between two attributes."""

    min: float = -6.0
    max: float = 6.0

    def shape(self, inputs):
        return inputs

    def gradient(self, inputs, _outputs, dy):
        return raw.FakeQuantWithMinMaxArgsGradient(dy, inputs, **self.attrs)

    def eager(self, inputs):
        low, high = self.attrs["min"], self.attrs["max"]
        if not low < high:
            raise self.invalid(f"min has to be smaller than max, was: {low} >= {high}")
        self.check(low, high)
        return fake_quantized(inputs, low, high, self.num_bits, self.narrow_range, self.divides)

    def lower(self, p, inputs):
        low, high = self.attrs["min"], self.attrs["max"]
        if not low < high:
            raise NotLowerable("the host refuses an empty range")
        self.check(low, high)
        return self.lowered(p, inputs, *(p.scalar(x, dtypes.float32) for x in (low, high)))


class FakeQuantWithMinMaxArgsGradient(_FakeQuantize):
    """The gradient of FakeQuantWithMinMaxArgs."""

    signature = "gradients: float32, inputs: float32 -> backprops: float32[gradients & inputs]"
    min: float = -6.0
    max: float = 6.0
    differentiable = False

    def eager(self, gradients, inputs):
        low, high = self.attrs["min"], self.attrs["max"]
        require_same_size(self, gradients, inputs)
        return fake_gradients(gradients, inputs, low, high, self.num_bits, self.narrow_range)[0]

    def lower(self, p, gradients, inputs):
        bounds = [p.scalar(self.attrs[name], dtypes.float32) for name in ("min", "max")]
        return self.lowered_gradients(p, gradients, inputs, *bounds)[0]


class FakeQuantWithMinMaxVars(_FakeQuantize):
    """Floats rounded to levels between two tensors."""

    signature = "inputs: float32, min: float32[], max: float32[] -> outputs: float32[inputs]"

    divides = True

    def gradient(self, inputs, min, max, _outputs, dy):
        return tuple(raw.FakeQuantWithMinMaxVarsGradient(dy, inputs, min, max, **self.attrs))

    def eager(self, inputs, min, max):
        self.check(min, max)
        return fake_quantized(inputs, min, max, self.num_bits, self.narrow_range, self.divides)

    def lower(self, p, inputs, min, max):
        self.check(min, max)
        return self.lowered(p, inputs, min, max)


class FakeQuantWithMinMaxVarsGradient(_FakeQuantize):
    """The gradient of FakeQuantWithMinMaxVars."""

    signature = """gradients: float32, inputs: float32, min: float32, max: float32
        -> backprops_wrt_input: float32[gradients & inputs], backprop_wrt_min: float32[],
        backprop_wrt_max: float32[]"""
    ranks = {"min": (0,), "max": (0,)}
    differentiable = False

    def eager(self, gradients, inputs, min, max):
        require_same_size(self, gradients, inputs)
        channels = self.channels(inputs)
        self.check(min, max, channels)
        inside, below, above = fake_gradients(
            gradients, inputs, min, max, self.num_bits, self.narrow_range
        )
        summed = range(inputs.ndim - (channels is not None))
        return inside, add_up(below, summed), add_up(above, summed)

    def lower(self, p, gradients, inputs, min, max):
        channels = self.channels(inputs)
        self.check(min, max, channels)
        inside, below, above = self.lowered_gradients(p, gradients, inputs, min, max)
        summed = list(range(inputs.rank - (channels is not None)))
        return inside, p.reduce_sum(below, summed), p.reduce_sum(above, summed)

    def channels(self, inputs):
        """The number of ranges, None for one."""
        return None


class FakeQuantWithMinMaxVarsPerChannel(_FakeQuantize):
    """Floats rounded to separate levels for each entry of the last dimension."""

    signature = "inputs: float32, min: float32, max: float32 -> outputs: float32"
    extents = {"inputs": "..., depth", "min": "depth", "max": "depth"}

    def shape(self, inputs, min, max):
        min.with_rank(1)
        max.with_rank(1)
        return inputs.with_rank_at_least(1)

    def gradient(self, inputs, min, max, _outputs, dy):
        gradients = raw.FakeQuantWithMinMaxVarsPerChannelGradient(
            dy, inputs, min, max, **self.attrs
        )
        return tuple(gradients)

    def eager(self, inputs, min, max):
        self.check(min, max, inputs.shape[-1] if inputs.ndim else None)
        return fake_quantized(inputs, min, max, self.num_bits, self.narrow_range, self.divides)

    def lower(self, p, inputs, min, max):
        self.check(min, max, inputs.shape[-1] if inputs.rank else None)
        return self.lowered(p, inputs, min, max)


class FakeQuantWithMinMaxVarsPerChannelGradient(FakeQuantWithMinMaxVarsGradient):
    """The gradient of FakeQuantWithMinMaxVarsPerChannel."""

    ranks = {"min": (1,), "max": (1,)}

    def shape(self, gradients, inputs, min, max):
        return gradients.merge_with(inputs), min.with_rank(1), max.with_rank(1)

    def channels(self, inputs):
        return inputs.shape[-1] if inputs.shape else None


# -- quantize and dequantize -----------------------------------------------------------------------


def _shape_along(rank, axis):
    """The shape in which bounds for each index along an axis broadcast, or one bound if that is -1."""
    return [] if axis == -1 else [-1 if i == axis else 1 for i in range(rank)]


def along_axis(bound, rank, axis):
    """Reshapes per-channel bounds to broadcast along an axis."""
    return bound if axis == -1 else bound.reshape(_shape_along(rank, axis))


def check_levels(op, bits, signed, axis, rank):
    """Raises InvalidArgumentError unless there are such levels, and such an axis."""
    if not 1 <= bits <= (62 if signed else 63):
        raise op.invalid(f"num_bits is out of range: {bits} with signed_input_ {signed}")
    if not -1 <= axis < rank:
        raise op.invalid(
            f"Axis requested is larger than input dimensions. Axis: {axis} Input: {rank}"
        )


def ends_of_levels(bits, options):
    """Returns the first and the last level."""
    if not options["signed_input"]:
        return 0, (1 << bits) - 1
    return -(1 << (bits - 1)) + bool(options.get("narrow_range")), (1 << (bits - 1)) - 1


@quiet
def through_levels(op, x, low, high, bits, options):
    """Returns x rounded to the levels of a symmetric scale that reaches from low to high.

    `options` are the op's attributes: signed_input, range_given, round_mode, narrow_range, axis.
    """
    axis = options.get("axis", -1)
    check_levels(op, bits, options["signed_input"], axis, x.ndim)
    wide = in_float32(x)
    if not options["range_given"]:
        others = None if axis == -1 else tuple(i for i in range(x.ndim) if i != axis)
        low, high = wide.min(axis=others), wide.max(axis=others)
    else:
        if axis != -1 and (np.ndim(low) != 1 or np.ndim(high) != 1):
            raise op.invalid(
                f"Shape must be rank 1 for the ranges when the axis is specified, got ranks "
                f"{np.ndim(low)} and {np.ndim(high)}"
            )
        check_channels(op, x, axis, input_min=low, input_max=high)
        low, high = in_float32(low), in_float32(high)
        if np.any(low > high):
            raise op.invalid(f"Invalid range: input_min {low} > input_max {high}")
    low, high = along_axis(low, x.ndim, axis), along_axis(high, x.ndim, axis)
    first, last = ends_of_levels(bits, options)
    kind = wide.dtype.type
    largest = np.finfo(wide.dtype).max
    from_low = np.where(first * low > 0, kind(first) / low, largest)
    from_high = np.where(last * high > 0, kind(last) / high, largest)
    by_low = from_low < from_high
    scale = np.where(by_low, from_low, from_high)
    step = np.where(by_low, low / kind(first or 1), high / kind(last))
    if options["range_given"]:
        low = np.where(by_low, low, kind(first) * step)
        high = np.where(by_low, kind(last) * step, high)
        wide = np.clip(wide, low, high)
    scaled = wide * scale
    rounded = (
        np.floor(scaled + kind(0.5)) if options.get("round_mode") == "HALF_UP" else np.rint(scaled)
    )
    return (rounded * step).astype(x.dtype)


def lowered_through_levels(op, p, x, low, high, bits):
    """`through_levels` in a program."""
    options = op.attrs
    axis = options.get("axis", -1)
    check_levels(op, bits, options["signed_input"], axis, x.rank)
    wide = p.cast(x, dtypes.float32) if x.dtype in NARROW else x
    if options["range_given"]:
        low, high = _lowered_range(op, p, wide, low, high, axis)
    else:
        if 0 in x.shape:
            raise NotLowerable("no range of no elements")
        others = [i for i in range(x.rank) if i != axis]
        low, high = (f(wide, others, keepdims=axis != -1) for f in (p.reduce_min, p.reduce_max))
    first, last = (float(level) for level in ends_of_levels(bits, options))
    largest = float(np.finfo(wide.dtype.np).max)
    from_low = p.select(p.gt(p.mul(low, first), 0.0), p.div(first, low), largest)
    from_high = p.select(p.gt(p.mul(high, last), 0.0), p.div(last, high), largest)
    by_low = p.lt(from_low, from_high)
    scale = p.select(by_low, from_low, from_high)
    step = p.select(by_low, p.div(low, first or 1.0), p.div(high, last))
    if options["range_given"]:
        low = p.select(by_low, low, p.mul(step, first))
        high = p.select(by_low, p.mul(step, last), high)
        wide = p.minimum(p.maximum(wide, low), high)
    scaled = p.mul(wide, scale)
    is_half_up = options.get("round_mode") == "HALF_UP"
    level = p.floor(p.add(scaled, 0.5)) if is_half_up else p.round(scaled)
    return p.cast(p.mul(level, step), x.dtype)


def _lowered_range(op, p, x, low, high, axis):
    """The ends of a range, for each index along an axis; a run rejects them if they are in the wrong order."""
    if axis != -1 and not low.rank == high.rank == 1:
        raise NotLowerable("the host refuses ranges of other ranks")
    check_channels(op, x, axis, input_min=low, input_max=high)
    shape = _shape_along(x.rank, axis)
    low, high = (p.reshape(p.cast(end, x.dtype), shape) for end in (low, high))
    message = f"{op.op_type}: Invalid range: input_min > input_max"
    p.check(p.reduce_all(p.not_(p.gt(low, high))), message)
    return low, high


def _shape_in_ranges(axis, x, low, high):
    """The shape of the result, for a range per index along the axis, or a single range if that is -1."""
    rank = 0 if axis == -1 else 1
    count = low.with_rank(rank).merge_with(high.with_rank(rank))
    if axis != -1:
        x.with_rank_at_least(axis + 1)
        if x.rank is not None:
            count.merge_with([x[axis]])
    return x


class QuantizeAndDequantizeV2(Op):
    """Floats rounded to the levels of an integer type, and floats again."""

    signature = "input: T, input_min: T, input_max: T -> output: T"
    T = FLOAT
    host_kernel = HostKernel(compiles_from=SLOW)
    slices = Slices(accepted=True)
    signed_input: bool = True
    num_bits: int = 8
    range_given: bool = False
    round_mode: Rounding = "HALF_TO_EVEN"
    narrow_range: bool = False
    axis: int = -1

    def shape(self, input, input_min, input_max):
        return _shape_in_ranges(self.axis, input, input_min, input_max)

    def gradient(self, _input, _input_min, _input_max, _output, dy):
        return dy, None, None

    def eager(self, input, input_min, input_max):
        return through_levels(self, input, input_min, input_max, self.num_bits, self.attrs)

    def lower(self, p, input, input_min, input_max):
        return lowered_through_levels(self, p, input, input_min, input_max, self.num_bits)


class QuantizeAndDequantizeV3(Op):
    """QuantizeAndDequantizeV2 with the number of bits as an input."""

    signature = "input: T, input_min: T, input_max: T, num_bits: int32 -> output: T"
    T = FLOAT
    slices = Slices(accepted=True)
    signed_input: bool = True
    range_given: bool = True
    narrow_range: bool = False
    axis: int = -1

    def shape(self, input, input_min, input_max, num_bits):
        num_bits.with_rank(0)
        return _shape_in_ranges(self.axis, input, input_min, input_max)

    def gradient(self, _input, _input_min, _input_max, _num_bits, _output, dy):
        return dy, None, None, None

    def eager(self, input, input_min, input_max, num_bits):
        if num_bits.ndim:
            raise self.invalid(
                "Invalid shape. The `num_bits` tensor should be a scalar. "
                f"Got shape {show(num_bits.shape)}"
            )
        return through_levels(self, input, input_min, input_max, int(num_bits), self.attrs)

    def lower(self, p, input, input_min, input_max, num_bits):
        bits = int(value_of(p, num_bits, "num_bits"))
        return lowered_through_levels(self, p, input, input_min, input_max, bits)


class QuantizeAndDequantizeV4(QuantizeAndDequantizeV2):
    """QuantizeAndDequantizeV2 with a gradient of zero outside the range."""

    slices = Slices(accepted=False)

    def gradient(self, input, input_min, input_max, _output, dy):
        gradients = raw.QuantizeAndDequantizeV4Grad(dy, input, input_min, input_max, axis=self.axis)
        return tuple(gradients)


class QuantizeAndDequantizeV4Grad(Op):
    """The gradient of QuantizeAndDequantizeV4."""

    signature = """gradients: T, input: T, input_min: T, input_max: T
        -> input_backprop: T, input_min_backprop: T, input_max_backprop: T"""
    T = FLOAT
    axis: int = -1

    def shape(self, gradients, input, input_min, input_max):
        whole = _shape_in_ranges(self.axis, infer.merged(gradients, input), input_min, input_max)
        bounds = unknown_shape(0 if self.axis == -1 else 1)
        return whole, bounds.merge_with(input_min), bounds.merge_with(input_max)

    def gradient(self, _gradients, input, input_min, input_max, _x, _low, _high, dy, _dl, _dh):
        gradients = raw.QuantizeAndDequantizeV4Grad(dy, input, input_min, input_max, axis=self.axis)
        return gradients[0], None, None, None

    def eager(self, gradients, input, input_min, input_max):
        require_same_size(self, gradients, input)
        if not -1 <= self.axis < input.ndim:
            raise self.invalid(
                f"Axis must be at least -1 and less than the rank {input.ndim}. Found {self.axis}"
            )
        for name, end in (("input_min", input_min), ("input_max", input_max)):
            if end.ndim != (0 if self.axis == -1 else 1):
                raise self.invalid(
                    f"{name} must be a scalar if axis is -1, else a vector. Received {show(end.shape)}"
                )
        check_channels(self, input, self.axis, input_min=input_min, input_max=input_max)
        low = along_axis(input_min, input.ndim, self.axis)
        high = along_axis(input_max, input.ndim, self.axis)
        zero = gradients.dtype.type(0)
        inside = np.where((input >= low) & (input <= high), gradients, zero)
        bounds = np.zeros(input_min.shape, gradients.dtype)
        return inside.astype(gradients.dtype), bounds, bounds.copy()

    def lower(self, p, gradients, input, input_min, input_max):
        if gradients.shape != input.shape or not -1 <= self.axis < input.rank:
            raise NotLowerable("the host refuses other sizes")
        check_channels(self, input, self.axis, input_min=input_min, input_max=input_max)
        shape = _shape_along(input.rank, self.axis)
        low, high = (p.reshape(end, shape) for end in (input_min, input_max))
        inside = p.and_(p.ge(input, low), p.le(input, high))
        zeros = [p.full(end.shape, 0.0, self.T) for end in (input_min, input_max)]
        return p.select(inside, gradients, 0.0), *zeros


class QuantizeAndDequantize(Op):
    """Floats rounded to the levels of an integer type, and floats again; the oldest form."""

    signature = "input: T -> output: T[input]"
    T = FLOAT
    slices = Slices(accepted=True)
    signed_input: bool = True
    num_bits: int = 8
    range_given: bool = False
    input_min: float = 0.0
    input_max: float = 0.0

    def gradient(self, _input, _output, dy):
        return dy

    def eager(self, input):
        low, high = (input.dtype.type(v) for v in (self.input_min, self.input_max))
        return through_levels(
            self, input, np.asarray(low), np.asarray(high), self.num_bits, self.attrs
        )

    def lower(self, p, input):
        ends = (p.scalar(v, self.T) for v in (self.input_min, self.input_max))
        return lowered_through_levels(self, p, input, *ends, self.num_bits)
