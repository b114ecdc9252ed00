"""Runs an op's own shape rule again when a block is specialized: by then more extents and values are known than at
tracing.

Arguments that the rule rejects are left to the op's kernel on the host, which raises the eager error. If the shape of a lowering contradicts
the rule, the lowering did not check its arguments: they are left to the kernel, too.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock._src.core.calls.refusals import REFUSALS
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.op import InputShape, ruled
from penstock._src.core.shapes import UNKNOWN, TensorShape, make_shape, unknown_shape
from penstock._src.graph.operation import Operation
from penstock._src.graph.shapes import flat_shapes
from penstock._src.ir.build.maker import NodeMaker
from penstock._src.ir.errors import LoweringDefect, RefusedArguments
from penstock._src.ir.extents.dims import number
from penstock._src.ir.node import Node


class ConcreteShape(InputShape):
    """The shape of an input as it is in this specialization, with its value where that is known."""

    __slots__ = ("_builder", "_node")

    def __init__(self, builder: NodeMaker, tensor: Any, node: Node) -> None:
        self._dims = tuple(node.shape)
        self._tensor, self._builder, self._node = tensor, builder, node

    @property
    def value(self) -> np.ndarray | None:
        """The value, where it is known: an array of Python's objects if it depends on unknown extents."""
        return self._builder.known.numbers(self._node)

    def as_shape(self) -> TensorShape:
        """The shape that this input holds as a vector of numbers."""
        known = self.value
        if known is None:
            return unknown_shape(self._node.shape[0]) if len(self._node.shape) == 1 else UNKNOWN
        if known.ndim == 0:
            return UNKNOWN
        # In a vector that is a shape, -1 is an unknown extent.
        return make_shape(tuple([None if n < 0 else n for n in known.reshape(-1).tolist()]))

    @property
    def handle_data(self) -> Any:
        """The shape and type of a variable's value."""
        variable = self._node.attrs.get("variable")
        return (
            self._tensor._handle_data
            if variable is None
            else [(make_shape(variable[0]), variable[1])]
        )


def has_static_shapes(op: Operation) -> bool:
    """True if tracing knew all shapes, so that the rule would give the same answer again."""
    return all(t.shape.is_fully_defined() for t in (*op._inputs, *op._outputs))


def expected_shapes(p: NodeMaker, op: Operation, args: Sequence[Node]) -> list[TensorShape]:
    """The shapes of the op's outputs by its shape rule.

    Raises:
      RefusedArguments: it refuses these inputs.
    """
    raw: Any = op.raw_op
    if not raw.checks_shapes():
        return [UNKNOWN] * len(op._outputs)
    inputs = [ConcreteShape(p, t, node) for t, node in zip(op._inputs, args, strict=True)]
    try:
        return flat_shapes(raw.output_dtypes, ruled(raw, inputs))
    except (*REFUSALS, InvalidArgumentError) as error:
        # The host's kernel raises TensorFlow's own message, with names and values.
        raise RefusedArguments(f"{op.type}: its shapes are refused: {error}") from None


def check_shapes(op: Operation, expected: Sequence[TensorShape], outputs: Sequence[Node]) -> None:
    """Compares the shapes of a lowering's results with those of the rule.

    Raises:
      LoweringDefect: they differ.
    """
    for shape, node in zip(expected, outputs, strict=True):
        dims = shape._dims
        if dims is None:
            continue
        extents = zip(dims, node.shape)
        if len(dims) != len(node.shape) or any(d is not None and d != n for d, n in extents):
            lowered_dims = list(map(number, node.shape))
            ruled_dims = [None if d is None else number(d) for d in dims]
            text = f"the lowering of '{op.name}' ({op.type}) gives shape {lowered_dims}, its rule {ruled_dims}"
            raise LoweringDefect(LoweringDefect.PREFIX + text)
