"""Convolutions of one, two and three spatial axes, transposed, depthwise and separable."""

import numpy as np

from penstock._src.api.array.joining import concat
from penstock._src.api.extending.dispatch import dispatchable
from penstock._src.api.extending.scopes import scoped
from penstock._src.api.nn.space_to_batch import (
    channel_axis_of,
    explicit_padding,
    with_space_to_batch,
)
from penstock._src.core.convert import convert_to_tensor, index_tensor
from penstock._src.core.dispatch import STATE, scope_in_graph
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape, as_shape
from penstock._src.core.tensor import Tensor

_FORMATS = {1: ("NWC", "NCW"), 2: ("NHWC", "NCHW"), 3: ("NDHWC", "NCDHW")}


def windows(value, spatial, channel_axis, argument):
    """Expands an int or a list of 1, n or n + 2 ints to a stride or dilation for each axis of the op."""
    if value is None:
        value = [1]
    if isinstance(value, (int, np.integer)):
        value = [value]
    value = [int(v) for v in value]
    if len(value) == 1:
        value = value * spatial
    if len(value) == spatial + 2:
        return value
    if len(value) != spatial:
        raise ValueError(
            f"{argument} should be of length 1, {spatial} or {spatial + 2}. Received: "
            f"{argument}={value} of length {len(value)}"
        )
    return [1, 1, *value] if channel_axis == 1 else [1, *value, 1]


def _flatten_batch(x, spatial, inner):
    """Runs `inner` on `x` with all axes before the last spatial + 1 as one batch axis."""
    x = convert_to_tensor(x)
    rank = x._rank()
    if rank is None or rank <= spatial + 2:
        return inner(x)
    shape = raw.Shape(input=x)
    outer = shape[: rank - spatial - 1]
    merged = raw.ConcatV2(values=[np.array([-1], np.int32), shape[rank - spatial - 1 :]], axis=0)
    result = inner(raw.Reshape(tensor=x, shape=merged))
    target = raw.ConcatV2(values=[outer, raw.Shape(input=result)[1:]], axis=0)
    restored = raw.Reshape(tensor=result, shape=target)
    restored.set_shape(x.shape[: rank - spatial - 1].concatenate(result.shape[1:]))
    return restored


def _channels_second(data_format):
    """True if a sequence format, or the corresponding image format, has its channels on axis 1."""
    if data_format in (None, "NWC", "NHWC"):
        return False
    if data_format in ("NCW", "NCHW"):
        return True
    raise ValueError(f"`data_format` must be 'NWC' or 'NCW'. Received: data_format={data_format}")


@dispatchable("nn.conv1d", v1=[], named="conv1d")
def conv1d(input, filters, stride, padding, data_format="NWC", dilations=None, name=None):
    """Returns the convolution of sequences with filters.

    As in all of TensorFlow it is a cross-correlation: filters are not flipped.

    Args:
      input: floats, `[..., width, in_channels]`, or `[batch, in_channels, width]` for "NCW".
      filters: `[filter_width, in_channels, out_channels]`. If `in_channels` divides that of the
        input, channels form groups.
      stride: an integer, or a list of 1 or 3: how far the filters move.
      padding: "SAME" (zeros around, so that stride 1 keeps the width) or "VALID" (only whole
        windows).
      data_format: "NWC" or "NCW".
      dilations: an integer, or a list of 1 or 3: the distance of the entries that a filter reads.
      name: a name for the operation.

    Returns:
      `[..., new_width, out_channels]`, or channels second.

    Raises:
      ValueError: a list has another length, or `data_format` is another word.
      InvalidArgumentError: the shapes do not fit.

    >>> x = tf.reshape([1.0, 2.0, 3.0, 4.0], [1, 4, 1])
    >>> ones = tf.ones([2, 1, 1])
    >>> tf.nn.conv1d(x, ones, stride=1, padding="VALID").numpy().ravel()
    array([3., 5., 7.], dtype=float32)
    """
    first = _channels_second(data_format)
    axis = 2 if first else -3
    strides = windows(stride, 1, 1 if first else -1, "stride")
    rates = windows(dilations, 1, 1 if first else -1, "dilations")
    place = 2 if first else 1
    strides.insert(place, 1)
    rates.insert(place, 1)

    def run(x):
        wide = raw.ExpandDims(input=x, axis=axis)
        out = raw.Conv2D(
            input=wide,
            filter=raw.ExpandDims(input=filters, axis=0),
            strides=strides,
            padding=padding,
            data_format="NCHW" if first else "NHWC",
            dilations=rates,
            name=name,
        )
        return raw.Squeeze(input=out, axis=[axis])

    return _flatten_batch(input, 1, run)


