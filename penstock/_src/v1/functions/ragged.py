"""tf.compat.v1.ragged.constant_value: ragged constants in NumPy."""

import numpy as np

from penstock._src.api.ragged.construction import constant
from penstock._src.api.ragged.ragged_tensor import RaggedTensor
from penstock._src.api.ragged.ragged_value import RaggedTensorValue
from penstock._src.core import dtypes
from penstock._src.core.dispatch import building
from penstock._src.util.export import export


@export(v1=["ragged.constant_value"])
def constant_value(
    pylist, dtype=None, ragged_rank=None, inner_shape=None, row_splits_dtype="int64"
):
    """Converts nested lists to a RaggedTensorValue, or to an array if nothing is ragged.

    Args:
      pylist: nested lists with all scalars at the same depth.
      dtype: of the values; by default NumPy's.
      ragged_rank: how many dimensions are partitioned; by default all but the innermost.
      inner_shape: the shape of the inner, uniform values.
      row_splits_dtype: "int32" or "int64".
    """
    kind = np.array(list(_leaves(pylist))).dtype if dtype is None else np.dtype(dtype)
    made_of = dtypes.string if kind.kind in "USO" else dtypes.as_dtype(kind)
    with building(None):
        made = constant(
            pylist, made_of, ragged_rank, inner_shape, None, dtypes.as_dtype(row_splits_dtype)
        )
        return _in_numpy(made, kind)


def _leaves(nested):
    if isinstance(nested, (list, tuple)):
        for one in nested:
            yield from _leaves(one)
    else:
        yield from np.asarray(nested).reshape(-1)


def _in_numpy(value, kind):
    if isinstance(value, RaggedTensor):
        return RaggedTensorValue(_in_numpy(value.values, kind), value.row_splits.numpy())
    array = np.asarray(value.numpy())
    if kind.kind != "U":
        return array
    texts = [text.decode() for text in array.reshape(-1)]
    return np.array(texts, kind).reshape(array.shape)
