"""Reductions over axes, norms and counts."""

import builtins
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

from .elementwise import abs, cast


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


@functools.cache
def _all_axes(rank):
    return integers(*range(rank))


def _reduce(op, x, axis, keepdims, name):
    if type(x) is not EagerTensor:
        x = convert_to_tensor(x)
    keep = bool(keepdims)  # None is False
    axes = reduction_axes(x, axis)
    if not keep:
        result = op(x, axes, name=name)
    else:
        result = op(x, axes, keep_dims=True, name=name)
    if axis is None and not keep and type(result) is not EagerTensor and result.shape.rank is None:
        result.set_shape([])
    return result


@dispatchable("reduce_sum", "math.reduce_sum", v1=[])
def reduce_sum(input_tensor, axis=None, keepdims=False, name=None):
    """The sum over `axis` (None: over all axes)."""
    return _reduce(raw.Sum, input_tensor, axis, keepdims, name)


@dispatchable("reduce_mean", "math.reduce_mean", v1=[])
def reduce_mean(input_tensor, axis=None, keepdims=False, name=None):
    """The mean over `axis`, in `input_tensor`'s type (integers: rounded towards zero)."""
    return _reduce(raw.Mean, input_tensor, axis, keepdims, name)


@dispatchable("reduce_prod", "math.reduce_prod", v1=[])
def reduce_prod(input_tensor, axis=None, keepdims=False, name=None):
    """The product over `axis`."""
    return _reduce(raw.Prod, input_tensor, axis, keepdims, name)


@dispatchable("reduce_max", "math.reduce_max", v1=[])
def reduce_max(input_tensor, axis=None, keepdims=False, name=None):
    """The greatest entry over `axis`."""
    return _reduce(raw.Max, input_tensor, axis, keepdims, name)


@dispatchable("reduce_min", "math.reduce_min", v1=[])
def reduce_min(input_tensor, axis=None, keepdims=False, name=None):
    """The smallest entry over `axis`."""
    return _reduce(raw.Min, input_tensor, axis, keepdims, name)


def _truth(x):
    return x if isinstance(x, Tensor) else convert_to_tensor(x, dtype=dtypes.bool_)


@dispatchable("reduce_all", "math.reduce_all", v1=[])
def reduce_all(input_tensor, axis=None, keepdims=False, name=None):
    """Whether all entries over `axis` are true."""
    return _reduce(raw.All, _truth(input_tensor), axis, keepdims, name)


@dispatchable("reduce_any", "math.reduce_any", v1=[])
def reduce_any(input_tensor, axis=None, keepdims=False, name=None):
    """Whether any entry over `axis` is true."""
    return _reduce(raw.Any, _truth(input_tensor), axis, keepdims, name)


@dispatchable("math.reduce_euclidean_norm")
def reduce_euclidean_norm(input_tensor, axis=None, keepdims=False, name=None):
    """The square root of the sum of squares over `axis`."""
    return _reduce(raw.EuclideanNorm, input_tensor, axis, keepdims, name)


@dispatchable("reduce_logsumexp", "math.reduce_logsumexp", v1=[], named="ReduceLogSumExp")
def reduce_logsumexp(input_tensor, axis=None, keepdims=False, name=None):
    """log(sum(exp(x))) over `axis`, shifted by the maximum so that no exp overflows."""
    x = convert_to_tensor(input_tensor)
    peak = raw.StopGradient(input=reduce_max(x, axis, keepdims=True))
    peak = raw.SelectV2(condition=raw.IsFinite(x=peak), t=peak, e=raw.ZerosLike(x=peak))
    result = raw.Log(x=reduce_sum(raw.Exp(x=x - peak), axis, keepdims=keepdims))
    if not keepdims:
        peak = raw.Reshape(tensor=peak, shape=raw.Shape(input=result))
    return raw.AddV2(x=result, y=peak, name=name)


@dispatchable("math.reduce_variance", scope="reduce_variance")
def reduce_variance(input_tensor, axis=None, keepdims=False, name=None):
    """The mean squared distance from the mean over `axis`."""
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


@dispatchable("math.reduce_std", scope="reduce_std")
def reduce_std(input_tensor, axis=None, keepdims=False, name=None):
    """The square root of the variance over `axis`."""
    variance = reduce_variance(input_tensor, axis, keepdims)
    return raw.Sqrt(x=variance, name=name)


@dispatchable("math.count_nonzero", v1=[], scope="count_nonzero")
def count_nonzero(input, axis=None, keepdims=None, dtype=dtypes.int64, name=None):
    """The number of entries over `axis` that are not zero (for strings, not empty)."""
    x = convert_to_tensor(input, name="input")
    if x.dtype == dtypes.string:
        zero = convert_to_tensor("")
    elif x.dtype.is_bool:
        zero = convert_to_tensor(False)
    else:
        zero = convert_to_tensor(np.zeros((), x.dtype.as_numpy_dtype))
    ones = cast(raw.NotEqual(x=x, y=zero), dtypes.int64)
    return cast(reduce_sum(ones, axis, keepdims=bool(keepdims)), dtype, name=name)


@dispatchable("math.zero_fraction", "nn.zero_fraction", scope="zero_fraction")
def zero_fraction(value, name=None):
    """The fraction of entries that are zero, as float32."""
    value = convert_to_tensor(value, name="value")
    count = cast(raw.Size(input=value, out_type=dtypes.int64), dtypes.float32)
    zeros = count - cast(count_nonzero(value), dtypes.float32)
    return raw.RealDiv(x=zeros, y=count, name=name)


