"""Sparse tensors as (indices, values, dense shape): conversion, reordering, reshaping, slicing, concatenation."""

import math

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.calls.facts import SLOWEST, HostKernel
from penstock._src.core.op import Op
from penstock._src.core.registry import raw
from penstock._src.core.shapes import as_shape
from penstock._src.core.typesets import ANY, INDEX
from penstock._src.ir.errors import NotLowerable
from penstock._src.ops.rules import axis_of, check_elements, dims_of, quiet, show


def strides_of(shape):
    """Return the distance between neighbors along each axis in the flattened dense tensor."""
    return np.append(np.cumprod(shape[:0:-1], dtype=np.int64)[::-1], 1) if len(shape) else []


def flat_places(indices, shape):
    """The row-major position of each index in the dense tensor."""
    if not indices.shape[1]:
        return np.zeros(len(indices), np.int64)
    places = indices[:, 0].astype(np.int64)
    for column, extent in zip(indices.T[1:], shape[1:], strict=True):
        places *= extent
        places += column
    return places


def outside(indices, shape):
    """Return True for each index that is not within a shape; None if all are."""
    columns = [c for c in zip(indices.T, shape, strict=True) if len(indices)]
    # Columns one by one: NumPy is slow along an axis of a few elements.
    if all(column.min() >= 0 and column.max() < extent for column, extent in columns):
        return None
    return ((indices < 0) | (indices >= shape)).any(-1)


def rows_where(mask, *arrays):
    """Return the rows of each array where a mask is True."""
    at = np.flatnonzero(mask)
    return [array.take(at, 0) for array in arrays]  # several times as fast as array[mask]


def check_indices(op, indices, shape, ordered=True, what=""):
    """Raises InvalidArgumentError for indices outside a shape or, with `ordered`, not in order.

    `what` stands before the message for an index outside.
    """
    wrong = outside(indices, shape)
    if wrong is not None:
        at = int(np.argmax(wrong))
        raise op.invalid(
            f"{what}indices[{at}] = {show(indices[at])} is out of bounds: need 0 <= index < "
            f"{show(shape)}"
        )
    if not ordered or len(indices) < 2:
        return
    places = flat_places(indices, np.asarray(shape))
    ascends = places[1:] > places[:-1]
    if not ascends.all():
        at = int(np.argmin(ascends)) + 1
        what = (
            "repeated"
            if places[at] == places[at - 1]
            else (
                "out of order. Many sparse ops require sorted indices.\n    Use `tf.sparse.reorder` to "
                "create a correctly ordered copy.\n\n"
            )
        )
        raise op.invalid(f"indices[{at}] = {show(indices[at])} is {what}")


def check_sparse(op, indices, values, shape, what="sparse"):
    """Raises InvalidArgumentError unless three arrays are the parts of a sparse tensor of a possible shape."""
    check_parts(op, indices, values, shape, what)
    extents = shape.tolist()  # numbers of Python: faster than NumPy for a few
    if min(extents, default=0) < 0:
        raise op.invalid(f"dimensions must be >= 0. Received shape {show(shape)}")
    check_elements(op, *extents)


def check_parts(op, indices, values, shape, what="sparse"):
    """Raises InvalidArgumentError unless three arrays fit together as the parts of a sparse tensor."""
    if indices.ndim != 2 or values.ndim != 1 or shape.ndim != 1:
        raise op.invalid(
            f"the parts of a {what} tensor must be a matrix and two vectors. Received "
            f"{show(indices.shape)}, {show(values.shape)}, {show(shape.shape)}"
        )
    if indices.shape[1] != shape.shape[0]:
        raise op.invalid(
            f"Index rank {indices.shape[1]} and shape rank {shape.shape[0]} do not match: Dimensions "
            f"{indices.shape[1]} and {shape.shape[0]} are not compatible"
        )
    if indices.shape[0] != values.shape[0]:
        raise op.invalid(
            f"Dimensions {indices.shape[0]} and {values.shape[0]} are not compatible: the parts of a "
            f"{what} tensor are {show(indices.shape)}, {show(values.shape)}, {show(shape.shape)}"
        )


