"""Sums, products and comparisons of sparse tensors."""

import numpy as np

from penstock._src.api.extending.scopes import scoped
from penstock._src.api.math.elementwise import cast
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.core.tensor import Tensor
from penstock._src.eager.tensor import EagerTensor
from penstock._src.graph.static_values import get_static_value
from penstock._src.util.export import export

from .functions import _components, _with_shape
from .sparse_tensor import SparseTensor, SparseTensorValue, to_sparse


@export("sparse.add", v1=[])
def add(a, b, threshold=0):
    """Returns the sum of two tensors. At least one of them is sparse.

    Args:
      a: a `SparseTensor` or a tensor.
      b: a `SparseTensor` or a tensor of the same dtype and shape.
      threshold: with two sparse tensors, entries whose sum is smaller in modulus are left out.

    Returns:
      A `SparseTensor` if both are sparse, else a tensor.

    Raises:
      TypeError: none of them is sparse.
      InvalidArgumentError: the shapes differ.

    >>> one = tf.sparse.from_dense([1, 0, 2])
    >>> tf.sparse.add(one, tf.constant([10, 10, 10])).numpy()
    array([11, 10, 12], dtype=int32)
    """
    if not isinstance(a, (SparseTensor, SparseTensorValue)) and not isinstance(
        b, (SparseTensor, SparseTensorValue)
    ):
        raise TypeError("At least one input should be SparseTensor; do you mean to use tf.add()?")
    if isinstance(a, (SparseTensor, SparseTensorValue)) and isinstance(
        b, (SparseTensor, SparseTensorValue)
    ):
        a, b = to_sparse(a), to_sparse(b)
        limit = convert_to_tensor(threshold, dtype=a.dtype.real_dtype)
        parts = raw.SparseAdd(
            a_indices=a.indices,
            a_values=a.values,
            a_shape=a.dense_shape,
            b_indices=b.indices,
            b_values=b.values,
            b_shape=b.dense_shape,
            thresh=limit,
        )
        result = SparseTensor(*parts)
        static = a.shape.merge_with(b.shape) if a.shape.is_compatible_with(b.shape) else None
        return result if static is None else _with_shape(result, static)
    if isinstance(b, (SparseTensor, SparseTensorValue)):
        a, b = b, a
    a = to_sparse(a)
    return raw.SparseTensorDenseAdd(
        a_indices=a.indices, a_values=a.values, a_shape=a.dense_shape, b=b
    )


@export(
    "sparse.sparse_dense_matmul",
    v1=["sparse.sparse_dense_matmul", "sparse.matmul", "sparse_tensor_dense_matmul"],
)
def sparse_dense_matmul(sp_a, b, adjoint_a=False, adjoint_b=False, name=None):
    """Returns the product of a sparse and a dense matrix, in either order.

    Args:
      sp_a: a `SparseTensor` of rank 2, or a matrix.
      b: a matrix, or a `SparseTensor` of rank 2.
      adjoint_a: whether the first is transposed and conjugated.
      adjoint_b: whether the second is transposed and conjugated.
      name: a name for the operation.

    Returns:
      A matrix.

    Raises:
      InvalidArgumentError: the inner sizes differ.

    >>> sparse = tf.sparse.from_dense([[1.0, 0.0], [0.0, 2.0]])
    >>> tf.sparse.sparse_dense_matmul(sparse, tf.constant([[3.0], [4.0]])).numpy()
    array([[3.],
           [8.]], dtype=float32)
    """
    if isinstance(b, (SparseTensor, SparseTensorValue)):
        product = sparse_dense_matmul(b, sp_a, adjoint_a=not adjoint_b, adjoint_b=not adjoint_a)
        perm = np.array([1, 0], np.int32)
        turned = raw.Transpose(x=product, perm=perm)
        return raw.Conj(input=turned) if turned.dtype.is_complex else turned
    sp = to_sparse(sp_a)
    return raw.SparseTensorDenseMatMul(
        a_indices=sp.indices,
        a_values=sp.values,
        a_shape=sp.dense_shape,
        b=convert_to_tensor(b, name="b"),
        adjoint_a=adjoint_a,
        adjoint_b=adjoint_b,
        name=name,
    )


