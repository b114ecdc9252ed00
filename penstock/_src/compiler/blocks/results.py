"""The results of a program, and the sources of values after a run: a result, an input or a part of one, or a value known beforehand."""

import math
from collections import Counter
from collections.abc import Iterable
from typing import Any

from penstock._src.compiler.blocks.inputs import ProgramInputs
from penstock._src.compiler.blocks.steps import Source
from penstock._src.compiler.lower.context import LoweringContext
from penstock._src.compiler.lower.values import DynamicRows, HostValue, ListValue, known_length
from penstock._src.core.values.arrays import in_order
from penstock._src.ir.errors import MalformedFunction
from penstock._src.ir.extents import dims
from penstock._src.ir.node import Node

# Least bytes of an input's parts that are views of it: copies of fewer take less time than leaving the path of plain programs.
LEAST_VIEWED = 1 << 16
# Parts are views of an input only if together they have at least this fraction of its bytes: they keep all of it alive.
LEAST_PART = 2


class ProgramResults:
    """The results of a program under construction."""

    def __init__(self, p: LoweringContext, inputs: ProgramInputs) -> None:
        self.p, self.inputs = p, inputs
        self.nodes: list[Node] = []
        self._numbers: dict[int, int] = {}  # node's id -> index of its first result
        self._views: dict[int, Source] = {}  # by the ids of nodes

    def add(self, value: Node) -> int:
        """Appends a value; returns its index."""
        self.nodes.append(value)
        self._numbers.setdefault(value.id, len(self.nodes) - 1)
        return len(self.nodes) - 1

    def number(self, value: Node) -> int:
        """The index of a value, which is appended if it is new."""
        known = self._numbers.get(value.id)
        return self.add(value) if known is None else known

    def choose_views(self, values: Iterable[Any]) -> None:
        """Selects the values that need no copy, as each is a contiguous part of an input: those of large inputs that are mostly given."""
        parts = {v.id: (v, part) for v in values if (part := self._part_of_input(v)) is not None}
        sizes = Counter[int]()
        for value, (position, _, _) in parts.values():
            sizes[position] += math.prod(value.shape) * value.dtype.np.itemsize
        whole = {position: size for _, (position, _, size) in parts.values()}
        for value, (position, start, _) in parts.values():
            if sizes[position] >= max(LEAST_VIEWED, whole[position] // LEAST_PART):
                self._views[value.id] = "view", (position, start, value.shape)

    def _part_of_input(self, value: Any) -> tuple[int, int, int] | None:
        """The position of the input of which a value is a contiguous part, the part's start in elements, and the input's bytes; else None."""
        if not isinstance(value, Node) or value.kind not in ("reshape", "slice"):
            return None
        start, node = 0, value
        while node.kind in ("reshape", "slice"):
            inner = node.args[0]
            if any(map(dims.is_symbolic, (*node.shape, *inner.shape))):
                return None
            skipped = skipped_elements(node) if node.kind == "slice" else 0
            if skipped is None:
                return None
            start, node = start + skipped, inner
        if node.id not in self.inputs.positions or node.dtype.np.hasobject:
            return None
        size = math.prod(node.shape) * node.dtype.np.itemsize
        return self.inputs.positions[node.id], start, size

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
        if value.id in self._views:
            return self._views[value.id]
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


def skipped_elements(part: Node) -> int | None:
    """The number of elements before a slice of known extents, if it is contiguous and not empty; else None."""
    (whole,) = part.args
    if 0 in part.shape:
        return None
    is_inner, start = False, 0
    for extent, taken, first, stride in zip(
        whole.shape, part.shape, part.attrs["starts"], part.attrs["strides"], strict=True
    ):
        if is_inner and taken != extent or taken > 1 and stride != 1:
            return None
        is_inner = is_inner or taken > 1
        start = start * extent + first
    return start
