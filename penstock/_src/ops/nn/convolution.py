"""One convolution over any number of spatial axes, forward and both gradients: NumPy kernels and lowerings.

The ops Conv2D, Conv3D, Conv and their gradients describe their layout as a `Convolution` and call these.
Images are [batch, spatial..., channels] or channels first; filters [spatial..., channels / groups, outputs].
"""

import functools
import math
from collections.abc import Sequence
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.errors import InvalidArgumentError, UnimplementedError
from penstock._src.core.shapes import TensorShape
from penstock._src.core.typesets import NARROW
from penstock._src.ir.errors import NotLowerable
from penstock._src.ir.extents.dims import Dim
from penstock._src.ops.nn.window import (
    Window,
    channel_axis,
    explicit_pairs,
    out_extent,
    pad_axes,
    padded_shape,
    spatial_axes,
    taps,
    unpad_axes,
    window,
)
from penstock._src.ops.rules import in_float32, quiet, show
from penstock._src.ops.sums import sum_of_products

MOST_READ = 1 << 20  # elements read by all windows that are copied, for one matrix product
LETTERS = "xyz", "ijk"  # letters of output positions and of filter taps in contraction specs


class Convolution(NamedTuple):
    """The geometry of one call: the roles of axes, and the windows."""

    op: str
    axes: list[int]
    channels: int
    windows: list[Window]
    groups: int

    @property
    def rank(self) -> int:
        """Axes of the images."""
        return len(self.axes) + 2

    def output_shape(self, batch: int, outputs: int) -> list[int]:
        """The shape of the result for a batch size and number of output channels."""
        shape = [batch] * self.rank
        shape[self.channels] = outputs
        for axis, w in zip(self.axes, self.windows, strict=True):
            shape[axis] = w.out
        return shape


def convolution(
    op: Any, input_shape: Sequence[int], filter_shape: Sequence[int], spatial: int
) -> Convolution:
    """The geometry of an op's attributes and concrete shapes, checked."""
    name, rank = op.op_type, spatial + 2
    if len(input_shape) != rank:
        raise InvalidArgumentError(
            f"{name}: convolution input must be {rank}-dimensional: {show(input_shape)}"
        )
    if len(filter_shape) != rank:
        raise InvalidArgumentError(
            f"{name}: convolution filter must be {rank}-dimensional: {show(filter_shape)}"
        )
    axes = spatial_axes(op.data_format, rank)
    channels = channel_axis(op.data_format, rank)
    _check_attributes(op, channels)
    groups = _groups(name, input_shape, filter_shape, channels)
    windows = windows_along(op, axes, input_shape, filter_shape)
    return Convolution(name, axes, channels, windows, groups)


def windows_along(
    op: Any, axes: Sequence[int], input_shape: Sequence[int], filter_shape: Sequence[int]
) -> list[Window]:
    """The window of an op's filter along each spatial axis."""
    pairs = explicit_pairs(getattr(op, "explicit_paddings", ()), axes)
    return [
        window(
            op.op_type,
            input_shape[a],
            filter_shape[i],
            op.strides[a],
            op.dilations[a],
            op.padding,
            pairs[i],
        )
        for i, a in enumerate(axes)
    ]


def _check_attributes(op: Any, channels: int) -> None:
    """Refuses strides, dilations and explicit paddings that no convolution has."""
    name = op.op_type
    for what, values in (("strides", op.strides), ("dilations", op.dilations)):
        if values[0] != 1 or values[channels] != 1:
            refusal = UnimplementedError if what == "strides" else InvalidArgumentError
            raise refusal(
                f"{name}: Current implementation does not yet support {what} in the batch and depth "
                "dimensions."
            )
    for what, values in (("Row and column strides", op.strides), ("Dilated rates", op.dilations)):
        if min(values) <= 0:
            raise InvalidArgumentError(f"{name}: {what} should be larger than 0.")
    explicit = getattr(op, "explicit_paddings", ())
    if explicit and min(explicit) < 0:
        raise InvalidArgumentError(f"{name}: All elements of explicit_paddings must be nonnegative")
    if explicit and any(explicit[2 * a + i] for a in (0, channels) for i in (0, 1)):
        raise InvalidArgumentError(
            f"{name}: Nonzero explicit padding in the batch or depth dimensions is not supported"
        )


