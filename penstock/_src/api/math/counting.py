"""Counts of values: bincount, confusion matrix, histograms; quasi-random samples."""

import functools

import numpy as np

from penstock._src.api.extending.dispatch import dispatchable
from penstock._src.api.extending.op_functions import op_functions
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE
from penstock._src.core.registry import raw
from penstock._src.eager.constants import index_input, integer
from penstock._src.eager.tensor import EagerTensor

from .elementwise import cast
from .reduction import reduce_max


@dispatchable("math.bincount", v1=[], scope="bincount")
def bincount(
    arr,
    weights=None,
    minlength=None,
    maxlength=None,
    dtype=dtypes.int32,
    name=None,
    axis=None,
    binary_output=False,
):
    """Returns how often each integer occurs.

    Args:
      arr: integers, not negative: a tensor, or a ragged or sparse one.
      weights: numbers in the shape of `arr`, which are added up instead of 1.
      minlength: the least length of the result.
      maxlength: the greatest length of the result; numbers of at least `maxlength` are not counted.
      dtype: the dtype of the result if there are no weights.
      name: a name for the operation.
      axis: None or 0 counts all numbers together, -1 each row by itself.
      binary_output: if True, the result is 1 for numbers that occur, and 0 for others.

    Returns:
      A vector of `max(arr) + 1` counts, or a row of counts for each row.

    Raises:
      ValueError: `axis` is another number, or `weights` come with `binary_output`.
      InvalidArgumentError: a number is negative, or `weights` has another shape.

    >>> tf.math.bincount([1, 1, 3]).numpy()
    array([0, 2, 0, 1], dtype=int32)
    >>> tf.math.bincount([[1, 1], [0, 2]], axis=-1).numpy()
    array([[0, 2, 0],
           [1, 0, 1]], dtype=int32)
    """
    if weights is not None and binary_output:
        raise ValueError(
            "bincount takes either `weights` or `binary_output`. Received both, with "
            f"binary_output={binary_output}"
        )
    if axis is not None and axis not in (0, -1):
        raise ValueError(
            f"Unsupported value for argument axis={axis}. Only 0 and -1 are currently supported."
        )
    values = convert_to_tensor(arr, name="arr")
    if not values.dtype.is_integer:
        values = cast(values, dtypes.int32)
    size = bincount_size(values, minlength, maxlength)
    is_weighted = weights is not None
    weights = bincount_weights(weights, dtype)
    if axis is None or axis == 0:
        values = raw.Reshape(tensor=values, shape=index_input([-1]))
        if is_weighted:
            weights = raw.Reshape(tensor=weights, shape=[-1])
    counts = raw.DenseBincount(
        input=values, size=size, weights=weights, binary_output=binary_output, name=name
    )
    return counts


def bincount_weights(weights, dtype):
    """The weights, or an empty tensor of the count's dtype."""
    if weights is None:
        kind = dtypes.as_dtype(dtype)
        return _no_weights(kind) if STATE.graph is None else np.zeros(0, kind.as_numpy_dtype)
    return convert_to_tensor(weights, name="weights")


@functools.cache
def _no_weights(dtype):
    return EagerTensor(np.zeros(0, dtype.as_numpy_dtype), dtype)


def bincount_size(values, minlength, maxlength):
    """One more than the greatest value, within the two bounds, in `values`' type."""
    if STATE.graph is None and type(values) is EagerTensor and values._value.size:
        size = reduce_max(values) + integer(1, values.dtype)
    else:
        present = cast(raw.Size(input=values) > 0, values.dtype)
        one = np.asarray(1, values.dtype.as_numpy_dtype)
        size = present * (reduce_max(values) + one)
    if minlength is not None:
        size = raw.Maximum(x=convert_to_tensor(minlength, dtype=values.dtype), y=size)
    if maxlength is not None:
        size = raw.Minimum(x=convert_to_tensor(maxlength, dtype=values.dtype), y=size)
    return size


@dispatchable("math.confusion_matrix", v1=[], scope="confusion_matrix")
def confusion_matrix(
    labels, predictions, num_classes=None, weights=None, dtype=dtypes.int32, name=None
):
    """Returns confusion counts: entry [i, j] counts examples of class i predicted as class j.

    Args:
      labels: integers, `[n]`: the true classes.
      predictions: integers, `[n]`: the predicted classes.
      num_classes: the number of classes; by default one more than the greatest class.
      weights: numbers, `[n]`, which are added up instead of 1.
      dtype: the dtype of the result.
      name: a name for the operation.

    Returns:
      A tensor `[num_classes, num_classes]`.

    Raises:
      InvalidArgumentError: a class is negative or not below `num_classes`.

    >>> tf.math.confusion_matrix([0, 1, 1, 2], [0, 1, 2, 2]).numpy()
    array([[1, 0, 0],
           [0, 1, 1],
           [0, 0, 1]], dtype=int32)
    """
    labels = cast(_squeezed(labels, predictions), dtypes.int64)
    predictions = cast(_squeezed(predictions, labels), dtypes.int64)
    if num_classes is None:
        top = raw.Maximum(x=reduce_max(predictions), y=reduce_max(labels))
        num_classes = top + np.int64(1)
    else:
        num_classes = cast(convert_to_tensor(num_classes), dtypes.int64)
        labels = _checked_class(labels, num_classes, "labels")
        predictions = _checked_class(predictions, num_classes, "predictions")
    labels = _checked_sign(labels, "labels")
    predictions = _checked_sign(predictions, "predictions")
    kind = dtypes.as_dtype(dtype)
    if weights is None:
        values = cast(raw.OnesLike(x=predictions), kind)
    else:
        weights = convert_to_tensor(weights)
        weights.shape.assert_is_compatible_with(predictions.shape)
        values = cast(weights, kind)
    shape = raw.Pack(values=[num_classes, num_classes])
    indices = raw.Pack(values=[labels, predictions], axis=1)
    return raw.ScatterNd(indices=indices, updates=values, shape=shape, name=name)


