"""The graph that is being written: nodes, constants, names; and the table of raw ops that can be written.

    @writes("Softplus")
    def _softplus(w, op, x): return w.node("Softplus", x)

The function gets the writer, the operation and the names of its inputs, and returns the name of the output or a tuple of names.
"""

from __future__ import annotations

import os
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.dtypes import DType
from penstock._src.core.errors import UnimplementedError
from penstock._src.formats.frozen import operations_of
from penstock._src.formats.onnx.element_types import element_type_of
from penstock._src.graph.library import GraphFunction
from penstock._src.graph.operation import Operation
from penstock._src.graph.static_values import constant_value

OPSET = 21
WRITERS: dict[str, Callable[..., Any]] = {}


def writes(*names: str) -> Callable[[Any], Any]:
    """Registers a function as the writer of raw ops."""

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        WRITERS.update(dict.fromkeys(names, function))
        return function

    return register


def load_writers() -> None:
    """Imports every file of `ops/`, each of which registers its writers."""
    folder = os.path.join(os.path.dirname(__file__), "ops")
    for module in pkgutil.iter_modules([folder], f"{__package__}.ops."):
        import_module(module.name)


@dataclass
class NodeDraft:
    """A node that will be written: names of inputs (empty for those left out) and outputs; graphs in attributes are drafts too."""

    op_type: str
    inputs: list[str]
    outputs: list[str]
    attributes: dict[str, Any] = field(default_factory=dict)


@dataclass
class GraphDraft:
    """A graph that will be written: its nodes, and its inputs and outputs by name.

    Attributes:
      nodes: in an order they can run in.
      inputs, outputs: (name, dtype, shape); a shape is None or has None for sizes that are not known.
    """

    nodes: list[NodeDraft] = field(default_factory=list)
    inputs: list[tuple[str, DType, Any]] = field(default_factory=list)
    outputs: list[tuple[str, DType, Any]] = field(default_factory=list)


class Shared:
    """The common state of a model's graph and its subgraphs.

    Attributes:
      constants: arrays by name; they are initializers of the main graph, which subgraphs see.
    """

    def __init__(self, reserved: Sequence[str]) -> None:
        self.constants: dict[str, np.ndarray] = {}
        self._by_content: dict[Any, str] = {}
        self._taken = set(reserved)

    def name(self, wanted: str) -> str:
        """A name that nothing else has."""
        candidate, number = wanted, 0
        while candidate in self._taken:
            number += 1
            candidate = f"{wanted}_{number}"
        self._taken.add(candidate)
        return candidate

    def constant(self, value: np.ndarray, wanted: str) -> str:
        """The name of a constant; equal small ones are one."""
        value = np.asarray(value)
        key = None
        if value.size <= 64 and value.dtype != np.object_:
            key = (
                value.dtype.str if value.dtype.isbuiltin == 1 else value.dtype.name,
                value.shape,
                value.tobytes(),
            )
            if key in self._by_content:
                return self._by_content[key]
        name = self.name(wanted)
        self.constants[name] = value
        if key is not None:
            self._by_content[key] = name
        return name