def _groups(
    name: str, input_shape: Sequence[int], filter_shape: Sequence[int], channels: int
) -> int:
    """The number of groups of channels; the filter's depth is that of one group."""
    depth, filter_depth = input_shape[channels], filter_shape[-2]
    if filter_depth == 0 or depth % filter_depth:
        raise InvalidArgumentError(
            f"{name}: input depth must be evenly divisible by filter depth: "
            f"{depth} vs {filter_depth}. Received input {show(input_shape)}, filter {show(filter_shape)}"
        )
    groups = depth // filter_depth
    if groups > 1 and filter_shape[-1] % groups:
        raise InvalidArgumentError(
            f"{name}: output depth must be evenly divisible by number of groups: "
            f"{filter_shape[-1]} vs {groups}"
        )
    return max(groups, 1)


# For kernels: most calls have the shapes of one before.
known_convolution = functools.lru_cache(1024)(convolution)


def output_shape(op: Any, input: TensorShape, filter: TensorShape, spatial: int) -> TensorShape:
    """The shape rule of a forward convolution for partially known shapes."""
    rank, name = spatial + 2, op.op_type
    input, filter = input.with_rank(rank), filter.with_rank(rank)
    axes = spatial_axes(op.data_format, rank)
    channels = channel_axis(op.data_format, rank)
    if input[channels] is not None and filter[-2] is not None:
        if filter[-2] == 0 or input[channels] % filter[-2]:
            raise InvalidArgumentError(
                f"{name}: Depth of input ({input[channels]}) is not a multiple of input depth of filter "
                f"({filter[-2]}). Received input {input}, filter {filter}"
            )
    pairs = explicit_pairs(getattr(op, "explicit_paddings", ()), axes)
    dims = [input[0]] * rank
    dims[channels] = filter[-1]
    for i, a in enumerate(axes):
        dims[a] = out_extent(
            name, input[a], filter[i], op.strides[a], op.dilations[a], op.padding, pairs[i]
        )
    return TensorShape(dims)


# -- NumPy kernels: one matrix product for each tap of the filter ---------------------------------


def _channels_last(x: np.ndarray, c: Convolution) -> np.ndarray:
    return x if c.channels == x.ndim - 1 else np.moveaxis(x, c.channels, -1)


def with_channels_last(c: Convolution) -> Convolution:
    """The same geometry of images with channels last."""
    return c._replace(axes=list(range(1, c.rank - 1)), channels=c.rank - 1)


def _all_taps(c: Convolution):
    return product(*(range(w.size) for w in c.windows))


