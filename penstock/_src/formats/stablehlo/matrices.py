"""Factorizations of matrices and triangular systems in StableHLO, which lacks LU and QR: these are written as loops."""

from penstock._src.core import dtypes
from penstock._src.formats.stablehlo.functions import write_built
from penstock._src.formats.stablehlo.writer import Value, Writer, writes
from penstock._src.ir.builder import Builder
from penstock._src.ir.node import Node
from penstock._src.ops.linalg.elimination import factorized_by_steps, qr_by_steps


@writes("cholesky")
def _cholesky(w: Writer, node: Node, a: Value) -> Value:
    def lower(p: Builder, x: Node) -> list[Node]:
        # What is above the diagonal is the implementation's choice.
        rows, columns = (p.iota(x.shape, axis, dtypes.int32) for axis in (1, 2))
        return [p.select(p.ge(rows, columns), x, 0.0)]

    factors = w.op("cholesky", [a], a.shape, a.dtype, "lower = true")
    return write_built(w, lower, factors)[0]


@writes("triangular_solve")
def _triangular_solve(w: Writer, node: Node, b: Value, a: Value) -> Value:
    lower, unit = (str(bool(node.attrs[name])).lower() for name in ("lower", "unit"))
    attrs = (
        f"left_side = true, lower = {lower}, unit_diagonal = {unit}, "
        "transpose_a = #stablehlo<transpose NO_TRANSPOSE>"
    )
    return w.op("triangular_solve", [a, b], b.shape, b.dtype, attrs)


@writes("lu")
def _lu(w: Writer, node: Node, a: Value) -> list[Value]:
    def factors(p: Builder, x: Node) -> list[Node]:
        both, order, _, exchanges = factorized_by_steps(p, x)
        return [both, order, exchanges]

    return write_built(w, factors, a)


@writes("qr")
def _qr(w: Writer, node: Node, a: Value) -> list[Value]:
    def factors(p: Builder, x: Node) -> list[Node]:
        q, r = qr_by_steps(p, x)
        return [p.slice_axis(q, 2, 0, int(node.attrs["columns"])), r]

    return write_built(w, factors, a)
