"""Stores sparse tensors by number, and tensors between the runs of a session."""

import itertools

import numpy as np

from penstock._src.core.dtypes import DType
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.op import Op
from penstock._src.core.values import resources
from penstock._src.core.values.resources import Resource
from penstock._src.ops.sparse.tensor import check_indices, check_sparse

_KEPT = resources.ResourceManager(keep=True)


class SparseMap(Resource):
    """Sparse tensors by number."""

    def __init__(self, name="", container=""):
        super().__init__(name, container)
        self.numbers, self.held = itertools.count(), {}

    def add(self, indices, values, shape):
        """Stores a sparse tensor; returns its number."""
        number = next(self.numbers)
        self.held[number] = indices, values, shape
        return number


class _MapOp(Op):
    stateful = True
    ranks = {"sparse_indices": (2,), "sparse_values": (1,), "sparse_shape": (1,)}
    container: str = ""
    shared_name: str = ""

    def map(self):
        """The map of this name."""
        name = self.shared_name or "SparseTensorsMap"
        return _KEPT.get_or_create(
            SparseMap, self.container, name, lambda: SparseMap(name, self.container)
        )


class AddSparseToTensorsMap(_MapOp):
    """Stores a sparse tensor; returns its number."""

    signature = """sparse_indices: int64, sparse_values: T, sparse_shape: int64
        -> sparse_handle: int64[]"""

    def eager(self, sparse_indices, sparse_values, sparse_shape):
        check_sparse(self, sparse_indices, sparse_values, sparse_shape)
        return np.int64(self.map().add(sparse_indices, sparse_values, sparse_shape))


class AddManySparseToTensorsMap(_MapOp):
    """Stores the rows of a sparse tensor; returns their numbers."""

    signature = """sparse_indices: int64, sparse_values: T, sparse_shape: int64
        -> sparse_handles: int64[?]"""

    def eager(self, sparse_indices, sparse_values, sparse_shape):
        check_sparse(self, sparse_indices, sparse_values, sparse_shape)
        if sparse_shape.size < 2:
            raise self.invalid(
                f"Rank of input SparseTensor should be > 1, but saw rank: {sparse_shape.size}"
            )
        check_indices(self, sparse_indices, sparse_shape)
        ends = np.searchsorted(sparse_indices[:, 0], np.arange(int(sparse_shape[0]) + 1))
        numbers = [
            self.map().add(sparse_indices[a:b, 1:], sparse_values[a:b], sparse_shape[1:])
            for a, b in zip(ends[:-1], ends[1:])
        ]
        return np.array(numbers, np.int64)


class TakeManySparseFromTensorsMap(_MapOp):
    """Removes the sparse tensors with the given numbers and returns them as the rows of one."""

    signature = """sparse_handles: int64
        -> sparse_indices: int64[?, ?], sparse_values: dtype[?], sparse_shape: int64[?]"""
    ranks = {"sparse_handles": (1,)}
    dtype: DType

    def eager(self, sparse_handles):
        tensors, parts = self.map().held, []
        for number in sparse_handles.tolist():
            if number not in tensors:
                raise self.invalid(f"Unable to find SparseTensor: {number} in map")
            parts.append(tensors.pop(number))
            before, rank = len(parts[0][2]) + 1, len(parts[-1][2]) + 1
            if before != rank:
                at = len(parts) - 1
                raise self.invalid(
                    f"Inconsistent rank across SparseTensors: rank prior to SparseTensor[{at}] was: "
                    f"{before} but rank of SparseTensor[{at}] is: {rank}"
                )
        shape = np.max([s for _, _, s in parts], axis=0)
        indices = [
            np.concatenate([np.full((len(i), 1), row), i], 1) for row, (i, _, _) in enumerate(parts)
        ]
        values = np.concatenate([v for _, v, _ in parts])
        return (
            np.concatenate(indices).astype(np.int64),
            values,
            np.array([len(parts), *shape], np.int64),
        )


_TENSORS = {}
_NUMBERS = itertools.count()


class GetSessionHandle(Op):
    """Stores a tensor; returns its string handle."""

    signature = "value: T -> handle: string[]"
    stateful = True
    differentiable = False

    def eager(self, value):
        key = f"tensor-{next(_NUMBERS)};{self.T.name}".encode()
        _TENSORS[key] = value
        handle = np.empty((), object)
        handle[()] = key
        return handle


class GetSessionHandleV2(Op):
    """Stores a tensor; returns its resource handle."""

    signature = "value: T -> handle: resource[]"
    differentiable = False

    def eager(self, value):
        return KeptTensor(value)


class KeptTensor(Resource):
    """A tensor that a session keeps while its handle lives."""

    def __init__(self, value):
        super().__init__("kept_tensor")
        self.value = value


class GetSessionTensor(Op):
    """The tensor of a string handle."""

    signature = "handle: string -> value: dtype[...]"
    ranks = {"handle": (0,)}
    dtype: DType
    stateful = True
    differentiable = False

    def eager(self, handle):
        key = np.asarray(handle).item()
        if key not in _TENSORS:
            raise InvalidArgumentError(
                f"The tensor with handle '{key.decode()}' is not in the session store."
            )
        return _TENSORS[key]


class DeleteSessionTensor(Op):
    """Deletes the tensor of a string handle."""

    signature = "handle: string ->"
    ranks = {"handle": (0,)}
    stateful = True
    differentiable = False

    def eager(self, handle):
        key = np.asarray(handle).item()
        if _TENSORS.pop(key, None) is None:
            raise InvalidArgumentError(
                f"Failed to delete a tensor with handle '{key.decode()}' in the session store."
            )
