"""Factorizations and triangular systems: members factor matrices that differ as much as by rounding in the algorithm.

Backward error, in the sense of Higham, Accuracy and Stability of Numerical Algorithms (2002): sections 8.1 (triangular systems), 9.3
(LU), 10.1 (Cholesky) and 19.3 (QR). A blocked algorithm adds up in another order, and is exact for another matrix nearby.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from penstock._src.compiler.check.members import ROUNDED, Members, Step, Value, of, unified
from penstock._src.compiler.check.noise import wide
from penstock._src.compiler.check.rounding import precision
from penstock._src.compiler.check.sums import parts
from penstock._src.ir.primitives import PRIMITIVES
from penstock._src.ir.primitives.matrices import Cholesky, Lu, Qr, TriangularSolve


def _cholesky(args: list[Any], _: list[Any]) -> list[Any]:
    diagonal = np.sqrt(np.abs(np.diagonal(args[0], axis1=1, axis2=2)))
    return [parts(diagonal.shape[1]) * diagonal[:, :, None] * diagonal[:, None, :]]


def _lu(args: list[Any], results: list[Any]) -> list[Any]:
    factors, order = np.abs(results[0]), results[1]
    lower = np.tril(factors, -1) + np.eye(factors.shape[1])
    bound = np.empty_like(factors)
    np.put_along_axis(bound, order[:, :, None].astype(np.int64), lower @ np.triu(factors), axis=1)
    return [parts(factors.shape[1]) * bound]


def _triangular_solve(args: list[Any], _: list[Any]) -> list[Any]:
    return [parts(args[1].shape[1]) * np.abs(a) for a in args]


def _qr(args: list[Any], _: list[Any]) -> list[Any]:
    """Of a size for each column, whatever its elements."""
    (a,) = args
    largest = np.abs(a).max(axis=1, keepdims=True, initial=0)
    scale = np.where(largest > 0, largest, 1)
    typical = scale * np.sqrt(np.mean(np.square(a / scale), axis=1, keepdims=True))
    return [_reflected(a) * np.broadcast_to(typical, a.shape)]


def _reflected(a: Any) -> float:
    """Each reflection adds the error of a sum over a column."""
    return float(parts(a.shape[1]) * max(1.0, np.sqrt(min(a.shape[1:])) / 2))


# {kind: the errors of the arguments in units in the last place, from the arguments and the results}
BOUNDS: dict[str, Callable[[list[Any], list[Any]], list[Any]]] = {
    Cholesky.kind: _cholesky,
    Lu.kind: _lu,
    TriangularSolve.kind: _triangular_solve,
    Qr.kind: _qr,
}


def factored(members: Members, step: Step, args: list[Value]) -> Value:
    """The center in double precision; members of matrices nearby."""
    node, dtype = step.node, args[0][0].dtype
    evaluate, single = PRIMITIVES[node.kind].evaluate, node.results is None

    def compute(arrays: list[Any]) -> list[Any]:
        results = evaluate(arrays, node)
        return [np.asarray(results)] if single else list(results)

    center = [a[0].astype(wide(dtype)) for a in args]
    values = [compute(center)]
    for k in range(members.count):
        own = [of(a, k + 1).astype(wide(dtype)) for a in args]
        bounds = BOUNDS[node.kind](own, values[0])
        values.append(compute([_moved(members, a, b, dtype) for a, b in zip(own, bounds)]))
        if node.kind == Qr.kind:  # Q is not quite orthogonal, beside the error of the matrix
            size = _reflected(own[0]) / np.sqrt(max(1, own[0].shape[1]))
            values[-1][0] = _moved(members, values[-1][0], size, dtype)
    typed = [[v.astype(dtype) if v.dtype.kind == "f" else v for v in value] for value in values]
    columns = [unified(list(column)) for column in zip(*typed, strict=True)]
    return columns[0] if single else tuple(columns)


def _moved(members: Members, x: Any, bound: Any, dtype: np.dtype) -> np.ndarray:
    """An array whose elements are off by chance, by up to `bound` units in the last place of 1."""
    return np.asarray(x + bound * (members.noise.factors(x.shape, precision(dtype)) - 1))


ROUNDED |= dict.fromkeys(BOUNDS, factored)
