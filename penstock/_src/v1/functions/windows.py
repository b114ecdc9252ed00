"""Convolutions of tf.compat.v1.nn that are named after their ops, and max pooling with indices."""

from penstock._src.api.nn.space_to_batch import explicit_padding
from penstock._src.core import dtypes
from penstock._src.core.registry import raw
from penstock._src.util.export import export
from penstock._src.v1.names.arguments import either
from penstock._src.v1.names.declared import declare


def _convolution(name, op, parameters, meaning):
    """Creates a public function that calls an op; its `padding` may be a list of four pairs."""

    def call(arguments):
        if "filters" in arguments:
            arguments["filter"] = either(
                "filters", arguments.pop("filters"), "filter", arguments["filter"]
            )
        arguments["padding"], arguments["explicit_paddings"] = explicit_padding(
            arguments["padding"]
        )
        return getattr(raw, op)(**arguments)

    return declare(__name__, f"nn.{name}", parameters, call, meaning)


_LAST = "data_format='NHWC', dilations=[1, 1, 1, 1], name=None"
conv2d_backprop_input = _convolution(
    "conv2d_backprop_input",
    "Conv2DBackpropInput",
    "input_sizes, filter=None, out_backprop=None, strides=None, padding=None, "
    f"use_cudnn_on_gpu=True, {_LAST}, filters=None",
    "The gradient of a 2-D convolution with respect to its input.",
)
conv2d_backprop_filter = _convolution(
    "conv2d_backprop_filter",
    "Conv2DBackpropFilter",
    f"input, filter_sizes, out_backprop, strides, padding, use_cudnn_on_gpu=True, {_LAST}",
    "The gradient of a 2-D convolution with respect to its filter.",
)
depthwise_conv2d_native = _convolution(
    "depthwise_conv2d_native",
    "DepthwiseConv2dNative",
    f"input, filter, strides, padding, {_LAST}",
    "Convolves each channel with its own filters.",
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
