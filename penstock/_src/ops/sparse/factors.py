"""Sparse Cholesky factorization, and fill-reducing orderings."""

import numpy as np

from penstock._src.core.op import Op
from penstock._src.ops.linalg import lapack
from penstock._src.ops.sparse.matrices import FIELD, SparseMatrix, held_by


class SparseMatrixOrderingAMD(Op):
    """An order of rows and columns by least degree, for Cholesky factors with few entries.

    Rows of equal degree may be in another order than in TensorFlow.
    Source: Amestoy, Davis and Duff 1996, "An approximate minimum degree ordering algorithm".
    """

    signature = "input: variant -> output: int32"

    def shape(self, input):
        return held_by(input)[0][:-1]

    def eager(self, input):
        orders = [_least_degree_order(input, batch) for batch in range(input.batches)]
        return np.array(orders, np.int32).reshape(input.shape[:-1])


def _least_degree_order(matrix, batch):
    """Repeatedly eliminates a row with the fewest neighbors, which become neighbors of each other."""
    places = matrix.places[matrix.places[:, 0] == batch, 1:]
    neighbors = [set() for _ in range(matrix.shape[-1])]
    for row, column in places.tolist():
        if row != column:
            neighbors[row].add(column)
            neighbors[column].add(row)
    left = dict.fromkeys(range(len(neighbors)))
    order = []
    while left:
        row = min(left, key=lambda r: len(neighbors[r]))
        del left[row]
        order.append(row)
        for other in neighbors[row]:
            neighbors[other] |= neighbors[row]
            neighbors[other] -= {row, other}
    return order


class SparseMatrixSparseCholesky(Op):
    """The Cholesky factors of the matrices, with rows and columns in the order of `permutation`."""

    signature = "input: variant, permutation: int32 -> output: variant[]"
    type: FIELD

    def held(self, input, _permutation):
        return input.handle_data

    def eager(self, input, permutation):
        if input.shape[-1] != input.shape[-2]:
            raise self.invalid(
                f"sparse matrix must be square; got: {input.shape[-2]} != {input.shape[-1]}"
            )
        if permutation.shape != input.shape[:-1]:
            raise self.invalid(
                "permutation must have the same number of elements in each batch as the number of "
                "rows in sparse matrix."
            )
        dense = input.dense().reshape(-1, *input.shape[-2:])
        factors = np.zeros_like(dense)
        for batch, order in enumerate(permutation.reshape(-1, input.shape[-1])):
            try:
                factors[batch] = lapack.cholesky(dense[batch][np.ix_(order, order)])
            except lapack.LinAlgError:
                raise self.invalid(
                    f"Sparse Cholesky factorization failed for batch index {batch}. The input might "
                    "not be valid."
                ) from None
        factors = factors.reshape(input.shape)
        return SparseMatrix.of(np.argwhere(factors), factors[factors != 0], input.shape)
