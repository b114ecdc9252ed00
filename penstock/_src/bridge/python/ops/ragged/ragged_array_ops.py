"""Functions of ragged tensors that TensorFlow has no public name for."""

from __future__ import annotations

from typing import Any

from penstock._src.api.ragged.ragged_tensor import RaggedTensor
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw

_DEFAULT_CROSS_HASH_KEY = 0xDECAFCAFFE


def fill_empty_rows(ragged_input: Any, default_value: Any, name: str | None = None) -> Any:
    """Returns the ragged tensor with `default_value` in each row that was empty, and which rows were.

    Raises:
      TypeError: the input is not ragged.
    """
    if not isinstance(ragged_input, RaggedTensor):
        raise TypeError(f"ragged_input must be RaggedTensor, got {type(ragged_input)}")
    rows, values, was_empty, _ = raw.RaggedFillEmptyRows(
        value_rowids=ragged_input.value_rowids(),
        values=ragged_input.values,
        nrows=ragged_input.nrows(),
        default_value=convert_to_tensor(default_value, dtype=ragged_input.dtype),
        name=name,
    )
    return RaggedTensor.from_value_rowids(values, rows, validate=False), was_empty
