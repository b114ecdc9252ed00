"""Implementations of `tf.linalg` functions for operators."""

from penstock._src.api.linalg import bands, decompositions, products
from penstock._src.api.linalg.bands import adjoint as adjoint_of
from penstock._src.core.convert import convert_to_tensor

from .base import LinearOperator


def _matmul(
    a,
    b,
    transpose_a=False,
    transpose_b=False,
    adjoint_a=False,
    adjoint_b=False,
    a_is_sparse=False,
    b_is_sparse=False,
    output_type=None,
    grad_a=False,
    grad_b=False,
    name=None,
):
    del a_is_sparse, b_is_sparse, grad_a, grad_b
    if transpose_a or transpose_b:
        raise ValueError("Transposing not supported at this time.")
    if output_type is not None:
        raise TypeError("matmul: `output_type` is not supported for operators.")
    name = name or "matmul"
    if isinstance(a, LinearOperator):
        return a.matmul(b, adjoint=adjoint_a, adjoint_arg=adjoint_b, name=name)
    # a b = (b* a*)*
    a = convert_to_tensor(a, dtype=b.dtype)
    return adjoint_of(b.matmul(a, adjoint=not adjoint_b, adjoint_arg=not adjoint_a, name=name))


def _matvec(
    a, b, transpose_a=False, adjoint_a=False, a_is_sparse=False, b_is_sparse=False, name=None
):
    del a_is_sparse, b_is_sparse
    if transpose_a:
        raise ValueError("Transposing not supported at this time.")
    if not isinstance(a, LinearOperator):
        return NotImplemented
    return a.matvec(b, adjoint=adjoint_a, name=name or "matvec")


def _solve(matrix, rhs, adjoint=False, name=None):
    if not isinstance(matrix, LinearOperator):
        return NotImplemented
    return matrix.solve(rhs, adjoint=adjoint, name=name or "solve")


def _inv(input, adjoint=False, name=None):
    inverse = input.inverse(name=name or "inverse")
    return inverse.adjoint() if adjoint else inverse


def _method(name):
    def call(operator, name_scope=None, **kwargs):
        scope = kwargs.get("name") or name_scope
        method = getattr(operator, name)
        return method(name=scope) if scope else method()

    return call


LinearOperator._functions = {
    products.matmul: _matmul,
    products.matvec: _matvec,
    decompositions.solve: _solve,
    decompositions.inv: _inv,
    decompositions.det: _method("determinant"),
    decompositions.logdet: _method("log_abs_determinant"),
    decompositions.cholesky: _method("cholesky"),
    bands.adjoint: _method("adjoint"),
    bands.diag_part: _method("diag_part"),
    bands.trace: _method("trace"),
}
