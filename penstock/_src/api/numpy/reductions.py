"""NumPy's reductions, sorting, products of tensors, random numbers, and NumPy behavior."""

import builtins

import numpy as np

from penstock._src.api.linalg import bands, products
from penstock._src.api.math import reduction, sorting
from penstock._src.api.math import scan as scans
from penstock._src.api.math.elementwise import cast
from penstock._src.api.random import functions as random
from penstock._src.api.random.seeds import set_seed
from penstock._src.core import dtypes
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.registry import raw
from penstock._src.core.tensor import Tensor
from penstock._src.util.export import export

from . import creation, shaping
from .promotion import (
    RULES,
    canonical,
    default_float,
    floats,
    inexact,
    number,
    promoted,
    promoted_pair,
    result_type,
    static_axis,
    to_array,
)
from .weakness import public


def _axes(axis):
    """Returns axes as a reduction takes them: those in a tensor of another dtype are cast to int64."""
    if isinstance(axis, Tensor) and axis.dtype not in (dtypes.int32, dtypes.int64):
        return cast(axis, dtypes.int64)
    return axis


def _summable(a, dtype):
    """`a` converted for sums: small integers and bools become 64-bit integers, or 32-bit ones where the lattice promotes."""
    a = to_array(a, dtype)
    narrow = RULES.mode != "legacy"
    if dtype is not None or (narrow and a.dtype.size > 4):
        return a
    if a.dtype.is_unsigned:
        return cast(a, dtypes.uint32 if narrow else dtypes.uint64)
    if a.dtype.is_integer or a.dtype.is_bool:
        return cast(a, dtypes.int32 if narrow else dtypes.int64)
    return a


def _is_bool(dtype):
    """True if a sum or product of this dtype is that of truth values."""
    return dtype is not None and canonical(dtype) == dtypes.bool_


@public("sum")
def sum(a, axis=None, dtype=None, keepdims=None):
    """Returns the sum over some axes, or over all.

    Args:
      a: an array or what converts to one.
      axis: an axis or a tuple of axes; None means all.
      dtype: the dtype of the sum; small integers are summed as wider ones by default.
      keepdims: whether the axes stay with length 1.

    Returns:
      A tensor.

    >>> tf.experimental.numpy.sum([[1, 2], [3, 4]], axis=0).numpy()
    array([4, 6])
    """
    reduce = reduction.reduce_any if _is_bool(dtype) else reduction.reduce_sum
    return reduce(_summable(a, dtype), _axes(axis), bool(keepdims))


@public("prod")
def prod(a, axis=None, dtype=None, keepdims=None):
    """The product.

    Args:
      a: an array-like.
      axis: an axis or a tuple of axes; None means all.
      dtype: the dtype of the product; small integers are multiplied as wider ones by default.
      keepdims: whether the axes stay with length 1.

    Returns:
      A tensor.
    """
    reduce = reduction.reduce_all if _is_bool(dtype) else reduction.reduce_prod
    return reduce(_summable(a, dtype), _axes(axis), bool(keepdims))


@public("mean")
def mean(a, axis=None, dtype=None, out=None, keepdims=None):
    """The mean.

    Args:
      a: an array-like.
      axis: an axis or a tuple of axes; None means all.
      dtype: the dtype of the mean; integers become floats by default.
      out: must be None.
      keepdims: whether the axes stay with length 1.

    Returns:
      A tensor.

    Raises:
      ValueError: `out` is given.
    """
    if out is not None:
        raise ValueError("mean: `out` is not supported.")
    a = to_array(a, dtype) if dtype is not None else floats(a)
    return reduction.reduce_mean(a, _axes(axis), bool(keepdims))


