"""`map_fn`, whose result a RaggedTensorType may describe."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from penstock._src.api.mapping import functional
from penstock._src.api.ragged.ragged_tensor import RaggedTensorSpec
from penstock._src.util import nest

from .ragged_tensor import RaggedTensorType


def map_fn(
    fn: Callable[..., Any],
    elems: Any,
    dtype: Any = None,
    parallel_iterations: int | None = None,
    back_prop: bool = True,
    swap_memory: bool = False,
    infer_shape: bool = True,
    name: str | None = None,
) -> Any:
    """Applies a function to each row, as `tf.compat.v1.map_fn` does."""
    return functional.map_fn(
        fn,
        elems,
        dtype=nest.map_structure(_of_a_row, dtype),
        parallel_iterations=parallel_iterations,
        back_prop=back_prop,
        swap_memory=swap_memory,
        infer_shape=infer_shape,
        name=name,
    )


def _of_a_row(kind: Any) -> Any:
    """The spec of the function's result for one row, which has one ragged axis less."""
    if not isinstance(kind, RaggedTensorType):
        return kind
    return RaggedTensorSpec(None, kind.dtype, kind.ragged_rank - 1, kind.row_splits_dtype)