@dispatchable("nn.conv2d", v1=[], direct=True)
def conv2d(input, filters, strides, padding, data_format="NHWC", dilations=None, name=None):
    """Returns the convolution of images with filters.

    As in all of TensorFlow it is a cross-correlation: filters are not flipped.

    Args:
      input: floats, `[..., height, width, in_channels]`, or `[batch, in_channels, height, width]`
        for "NCHW".
      filters: `[filter_height, filter_width, in_channels, out_channels]`. If `in_channels`
        divides that of the input, channels form groups.
      strides: an integer, or a list of 1, 2 or 4: how far the filters move.
      padding: "SAME" (zeros around, so that stride 1 keeps the size), "VALID" (only whole
        windows), or four pairs: the zeros before and after each axis.
      data_format: "NHWC" or "NCHW".
      dilations: an integer, or a list of 1, 2 or 4: the distance of the entries that a filter
        reads.
      name: a name for the operation.

    Returns:
      `[..., new_height, new_width, out_channels]`, or channels second.

    Raises:
      ValueError: a list has another length, or `data_format` is another word.
      InvalidArgumentError: the shapes do not fit.

    >>> x = tf.reshape(tf.range(9.0), [1, 3, 3, 1])
    >>> tf.nn.conv2d(x, tf.ones([2, 2, 1, 1]), strides=1, padding="VALID").numpy()[0, :, :, 0]
    array([[ 8., 12.],
           [20., 24.]], dtype=float32)
    """
    data_format = data_format or "NHWC"
    channel = channel_axis_of(data_format)
    how, explicit = explicit_padding(padding)

    def run(x):
        return raw.Conv2D(
            input=x,
            filter=filters,
            strides=windows(strides, 2, channel, "strides"),
            padding=how,
            explicit_paddings=explicit,
            data_format=data_format,
            dilations=windows(dilations, 2, channel, "dilations"),
            name=name,
        )

    return _flatten_batch(input, 2, run)


@dispatchable("nn.conv3d", v1=[], direct=True)
def conv3d(input, filters, strides, padding, data_format="NDHWC", dilations=None, name=None):
    """The convolution of volumes.

    Strides and dilations are lists of five.

    Args:
      input: `[batch..., depth, height, width, c]`, floats.
      filters: `[depth, height, width, c / groups, c_out]` of the same dtype.
      strides: five ints; 1 for batch and channels.
      padding: "SAME" or "VALID".
      data_format: "NDHWC", or "NCDHW" for channels before the spatial axes.
      dilations: five ints; 1 by default.
      name: of the operation.

    Returns:
      `[batch..., depth', height', width', c_out]` of the same dtype.
    """

    def run(x):
        return raw.Conv3D(
            input=x,
            filter=filters,
            strides=strides,
            padding=padding,
            data_format=data_format or "NDHWC",
            dilations=[1] * 5 if dilations is None else dilations,
            name=name,
        )

    return _flatten_batch(input, 3, run)