@public("var")
def var(a, axis=None, dtype=None, out=None, ddof=0, keepdims=None):
    """The variance.

    Args:
      a: an array-like.
      axis: an axis or a tuple of axes; None means all.
      dtype: the dtype of the result; integers become floats by default.
      out: must be None.
      ddof: subtracted from the count that divides the sum of squares.
      keepdims: whether the axes stay with length 1.

    Returns:
      A tensor.

    Raises:
      ValueError: `out` is given.
    """
    if out is not None:
        raise ValueError("var: `out` is not supported.")
    working = floats(a) if dtype is None else to_array(a, result_type(a, dtypes.as_dtype(dtype)))
    result = reduction.reduce_variance(working, _axes(axis), bool(keepdims))
    if ddof:
        count = raw.Size(input=working) // raw.Maximum(x=raw.Size(input=result), y=np.int32(1))
        count = cast(count, result.dtype)
        result = result * count / (count - number(ddof, result))
    return result if dtype is None else cast(result, dtypes.as_dtype(dtype))


@public("std")
def std(a, axis=None, keepdims=None):
    """The standard deviation.

    Args:
      a: an array-like.
      axis: an axis or a tuple of axes; None means all.
      keepdims: whether the axes stay with length 1.

    Returns:
      A tensor of floats.
    """
    return reduction.reduce_std(floats(a), _axes(axis), bool(keepdims))


def _extreme(a, axis, keepdims, numbers, truth):
    a = to_array(a)
    function = truth if a.dtype.is_bool else numbers
    return function(a, _axes(axis), bool(keepdims))


@public("max")
def max(a, axis=None, keepdims=None):
    """The greatest entry.

    Args:
      a: an array-like.
      axis: an axis or a tuple of axes; None means all.
      keepdims: whether the axes stay with length 1.

    Returns:
      A tensor of the dtype of `a`; of bools whether one is true.
    """
    return _extreme(a, axis, keepdims, reduction.reduce_max, reduction.reduce_any)


@public("min")
def min(a, axis=None, keepdims=None):
    """The smallest entry.

    Args:
      a: an array-like.
      axis: an axis or a tuple of axes; None means all.
      keepdims: whether the axes stay with length 1.

    Returns:
      A tensor of the dtype of `a`; of bools whether all are true.
    """
    return _extreme(a, axis, keepdims, reduction.reduce_min, reduction.reduce_all)


@public("amax")
def amax(a, axis=None, out=None, keepdims=None):
    """The greatest entry.

    Args:
      a: an array-like.
      axis: an axis or a tuple of axes; None means all.
      out: must be None.
      keepdims: whether the axes stay with length 1.

    Returns:
      A tensor of the dtype of `a`.

    Raises:
      ValueError: `out` is given.
    """
    _check_no_out(out)
    return max(a, axis, keepdims)


@public("amin")
def amin(a, axis=None, out=None, keepdims=None):
    """The smallest entry.

    Args:
      a: an array-like.
      axis: an axis or a tuple of axes; None means all.
      out: must be None.
      keepdims: whether the axes stay with length 1.

    Returns:
      A tensor of the dtype of `a`.

    Raises:
      ValueError: `out` is given.
    """
    _check_no_out(out)
    return min(a, axis, keepdims)


def _check_no_out(out):
    if out is not None:
        raise ValueError("Setting out is not supported.")


@public("ptp")
def ptp(a, axis=None, keepdims=None):
    """The greatest entry minus the smallest.

    Args:
      a: an array-like.
      axis: an axis or a tuple of axes; None means all.
      keepdims: whether the axes stay with length 1.

    Returns:
      A tensor of the dtype of `a`.
    """
    return max(a, axis, keepdims) - min(a, axis, keepdims)


@public("all")
def all(a, axis=None, keepdims=None):
    """True if all entries along the axes are true.

    Args:
      a: an array; numbers are true unless zero.
      axis: an axis or a tuple of axes; None means all.
      keepdims: whether the axes stay with length 1.

    Returns:
      A bool tensor.
    """
    return reduction.reduce_all(cast(to_array(a), dtypes.bool_), axis, bool(keepdims))


@public("any")
def any(a, axis=None, keepdims=None):
    """True if any entry along the axes is true.

    Args:
      a: an array; numbers are true unless zero.
      axis: an axis or a tuple of axes; None means all.
      keepdims: whether the axes stay with length 1.

    Returns:
      A bool tensor.
    """
    return reduction.reduce_any(cast(to_array(a), dtypes.bool_), axis, bool(keepdims))


