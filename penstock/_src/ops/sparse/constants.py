"""Host values of ragged and sparse tensors in graphs, which have no constants of them: operations that make them of dense ones."""

from collections.abc import Callable
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.registry import raw
from penstock._src.ops.sparse.variants import (
    DeserializeSparse,
    RaggedTensorFromVariant,
    RaggedValue,
)

# id of an array: its tensor in the graph.
Constant = Callable[[np.ndarray], Any]


def is_composite(value: Any) -> bool:
    """True if a host value is a ragged or sparse tensor, or consists of rows of one."""
    return isinstance(value, RaggedValue) or _is_ragged_rows(value) or _is_sparse(value)


def composite(value: Any, constant: Constant) -> Any:
    """Returns the tensor of a value for which `is_composite`.

    Args:
      value: the host value.
      constant: adds a constant to the graph.
    """
    if isinstance(value, RaggedValue):
        return _ragged(value.splits, value.values, False, constant)
    if _is_ragged_rows(value):
        splits, values = _joined(value)
        return _ragged(splits, values, True, constant)
    many = value.ndim == 2
    parts = _sparse_rows(value) if many else value.tolist()
    names = ("sparse_indices", "sparse_values", "sparse_shape")
    tensors = {name: constant(part) for name, part in zip(names, parts, strict=True)}
    serialize = raw.SerializeManySparse if many else raw.SerializeSparse
    return serialize(**tensors, out_type=dtypes.variant)


def _ragged(splits: Any, values: Any, by_row: bool, constant: Constant) -> Any:
    return raw.RaggedTensorToVariant(
        rt_nested_splits=[constant(np.asarray(each, np.int64)) for each in splits],
        rt_dense_values=constant(values),
        batched_input=by_row,
        Tsplits=dtypes.int64,
    )


def _is_ragged_rows(value: Any) -> bool:
    if not (_is_objects(value) and value.ndim == 1 and value.size):
        return False
    if not all(isinstance(row, RaggedValue) and np.ndim(row.values) for row in value):
        return False
    depths = {(len(row.splits), row.values.shape[1:], row.values.dtype) for row in value}
    return len(depths) == 1


def _joined(rows: np.ndarray) -> Any:
    """The splits and flat values of the ragged tensor with these rows."""
    depth = len(rows[0].splits)
    attrs = {
        "input_ragged_rank": depth,
        "output_ragged_rank": depth + 1,
        "Tvalues": _dtype(rows[0].values),
        "Tsplits": dtypes.int64,
    }
    return RaggedTensorFromVariant.instance(attrs).eager(rows)


def _is_sparse(value: Any) -> bool:
    if not (_is_objects(value) and value.ndim in (1, 2) and value.shape[-1] == 3 and value.size):
        return False
    if not all(isinstance(part, np.ndarray) for part in value.ravel()):
        return False
    shapes = [row[2] for row in value.reshape(-1, 3)]
    return all(np.array_equal(shape, shapes[0]) for shape in shapes)


def _sparse_rows(value: np.ndarray) -> Any:
    """The indices, values and shape of the sparse tensor with these rows."""
    attrs = {"dtype": _dtype(value[0, 1]), "Tserialized": dtypes.variant}
    return DeserializeSparse.instance(attrs).eager(value)


def _dtype(values: np.ndarray) -> Any:
    return dtypes.string if values.dtype == object else dtypes.as_dtype(values.dtype)


def _is_objects(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype == object