@dispatchable("nn.convolution", v1=[])
def convolution(
    input, filters, strides=None, padding="VALID", data_format=None, dilations=None, name=None
):
    """Returns the convolution over 1, 2 or 3 spatial axes, as many as the filters have.

    Args:
      input: floats, `[batch, *spatial, in_channels]`, or channels second if `data_format` begins
        with "NC".
      filters: `[*spatial, in_channels, out_channels]`.
      strides: an integer, or one for each spatial axis.
      padding: "SAME" or "VALID".
      data_format: "NWC", "NCW", "NHWC", "NCHW", "NDHWC" or "NCDHW".
      dilations: an integer, or one for each spatial axis.
      name: a name for the operation.

    Returns:
      `[batch, *new_spatial, out_channels]`, or channels second.

    Raises:
      ValueError: ranks are unknown or do not fit, or both strides and dilations exceed 1.

    >>> x = tf.reshape([1.0, 2.0, 3.0, 4.0], [1, 4, 1])
    >>> tf.nn.convolution(x, tf.ones([2, 1, 1]), dilations=2).numpy().ravel()
    array([4., 6.], dtype=float32)
    """
    with scope_in_graph(name, "convolution") as scope:
        name = scope or name
        # Filters of sequences are read where they get another axis.
        if not hasattr(filters, "shape") or as_shape(filters.shape).rank != 3:
            filters = convert_to_tensor(filters, name="filters")
    rank = as_shape(filters.shape).rank
    if rank is None:
        input = convert_to_tensor(input)
        rank = input.shape.rank
    if rank is None:
        raise ValueError("convolution: the rank of `input` or `filters` must be known.")
    spatial = rank - 2
    if spatial not in _FORMATS:
        raise ValueError(
            f"`num_spatial_dims` must be 1, 2, or 3. Received: num_spatial_dims={spatial}."
        )
    layout = data_format or _FORMATS[spatial][0]
    if spatial == 3:
        channel = channel_axis_of(layout)
        strides = windows(strides, 3, channel, "strides")
        dilations = windows(dilations, 3, channel, "dilations")
    steps, rates = (np.ravel(1 if n is None else n) for n in (strides, dilations))
    check_steps(steps, rates)
    function = {1: conv1d, 2: conv2d, 3: conv3d}[spatial]
    return function(input, filters, strides, padding, layout, dilations, name)


def check_steps(strides: np.ndarray, rates: np.ndarray) -> None:
    """Raises a ValueError if both the strides and the dilation rates of a convolution exceed 1."""
    if np.any(strides > 1) and np.any(rates > 1):
        raise ValueError(
            "`strides > 1` not supported in conjunction with `dilation_rate > 1`. Received: "
            f"strides={strides} and dilation_rate={rates}"
        )


@dispatchable("nn.depthwise_conv2d", v1=[], named="depthwise", direct=True)
def depthwise_conv2d(input, filter, strides, padding, data_format=None, dilations=None, name=None):
    """Returns the convolution of each channel of images with filters of its own.

    Args:
      input: floats, `[batch, height, width, channels]`, or channels second for "NCHW".
      filter: `[filter_height, filter_width, channels, multiplier]`.
      strides: four integers, equal for height and width.
      padding: "SAME", "VALID" or four pairs: the zeros before and after each axis.
      data_format: "NHWC" (the default) or "NCHW".
      dilations: one or two integers. If some exceed 1, strides apply within the interleaved grids
        of `tf.nn.with_space_to_batch`.
      name: a name for the operation.

    Returns:
      `[batch, new_height, new_width, channels * multiplier]`; the results of a channel stand next
      to one another.

    Raises:
      ValueError: there are more than two dilations.
      InvalidArgumentError: the shapes do not fit.

    >>> x = tf.reshape(tf.range(8.0), [1, 2, 2, 2])
    >>> out = tf.nn.depthwise_conv2d(x, tf.ones([2, 2, 2, 1]), [1, 1, 1, 1], "VALID")
    >>> out.numpy().ravel()
    array([12., 16.], dtype=float32)
    """
    data_format = data_format or "NHWC"
    rates = [1, 1] if dilations is None else list(dilations)
    if len(rates) > 2:
        raise ValueError(
            f"`dilations` must have one rate for height and one for width. Received: {dilations}"
        )
    rates += [1] * (2 - len(rates))
    strides = [int(s) for s in strides]

    def convolved(images, padding, rates):
        how, explicit = explicit_padding(padding)
        return raw.DepthwiseConv2dNative(
            input=images,
            filter=filter,
            strides=strides,
            padding=how,
            explicit_paddings=explicit,
            data_format=data_format,
            dilations=windows(rates, 2, channel_axis_of(data_format), "dilations"),
            name=name,
        )

    if max(strides) == 1 or max(rates) == 1:
        return convolved(input, padding, rates)
    filter = convert_to_tensor(filter, name="filter_in")
    return with_space_to_batch(
        input,
        rates,
        padding,
        lambda grids, _, padding: convolved(grids, padding, [1, 1]),
        filter_shape=raw.Shape(input=filter),
        data_format=data_format,
    )


