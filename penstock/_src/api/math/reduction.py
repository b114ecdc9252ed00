"""Reductions over axes, norms and counts."""

import functools

import numpy as np

from penstock._src.api.extending.dispatch import dispatchable
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE
from penstock._src.core.registry import raw
from penstock._src.core.tensor import Tensor
from penstock._src.eager.constants import integers
from penstock._src.eager.tensor import EagerTensor

from .elementwise import cast

_PYTHON_VALUES = (int, float, complex, list, tuple, np.ndarray, np.generic)
_MANY_COUNTS = 1 << 31  # that int32 does not hold


def reduction_axes(x, axis):
    """The axes as an op input: all axes of `x` if `axis` is None."""
    if type(x) is EagerTensor and STATE.graph is None:
        if axis is None:
            return _all_axes(x._rank())
        if type(axis) is int:
            return integers(axis)
    if axis is not None:
        return axis
    if x.shape.rank:
        return convert_to_tensor(np.arange(x.shape.rank, dtype=np.int32))
    if x.shape.rank == 0:
        if STATE.graph is None:
            return _all_axes(0)
        rank = convert_to_tensor(np.int32(0), name="Rank")
    else:
        rank = raw.Rank(input=x)
    return raw.Range(start=0, limit=rank, delta=1, name="range")


def _axes_of_python_value(x, axis):
    """The axes of what only the op converts, for the names that TensorFlow's graphs have."""
    if axis is not None:
        return axis
    with STATE.graph.name_scope("Rank") as scope:
        rank = convert_to_tensor(np.int32(convert_to_tensor(x).shape.rank), name=scope)
    return raw.Range(start=0, limit=rank, delta=1, name="range")


@functools.cache
def _all_axes(rank):
    return integers(*range(rank))


def _reduce(op, x, axis, keepdims, name):
    keep = bool(keepdims)  # None is False
    if STATE.graph is not None and isinstance(x, _PYTHON_VALUES):
        axes = _axes_of_python_value(x, axis)
    else:
        if type(x) is not EagerTensor:
            x = convert_to_tensor(x)
        axes = reduction_axes(x, axis)
    if not keep:
        result = op(x, axes, name=name)
    else:
        result = op(x, axes, keep_dims=True, name=name)
    if axis is None and not keep and type(result) is not EagerTensor and result.shape.rank is None:
        result.set_shape([])
    return result


@dispatchable("reduce_sum", "math.reduce_sum", v1=[], direct=True)
def reduce_sum(input_tensor, axis=None, keepdims=False, name=None):
    """Returns the sum over some axes, or over all.

    The sum of nothing is 0. Results are equal to the bit from run to run; the order of the
    additions is not that of NumPy.

    Args:
      input_tensor: numbers.
      axis: an axis or a list of axes, negative ones counting from the end; None means all.
      keepdims: if True, the axes stay with length 1.
      name: a name for the operation.

    Returns:
      A tensor of the dtype of `input_tensor`; integers that overflow wrap around.

    Raises:
      InvalidArgumentError: an axis is out of range or occurs twice.

    >>> tf.reduce_sum([[1, 2, 3], [4, 5, 6]]).numpy()
    np.int32(21)
    >>> tf.reduce_sum([[1, 2, 3], [4, 5, 6]], axis=1, keepdims=True).numpy()
    array([[ 6],
           [15]], dtype=int32)
    """
    return _reduce(raw.Sum, input_tensor, axis, keepdims, name)


@dispatchable("reduce_mean", "math.reduce_mean", v1=[], direct=True)
def reduce_mean(input_tensor, axis=None, keepdims=False, name=None):
    """Returns the mean over some axes, or over all, in the dtype of the input.

    The mean of integers is rounded towards zero: cast to a float first to keep the fraction. The
    mean of nothing is NaN.

    Args:
      input_tensor: numbers.
      axis: an axis or a list of axes, negative ones counting from the end; None means all.
      keepdims: if True, the axes stay with length 1.
      name: a name for the operation.

    Returns:
      A tensor of the dtype of `input_tensor`.

    Raises:
      InvalidArgumentError: an axis is out of range or occurs twice.

    >>> tf.reduce_mean([[1.0, 2.0], [3.0, 5.0]], axis=0).numpy()
    array([2. , 3.5], dtype=float32)
    >>> tf.reduce_mean([1, 2]).numpy()
    np.int32(1)
    """
    return _reduce(raw.Mean, input_tensor, axis, keepdims, name)


