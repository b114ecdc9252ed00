"""NumPy's array creation functions."""

import numpy as np

from penstock._src.api.array import creation, ranges
from penstock._src.api.array.axes import extent_of
from penstock._src.api.linalg import bands
from penstock._src.api.math.elementwise import cast
from penstock._src.core import dtypes
from penstock._src.core.registry import raw
from penstock._src.ops.rules import span

from .promotion import RULES, canonical, extents, number, promoted, result_type, to_array
from .shaping import moveaxis, ravel
from .weakness import public


@public("array")
def array(val, dtype=None, copy=True, ndmin=0):
    """Returns an array of nested lists, numbers or tensors.

    Args:
      val: the value.
      dtype: the dtype; by default that of NumPy.
      copy: whether the result is a copy.
      ndmin: the least rank; axes of length 1 are put in front.

    Returns:
      A tensor.

    >>> tf.experimental.numpy.array([1, 2], ndmin=2).shape
    TensorShape([1, 2])
    """
    result = to_array(val, dtype)
    if copy:
        result = raw.Identity(input=result)
    while result.shape.rank < ndmin:
        result = raw.ExpandDims(input=result, axis=0)
    return result


@public("asarray")
def asarray(a, dtype=None):
    """Returns an array of nested lists, numbers or tensors, without a copy where it can.

    Args:
      a: the value.
      dtype: the dtype; by default that of NumPy.

    Returns:
      A tensor.

    >>> tf.experimental.numpy.asarray([1.0, 2.0]).dtype
    tf.float64
    """
    return to_array(a, dtype)


@public("asanyarray")
def asanyarray(a, dtype=None):
    """`a` as tensor.

    Args:
      a: an array or what converts to one.
      dtype: of the result; by default that of `a`.

    Returns:
      A tensor.
    """
    return to_array(a, dtype)


@public("ascontiguousarray")
def ascontiguousarray(a, dtype=None):
    """`a` as tensor of at least one dimension.

    Args:
      a: an array or what converts to one.
      dtype: of the result; by default that of `a`.

    Returns:
      A tensor.
    """
    return array(a, dtype, ndmin=1)


@public("copy")
def copy(a):
    """Returns a copy of an array.

    Args:
      a: an array or what converts to one.

    Returns:
      A tensor.

    >>> tf.experimental.numpy.copy([1, 2]).numpy()
    array([1, 2])
    """
    return array(a, copy=True)


@public("zeros")
def zeros(shape, dtype=float):
    """An array of zeros.

    Args:
      shape: an int or a sequence of them.
      dtype: of the result; float is float64, or float32 where that is preferred.

    Returns:
      A tensor.
    """
    return creation.zeros(shape, canonical(dtype) or canonical(float))


@public("ones")
def ones(shape, dtype=float):
    """Returns an array of ones.

    Args:
      shape: an integer or integers.
      dtype: the dtype, float64 by default (float32 if that is preferred).

    Returns:
      A tensor.

    >>> tf.experimental.numpy.ones([2]).numpy()
    array([1., 1.])
    """
    return creation.ones(shape, canonical(dtype) or canonical(float))


@public("empty")
def empty(shape, dtype=float):
    """An array of zeros: uninitialized memory is never returned.

    Args:
      shape: an int or a sequence of them.
      dtype: of the result; float is float64, or float32 where that is preferred.

    Returns:
      A tensor.
    """
    return zeros(shape, dtype)


@public("zeros_like")
def zeros_like(a, dtype=None):
    """Zeros in the shape of `a`.

    Args:
      a: an array or what converts to one.
      dtype: of the result; by default that of `a`.

    Returns:
      A tensor.
    """
    return creation.zeros_like(to_array(a), canonical(dtype))


@public("ones_like")
def ones_like(a, dtype=None):
    """Ones in the shape of `a`.

    Args:
      a: an array or what converts to one.
      dtype: of the result; by default that of `a`.

    Returns:
      A tensor.
    """
    return creation.ones_like(to_array(a), canonical(dtype))


@public("empty_like")
def empty_like(a, dtype=None):
    """Zeros in the shape of `a`: uninitialized memory is never returned.

    Args:
      a: an array or what converts to one.
      dtype: of the result; by default that of `a`.

    Returns:
      A tensor.
    """
    return zeros_like(a, dtype)


