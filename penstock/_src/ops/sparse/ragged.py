"""Ragged tensors, as row splits and flat values."""

import math

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.op import Op, at_least
from penstock._src.core.registry import raw
from penstock._src.core.typesets import ANY, FLOAT, INDEX
from penstock._src.native.builtins import HotCounter
from penstock._src.native.builtins.kernel import kernel
from penstock._src.native.systems import runs_native_code
from penstock._src.ops import infer
from penstock._src.ops.rules import show, unbroadcast
from penstock._src.ops.sparse.splits import check_splits


def _number_of_rows(kind, tensor):
    """The number of rows of a partition; None if it does not say."""
    return {"ROW_SPLITS": tensor.size - 1, "ROW_LENGTHS": tensor.size}.get(kind)


# Least average length of a row for which copying takes less time than a mask of its values.
_LONG = 64
# Rows of ranges in all calls from which native code counts and fills them; a call of NumPy takes the time of so many.
_RANGES, _CALL = HotCounter(1 << 11), 64


def _rows_of(kind, tensor, count):
    """The row of each value and the number of rows, from a row partition."""
    if kind == "ROW_SPLITS":
        lengths = np.diff(tensor)
        return np.repeat(np.arange(lengths.size), lengths), lengths.size
    if kind == "ROW_LENGTHS":
        return np.repeat(np.arange(tensor.size), tensor), tensor.size
    if kind == "VALUE_ROWIDS":
        return tensor, count
    return None, count


