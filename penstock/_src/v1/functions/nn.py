"""tf.compat.v1.nn: layers' functions with TensorFlow 1's names and orders of arguments."""

from penstock._src.api.math import sorting
from penstock._src.api.nn import activations, convolution, losses, normalization, pooling, sampling
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.util.export import export
from penstock._src.v1.names.arguments import either


@export(v1=["nn.softmax", "math.softmax"])
def softmax(logits, axis=None, name=None, dim=None):
    """exp(logits), scaled to sum 1 over `axis` (by default the last)."""
    return activations.softmax(logits, either("axis", axis, "dim", dim), name)


@export(v1=["nn.log_softmax", "math.log_softmax"])
def log_softmax(logits, axis=None, name=None, dim=None):
    """The logarithm of the softmax."""
    return activations.log_softmax(logits, either("axis", axis, "dim", dim), name)


@export(v1=["nn.crelu"])
def crelu(features, name=None, axis=-1):
    """relu(features) and relu(-features) side by side."""
    return activations.crelu(features, axis, name)


@export(v1=["nn.dropout"])
def dropout(x, keep_prob=None, noise_shape=None, seed=None, name=None, rate=None):
    """`x` with entries set to 0 at random, the others scaled up.

    Args:
      x: a floating-point tensor.
      keep_prob: how likely an entry stays; or `rate`, how likely it goes.

    Raises:
      ValueError: both are given, or neither.
    """
    if keep_prob is not None:
        rate = either("rate", rate, "keep_prob", 1 - keep_prob)
    if rate is None:
        raise ValueError("You must provide a rate to dropout.")
    return activations.dropout(x, rate, noise_shape, seed, name)


@export(v1=["nn.xw_plus_b"])
def xw_plus_b(x, weights, biases, name=None):
    """x w + b."""
    return raw.BiasAdd(value=raw.MatMul(a=x, b=weights), bias=biases, name=name)


@export(v1=["nn.relu_layer"])
def relu_layer(x, weights, biases, name=None):
    """relu(x w + b)."""
    return raw.Relu(features=xw_plus_b(x, weights, biases), name=name)


@export(v1=["nn.conv1d"])
def conv1d(
    value=None,
    filters=None,
    stride=None,
    padding=None,
    use_cudnn_on_gpu=None,
    data_format=None,
    name=None,
    input=None,
    dilations=None,
):
    """A 1-D convolution."""
    del use_cudnn_on_gpu
    x = either("input", input, "value", value)
    return convolution.conv1d(x, filters, stride, padding, data_format or "NWC", dilations, name)


@export(v1=["nn.conv2d"])
def conv2d(
    input,
    filter=None,
    strides=None,
    padding=None,
    use_cudnn_on_gpu=True,
    data_format="NHWC",
    dilations=[1, 1, 1, 1],  # noqa: B006 (TensorFlow's default; it is only read)
    name=None,
    filters=None,
):
    """A 2-D convolution."""
    del use_cudnn_on_gpu
    kernel = either("filters", filters, "filter", filter)
    return convolution.conv2d(
        input, kernel, strides, padding, data_format or "NHWC", list(dilations), name
    )


@export(v1=["nn.conv3d"])
def conv3d(
    input,
    filter=None,
    strides=None,
    padding=None,
    data_format="NDHWC",
    dilations=[1, 1, 1, 1, 1],  # noqa: B006 (TensorFlow's default; it is only read)
    name=None,
    filters=None,
):
    """A 3-D convolution."""
    kernel = either("filters", filters, "filter", filter)
    return convolution.conv3d(
        input, kernel, strides, padding, data_format or "NDHWC", list(dilations), name
    )


@export(v1=["nn.convolution"])
def convolve(
    input,
    filter,
    padding,
    strides=None,
    dilation_rate=None,
    name=None,
    data_format=None,
    filters=None,
    dilations=None,
):
    """A convolution of as many spatial dimensions as the filter has."""
    kernel = either("filters", filters, "filter", filter)
    rates = either("dilations", dilations, "dilation_rate", dilation_rate)
    return convolution.convolution(input, kernel, strides, padding, data_format, rates, name)


