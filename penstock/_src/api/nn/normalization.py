"""Moments, normalization and bias."""

from typing import Any

import numpy as np

from penstock._src.api.array.indexing import is_unknown
from penstock._src.api.extending.dispatch import dispatchable
from penstock._src.api.extending.scopes import scoped
from penstock._src.api.math.arithmetic import divide_no_nan
from penstock._src.api.math.elementwise import cast
from penstock._src.api.math.reduction import reduce_mean, reduce_sum
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import scope_in_graph
from penstock._src.core.registry import raw
from penstock._src.core.typesets import NARROW
from penstock._src.graph.operation import scope_of


@dispatchable("nn.moments", v1=[], direct=True)
def moments(x, axes, shift=None, keepdims=False, name=None):
    """Returns the mean and the variance over some axes.

    The variance is divided by the number of entries. float16 and bfloat16 are summed in float32.

    Args:
      x: float or complex numbers.
      axes: a list of axes.
      shift: ignored.
      keepdims: if True, the axes stay with length 1.
      name: a name for the operation.

    Returns:
      A pair `(mean, variance)` of the dtype of `x`.

    >>> mean, variance = tf.nn.moments(tf.constant([[1.0, 3.0], [2.0, 8.0]]), axes=[1])
    >>> mean.numpy(), variance.numpy()
    (array([2., 5.], dtype=float32), array([1., 9.], dtype=float32))
    """
    del shift
    with scope_in_graph(name, "moments"):
        x = convert_to_tensor(x, name="x")
        y = cast(x, dtypes.float32) if x.dtype in NARROW else x
        if isinstance(axes, (list, tuple)) and not any(map(is_unknown, axes)):
            # Sums take nested axes; the axes to remove, which `Squeeze` has as an attribute, are plain numbers.
            axes = [a if isinstance(a, (list, tuple)) else int(a) for a in axes]
        mean = reduce_mean(y, axes, keepdims=True, name="mean")
        squares = raw.SquaredDifference(x=y, y=raw.StopGradient(input=mean))
        variance = reduce_mean(squares, axes, keepdims=True, name="variance")
        if not keepdims:
            dims = _axis_list(x, axes)
            mean = raw.Squeeze(input=mean, axis=dims)
            variance = raw.Squeeze(input=variance, axis=dims)
        if y.dtype != x.dtype:
            return cast(mean, x.dtype), cast(variance, x.dtype)
        return mean, variance


def _axis_list(x, axes):
    if axes is None:
        return list(range(x.shape.rank))
    if isinstance(axes, (int, np.integer)):
        return [int(axes)]
    if isinstance(axes, list):
        return axes
    return convert_to_tensor(axes).numpy().reshape(-1).tolist()


@dispatchable("nn.weighted_moments", v1=[], scope="weighted_moments")
def weighted_moments(x, axes, frequency_weights, keepdims=False, name=None):
    """Weighted mean and variance of `x` over `axes`.

    Args:
      x: floats.
      axes: a list of ints.
      frequency_weights: floats that broadcast with `x`.
      keepdims: whether the axes stay, with length 1.
      name: of the operations.

    Returns:
      (mean, variance) of the dtype of `x`; zeros where all weights are zero.
    """
    x = convert_to_tensor(x, name="x")
    weights = convert_to_tensor(frequency_weights, name="frequency_weights")
    half = x.dtype in NARROW
    kind = dtypes.float32 if half else x.dtype
    y = cast(x, kind)
    weights = cast(weights, kind)
    shape = raw.BroadcastArgs(s0=raw.Shape(input=weights), s1=raw.Shape(input=x))
    spread = raw.BroadcastTo(input=weights, shape=shape)
    total = reduce_sum(spread, axes, keepdims=True)
    mean = divide_no_nan(reduce_sum(weights * y, axes, keepdims=True), total)
    squares = reduce_sum(weights * raw.SquaredDifference(x=y, y=mean), axes, keepdims=True)
    variance = divide_no_nan(squares, total)
    if not keepdims:
        dims = _axis_list(x, axes)
        mean = raw.Squeeze(input=mean, axis=dims)
        variance = raw.Squeeze(input=variance, axis=dims)
    return cast(mean, x.dtype), cast(variance, x.dtype)


def _axis_in(axis, rank):
    """An axis counted from the front, where the rank is known."""
    if rank is None:
        return axis
    if not -rank <= axis < rank:
        raise ValueError(f"Invalid reduction dimension {axis} for input with {rank} dimensions.")
    return axis % rank


