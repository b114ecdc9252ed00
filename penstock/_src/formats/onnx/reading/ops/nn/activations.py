"""Activations, softmaxes, dropout."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.registry import raw
from penstock._src.formats.onnx.reading import tensors as t
from penstock._src.formats.onnx.reading.registry import Node, reads


@reads("Relu")
def _relu(n: Node, x: Any) -> Any:
    if x.dtype.is_integer:
        return raw.Maximum(x, t.like(0, x))
    return raw.Relu(x)


def leaky_relu(x: Any, alpha: float) -> Any:
    """x, or alpha * x where it is negative."""
    return raw.LeakyRelu(x, alpha=alpha)


@reads("PRelu")
def _prelu(n: Node, x: Any, slope: Any) -> Any:
    if n.version < 7 and slope.shape.rank == 1 and t.rank(x) > 2:  # one slope for each channel
        slope = t.aligned(slope, t.rank(x), 1)
    return raw.SelectV2(raw.Less(x, t.like(0, x)), raw.Mul(slope, x), x)


@reads("Elu")
def _elu(n: Node, x: Any) -> Any:
    return elu(x, n.attr("alpha", 1.0))


def elu(x: Any, alpha: float) -> Any:
    """x, or alpha * (exp(x) - 1) where it is negative."""
    if alpha == 1.0:
        return raw.Elu(x)
    zero = t.like(0, x)
    below = raw.Mul(t.like(alpha, x), raw.Expm1(raw.Minimum(x, zero)))
    return raw.SelectV2(raw.Less(x, zero), below, x)


@reads("Celu")
def _celu(n: Node, x: Any) -> Any:
    alpha, zero = t.like(n.attr("alpha", 1.0), x), t.like(0, x)
    below = raw.Mul(alpha, raw.Expm1(raw.RealDiv(raw.Minimum(x, zero), alpha)))
    return raw.SelectV2(raw.Less(x, zero), below, x)


@reads("Selu")
def _selu(n: Node, x: Any) -> Any:
    alpha = n.attr("alpha", 1.6732631921768188)
    gamma = n.attr("gamma", 1.0507010221481323)
    return raw.Mul(t.like(gamma, x), elu(x, alpha))


@reads("HardSigmoid")
def _hard_sigmoid(n: Node, x: Any) -> Any:
    return hard_sigmoid(x, n.attr("alpha", 0.2), n.attr("beta", 0.5))


def hard_sigmoid(x: Any, alpha: float, beta: float) -> Any:
    """alpha * x + beta, at least 0 and at most 1."""
    line = raw.AddV2(raw.Mul(t.like(alpha, x), x), t.like(beta, x))
    return raw.Minimum(raw.Maximum(line, t.like(0, x)), t.like(1, x))


@reads("HardSwish")
def _hard_swish(n: Node, x: Any) -> Any:
    return raw.Mul(x, hard_sigmoid(x, 1 / 6, 0.5))


@reads("ThresholdedRelu")
def _thresholded_relu(n: Node, x: Any) -> Any:
    return thresholded_relu(x, n.attr("alpha", 1.0))


def thresholded_relu(x: Any, alpha: float) -> Any:
    """x where it is greater than alpha, else 0."""
    return raw.SelectV2(raw.Greater(x, t.like(alpha, x)), x, t.like(0, x))


@reads("Shrink")
def _shrink(n: Node, x: Any) -> Any:
    dtype = x.dtype
    wide = x if dtype.is_floating else t.cast(x, dtypes.float32)
    limit, bias = t.like(n.attr("lambd", 0.5), wide), t.like(n.attr("bias", 0.0), wide)
    above = raw.SelectV2(raw.Greater(wide, limit), raw.Sub(wide, bias), t.like(0, wide))
    below = raw.Less(wide, raw.Neg(limit))
    return t.cast(raw.SelectV2(below, raw.AddV2(wide, bias), above), dtype)


@reads("Gelu")
def _gelu(n: Node, x: Any) -> Any:
    return gelu(x, n.attr("approximate", "none") == "tanh")


def gelu(x: Any, approximate: bool = False) -> Any:
    """x times the normal distribution's function of x, which a tanh may approximate."""
    half, one = t.like(0.5, x), t.like(1, x)
    if approximate:
        cube = raw.Mul(t.like(0.044715, x), raw.Mul(x, raw.Mul(x, x)))
        curve = raw.Tanh(raw.Mul(t.like(np.sqrt(2 / np.pi), x), raw.AddV2(x, cube)))
    else:
        curve = raw.Erf(raw.Mul(x, t.like(np.sqrt(0.5), x)))
    return raw.Mul(raw.Mul(half, x), raw.AddV2(one, curve))


