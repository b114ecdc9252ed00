"""Runs a graph of a file on tensors: each operator by the function that is registered for it."""

from collections.abc import Mapping, Sequence
from typing import Any

from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.errors import InvalidArgumentError, OpError, UnimplementedError
from penstock._src.formats.tflite.operators import BY_NAME
from penstock._src.formats.tflite.reading import custom_ops, ops
from penstock._src.formats.tflite.reading.call import Call, implementation
from penstock._src.formats.tflite.reading.contents import Contents, Graph, Operation
from penstock._src.formats.tflite.reading.rows import read_row
from penstock._src.formats.tflite.reading.state import Handle, State


class Translation:
    """A graph while it is traced.

    Args:
      contents: the file.
      graph: the graph.
      state: its variables and tables.
      weights: what stands for constants of the graph, by index: variables that are trained.
    """

    def __init__(
        self,
        contents: Contents,
        graph: Graph,
        state: State,
        weights: Mapping[int, Any] | None = None,
    ) -> None:
        self.contents, self.graph, self.state = contents, graph, state
        self.values: dict[int, Any] = {}
        self._weights = weights or {}

    def run(self, inputs: Sequence[Any]) -> list[Any]:
        """Returns the graph's outputs.

        Args:
          inputs: a tensor for each input.
        """
        if len(inputs) != len(self.graph.inputs):
            raise InvalidArgumentError(
                f"{self.contents.file}: subgraphs[{self.graph.index}] has {len(self.graph.inputs)} inputs. "
                f"Received {len(inputs)}."
            )
        self.values.update(zip(self.graph.inputs, inputs))
        for operation in self.graph.operations:
            self._run(operation)
        return [self.value(index) for index in self.graph.outputs]

    def value(self, index: int) -> Any:
        """Returns a tensor of the graph."""
        if index not in self.values:
            info = self.graph.tensors[index]
            if info.is_variable:
                return self.state.variable_tensor(self.graph, info).read_value()
            constant = self._weights.get(index, info.constant)
            self.values[index] = convert_to_tensor(constant, info.dtype)
        return self.values[index]

    def branch(self, index: int) -> "Translation":
        """Returns the translation of another graph of the file, for control flow."""
        return Translation(self.contents, self.contents.graphs[index], self.state)

    def place(self, operation: Operation) -> str:
        """Returns an operator's name and position, for messages."""
        name = operation.custom_code if operation.name == "CUSTOM" else operation.name
        place = f"subgraphs[{self.graph.index}].operators[{operation.index}]"
        return f"{self.contents.file}: {name} ({place})"

    def _run(self, operation: Operation) -> None:
        place = self.place(operation)
        by_row = read_row if operation.name in BY_NAME else None
        function = implementation(operation) or by_row
        if function is None:
            raise UnimplementedError(f"{place}: TFLite's op is not implemented.")
        try:
            results = function(Call(self, operation))
        except OpError as error:
            if str(error).startswith(self.contents.file):
                raise
            raise type(error)(None, None, f"{place}: {error}") from error
        except (ValueError, TypeError, IndexError) as error:
            raise InvalidArgumentError(f"{place}: {error}") from error
        results = list(results) if isinstance(results, (list, tuple)) else [results]
        for index, tensor in zip(operation.outputs, results):
            self._check_type(place, index, tensor)
            self.values[index] = tensor

    def _check_type(self, place: str, index: int, tensor: Any) -> None:
        expected = self.graph.tensors[index].dtype
        if not isinstance(tensor, Handle) and tensor.dtype != expected:
            raise UnimplementedError(
                f"{place}: a result of type {expected.name} is not implemented for these inputs; it would be "
                f"{tensor.dtype.name}."
            )


ops.load()
custom_ops.load()