@dispatchable("reduce_prod", "math.reduce_prod", v1=[], direct=True)
def reduce_prod(input_tensor, axis=None, keepdims=False, name=None):
    """Returns the product over some axes, or over all; the product of nothing is 1.

    Args:
      input_tensor: numbers.
      axis: an axis or a list of axes, negative ones counting from the end; None means all.
      keepdims: if True, the axes stay with length 1.
      name: a name for the operation.

    Returns:
      A tensor of the dtype of `input_tensor`.

    Raises:
      InvalidArgumentError: an axis is out of range or occurs twice.

    >>> tf.reduce_prod([[1, 2], [3, 4]], axis=1).numpy()
    array([ 2, 12], dtype=int32)
    """
    return _reduce(raw.Prod, input_tensor, axis, keepdims, name)


@dispatchable("reduce_max", "math.reduce_max", v1=[], direct=True)
def reduce_max(input_tensor, axis=None, keepdims=False, name=None):
    """Returns the greatest entry over some axes, or over all.

    The greatest of no entries is minus infinity, or the lowest integer of the dtype. Entries that
    are equally great share the gradient.

    Args:
      input_tensor: real numbers.
      axis: an axis or a list of axes, negative ones counting from the end; None means all.
      keepdims: if True, the axes stay with length 1.
      name: a name for the operation.

    Returns:
      A tensor of the dtype of `input_tensor`; NaN where an entry is.

    Raises:
      InvalidArgumentError: an axis is out of range or occurs twice.

    >>> tf.reduce_max([[1, 5], [3, 4]], axis=1).numpy()
    array([5, 4], dtype=int32)
    """
    return _reduce(raw.Max, input_tensor, axis, keepdims, name)


@dispatchable("reduce_min", "math.reduce_min", v1=[], direct=True)
def reduce_min(input_tensor, axis=None, keepdims=False, name=None):
    """Returns the smallest entry over some axes, or over all.

    The smallest of no entries is infinity, or the highest integer of the dtype. Entries that are
    equally small share the gradient.

    Args:
      input_tensor: real numbers.
      axis: an axis or a list of axes, negative ones counting from the end; None means all.
      keepdims: if True, the axes stay with length 1.
      name: a name for the operation.

    Returns:
      A tensor of the dtype of `input_tensor`; NaN where an entry is.

    Raises:
      InvalidArgumentError: an axis is out of range or occurs twice.

    >>> tf.reduce_min([[1, 5], [3, 4]], axis=1).numpy()
    array([1, 3], dtype=int32)
    """
    return _reduce(raw.Min, input_tensor, axis, keepdims, name)


def _truth(x):
    return x if isinstance(x, Tensor) else convert_to_tensor(x, dtype=dtypes.bool_)


@dispatchable("reduce_all", "math.reduce_all", v1=[], direct=True)
def reduce_all(input_tensor, axis=None, keepdims=False, name=None):
    """Returns True where all entries over some axes, or over all, are True.

    Args:
      input_tensor: bool.
      axis: an axis or a list of axes, negative ones counting from the end; None means all.
      keepdims: if True, the axes stay with length 1.
      name: a name for the operation.

    Returns:
      A bool tensor; True for no entries.

    Raises:
      InvalidArgumentError: an axis is out of range or occurs twice.

    >>> tf.reduce_all([[True, False], [True, True]], axis=1).numpy()
    array([False,  True])
    """
    return _reduce(raw.All, _truth(input_tensor), axis, keepdims, name)


@dispatchable("reduce_any", "math.reduce_any", v1=[], direct=True)
def reduce_any(input_tensor, axis=None, keepdims=False, name=None):
    """Returns True where any entry over some axes, or over all, is True.

    Args:
      input_tensor: bool.
      axis: an axis or a list of axes, negative ones counting from the end; None means all.
      keepdims: if True, the axes stay with length 1.
      name: a name for the operation.

    Returns:
      A bool tensor; False for no entries.

    Raises:
      InvalidArgumentError: an axis is out of range or occurs twice.

    >>> tf.reduce_any([[True, False], [False, False]], axis=1).numpy()
    array([ True, False])
    """
    return _reduce(raw.Any, _truth(input_tensor), axis, keepdims, name)