@public("full")
def full(shape, fill_value, dtype=None):
    """An array with `fill_value` everywhere.

    Args:
      shape: an int or a sequence of them.
      fill_value: a number, or an array that broadcasts to `shape`.
      dtype: of the result; by default that of `fill_value`.

    Returns:
      A tensor.
    """
    value = to_array(fill_value, dtype)
    return raw.BroadcastTo(input=value, shape=extents(shape))


@public("full_like")
def full_like(a, fill_value, dtype=None, order="K", subok=True, shape=None):
    """`fill_value` in the shape of `a`.

    Args:
      a: an array or what converts to one.
      fill_value: a number, or an array that broadcasts to the shape of `a`.
      dtype: of the result; by default that of `a`.
      order: "K".
      subok: True.
      shape: ignored, as in TensorFlow.

    Returns:
      A tensor.

    Raises:
      ValueError: another `order` or `subok`.
    """
    if order != "K" or not subok:
        raise ValueError("full_like: only order='K' and subok=True are supported.")
    del shape  # accepted and ignored, as in TensorFlow
    a = to_array(a)
    value = to_array(fill_value, dtype or a.dtype)
    return raw.BroadcastTo(input=value, shape=raw.Shape(input=a))


@public("eye")
def eye(N, M=None, k=0, dtype=float):
    """A matrix with ones on a diagonal.

    Args:
      N: the number of rows.
      M: the number of columns; by default `N`.
      k: the diagonal; above the main one if positive.
      dtype: of the result.

    Returns:
      A tensor `[N, M]`.
    """
    kind = canonical(dtype or float)
    columns = None if M is None else int(M)
    return to_array(np.eye(int(N), columns, k, dtype=kind.as_numpy_dtype))


@public("identity")
def identity(n, dtype=float):
    """The identity matrix.

    Args:
      n: the number of rows and columns.
      dtype: of the result.

    Returns:
      A tensor `[n, n]`.
    """
    return eye(n, dtype=dtype)


@public("tri")
def tri(N, M=None, k=0, dtype=None):
    """A matrix with ones at and below a diagonal.

    Args:
      N: the number of rows.
      M: the number of columns; by default `N`.
      k: the diagonal; above the main one if positive.
      dtype: of the result; by default float.

    Returns:
      A tensor `[N, M]`.
    """
    kind = canonical(dtype or float)
    return to_array(np.tri(N, M, k, dtype=kind.as_numpy_dtype))


def _triangle(m, k, lower):
    m = to_array(m)
    if m.shape.rank is not None and m.shape.rank < 2:
        raise ValueError(f"Argument to tril must have rank at least 2. Received {m.shape}.")
    extents = raw.Shape(input=m)
    row, column = (raw.Range(start=0, limit=extents[i], delta=1) for i in (-2, -1))
    beyond = column - raw.ExpandDims(input=row, axis=1)
    mask = beyond <= k if lower else beyond >= k
    return raw.SelectV2(condition=mask, t=m, e=number(0, m))


@public("tril")
def tril(m, k=0):
    """The lower triangles of matrices, with zeros above.

    Args:
      m: `[..., rows, columns]`, an array or what converts to one.
      k: the last diagonal that stays; above the main one if positive.

    Returns:
      A tensor of the same shape and dtype.
    """
    return _triangle(m, k, True)


@public("triu")
def triu(m, k=0):
    """The upper triangles of matrices, with zeros below.

    Args:
      m: `[..., rows, columns]`, an array or what converts to one.
      k: the first diagonal that stays; above the main one if positive.

    Returns:
      A tensor of the same shape and dtype.
    """
    return _triangle(m, k, False)


@public("arange")
def arange(start, stop=None, step=1, dtype=None):
    """Returns evenly spaced numbers from `start` up to but excluding `stop`.

    Args:
      start: the first number, or the end if `stop` is None.
      stop: where the numbers end.
      step: the difference of two numbers.
      dtype: the dtype; by default by NumPy's rules.

    Returns:
      A vector.

    Raises:
      ValueError: `step` is 0.

    >>> tf.experimental.numpy.arange(3, 9, 2).numpy()
    array([3, 5, 7])
    """
    if not step:
        raise ValueError("step must be non-zero.")
    values = np.arange(start, stop, step) if stop is not None else np.arange(0, start, step)
    parts = [start, step] if stop is None else [start, stop, step]
    return to_array(values, dtype or result_type(*parts))


