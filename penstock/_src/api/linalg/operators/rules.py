"""Rules for products, inverses, adjoints and factors of operators."""

import numpy as np

from penstock._src.api.math.complex_numbers import conj
from penstock._src.core.registry import raw

from . import shapes
from .algebra import both, commuting_positive, commuting_self_adjoint, is_gram, rule, square_product
from .base import LinearOperator
from .kinds.blocks import LinearOperatorBlockDiag, LinearOperatorBlockLowerTriangular
from .kinds.composed import LinearOperatorComposition, LinearOperatorKronecker
from .kinds.convolution import _BaseLinearOperatorCirculant
from .kinds.derived import LinearOperatorAdjoint, LinearOperatorInversion
from .kinds.diagonal import LinearOperatorDiag
from .kinds.identity import (
    LinearOperatorIdentity,
    LinearOperatorScaledIdentity,
    LinearOperatorZeros,
)
from .kinds.matrices import (
    LinearOperatorFullMatrix,
    LinearOperatorLowerTriangular,
)
from .kinds.reflection import LinearOperatorHouseholder


def _commuting(a, b):
    """The hints of the product of two operators that commute."""
    return {
        "is_non_singular": both(a.is_non_singular, b.is_non_singular),
        "is_self_adjoint": commuting_self_adjoint(a, b),
        "is_positive_definite": commuting_positive(a, b),
        "is_square": True,
    }


def _hints(a):
    return {
        "is_non_singular": a.is_non_singular,
        "is_self_adjoint": a.is_self_adjoint,
        "is_positive_definite": a.is_positive_definite,
        "is_square": True,
    }


# -- products


@rule("matmul", LinearOperator, LinearOperator)
def _product(a, b):
    return LinearOperatorComposition(
        [a, b],
        is_non_singular=both(a.is_non_singular, b.is_non_singular),
        is_square=square_product(a, b),
    )


@rule("matmul", LinearOperatorIdentity, LinearOperator)
def _identity_times(identity, b):
    return b if _adds_no_batch(identity, b) else _product(identity, b)


@rule("matmul", LinearOperator, LinearOperatorIdentity)
def _times_identity(a, identity):
    return a if _adds_no_batch(identity, a) else _product(a, identity)


@rule("matmul", LinearOperatorIdentity, LinearOperatorIdentity)
def _identities(a, b):
    if _adds_no_batch(a, b):
        return b
    if _adds_no_batch(b, a):
        return a
    batch = shapes.broadcast_vectors(a._shape_vector()[:-2], b._shape_vector()[:-2])
    return LinearOperatorIdentity(a._rows(), batch_shape=batch, dtype=a.dtype)


def _adds_no_batch(identity, other):
    """True if the product with an identity has the batch shape of the other operator."""
    mine, its = identity.batch_shape, other.batch_shape
    if mine.rank == 0:
        return True
    if not (mine.is_fully_defined() and its.is_fully_defined()):
        return False
    return shapes.broadcast_static(mine, its).as_list() == its.as_list()


def _zeros(a, b):
    batch = shapes.broadcast_vectors(a._shape_vector()[:-2], b._shape_vector()[:-2])
    square = square_product(a, b)
    return LinearOperatorZeros(
        a._rows(),
        b._columns(),
        batch_shape=batch,
        dtype=a.dtype,
        is_square=square,
        is_self_adjoint=True if square else None,
    )


@rule("matmul", LinearOperatorZeros, LinearOperator)
def _zeros_times(zeros, b):
    return zeros if b.is_square and b.batch_shape.rank == 0 else _zeros(zeros, b)


@rule("matmul", LinearOperator, LinearOperatorZeros)
def _times_zeros(a, zeros):
    return zeros if a.is_square and a.batch_shape.rank == 0 else _zeros(a, zeros)