def dense_of(indices, values, shape, fill=0):
    """The dense array."""
    out = np.full(tuple(int(n) for n in shape), fill, values.dtype)
    if out.ndim:
        out.reshape(-1)[flat_places(indices, shape)] = values
    elif len(values):
        out[...] = values[-1]
    return out


def sorted_parts(indices, values, shape):
    """Indices and values in row-major order; indices outside of the shape are ordered, too."""
    if outside(indices, shape) is None:
        places = flat_places(indices, np.asarray(shape))
        if (places[1:] >= places[:-1]).all():
            return indices, values
        order = stable_order(places)
    else:
        order = np.lexsort(indices.T[::-1])
    return indices.take(order, 0), values.take(order)


# Numbers from which their words are sorted faster (measured with AVX-512, November 2026).
_WORDS_FROM = 500


def stable_order(numbers):
    """Return the order that sorts a vector of int64 and keeps the order of equal ones.

    Numbers and their positions are sorted as one word if they fit: NumPy sorts words much faster than it orders them.
    """
    if len(numbers) < _WORDS_FROM:
        return numbers.argsort(kind="stable")
    bits = len(numbers).bit_length()
    if numbers.min() < 0 or int(numbers.max()).bit_length() + bits > 63:
        return numbers.argsort(kind="stable")
    words = numbers << bits
    words |= np.arange(len(numbers))
    words.sort()
    words &= (1 << bits) - 1
    return words


def grouped(numbers):
    """Return the order that sorts a vector of int64 (None if it is sorted), where groups of equal ones begin, and their numbers."""
    order, count = None, len(numbers)
    if not _ascends(numbers):
        order = stable_order(numbers)
        numbers = numbers.take(order)
    is_first = np.empty(count, bool)
    is_first[:1] = True
    np.not_equal(numbers[1:], numbers[:-1], out=is_first[1:])
    begins = is_first.nonzero()[0]
    return order, begins, numbers.take(begins)


def _ascends(numbers):
    """True if no number of a vector is smaller than the one before."""
    return not np.count_nonzero(numbers[1:] < numbers[:-1])


class SparseToDense(Op):
    """A dense tensor with values at indices and a default elsewhere."""

    host_kernel = HostKernel(compiles_from=SLOWEST)
    ranks = {"output_shape": (1,), "default_value": (0,)}
    signature = """sparse_indices: Tindices, output_shape: Tindices, sparse_values: T,
        default_value: T -> dense: T[*output_shape]"""
    T = ANY
    Tindices = INDEX
    validate_indices: bool = True

    def gradient(self, sparse_indices, _shape, sparse_values, _default_value, _dense, dy):
        if sparse_indices.shape.rank is not None and sparse_indices.shape.rank < 2:
            sparse_indices = raw.Reshape(tensor=sparse_indices, shape=[-1, 1])
        by_values = raw.GatherNd(params=dy, indices=sparse_indices)
        if sparse_values.shape.rank == 0:
            by_values = raw.Sum(input=by_values, axis=[0])
        total = raw.Sum(input=raw.Reshape(tensor=dy, shape=[-1]), axis=[0])
        taken = raw.Sum(input=raw.GatherNd(params=dy, indices=sparse_indices), axis=[0])
        return None, None, by_values, total - taken

    def eager(self, sparse_indices, output_shape, sparse_values, default_value):
        if sparse_indices.ndim > 2:
            raise self.invalid(
                "sparse_indices should be a scalar, vector, or matrix, got shape "
                f"{show(sparse_indices.shape)}"
            )
        rank = output_shape.size
        indices = sparse_indices.reshape(-1, rank) if sparse_indices.ndim < 2 else sparse_indices
        if output_shape.ndim != 1:
            raise self.invalid(f"output_shape must be rank 1, got shape {show(output_shape.shape)}")
        if indices.shape[1] != rank:
            raise self.invalid(
                f"output_shape has incorrect number of elements: {rank} should be: {indices.shape[1]}"
            )
        if sparse_values.ndim and sparse_values.shape != indices.shape[:1]:
            raise self.invalid(
                f"sparse_values has incorrect shape {show(sparse_values.shape)}, should be [] or "
                f"[{indices.shape[0]}]"
            )
        if default_value.ndim:
            raise self.invalid("default_value should be a scalar.")
        if self.validate_indices:
            check_indices(self, indices, output_shape)
        elif outside(indices, output_shape) is not None:
            shape = show(output_shape.tolist())
            raise self.invalid(f"Indices are not valid (out of bounds).  Shape: {shape}")
        return dense_of(
            indices, np.broadcast_to(sparse_values, len(indices)), output_shape, default_value
        )

    def lower(self, p, sparse_indices, output_shape, sparse_values, default_value):
        shape = dims_of(p, output_shape, "output_shape")
        indices = sparse_indices
        if indices.rank > 2:
            raise NotLowerable("indices of too high a rank")
        if indices.rank < 2:
            indices = p.reshape(indices, [-1, len(shape)])
        counts = sparse_values.shape if sparse_values.rank else indices.shape[:1]
        if default_value.rank or indices.shape[1] != len(shape) or not shape:
            raise NotLowerable("indices that do not fit the shape")
        if tuple(counts) != (indices.shape[0],):
            raise NotLowerable("indices that do not fit the shape")
        dense = p.broadcast_to(default_value, shape)
        if not indices.shape[0]:
            return dense
        values = p.broadcast_to(sparse_values, [indices.shape[0]])
        inputs = [sparse_indices, output_shape, sparse_values, default_value]
        message = "SparseToDense: the indices are out of bounds, out of order or repeated"
        check = _are_valid if self.validate_indices else _are_inside
        p.check(check(p, indices, shape), message, inputs)
        return p.scatter(dense, indices, values, op="set")


