"""Counts of the integers in each row, as a sparse tensor."""

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.op import Op
from penstock._src.core.typesets import INDEX
from penstock._src.ops import infer
from penstock._src.ops.rules import quiet, show
from penstock._src.ops.sparse.splits import check_splits


def _counted(op, rows, values, weights, shape):
    """Indices, counts (or sums of weights) and dense shape."""
    if values.size and values.min() < 0:
        raise op.invalid(f"Input values must all be non-negative. Received {values.min()}")
    check_weights(op, values, weights)
    kind = op.output_type.np
    amounts = weights if weights.size else np.ones(values.shape, kind)
    largest = int(values.max(initial=0)) + 1  # a column for 0 even without values
    width = op.maxlength if op.maxlength >= 0 else max(largest, op.minlength)
    if op.maxlength >= 0:
        inside = values < op.maxlength
        rows, values, amounts = rows[inside], values[inside], amounts[inside]
    own_rows, columns, group = _distinct_pairs(rows.astype(np.int64), values, max(width, 1))
    totals = np.zeros(columns.size, kind)
    np.add.at(totals, group, amounts)
    if op.binary_output:
        totals[:] = 1
    if len(shape) == 0:
        return columns[:, None], totals, np.array([width], np.int64)
    index = np.stack([own_rows, columns], -1)
    return index, totals, np.array([shape[0], width], np.int64)


def _distinct_pairs(rows, values, width):
    """Return the rows and the values of all different pairs of these, in order, and the number of each pair; values are less than the width."""
    if (int(rows.max(initial=0)) + 1) * width < 2**63:
        unique, group = np.unique(rows * width + values, return_inverse=True)
        return unique // width, unique % width, group
    # Their places are beyond int64: those of the numbers of different rows and values are not.
    own_rows, row_numbers = np.unique(rows, return_inverse=True)
    kinds, value_numbers = np.unique(values, return_inverse=True)
    unique, group = np.unique(row_numbers * kinds.size + value_numbers, return_inverse=True)
    return own_rows[unique // kinds.size], kinds[unique % kinds.size], group


def check_weights(op, values, weights):
    """Refuses weights, unless they are empty, of another shape than the values."""
    if weights.size and weights.shape != values.shape:
        raise op.invalid(
            "Weights and values must have the same shape. Received weights "
            f"{show(weights.shape)}, values {show(values.shape)}"
        )


def check_indices(op, indices, values, dense_shape):
    """Raises an error if a sparse tensor has entries outside of its shape."""
    if indices.ndim != 2 or indices.shape != (values.size, dense_shape.size):
        raise op.invalid(
            f"Input indices must be a 2-dimensional tensor with a row for each value. Got: "
            f"{show(indices.shape)} for {show(values.shape)} values of rank {dense_shape.size}"
        )
    if values.ndim != 1:
        raise op.invalid(f"Input values must be a vector. Got: {show(values.shape)}")
    if dense_shape.size == 2 and not 0 < dense_shape[0] < 2**31:
        raise op.invalid(f"Cannot allocate {dense_shape[0]} batches, is the dense shape too wide?")
    if dense_shape.size not in (1, 2):
        raise op.invalid(f"The rank of the input must be 1 or 2. Received {dense_shape.size}")
    outside = (indices < 0) | (indices >= dense_shape)
    if outside.any():
        at, axis = np.argwhere(outside)[0]
        raise op.invalid(
            f"Invalid index value at {at}: dimension {axis} has value {indices[at, axis]} which is "
            f"not in [0, {dense_shape[axis]}) (as given by dense shape {show(dense_shape)})"
        )


class _Count(Op):
    """Counts as a sparse tensor."""

    minimum = {"minlength": -1, "maxlength": -1}
    T = INDEX
    output_type = INDEX | {dtypes.float32, dtypes.float64}
    minlength: int = -1
    maxlength: int = -1
    binary_output: bool


def _of_rank(rank):
    """The static shapes of a sparse tensor of this rank."""
    return [None, rank], [None], [rank]


class DenseCountSparseOutput(_Count):
    """Counts in the rows of a dense tensor."""

    signature = """values: T, weights: output_type
        -> output_indices: int64, output_values: output_type, output_dense_shape: int64"""

    def shape(self, values, weights):
        return _of_rank(values.rank)

    @quiet
    def eager(self, values, weights):
        if values.ndim == 2 and not len(values):
            raise self.invalid(
                f"Shapes dimension cannot be 0. Received values of {show(values.shape)}"
            )
        if values.ndim not in (1, 2):
            raise self.invalid(f"Input must be a 1 or 2-dimensional tensor. Got: {values.ndim}")
        rows = np.zeros(values.shape, np.int64)
        if values.ndim == 2:
            rows += np.arange(values.shape[0])[:, None]
        check_weights(self, values, weights)
        flat = weights.reshape(-1) if weights.size else weights
        return _counted(self, rows.reshape(-1), values.reshape(-1), flat, values.shape[:-1])


class SparseCountSparseOutput(_Count):
    """Counts in the rows of a sparse tensor."""

    signature = """indices: int64, values: T, dense_shape: int64, weights: output_type
        -> output_indices: int64, output_values: output_type, output_dense_shape: int64"""
    ranks = {"indices": (2,)}

    def shape(self, indices, values, dense_shape, weights):
        return _of_rank(infer.vector_length(dense_shape))

    @quiet
    def eager(self, indices, values, dense_shape, weights):
        check_indices(self, indices, values, dense_shape)
        matrix = dense_shape.size == 2
        rows = indices[:, 0] if matrix else np.zeros(len(values), np.int64)
        shape = (int(dense_shape[0]),) if matrix else ()
        return _counted(self, rows, values, weights, shape)


class RaggedCountSparseOutput(_Count):
    """Counts in the rows of a ragged tensor."""

    signature = """splits: int64, values: T, weights: output_type
        -> output_indices: int64, output_values: output_type, output_dense_shape: int64"""

    def shape(self, splits, values, weights):
        return _of_rank(2)

    @quiet
    def eager(self, splits, values, weights):
        check_splits(self, splits, len(values))
        rows = np.repeat(np.arange(splits.size - 1), np.diff(splits))
        return _counted(self, rows, values, weights, (splits.size - 1,))