@public("count_nonzero")
def count_nonzero(a, axis=None):
    """The number of non-zero entries.

    Args:
      a: an array-like.
      axis: an axis or a tuple of axes; None means all.

    Returns:
      A tensor of int64.
    """
    return reduction.count_nonzero(to_array(a), axis)


def _without_nan(a, value):
    a = to_array(a)
    if not (a.dtype.is_floating or a.dtype.is_complex):
        return a
    return raw.SelectV2(condition=raw.IsNan(x=a), t=number(value, a), e=a)


@public("nansum")
def nansum(a, axis=None, dtype=None, keepdims=False):
    """The sum without NaNs.

    Args:
      a: an array-like.
      axis: an axis or a tuple of axes; None means all.
      dtype: the dtype of the sum.
      keepdims: whether the axes stay with length 1.

    Returns:
      A tensor; 0 where all are NaN.
    """
    return sum(_without_nan(a, 0), axis, dtype, keepdims)


@public("nanprod")
def nanprod(a, axis=None, dtype=None, keepdims=False):
    """The product without NaNs.

    Args:
      a: an array-like.
      axis: an axis or a tuple of axes; None means all.
      dtype: the dtype of the product.
      keepdims: whether the axes stay with length 1.

    Returns:
      A tensor; 1 where all are NaN.
    """
    return prod(_without_nan(a, 1), axis, dtype, keepdims)


@public("nanmean")
def nanmean(a, axis=None, dtype=None, keepdims=None):
    """The mean without NaNs.

    Args:
      a: an array-like.
      axis: an axis or a tuple of axes; None means all.
      dtype: the dtype of the mean.
      keepdims: whether the axes stay with length 1.

    Returns:
      A tensor of floats; NaN where all are NaN.
    """
    a = to_array(a)
    if a.dtype.is_integer or a.dtype.is_bool:
        return mean(a, axis, dtype, keepdims=keepdims)
    present = cast(raw.LogicalNot(x=raw.IsNan(x=a)), a.dtype)
    total = sum(_without_nan(a, 0), axis, dtype, keepdims)
    return total / cast(sum(present, axis, None, keepdims), total.dtype)


@public("average")
def average(a, axis=None, weights=None, returned=False):
    """The mean, optionally weighted.

    Args:
      a: an array-like.
      axis: an axis or a tuple of axes; None means all.
      weights: an array of the shape of `a`, or a vector along `axis`.
      returned: whether the sums of weights are returned as well.

    Returns:
      A tensor, or a pair of it and the sums of weights.

    Raises:
      InvalidArgumentError: the weights do not fit.
    """
    if weights is None:
        a = inexact(a)
        result = reduction.reduce_mean(a, axis)
        if not returned:
            return result
        groups = raw.Maximum(x=raw.Size(input=result), y=np.int32(1))
        count = cast(raw.Size(input=a), a.dtype) / cast(groups, a.dtype)
        return result, raw.Fill(dims=raw.Shape(input=result), value=count)
    a, weights = promoted(a, weights, inexact=True)
    if weights.shape.rank == a.shape.rank:
        if not a.shape.is_compatible_with(weights.shape):
            raise InvalidArgumentError(
                f"average: weights of shape {weights.shape} do not fit values of shape {a.shape}."
            )
    else:
        if axis is None or weights.shape.rank != 1:
            raise InvalidArgumentError(
                f"average: weights of shape {weights.shape} for values of shape {a.shape} must be a vector along `axis`."
            )
        place = static_axis(axis, a.shape.rank)
        column = [-1 if i == place else 1 for i in range(a.shape.rank)]
        weights = raw.BroadcastTo(
            input=raw.Reshape(tensor=weights, shape=column), shape=raw.Shape(input=a)
        )
    total = reduction.reduce_sum(weights, axis)
    result = reduction.reduce_sum(a * weights, axis) / total
    return (result, total) if returned else result


def _scan(function, a, axis, dtype):
    a = to_array(a, dtype)
    if dtype is None and a.dtype.is_integer:
        joined = np.promote_types(a.dtype.as_numpy_dtype, np.int64)
        if joined != a.dtype.as_numpy_dtype:
            a = cast(a, canonical(float if joined.kind == "f" else int))
    if axis is None:
        a, axis = shaping.ravel(a), 0
    return function(a, axis)


