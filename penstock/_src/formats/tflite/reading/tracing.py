"""Functions of a file's graphs."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import penstock._src.api.load  # noqa: F401  (tensors have their operators)
from penstock._src.core.shapes import TensorShape
from penstock._src.core.specs import TensorSpec
from penstock._src.core.tensor import Tensor
from penstock._src.formats.tflite.reading.contents import Contents, Graph, Signature, TensorInfo
from penstock._src.formats.tflite.reading.state import State
from penstock._src.formats.tflite.reading.translation import Translation
from penstock._src.function.concrete import ConcreteFunction
from penstock._src.function.function import function


def spec_of(info: TensorInfo, name: str) -> TensorSpec:
    """Returns the spec of an input; sizes that the file calls unknown are None."""
    if not info.has_rank and not info.shape_signature:
        return TensorSpec([], info.dtype, name)
    return TensorSpec([None if n < 0 else n for n in info.shape_signature], info.dtype, name)


def signature_function(
    contents: Contents, signature: Signature, state: State, weights: Mapping[int, Any]
) -> ConcreteFunction:
    """Returns the function of a signature: named inputs, named outputs.

    Args:
      contents: the file.
      signature: one of its signatures.
      state: its variables.
      weights: variables that stand for constants of the graph.
    """
    graph = contents.graphs[signature.graph]
    specs = [spec_of(graph.tensors[index], name) for name, index in signature.inputs.items()]

    def call(*arguments: Any) -> dict[str, Any]:
        tensors = dict(zip(signature.inputs.values(), arguments, strict=True))
        translation = Translation(contents, graph, state, weights)
        translation.run([tensors[index] for index in graph.inputs])
        return {name: translation.value(index) for name, index in signature.outputs.items()}

    return function(call, input_signature=specs, autograph=False).get_concrete_function()


@dataclasses.dataclass(frozen=True)
class TracedGraph:
    """The function of a graph for shapes of its inputs.

    Attributes:
      function: takes the inputs.
      indices: the tensors that it returns.
      shapes: of all computed tensors, by index.
    """

    function: ConcreteFunction
    indices: tuple[int, ...]
    shapes: dict[int, TensorShape]


def trace_graph(
    contents: Contents, graph: Graph, state: State, specs: Sequence[TensorSpec], every: bool
) -> TracedGraph:
    """Returns the function of a graph.

    Args:
      contents: the file.
      graph: one of its graphs.
      state: its variables.
      specs: of the inputs.
      every: whether it returns intermediate tensors as well.
    """
    indices: list[int] = []
    shapes: dict[int, TensorShape] = {}

    def call(*arguments: Any) -> list[Any]:
        translation = Translation(contents, graph, state)
        translation.run(arguments)
        computed = {i: t for i, t in translation.values.items() if isinstance(t, Tensor)}
        indices[:] = computed if every else dict.fromkeys(graph.outputs)
        shapes.update((i, tensor.shape) for i, tensor in computed.items())
        return [translation.value(i) for i in indices]

    traced = function(call, input_signature=list(specs), autograph=False).get_concrete_function()
    return TracedGraph(traced, tuple(indices), shapes)
