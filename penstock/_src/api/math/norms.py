"""Norms of vectors and matrices."""

import builtins

import numpy as np

from penstock._src.api.extending.dispatch import dispatchable
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE
from penstock._src.core.registry import raw

from .elementwise import abs, cast
from .reduction import reduce_max, reduce_sum


@dispatchable("norm", "linalg.norm", v1=[], scope="norm")
def norm(tensor, ord="euclidean", axis=None, keepdims=None, name=None):
    """Returns the norm of vectors or of matrices.

    Args:
      tensor: float or complex numbers.
      ord: for vectors "euclidean", 1, 2, `np.inf` or any positive number; for matrices
        "euclidean" or "fro" (the root of the sum of squares), 1 (the greatest column sum), 2 (the
        greatest singular value) or `np.inf` (the greatest row sum).
      axis: None takes all entries as one vector; an integer takes the vectors along that axis; a
        pair takes the matrices in these two axes.
      keepdims: if True, the axes stay with length 1.
      name: a name for the operation.

    Returns:
      A tensor of the real dtype of `tensor` without these axes.

    Raises:
      ValueError: `axis` or `ord` is none of these.
      TypeError: the entries are bool or strings.

    >>> tf.norm([[3.0, 4.0], [6.0, 8.0]], axis=1).numpy()
    array([ 5., 10.], dtype=float32)
    >>> tf.norm([[1.0, -2.0], [3.0, 4.0]], ord=1, axis=[0, 1]).numpy()
    np.float32(6.0)
    """
    is_matrix = isinstance(axis, (tuple, list)) and len(axis) == 2
    listed = axis if is_matrix else () if axis is None else (axis,)
    if not all(isinstance(a, int) for a in listed) or (is_matrix and axis[0] == axis[1]):
        raise ValueError(
            f"'axis' must be None, an integer, or a tuple of 2 unique integers, got {axis}"
        )
    allowed = ["euclidean", "fro", 1, 2, np.inf] if is_matrix else ["euclidean", 1, 2, np.inf]
    if ord not in allowed and (is_matrix or isinstance(ord, str) or ord <= 0):
        which = f"matrix norm in {allowed}" if is_matrix else "vector norm"
        raise ValueError(f"'ord' must be a supported {which}, got {ord}")
    keep = bool(keepdims)
    # Graphs drop the axes by another op, as in TensorFlow.
    drops = not keep and STATE.graph is None and not is_matrix
    tensor = convert_to_tensor(tensor)
    has_squares = ord in ("fro", "euclidean", 2)
    if has_squares and (tensor.dtype.is_bool or tensor.dtype == dtypes.string):
        raise TypeError(f"Expected numeric or variant tensor, got dtype {tensor.dtype!r}.")
    axes = list(axis) if is_matrix else axis
    if has_squares:
        if is_matrix and ord in (2, 2.0):
            return _spectral_norm(tensor, axes, keep, name)
        squares = tensor * raw.Conj(input=tensor) if tensor.dtype.is_complex else tensor * tensor
        total = reduce_sum(squares, axes, keepdims=not drops)
        result = raw.Sqrt(x=total)
    elif ord == 1:
        result = reduce_sum(abs(tensor), axes[0] if is_matrix else axes, keepdims=not drops)
        if is_matrix:
            result = reduce_max(result, axes[-1], keepdims=True)
    elif ord == np.inf:
        result = abs(tensor)
        if is_matrix:
            result = reduce_sum(result, axes[1], keepdims=True)
        result = reduce_max(result, axes[0] if is_matrix else axes, keepdims=not drops)
    else:
        powers = raw.Pow(x=abs(tensor), y=convert_to_tensor(ord, tensor.dtype.real_dtype))
        result = reduce_sum(powers, axes, keepdims=not drops)
        result = raw.Pow(x=result, y=convert_to_tensor(1.0 / ord, result.dtype))
    if keep or drops:
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
    if singular.dtype.is_complex:
        singular = raw.Real(input=singular, Tout=singular.dtype.real_dtype)
    result = raw.Max(input=singular, axis=[-1], keep_dims=False, name=name)
    for a in sorted(axes) if keep else ():
        result = raw.ExpandDims(input=result, axis=a)
    return result


@dispatchable(
    "linalg.l2_normalize",
    "math.l2_normalize",
    "nn.l2_normalize",
    v1=[],
    named="l2_normalize",
    direct=True,
)
def l2_normalize(x, axis=None, epsilon=1e-12, name=None, dim=None):
    """Returns x / sqrt(max(sum(x**2), epsilon)): `x` scaled to length 1.

    Where the length is close to 0, `epsilon` keeps the result finite.

    Args:
      x: float or complex numbers.
      axis: the axis or axes along which the vectors stand; None takes all entries as one vector.
      epsilon: the least square of a length.
      name: a name for the operation.
      dim: an older name of `axis`.

    Returns:
      A tensor of the shape and dtype of `x`.

    >>> tf.linalg.l2_normalize([[3.0, 4.0], [0.0, 0.0]], axis=1).numpy()
    array([[0.6, 0.8],
           [0. , 0. ]], dtype=float32)
    """
    axis = dim if axis is None else axis
    x = convert_to_tensor(x, name="x")
    modulus = abs(x) if x.dtype.is_complex else x
    total = reduce_sum(raw.Square(x=modulus), axis, keepdims=True)
    scale = raw.Rsqrt(x=raw.Maximum(x=total, y=epsilon))
    return raw.Mul(x=x, y=cast(scale, x.dtype), name=name)