@export(v1=["nn.depthwise_conv2d"])
def depthwise_conv2d(
    input, filter, strides, padding, rate=None, name=None, data_format=None, dilations=None
):
    """A 2-D convolution of each channel by itself."""
    rates = either("dilations", dilations, "rate", rate)
    return convolution.depthwise_conv2d(input, filter, strides, padding, data_format, rates, name)


@export(v1=["nn.separable_conv2d"])
def separable_conv2d(
    input,
    depthwise_filter,
    pointwise_filter,
    strides,
    padding,
    rate=None,
    name=None,
    data_format=None,
    dilations=None,
):
    """A 2-D convolution of each channel by itself, then one of single points."""
    rates = either("dilations", dilations, "rate", rate)
    return convolution.separable_conv2d(
        input, depthwise_filter, pointwise_filter, strides, padding, data_format, rates, name
    )


@export(v1=["nn.conv2d_transpose"])
def conv2d_transpose(
    value=None,
    filter=None,
    output_shape=None,
    strides=None,
    padding="SAME",
    data_format="NHWC",
    name=None,
    input=None,
    filters=None,
    dilations=None,
):
    """The transpose of a 2-D convolution."""
    x = either("input", input, "value", value)
    kernel = either("filters", filters, "filter", filter)
    return convolution.conv2d_transpose(
        x, kernel, output_shape, strides, padding, data_format, dilations, name
    )


@export(v1=["nn.conv3d_transpose"])
def conv3d_transpose(
    value,
    filter=None,
    output_shape=None,
    strides=None,
    padding="SAME",
    data_format="NDHWC",
    name=None,
    input=None,
    filters=None,
    dilations=None,
):
    """The transpose of a 3-D convolution."""
    x = either("input", input, "value", value)
    kernel = either("filters", filters, "filter", filter)
    return convolution.conv3d_transpose(
        x, kernel, output_shape, strides, padding, data_format, dilations, name
    )


@export(v1=["nn.max_pool"])
def max_pool(value, ksize, strides, padding, data_format="NHWC", name=None, input=None):
    """The greatest value of each window."""
    x = either("input", input, "value", value)
    return pooling.max_pool2d(x, ksize, strides, padding, data_format or "NHWC", name)


@export(v1=["nn.avg_pool", "nn.avg_pool2d"])
def avg_pool(value, ksize, strides, padding, data_format="NHWC", name=None, input=None):
    """The mean of each window."""
    x = either("input", input, "value", value)
    return pooling.avg_pool2d(x, ksize, strides, padding, data_format or "NHWC", name)


@export(v1=["nn.pool"])
def pool(
    input,
    window_shape,
    pooling_type,
    padding,
    dilation_rate=None,
    strides=None,
    name=None,
    data_format=None,
    dilations=None,
):
    """The mean or greatest value of windows of any number of spatial dimensions."""
    rates = either("dilations", dilations, "dilation_rate", dilation_rate)
    return pooling.pool(
        input, window_shape, pooling_type, strides, padding, data_format, rates, name
    )


@export(v1=["nn.moments"])
def moments(x, axes, shift=None, name=None, keep_dims=None, keepdims=None):
    """The mean and variance over `axes`."""
    keep = either("keepdims", keepdims, "keep_dims", keep_dims)
    return normalization.moments(x, axes, shift, bool(keep), name)


@export(v1=["nn.weighted_moments"])
def weighted_moments(x, axes, frequency_weights, name=None, keep_dims=None, keepdims=None):
    """The weighted mean and variance over `axes`."""
    keep = either("keepdims", keepdims, "keep_dims", keep_dims)
    return normalization.weighted_moments(x, axes, frequency_weights, bool(keep), name)


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
    """A batch normalised, and the mean and variance: of the batch, or those given.

    Returns:
      The batch, the mean and the variance; the last two averaged with those given by
      `exponential_avg_factor`.
    """
    empty = raw.Fill(dims=[0], value=convert_to_tensor(0.0, dtypes.float32))
    y, mean, variance, *_ = raw.FusedBatchNormV3(
        x=x,
        scale=scale,
        offset=offset,
        mean=empty if mean is None else mean,
        variance=empty if variance is None else variance,
        epsilon=max(epsilon, 1.001e-5),  # as cuDNN demands it
        exponential_avg_factor=exponential_avg_factor,
        data_format=data_format,
        is_training=is_training,
        name=name,
    )
    return y, mean, variance


