"""Batch normalization in one op, its gradient, and local response normalization."""

from typing import Literal

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.calls.facts import HEAVY, SLOW, Elements, HostKernel, Values
from penstock._src.core.op import Op
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape
from penstock._src.core.typesets import SINGLE, SINGLE_RANGE
from penstock._src.ir.errors import NotLowerable
from penstock._src.ir.extents.dims import is_symbolic
from penstock._src.ops.nn.window import channel_axis
from penstock._src.ops.rules import cast, in_float32, quiet, show, sum_over
from penstock._src.ops.sums import add_up


class _FusedBatchNorm(Op):
    """scale (x - mean) / sqrt(variance + epsilon) + offset for each channel.

    In training, mean and variance are the batch's, and the second and third outputs are the running statistics: a mix by
    `exponential_avg_factor` of the inputs and the batch's, whose variance is corrected by n / (n - 1).
    """

    host_kernel = HostKernel(compiles_from=SLOW)
    outputs_before_reserve = 5

    def shape(self, x, scale, offset, mean, variance):
        rank = 5 if self.data_format in ("NDHWC", "NCDHW") else 4
        x = x.with_rank(rank)
        axis = channel_axis(self.data_format, rank)
        channels = TensorShape([x[axis]])
        for vector in (scale, offset):
            channels = channels.merge_with(vector.with_rank(1))
        if not self.is_training:
            for vector in (mean, variance):
                channels = channels.merge_with(vector.with_rank(1))
        dims = x.as_list()
        dims[axis] = channels[0]
        return (TensorShape(dims), *([channels] * 4), TensorShape([None]))[: len(self.outputs)]

    def gradient(self, x, scale, _offset, mean, variance, *rest):
        count = len(self.outputs)
        outputs, gradients = rest[:count], rest[count:]
        dy = gradients[0]
        attrs = {
            "epsilon": self.epsilon,
            "data_format": self.data_format,
            "is_training": self.is_training,
        }
        if self.is_training:
            first, second = outputs[3], outputs[4]
        else:
            first, second = mean, variance
        op = raw.FusedBatchNormGrad
        if len(self.outputs) == 6:
            op, attrs["reserve_space_3"] = raw.FusedBatchNormGradV3, outputs[5]
        elif self.op_type == "FusedBatchNormV2":
            op = raw.FusedBatchNormGradV2
        scale = scale if op is raw.FusedBatchNormGrad else cast(scale, dtypes.float32)
        op_gradients = op(
            y_backprop=dy, x=x, scale=scale, reserve_space_1=first, reserve_space_2=second, **attrs
        )
        return op_gradients[0], op_gradients[1], op_gradients[2], None, None

    @quiet
    def eager(self, x, scale, offset, mean, variance):
        self._check(x, scale, offset, mean, variance)
        wide = in_float32(x)
        axes, keep = _axes(self, x.ndim), _keep(self, x.ndim, x.shape)
        if self.is_training:
            count = wide.size // max(wide.shape[channel_axis(self.data_format, x.ndim)], 1)
            batch_mean = (
                add_up(wide, axes) / wide.dtype.type(count) if count else np.zeros_like(scale)
            )
            centered = wide - batch_mean.reshape(keep)
            batch_variance = (
                add_up(np.square(centered), axes) / wide.dtype.type(count)
                if count
                else np.zeros_like(scale)
            )
            y = self._normalized(centered, batch_variance, scale, offset, keep)
            corrected = batch_variance * scale.dtype.type(count / max(count - 1, 1))
            if count == 0:
                corrected = np.full_like(scale, np.nan)
                batch_mean_out = np.full_like(scale, np.nan)
            else:
                batch_mean_out = batch_mean
            factor = self._factor()
            new_mean = _mixed(mean, batch_mean_out, factor)
            new_variance = _mixed(variance, corrected, factor)
            results = (new_mean, new_variance, batch_mean, batch_variance)
        else:
            y = self._normalized(wide - mean.reshape(keep), variance, scale, offset, keep)
            results = (mean, variance, mean, variance)
        dtype = self.output_dtypes[1].np
        results = [r.astype(dtype, copy=False) for r in results]
        outputs = (y.astype(x.dtype, copy=False), *results, np.zeros(0, dtype))
        return outputs[: len(self.outputs)]

    def lower(self, p, x, scale, offset, mean, variance):
        rank = len(x.shape)
        axes, keep = _axes(self, rank), _keep(self, rank, x.shape)
        wide = p.cast(x, scale.dtype)
        per_channel = lambda v: p.reshape(v, keep)  # noqa: E731
        if self.is_training:
            count = 1
            for axis in axes:
                count = count * x.shape[axis]
            batch_mean = p.reduce_mean(wide, axes)
            centered = wide - per_channel(batch_mean)
            batch_variance = p.reduce_mean(p.square(centered), axes)
            corrected = _corrected(p, batch_variance, count)
            factor = self._factor()
            results = (
                _mixed(mean, batch_mean, factor),
                _mixed(variance, corrected, factor),
                batch_mean,
                batch_variance,
            )
        else:
            centered, batch_variance = wide - per_channel(mean), variance
            results = (mean, variance, mean, variance)
        factor = p.rsqrt(batch_variance + self.epsilon) * scale
        y = centered * per_channel(factor) + per_channel(offset)
        outputs = (p.cast(y, x.dtype), *results, p.constant(np.zeros(0, np.float32)))
        return outputs[: len(self.outputs)]

    def _factor(self):
        return getattr(self, "exponential_avg_factor", 1.0)

    def _normalized(self, centered, variance, scale, offset, keep):
        factor = scale / np.sqrt(variance + scale.dtype.type(self.epsilon))
        return centered * factor.reshape(keep) + offset.reshape(keep)

    def _check(self, x, scale, offset, mean, variance):
        rank = 5 if self.data_format in ("NDHWC", "NCDHW") else 4
        if x.ndim not in (4, 5) or (rank == 5 and x.ndim != 5):
            raise self.invalid(f"input must be 4 or 5-dimensional: {show(x.shape)}")
        channels = x.shape[channel_axis(self.data_format, x.ndim)]
        for name, vector in (("scale", scale), ("offset", offset)):
            if vector.shape != (channels,):
                raise self.invalid(
                    f"{name} must have the same number of elements as the channels of x, got "
                    f"{show(vector.shape)} and {channels}"
                )
        if not self.is_training or self._factor() != 1.0:
            when = "exponential_avg_factor != 1" if self.is_training else "is_training=false"
            for name, vector in (("mean", mean), ("variance", variance)):
                if vector.shape != (channels,):
                    raise self.invalid(
                        f"When {when}, {name} must have the same number of elements as "
                        f"the channels of x, got {show(vector.shape)} and {channels}"
                    )