@dispatchable("argmax", "math.argmax", v1=[])
def argmax(input, axis=None, output_type=dtypes.int64, name=None):
    """The index of the greatest entry along `axis` (None: 0); the first of equal ones."""
    axis = 0 if axis is None else axis
    if not isinstance(axis, (int, Tensor)):
        raise TypeError(f"axis must be int or Tensor with integer datatype. Received: {axis}")
    kind = dtypes.as_dtype(output_type)
    return raw.ArgMax(input=input, dimension=axis, output_type=kind, name=name)


@dispatchable("argmin", "math.argmin", v1=[])
def argmin(input, axis=None, output_type=dtypes.int64, name=None):
    """The index of the smallest entry along `axis` (None: 0); the first of equal ones."""
    axis = 0 if axis is None else axis
    kind = dtypes.as_dtype(output_type)
    return raw.ArgMin(input=input, dimension=axis, output_type=kind, name=name)


@dispatchable("norm", "linalg.norm", v1=[], scope="norm")
def norm(tensor, ord="euclidean", axis=None, keepdims=None, name=None):
    """The norm of vectors or matrices.

    Args:
      tensor: float or complex numbers.
      ord: "euclidean" or "fro", 1, 2, `np.inf`, or any positive number for vectors.
      axis: None treats all entries as one vector; an int takes vectors along it; a pair of ints
        takes matrices.
      keepdims: if True, the reduced axes are kept with size 1.
      name: a name for the operation.
    """
    is_matrix = isinstance(axis, (tuple, list)) and len(axis) == 2
    given = axis if is_matrix else () if axis is None else (axis,)
    if not all(isinstance(a, int) for a in given) or (is_matrix and axis[0] == axis[1]):
        raise ValueError(
            "'axis' must be None, an integer, or a tuple of 2 unique integers. "
            f"Received: axis={axis}"
        )
    allowed = ["euclidean", "fro", 1, 2, np.inf] if is_matrix else ["euclidean", 1, 2, np.inf]
    if ord not in allowed and (is_matrix or isinstance(ord, str) or ord <= 0):
        raise ValueError(f"'ord' must be a supported norm in {allowed}, got {ord}")
    keep = bool(keepdims)
    tensor = convert_to_tensor(tensor)
    has_squares = ord in ("fro", "euclidean", 2)
    if has_squares and (tensor.dtype.is_bool or tensor.dtype == dtypes.string):
        raise TypeError(f"Expected numeric or variant tensor, got dtype {tensor.dtype!r}.")
    axes = list(axis) if is_matrix else axis
    if has_squares:
        if is_matrix and ord in (2, 2.0):
            return _spectral_norm(tensor, axes, keep, name)
        squares = tensor * raw.Conj(input=tensor) if tensor.dtype.is_complex else tensor * tensor
        total = reduce_sum(squares, axes, keepdims=True)
        result = raw.Sqrt(x=total)
    elif ord == 1:
        result = reduce_sum(abs(tensor), axes[0] if is_matrix else axes, keepdims=True)
        if is_matrix:
            result = reduce_max(result, axes[-1], keepdims=True)
    elif ord == np.inf:
        result = abs(tensor)
        if is_matrix:
            result = reduce_sum(result, axes[1], keepdims=True)
        result = reduce_max(result, axes[0] if is_matrix else axes, keepdims=True)
    else:
        powers = raw.Pow(x=abs(tensor), y=convert_to_tensor(ord, tensor.dtype.real_dtype))
        result = reduce_sum(powers, axes, keepdims=True)
        result = raw.Pow(x=result, y=convert_to_tensor(1.0 / ord, result.dtype))
    if keep:
        return raw.Identity(input=result, name=name) if name else result
    if axes is None:
        return raw.Squeeze(input=result, axis=[], name=name)
    squeezed = axes if isinstance(axes, builtins.list) else [axes]
    return raw.Squeeze(input=result, axis=[int(a) for a in squeezed], name=name)


def _spectral_norm(tensor, axes, keep, name):
    rank = tensor.shape.rank
    if rank is None:
        raise ValueError("norm: the 2-norm of matrices needs a known rank. Received unknown rank.")
    axes = [a % rank for a in axes]
    others = [a for a in range(rank) if a not in axes]
    matrices = raw.Transpose(x=tensor, perm=np.array(others + axes, np.int32))
    singular = raw.Svd(input=matrices, compute_uv=False, full_matrices=False).s
    result = raw.Max(input=singular, axis=[-1], keep_dims=False, name=name)
    for a in sorted(axes) if keep else ():
        result = raw.ExpandDims(input=result, axis=a)
    return result


@dispatchable(
    "linalg.l2_normalize", "math.l2_normalize", "nn.l2_normalize", v1=[], named="l2_normalize"
)
def l2_normalize(x, axis=None, epsilon=1e-12, name=None, dim=None):
    """x / sqrt(max(sum(x**2), epsilon)) along `axis`."""
    axis = dim if axis is None else axis
    x = convert_to_tensor(x, name="x")
    modulus = abs(x) if x.dtype.is_complex else x
    total = reduce_sum(raw.Square(x=modulus), axis, keepdims=True)
    scale = raw.Rsqrt(x=raw.Maximum(x=total, y=epsilon))
    return raw.Mul(x=x, y=cast(scale, x.dtype), name=name)
