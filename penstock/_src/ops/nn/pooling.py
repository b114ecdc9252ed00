"""The arithmetic of pooling, over any axes: NumPy kernels and lowerings."""

import functools
from collections.abc import Sequence
from itertools import product
from math import prod
from typing import Any, NamedTuple

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.dtypes import DType
from penstock._src.core.errors import InvalidArgumentError, UnimplementedError
from penstock._src.core.shapes import TensorShape
from penstock._src.ir.extents.dims import is_at_most, is_symbolic, shape_key
from penstock._src.ir.meaning.padding import is_padded_first
from penstock._src.ops.nn.window import (
    Window,
    every_tap,
    explicit_pairs,
    out_extent,
    pad_axes,
    padded_shape,
    unpad_axes,
    window,
)
from penstock._src.ops.rules import in_float32, is_float, show

# With more tiles per axis than this, a gradient is lowered by windows instead of by tiles.
MOST_TILES = 25


class Pooling(NamedTuple):
    """The geometry of one call: the pooled axes and their windows."""

    op: str
    shape: list[int]
    axes: list[int]
    windows: list[Window]

    @property
    def sizes(self) -> list[int]:
        """The window's extents."""
        return [w.size for w in self.windows]

    def output(self) -> list[int]:
        """The shape of the result."""
        shape = list(self.shape)
        for axis, w in zip(self.axes, self.windows, strict=True):
            shape[axis] = w.out
        return shape

    def require_output(self, shape: Sequence[int], what: str = "grad") -> None:
        """Raises InvalidArgumentError if a gradient, or the input `what`, does not have the result's shape."""
        if list(shape) != self.output():
            raise InvalidArgumentError(
                f"{self.op}: Expected {what} shape to be {show(self.output())}, but got {show(shape)}"
            )


def pooling(op: Any, shape: Sequence[int]) -> Pooling:
    """The geometry of an op's attributes over an input's concrete shape, checked."""
    rank = len(op.ksize)
    if len(shape) != rank:
        raise InvalidArgumentError(
            f"{op.op_type}: tensor_in must be {rank}-dimensional. Received {show(shape)}"
        )
    _require_positive(op)
    _require_supported(op, shape)
    axes = [a for a in range(rank) if op.ksize[a] != 1 or op.strides[a] != 1]
    pairs = explicit_pairs(getattr(op, "explicit_paddings", ()), range(rank))
    axes = [a for a in range(rank) if a in axes or pairs[a] != (0, 0)]
    channel = _channel_axis(op)
    _require_small_paddings(op, pairs, [a for a in range(1, rank) if a != channel])
    windows = [
        window(op.op_type, shape[a], op.ksize[a], op.strides[a], 1, op.padding, pairs[a]).clipped()
        for a in axes
    ]
    return Pooling(op.op_type, list(shape), axes, windows)


# For kernels: most calls have the shapes of one before.
known_pooling = functools.lru_cache(1024)(pooling)


def output_shape(op: Any, x: TensorShape) -> TensorShape:
    """The shape rule for partially known shapes."""
    rank = len(op.ksize)
    x = x.with_rank(rank)
    _require_positive(op)
    pairs = explicit_pairs(getattr(op, "explicit_paddings", ()), range(rank))
    return TensorShape(
        [
            x[a]
            if op.ksize[a] == 1 and op.strides[a] == 1 and pairs[a] == (0, 0)
            else out_extent(op.op_type, x[a], op.ksize[a], op.strides[a], 1, op.padding, pairs[a])
            for a in range(rank)
        ]
    )


def _require_positive(op: Any) -> None:
    if any(k < 1 for k in op.ksize):
        raise InvalidArgumentError(
            f"{op.op_type}: Sliding window ksize must be positive. The specified or inferred ksize "
            f"is: {','.join(map(str, op.ksize))}"
        )
    if any(s < 1 for s in op.strides):
        raise InvalidArgumentError(
            f"{op.op_type}: Stride must be > 0, but got {next(s for s in op.strides if s < 1)}"
        )


def _channel_axis(op: Any) -> int:
    return 1 if str(getattr(op, "data_format", "")).startswith("NC") else len(op.ksize) - 1


