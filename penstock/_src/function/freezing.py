"""Concrete functions whose variables have become constants, for export."""

from typing import Any

from penstock._src.core.values.resources import VariableHandle
from penstock._src.eager.tensor import EagerTensor
from penstock._src.function.concrete import ConcreteFunction
from penstock._src.function.v1.wrapped import WrappedFunction
from penstock._src.graph.passes.freeze import freeze
from penstock._src.graph.trace import fill_outputs


def convert_variables_to_constants_v2(
    func: ConcreteFunction, lower_control_flow: bool = True, aggressive_inlining: bool = False
) -> WrappedFunction:
    """Returns `func` with the variables that it reads replaced by their present values, and calls inlined.

    Args:
      func: a concrete function.
      lower_control_flow: accepted; control flow stays functional.
      aggressive_inlining: accepted; all calls are inlined.

    Raises:
      UnimplementedError: the function changes a variable.
    """
    graph = func.graph
    values = {}
    for position, tensor in enumerate(func.captured_inputs):
        held = tensor._value if isinstance(tensor, EagerTensor) else None
        if isinstance(held, VariableHandle):
            values[func.arity + position] = held.read()
    frozen = freeze(func.graph_function, values)
    made = frozen.graph
    made.structured_outputs = fill_outputs(graph.structured_outputs, made.outputs)
    made.structured_input_signature = graph.structured_input_signature
    rest = [t for i, t in enumerate(func.captured_inputs) if func.arity + i not in values]
    for tensor, placeholder in zip(rest, made.inputs[func.arity :], strict=True):
        made.replace_capture(tensor, placeholder)
    return WrappedFunction(made, func.parameters)


def frozen_graph_def(func: ConcreteFunction) -> Any:
    """Returns the GraphDef of `func` with its variables as constants."""
    return convert_variables_to_constants_v2(func).graph.as_graph_def()  # type: ignore[attr-defined]
