"""Reductions, running sums, indices of extremes."""

from __future__ import annotations

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.errors import UnimplementedError
from penstock._src.formats.onnx.operators import BY_RAW, ROWS
from penstock._src.formats.onnx.writing.writer import (
    Writer,
    attribute_of,
    known,
    rank,
    writes,
)
from penstock._src.graph.operation import Operation
from penstock._src.graph.static_values import constant_value


def _axes(w: Writer, op: Operation, axes: str) -> str | None:
    """The axes as a vector; None if there are none."""
    value = constant_value(op.inputs[1])
    if value is None:
        axes = w.cast(axes, op.inputs[1].dtype, dtypes.int64)
        return axes if rank(op.inputs[1]) else w.unsqueeze(axes, 0)
    if np.size(value) == 0:
        return None
    return w.ints(*np.reshape(value, -1).tolist())


@writes(*(row.raw for row in ROWS if row.reduces))
def _reduction(w: Writer, op: Operation, x: str, axes: str) -> str:
    positions, node = _axes(w, op, axes), BY_RAW[op.type].name
    if positions is None:
        return x if node != "ReduceL2" else w.node("Abs", x)
    if op.inputs[0].dtype.is_complex:
        raise UnimplementedError("complex numbers cannot be written.")
    return w.node(node, x, positions, keepdims=int(attribute_of(op, "keep_dims")))


@writes("Any", "All")
def _truths(w: Writer, op: Operation, x: str, axes: str) -> str:
    positions = _axes(w, op, axes)
    if positions is None:
        return x
    numbers = w.cast(x, dtypes.bool_, dtypes.int32)
    node = "ReduceMax" if op.type == "Any" else "ReduceMin"
    reduced = w.node(node, numbers, positions, keepdims=int(attribute_of(op, "keep_dims")))
    return w.cast(reduced, dtypes.int32, dtypes.bool_)


@writes("ArgMax", "ArgMin")
def _place(w: Writer, op: Operation, x: str, axis: str) -> str:
    at = int(known(op.inputs[1], "the axis").reshape(()))
    position = w.node(op.type, x, axis=at, keepdims=0)
    return w.cast(position, dtypes.int64, op.outputs[0].dtype)


@writes("L2Loss")
def _l2_loss(w: Writer, op: Operation, x: str) -> str:
    total = w.node("ReduceSumSquare", x, keepdims=0)
    return w.node("Mul", total, w.constant(np.asarray(0.5, op.inputs[0].dtype.np)))
