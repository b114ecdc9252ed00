"""Slices and strided slices, their gradients and updates."""

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.calls.facts import Elements, HostKernel, Values
from penstock._src.core.calls.refusals import RefusedValue
from penstock._src.core.op import Op
from penstock._src.core.registry import raw
from penstock._src.core.shapes import UNKNOWN, TensorShape, unknown_shape
from penstock._src.core.typesets import ANY, INDEX
from penstock._src.core.values.arrays import empty_pooled
from penstock._src.core.values.memory import LARGE
from penstock._src.ir.errors import NeedsValue, NotLowerable
from penstock._src.ir.extents.dims import range_length, slice_indices
from penstock._src.ops import infer
from penstock._src.ops.array.constant import zero_of
from penstock._src.ops.array.strided import (
    Masks,
    SliceEntry,
    basic_index,
    before_new_axes,
    check_index,
    open_index,
    resolve,
    sliced_shape,
)
from penstock._src.ops.rules import dims_of, reshape, shape_of, show


def contiguous(view: np.ndarray) -> np.ndarray:
    """Returns a copy of a view unless its elements are contiguous."""
    if view.nbytes < LARGE or view.flags.c_contiguous or view.dtype.hasobject:
        return np.asarray(view, order="C")
    copy = empty_pooled(view.shape, view.dtype)
    copy[...] = view
    return copy


class Slice(Op):
    """A block: `size` elements from `begin` along each dimension; a size of -1 takes the rest."""

    signature = "input: T, begin: Index, size: Index -> output: T"
    extents = {"begin": "n", "size": "n"}
    host_kernel = HostKernel(is_view=True)
    T = ANY
    Index = INDEX
    elements = Elements(is_movement=True)

    def shape(self, input, begin, size):
        sizes, starts = infer.held(size), infer.value_or_none(begin)
        for vector in (begin, size):
            if input.rank is None and infer.vector_length(vector) is not None:
                input = unknown_shape(infer.vector_length(vector))
        if input.rank is None:
            input = unknown_shape(sizes.rank)
        if sizes.rank is None:
            infer.merged(begin, size)
            return unknown_shape(input.rank)
        input.with_rank(sizes.rank)
        dims, sizes_known = sizes.as_list(), infer.value_or_none(size)
        for i, whole in enumerate(input.as_list()):
            start = None if starts is None else starts[i]
            if sizes_known is not None and sizes_known[i] == -1:
                dims[i] = None if None in (start, whole) else whole - start
                # A block that ends outside of the tensor is refused when the op runs.
                if dims[i] is not None and dims[i] < 0:
                    raise ValueError(
                        f"Negative dimension size caused by subtracting {start} from {whole}"
                    )
        return TensorShape(dims)

    def gradient(self, input, begin, _size, output, dy):
        starts = reshape(raw.Cast(begin, DstT=dtypes.int32), [-1, 1])
        rest = shape_of(input) - shape_of(output)
        ends = raw.Sub(reshape(rest, [-1, 1]), starts)
        return raw.Pad(dy, raw.ConcatV2([starts, ends], np.int32(1))), None, None

    def eager(self, input, begin, size):
        starts, sizes = begin.ravel().tolist(), size.ravel().tolist()
        if begin.shape != (input.ndim,) or size.shape != (input.ndim,):
            raise self.invalid(
                f"Expected begin and size arguments to be 1-D tensors of size {input.ndim}, "
                f"but got shapes {show(begin.shape)} and {show(size.shape)} instead."
            )
        index = []
        for i, (start, count, whole) in enumerate(zip(starts, sizes, input.shape)):
            if not 0 <= start <= whole:
                raise self.invalid(f"Expected begin[{i}] in [0, {whole}], but got {start}")
            count = whole - start if count == -1 else count
            if not 0 <= count <= whole - start:
                raise self.invalid(f"Expected size[{i}] in [0, {whole - start}], but got {count}")
            index.append(slice(start, start + count))
        return contiguous(input[tuple(index)])

    def lower(self, p, input, begin, size):
        if begin.shape != (input.rank,) or size.shape != (input.rank,):
            raise NotLowerable("a block of another rank")
        sizes, starts = dims_of(p, size, "the size"), p.dims(begin)
        if starts is None:
            return self.lower_from(p, input, begin, sizes)
        limits = [
            whole if count == -1 else start + count
            for start, count, whole in zip(starts, sizes, input.shape)
        ]
        for start, limit, whole in zip(starts, limits, input.shape):
            if not 0 <= start <= limit <= whole:
                raise NotLowerable("a block outside of the tensor")
        return p.slice(input, starts, limits)

    @staticmethod
    def lower_from(p, input, begin, sizes):
        """Lowers a block with a dynamic start."""
        if any(s == -1 for s in sizes):
            raise NeedsValue(begin, "needs where the block begins: it reaches to the end")
        starts = [p.take_index(begin, 0, i) for i in range(len(sizes))]
        if any(not 0 <= count <= whole for count, whole in zip(sizes, input.shape)):
            raise NotLowerable("a block larger than the tensor")
        if p.depth:
            return gathered_block(p, input, starts, sizes)
        for i, (start, count, whole) in enumerate(zip(starts, sizes, input.shape)):
            last = p.scalar(whole - count, dtypes.int64)
            fits = p.and_(p.ge(start, 0), p.le(p.cast(start, dtypes.int64), last))
            p.check(fits, f"Slice: begin[{i}] is out of range")
        return p.dynamic_slice(input, starts, sizes)


