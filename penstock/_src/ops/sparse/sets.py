"""Sets in the rows of dense or sparse tensors."""

import math

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.errors import InternalError
from penstock._src.core.op import Op, at_least
from penstock._src.core.typesets import SIGNED
from penstock._src.ops.rules import show
from penstock._src.ops.sparse.tensor import check_indices


def _of_dense(x):
    """{position of the row: set} of a dense tensor."""
    shape = x.shape[:-1]
    rows = x.reshape(math.prod(shape), x.shape[-1])
    return {
        tuple(int(i) for i in np.unravel_index(at, shape)): set(row.tolist())
        for at, row in enumerate(rows)
    }


def _of_sparse(indices, values):
    groups = {}
    for index, value in zip(indices.tolist(), values.tolist(), strict=True):
        groups.setdefault(tuple(index[:-1]), set()).add(value)
    return groups


def check_set(op, indices, values, shape):
    """Raises an error unless indices and values are those of a sparse tensor of this shape.

    Raises:
      InvalidArgumentError: shapes do not fit, or with `validate_indices` an index is not in place.
      InternalError: without, an index lies outside.
    """
    if shape.ndim != 1:
        raise op.invalid("Shape must be a 1D tensor.")
    if len(indices) != len(values):
        raise op.invalid(
            "indices and values rows (indexing dimension) must match. "
            f"(indices = {len(indices)}, values = {len(values)})"
        )
    if shape.size < 2:
        raise op.invalid(f"Invalid rank {shape.size}.")
    if op.validate_indices:
        check_indices(op, indices, shape)
    outside = np.argwhere(indices >= shape)
    if outside.size:
        row, axis = outside[0]
        raise InternalError(
            f"indices[{row}, {axis}] expected < {shape[axis]}, got {indices[row, axis]}."
        )


_OPERATIONS = {
    "a-b": lambda a, b: a - b,
    "b-a": lambda a, b: b - a,
    "intersection": lambda a, b: a & b,
    "union": lambda a, b: a | b,
}


def _combined(op, first, second, shape, dtype):
    operation = _OPERATIONS.get(op.set_operation.lower())
    if operation is None:
        raise op.invalid(f"Invalid set_operation {op.set_operation}.")
    indices, values, widest = [], [], 0
    for row in sorted(set(first) | set(second)):
        elements = sorted(operation(first.get(row, set()), second.get(row, set())))
        widest = max(widest, len(elements))
        indices.extend((*row, at) for at in range(len(elements)))
        values.extend(elements)
    out = np.empty(len(values), dtype)
    out[:] = values
    return (
        np.array(indices, np.int64).reshape(-1, len(shape) + 1),
        out,
        np.array([*shape, widest], np.int64),
    )


class DenseToDenseSetOperation(Op):
    """A set operation on the rows of two dense tensors."""

    signature = """set1: T, set2: T -> result_indices: int64[?, rank(set1)], result_values: T[?],
        result_shape: int64[rank(set1)]"""
    ranks = {"set1": at_least(2), "set2": at_least(2)}
    T = SIGNED | {dtypes.string, dtypes.uint16, dtypes.uint8}
    set_operation: str
    validate_indices: bool = True
    differentiable = False

    def eager(self, set1, set2):
        for values in (set1, set2):
            if values.ndim < 2:
                raise self.invalid(f"Shape {show(values.shape)} has rank {values.ndim} < 2")
        if set1.shape[:-1] != set2.shape[:-1]:
            raise self.invalid(f"Mismatched group shapes {show(set1.shape)} and {show(set2.shape)}")
        return _combined(self, _of_dense(set1), _of_dense(set2), set1.shape[:-1], set1.dtype)


class DenseToSparseSetOperation(Op):
    """A set operation on the rows of a dense and a sparse tensor."""

    signature = """set1: T, set2_indices: int64, set2_values: T, set2_shape: int64
        -> result_indices: int64[?, rank(set1)], result_values: T[?],
        result_shape: int64[rank(set1)]"""
    ranks = {"set1": at_least(2)}
    extents = {"set2_indices": "n, rank", "set2_values": "n", "set2_shape": "rank"}
    T = SIGNED | {dtypes.string, dtypes.uint16, dtypes.uint8}
    set_operation: str
    validate_indices: bool = True
    differentiable = False

    def eager(self, set1, set2_indices, set2_values, set2_shape):
        if set1.shape[:-1] != tuple(set2_shape[:-1]):
            raise self.invalid(f"Mismatched group shapes {show(set1.shape)} and {show(set2_shape)}")
        check_set(self, set2_indices, set2_values, set2_shape)
        second = _of_sparse(set2_indices, set2_values)
        return _combined(self, _of_dense(set1), second, set1.shape[:-1], set1.dtype)


class SparseToSparseSetOperation(Op):
    """A set operation on the rows of two sparse tensors."""

    signature = """set1_indices: int64[?, ?], set1_values: T, set1_shape: int64,
        set2_indices: int64, set2_values: T, set2_shape: int64
        -> result_indices: int64[?, set1_indices[1]], result_values: T[?],
        result_shape: int64[set1_indices[1]]"""
    extents = {
        "set1_indices": "n, rank",
        "set1_values": "n",
        "set1_shape": "rank",
        "set2_indices": "m, rank2",
        "set2_values": "m",
        "set2_shape": "rank2",
    }
    T = SIGNED | {dtypes.string, dtypes.uint16, dtypes.uint8}
    set_operation: str
    validate_indices: bool = True
    differentiable = False

    def eager(self, set1_indices, set1_values, set1_shape, set2_indices, set2_values, set2_shape):
        if tuple(set1_shape[:-1]) != tuple(set2_shape[:-1]):
            raise self.invalid(f"Mismatched group shapes {show(set1_shape)} and {show(set2_shape)}")
        check_set(self, set1_indices, set1_values, set1_shape)
        check_set(self, set2_indices, set2_values, set2_shape)
        first = _of_sparse(set1_indices, set1_values)
        second = _of_sparse(set2_indices, set2_values)
        shape = tuple(int(n) for n in set1_shape[:-1])
        return _combined(self, first, second, shape, set1_values.dtype)


class SetSize(Op):
    """The number of distinct elements in each row of a sparse tensor."""

    signature = "set_indices: int64, set_values: T, set_shape: int64 -> size: int32"
    T = SIGNED | {dtypes.string, dtypes.uint16, dtypes.uint8}
    validate_indices: bool = True
    differentiable = False

    def shape(self, set_indices, set_values, set_shape):
        return None  # TensorFlow's rule says nothing either

    def eager(self, set_indices, set_values, set_shape):
        check_set(self, set_indices, set_values, set_shape)
        out = np.zeros([int(n) for n in set_shape[:-1]], np.int32)
        for row, members in _of_sparse(set_indices, set_values).items():
            out[row] = len(members)
        return out