class FusedBatchNorm(_FusedBatchNorm):
    """Batch normalization of float32."""

    signature = """x: T, scale: T, offset: T, mean: T, variance: T
        -> y: T, batch_mean: T, batch_variance: T, reserve_space_1: T, reserve_space_2: T"""
    T = frozenset({dtypes.float32})
    epsilon: float = 9.999999747378752e-05
    exponential_avg_factor: float = 1.0
    data_format: Literal["NHWC", "NCHW"] = "NHWC"
    is_training: bool = True


class FusedBatchNormV2(_FusedBatchNorm):
    """Batch normalization with a separate dtype for statistics."""

    signature = """x: T, scale: U, offset: U, mean: U, variance: U
        -> y: T, batch_mean: U, batch_variance: U, reserve_space_1: U, reserve_space_2: U"""
    T = SINGLE
    U = frozenset({dtypes.float32})
    epsilon: float = 9.999999747378752e-05
    exponential_avg_factor: float = 1.0
    data_format: Literal["NHWC", "NCHW"] = "NHWC"
    is_training: bool = True


class FusedBatchNormV3(_FusedBatchNorm):
    """Batch normalization of images or volumes."""

    signature = """x: T, scale: U, offset: U, mean: U, variance: U -> y: T, batch_mean: U,
        batch_variance: U, reserve_space_1: U, reserve_space_2: U, reserve_space_3: U"""
    elements = Elements(vectorizes_one_by_one=True)
    T = SINGLE
    U = SINGLE_RANGE
    epsilon: float = 9.999999747378752e-05
    exponential_avg_factor: float = 1.0
    data_format: Literal["NHWC", "NCHW", "NDHWC", "NCDHW"] = "NHWC"
    is_training: bool = True


