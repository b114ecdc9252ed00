"""Unique values, set differences, and search in sorted rows."""

import math
from typing import NamedTuple

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.calls.facts import SLOW, Elements, HostKernel
from penstock._src.core.op import Op
from penstock._src.core.shapes import UNKNOWN, TensorShape
from penstock._src.core.typesets import ANY, INDEX
from penstock._src.ir.errors import NotLowerable
from penstock._src.ir.extents.dims import is_symbolic
from penstock._src.native.algorithms.grouping.number_index import MOST, numbered
from penstock._src.native.builtins.kernel import kernel
from penstock._src.native.readers import string_index
from penstock._src.native.systems import runs_native_code
from penstock._src.ops.rules import check_elements, in_float32, show

_FEWEST = 64  # numbers for which native code pays


def distinct(x, axis=0, kind=np.int64):
    """Returns the distinct slices along an axis in order of appearance, and the index of each slice among them, preferably of a dtype."""
    first, numbers = _ordered(x if x.ndim == 1 else np.moveaxis(x, axis, 0), kind)
    return x.take(first, axis), numbers


def distinct_with_counts(x, axis=0, kind=np.int64):
    """Returns what `distinct` does, and how often each distinct slice is there."""
    slices, numbers = distinct(x, axis, kind)
    count = len(slices) if x.ndim == 1 else slices.shape[axis]
    return slices, numbers, np.bincount(numbers, minlength=count)


def _ordered(rows, kind=np.int64):
    """Return the index of the first of each distinct row, in order of appearance, and the number of each row."""
    if rows.ndim == 1 and rows.dtype == object:
        return _ordered_strings(rows)
    if rows.ndim == 1 and rows.size < _FEWEST and rows.dtype.kind in "iubf":
        return _ordered_few(rows.tolist())  # no NaN is equal to another there, either
    if not rows.size:
        return np.arange(min(len(rows), 1) if rows.ndim > 1 else 0), np.zeros(len(rows), np.int64)
    keys = in_float32(rows) if rows.dtype.kind == "V" else rows
    if rows.ndim > 1 and keys.dtype.kind in "iubf" and not (keys.dtype.kind == "f" and np.isnan(keys).any()):  # fmt: skip
        keys = _row_numbers(_bits(keys.reshape(len(rows), -1)).astype(np.int64))
    words = _words(keys)
    if words is not None:
        return numbered(words, kind)
    _, first, inverse = np.unique(
        keys, axis=0, return_index=True, return_inverse=True, equal_nan=False
    )
    order = np.argsort(first, kind="stable")
    rank = np.empty_like(order)
    rank[order] = np.arange(order.size)
    return first[order], rank[inverse.reshape(-1)]


def _words(x):
    """Return whole numbers that are equal where elements of a vector are; None if hashing them natively is not possible or not worth it."""
    if x.ndim != 1 or not _FEWEST <= x.size < MOST or not runs_native_code():
        return None
    if x.dtype.kind in "iub":
        return x if x.dtype in (np.int32, np.int64) else x.astype(np.int64)
    if x.dtype.kind != "f" or np.isnan(x).any():  # no NaN is equal to another
        return None
    words = _bits(x)
    return words if x.itemsize > 2 else words.astype(np.int64)


def _bits(x):
    """Return integers that are equal exactly where the elements are equal; the elements have no NaN."""
    if x.dtype.kind != "f":
        return x
    return (x + x.dtype.type(0)).view(f"i{x.itemsize}")  # both zeros are +0 here


def _ordered_strings(strings):
    if strings.size >= _FEWEST and runs_native_code():
        return string_index.numbered(strings)
    return _ordered_few(strings.tolist())


def _ordered_few(elements):
    places: dict = {}
    first, numbers = [], []
    for at, element in enumerate(elements):
        number = places.setdefault(element, len(first))
        if number == len(first):
            first.append(at)
        numbers.append(number)
    return np.array(first, np.int64), np.array(numbers, np.int64)


def _row_numbers(rows):
    """Return a number for each row of an int64 matrix, equal for equal rows alone."""
    numbers = np.zeros(len(rows), np.int64)
    for column in rows.T:
        low = int(column.min())
        span = int(column.max()) - low + 1
        if (int(numbers.max()) + 1) * span >= 1 << 62:
            numbers, column = (_ordered(x)[1] for x in (numbers, column))
            low, span = 0, len(rows)
        numbers = numbers * span + (column - low)
    return numbers


class Unique(Op):
    """The distinct elements of a vector in order of appearance, and the index of each element among them."""

    signature = "x: T[?] -> y: T[?], idx: out_idx[x]"
    T = ANY
    out_idx: INDEX = dtypes.int32
    elements = Elements(has_dynamic_rows=True)

    def eager(self, x):
        if x.ndim != 1:
            raise self.invalid("unique expects a 1D vector.")
        return distinct(x, 0, self.out_idx.np)


