"""Losses of logits, and averages of losses."""

import numpy as np

from penstock._src.api.array.axes import moved_axes
from penstock._src.api.array.creation import zeros_like
from penstock._src.api.array.shaping import shape
from penstock._src.api.control.scopes import control_dependencies
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
from penstock._src.eager.tensor import EagerTensor
from penstock._src.graph.static_values import get_static_value
from penstock._src.util.slots import above_if_loaded


@binary("nn.sigmoid_cross_entropy_with_logits", v1=[], named="logistic_loss")
def sigmoid_cross_entropy_with_logits(labels=None, logits=None, name=None):
    """Returns the cross entropy of independent yes-or-no labels with `logits`.

    It is -labels * log(sigmoid(logits)) - (1 - labels) * log(1 - sigmoid(logits)), computed
    without overflow.

    Args:
      labels: floats from 0 to 1, the probabilities of yes.
      logits: floats of the same shape and dtype.
      name: a name for the operation.

    Returns:
      A tensor of the same shape: one loss for each label.

    Raises:
      ValueError: one of them is missing, or the shapes differ.

    >>> tf.nn.sigmoid_cross_entropy_with_logits(labels=[1.0, 0.0], logits=[3.0, 100.0]).numpy().round(4)
    array([4.86e-02, 1.00e+02], dtype=float32)
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
    """`sigmoid_cross_entropy_with_logits` with positive labels weighted by `pos_weight`.

    Args:
      labels: floats in [0, 1].
      logits: floats of the same shape and dtype.
      pos_weight: the weight of positive labels; it broadcasts.
      name: of the operation.

    Returns:
      A tensor of the same shape and dtype.

    Raises:
      ValueError: the shapes differ.
    """
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
    rank = x._rank()
    if axis == -1 or rank is not None and axis == rank - 1:
        return x
    return raw.Transpose(x=x, perm=moved_axes(x, [axis], [-1]))


@dispatchable(
    "nn.softmax_cross_entropy_with_logits",
    v1=[],
    named="softmax_cross_entropy_with_logits",
    direct=True,
)
def softmax_cross_entropy_with_logits(labels, logits, axis=-1, name=None):
    """Returns the cross entropy of class probabilities with `logits`.

    It is -sum(labels * log_softmax(logits)). Gradients flow into the labels too: use
    `tf.stop_gradient` where that is not wanted.

    Args:
      labels: floats of the shape of `logits`: for each example a probability of each class.
      logits: floats: unscaled logarithms of probabilities, not the result of a softmax.
      axis: the axis of the classes.
      name: a name for the operation.

    Returns:
      A tensor without that axis: one loss for each example.

    Raises:
      InvalidArgumentError: the shapes do not fit.

    >>> labels, logits = [[0.0, 1.0]], [[1.0, 3.0]]
    >>> tf.nn.softmax_cross_entropy_with_logits(labels, logits).numpy().round(4)
    array([0.1269], dtype=float32)
    """
    logits = convert_to_tensor(logits, name="logits")
    labels = convert_to_tensor(labels, name="labels")
    half = logits.dtype in NARROW
    scores = cast(logits, dtypes.float32) if half else logits
    labels = cast(labels, scores.dtype)
    scores, labels = _to_last(scores, axis), _to_last(labels, axis)
    if scores._rank() == 2:
        loss = raw.SoftmaxCrossEntropyWithLogits(features=scores, labels=labels, name=name)[0]
    else:
        static = scores.shape[:-1]
        loss = raw.SoftmaxCrossEntropyWithLogits(
            features=_flattened(scores), labels=_flattened(labels), name=name
        )[0]
        loss = raw.Reshape(tensor=loss, shape=shape(scores)[:-1])
        loss.set_shape(static)
    return cast(loss, logits.dtype) if half else loss


@dispatchable("nn.sparse_softmax_cross_entropy_with_logits", v1=[], direct=True)
def sparse_softmax_cross_entropy_with_logits(labels, logits, name=None):
    """Returns the cross entropy of class numbers with `logits`: -log_softmax(logits)[label].

    Args:
      labels: int32 or int64, `[...]`, from 0 to classes - 1.
      logits: floats, `[..., classes]`: unscaled logarithms of probabilities, not the result of a
        softmax.
      name: a name for the operation.

    Returns:
      A tensor of the shape of `labels`: one loss for each example.

    Raises:
      ValueError: the ranks of labels and logits do not fit.
      InvalidArgumentError: a label is out of range, which the message names.

    >>> loss = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=[1], logits=[[1.0, 3.0]])
    >>> loss.numpy().round(4)
    array([0.1269], dtype=float32)
    """
    with scope_in_graph(name, "SparseSoftmaxCrossEntropyWithLogits"):
        return _sparse_cross_entropy(labels, logits, name)


def _sparse_cross_entropy(labels, logits, name):
    labels = convert_to_tensor(labels)
    logits = convert_to_tensor(logits)
    are_eager = type(labels) is EagerTensor and type(logits) is EagerTensor
    if are_eager and STATE.graph is None and logits.dtype not in NARROW:
        dims = logits.shape._dims
        if len(dims) == 2 and labels.shape._dims == dims[:1]:
            return raw.SparseSoftmaxCrossEntropyWithLogits(features=logits, labels=labels)[0]
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
    """exp(log_input) - log_input * targets, optionally plus Stirling's approximation.

    Args:
      targets: floats, not negative.
      log_input: floats of the same shape and dtype: the logarithms of the predictions.
      compute_full_loss: whether to add Stirling's approximation of log(targets!) where targets are
        above 1.
      name: of the operation.

    Returns:
      A tensor of the same shape and dtype.

    Raises:
      ValueError: the shapes differ.
    """
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


@dispatchable("nn.l2_loss", direct=True)
def l2_loss(t, name=None):
    """Returns half the sum of the squares of all entries.

    Args:
      t: floats.
      name: a name for the operation.

    Returns:
      A scalar of the dtype of `t`.

    >>> tf.nn.l2_loss([3.0, 4.0]).numpy()
    np.float32(12.5)
    """
    return raw.L2Loss(t=t, name=name)


@dispatchable("nn.compute_average_loss", v1=["nn.compute_average_loss"])
def compute_average_loss(per_example_loss, sample_weight=None, global_batch_size=None):
    """Returns the weighted sum of losses divided by the size of the global batch.

    With a distribution strategy the sum of the results of all replicas is the mean over the
    global batch.

    Args:
      per_example_loss: floats, `[batch, ...]`.
      sample_weight: the weight of each example, by default 1.
      global_batch_size: by default the number of losses times the number of replicas in sync.

    Returns:
      A scalar.

    Raises:
      ValueError: `per_example_loss` is a scalar.
      RuntimeError: without `global_batch_size`, within a strategy's scope but in no replica.

    >>> tf.nn.compute_average_loss([1.0, 3.0], sample_weight=[1.0, 0.5]).numpy()
    np.float32(1.25)
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
        if loss.shape.rank is None:
            said = "Invalid value passed for `per_example_loss`. Expected a tensor with at least rank 1."
            checked = raw.Assert(condition=raw.Rank(input=loss) > np.int32(0), data=[said])
            with control_dependencies([checked]):
                loss = raw.Identity(input=loss)
        size = raw.Shape(input=loss)[0] * np.int32(_replicas_in_sync("compute_average_loss"))
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
    """Returns the sum of a regularization loss divided by the number of replicas in sync.

    Args:
      regularization_loss: a float scalar or tensor.

    Returns:
      A scalar.

    Raises:
      RuntimeError: within a strategy's scope, but in no replica.

    >>> tf.nn.scale_regularization_loss([1.0, 3.0]).numpy()
    np.float32(4.0)
    """
    loss = convert_to_tensor(regularization_loss)
    count = np.asarray(_replicas_in_sync("scale_regularization_loss"), loss.dtype.as_numpy_dtype)
    return reduce_sum(loss) / count


def _replicas_in_sync(what):
    """The number of replicas of the current strategy.

    Raises:
      RuntimeError: no replica runs.
    """
    current = above_if_loaded("current")
    strategy, replica = current() if current is not None else (None, None)
    if strategy is None:
        return 1
    if replica is None:
        raise RuntimeError(
            f"You are calling `{what}` in cross replica context, while it was expected to be called in replica context."
        )
    return strategy.num_replicas_in_sync