@dispatchable("nn.sufficient_statistics", v1=[])
@scoped("sufficient_statistics")
def sufficient_statistics(x, axes, shift=None, keepdims=False, name=None):
    """The count, sum, sum of squares and shift, for `normalize_moments`.

    Args:
      x: numbers.
      axes: a list of ints.
      shift: a number near the mean, which is subtracted first and makes the sums more exact; None
        for none.
      keepdims: whether the axes stay, with length 1.
      name: of the operations.

    Returns:
      (count, sum, sum of squares, shift) of the dtype of `x`; the count is a scalar, and the shift
      None without one.
    """
    del name
    x = convert_to_tensor(x, name="x")
    rank = x.shape.rank
    axes = sorted({_axis_in(int(a), rank) for a in np.atleast_1d(axes)})
    extents = [None if rank is None else x.shape[a] for a in axes]
    if None not in extents:
        count = convert_to_tensor(np.asarray(np.prod(extents), x.dtype.as_numpy_dtype))
    else:
        dims = raw.GatherV2(params=raw.Shape(input=x), indices=np.array(axes, np.int32), axis=0)
        count = cast(raw.Prod(input=dims, axis=[0]), x.dtype)
    if shift is not None:
        shift = convert_to_tensor(shift, dtype=x.dtype, name="shift")
        mean_ss, variance_ss = x - shift, raw.SquaredDifference(x=x, y=shift)
    else:
        mean_ss, variance_ss = x, raw.Square(x=x)
    mean_ss = reduce_sum(mean_ss, axes, keepdims=keepdims)
    variance_ss = reduce_sum(variance_ss, axes, keepdims=keepdims)
    return count, mean_ss, variance_ss, shift


@dispatchable("nn.normalize_moments")
@scoped("normalize")
def normalize_moments(counts, mean_ss, variance_ss, shift, name=None):
    """Mean and variance from the results of `sufficient_statistics`.

    Args:
      counts: a scalar: how many entries were summed.
      mean_ss, variance_ss: their sums and sums of squares.
      shift: what was subtracted first, or None.
      name: of the operations.

    Returns:
      (mean, variance) of the dtype of `mean_ss`.
    """
    del name
    divisor = raw.Reciprocal(x=convert_to_tensor(counts))
    if shift is not None:
        shifted = mean_ss * divisor
        mean = shifted + shift
    else:
        shifted = mean_ss * divisor
        mean = shifted
    variance = variance_ss * divisor - raw.Square(x=shifted)
    return mean, variance


@dispatchable("nn.batch_normalization", v1=["nn.batch_normalization"], direct=True)
def batch_normalization(x, mean, variance, offset, scale, variance_epsilon, name=None):
    """Returns (x - mean) / sqrt(variance + variance_epsilon) * scale + offset.

    Args:
      x: floats.
      mean: floats that broadcast to `x`.
      variance: floats that broadcast to `x`, not negative.
      offset: floats that broadcast to `x`, or None for no offset.
      scale: floats that broadcast to `x`, or None for no scale.
      variance_epsilon: a small number that keeps the root away from 0.
      name: a name for the operation.

    Returns:
      A tensor of the shape and dtype of `x`.

    >>> x = tf.constant([[1.0], [3.0]])
    >>> tf.nn.batch_normalization(x, mean=2.0, variance=1.0, offset=None, scale=2.0, variance_epsilon=0.0).numpy()
    array([[-2.],
           [ 2.]], dtype=float32)
    """
    with scope_of((x, mean, variance, scale, offset), name, "batchnorm"):
        factor = raw.Rsqrt(x=variance + variance_epsilon)
        if scale is not None:
            factor = factor * scale
        x = convert_to_tensor(x)
        scaled = x * cast(factor, x.dtype)
        shift = offset - mean * factor if offset is not None else -mean * factor
        return scaled + cast(shift, x.dtype)


@dispatchable("nn.batch_norm_with_global_normalization", v1=[])
def batch_norm_with_global_normalization(
    input, mean, variance, beta, gamma, variance_epsilon, scale_after_normalization, name=None
):
    """`batch_normalization` with an optional scale.

    Args:
      input: `[batch, height, width, c]`, floats.
      mean, variance, beta, gamma: `[c]` of the same dtype.
      variance_epsilon: added to the variance.
      scale_after_normalization: whether to multiply by `gamma`.
      name: of the operations.

    Returns:
      A tensor of the shape and dtype of `input`.
    """
    scale = gamma if scale_after_normalization else None
    return batch_normalization(input, mean, variance, beta, scale, variance_epsilon, name)


