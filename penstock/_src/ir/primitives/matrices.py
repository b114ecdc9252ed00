"""Factorizations of batches of matrices, and triangular systems."""

from __future__ import annotations

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.dtypes import DType
from penstock._src.ir.meaning import factorizations
from penstock._src.ir.meaning.rows import RowFlow, Rows
from penstock._src.ir.node import Node
from penstock._src.ir.primitives.base import Args, Arrays, Attrs, Primitive, Result, SameType

FLOATS = (dtypes.float32, dtypes.float64)
COMPLEX = (dtypes.complex64, dtypes.complex128)  # no device has a kernel for them


def _require_matrices(
    kind: Primitive, args: Args, square: bool = True, types: tuple[DType, ...] = FLOATS + COMPLEX
) -> None:
    x = args[0]
    # Compared as extents of the call: of two equal ones, one may be known and the other not.
    is_square = x.rank == 3 and x.shape[1] == x.shape[2]
    kind.require(x.rank == 3 and (is_square or not square), "no square matrices", args)
    kind.require(x.dtype in types, "another type", args)


class Cholesky(SameType):
    """The lower triangular factors of matrices [batch, n, n]; NaN where one is not positive definite. Upper triangles are not read."""

    form = "cholesky(a)"

    def rows(self, flow: RowFlow, node: Node) -> Rows | None:
        return flow.along(flow.of(node.args[0]), (1, 2))

    def infer(self, args: Args, attrs: Attrs) -> Result:
        _require_matrices(self, args)
        return super().infer(args, attrs)

    def evaluate(self, args: Arrays, node: Node) -> np.ndarray:
        with np.errstate(all="ignore"):
            return factorizations.cholesky(args[0])

    def flops(self, node: Node) -> int:
        return int(node.size) * int(node.shape[2]) // 3


class Lu(Primitive):
    """L and U of matrices [batch, n, n] in one, by exchanges of rows; their order [batch, n], and how many were exchanged [batch].

    StableHLO has no such operation.
    """

    form = "lu(a)"

    def rows(self, flow: RowFlow, node: Node) -> list[Rows | None]:
        return [flow.along(flow.of(node.args[0]), (1, 2))] * 3

    def infer(self, args: Args, attrs: Attrs) -> list[Result]:
        _require_matrices(self, args)
        batch, n, _ = args[0].shape
        return [
            (args[0].shape, args[0].dtype),
            ((batch, n), dtypes.int32),
            ((batch,), dtypes.int32),
        ]

    def evaluate(self, args: Arrays, node: Node) -> list[np.ndarray]:
        with np.errstate(all="ignore"):
            return list(factorizations.lu(args[0]))

    def flops(self, node: Node) -> int:
        return 2 * int(node.args[0].size) * int(node.args[0].shape[2]) // 3


class TriangularSolve(SameType):
    """The solutions of a x = b for b [batch, n, k] and triangular matrices a [batch, n, n]; only one triangle of a is read.

    Zeros on the diagonal are divided by; `unit`: it is taken for ones.
    """

    form = "triangular_solve(b, a; lower, unit)"

    def rows(self, flow: RowFlow, node: Node) -> Rows | None:
        return flow.along(flow.joined(map(flow.of, node.args)), (1, 2))

    def infer(self, args: Args, attrs: Attrs) -> Result:
        b, a = args
        _require_matrices(self, args[1:])
        fits = b.rank == 3 and b.dtype == a.dtype and b.shape[:2] == a.shape[:2]
        self.require(fits, "the right-hand sides do not fit", args)
        return super().infer(args, attrs)

    def evaluate(self, args: Arrays, node: Node) -> np.ndarray:
        b, a = args
        with np.errstate(all="ignore"):
            return factorizations.triangular_solve(a, b, node.attrs["lower"], node.attrs["unit"])

    def flops(self, node: Node) -> int:
        return int(node.size) * int(node.shape[1])


class Qr(Primitive):
    """The first columns of Q [batch, m, columns], and R [batch, m, n], of matrices [batch, m, n]; `columns` is m or the smaller extent.

    StableHLO has no such operation.
    """

    form = "qr(a; columns)"

    def rows(self, flow: RowFlow, node: Node) -> list[Rows | None]:
        return [flow.along(flow.of(node.args[0]), (1, 2))] * 2

    def infer(self, args: Args, attrs: Attrs) -> list[Result]:
        _require_matrices(self, args, square=False, types=FLOATS)
        (x,) = args
        return [((*x.shape[:2], attrs["columns"]), x.dtype), (x.shape, x.dtype)]

    def evaluate(self, args: Arrays, node: Node) -> list[np.ndarray]:
        with np.errstate(all="ignore"):
            return list(factorizations.qr(args[0], int(node.attrs["columns"])))

    def flops(self, node: Node) -> int:
        batch, m, n = map(int, node.args[0].shape)
        return 2 * batch * m * n * (min(m, n) + int(node.attrs["columns"]))
