"""Products of matrices."""

from __future__ import annotations

from penstock._src.core import dtypes
from penstock._src.core.errors import UnimplementedError
from penstock._src.core.typesets import FLOAT, INDEX
from penstock._src.formats.onnx.writing.integer_operands import as_bytes, fits_bytes
from penstock._src.formats.onnx.writing.writer import Writer, attribute_of, rank, writes
from penstock._src.graph.operation import Operation

_TYPES = FLOAT | INDEX


def _swapped(w: Writer, x: str, dimensions: int) -> str:
    order = list(range(dimensions))
    order[-2:] = order[-1], order[-2]
    return w.transpose(x, order)


@writes("MatMul")
def _matmul(w: Writer, op: Operation, a: str, b: str) -> str:
    _check(op)
    if attribute_of(op, "transpose_a"):
        a = _swapped(w, a, 2)
    if attribute_of(op, "transpose_b"):
        b = _swapped(w, b, 2)
    return _product(w, op, a, b)


@writes("BatchMatMul", "BatchMatMulV2", "BatchMatMulV3")
def _batch_matmul(w: Writer, op: Operation, a: str, b: str) -> str:
    _check(op)
    if attribute_of(op, "adj_x"):
        a = _swapped(w, a, rank(op.inputs[0]))
    if attribute_of(op, "adj_y"):
        b = _swapped(w, b, rank(op.inputs[1]))
    product = _product(w, op, a, b)
    return w.cast(product, op.inputs[0].dtype, op.outputs[0].dtype)


def _product(w: Writer, op: Operation, a: str, b: str) -> str:
    """A product of bytes where int32 fit them, which runtimes multiply many times faster; else of the numbers as they are."""
    if op.inputs[0].dtype is dtypes.int32 and all(fits_bytes(each) for each in op.inputs):
        left, right = as_bytes(w, a, op.inputs[0]), as_bytes(w, b, op.inputs[1])
        return w.node("MatMulInteger", left.values, right.values, left.zero, right.zero)
    return w.node("MatMul", a, b)


def _check(op: Operation) -> None:
    if (
        any(t.dtype not in _TYPES for t in op.inputs)
        or op.inputs[0].dtype is not op.inputs[1].dtype
    ):
        names = ", ".join(t.dtype.name for t in op.inputs)
        raise UnimplementedError(f"a product of {names} cannot be written.")


@writes("Einsum")
def _einsum(w: Writer, op: Operation, *inputs: str) -> str:
    if op.inputs[0].dtype not in _TYPES:
        raise UnimplementedError(f"a product of {op.inputs[0].dtype.name} cannot be written.")
    return w.node("Einsum", *inputs, equation=attribute_of(op, "equation"))
