"""Functions of tf.compat.v1.nn on images, with TensorFlow 1's names and orders of arguments."""

from penstock._src.api.nn import normalization, pooling
from penstock._src.api.nn.convolution import explicit_padding
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.util.export import export
from penstock._src.v1.names.arguments import either


@export(v1=["nn.conv2d_backprop_input"])
def conv2d_backprop_input(
    input_sizes,
    filter=None,
    out_backprop=None,
    strides=None,
    padding=None,
    use_cudnn_on_gpu=True,
    data_format="NHWC",
    dilations=[1, 1, 1, 1],  # noqa: B006 (TensorFlow's default; it is only read)
    name=None,
    filters=None,
):
    """The gradient of a 2-D convolution by its input."""
    padding, explicit = explicit_padding(padding)
    return raw.Conv2DBackpropInput(
        input_sizes=input_sizes,
        filter=either("filters", filters, "filter", filter),
        out_backprop=out_backprop,
        strides=strides,
        padding=padding,
        use_cudnn_on_gpu=use_cudnn_on_gpu,
        explicit_paddings=explicit,
        data_format=data_format,
        dilations=dilations,
        name=name,
    )


@export(v1=["nn.conv2d_backprop_filter"])
def conv2d_backprop_filter(
    input,
    filter_sizes,
    out_backprop,
    strides,
    padding,
    use_cudnn_on_gpu=True,
    data_format="NHWC",
    dilations=[1, 1, 1, 1],  # noqa: B006 (TensorFlow's default; it is only read)
    name=None,
):
    """The gradient of a 2-D convolution by its filter."""
    padding, explicit = explicit_padding(padding)
    return raw.Conv2DBackpropFilter(
        input=input,
        filter_sizes=filter_sizes,
        out_backprop=out_backprop,
        strides=strides,
        padding=padding,
        use_cudnn_on_gpu=use_cudnn_on_gpu,
        explicit_paddings=explicit,
        data_format=data_format,
        dilations=dilations,
        name=name,
    )


@export(v1=["nn.conv3d_backprop_filter", "nn.conv3d_backprop_filter_v2"])
def conv3d_backprop_filter(
    input,
    filter_sizes,
    out_backprop,
    strides,
    padding,
    data_format="NDHWC",
    dilations=[1, 1, 1, 1, 1],  # noqa: B006 (TensorFlow's default; it is only read)
    name=None,
):
    """The gradient of a 3-D convolution by its filter."""
    return raw.Conv3DBackpropFilterV2(
        input=input,
        filter_sizes=filter_sizes,
        out_backprop=out_backprop,
        strides=strides,
        padding=padding,
        data_format=data_format,
        dilations=dilations,
        name=name,
    )


@export(v1=["nn.depthwise_conv2d_native"])
def depthwise_conv2d_native(
    input,
    filter,
    strides,
    padding,
    data_format="NHWC",
    dilations=[1, 1, 1, 1],  # noqa: B006 (TensorFlow's default; it is only read)
    name=None,
):
    """A convolution of each channel by filters of its own."""
    padding, explicit = explicit_padding(padding)
    return raw.DepthwiseConv2dNative(
        input=input,
        filter=filter,
        strides=strides,
        padding=padding,
        explicit_paddings=explicit,
        data_format=data_format,
        dilations=dilations,
        name=name,
    )


@export(v1=["nn.dilation2d"])
def dilation2d(
    input,
    filter=None,
    strides=None,
    rates=None,
    padding=None,
    name=None,
    filters=None,
    dilations=None,
):
    """Grey-scale dilation: the maximum of image plus filter over each window."""
    kernel = either("filters", filters, "filter", filter)
    rates = either("dilations", dilations, "rates", rates)
    return pooling.dilation2d(input, kernel, strides, padding, "NHWC", rates, name)


@export(v1=["nn.erosion2d"])
def erosion2d(value, kernel, strides, rates, padding, name=None):
    """Grey-scale erosion: the minimum of image minus filter over each window."""
    return pooling.erosion2d(value, kernel, strides, padding, "NHWC", rates, name)


@export(v1=["nn.fractional_avg_pool"])
def fractional_avg_pool(
    value,
    pooling_ratio,
    pseudo_random=False,
    overlapping=False,
    deterministic=False,
    seed=0,
    seed2=0,
    name=None,
):
    """Average pooling over windows of random sizes, so that extents shrink by `pooling_ratio`."""
    return raw.FractionalAvgPool(
        value=value,
        pooling_ratio=pooling_ratio,
        pseudo_random=pseudo_random,
        overlapping=overlapping,
        deterministic=deterministic,
        seed=seed,
        seed2=seed2,
        name=name,
    )


