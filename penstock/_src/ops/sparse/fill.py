"""Fills empty rows of ragged tensors; and the gradient of SparseSlice."""

import numpy as np

from penstock._src.core.op import Op
from penstock._src.core.registry import raw
from penstock._src.core.typesets import NUMBER
from penstock._src.ops.array.unique import distinct
from penstock._src.ops.rules import show
from penstock._src.ops.sparse.tensor import check_reverse_index


class RaggedFillEmptyRows(Op):
    """The values with a default in every row that has none."""

    signature = """value_rowids: int64, values: T, nrows: int64, default_value: T
        -> output_value_rowids: int64[?], output_values: T[?], empty_row_indicator: bool[?],
        reverse_index_map: int64[values[0]]"""
    ranks = {"nrows": (0,), "default_value": (0,)}
    extents = {"value_rowids": "n", "values": "n"}

    def gradient(self, _value_rowids, _values, _nrows, _default, _ids, _out, _empty, where, *grads):
        gradients = raw.RaggedFillEmptyRowsGrad(reverse_index_map=where, grad_values=grads[1])
        return None, gradients[0], None, gradients[1]

    def eager(self, value_rowids, values, nrows, default_value):
        count = int(nrows)
        if len(value_rowids) != len(values):
            raise self.invalid("value_rowids and values must have the same length")
        if value_rowids.size and not 0 <= value_rowids.min() <= value_rowids.max() < count:
            raise self.invalid(f"value_rowids must be in [0, {count})")
        # The largest array first, so that too many rows are refused before any memory is written.
        ids = np.empty(len(value_rowids) + count - len(np.unique(value_rowids)), np.int64)
        empty = np.ones(count, bool)
        empty[value_rowids] = False
        missing = np.flatnonzero(empty)
        np.concatenate([value_rowids, missing], out=ids)
        order = np.argsort(ids, kind="stable")
        padding = np.empty(len(missing), values.dtype)
        padding[...] = default_value[()]
        places = np.empty(len(order), np.int64)
        places[order] = np.arange(len(order))
        filled = np.concatenate([values, padding])[order]
        return ids[order].astype(np.int64), filled, empty, places[: len(values)]


class RaggedFillEmptyRowsGrad(Op):
    """The gradient of RaggedFillEmptyRows: of the values, and of the default."""

    signature = """reverse_index_map: int64, grad_values: T
        -> d_values: T[reverse_index_map], d_default_value: T[]"""
    ranks = {"reverse_index_map": (1,), "grad_values": (1,)}

    def eager(self, reverse_index_map, grad_values):
        check_reverse_index(self, reverse_index_map, grad_values)
        rest = np.delete(grad_values, reverse_index_map)
        return grad_values[reverse_index_map], rest.sum(dtype=grad_values.dtype)


class SparseSliceGrad(Op):
    """The gradient of SparseSlice with respect to the values: zero outside the slice."""

    signature = """backprop_val_grad: T, input_indices: int64, input_start: int64,
        output_indices: int64 -> val_grad: T[input_indices[0]]"""
    ranks = {"input_indices": (2,)}
    T = NUMBER

    def eager(self, backprop_val_grad, input_indices, input_start, output_indices):
        self._check(backprop_val_grad, input_indices, input_start, output_indices)
        _, numbers = distinct(np.concatenate([output_indices + input_start, input_indices]))
        gradient = np.zeros(len(numbers), backprop_val_grad.dtype)
        gradient[numbers[: len(output_indices)]] = backprop_val_grad
        return gradient[numbers[len(output_indices) :]]

    def _check(self, grad, input_indices, start, output_indices):
        """Raises InvalidArgumentError for shapes that do not match."""
        if grad.ndim != 1 or start.ndim != 1 or output_indices.ndim != 2:
            raise self.invalid(
                "backprop_val_grad and input_start must be vectors, output_indices a matrix. Received "
                f"{show(grad.shape)}, {show(start.shape)}, {show(output_indices.shape)}"
            )
        if len(grad) != len(output_indices):
            raise self.invalid(
                "# elements of backprop_val_grad and # rows of output_indices should match (#nnz of sum): "
                f"got {len(grad)} and {len(output_indices)}"
            )
        rank = input_indices.shape[1]
        if output_indices.shape[1] != rank:
            raise self.invalid(
                f"The input and output should have the same ndims: got: {rank} and {output_indices.shape[1]}"
            )
        if len(start) != rank:
            raise self.invalid(
                f"Expected input_start to be a vector of length {rank} but got length {len(start)}"
            )