@dispatchable("nn.separable_conv2d", v1=[], named="separable_conv2d")
def separable_conv2d(
    input,
    depthwise_filter,
    pointwise_filter,
    strides,
    padding,
    data_format=None,
    dilations=None,
    name=None,
):
    """Returns a depthwise convolution of images followed by one that mixes channels.

    Args:
      input: floats, `[batch, height, width, channels]`, or channels second for "NCHW".
      depthwise_filter: `[filter_height, filter_width, channels, multiplier]`.
      pointwise_filter: `[1, 1, channels * multiplier, out_channels]`.
      strides: four integers, of the depthwise convolution.
      padding: "SAME", "VALID" or four pairs: the zeros before and after each axis.
      data_format: "NHWC" (the default) or "NCHW".
      dilations: one or two integers, of the depthwise convolution.
      name: a name for the operation.

    Returns:
      `[batch, new_height, new_width, out_channels]`, or channels second.

    Raises:
      ValueError: the pointwise filter is not of height and width 1.

    >>> x = tf.ones([1, 3, 3, 2])
    >>> depthwise, pointwise = tf.ones([2, 2, 2, 1]), tf.ones([1, 1, 2, 5])
    >>> tf.nn.separable_conv2d(x, depthwise, pointwise, [1, 1, 1, 1], "SAME").shape
    TensorShape([1, 3, 3, 5])
    """
    data_format = data_format or "NHWC"
    depthwise_filter = convert_to_tensor(depthwise_filter, name="depthwise_filter")
    pointwise_filter = convert_to_tensor(pointwise_filter, name="pointwise_filter")
    if not pointwise_filter.shape[:2].is_compatible_with([1, 1]):
        raise ValueError(
            "`pointwise_filter` must have height and width 1. Received shape "
            f"{pointwise_filter.shape}."
        )
    spread = depthwise_conv2d(
        input, depthwise_filter, strides, padding, data_format=data_format, dilations=dilations
    )
    return raw.Conv2D(
        input=spread,
        filter=pointwise_filter,
        strides=[1, 1, 1, 1],
        padding="VALID",
        data_format=data_format,
        name=name,
    )


def _sizes(output_shape):
    if isinstance(output_shape, Tensor):
        return output_shape
    if all(isinstance(n, (int, np.integer)) for n in output_shape):
        return np.array([int(n) for n in output_shape], np.int32)
    return index_tensor(output_shape) if STATE.graph is None else list(output_shape)


@dispatchable("nn.conv2d_transpose", v1=[], named="conv2d_transpose")
def conv2d_transpose(
    input,
    filters,
    output_shape,
    strides,
    padding="SAME",
    data_format="NHWC",
    dilations=None,
    name=None,
):
    """The gradient of `conv2d`: from its output's shape to `output_shape`.

    Args:
      input: a tensor of the shape that `conv2d` with these filters returns.
      filters: `[height, width, out_channels, in_channels]`.
      output_shape: four ints or an int vector.
      strides: an int or a list of 1, 2 or 4.
      padding: "SAME", "VALID" or a list of four pairs.
      data_format: "NHWC" or "NCHW".
      dilations: an int or a list of 1, 2 or 4.
      name: a name for the operation.

    Returns:
      A tensor of shape `output_shape` and of the dtype of `input`.
    """
    data_format = data_format or "NHWC"
    channel = channel_axis_of(data_format)
    how, explicit = explicit_padding(padding)
    return raw.Conv2DBackpropInput(
        input_sizes=_sizes(output_shape),
        filter=filters,
        out_backprop=input,
        strides=windows(strides, 2, channel, "strides"),
        padding=how,
        explicit_paddings=explicit,
        data_format=data_format,
        dilations=windows(dilations, 2, channel, "dilations"),
        name=name,
    )


