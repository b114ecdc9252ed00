"""Operators that move values: shapes, slices, padding, joining, constants."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.errors import InvalidArgumentError, UnimplementedError
from penstock._src.core.registry import raw
from penstock._src.formats.onnx.element_types import element_type
from penstock._src.formats.onnx.reading import tensors as t
from penstock._src.formats.onnx.reading.registry import MICROSOFT, Node, reads
from penstock._src.formats.onnx.reading.translation import dense_array


@reads("Constant")
def _constant(n: Node) -> Any:
    for name, dtype in (("value_float", np.float32), ("value_int", np.int64)):
        if n.has(name):
            return convert_to_tensor(np.array(n.attr(name), dtype))
    for name, dtype in (("value_floats", np.float32), ("value_ints", np.int64)):
        if n.has(name):
            return convert_to_tensor(np.array(n.attr(name), dtype).reshape(-1))
    if n.has("value_string"):
        return convert_to_tensor(np.array(n.attr("value_string").encode(), object))
    if n.has("value_strings"):
        return convert_to_tensor(np.array([s.encode() for s in n.attr("value_strings")], object))
    if n.has("sparse_value"):
        return convert_to_tensor(dense_array(n.attr("sparse_value"), n.translation.path))
    return convert_to_tensor(n.attr("value"))


@reads("ConstantOfShape")
def _constant_of_shape(n: Node, sizes: Any) -> Any:
    value = n.attr("value", None)
    value = np.zeros((), np.float32) if value is None else value.reshape(-1)[0]
    return raw.Fill(sizes, convert_to_tensor(np.asarray(value)))


@reads("EyeLike")
def _eye_like(n: Node, x: Any) -> Any:
    dtype = element_type(n.attr("dtype")).dtype if n.has("dtype") else x.dtype
    rows, columns = (t.numbers(size) for size in t.extents(x))
    shifted = raw.AddV2(t.expand_dims(rows, [1]), t.int64(n.attr("k", 0)))
    return t.cast(raw.Equal(shifted, t.expand_dims(columns, [0])), dtype)


@reads("Range")
@reads("Range", domain=MICROSOFT)
def _range(n: Node, start: Any, limit: Any, delta: Any = None) -> Any:
    dtype = start.dtype
    delta = t.like(1, start) if delta is None else delta
    if dtype.is_floating:
        wide = [t.wide(v) for v in (start, limit, delta)]
    else:
        wide = [t.cast(v, dtypes.int64) for v in (start, limit, delta)]
    first, last, step = (raw.Reshape(v, np.zeros(0, np.int32)) for v in wide)
    if dtype.is_floating:
        counted = raw.Ceil(raw.RealDiv(raw.Sub(last, first), step))
        count = raw.Maximum(t.cast(counted, dtypes.int64), t.int64(0))
        steps = t.cast(t.numbers(count), first.dtype)
        return t.cast(raw.AddV2(first, raw.Mul(steps, step)), dtype)
    return t.cast(raw.Range(first, last, step), dtype)


@reads("Shape")
def _shape(n: Node, x: Any) -> Any:
    begin, end = n.attr("start", 0), n.attr("end", None)
    vector = t.shape(x)
    if begin == 0 and end is None:
        return vector
    rank = t.rank(x)
    low, high, _ = slice(begin, end).indices(rank)
    static = x.shape.as_list()[low : max(high, low)]
    if None not in static:
        return t.int64(static)
    return t.slice_along(vector, 0, low, max(high, low))


@reads("Reshape", settings=(1,))
def _reshape(n: Node, x: Any, sizes: Any = None) -> Any:
    if sizes is None:
        sizes = t.int64(n.attr("shape"))
    value = t.known(sizes)
    if n.flag("allowzero"):
        return raw.Reshape(x, sizes)
    if value is not None:
        if 0 not in value:
            return raw.Reshape(x, sizes)
        own = t.extents(x)
        if any(v == 0 and i >= len(own) for i, v in enumerate(value)):
            raise InvalidArgumentError(f"a shape {value.tolist()} copies sizes that x lacks.")
        return t.reshape(x, [own[i] if v == 0 else int(v) for i, v in enumerate(value)])
    zero = raw.Equal(sizes, t.int64(0))
    count = sizes.shape.as_list()[0]
    own = t.shape(x)
    if count is not None and count <= t.rank(x):
        own = t.slice_along(own, 0, 0, count)
    else:  # those that x lacks cannot be copied
        lacking = raw.Sub(raw.Size(sizes, out_type=dtypes.int64), t.int64(t.rank(x)))
        lacking = raw.Maximum(lacking, t.int64(0))
        ones = raw.Fill(raw.Reshape(lacking, t.int64([1])), t.int64(1))
        own = raw.Slice(t.concat([own, ones], 0), t.int64([0]), t.shape(sizes))
    return raw.Reshape(x, raw.SelectV2(zero, own, sizes))


@reads("Flatten")
def _flatten(n: Node, x: Any) -> Any:
    axis, dimensions = n.attr("axis", 1), t.rank(x)
    if not -dimensions <= axis <= dimensions:
        raise InvalidArgumentError(f"axis {axis} is out of range for {dimensions} dimensions.")
    axis = axis + dimensions if axis < 0 else axis
    sizes = t.extents(x)
    head, tail = t.product(sizes[:axis]), t.product(sizes[axis:])
    if isinstance(tail, int) and tail > 0:
        head = head if isinstance(head, int) else -1
    return t.reshape(x, [head, tail])


def _axes(n: Node, listed: Any) -> np.ndarray | None:
    """The axes that an attribute or a constant input lists, or None."""
    if listed is not None:
        return t.known(listed)
    return np.array(n.attr("axes"), np.int64) if n.has("axes") else None


@reads("Squeeze", settings=(1,))
def _squeeze(n: Node, x: Any, axes: Any = None) -> Any:
    positions = _axes(n, axes)
    if positions is not None:
        return raw.Squeeze(x, axis=t.axes_from(positions.reshape(-1), x))
    if axes is None:
        return raw.Squeeze(x, axis=[])
    dimensions = t.rank(x)
    places = raw.FloorMod(axes, t.int64(dimensions))
    hits = raw.Equal(t.int64(np.arange(dimensions)[:, None]), t.expand_dims(places, [0]))
    kept = raw.LogicalNot(raw.Any(hits, np.int32(1)))
    left = raw.Reshape(raw.Where(kept), t.int64([-1]))
    return raw.Reshape(x, t.batched_gather(t.shape(x), left, 0))


@reads("Unsqueeze", settings=(1,))
def _unsqueeze(n: Node, x: Any, axes: Any = None) -> Any:
    dimensions = _axes(n, axes)
    if dimensions is not None:
        return t.expand_dims(x, t.axes_from(dimensions.reshape(-1), x, new=dimensions.size))
    if axes is None:
        raise InvalidArgumentError("axes are missing.")
    if t.rank(x) == 0:  # there is no extent to take over
        return raw.Reshape(x, raw.Fill(raw.Size(axes, out_type=dtypes.int64)[None], t.int64(1)))
    total = raw.AddV2(raw.Size(axes, out_type=dtypes.int64), t.int64(t.rank(x)))
    places = raw.FloorMod(axes, total)
    hits = raw.Equal(t.expand_dims(t.numbers(total), [1]), t.expand_dims(places, [0]))
    new = raw.Any(hits, np.int32(1))
    before = raw.Sub(raw.Cumsum(t.cast(raw.LogicalNot(new), dtypes.int64), np.int32(0)), t.int64(1))
    sizes = t.batched_gather(t.shape(x), raw.Maximum(before, t.int64(0)), 0)
    return raw.Reshape(x, raw.SelectV2(new, t.int64(1), sizes))


@reads("Transpose")
def _transpose(n: Node, x: Any) -> Any:
    dimensions = t.rank(x)
    order = n.attr("perm", None)
    order = list(range(dimensions))[::-1] if order is None else order
    if sorted(order) != list(range(dimensions)):
        raise InvalidArgumentError(f"{order} is not a permutation of {dimensions} dimensions.")
    return t.transpose(x, order)


@reads("Expand", settings=(1,))
def _expand(n: Node, x: Any, sizes: Any) -> Any:
    return raw.BroadcastTo(x, raw.BroadcastArgs(t.shape(x), sizes))


@reads("Tile", settings=(1, 2))
def _tile(n: Node, x: Any, repeats: Any, axis: Any = None) -> Any:
    if axis is None:
        return raw.Tile(x, repeats)
    counts = np.ones(t.rank(x), np.int64)  # the first version has one axis and a repeat count
    counts[int(t.required(axis, "axis").reshape(-1)[0])] = int(
        t.required(repeats, "tiles").reshape(-1)[0]
    )
    return raw.Tile(x, counts)


@reads("Concat")
def _concat(n: Node, *parts: Any) -> Any:
    if not parts:
        raise InvalidArgumentError("takes one or more inputs, not 0.")
    (axis,) = t.axes_from([n.attr("axis", 1)], parts[0])
    orders_of = [t.turned(x) for x in parts]
    orders = {pair[1] for pair in orders_of if pair is not None}
    if len(orders) == 1 and None not in orders_of:  # all are transposed alike: join the sources
        order = orders.pop()
        return t.transpose(t.concat([pair[0] for pair in orders_of if pair], order[axis]), order)
    return t.concat(parts, axis)


@reads("Split", settings=(1,))
def _split(n: Node, x: Any, sizes: Any = None) -> Any:
    axis = t.axis_of(n.attr("axis", 0), t.rank(x))
    count = len(n.outputs)
    if sizes is None and n.has("split"):
        sizes = t.int64(n.attr("split"))
    if sizes is None:
        sizes = _equal_parts(x.shape.as_list()[axis], t.extents(x)[axis], count)
    if sizes.shape.num_elements() not in (None, count):
        raise InvalidArgumentError(f"splits into {sizes.shape} parts and has {count} outputs.")
    return tuple(raw.SplitV(x, sizes, np.int32(axis), num_split=count))


def _equal_parts(size: int | None, extent: Any, count: int) -> Any:
    """Sizes of parts that are equal, but for a smaller last one."""
    if size is not None:
        part = -(-size // count)
        if part * (count - 1) > size:
            raise InvalidArgumentError(f"{size} rows cannot be split into {count} parts.")
        return t.int64([part] * (count - 1) + [size - part * (count - 1)])
    part = raw.FloorDiv(raw.AddV2(extent, t.int64(count - 1)), t.int64(count))
    last = raw.Sub(extent, raw.Mul(part, t.int64(count - 1)))
    return t.vector([part] * (count - 1) + [last])


_FAR = 1 << 31
# Ends that say "as far as there are rows", also backward, as ONNX Runtime reads them.
_NO_END = ((1 << 31) - 1, (1 << 63) - 1)


@reads("Slice", settings=(1, 2, 3, 4))
def _slice(
    n: Node, x: Any, starts: Any = None, ends: Any = None, axes: Any = None, steps: Any = None
) -> Any:
    if starts is None:
        starts, ends = t.int64(n.attr("starts")), t.int64(n.attr("ends"))
        axes = t.int64(n.attr("axes")) if n.has("axes") else None
    dimensions = t.rank(x)
    values = [t.known(v) for v in (starts, ends, axes, steps)]
    has = [v is not None for v in (starts, ends, axes, steps)]
    if all(v is not None for v, g in zip(values, has) if g):
        return _static_slice(x, *values)
    if axes is not None and values[2] is None or starts.shape.num_elements() is None:
        return _dynamic_slice(x, starts, ends, axes, steps)
    count = starts.shape.num_elements()
    where = list(range(count)) if values[2] is None else t.axes_of(values[2], dimensions)
    forward = steps is None or values[3] is not None and np.all(values[3] > 0)
    if not forward:
        return _dynamic_slice(x, starts, ends, axes, steps)
    strides = np.ones(dimensions, np.int64)
    if values[3] is not None:
        strides[where] = np.clip(values[3], -_FAR, _FAR)
    others = sum(1 << axis for axis in range(dimensions) if axis not in where)
    begins, begin_mask = _bounds(starts, where, dimensions, lambda first: first <= -_FAR)
    limits, end_mask = _bounds(ends, where, dimensions, lambda last: last >= _FAR)
    return raw.StridedSlice(
        x, begins, limits, strides, begin_mask=begin_mask | others, end_mask=end_mask | others
    )


def _bounds(
    bounds: Any, where: Sequence[int], dimensions: int, is_beyond: Callable[[Any], Any]
) -> tuple[Any, int]:
    """The starts or ends of all axes, of a slice along some, and the mask of axes that are open there."""
    places, mask, known = np.array(where, np.int64)[:, None], 0, t.known(bounds)
    if known is not None:
        # A mask says it also in formats whose integers have 32 bits, as in `_static_slice`.
        known = known.astype(np.int64)
        is_open = is_beyond(known)
        mask = sum(1 << axis for axis, opens in zip(where, is_open, strict=True) if opens)
        bounds = t.int64(np.where(is_open, 0, np.clip(known, -_FAR, _FAR - 1)))
    return raw.ScatterNd(places, t.cast(bounds, dtypes.int64), t.int64([dimensions])), mask


def _static_slice(x: Any, starts: Any, ends: Any, axes: Any, steps: Any) -> Any:
    dimensions = t.rank(x)
    where = list(range(len(starts))) if axes is None else t.axes_of(axes.reshape(-1), dimensions)
    steps = np.ones(len(starts), np.int64) if steps is None else steps
    if not len(starts) == len(ends) == len(where) == len(steps) or len(set(where)) < len(where):
        raise InvalidArgumentError("starts, ends, axes and steps do not fit together.")
    if any(step < 0 and first < -1 for first, step in zip(starts, steps)):
        # A start before row 0 is row 0 where the step is negative, unlike StridedSlice's.
        lengths = [x.shape.as_list()[axis] for axis in where]
        if None in lengths:
            return _dynamic_slice(x, *map(t.int64, (starts, ends, where, steps)))
        starts = [
            -size if step < 0 and first < -size else first
            for first, step, size in zip(starts, steps, lengths)
        ]
    begin, end, stride = np.zeros((3, dimensions), np.int64) + [[0], [0], [1]]
    begin_mask = end_mask = (1 << dimensions) - 1
    for axis, first, last, step in zip(where, starts, ends, steps):
        # From or to the end of the axis, which files say by the largest int64: a mask says it in all formats, also those of 32 bits.
        lowest, highest = (first, last) if step > 0 else (last, first)
        stride[axis] = np.clip(step, -_FAR, _FAR)
        opens = lowest <= -_FAR, highest >= _FAR
        open_begin, open_end = opens if step > 0 else opens[::-1]
        open_end = open_end or last in _NO_END
        if not open_begin:
            begin[axis] = np.clip(first, -_FAR, _FAR)
            begin_mask &= ~(1 << axis)
        if not open_end:
            end[axis] = np.clip(last, -_FAR, _FAR)
            end_mask &= ~(1 << axis)
    return raw.StridedSlice(x, begin, end, stride, begin_mask=begin_mask, end_mask=end_mask)


def _dynamic_slice(x: Any, starts: Any, ends: Any, axes: Any, steps: Any) -> Any:
    """A slice along axes that are known when the model runs: rows are gathered along every axis."""
    dimensions = t.rank(x)
    starts, ends = t.cast(starts, dtypes.int64), t.cast(ends, dtypes.int64)
    count = raw.Size(starts, out_type=dtypes.int64)
    places = t.numbers(count) if axes is None else t.cast(axes, dtypes.int64)
    places = raw.FloorMod(places, t.int64(dimensions))
    steps = raw.OnesLike(starts) if steps is None else t.cast(steps, dtypes.int64)
    for axis in range(dimensions):
        hit = t.cast(raw.Equal(places, t.int64(axis)), dtypes.int64)
        size = t.extent(x, axis)
        named = raw.Any(raw.Equal(places, t.int64(axis)), np.int32(0))
        first, last, step = (
            raw.Sum(raw.Mul(hit, values), np.int32(0)) for values in (starts, ends, steps)
        )
        step = raw.SelectV2(named, step, t.int64(1))
        rows = _rows(
            raw.SelectV2(named, first, t.int64(0)), raw.SelectV2(named, last, size), step, size
        )
        x = t.batched_gather(x, rows, axis)
    return x


def _rows(first: Any, last: Any, step: Any, size: Any) -> Any:
    """The rows of range(size)[first:last:step], except that a backward slice that begins before row 0 begins there."""
    zero = t.int64(0)
    forward = raw.Greater(step, zero)
    high = raw.SelectV2(forward, size, raw.Sub(size, t.int64(1)))

    def bounded(value: Any, low: Any) -> Any:
        value = raw.SelectV2(raw.Less(value, zero), raw.AddV2(value, size), value)
        return raw.Minimum(raw.Maximum(value, low), high)

    first = bounded(first, zero)
    is_open = raw.LogicalOr(*(raw.Equal(last, t.int64(end)) for end in _NO_END))
    last = bounded(last, raw.SelectV2(forward, zero, t.int64(-1)))
    last = raw.SelectV2(is_open, raw.SelectV2(forward, size, t.int64(-1)), last)
    # No rows are left where the end is before the start.
    last = raw.SelectV2(forward, raw.Maximum(first, last), raw.Minimum(first, last))
    # Longer steps leave the axis as well; their sums with a row could overflow.
    most = raw.AddV2(size, t.int64(1))
    return raw.Range(first, last, raw.Minimum(raw.Maximum(step, raw.Neg(most)), most))


@reads("Pad", settings=(1, 2, 3))
@reads("Pad", domain=MICROSOFT, settings=(1, 2, 3))
def _pad(n: Node, x: Any, pads: Any = None, value: Any = None, axes: Any = None) -> Any:
    dimensions = t.rank(x)
    if pads is None:
        pads = t.int64(n.attr("pads" if n.has("pads") else "paddings"))
        value = t.like(n.attr("value", 0.0), x)
    if axes is not None:
        where = t.expand_dims(raw.FloorMod(t.cast(axes, dtypes.int64), t.int64(dimensions)), [1])
    else:
        where = np.arange(dimensions)[:, None]
    amounts = raw.Transpose(raw.Reshape(t.cast(pads, dtypes.int64), t.int64([2, -1])), [1, 0])
    amounts = raw.ScatterNd(where, amounts, t.int64([dimensions, 2]))
    known = t.known(amounts)
    amounts = amounts if known is None else t.int64(known)
    value = t.like(0, x) if value is None else raw.Reshape(value, t.int64([]))
    mode = n.attr("mode", "constant")
    if mode == "wrap" or mode == "edge":
        return _gathered_pad(x, amounts, mode)
    if mode == "reflect":
        # MirrorPad refuses an empty axis even where nothing is added to it. Of an undeclared extent only the run knows it.
        if known is not None and np.all(known >= 0) and 0 not in x.shape.as_list():
            return raw.MirrorPad(x, amounts, mode="REFLECT")
        return _gathered_pad(x, amounts, mode)
    if mode != "constant":
        raise UnimplementedError(f"the mode '{mode}' is not supported.")
    if known is not None and np.all(known >= 0):
        padded = t.turned(x)
        if padded is not None:
            source, order = padded
            return t.transpose(raw.PadV2(source, known[np.argsort(order)], value), order)
        return raw.PadV2(x, amounts, value)
    added = raw.PadV2(x, raw.Maximum(amounts, t.int64(0)), value)
    return _cut(added, raw.Maximum(raw.Neg(amounts), t.int64(0)))


def _cut(x: Any, amounts: Any) -> Any:
    """x without some rows at both ends of every axis."""
    before, after = raw.Unpack(amounts, num=2, axis=1)
    return raw.Slice(x, before, raw.Sub(raw.Sub(t.shape(x), before), after))


def _gathered_pad(x: Any, amounts: Any, mode: str) -> Any:
    """Rows of x that pad it on both sides."""
    for axis in range(t.rank(x)):
        size = t.extent(x, axis)
        before, after = (t.element(row, axis) for row in raw.Unpack(amounts, num=2, axis=1))
        # Rows that negative amounts cut off are cut off first: they are not repeated elsewhere.
        cut = raw.Maximum(raw.Neg(before), t.int64(0))
        size = raw.Sub(raw.AddV2(size, raw.Minimum(after, t.int64(0))), cut)
        before, after = (raw.Maximum(amount, t.int64(0)) for amount in (before, after))
        rows = raw.Range(raw.Neg(before), raw.AddV2(size, after), t.int64(1))
        if mode == "wrap":
            rows = raw.FloorMod(rows, raw.Maximum(size, t.int64(1)))
        elif mode == "reflect":
            period = raw.Maximum(raw.Mul(raw.Sub(size, t.int64(1)), t.int64(2)), t.int64(1))
            rows = raw.FloorMod(rows, period)
            rows = raw.Minimum(rows, raw.Sub(period, rows))
        rows = raw.Minimum(raw.Maximum(rows, t.int64(0)), raw.Sub(size, t.int64(1)))
        x = t.batched_gather(x, raw.AddV2(rows, cut), axis)
    return x


@reads("Trilu", settings=(1,))
@reads("Trilu", domain=MICROSOFT, settings=(1,))
def _trilu(n: Node, x: Any, k: Any = None) -> Any:
    offset = t.int64(0) if k is None else raw.Reshape(k, t.int64([]))
    rows, columns = (t.numbers(size) for size in t.extents(x)[-2:])
    distance = raw.Sub(t.expand_dims(columns, [0]), t.expand_dims(rows, [1]))
    kept = (raw.GreaterEqual if n.flag("upper", 1) else raw.LessEqual)(distance, offset)
    return raw.SelectV2(kept, x, t.like(0, x))


@reads("DepthToSpace")
def _depth_to_space(n: Node, x: Any) -> Any:
    block, (batch, depth, height, width) = n.attr("blocksize"), t.extents(x)
    if block < 1 or isinstance(depth, int) and depth % (block * block):
        raise InvalidArgumentError(f"{depth} channels do not form blocks of {block}.")
    inner = depth // (block * block)
    if n.attr("mode", "DCR") == "DCR":
        split, order = [batch, block, block, inner, height, width], [0, 3, 4, 1, 5, 2]
    else:
        split, order = [batch, inner, block, block, height, width], [0, 1, 4, 2, 5, 3]
    moved = t.transpose(t.reshape(x, split), order)
    return t.reshape(moved, [batch, inner, t.product([height, block]), t.product([width, block])])


@reads("SpaceToDepth")
def _space_to_depth(n: Node, x: Any) -> Any:
    block, (batch, depth, height, width) = n.attr("blocksize"), t.extents(x)
    known = [v for v in (height, width) if isinstance(v, int)]
    if block < 1 or any(v % block for v in known):
        raise InvalidArgumentError(f"{height} x {width} does not form blocks of {block}.")
    split = [batch, depth, height // block, block, width // block, block]
    # DCR, the default, has the position in the block as the slower part of the channel.
    order = [0, 1, 3, 5, 2, 4] if n.attr("mode", "DCR") == "CRD" else [0, 3, 5, 1, 2, 4]
    moved = t.transpose(t.reshape(x, split), order)
    channels = t.product([depth, block * block])
    return t.reshape(moved, [batch, channels, height // block, width // block])


@reads("CenterCropPad", settings=(1,))
def _center_crop_pad(n: Node, x: Any, sizes: Any) -> Any:
    dimensions = t.rank(x)
    axes = t.axes_of(n.attr("axes", list(range(dimensions))), dimensions)
    for place, axis in enumerate(axes):
        wanted, size = t.element(t.cast(sizes, dtypes.int64), place), t.extent(x, axis)
        spare, two, zero = raw.Sub(wanted, size), t.int64(2), t.int64(0)
        padding = raw.Maximum(spare, zero)
        before = raw.FloorDiv(padding, two)
        amounts = raw.ScatterNd(
            t.int64([[axis]]),
            t.expand_dims(raw.Pack([before, raw.Sub(padding, before)], axis=0), [0]),
            t.int64([dimensions, 2]),
        )
        x = raw.PadV2(x, amounts, t.like(0, x))
        begin = raw.FloorDiv(raw.Maximum(raw.Neg(spare), zero), two)
        begins = raw.ScatterNd(t.int64([[axis]]), t.expand_dims(begin, [0]), t.int64([dimensions]))
        lengths = [wanted if a == axis else n for a, n in enumerate(t.extents(x))]
        x = raw.Slice(x, begins, t.vector(lengths))
    return x


@reads("ReverseSequence")
def _reverse_sequence(n: Node, x: Any, lengths: Any) -> Any:
    batch, time = n.attr("batch_axis", 1), n.attr("time_axis", 0)
    return raw.ReverseSequence(x, lengths, seq_dim=time, batch_dim=batch)
