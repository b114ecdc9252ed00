"""Convolutions, transposed and deformable ones, Col2Im.

Channels come first in ONNX. The kernels of Penstock are fastest with channels last, so inputs are transposed on the way
in and back on the way out; the compiler removes transposes that follow on one another.
"""

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.errors import InvalidArgumentError, UnimplementedError
from penstock._src.core.registry import raw
from penstock._src.formats.onnx.reading import tensors as t
from penstock._src.formats.onnx.reading.ops.integer_products import shifted
from penstock._src.formats.onnx.reading.ops.nn.activations import swish
from penstock._src.formats.onnx.reading.ops.nn.pads import (
    Pads,
    are_known,
    explicit,
    known_pads,
    padded,
    window_pads,
)
from penstock._src.formats.onnx.reading.registry import Node, reads

_MOST = 255  # the greatest difference of two numbers of one type of 8 bits
_WHOLE_FLOATS = 1 << 24  # float32 holds all integers up to this one


def last(x: Any) -> Any:
    """Moves channels after the spatial dimensions."""
    return t.transpose(x, [0, *range(2, t.rank(x)), 1])


def first(x: Any) -> Any:
    """Channels before the spatial dimensions."""
    dimensions = t.rank(x)
    return t.transpose(x, [0, dimensions - 1, *range(1, dimensions - 1)])


def per_dimension(n: Node, name: str, count: int, default: int = 1) -> list[int]:
    """An attribute with an entry for each spatial dimension."""
    values = n.attr(name, [default] * count)
    if len(values) != count or any(v < 1 for v in values):
        raise InvalidArgumentError(f"{name} must be {count} positive numbers. Received: {values}")
    return values


def convolved(
    x: Any,
    w: Any,
    strides: Sequence[int],
    pads: Pads,
    dilations: Sequence[int],
    groups: int,
    bias: Any = None,
) -> Any:
    """The convolution of x [batch, channels, spatial...] with w [out, channels / groups, spatial...], and a bias for each channel."""
    spatial = t.rank(x) - 2
    if spatial == 1:  # as images of one row
        x, w = t.expand_dims(x, [2]), t.expand_dims(w, [2])
        y = convolved(x, w, [1, *strides], [(0, 0), *pads], [1, *dilations], groups, bias)
        return raw.Squeeze(y, axis=[2])
    if spatial not in (2, 3):
        raise UnimplementedError(f"a convolution over {spatial} dimensions is not supported.")
    y = _channels_last(last(x), w, strides, pads, dilations, groups)
    return first(y if bias is None else raw.AddV2(y, bias))