def _squeezed(x, other):
    x, other = convert_to_tensor(x), convert_to_tensor(other)
    ranks = x.shape.rank, other.shape.rank
    if None not in ranks and ranks[0] == ranks[1] + 1 and x.shape[-1] in (1, None):
        return raw.Squeeze(input=x, axis=[-1])
    return x


def _guard(value, condition, message):
    from_assert = raw.Assert(
        condition=raw.All(input=condition, axis=[0]), data=[convert_to_tensor(message), value]
    )
    del from_assert
    return value


def _checked_class(values, limit, which):
    return _guard(values, values < limit, f"`{which}` out of bound")


def _checked_sign(values, which):
    return _guard(values, values >= 0, f"`{which}` contains negative values.  ")


@dispatchable("histogram_fixed_width_bins", scope="histogram_fixed_width_bins")
def histogram_fixed_width_bins(values, value_range, nbins=100, dtype=dtypes.int32, name=None):
    """Returns for each value in which of `nbins` equal parts of a range it falls.

    Args:
      values: real numbers of any shape.
      value_range: the two ends of the range. Values outside count in the first or last part.
      nbins: an int32 scalar: the number of parts.
      dtype: ignored: the result is int32, as in TensorFlow.
      name: a name for the operation.

    Returns:
      An int32 tensor of the shape of `values` with numbers from 0 to `nbins - 1`.

    Raises:
      InvalidArgumentError: `nbins` is not positive.

    >>> tf.histogram_fixed_width_bins([-1.0, 0.5, 1.5, 9.0], [0.0, 2.0], nbins=2).numpy()
    array([0, 0, 1, 1], dtype=int32)
    """
    values = convert_to_tensor(values, name="values")
    shape = raw.Shape(input=values)
    flat = raw.Reshape(tensor=values, shape=[-1])
    value_range = convert_to_tensor(value_range, name="value_range")
    bins = convert_to_tensor(nbins, dtype=dtypes.int32, name="nbins")
    checked = raw.Assert(
        condition=bins > 0, data=[convert_to_tensor("nbins must be > 0. Received:"), bins]
    )
    del checked
    scaled = (flat - value_range[0]) / (value_range[1] - value_range[0])
    scaled = cast(scaled, flat.dtype) if scaled.dtype != flat.dtype else scaled
    indices = raw.Floor(x=cast(bins, scaled.dtype) * scaled)
    lowest = np.zeros((), scaled.dtype.as_numpy_dtype)
    indices = raw.ClipByValue(
        t=indices, clip_value_min=lowest, clip_value_max=cast(bins - 1, scaled.dtype)
    )
    return raw.Reshape(tensor=cast(indices, dtypes.int32), shape=shape, name=name)


__getattr__ = op_functions(
    globals(),
    dispatchable="""
histogram_fixed_width = HistogramFixedWidth(values, value_range, nbins=100, dtype=dtypes.int32)
    Returns how many values fall into each of `nbins` equal parts of a range.

    Args:
      values: real numbers of any shape.
      value_range: the two ends of the range. Values outside count in the first or last part.
      nbins: an int32 scalar: the number of parts.
      dtype: int32 or int64.
      name: a name for the operation.

    Returns:
      A vector of `nbins` counts.

    Raises:
      InvalidArgumentError: `nbins` is not positive, or the range is not ascending.

    >>> tf.histogram_fixed_width([-1.0, 0.5, 1.5, 9.0], [0.0, 2.0], nbins=2).numpy()
    array([2, 2], dtype=int32)
math.sobol_sample = SobolSample(dim, num_results, skip=0, dtype: dtype or dtypes.float32=dtypes.float32) in sobol
    Points `[num_results, dim]` of the Sobol sequence in the unit cube.

    Args:
      dim: the number of dimensions, at most 1111.
      num_results: the number of points.
      skip: how many points at the beginning of the sequence are left out.
      dtype: float32 or float64.
      name: of the operation.

    Returns:
      A tensor `[num_results, dim]` of this dtype, with numbers in [0, 1).
""",
)
