"""Vectorizes functions of elements over many elements.

An elementwise function passed to `map`, such as `x / 255`, gives the same results for a stack of elements. Short elements
that are rows of arrays are therefore computed by the thousand. Only ops that raise no errors, and that NumPy rounds like the
compiled kernels, take part.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from penstock._src.core.dtypes import DType
from penstock._src.ops.data.iteration.resume import Element, Resumable, State
from penstock._src.ops.data.iteration.rows import ChunkReader, Rows
from penstock._src.ops.data.pipeline import Run
from penstock._src.ops.rules import maps_elements

Stacked = Callable[[Element], Element]

_MOST_BYTES = 4096  # per element; above, the cost of a call is small compared with its work
_FIRST, _MOST_ROWS, _CHUNK_BYTES = 16, 4096, 1 << 20


def vectorized(function: Any, captured: list[Any]) -> Stacked | None:
    """Returns `function` vectorized over stacks of elements, or None if an operation does not allow it."""
    graph = function.graph
    elements = function.inputs[: len(function.inputs) - len(captured)]
    if function.is_stateful or graph.control_outputs:
        return None
    ranks = {t._id: t.shape.rank for t in elements}
    inner = {t._id for t in function.inputs}
    steps = []
    for operation in graph._operations:
        op, inputs, outputs = operation.raw_op, operation._inputs, operation.outputs
        if all(t._id in inner for t in outputs) and not inputs:
            continue
        if op.op_type != "Const":
            if not (maps_elements(operation) and _works_on_stacks(op, inputs, ranks)):
                return None
            if any(t._id in ranks for t in inputs):
                ranks[outputs[0]._id] = outputs[0].shape.rank
        steps.append((op.eager, [t._id for t in inputs], outputs[0]._id))
    results = [t._id for t in function.outputs]
    if None in ranks.values() or not all(key in ranks for key in results):
        return None
    keys = [t._id for t in function.inputs]

    def call(stacks: Element) -> Element:
        values = dict(zip(keys, (*stacks, *captured)))
        for run, inputs, output in steps:
            values[output] = np.asarray(run(*[values[key] for key in inputs]))
        return tuple([values[key] for key in results])

    return call


def _works_on_stacks(op: Any, inputs: list[Any], ranks: dict[int, Any]) -> bool:
    """True if an op gives the same results for stacks as for single elements.

    `ranks` has the ranks of per-element tensors; all others are the same for every element.
    """
    if not is_exact(op):
        return False
    of_elements = {ranks[t._id] for t in inputs if t._id in ranks}
    if len(of_elements) > 1 or None in of_elements:
        return False
    others = [t.shape.rank for t in inputs if t._id not in ranks]
    return not of_elements or all(r is not None and r <= max(of_elements) for r in others)


def is_exact(op: Any) -> bool:
    """True if an op maps elements to elements, and its `eager` gives the bits of compiled kernels."""
    if not (op.elements.is_elementwise and op.values.eager_is_exact):
        return False
    if op.op_type == "RealDiv" and not op.T.is_floating:
        return False
    return op.op_type != "Cast" or _is_exact_cast(op.SrcT, op.DstT)


def _is_exact_cast(source: DType, target: DType) -> bool:
    """True if a cast is equal on all machines; out-of-range floats to integers are not."""
    return not (source.is_floating and target.is_integer) and not (
        source.is_complex or target.is_complex
    )


def serves(rows: Rows) -> bool:
    """True if rows are short and numeric."""
    arrays = rows.arrays
    if not all(type(a) is np.ndarray and a.dtype.kind != "O" for a in arrays) or not rows.count:
        return False
    return sum(array.nbytes for array in arrays) <= _MOST_BYTES * rows.count


class MappedRows(Resumable):
    """Iterates over the results of `call` on each element, computed in growing groups."""

    plain, sources = ("size", "stacks", "at"), ("reader",)

    def __init__(self, rows: Rows, call: Stacked, run: Run) -> None:
        self.rows, self.call = rows, call
        self.reader = ChunkReader(rows.order(run))
        bytes_of_row = sum(array.nbytes for array in rows.arrays) // rows.count
        self.most = min(_MOST_ROWS, max(1, _CHUNK_BYTES // max(1, bytes_of_row)))
        self.size = min(_FIRST, self.most)
        # The results of a group, and how many of them were taken.
        self.stacks: Element = (np.empty(0),)
        self.at = 0

    def __next__(self) -> Element:
        if self.at == len(self.stacks[0]):
            chunk = self.reader.take(self.size)
            if not len(chunk):
                raise StopIteration
            self.stacks, self.at = self.call(self.rows.gather(chunk)), 0
            self.size = min(2 * self.size, self.most)
        at, self.at = self.at, self.at + 1
        if len(self.stacks) == 1:
            return (self.stacks[0][at, ...],)
        return tuple([stack[at, ...] for stack in self.stacks])

    def save(self) -> State:
        rest = tuple([stack[self.at :] for stack in self.stacks])
        return super().save() | {"stacks": rest, "at": 0}