def _channels_last(
    x: Any, w: Any, strides: Sequence[int], pads: Pads, dilations: Sequence[int], groups: int
) -> Any:
    spatial = len(strides)
    filters = t.transpose(w, [*range(2, 2 + spatial), 1, 0])
    if not are_known(pads):
        channels = x.shape.as_list()[-1]
        x, pads = padded(x, pads, channels_last=True), [(0, 0)] * spatial
        if channels is not None:  # which padding by computed widths loses
            x = raw.EnsureShape(x, shape=[None] * (spatial + 1) + [channels])
    if any(a < 0 or b < 0 for a, b in pads):
        raise InvalidArgumentError(f"pads must not be negative. Received: {pads}")
    if spatial == 2:
        padding = explicit(pads)
        channels, per_group = x.shape.as_list()[3], w.shape.as_list()[1]
        if groups > 1 and groups == channels and per_group == 1 and strides[0] == strides[1]:
            outputs, _, *kernel = t.extents(w)
            shape = [*kernel, channels, outputs // channels]
            # Outputs of a group follow on one another in both layouts.
            depthwise = t.reshape(t.transpose(w, [2, 3, 1, 0]), shape)
            return raw.DepthwiseConv2dNative(
                x,
                depthwise,
                strides=[1, *strides, 1],
                dilations=[1, *dilations, 1],
                **padding,
            )
        return raw.Conv2D(
            x, filters, strides=[1, *strides, 1], dilations=[1, *dilations, 1], **padding
        )
    x = padded(x, pads, channels_last=True)
    if groups == 1:  # an op that more formats have than the general one
        return raw.Conv3D(
            x,
            filters,
            strides=[1, *strides, 1],
            padding="VALID",
            dilations=[1, *dilations, 1],
        )
    return raw.Conv(
        x,
        filters,
        strides=[1, *strides, 1],
        padding="VALID",
        dilations=[1, *dilations, 1],
        groups=groups,
    )


def _window(n: Node, x: Any, w: Any) -> tuple[list[int], Pads, list[int]]:
    """Strides, pads and dilations of a convolution."""
    spatial = t.rank(x) - 2
    strides = per_dimension(n, "strides", spatial)
    dilations = per_dimension(n, "dilations", spatial)
    pads = window_pads(n, t.extents(x)[2:], t.extents(w)[2:], strides, dilations)
    return strides, pads, dilations


def _filters(n: Node, x: Any, w: Any, channels: int | None, axis: int) -> Any:
    """The weights of a node. The model may not declare their extents: those implied by the node and its input are checked when it runs.

    Args:
      n: the node.
      x: its input.
      w: the weights.
      channels: how many the weights must have along an axis; None if that is not known.
      axis: that axis.
    """
    if t.rank(w) != t.rank(x):
        raise InvalidArgumentError(f"the weights {w.shape} do not fit an input {x.shape}.")
    declared = w.shape.as_list()
    kernel = n.attr("kernel_shape", declared[2:])
    told: list[int | None] = [None, None, *kernel]
    told[axis] = channels
    if len(told) != len(declared) or _contradict(kernel, declared[2:]):
        raise InvalidArgumentError(f"kernel_shape {kernel} is not that of the weights, {w.shape}.")
    if _contradict([channels], [declared[axis]]):
        raise InvalidArgumentError(
            f"{x.shape.as_list()[1]} channels do not form {n.attr('group', 1)} groups for the weights {w.shape}."
        )
    both = [b if a is None else a for a, b in zip(declared, told, strict=True)]
    return w if both == declared else raw.EnsureShape(w, shape=both)


def _contradict(some: Sequence[int | None], others: Sequence[int | None]) -> bool:
    """True if two lists of extents cannot be of one tensor; None is an extent that is not known."""
    return any(a != b for a, b in zip(some, others) if a is not None and b is not None)


def _per_group(n: Node, x: Any) -> int | None:
    """The channels of x in a group; None if the model does not declare the number of channels."""
    groups, channels = n.attr("group", 1), x.shape.as_list()[1]
    if groups < 1 or (channels is not None and channels % groups):
        raise InvalidArgumentError(f"{channels} channels do not form {groups} groups.")
    return None if channels is None else channels // groups


@reads("Conv")
def convolution(n: Node, x: Any, w: Any, b: Any = None) -> Any:
    """The convolution of x with the windows of the node, and a bias for each channel."""
    x = t.of_rank(x, t.rank(w))
    w = _filters(n, x, w, _per_group(n, x), axis=1)
    strides, pads, dilations = _window(n, x, w)
    groups = n.attr("group", 1)
    return convolved(_of_channels(x, w, groups), w, strides, pads, dilations, groups, b)


def _of_channels(x: Any, w: Any, groups: int) -> Any:
    """x with the number of channels that the weights take, where the model does not declare it: other formats need it."""
    per_group, shape = w.shape.as_list()[1], x.shape.as_list()
    if per_group is None or shape[1] is not None:
        return x
    return raw.EnsureShape(x, shape=[shape[0], groups * per_group, *shape[2:]])


@reads("ConvInteger", settings=(2, 3))
def _conv_integer(n: Node, x: Any, w: Any, x_zero: Any = None, w_zero: Any = None) -> Any:
    return integer_convolution(n, x, x_zero, w, w_zero)


def integer_convolution(n: Node, x: Any, x_zero: Any, w: Any, w_zero: Any) -> Any:
    """The convolution of integers of 8 bits less their zero points, as int32; windows are the node's."""
    w = _filters(n, x, w, _per_group(n, x), axis=1)
    strides, pads, dilations = _window(n, x, w)
    groups = n.attr("group", 1)
    most = _MOST if x_zero is None or x_zero.dtype == x.dtype else 2 * _MOST
    known = _known_filters(w, w_zero)
    dtype = dtypes.float32 if _largest_sum(w, known) * most <= _WHOLE_FLOATS else dtypes.float64
    # Constants of the type that is multiplied are packed once.
    w = t.cast(shifted(w, w_zero, 0), dtype) if known is None else t.constant(known, dtype)
    y = convolved(t.cast(shifted(x, x_zero), dtype), w, strides, pads, dilations, groups)
    return t.cast(y, dtypes.int32)


def _known_filters(w: Any, zero: Any) -> np.ndarray | None:
    """Filters less their zero points, if both are constants."""
    known, zero = t.known(w), np.int32(0) if zero is None else t.known(zero)
    if known is None or zero is None:
        return None
    each = zero.astype(np.int32).reshape(-1, *[1] * (known.ndim - 1))
    return known.astype(np.int32) - each


def _largest_sum(w: Any, known: np.ndarray | None) -> float:
    """A bound of the sums of the absolute values of filters less their zero points, so of any part of a sum of products with ones."""
    if known is not None:
        sums = np.abs(known).reshape(len(known), -1).sum(1, dtype=np.int64)
        return float(sums.max(initial=0))
    extents = w.shape.as_list()[1:]
    return float("inf") if None in extents else 2.0 * _MOST * prod(extents)


@reads("ConvTranspose")
def _conv_transpose(n: Node, x: Any, w: Any, b: Any = None) -> Any:
    x = t.of_rank(x, t.rank(w))
    spatial = t.rank(x) - 2
    w = _filters(n, x, w, x.shape.as_list()[1], axis=0)
    kernel = t.extents(w)[2:]
    strides = per_dimension(n, "strides", spatial)
    dilations = per_dimension(n, "dilations", spatial)
    extra = n.attr("output_padding", [0] * spatial)
    groups = n.attr("group", 1)
    _per_group(n, x)
    pads = _transposed_pads(n, t.extents(x)[2:], kernel, strides, dilations, extra)
    return transposed(x, w, strides, pads, dilations, extra, groups, b)


def _transposed_pads(
    n: Node,
    sizes: Sequence[Any],
    kernel: Sequence[Any],
    strides: Sequence[int],
    dilations: Sequence[int],
    extra: Sequence[int],
) -> Pads:
    """The rows that a transposed convolution removes before and after each spatial dimension."""
    shape, mode = n.attr("output_shape", None), n.attr("auto_pad", "NOTSET")
    if shape is None and mode not in ("SAME_UPPER", "SAME_LOWER"):
        return known_pads(n, window_pads(n, sizes, kernel, strides, dilations))
    pads: Pads = []
    for i, size in enumerate(sizes):
        reach = (kernel[i] - 1) * dilations[i] + 1 + extra[i]
        if shape is None:  # size * stride rows, or fewer where the windows leave rows between them
            total, lack = t.at_least(reach - strides[i], 0), 0
        else:
            total = (size - 1) * strides[i] + reach - shape[len(shape) - len(sizes) + i]
            # Rows that no window reaches are at the end.
            total, lack = t.at_least(total, 0), t.at_least(0 - total, 0)
        less = total // 2
        before, after = (less, total - less) if mode == "SAME_UPPER" else (total - less, less)
        pads.append((before, after - lack))
    return pads


def transposed(
    x: Any,
    w: Any,
    strides: Sequence[int],
    pads: Pads,
    dilations: Sequence[int],
    extra: Sequence[int],
    groups: int,
    bias: Any = None,
) -> Any:
    """The transposed convolution of x with w [channels, out / groups, spatial...]: zeros are put between the rows
    of x, and the result is convolved with the weights turned around."""
    spatial = len(strides)
    channels, outputs, *kernel = t.extents(w)
    if _is_gradient(x, strides, pads, extra, groups):
        y = _as_gradient(last(x), w, strides, pads, dilations, extra)
        return first(y if bias is None else raw.AddV2(y, bias))
    spread = last(x)
    for axis, stride in enumerate(strides, 1):
        spread = _spread(spread, axis, stride)
    whole = [((k - 1) * d, (k - 1) * d + e) for k, d, e in zip(kernel, dilations, extra)]
    is_known = are_known(whole) and are_known(pads)
    if is_known:
        around = [(a - less, b - more) for (a, b), (less, more) in zip(whole, pads)]
        spread, around = _cut_negative(spread, around)
    else:
        around = [(a, b + t.at_least(0 - more, 0)) for (a, b), (_, more) in zip(whole, pads)]
    turned = raw.ReverseV2(w, np.arange(2, 2 + spatial, dtype=np.int32))
    split = t.reshape(turned, [groups, channels // groups, outputs, *kernel])
    swapped = t.transpose(split, [0, 2, 1, *range(3, 3 + spatial)])
    flat = t.reshape(swapped, [t.product([groups, outputs]), channels // groups, *kernel])
    y = convolved(first(spread), flat, [1] * spatial, around, dilations, groups, bias)
    if is_known:
        return y
    return _cut(y, [(less, t.at_least(more, 0)) for less, more in pads])


def _cut(y: Any, pads: Pads) -> Any:
    """y without rows before and after each spatial dimension."""
    ends = [size - more for size, (_, more) in zip(t.extents(y)[2:], pads, strict=True)]
    begins = t.vector([0, 0, *(less for less, _ in pads)])
    strides = np.ones(t.rank(y), np.int64)
    return raw.StridedSlice(y, begins, t.vector([0, 0, *ends]), strides, begin_mask=3, end_mask=3)


def _is_gradient(
    x: Any, strides: Sequence[int], pads: Pads, extra: Sequence[int], groups: int
) -> bool:
    """True if it is the gradient of a convolution of images, which leaves no row of its result out."""
    is_image = len(strides) == 2 and groups == 1 and x.dtype.is_floating
    is_whole = all(0 <= e < s for e, s in zip(extra, strides))
    is_inside = are_known(pads) and all(v >= 0 for pair in pads for v in pair)
    return is_image and is_whole and is_inside


def _as_gradient(
    x: Any,
    w: Any,
    strides: Sequence[int],
    pads: Pads,
    dilations: Sequence[int],
    extra: Sequence[int],
) -> Any:
    """The transposed convolution of images with channels last."""
    batch, *sizes, _ = t.extents(x)
    _, outputs, *kernel = t.extents(w)
    result = [
        (size - 1) * stride + (k - 1) * dilation + 1 + e - before - after
        for size, stride, k, dilation, e, (before, after) in zip(
            sizes, strides, kernel, dilations, extra, pads, strict=True
        )
    ]
    return raw.Conv2DBackpropInput(
        t.cast(t.vector([batch, *result, outputs]), dtypes.int32),
        t.transpose(w, [2, 3, 1, 0]),
        x,
        strides=[1, *strides, 1],
        dilations=[1, *dilations, 1],
        **explicit(pads),
    )


def _spread(x: Any, axis: int, stride: int) -> Any:
    """x with `stride - 1` rows of zeros between its rows along an axis."""
    if stride == 1:
        return x
    sizes = t.extents(x)
    stacked = t.expand_dims(x, [axis + 1])
    amounts = np.zeros((t.rank(stacked), 2), np.int32)
    amounts[axis + 1, 1] = stride - 1
    padded = raw.Pad(stacked, amounts)
    sizes[axis] = t.product([sizes[axis], stride])
    return t.slice_along(t.reshape(padded, sizes), axis, None, 1 - stride)


def _cut_negative(x: Any, pads: Pads) -> tuple[Any, Pads]:
    """x without the rows that negative pads take away, and the others."""
    for axis, (before, after) in enumerate(pads, 1):
        if before < 0 or after < 0:
            x = t.slice_along(
                x, axis, -before if before < 0 else None, after if after < 0 else None
            )
    return x, [(max(a, 0), max(b, 0)) for a, b in pads]


@reads("CausalConvWithState")
def _causal_conv_with_state(n: Node, x: Any, w: Any, b: Any = None, past: Any = None) -> Any:
    channels, width = w.shape.as_list()[0], w.shape.as_list()[2]
    if past is None:
        past = raw.Fill(t.vector([t.extents(x)[0], channels, width - 1]), t.like(0, x))
    joined = t.concat([past, x], 2)
    y = convolved(joined, w, [1], [(0, 0)], [1], channels)
    y = y if b is None else raw.AddV2(y, t.aligned(b, 3, 1))
    if n.attr("activation", "none") in ("silu", "swish"):
        y = swish(y)
    elif n.attr("activation", "none") != "none":
        raise UnimplementedError(f"the activation '{n.attr('activation')}' is not supported.")
    size = t.extent(joined, 2)
    kept = t.numbers(width - 1)
    rows = raw.AddV2(raw.Sub(size, t.int64(width - 1)), kept)
    return y, t.batched_gather(joined, rows, 2)


@reads("Col2Im", settings=(1, 2))
def _col2im(n: Node, x: Any, image: Any, block: Any) -> Any:
    """Columns of blocks added up where they came from."""
    # Where the model does not say how many entries they have, attributes do.
    told = len(n.attr("dilations", n.attr("strides", []))) or len(n.attr("pads", [])) // 2
    spatial = image.shape.num_elements() or block.shape.num_elements() or told
    if not spatial:
        raise UnimplementedError("image_shape and block_shape of a size that is not known.")
    image_shape, block_shape = _entries(image, spatial), _entries(block, spatial)
    strides = per_dimension(n, "strides", spatial)
    dilations = per_dimension(n, "dilations", spatial)
    pads = known_pads(n, window_pads(n, image_shape, block_shape, strides, dilations))
    padded = [s + a + b for s, (a, b) in zip(image_shape, pads)]
    counts = [
        (p - (k - 1) * d - 1) // s + 1
        for p, k, s, d in zip(padded, block_shape, strides, dilations)
    ]
    # The position of every (offset in the block, block) in the padded image.
    number = t.int64(np.zeros((1, 1)))
    for i in range(spatial):
        offsets = t.aligned(t.numbers(block_shape[i]), 4, 1) * dilations[i]
        starts = t.aligned(t.numbers(counts[i]), 4, 3) * strides[i]
        number = t.expand_dims(number, [1, 3]) * padded[i] + (offsets + starts)
        number = t.reshape(number, [t.product(block_shape[: i + 1]), -1])
    batch, columns, _ = t.extents(x)
    channels = columns // t.product(block_shape)
    flat = t.reshape(x, [batch, channels, t.product([*block_shape, *counts])])
    moved = t.transpose(flat, [2, 0, 1])
    size = t.product(padded)
    summed = raw.UnsortedSegmentSum(
        moved, t.reshape(number, [-1]), t.int64(size) if isinstance(size, int) else size
    )
    grid = t.reshape(t.transpose(summed, [1, 2, 0]), [batch, channels, *padded])
    for axis, (before, after) in enumerate(pads, 2):
        grid = t.slice_along(grid, axis, before or None, -after or None)
    return grid


def _entries(x: Any, count: int) -> list[Any]:
    """The entries of a vector: numbers if they are known, else scalars of int64."""
    value = t.known(x)
    if value is not None:
        return value.astype(int).tolist()
    x = raw.EnsureShape(t.cast(x, dtypes.int64), shape=[count])
    return [t.element(x, i) for i in range(count)]
