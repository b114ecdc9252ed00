"""Rows of tables that a function transforms: `tensorflow.python.ops.embedding_ops`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from penstock._src.api.nn.embedding import lookup
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw


def _embedding_lookup_and_transform(
    params: Any,
    ids: Any,
    partition_strategy: str = "mod",
    name: str | None = None,
    max_norm: float | None = None,
    transform_fn: Callable[[Any], Any] | None = None,
) -> Any:
    """Returns rows of a table by their ids, transformed by a function.

    Args:
      params: the table, or its parts.
      ids: of the rows.
      partition_strategy: "mod" or "div": how the rows are divided among parts.
      name: accepted.
      max_norm: rows with a larger Euclidean norm are scaled to it before they are transformed.
      transform_fn: from rows to as many results. For a table of several parts it gets the rows in one axis.
    """
    del name
    if transform_fn is None:
        return lookup(params, ids, partition_strategy, max_norm)
    if not isinstance(params, list | tuple) or len(params) == 1:
        return transform_fn(lookup(params, ids, partition_strategy, max_norm))
    ids = convert_to_tensor(ids, name="ids")
    flat = raw.Reshape(tensor=ids, shape=[-1])
    results = transform_fn(lookup(params, flat, partition_strategy, max_norm))
    shape = raw.ConcatV2(values=[raw.Shape(input=ids), raw.Shape(input=results)[1:]], axis=0)
    return raw.Reshape(tensor=results, shape=shape)
