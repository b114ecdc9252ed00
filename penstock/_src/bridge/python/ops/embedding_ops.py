"""`tensorflow.python.ops.embedding_ops`: rows of tables that a function transforms, and ids that name no row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from penstock._src.api.array.clipping import clip_by_norm
from penstock._src.api.nn.embedding import lookup
from penstock._src.api.sparse.functions import retain
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


def _clip(params: Any, ids: Any, max_norm: float | None) -> Any:
    """Returns rows whose Euclidean norms are at most `max_norm`; those of an id count as one row."""
    if max_norm is None:
        return params
    axes = list(range(ids.shape.rank or 0, params.shape.rank))
    return clip_by_norm(params, max_norm, axes=axes)


def _prune_invalid_ids(sparse_ids: Any, sparse_weights: Any) -> tuple[Any, Any]:
    """Returns the ids that are not negative, and the positive weights among theirs."""
    is_valid = raw.GreaterEqual(x=sparse_ids.values, y=_zero(sparse_ids.values))
    if sparse_weights is not None:
        positive = raw.Greater(x=sparse_weights.values, y=_zero(sparse_weights.values))
        is_valid = raw.LogicalAnd(x=is_valid, y=positive)
    return _kept(sparse_ids, sparse_weights, is_valid)


def _prune_invalid_weights(sparse_ids: Any, sparse_weights: Any) -> tuple[Any, Any]:
    """Returns the ids with positive weights, and these weights; all ids if there are no weights."""
    if sparse_weights is None:
        return sparse_ids, None
    is_valid = raw.Greater(x=sparse_weights.values, y=_zero(sparse_weights.values))
    return _kept(sparse_ids, sparse_weights, is_valid)


def _zero(values: Any) -> Any:
    """Returns 0 in the dtype of a tensor."""
    return convert_to_tensor(0, values.dtype)


def _kept(sparse_ids: Any, sparse_weights: Any, is_valid: Any) -> tuple[Any, Any]:
    """Returns the ids and weights for which a condition holds."""
    weights = None if sparse_weights is None else retain(sparse_weights, is_valid)
    return retain(sparse_ids, is_valid), weights