def gathered_block(p, x, starts, sizes):
    """Lowers a block to gathers, which check their indices also inside loops and branches."""
    for axis, (start, count) in enumerate(zip(starts, sizes)):
        kind = dtypes.int64 if x.shape[axis] > dtypes.int32.max else start.dtype
        places = p.add(p.iota((count,), 0, kind), p.cast(start, kind))
        x = p.gather(x, places, axis, 0, mode="error")
    return x


# -- strided slices --------------------------------------------------------------------------------


class _Strided(Op):
    """An op on the elements selected by begin, end, strides and five masks."""

    Index = INDEX
    begin_mask: int = 0
    end_mask: int = 0
    ellipsis_mask: int = 0
    new_axis_mask: int = 0
    shrink_axis_mask: int = 0
    T = ANY

    @property
    def masks(self):
        """The five masks."""
        return Masks(
            self.begin_mask,
            self.end_mask,
            self.ellipsis_mask,
            self.new_axis_mask,
            self.shrink_axis_mask,
        )

    @property
    def mask_attributes(self):
        """The five masks as attributes of another strided op."""
        return {name: value for name, value in self.attrs.items() if name.endswith("_mask")}

    def entries(self, rank, begin, end, strides):
        """Returns the entries for host values of the bounds.

        Raises:
          InvalidArgumentError: the bounds do not fit.
        """
        if begin.ndim != 1 or begin.shape != end.shape or begin.shape != strides.shape:
            raise self.invalid(
                "Expected begin, end, and strides to be 1D equal size tensors, but got shapes "
                f"{show(begin.shape)}, {show(end.shape)}, and {show(strides.shape)} instead."
            )
        if not rank and begin.size and not self.ellipsis_mask and self.new_axis_mask == 0:
            raise self.invalid("Attempting to slice scalar input.")
        try:
            return resolve(rank, begin.tolist(), end.tolist(), strides.tolist(), self.masks)
        except RefusedValue as error:
            raise self.invalid(str(error)) from None

    def index(self, shape, begin, end, strides):
        """Returns the NumPy index of the slice."""
        try:
            return basic_index(self.entries(len(shape), begin, end, strides), shape)
        except RefusedValue as error:
            raise self.invalid(str(error)) from None

    def static_entries(self, rank, begin, end, strides):
        """Returns the entries for static inputs, with None for unknown entries, or None."""
        count = infer.vector_length(begin)
        if count is None or rank is None:
            return None
        values = [infer.value_or_none(v) or [None] * count for v in (begin, end, strides)]
        return resolve(rank, *values, self.masks), values

    @staticmethod
    def require_vectors(begin, end, strides):
        """Leaves invalid bounds to the host kernel, which raises the error."""
        if begin.rank != 1 or begin.shape != end.shape or begin.shape != strides.shape:
            raise NotLowerable("bounds that are not vectors of the same length")

    def known_entries(self, p, rank, begin, end, strides):
        """Returns the entries for nodes with static values while lowering."""
        self.require_vectors(begin, end, strides)
        values = [dims_of(p, v, "the bounds") for v in (begin, end, strides)]
        return resolve(rank, *values, self.masks)


