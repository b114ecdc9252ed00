"""Iterative solvers."""

import collections

import numpy as np

from penstock._src.api.control.while_loops import while_loop
from penstock._src.api.extending.dispatch import dispatchable
from penstock._src.api.linalg.operators import shapes
from penstock._src.api.math.complex_numbers import conj
from penstock._src.api.math.norms import norm
from penstock._src.api.math.reduction import reduce_any, reduce_sum
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw

CGState = collections.namedtuple("CGState", ["i", "x", "r", "p", "gamma"])


def _dot(x, y):
    return reduce_sum(conj(x) * y, -1)


@dispatchable("linalg.experimental.conjugate_gradient")
def conjugate_gradient(
    operator, rhs, preconditioner=None, x=None, tol=1e-5, max_iter=20, name="conjugate_gradient"
):
    """The x with A x = `rhs`, by conjugate gradients.

    Args:
      operator: a LinearOperator with the hints that it is self-adjoint and positive definite.
      rhs: `[..., n]`.
      preconditioner: a positive definite operator that approximates the inverse of `operator`.
      x: the starting point; zero by default.
      tol: the search ends when the residual's length is at most that of `rhs` times this.
      max_iter: the largest number of steps.
      name: a name for the operation.

    Returns:
      A named tuple: the number of steps `i`, the solution `x`, the residual `r`, the last
      direction `p` and `gamma`, the product of residual and preconditioned residual.

    Raises:
      ValueError: `operator` lacks one of the hints.

    Source: Hestenes & Stiefel, "Methods of Conjugate Gradients for Solving Linear Systems", 1952.
    """
    if not (operator.is_self_adjoint and operator.is_positive_definite):
        raise ValueError("Expected a self-adjoint, positive definite operator.")
    rhs = convert_to_tensor(rhs, dtype=operator.dtype)
    batch = shapes.broadcast_vectors(operator._shape_vector()[:-2], shapes.vector(rhs)[:-1])
    rhs = raw.BroadcastTo(input=rhs, shape=shapes.joined(batch, shapes.vector(rhs)[-1]))
    limit = convert_to_tensor(tol, dtype=rhs.dtype.real_dtype) * _length(rhs)

    def preconditioned(r):
        return r if preconditioner is None else preconditioner.matvec(r)

    def goes_on(state):
        far = reduce_any(_length(state.r) > limit)
        return raw.LogicalAnd(x=state.i < max_iter, y=far)

    def step(state):
        image = operator.matvec(state.p)
        alpha = shapes.to_column(state.gamma / _dot(state.p, image))
        r = state.r - alpha * image
        q = preconditioned(r)
        gamma = _dot(r, q)
        beta = shapes.to_column(gamma / state.gamma)
        return (CGState(state.i + 1, state.x + alpha * state.p, r, q + beta * state.p, gamma),)

    if x is None:
        x, r = raw.ZerosLike(x=rhs), rhs
    else:
        x = convert_to_tensor(x, dtype=rhs.dtype)
        r = rhs - operator.matvec(x)
        x = raw.BroadcastTo(input=x, shape=shapes.vector(rhs))
    p = preconditioned(r)
    start = CGState(convert_to_tensor(np.int32(0)), x, r, p, _dot(r, p))
    (state,) = while_loop(goes_on, step, [start], name=name)
    return state


def _length(x):
    length = norm(x, axis=-1)
    return (
        raw.Real(input=length, Tout=length.dtype.real_dtype) if length.dtype.is_complex else length
    )