@public("cumsum")
def cumsum(a, axis=None, dtype=None):
    """The cumulative sum.

    Args:
      a: an array-like.
      axis: an axis; None means that the array is flattened.
      dtype: the dtype of the sums; small integers become wider ones by default.

    Returns:
      A tensor of the shape of `a`, or a vector.
    """
    return _scan(scans.cumsum, a, axis, dtype)


@public("cumprod")
def cumprod(a, axis=None, dtype=None):
    """The cumulative product.

    Args:
      a: an array-like.
      axis: an axis; None means that the array is flattened.
      dtype: the dtype of the products; small integers become wider ones by default.

    Returns:
      A tensor of the shape of `a`, or a vector.
    """
    return _scan(scans.cumprod, a, axis, dtype)


def _arg(function, a, axis):
    a = to_array(a)
    if axis is None or a.shape.rank == 0:
        a, axis = shaping.ravel(a), 0
    return function(a, axis)


@public("argmax")
def argmax(a, axis=None):
    """The index of the greatest entry.

    Args:
      a: an array-like.
      axis: an axis; None means that the array is flattened.

    Returns:
      A tensor of int64: the first of equal entries.
    """
    return _arg(reduction.argmax, a, axis)


@public("argmin")
def argmin(a, axis=None):
    """The index of the smallest entry.

    Args:
      a: an array-like.
      axis: an axis; None means that the array is flattened.

    Returns:
      A tensor of int64: the first of equal entries.
    """
    return _arg(reduction.argmin, a, axis)


def _sortable(a, axis, kind, order):
    if kind not in ("quicksort", "stable"):
        raise ValueError(
            'Invalid value for argument `kind`. Only kind="quicksort" and kind="stable" are '
            f"supported. Received: kind={kind}"
        )
    if order is not None:
        raise ValueError("'order' argument to sort is not supported.")
    a = to_array(a)
    return (shaping.ravel(a), 0) if axis is None else (a, axis)


@public("sort")
def sort(a, axis=-1, kind="quicksort", order=None):
    """Returns the entries in ascending order.

    Args:
      a: an array-like.
      axis: an axis; None means that the array is flattened.
      kind: "quicksort" or "stable".
      order: must be None.

    Returns:
      A tensor of the dtype of `a`.

    Raises:
      ValueError: `kind` is another, or `order` is given.
    """
    a, axis = _sortable(a, axis, kind, order)
    return sorting.sort(a, axis)


@public("argsort")
def argsort(a, axis=-1, kind="quicksort", order=None):
    """The indices that sort.

    Args:
      a: real numbers.
      axis: an axis; None means that the array is flattened.
      kind: "quicksort" or "stable".
      order: must be None.

    Returns:
      A tensor of int64, or of int32 where the lattice promotes.

    Raises:
      ValueError: `kind` is another, or `order` is given.
      TypeError: the numbers are complex.
    """
    a, axis = _sortable(a, axis, kind, order)
    if a.dtype.is_complex:
        raise TypeError(
            f"argsort does not support complex64/complex128 dtypes. Received dtype: {a.dtype!r}"
        )
    if a.shape.rank == 0:
        return to_array([0])
    return cast(sorting.argsort(a, axis), canonical(int))


@public("diff")
def diff(a, n=1, axis=-1):
    """The differences of neighbors, `n` times.

    Args:
      a: an array-like.
      n: how often the differences are taken.
      axis: the axis, which gets shorter by `n`.

    Returns:
      A tensor; of bools where neighbors differ.

    Raises:
      ValueError: `n` is negative.
    """
    if n < 0:
        raise ValueError(f"Argument `order` must be a non-negative integer. Received: axis={n}")
    a = to_array(a)
    axis = static_axis(axis, a.shape.rank)
    key = [slice(None)] * a.shape.rank
    for _ in range(n):
        later, earlier = list(key), list(key)
        later[axis], earlier[axis] = slice(1, None), slice(None, -1)
        first, second = a[tuple(later)], a[tuple(earlier)]
        a = raw.NotEqual(x=first, y=second) if a.dtype.is_bool else first - second
    return a


