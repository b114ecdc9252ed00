"""Large constants of a function as unassigned variables: these are packed at build time, and stored narrowly where asked."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from penstock._src.aot.model.folding import values_of_weights
from penstock._src.aot.model.signature import LoweredFunction
from penstock._src.aot.model.whole import WholeFunction
from penstock._src.compiler.passes.remaking import remade
from penstock._src.core import dtypes
from penstock._src.core.dtypes import DType
from penstock._src.core.values.resources import VariableHandle
from penstock._src.ir.node import Node

LEAST_BYTES = 4 << 10


class Hoisting:
    """The constants of all forms of a model, equal ones once."""

    def __init__(self) -> None:
        self.handles: dict[Any, VariableHandle] = {}

    def hoisted(self, lowered: LoweredFunction, assigned: Collection[int]) -> LoweredFunction:
        """A lowered function that reads its large constants, and values derived from weights, as variables.

        Args:
          lowered: the function.
          assigned: ids of the handles that any function of the model assigns.
        """
        values, forms = list(lowered.values), {}
        for batch, whole in lowered.forms.items():
            with whole.extents:
                known = values_of_weights(whole, tuple(values), assigned)
                known |= {
                    n.id: np.ascontiguousarray(n.attrs["value"])
                    for n in whole.function.nodes()
                    if n.kind == "constant" and _is_weights(np.asarray(n.attrs["value"]))
                }
                forms[batch] = self._form(whole, values, known) if known else whole
        return replace(lowered, forms=forms, values=tuple(values))

    def _form(
        self, whole: WholeFunction, values: list[Any], known: Mapping[int, np.ndarray]
    ) -> WholeFunction:
        """A form in which some nodes are read or constants; the variables that it reads besides are added to `values`."""
        function = whole.function
        p: Any = function.roots[0].builder
        parameters: list[Node] = list(function.parameters)
        positions = list(whole.positions)
        replaced: dict[int, Node] = {}
        for node in function.nodes():
            if node.id not in known:
                continue
            value = known[node.id]
            if not _is_weights(value):
                replaced[node.id] = p.constant(value)
                continue
            handle = self._handle(value, node.dtype)
            number = len(parameters)
            parameter = p.parameter(
                number, (), dtypes.resource, f"x{number}", variable=(value.shape, node.dtype)
            )
            parameters.append(parameter)
            positions.append(_position(values, handle))
            replaced[node.id] = p.make("read", (parameter,), shape=value.shape, dtype=node.dtype)

        def instead(_p: Any, node: Node, _args: Sequence[Node]) -> Node | None:
            return replaced.get(node.id)

        made_again = remade(function, parameters, instead)
        return replace(whole, function=made_again, positions=tuple(positions))

    def _handle(self, value: np.ndarray, dtype: DType) -> VariableHandle:
        """The variable of a value."""
        key = (value.shape, dtype, value.tobytes())
        if key not in self.handles:
            name = f"constant_{len(self.handles)}"
            self.handles[key] = VariableHandle(value.shape, dtype, name, value=value)
        return self.handles[key]


def _position(values: list[Any], handle: VariableHandle) -> int:
    """Return the index of a variable among the values. A new one is appended."""
    for position, value in enumerate(values):
        if value is handle:
            return position
    values.append(handle)
    return len(values) - 1


def _is_weights(value: np.ndarray) -> bool:
    """True if an array is stored as a variable: it is large, or an int8 matrix, which products prepack."""
    return value.nbytes >= LEAST_BYTES or (value.dtype == np.int8 and value.ndim >= 2)
