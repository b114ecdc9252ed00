"""Writes raw ops by their rows of `../operators.py`."""

from __future__ import annotations

from penstock._src.core import dtypes
from penstock._src.core.errors import UnimplementedError
from penstock._src.formats.onnx.operators import BY_RAW
from penstock._src.formats.onnx.writing.writer import WRITERS, Writer
from penstock._src.graph.operation import Operation


def write_row(w: Writer, op: Operation, *inputs: str) -> str:
    """Adds the node of an op without a specific writer; returns the name of its output."""
    row = BY_RAW[op.type]
    if op.inputs[0].dtype.is_complex and not row.moves:
        raise UnimplementedError("complex numbers cannot be written.")
    names = [
        w.int64(name, tensor) if index in row.integers else name
        for index, (name, tensor) in enumerate(zip(inputs, op.inputs, strict=True))
    ]
    attributes = {each.name: each.written(op) for each in row.attributes}
    output = w.node(row.name, *names, **attributes, **row.fixed)
    return w.cast(output, dtypes.int64, op.outputs[0].dtype) if row.index_type else output


for _raw in BY_RAW:
    WRITERS.setdefault(_raw, write_row)
