"""Functions that create, reshape and index tensors differently in TensorFlow 1."""

import math

import numpy as np

from penstock._src.api.array import creation, indexing, joining, shaping
from penstock._src.api.extending.dispatch import dispatchable
from penstock._src.api.math.elementwise import cast
from penstock._src.api.ragged.construction import map_flat_values
from penstock._src.api.ragged.ragged_tensor import RaggedTensor
from penstock._src.api.ragged_overrides.table import OF_RAGGED
from penstock._src.api.sparse.sparse_tensor import SparseTensor, SparseTensorValue
from penstock._src.core import dtypes
from penstock._src.core.composite import CompositeTensor
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape
from penstock._src.core.tensor import Tensor
from penstock._src.util.export import export
from penstock._src.v1.names.arguments import either

zeros_like = creation.zeros_like


@export(v1=["ones_like"])
def ones_like(tensor, dtype=None, name=None, optimize=True):
    """Ones in the shape of `tensor`.

    Args:
      tensor: of any type and shape.
      dtype: the result's type, that of `tensor` by default.
      name: a name for the operation.
      optimize: whether a shape that is known when the graph is built becomes a constant.
    """
    if STATE.graph is None or not isinstance(tensor, Tensor):
        return creation.ones_like(tensor, dtype=dtype, name=name)
    kind = tensor.dtype.base_dtype if dtype is None else dtypes.as_dtype(dtype)
    with STATE.graph.name_scope(name or "ones_like") as scope:
        if optimize and tensor.shape.is_fully_defined():
            extents = shaping.shape(tensor, name="Shape/shape_as_tensor")
        else:
            extents = raw.Shape(input=tensor)
        return raw.Fill(dims=extents, value=creation.number(1, kind), name=scope)


@export(v1=["constant"])
def constant(value, dtype=None, shape=None, name="Const", verify_shape=False):
    """A tensor of `value`; the last value is repeated to fill `shape`.

    Raises:
      TypeError: `verify_shape` is true and the value has another shape.
    """
    if verify_shape and shape is not None and STATE.graph is None:
        actual = convert_to_tensor(value).shape
        if actual != TensorShape(shape):
            raise TypeError(
                f"Expected Tensor {value} with shape {tuple(shape)}, but got shape {tuple(actual)}."
            )
    if isinstance(value, Tensor) and not hasattr(value, "numpy"):
        raise TypeError("Expected any non-tensor type, but got a tensor instead.")
    return creation.constant_of_shape(
        value, dtype, shape, name, _only_whole if verify_shape else _padded
    )


def _only_whole(array, extents):
    """The elements, which have the shape."""
    if array.shape != tuple(extents):
        raise TypeError(f"Expected Tensor's shape: {tuple(extents)}, but got {array.shape}.")
    return array


def _padded(array, extents):
    """The elements in a shape; the last of them fills the rest."""
    missing = math.prod(extents) - array.size
    if missing < 0:
        raise ValueError(
            f"Too many elements provided. Takes at most {math.prod(extents)}, but got {array.size}."
        )
    if array.size == 1:
        return np.broadcast_to(array.reshape(()), extents)
    last = array.reshape(-1)[-1] if array.size else np.zeros((), array.dtype)
    return np.append(array, np.full(missing, last, array.dtype)).reshape(extents)


@export(v1=["expand_dims"])
def expand_dims(input, axis=None, name=None, dim=None):
    """`input` with a dimension of 1 at `axis`."""
    axis = either("axis", axis, "dim", dim)
    if axis is None:
        raise ValueError("Must specify an axis argument to tf.expand_dims()")
    return shaping.expand_dims(input, axis, name)


@dispatchable(v1=["where"])
def where(condition, x=None, y=None, name=None):
    """`x` where `condition` is true, else `y`; without both, the indices where it is true.

    If `condition` is a vector, it selects rows of `x` and `y`.
    """
    if x is None and y is None:
        return indexing.where(condition, name=name)
    if x is None or y is None:
        raise ValueError("x and y must both be non-None or both be None.")
    return raw.Select(condition=condition, x=x, y=y, name=name)


