"""tf.compat.v1.losses: weighted losses that are added to a collection of the graph."""

import functools
import inspect

import numpy as np

from penstock._src.api.array.shaping import shape, size
from penstock._src.api.control.scopes import control_dependencies, name_scope
from penstock._src.api.math.arithmetic import add_n
from penstock._src.api.math.elementwise import cast
from penstock._src.api.math.reduction import reduce_sum
from penstock._src.api.nn import losses as functions
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE
from penstock._src.core.registry import raw
from penstock._src.util.export import export
from penstock._src.v1.functions.arrays import ones_like, zeros_like
from penstock._src.v1.functions.weights import assert_broadcastable, broadcast_weights
from penstock._src.v1.names.arguments import either

_LOSSES, _REGULARIZATION = "losses", "regularization_losses"


@export(v1=["losses.Reduction"])
class Reduction:
    """The names of the reductions of weighted losses."""

    NONE = "none"
    SUM = "weighted_sum"
    SUM_OVER_BATCH_SIZE = "weighted_sum_over_batch_size"
    MEAN = "weighted_mean"
    SUM_BY_NONZERO_WEIGHTS = "weighted_sum_by_nonzero_weights"
    SUM_OVER_NONZERO_WEIGHTS = "weighted_sum_by_nonzero_weights"

    @classmethod
    def all(cls):
        """All names."""
        return (
            cls.NONE,
            cls.SUM,
            cls.MEAN,
            cls.SUM_OVER_BATCH_SIZE,
            cls.SUM_OVER_NONZERO_WEIGHTS,
            cls.SUM_BY_NONZERO_WEIGHTS,
        )

    @classmethod
    def validate(cls, key):
        """Raises ValueError unless `key` is one of the names."""
        if key not in cls.all():
            raise ValueError(f"Invalid Reduction Key {key}.")


_DEFAULT = Reduction.SUM_BY_NONZERO_WEIGHTS


def _named(default):
    """Runs a loss in a scope of names: its argument `scope`, or the default."""

    def decorate(function):
        parameters = inspect.signature(function)

        @functools.wraps(function)
        def call(*args, **kwargs):
            bound = parameters.bind(*args, **kwargs)
            with name_scope(bound.arguments.get("scope") or default) as scope:
                bound.arguments["scope"] = scope
                return function(*bound.args, **bound.kwargs)

        return call

    return decorate


@export(v1=["losses.compute_weighted_loss"])
@_named("weighted_loss")
def compute_weighted_loss(
    losses, weights=1.0, scope=None, loss_collection=_LOSSES, reduction=_DEFAULT
):
    """Weights and reduces the losses of examples.

    Args:
      losses: `[batch, ...]`.
      weights: broadcastable to the losses.
      scope: the scope of the operations' names.
      loss_collection: the collection of the graph to add the result to.
      reduction: a name of `Reduction`.
    """
    Reduction.validate(reduction)
    losses = convert_to_tensor(losses)
    with control_dependencies([assert_broadcastable(weights, losses)]):
        kind = losses.dtype
        losses = cast(losses, dtypes.float32)
        weights = cast(weights, dtypes.float32)
        loss = raw.Mul(x=losses, y=weights)
        if reduction != Reduction.NONE:
            loss = _reduced(loss, losses, weights, reduction)
        loss = cast(loss, kind)
    add_loss(loss, loss_collection)
    return loss


def _reduced(loss, losses, weights, how):
    total = reduce_sum(loss)
    if how == Reduction.SUM:
        return total
    if how == Reduction.SUM_OVER_BATCH_SIZE:
        count = _element_count(losses)
    elif how == Reduction.MEAN:
        count = reduce_sum(raw.Mul(x=ones_like(losses), y=weights))
    else:
        count = _present_count(losses, weights)
    # TensorFlow sums the total once more: the graph has the same operations.
    return raw.DivNoNan(x=reduce_sum(total), y=count, name="value")


def _element_count(losses):
    """The number of losses, as a float."""
    with name_scope("num_elements") as scope:
        return cast(size(losses, name=scope), dtypes.float32)


def _present_count(losses, weights, axis=None, keepdims=False):
    """Return the number of losses with a weight other than 0."""
    with name_scope("num_present") as scope:
        absent = raw.Equal(x=weights, y=0.0)
        present = raw.Select(condition=absent, x=zeros_like(weights), y=ones_like(weights))
        return reduce_sum(broadcast_weights(present, losses), axis, keepdims=keepdims, name=scope)


def _pair(predictions, labels):
    predictions = cast(convert_to_tensor(predictions), dtypes.float32)
    labels = cast(convert_to_tensor(labels), dtypes.float32)
    predictions.shape.assert_is_compatible_with(labels.shape)
    return predictions, labels


