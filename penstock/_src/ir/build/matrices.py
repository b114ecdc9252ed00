"""Factorizations of matrices, and triangular systems."""

from penstock._src.ir.build.reduction import Reduction
from penstock._src.ir.extents.dims import Extent
from penstock._src.ir.node import Node


class Matrices(Reduction):
    """Factorizations of batches of matrices, which have kernels on CPUs alone."""

    def cholesky(self, a: Node) -> Node:
        """The lower triangular factors of matrices [batch, n, n]; NaN where one is not positive definite."""
        return self.make("cholesky", (a,))

    def lu(self, a: Node) -> list[Node]:
        """L and U of matrices [batch, n, n] in one, the order [batch, n] of their rows, and how many of them [batch] were exchanged."""
        node = self.make("lu", (a,))
        return [self.item(node, i) for i in range(3)]

    def qr(self, a: Node, columns: Extent) -> list[Node]:
        """The first columns of Q, and R [batch, m, n], of matrices [batch, m, n]."""
        node = self.make("qr", (a,), columns=columns)
        return [self.item(node, i) for i in range(2)]

    def triangular_solve(self, a: Node, b: Node, lower: bool, unit: bool = False) -> Node:
        """The solutions of a x = b for triangular matrices; `unit`: the diagonal is taken for ones."""
        return self.make("triangular_solve", (b, a), lower=lower, unit=unit)