@dispatchable("math.reduce_euclidean_norm")
def reduce_euclidean_norm(input_tensor, axis=None, keepdims=False, name=None):
    """Returns the square root of the sum of squares over some axes, or over all.

    Args:
      input_tensor: numbers.
      axis: an axis or a list of axes, negative ones counting from the end; None means all.
      keepdims: if True, the axes stay with length 1.
      name: a name for the operation.

    Returns:
      A tensor of the dtype of `input_tensor`.

    >>> tf.math.reduce_euclidean_norm([[3.0, 4.0], [5.0, 12.0]], axis=1).numpy()
    array([ 5., 13.], dtype=float32)
    """
    return _reduce(raw.EuclideanNorm, input_tensor, axis, keepdims, name)


@dispatchable("reduce_logsumexp", "math.reduce_logsumexp", v1=[], named="ReduceLogSumExp")
def reduce_logsumexp(input_tensor, axis=None, keepdims=False, name=None):
    """Returns log(sum(exp(x))) over some axes, or over all.

    The maximum is taken off first and added again, so that no exponential overflows.

    Args:
      input_tensor: floats.
      axis: an axis or a list of axes, negative ones counting from the end; None means all.
      keepdims: if True, the axes stay with length 1.
      name: a name for the operation.

    Returns:
      A tensor of the dtype of `input_tensor`; minus infinity for no entries.

    >>> tf.reduce_logsumexp([1000.0, 1000.0]).numpy().round(4)
    np.float32(1000.6932)
    """
    x = convert_to_tensor(input_tensor)
    peak = raw.StopGradient(input=reduce_max(x, axis, keepdims=True))
    peak = raw.SelectV2(condition=raw.IsFinite(x=peak), t=peak, e=raw.ZerosLike(x=peak))
    result = raw.Log(x=reduce_sum(raw.Exp(x=x - peak), axis, keepdims=keepdims))
    if not keepdims:
        peak = raw.Reshape(tensor=peak, shape=raw.Shape(input=result))
    return raw.AddV2(x=result, y=peak, name=name)


@dispatchable("math.reduce_variance", scope="reduce_variance", direct=True)
def reduce_variance(input_tensor, axis=None, keepdims=False, name=None):
    """Returns the mean squared distance from the mean, over some axes or over all.

    The sum is divided by the number of entries, not by one less.

    Args:
      input_tensor: float or complex numbers.
      axis: an axis or a list of axes, negative ones counting from the end; None means all.
      keepdims: if True, the axes stay with length 1.
      name: a name for the operation.

    Returns:
      A tensor of the dtype of `input_tensor`, or of its real dtype.

    Raises:
      TypeError: the numbers are integers.

    >>> tf.math.reduce_variance([[1.0, 3.0], [2.0, 8.0]], axis=1).numpy()
    array([1., 9.], dtype=float32)
    """
    x = convert_to_tensor(input_tensor)
    mean = reduce_mean(x, axis, keepdims=True)
    if mean.dtype.is_integer:
        raise TypeError(
            f"Input must be either real or complex. Received integer type {mean.dtype}."
        )
    difference = x - mean
    if difference.dtype.is_complex:
        real = difference.dtype.real_dtype
        squares = raw.Real(input=difference * raw.Conj(input=difference), Tout=real)
    else:
        squares = raw.Square(x=difference)
    return reduce_mean(squares, axis, keepdims=keepdims, name=name)


@dispatchable("math.reduce_std", scope="reduce_std", direct=True)
def reduce_std(input_tensor, axis=None, keepdims=False, name=None):
    """Returns the standard deviation, over some axes or over all.

    It is the square root of `tf.math.reduce_variance`; its gradient is NaN where the variance is
    0.

    Args:
      input_tensor: float or complex numbers.
      axis: an axis or a list of axes, negative ones counting from the end; None means all.
      keepdims: if True, the axes stay with length 1.
      name: a name for the operation.

    Returns:
      A tensor of the dtype of `input_tensor`, or of its real dtype.

    Raises:
      TypeError: the numbers are integers.

    >>> tf.math.reduce_std([[1.0, 3.0], [2.0, 8.0]], axis=1).numpy().round(4)
    array([1., 3.], dtype=float32)
    """
    variance = reduce_variance(input_tensor, axis, keepdims)
    return raw.Sqrt(x=variance, name=name)


