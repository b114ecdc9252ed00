"""Freezing: concrete functions and graphs with constants in place of variables, for export."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.dispatch import executing_eagerly
from penstock._src.core.registry import raw
from penstock._src.eager.tensor import EagerTensor
from penstock._src.formats.frozen import captured_values
from penstock._src.function.concrete import ConcreteFunction
from penstock._src.graph.passes.freeze import freeze
from penstock._src.graph.rewriting import extract_sub_graph
from penstock._src.ops.tensor_proto import to_proto
from penstock._src.proto.graph import GraphDef, NodeDef
from penstock._src.util.export import export
from penstock._src.v1.graphs.session import get_default_session
from penstock._src.v1.saving.freezing.functions import FrozenFunctions
from penstock._src.v1.saving.wrapped import WrappedFunction
from penstock._src.v1.variables.collections import variables_initializer

# Dtypes that constants cannot hold.
_HELD = (dtypes.resource, dtypes.variant)


def convert_variables_to_constants_v2(
    func: ConcreteFunction, lower_control_flow: bool = True, aggressive_inlining: bool = False
) -> WrappedFunction:
    """Returns `func` with variables and other captures replaced by their current values, and calls inlined.

    Args:
      func: a concrete function.
      lower_control_flow: accepted; control flow stays functional.
      aggressive_inlining: accepted; all calls are inlined.

    Raises:
      UnimplementedError, ValueError: the function changes a variable; the error is both.
    """
    return _with_values(func, captured_values(func))


# The collection of assignments that run before a session's variables become constants.
VAR_ASSIGN_COLLECTION = "extra_var_assign_ops"


def convert_variables_in_session(
    func: ConcreteFunction, lower_control_flow: bool = True, aggressive_inlining: bool = False
) -> WrappedFunction:
    """Returns `func` with the variables of a graph replaced by their initial values in the current session.

    Assignments in the collection `VAR_ASSIGN_COLLECTION` of the graph run first.

    Args:
      func: a concrete function that was traced while the graph was built.
      lower_control_flow: accepted; control flow stays functional.
      aggressive_inlining: accepted; all calls are inlined.

    Raises:
      RuntimeError: no session is current.
    """
    session = get_default_session()
    if executing_eagerly() or session is None:
        raise RuntimeError(
            "The conversion must be carried out in a Session context: variables of graphs have values there."
        )
    captures = {
        func.arity + position: tensor
        for position, tensor in enumerate(func.captured_inputs)
        if not isinstance(tensor, EagerTensor)
        and (tensor.op.type == "VarHandleOp" or tensor.dtype not in _HELD)
    }
    with session.graph.as_default():
        session.run(variables_initializer(func.graph.variables))
        for assignment in session.graph.get_collection(VAR_ASSIGN_COLLECTION):
            session.run(assignment)
        values = session.run(
            {
                position: tensor
                if tensor.dtype not in _HELD
                else raw.ReadVariableOp(tensor, dtype=tensor.op.get_attr("dtype"))
                for position, tensor in captures.items()
            }
        )
    return _with_values(func, {key: np.asarray(value) for key, value in values.items()})


def without_assignments(func: ConcreteFunction) -> WrappedFunction:
    """Returns `func` like `convert_variables_to_constants_v2`, without the assignments at its end.

    Raises:
      UnimplementedError, ValueError: a result depends on an assignment; the error is both.
    """
    return _with_values(func, captured_values(func), leaves_out_writes=True)


def _with_values(
    func: ConcreteFunction, values: Mapping[int, np.ndarray], leaves_out_writes: bool = False
) -> WrappedFunction:
    """Returns a function with constants in place of some inputs; its results are a list."""
    frozen = freeze(func.graph_function, dict(values), True, leaves_out_writes)
    graph = frozen.graph
    graph.structured_outputs = list(graph.outputs)
    graph.structured_input_signature = func.graph.structured_input_signature
    rest = [t for i, t in enumerate(func.captured_inputs) if func.arity + i not in values]
    for tensor, placeholder in zip(rest, graph.inputs[func.arity :], strict=True):
        graph.replace_capture(tensor, placeholder)
    return WrappedFunction(graph, func.parameters)


def frozen_graph_def(func: ConcreteFunction) -> Any:
    """Returns the GraphDef of `func` with its variables as constants."""
    return convert_variables_to_constants_v2(func).graph.as_graph_def()  # type: ignore[attr-defined]


# Operations that read variables, and their replacements once the variables are constants.
_READERS = {
    "ReadVariableOp": "Identity",
    "ResourceGather": "GatherV2",
    "ResourceGatherNd": "GatherNd",
}


@export(v1=["graph_util.convert_variables_to_constants"])
def convert_variables_to_constants(
    sess: Any,
    input_graph_def: Any,
    output_node_names: Sequence[str],
    variable_names_whitelist: Any = None,
    variable_names_blacklist: Any = None,
) -> Any:
    """Extracts the subgraph of some output nodes, with variables replaced by their values in a session.

    Args:
      sess: the session with the values.
      input_graph_def: the GraphDef of its graph.
      output_node_names: names of the output nodes.
      variable_names_whitelist: names of the variables to convert; all by default.
      variable_names_blacklist: names of the variables to keep.
    """
    part = extract_sub_graph(input_graph_def, list(output_node_names))
    names = {
        node.name
        for node in part.node
        if node.op in ("VarHandleOp", "Variable", "VariableV2")
        and (variable_names_whitelist is None or node.name in variable_names_whitelist)
        and (variable_names_blacklist is None or node.name not in variable_names_blacklist)
    }
    if not names:
        return part
    values = _values_in(sess, {node.name: node for node in part.node if node.name in names})
    result = GraphDef(versions=part.versions, library=part.library)
    kinds = {node.name: node.attr["dtype"].type for node in part.node if node.name in names}
    handles = {node.name for node in part.node if node.name in names and node.op == "VarHandleOp"}
    functions = FrozenFunctions(result.library, _reader_nodes)
    for node in part.node:
        reads = {text: kinds[text] for text in node.input if text in handles}
        if node.name in names:
            result.node.append(_constant_node(node, values[node.name]))
        elif reads:
            result.node.extend(functions.convert(node, reads))
        else:
            result.node.append(node)
    return result


def _reader_nodes(node: Any) -> list[Any] | None:
    return _reader_node(node) if node.op in _READERS else None


def _values_in(sess: Any, nodes: Mapping[str, Any]) -> dict[str, np.ndarray]:
    fetches = {}
    with sess.graph.as_default():
        for name, node in nodes.items():
            tensor = sess.graph.get_tensor_by_name(f"{name}:0")
            if node.op == "VarHandleOp":
                dtype = dtypes.as_dtype(node.attr["dtype"].type)
                tensor = raw.ReadVariableOp(resource=tensor, dtype=dtype)
            fetches[name] = tensor
    return sess.run(fetches)


def _constant_node(node: Any, value: np.ndarray) -> Any:
    constant = NodeDef(name=node.name, op="Const", device=node.device)
    dtype = dtypes.as_dtype(node.attr["dtype"].type)
    constant.attr["dtype"].type = dtype.as_datatype_enum
    constant.attr["value"].tensor.CopyFrom(to_proto(np.asarray(value), dtype))
    return constant


def _reader_node(node: Any) -> list[Any]:
    """The replacement of a node that reads a variable, preceded by the constants that it needs."""
    reader = NodeDef(name=node.name, op=_READERS[node.op], device=node.device)
    reader.input.extend(node.input)
    kind = node.attr["dtype"].type
    if node.op == "ReadVariableOp":
        reader.attr["T"].type = kind
        return [reader]
    reader.attr["Tparams"].type = kind
    reader.attr["Tindices"].type = node.attr["Tindices"].type
    if node.op == "ResourceGatherNd":
        return [reader]
    axis = NodeDef(name=f"{node.name}/axis", op="Const", device=node.device)
    axis.attr["dtype"].type = dtypes.int32.as_datatype_enum
    batches = node.attr["batch_dims"].i
    axis.attr["value"].tensor.CopyFrom(to_proto(np.asarray(batches, np.int32), dtypes.int32))
    reader.input.insert(2, axis.name)
    reader.attr["Taxis"].type = dtypes.int32.as_datatype_enum
    reader.attr["batch_dims"].i = batches
    return [axis, reader]