for _kind in (LinearOperatorIdentity, LinearOperatorScaledIdentity, LinearOperatorDiag):
    rule("matmul", LinearOperatorZeros, _kind)(_zeros_times)
    rule("matmul", _kind, LinearOperatorZeros)(_times_zeros)
rule("matmul", LinearOperatorZeros, LinearOperatorZeros)(_zeros_times)


@rule("matmul", LinearOperatorScaledIdentity, LinearOperatorScaledIdentity)
def _scaled_times_scaled(a, b):
    return LinearOperatorScaledIdentity(
        a._num_rows, multiplier=a.multiplier * b.multiplier, **_commuting(a, b)
    )


@rule("matmul", LinearOperatorScaledIdentity, LinearOperatorDiag)
def _scaled_times_diag(scaled, diagonal):
    values = shapes.to_column(shapes.read(scaled.multiplier)) * shapes.read(diagonal.diag)
    return LinearOperatorDiag(values, **_commuting(scaled, diagonal))


@rule("matmul", LinearOperatorDiag, LinearOperatorScaledIdentity)
def _diag_times_scaled(diagonal, scaled):
    return _scaled_times_diag(scaled, diagonal)


@rule("matmul", LinearOperatorDiag, LinearOperatorDiag)
def _diag_times_diag(a, b):
    return LinearOperatorDiag(shapes.read(a.diag) * shapes.read(b.diag), **_commuting(a, b))


def _of_a_product(a, b):
    return {"is_non_singular": both(a.is_non_singular, b.is_non_singular), "is_square": True}


@rule("matmul", LinearOperatorDiag, LinearOperatorLowerTriangular)
def _diag_times_triangular(a, b):
    rows = shapes.to_column(shapes.read(a.diag)) * b.to_dense()
    return LinearOperatorLowerTriangular(rows, **_of_a_product(a, b))


@rule("matmul", LinearOperatorLowerTriangular, LinearOperatorDiag)
def _triangular_times_diag(a, b):
    columns = raw.ExpandDims(input=shapes.read(b.diag), axis=np.int32(-2))
    return LinearOperatorLowerTriangular(a.to_dense() * columns, **_of_a_product(a, b))


@rule("matmul", _BaseLinearOperatorCirculant, _BaseLinearOperatorCirculant)
def _circulants(a, b):
    if type(a) is not type(b):
        return _product(a, b)
    return a._like(shapes.read(a.spectrum) * shapes.read(b.spectrum), **_convolved(a, b))


def _convolved(a, b):
    hints = _commuting(a, b)
    del hints["is_square"]
    return hints


@rule("matmul", LinearOperatorBlockDiag, LinearOperatorBlockDiag)
def _block_diagonals(a, b):
    if not _same_blocks(a, b):
        return _product(a, b)
    blocks = [x.matmul(y) for x, y in zip(a.operators, b.operators)]
    return LinearOperatorBlockDiag(blocks, **_of_a_product(a, b))


def _same_blocks(a, b):
    """True if the blocks can be multiplied one by one. Unknown sizes are assumed to fit."""
    if len(a.operators) != len(b.operators):
        return False
    pairs = [(x._column_count, y._row_count) for x, y in zip(a.operators, b.operators)]
    return all(m == n or None in (m, n) for m, n in pairs)


# -- equations


@rule("solve", LinearOperator, LinearOperator)
def _solution(a, b):
    return LinearOperatorComposition(
        [LinearOperatorInversion(a), b],
        is_non_singular=both(a.is_non_singular, b.is_non_singular),
        is_square=square_product(a, b),
    )


@rule("solve", LinearOperatorInversion, LinearOperator)
def _solution_of_inverse(a, b):
    return a.operator.matmul(b)


@rule("solve", LinearOperatorIdentity, LinearOperator)
def _solution_of_identity(a, b):
    return a.matmul(b)


@rule("solve", LinearOperator, LinearOperatorIdentity)
def _solution_for_identity(a, b):
    return a.inverse().matmul(b)