class RaggedTensorToTensor(Op):
    """The dense tensor of a ragged one, padded with a default."""

    signature = """shape: Tshape, values: T, default_value: T,
        row_partition_tensors: num_row_partition_tensors * Tindex -> result: T"""
    minimum = {"num_row_partition_tensors": 1}
    T = ANY
    Tindex = INDEX
    Tshape = INDEX
    row_partition_types: list[str]

    def shape(self, shape, values, default_value, row_partition_tensors):
        known = shape.as_shape()
        asked = None if known is None or known.rank is None else known.as_list()
        own = None if values.rank is None else values.as_list()
        self._check(asked, own, None if default_value.rank is None else default_value.as_list())
        if own is None:
            return asked
        lead, inner = len(self._kinds()) + 1, own[1:]
        if asked is None:
            return [None] * lead + inner
        return asked[:lead] + [b if a is None else a for a, b in zip(asked[lead:], inner)]

    def _check(self, shape, values, default):
        """Raises InvalidArgumentError unless the known parts of shapes are compatible; None is unknown."""
        if values is None:
            return
        if default is not None:
            pair = (
                f"default_value.shape={show(default)} and "
                f"rt_input.flat_values.shape={show(values)} are incompatible: "
            )
            if len(default) >= max(len(values), 1):
                raise self.invalid(
                    f"{pair}default_value.rank = {len(default)}  must be less than "
                    f"rt_input.flat_values.rank = {len(values)}"
                )
            for axis in range(-1, -len(default) - 1, -1):
                if default[axis] not in (1, None, values[axis]) and values[axis] is not None:
                    raise self.invalid(
                        f"{pair}default_value.shape[{axis}] = {default[axis]} but "
                        f"rt_input.flat_values.shape[{axis}] = {values[axis]}"
                    )
        if shape is None:
            return
        pair = f"rt_input.shape and shape={show(shape)} are incompatible: "
        lead = len(self._kinds()) + 1
        rank = lead + len(values) - 1
        if len(shape) != rank:
            raise self.invalid(f"{pair}rt_input.rank = {rank} but shape.rank = {len(shape)}")
        for axis, (asked, own) in enumerate(zip(shape[lead:], values[1:], strict=True), lead):
            if None not in (asked, own) and asked != own:
                raise self.invalid(
                    f"{pair}rt_input.shape[{axis}] = {own} but shape[{axis}] = {asked}"
                )

    def gradient(self, shape, values, default_value, row_partition_tensors, _result, dy):
        # the index of every value in the dense tensor
        count = raw.StridedSlice(
            input=raw.Shape(input=values), begin=[0], end=[1], strides=[1], shrink_axis_mask=1
        )
        numbers = raw.Range(start=np.int32(1), limit=count + 1, delta=np.int32(1))
        lead = raw.StridedSlice(
            input=raw.Shape(input=dy, out_type=shape.dtype),
            begin=[0],
            end=[len(self._kinds()) + 1],
            strides=[1],
        )
        places = raw.RaggedTensorToTensor(
            shape=lead,
            values=numbers,
            default_value=np.int32(0),
            row_partition_tensors=row_partition_tensors,
            row_partition_types=list(self.row_partition_types),
        )
        flat = raw.Reshape(tensor=places, shape=[-1])
        inner = raw.StridedSlice(
            input=raw.Shape(input=values), begin=[1], end=[0], strides=[1], end_mask=1
        )
        rows = raw.Reshape(tensor=dy, shape=raw.ConcatV2(values=[[-1], inner], axis=0))
        total = raw.UnsortedSegmentSum(data=rows, segment_ids=flat, num_segments=count + 1)
        by_values = raw.StridedSlice(input=total, begin=[1], end=[0], strides=[1], end_mask=1)
        by_default = raw.StridedSlice(
            input=total, begin=[0], end=[1], strides=[1], shrink_axis_mask=1
        )
        by_default = unbroadcast(by_default, default_value)
        return None, by_values, by_default, [None] * len(row_partition_tensors)

    def _check_partitions(self, partitions, rows, count):
        """Raises InvalidArgumentError for a partition that does not cut the rows of the next one, or `count` values, into rows."""
        below = [_number_of_rows(*partition) for partition in partitions[1:]] + [count]
        for (kind, tensor), values in zip(partitions, below, strict=True):
            if kind == "ROW_SPLITS":
                last = int(tensor[-1]) if tensor.ndim == 1 and tensor.size else 0
                check_splits(self, tensor, last if values is None else values)
                rows = last
            elif kind == "VALUE_ROWIDS":
                ascends = (tensor[1:] >= tensor[:-1]).all()
                if tensor.size and not (ascends and 0 <= tensor[0] and tensor[-1] < rows):
                    raise self.invalid(
                        f"row ids must ascend within [0, {rows}). Received {show(tensor)}"
                    )
                rows = tensor.size
            else:
                rows = int(tensor.sum())

    def _kinds(self):
        return [k for k in self.row_partition_types if k != "FIRST_DIM_SIZE"]

    def eager(self, shape, values, default_value, row_partition_tensors):
        kinds = list(self.row_partition_types)
        count = None
        partitions = list(zip(kinds, row_partition_tensors, strict=True))
        if kinds[0] == "FIRST_DIM_SIZE":
            count = int(row_partition_tensors[0])
            partitions = partitions[1:]
        asked = [None if n < 0 else n for n in shape.tolist()] if shape.ndim else None
        self._check(asked, list(values.shape), list(default_value.shape))
        self._check_partitions(partitions, count, len(values))
        # walk inwards: the row and the column of the values of each level
        levels, extents = [], []
        for kind, tensor in partitions[:-1]:
            count = _walk(kind, tensor, count, levels, extents)
        long = _long_rows(*partitions[-1], count, len(values))
        short = _lengths(partitions[0][1], len(values)) if kinds == ["ROW_SPLITS"] else None
        if long is None and short is not None:
            return _padded(short, values, default_value, asked)
        if long is None:
            _walk(*partitions[-1], count, levels, extents)
        else:
            extents = [*(extents or [long.size]), int(long.max())]
        natural = [*extents, *values.shape[1:]]
        dims = [n if a is None else a for a, n in zip(asked or [None] * len(natural), natural)]
        places, inside = _places(levels, extents[0], dims)
        if long is not None:
            return _copied(long, values, default_value, dims, places, inside)
        out = np.empty(dims, values.dtype)
        out[...] = default_value
        count, lead = min(len(places), len(values)), len(levels) + 1
        places, values = places[:count], values[:count]
        if not inside.all():
            places, values = places[inside[:count]], values[inside[:count]]
        out.reshape(math.prod(dims[:lead]), *dims[lead:])[places] = values
        return out