def static_count(entry, values, dimension, masks):
    """Returns how many elements an entry takes of a dimension, None if that is unknown."""
    if entry.position is None:
        return dimension
    first, last, step = (v[entry.position] for v in values)
    i = entry.position
    open_first, open_last = masks.is_open(i, "begin"), masks.is_open(i, "end")
    if step is None:
        return None
    if open_first and open_last:
        return None if dimension is None else range_length(0, dimension, abs(step))
    if (first is None and not open_first) or (last is None and not open_last):
        return None
    if dimension is not None:
        return entry.count(dimension)
    # For an unknown dimension, a slice between bounds of the same sign may still be empty or shorter.
    return None


class StridedSlice(_Strided):
    """Python's basic indexing: x[begin:end:stride, ..., i, newaxis]."""

    signature = "input: T, begin: Index, end: Index, strides: Index -> output: T"
    extents = {"begin": "n", "end": "n", "strides": "n"}
    host_kernel = HostKernel(is_view=True)
    Index = INDEX | {dtypes.int16}
    elements = Elements(is_movement=True)

    def shape(self, input, begin, end, strides):
        static = self.static_entries(input.rank, begin, end, strides)
        if static is None:
            return UNKNOWN
        entries, values = static
        dims = []
        for entry in entries:
            if entry.is_new:
                dims.append(1)
            elif entry.is_index:
                if entry.begin is not None and input[entry.axis] is not None:
                    check_index(entry, input[entry.axis])
            else:
                dims.append(static_count(entry, values, input[entry.axis], self.masks))
        return dims

    def gradient(self, input, begin, end, strides, _output, dy):
        kind = begin.dtype if begin.dtype in INDEX else dtypes.int32
        shape = raw.Shape(input, out_type=kind)
        bounds = [v if v.dtype == kind else raw.Cast(v, DstT=kind) for v in (begin, end, strides)]
        dx = raw.StridedSliceGrad(shape, *bounds, dy, **self.mask_attributes)
        return dx, None, None, None

    def eager(self, input, begin, end, strides):
        masks = (
            self.begin_mask,
            self.end_mask,
            self.ellipsis_mask,
            self.new_axis_mask,
            self.shrink_axis_mask,
        )
        try:
            bounds = tuple(begin.tolist()), tuple(end.tolist()), tuple(strides.tolist())
            part = input[open_index(input.ndim, *bounds, masks)]
        except (RefusedValue, TypeError, IndexError):
            # The slow path raises a precise error.
            part = input[self.index(input.shape, begin, end, strides)]
        return contiguous(part) if isinstance(part, np.ndarray) else part

    def lower(self, p, input, begin, end, strides):
        self.require_vectors(begin, end, strides)
        values = [p.dims(v) for v in (begin, end, strides)]
        if None in values:
            return self.lower_unknown(p, input, begin, end, strides)
        return cut(p, input, self.known_or_dims(input, *values))

    def known_or_dims(self, input, begin, end, strides):
        """Returns the entries for known bounds."""
        entries = resolve(len(input.shape), begin, end, strides, self.masks)
        basic_index(entries, input.shape)
        return entries

    def lower_unknown(self, p, input, begin, end, strides):
        """Lowers x[i, j : j + n, ...] with dynamic indices."""
        count = int(begin.shape[0])
        values = [[known(p, v, i) for i in range(count)] for v in (begin, end, strides)]
        if None in values[2]:
            raise NeedsValue(strides, "needs the strides while compiling")
        entries = resolve(len(input.shape), *values, self.masks)
        rest = []
        for entry in entries:
            unknown = [
                name
                for name, vector in (("begin", values[0]), ("end", values[1]))
                if entry.position is not None
                and not entry.is_new
                and vector[entry.position] is None
                and not (entry.is_index and name == "end")
                and not (not entry.is_index and self.masks.is_open(entry.position, name))
            ]
            if entry.is_index and unknown:
                at = p.take_index(begin, 0, entry.position)
                size = p.scalar(input.shape[entry.axis], at.dtype)
                at = p.select(p.lt(at, 0), p.add(at, size), at)
                place = p.reshape(at, (1,))
                input = p.gather(input, place, entry.axis, 0, mode="error")
                rest.append(SliceEntry(entry.axis, entry.position, True, 0))
            elif unknown:
                window = None
                if not any(self.masks.is_open(entry.position, name) for name in ("begin", "end")):
                    window = moving_window(p, input, entry, begin, end)
                if window is None:
                    vector = begin if "begin" in unknown else end
                    raise NeedsValue(vector, "needs the bounds of a slice while compiling")
                input = window
                rest.append(SliceEntry(entry.axis, None))
            else:
                rest.append(entry)
        return cut(p, input, rest)