def _require_supported(op: Any, shape: Sequence[int]) -> None:
    """Raises UnimplementedError for windows over images of a batch, or over channels; TensorFlow has no kernels for them."""
    rank = len(op.ksize)
    channel = _channel_axis(op)
    depth, refusal = op.ksize[channel], ""
    if op.ksize[0] != 1 or op.strides[0] != 1:
        refusal = "Pooling is not yet supported on the batch dimension."
    elif rank == 5 and (depth != 1 or op.strides[channel] != 1):
        refusal = "Pooling is not yet supported on the depth dimension."
    elif rank == 4 and depth != 1:
        if any(op.ksize[a] != 1 for a in range(1, rank) if a != channel):
            refusal = "MaxPooling supports exactly one of pooling across depth or pooling across width/height."
        elif depth != op.strides[channel]:
            refusal = "Depthwise max pooling requires the depth window to equal the depth stride"
        elif shape[channel] % depth:
            refusal = (
                "Depthwise max pooling requires the depth window to evenly divide the input depth"
            )
        elif op.op_type.startswith("Avg"):
            refusal = "Non-spatial pooling is not yet supported."
    if refusal:
        raise UnimplementedError(f"{op.op_type}: {refusal}")


_SIDES = ("Top", "Bottom"), ("Left", "Right")


def _require_small_paddings(op: Any, pairs: Sequence[tuple[int, int]], spatial: list[int]) -> None:
    """Raises InvalidArgumentError for explicit paddings in which a whole window fits."""
    for axis, sides in zip(spatial, _SIDES, strict=False):
        for side, padding in zip(sides, pairs[axis], strict=True):
            if padding >= op.ksize[axis] and padding:
                raise InvalidArgumentError(
                    f"{op.op_type}: {side} padding {padding} needs to be smaller than the window size {op.ksize[axis]}"
                )


# -- NumPy kernels -----------------------------------------------------------------------------------


def lowest(dtype: np.dtype) -> Any:
    """The padding value for maxima."""
    return -np.inf if is_float(np.empty(0, dtype)) else np.iinfo(dtype).min


def maximum(c: Pooling, x: np.ndarray) -> np.ndarray:
    """The maximum of every window: along one axis after the other."""
    out = pad_axes(x, c.axes, c.windows, lowest(x.dtype))
    for axis, w in zip(c.axes, c.windows, strict=True):
        first, *others = [out[tap] for tap in every_tap([axis], [w])]
        out = first.copy()
        for part in others:
            np.maximum(out, part, out=out)
    return out if c.axes else x.copy()


def first_places(c: Pooling, x: np.ndarray) -> np.ndarray:
    """The row-major index of the first maximum in each window, never in the padding."""
    padded = pad_axes(x, c.axes, c.windows, lowest(x.dtype))
    real = pad_axes(
        np.ones([n if a in c.axes else 1 for a, n in enumerate(x.shape)], bool),
        c.axes,
        c.windows,
        False,
    )
    places = np.full(c.output(), -1, np.int32)
    best = np.full(c.output(), lowest(x.dtype), x.dtype)
    for place, tap in enumerate(every_tap(c.axes, c.windows)):
        better = ((padded[tap] > best) | (places < 0)) & real[tap]
        places[better] = place
        best = np.where(better, padded[tap], best)
    return places


def first_equal_places(c: Pooling, x: np.ndarray, out: np.ndarray) -> np.ndarray:
    """The index of the first element in each window that equals its output; -1 if there is none."""
    padded, places = pad_axes(x, c.axes, c.windows, lowest(x.dtype)), np.full(c.output(), -1)
    real = pad_axes(np.ones(x.shape, bool), c.axes, c.windows, False)
    for place, tap in enumerate(every_tap(c.axes, c.windows)):
        places[(padded[tap] == out) & real[tap] & (places < 0)] = place
    return places


def max_gradient(c: Pooling, places: np.ndarray, grad: np.ndarray) -> np.ndarray:
    """Adds the gradient of each window at its index."""
    out = np.zeros(padded_shape(c.shape, c.axes, c.windows), grad.dtype)
    for place, tap in enumerate(every_tap(c.axes, c.windows)):
        out[tap] += np.where(places == place, grad, grad.dtype.type(0))
    return np.ascontiguousarray(unpad_axes(out, c.axes, c.windows))


def equal_gradient(c: Pooling, x: np.ndarray, out: np.ndarray, grad: np.ndarray) -> np.ndarray:
    """Adds the gradient of each window to all of its elements that equal the maximum."""
    padded = pad_axes(x, c.axes, c.windows, lowest(x.dtype))
    total = np.zeros(padded.shape, grad.dtype)
    for tap in every_tap(c.axes, c.windows):
        total[tap] += np.where(padded[tap] == out, grad, grad.dtype.type(0))
    return np.ascontiguousarray(unpad_axes(total, c.axes, c.windows))