for _kind in (
    LinearOperatorIdentity,
    LinearOperatorInversion,
    LinearOperatorScaledIdentity,
    LinearOperatorDiag,
):
    rule("solve", _kind, LinearOperatorIdentity)(_solution_for_identity)


@rule("solve", LinearOperatorScaledIdentity, LinearOperatorScaledIdentity)
@rule("solve", LinearOperatorScaledIdentity, LinearOperatorDiag)
@rule("solve", LinearOperatorDiag, LinearOperatorScaledIdentity)
@rule("solve", LinearOperatorDiag, LinearOperatorDiag)
@rule("solve", LinearOperatorDiag, LinearOperatorLowerTriangular)
@rule("solve", _BaseLinearOperatorCirculant, _BaseLinearOperatorCirculant)
@rule("solve", LinearOperatorBlockDiag, LinearOperatorBlockDiag)
def _inverse_times(a, b):
    return a.inverse().matmul(b)


# -- inverses


@rule("inverse", LinearOperator)
def _inverse(a):
    return LinearOperatorInversion(
        a,
        is_non_singular=a.is_non_singular,
        is_self_adjoint=a.is_self_adjoint,
        is_positive_definite=a.is_positive_definite,
        is_square=a.is_square,
    )


@rule("inverse", LinearOperatorInversion)
def _inverse_of_inverse(a):
    return a.operator


@rule("inverse", LinearOperatorIdentity)
@rule("inverse", LinearOperatorHouseholder)
@rule("adjoint", LinearOperatorIdentity)
@rule("adjoint", LinearOperatorHouseholder)
@rule("cholesky", LinearOperatorIdentity)
def _itself(a):
    return a


@rule("inverse", LinearOperatorScaledIdentity)
def _inverse_of_scaled(a):
    return LinearOperatorScaledIdentity(
        a._num_rows, multiplier=1.0 / shapes.read(a.multiplier), **_hints(a)
    )


@rule("inverse", LinearOperatorDiag)
def _inverse_of_diag(a):
    return LinearOperatorDiag(1.0 / shapes.read(a.diag), **_hints(a))


@rule("inverse", _BaseLinearOperatorCirculant)
def _inverse_of_circulant(a):
    hints = _hints(a)
    del hints["is_square"]
    return a._like(1.0 / shapes.read(a.spectrum), **hints)


@rule("inverse", LinearOperatorBlockDiag)
def _inverse_of_blocks(a):
    return LinearOperatorBlockDiag([o.inverse() for o in a.operators], **_hints(a))


@rule("inverse", LinearOperatorKronecker)
def _inverse_of_kronecker(a):
    return LinearOperatorKronecker([o.inverse() for o in a.operators], **_hints(a))


@rule("inverse", LinearOperatorBlockLowerTriangular)
def _inverse_of_triangular_blocks(a):
    # row i: L_ij = -A_ii**-1 (A_ij L_jj + ... + A_i,i-1 L_i-1,j)
    rows = []
    for i, row in enumerate(a.operators):
        diagonal, blocks = row[-1].inverse(), []
        for j in range(i):
            total = None
            for k in range(j, i):
                term = row[k].matmul(rows[k][j].to_dense())
                total = term if total is None else total + term
            blocks.append(LinearOperatorFullMatrix(-diagonal.matmul(total)))
        rows.append([*blocks, diagonal])
    return LinearOperatorBlockLowerTriangular(rows, **_hints(a))


# -- adjoints


@rule("adjoint", LinearOperator)
def _adjoint(a):
    return LinearOperatorAdjoint(
        a,
        is_non_singular=a.is_non_singular,
        is_self_adjoint=a.is_self_adjoint,
        is_positive_definite=a.is_positive_definite,
        is_square=a.is_square,
    )


@rule("adjoint", LinearOperatorAdjoint)
def _adjoint_of_adjoint(a):
    return a.operator


