"""tf.compat.v1.ragged.constant_value: ragged constants in NumPy."""

from typing import Any

import numpy as np

from penstock._src.api.ragged.construction import flattened
from penstock._src.api.ragged.ragged_tensor import RaggedTensor
from penstock._src.api.ragged.ragged_value import RaggedTensorValue
from penstock._src.core import dtypes
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
    if isinstance(pylist, (RaggedTensor, RaggedTensorValue)):
        raise TypeError("pylist may not be a RaggedTensor or RaggedTensorValue.")
    kind = dtype.as_numpy_dtype if isinstance(dtype, dtypes.DType) else dtype
    values, shape, splits = flattened(pylist, ragged_rank, inner_shape)
    is_number = kind is not None and np.issubdtype(kind, np.number)
    # Numbers that do not fit overflow, as those of NumPy 1 did.
    result: Any = np.array(values).astype(kind) if is_number else np.array(values, dtype=kind)
    if shape is not None:
        result = result.reshape(shape)
    for bounds in reversed(splits):
        index = bounds.astype(dtypes.as_dtype(row_splits_dtype).as_numpy_dtype)
        result = RaggedTensorValue(result, index)
    return result
