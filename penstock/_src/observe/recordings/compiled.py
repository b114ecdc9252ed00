"""What the operations of a run compute compiled: the values that a recording keeps beside what the run began with.

The function is compiled once more, with the results of all its operations as its outputs. So kernels are this version's, for these threads and this device; they are less fused
than in the run. A loop or branch is one operation.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from penstock._src.compiler.compile import compile_graph
from penstock._src.core import dtypes
from penstock._src.core.errors import OpError
from penstock._src.graph.operation import Operation
from penstock._src.graph.passes.unused_results import operations_to_run
from penstock._src.observe.recordings.run import Run

# An operation and its results, None for what is no array.
Results = tuple[Operation, list[Any]]


def compiled_values(run: Run) -> list[Results] | None:
    """Returns what the operations of a run compute, in order; None if the run cannot be compiled again: it raised an error, or a loop takes elements from the host."""
    function, snapshot = run.function, run.snapshot
    graph = function.graph
    if any(key != id(graph) for key, _ in run.host):
        return None
    operations = operations_to_run(graph, function.inputs, function.outputs, function.targets)
    host = {
        op: run.host[id(graph), op.name][0] for op in operations if (id(graph), op.name) in run.host
    }
    feeds, values = list(function.inputs), list(snapshot.values)
    for op, results in host.items():
        for tensor, value in zip(op.outputs, results, strict=True):
            feeds.append(tensor)
            values.append(value)
    fed = {tensor._id for tensor in feeds}
    computed = [op for op in operations if op not in host]
    wanted = [t for op in computed for t in op.outputs if _is_array(t) and t._id not in fed]
    targets = [op for op in function.targets if op not in host]
    program = compile_graph(graph, feeds, wanted, targets, "recorded")
    try:
        with snapshot.put_back():
            arrays = program(values)
    except OpError:
        return None
    known = dict(zip((t._id for t in wanted), arrays, strict=True))
    known |= {t._id: v for t, v in zip(feeds, values, strict=True) if isinstance(v, np.ndarray)}
    return list(_results(operations, known))


def _is_array(tensor: Any) -> bool:
    return tensor.dtype not in (dtypes.resource, dtypes.variant)


def _results(operations: list[Operation], known: dict[int, Any]) -> Iterator[Results]:
    """The operations that gave arrays, with these. Arguments of the function are inputs, not results."""
    for op in operations:
        values = [known.get(t._id) for t in op.outputs]
        if op._inputs or op.type != "Placeholder":
            if any(value is not None for value in values):
                yield op, values
