"""Means over batches: of values, of errors, of what is right."""

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


def averaged(values: Any, weights: Any, shape: Any = ()) -> Result:
    """The weighted mean of all elements; with a shape, that of each element over the batches."""
    values = cast(convert_to_tensor(values), dtypes.float32)
    counts = raw.OnesLike(x=values) if weights is None else weights_like(weights, values)
    terms = values * counts
    if shape == ():
        terms, counts = total(terms), total(counts)
    return of_both(ratio, summed("total", shape, terms), summed("count", shape, counts))


@export(v1=["metrics.mean"])
def mean(
    values: Any,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> Result:
    """The weighted mean of all values."""
    with stream("mean", name):
        found = averaged(values, weights)
        return collected(*found, metrics_collections, updates_collections)


@export(v1=["metrics.mean_tensor"])
def mean_tensor(
    values: Any,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> Result:
    """The weighted mean of each element over the batches."""
    with stream("mean_tensor", name):
        values = convert_to_tensor(values)
        found = averaged(values, weights, values.shape.as_list())
        return collected(*found, metrics_collections, updates_collections)


@export(v1=["metrics.accuracy"])
def accuracy(
    labels: Any,
    predictions: Any,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> Result:
    """How often predictions equal labels."""
    with stream("accuracy", name):
        predictions, labels, weights = fitting(predictions, labels, weights)
        right = raw.Equal(x=predictions, y=cast(labels, predictions.dtype))
        return collected(*averaged(right, weights), metrics_collections, updates_collections)


@export(v1=["metrics.mean_absolute_error"])
def mean_absolute_error(
    labels: Any,
    predictions: Any,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> Result:
    """The mean of |labels - predictions|."""
    with stream("mean_absolute_error", name):
        predictions, labels, weights = fitting(predictions, labels, weights)
        error = raw.Abs(x=predictions - cast(labels, predictions.dtype))
        return collected(*averaged(error, weights), metrics_collections, updates_collections)


@export(v1=["metrics.mean_squared_error"])
def mean_squared_error(
    labels: Any,
    predictions: Any,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> Result:
    """The mean of (labels - predictions)**2."""
    with stream("mean_squared_error", name):
        found = _squared(labels, predictions, weights)
        return collected(*found, metrics_collections, updates_collections)


def _squared(labels: Any, predictions: Any, weights: Any) -> Result:
    predictions, labels, weights = fitting(predictions, labels, weights)
    error = raw.SquaredDifference(x=cast(labels, predictions.dtype), y=predictions)
    return averaged(error, weights)


@export(v1=["metrics.root_mean_squared_error"])
def root_mean_squared_error(
    labels: Any,
    predictions: Any,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> Result:
    """The root of the mean of (labels - predictions)**2."""
    with stream("root_mean_squared_error", name):
        found = of_both(lambda m: raw.Sqrt(x=m), _squared(labels, predictions, weights))
        return collected(*found, metrics_collections, updates_collections)


@export(v1=["metrics.mean_relative_error"])
def mean_relative_error(
    labels: Any,
    predictions: Any,
    normalizer: Any,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> Result:
    """The mean of |labels - predictions| / normalizer; 0 where the normalizer is 0."""
    with stream("mean_relative_error", name):
        predictions, labels, weights = fitting(predictions, labels, weights)
        error = raw.Abs(x=cast(labels, predictions.dtype) - predictions)
        relative = ratio(error, cast(convert_to_tensor(normalizer), predictions.dtype))
        return collected(*averaged(relative, weights), metrics_collections, updates_collections)


@export(v1=["metrics.mean_cosine_distance"])
def mean_cosine_distance(
    labels: Any,
    predictions: Any,
    dim: int,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> Result:
    """1 - the mean of the inner products along `dim` of unit vectors."""
    with stream("mean_cosine_distance", name):
        predictions, labels, weights = fitting(predictions, labels, weights)
        product = predictions * cast(labels, predictions.dtype)
        inner = raw.Sum(input=product, axis=np.array([dim], np.int32), keep_dims=True)
        found = of_both(lambda m: 1.0 - m, averaged(inner, weights))
        return collected(*found, metrics_collections, updates_collections)


@export(v1=["metrics.percentage_below"])
def percentage_below(
    values: Any,
    threshold: float,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> Result:
    """The weighted share of values below a threshold."""
    with stream("percentage_below", name):
        values = convert_to_tensor(values)
        below = raw.Less(x=values, y=convert_to_tensor(threshold, values.dtype))
        return collected(*averaged(below, weights), metrics_collections, updates_collections)


@export(v1=["metrics.mean_per_class_accuracy"])
def mean_per_class_accuracy(
    labels: Any,
    predictions: Any,
    num_classes: int,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> Result:
    """The mean over the classes of how often a label of that class is predicted.

    The update gives this for each class.
    """
    with stream("mean_accuracy", name):
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
        each, update = of_both(
            ratio, summed("count", [num_classes], rights), summed("total", [num_classes], totals)
        )
        value = total(each) / num_classes
        return collected(value, update, metrics_collections, updates_collections)


@export(v1=["metrics.mean_iou"])
def mean_iou(
    labels: Any,
    predictions: Any,
    num_classes: int,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> Result:
    """The mean over the classes there are of intersection over union of labels and predictions.

    The update gives the matrix of counts, labels by predictions.
    """
    with stream("mean_iou", name):
        predictions, labels, weights = fitting(predictions, labels, weights)
        flat = [
            raw.Reshape(tensor=cast(x, dtypes.int64), shape=[-1]) for x in (labels, predictions)
        ]
        counts = raw.OnesLike(x=cast(flat[0], dtypes.float64))
        if weights is not None:
            counts = cast(raw.Reshape(tensor=weights, shape=[-1]), dtypes.float64)
        places = flat[0] * num_classes + flat[1]
        size = np.int32(num_classes**2)
        cells = raw.UnsortedSegmentSum(data=counts, segment_ids=places, num_segments=size)
        shape = [num_classes, num_classes]
        confusion = raw.Reshape(tensor=cells, shape=np.array(shape, np.int32))
        held, update = summed("total_confusion_matrix", shape, confusion, dtypes.float64)
        return collected(_iou(held), update, metrics_collections, updates_collections)


def _iou(confusion: Any) -> Any:
    matrix = cast(confusion, dtypes.float32)
    shared = raw.DiagPart(input=matrix)
    union = raw.Sum(input=matrix, axis=[0]) + raw.Sum(input=matrix, axis=[1]) - shared
    present = cast(raw.NotEqual(x=union, y=np.float32(0)), dtypes.float32)
    return ratio(total(ratio(shared, union)), total(present))