@reads("Mish")
def _mish(n: Node, x: Any) -> Any:
    return raw.Mul(x, raw.Tanh(raw.Softplus(x)))


@reads("Swish")
def _swish(n: Node, x: Any) -> Any:
    return swish(x, n.attr("alpha", 1.0))


def swish(x: Any, alpha: float = 1.0) -> Any:
    """x * sigmoid(alpha * x)."""
    return raw.Mul(x, raw.Sigmoid(x if alpha == 1.0 else raw.Mul(t.like(alpha, x), x)))


@reads("SwiGLU")
def _swiglu(n: Node, a: Any, b: Any) -> Any:
    return raw.Mul(swish(a, n.attr("alpha", 1.0)), b)


def _along_axis(n: Node, x: Any, function: Callable[[Any, int], Any]) -> Any:
    axis = n.attr("axis", -1 if n.version >= 13 else 1)
    return _along(x, axis, n.version, function)


def _along(x: Any, axis: int, version: int, function: Callable[[Any, int], Any]) -> Any:
    """A function along an axis; before version 13 along all from that axis on, as one."""
    dimensions = t.rank(x)
    if version >= 13:
        return function(x, t.axis_of(axis, dimensions))
    # The axis behind the last one is allowed: a vector is one row of them.
    axis = axis if axis == dimensions else t.axis_of(axis, dimensions)
    sizes = t.extents(x)
    flat = t.reshape(x, [t.product(sizes[:axis]), t.product(sizes[axis:])])
    return t.reshape(function(flat, 1), sizes)


def _on_last(function: Callable[[Any], Any]) -> Callable[[Any, int], Any]:
    """A function of the last axis as one of any axis."""

    def moved(x: Any, axis: int) -> Any:
        order = list(range(t.rank(x)))
        order.append(order.pop(axis))
        return t.transpose(function(t.transpose(x, order)), np.argsort(order).tolist())

    return moved


@reads("Softmax")
def _softmax(n: Node, x: Any) -> Any:
    return _along_axis(n, x, _on_last(raw.Softmax))


def softmax(x: Any, axis: int, version: int) -> Any:
    """The softmax of a version of the standard's operators."""
    return _along(x, axis, version, _on_last(raw.Softmax))


@reads("LogSoftmax")
def _log_softmax(n: Node, x: Any) -> Any:
    return _along_axis(n, x, _on_last(raw.LogSoftmax))


@reads("Hardmax")
def _hardmax(n: Node, x: Any) -> Any:
    def hot(x: Any, axis: int) -> Any:
        entries = x
        if not isinstance(t.extents(x)[axis], int) or not t.extents(x)[axis]:
            # ArgMax refuses an empty axis; of equal entries the first counts, so a last one of -inf changes nothing.
            around = np.zeros((t.rank(x), 2), np.int32)
            around[axis, 1] = 1
            entries = raw.PadV2(x, around, t.like(-math.inf, x))
        first = raw.ArgMax(entries, np.int32(axis), output_type=dtypes.int64)
        return raw.OneHot(
            first, t.cast(t.extent(x, axis), dtypes.int32), t.like(1, x), t.like(0, x), axis=axis
        )

    return _along_axis(n, x, hot)


@reads("Dropout", settings=(1, 2))
def _dropout(n: Node, x: Any, ratio: Any = None, training: Any = None) -> Any:
    """Dropout of a trained model does nothing; one with `training_mode` drops."""
    mode = t.known(training)
    if training is None or (mode is not None and not bool(mode)):
        kept = raw.Fill(t.shape(x), t.constant(True, dtypes.bool_))
        return (x, kept) if n.wants(1) else x
    share = t.like(0.5, x) if ratio is None else t.cast(ratio, x.dtype)
    # A seed of ONNX is not one of Penstock's generators: only the distribution is the same.
    seed = int(n.attr("seed", 0))
    drawn = raw.RandomUniform(t.shape(x), dtype=x.dtype, seed=seed, seed2=seed)
    kept = raw.GreaterEqual(drawn, share)
    if mode is None:
        kept = raw.LogicalOr(kept, raw.LogicalNot(training))
        share = raw.SelectV2(training, share, t.like(0, share))
    scaled = raw.RealDiv(x, raw.Sub(t.like(1, x), share))
    return raw.SelectV2(kept, scaled, t.like(0, x)), kept
