"""Fractional pooling (Graham 2014): windows of varying size shrink images by a non-integer factor."""

import functools

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.errors import UnimplementedError
from penstock._src.core.op import Op
from penstock._src.core.registry import raw
from penstock._src.core.typesets import INDEX
from penstock._src.core.values import kernel_state
from penstock._src.core.values.arrays import name_of
from penstock._src.native.algorithms.pictures.pooled import maxima, pooled
from penstock._src.native.systems import runs_native_code
from penstock._src.ops.math.binary import truncated_quotient
from penstock._src.ops.random import distributions
from penstock._src.ops.random.philox import Stream
from penstock._src.ops.random.stateful import permutation, reserve
from penstock._src.ops.rules import show


def draws(op):
    """Returns a function that takes a random stream of n blocks for an op; a deterministic, seeded op restarts each
    time."""
    if not (op.deterministic and (op.seed or op.seed2)):
        return functools.partial(reserve, op)
    position = Stream.from_seeds(op.seed, op.seed2)

    def take(blocks):
        nonlocal position
        taken, position = position, position.skipped(blocks)
        return taken

    return take


def boundaries(op, take, extent, out):
    """The starts of `out` windows over `extent` rows, and the end, drawn from the streams of `take`.

    Sizes are two consecutive integers in random order or, if pseudo-random, follow a line of slope extent / out from a random
    offset.
    """
    small = extent // out
    if not op.pseudo_random:
        order = permutation(take((out + 3) // 4), out)
        # The sizes before the shuffle: the first extent % out are larger by one.
        sizes = (order < extent % out) + np.int64(small)
        ends = np.zeros(out + 1, np.int64)
        sizes.cumsum(out=ends[1:])
        return ends
    alpha = extent / out
    most = min((small + 2) / alpha - 1, (extent + 1 - small) / alpha - (out - 1))
    offset = distributions.words_to_float64(take(1).words(2)) * most
    inner = np.ceil(alpha * (np.arange(1, out) + offset)) - 1
    return np.concatenate([[0], inner, [extent]]).astype(np.int64)


def windows(sequence, extent, overlapping):
    """(begin, end) of each window."""
    more = 1 if overlapping else 0
    return [(b, min(e + more, extent)) for b, e in zip(sequence[:-1], sequence[1:])]


def _bounds(sequence, extent, overlapping):
    """`windows` as an array [windows, 2]."""
    bounds = np.empty((len(sequence) - 1, 2), np.int64)
    bounds[:, 0] = sequence[:-1]
    np.minimum(sequence[1:] + int(overlapping), extent, out=bounds[:, 1])
    return bounds


def _shortened(extent, ratio):
    """The windows along an axis; TensorFlow divides as float32."""
    return int(np.float32(extent) / np.float32(ratio))


class _FractionalPool(Op):
    pooling_ratio: list[float]
    pseudo_random: bool = False
    overlapping: bool = False
    deterministic: bool = False
    seed: int = 0
    seed2: int = 0
    T = INDEX | frozenset({dtypes.float32, dtypes.float64})

    def shape(self, value):
        dims = [
            None if d is None else _shortened(d, r)
            for d, r in zip(value.with_rank(4).as_list(), self.pooling_ratio)
        ]
        rows, columns = (None if d is None else d + 1 for d in dims[1:3])
        return dims, [rows], [columns]

    def eager(self, value):
        if value.ndim != 4:
            raise self.invalid("tensor_in must be 4-dimensional")
        if self.pooling_ratio[0] != 1 or self.pooling_ratio[3] != 1:
            raise UnimplementedError(
                "Fractional pooling is not yet supported on the batch nor channel dimension."
            )
        if min(self.pooling_ratio) < 1:
            raise self.invalid(
                f"pooling_ratio cannot be smaller than 1, got: {min(self.pooling_ratio):g}"
            )
        for axis, (extent, ratio) in enumerate(zip(value.shape, self.pooling_ratio)):
            if extent < ratio:
                raise self.invalid(
                    f"Pooling ratio is higher than input dimension size for dimension {axis}. "
                    f"Input dim size: {extent} pooling ratio: {ratio:g}"
                )
        rows, columns = self.sequences(value.shape[1:3])
        parts = [_bounds(s, n, self.overlapping) for s, n in zip((rows, columns), value.shape[1:3])]
        if runs_native_code() and value.size:
            return self._pooled_natively(value, *parts), rows, columns
        return self.pooled(value, *parts), rows, columns

    def _pooled_natively(self, value, rows, columns):
        batch, height, width, depth = value.shape
        results = np.empty((batch, len(rows), len(columns), depth), value.dtype)
        pool = pooled(name_of(value.dtype), self.operation).pool
        picture, parts = np.ascontiguousarray(value), (rows, len(rows), columns, len(columns))
        pool(picture, results, batch, height, width, depth, *parts)
        return results

    def sequences(self, extents):
        """The window boundaries along both axes; a deterministic op reuses its first ones."""

        def drawn():
            take = draws(self)
            pairs = zip(extents, self.pooling_ratio[1:3], strict=True)
            return [
                boundaries(self, take, extent, _shortened(extent, ratio)) for extent, ratio in pairs
            ]

        return kernel_state.of_running_node(drawn) if self.deterministic else drawn()


def _along(x, axis, windows, combine):
    """The elements of each window along an axis, combined in their order."""
    begins, ends = windows.T
    combined = x.take(begins, axis)
    lengths = ends - begins
    for step in range(1, int(lengths.max(initial=0))):
        more = (slice(None),) * axis + (np.flatnonzero(lengths > step),)
        combined[more] = combine(combined[more], x.take(begins[more[-1]] + step, axis))
    return combined


def _shares(down, across):
    """Yields for each row and column within windows: the windows that have it, and its place in the array, both as index arrays.

    Later ones come first, so an element of several windows meets these in their order.
    """
    parts = []
    for axis_windows in (down, across):
        begins, ends = np.array(axis_windows, np.intp).reshape(-1, 2).T
        steps = range(int((ends - begins).max(initial=0)) - 1, -1, -1)
        numbers = [np.flatnonzero(ends - begins > step) for step in steps]
        parts.append([(n, begins[n] + step) for n, step in zip(numbers, steps)])
    for i, rows in parts[0]:
        for j, columns in parts[1]:
            yield (i[:, None], j), (rows[:, None], columns)


class FractionalMaxPool(_FractionalPool):
    """The largest of each window, and the boundaries of the windows."""

    signature = "value: T -> output: T, row_pooling_sequence: int64, col_pooling_sequence: int64"
    minimum = {"pooling_ratio": 4}
    operation = "max"

    def pooled(self, value, rows, columns):
        """The largest of each window; rows and columns are [windows, 2], where they begin and end."""
        return _along(_along(value, 1, rows, np.maximum), 2, columns, np.maximum)

    def gradient(self, value, output, rows, columns, dy, _drows, _dcolumns):
        return raw.FractionalMaxPoolGrad(
            orig_input=value,
            orig_output=output,
            out_backprop=dy,
            row_pooling_sequence=rows,
            col_pooling_sequence=columns,
            overlapping=self.overlapping,
        )


class FractionalAvgPool(_FractionalPool):
    """The mean of each window, and the boundaries of the windows."""

    signature = "value: T -> output: T, row_pooling_sequence: int64, col_pooling_sequence: int64"
    minimum = {"pooling_ratio": 4}
    operation = "mean"

    def pooled(self, value, rows, columns):
        """The mean of each window; rows and columns are [windows, 2], where they begin and end."""
        total = _along(_along(value, 1, rows, np.add), 2, columns, np.add)
        count = np.outer(*(ends[:, 1] - ends[:, 0] for ends in (rows, columns)))[..., None]
        count = count.astype(value.dtype)
        return truncated_quotient(total, count)

    def gradient(self, value, _output, rows, columns, dy, _drows, _dcolumns):
        return raw.FractionalAvgPoolGrad(
            orig_input_tensor_shape=raw.Shape(input=value, out_type=dtypes.int64),
            out_backprop=dy,
            row_pooling_sequence=rows,
            col_pooling_sequence=columns,
            overlapping=self.overlapping,
        )


class FractionalMaxPoolGrad(Op):
    """The gradient of FractionalMaxPool: to the first of the largest."""

    signature = """orig_input: T, orig_output: T, out_backprop: T, row_pooling_sequence: int64,
        col_pooling_sequence: int64 -> output: T[orig_input]"""
    ranks = {"orig_input": (4,)}
    overlapping: bool = False
    T = INDEX | frozenset({dtypes.float32, dtypes.float64})

    def eager(self, orig_input, orig_output, out_backprop, rows, columns):
        require_rank_4(
            self, orig_input=orig_input, orig_output=orig_output, out_backprop=out_backprop
        )
        if orig_output.shape != out_backprop.shape:
            raise self.invalid(
                f"orig_output {show(orig_output.shape)} must have the shape of out_backprop "
                f"{show(out_backprop.shape)}"
            )
        extents, wanted = orig_input.shape[1:3], orig_output.shape[1:3]
        down, across = (
            windows(s, n, self.overlapping)[:count]
            for s, n, count in zip((rows, columns), extents, wanted)
        )
        if not self._are_windows(orig_input, orig_output, down, across):
            raise self.invalid(_OTHER_MAXIMA)
        if runs_native_code() and orig_input.size:
            return self._natively(orig_input, orig_output, out_backprop, down, across)
        chosen = []
        is_missing = np.ones(orig_output.shape, bool)
        for (i, j), (row, column) in reversed(list(_shares(down, across))):
            part, largest = orig_input[:, row, column], orig_output[:, i, j]
            if not (part <= largest).all():
                raise self.invalid(_OTHER_MAXIMA)
            is_first = (part == largest) & is_missing[:, i, j]
            is_missing[:, i, j] &= ~is_first
            chosen.append(((i, j), (row, column), is_first))
        if is_missing.any():
            raise self.invalid(_OTHER_MAXIMA)
        gradient = np.zeros_like(orig_input)
        for (i, j), (row, column), is_first in reversed(chosen):
            gradient[:, row, column] += np.where(is_first, out_backprop[:, i, j], 0)
        return gradient

    def _natively(self, orig_input, orig_output, out_backprop, down, across):
        gradient = np.zeros(orig_input.shape, orig_input.dtype)
        arrays = [np.ascontiguousarray(x) for x in (orig_input, orig_output, out_backprop)]
        sizes = np.array(down, np.int64), len(down), np.array(across, np.int64), len(across)
        if maxima(gradient.dtype.name).give_back(*arrays, gradient, *gradient.shape, *sizes):
            raise self.invalid(_OTHER_MAXIMA)
        return gradient

    @staticmethod
    def _are_windows(orig_input, orig_output, down, across):
        """True if the windows give an output of this shape and none of them is empty."""
        shape = (orig_input.shape[0], len(down), len(across), orig_input.shape[3])
        return shape == orig_output.shape and all(0 <= b < e for b, e in (*down, *across))


_OTHER_MAXIMA = "tensor_out_dup is not the same as tensor_out: the maxima of the windows are others"


def require_rank_4(op, **tensors):
    """Raises InvalidArgumentError unless all have four axes."""
    for name, tensor in tensors.items():
        if tensor.ndim != 4:
            raise op.invalid(f"{name} should be a tensor of rank 4, got {show(tensor.shape)}")


def _spread(part, shape, down, across):
    """An array with the value of each window at all of its elements; windows follow one another."""
    for axis, axis_windows in ((1, down), (2, across)):
        part = part.repeat([end - begin for begin, end in axis_windows], axis)
    result = np.zeros(shape, part.dtype)
    if part.size:
        result[:, down[0][0] : down[-1][1], across[0][0] : across[-1][1]] = part
    return result


class FractionalAvgPoolGrad(Op):
    """The gradient of FractionalAvgPool: to all of a window alike."""

    signature = """orig_input_tensor_shape: int64, out_backprop: T, row_pooling_sequence: int64,
        col_pooling_sequence: int64 -> output: T[*orig_input_tensor_shape]"""
    overlapping: bool = False
    T = INDEX | frozenset({dtypes.float32, dtypes.float64})

    def eager(self, orig_input_tensor_shape, out_backprop, rows, columns):
        shape = orig_input_tensor_shape.tolist()
        require_rank_4(self, out_backprop=out_backprop)
        for name, sequence in (("Row", rows), ("Column", columns)):
            if (sequence < 0).any():
                least = int(sequence[np.argmax(sequence < 0)])
                raise self.invalid(
                    f"{name} sequence tensor values must not be negative, got {least}"
                )
        if len(shape) != 4 or (shape[0], shape[3]) != (
            out_backprop.shape[0],
            out_backprop.shape[3],
        ):
            raise self.invalid(
                f"out_backprop {show(out_backprop.shape)} does not fit an input of shape {shape}"
            )
        down, across = (
            self._windows(name, sequence, extent, count)
            for name, sequence, extent, count in zip(
                ("row", "col"), (rows, columns), shape[1:3], out_backprop.shape[1:3]
            )
        )
        heights, widths = (np.array([e - b for b, e in w], float) for w in (down, across))
        part = out_backprop / np.outer(heights, widths)[:, :, None]
        if not self.overlapping:
            return _spread(part.astype(out_backprop.dtype), shape, down, across)
        gradient = np.zeros(shape)
        for (i, j), (row, column) in _shares(down, across):
            gradient[:, row, column] += part[:, i, j]
        return gradient.astype(out_backprop.dtype)

    def _windows(self, name, sequence, extent, count):
        """The `count` windows of a sequence, checked."""
        if len(sequence) <= count:
            raise self.invalid(
                f"{name}_seq_tensor must have at least {count + 1} elements, but got {len(sequence)}"
            )
        checked = windows(sequence, extent, self.overlapping)[:count]
        if any(not 0 <= begin < end for begin, end in checked):
            raise self.invalid(f"{name} sequence tensor values must grow from 0, got {sequence}")
        return checked
