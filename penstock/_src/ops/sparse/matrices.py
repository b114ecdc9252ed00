"""Sparse matrices in compressed rows (CSR), one or a batch, as the value of a variant."""

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.op import Op
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape, broadcast_shapes
from penstock._src.core.typesets import ANY
from penstock._src.ops.rules import conj, places_in_runs, quiet, unbroadcast

FIELD = frozenset({dtypes.float32, dtypes.float64, dtypes.complex64, dtypes.complex128})
SCALAR = TensorShape([])
INT32_MAX = 2**31 - 1  # row pointers are int32


class SparseMatrix:
    """The entries of matrices, sorted by batch, row and column.

    `places` is `[n, 3]` int64: batch, row, column. `shape` has two or three extents.
    """

    __slots__ = ("places", "values", "shape")

    def __init__(self, places, values, shape):
        self.places, self.values, self.shape = places, values, tuple(int(n) for n in shape)

    @classmethod
    def of(cls, indices, values, shape):
        """The matrix with these entries, in any order; `indices` as wide as `shape`."""
        if len(shape) == 2:
            indices = np.concatenate([np.zeros((len(indices), 1), np.int64), indices], 1)
        order = np.lexsort(indices.T[::-1])
        return cls(indices[order], values[order], shape)

    @property
    def batches(self):
        """The number of matrices."""
        return self.shape[0] if len(self.shape) == 3 else 1

    def indices(self):
        """The indices, without the batch column for a single matrix."""
        return self.places if len(self.shape) == 3 else self.places[:, 1:]

    def dense(self):
        """The matrices as an array."""
        out = np.zeros(self.shape, self.values.dtype)
        out[tuple(self.indices().T)] = self.values
        return out

    def transposed(self, conjugate=False):
        """The matrices with rows and columns exchanged."""
        shape = (*self.shape[:-2], self.shape[-1], self.shape[-2])
        values = np.conj(self.values) if conjugate else self.values
        indices = self.places[:, [0, 2, 1]]
        return SparseMatrix.of(indices if len(shape) == 3 else indices[:, 1:], values, shape)

    def repeated(self, count):
        """A batch of `count` matrices, all equal if there is one."""
        if self.batches == count:
            return self
        places = np.tile(self.places, (count, 1))
        places[:, 0] = np.repeat(np.arange(count), len(self.places))
        return SparseMatrix(places, np.tile(self.values, count), (count, *self.shape[1:]))

    def row_starts(self, batch):
        """The row pointers of a matrix into all entries, including the end of the last row."""
        rows = self.shape[-2]
        keys = self.places[:, 0] * rows + self.places[:, 1]
        return np.searchsorted(keys, batch * rows + np.arange(rows + 1))


def summed(places, values, shape):
    """The matrix with entries at equal indices summed."""
    extents = (shape[0] if len(shape) == 3 else 1, shape[-2], shape[-1])
    flat = np.ravel_multi_index(tuple(places.T), extents) if len(places) else np.zeros(0, np.int64)
    unique, group = np.unique(flat, return_inverse=True)
    total = np.zeros(len(unique), values.dtype)
    np.add.at(total, group, values)
    return SparseMatrix(np.stack(np.unravel_index(unique, extents), -1), total, shape)


def product(a, b):
    """The product of two sparse matrices."""
    rows = b.shape[-2]
    keys = b.places[:, 0] * rows + b.places[:, 1]
    wanted = a.places[:, 0] * rows + a.places[:, 2]
    start, stop = np.searchsorted(keys, wanted), np.searchsorted(keys, wanted, "right")
    counts = stop - start
    left = np.repeat(np.arange(len(wanted)), counts)
    right = places_in_runs(counts) + start[left]
    places = np.concatenate([a.places[left, :2], b.places[right, 2:]], 1)
    shape = (*a.shape[:-1], b.shape[-1])
    return summed(places, a.values[left] * b.values[right], shape)


