"""Pooling over windows of one, two and three spatial axes, and morphology."""

import numpy as np

from penstock._src.api.array.axes import of_rank
from penstock._src.api.extending.dispatch import dispatchable
from penstock._src.api.random.seeds import get_seed
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import scope_in_graph
from penstock._src.core.registry import raw
from penstock._src.ops.rules import shape_of

from .convolution import _FORMATS, windows
from .space_to_batch import channel_axis_of, explicit_padding


def _layout(rank, data_format):
    spatial = rank - 2
    first, second = _FORMATS[spatial]
    return second if channel_axis_of(data_format) == 1 else first


def _pool_2d(kind, x, size, strides, padding, data_format, name):
    how, explicit = explicit_padding(padding)
    channel = channel_axis_of(data_format)
    attrs = dict(
        ksize=windows(size, 2, channel, "ksize"),
        strides=windows(strides, 2, channel, "strides"),
        padding=how,
        data_format=data_format,
        name=name,
    )
    if kind == "AVG":
        if how == "EXPLICIT":
            raise ValueError("avg_pool2d: explicit padding is not supported.")
        return raw.AvgPool(value=x, **attrs)
    return raw.MaxPool(input=x, explicit_paddings=explicit, **attrs)


def _pool_3d(kind, x, size, strides, padding, data_format, name):
    channel = channel_axis_of(data_format)
    op = raw.AvgPool3D if kind == "AVG" else raw.MaxPool3D
    return op(
        input=x,
        ksize=windows(size, 3, channel, "ksize"),
        strides=windows(strides, 3, channel, "strides"),
        padding=padding,
        data_format=data_format,
        name=name,
    )


def _pool_1d(kind, x, size, strides, padding, data_format, name):
    x = convert_to_tensor(x)
    first = channel_axis_of(data_format) == 1
    place = 2 if first else 1
    size = windows(size, 1, 1 if first else -1, "ksize")
    strides = windows(strides, 1, 1 if first else -1, "strides")
    size.insert(place, 1)
    strides.insert(place, 1)
    if not isinstance(padding, str):
        pairs = list(padding)
        pairs.insert(place, [0, 0])
        padding = pairs
    wide = raw.ExpandDims(input=x, axis=place)
    layout = "NCHW" if first else "NHWC"
    out = _pool_2d(kind, wide, size, strides, padding, layout, name)
    return raw.Squeeze(input=out, axis=[place])


def _pool(kind, x, size, strides, padding, data_format, name):
    x = convert_to_tensor(x, name="input")
    rank = x._rank()
    if rank is None and data_format is not None:
        rank = len(data_format)
    if rank not in (3, 4, 5):
        raise ValueError(
            "`input.shape.rank` must be 3, 4 or 5.  Received: input.shape="
            f"{x.shape} of rank {rank}."
        )
    arguments = (kind, x, size, strides, padding, _layout(rank, data_format))
    if rank == 3:
        with scope_in_graph(name, "MaxPool1d" if kind == "MAX" else "AvgPool1D") as scope:
            return _pool_1d(*arguments, scope)
    if rank == 4:
        return _pool_2d(*arguments, name or ("MaxPool2d" if kind == "MAX" else None))
    return _pool_3d(*arguments, name)


@dispatchable("nn.max_pool", v1=["nn.max_pool_v2"], direct=True)
def max_pool(input, ksize, strides, padding, data_format=None, name=None):
    """Returns the greatest entry of each window, over 1, 2 or 3 spatial axes.

    Of equal entries the first one gets the gradient.

    Args:
      input: numbers, `[batch, *spatial, channels]`, or channels second if `data_format` begins
        with "NC".
      ksize: the size of the windows: an integer, one for each spatial axis, or one for each axis.
      strides: how far the windows move, given like `ksize`.
      padding: "SAME", "VALID", or a list of pairs for explicit padding; what is added never
        counts as greatest.
      data_format: such as "NWC", "NHWC" (the default for images) or "NCHW".
      name: a name for the operation.

    Returns:
      A tensor of the rank and dtype of `input`.

    Raises:
      ValueError: the ranks do not fit.
      InvalidArgumentError: a window does not fit into the input.

    >>> x = tf.reshape([1.0, 5.0, 2.0, 4.0], [1, 4, 1])
    >>> tf.nn.max_pool(x, ksize=2, strides=2, padding="VALID").numpy().ravel()
    array([5., 4.], dtype=float32)
    """
    return _pool("MAX", input, ksize, strides, padding, data_format, name)