@export(v1=["losses.absolute_difference"])
@_named("absolute_difference")
def absolute_difference(
    labels, predictions, weights=1.0, scope=None, loss_collection=_LOSSES, reduction=_DEFAULT
):
    """|prediction - label|."""
    predictions, labels = _pair(predictions, labels)
    each = raw.Abs(x=raw.Sub(x=predictions, y=labels))
    return compute_weighted_loss(each, weights, scope, loss_collection, reduction)


@export(v1=["losses.mean_squared_error"])
@_named("mean_squared_error")
def mean_squared_error(
    labels, predictions, weights=1.0, scope=None, loss_collection=_LOSSES, reduction=_DEFAULT
):
    """(prediction - label)^2."""
    predictions, labels = _pair(predictions, labels)
    each = raw.SquaredDifference(x=predictions, y=labels)
    return compute_weighted_loss(each, weights, scope, loss_collection, reduction)


@export(v1=["losses.huber_loss"])
@_named("huber_loss")
def huber_loss(
    labels,
    predictions,
    weights=1.0,
    delta=1.0,
    scope=None,
    loss_collection=_LOSSES,
    reduction=_DEFAULT,
):
    """Half the squared error up to `delta`, linear beyond it (Huber 1964)."""
    predictions, labels = _pair(predictions, labels)
    error = raw.Abs(x=raw.Sub(x=predictions, y=labels))
    near = raw.Minimum(x=error, y=delta)
    far = raw.Sub(x=error, y=near)
    half = convert_to_tensor(0.5, dtype=near.dtype)
    square = raw.Mul(x=half, y=raw.Mul(x=near, y=near))
    each = raw.AddV2(x=square, y=raw.Mul(x=delta, y=far), name="Add")
    return compute_weighted_loss(each, weights, scope, loss_collection, reduction)


@export(v1=["losses.log_loss"])
@_named("log_loss")
def log_loss(
    labels,
    predictions,
    weights=1.0,
    epsilon=1e-7,
    scope=None,
    loss_collection=_LOSSES,
    reduction=_DEFAULT,
):
    """The cross-entropy of labels and probabilities."""
    p, y = _pair(predictions, labels)
    true = raw.Neg(x=raw.Mul(x=y, y=raw.Log(x=p + epsilon)))
    each = true - raw.Mul(x=1 - y, y=raw.Log(x=1 - p + epsilon))
    return compute_weighted_loss(each, weights, scope, loss_collection, reduction)


@export(v1=["losses.hinge_loss"])
@_named("hinge_loss")
def hinge_loss(
    labels, logits, weights=1.0, scope=None, loss_collection=_LOSSES, reduction=_DEFAULT
):
    """relu(1 - label * logit), with labels 0 and 1 mapped to -1 and 1."""
    logits, labels = _pair(logits, labels)
    ones = ones_like(labels)
    signs = raw.Sub(x=2 * labels, y=ones)
    each = raw.Relu(features=raw.Sub(x=ones, y=raw.Mul(x=signs, y=logits)))
    return compute_weighted_loss(each, weights, scope, loss_collection, reduction)


@export(v1=["losses.cosine_distance"])
@_named("cosine_distance_loss")
def cosine_distance(
    labels,
    predictions,
    axis=None,
    weights=1.0,
    scope=None,
    loss_collection=_LOSSES,
    reduction=_DEFAULT,
    dim=None,
):
    """1 - the inner product along `axis` of unit vectors."""
    axis = either("axis", axis, "dim", dim)
    if axis is None:
        raise ValueError("You must specify argument `axis`.")
    predictions, labels = _pair(predictions, labels)
    each = 1 - reduce_sum(raw.Mul(x=predictions, y=labels), axis, keepdims=True)
    return compute_weighted_loss(each, weights, scope, loss_collection, reduction)


@export(v1=["losses.sigmoid_cross_entropy"])
@_named("sigmoid_cross_entropy_loss")
def sigmoid_cross_entropy(
    multi_class_labels,
    logits,
    weights=1.0,
    label_smoothing=0,
    scope=None,
    loss_collection=_LOSSES,
    reduction=_DEFAULT,
):
    """The cross-entropy of labels and sigmoids."""
    logits = convert_to_tensor(logits)
    labels = cast(convert_to_tensor(multi_class_labels), logits.dtype)
    logits.shape.assert_is_compatible_with(labels.shape)
    if label_smoothing > 0:
        labels = labels * (1 - label_smoothing) + 0.5 * label_smoothing
    each = functions.sigmoid_cross_entropy_with_logits(labels, logits, name="xentropy")
    return compute_weighted_loss(each, weights, scope, loss_collection, reduction)


@export(v1=["losses.softmax_cross_entropy"])
@_named("softmax_cross_entropy_loss")
def softmax_cross_entropy(
    onehot_labels,
    logits,
    weights=1.0,
    label_smoothing=0,
    scope=None,
    loss_collection=_LOSSES,
    reduction=_DEFAULT,
):
    """The cross-entropy of distributions and softmaxes."""
    logits = convert_to_tensor(logits)
    labels = cast(convert_to_tensor(onehot_labels), logits.dtype)
    logits.shape.assert_is_compatible_with(labels.shape)
    if label_smoothing > 0:
        classes = cast(shape(labels)[1], logits.dtype)
        positive = 1.0 - label_smoothing
        negative = label_smoothing / classes
        labels = labels * positive + negative
    labels = raw.StopGradient(input=labels, name="labels_stop_gradient")
    each = functions.softmax_cross_entropy_with_logits(labels, logits, name="xentropy")
    return compute_weighted_loss(each, weights, scope, loss_collection, reduction)