def held_by(matrix):
    """The static shape and the dtype of the matrices that a variant holds, as far as they are known."""
    data = matrix.handle_data
    return data[0] if data else (TensorShape(None), None)


def require_type(op, dtype, *matrices):
    """Refuses matrices of another type than an op was made for."""
    for matrix in matrices:
        if matrix.values.dtype != dtype.np:
            raise op.invalid(
                f"Expected a CSRSparseMatrix of type {dtype.name} but saw type {matrix.values.dtype}"
            )


class _Matrix(Op):
    """Base of the ops that return a sparse matrix; by default of the shape of their first input."""

    def shape(self, *inputs):
        return SCALAR

    def held(self, *inputs):
        return inputs[0].handle_data


class SparseTensorToCSRSparseMatrix(_Matrix):
    """A sparse tensor of rank 2 or 3 as a sparse matrix."""

    signature = "indices: int64, values: T, dense_shape: int64 -> sparse_matrix: variant"
    T = FIELD

    def held(self, _indices, _values, dense_shape):
        return [(dense_shape.as_shape(), self.T)]

    def gradient(self, indices, _values, _dense_shape, _sparse_matrix, dy):
        return None, entries_at(dy, indices, self.T), None

    def eager(self, indices, values, dense_shape):
        for name, array, rank in (
            ("indices", indices, 2),
            ("values", values, 1),
            ("shape", dense_shape, 1),
        ):
            if array.ndim != rank:
                raise self.invalid(f"Sparse {name} must be rank {rank} but is rank {array.ndim}")
        if len(indices) != len(values):
            raise self.invalid(
                f"Number of elements in indices ({len(indices)}) and values ({len(values)}) do not match"
            )
        rank = indices.shape[1]
        if rank != dense_shape.size:
            raise self.invalid(
                f"Index rank ({rank}) and shape rank ({dense_shape.size}) do not match"
            )
        if rank not in (2, 3):
            raise self.invalid(f"SparseTensor must have rank 2 or 3; but indices has rank: {rank}")
        self._check_sizes(dense_shape.tolist())
        outside = ((indices < 0) | (indices >= dense_shape)).any(1)
        if outside.any():
            at = int(np.argmax(outside))
            raise self.invalid(
                f"Sparse index tuple indices[{at}, :] = {indices[at].tolist()} is out of bounds"
            )
        return SparseMatrix.of(indices, values, dense_shape)

    def _check_sizes(self, extents):
        batches, rows = extents[0] if len(extents) == 3 else 1, extents[-2]
        if batches >= INT32_MAX:
            raise self.invalid(
                f"dense_shape batch_size must be < Int32Max, but the input value is {batches}"
            )
        if batches * (rows + 1) > INT32_MAX:
            raise self.invalid(
                "The csr row index size, computed based on the dense_shape, must be <= Int32Max, but "
                f"is too large. Current value is {batches * (rows + 1)}"
            )


class CSRSparseMatrixToSparseTensor(Op):
    """The entries of a sparse matrix as a sparse tensor."""

    signature = """sparse_matrix: variant
        -> indices: int64[?, ?], values: type[?], dense_shape: int64[?]"""
    type: FIELD

    def gradient(self, _matrix, indices, _values, dense_shape, _di, dy, _ds):
        return raw.SparseTensorToCSRSparseMatrix(
            indices=indices, values=dy, dense_shape=dense_shape
        )

    def eager(self, sparse_matrix):
        matrix = sparse_matrix
        require_type(self, self.type, matrix)
        return matrix.indices(), matrix.values, np.array(matrix.shape, np.int64)