def _are_inside(p, indices, shape):
    """Lowers the check that index vectors are within a shape."""
    limits = p.broadcast_to(p.shape_value(shape, indices.dtype), indices.shape)
    return p.reduce_all(p.and_(p.ge(indices, 0), p.lt(indices, limits)))


def _are_valid(p, indices, shape):
    """Lowers the check that index vectors are within a shape, sorted and unique."""
    inside = _are_inside(p, indices, shape)
    flat = p.full([indices.shape[0]], 0, dtypes.int64)
    for axis, extent in enumerate(shape):
        column = p.cast(p.take_index(indices, 1, axis), dtypes.int64)
        flat = p.add(p.mul(flat, p.scalar(extent, dtypes.int64)), column)
    count = indices.shape[0]
    later, earlier = p.slice_axis(flat, 0, 1, count), p.slice_axis(flat, 0, 0, count - 1)
    return p.and_(inside, p.reduce_all(p.gt(later, earlier)))


class SparseReorder(Op):
    """The indices and values in row-major order."""

    signature = """input_indices: int64[?, ?], input_values: T[?], input_shape: int64
        -> output_indices: int64[input_indices], output_values: T[input_values]"""
    ranks = {"input_shape": (1,)}
    T = ANY

    def gradient(self, input_indices, _values, input_shape, _indices, _output, _dindices, dvalues):
        count = raw.Size(input=dvalues, out_type=dtypes.int64)
        places = raw.Range(start=np.int64(0), limit=count, delta=np.int64(1))
        _, order = raw.SparseReorder(
            input_indices=input_indices, input_values=places, input_shape=input_shape
        )
        inverse = raw.InvertPermutation(x=order)
        return None, raw.GatherV2(params=dvalues, indices=inverse, axis=np.int32(0)), None

    def eager(self, input_indices, input_values, input_shape):
        check_sparse(self, input_indices, input_values, input_shape, "input")
        return sorted_parts(input_indices, input_values, input_shape)