@public("linspace")
def linspace(start, stop, num=50, endpoint=True, retstep=False, dtype=float, axis=0):
    """`num` evenly spaced numbers of the ends' dtype; as in TensorFlow, `dtype` is ignored.

    Args:
      start, stop: numbers, or arrays whose shapes broadcast.
      num: how many.
      endpoint: whether `stop` is the last of them.
      retstep: whether to return the distance as well.
      dtype: ignored.
      axis: along which the numbers lie in the result.

    Returns:
      A tensor of floats, with `retstep` in a tuple with the distance.

    Raises:
      ValueError: `num` is negative.
    """
    del dtype
    if num < 0:
        raise ValueError(f"linspace: `num` must not be negative. Received {num}.")
    start, stop = promoted(start, stop, inexact=True)
    count = num - 1 if endpoint else num
    delta = stop - start
    step = delta / number(count, start) if count > 0 else delta * number(np.nan, start)
    ramp = np.arange(num, dtype=start.dtype.as_numpy_dtype)
    if None in (start.shape.rank, stop.shape.rank):
        rank = raw.Maximum(x=raw.Rank(input=start), y=raw.Rank(input=stop))
        ones = raw.Fill(dims=raw.ExpandDims(input=rank, axis=0), value=np.int32(1))
        sizes = raw.ConcatV2(values=[np.array([-1], np.int32), ones], axis=0)
        ramp = raw.Reshape(tensor=ramp, shape=sizes)
    else:
        ramp = ramp.reshape([-1] + [1] * max(start.shape.rank, stop.shape.rank))
    result = start + ramp * step if count > 0 else start + ramp * number(0, start)
    if endpoint and num > 1:
        last = raw.ExpandDims(input=stop + raw.ZerosLike(x=start), axis=0)
        result = raw.ConcatV2(values=[result[:-1], last], axis=0)
    if axis != 0 and (result.shape.rank is None or axis != -result.shape.rank):
        result = moveaxis(result, 0, axis)
    return (result, step) if retstep else result


@public("logspace")
def logspace(start, stop, num=50, endpoint=True, base=10.0, dtype=None, axis=0):
    """`num` logarithmically spaced numbers; as in TensorFlow, `dtype` is ignored.

    Args:
      start, stop: the logarithms of the ends: numbers, or arrays whose shapes broadcast.
      num: how many.
      endpoint: whether `base ** stop` is the last of them.
      base: of the powers.
      dtype: ignored.
      axis: along which the numbers lie in the result.

    Returns:
      A tensor of floats.
    """
    del dtype
    powers = linspace(start, stop, num, endpoint, axis=axis)
    return raw.Pow(x=number(base, powers), y=powers)


@public("geomspace")
def geomspace(start, stop, num=50, endpoint=True, dtype=None, axis=0):
    """`num` numbers with a constant ratio, float64 by default; the ends are exact.

    Args:
      start, stop: numbers that are not 0, or arrays whose shapes broadcast.
      num: how many.
      endpoint: whether `stop` is the last of them.
      dtype: of the result.
      axis: along which the numbers lie in the result.

    Returns:
      A tensor.
    """
    kind = dtypes.as_dtype(dtype) if dtype else result_type(start, stop, dtypes.float64)
    working = result_type(kind, dtypes.float32)
    start, stop = to_array(start, working), to_array(stop, working)
    start, stop = start + raw.ZerosLike(x=stop), stop + raw.ZerosLike(x=start)
    # ends that are both negative: the numbers between their amounts, negated
    sign = raw.SelectV2(
        condition=raw.LogicalAnd(x=_negative(start), y=_negative(stop)),
        t=number(-1, start),
        e=number(1, start),
    )
    result = raw.Exp(x=linspace(raw.Log(x=sign * start), raw.Log(x=sign * stop), num, endpoint))
    result = sign * result
    if num > 0:
        first, last = raw.ExpandDims(input=start, axis=0), raw.ExpandDims(input=stop, axis=0)
        ends = [result[1:-1], last] if endpoint and num > 1 else [result[1:]]
        result = raw.ConcatV2(values=[first, *ends], axis=0)
    result = cast(result, kind)
    return moveaxis(result, 0, axis) if axis else result