class DenseToCSRSparseMatrix(_Matrix):
    """The entries of a dense matrix at `indices` as a sparse matrix."""

    signature = "dense_input: T, indices: int64 -> sparse_output: variant"
    T = FIELD

    def shape(self, dense_input, _indices):
        rank = dense_input.rank
        if rank not in (2, 3):
            shown = -1 if rank is None else rank
            raise self.invalid(
                f"Invalid rank of dense: {shown}.  Expected a known rank of either 2 or 3."
            )
        return SCALAR

    def held(self, dense_input, _indices):
        return [(TensorShape(dense_input), self.T)]

    def gradient(self, _dense_input, _indices, _sparse_output, dy):
        return raw.CSRSparseMatrixToDense(sparse_input=dy, type=self.T), None

    def eager(self, dense_input, indices):
        if dense_input.ndim not in (2, 3):
            raise self.invalid(
                f"params must have rank == 2 or 3; but saw shape: {list(dense_input.shape)}"
            )
        if indices.ndim != 2 or indices.shape[1] != dense_input.ndim:
            raise self.invalid(
                "indices must be a matrix with a column for each dimension of params. Received "
                f"shapes {list(indices.shape)} and {list(dense_input.shape)}"
            )
        outside = ((indices < 0) | (indices >= dense_input.shape)).any(1)
        if outside.any():
            at = int(np.argmax(outside))
            raise self.invalid(
                f"indices[{at}] = {indices[at].tolist()} does not index into param shape "
                f"{list(dense_input.shape)}"
            )
        return SparseMatrix.of(indices, dense_input[tuple(indices.T)], dense_input.shape)


class CSRSparseMatrixToDense(Op):
    """A sparse matrix as a dense one."""

    signature = "sparse_input: variant -> dense_output: type"
    type: FIELD

    def shape(self, sparse_input):
        return held_by(sparse_input)[0]

    def gradient(self, sparse_input, _dense_output, dy):
        return at_entries_of(sparse_input, dy, self.type)

    def eager(self, sparse_input):
        dtype = sparse_input.values.dtype
        if dtype != self.type.np:
            raise self.invalid(
                f"Asked for a CSRSparseMatrix of type {self.type.name} but saw dtype: {dtype}"
            )
        return sparse_input.dense()


def at_entries_of(matrix, dense, dtype):
    """The entries of a dense matrix where a sparse one has entries, as a sparse matrix."""
    places = raw.CSRSparseMatrixToSparseTensor(sparse_matrix=matrix, type=dtype).indices
    return raw.DenseToCSRSparseMatrix(dense_input=dense, indices=places)


def kept_entries(matrix, other, dtype):
    """The entries of another sparse matrix where `matrix` has entries."""
    return at_entries_of(matrix, raw.CSRSparseMatrixToDense(sparse_input=other, type=dtype), dtype)


def entries_at(matrix, indices, dtype):
    """The entries of a sparse matrix at the given indices, zero where it has none."""
    dense = raw.CSRSparseMatrixToDense(sparse_input=matrix, type=dtype)
    return raw.GatherNd(params=dense, indices=indices)


class CSRSparseMatrixComponents(Op):
    """The row pointers, columns and values of one matrix."""

    signature = """csr_sparse_matrix: variant, index: int32
        -> row_ptrs: int32[?], col_inds: int32[?], values: type[?]"""
    type: FIELD

    def eager(self, csr_sparse_matrix, index):
        matrix = csr_sparse_matrix
        if not 0 <= int(index) < matrix.batches:
            raise self.invalid(f"index ({int(index)}) not in [0, {matrix.batches})")
        require_type(self, self.type, matrix)
        starts = matrix.row_starts(int(index))
        part = slice(starts[0], starts[-1])
        return (
            (starts - starts[0]).astype(np.int32),
            matrix.places[part, 2].astype(np.int32),
            matrix.values[part],
        )


class SparseMatrixNNZ(Op):
    """The number of stored entries, of each matrix of a batch."""

    signature = "sparse_matrix: variant -> nnz: int32"
    differentiable = False

    def shape(self, sparse_matrix):
        return held_by(sparse_matrix)[0][:-2]

    def eager(self, sparse_matrix):
        matrix = sparse_matrix
        counts = np.bincount(matrix.places[:, 0], minlength=matrix.batches).astype(np.int32)
        return counts if len(matrix.shape) == 3 else counts[0]