class SparseReshape(Op):
    """The indices of the same elements under another shape."""

    signature = """input_indices: int64[?, ?], input_shape: int64, new_shape: int64[?]
        -> output_indices: int64[input_indices[0], new_shape[0]], output_shape: int64[new_shape]"""
    ranks = {"input_shape": (1,)}

    def eager(self, input_indices, input_shape, new_shape):
        if input_indices.ndim != 2 or input_indices.shape[1:] != input_shape.shape:
            raise self.invalid(
                "Input tensor rank must match input shape length. Received indices of "
                f"{show(input_indices.shape)} and shape {show(input_shape)}"
            )
        extents, target = input_shape.tolist(), new_shape.tolist()
        if min(extents, default=0) < 0:
            raise self.invalid(
                f"Expected shape dimensions to be non-negative, got {show(input_shape)}"
            )
        check_elements(self, *extents)
        check_elements(self, *[n for n in target if n != -1])
        total = math.prod(extents)
        if target.count(-1) > 1:
            raise self.invalid("only one output dimension may be -1")
        if -1 in target:
            known = math.prod(n for n in target if n != -1)
            if known <= 0 or total % known:
                raise self.invalid(
                    f"Input to reshape is a SparseTensor with {total} dense values, but the requested "
                    f"shape requires a multiple of {known}. input_shape={show(input_shape)}"
                )
            target[target.index(-1)] = total // known
        if math.prod(target) != total:
            raise self.invalid(
                f"Input to reshape is a tensor with {total} dense values, but the requested shape has "
                f"{math.prod(target)}. input_shape={show(input_shape)} output_shape={show(target)}"
            )
        if target == input_shape.tolist():
            return input_indices, input_shape
        # As TensorFlow's, an index beyond the shape stays beyond, if it has a place at all.
        strides = strides_of(input_shape)
        if (input_indices < 0).any() or (input_indices @ np.array(strides, float) >= 2.0**63).any():
            check_indices(self, input_indices, input_shape, ordered=False)
        places = flat_places(input_indices, input_shape)
        moved = np.zeros((len(places), len(target)), np.int64)
        for axis, stride in enumerate(strides_of(target)):
            moved[:, axis] = whole = places // max(stride, 1)  # faster than NumPy's divmod
            places = places - whole * max(stride, 1)
        return moved, np.array(target, np.int64)


class SparseConcat(Op):
    """Sparse tensors concatenated along an axis."""

    signature = """indices: N * int64, values: N * T, shapes: N * int64
        -> output_indices: int64, output_values: T, output_shape: int64"""
    ranks = {"indices": (2,), "values": (1,), "shapes": (1,)}
    minimum = {"N": 2}
    T = ANY
    concat_dim: int
    differentiable = False

    def shape(self, indices, values, shapes):
        rank = next((s[0] for s in shapes if s.rank == 1 and s[0] is not None), None)
        counts = [i[0] if i.rank == 2 else None for i in indices]
        total = None if None in counts else sum(counts)
        return [total, rank], [total], [rank]

    def eager(self, indices, values, shapes):
        for parts in zip(indices, values, shapes, strict=True):
            check_sparse(self, *parts)
        axis = axis_of(self, self.concat_dim, shapes[0].size, "concat_dim")
        offset, moved = 0, []
        for part, shape in zip(indices, shapes, strict=True):
            others = [a for a in range(shape.size) if a != axis]
            if (shape[others] != shapes[0][others]).any():
                raise self.invalid(
                    f"Concat dimensions do not fit. Received {show(shapes[0])} and {show(shape)}"
                )
            shifted = part.copy()
            shifted[:, axis] += offset
            moved.append(shifted)
            offset += int(shape[axis])
        whole = shapes[0].copy()
        check_elements(self, *np.delete(whole, axis), offset)
        whole[axis] = offset
        parts = sorted_parts(np.concatenate(moved), np.concatenate(values), whole)
        return (*parts, whole)


class SparseSlice(Op):
    """The part of a sparse tensor from `start` with a size."""

    signature = """indices: int64[?, ?], values: T, shape: int64, start: int64, size: int64
        -> output_indices: int64[?, indices[1]], output_values: T[?], output_shape: int64[size]"""
    T = ANY

    def gradient(self, indices, _values, _shape, start, _size, out_indices, _ov, _os, _di, dy, _ds):
        by_values = raw.SparseSliceGrad(
            backprop_val_grad=dy,
            input_indices=indices,
            input_start=start,
            output_indices=out_indices,
        )
        return None, by_values, None, None, None

    def eager(self, indices, values, shape, start, size):
        for name, vector in (("start", start), ("size", size)):
            if vector.shape != shape.shape:
                raise self.invalid(
                    f"Expected {name} to be a vector of length {shape.size} but got length "
                    f"{vector.size}"
                )
        check_sparse(self, indices, values, shape, "input")
        check_indices(self, indices, shape, ordered=False)  # TensorFlow drops them
        if (size < 0).any():
            raise self.invalid(f"Expected a non-negative size, got {show(size)}")
        inside, columns = np.ones(len(indices), bool), []
        for axis, column in enumerate(indices.T):
            columns.append(column - start[axis])
            # As unsigned numbers, those before the start are larger than any size.
            inside &= columns[-1].view(np.uint64) < np.uint64(size[axis])
        at = np.flatnonzero(inside)
        moved = np.empty((at.size, indices.shape[1]), np.int64)
        for axis, column in enumerate(columns):
            moved[:, axis] = column.take(at)
        # `start + size` may be more than an int64 holds.
        return moved, values.take(at), np.maximum(np.minimum(size, shape - start), 0)


