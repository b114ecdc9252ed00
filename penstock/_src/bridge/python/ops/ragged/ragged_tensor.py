"""Conversions to ragged tensors, and the declarations of their types in TensorFlow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from penstock._src.api.ragged.ragged_tensor import RaggedTensor
from penstock._src.api.ragged.ragged_value import RaggedTensorValue
from penstock._src.api.ragged.row_checks import common_splits_dtype
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor


def is_ragged(value: Any) -> bool:
    """True if `value` is a ragged tensor, or the value of one."""
    return isinstance(value, (RaggedTensor, RaggedTensorValue))


def convert_to_tensor_or_ragged_tensor(
    value: Any, dtype: Any = None, preferred_dtype: Any = None, name: str | None = None
) -> Any:
    """Returns a ragged tensor as it is, the constant of a ragged value, and the tensor of anything else.

    Raises:
      ValueError: a ragged tensor has another dtype.
    """
    if isinstance(value, RaggedTensor):
        if dtype and not dtypes.as_dtype(dtype).is_compatible_with(value.dtype):
            raise ValueError(
                f"Tensor conversion requested dtype {dtypes.as_dtype(dtype).name} for RaggedTensor "
                f"with dtype {value.dtype.name}: {value}."
            )
        return value
    if isinstance(value, RaggedTensorValue):
        flat = convert_to_tensor(
            value.flat_values, dtype=dtype, dtype_hint=preferred_dtype, name=name
        )
        return RaggedTensor.from_nested_row_splits(flat, value.nested_row_splits, validate=False)
    return convert_to_tensor(value, dtype=dtype, dtype_hint=preferred_dtype, name=name)


def match_row_splits_dtypes(*tensors: Any, return_dtype: bool = False) -> Any:
    """Returns the tensors if the row splits of the ragged ones have one type.

    Raises:
      ValueError: they have different types.
    """
    kind = common_splits_dtype(t for t in tensors if isinstance(t, RaggedTensor)) or dtypes.int64
    return (kind, tensors) if return_dtype else tensors


@dataclass(frozen=True)
class RaggedTensorType:
    """The type of the ragged tensor that `ragged_map_ops.map_fn` makes of the results for all rows."""

    dtype: Any
    ragged_rank: int
    row_splits_dtype: Any = dtypes.int64


def _add_supported_value_type(cls: type) -> None:
    """Does nothing: composite tensors of all classes may be the values of a ragged tensor."""