def moving_window(p, x, entry, begin, end):
    """Lowers x[i : i + n] along the axis of an entry, or returns None if n is dynamic or i may be out of bounds."""
    ends = [p.take_index(vector, 0, entry.position) for vector in (begin, end)]
    count, within = p.difference(*ends), p.bounds(ends[0])
    if entry.stride != 1 or count is None or count < 0 or within is None:
        return None
    if within[0] < 0 or within[1] + count > x.shape[entry.axis]:
        return None
    starts = [ends[0] if axis == entry.axis else 0 for axis in range(len(x.shape))]
    sizes = [count if axis == entry.axis else extent for axis, extent in enumerate(x.shape)]
    return p.dynamic_slice(x, starts, sizes)


def known(p, vector, i):
    """Returns entry i of a vector, if it is known while lowering."""
    value = p.value(p.take_index(vector, 0, i))
    return None if value is None else int(value)


def cut(p, x, entries):
    """Lower a slice with known entries."""
    return p.take(x, basic_index(entries, x.shape))


class StridedSliceGrad(_Strided):
    """Zeros of a shape, with dy at the elements of a strided slice."""

    signature = "shape: Index, begin: Index, end: Index, strides: Index, dy: T -> output: T"
    host_kernel = HostKernel(opens="own")
    values = Values(keeps_finite=True)

    def output_shape(self, shape, begin, end, strides, dy):
        return infer.held(shape)

    def gradient(self, _shape, begin, end, strides, _dy, _output, grad):
        sliced = raw.StridedSlice(grad, begin, end, strides, **self.mask_attributes)
        return None, None, None, None, sliced

    def eager(self, shape, begin, end, strides, dy):
        dims = tuple(shape.tolist())
        out = np.full(dims, zero_of(self.T), self.T.np)
        index = self.index(dims, begin, end, strides)
        expected = sliced_shape(self.entries(len(dims), begin, end, strides), dims)
        actual = np.shape(dy)  # a single variant counts as a scalar
        if list(actual) != expected:
            raise self.invalid(f"shape of dy was {show(actual)} instead of {show(expected)}")
        out[index] = dy
        return out

    def lower(self, p, shape, begin, end, strides, dy):
        self.require_vectors(begin, end, strides)
        dims = dims_of(p, shape, "the shape")
        if None in [p.dims(v) for v in (begin, end, strides)]:
            return self.lower_unknown(p, dims, begin, end, strides, dy)
        entries = self.known_entries(p, len(dims), begin, end, strides)
        return spread(p, dy, entries, dims, 0)

    def lower_unknown(self, p, shape, begin, end, strides, dy):
        """Lowers the gradient of x[i, 2:, ...] with dynamic indices."""
        values = [[known(p, v, i) for i in range(int(v.shape[0]))] for v in (begin, end, strides)]
        if None in values[2]:
            raise NeedsValue(strides, "needs the strides while compiling")
        entries = resolve(len(shape), *values, self.masks)
        extents, starts, rest = list(shape), [p.constant(0)] * len(shape), []
        for entry in entries:
            if entry.is_index and entry.begin is None:
                if not shape[entry.axis]:
                    raise NotLowerable("an index into an axis without elements")
                starts[entry.axis] = self.place(p, begin, entry, shape[entry.axis])
                extents[entry.axis], entry = 1, SliceEntry(entry.axis, entry.position, True, 0)
            elif not entry.is_index and not entry.is_new and not entry.is_full:
                for name, vector, at in (("begin", begin, values[0]), ("end", end, values[1])):
                    if at[entry.position] is None and not self.masks.is_open(entry.position, name):
                        raise NeedsValue(vector, "needs the bounds of a slice while compiling")
            rest.append(entry)
        block = spread(p, dy, rest, extents, 0)
        return p.dynamic_update_slice(p.full(shape, 0, dy.dtype), block, starts)

    def place(self, p, begin, entry, extent):
        """Returns the index of an entry, counted from the front, with a check unless it is known to be in range."""
        at = p.take_index(begin, 0, entry.position)
        within = p.bounds(at)
        if within is None or not 0 <= within[0] <= within[1] < extent:
            size = p.scalar(extent, at.dtype)
            inside = p.and_(p.ge(at, p.neg(size)), p.lt(at, size))
            if not p.is_recorded(at):  # recorded by the forward loop, which has checked it
                p.check(inside, f"slice index of dimension {entry.axis} out of bounds")
            at = p.select(p.lt(at, 0), p.add(at, size), at)
        return at