@export(v1=["nn.fractional_max_pool"])
def fractional_max_pool(
    value,
    pooling_ratio,
    pseudo_random=False,
    overlapping=False,
    deterministic=False,
    seed=0,
    seed2=0,
    name=None,
):
    """Max pooling over windows of random sizes, so that extents shrink by `pooling_ratio`."""
    return raw.FractionalMaxPool(
        value=value,
        pooling_ratio=pooling_ratio,
        pseudo_random=pseudo_random,
        overlapping=overlapping,
        deterministic=deterministic,
        seed=seed,
        seed2=seed2,
        name=name,
    )


@export(v1=["nn.max_pool_with_argmax"])
def max_pool_with_argmax(
    input,
    ksize,
    strides,
    padding,
    data_format="NHWC",
    Targmax=None,
    name=None,
    output_dtype=None,
    include_batch_in_index=False,
):
    """The greatest entry of each window of NHWC images, and its flat position."""
    if data_format != "NHWC":
        raise ValueError("data_format values other than 'NHWC' are not supported")
    kind = either("output_dtype", output_dtype, "Targmax", Targmax)
    return raw.MaxPoolWithArgmax(
        input=input,
        ksize=ksize,
        strides=strides,
        padding=padding,
        Targmax=dtypes.int64 if kind is None else kind,
        include_batch_in_index=include_batch_in_index,
        name=name,
    )


@export(v1=["nn.sufficient_statistics"])
def sufficient_statistics(x, axes, shift=None, keep_dims=None, name=None, keepdims=None):
    """The count, sum, sum of squares and shift, from which `normalize_moments` makes moments."""
    keep = either("keepdims", keepdims, "keep_dims", keep_dims)
    return normalization.sufficient_statistics(x, axes, shift, bool(keep), name)


@export(v1=["nn.batch_norm_with_global_normalization"])
def batch_norm_with_global_normalization(
    t=None,
    m=None,
    v=None,
    beta=None,
    gamma=None,
    variance_epsilon=None,
    scale_after_normalization=None,
    name=None,
    input=None,
    mean=None,
    variance=None,
):
    """`batch_normalization` with an optional scale."""
    return normalization.batch_norm_with_global_normalization(
        either("input", input, "t", t),
        either("mean", mean, "m", m),
        either("variance", variance, "v", v),
        beta,
        gamma,
        variance_epsilon,
        scale_after_normalization,
        name,
    )


@export(v1=["nn.quantized_relu_x"])
def quantized_relu_x(
    features, max_value, min_features, max_features, out_type=dtypes.quint8, name=None
):
    """min(max(features, 0), max_value) of quantised numbers, and their range."""
    return raw.QuantizedReluX(
        features=features,
        max_value=convert_to_tensor(max_value, dtypes.float32),
        min_features=min_features,
        max_features=max_features,
        out_type=out_type,
        name=name,
    )


@export(v1=["nn.quantized_conv2d"])
def quantized_conv2d(
    input,
    filter,
    min_input,
    max_input,
    min_filter,
    max_filter,
    strides,
    padding,
    out_type=dtypes.qint32,
    dilations=[1, 1, 1, 1],  # noqa: B006 (TensorFlow's default; it is only read)
    name=None,
):
    """A 2-D convolution of quantised numbers, and the range of the results."""
    return raw.QuantizedConv2D(
        input=input,
        filter=filter,
        min_input=min_input,
        max_input=max_input,
        min_filter=min_filter,
        max_filter=max_filter,
        strides=strides,
        padding=padding,
        out_type=out_type,
        dilations=dilations,
        name=name,
    )


@export(v1=["nn.quantized_avg_pool"])
def quantized_avg_pool(input, min_input, max_input, ksize, strides, padding, name=None):
    """Average pooling of quantised images, and their range."""
    return raw.QuantizedAvgPool(
        input=input,
        min_input=min_input,
        max_input=max_input,
        ksize=ksize,
        strides=strides,
        padding=padding,
        name=name,
    )


@export(v1=["nn.quantized_max_pool"])
def quantized_max_pool(input, min_input, max_input, ksize, strides, padding, name=None):
    """Max pooling of quantised images, and their range."""
    return raw.QuantizedMaxPool(
        input=input,
        min_input=min_input,
        max_input=max_input,
        ksize=ksize,
        strides=strides,
        padding=padding,
        name=name,
    )