class UniqueWithCounts(Op):
    """The distinct elements of a vector, the index of each element among them, and their counts."""

    signature = "x: T[?] -> y: T[?], idx: out_idx[x], count: out_idx[?]"
    T = ANY
    out_idx: INDEX = dtypes.int32
    elements = Elements(has_dynamic_rows=True)

    def eager(self, x):
        if x.ndim != 1:
            raise self.invalid("unique expects a 1D vector.")
        return distinct_with_counts(x, 0, self.out_idx.np)


def axis_of_unique(op, x, axis):
    """Return the axis of a unique op. Its axis input may be empty.

    Raises:
      InvalidArgumentError: there is no such axis, or none is given for a tensor that is not a vector.
    """
    if not axis.size:
        if x.ndim != 1:
            raise op.invalid("unique expects a 1D vector.")
        return 0
    if axis.ndim != 1:
        raise op.invalid("axis expects a 1D vector.")
    at = int(axis.ravel()[0])
    if axis.size > 1:
        raise op.invalid("axis does not support input tensors larger than 1 elements")
    if not -x.ndim <= at < x.ndim:
        raise op.invalid(f"axis has to be between [0, {x.ndim})")
    return at % x.ndim


def along(x, axis):
    """Returns the shapes of the distinct parts along an axis, and of their numbers."""
    if x.rank is None:
        return UNKNOWN, TensorShape([None])
    if axis.value is None:
        return TensorShape([None] * x.rank), TensorShape([None])
    at = int(np.ravel(axis.value)[0]) % x.rank if np.size(axis.value) else 0
    dims = x.as_list()
    size, dims[at] = dims[at], None
    return TensorShape(dims), TensorShape([size])


class UniqueV2(Op):
    """The distinct slices along an axis in order of appearance, and the index of each slice among them."""

    signature = "x: T, axis: Taxis -> y: T, idx: out_idx"
    T = ANY
    Taxis: INDEX = dtypes.int64
    out_idx: INDEX = dtypes.int32

    def shape(self, x, axis):
        return along(x, axis)

    def eager(self, x, axis):
        return distinct(x, axis_of_unique(self, x, axis), self.out_idx.np)


class UniqueWithCountsV2(Op):
    """The distinct slices along an axis, the index of each slice among them, and their counts."""

    signature = "x: T, axis: Taxis -> y: T, idx: out_idx, count: out_idx"
    T = ANY
    Taxis: INDEX = dtypes.int64
    out_idx: INDEX = dtypes.int32

    def shape(self, x, axis):
        return (*along(x, axis), [None])

    def eager(self, x, axis):
        return distinct_with_counts(x, axis_of_unique(self, x, axis), self.out_idx.np)


class ListDiff(Op):
    """The elements of x that are not in y, in order, and their indices in x."""

    signature = "x: T, y: T -> out: T[?], idx: out_idx[?]"
    ranks = {"x": (1,), "y": (1,)}
    T = ANY
    out_idx: INDEX = dtypes.int32
    elements = Elements(has_dynamic_rows=True)

    def eager(self, x, y):
        for name, vector in (("x", x), ("y", y)):
            if vector.ndim != 1:
                raise self.invalid(f"{name} should be a 1D vector.")
        if x.dtype == object:
            gone = set(y.tolist())
            kept = np.array([v not in gone for v in x.tolist()], bool)
        else:
            kept = ~np.isin(in_float32(x), in_float32(y))
        return x[kept], np.flatnonzero(kept)


# -- search ----------------------------------------------------------------------------------------


# Results of int32 are refused from this number of columns or values on.
_MOST_INT32 = 2**31 - 1


def _bisect(row, wanted, side):
    """The result of TensorFlow's exact bisection steps, which matter for NaNs and unsorted rows."""
    if not _needs_steps(row, wanted):
        return row.searchsorted(wanted, side)
    first = np.zeros(wanted.shape, np.intp)
    length = np.full(wanted.shape, row.size, np.intp)
    while length.any():
        half = length // 2
        middle = np.minimum(first + half, row.size - 1)
        above = row[middle] < wanted if side == "left" else ~(wanted < row[middle])
        right = above & (length > 0)
        first = np.where(right, first + half + 1, first)
        length = np.where(right, length - half - 1, half)
    return first


def _needs_steps(row, wanted):
    if row.dtype == object:
        return False
    # NumPy counts true elements several times faster than it asks a few for `all` or `any`.
    ascends = np.count_nonzero(row[1:] >= row[:-1]) == max(row.size - 1, 0)
    return not ascends or np.count_nonzero(wanted != wanted) > 0


