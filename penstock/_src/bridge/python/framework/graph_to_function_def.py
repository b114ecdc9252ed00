"""Counterpart of `tensorflow/python/framework/graph_to_function_def.py`: a graph as a FunctionDef."""

from collections.abc import Sequence
from typing import Any

from penstock._src.graph.serialize.exporter import BodyNames, fill_body_node
from penstock._src.proto.graph import FunctionDef


def graph_to_function_def(
    graph: Any,
    operations: Sequence[Any],
    inputs: Sequence[Any],
    outputs: Sequence[Any],
    out_names: Sequence[str] | None = None,
) -> Any:
    """Returns operations of a graph as a FunctionDef with the name "_".

    Args:
      graph: the graph.
      operations: those of the function.
      inputs: the tensors that are its arguments; operations that make them are left out.
      outputs: the tensors that it returns.
      out_names: names of the outputs; by default those of the tensors.

    Raises:
      ValueError: there are other names than outputs, or a name is there twice.
    """
    del graph
    if out_names is not None and len(out_names) != len(outputs):
        raise ValueError(
            f"out_names must be either empty or equal in size to outputs. len(out_names) = {len(out_names)} "
            f"len(outputs) = {len(outputs)}"
        )
    if out_names is not None and len(set(out_names)) != len(out_names):
        raise ValueError(f"Must not have duplicates in out_names. Received: {list(out_names)}")
    function_def = FunctionDef()
    function_def.signature.name = "_"
    names, arguments = BodyNames(), {t._id for t in inputs}
    for t, name in zip(inputs, _unique_names(inputs), strict=True):
        names.add_input(t, name)
        function_def.signature.input_arg.add(name=name, type=t.dtype.as_datatype_enum)
    for op in operations:
        if not any(t._id in arguments for t in op.outputs):
            fill_body_node(function_def.node_def.add(), op, names)
            function_def.signature.is_stateful |= op.raw_op.stateful
    for t, name in zip(outputs, out_names or _unique_names(outputs), strict=True):
        function_def.signature.output_arg.add(name=name, type=t.dtype.as_datatype_enum)
        function_def.ret[name] = names.input(t)
    return function_def


def _unique_names(tensors: Sequence[Any]) -> list[str]:
    """Names of arguments: those of operations, with the number of an output other than the first."""
    names: list[str] = []
    for t in tensors:
        base = name = t.name.removesuffix(":0").replace(":", "_o")
        count = 0
        while name in names:
            name = f"{base}_U{count}"
            count += 1
        names.append(name)
    return names
