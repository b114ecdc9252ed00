"""Placeholders for sparse and ragged tensors."""

import numpy as np

from penstock._src.api.ragged.ragged_tensor import RaggedTensor
from penstock._src.api.sparse.sparse_tensor import SparseTensor
from penstock._src.core import dtypes
from penstock._src.core.dispatch import STATE
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape
from penstock._src.util.export import export


@export(v1=["sparse_placeholder", "sparse.placeholder"])
def sparse_placeholder(dtype, shape=None, name=None):
    """Returns a SparseTensor with components that are fed.

    Args:
      dtype: the type of the values.
      shape: the static dense shape, or None.
      name: a prefix of the components' names.

    Raises:
      RuntimeError: called in eager execution.
    """
    if STATE.graph is None:
        raise RuntimeError("`sparse_placeholder` is not compatible with eager execution.")
    static = TensorShape(shape)
    rank = static.rank
    name_of = lambda part: None if name is None else f"{name}/{part}"  # noqa: E731
    if rank is None:
        dense_shape = raw.Placeholder(dtype=dtypes.int64, shape=[None], name=name_of("shape"))
    else:
        extents = np.array([-1 if n is None else n for n in static.as_list()], np.int64)
        dense_shape = raw.PlaceholderWithDefault(input=extents, shape=[rank], name=name_of("shape"))
    result = SparseTensor(
        raw.Placeholder(dtype=dtypes.int64, shape=[None, rank], name=name_of("indices")),
        raw.Placeholder(dtype=dtypes.as_dtype(dtype), shape=[None], name=name_of("values")),
        dense_shape,
    )
    result._static = static
    return result


@export(v1=["ragged.placeholder"])
def placeholder(dtype, ragged_rank, value_shape=None, name=None):
    """A RaggedTensor with components that are fed.

    Args:
      dtype: of the values.
      ragged_rank: how many dimensions are partitioned.
      value_shape: the shape of each value.
      name: of the operations.
    """
    if ragged_rank == 0:
        return raw.Placeholder(dtype=dtype, shape=value_shape, name=name)
    shape = None if value_shape is None else [None, *value_shape]
    if STATE.graph is None:
        raise RuntimeError("tf.placeholder() is not compatible with eager execution.")
    with STATE.graph.name_scope(name or "RaggedPlaceholder"):
        result = raw.Placeholder(dtype=dtype, shape=shape, name="flat_values")
        for axis in reversed(range(ragged_rank)):
            splits = raw.Placeholder(dtype=dtypes.int64, shape=[None], name=f"row_splits_{axis}")
            result = RaggedTensor.from_row_splits(result, splits, validate=False)
    return result