@export(v1=["losses.sparse_softmax_cross_entropy"])
@_named("sparse_softmax_cross_entropy_loss")
def sparse_softmax_cross_entropy(
    labels, logits, weights=1.0, scope=None, loss_collection=_LOSSES, reduction=_DEFAULT
):
    """The cross-entropy of class indices, which may have an extra last axis of size 1, and softmaxes."""
    logits, labels = convert_to_tensor(logits), convert_to_tensor(labels)
    if labels.shape.rank == logits.shape.rank and labels.shape[-1:].is_compatible_with([1]):
        with name_scope("remove_squeezable_dimensions"):
            labels = raw.Squeeze(input=labels, axis=[-1])
    weights = _of_rank(convert_to_tensor(weights), labels)
    each = functions.sparse_softmax_cross_entropy_with_logits(labels, logits, name="xentropy")
    return compute_weighted_loss(each, weights, scope, loss_collection, reduction)


def _of_rank(weights, labels):
    """Weights without their last axis, which is of size 1, if they have one more axis than the labels."""
    if weights.shape.rank is not None and labels.shape.rank is not None:
        more = weights.shape.rank == labels.shape.rank + 1
        return raw.Squeeze(input=weights, axis=[-1]) if more else weights
    rank = raw.Rank(input=weights)
    more = raw.Equal(x=rank - raw.Rank(input=labels), y=np.int32(1))
    shape = raw.Shape(input=weights)
    return raw.Reshape(tensor=weights, shape=shape[: rank - cast(more, dtypes.int32)])


@export(v1=["losses.add_loss"])
def add_loss(loss, loss_collection=_LOSSES):
    """Adds a loss to a collection of the graph; does nothing eagerly."""
    if loss_collection and STATE.graph is not None:
        STATE.graph.add_to_collection(loss_collection, loss)


@export(v1=["losses.get_losses"])
def get_losses(scope=None, loss_collection=_LOSSES):
    """The losses of the graph, optionally only those with names that start with `scope`."""
    return [] if STATE.graph is None else STATE.graph.get_collection(loss_collection, scope)


@export(v1=["losses.get_regularization_losses"])
def get_regularization_losses(scope=None):
    """The regularization losses of the graph."""
    return get_losses(scope, _REGULARIZATION)


@export(v1=["losses.get_regularization_loss"])
def get_regularization_loss(scope=None, name="total_regularization_loss"):
    """The sum of the regularization losses."""
    losses = get_regularization_losses(scope)
    return add_n(losses, name=name) if losses else convert_to_tensor(0.0)


@export(v1=["losses.get_total_loss"])
def get_total_loss(add_regularization_losses=True, name="total_loss", scope=None):
    """The sum of all losses of the graph."""
    losses = get_losses(scope)
    if add_regularization_losses:
        losses = losses + get_regularization_losses(scope)
    return add_n(losses, name=name)


@export(v1=["losses.mean_pairwise_squared_error"])
@_named("mean_pairwise_squared_error")
def mean_pairwise_squared_error(
    labels, predictions, weights=1.0, scope=None, loss_collection=_LOSSES
):
    """The mean squared difference between pairs of errors within each example.

    Args:
      labels: the truth.
      predictions: of the same shape.
      weights: a scalar, or one for each example.
      scope: the scope of the operations' names.
      loss_collection: the collection of the graph to add the result to.
    """
    predictions, labels = _pair(predictions, labels)
    with control_dependencies([assert_broadcastable(weights, labels)]):
        weights = cast(convert_to_tensor(weights), dtypes.float32)
        error = predictions - labels
        rank = error.shape.rank
        inner = (
            raw.Range(start=1, limit=raw.Rank(input=error), delta=1)
            if rank is None
            else list(range(1, rank))
        )
        count = _present_count(labels, weights, inner, keepdims=True)
        squares = raw.Sum(input=raw.Square(x=error), axis=inner, keep_dims=True)
        total = raw.Sum(input=error, axis=inner, keep_dims=True)
        first = 2.0 * raw.DivNoNan(x=squares, y=count - 1.0)
        pairs = raw.Maximum(x=count * (count - 1.0), y=0.0)
        second = 2.0 * raw.DivNoNan(x=raw.Square(x=total), y=pairs)
        loss = reduce_sum(weights * (first - second))
        loss = raw.SelectV2(
            condition=reduce_sum(count) > 0.0, t=loss, e=raw.ZerosLike(x=loss), name="value"
        )
    add_loss(loss, loss_collection)
    return loss