@quiet
def forward(c: Convolution, input: np.ndarray, filter: np.ndarray) -> np.ndarray:
    """The convolution."""
    dtype = input.dtype
    x, w = _channels_last(in_float32(input), c), in_float32(filter)
    c_last = with_channels_last(c)
    x = pad_axes(x, c_last.axes, c.windows)
    shape = c_last.output_shape(x.shape[0], w.shape[-1])
    if c.groups == 1 and math.prod(shape[:-1]) * math.prod(w.shape[:-1]) <= MOST_READ:
        out = _windows_of(x, c_last, shape, w.shape) @ w.reshape(
            math.prod(w.shape[:-1]), w.shape[-1]
        )
        return _channels_back(out.reshape(shape), c, dtype)
    out = np.zeros((*shape[:-1], c.groups, w.shape[-1] // c.groups), np.result_type(x, w))
    for offsets in _all_taps(c):
        part = x[taps(c_last.axes, c.windows, offsets)]
        if c.groups == 1:
            out[..., 0, :] += part @ w[offsets]
        else:
            part = _by_group(part, c.groups)
            out += np.einsum("...gc,cgo->...go", part, _by_group(w[offsets], c.groups))
    return _channels_back(out.reshape(shape), c, dtype)


def _windows_of(
    x: np.ndarray, c: Convolution, shape: Sequence[int], filter_shape: Sequence[int]
) -> np.ndarray:
    """The elements of a padded input, channels last, that each output position reads: one row a position."""
    x = np.ascontiguousarray(x)
    inner = x.strides[1:-1]
    steps = [stride * w.stride for stride, w in zip(inner, c.windows)]
    taps_apart = [stride * w.dilation for stride, w in zip(inner, c.windows)]
    extents = *shape[:-1], *filter_shape[:-1]
    strides = x.strides[0], *steps, *taps_apart, x.strides[-1]
    return np.ndarray(extents, x.dtype, x, 0, strides).reshape(
        math.prod(shape[:-1]), math.prod(filter_shape[:-1])
    )


def _channels_back(out: np.ndarray, c: Convolution, dtype: np.dtype) -> np.ndarray:
    if c.channels != out.ndim - 1:
        out = np.moveaxis(out, -1, c.channels)
    return np.ascontiguousarray(out).astype(dtype, copy=False)


@quiet
def input_gradient(
    c: Convolution, shape: Sequence[int], filter: np.ndarray, dy: np.ndarray
) -> np.ndarray:
    """The gradient by an input of the given shape."""
    dtype = dy.dtype
    g, w = _channels_last(in_float32(dy), c), in_float32(filter)
    c_last = with_channels_last(c)
    last = [shape[0], *(shape[a] for a in c.axes), shape[c.channels]]
    out = np.zeros(padded_shape(last, c_last.axes, c.windows), np.result_type(g, w))
    for offsets in _all_taps(c):
        target = out[taps(c_last.axes, c.windows, offsets)]
        if c.groups == 1:
            target += g @ w[offsets].T
        else:
            part = _by_group(g, c.groups)
            part = np.einsum("...go,cgo->...gc", part, _by_group(w[offsets], c.groups))
            target += part.reshape(target.shape)
    out = np.moveaxis(unpad_axes(out, c_last.axes, c.windows), -1, c.channels)
    return np.ascontiguousarray(out).astype(dtype, copy=False)


@quiet
def filter_gradient(
    c: Convolution, input: np.ndarray, shape: Sequence[int], dy: np.ndarray
) -> np.ndarray:
    """The gradient by a filter of the given shape."""
    dtype = dy.dtype
    x, g = _channels_last(in_float32(input), c), _channels_last(in_float32(dy), c)
    c_last = with_channels_last(c)
    x = pad_axes(x, c_last.axes, c.windows)
    count = math.prod(g.shape[:-1])  # not -1, which nothing fills if there are no channels
    g = np.ascontiguousarray(g).reshape(count, c.groups, g.shape[-1] // c.groups)
    out = np.zeros(tuple(shape), np.result_type(x, g))
    for offsets in _all_taps(c):
        part = x[taps(c_last.axes, c.windows, offsets)].reshape(count, c.groups, shape[-2])
        if c.groups == 1:
            out[offsets] = sum_of_products(part[:, 0], g[:, 0])
        else:
            out[offsets] = np.einsum("ngc,ngo->cgo", part, g).reshape(shape[-2], shape[-1])
    return out.astype(dtype, copy=False)


def _by_group(x: np.ndarray, groups: int) -> np.ndarray:
    """The last axis cut into groups."""
    return x.reshape(*x.shape[:-1], groups, x.shape[-1] // groups)


# -- lowerings: contractions over a view of windows -----------------------------------------------
#
# Images with channels first are turned: kernels want channels side by side, and layers between which nothing else stands take the
# transposes back (ir/rules/orientation.py).


def turned_last(p: Any, x: Any) -> Any:
    """Images with channels first as images with channels last."""
    return p.transpose(x, [0, *range(2, x.rank), 1])


def turned_first(p: Any, x: Any) -> Any:
    """Images with channels last as images with channels first."""
    return p.transpose(x, [0, x.rank - 1, *range(1, x.rank - 1)])


def view(p: Any, x: Any, c: Convolution) -> Any:
    return p.windows(
        x,
        axes=c.axes,
        size=[w.size for w in c.windows],
        strides=[w.stride for w in c.windows],
        dilations=[w.dilation for w in c.windows],
        low=[w.low for w in c.windows],
        high=[w.high for w in c.windows],
        base_dilations=[1] * len(c.axes),
    )


def split(p: Any, x: Any, axis: int, groups: int) -> Any:
    if groups == 0:
        raise NotLowerable("a convolution of images without channels")
    shape = list(x.shape)
    return p.reshape(x, [*shape[:axis], groups, shape[axis] // groups, *shape[axis + 1 :]])


def merge(p: Any, x: Any, axis: int) -> Any:
    shape = list(x.shape)
    return p.reshape(x, [*shape[:axis], shape[axis] * shape[axis + 1], *shape[axis + 2 :]])


def lower_forward(p: Any, c: Convolution, input: Any, filter: Any) -> Any:
    """contract(windows(input), filter)."""
    if c.channels == 1:
        last = lower_forward(p, with_channels_last(c), turned_last(p, input), filter)
        return turned_first(p, last)
    if _has_planes(c):
        return _forward_by_planes(p, c, input, filter)
    xs, ks = (names[: len(c.axes)] for names in LETTERS)
    if c.groups == 1:
        return p.contract(f"n{xs}c{ks},{ks}co->n{xs}o", view(p, input, c), filter)
    patches = view(p, split(p, input, c.channels, c.groups), grouped_geometry(c))
    w = split(p, filter, c.rank - 1, c.groups)
    return merge(p, p.contract(f"n{xs}gc{ks},{ks}cgo->n{xs}go", patches, w), c.channels)


def lower_input_gradient(p: Any, c: Convolution, shape: Sequence[int], filter: Any, dy: Any) -> Any:
    """contract(windows(dy dilated by the stride), reverse(filter))."""
    if c.channels == 1:
        shape = [shape[0], *shape[2:], shape[1]]
        dx = lower_input_gradient(p, with_channels_last(c), shape, filter, turned_last(p, dy))
        return turned_first(p, dx)
    xs, ks = (names[: len(c.axes)] for names in LETTERS)
    if any(w.out == 0 or w.extent == 0 or w.size == 0 for w in c.windows):
        return p.full(shape, 0, dy.dtype)
    if _has_planes(c):
        return _input_gradient_by_planes(p, c, shape, filter, dy)
    flipped = p.reverse(filter, list(range(len(c.axes))))
    if c.groups == 1:
        return p.contract(f"n{xs}o{ks},{ks}co->n{xs}c", gradient_view(p, dy, c), flipped)
    patches = gradient_view(p, split(p, dy, c.channels, c.groups), grouped_geometry(c))
    w = split(p, flipped, c.rank - 1, c.groups)
    return merge(p, p.contract(f"n{xs}go{ks},{ks}cgo->n{xs}gc", patches, w), c.channels)


def lower_filter_gradient(p: Any, c: Convolution, input: Any, dy: Any) -> Any:
    """contract(windows(input), dy), summed over the batch and all positions."""
    if c.channels == 1:
        input, dy = turned_last(p, input), turned_last(p, dy)
        return lower_filter_gradient(p, with_channels_last(c), input, dy)
    if any(w.size == 0 for w in c.windows):
        taps_and_depth = *(w.size for w in c.windows), input.shape[-1] // c.groups
        return p.full((*taps_and_depth, dy.shape[-1]), 0, dy.dtype)
    if _has_planes(c):
        return _filter_gradient_by_planes(p, c, input, dy)
    xs, ks = (names[: len(c.axes)] for names in LETTERS)
    if c.groups == 1:
        return p.contract(f"n{xs}c{ks},n{xs}o->{ks}co", view(p, input, c), dy)
    patches = view(p, split(p, input, c.channels, c.groups), grouped_geometry(c))
    g = split(p, dy, c.channels, c.groups)
    return merge(p, p.contract(f"n{xs}gc{ks},n{xs}go->{ks}cgo", patches, g), len(c.axes) + 1)


def gradient_view(p: Any, dy: Any, c: Convolution) -> Any:
    pads = [w.gradient_padding for w in c.windows]
    return p.windows(
        dy,
        axes=c.axes,
        size=[w.size for w in c.windows],
        strides=[1] * len(c.axes),
        dilations=[w.dilation for w in c.windows],
        low=[low for low, _ in pads],
        high=[high for _, high in pads],
        base_dilations=[w.stride for w in c.windows],
    )


def grouped_geometry(c: Convolution) -> Convolution:
    """The same geometry where the channel axis has been split in two."""
    return c._replace(axes=[a + 1 if a > c.channels else a for a in c.axes])


# -- volumes: sums of convolutions of planes ---------------------------------------------------------
#
# Kernels of convolutions have two spatial axes. A volume is a sum over the taps of its first spatial axis: each tap meets some planes, which
# are images of one batch. With that axis first, neighboring planes of all volumes lie side by side.


def _has_planes(c: Convolution) -> bool:
    """True if a 3-D convolution is faster plane by plane. One with single taps is a matrix product already."""
    depth, *across = c.windows
    if len(c.axes) != 3 or any(type(n) is Dim for n in depth):
        return False
    return any(w.size > 1 or w.stride > 1 for w in across) and bool(_taps_of_planes(c))


def _of_planes(c: Convolution) -> Convolution:
    """The convolution of a volume's planes."""
    return c._replace(axes=[1, 2], channels=3, windows=c.windows[1:])


def _taps_of_planes(c: Convolution) -> list[tuple[int, int, int]]:
    """(tap, first, end): the outputs' planes for which the tap meets a plane."""
    w, planes = c.windows[0], []
    for tap in range(w.size):
        start = tap * w.dilation - w.low
        first, end = (
            max(0, -(start // w.stride)),
            min(w.out, (w.extent - 1 - start) // w.stride + 1),
        )
        if first < end:
            planes.append((tap, first, end))
    return planes


def _planes(p: Any, x: Any, begin: int, count: int, stride: int = 1) -> Any:
    """Some planes [depth, batch, rows, columns, channels] as images of one batch."""
    starts, strides = [begin, *[0] * 4], [stride, *[1] * 4]
    limits = [begin + (count - 1) * stride + 1, *x.shape[1:]]
    return p.reshape(p.slice(x, starts, limits, strides), (count * x.shape[1], *x.shape[2:]))


def _plane_filter(p: Any, filter: Any, tap: int) -> Any:
    return p.reshape(p.slice_axis(filter, 0, tap, tap + 1), filter.shape[1:])


def _turned(p: Any, x: Any) -> Any:
    """Volumes with the first spatial axis in front of the batch, or back."""
    return p.transpose(x, [1, 0, 2, 3, 4])


def _wide(p: Any, x: Any) -> Any:
    """16-bit operands of a product as float32, so that the sums over all taps are; they are read as they are."""
    return p.cast(x, dtypes.float32) if x.dtype in NARROW else x


def _forward_by_planes(p: Any, c: Convolution, input: Any, filter: Any) -> Any:
    x, window_ = _turned(p, input), c.windows[0]
    parts = []
    for tap, first, end in _taps_of_planes(c):
        begin = tap * window_.dilation - window_.low + first * window_.stride
        images = _planes(p, x, begin, end - first, window_.stride)
        w = _wide(p, _plane_filter(p, filter, tap))
        y = lower_forward(p, _of_planes(c), _wide(p, images), w)
        y = p.reshape(y, (end - first, x.shape[1], *y.shape[1:]))
        parts.append(_placed(p, y, first, 1, window_.out))
    return p.cast(p.transpose(sum(parts[1:], parts[0]), [1, 0, 2, 3, 4]), input.dtype)


def _placed(p: Any, planes: Any, first: int, stride: int, extent: int) -> Any:
    """Planes at `first` and every `stride` after it; zeros elsewhere."""
    inner = stride - 1
    after = extent - first - (planes.shape[0] - 1) * stride - 1
    nothing = [0] * 4
    return p.pad(planes, [first, *nothing], [after, *nothing], interior=[inner, *nothing])


def _input_gradient_by_planes(
    p: Any, c: Convolution, shape: Sequence[int], filter: Any, dy: Any
) -> Any:
    g, window_ = _turned(p, dy), c.windows[0]
    parts = []
    for tap, first, end in _taps_of_planes(c):
        count = end - first
        plane = [count * shape[0], *shape[2:]]
        w = _wide(p, _plane_filter(p, filter, tap))
        planes = _wide(p, _planes(p, g, first, count))
        dx = lower_input_gradient(p, _of_planes(c), plane, w, planes)
        begin = tap * window_.dilation - window_.low + first * window_.stride
        dx = p.reshape(dx, (count, shape[0], *shape[2:]))
        parts.append(_placed(p, dx, begin, window_.stride, window_.extent))
    return p.cast(p.transpose(sum(parts[1:], parts[0]), [1, 0, 2, 3, 4]), dy.dtype)


def _filter_gradient_by_planes(p: Any, c: Convolution, input: Any, dy: Any) -> Any:
    x, g, window_ = _turned(p, input), _turned(p, dy), c.windows[0]
    parts_by_tap: dict[int, Any] = {}
    for tap, first, end in _taps_of_planes(c):
        begin = tap * window_.dilation - window_.low + first * window_.stride
        images = _planes(p, x, begin, end - first, window_.stride)
        planes = _wide(p, _planes(p, g, first, end - first))
        dw = lower_filter_gradient(p, _of_planes(c), _wide(p, images), planes)
        parts_by_tap[tap] = p.expand_dims(dw, 0)
    some = next(iter(parts_by_tap.values()))
    nothing = p.full(some.shape, 0, some.dtype)
    parts = [parts_by_tap.get(tap, nothing) for tap in range(window_.size)]
    return p.cast(p.concat(parts, 0), dy.dtype)