def _walk(kind, tensor, count, levels, extents):
    """Adds the rows and columns of a level's values, and its extent; returns the number of its values."""
    rows, number = _rows_of(kind, tensor, count)
    if not levels:
        extents.append(number)
    begin = np.searchsorted(rows, np.arange(number), side="left")
    column = np.arange(rows.size) - begin[rows] if rows.size else rows
    extents.append(int(column.max()) + 1 if rows.size else 0)
    levels.append((rows, column))
    return rows.size


def _long_rows(kind, tensor, rows, count):
    """Return the lengths of rows that are copied faster one by one than value by value. Return None if rows are short, few, or cut more than `count` values."""
    if kind not in ("ROW_SPLITS", "ROW_LENGTHS"):
        return None
    lengths = np.diff(tensor) if kind == "ROW_SPLITS" else tensor
    if not lengths.size or rows not in (None, lengths.size) or lengths.min() < 0:
        return None
    return lengths if _LONG * lengths.size <= int(lengths.sum()) <= count else None


def _copied(lengths, values, default, dims, places, inside):
    """The array of these extents with rows of values of these lengths at the indices that are in range."""
    lead = len(dims) - values.ndim  # axes of rows
    rows, width = math.prod(dims[:lead]), dims[lead]
    if places.size == rows and inside.all() and (lengths == width).all():
        return values[: rows * width].reshape(dims)
    out = np.empty((rows, width, *dims[lead + 1 :]), values.dtype)
    out[...] = default
    begin = 0
    for place, is_inside, length in zip(
        places.tolist(), inside.tolist(), lengths.tolist(), strict=True
    ):
        if is_inside:
            kept = min(length, width)
            out[place, :kept] = values[begin : begin + kept]
        begin += length
    return out.reshape(dims)


def _lengths(splits, count):
    """The lengths of the rows into which splits cut as many values; None if there are none, or others than that."""
    if splits.size < 2 or splits[0] != 0 or splits[-1] != count:
        return None
    lengths = splits[1:] - splits[:-1]
    return lengths if lengths.min() >= 0 else None


def _padded(lengths, values, default, asked):
    """The rows of values with these lengths as one array of the requested shape."""
    natural = [lengths.size, int(lengths.max()), *values.shape[1:]]
    dims = [n if a is None else a for a, n in zip(asked or [None] * len(natural), natural)]
    if dims[0] == lengths.size and (lengths == dims[1]).all():
        return values.reshape(dims)  # rows that are full
    out = np.empty(dims, values.dtype)
    out[...] = default
    lengths = lengths[: dims[0]]
    values = values[: lengths.sum()]
    if natural[1] > dims[1]:
        starts = np.cumsum(lengths) - lengths
        values = values[np.arange(len(values)) - np.repeat(starts, lengths) < dims[1]]
    out[: lengths.size][np.arange(dims[1]) < lengths[:, None]] = values
    return out


def _places(levels, number, dims):
    """Return the positions of values in a dense tensor with merged leading axes, and which of them are within it."""
    places = np.arange(number)
    inside = places < dims[0]
    for (rows, columns), extent in zip(levels, dims[1:]):
        places = places[rows] * extent + columns
        inside = inside[rows] & (columns < extent)
    return places, inside