@public("dot")
def dot(a, b):
    """The product: of scalars, vectors or matrices.

    Args:
      a: an array-like.
      b: an array-like.

    Returns:
      A tensor: the sum of products over the last axis of `a` and the last but one of `b`, or the only one; with a scalar the product.
    """
    a, b = promoted_pair(a, b)
    if a.dtype.is_bool:
        wide = cast(a, dtypes.int64), cast(b, dtypes.int64)
        return cast(dot(*wide), dtypes.bool_)
    if a.shape.rank == 0 or b.shape.rank == 0:
        return a * b
    return products.tensordot(a, b, [[-1], [-1 if b.shape.rank == 1 else -2]])


@public("inner")
def inner(a, b):
    """The sum of products over the last axes.

    Args:
      a: an array-like.
      b: an array whose last axis is as long.

    Returns:
      A tensor of the other axes of `a`, then those of `b`; with a scalar the product.
    """
    a, b = promoted_pair(a, b)
    if a.dtype.is_bool:
        wide = cast(a, dtypes.int64), cast(b, dtypes.int64)
        return cast(inner(*wide), dtypes.bool_)
    if a.shape.rank == 0 or b.shape.rank == 0:
        return a * b
    return products.tensordot(a, b, [[-1], [-1]])


@public("outer")
def outer(a, b):
    """All products of two vectors.

    Args:
      a: an array, which is flattened.
      b: likewise.

    Returns:
      A matrix: a row for each number of `a`.
    """
    a, b = promoted_pair(a, b)
    column, row = raw.Reshape(tensor=a, shape=[-1, 1]), raw.Reshape(tensor=b, shape=[1, -1])
    return raw.LogicalAnd(x=column, y=row) if a.dtype.is_bool else column * row


@public("vdot")
def vdot(a, b):
    """The inner product, the first conjugated.

    Args:
      a: an array, which is flattened.
      b: an array of as many numbers.

    Returns:
      A scalar tensor.
    """
    a, b = promoted_pair(a, b)
    a, b = shaping.ravel(a), shaping.ravel(b)
    a = raw.Conj(input=a) if a.dtype.is_complex else a
    return raw.Sum(input=a * b, axis=[0])


@public("tensordot")
def tensordot(a, b, axes=2):
    """The sum of products over pairs of axes.

    Args:
      a: an array-like.
      b: an array-like.
      axes: how many of the last axes of `a` and the first of `b`, or a list for each of them.

    Returns:
      A tensor of the other axes of `a`, then those of `b`.
    """
    a, b = promoted_pair(a, b)
    return products.tensordot(a, b, axes)


@public("einsum")
def einsum(subscripts, *operands, **kwargs):
    """The sum of products named by `subscripts`.

    Args:
      subscripts: letters for the axes of each operand and, after "->", of the result.
      *operands: arrays.
      **kwargs: `casting` and `optimize`, which have no effect.

    Returns:
      A tensor of the promoted dtype.

    Raises:
      ValueError: another keyword, or another value of `casting`.
    """
    casting = kwargs.pop("casting", "safe")
    kwargs.pop("optimize", None)
    if casting not in ("safe", "no", "equiv", "same_kind", "unsafe") or kwargs:
        raise ValueError(f"einsum: unsupported arguments {kwargs}.")
    return products.einsum(subscripts, *promoted(*operands))


@public("kron")
def kron(a, b):
    """The Kronecker product.

    Args:
      a: an array-like.
      b: an array-like.

    Returns:
      A tensor: `b` times each number of `a`, in its place.
    """
    a, b = promoted(a, b)
    rank = builtins.max(a.shape.rank, b.shape.rank)
    of_a, of_b = (
        raw.ConcatV2(values=[np.ones(rank - t.shape.rank, np.int32), raw.Shape(input=t)], axis=0)
        for t in (a, b)
    )
    ones = np.ones(rank, np.int32)
    wide_a, wide_b = (
        raw.Reshape(tensor=raw.Pack(values=pair, axis=1), shape=[-1])
        for pair in ([of_a, ones], [ones, of_b])
    )
    product = raw.Reshape(tensor=a, shape=wide_a) * raw.Reshape(tensor=b, shape=wide_b)
    return raw.Reshape(tensor=product, shape=of_a * of_b)