@dispatchable("nn.avg_pool", v1=["nn.avg_pool_v2"], direct=True)
def avg_pool(input, ksize, strides, padding, data_format=None, name=None):
    """Returns the mean of each window, over 1, 2 or 3 spatial axes.

    Entries that padding adds do not count.

    Args:
      input: floats, `[batch, *spatial, channels]`, or channels second if `data_format` begins
        with "NC".
      ksize: the size of the windows: an integer, one for each spatial axis, or one for each axis.
      strides: how far the windows move, given like `ksize`.
      padding: "SAME" or "VALID".
      data_format: such as "NWC", "NHWC" (the default for images) or "NCHW".
      name: a name for the operation.

    Returns:
      A tensor of the rank and dtype of `input`.

    Raises:
      ValueError: the ranks do not fit.

    >>> x = tf.reshape([1.0, 5.0, 2.0, 4.0, 9.0], [1, 5, 1])
    >>> tf.nn.avg_pool(x, ksize=2, strides=2, padding="SAME").numpy().ravel()
    array([3., 3., 9.], dtype=float32)
    """
    return _pool("AVG", input, ksize, strides, padding, data_format, name)


@dispatchable("nn.max_pool1d", scope="MaxPool1d")
def max_pool1d(input, ksize, strides, padding, data_format="NWC", name=None):
    """The greatest entry of each window of sequences.

    Args:
      input: numbers, `[batch, length, channels]`, or channels second for "NCW".
      ksize: the size of the windows, an integer or a list of 1 or 3.
      strides: how far the windows move, given like `ksize`.
      padding: "SAME", "VALID", or three pairs for explicit padding.
      data_format: "NWC" or "NCW".
      name: a name for the operation.

    Returns:
      A tensor of rank 3.
    """
    return _pool_1d("MAX", input, ksize, strides, padding, data_format or "NWC", name)


@dispatchable("nn.max_pool2d", direct=True)
def max_pool2d(input, ksize, strides, padding, data_format="NHWC", name=None):
    """Returns the greatest entry of each window of images.

    Args:
      input: numbers, `[batch, height, width, channels]`, or channels second for "NCHW".
      ksize: the size of the windows: an integer, or a list of 1, 2 or 4.
      strides: how far the windows move, given like `ksize`.
      padding: "SAME", "VALID", or four pairs for explicit padding.
      data_format: "NHWC" or "NCHW".
      name: a name for the operation.

    Returns:
      A tensor of rank 4.

    Raises:
      InvalidArgumentError: a window does not fit into the input.

    >>> x = tf.reshape(tf.range(16.0), [1, 4, 4, 1])
    >>> tf.nn.max_pool2d(x, ksize=2, strides=2, padding="VALID").numpy()[0, :, :, 0]
    array([[ 5.,  7.],
           [13., 15.]], dtype=float32)
    """
    layout, name = data_format or "NHWC", name or "MaxPool2d"
    return _pool_2d("MAX", input, ksize, strides, padding, layout, name)


@dispatchable("nn.max_pool3d", direct=True)
def max_pool3d(input, ksize, strides, padding, data_format="NDHWC", name=None):
    """The greatest entry of each window of volumes.

    Args:
      input: numbers, `[batch, depth, height, width, channels]`, or channels second for "NCDHW".
      ksize: the size of the windows: an integer, or a list of 1, 3 or 5.
      strides: how far the windows move, given like `ksize`.
      padding: "SAME" or "VALID".
      data_format: "NDHWC" or "NCDHW".
      name: a name for the operation.

    Returns:
      A tensor of rank 5.
    """
    return _pool_3d("MAX", input, ksize, strides, padding, data_format or "NDHWC", name)


@dispatchable("nn.avg_pool1d", scope="AvgPool1D")
def avg_pool1d(input, ksize, strides, padding, data_format="NWC", name=None):
    """The mean of each window of sequences.

    Args:
      input: floats, `[batch, length, channels]`, or channels second for "NCW".
      ksize: the size of the windows, an integer or a list of 1 or 3.
      strides: how far the windows move, given like `ksize`.
      padding: "SAME" or "VALID".
      data_format: "NWC" or "NCW".
      name: a name for the operation.

    Returns:
      A tensor of rank 3.
    """
    return _pool_1d("AVG", input, ksize, strides, padding, data_format or "NWC", name)


