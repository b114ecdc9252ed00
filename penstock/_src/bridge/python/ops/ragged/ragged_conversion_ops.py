"""Conversions between ragged tensors and others; a tensor that is not ragged is dense already."""

from __future__ import annotations

from typing import Any

from penstock._src.api.ragged.ragged_tensor import RaggedTensor

from_tensor, from_sparse = RaggedTensor.from_tensor, RaggedTensor.from_sparse
to_sparse = RaggedTensor.to_sparse


def to_tensor(rt_input: Any, default_value: Any = None, name: str | None = None) -> Any:
    """Returns the dense tensor of a ragged one, and any other as it is."""
    if isinstance(rt_input, RaggedTensor):
        return rt_input.to_tensor(default_value, name)
    return rt_input


ragged_to_dense = to_tensor