class SparseMatrixZeros(_Matrix):
    """A sparse matrix without entries."""

    signature = "dense_shape: int64 -> sparse_matrix: variant"
    differentiable = False
    type: FIELD

    def held(self, dense_shape):
        return [(dense_shape.as_shape(), self.type)]

    def eager(self, dense_shape):
        if dense_shape.ndim != 1 or len(dense_shape) not in (2, 3) or (dense_shape < 0).any():
            raise self.invalid(
                f"dense_shape must have 2 or 3 extents. Received {dense_shape.tolist()}"
            )
        return SparseMatrix(
            np.zeros((0, 3), np.int64), np.zeros(0, self.type.np), dense_shape.tolist()
        )


class SparseMatrixTranspose(_Matrix):
    """The matrices with rows and columns exchanged."""

    signature = "input: variant -> output: variant"
    conjugate: bool = False
    type: FIELD

    def held(self, input):
        shape, dtype = held_by(input)
        return [(_turned(shape, True), dtype)]

    def gradient(self, _input, _output, dy):
        return raw.SparseMatrixTranspose(input=dy, type=self.type, conjugate=self.conjugate)

    def eager(self, input):
        require_type(self, self.type, input)
        return input.transposed(self.conjugate)


class SparseMatrixAdd(_Matrix):
    """alpha a + beta b."""

    signature = "a: variant, b: variant, alpha: T, beta: T -> c: variant"
    T = FIELD

    def gradient(self, a, b, alpha, beta, _c, dy):
        kept = (kept_entries(of, dy, self.T) for of in (a, b))
        by_a, by_b = (
            raw.SparseMatrixMul(a=m, b=f) for m, f in zip(kept, (alpha, beta), strict=True)
        )
        return by_a, by_b, None, None

    @quiet
    def eager(self, a, b, alpha, beta):
        require_type(self, self.T, a, b)
        if alpha.ndim or beta.ndim:
            raise self.invalid(
                f"alpha and beta must be scalars. Received shapes {alpha.shape} and {beta.shape}"
            )
        if a.shape != b.shape:
            raise self.invalid(f"Ranks and shapes must be equal: {a.shape} and {b.shape}")
        places = np.concatenate([a.places, b.places])
        return summed(places, np.concatenate([alpha * a.values, beta * b.values]), a.shape)


class SparseMatrixMul(_Matrix):
    """The entries times a number, or times one for each matrix of a batch."""

    signature = "a: variant, b: T -> output: variant"
    T = ANY

    def gradient(self, a, b, _output, dy):
        dense = [raw.CSRSparseMatrixToDense(sparse_input=m, type=self.T) for m in (a, dy)]
        return raw.SparseMatrixMul(a=dy, b=b), unbroadcast(dense[0] * dense[1], b)

    @quiet
    def eager(self, a, b):
        require_type(self, self.T, a)
        if b.ndim and (len(a.shape) != 3 or b.shape != (a.batches, 1, 1)):
            raise self.invalid(
                "b must be a scalar, or [batch, 1, 1] for a batch of matrices. Received shapes "
                f"{list(a.shape)} and {list(b.shape)}"
            )
        factor = b.reshape(-1)[a.places[:, 0]] if b.ndim else b
        return SparseMatrix(a.places, a.values * factor, a.shape)