@dispatchable("nn.avg_pool2d", v1=[], direct=True)
def avg_pool2d(input, ksize, strides, padding, data_format="NHWC", name=None):
    """The mean of each window of images.

    Args:
      input: floats, `[batch, height, width, channels]`, or channels second for "NCHW".
      ksize: the size of the windows: an integer, or a list of 1, 2 or 4.
      strides: how far the windows move, given like `ksize`.
      padding: "SAME" or "VALID".
      data_format: "NHWC" or "NCHW".
      name: a name for the operation.

    Returns:
      A tensor of rank 4.
    """
    layout, name = data_format or "NHWC", name or "AvgPool2D"
    return _pool_2d("AVG", input, ksize, strides, padding, layout, name)


@dispatchable("nn.avg_pool3d", direct=True)
def avg_pool3d(input, ksize, strides, padding, data_format="NDHWC", name=None):
    """The mean of each window of volumes.

    Args:
      input: floats, `[batch, depth, height, width, channels]`, or channels second for "NCDHW".
      ksize: the size of the windows: an integer, or a list of 1, 3 or 5.
      strides: how far the windows move, given like `ksize`.
      padding: "SAME" or "VALID".
      data_format: "NDHWC" or "NCDHW".
      name: a name for the operation.

    Returns:
      A tensor of rank 5.
    """
    return _pool_3d("AVG", input, ksize, strides, padding, data_format or "NDHWC", name)


@dispatchable("nn.pool", v1=[])
def pool(
    input,
    window_shape,
    pooling_type,
    strides=None,
    padding="VALID",
    data_format=None,
    dilations=None,
    name=None,
):
    """Returns the maximum or mean of each window. Windows may be dilated.

    Args:
      input: floats, `[batch, *spatial, channels]`, or channels second if `data_format` begins
        with "NC".
      window_shape: a list of one integer for each spatial axis.
      pooling_type: "MAX" or "AVG".
      strides: a list of one integer for each spatial axis, by default 1.
      padding: "SAME", "VALID", or pairs for explicit padding.
      data_format: such as "NWC", "NHWC" or "NCHW".
      dilations: a list of one integer for each spatial axis, by default 1: the distance of the
        entries of a window.
      name: a name for the operation.

    Returns:
      A tensor of the rank and dtype of `input`.

    Raises:
      ValueError: `pooling_type` is another word, or both strides and dilations exceed 1.

    >>> x = tf.reshape([1.0, 5.0, 2.0, 4.0], [1, 4, 1])
    >>> tf.nn.pool(x, [2], "MAX", dilations=[2]).numpy().ravel()
    array([2., 5.], dtype=float32)
    """
    if pooling_type not in ("MAX", "AVG"):
        raise ValueError(f"`pooling_type` must be 'MAX' or 'AVG'. Received {pooling_type}.")
    spatial = len(window_shape)
    x = of_rank(convert_to_tensor(input, name="input"), spatial + 2)
    x.shape.assert_has_rank(spatial + 2)
    rates = [1] * spatial if dilations is None else list(dilations)
    steps = [1] * spatial if strides is None else list(strides)
    if all(r == 1 for r in rates):
        name = name or f"{pooling_type.lower()}_pool"
        return _pool(pooling_type, x, list(window_shape), steps, padding, data_format, name)
    if any(s > 1 for s in steps):
        raise ValueError(
            "`strides > 1` not supported in conjunction with `dilations > 1`. Received: "
            f"strides={strides} and dilations={dilations}"
        )
    first = channel_axis_of(data_format) == 1
    if padding != "VALID":
        raise ValueError(
            "pooling with 'SAME' padding is not implemented for `dilation_rate` > 1. Received: "
            f"padding={padding} and dilation_rate={rates}"
        )
    if first:
        rank = x.shape.rank
        x = raw.Transpose(x=x, perm=np.array([0, *range(2, rank), 1], np.int32))
    result = _dilated_pool(pooling_type, x, list(window_shape), rates)
    if first:
        rank = result.shape.rank
        perm = np.array([0, rank - 1, *range(1, rank - 1)], np.int32)
        result = raw.Transpose(x=result, perm=perm)
    return result


