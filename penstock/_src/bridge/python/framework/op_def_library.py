"""Operations by the names of their definitions: `tensorflow.python.framework.op_def_library`."""

from __future__ import annotations

from typing import Any

from penstock._src.core import registry
from penstock._src.core.calls.attributes import REQUIRED
from penstock._src.core.dispatch import STATE
from penstock._src.core.op import Op
from penstock._src.graph.serialize.op_definitions import op_def
from penstock._src.util import nest
from penstock._src.v1.graphs.default_graph import get_default_graph


def apply_op(op_type_name: str, name: str | None = None, **keywords: Any) -> Any:
    """Adds an operation to the graph of its inputs, or the default graph.

    Args:
      op_type_name: the name of its definition.
      name: of the operation.
      **keywords: inputs and attributes. None for an attribute means its default.

    Returns:
      The output, a list of outputs, a tuple of these, or the operation if it has no outputs.

    Raises:
      RuntimeError: there is no such operation.
      TypeError: an argument is missing, unknown, or has the wrong type.
      ValueError: a value is not allowed.
    """
    cls = registry.lookup(op_type_name)
    if cls is None:
        raise RuntimeError(f"Unrecognized Op name {op_type_name}")
    left = dict(keywords)
    inputs = tuple(_take_input(cls, argument.defined_name, left) for argument in cls.inputs)
    attrs = _take_attributes(cls, left)
    if left:
        names = ", ".join(sorted(left))
        raise TypeError(f"{op_type_name} got unexpected keyword arguments: {names}.")
    graph = _graph_of(inputs)
    with graph.as_default():
        outputs = graph.execute(cls, inputs, attrs, name)
    return tuple(outputs) if isinstance(outputs, tuple) else outputs


def _take_input(cls: type[Op], name: str, left: dict[str, Any]) -> Any:
    for keyword in (name, name + "_"):  # the latter where Python has another use for the name
        if keyword in left:
            return left.pop(keyword)
    raise TypeError(f"No argument for input {name} found in {op_def(cls)}")


def _take_attributes(cls: type[Op], left: dict[str, Any]) -> dict[str, Any]:
    """Returns the attributes among the arguments, which are all that no input and no default type gives."""
    inferred = registry.inferred_attributes(cls)
    attrs = {}
    for attr in op_def(cls).attr:
        keyword = next((n for n in (attr.name, attr.name + "_") if n in left), None)
        if attr.name in inferred:
            if keyword is not None:
                raise TypeError(
                    f"Should not specify value for inferred attr '{attr.name}' for {cls.op_type}."
                )
            continue
        has_default = cls.attributes.get(attr.name, REQUIRED) is not REQUIRED
        if keyword is not None:
            value = left.pop(keyword)
            if value is not None or not has_default:
                attrs[attr.name] = value
        elif attr.type != "type" or not has_default:
            raise TypeError(f"No argument found for attr {attr.name} for {cls.op_type}")
    return attrs


def _graph_of(inputs: Any) -> Any:
    """Returns the graph that the inputs are in; the default graph if none is symbolic."""
    for value in nest.flatten(list(inputs)):
        graph = getattr(value, "graph", None) if hasattr(value, "op") else None
        if graph is not None and STATE.graph is None:
            return graph
    return get_default_graph()
