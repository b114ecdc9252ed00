"""Factorizations of matrices and triangular systems in StableHLO, which has no LU and QR factors: these are written as loops."""

from penstock._src.core import dtypes
from penstock._src.formats.stablehlo.functions import write_function
from penstock._src.formats.stablehlo.writer import Value, Writer, writes
from penstock._src.ir.builder import Builder
from penstock._src.ir.function import Function
from penstock._src.ir.node import Node
from penstock._src.ops.linalg.elimination import factorized_by_steps, qr_by_steps


@writes("cholesky")
def _cholesky(w: Writer, node: Node, a: Value) -> Value:
    factors = w.op("cholesky", [a], a.shape, a.dtype, "lower = true")
    # What is above the diagonal is the implementation's choice.
    p = Builder()
    x = p.parameter(0, a.shape, a.dtype)
    rows, columns = (p.iota(a.shape, axis, dtypes.int32) for axis in (1, 2))
    lower = p.select(p.ge(rows, columns), x, 0.0)
    return write_function(w, Function("lower", (x,), (lower,)), [factors])[0]


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
    p = Builder()
    x = p.parameter(0, a.shape, a.dtype)
    factors, order, _, exchanges = factorized_by_steps(p, x)
    return write_function(w, Function("lu", (x,), (factors, order, exchanges)), [a])


@writes("qr")
def _qr(w: Writer, node: Node, a: Value) -> list[Value]:
    p = Builder()
    x = p.parameter(0, a.shape, a.dtype)
    q, r = qr_by_steps(p, x)
    q = p.slice_axis(q, 2, 0, int(node.attrs["columns"]))
    return write_function(w, Function("qr", (x,), (q, r)), [a])