@rule("adjoint", LinearOperatorScaledIdentity)
def _adjoint_of_scaled(a):
    values = shapes.read(a.multiplier)
    return LinearOperatorScaledIdentity(a._num_rows, multiplier=conj(values), **_hints(a))


@rule("adjoint", LinearOperatorDiag)
def _adjoint_of_diag(a):
    if not a.dtype.is_complex:
        return a
    return LinearOperatorDiag(conj(shapes.read(a.diag)), **_hints(a))


@rule("adjoint", LinearOperatorZeros)
def _adjoint_of_zeros(a):
    return LinearOperatorZeros(
        a._num_columns,
        a._num_rows,
        batch_shape=a._batch,
        dtype=a.dtype,
        is_self_adjoint=a.is_self_adjoint,
        is_square=a.is_square,
    )


@rule("adjoint", _BaseLinearOperatorCirculant)
def _adjoint_of_circulant(a):
    hints = _hints(a)
    del hints["is_square"]
    values = shapes.read(a.spectrum)
    return a._like(conj(values) if values.dtype.is_complex else values, **hints)


@rule("adjoint", LinearOperatorBlockDiag)
def _adjoint_of_blocks(a):
    hints = {**_hints(a), "is_square": a.is_square}
    return LinearOperatorBlockDiag([o.adjoint() for o in a.operators], **hints)


@rule("adjoint", LinearOperatorKronecker)
def _adjoint_of_kronecker(a):
    hints = {**_hints(a), "is_square": a.is_square}
    return LinearOperatorKronecker([o.adjoint() for o in a.operators], **hints)


@rule("adjoint", LinearOperatorInversion)
def _adjoint_of_inverse(a):
    return LinearOperatorInversion(a.operator.adjoint(), **_hints(a))


# -- Cholesky factors


@rule("cholesky", LinearOperator)
def _cholesky(a):
    return LinearOperatorLowerTriangular(
        raw.Cholesky(input=a.to_dense()),
        is_non_singular=True,
        is_self_adjoint=False,
        is_square=True,
    )


@rule("cholesky", LinearOperatorComposition)
def _cholesky_of_product(a):
    first = a.operators[0]
    is_factored = isinstance(first, LinearOperatorLowerTriangular) and len(a.operators) == 2
    if not (is_factored and is_gram(a.operators)):
        return _cholesky(a)
    if first.is_positive_definite:
        return first
    diagonal = first.diag_part()
    # The factor with a positive diagonal: columns times numbers of absolute value 1.
    turned = conj(raw.Sign(x=diagonal))
    return LinearOperatorLowerTriangular(
        first.to_dense() * raw.ExpandDims(input=turned, axis=-2),
        is_non_singular=a.is_non_singular,
        is_square=True,
    )


@rule("cholesky", LinearOperatorDiag)
def _cholesky_of_diag(a):
    return LinearOperatorDiag(
        raw.Sqrt(x=shapes.read(a.diag)),
        is_non_singular=True,
        is_self_adjoint=True,
        is_positive_definite=True,
        is_square=True,
    )


@rule("cholesky", LinearOperatorScaledIdentity)
def _cholesky_of_scaled(a):
    return LinearOperatorScaledIdentity(
        a._num_rows,
        multiplier=raw.Sqrt(x=shapes.read(a.multiplier)),
        is_non_singular=True,
        is_self_adjoint=True,
        is_positive_definite=True,
        is_square=True,
    )


@rule("cholesky", LinearOperatorBlockDiag)
def _cholesky_of_blocks(a):
    blocks = [o.cholesky() for o in a.operators]
    return LinearOperatorBlockDiag(blocks, is_non_singular=True, is_square=True)


@rule("cholesky", LinearOperatorKronecker)
def _cholesky_of_kronecker(a):
    factors = [o.cholesky() for o in a.operators]
    return LinearOperatorKronecker(factors, is_non_singular=True, is_square=True)