def _axes(sp, axis):
    if axis is None:
        rank = sp.dense_shape.shape.num_elements()
        if rank is not None:
            return convert_to_tensor(np.arange(rank, dtype=np.int32))
        return raw.Range(start=0, limit=raw.Size(input=sp.dense_shape), delta=1)
    if isinstance(axis, int):
        return convert_to_tensor([axis], dtype=dtypes.int32)
    axes = axis if isinstance(axis, Tensor) else convert_to_tensor(axis, dtype=dtypes.int32)
    if axes.shape.rank == 1:
        return axes
    return raw.Reshape(tensor=axes, shape=[-1])


def _reduce(stem, sp_input, axis, keepdims, output_is_sparse, name):
    sp = _components(sp_input)
    arguments = dict(
        input_indices=sp.indices,
        input_values=sp.values,
        input_shape=sp.dense_shape,
        reduction_axes=_axes(sp, axis),
        keep_dims=bool(keepdims),
        name=name,
    )
    if output_is_sparse:
        return SparseTensor(*getattr(raw, stem + "Sparse")(**arguments))
    result = getattr(raw, stem)(**arguments)
    if isinstance(result, EagerTensor):
        return result
    rank = sp.shape.rank
    axes = get_static_value(arguments["reduction_axes"])
    if rank is not None and axes is not None:
        gone = {int(a) % rank for a in axes}
        extents = [
            1 if i in gone else n
            for i, n in enumerate(sp.shape.as_list())
            if keepdims or i not in gone
        ]
        result.set_shape(extents)
    return result


@export("sparse.reduce_sum", v1=[])
def reduce_sum(sp_input, axis=None, keepdims=None, output_is_sparse=False, name=None):
    """Returns the sum over some axes of a sparse tensor, or over all.

    Args:
      sp_input: a `SparseTensor`.
      axis: an axis or a list of axes; None means all.
      keepdims: whether the axes stay with length 1.
      output_is_sparse: whether the result is sparse.
      name: a name for the operation.

    Returns:
      A tensor or `SparseTensor`.

    >>> tf.sparse.reduce_sum(tf.sparse.from_dense([[1, 0], [2, 3]]), axis=1).numpy()
    array([1, 5], dtype=int32)
    """
    return _reduce("SparseReduceSum", sp_input, axis, keepdims, output_is_sparse, name)


@export("sparse.reduce_max", v1=[])
@scoped(named="SparseReduceMax")
def reduce_max(sp_input, axis=None, keepdims=None, output_is_sparse=False, name=None):
    """Returns the greatest entry over some axes of a sparse tensor, or over all.

    Only entries that are stored count; where there is none, the result is 0.

    Args:
      sp_input: a `SparseTensor`.
      axis: an axis or a list of axes; None means all.
      keepdims: whether the axes stay with length 1.
      output_is_sparse: whether the result is sparse.
      name: a name for the operation.

    Returns:
      A tensor or `SparseTensor`.

    >>> tf.sparse.reduce_max(tf.sparse.from_dense([[-1, 0], [2, 3]]), axis=1).numpy()
    array([-1,  3], dtype=int32)
    """
    return _reduce("SparseReduceMax", sp_input, axis, keepdims, output_is_sparse, name)


def _both(stem, sp_a, sp_b, name):
    a, b = _components(sp_a), _components(sp_b)
    indices, values = getattr(raw, stem)(
        a_indices=a.indices,
        a_values=a.values,
        a_shape=a.dense_shape,
        b_indices=b.indices,
        b_values=b.values,
        b_shape=b.dense_shape,
        name=name,
    )
    return SparseTensor(indices, values, a.dense_shape)