@export(v1=["nn.sigmoid_cross_entropy_with_logits"])
def sigmoid_cross_entropy_with_logits(labels=None, logits=None, name=None):
    """The cross-entropy of labels and sigmoids."""
    return losses.sigmoid_cross_entropy_with_logits(labels, logits, name)


@export(v1=["nn.weighted_cross_entropy_with_logits"])
def weighted_cross_entropy_with_logits(
    labels=None, logits=None, pos_weight=None, name=None, targets=None
):
    """The cross-entropy of labels and sigmoids, positive labels weighted."""
    labels = either("labels", labels, "targets", targets)
    return losses.weighted_cross_entropy_with_logits(labels, logits, pos_weight, name)


@export(v1=["nn.softmax_cross_entropy_with_logits_v2"])
def softmax_cross_entropy_with_logits_v2(labels, logits, axis=None, name=None, dim=None):
    """The cross-entropy of distributions and softmaxes, with gradients for both."""
    axis = either("axis", axis, "dim", dim)
    axis = -1 if axis is None else axis
    return losses.softmax_cross_entropy_with_logits(labels, logits, axis, name)


@export(v1=["nn.softmax_cross_entropy_with_logits"])
def softmax_cross_entropy_with_logits(labels=None, logits=None, dim=-1, name=None, axis=None):
    """The cross-entropy of distributions and softmaxes, with a gradient for the logits alone."""
    labels = raw.StopGradient(input=convert_to_tensor(labels))
    axis = dim if axis is None else axis
    return losses.softmax_cross_entropy_with_logits(labels, logits, axis, name)


@export(v1=["nn.sparse_softmax_cross_entropy_with_logits"])
def sparse_softmax_cross_entropy_with_logits(labels=None, logits=None, name=None):
    """The cross-entropy of class numbers and softmaxes."""
    return losses.sparse_softmax_cross_entropy_with_logits(labels, logits, name)


@export(v1=["nn.in_top_k", "math.in_top_k"])
def in_top_k(predictions, targets, k, name=None):
    """Whether each target is among the `k` greatest predictions."""
    return sorting.in_top_k(targets, predictions, k, name)


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
    """The loss of label sequences (a SparseTensor) under connectionist temporal classification."""
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


def _unstrategic(function, partition_strategy):
    if partition_strategy not in ("mod", "div"):
        raise ValueError(f"Unsupported partition strategy: {partition_strategy}.")
    return function


@export(v1=["nn.nce_loss"])
def nce_loss(
    weights,
    biases,
    labels,
    inputs,
    num_sampled,
    num_classes,
    num_true=1,
    sampled_values=None,
    remove_accidental_hits=False,
    partition_strategy="mod",
    name="nce_loss",
):
    """The loss of noise-contrastive estimation; the weights are one tensor."""
    return _unstrategic(sampling.nce_loss, partition_strategy)(
        weights,
        biases,
        labels,
        inputs,
        num_sampled,
        num_classes,
        num_true,
        sampled_values,
        remove_accidental_hits,
        name,
    )


@export(v1=["nn.sampled_softmax_loss"])
def sampled_softmax_loss(
    weights,
    biases,
    labels,
    inputs,
    num_sampled,
    num_classes,
    num_true=1,
    sampled_values=None,
    remove_accidental_hits=True,
    partition_strategy="mod",
    name="sampled_softmax_loss",
    seed=None,
):
    """The softmax loss over a sample of the classes; the weights are one tensor."""
    return _unstrategic(sampling.sampled_softmax_loss, partition_strategy)(
        weights,
        biases,
        labels,
        inputs,
        num_sampled,
        num_classes,
        num_true,
        sampled_values,
        remove_accidental_hits,
        seed,
        name,
    )