class SparseSplit(Op):
    """A sparse tensor split along an axis."""

    signature = """split_dim: int64, indices: int64, values: T, shape: int64
        -> output_indices: num_split * int64, output_values: num_split * T,
        output_shape: num_split * int64"""
    minimum = {"num_split": 1}
    T = ANY
    num_split: int

    def shape(self, split_dim, indices, values, shape):
        rank = indices.rank and indices[1]
        outputs = [None, rank], [None], [rank]
        return [[as_shape(dims)] * self.num_split for dims in outputs]

    def eager(self, split_dim, indices, values, shape):
        axis = axis_of(self, split_dim, shape.size, "split_dim")
        check_sparse(self, indices, values, shape)
        check_indices(self, indices, shape, ordered=False)
        extent, parts = int(shape[axis]), self.num_split
        if parts > extent:
            raise self.invalid(f"Number of splits {parts} must be at most the extent {extent}")
        base, extra = divmod(extent, parts)
        ends = np.arange(1, parts + 1) * base + np.minimum(np.arange(1, parts + 1), extra)
        column = np.ascontiguousarray(indices[:, axis])
        part_of = np.searchsorted(ends, column, side="right")
        order, _, _ = grouped(part_of)
        if order is not None:
            indices, values = indices.take(order, 0), values.take(order)
        counts = np.bincount(part_of, minlength=parts)
        groups, first, begin = ([], [], []), 0, 0
        for count, end in zip(counts.tolist(), ends.tolist(), strict=True):
            moved, whole = indices[first : first + count].copy(), shape.copy()
            moved[:, axis] -= begin
            whole[axis] = end - begin
            own = values[first : first + count].copy()
            for group, part in zip(groups, (moved, own, whole), strict=True):
                group.append(part)
            first, begin = first + count, end
        return groups


class SparseFillEmptyRows(Op):
    """Rows without elements get a default at column zero."""

    signature = """indices: int64, values: T, dense_shape: int64, default_value: T
        -> output_indices: int64, output_values: T, empty_row_indicator: bool,
        reverse_index_map: int64"""
    ranks = {"default_value": (0,)}
    extents = {"indices": "n, rank", "values": "n", "dense_shape": "rank"}
    T = ANY

    def shape(self, indices, values, dense_shape, default_value):
        rank = indices.rank and indices[1]
        rows = None if dense_shape.value is None else int(dense_shape.value[0])
        return [None, rank], [None], [rows], [values[0] if values.rank else None]

    def gradient(
        self, _indices, _values, _shape, _default, _oi, _ov, _empty, reverse_map, _di, dv, _de, _dm
    ):
        by_values, by_default = raw.SparseFillEmptyRowsGrad(
            reverse_index_map=reverse_map, grad_values=dv
        )
        return None, by_values, None, by_default

    def eager(self, indices, values, dense_shape, default_value):
        check_sparse(self, indices, values, dense_shape, "input")
        if default_value.ndim:
            raise self.invalid(f"default_value must be a scalar, saw: {show(default_value.shape)}")
        rows = int(dense_shape[0])
        wrong = outside(indices[:, :1], dense_shape[:1])
        if wrong is not None:
            at = int(np.argmax(wrong))
            raise self.invalid(f"indices({at}, 0) is invalid: {indices[at, 0]} >= {rows}")
        is_empty = np.ones(rows, bool)
        is_empty[indices[:, 0]] = False
        empty = np.flatnonzero(is_empty)
        if not empty.size and (indices[1:, 0] >= indices[:-1, 0]).all():
            return indices, values, is_empty, np.arange(len(indices))
        added = np.zeros((empty.size, indices.shape[1]), np.int64)
        added[:, 0] = empty
        place = _filled_places(indices[:, 0], is_empty, empty)
        order = np.empty(place.size, np.int64)
        order[place] = np.arange(place.size)
        filling = np.full(empty.size, default_value[()], values.dtype)
        return (
            np.concatenate([indices, added]).take(order, 0),
            np.concatenate([values, filling]).take(order),
            is_empty,
            place[: len(indices)],
        )