@dispatchable("math.count_nonzero", v1=[], scope="count_nonzero")
def count_nonzero(input, axis=None, keepdims=None, dtype=dtypes.int64, name=None):
    """Returns how many entries over some axes, or over all, are not zero.

    False, the empty string and -0.0 count as zero; NaN does not.

    Args:
      input: numbers, bool or strings.
      axis: an axis or a list of axes, negative ones counting from the end; None means all.
      keepdims: if True, the axes stay with length 1.
      dtype: the dtype of the counts.
      name: a name for the operation.

    Returns:
      A tensor of `dtype`.

    >>> tf.math.count_nonzero([[0, 1, 2], [0, 0, 3]], axis=1).numpy()
    array([2, 1])
    """
    x = convert_to_tensor(input, name="input")
    if x.dtype.is_bool:
        marks = x
    elif x.dtype == dtypes.string:
        marks = raw.NotEqual(x=x, y=convert_to_tensor(""))
    else:
        marks = raw.NotEqual(x=x, y=convert_to_tensor(np.zeros((), x.dtype.as_numpy_dtype)))
    # Counts of few elements fit into int32, whose sums move half of the bytes.
    few = (x.shape.num_elements() or _MANY_COUNTS) < _MANY_COUNTS
    ones = cast(marks, dtypes.int32 if few else dtypes.int64)
    return cast(reduce_sum(ones, axis, keepdims=bool(keepdims)), dtype, name=name)


@dispatchable("math.zero_fraction", "nn.zero_fraction", scope="zero_fraction")
def zero_fraction(value, name=None):
    """Returns the fraction of entries that are zero.

    Args:
      value: numbers.
      name: a name for the operation.

    Returns:
      A float32 scalar; NaN if there are no entries.

    >>> tf.math.zero_fraction([0.0, 1.0, 0.0, 0.0]).numpy()
    np.float32(0.75)
    """
    value = convert_to_tensor(value, name="value")
    count = cast(raw.Size(input=value, out_type=dtypes.int64), dtypes.float32)
    zeros = count - cast(count_nonzero(value), dtypes.float32)
    return raw.RealDiv(x=zeros, y=count, name=name)


@dispatchable("argmax", "math.argmax", v1=[], direct=True)
def argmax(input, axis=None, output_type=dtypes.int64, name=None):
    """Returns the index of the greatest entry along an axis, the first of several.

    It has no gradient.

    Args:
      input: real numbers or bool.
      axis: an axis; None means 0, not all axes.
      output_type: the dtype of the indices: int64, int32, int16 or uint16.
      name: a name for the operation.

    Returns:
      A tensor of indices, without that axis.

    Raises:
      TypeError: `axis` is neither an integer nor a tensor.
      InvalidArgumentError: `axis` is out of range or has length 0.

    >>> tf.argmax([[1, 9, 3], [7, 5, 7]], axis=1).numpy()
    array([1, 0])
    """
    axis = 0 if axis is None else axis
    if not isinstance(axis, (int, Tensor)):
        raise TypeError(f"axis must be int or Tensor with integer datatype. Received: {axis}")
    kind = dtypes.as_dtype(output_type)
    return raw.ArgMax(input=input, dimension=axis, output_type=kind, name=name)


@dispatchable("argmin", "math.argmin", v1=[], direct=True)
def argmin(input, axis=None, output_type=dtypes.int64, name=None):
    """Returns the index of the smallest entry along an axis, the first of several.

    It has no gradient.

    Args:
      input: real numbers or bool.
      axis: an axis; None means 0, not all axes.
      output_type: the dtype of the indices: int64 or int32.
      name: a name for the operation.

    Returns:
      A tensor of indices, without that axis.

    Raises:
      InvalidArgumentError: `axis` is out of range or has length 0.

    >>> tf.argmin([[4, 9, 3], [7, 5, 7]], axis=1).numpy()
    array([2, 1])
    """
    axis = 0 if axis is None else axis
    kind = dtypes.as_dtype(output_type)
    return raw.ArgMin(input=input, dimension=axis, output_type=kind, name=name)
