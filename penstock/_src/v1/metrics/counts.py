"""Counts of correct and wrong binary predictions at one or several thresholds; precision and recall."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from penstock._src.api.control.scopes import control_dependencies
from penstock._src.api.debugging.asserts import assert_greater_equal, assert_less_equal
from penstock._src.api.math.elementwise import cast
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE
from penstock._src.core.registry import raw
from penstock._src.util.signatures import named
from penstock._src.v1.metrics.streams import (
    Result,
    fitting,
    metric,
    of_both,
    ratio,
    summed,
    total,
    weights_like,
)

# Avoids division by 0 in quotients of counts.
EPSILON = 1e-7
NAMES = {
    "tp": "true_positives",
    "fp": "false_positives",
    "tn": "true_negatives",
    "fn": "false_negatives",
}


def count(kind: str, labels: Any, predictions: Any, weights: Any) -> Result:
    """The weighted number of one kind of outcome; labels and predictions are cast to bool."""
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
    def compute(labels: Any, predictions: Any, weights: Any = None) -> Result:
        return count(kind, labels, predictions, weights)

    text = f"The weighted number of {NAMES[kind].replace('_', ' ')}."
    return metric(NAMES[kind])(named(compute, NAMES[kind], text))


def within(scope: str, make: Callable[..., Result], *args: Any) -> Result:
    """Calls a function in a scope of names."""
    with STATE.graph.name_scope(scope):
        return make(*args)


true_positives = _count_metric("tp")
false_positives = _count_metric("fp")
true_negatives = _count_metric("tn")
false_negatives = _count_metric("fn")


def counts_at(
    kinds: Sequence[str], labels: Any, predictions: Any, thresholds: Sequence[float], weights: Any
) -> list[Result]:
    """The weighted numbers of outcomes for each threshold; predictions above it are positive."""
    predictions = convert_to_tensor(predictions, name="predictions")
    zero, one = (cast(convert_to_tensor(n), predictions.dtype) for n in (0.0, 1.0))
    said = "predictions must be in [0, 1]"
    checks = [
        assert_greater_equal(predictions, zero, message=said),
        assert_less_equal(predictions, one, message=said),
    ]
    with control_dependencies(checks):
        predictions = raw.Identity(input=predictions)
    predictions, labels, weights = fitting(predictions, labels, weights)
    flat = raw.Reshape(tensor=cast(predictions, dtypes.float32), shape=[1, -1])
    truth = raw.Reshape(tensor=cast(labels, dtypes.bool_), shape=[1, -1])
    edges = convert_to_tensor(np.array(thresholds, np.float32)[:, None])
    predicted = raw.Greater(x=flat, y=edges)
    if weights is not None:
        wide_weights = weights_like(weights, cast(predictions, dtypes.float32))
        weights = raw.Reshape(tensor=wide_weights, shape=[1, -1])
    counters = []
    for kind in kinds:
        wanted, right = kind[1] == "p", kind[0] == "t"
        outcome = predicted if wanted else raw.LogicalNot(x=predicted)
        agrees = truth if wanted == right else raw.LogicalNot(x=truth)
        hits = cast(raw.LogicalAnd(x=outcome, y=agrees), dtypes.float32)
        if weights is not None:
            hits = hits * weights
        counters.append(summed(NAMES[kind], [len(thresholds)], raw.Sum(input=hits, axis=[1])))
    return counters


def _threshold_metric(kind: str) -> Any:
    def compute(
        labels: Any, predictions: Any, thresholds: Sequence[float], weights: Any = None
    ) -> Result:
        (counter,) = counts_at([kind], labels, predictions, thresholds, weights)
        return counter

    text = f"The weighted number of {NAMES[kind].replace('_', ' ')} per threshold."
    return metric(NAMES[kind])(named(compute, f"{NAMES[kind]}_at_thresholds", text))


true_positives_at_thresholds = _threshold_metric("tp")
false_positives_at_thresholds = _threshold_metric("fp")
true_negatives_at_thresholds = _threshold_metric("tn")
false_negatives_at_thresholds = _threshold_metric("fn")


def _share(name: str, other: str, meaning: str) -> tuple[Any, Any]:
    """The share of true positives in them and another kind of outcome: one number, and one per threshold."""

    def compute(labels: Any, predictions: Any, weights: Any = None) -> Result:
        right, wrong = (
            within(NAMES[kind], count, kind, labels, predictions, weights) for kind in ("tp", other)
        )
        return of_both(lambda r, w: ratio(r, r + w), right, wrong)

    def per_threshold(
        labels: Any, predictions: Any, thresholds: Sequence[float], weights: Any = None
    ) -> Result:
        counters = counts_at(["tp", other], labels, predictions, thresholds, weights)
        return of_both(lambda r, w: r / (EPSILON + r + w), *counters)

    text = f"The {name} at each threshold."
    return (
        metric()(named(compute, name, meaning)),
        metric()(named(per_threshold, f"{name}_at_thresholds", text)),
    )


precision, precision_at_thresholds = _share(
    "precision", "fp", "The fraction of positive predictions that are correct."
)
recall, recall_at_thresholds = _share(
    "recall", "fn", "The fraction of positive labels that are predicted."
)