def _dilated_pool(kind, x, window, rates):
    """Pools with dilated windows: each interleaved grid is one element of a batch."""
    blocks = np.array(rates, np.int32)
    sizes = shape_of(x)[1:-1]
    if isinstance(sizes, np.ndarray):
        pads = np.stack([np.zeros_like(blocks), -sizes % blocks], 1).astype(np.int32)
    else:
        extra = raw.FloorMod(x=-sizes, y=blocks)
        pads = raw.Pack(values=[raw.ZerosLike(x=extra), extra], axis=1)
    grids = raw.SpaceToBatchND(input=x, block_shape=blocks, paddings=pads)
    pooled = _pool(kind, grids, window, [1] * len(window), "VALID", None, None)
    return raw.BatchToSpaceND(input=pooled, block_shape=blocks, crops=pads)


@dispatchable("nn.max_pool_with_argmax", v1=[])
def max_pool_with_argmax(
    input,
    ksize,
    strides,
    padding,
    data_format="NHWC",
    output_dtype=dtypes.int64,
    include_batch_in_index=False,
    name=None,
):
    """The greatest entry of each window of NHWC images, and its flat position.

    Args:
      input: `[batch, height, width, c]`, real numbers.
      ksize: an int or a list of 1, 2 or 4: the size of windows.
      strides: an int or a list of 1, 2 or 4: the steps between windows.
      padding: "SAME" or "VALID".
      data_format: "NHWC".
      output_dtype: of the positions: int32 or int64.
      include_batch_in_index: whether positions count from the first image; otherwise from each
        image's own beginning.
      name: of the operation.

    Returns:
      (output, argmax), each `[batch, height', width', c]`.

    Raises:
      ValueError: `data_format` is not "NHWC".
    """
    if data_format != "NHWC":
        raise ValueError(
            f"`data_format` values other  than 'NHWC' are not supported. {data_format}"
        )
    return raw.MaxPoolWithArgmax(
        input=input,
        ksize=windows(ksize, 2, -1, "ksize"),
        strides=windows(strides, 2, -1, "strides"),
        padding=padding,
        Targmax=dtypes.as_dtype(output_dtype),
        include_batch_in_index=include_batch_in_index,
        name=name,
    )


def _fractional_ratio(ratio):
    """The ratio of each dimension; a single number applies to rows and columns."""
    if isinstance(ratio, (int, float)):
        ratio = [1.0, ratio, ratio, 1.0]
    elif not isinstance(ratio, (list, tuple)):
        raise ValueError(
            f"`pooling_ratio` should be an int or a list of ints. Received: pooling_ratio={ratio}"
        )
    if ratio[0] != 1.0 or ratio[-1] != 1.0:
        raise ValueError(
            "`pooling_ratio` should have first and last elements with value 1.0. "
            f"Received: pooling_ratio={ratio}"
        )
    if min(ratio) < 1.0:
        raise ValueError(f"`pooling_ratio` should be >= 1.0. Received: pooling_ratio={ratio}")
    return list(ratio)


def _fractional(op, value, ratio, pseudo_random, overlapping, seed, name):
    first, second = (0, 0) if seed == 0 else get_seed(seed)
    return op(
        value=value,
        pooling_ratio=ratio,
        pseudo_random=pseudo_random,
        overlapping=overlapping,
        deterministic=seed != 0,
        seed=first,
        seed2=second,
        name=name,
    )


@dispatchable("nn.fractional_max_pool", v1=[])
def fractional_max_pool(
    value, pooling_ratio, pseudo_random=False, overlapping=False, seed=0, name=None
):
    """Max pooling over windows of random sizes, which shrinks sizes by `pooling_ratio`.

    Args:
      value: `[batch, height, width, c]`, real numbers.
      pooling_ratio: a number of at least 1, or four numbers; the first and last must be 1.
      pseudo_random: whether sizes follow a pattern with a random start; otherwise they are in
        random order.
      overlapping: whether neighboring windows share a row or column.
      seed: an int; 0 for other windows in each run of the program.
      name: of the operation.

    Returns:
      A named tuple: the `output` of the dtype of `value`, and the int64 bounds of windows,
      `row_pooling_sequence` and `col_pooling_sequence`.
    """
    return _fractional(
        raw.FractionalMaxPool,
        value,
        _fractional_ratio(pooling_ratio),
        pseudo_random,
        overlapping,
        seed,
        name,
    )