@dispatchable("nn.conv1d_transpose", named="conv1d_transpose")
def conv1d_transpose(
    input,
    filters,
    output_shape,
    strides,
    padding="SAME",
    data_format="NWC",
    dilations=None,
    name=None,
):
    """The gradient of `conv1d`: from its output's shape to `output_shape`.

    Args:
      input: `[batch, width, in_channels]`, a tensor of the shape that `conv1d` with these filters
        returns.
      filters: `[width, out_channels, in_channels]`.
      output_shape: three ints or an int vector.
      strides: an int or a list of 1 or 3.
      padding: "SAME" or "VALID".
      data_format: "NWC" or "NCW".
      dilations: an int or a list of 1 or 3.
      name: of the operation.

    Returns:
      A tensor of shape `output_shape` and of the dtype of `input`.
    """
    first = _channels_second(data_format)
    channel = 1 if first else -1
    place = 2 if first else 1
    steps = windows(strides, 1, channel, "strides")
    rates = windows(dilations, 1, channel, "dilations")
    steps.insert(place, 1)
    rates.insert(place, 1)
    wide, sizes = raw.ExpandDims(input=input, axis=place), _sizes(output_shape)
    kernels = raw.ExpandDims(input=filters, axis=0)
    out = raw.Conv2DBackpropInput(
        input_sizes=concat([sizes[:place], [1], sizes[place:]], 0),
        filter=kernels,
        out_backprop=wide,
        strides=steps,
        padding=padding,
        data_format="NCHW" if first else "NHWC",
        dilations=rates,
        name=name,
    )
    return raw.Squeeze(input=out, axis=[place])


@dispatchable("nn.conv3d_transpose", v1=[], named="conv3d_transpose")
def conv3d_transpose(
    input,
    filters,
    output_shape,
    strides,
    padding="SAME",
    data_format="NDHWC",
    dilations=None,
    name=None,
):
    """The gradient of `conv3d`: from its output's shape to `output_shape`.

    Args:
      input: `[batch, depth, height, width, in_channels]`, a tensor of the shape that `conv3d` with
        these filters returns.
      filters: `[depth, height, width, out_channels, in_channels]`.
      output_shape: five ints or an int vector.
      strides: an int or a list of 1, 3 or 5.
      padding: "SAME" or "VALID".
      data_format: "NDHWC" or "NCDHW".
      dilations: an int or a list of 1, 3 or 5.
      name: of the operation.

    Returns:
      A tensor of shape `output_shape` and of the dtype of `input`.
    """
    data_format = data_format or "NDHWC"
    channel = channel_axis_of(data_format)
    return raw.Conv3DBackpropInputV2(
        input_sizes=_sizes(output_shape),
        filter=filters,
        out_backprop=input,
        strides=windows(strides, 3, channel, "strides"),
        padding=padding,
        data_format=data_format,
        dilations=windows(dilations, 3, channel, "dilations"),
        name=name,
    )


@dispatchable("nn.conv_transpose", named="conv_transpose")
def conv_transpose(
    input,
    filters,
    output_shape,
    strides,
    padding="SAME",
    data_format=None,
    dilations=None,
    name=None,
):
    """Returns the transpose of a convolution: from the shape of its result to `output_shape`.

    It is the gradient of `tf.nn.convolution` by its input, often called a deconvolution.

    Args:
      input: floats, `[batch, *spatial, in_channels]`, or channels second.
      filters: `[*spatial, out_channels, in_channels]`.
      output_shape: the whole shape of the result, as integers or an integer vector.
      strides: an integer, or one for each spatial axis.
      padding: "SAME" or "VALID".
      data_format: "NWC", "NCW", "NHWC", "NCHW", "NDHWC" or "NCDHW".
      dilations: an integer, or one for each spatial axis.
      name: a name for the operation.

    Returns:
      A tensor of `output_shape`.

    Raises:
      ValueError: ranks are unknown or do not fit.
      InvalidArgumentError: no convolution leads from `output_shape` to the shape of `input`.

    >>> x = tf.ones([1, 2, 1])
    >>> tf.nn.conv_transpose(x, tf.ones([2, 1, 1]), [1, 4, 1], strides=2).numpy().ravel()
    array([1., 1., 1., 1.], dtype=float32)
    """
    is_static = isinstance(output_shape, list | tuple | TensorShape)
    spatial = (len(output_shape) if is_static else convert_to_tensor(filters).shape.rank) - 2
    function = {1: conv1d_transpose, 2: conv2d_transpose, 3: conv3d_transpose}.get(spatial)
    if function is None:
        raise ValueError(
            "`output_shape` must be of length 3, 4 or 5. Received: output_shape="
            f"{output_shape} of length {spatial + 2}."
        )
    layout = data_format or _FORMATS[spatial][0]
    return function(input, filters, output_shape, strides, padding, layout, dilations, name)