def _negative(x):
    real = raw.Real(input=x, Tout=x.dtype.real_dtype) if x.dtype.is_complex else x
    return raw.Less(x=real, y=number(0, real))


@public("meshgrid")
def meshgrid(*xi, **kwargs):
    """The coordinates of all points of a grid.

    Args:
      *xi: vectors.
      **kwargs: `indexing`, "xy" (rows follow the second vector) or "ij"; `sparse` only as False
        and `copy` only as True.

    Returns:
      A list of tensors, one for each vector.

    Raises:
      ValueError: another value of `sparse` or `copy`.
    """
    if kwargs.pop("sparse", False) or not kwargs.pop("copy", True):
        raise ValueError("meshgrid: sparse=True and copy=False are not supported.")
    axes = [to_array(x) for x in xi]
    if RULES.conversion == "off" or len({x.dtype for x in axes}) < 2:
        return ranges.meshgrid(*axes, **kwargs)
    grids = []
    # Each is multiplied by ones of the first one's dtype.
    for i, x in enumerate(axes):
        kind = result_type(x, axes[0])
        grids.append(ranges.meshgrid(*(cast(axis, kind) for axis in axes), **kwargs)[i])
    return grids


@public("vander")
def vander(x, N=None, increasing=False):
    """The powers of `x`, a column for each.

    Args:
      x: a vector.
      N: the number of powers; by default the length of `x`.
      increasing: whether powers rise from the left.

    Returns:
      A tensor `[len(x), N]`.
    """
    x = to_array(x)
    count = extent_of(x, 0, np.int32) if N is None else np.int32(N)
    powers = span(0, int(count) if isinstance(count, np.integer) else count)
    if not increasing:
        powers = count - np.int32(1) - powers
    powers = cast(powers, x.dtype)
    return raw.Pow(x=raw.ExpandDims(input=x, axis=1), y=raw.ExpandDims(input=powers, axis=0))


def _is_outside(shape, k):
    """True if a diagonal `k` is statically known to lie outside the matrices."""
    if shape.rank is None:
        return False
    rows, columns = shape[-2:].as_list()
    return (columns is not None and k >= columns) or (rows is not None and -k >= rows)


@public("diag")
def diag(v, k=0):
    """A matrix with `v` on a diagonal, or the diagonal of a matrix.

    Args:
      v: a vector or a matrix.
      k: the diagonal; above the main one if positive.

    Returns:
      A tensor of the same dtype: a matrix or a vector.

    Raises:
      ValueError: `v` is a scalar.
    """
    v = to_array(v)
    if v.shape.rank == 0:
        raise ValueError("Input to diag must have rank of at least 1.")
    if v.shape.rank == 1:
        return bands.diag(v, k=k, padding_value=number(0, v))
    if _is_outside(v.shape, k):
        return raw.Slice(input=raw.Reshape(tensor=v, shape=[-1]), begin=[0], size=[0])
    return bands.diag_part(v, k=k)


@public("diagflat")
def diagflat(v, k=0):
    """A matrix with all entries of `v` on a diagonal.

    Args:
      v: an array or what converts to one.
      k: the diagonal; above the main one if positive.

    Returns:
      A tensor of rank 2 and the same dtype.
    """
    return diag(ravel(v), k)


@public("diagonal")
def diagonal(a, offset=0, axis1=0, axis2=1):
    """The diagonals over two axes.

    Args:
      a: an array of rank 2 or more.
      offset: the diagonal; above the main one if positive.
      axis1, axis2: the two axes, which go.

    Returns:
      A tensor of the same dtype, with the diagonals along its last axis.
    """
    a = to_array(a)
    a = moveaxis(a, (axis1, axis2), (-2, -1))
    if _is_outside(a.shape, offset):
        return zeros([*a.shape.as_list()[:-2], 0], a.dtype)
    return bands.diag_part(a, k=offset)


@public("diag_indices")
def diag_indices(n, ndim=2):
    """The coordinates of the main diagonal.

    Args:
      n: the length of the diagonal.
      ndim: the rank of the array.

    Returns:
      A tuple of `ndim` int tensors `[n]`.
    """
    return (ranges.range(n),) * ndim
