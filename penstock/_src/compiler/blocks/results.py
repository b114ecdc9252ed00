"""The results of a program, and the sources of values after a run: a result, an input, or a value known beforehand."""

from typing import Any

from penstock._src.compiler.blocks.inputs import ProgramInputs
from penstock._src.compiler.blocks.steps import Source
from penstock._src.compiler.lower.context import LoweringContext
from penstock._src.compiler.lower.values import DynamicRows, HostValue, ListValue, known_length
from penstock._src.core.values.arrays import in_order
from penstock._src.ir.errors import MalformedFunction
from penstock._src.ir.node import Node


class ProgramResults:
    """The results of a program under construction."""

    def __init__(self, p: LoweringContext, inputs: ProgramInputs) -> None:
        self.p, self.inputs = p, inputs
        self.nodes: list[Node] = []
        self._numbers: dict[int, int] = {}  # node's id -> index of its first result

    def add(self, value: Node) -> int:
        """Appends a value; returns its index."""
        self.nodes.append(value)
        self._numbers.setdefault(value.id, len(self.nodes) - 1)
        return len(self.nodes) - 1

    def number(self, value: Node) -> int:
        """The index of a value, which is appended if it is new."""
        known = self._numbers.get(value.id)
        return self.add(value) if known is None else known

    def source(self, value: Any) -> Source:
        """The source of a lowered value after a run."""
        if isinstance(value, ListValue):
            return self._list(value)
        if isinstance(value, DynamicRows):
            return "rows", (self.number(value.rows), self.number(value.count))
        if isinstance(value, HostValue) and value.value is not None:
            return "known", value.value
        if isinstance(value, HostValue):
            for host_value, position in self.inputs.host_values:  # it passed through a branch
                if host_value is value:
                    return "input", position
            raise MalformedFunction(f"a lowered operation returned a host value: {value.why}")
        if value.kind == "constant":
            return "known", in_order(value.attrs["value"])
        if value.kind == "size":
            return "extents", (value.attrs["dims"], value.shape, value.dtype)
        if value.id in self.inputs.positions:
            return "input", self.inputs.positions[value.id]
        return "result", self.number(value)

    def _list(self, value: ListValue) -> Source:
        length = known_length(self.p, value)
        if value.buffer is None:
            shape = value.element_shape
            if length is None:  # reserved but never written: its length is known after the run
                return "reserved", (self.add(value.length), value.dtype, shape)
            return "empty list", (value.dtype, shape, length)
        at = self.add(value.memory)
        if length is None:
            self.add(value.length)
        return "list", (at, length if length is not None else -1, value.dtype)