class RaggedTensorToSparse(Op):
    """The sparse tensor of a ragged one."""

    signature = """rt_nested_splits: RAGGED_RANK * Tsplits, rt_dense_values: T
        -> sparse_indices: int64, sparse_values: T, sparse_dense_shape: int64"""
    ranks = {"rt_nested_splits": (1,), "rt_dense_values": at_least(1)}
    minimum = {"RAGGED_RANK": 1}
    T = ANY
    Tsplits: INDEX = dtypes.int64

    def shape(self, rt_nested_splits, rt_dense_values):
        if rt_dense_values.rank is None:
            return [None, None], [None], [None]
        rank = len(rt_nested_splits) + rt_dense_values.rank
        count = infer.size(rt_dense_values.as_list())
        return [count, rank], [count], [rank]

    def gradient(self, _splits, values, _indices, _values, _shape, _di, dv, _ds):
        by_values = raw.Reshape(tensor=dv, shape=raw.Shape(input=values))
        return [None] * self.RAGGED_RANK, by_values

    def _check(self, nested_splits, values):
        """Raises InvalidArgumentError unless each splits begin at 0 and end with the number of values."""
        if any(not splits.size for splits in nested_splits):
            raise self.invalid("ragged splits may not be empty.")
        counts = [*(splits.size - 1 for splits in nested_splits[1:]), len(values)]
        for splits, count in zip(nested_splits, counts, strict=True):
            if splits[0] != 0:
                raise self.invalid(f"First value of ragged splits must be 0. Received {splits[0]}.")
            if splits[-1] != count:
                raise self.invalid(
                    f"Final value of ragged splits must match the number of rows or values that they "
                    f"cut, {count}. Received {splits[-1]}."
                )

    def eager(self, rt_nested_splits, rt_dense_values):
        self._check(rt_nested_splits, rt_dense_values)
        index, extents = None, []
        for splits in rt_nested_splits:
            rows, number = _rows_of("ROW_SPLITS", splits, None)
            if index is None:
                extents.append(number)
                index = np.arange(number)[:, None]
            lengths = np.diff(splits)
            column = np.arange(rows.size) - splits[:-1][rows] if rows.size else rows
            extents.append(int(lengths.max()) if lengths.size else 0)
            index = np.concatenate([index[rows], column[:, None]], 1)
        inner = rt_dense_values.shape[1:]
        if inner:
            cells = np.indices(inner).reshape(len(inner), -1).T
            index = np.concatenate(
                [np.repeat(index, len(cells), 0), np.tile(cells, (len(index), 1))], 1
            )
        shape = np.array([*extents, *inner], np.int64)
        return index.astype(np.int64), rt_dense_values.reshape(-1), shape


def _accumulated(starts, steps, counts, splits):
    """Ranges of floats: each value is the one before plus the step, so rounding errors add up as in TensorFlow."""
    flat = np.repeat(steps, counts)
    filled = counts > 0
    flat[splits[:-1][filled]] = starts[filled]
    longest = int(counts.max(initial=0))
    if longest < len(counts):
        for at in range(1, longest):
            places = splits[:-1][counts > at] + at
            flat[places] += flat[places - 1]
    else:
        for begin, end in zip(splits[:-1], splits[1:], strict=True):
            flat[begin:end] = np.add.accumulate(flat[begin:end])
    return flat


_NO_STEP, _TOO_LONG, _TOO_MANY = -1, -2, -3


