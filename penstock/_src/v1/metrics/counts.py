"""Counts of right and wrong predictions of two classes, at one threshold or several; precision and recall."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock._src.api.math.elementwise import cast
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.util.export import export
from penstock._src.v1.metrics.streams import (
    Result,
    collected,
    fitting,
    of_both,
    ratio,
    stream,
    summed,
    total,
    weights_like,
)

# Keeps quotients of counts at thresholds defined.
EPSILON = 1e-7
NAMES = {
    "tp": "true_positives",
    "fp": "false_positives",
    "tn": "true_negatives",
    "fn": "false_negatives",
}


def count(kind: str, labels: Any, predictions: Any, weights: Any) -> Result:
    """The weighted number of one kind of outcome; labels and predictions are taken as bools."""
    predictions, labels, weights = fitting(predictions, labels, weights)
    right, wanted = kind[0] == "t", kind[1] == "p"
    predicted = cast(predictions, dtypes.bool_)
    truth = cast(labels, dtypes.bool_)
    outcome = predicted if wanted else raw.LogicalNot(x=predicted)
    agrees = truth if wanted == right else raw.LogicalNot(x=truth)
    hits = cast(raw.LogicalAnd(x=outcome, y=agrees), dtypes.float32)
    if weights is not None:
        hits = hits * weights_like(weights, hits)
    return summed("count", (), total(hits))


def _count_metric(kind: str) -> Any:
    function = NAMES[kind]

    def metric(
        labels: Any,
        predictions: Any,
        weights: Any = None,
        metrics_collections: Any = None,
        updates_collections: Any = None,
        name: str | None = None,
    ) -> Result:
        with stream(function, name):
            found = count(kind, labels, predictions, weights)
            return collected(*found, metrics_collections, updates_collections)

    return _named(metric, function, f"The weighted number of {function.replace('_', ' ')}.")


def _named(metric: Any, function: str, text: str) -> Any:
    metric.__name__ = metric.__qualname__ = function
    metric.__doc__ = text
    return export(v1=[f"metrics.{function}"])(metric)


true_positives = _count_metric("tp")
false_positives = _count_metric("fp")
true_negatives = _count_metric("tn")
false_negatives = _count_metric("fn")


def counts_at(
    kinds: Sequence[str], labels: Any, predictions: Any, thresholds: Sequence[float], weights: Any
) -> list[Result]:
    """The weighted numbers of outcomes, one per threshold that predictions are to lie above."""
    predictions, labels, weights = fitting(predictions, labels, weights)
    flat = raw.Reshape(tensor=cast(predictions, dtypes.float32), shape=[1, -1])
    truth = raw.Reshape(tensor=cast(labels, dtypes.bool_), shape=[1, -1])
    edges = convert_to_tensor(np.array(thresholds, np.float32)[:, None])
    predicted = raw.Greater(x=flat, y=edges)
    if weights is not None:
        held = weights_like(weights, cast(predictions, dtypes.float32))
        weights = raw.Reshape(tensor=held, shape=[1, -1])
    found = []
    for kind in kinds:
        wanted, right = kind[1] == "p", kind[0] == "t"
        outcome = predicted if wanted else raw.LogicalNot(x=predicted)
        agrees = truth if wanted == right else raw.LogicalNot(x=truth)
        hits = cast(raw.LogicalAnd(x=outcome, y=agrees), dtypes.float32)
        if weights is not None:
            hits = hits * weights
        found.append(summed(NAMES[kind], [len(thresholds)], raw.Sum(input=hits, axis=[1])))
    return found


def _threshold_metric(kind: str) -> Any:
    function = f"{NAMES[kind]}_at_thresholds"

    def metric(
        labels: Any,
        predictions: Any,
        thresholds: Sequence[float],
        weights: Any = None,
        metrics_collections: Any = None,
        updates_collections: Any = None,
        name: str | None = None,
    ) -> Result:
        with stream(NAMES[kind], name):
            (found,) = counts_at([kind], labels, predictions, thresholds, weights)
            return collected(*found, metrics_collections, updates_collections)

    text = f"The weighted number of {NAMES[kind].replace('_', ' ')} per threshold."
    return _named(metric, function, text)


true_positives_at_thresholds = _threshold_metric("tp")
false_positives_at_thresholds = _threshold_metric("fp")
true_negatives_at_thresholds = _threshold_metric("tn")
false_negatives_at_thresholds = _threshold_metric("fn")


@export(v1=["metrics.precision"])
def precision(
    labels: Any,
    predictions: Any,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> Result:
    """The share of positive predictions that are right."""
    with stream("precision", name):
        found = _share("fp", labels, predictions, weights)
        return collected(*found, metrics_collections, updates_collections)


@export(v1=["metrics.recall"])
def recall(
    labels: Any,
    predictions: Any,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> Result:
    """The share of positive labels that are predicted."""
    with stream("recall", name):
        found = _share("fn", labels, predictions, weights)
        return collected(*found, metrics_collections, updates_collections)


def _share(other: str, labels: Any, predictions: Any, weights: Any) -> Result:
    right, wrong = (count(kind, labels, predictions, weights) for kind in ("tp", other))
    return of_both(lambda r, w: ratio(r, r + w), right, wrong)


@export(v1=["metrics.precision_at_thresholds"])
def precision_at_thresholds(
    labels: Any,
    predictions: Any,
    thresholds: Sequence[float],
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> Result:
    """The precision per threshold."""
    with stream("precision_at_thresholds", name):
        held = counts_at(["tp", "fp"], labels, predictions, thresholds, weights)
        found = of_both(lambda tp, fp: tp / (EPSILON + tp + fp), *held)
        return collected(*found, metrics_collections, updates_collections)


@export(v1=["metrics.recall_at_thresholds"])
def recall_at_thresholds(
    labels: Any,
    predictions: Any,
    thresholds: Sequence[float],
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> Result:
    """The recall per threshold."""
    with stream("recall_at_thresholds", name):
        held = counts_at(["tp", "fn"], labels, predictions, thresholds, weights)
        found = of_both(lambda tp, fn: tp / (EPSILON + tp + fn), *held)
        return collected(*found, metrics_collections, updates_collections)
