"""Convolutions of tf.compat.v1.nn that are named after their ops, and max pooling with indices."""

from penstock._src.api.nn.convolution import explicit_padding
from penstock._src.core import dtypes
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
    """The gradient of a 2-D convolution with respect to its input."""
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
    """The gradient of a 2-D convolution with respect to its filter."""
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
    """Convolves each channel with its own filters."""
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
    """The maximum of each window of NHWC images, and its flat index."""
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
