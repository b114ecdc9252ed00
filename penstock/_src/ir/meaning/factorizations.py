"""Factorizations of batches of matrices, column by column in NumPy: what the kinds of primitives/matrices.py mean."""

import numpy as np

BLOCK = 32  # columns of QR that are carried over to the rest at once: so does a NaN spread


def lu(a: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """L and U of matrices [batch, n, n] in one array, the order of their rows, and how many were exchanged.

    The pivot is the largest number of its column, which a NaN is only in the first place. One of 0 divides nothing: the matrix is singular, and
    the rest meaningless.
    """
    factors = a.copy()
    batch, n, _ = a.shape
    order = np.tile(np.arange(n, dtype=np.int32), (batch, 1))
    exchanges = np.zeros(batch, np.int32)
    for matrix, rows, k in zip(factors, order, range(batch), strict=True):
        for j in range(n):
            sizes = np.abs(matrix[j:, j])
            best = j if np.isnan(sizes[0]) else j + int(np.nanargmax(sizes))
            if best != j:
                matrix[[j, best]], rows[[j, best]] = matrix[[best, j]], rows[[best, j]]
                exchanges[k] += 1
            pivot = matrix[j, j]
            matrix[j + 1 :, j] /= pivot if pivot != 0 else 1
            matrix[j + 1 :, j + 1 :] -= np.outer(matrix[j + 1 :, j], matrix[j, j + 1 :])
    return factors, order, exchanges


def cholesky(a: np.ndarray) -> np.ndarray:
    """The lower triangular factors of matrices [batch, n, n]; NaN on and below the diagonal of those that are not positive definite.

    A NaN spreads to what follows from it, as in TensorFlow.
    """
    factors = np.tril(a)
    n = a.shape[-1]
    for matrix in factors:
        for j in range(n):
            pivot = matrix[j, j].real  # diagonals of Hermitian matrices are real
            if pivot <= 0:
                matrix[:] = np.tril(np.full_like(matrix, np.nan))
                break
            matrix[j, j] = np.sqrt(pivot)
            matrix[j + 1 :, j] /= matrix[j, j]
            below = matrix[j + 1 :, j]
            matrix[j + 1 :, j + 1 :] -= np.tril(np.outer(below, below.conj()))
    return factors


def triangular_solve(a: np.ndarray, b: np.ndarray, lower: bool, unit: bool) -> np.ndarray:
    """The solutions of a x = b for triangular a [batch, n, n] and b [batch, n, k]. `unit`: the diagonal is taken for ones."""
    x = b.copy()
    n = a.shape[-1]
    for j in range(n) if lower else reversed(range(n)):
        if not unit:
            x[:, j] /= a[:, j, j, None]
        rest = slice(j + 1, n) if lower else slice(0, j)
        x[:, rest] -= a[:, rest, j, None] * x[:, j, None, :]
    return x


def qr(a: np.ndarray, columns: int) -> tuple[np.ndarray, np.ndarray]:
    """The first columns of Q [batch, m, columns], and R [batch, m, n], by Householder's reflections with LAPACK's signs."""
    batch, m, n = a.shape
    r, q = a.copy(), np.zeros((batch, m, columns), a.dtype)
    for matrix, unit in zip(r, q, strict=True):
        np.fill_diagonal(unit, 1)
        count, blocks = min(m - 1, n), []
        for begin in range(0, count, BLOCK):
            end = min(begin + BLOCK, count)
            v, t = _reflections(matrix[begin:, begin:end])
            rest = matrix[begin:, end:]
            rest -= v @ (t.T @ (v.T @ rest))
            blocks.append((begin, v, t))
        for begin, v, t in reversed(blocks):
            own = unit[begin:, begin:]
            own -= v @ (t @ (v.T @ own))
        matrix[:] = np.triu(matrix)
    return q, r


def _power_of_two(x: np.ndarray) -> np.floating:
    """The largest power of two up to the largest magnitude; 1 if that is 0 or not finite."""
    largest = np.abs(x).max()
    is_scale = largest > 0 and np.isfinite(largest)
    exponent = np.frexp(largest)[1] - 1 if is_scale else 0
    return np.ldexp(x.dtype.type(1), exponent)


def _reflections(block: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Makes a block [rows, size] upper triangular; returns V and T of I - V T V^T, the product of its reflections.

    Schreiber, Van Loan, "A storage-efficient WY representation for products of Householder transformations", 1989.
    """
    size = block.shape[1]
    t = np.zeros((size, size), block.dtype)
    for j in range(size):
        first, below = block[j, j], block[j + 1 :, j]
        power = _power_of_two(block[j:, j])  # squares of scaled numbers lose nothing
        small, scaled = first / power, below / power
        rest = scaled @ scaled
        if rest == 0:  # nothing below the diagonal: no reflection
            continue
        norm = np.sqrt(small * small + rest)
        beta = -norm if first >= 0 else norm
        tau = (beta - small) / beta
        beta *= power
        below /= first - beta
        products = block[j] + below @ block[j + 1 :]
        block[j, j + 1 :] -= tau * products[j + 1 :]
        block[j + 1 :, j + 1 :] -= tau * np.outer(below, products[j + 1 :])
        block[j, j] = beta
        t[:j, j], t[j, j] = -tau * (t[:j, :j] @ products[:j]), tau
    v = np.tril(block, -1)
    np.fill_diagonal(v, 1)
    return v, t