class LowerBound(Op):
    """For each value, its insertion index in the sorted row, before equal elements."""

    signature = "sorted_inputs: T, values: T -> output: out_type"
    elements = Elements(vectorizes_one_by_one=True)
    host_kernel = HostKernel(compiles_from=SLOW)
    T = ANY
    out_type: INDEX = dtypes.int32
    side = "left"

    def shape(self, sorted_inputs, values):
        sorted_inputs.with_rank(2)
        return values.with_rank(2)

    def eager(self, sorted_inputs, values):
        for name, matrix in (("sorted_inputs", sorted_inputs), ("values", values)):
            if matrix.ndim != 2:
                raise self.invalid(
                    f"Shape must be rank 2 but is rank {matrix.ndim} for `{name}` argument"
                )
        if sorted_inputs.shape[0] != values.shape[0]:
            raise self.invalid("Leading dim_size of both tensors must match.")
        if not self._fits(sorted_inputs.shape[1], values.size):
            raise self.invalid(
                "rows of sorted_inputs and the number of values must be less than 2147483647 for results of "
                f"int32. Received sorted_inputs {list(sorted_inputs.shape)}, values {list(values.shape)}."
            )
        out = np.empty(values.shape, self.out_type.np)
        for i, (row, wanted) in enumerate(zip(in_float32(sorted_inputs), in_float32(values))):
            out[i] = _bisect(row, wanted, self.side)
        return out

    def lower(self, p, sorted_inputs, values):
        fits = len(sorted_inputs.shape) == len(values.shape) == 2
        if not fits or sorted_inputs.shape[0] != values.shape[0] or self.T.np.hasobject:
            raise NotLowerable("operands that are not two matrices")
        if not self._fits(sorted_inputs.shape[1], values.size):
            raise NotLowerable("positions beyond int32")
        if self.T.is_bool or self.T.is_complex or not sorted_inputs.size:
            raise NotLowerable("empty rows, or elements that have no order")
        return p.cast(lowered_bisection(p, sorted_inputs, values, self.side), self.out_type)

    def _fits(self, columns, count):
        """True if results of so many columns and values are in `out_type`."""
        return self.out_type != dtypes.int32 or (columns < _MOST_INT32 and count < _MOST_INT32)


def lowered_bisection(p, rows, wanted, side):
    """`_bisect` for all values of all rows at once, with the number of steps of the longest search."""
    columns = rows.shape[1]
    index = dtypes.int32 if columns < _MOST_INT32 else dtypes.int64
    last = p.scalar(columns - 1, index)
    first = p.full(wanted.shape, 0, index)
    length = p.broadcast_to(p.scalar(columns, index), wanted.shape)
    for _ in range(_steps(columns)):
        half = p.shift_right(length, 1)
        middle = p.minimum(p.add(first, half), last)
        values = p.gather(rows, middle, 1, batch_dims=1)
        above = p.lt(values, wanted) if side == "left" else p.not_(p.lt(wanted, values))
        right = p.and_(above, p.gt(length, 0))
        first = p.select(right, p.add(p.add(first, half), 1), first)
        length = p.select(right, p.sub(p.sub(length, half), 1), half)
    return first


def _steps(columns):
    """Return how often rows of a length are halved. Extra steps change nothing, so a program has enough for many lengths."""
    if not is_symbolic(columns):
        return int(columns).bit_length()
    return next(count for count in (8, 16, 32, 63) if columns < 1 << count)


class UpperBound(LowerBound):
    """For each value, its insertion index in the sorted row, after equal elements."""

    side = "right"


