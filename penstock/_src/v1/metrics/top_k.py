"""Precision and recall of the k highest predictions; a row may have several labels."""

from collections.abc import Callable
from typing import Any

import numpy as np

from penstock._src.api.math.elementwise import cast
from penstock._src.api.sparse.functions import to_dense
from penstock._src.api.sparse.sparse_tensor import SparseTensor, SparseTensorValue
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE
from penstock._src.core.registry import raw
from penstock._src.util.signatures import named
from penstock._src.v1.metrics.streams import (
    Result,
    metric,
    of_both,
    ratio,
    summed,
    total,
    weights_like,
)

# Marks a missing label; any other label that is not a class counts as a missed one.
_NONE = np.iinfo(np.int64).min


def _labels(labels: Any, rank: int | None) -> Any:
    """Labels as int64 [..., maximum number of labels of a row], padded with _NONE."""
    if isinstance(labels, SparseTensor | SparseTensorValue):
        sparse = SparseTensor.from_value(labels)
        labels = SparseTensor(sparse.indices, cast(sparse.values, dtypes.int64), sparse.dense_shape)
        dense = to_dense(labels, default_value=_NONE)
    else:
        dense = cast(convert_to_tensor(labels), dtypes.int64)
    return raw.ExpandDims(input=dense, axis=-1) if dense.shape.rank == (rank or 0) - 1 else dense


def _found(labels: Any, predicted: Any) -> tuple[Any, Any]:
    """Returns (for each prediction whether it is a label, for each label whether it is predicted)."""
    pairs = raw.Equal(
        x=raw.ExpandDims(input=predicted, axis=-1), y=raw.ExpandDims(input=labels, axis=-2)
    )
    return raw.Any(input=pairs, axis=[-1]), raw.Any(input=pairs, axis=[-2])


def _distinct(labels: Any) -> Any:
    """Return for each label of a row: True if it is present and the first with its value."""
    count = labels.shape[-1]
    earlier = np.tri(count, count, -1, dtype=bool)
    pairs = raw.Equal(
        x=raw.ExpandDims(input=labels, axis=-1), y=raw.ExpandDims(input=labels, axis=-2)
    )
    repeated = raw.Any(input=raw.LogicalAnd(x=pairs, y=earlier), axis=[-1])
    return raw.LogicalAnd(x=raw.Greater(x=labels, y=np.int64(_NONE)), y=raw.LogicalNot(x=repeated))


def _per_row(hits: Any, of_class: Any, weights: Any) -> Any:
    """The weighted number of hits in each row, optionally of one class."""
    if of_class is not None:
        hits = raw.LogicalAnd(x=hits, y=of_class)
    counts = raw.Sum(input=cast(hits, dtypes.float64), axis=[-1])
    if weights is not None:
        counts = counts * weights_like(weights, counts)
    return total(counts)


def _precision_or_recall(
    which: str, labels: Any, predicted: Any, k: int | None, class_id: int | None, weights: Any
) -> Result:
    predicted = cast(convert_to_tensor(predicted), dtypes.int64)
    labels = _labels(labels, predicted.shape.rank)
    is_label, is_predicted = _found(labels, predicted)
    of_prediction = of_label = None
    if class_id is not None:
        of_prediction, of_label = (
            raw.Equal(x=ids, y=np.int64(class_id)) for ids in (predicted, labels)
        )
    right = _per_row(is_label, of_prediction, weights)
    if which == "precision":
        wrong, other = _per_row(raw.LogicalNot(x=is_label), of_prediction, weights), "positive"
    else:
        missed = raw.LogicalAnd(x=_distinct(labels), y=raw.LogicalNot(x=is_predicted))
        wrong, other = _per_row(missed, of_label, weights), "negative"
    kind, which_ones = dtypes.float64, _at_k(k, class_id)
    counts = (
        summed(f"true_positive{which_ones}", (), right, kind),
        summed(f"false_{other}{which_ones}", (), wrong, kind),
    )
    return of_both(lambda r, w: raw.RealDiv(x=r, y=r + w), *counts)


def _at_k(k: int | None, class_id: int | None) -> str:
    """The suffix of the names of metrics at k, and of metrics for one class."""
    of_class = "" if class_id is None else f"_class{class_id}"
    return f"_at_{'top_k' if k is None else k}{of_class}"


def _at(share: str) -> Callable[[dict[str, Any]], str]:
    """Returns the function that names the operations of a metric at k."""
    return lambda arguments: share + _at_k(arguments["k"], arguments.get("class_id"))


def _highest(predictions: Any, k: int) -> Any:
    return raw.TopKV2(input=convert_to_tensor(predictions), k=np.int32(k)).indices


def _share(which: str, of_indices: str, of_predictions: str, *more: str) -> tuple[Any, Any]:
    """The metrics of given indices of classes, and of the k highest predictions, with their docstrings."""

    def at_top_k(
        labels: Any, predictions_idx: Any, k: Any = None, class_id: Any = None, weights: Any = None
    ) -> Result:
        return _precision_or_recall(which, labels, predictions_idx, k, class_id, weights)

    def at_k(
        labels: Any, predictions: Any, k: int, class_id: int | None = None, weights: Any = None
    ) -> Result:
        highest = _highest(predictions, k)
        return _precision_or_recall(which, labels, highest, k, class_id, weights)

    of_predictions = f"{of_predictions}; see `{which}_at_top_k`."
    return (
        metric(_at(which))(named(at_top_k, f"{which}_at_top_k", of_indices)),
        metric(_at(which), *more)(named(at_k, f"{which}_at_k", of_predictions)),
    )


precision_at_top_k, precision_at_k = _share(
    "precision",
    "The fraction of predicted classes (given by their indices) that are labels.",
    "The fraction of the k highest predictions that are labels",
    "sparse_precision_at_k",
)
recall_at_top_k, recall_at_k = _share(
    "recall",
    "The fraction of labels that are among the predicted classes (given by their indices).",
    "The fraction of labels that are among the k highest predictions",
)


@metric(_at("average_precision"), "sparse_average_precision_at_k")
def average_precision_at_k(labels: Any, predictions: Any, k: int, weights: Any = None) -> Result:
    """The mean over rows of the average precision: the mean over labels of the precision at the label's rank."""
    highest = cast(_highest(predictions, k), dtypes.int64)
    labels = _labels(labels, highest.shape.rank)
    is_label, _ = _found(labels, highest)
    relevant = cast(is_label, dtypes.float64)
    hits = raw.Cumsum(x=relevant, axis=-1)
    gained = raw.Sum(input=relevant * hits / np.arange(1.0, k + 1.0), axis=[-1])
    known = raw.Sum(input=cast(_distinct(labels), dtypes.float64), axis=[-1])
    averages = ratio(gained, raw.Minimum(x=known, y=np.float64(k)))
    counts = raw.OnesLike(x=averages)
    if weights is not None:
        counts = weights_like(weights, averages)
    kind = dtypes.float64
    with STATE.graph.name_scope("max"):  # whose name the variable's does not repeat
        most = total(counts)
    possible = summed("max", (), most, kind)
    return of_both(ratio, summed("total", (), total(averages * counts), kind), possible)
