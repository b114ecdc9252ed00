"""Reads operators by their rows of `../operators.py`."""

import functools
from typing import Any

from penstock._src.core import dtypes
from penstock._src.core.registry import find, raw
from penstock._src.formats.onnx.operators import BY_NAME, Operator
from penstock._src.formats.onnx.reading import tensors as t
from penstock._src.formats.onnx.reading.registry import READERS, Node, Reader


def reader_of(domain: str, name: str) -> Reader | None:
    """Returns the reader of an operator: its own function, or that of its row; None if it has neither."""
    return READERS.get((domain, name)) or (_row_reader(name) if domain == "" else None)


@functools.cache
def _row_reader(name: str) -> Reader | None:
    row = BY_NAME.get(name)
    if row is None:
        return None
    count = len(find(row.raw).inputs)
    return Reader(functools.partial(_read_row, row), count, count, ())


def _read_row(row: Operator, n: Node, *inputs: Any) -> Any:
    attributes = {each.raw: each.read(n) for each in row.attributes}
    if row.index_type:
        attributes[row.index_type] = dtypes.int64
    if len(inputs) == 2:
        inputs = broadcast_of_old(n, *inputs)
    return getattr(raw, row.raw)(*inputs, **attributes)


def broadcast_of_old(n: Node, a: Any, b: Any) -> tuple[Any, Any]:
    """Both inputs; before version 7 an attribute names the axes of `a` that correspond to those of `b`."""
    if n.version < 7 and n.has("axis") and n.flag("broadcast"):
        behind = t.rank(a) - t.axis_of(n.attr("axis"), t.rank(a)) - t.rank(b)
        b = t.reshape(b, [*t.extents(b), *[1] * behind])
    return a, b
