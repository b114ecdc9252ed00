"""Normalization over batches, layers, groups, channels."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock._src.core.errors import InvalidArgumentError, UnimplementedError
from penstock._src.core.registry import raw
from penstock._src.formats.onnx.element_types import element_type
from penstock._src.formats.onnx.reading import tensors as t
from penstock._src.formats.onnx.reading.ops.nn.convolution import first, last
from penstock._src.formats.onnx.reading.registry import Node, reads


def normalized(x: Any, axes: Sequence[int], epsilon: float) -> tuple[Any, Any, Any]:
    """(x - mean) / deviation along axes, with the mean and one over the deviation."""
    mean = t.reduced("Mean", x, axes, keep_dims=True)
    centered = raw.Sub(x, mean)
    variance = t.reduced("Mean", raw.Square(centered), axes, keep_dims=True)
    inverse = raw.Rsqrt(raw.AddV2(variance, t.like(epsilon, x)))
    return raw.Mul(centered, inverse), mean, inverse


def _stash(n: Node, x: Any) -> Any:
    """x in the type in which statistics are computed."""
    stash = element_type(n.attr("stash_type", 1)).dtype
    return t.cast(x, stash) if x.dtype.size < stash.size else x


@reads("BatchNormalization", settings=(3, 4))
def _batch_normalization(n: Node, x: Any, scale: Any, bias: Any, mean: Any, variance: Any) -> Any:
    epsilon, dimensions, dtype = n.attr("epsilon", 1e-5), t.rank(x), x.dtype
    if not n.flag("spatial", 1):
        raise UnimplementedError("statistics of each place (spatial=0) are not supported.")
    if n.flag("training_mode"):
        return _trained_batch(n, x, scale, bias, mean, variance)
    kind = variance.dtype if variance.dtype.size > dtype.size else dtype
    scale, bias, mean, variance = (t.cast(v, kind) for v in (scale, bias, mean, variance))
    factor = raw.Mul(scale, raw.Rsqrt(raw.AddV2(variance, t.like(epsilon, variance))))
    offset = raw.Sub(bias, raw.Mul(mean, factor))
    # Channels are last in the source of the transpose.
    if t.turned(x) is not None and dimensions > 2:
        y = raw.AddV2(raw.Mul(t.cast(last(x), kind), factor), offset)
        return first(t.cast(y, dtype))
    y = raw.Mul(t.cast(x, kind), t.aligned(factor, dimensions, 1))
    return t.cast(raw.AddV2(y, t.aligned(offset, dimensions, 1)), dtype)


def _trained_batch(n: Node, x: Any, scale: Any, bias: Any, mean: Any, variance: Any) -> Any:
    momentum, dimensions = n.attr("momentum", 0.9), t.rank(x)
    axes = [a for a in range(dimensions) if a != 1]
    own_mean = t.reduced("Mean", x, axes)
    centered = raw.Sub(x, t.aligned(own_mean, dimensions, 1))
    own_variance = t.reduced("Mean", raw.Square(centered), axes)
    factor = raw.Mul(scale, raw.Rsqrt(raw.AddV2(own_variance, t.like(n.attr("epsilon", 1e-5), x))))
    y = raw.AddV2(
        raw.Mul(centered, t.aligned(factor, dimensions, 1)), t.aligned(bias, dimensions, 1)
    )

    def running(old: Any, new: Any) -> Any:
        return raw.AddV2(
            raw.Mul(old, t.like(momentum, old)),
            raw.Mul(t.cast(new, old.dtype), t.like(1 - momentum, old)),
        )

    return y, running(mean, own_mean), running(variance, own_variance)


@reads("InstanceNormalization")
def _instance_normalization(n: Node, x: Any, scale: Any, bias: Any) -> Any:
    dimensions = t.rank(x)
    y, _, _ = normalized(x, range(2, dimensions), n.attr("epsilon", 1e-5))
    return raw.AddV2(raw.Mul(y, t.aligned(scale, dimensions, 1)), t.aligned(bias, dimensions, 1))


@reads("LayerNormalization")
def _layer_normalization(n: Node, x: Any, scale: Any, bias: Any = None) -> Any:
    axis = t.axis_of(n.attr("axis", -1), t.rank(x))
    y, mean, inverse = normalized(_stash(n, x), range(axis, t.rank(x)), n.attr("epsilon", 1e-5))
    y = raw.Mul(t.cast(y, x.dtype), scale)
    return (y if bias is None else raw.AddV2(y, bias)), mean, inverse


def root_mean_square(x: Any, axes: Sequence[int], epsilon: float) -> tuple[Any, Any]:
    """x over the root of its mean square along axes, and one over that root."""
    square = t.reduced("Mean", raw.Square(x), axes, keep_dims=True)
    inverse = raw.Rsqrt(raw.AddV2(square, t.like(epsilon, x)))
    return raw.Mul(x, inverse), inverse


# ONNX Runtime's name of it, in the standard's own domain, has a second output.
@reads("RMSNormalization", "SimplifiedLayerNormalization")
def _rms_normalization(n: Node, x: Any, scale: Any) -> Any:
    axes = range(t.axis_of(n.attr("axis", -1), t.rank(x)), t.rank(x))
    y, inverse = root_mean_square(_stash(n, x), axes, n.attr("epsilon", 1e-5))
    return raw.Mul(t.cast(y, scale.dtype), scale), inverse


@reads("GroupNormalization")
def _group_normalization(n: Node, x: Any, scale: Any, bias: Any) -> Any:
    groups, sizes = n.attr("num_groups"), t.extents(x)
    channels = sizes[1]
    if groups < 1 or (isinstance(channels, int) and channels % groups):
        raise InvalidArgumentError(f"{channels} channels do not form {groups} groups.")
    wide = _stash(n, x)
    each = channels // groups if isinstance(channels, int) else -1
    split = t.reshape(wide, [sizes[0], groups, each, *sizes[2:]])
    y, _, _ = normalized(split, range(2, t.rank(split)), n.attr("epsilon", 1e-5))
    if n.version < 21:  # one scale for each group
        y = raw.Mul(y, t.cast(t.aligned(scale, t.rank(split), 1), y.dtype))
        y = raw.AddV2(y, t.cast(t.aligned(bias, t.rank(split), 1), y.dtype))
        return t.cast(t.reshape(y, sizes), x.dtype)
    y = t.cast(t.reshape(y, sizes), x.dtype)
    return raw.AddV2(raw.Mul(y, t.aligned(scale, t.rank(x), 1)), t.aligned(bias, t.rank(x), 1))


@reads("MeanVarianceNormalization")
def _mean_variance_normalization(n: Node, x: Any) -> Any:
    axes = t.axes_of(n.attr("axes", [0, 2, 3]), t.rank(x))
    mean = t.reduced("Mean", x, axes, keep_dims=True)
    centered = raw.Sub(x, mean)
    variance = t.reduced("Mean", raw.Square(centered), axes, keep_dims=True)
    return raw.RealDiv(centered, raw.AddV2(raw.Sqrt(variance), t.like(1e-9, x)))


@reads("LpNormalization")
def _lp_normalization(n: Node, x: Any) -> Any:
    axis, p = t.axis_of(n.attr("axis", -1), t.rank(x)), n.attr("p", 2)
    if p == 1:
        norm = t.reduced("Sum", raw.Abs(x), [axis], keep_dims=True)
    elif p == 2:
        norm = raw.Sqrt(t.reduced("Sum", raw.Square(x), [axis], keep_dims=True))
    else:
        raise UnimplementedError(f"p={p} is not supported; it is 1 or 2.")
    return raw.DivNoNan(x, norm)


@reads("LRN")
def _lrn(n: Node, x: Any) -> Any:
    size = n.attr("size")
    alpha, beta, bias = n.attr("alpha", 1e-4), n.attr("beta", 0.75), n.attr("bias", 1.0)
    if size < 1:
        raise InvalidArgumentError(f"size must be positive. Received: {size}")
    before = (size - 1) // 2
    amounts = np.zeros((t.rank(x), 2), np.int32)
    amounts[1] = before, size - 1 - before
    squares = raw.Pad(raw.Square(x), amounts)
    total = None
    for offset in range(size):
        rest = size - 1 - offset
        view = t.slice_along(squares, 1, offset, -rest or None)
        total = view if total is None else raw.AddV2(total, view)
    base = raw.AddV2(t.like(bias, x), raw.Mul(t.like(alpha / size, x), total))
    return raw.RealDiv(x, raw.Pow(base, t.like(beta, x)))
