"""Deprecated ops on batches of matrices, from when ops on one matrix had separate names."""

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.op import Op
from penstock._src.core.typesets import COMPLEX
from penstock._src.ops.linalg import decomposition, diagonal, lapack, solve
from penstock._src.ops.variants import variant

variant("BatchMatrixDiag", diagonal.MatrixDiag, gradient=None)
variant("BatchMatrixDiagPart", diagonal.MatrixDiagPart, gradient=None)
variant("BatchMatrixSetDiag", diagonal.MatrixSetDiag, gradient=None)
variant(
    "BatchCholesky",
    decomposition.Cholesky,
    T=frozenset({dtypes.float32, dtypes.float64}),
    gradient=None,
)
variant(
    "BatchCholeskyGrad", decomposition.CholeskyGrad, T=frozenset({dtypes.float32, dtypes.float64})
)
variant(
    "BatchMatrixDeterminant",
    solve.MatrixDeterminant,
    T=COMPLEX | frozenset({dtypes.float32, dtypes.float64}),
    gradient=None,
)
variant(
    "BatchMatrixInverse",
    solve.MatrixInverse,
    T=frozenset({dtypes.float32, dtypes.float64}),
    gradient=None,
)
variant(
    "BatchMatrixSolve",
    solve.MatrixSolve,
    T=frozenset({dtypes.float32, dtypes.float64}),
    gradient=None,
)
variant(
    "BatchMatrixSolveLs",
    solve.MatrixSolveLs,
    T=frozenset({dtypes.float32, dtypes.float64}),
    gradient=None,
)
variant(
    "BatchMatrixTriangularSolve",
    solve.MatrixTriangularSolve,
    T=frozenset({dtypes.float32, dtypes.float64}),
    gradient=None,
)
variant(
    "BatchSelfAdjointEigV2",
    decomposition.SelfAdjointEigV2,
    T=frozenset({dtypes.float32, dtypes.float64}),
    gradient=None,
)
variant(
    "BatchSvd",
    decomposition.Svd,
    T=COMPLEX | frozenset({dtypes.float32, dtypes.float64}),
    gradient=None,
)


class BatchMatrixBandPart(Op):
    """The same as MatrixBandPart, for int64 widths."""

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
        values, vectors = lapack.eigh(input.astype(wide))
        return np.concatenate([values[..., None, :], vectors], -2).astype(input.dtype)


variant("BatchSelfAdjointEig", SelfAdjointEig, T=frozenset({dtypes.float32, dtypes.float64}))
