"""Weights of fewer bits: stored as float16, bfloat16 or int8, and widened where they are used."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from penstock._src.aot.model.signature import LoweredFunction
from penstock._src.aot.model.whole import WholeFunction
from penstock._src.compiler.passes.remaking import remade
from penstock._src.core import dtypes
from penstock._src.core.dtypes import DType
from penstock._src.core.values.resources import VariableHandle
from penstock._src.ir.function import Function
from penstock._src.ir.node import Node

LEAST_ELEMENTS = 1024  # of a weight that is stored narrowly
_LARGEST = 127
KINDS = ("float32", "float16", "bfloat16", "int8")


class NarrowWeights:
    """Narrow forms of the variables of a model, each made once.

    Args:
      kind: one of KINDS.
      assigned: ids of the handles that functions assign, which stay as they are.
    """

    def __init__(self, kind: str, assigned: Collection[int]) -> None:
        self.dtype: DType = dtypes.as_dtype(kind)
        self.assigned = assigned
        self.handles: dict[int, VariableHandle] = {}
        self.scales: dict[int, np.ndarray] = {}

    def fits(self, handle: Any) -> bool:
        """True if a variable is stored in a narrower dtype: a matrix of at least a certain size that is never assigned."""
        return (
            isinstance(handle, VariableHandle)
            and handle.dtype == dtypes.float32
            and id(handle) not in self.assigned
            and handle.value.ndim >= 2
            and handle.value.size >= LEAST_ELEMENTS
        )

    def of(self, handle: VariableHandle) -> VariableHandle:
        """The narrow form of a variable; numbers of int8 have a scale for each index of the last axis."""
        key = id(handle)
        if key not in self.handles:
            value = handle.value
            if self.dtype == dtypes.int8:
                axes = tuple(range(value.ndim - 1))
                scale = np.abs(value).max(axes) / np.float32(_LARGEST)
                scale = np.where(scale > 0, scale, np.float32(1)).astype(np.float32)
                narrow = np.rint(value / scale).astype(np.int8)
                self.scales[key] = scale
            else:
                narrow = value.astype(self.dtype.np)
            self.handles[key] = VariableHandle(narrow.shape, self.dtype, handle.name, value=narrow)
        return self.handles[key]

    def narrowed(self, lowered: LoweredFunction) -> LoweredFunction:
        """A lowered function that reads narrow weights."""
        values = tuple([self.of(v) if self.fits(v) else v for v in lowered.values])
        forms = {}
        for batch, whole in lowered.forms.items():
            with whole.extents:
                forms[batch] = replace(whole, function=self._function(whole, lowered.values))
        return replace(lowered, forms=forms, values=values)

    def _function(self, whole: WholeFunction, values: tuple[Any, ...]) -> Function:
        """A form's function, its nodes made again from where weights are read."""
        function = whole.function
        p: Any = function.roots[0].builder
        parameters: list[Node] = []
        handles: dict[int, VariableHandle] = {}  # by the new parameters' ids
        for number, (parameter, position) in enumerate(zip(function.parameters, whole.positions)):
            value: Any = values[position] if position >= 0 else None
            if self.fits(value):
                shape = parameter.attrs["variable"][0]
                parameter = p.parameter(
                    number, (), dtypes.resource, f"x{number}", variable=(shape, self.dtype)
                )
                handles[parameter.id] = value
            parameters.append(parameter)

        def instead(p: Any, node: Node, args: Sequence[Node]) -> Node | None:
            is_narrow = node.kind == "read" and args[0].id in handles
            return self._read(p, node, args[0], handles[args[0].id]) if is_narrow else None

        return remade(function, parameters, instead)

    def _read(self, p: Any, node: Node, parameter: Node, handle: VariableHandle) -> Node:
        """The wide values of a narrow variable."""
        narrow = p.make("read", (parameter,), shape=node.shape, dtype=self.dtype)
        wide = p.cast(narrow, dtypes.float32)
        if self.dtype != dtypes.int8:
            return wide
        return p.mul(wide, p.constant(self.scales[id(handle)]))