@dispatchable("nn.bias_add", v1=["nn.bias_add"], direct=True)
def bias_add(value, bias, data_format=None, name=None):
    """Returns `value` plus a vector along its channels.

    Args:
      value: numbers, `[batch, ..., channels]`, or channels second.
      bias: a vector `[channels]` of the same dtype.
      data_format: "N...C", such as "NHWC" (the default), or "NC...", such as "NCHW".
      name: a name for the operation.

    Returns:
      A tensor of the shape and dtype of `value`.

    Raises:
      ValueError: `data_format` has another form.
      InvalidArgumentError: the bias is not a vector, or not as long as there are channels.

    >>> tf.nn.bias_add([[1.0, 2.0], [3.0, 4.0]], [10.0, 20.0]).numpy()
    array([[11., 22.],
           [13., 24.]], dtype=float32)
    """
    if data_format is not None:
        if data_format.startswith("NC"):
            data_format = "NCHW"
        elif data_format.startswith("N") and data_format.endswith("C"):
            data_format = "NHWC"
        else:
            raise ValueError(
                "`data_format` must be of the form `N...C` or `NC...`. Received: data_format="
                f"{data_format}"
            )
    return raw.BiasAdd(value=value, bias=bias, data_format=data_format or "NHWC", name=name)


@dispatchable("nn.local_response_normalization", "nn.lrn")
def local_response_normalization(input, depth_radius=5, bias=1, alpha=1, beta=0.5, name=None):
    """`input` divided by (bias + alpha * sum of squares over nearby channels) ** beta.

    Args:
      input: `[batch, height, width, c]`, float32, float16 or bfloat16.
      depth_radius: how many channels on each side count.
      bias, alpha, beta: as in the formula.
      name: of the operation.

    Returns:
      A tensor of the same shape and dtype.
    """
    return raw.LRN(
        input=input, depth_radius=depth_radius, bias=bias, alpha=alpha, beta=beta, name=name
    )


@dispatchable("nn.isotonic_regression", v1=[])
def isotonic_regression(inputs, decreasing=True, axis=-1):
    """The nearest monotone sequences along `axis`, and the segment of each entry.

    Args:
      inputs: real numbers.
      decreasing: whether the sequences fall; otherwise they rise.
      axis: an int.

    Returns:
      (sequences, segments) of the shape of `inputs`: floats (float64 for int32 and int64), and the
      int32 number of the run of equal entries.
    """
    inputs = convert_to_tensor(inputs)
    rank = inputs.shape.rank
    axis = axis % rank if rank else axis
    last = axis == (-1 if rank is None else rank - 1)
    if not last:
        perm = _with_last(axis, raw.Rank(input=inputs) if rank is None else rank)
        inputs = raw.Transpose(x=inputs, perm=perm)
    wide = inputs.dtype in (dtypes.int32, dtypes.int64)
    kind = inputs.dtype if inputs.dtype.is_floating else dtypes.float64 if wide else dtypes.float32
    # A matrix has the op's form already.
    is_matrix = inputs.shape.rank == 2
    flat = inputs
    if not is_matrix:
        extents = raw.Shape(input=inputs)
        flat = raw.Reshape(
            tensor=inputs,
            shape=[raw.Prod(input=extents[:-1], axis=0), raw.Prod(input=extents[-1:], axis=0)],
        )
    flat = flat if decreasing else -flat
    result, segments = raw.IsotonicRegression(input=flat, output_dtype=kind)
    result = result if decreasing else -result
    if not is_matrix:
        result = raw.Reshape(tensor=result, shape=extents)
        segments = raw.Reshape(tensor=segments, shape=extents)
    if not last:
        result = raw.Transpose(x=result, perm=perm)
        segments = raw.Transpose(x=segments, perm=perm)
    return result, segments


def _with_last(axis: int, rank: Any) -> Any:
    """The permutation that exchanges an axis and the last one of `rank` axes, which may be a tensor."""
    if isinstance(rank, int):
        perm = np.arange(rank, dtype=np.int32)
        perm[[axis, -1]] = perm[[-1, axis]]
        return perm
    axes = raw.Range(start=np.int32(0), limit=rank, delta=np.int32(1))
    place, last = raw.FloorMod(x=np.int32(axis), y=rank), rank - 1
    others = raw.SelectV2(condition=raw.Equal(x=axes, y=last), t=place, e=axes)
    return raw.SelectV2(condition=raw.Equal(x=axes, y=place), t=last, e=others)