def take_places(c: Pooling, places: np.ndarray, x: np.ndarray) -> np.ndarray:
    """The element of each window at its index."""
    padded = pad_axes(x, c.axes, c.windows)
    out = np.zeros(c.output(), x.dtype)
    for place, tap in enumerate(every_tap(c.axes, c.windows)):
        out = np.where(places == place, padded[tap], out)
    return out


def counts(c: Pooling) -> list[np.ndarray]:
    """For each axis, the number of inputs (excluding padding) in each window along it, shaped to broadcast."""
    vectors = []
    for axis, w in zip(c.axes, c.windows, strict=True):
        begin = np.arange(w.out) * w.stride - w.low
        seen = np.minimum(begin + w.size, w.extent) - np.maximum(begin, 0)
        shape = [1] * len(c.shape)
        shape[axis] = w.out
        vectors.append(seen.reshape(shape))
    return vectors


def average(c: Pooling, x: np.ndarray) -> np.ndarray:
    """The mean of every window."""
    wide = in_float32(x)
    padded = pad_axes(wide, c.axes, c.windows)
    total = np.zeros(c.output(), wide.dtype)
    for tap in every_tap(c.axes, c.windows):
        total += padded[tap]
    return (total / _divisor(c, wide.dtype)).astype(x.dtype, copy=False)


def average_gradient(c: Pooling, grad: np.ndarray) -> np.ndarray:
    """Each window's gradient spread evenly over its inputs."""
    wide = in_float32(grad)
    share = wide / _divisor(c, wide.dtype)
    out = np.zeros(padded_shape(c.shape, c.axes, c.windows), wide.dtype)
    for tap in every_tap(c.axes, c.windows):
        out[tap] += share
    out = unpad_axes(out, c.axes, c.windows)
    return np.ascontiguousarray(out).astype(grad.dtype, copy=False)


def _divisor(c: Pooling, dtype: np.dtype) -> np.ndarray:
    if not any([w.low or w.high for w in c.windows]):  # all windows are inside of the input
        return np.full([1] * len(c.shape), prod(c.sizes), dtype)
    divisor = np.ones([1] * len(c.shape), dtype)
    for vector in counts(c):
        divisor = divisor * vector.astype(dtype)
    return divisor


# -- lowerings ---------------------------------------------------------------------------------------


def _view(p: Any, c: Pooling, x: Any, value: Any) -> Any:
    low, high = [w.low for w in c.windows], [w.high for w in c.windows]
    strides = [w.stride for w in c.windows]
    are_numbers = all(isinstance(n, int) for n in (*low, *high))
    is_padded = are_numbers and max([*low, *high], default=0) > 0
    if is_padded and is_padded_first(x.shape[-1], c.sizes, strides):
        amounts = dict(zip(c.axes, zip(low, high, strict=True), strict=True))
        pairs = [amounts.get(axis, (0, 0)) for axis in range(len(c.shape))]
        first, last = ([max(n, 0) for n in side] for side in zip(*pairs, strict=True))
        x = p.pad(x, first, last, value=value)
        low, high = [min(n, 0) for n in low], [min(n, 0) for n in high]
    return p.windows(
        x,
        axes=c.axes,
        size=c.sizes,
        strides=strides,
        dilations=[1] * len(c.axes),
        low=low,
        high=high,
        base_dilations=[1] * len(c.axes),
        value=value,
    )


def _window_axes(c: Pooling) -> list[int]:
    return list(range(len(c.shape), len(c.shape) + len(c.axes)))


def lower_max(p: Any, c: Pooling, x: Any) -> Any:
    """reduce_max over the windows' extents."""
    if not c.axes:
        return x
    least = lowest(x.dtype.np)
    for part in _steps(c):
        x = p.reduce_max(_view(p, part, x, least), _window_axes(part))
    return x


def lower_average(p: Any, c: Pooling, x: Any) -> Any:
    """reduce_sum over the windows' extents, divided by the number of inputs in each window."""
    if not c.axes:
        return x
    for part in _steps(c):
        x = p.reduce_sum(_view(p, part, x, 0), _window_axes(part))
    return _divided(p, c, x)


