"""Large constants of a function as variables that nobody assigns: such are packed at build time, and stored narrowly where asked."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from penstock._src.aot.model.remaking import remade
from penstock._src.aot.model.signature import LoweredFunction
from penstock._src.compiler.blocks.whole import WholeFunction
from penstock._src.core import dtypes
from penstock._src.core.values.resources import VariableHandle
from penstock._src.ir.node import Node

LEAST_BYTES = 4 << 10


class Hoisting:
    """The constants of all forms of a model, equal ones once."""

    def __init__(self) -> None:
        self.handles: dict[Any, VariableHandle] = {}

    def hoisted(self, lowered: LoweredFunction) -> LoweredFunction:
        """A lowered function that reads its large constants as variables."""
        values, forms = list(lowered.values), {}
        for batch, whole in lowered.forms.items():
            forms[batch] = self._form(whole, values)
        return replace(lowered, forms=forms, values=tuple(values))

    def _form(self, whole: WholeFunction, values: list[Any]) -> WholeFunction:
        """A form; the variables that it reads besides are added to `values`."""
        function = whole.function
        large = [n for n in function.nodes() if _is_large(n)]
        if not large:
            return whole
        p: Any = function.roots[0].builder
        parameters: list[Node] = list(function.parameters)
        positions = list(whole.positions)
        reads: dict[int, Node] = {}
        for node in large:
            handle = self._handle(node)
            shape = tuple([int(d) for d in node.shape])
            number = len(parameters)
            parameter = p.parameter(
                number, (), dtypes.resource, f"x{number}", variable=(shape, node.dtype)
            )
            parameters.append(parameter)
            positions.append(_position(values, handle))
            reads[node.id] = p.make("read", (parameter,), shape=shape, dtype=node.dtype)

        def instead(_p: Any, node: Node, _args: Sequence[Node]) -> Node | None:
            return reads.get(node.id)

        return WholeFunction(remade(function, parameters, instead), tuple(positions))

    def _handle(self, node: Node) -> VariableHandle:
        """The variable of a constant."""
        value = np.ascontiguousarray(node.attrs["value"])
        key = (value.shape, value.dtype.str, node.dtype, value.tobytes())
        if key not in self.handles:
            name = f"constant_{len(self.handles)}"
            self.handles[key] = VariableHandle(value.shape, node.dtype, name, value=value)
        return self.handles[key]


def _position(values: list[Any], handle: VariableHandle) -> int:
    """Where a variable stands among the values, at their end if it is new."""
    for position, value in enumerate(values):
        if value is handle:
            return position
    values.append(handle)
    return len(values) - 1


def _is_large(node: Node) -> bool:
    return node.kind == "constant" and np.asarray(node.attrs["value"]).nbytes >= LEAST_BYTES