@kernel("starts: T[_], limits: T[_], deltas: T[_], most: int64, splits: int64[_]")
def split_ranges(starts, limits, deltas, most, splits):
    """Writes where the numbers of each range begin; returns 0, or the reason that a row cannot be counted.

    A single start, limit or delta is that of all rows.
    """
    a, b, c = int(len(starts) > 1), int(len(limits) > 1), int(len(deltas) > 1)
    total = splits[0] = 0
    for i in range(len(splits) - 1):
        start, limit, delta = int(starts[i * a]), int(limits[i * b]), int(deltas[i * c])
        if delta == 0:
            return _NO_STEP
        low, high = start if delta > 0 else limit, limit if delta > 0 else start
        if low < high:
            # Differences of int64 are exact as unsigned words.
            last, step = np.uint64(high - low - 1), np.uint64(delta if delta > 0 else -delta)
            count = (last if step == 1 else last // step) + 1
            if count >= 1 << 63:
                return _TOO_LONG
            if int(count) > most - total:
                return _TOO_MANY
            total += int(count)
        splits[i + 1] = total
    return 0


@kernel("starts: T[_], deltas: T[_], splits: int64[_], numbers: T[_]")
def fill_ranges(starts, deltas, splits, numbers):
    a, c = int(len(starts) > 1), int(len(deltas) > 1)
    for i in range(len(splits) - 1):
        number, delta = starts[i * a], deltas[i * c]
        for k in range(splits[i], splits[i + 1]):
            numbers[k] = number
            number += delta


class RaggedRange(Op):
    """The ranges from starts to limits, as rows."""

    signature = """starts: T, limits: T, deltas: T
        -> rt_nested_splits: Tsplits, rt_dense_values: T"""
    T: INDEX | FLOAT - {dtypes.float16} = dtypes.int32
    Tsplits: INDEX = dtypes.int64
    differentiable = False

    def shape(self, *inputs):
        inputs = [x.with_rank_at_most(1) for x in inputs]
        if all(x.rank == 0 for x in inputs):
            return [2], [None]
        known = {x[0] for x in inputs if x.rank == 1} - {None}
        if len(known) > 1:
            one, other = sorted(known)
            raise ValueError(f"Dimensions must be equal, but are {other} and {one}")
        return [known.pop() + 1 if known else None], [None]

    def eager(self, starts, limits, deltas):
        inputs = (starts, limits, deltas)
        for name, x in zip(("starts", "limits", "deltas"), inputs, strict=True):
            if x.ndim > 1:
                raise self.invalid(
                    f"{name} must be a scalar or vector. Received shape: {show(x.shape)}"
                )
        if len({x.size for x in inputs if x.ndim}) > 1:
            shapes = ", ".join(show(x.shape) for x in inputs)
            raise self.invalid(
                f"starts, limits, and deltas must have the same shape. Received: {shapes}"
            )
        rows = max((x.size for x in inputs if x.ndim), default=1)
        if starts.dtype.kind == "i" and runs_native_code() and _RANGES.is_hot(rows + _CALL):
            return self._natively(inputs, rows)
        return self._by_numpy(inputs)

    def _natively(self, inputs, rows):
        kind = self.Tsplits.as_numpy_dtype
        arrays = [np.ascontiguousarray(x) for x in inputs]
        splits = np.empty(rows + 1, np.int64)
        reason = split_ranges(*arrays, np.iinfo(kind).max, splits)
        if reason:
            raise self.invalid(self._reason(reason))
        numbers = np.empty(splits[-1], self.T.np)
        fill_ranges(arrays[0], arrays[2], splits, numbers)
        return splits.astype(kind, copy=False), numbers

    def _reason(self, reason):
        """The message for a row that cannot be counted."""
        return {
            _NO_STEP: "Requires delta != 0",
            _TOO_LONG: f"Requires ((limit - start) / delta) <= {2**63 - 1}",
            _TOO_MANY: f"The total range size overflowed {self.Tsplits.name}, the type of the row splits.",
        }[reason]

    def _by_numpy(self, inputs):
        starts, limits, deltas = (np.atleast_1d(x) for x in np.broadcast_arrays(*inputs))
        if (deltas == 0).any():
            raise self.invalid(self._reason(_NO_STEP))
        counts = self._counts(starts, limits, deltas)
        kind = self.Tsplits.as_numpy_dtype
        if sum(counts.tolist()) > np.iinfo(kind).max:
            raise self.invalid(self._reason(_TOO_MANY))
        splits = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        if starts.dtype.kind == "i" and deltas.size and (deltas == deltas[0]).all():
            # Elements are their numbers, times the one delta, moved to the start of their row.
            flat = np.arange(splits[-1])
            if deltas[0] != 1:
                flat *= deltas[0]
            flat += np.repeat(starts - splits[:-1] * deltas[0], counts)
        elif starts.dtype.kind == "i":
            steps = np.arange(splits[-1]) - np.repeat(splits[:-1], counts)
            flat = np.repeat(starts, counts) + steps * np.repeat(deltas, counts)
        else:
            flat = _accumulated(starts, deltas, counts, splits)
        return splits.astype(kind, copy=False), flat.astype(starts.dtype, copy=False)

    def _counts(self, starts, limits, deltas):
        """The number of values in each range."""
        ahead = np.where(deltas > 0, starts < limits, starts > limits)
        if starts.dtype.kind == "i":
            # Differences of int64 fit in uint64, in which they wrap around to the true one.
            low, high = (
                np.where(deltas > 0, *ends) for ends in ((starts, limits), (limits, starts))
            )
            spans = high.astype(np.int64).view(np.uint64) - low.astype(np.int64).view(np.uint64)
            steps = np.abs(deltas.astype(np.int64)).view(np.uint64)
            counts = np.where(ahead, (spans - np.uint64(1)) // steps + np.uint64(1), 0)
            fits = counts < 2**63
        else:
            with np.errstate(all="ignore"):
                counts = np.ceil(np.abs((limits - starts) / deltas)).astype(np.float64)
            behind = np.where(deltas > 0, starts > limits, starts < limits)
            counts = np.where(behind, 0, counts)
            fits = counts < 2.0**63
        if not fits.all():
            raise self.invalid(self._reason(_TOO_LONG))
        return counts.astype(np.int64)


class RaggedGather(Op):
    """Rows of a ragged tensor."""

    signature = """params_nested_splits: PARAMS_RAGGED_RANK * Tsplits, params_dense_values: Tvalues,
        indices: Tindices
        -> output_nested_splits: OUTPUT_RAGGED_RANK * Tsplits, output_dense_values: Tvalues"""
    ranks = {"params_nested_splits": (1,), "params_dense_values": at_least(1)}
    minimum = {"OUTPUT_RAGGED_RANK": 0}
    Tvalues = ANY
    Tindices = INDEX
    Tsplits: INDEX = dtypes.int64
    OUTPUT_RAGGED_RANK: int

    def shape(self, params_nested_splits, params_dense_values, indices):
        values = params_dense_values
        inner = None if values.rank is None else [None, *values.as_list()[1:]]
        return [[None]] * self.OUTPUT_RAGGED_RANK, inner

    def gradient(self, splits, values, indices, _out_splits, _out_values, _dsplits, dvalues):
        numbers = raw.Range(
            start=np.int32(0),
            limit=raw.StridedSlice(
                input=raw.Shape(input=values), begin=[0], end=[1], strides=[1], shrink_axis_mask=1
            ),
            delta=np.int32(1),
        )
        gathered = raw.RaggedGather(
            params_nested_splits=splits,
            params_dense_values=numbers,
            indices=indices,
            OUTPUT_RAGGED_RANK=self.OUTPUT_RAGGED_RANK,
        )
        by_values = raw.UnsortedSegmentSum(
            data=dvalues,
            segment_ids=gathered[1],
            num_segments=raw.StridedSlice(
                input=raw.Shape(input=values), begin=[0], end=[1], strides=[1], shrink_axis_mask=1
            ),
        )
        return [None] * len(splits), by_values, None

    def eager(self, params_nested_splits, params_dense_values, indices):
        if self.OUTPUT_RAGGED_RANK != len(params_nested_splits) + indices.ndim - 1:
            raise self.invalid(
                f"OUTPUT_RAGGED_RANK must be PARAMS_RAGGED_RANK + rank(indices) - 1. Received "
                f"{self.OUTPUT_RAGGED_RANK}, {len(params_nested_splits)} and {indices.ndim}"
            )
        below = [splits.size - 1 for splits in params_nested_splits[1:]] + [
            len(params_dense_values)
        ]
        for splits, count in zip(params_nested_splits, below, strict=True):
            if (splits[1:] < splits[:-1]).any():
                raise self.invalid(f"Ragged splits must be sorted. Received {splits.tolist()}")
            check_splits(self, splits, count)
        outer = params_nested_splits[0]
        rows = outer.size - 1
        wrong = (indices < 0) | (indices >= rows)
        if wrong.any():
            at = tuple(np.argwhere(wrong)[0])
            raise self.invalid(f"indices{list(map(int, at))} = {indices[at]} is not in [0, {rows})")
        components, shape = [], indices.shape
        # the outer dimensions of indices become regular rows
        for axis in range(indices.ndim - 1):
            count = int(np.prod(shape[: axis + 1]))
            components.append(np.arange(count + 1) * shape[axis + 1])
        chosen = indices.reshape(-1)
        for splits in params_nested_splits:
            begin, end = splits[chosen], splits[chosen + 1]
            components.append(np.concatenate([[0], np.cumsum(end - begin)]))
            spans = [np.arange(b, e) for b, e in zip(begin, end, strict=True)]
            chosen = np.concatenate(spans) if spans else np.zeros(0, np.int64)
        kind = self.Tsplits.as_numpy_dtype
        return [m.astype(kind) for m in components], params_dense_values[chosen.astype(np.int64)]