def lower_average_gradient(p: Any, c: Pooling, grad: Any) -> Any:
    """For each input, the sum of the shares of all windows that contain it."""
    if not c.axes:
        return grad
    if any(w.out == 0 or w.extent == 0 for w in c.windows):
        return p.full(c.shape, 0, grad.dtype)
    total = _divided(p, c, grad)
    for part in reversed(_steps(c)):
        total = p.reduce_sum(_gradient_view(p, part, total, 0), _window_axes(part))
    return total


def _steps(c: Pooling) -> list[Pooling]:
    """The pooling, or one of each axis after another where that takes less than half as many elements of windows."""
    if not all(isinstance(n, int) for w in c.windows for n in (w.size, w.stride)):
        return [c]
    parts, shape, elements, kept = [], list(c.shape), 0.0, 1.0
    for axis, w in zip(c.axes, c.windows, strict=True):
        parts.append(Pooling(c.op, list(shape), [axis], [w]))
        shape[axis] = w.out
        kept /= w.stride
        elements += w.size * kept
    return parts if 2 * elements < prod(c.sizes) * kept else [c]


def _divided(p: Any, c: Pooling, x: Any) -> Any:
    """Return x by the number of inputs in each window, rounded once."""
    if all(is_at_most(w.low, 0) and is_at_most(w.high, 0) for w in c.windows):
        return x / prod(c.sizes)
    if any(map(is_symbolic, (*c.shape, *c.output()))):
        seen = _counted(p, c, x.dtype)
    else:
        seen = [p.constant(vector.astype(x.dtype.np), x.dtype) for vector in counts(c)]
    return x / functools.reduce(p.mul, seen)


def _counted(p: Any, c: Pooling, dtype: DType) -> list[Any]:
    """`counts`, of extents that are unknown."""
    result = []
    for axis, w in zip(c.axes, c.windows, strict=True):
        shape = [1] * len(c.shape)
        shape[axis] = w.out
        begin = p.sub(p.mul(p.iota(shape, axis, dtypes.int32), w.stride), w.low)
        seen = p.sub(p.minimum(p.add(begin, w.size), w.extent), p.maximum(begin, 0))
        result.append(p.cast(seen, dtype))
    return result


def _gradient_view(p: Any, c: Pooling, x: Any, value: Any) -> Any:
    """For every input, the values of all windows that may contain it; offsets are reversed."""
    pads = [w.gradient_padding for w in c.windows]
    return p.windows(
        x,
        axes=c.axes,
        size=c.sizes,
        strides=[1] * len(c.axes),
        dilations=[1] * len(c.axes),
        low=[low for low, _ in pads],
        high=[high for _, high in pads],
        base_dilations=[w.stride for w in c.windows],
        value=value,
    )


def _offsets(p: Any, c: Pooling) -> Any:
    return p.constant(np.arange(prod(c.sizes), dtype=np.int32).reshape(c.sizes), dtypes.int32)


def lower_first_places(p: Any, c: Pooling, x: Any, out: Any) -> Any:
    """The index of each window's first maximum, by a single reduction without an argmax over a merged axis."""
    padding = float("nan") if x.dtype.is_floating else lowest(x.dtype.np)
    at_max = p.eq(_view(p, c, x, padding), _over_windows(p, c, out))
    none = prod(c.sizes)
    return p.reduce_min(p.select(at_max, _offsets(p, c), none), _window_axes(c))


def lower_compared_places(p: Any, c: Pooling, x: Any) -> Any:
    """`first_places`, which compares elements one after another: a NaN counts only as the first element of a window."""
    least = lowest(x.dtype.np)
    best, places = p.full(c.output(), least, x.dtype), p.full(c.output(), -1, dtypes.int32)
    whole, real = _view(p, c, x, least), _view(p, c, p.full(c.shape, True, dtypes.bool_), False)
    for place, tap in enumerate(product(*map(range, c.sizes))):
        value, is_real = (_tap(p, c, view, tap) for view in (whole, real))
        better = p.and_(p.or_(p.gt(value, best), p.lt(places, 0)), is_real)
        best, places = p.select(better, value, best), p.select(better, place, places)
    return places


def _tap(p: Any, c: Pooling, view: Any, tap: Sequence[int]) -> Any:
    """One element of every window."""
    for axis, offset in zip(_window_axes(c), tap, strict=True):
        view = p.slice_axis(view, axis, offset, offset + 1)
    return p.squeeze(view, _window_axes(c))


def _over_windows(p: Any, c: Pooling, x: Any) -> Any:
    for axis in _window_axes(c):
        x = p.expand_dims(x, axis)
    return x


