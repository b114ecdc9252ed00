"""Factorizations of stacks of small matrices in native code; those by rotations of several at once, one in each lane of a register."""

import math

import numpy as np

from penstock._src.core.values.arrays import name_of
from penstock._src.native.algorithms.solvers import lu
from penstock._src.native.algorithms.solvers.eigenvalues import eigenvalues
from penstock._src.native.algorithms.solvers.rotations import TYPES
from penstock._src.native.algorithms.solvers.singular_values import singular_values
from penstock._src.native.algorithms.solvers.symmetric import LANES, symmetric
from penstock._src.native.systems import runs_native_code

LARGEST = 8  # extent up to which rotations are faster than LAPACK's reductions
LARGEST_REFLECTED = 256  # extent up to which plain reflections are faster than LAPACK's by blocks
_FEW = 4  # matrices, from which rotations of several at once are faster
_LANES = 8  # of the scratch memory


def eigh(x: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Returns ascending eigenvalues, and eigenvectors, of finite symmetric matrices; None if LAPACK suits them better."""
    if not _is_suitable(x):
        return None
    n = x.shape[-1]
    batch = math.prod(x.shape[:-2])
    values, vectors = np.empty(x.shape[:-1], x.dtype), np.empty(x.shape, x.dtype)
    room = np.empty((2, n, n, _LANES), x.dtype)
    solve = eigenvalues(name_of(x.dtype)).solve
    return (
        (values, vectors)
        if solve(np.ascontiguousarray(x), values, vectors, batch, n, room)
        else None
    )


def symmetric_eigen(
    x: np.ndarray, with_vectors: bool
) -> tuple[np.ndarray, np.ndarray | None] | None:
    """Returns ascending eigenvalues, and eigenvectors, of symmetric float32 matrices, computed in double precision.

    None if a matrix is not finite, or if others suit the matrices better.
    """
    n = x.shape[-1]
    batch = math.prod(x.shape[:-2])
    is_suitable = x.dtype == np.float32 and 0 < x.size and n <= LARGEST_REFLECTED
    if not is_suitable or not runs_native_code() or (n <= LARGEST and batch >= _FEW):
        return None
    stride = -(-n // LANES) * LANES
    values, vectors = np.empty(x.shape[:-1], x.dtype), None
    if with_vectors:
        vectors = np.empty(x.shape, x.dtype)
    room, order = np.empty((2 * n + 4, stride)), np.empty(n, np.int64)
    solve = symmetric(name_of(x.dtype)).solve
    extents = batch, n, stride, int(with_vectors)
    into = values if vectors is None else vectors
    done = solve(np.ascontiguousarray(x), values, into, *extents, room, order)
    return (values, vectors) if done == batch else None


def svd(x: np.ndarray, full: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """Returns descending singular values, and left and right vectors as columns, of finite matrices; None if LAPACK suits them better.

    Args:
      x: the matrices.
      full: if vectors are returned that belong to no singular value.
    """
    if not _is_suitable(x):
        return None
    *batch, m, n = x.shape
    rows, columns = max(m, n), min(m, n)
    strides = (n, 1) if m >= n else (1, n)
    values = np.empty((*batch, columns), x.dtype)
    long, short = (np.empty((*batch, k, k), x.dtype) for k in (rows, columns))
    room = np.empty((3, rows, rows, _LANES), x.dtype)
    extents = math.prod(batch), rows, columns, *strides
    solve = singular_values(name_of(x.dtype)).solve
    if not solve(np.ascontiguousarray(x), values, long, short, *extents, room):
        return None
    long = long if full else long[..., :columns]
    return (values, long, short) if m >= n else (values, short, long)


def _is_suitable(x: np.ndarray) -> bool:
    is_small = x.size > 0 and max(x.shape[-2:]) <= LARGEST
    return is_small and name_of(x.dtype) in TYPES and runs_native_code()


def factorize(packed: np.ndarray, order: np.ndarray) -> bool:
    """Factorizes matrices [batch, n, n], and orders their row numbers [batch, n] alike; False if one is singular, or there is no native code."""
    if name_of(packed.dtype) not in lu.TYPES or not packed.size or not runs_native_code():
        return False
    factorized, rows = packed.copy(), order.astype(np.int64)
    if lu.factors(name_of(packed.dtype)).factorize(factorized, rows, *packed.shape[:2]) < len(
        packed
    ):
        return False
    packed[...], order[...] = factorized, rows
    return True