def spread(p, values, entries, shape, fill):
    """Lowers a constant tensor with `values` at the elements that the entries select."""
    sizes = list(shape)
    basic_index(entries, sizes)
    if list(values.shape) != sliced_shape(entries, sizes):
        raise NotLowerable("values of another shape than the slice")
    taken = before_new_axes(entries, shape)
    low, high, interior, back = [0] * len(sizes), [0] * len(sizes), [0] * len(sizes), []
    for entry in entries:
        if entry.is_new or entry.is_full:
            continue
        axis, count = entry.axis, taken[entry.axis]
        if entry.is_index:
            first, step = check_index(entry, sizes[axis]), 1
        else:
            first, _, step = slice_indices(entry.slice(), sizes[axis])
            if step < 0:
                back.append(axis)
                first, step = first + (count - 1) * step, -step
        if not count:
            low[axis], high[axis] = 0, shape[axis]
            continue
        low[axis], interior[axis] = first, step - 1
        high[axis] = shape[axis] - (first + (count - 1) * step + 1)
    block = p.reshape(values, taken)
    block = p.reverse(block, back) if back else block
    return p.pad(block, low, high, fill, interior)


class TensorStridedSliceUpdate(_Strided):
    """The input with a broadcast `value` assigned to a strided slice."""

    signature = "input: T, begin: Index, end: Index, strides: Index, value: T -> output: T[input]"

    def gradient(self, _input, begin, end, strides, value, _output, dy):
        sliced = raw.StridedSlice(dy, begin, end, strides, **self.mask_attributes)
        zeros = raw.ZerosLike(sliced)
        rest = raw.TensorStridedSliceUpdate(dy, begin, end, strides, zeros, **self.mask_attributes)
        axes = raw.BroadcastGradientArgs(raw.Shape(value), raw.Shape(sliced))[0]
        return rest, None, None, None, reshape(raw.Sum(sliced, axes), raw.Shape(value))

    def eager(self, input, begin, end, strides, value):
        out = input.copy()
        index = self.index(input.shape, begin, end, strides)
        target = sliced_shape(self.entries(input.ndim, begin, end, strides), input.shape)
        try:
            values = np.broadcast_to(value, target)
        except ValueError:
            raise self.invalid(
                f"Cannot broadcast input shape {show(value.shape)} into final shape {show(target)}"
            ) from None
        out[index] = values if values.ndim else values[()]  # an index of a string takes no array
        return out

    def lower(self, p, input, begin, end, strides, value):
        entries = self.known_entries(p, len(input.shape), begin, end, strides)
        target = sliced_shape(entries, input.shape)
        values = p.broadcast_to(value, target)
        if all(e.is_full for e in entries):
            return values
        ones = p.full(target, True, dtypes.bool_)
        chosen = spread(p, ones, entries, input.shape, False)
        return p.select(chosen, spread(p, values, entries, input.shape, 0), input)
