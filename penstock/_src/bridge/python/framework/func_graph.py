"""`tensorflow.python.framework.func_graph`: graphs of Python functions."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.specs import TensorSpec
from penstock._src.core.tensor import Tensor
from penstock._src.graph import trace
from penstock._src.graph.control import add_control_dependencies as order_effects
from penstock._src.graph.func_graph import FuncGraph
from penstock._src.graph.operation import Operation
from penstock._src.util import nest


def func_graph_from_py_func(
    name: str,
    python_func: Callable[..., Any],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    signature: Any = None,
    func_graph: Any = None,
    add_control_dependencies: bool = True,
    arg_names: Sequence[str] | None = None,
    op_return_value: Any = None,
    collections: Any = None,
    capture_by_value: bool | None = None,
    create_placeholders: bool = True,
) -> Any:
    """Returns the graph of what a function computes.

    Args:
      name: the name of the graph.
      python_func: the function.
      args, kwargs: its arguments; placeholders stand for the tensors among them.
      signature: specs that take the place of `args` and `kwargs`.
      func_graph: the graph to add to, in place of a new one.
      add_control_dependencies: whether operations with effects wait for those before them.
      arg_names: names of placeholders.
      op_return_value: a tensor that takes the place of operations among the results.
      collections, capture_by_value: as for `FuncGraph`.
      create_placeholders: whether placeholders stand for tensors; otherwise these are the inputs.
    """
    graph = func_graph
    if graph is None:
        graph = FuncGraph(name, collections=collections, capture_by_value=bool(capture_by_value))
    if signature is not None:
        args, kwargs = signature, {}
    names = _names(args, kwargs, arg_names)

    def argument(value: Any) -> Any:
        label = next(names)
        if isinstance(value, np.ndarray):
            value = convert_to_tensor(value)
        if not isinstance(value, Tensor | TensorSpec):
            return value
        if create_placeholders:
            (placeholder,) = trace.add_arguments(
                graph, [value], [value.shape], [label] if label else []
            )
            return placeholder
        inputs: list[Any] = graph.inputs
        inputs.append(value)
        return value

    def returned(value: Any) -> Any:
        if not isinstance(value, Operation):
            return value
        if op_return_value is None:
            raise TypeError(
                "To be compatible with tf.function, Python functions must return zero or more Tensors or ExtensionTypes "
                f"or None values; in compilation of {python_func}, found return value of type Operation, which is not a "
                "Tensor or ExtensionType."
            )
        return op_return_value

    with trace.recording(graph):
        inner_args = nest.map_structure(argument, tuple(args), expand_composites=True)
        inner_kwargs = nest.map_structure(argument, dict(kwargs), expand_composites=True)
        graph.structured_input_signature = nest.map_structure(
            lambda leaf: TensorSpec.from_tensor(leaf) if isinstance(leaf, Tensor) else leaf,
            (inner_args, inner_kwargs),
        )
        result = python_func(*inner_args, **inner_kwargs)
        trace.set_outputs(graph, nest.map_structure(returned, result), marks=True)
    if add_control_dependencies:
        order_effects(graph)
    return graph


def _names(args: Any, kwargs: Any, arg_names: Sequence[str] | None) -> Any:
    """Yields the name of each leaf of the arguments, None for those that have none."""
    for index, value in enumerate(args):
        own_name = arg_names[index] if arg_names and index < len(arg_names) else None
        yield from (own_name for _ in nest.flatten(value, expand_composites=True))
    for key in sorted(kwargs):
        yield from (key for _ in nest.flatten(kwargs[key], expand_composites=True))
