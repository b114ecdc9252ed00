"""Means over batches: of values, errors and correct predictions."""

from typing import Any

import numpy as np

from penstock._src.api.math.elementwise import cast
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
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


def averaged(values: Any, weights: Any, shape: Any = (), ending: str = "") -> Result:
    """The weighted mean of all elements; with a shape, the mean of each element over the batches.

    The names of the variables are `total` and `count` with an ending.
    """
    values = cast(convert_to_tensor(values), dtypes.float32)
    counts = raw.OnesLike(x=values) if weights is None else weights_like(weights, values)
    terms = values * counts
    if shape == ():
        terms, counts = total(terms), total(counts)
    totals = summed(f"total{ending}", shape, terms)
    return of_both(ratio, totals, summed(f"count{ending}", shape, counts))


@metric()
def mean(values: Any, weights: Any = None) -> Result:
    """The weighted mean of all values."""
    return averaged(values, weights)


@metric("mean")
def mean_tensor(values: Any, weights: Any = None) -> Result:
    """The weighted mean of each element over the batches."""
    values = convert_to_tensor(values)
    return averaged(values, weights, values.shape.as_list(), "_tensor")


@metric()
def accuracy(labels: Any, predictions: Any, weights: Any = None) -> Result:
    """Return the share of predictions that equal labels."""
    predictions, labels, weights = fitting(predictions, labels, weights)
    right = raw.Equal(x=predictions, y=cast(labels, predictions.dtype))
    return averaged(right, weights)


@metric()
def mean_absolute_error(labels: Any, predictions: Any, weights: Any = None) -> Result:
    """The mean of |labels - predictions|."""
    predictions, labels, weights = fitting(predictions, labels, weights)
    error = raw.Abs(x=predictions - cast(labels, predictions.dtype))
    return averaged(error, weights)


@metric()
def mean_squared_error(labels: Any, predictions: Any, weights: Any = None) -> Result:
    """The mean of (labels - predictions)**2."""
    return _squared(labels, predictions, weights)


def _squared(labels: Any, predictions: Any, weights: Any) -> Result:
    predictions, labels, weights = fitting(predictions, labels, weights)
    error = raw.SquaredDifference(x=cast(labels, predictions.dtype), y=predictions)
    return averaged(error, weights)


@metric()
def root_mean_squared_error(labels: Any, predictions: Any, weights: Any = None) -> Result:
    """The root of the mean of (labels - predictions)**2."""
    return of_both(lambda m: raw.Sqrt(x=m), _squared(labels, predictions, weights))


@metric()
def mean_relative_error(
    labels: Any, predictions: Any, normalizer: Any, weights: Any = None
) -> Result:
    """The mean of |labels - predictions| / normalizer; 0 where the normalizer is 0."""
    predictions, labels, weights = fitting(predictions, labels, weights)
    error = raw.Abs(x=cast(labels, predictions.dtype) - predictions)
    relative = ratio(error, cast(convert_to_tensor(normalizer), predictions.dtype))
    return averaged(relative, weights)


@metric()
def mean_cosine_distance(labels: Any, predictions: Any, dim: int, weights: Any = None) -> Result:
    """1 - the mean of the inner products along `dim` of unit vectors."""
    predictions, labels, weights = fitting(predictions, labels, weights)
    product = predictions * cast(labels, predictions.dtype)
    inner = raw.Sum(input=product, axis=np.array([dim], np.int32), keep_dims=True)
    return of_both(lambda m: 1.0 - m, averaged(inner, weights))


@metric("percentage_below_threshold")
def percentage_below(values: Any, threshold: float, weights: Any = None) -> Result:
    """The weighted share of values below a threshold."""
    values = convert_to_tensor(values)
    below = raw.Less(x=values, y=convert_to_tensor(threshold, values.dtype))
    return averaged(below, weights)


@metric("mean_accuracy")
def mean_per_class_accuracy(
    labels: Any, predictions: Any, num_classes: int, weights: Any = None
) -> Result:
    """The mean over the classes of the accuracy for labels of this class.

    The update returns the accuracy of each class.
    """
    predictions, labels, weights = fitting(predictions, labels, weights)
    predictions, labels = (
        raw.Reshape(tensor=cast(x, dtypes.int64), shape=[-1]) for x in (predictions, labels)
    )
    counts = raw.OnesLike(x=cast(labels, dtypes.float32))
    if weights is not None:
        counts = cast(raw.Reshape(tensor=weights, shape=[-1]), dtypes.float32)
    right = cast(raw.Equal(x=predictions, y=labels), dtypes.float32) * counts
    size = np.int32(num_classes)
    totals, rights = (
        raw.UnsortedSegmentSum(data=x, segment_ids=labels, num_segments=size)
        for x in (counts, right)
    )
    rights, totals = (
        summed(name, [num_classes], increments)
        for name, increments in (("total", rights), ("count", totals))
    )
    each, update = of_both(ratio, rights, totals)
    value = total(each) / num_classes
    return value, update


@metric()
def mean_iou(labels: Any, predictions: Any, num_classes: int, weights: Any = None) -> Result:
    """The mean intersection over union of labels and predictions, over the classes that occur.

    The update returns the confusion matrix, labels by predictions.
    """
    shape = [num_classes, num_classes]
    confusion = confusion_counts(labels, predictions, num_classes, weights)
    confusion_total, update = summed("total_confusion_matrix", shape, confusion, dtypes.float64)
    return _iou(confusion_total), update


def confusion_counts(labels: Any, predictions: Any, num_classes: int, weights: Any = None) -> Any:
    """Returns the weighted confusion counts of a batch: a row for each label, a column for each prediction."""
    predictions, labels, weights = fitting(predictions, labels, weights)
    flat = [raw.Reshape(tensor=cast(x, dtypes.int64), shape=[-1]) for x in (labels, predictions)]
    counts = raw.OnesLike(x=cast(flat[0], dtypes.float64))
    if weights is not None:
        counts = cast(raw.Reshape(tensor=weights, shape=[-1]), dtypes.float64)
    places = flat[0] * num_classes + flat[1]
    size = np.int32(num_classes**2)
    cells = raw.UnsortedSegmentSum(data=counts, segment_ids=places, num_segments=size)
    return raw.Reshape(tensor=cells, shape=np.array([num_classes, num_classes], np.int32))


def _iou(confusion: Any) -> Any:
    matrix = cast(confusion, dtypes.float32)
    shared = raw.DiagPart(input=matrix)
    union = raw.Sum(input=matrix, axis=[0]) + raw.Sum(input=matrix, axis=[1]) - shared
    present = cast(raw.NotEqual(x=union, y=np.float32(0)), dtypes.float32)
    return ratio(total(ratio(shared, union)), total(present))