@export("sparse.maximum", v1=["sparse.maximum", "sparse_maximum"])
def maximum(sp_a, sp_b, name=None):
    """Returns the elementwise maximum of two sparse tensors. Missing entries count as 0.

    Args:
      sp_a: a `SparseTensor`.
      sp_b: a `SparseTensor` of the same shape and dtype.
      name: a name for the operation.

    Returns:
      A `SparseTensor` with the places of both.

    Raises:
      InvalidArgumentError: the shapes differ.

    >>> a, b = tf.sparse.from_dense([1, 0]), tf.sparse.from_dense([0, -2])
    >>> tf.sparse.maximum(a, b).values.numpy()
    array([1, 0], dtype=int32)
    """
    return _both("SparseSparseMaximum", sp_a, sp_b, name)


@export("sparse.minimum", v1=["sparse.minimum", "sparse_minimum"])
def minimum(sp_a, sp_b, name=None):
    """Returns the elementwise minimum of two sparse tensors. Missing entries count as 0.

    Args:
      sp_a: a `SparseTensor`.
      sp_b: a `SparseTensor` of the same shape and dtype.
      name: a name for the operation.

    Returns:
      A `SparseTensor` with the places of both.

    Raises:
      InvalidArgumentError: the shapes differ.

    >>> a, b = tf.sparse.from_dense([1, 0]), tf.sparse.from_dense([0, -2])
    >>> tf.sparse.minimum(a, b).values.numpy()
    array([ 0, -2], dtype=int32)
    """
    return _both("SparseSparseMinimum", sp_a, sp_b, name)


@export("sparse.softmax", v1=["sparse.softmax", "sparse_softmax"])
def softmax(sp_input, name=None):
    """Softmax over the stored entries of each row.

    Args:
      sp_input: a SparseTensor of rank 2 or more, of floats, sorted.
      name: of the operation.

    Returns:
      A SparseTensor with the same indices and shape.
    """
    sp = _components(sp_input)
    values = raw.SparseSoftmax(
        sp_indices=sp.indices, sp_values=sp.values, sp_shape=sp.dense_shape, name=name
    )
    return SparseTensor(sp.indices, values, sp.dense_shape)


@export("sparse.sampled_addmm", v1=["sparse.sampled_addmm"])
def sampled_addmm(
    indices, values, dense_shape, mat1, mat2, beta=1.0, alpha=1.0, output_type=dtypes.float32
):
    """The product of two matrices at some indices only: alpha * (mat1 @ mat2) + beta * values.

    Args:
      indices: int64 `[..., n, 2]`: rows and columns.
      values: `[..., n]`.
      dense_shape: int64: the shape of the sparse matrices.
      mat1: `[..., m, k]`.
      mat2: `[..., k, n]`.
      beta, alpha: numbers.
      output_type: of the result; everything is cast to it first.

    Returns:
      (indices, values, dense_shape).
    """
    kind = dtypes.as_dtype(output_type)
    indices = convert_to_tensor(indices)
    values = cast(convert_to_tensor(values), kind)
    mat1, mat2 = cast(convert_to_tensor(mat1), kind), cast(convert_to_tensor(mat2), kind)
    batch = indices.shape.rank - 2
    swapped = np.array([*range(batch), batch + 1, batch], np.int32)
    among = {"axis": batch, "batch_dims": batch}
    rows = raw.GatherV2(params=mat1, indices=indices[..., 0], **among)
    columns = raw.GatherV2(
        params=raw.Transpose(x=mat2, perm=swapped), indices=indices[..., 1], **among
    )
    products = raw.Sum(input=rows * columns, axis=[-1])
    scale = np.asarray(alpha, kind.as_numpy_dtype), np.asarray(beta, kind.as_numpy_dtype)
    return indices, products * scale[0] + values * scale[1], dense_shape