def lower_take(p: Any, c: Pooling, places: Any, x: Any) -> Any:
    """The element of each window at its index."""
    if not c.axes:
        return x
    here = p.eq(_over_windows(p, c, places), _offsets(p, c))
    return p.reduce_sum(p.select(here, _view(p, c, x, 0), 0), _window_axes(c))


def lower_max_gradient(p: Any, c: Pooling, places: Any, grad: Any) -> Any:
    """The gradient of each window at its index, as a gather by inputs instead of a scatter.

    The inputs are split into tiles of the strides' size. A window covers ceil(size / stride) tiles along an axis; for each
    tile the gradient is selected where the index matches the element.
    """
    if not c.axes:
        return grad
    if any(w.out == 0 or w.extent == 0 for w in c.windows):
        return p.full(c.shape, 0, grad.dtype)
    tiles = [-(-w.size // w.stride) for w in c.windows]
    if prod(tiles) > MOST_TILES:
        return _max_gradient_by_windows(p, c, places, grad)
    total = None
    for tile in product(*(range(m) for m in tiles)):
        part = _tile_gradient(p, c, tiles, tile, places, grad)
        total = part if total is None else total + part
    return _from_tiles(p, c, tiles, total)


def _tile_gradient(p, c, tiles, tile, places, grad):
    """The contribution to each element from the windows in which it lies in tile number `tile`."""
    low, high = [0] * len(c.shape), [0] * len(c.shape)
    for axis, m, t in zip(c.axes, tiles, tile, strict=True):
        low[axis], high[axis] = t, m - 1 - t
    places, grad = p.pad(places, low, high, value=-1), p.pad(grad, low, high, value=0)
    offsets = np.zeros([1] * len(c.axes), np.int32)
    inside = np.ones([1] * len(c.axes), bool)
    for i, (w, t) in enumerate(zip(c.windows, tile, strict=True)):
        shape = [1] * len(c.axes)
        shape[i] = w.stride
        along = np.arange(t * w.stride, (t + 1) * w.stride).reshape(shape)
        inside = inside & (along < w.size)
        offsets = offsets * w.size + along
    offsets = np.where(inside, offsets, -2).astype(np.int32)
    # each pooled axis [out] becomes [out, stride]
    spread = np.array(offsets)
    shape = []
    for axis in range(len(c.shape)):
        shape.append(1)
        if axis in c.axes:
            shape.append(c.windows[c.axes.index(axis)].stride)
    at = _expanded_axes(c)
    here = p.eq(_expand(p, places, at), p.constant(spread.reshape(shape), dtypes.int32))
    return p.select(here, _expand(p, grad, at), 0)


def _expanded_axes(c: Pooling) -> list[int]:
    """The positions of the stride axes after every pooled axis is split in two."""
    return [axis + 1 + i for i, axis in enumerate(c.axes)]


def _expand(p, x, at):
    for axis in at:
        x = p.expand_dims(x, axis)
    return x


def _from_tiles(p, c, tiles, x):
    """Merges tile and stride axes, and crops or pads to the input's shape."""
    shape = list(c.shape)
    for axis, w, m in zip(c.axes, c.windows, tiles, strict=True):
        shape[axis] = (w.out + m - 1) * w.stride
    x = p.reshape(x, shape)
    low, high = [0] * len(shape), [0] * len(shape)
    for axis, w in zip(c.axes, c.windows, strict=True):
        low[axis] = -w.low
        high[axis] = w.extent - (shape[axis] - w.low)
    return x if not any(shape_key((*low, *high))) else p.pad(x, low, high, value=0)


def _max_gradient_by_windows(p, c, places, grad):
    flipped = p.reverse(_offsets(p, c), list(range(len(c.axes))))
    here = p.eq(_gradient_view(p, c, places, -1), flipped)
    return p.reduce_sum(p.select(here, _gradient_view(p, c, grad, 0), 0), _window_axes(c))


def lower_equal_gradient(p: Any, c: Pooling, x: Any, out: Any, grad: Any) -> Any:
    """The gradient of each window, for all of its elements that equal the maximum."""
    if not c.axes:
        return grad
    if any(w.out == 0 or w.extent == 0 for w in c.windows):
        return p.full(c.shape, 0, grad.dtype)
    here = p.eq(_over_windows(p, c, x), _gradient_view(p, c, out, float("nan")))
    return p.reduce_sum(p.select(here, _gradient_view(p, c, grad, 0), 0), _window_axes(c))