class EditDistance(Op):
    """The number of insertions, deletions and replacements between each hypothesis and its truth."""

    signature = """hypothesis_indices: int64, hypothesis_values: T, hypothesis_shape: int64,
        truth_indices: int64, truth_values: T, truth_shape: int64 -> output: float32"""
    extents = {
        "hypothesis_indices": "n, rank",
        "hypothesis_values": "n",
        "hypothesis_shape": "rank",
        "truth_indices": "m, truth_rank",
        "truth_values": "m",
        "truth_shape": "truth_rank",
    }
    T = ANY
    normalize: bool = True
    differentiable = False

    def shape(
        self,
        hypothesis_indices,
        hypothesis_values,
        hypothesis_shape,
        truth_indices,
        truth_values,
        truth_shape,
    ):
        hypothesis, truth = hypothesis_shape.value, truth_shape.value
        if hypothesis is None or truth is None:
            return UNKNOWN
        if hypothesis.shape != truth.shape or hypothesis.ndim != 1 or not hypothesis.size:
            raise ValueError(
                f"Num elements of hypothesis_shape does not match truth_shape: {hypothesis.size} vs. {truth.size}"
            )
        return np.maximum(hypothesis, truth)[:-1].tolist()

    def eager(
        self,
        hypothesis_indices,
        hypothesis_values,
        hypothesis_shape,
        truth_indices,
        truth_values,
        truth_shape,
    ):
        if truth_shape.size < 2:
            raise self.invalid(
                "Input SparseTensors must have rank at least 2, but truth_shape rank is: "
                f"{truth_shape.size}"
            )
        if hypothesis_shape.size != truth_shape.size:
            raise self.invalid(
                "Expected truth and hypothesis to have matching ranks, but their shapes are: "
                f"{show(truth_shape.shape)} and {show(hypothesis_shape.shape)}"
            )
        for name, indices, values in (
            ("hypothesis", hypothesis_indices, hypothesis_values),
            ("truth", truth_indices, truth_values),
        ):
            if indices.shape != (*values.shape, truth_shape.size):
                raise self.invalid(
                    f"{name}_indices must have a row for each value and a column for each of the "
                    f"{truth_shape.size} dimensions. Received indices {show(indices.shape)} and values "
                    f"{show(values.shape)}"
                )
        for shape in (hypothesis_shape, truth_shape):
            if (shape < 0).any():
                raise self.invalid(f"dimensions must be >= 0. Received shape {show(shape)}")
            check_elements(self, *shape.tolist())
        dims = np.maximum(hypothesis_shape, truth_shape)[:-1]
        check_elements(self, *dims.tolist())
        out = np.zeros(dims.tolist(), np.float32)
        guesses = _grouped(self, hypothesis_indices, hypothesis_values, dims)
        truths = _grouped(self, truth_indices, truth_values, dims)
        first, second = _numbered(guesses.values, truths.values)
        distances = _distances((first, guesses.begins), (second, truths.begins))
        if self.normalize:
            with np.errstate(all="ignore"):  # x / 0 is infinite, and 0 / 0 is 0 here
                distances = distances / np.diff(truths.begins)
            distances = np.where(np.isnan(distances), 0, distances)
        return distances.astype(np.float32).reshape(out.shape)


class _Groups(NamedTuple):
    """Values of sequences one after the other, and where each sequence begins; the last number is where all end."""

    values: np.ndarray
    begins: np.ndarray


def _grouped(op, indices, values, dims):
    """The sequences of a sparse tensor, ordered by their positions in an array of shape `dims`.

    Raises:
      InvalidArgumentError: an index is outside of the array.
    """
    rows = indices[:, :-1]
    wrong = np.flatnonzero(((rows < 0) | (rows >= dims)).any(1))
    if wrong.size:
        row = indices[wrong[0]].tolist()
        raise op.invalid(f"index {row} is outside of the output shape {dims.tolist()}")
    places = np.zeros(len(rows), np.int64)
    for at, extent in zip(rows.T, dims.tolist(), strict=True):
        places = places * extent + at
    order = np.lexsort((indices[:, -1], places))
    counts = np.bincount(places, minlength=math.prod(dims.tolist()))
    return _Groups(values[order], np.concatenate([[0], np.cumsum(counts)]))


def _numbered(first, second):
    """Values of two arrays as numbers that are equal where values are; no NaN is equal to another."""
    both = np.concatenate([first, second])
    if both.dtype == object or both.dtype.kind == "V":
        both = distinct(both)[1]
    elif both.dtype.kind in "fc":
        both = np.unique(both, return_inverse=True, equal_nan=False)[1].reshape(-1)
    both = both.astype(np.int64)
    return both[: len(first)], both[len(first) :]


def _distances(first, second):
    """The edit distance of each pair of sequences."""
    distances = np.empty(len(first[1]) - 1, np.int64)
    row = np.empty(int(np.diff(second[1]).max(initial=0)) + 1, np.int64)
    edits(*first, *second, row, distances)
    return distances


@kernel(
    "a: int64[n], a_begins: int64[pairs + 1], b: int64[m], b_begins: int64[pairs + 1], row: int64[longest], "
    "distances: int64[pairs]"
)
def edits(a, a_begins, b, b_begins, row, distances):
    """Writes the number of edits between each pair of sequences: the row-by-row table of Wagner and Fischer."""
    for k in range(len(distances)):
        begin, end = a_begins[k], a_begins[k + 1]
        other, count = b_begins[k], b_begins[k + 1] - b_begins[k]
        # From an empty sequence it takes an insertion for each element.
        for j in range(count + 1):
            row[j] = j
        for i in range(begin, end):
            # One row is enough: the diagonal is passed on before its cell is overwritten.
            x, diagonal = a[i], i - begin
            left = row[0] = diagonal + 1
            for j in range(count):
                differs, above = x != b[other + j], row[j + 1]
                left = min(min(above, left) + 1, diagonal + int(differs))
                row[j + 1], diagonal = left, above
        distances[k] = row[count]
