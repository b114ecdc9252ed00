"""Losses of logits, and averages of losses."""

import numpy as np

from penstock._src.api.array.creation import zeros_like
from penstock._src.api.array.shaping import shape
from penstock._src.api.extending.dispatch import binary, dispatchable
from penstock._src.api.math.arithmetic import divide_no_nan
from penstock._src.api.math.elementwise import cast
from penstock._src.api.math.reduction import reduce_sum
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE, scope_in_graph
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.registry import raw
from penstock._src.core.typesets import NARROW
from penstock._src.graph.static_values import get_static_value


@binary("nn.sigmoid_cross_entropy_with_logits", v1=[], named="logistic_loss")
def sigmoid_cross_entropy_with_logits(labels=None, logits=None, name=None):
    """-labels * log(sigmoid(logits)) - (1 - labels) * log(1 - sigmoid(logits)).

    Computed as max(logits, 0) - logits * labels + log1p(exp(-|logits|)).
    """
    if labels is None or logits is None:
        raise ValueError("Both `labels` and `logits` must be provided.")
    logits = convert_to_tensor(logits, name="logits")
    labels = convert_to_tensor(labels, name="labels")
    if not labels.shape.is_compatible_with(logits.shape):
        raise ValueError(
            "`logits` and `labels` must have the same shape, received "
            f"({logits.shape} vs {labels.shape})."
        )
    zeros = zeros_like(logits)
    positive = logits >= zeros
    relu = raw.Select(positive, logits, zeros)
    minus = raw.Select(positive, -logits, logits)
    return raw.AddV2(x=relu - logits * labels, y=raw.Log1p(x=raw.Exp(x=minus)), name=name)


@dispatchable("nn.weighted_cross_entropy_with_logits", v1=[], named="logistic_loss")
def weighted_cross_entropy_with_logits(labels, logits, pos_weight, name=None):
    """`sigmoid_cross_entropy_with_logits` with positive labels weighted by `pos_weight`."""
    logits = convert_to_tensor(logits, name="logits")
    labels = convert_to_tensor(labels, name="labels")
    if not labels.shape.is_compatible_with(logits.shape):
        raise ValueError(
            "`logits` and `labels` must have the same shape, received "
            f"({logits.shape} vs {labels.shape})."
        )
    one = np.asarray(1, logits.dtype.as_numpy_dtype)
    weight = one + (convert_to_tensor(pos_weight, dtype=logits.dtype) - one) * labels
    tail = raw.Log1p(x=raw.Exp(x=-raw.Abs(x=logits))) + raw.Relu(features=-logits)
    return raw.AddV2(x=(one - labels) * logits, y=weight * tail, name=name)


def _flattened(logits):
    last = logits.shape[-1]
    if last is not None:
        return raw.Reshape(tensor=logits, shape=[-1, last])
    return raw.Reshape(
        tensor=logits, shape=raw.Pack(values=[np.int32(-1), raw.Shape(input=logits)[-1]])
    )


def _to_last(x, axis):
    rank = x.shape.rank
    if rank is None:
        return x
    if not -rank <= axis < rank:
        raise InvalidArgumentError(f"axis = {axis} is not one of {rank} dimensions.")
    if axis % rank == rank - 1:
        return x
    axis = axis % rank
    perm = [a for a in range(rank) if a != axis]
    return raw.Transpose(x=x, perm=np.array([*perm, axis], np.int32))


@dispatchable(
    "nn.softmax_cross_entropy_with_logits", v1=[], named="softmax_cross_entropy_with_logits"
)
def softmax_cross_entropy_with_logits(labels, logits, axis=-1, name=None):
    """-sum(labels * log_softmax(logits)) along `axis`; gradients flow into `labels` too.

    Args:
      labels: probabilities, of `logits`' shape.
      logits: unscaled log probabilities.
      axis: of the classes.
      name: a name for the operation.
    """
    logits = convert_to_tensor(logits, name="logits")
    labels = convert_to_tensor(labels, name="labels")
    half = logits.dtype in NARROW
    scores = cast(logits, dtypes.float32) if half else logits
    labels = cast(labels, scores.dtype)
    scores, labels = _to_last(scores, axis), _to_last(labels, axis)
    static = scores.shape[:-1]
    if scores.shape.rank == 2:
        loss = raw.SoftmaxCrossEntropyWithLogits(features=scores, labels=labels, name=name)[0]
    else:
        loss = raw.SoftmaxCrossEntropyWithLogits(
            features=_flattened(scores), labels=_flattened(labels), name=name
        )[0]
        loss = raw.Reshape(tensor=loss, shape=shape(scores)[:-1])
        loss.set_shape(static)
    return cast(loss, logits.dtype) if half else loss


@dispatchable("nn.sparse_softmax_cross_entropy_with_logits", v1=[])
def sparse_softmax_cross_entropy_with_logits(labels, logits, name=None):
    """-log_softmax(logits)[label] for each row.

    Args:
      labels: `[...]` integers in [0, classes).
      logits: `[..., classes]`.
      name: a name for the operation.
    """
    with scope_in_graph(name, "SparseSoftmaxCrossEntropyWithLogits"):
        return _sparse_cross_entropy(labels, logits, name)