@public("trace")
def trace(a, offset=0, axis1=0, axis2=1, dtype=None):
    """The sum of a diagonal.

    Args:
      a: an array of two axes or more.
      offset: how far above the main diagonal it is.
      axis1: the axis of rows.
      axis2: the axis of columns.
      dtype: the dtype of the sum; by default that of the array for the main diagonals of matrices, and
        that of `sum` for others.

    Returns:
      A tensor of the other axes.
    """
    a = to_array(a, dtype)
    rank = a.shape.rank
    if offset == 0 and rank is not None and axis1 in (-2, rank - 2) and axis2 in (-1, rank - 1):
        return bands.trace(a)
    return sum(creation.diagonal(a, offset, axis1, axis2), -1, dtype)


# -- random


@public("random.seed")
def seed(s):
    """Sets the global seed.

    Args:
      s: an integer.

    Raises:
      ValueError: `s` is not a scalar.
    """
    if np.ndim(s):
        raise ValueError(f"Argument `s` got an invalid value {s}. Only integers are supported.")
    set_seed(int(np.asarray(s)))


def _size(size):
    return [] if size is None else [int(n) for n in np.atleast_1d(size)]


@public("random.randn")
def randn(*args):
    """Returns numbers drawn from a normal distribution, as float64.

    Args:
      *args: the extents of the result.

    Returns:
      A tensor; a scalar without extents.

    >>> tf.experimental.numpy.random.randn(2, 3).shape
    TensorShape([2, 3])
    """
    return standard_normal(size=args)


@public("random.standard_normal")
def standard_normal(size=None):
    """Numbers of the standard normal distribution.

    Args:
      size: the shape, a number or a sequence; None means a scalar.

    Returns:
      A tensor of floats.
    """
    return random.normal(_size(size), dtype=default_float())


@public("random.uniform")
def uniform(low=0.0, high=1.0, size=None):
    """Numbers of [low, high).

    Args:
      low: the least number.
      high: the end, which is not drawn.
      size: the shape, a number or a sequence; None means that to which the ends broadcast.

    Returns:
      A tensor of floats.
    """
    kind = default_float()
    low, high = to_array(low, kind), to_array(high, kind)
    shape = np.broadcast_shapes(tuple(low.shape), tuple(high.shape)) if size is None else size
    return random.uniform(_size(shape), low, high, dtype=kind)


@export("experimental.numpy.random.random", v1=[])
def random_sample(size=None):
    """Numbers of [0, 1).

    Args:
      size: the shape, a number or a sequence; None means a scalar.

    Returns:
      A tensor of floats.
    """
    return uniform(0.0, 1.0, size)


@public("random.rand")
def rand(*size):
    """Numbers of [0, 1).

    Args:
      *size: the extents.

    Returns:
      A tensor of floats.
    """
    return uniform(0.0, 1.0, size)


@public("random.randint")
def randint(low, high=None, size=None, dtype=np.int64):
    """Random integers in [low, high), all equally likely.

    Args:
      low: an int.
      high: an int; None: integers are in [0, low).
      size: the shape, an int or a sequence of them; None for a scalar.
      dtype: of the result.

    Returns:
      A tensor.
    """
    if high is None:
        low, high = 0, low
    kind = canonical(dtype)
    wide = kind if kind in (dtypes.int32, dtypes.int64) else dtypes.int64
    return cast(random.uniform(_size(size), low, high, dtype=wide), kind)


@public("random.poisson")
def poisson(lam=1.0, size=None):
    """Numbers of the Poisson distribution.

    Args:
      lam: the expected number, or an array of them.
      size: the shape before that of `lam`, an int or a sequence of them.

    Returns:
      An int64 tensor.
    """
    return random.poisson(_size(size), to_array(lam, default_float()), dtype=dtypes.int64)