class _FusedBatchNormGrad(Op):
    """The gradients of batch normalization with respect to x, scale and offset."""

    host_kernel = HostKernel(compiles_from=SLOW)

    def shape(self, y_backprop, x, scale, reserve_space_1, reserve_space_2, *rest):
        rank = 5 if self.data_format in ("NDHWC", "NCDHW") else 4
        x, y = x.with_rank(rank), y_backprop.with_rank(rank)
        axis = channel_axis(self.data_format, rank)
        channels = TensorShape([x[axis]]).merge_with(TensorShape([y[axis]]))
        for vector in (scale, reserve_space_1, reserve_space_2):
            channels = channels.merge_with(vector.with_rank(1))
        # other extents that contradict each other are refused by the run
        dims = [a if a is not None else b for a, b in zip(x.as_list(), y.as_list())]
        dims[axis] = channels[0]
        return TensorShape(dims), channels, channels, TensorShape([0]), TensorShape([0])

    @quiet
    def eager(self, y_backprop, x, scale, reserve_space_1, reserve_space_2, *rest):
        if y_backprop.shape != x.shape:
            raise self.invalid(
                "x and y_backprop must have same shape, but x has shape "
                f"{show(x.shape)} and y_backprop has shape {show(y_backprop.shape)}"
            )
        saved = {"reserve_space_1": reserve_space_1, "reserve_space_2": reserve_space_2}
        channels = x.shape[channel_axis(self.data_format, x.ndim)]
        for name, vector in {"scale": scale, **saved}.items():
            if vector.ndim != 1:
                raise self.invalid(f"{name} must be 1-dimensional{show(vector.shape)}")
            if vector.size != channels:
                raise self.invalid(
                    f"{name} must have the same number of elements as the channels of x, got "
                    f"{vector.size} and {channels}"
                )
        dy, wide = in_float32(y_backprop), in_float32(x)
        axes, keep = _axes(self, x.ndim), _keep(self, x.ndim, x.shape)
        mean, variance = reserve_space_1, reserve_space_2
        root = 1 / np.sqrt(variance + scale.dtype.type(self.epsilon))
        centered = (wide - mean.reshape(keep)) * root.reshape(keep)
        by_offset, by_scale = add_up(dy, axes), add_up(dy * centered, axes)
        if self.is_training:
            count = max(wide.size // max(scale.size, 1), 1)
            pull = by_offset.reshape(keep) + centered * by_scale.reshape(keep)
            dx = (dy - pull / scale.dtype.type(count)) * (root * scale).reshape(keep)
        else:
            dx = dy * (root * scale).reshape(keep)
        empty = np.zeros(0, scale.dtype)
        return dx.astype(x.dtype, copy=False), by_scale, by_offset, empty, empty

    def lower(self, p, y_backprop, x, scale, reserve_space_1, reserve_space_2, *rest):
        if y_backprop.shape != x.shape:
            raise NotLowerable("gradients of another shape")
        rank = len(x.shape)
        channels = x.shape[channel_axis(self.data_format, rank)]
        if any(v.shape != (channels,) for v in (scale, reserve_space_1, reserve_space_2)):
            raise NotLowerable("a scale or statistics that are not vectors over the channels")
        axes, keep = _axes(self, rank), _keep(self, rank, x.shape)
        per_channel = lambda v: p.reshape(v, keep)  # noqa: E731
        dy, wide = p.cast(y_backprop, scale.dtype), p.cast(x, scale.dtype)
        mean, variance = reserve_space_1, reserve_space_2
        root = p.rsqrt(variance + self.epsilon)
        centered = (wide - per_channel(mean)) * per_channel(root)
        by_offset, by_scale = p.reduce_sum(dy, axes), p.reduce_sum(dy * centered, axes)
        if self.is_training:
            pull = per_channel(p.reduce_mean(dy, axes))
            pull = pull + centered * per_channel(p.reduce_mean(dy * centered, axes))
            dx = (dy - pull) * per_channel(root * scale)
        else:
            dx = dy * per_channel(root * scale)
        empty = p.constant(np.zeros(0, np.float32))
        return p.cast(dx, x.dtype), by_scale, by_offset, empty, empty

    def gradient(self, y_backprop, x, scale, mean, variance, *rest):
        # second order: differentiate the formula, written with ops
        extra = len(self.inputs) - 5
        by_dx, by_dscale, by_doffset = rest[extra + 5 : extra + 8]
        return (
            *_second_order(
                self, y_backprop, x, scale, mean, variance, by_dx, by_dscale, by_doffset
            ),
            None,
            None,
            *([None] * extra),
        )


class FusedBatchNormGrad(_FusedBatchNormGrad):
    """The gradient of FusedBatchNorm."""

    signature = """y_backprop: T, x: T, scale: T, reserve_space_1: T, reserve_space_2: T
        -> x_backprop: T, scale_backprop: T, offset_backprop: T, reserve_space_3: T,
        reserve_space_4: T"""
    T = frozenset({dtypes.float32})
    epsilon: float = 9.999999747378752e-05
    data_format: Literal["NHWC", "NCHW"] = "NHWC"
    is_training: bool = True


class FusedBatchNormGradV2(_FusedBatchNormGrad):
    """The gradient of FusedBatchNormV2."""

    signature = """y_backprop: T, x: T, scale: float32, reserve_space_1: U, reserve_space_2: U
        -> x_backprop: T, scale_backprop: U, offset_backprop: U, reserve_space_3: U,
        reserve_space_4: U"""
    T = SINGLE
    U = frozenset({dtypes.float32})
    epsilon: float = 9.999999747378752e-05
    data_format: Literal["NHWC", "NCHW"] = "NHWC"
    is_training: bool = True


class FusedBatchNormGradV3(_FusedBatchNormGrad):
    """The gradient of FusedBatchNormV3."""

    signature = """y_backprop: T, x: T, scale: float32, reserve_space_1: U, reserve_space_2: U,
        reserve_space_3: U -> x_backprop: T, scale_backprop: U, offset_backprop: U,
        reserve_space_4: U, reserve_space_5: U"""
    elements = Elements(vectorizes_one_by_one=True)
    T = SINGLE
    U = frozenset({dtypes.float32})
    epsilon: float = 9.999999747378752e-05
    data_format: Literal["NHWC", "NCHW", "NDHWC", "NCDHW"] = "NHWC"
    is_training: bool = True


def _axes(op, rank):
    channel = channel_axis(op.data_format, rank)
    return tuple(a for a in range(rank) if a != channel)


def _keep(op, rank, shape):
    channel = channel_axis(op.data_format, rank)
    return [shape[a] if a == channel else 1 for a in range(rank)]


def _mixed(old, new, factor):
    """(1 - factor) old + factor new; `old` may be empty if factor is 1."""
    if factor == 1.0:
        return new
    return old * (1.0 - factor) + new * factor


def _corrected(p, variance, count):
    """variance n / (n - 1)."""
    if isinstance(count, int) and type(count) is int:
        return variance * (count / max(count - 1, 1))
    n = p.cast(p.size(count), variance.dtype)
    return variance * (n / p.maximum(n - 1, 1))


def _second_order(op, dy, x, scale, mean, variance, by_dx, by_dscale, by_doffset):
    """Gradients of (dx, dscale, doffset) with respect to dy, x and scale.

    With u = (x - mean) r, r = 1 / sqrt(variance + epsilon), and E for means over the batch:
    dx = s r (dy - E[dy] - u E[u dy]) while training, s r dy otherwise.
    """
    rank = x.shape.rank or (5 if op.data_format in ("NDHWC", "NCDHW") else 4)
    axes, keep = list(_axes(op, rank)), [1] * rank
    keep[channel_axis(op.data_format, rank)] = -1
    kind = x.dtype
    dy, x, w = (cast(t, scale.dtype) for t in (dy, x, by_dx))
    each = lambda v: raw.Reshape(tensor=v, shape=keep)  # noqa: E731
    mean_of = lambda t: raw.Mean(input=t, axis=np.array(axes, np.int32), keep_dims=True)  # noqa: E731
    root, s = each(raw.Rsqrt(x=variance + op.epsilon)), each(scale)
    u = (x - each(mean)) * root
    a, b = each(by_dscale), each(by_doffset)
    if not op.is_training:
        by_dy = w * s * root + a * u + b
        by_x = a * dy * root
        by_scale = sum_over(w * dy * root, axes)
        return cast(by_dy, kind), cast(by_x, kind), by_scale
    e_dy, e_udy, e_w, e_uw = mean_of(dy), mean_of(u * dy), mean_of(w), mean_of(u * w)
    by_dy = s * root * (w - e_w - u * e_uw) + a * u + b
    by_scale = sum_over(w * root * (dy - e_dy - u * e_udy), axes)
    inner = mean_of(w * (dy - e_dy - u * e_udy))  # the factor of the change of s r
    # with respect to u at fixed root, then through u's dependence on the batch's mean and variance
    by_u = -s * root * (w * e_udy + dy * e_uw) + a * dy
    through_u = root * (by_u - mean_of(by_u) - u * mean_of(by_u * u))
    by_x = through_u - s * root * root * u * inner
    return cast(by_dy, kind), cast(by_x, kind), by_scale


class LRN(Op):
    """input / (bias + alpha * sum of squares over neighboring channels) ** beta."""

    signature = "input: T[?, ?, ?, ?] -> output: T[input]"
    host_kernel = HostKernel(compiles_from=HEAVY)
    values = Values(in_float32=True)
    depth_radius: int = 5
    bias: float = 1.0
    alpha: float = 1.0
    beta: float = 0.5
    T: SINGLE = dtypes.float32
    vectorize = "examples"

    def gradient(self, input, output, dy):
        attributes = dict(
            depth_radius=self.depth_radius, bias=self.bias, alpha=self.alpha, beta=self.beta
        )
        return raw.LRNGrad(dy, input, output, **attributes)

    @quiet
    def eager(self, input):
        if input.ndim != 4:
            raise self.invalid(f"in must be 4-dimensional. Received {show(input.shape)}")
        _check_radius(self)
        x = in_float32(input)
        return (x * np.power(_norm(self, x), np.float32(-self.beta))).astype(input.dtype)

    def lower(self, p, input):
        _check_radius(self)
        norm = _lower_norm(self, p, input)
        return input * _lower_power(p, norm, self.beta)


class LRNGrad(Op):
    """The gradient of LRN."""

    signature = "input_grads: T, input_image: T, output_image: T -> output: T"
    host_kernel = HostKernel(compiles_from=HEAVY)
    values = Values(in_float32=True)
    depth_radius: int = 5
    bias: float = 1.0
    alpha: float = 1.0
    beta: float = 0.5
    T: SINGLE = dtypes.float32

    def shape(self, input_grads, input_image, output_image):
        return input_grads.with_rank(4).merge_with(input_image).merge_with(output_image)

    def _check(self, *arrays):
        _check_radius(self)
        if any(x.shape != arrays[0].shape for x in arrays):
            shapes = ", ".join(show(x.shape) for x in arrays)
            raise self.invalid(
                f"input_grads, input_image, and out_image should have the same shape. Received {shapes}"
            )

    @quiet
    def eager(self, input_grads, input_image, output_image):
        self._check(input_grads, input_image, output_image)
        x, g = in_float32(input_image), in_float32(input_grads)
        norm = _norm(self, x)
        shared = g * in_float32(output_image) / norm
        pulled = _neighbors(self, shared).sum(-1) * np.float32(2 * self.alpha * self.beta)
        power = np.power(norm, np.float32(-self.beta))
        return (g * power - x * pulled).astype(input_image.dtype)

    def lower(self, p, input_grads, input_image, output_image):
        self._check(input_grads, input_image, output_image)
        norm = _lower_norm(self, p, input_image)
        shared = input_grads * output_image / norm
        pulled = _lower_neighbors(self, p, shared) * (2 * self.alpha * self.beta)
        return input_grads * _lower_power(p, norm, self.beta) - input_image * pulled


def _check_radius(op):
    if op.depth_radius >= 2**31 - 1:
        raise op.invalid(f"depth_radius = {op.depth_radius} larger than int max")


def _neighbors(op, x):
    """A view [..., channels, 2 * radius + 1] of each channel's neighborhood."""
    radius = min(op.depth_radius, x.shape[3])
    if not x.shape[3]:
        return x[..., None]
    padded = np.pad(x, [(0, 0)] * 3 + [(radius, radius)])
    return np.lib.stride_tricks.sliding_window_view(padded, 2 * radius + 1, axis=3)


def _norm(op, x):
    squares = _neighbors(op, np.square(x)).sum(-1)
    return np.float32(op.bias) + np.float32(op.alpha) * squares


MOST_SHIFTED = 32  # neighbors that are added up one by one, as slices


def _lower_neighbors(op, p, x):
    radius, channels = op.depth_radius, x.shape[3]
    if 2 * radius >= MOST_SHIFTED or not is_symbolic(channels):
        radius = min(radius, channels)  # values beyond all channels are zeros
    size = 2 * radius + 1
    if size > MOST_SHIFTED:
        view = p.windows(x, axes=[3], size=[size], low=[radius], high=[radius])
        return p.reduce_sum(view, [4])
    padded = p.pad(x, [0, 0, 0, radius], [0, 0, 0, radius])
    total = p.slice_axis(padded, 3, 0, channels)
    for shift in range(1, size):
        total = total + p.slice_axis(padded, 3, shift, shift + channels)
    return total


def _lower_norm(op, p, x):
    return _lower_neighbors(op, p, p.square(x)) * op.alpha + op.bias


def _lower_power(p, norm, beta):
    """norm ** -beta; for the usual ones, roots take a tenth of the time of a power."""
    if beta not in (0.5, 0.75):
        return p.pow(norm, -beta)
    root = p.rsqrt(norm)
    return root if beta == 0.5 else root * p.sqrt(root)
