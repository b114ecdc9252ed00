"""Areas under curves, and points on curves."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock._src.core.registry import raw
from penstock._src.util.export import export
from penstock._src.v1.metrics.counts import EPSILON, counts_at
from penstock._src.v1.metrics.streams import (
    Result,
    collected,
    metric,
    of_both,
    ratio,
    stream,
    total,
)

# Avoids division by 0 if a class has no labels.
_SMALL = 1e-6
KINDS = ("tp", "fn", "tn", "fp")
METHODS = ("trapezoidal", "minoring", "majoring", "careful_interpolation")


def even_thresholds(count: int) -> list[float]:
    """`count` thresholds from just below 0 to just above 1."""
    inner = [(i + 1) / (count - 1) for i in range(count - 2)]
    return [-EPSILON, *inner, 1.0 + EPSILON]


@export(v1=["metrics.auc"])
def auc(
    labels: Any,
    predictions: Any,
    weights: Any = None,
    num_thresholds: int = 200,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    curve: str = "ROC",
    name: str | None = None,
    summation_method: str = "trapezoidal",
    thresholds: Sequence[float] | None = None,
) -> Result:
    """The area under the ROC curve, or under the precision-recall curve ("PR").

    Args:
      labels, predictions, weights: of two classes; predictions are in [0, 1].
      num_thresholds: the number of points on the curve; or `thresholds`, the points themselves.
      metrics_collections, updates_collections, name: of the results.
      curve: "ROC" or "PR".
      summation_method: "trapezoidal", "minoring" or "majoring" (the lower or upper sum), or
        "careful_interpolation" for PR (Davis & Goadrich 2006).

    Raises:
      ValueError: the curve or method is unknown.
    """
    with stream("auc", name):
        if curve not in ("ROC", "PR"):
            raise ValueError(f"Curve must be either ROC or PR. Curve {curve} is unknown.")
        if summation_method not in METHODS:
            raise ValueError(f"Invalid summation_method: {summation_method}.")
        if summation_method == "careful_interpolation" and curve != "PR":
            raise ValueError("careful_interpolation is only supported for PR curves.")
        if thresholds is None:
            points = even_thresholds(num_thresholds)
        else:
            points = [-EPSILON, *sorted(thresholds), 1.0 + EPSILON]
        counters = counts_at(KINDS, labels, predictions, points, weights)
        areas = of_both(lambda *counts: _area(curve, summation_method, *counts), *counters)
        return collected(*areas, metrics_collections, updates_collections)


def _area(curve: str, method: str, tp: Any, fn: Any, tn: Any, fp: Any) -> Any:
    if method == "careful_interpolation":
        return _interpolated(tp, fp, fn)
    hits = (tp + _SMALL) / (tp + fn + _SMALL)
    if curve == "ROC":
        x, y = fp / (fp + tn + _SMALL), hits
    else:
        x, y = hits, (tp + _SMALL) / (tp + fp + _SMALL)
    before, after = y[:-1], y[1:]
    height = {
        "trapezoidal": lambda: (before + after) / 2.0,
        "minoring": lambda: raw.Minimum(x=before, y=after),
        "majoring": lambda: raw.Maximum(x=before, y=after),
    }[method]()
    return total((x[:-1] - x[1:]) * height)


def _interpolated(tp: Any, fp: Any, fn: Any) -> Any:
    """The area if true positives grow linearly with positives between two points."""
    step = tp[:-1] - tp[1:]
    positives = tp + fp
    slope = ratio(step, positives[:-1] - positives[1:])
    intercept = tp[1:] - slope * positives[1:]
    zero = np.float32(0)
    both = raw.LogicalAnd(
        x=raw.Greater(x=positives[:-1], y=zero), y=raw.Greater(x=positives[1:], y=zero)
    )
    grown = raw.SelectV2(condition=both, t=ratio(positives[:-1], positives[1:]), e=np.float32(1))
    piece = slope * (step + intercept * raw.Log(x=grown))
    return total(ratio(piece, raw.Maximum(x=tp[1:] + fn[1:], y=zero)))


@metric()
def sensitivity_at_specificity(
    labels: Any,
    predictions: Any,
    specificity: float,
    weights: Any = None,
    num_thresholds: int = 200,
) -> Result:
    """Return the sensitivity at the threshold with the specificity closest to the given one."""
    _check_share("specificity", specificity)
    points = even_thresholds(num_thresholds)

    def sensitivity(tp: Any, fn: Any, tn: Any, fp: Any) -> Any:
        distance = raw.Abs(x=tn / (tn + fp + EPSILON) - specificity)
        at = raw.ArgMin(input=distance, dimension=0)
        return _at(tp, at) / (_at(tp, at) + _at(fn, at) + EPSILON)

    return of_both(sensitivity, *counts_at(KINDS, labels, predictions, points, weights))


@metric()
def specificity_at_sensitivity(
    labels: Any,
    predictions: Any,
    sensitivity: float,
    weights: Any = None,
    num_thresholds: int = 200,
) -> Result:
    """Return the specificity at the threshold with the sensitivity closest to the given one."""
    _check_share("sensitivity", sensitivity)
    points = even_thresholds(num_thresholds)

    def specificity(tp: Any, fn: Any, tn: Any, fp: Any) -> Any:
        distance = raw.Abs(x=tp / (tp + fn + EPSILON) - sensitivity)
        # Among equal distances, take the last: the highest threshold.
        backwards = raw.ReverseV2(tensor=distance, axis=[0])
        at = len(points) - 1 - raw.ArgMin(input=backwards, dimension=0)
        return _at(tn, at) / (_at(tn, at) + _at(fp, at) + EPSILON)

    return of_both(specificity, *counts_at(KINDS, labels, predictions, points, weights))


def _check_share(name: str, value: float) -> None:
    if not 0 <= value <= 1:
        raise ValueError(f"`{name}` must be in the range [0, 1]. Currently, `{name}` got {value}.")


def _at(values: Any, index: Any) -> Any:
    return raw.GatherV2(params=values, indices=index, axis=0)