def _sparse_cross_entropy(labels, logits, name):
    labels = convert_to_tensor(labels)
    logits = convert_to_tensor(logits)
    half = logits.dtype in NARROW
    scores = cast(logits, dtypes.float32) if half else logits
    extents = labels.shape if STATE.graph is None else shape(labels)
    rank, label_rank = logits.shape.rank, labels.shape.rank
    if rank == 0:
        raise ValueError(f"`logits` cannot be a scalar. Received logits={logits}`")
    if rank is not None and label_rank is not None and label_rank != rank - 1:
        raise ValueError(
            "`labels.shape.rank` must equal `logits.shape.rank - 1`. Received: labels.shape="
            f"{labels.shape} of rank {label_rank} and logits.shape={logits.shape} of rank {rank}"
        )
    static = logits.shape[:-1] if rank is not None else None
    if (
        static is not None
        and label_rank is not None
        and not static.is_compatible_with(labels.shape)
    ):
        raise ValueError(
            "`labels.shape` must equal `logits.shape` except for the last dimension. Received: "
            f"labels.shape={labels.shape} and logits.shape={logits.shape}"
        )
    if rank == 2:
        loss = raw.SparseSoftmaxCrossEntropyWithLogits(features=scores, labels=labels, name=name)[0]
    else:
        loss = raw.SparseSoftmaxCrossEntropyWithLogits(
            features=_flattened(scores),
            labels=raw.Reshape(tensor=labels, shape=[-1]),
            name=name,
        )[0]
        loss = raw.Reshape(tensor=loss, shape=extents)
        loss.set_shape(labels.shape)
    return cast(loss, logits.dtype) if half else loss


@binary("nn.log_poisson_loss", v1=["nn.log_poisson_loss"], scope="log_poisson_loss")
def log_poisson_loss(targets, log_input, compute_full_loss=False, name=None):
    """exp(log_input) - log_input * targets, optionally plus Stirling's approximation."""
    log_input = convert_to_tensor(log_input, name="log_input")
    targets = convert_to_tensor(targets, dtype=log_input.dtype, name="targets")
    if not targets.shape.is_compatible_with(log_input.shape):
        raise ValueError(
            "`log_input` and `targets` must have the same shape, received "
            f"({log_input.shape} vs {targets.shape})."
        )
    result = raw.Sub(x=raw.Exp(x=log_input), y=log_input * targets, name=name)
    if compute_full_loss:
        kind = targets.dtype.as_numpy_dtype
        log = raw.Log(x=targets)
        half = np.asarray(0.5, kind)
        two_pi = np.asarray(2 * np.pi, kind)
        stirling = targets * log - targets + half * raw.Log(x=two_pi * targets)
        zeros = raw.ZerosLike(x=targets)
        ones = raw.OnesLike(x=targets)
        small = raw.LogicalAnd(x=targets >= zeros, y=targets <= ones)
        result = result + raw.SelectV2(condition=small, t=zeros, e=stirling)
    return result


@dispatchable("nn.l2_loss")
def l2_loss(t, name=None):
    """sum(t ** 2) / 2."""
    return raw.L2Loss(t=t, name=name)


@dispatchable("nn.compute_average_loss", v1=["nn.compute_average_loss"])
def compute_average_loss(per_example_loss, sample_weight=None, global_batch_size=None):
    """The weighted sum of losses divided by the global batch size (by default: of all replicas).

    Args:
      per_example_loss: `[batch]`.
      sample_weight: the weight of each example.
      global_batch_size: by default the number of losses times the number of replicas in sync.
    """
    loss = convert_to_tensor(per_example_loss)
    if loss.shape.rank == 0:
        raise ValueError(
            "Invalid value passed for `per_example_loss`. Expected a tensor with at least rank 1. "
            f"Received per_example_loss={loss}"
        )
    kind = loss.dtype
    if sample_weight is not None:
        loss = loss * cast(convert_to_tensor(sample_weight), kind)
    if global_batch_size is None:
        size = raw.Shape(input=loss)[0] * np.int32(replicas_in_sync())
    else:
        size = _checked_batch_size(convert_to_tensor(global_batch_size))
    return divide_no_nan(reduce_sum(loss), cast(size, kind))


def _checked_batch_size(size):
    if not size.dtype.is_integer:
        raise TypeError(
            'global_batch_size must be an integer..  Expected "x" to be integer type.  Found: '
            f"tensor of dtype {size.dtype!r}"
        )
    if size.shape.rank not in (None, 0):
        raise ValueError(
            "global_batch_size must be scalar..  Expected scalar shape, saw shape: "
            f"{tuple(size.shape.as_list())}."
        )
    known = get_static_value(size)
    if known is not None and known < 0:
        raise InvalidArgumentError(
            "global_batch_size must be non-negative..   Condition x >= 0 did not hold element-wise: "
            f"x = {known}"
        )
    return size


@dispatchable("nn.scale_regularization_loss", v1=["nn.scale_regularization_loss"])
def scale_regularization_loss(regularization_loss):
    """The loss divided by the number of replicas in sync."""
    loss = convert_to_tensor(regularization_loss)
    count = np.asarray(replicas_in_sync(), loss.dtype.as_numpy_dtype)
    return reduce_sum(loss) / count


# Set by distribute/: the number of replicas in sync.
REPLICAS_IN_SYNC = [lambda: 1]


def replicas_in_sync():
    """The number of replicas in sync under the current strategy."""
    return REPLICAS_IN_SYNC[0]()
