"""`tensorflow.python.ops.metrics_impl`: the parts of TensorFlow 1's metrics, from which programs build their own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from penstock._src.api.array.creation import zeros
from penstock._src.core import dtypes
from penstock._src.core.registry import raw
from penstock._src.v1.metrics import counts
from penstock._src.v1.metrics.averages import confusion_counts
from penstock._src.v1.metrics.streams import local_variable
from penstock._src.v1.variables.collections import GraphKeys, VariableV1

_KINDS = ("tp", "fn", "tn", "fp")


def metric_variable(
    shape: Any, dtype: Any, validate_shape: bool = True, name: str | None = None
) -> VariableV1:
    """Returns a variable of zeros in the collections of local variables and of those of metrics."""
    return VariableV1(
        lambda: zeros(shape, dtype),
        trainable=False,
        collections=[GraphKeys.LOCAL_VARIABLES, GraphKeys.METRIC_VARIABLES],
        validate_shape=validate_shape,
        name=name,
    )


def _streaming_confusion_matrix(
    labels: Any, predictions: Any, num_classes: int, weights: Any = None
) -> tuple[VariableV1, Any]:
    """Returns a variable with the confusion matrix, labels by predictions, and its update."""
    matrix = confusion_counts(labels, predictions, num_classes, weights)
    total = local_variable("total_confusion_matrix", [num_classes, num_classes], dtypes.float64)
    return total, total.assign_add(matrix)


def _safe_scalar_div(numerator: Any, denominator: Any, name: str | None) -> Any:
    """Returns a quotient of numbers; 0 where the denominator is 0."""
    return raw.DivNoNan(x=numerator, y=denominator, name=name)


def _confusion_matrix_at_thresholds(
    labels: Any,
    predictions: Any,
    thresholds: Sequence[float],
    weights: Any = None,
    includes: Sequence[str] | None = None,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Returns the numbers of outcomes for each threshold, and their updates, by "tp", "fn", "tn" and "fp".

    Raises:
      ValueError: `includes` names another kind of outcome.
    """
    kinds = _KINDS if includes is None else tuple(includes)
    for kind in kinds:
        if kind not in _KINDS:
            raise ValueError(f"Invalid key: {kind}")
    pairs = counts.counts_at(kinds, labels, predictions, thresholds, weights)
    values = {kind: value for kind, (value, _) in zip(kinds, pairs)}
    return values, {kind: update for kind, (_, update) in zip(kinds, pairs)}