class SparseMatrixMatMul(Op):
    """The product of a sparse matrix and a dense one."""

    signature = "a: variant, b: T -> output: T"
    T = ANY
    transpose_a: bool = False
    transpose_b: bool = False
    adjoint_a: bool = False
    adjoint_b: bool = False
    transpose_output: bool = False
    conjugate_output: bool = False

    def shape(self, a, b):
        shape = _product_shape(self, held_by(a)[0], b)
        return _turned(shape, self.transpose_output)

    def gradient(self, a, b, _output, dy):
        if self.conjugate_output:
            dy = conj(dy)
        if self.transpose_output:
            dy = _swapped(dy)
        # For the operands A and B as multiplied: dA = dy B*, only where `a` has entries; dB = A* dy.
        turned_a, turned_b = self.transpose_a or self.adjoint_a, self.transpose_b or self.adjoint_b
        times = conj(b) if self.transpose_b and not self.adjoint_b else b
        by_a = raw.BatchMatMulV2(x=dy, y=times, adj_y=not turned_b)
        left = a
        if self.transpose_a and not self.adjoint_a:
            left = _conjugated(a, b.dtype)
        by_b = raw.SparseMatrixMatMul(a=left, b=dy, adjoint_a=not turned_a)
        if turned_a:
            by_a = conj(_swapped(by_a)) if self.adjoint_a else _swapped(by_a)
        if turned_b:
            by_b = conj(_swapped(by_b)) if self.adjoint_b else _swapped(by_b)
        return at_entries_of(a, by_a, b.dtype), by_b

    @quiet
    def eager(self, a, b):
        require_type(self, self.T, a)
        if self.transpose_a or self.adjoint_a:
            a = a.transposed(self.adjoint_a)
        if self.transpose_b or self.adjoint_b:
            b = np.swapaxes(np.conj(b) if self.adjoint_b else b, -1, -2)
        if len(a.shape) != b.ndim:
            raise self.invalid(f"Ranks of a and b must match, saw: {len(a.shape)} vs. {b.ndim}.")
        if len(a.shape) == 3 and a.batches != len(b):
            raise self.invalid(f"Batch sizes of a and b must match, saw: {a.batches} vs. {len(b)}.")
        if a.shape[-1] != b.shape[-2]:
            raise self.invalid(
                "Inner product dimensions of A and B do not agree. Shapes are: "
                f"{list(a.shape)} vs. {list(b.shape)}"
            )
        whole = b if b.ndim == 3 else b[np.newaxis]
        out = np.zeros((a.batches, a.shape[-2], b.shape[-1]), b.dtype)
        batch, row, column = a.places.T
        np.add.at(out, (batch, row), a.values[:, np.newaxis] * whole[batch, column])
        out = out if b.ndim == 3 else out[0]
        if self.transpose_output:
            out = np.swapaxes(out, -1, -2)
        return np.ascontiguousarray(np.conj(out) if self.conjugate_output else out)


def _turned(shape, turn):
    """A static shape with rows and columns exchanged if `turn`."""
    if not turn or shape.rank is None:
        return TensorShape(shape)
    return shape[:-2].concatenate([shape[-1], shape[-2]])


def _product_shape(op, a, b):
    """The static shape of the product of two matrices."""
    a, b = _turned(a, op.transpose_a or op.adjoint_a), _turned(b, op.transpose_b or op.adjoint_b)
    if a.rank is None or b.rank is None:
        return TensorShape(None)
    if None not in (a[-1], b[-2]) and a[-1] != b[-2]:
        raise op.invalid(f"Dimensions must be equal, but are {a[-1]} and {b[-2]}")
    return broadcast_shapes(a[:-2], b[:-2]).concatenate([a[-2], b[-1]])


def _swapped(x):
    """Matrices with rows and columns exchanged."""
    rank = x.shape.rank
    return raw.Transpose(x=x, perm=np.array([*range(rank - 2), rank - 1, rank - 2], np.int32))


def _conjugated(matrix, dtype):
    """A sparse matrix of the conjugate entries."""
    turned = raw.SparseMatrixTranspose(input=matrix, conjugate=True, type=dtype)
    return raw.SparseMatrixTranspose(input=turned, type=dtype)


