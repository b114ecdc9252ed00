"""Deprecated twins of ops on batches of matrices, from when an op of one matrix had another name."""

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.op import Op
from penstock._src.core.typesets import COMPLEX
from penstock._src.ops.array import diagonal
from penstock._src.ops.linalg import decomposition, solve


class BatchMatrixDiag(diagonal.MatrixDiag):
    """Twin of MatrixDiag."""

    signature = "diagonal: T -> output: T"
    gradient = None


class BatchMatrixDiagPart(diagonal.MatrixDiagPart):
    """Twin of MatrixDiagPart."""

    signature = "input: T -> diagonal: T"
    gradient = None


class BatchMatrixSetDiag(diagonal.MatrixSetDiag):
    """Twin of MatrixSetDiag."""

    signature = "input: T, diagonal: T -> output: T"
    gradient = None


class BatchCholesky(decomposition.Cholesky):
    """Twin of Cholesky."""

    signature = "input: T -> output: T"
    T = frozenset({dtypes.float32, dtypes.float64})
    gradient = None


class BatchCholeskyGrad(decomposition.CholeskyGrad):
    """Twin of CholeskyGrad."""

    signature = "l: T, grad: T -> output: T"
    T = frozenset({dtypes.float32, dtypes.float64})


class BatchMatrixDeterminant(solve.MatrixDeterminant):
    """Twin of MatrixDeterminant."""

    signature = "input: T -> output: T"
    T = COMPLEX | frozenset({dtypes.float32, dtypes.float64})
    gradient = None


class BatchMatrixInverse(solve.MatrixInverse):
    """Twin of MatrixInverse."""

    signature = "input: T -> output: T"
    T = frozenset({dtypes.float32, dtypes.float64})
    gradient = None


class BatchMatrixSolve(solve.MatrixSolve):
    """Twin of MatrixSolve."""

    signature = "matrix: T, rhs: T -> output: T"
    T = frozenset({dtypes.float32, dtypes.float64})
    gradient = None


class BatchMatrixSolveLs(solve.MatrixSolveLs):
    """Twin of MatrixSolveLs."""

    signature = "matrix: T, rhs: T, l2_regularizer: float64 -> output: T"
    T = frozenset({dtypes.float32, dtypes.float64})
    gradient = None


class BatchMatrixTriangularSolve(solve.MatrixTriangularSolve):
    """Twin of MatrixTriangularSolve."""

    signature = "matrix: T, rhs: T -> output: T"
    T = frozenset({dtypes.float32, dtypes.float64})
    gradient = None


class BatchSelfAdjointEigV2(decomposition.SelfAdjointEigV2):
    """Twin of SelfAdjointEigV2."""

    signature = "input: T -> e: T, v: T"
    T = frozenset({dtypes.float32, dtypes.float64})
    gradient = None


class BatchSvd(decomposition.Svd):
    """Twin of Svd."""

    signature = "input: T -> s: T, u: T, v: T"
    T = COMPLEX | frozenset({dtypes.float32, dtypes.float64})
    gradient = None


class BatchMatrixBandPart(Op):
    """Twin of MatrixBandPart."""

    signature = "input: T, num_lower: int64, num_upper: int64 -> band: T"
    shape = diagonal.MatrixBandPart.shape
    eager = diagonal.MatrixBandPart.eager
    lower = diagonal.MatrixBandPart.lower


class SelfAdjointEig(Op):
    """The eigenvalues of symmetric matrices as the first row, their eigenvectors below."""

    signature = "input: T -> output: T"
    T = frozenset({dtypes.float16, dtypes.float32, dtypes.float64})

    def shape(self, input):
        if input.rank is None:
            return None
        size = input[-1]
        return [*input.as_list()[:-2], None if size is None else size + 1, size]

    def eager(self, input):
        wide = np.float64 if input.dtype == np.float64 else np.float32
        values, vectors = np.linalg.eigh(input.astype(wide))
        return np.concatenate([values[..., None, :], vectors], -2).astype(input.dtype)


class BatchSelfAdjointEig(SelfAdjointEig):
    """Twin of SelfAdjointEig."""

    signature = "input: T -> output: T"
    T = frozenset({dtypes.float32, dtypes.float64})