@dispatchable(v1=["batch_gather"])
def batch_gather(params, indices, name=None):
    """Slices of `params` along the last axis of `indices`, batch by batch."""
    indices = convert_to_tensor(indices)
    batch = indices.shape.rank - 1
    return indexing.gather(params, indices, None, batch, batch, name)


def _where_in_rows(condition, x=None, y=None, name=None):
    """`where` of ragged tensors: value by value if all have the same rows; a dense vector selects rows."""
    if (x is None) != (y is None):
        raise ValueError("x and y must be either both None or both non-None")
    if x is None:
        return indexing.where(condition, name=name)
    are_ragged = [isinstance(value, RaggedTensor) for value in (condition, x, y)]
    if all(are_ragged):
        return map_flat_values(where, condition, x, y)
    if are_ragged[0]:
        raise ValueError("Input shapes do not match.")
    condition = convert_to_tensor(condition, name="condition")
    condition.shape.assert_has_rank(1)
    both = joining.concat([x, y], axis=0)
    first = raw.Cumsum(x=raw.OnesLike(x=cast(condition, dtypes.int64)), axis=0, exclusive=True)
    count = first[-1:] + raw.OnesLike(x=first[-1:])
    places = raw.SelectV2(condition=condition, t=first, e=first + count)
    return indexing.gather(both, places)


def _batch_gather_in_rows(params, indices, name=None):
    rank = (indices if isinstance(indices, RaggedTensor) else convert_to_tensor(indices)).shape.rank
    if rank is None:
        raise ValueError("indices.shape.ndims must be known statically.")
    return indexing.gather(params, indices, batch_dims=rank - 1, axis=rank - 1, name=name)


OF_RAGGED.update({where: _where_in_rows, batch_gather: _batch_gather_in_rows})


@export(v1=["space_to_batch", "nn.space_to_batch"])
def space_to_batch(input, paddings, block_size=None, name=None, block_shape=None):
    """Moves blocks of the spatial dimensions to the batch dimension."""
    block = either("block_shape", block_shape, "block_size", block_size)
    return _image(shaping.space_to_batch(input, _block(block), paddings, name), block)


@export(v1=["batch_to_space"])
def batch_to_space(input, crops, block_size, name=None, block_shape=None):
    """Moves blocks of the batch dimension to the spatial dimensions."""
    block = either("block_shape", block_shape, "block_size", block_size)
    return _image(shaping.batch_to_space(input, _block(block), crops, name), block)


def _image(result, block):
    """The result, which is of rank 4 where one size is that of both axes."""
    if isinstance(block, int):
        result.set_shape(result.shape.with_rank(4))
    return result


def _block(size):
    return [size, size] if isinstance(size, int) else size


@export(v1=["setdiff1d"])
def setdiff1d(x, y, index_dtype=dtypes.int32, name=None):
    """The values of `x` that are not in `y`, and their indices."""
    return raw.ListDiff(x=x, y=y, out_idx=dtypes.as_dtype(index_dtype), name=name)


@export(v1=["convert_to_tensor_or_indexed_slices"])
def convert_to_tensor_or_indexed_slices(value, dtype=None, name=None):
    """Returns `value` if it is an IndexedSlices or SparseTensor, else converts it to a tensor."""
    if not isinstance(value, CompositeTensor):
        return convert_to_tensor(value, dtype, name=name)
    _check_dtype(value, dtype, ValueError, "Tensor conversion requested dtype")
    return value


@export(v1=["convert_to_tensor_or_sparse_tensor"])
def convert_to_tensor_or_sparse_tensor(value, dtype=None, name=None):
    """Returns `value` if it is a SparseTensor, else converts it to a tensor."""
    if isinstance(value, SparseTensorValue):
        value = SparseTensor.from_value(value)
    if not isinstance(value, SparseTensor):
        return convert_to_tensor(value, dtype, name=name)
    _check_dtype(value, dtype, RuntimeError, "Sparse dtype mismatch. Requested:")
    return value


def _check_dtype(value, dtype, error, what):
    if dtype is not None and not dtypes.as_dtype(dtype).is_compatible_with(value.dtype):
        raise error(f"{what} {dtypes.as_dtype(dtype).name},  Actual: {value.dtype.name}")
