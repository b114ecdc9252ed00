"""Encodes rows of ragged and sparse tensors as variants, so that loops can read and write single rows."""

from typing import Any

from penstock._src.api.ragged.ragged_tensor import RaggedTensor, RaggedTensorSpec
from penstock._src.api.sparse.sparse_tensor import SparseTensor, SparseTensorSpec
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.core.specs import TensorSpec, TypeSpec
from penstock._src.core.tensor import Tensor


def encode_rows(value: Any) -> Tensor:
    """Encodes the rows of a dense, ragged or sparse tensor along the first axis of a plain tensor."""
    if isinstance(value, RaggedTensor):
        return raw.RaggedTensorToVariant(
            rt_nested_splits=list(value.nested_row_splits),
            rt_dense_values=value.flat_values,
            batched_input=True,
        )
    if isinstance(value, SparseTensor):
        return raw.SerializeManySparse(
            sparse_indices=value.indices,
            sparse_values=value.values,
            sparse_shape=value.dense_shape,
            out_type=dtypes.variant,
        )
    return convert_to_tensor(value)


def row_spec(value: Any) -> TypeSpec:
    """The type of the rows of a value."""
    if isinstance(value, RaggedTensor):
        return RaggedTensorSpec(
            value.shape[1:], value.dtype, value.ragged_rank - 1, value.row_splits.dtype
        )
    if isinstance(value, SparseTensor):
        return SparseTensorSpec(value.shape[1:], value.dtype)
    tensor = convert_to_tensor(value)
    return TensorSpec(tensor.shape[1:], tensor.dtype)


def is_encoded(spec: Any) -> bool:
    """True if rows of this type are encoded as variants."""
    return isinstance(spec, (RaggedTensorSpec, SparseTensorSpec))


def decode_row(spec: Any, row: Tensor) -> Any:
    """The value of one encoded row."""
    if isinstance(spec, RaggedTensorSpec):
        return _ragged(spec, row, spec.ragged_rank, 0)
    if isinstance(spec, SparseTensorSpec):
        return _sparse(spec.dtype, row)
    return row


def encode_row(spec: Any, value: Any) -> Tensor:
    """One row, to be stacked with others.

    Raises:
      ValueError: the ragged rank differs.
    """
    if isinstance(spec, RaggedTensorSpec):
        splits = list(value.nested_row_splits) if isinstance(value, RaggedTensor) else []
        if len(splits) != max(spec.ragged_rank, 0):  # negative for rows of vectors
            raise ValueError(
                f"Expected `fn` to return a row of {spec}. But it returned one of ragged rank "
                f"{len(splits)}."
            )
        values = value.flat_values if isinstance(value, RaggedTensor) else value
        return raw.RaggedTensorToVariant(
            rt_nested_splits=splits,
            rt_dense_values=values,
            batched_input=False,
            Tsplits=spec.row_splits_dtype,
        )
    if isinstance(spec, SparseTensorSpec):
        return raw.SerializeSparse(
            sparse_indices=value.indices,
            sparse_values=value.values,
            sparse_shape=value.dense_shape,
            out_type=dtypes.variant,
        )
    return convert_to_tensor(value)


def decode_rows(spec: Any, rows: Tensor) -> Any:
    """Decodes a value from its rows."""
    if isinstance(spec, RaggedTensorSpec):
        return _ragged(spec, rows, spec.ragged_rank + 1, spec.ragged_rank)
    return _sparse(spec.dtype, rows)


def _ragged(spec: Any, encoded: Tensor, rank: int, input_rank: int) -> Any:
    *splits, values = raw.RaggedTensorFromVariant(
        encoded_ragged=encoded,
        input_ragged_rank=input_rank,
        output_ragged_rank=max(rank, 0),
        Tvalues=spec.dtype,
        Tsplits=spec.row_splits_dtype,
    )
    splits = splits[0] if splits and isinstance(splits[0], (list, tuple)) else splits
    if values.shape.rank is None and spec._shape.rank is not None:
        values.set_shape([None, *spec._shape.as_list()[spec.ragged_rank + 1 :]])
    if rank <= 0:
        return values
    return RaggedTensor.from_nested_row_splits(values, splits, validate=False)


def _sparse(dtype: Any, encoded: Tensor) -> SparseTensor:
    return SparseTensor(*raw.DeserializeSparse(serialized_sparse=encoded, dtype=dtype))
