"""One repeated run of a graph: the values computed so far, and the next operation."""

from collections.abc import Sequence
from typing import Any

from penstock._src.graph.library import GraphFunction
from penstock._src.graph.operation import Operation
from penstock._src.graph.passes.unused_results import operations_to_run


class Scope:
    """One run of a graph: its values so far, by the ids of tensors."""

    def __init__(self, function: GraphFunction, values: Sequence[Any]) -> None:
        self.function, self.graph, self.inputs = function, function.graph, list(values)
        self.values: dict[int, Any] = {}
        for tensor, value in zip(function.inputs, values, strict=True):
            self.values[tensor._id] = value
        needed = operations_to_run(self.graph, function.inputs, function.outputs, function.targets)
        # Gradients put operations before loops that were there earlier.
        self.operations = sorted(needed, key=lambda op: op.moment)
        self.due = set(map(id, self.operations))
        self.next = 0

    def upto(self, moment: int | None) -> list[Operation]:
        """The operations that are due before a moment of the trace, or all that are left."""
        begin = self.next
        while self.next < len(self.operations):
            if moment is not None and self.operations[self.next].moment >= moment:
                break
            self.next += 1
        return self.operations[begin : self.next]