@dispatchable("nn.fractional_avg_pool", v1=[])
def fractional_avg_pool(
    value, pooling_ratio, pseudo_random=False, overlapping=False, seed=0, name=None
):
    """Average pooling over windows of random sizes, which shrinks sizes by `pooling_ratio`.

    Args:
      value: `[batch, height, width, c]`, real numbers.
      pooling_ratio: four numbers of at least 1; the first and last are 1.
      pseudo_random, overlapping, seed, name: as `tf.nn.fractional_max_pool`'s.

    Returns:
      What `tf.nn.fractional_max_pool` returns.
    """
    return _fractional(
        raw.FractionalAvgPool, value, pooling_ratio, pseudo_random, overlapping, seed, name
    )


@dispatchable("nn.dilation2d", v1=[])
def dilation2d(input, filters, strides, padding, data_format, dilations, name=None):
    """Gray-scale dilation: the maximum of image plus filter over each window.

    Args:
      input: `[batch, height, width, c]`, real numbers.
      filters: `[height, width, c]` of the same dtype.
      strides: four ints; 1 for batch and channels.
      padding: "SAME" or "VALID".
      data_format: "NHWC".
      dilations: four ints: the distances between the pixels that a filter reads.
      name: of the operation.

    Returns:
      `[batch, height', width', c]` of the same dtype.

    Raises:
      ValueError: `data_format` is not "NHWC".
    """
    if data_format != "NHWC":
        raise ValueError(
            f"`data_format` values other  than 'NHWC' are not supported. {data_format}"
        )
    return raw.Dilation2D(
        input=input, filter=filters, strides=strides, rates=dilations, padding=padding, name=name
    )


@dispatchable("nn.erosion2d", v1=[], scope="erosion2d")
def erosion2d(value, filters, strides, padding, data_format, dilations, name=None):
    """Gray-scale erosion: the minimum of image minus filter over each window.

    Args:
      value, filters, strides, padding, data_format, dilations, name: as `tf.nn.dilation2d`'s.

    Returns:
      `[batch, height', width', c]` of the dtype of `value`.

    Raises:
      ValueError: `data_format` is not "NHWC".
    """
    if data_format != "NHWC":
        raise ValueError(
            f"`data_format` values other  than 'NHWC' are not supported. {data_format}"
        )
    flipped = raw.ReverseV2(tensor=filters, axis=[0, 1])
    turned = raw.Dilation2D(
        input=-convert_to_tensor(value),
        filter=flipped,
        strides=strides,
        rates=dilations,
        padding=padding,
    )
    return raw.Neg(x=turned, name=name)


@dispatchable("nn.space_to_depth", v1=[])
def space_to_depth(input, block_size, data_format="NHWC", name=None):
    """Returns images with square blocks of pixels moved to channels.

    Args:
      input: `[batch, height, width, channels]` for "NHWC".
      block_size: the side of the blocks, which divides height and width; at least 2.
      data_format: "NHWC", "NCHW" or "NCHW_VECT_C".
      name: a name for the operation.

    Returns:
      `[batch, height / block_size, width / block_size, channels * block_size**2]`.

    Raises:
      InvalidArgumentError: `block_size` does not divide height and width.

    >>> tf.nn.space_to_depth([[[[1], [2]], [[3], [4]]]], 2).numpy()
    array([[[[1, 2, 3, 4]]]], dtype=int32)
    """
    return raw.SpaceToDepth(input=input, block_size=block_size, data_format=data_format, name=name)


@dispatchable("nn.depth_to_space", v1=[])
def depth_to_space(input, block_size, data_format="NHWC", name=None):
    """Returns images with channels moved to square blocks of pixels.

    It undoes `tf.nn.space_to_depth`.

    Args:
      input: `[batch, height, width, channels]` for "NHWC".
      block_size: the side of the blocks, whose square divides the channels; at least 2.
      data_format: "NHWC", "NCHW" or "NCHW_VECT_C".
      name: a name for the operation.

    Returns:
      `[batch, height * block_size, width * block_size, channels / block_size**2]`.

    Raises:
      InvalidArgumentError: the square of `block_size` does not divide the channels.

    >>> tf.nn.depth_to_space([[[[1, 2, 3, 4]]]], 2).numpy()[0, :, :, 0]
    array([[1, 2],
           [3, 4]], dtype=int32)
    """
    return raw.DepthToSpace(input=input, block_size=block_size, data_format=data_format, name=name)
