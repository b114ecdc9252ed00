"""tf.compat.v1.graph_util: extract and rewrite parts of GraphDefs."""

from collections.abc import Mapping, Sequence
from typing import Any

from penstock._src.proto.graph import GraphDef
from penstock._src.util.export import export


def _node_name(text: str) -> str:
    return text.removeprefix("^").partition(":")[0]


def require_graph_def(value: Any, name: str) -> None:
    """Raises TypeError unless `value`, the argument `name`, is a GraphDef."""
    if not isinstance(value, GraphDef):
        raise TypeError(f"{name} must be a graph_pb2.GraphDef proto, but got type {type(value)}.")


@export(v1=["graph_util.extract_sub_graph"])
def extract_sub_graph(graph_def: Any, dest_nodes: Sequence[str]) -> Any:
    """Returns the GraphDef of the nodes that `dest_nodes` need.

    Args:
      graph_def: a GraphDef.
      dest_nodes: names of nodes.

    Raises:
      TypeError: `graph_def` is not a GraphDef, or `dest_nodes` is a string. AssertionError: a name is not in the graph.
    """
    require_graph_def(graph_def, "graph_def")
    if isinstance(dest_nodes, str):
        raise TypeError(
            f"dest_nodes must be an iterable of strings, but got type {type(dest_nodes)}."
        )
    nodes = {node.name: node for node in graph_def.node}
    for name in dest_nodes:
        assert name in nodes, f"{name} is not in graph"
    kept: set[str] = set()
    pending = list(dest_nodes)
    while pending:
        name = pending.pop()
        if name not in kept and name in nodes:
            kept.add(name)
            pending += map(_node_name, nodes[name].input)
    result = GraphDef()
    result.node.extend(node for node in graph_def.node if node.name in kept)
    result.library.CopyFrom(graph_def.library)
    result.versions.CopyFrom(graph_def.versions)
    return result


@export(v1=["graph_util.remove_training_nodes"])
def remove_training_nodes(input_graph: Any, protected_nodes: Sequence[str] | None = None) -> Any:
    """Returns the GraphDef without the CheckNumerics, Identity and StopGradient nodes that inference can do without.

    Every CheckNumerics goes, with the control dependencies on it. Kept are nodes that pass values on but take part in
    control dependencies or have other nodes placed beside them.

    Args:
      input_graph: a GraphDef.
      protected_nodes: names of nodes to keep.
    """
    protected = set(protected_nodes or ())
    checks = {n.name for n in input_graph.node if n.op == "CheckNumerics"} - protected
    inputs = {
        node.name: [t for t in node.input if t[:1] != "^" or t[1:] not in checks]
        for node in input_graph.node
        if node.name not in checks
    }
    kept = protected | _control_inputs(inputs) | _colocated_with(input_graph)
    passed = {
        node.name: inputs[node.name][0]
        for node in input_graph.node
        if node.op in ("Identity", "StopGradient")
        and node.name not in kept
        and all(t[:1] != "^" for t in inputs[node.name])
    }
    passed |= {node.name: node.input[0] for node in input_graph.node if node.name in checks}

    def source(text: str) -> str:
        while text in passed:
            text = passed[text]
        return text

    result = GraphDef()
    for node in input_graph.node:
        if node.name not in passed:
            copy = result.node.add()
            copy.CopyFrom(node)
            copy.input[:] = map(source, inputs[node.name])
    copy_library_and_versions(input_graph, result)
    return result


def _control_inputs(inputs: Mapping[str, Sequence[str]]) -> set[str]:
    """The names of nodes that are control inputs of others."""
    return {t[1:] for texts in inputs.values() for t in texts if t[:1] == "^"}


def _colocated_with(graph_def: Any) -> set[str]:
    """The names of nodes with which others are placed."""
    groups = (node.attr["_class"].list.s for node in graph_def.node if "_class" in node.attr)
    return {text.decode().removeprefix("loc:@") for group in groups for text in group}


def copy_library_and_versions(source: Any, target: Any) -> None:
    """Copy the functions and versions of another GraphDef, if it has any."""
    if source.library.ByteSize():
        target.library.CopyFrom(source.library)
    if source.versions.ByteSize():
        target.versions.CopyFrom(source.versions)


@export(v1=["graph_util.must_run_on_cpu"])
def must_run_on_cpu(node: Any, pin_variables_on_cpu: bool = False) -> bool:
    """Returns whether a node handles strings or, if asked, variables.

    Args:
      node: an Operation or a NodeDef.
      pin_variables_on_cpu: count variables too.
    """
    definition = getattr(node, "node_def", node)
    if definition.op == "Const":
        return definition.attr["dtype"].type == 7
    return pin_variables_on_cpu and definition.op in ("VarHandleOp", "VariableV2", "Variable")


@export(v1=["graph_util.tensor_shape_from_node_def_name"])
def tensor_shape_from_node_def_name(graph: Any, input_name: str) -> Any:
    """Returns the static shape of a tensor that a node's input names.

    Args:
      graph: a Graph.
      input_name: `node` or `node:index`.
    """
    name = input_name if ":" in input_name else f"{input_name}:0"
    return graph.get_tensor_by_name(name.removeprefix("^")).shape