class Writer:
    """Writes the operations of one function as nodes of a graph.

    Args:
      shared: names and constants of the model.

    Attributes:
      graph: the part written so far.
      values: by id of a tensor its name, or its replacement if it is not a tensor in ONNX.
    """

    def __init__(self, shared: Shared) -> None:
        self.shared, self.graph = shared, GraphDraft()
        self.values: dict[int, Any] = {}
        self.prefix = ""  # prefix of names of nodes: the operation that is being written

    def inner(self) -> Writer:
        """A writer of a subgraph."""
        return Writer(self.shared)

    def function(self, function: GraphFunction, arguments: Sequence[Any]) -> list[Any]:
        """Writes the operations of a function whose inputs have these names; returns those of its outputs."""
        for tensor, name in zip(function.inputs, arguments, strict=True):
            self.values[tensor._id] = name
        for operation in operations_of(function):
            self.operation(operation)
        return [self.value_of(t) for t in function.outputs]

    def value_of(self, tensor: Any) -> Any:
        """The name of a tensor."""
        return self.values[tensor._id]

    def operation(self, op: Operation) -> None:
        """Writes one operation.

        Raises:
          UnimplementedError: ONNX has no counterpart.
        """
        if op.type == "Const":
            value = op.raw_op.attrs["value"]
            self.values[op.outputs[0]._id] = self.shared.constant(np.asarray(value), op.name)
            return
        if op.type not in WRITERS:
            raise UnimplementedError(f"ONNX has no counterpart of {op.type} ('{op.name}').")
        self.prefix = op.name
        inputs = [self.value_of(t) for t in op.inputs]
        try:
            results = WRITERS[op.type](self, op, *inputs)
        except UnimplementedError as error:
            raise UnimplementedError(f"{op.type} ('{op.name}'): {error.message}") from error
        if not isinstance(results, (tuple, list)):
            results = (results,)
        for tensor, name in zip(op.outputs, results, strict=False):
            self.values[tensor._id] = name

    def node(self, op_type: str, *inputs: str, **attributes: Any) -> str:
        """Adds a node with one output; returns its name. Attributes of None are left out."""
        return self.nodes(op_type, inputs, 1, **attributes)[0]

    def nodes(
        self, op_type: str, inputs: Sequence[str], count: int, **attributes: Any
    ) -> list[str]:
        """Adds a node with several outputs; returns their names."""
        outputs = [self.shared.name(self.prefix or op_type) for _ in range(count)]
        written = {name: value for name, value in attributes.items() if value is not None}
        names = list(inputs)
        while names and not names[-1]:
            names.pop()
        self.graph.nodes.append(NodeDraft(op_type, names, outputs, written))
        return outputs

    def constant(self, value: Any, dtype: DType | None = None) -> str:
        """The name of a constant."""
        array = np.asarray(value, None if dtype is None else dtype.np)
        return self.shared.constant(array, "constant")

    def ints(self, *values: int) -> str:
        """The name of a vector of int64."""
        return self.constant(np.array(values, np.int64))

    def cast(self, x: str, source: DType, target: DType) -> str:
        """x as another dtype."""
        if source is target:
            return x
        return self.node("Cast", x, to=element_type_of(target).number)

    def int64(self, x: str, tensor: Any) -> str:
        """An integer tensor as int64: a constant if its value is known."""
        value = constant_value(tensor)
        if value is not None:
            return self.constant(np.asarray(value, np.int64))
        return self.cast(x, tensor.dtype, dtypes.int64)

    def vector(self, parts: Sequence[str]) -> str:
        """A vector of int64 of vectors."""
        return parts[0] if len(parts) == 1 else self.node("Concat", *parts, axis=0)

    def transpose(self, x: str, permutation: Sequence[int]) -> str:
        """x with its dimensions in another order; constants are transposed here."""
        order = [int(p) for p in permutation]
        if order == list(range(len(order))):
            return x
        if x in self.shared.constants:
            return self.constant(np.ascontiguousarray(self.shared.constants[x].transpose(order)))
        return self.node("Transpose", x, perm=order)

    def reshape(self, x: str, *sizes: int) -> str:
        """x with another shape of known sizes, and at most one -1."""
        if x in self.shared.constants:
            return self.constant(self.shared.constants[x].reshape(sizes))
        return self.node("Reshape", x, self.ints(*sizes), allowzero=1 if 0 in sizes else None)

    def unsqueeze(self, x: str, *axes: int) -> str:
        """x with dimensions of one."""
        return self.node("Unsqueeze", x, self.ints(*axes))

    def squeeze(self, x: str, *axes: int) -> str:
        """x without dimensions of one."""
        return self.node("Squeeze", x, self.ints(*axes))


def known(tensor: Any, what: str) -> np.ndarray:
    """The value of an input.

    Raises:
      UnimplementedError: it is not known before the model runs.
    """
    value = constant_value(tensor)
    if value is None:
        raise UnimplementedError(f"{what} must be constant.")
    return np.asarray(value)


def rank(tensor: Any) -> int:
    """The number of dimensions.

    Raises:
      UnimplementedError: it is not known.
    """
    static_rank = tensor.shape.rank
    if static_rank is None:
        raise UnimplementedError("an input of unknown rank cannot be written.")
    return static_rank


def sizes(tensor: Any) -> list[int | None]:
    """The static shape of a tensor of known rank."""
    rank(tensor)
    return tensor.shape.as_list()


def scalar(w: Writer, value: Any, like: Any) -> str:
    """A scalar constant of the dtype of a tensor."""
    return w.constant(np.asarray(value).astype(like.dtype.np))


def attribute_of(op: Operation, name: str, default: Any = None) -> Any:
    """An attribute as text or a plain value."""
    attrs: Mapping[str, Any] = op.raw_op.attrs
    value = attrs.get(name, default)
    return value.decode() if isinstance(value, bytes) else value