class SparseMatrixSparseMatMul(_Matrix):
    """The product of two sparse matrices."""

    signature = "a: variant, b: variant -> c: variant"
    type: FIELD
    transpose_a: bool = False
    transpose_b: bool = False
    adjoint_a: bool = False
    adjoint_b: bool = False

    def held(self, a, b):
        return [(_product_shape(self, held_by(a)[0], held_by(b)[0]), self.type)]

    def gradient(self, a, b, _c, dy):
        def product(x, y, **flags):
            return raw.SparseMatrixSparseMatMul(a=x, b=y, type=self.type, **flags)

        def adjoint(x, turned, is_adjoint):
            """Return the adjoint of an operand as it was multiplied: a matrix, and True to transpose it."""
            if turned and not is_adjoint:
                return _conjugated(x, self.type), False
            return x, not is_adjoint

        def turned_back(x, turned, is_adjoint):
            if not turned and not is_adjoint:
                return x
            return raw.SparseMatrixTranspose(input=x, conjugate=is_adjoint, type=self.type)

        left, turn_a = adjoint(a, self.transpose_a, self.adjoint_a)
        right, turn_b = adjoint(b, self.transpose_b, self.adjoint_b)
        grads = (
            turned_back(product(dy, right, adjoint_b=turn_b), self.transpose_a, self.adjoint_a),
            turned_back(product(left, dy, adjoint_a=turn_a), self.transpose_b, self.adjoint_b),
        )
        return tuple(kept_entries(of, m, self.type) for of, m in zip((a, b), grads, strict=True))

    @quiet
    def eager(self, a, b):
        require_type(self, self.type, a, b)
        if self.transpose_a or self.adjoint_a:
            a = a.transposed(self.adjoint_a)
        if self.transpose_b or self.adjoint_b:
            b = b.transposed(self.adjoint_b)
        if a.shape[-1] != b.shape[-2] or len(a.shape) != len(b.shape):
            raise self.invalid(
                "Inner product dimensions of A and B do not agree.  Shapes are: "
                f"{list(a.shape)} vs. {list(b.shape)}"
            )
        if a.batches != b.batches and 1 not in (a.batches, b.batches):
            raise self.invalid(
                "Batch sizes of A and B are not compatible.  Batch sizes are: "
                f"{a.batches} vs. {b.batches}"
            )
        count = max(a.batches, b.batches)
        return product(a.repeated(count), b.repeated(count))


class SparseMatrixSoftmax(_Matrix):
    """The softmax of the stored entries of every row."""

    signature = "logits: variant -> softmax: variant"
    type: {dtypes.float32, dtypes.float64}

    def gradient(self, _logits, softmax, dy):
        return raw.SparseMatrixSoftmaxGrad(softmax=softmax, grad_softmax=dy, type=self.type)

    @quiet
    def eager(self, logits):
        require_type(self, self.type, logits)
        keys = logits.places[:, 0] * logits.shape[-2] + logits.places[:, 1]
        _, group = np.unique(keys, return_inverse=True)
        top = np.full(group.max(initial=-1) + 1, -np.inf, logits.values.dtype)
        np.maximum.at(top, group, logits.values)
        scaled = np.exp(logits.values - top[group])
        total = np.zeros(len(top), scaled.dtype)
        np.add.at(total, group, scaled)
        return SparseMatrix(logits.places, scaled / total[group], logits.shape)


class SparseMatrixSoftmaxGrad(_Matrix):
    """The gradient of SparseMatrixSoftmax."""

    signature = "softmax: variant, grad_softmax: variant -> gradient: variant"
    type: {dtypes.float32, dtypes.float64}

    @quiet
    def eager(self, softmax, grad_softmax):
        require_type(self, self.type, softmax, grad_softmax)
        if softmax.shape != grad_softmax.shape:
            raise self.invalid(
                f"Ranks and shapes must be equal: {softmax.shape} and {grad_softmax.shape}"
            )
        incoming = grad_softmax.dense()[tuple(softmax.indices().T)]
        keys = softmax.places[:, 0] * softmax.shape[-2] + softmax.places[:, 1]
        _, group = np.unique(keys, return_inverse=True)
        total = np.zeros(group.max(initial=-1) + 1, softmax.values.dtype)
        np.add.at(total, group, incoming * softmax.values)
        return SparseMatrix(
            softmax.places, (incoming - total[group]) * softmax.values, softmax.shape
        )
