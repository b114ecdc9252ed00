"""Functions of tf.compat.v1.nn that differ from TensorFlow 2's."""

from penstock._src.api.extending.scopes import scoped
from penstock._src.api.nn import activations, losses, sampling
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.util.export import export
from penstock._src.v1.names.arguments import either
from penstock._src.v1.names.declared import declare


@export(v1=["nn.dropout"])
def dropout(x, keep_prob=None, noise_shape=None, seed=None, name=None, rate=None):
    """Sets random elements of `x` to 0 and scales the others up.

    Args:
      x: a floating-point tensor.
      keep_prob: the probability that an element is kept; or `rate`, that it is dropped.

    Raises:
      ValueError: both are given, or neither.
    """
    if keep_prob is not None:
        rate = either("rate", rate, "keep_prob", 1 - keep_prob)
    if rate is None:
        raise ValueError("You must provide a rate to dropout.")
    return activations.dropout(x, rate, noise_shape, seed, name)


@export(v1=["nn.xw_plus_b"])
@scoped(named="xw_plus_b")
def xw_plus_b(x, weights, biases, name=None):
    """x w + b."""
    return _linear(x, weights, biases, name)


@export(v1=["nn.relu_layer"])
@scoped(named="relu_layer")
def relu_layer(x, weights, biases, name=None):
    """relu(x w + b)."""
    return raw.Relu(features=_linear(x, weights, biases), name=name)


def _linear(x, weights, biases, name=None):
    """x w + b, whose variables are read in the current scope, as in TensorFlow's graphs."""
    x = convert_to_tensor(x, name="x")
    weights = convert_to_tensor(weights, name="weights")
    biases = convert_to_tensor(biases, name="biases")
    return raw.BiasAdd(value=raw.MatMul(a=x, b=weights), bias=biases, name=name)


@export(v1=["nn.fused_batch_norm"])
def fused_batch_norm(
    x,
    scale,
    offset,
    mean=None,
    variance=None,
    epsilon=0.001,
    data_format="NHWC",
    is_training=True,
    name=None,
    exponential_avg_factor=1.0,
):
    """Normalizes a batch by its own mean and variance, or by given ones.

    Returns:
      The normalized batch, the mean and the variance; the last two are averaged with the given ones by
      `exponential_avg_factor`.
    """
    empty = raw.Fill(dims=[0], value=convert_to_tensor(0.0, dtypes.float32))
    y, mean, variance, *_ = raw.FusedBatchNormV3(
        x=x,
        scale=scale,
        offset=offset,
        mean=empty if mean is None else mean,
        variance=empty if variance is None else variance,
        epsilon=max(epsilon, 1.001e-5),  # as cuDNN requires
        exponential_avg_factor=exponential_avg_factor,
        data_format=data_format,
        is_training=is_training,
        name=name,
    )
    return y, mean, variance


@export(v1=["nn.softmax_cross_entropy_with_logits"])
@scoped(named="softmax_cross_entropy_with_logits_sg")
def softmax_cross_entropy_with_logits(labels=None, logits=None, dim=-1, name=None, axis=None):
    """The cross-entropy of distributions and softmaxes, with a gradient only for the logits."""
    labels = raw.StopGradient(input=labels, name="labels_stop_gradient")
    axis = dim if axis is None else axis
    return losses.softmax_cross_entropy_with_logits(labels, logits, axis, name)


@export(v1=["nn.ctc_loss"])
def ctc_loss(
    labels,
    inputs=None,
    sequence_length=None,
    preprocess_collapse_repeated=False,
    ctc_merge_repeated=True,
    ignore_longer_outputs_than_inputs=False,
    time_major=True,
    logits=None,
):
    """The connectionist temporal classification loss of label sequences (a SparseTensor)."""
    logits = convert_to_tensor(either("logits", logits, "inputs", inputs))
    if not time_major:
        logits = raw.Transpose(x=logits, perm=[1, 0, 2])
    loss, _ = raw.CTCLoss(
        inputs=logits,
        labels_indices=labels.indices,
        labels_values=labels.values,
        sequence_length=sequence_length,
        preprocess_collapse_repeated=preprocess_collapse_repeated,
        ctc_merge_repeated=ctc_merge_repeated,
        ignore_longer_outputs_than_inputs=ignore_longer_outputs_than_inputs,
    )
    return loss


def _sampled(name, last, meaning):
    """Creates a public loss of sampled classes."""

    def call(arguments):
        return getattr(sampling, f"{name}_of_parts")(**arguments)

    parameters = "weights, biases, labels, inputs, num_sampled, num_classes, num_true=1, sampled_values=None, "
    return declare(__name__, f"nn.{name}", parameters + last, call, meaning)


nce_loss = _sampled(
    "nce_loss",
    "remove_accidental_hits=False, partition_strategy='mod', name='nce_loss'",
    "The noise-contrastive estimation loss; weights and biases may be in parts.",
)
sampled_softmax_loss = _sampled(
    "sampled_softmax_loss",
    "remove_accidental_hits=True, partition_strategy='mod', name='sampled_softmax_loss', seed=None",
    "The sampled softmax loss; weights and biases may be in parts.",
)