def _filled_places(rows, is_empty, empty):
    """Return the position of each element by its row, then of the one that is added to each empty row."""
    count = len(rows)
    if not (rows[1:] >= rows[:-1]).all():
        order = stable_order(np.concatenate([rows, empty]))
        place = np.empty(order.size, np.int64)
        place[order] = np.arange(order.size)
        return place
    place = np.cumsum(is_empty).take(rows)  # the elements added to earlier rows
    place += np.arange(count)
    is_free = np.ones(count + empty.size, bool)
    is_free[place] = False
    return np.concatenate([place, np.flatnonzero(is_free)])


def check_reverse_index(op, reverse_index_map, grad_values):
    """Raises InvalidArgumentError unless both are vectors, and one holds positions in the other."""
    for name, value in (("reverse_index_map", reverse_index_map), ("grad_values", grad_values)):
        if value.ndim != 1:
            raise op.invalid(f"{name} must be a vector, saw: {show(value.shape)}")
    outside = (reverse_index_map < 0) | (reverse_index_map >= grad_values.size)
    if outside.any():
        raise op.invalid(
            f"Elements in reverse index must be in [0, {grad_values.size}) but got "
            f"{reverse_index_map[np.argmax(outside)]}"
        )


class SparseFillEmptyRowsGrad(Op):
    """The gradient of SparseFillEmptyRows."""

    signature = """reverse_index_map: int64, grad_values: T
        -> d_values: T[reverse_index_map], d_default_value: T[]"""
    T = ANY
    ranks = {"reverse_index_map": (1,), "grad_values": (1,)}

    def eager(self, reverse_index_map, grad_values):
        check_reverse_index(self, reverse_index_map, grad_values)
        taken = grad_values[reverse_index_map]
        rest = np.ones(grad_values.shape, bool)
        rest[reverse_index_map] = False
        return taken, grad_values[rest].sum(dtype=grad_values.dtype)


class SparseSoftmax(Op):
    """Softmax over the elements of each row."""

    signature = "sp_indices: int64, sp_values: T, sp_shape: int64 -> output: T[sp_values]"
    ranks = {"sp_indices": (2,), "sp_values": (1,), "sp_shape": (1,)}
    T = frozenset({dtypes.float16, dtypes.float32, dtypes.float64})

    def gradient(self, sp_indices, _values, sp_shape, output, dy):
        product = output * dy
        total = raw.SparseReduceSum(
            input_indices=sp_indices,
            input_values=-product,
            input_shape=sp_shape,
            reduction_axes=np.array([-1], np.int32),
            keep_dims=True,
        )
        added = raw.SparseDenseCwiseAdd(
            sp_indices=sp_indices, sp_values=dy, sp_shape=sp_shape, dense=total
        )
        return None, added * output, None

    @quiet
    def eager(self, sp_indices, sp_values, sp_shape):
        check_sparse(self, sp_indices, sp_values, sp_shape)
        if sp_shape.size < 2:
            raise self.invalid(f"Input should have rank >= 2, but received shape: {sp_shape}")
        rows = flat_places(sp_indices[:, :-1], sp_shape[:-1])
        order, begins, unique = grouped(rows)
        count = len(unique)
        group = np.repeat(np.arange(count), np.diff(begins, append=len(rows)))
        if order is not None:
            in_order, group = group, np.empty_like(group)
            group[order] = in_order
        top = np.full(count, -np.inf, sp_values.dtype)
        np.maximum.at(top, group, sp_values)
        e = np.exp(sp_values - top[group])
        total = np.zeros(count, sp_values.dtype)
        np.add.at(total, group, e)
        return e / total[group]