@dispatchable("nn.atrous_conv2d")
def atrous_conv2d(value, filters, rate, padding, name=None):
    """`conv2d` of NHWC images with dilation `rate`.

    Args:
      value: `[batch, height, width, c]`, floats.
      filters: `[height, width, c, c_out]` of the same dtype.
      rate: the distance between the pixels that a filter reads, an int.
      padding: "SAME" or "VALID".
      name: of the operation.

    Returns:
      `[batch, height', width', c_out]` of the same dtype.
    """
    return conv2d(value, filters, 1, padding, dilations=rate, name=name)


@dispatchable("nn.atrous_conv2d_transpose")
@scoped("atrous_conv2d_transpose")
def atrous_conv2d_transpose(value, filters, output_shape, rate, padding, name=None):
    """The gradient of `atrous_conv2d`.

    Args:
      value: `[batch, height, width, in_channels]`, a tensor of the shape that `atrous_conv2d` with
        these filters returns.
      filters: `[height, width, out_channels, in_channels]`.
      output_shape: four ints or an int vector.
      rate: the distance between the pixels that a filter reads, an int.
      padding: "SAME" or "VALID".
      name: of the operation.

    Returns:
      A tensor of shape `output_shape` and of the dtype of `value`.
    """
    return conv2d_transpose(value, filters, output_shape, 1, padding, dilations=rate, name=name)


@dispatchable("nn.depthwise_conv2d_backprop_input", v1=["nn.depthwise_conv2d_backprop_input"])
def depthwise_conv2d_backprop_input(
    input_sizes,
    filter,
    out_backprop,
    strides,
    padding,
    data_format="NHWC",
    dilations=[1, 1, 1, 1],  # noqa: B006  (as TensorFlow shows it)
    name=None,
):
    """The gradient of `depthwise_conv2d` with respect to its input.

    Args:
      input_sizes: int32 `[4]`: the shape of the convolution's input.
      filter: `[height, width, c, multiplier]`, floats.
      out_backprop: the gradient of the convolution's output, `[batch, height', width', c *
        multiplier]`.
      strides: four ints.
      padding: "SAME", "VALID" or a list of four pairs.
      data_format: "NHWC" or "NCHW".
      dilations: four ints.
      name: of the operation.

    Returns:
      A tensor of shape `input_sizes` and of the dtype of `filter`.
    """
    how, explicit = explicit_padding(padding)
    return raw.DepthwiseConv2dNativeBackpropInput(
        input_sizes=input_sizes,
        filter=filter,
        out_backprop=out_backprop,
        strides=strides,
        padding=how,
        explicit_paddings=explicit,
        data_format=data_format,
        dilations=dilations,
        name=name,
    )


@dispatchable("nn.depthwise_conv2d_backprop_filter", v1=["nn.depthwise_conv2d_backprop_filter"])
def depthwise_conv2d_backprop_filter(
    input,
    filter_sizes,
    out_backprop,
    strides,
    padding,
    data_format="NHWC",
    dilations=[1, 1, 1, 1],  # noqa: B006  (as TensorFlow shows it)
    name=None,
):
    """The gradient of `depthwise_conv2d` with respect to its filter.

    Args:
      input: `[batch, height, width, c]`, floats.
      filter_sizes: int32 `[4]`: the shape of the convolution's filter.
      out_backprop, strides, padding, data_format, dilations, name: as
        `tf.nn.depthwise_conv2d_backprop_input`'s.

    Returns:
      A tensor of shape `filter_sizes` and of the dtype of `input`.
    """
    how, explicit = explicit_padding(padding)
    return raw.DepthwiseConv2dNativeBackpropFilter(
        input=input,
        filter_sizes=filter_sizes,
        out_backprop=out_backprop,
        strides=strides,
        padding=how,
        explicit_paddings=explicit,
        data_format=data_format,
        dilations=dilations,
        name=name,
    )
