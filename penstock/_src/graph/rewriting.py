"""tf.compat.v1.graph_util: extract and rewrite parts of GraphDefs."""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

from penstock._src.graph.graph import Graph
from penstock._src.graph.operation import Operation
from penstock._src.proto.graph import GraphDef
from penstock._src.util.export import export


def _node_name(text: str) -> str:
    return text.removeprefix("^").partition(":")[0]


@export(v1=["graph_util.extract_sub_graph"])
def extract_sub_graph(graph_def: Any, dest_nodes: Sequence[str]) -> Any:
    """Returns the GraphDef of the nodes that `dest_nodes` need.

    Args:
      graph_def: a GraphDef.
      dest_nodes: names of nodes.

    Raises:
      TypeError: `dest_nodes` is a string. AssertionError: a name is not in the graph.
    """
    if isinstance(dest_nodes, str):
        raise TypeError("dest_nodes must be an iterable of strings.")
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
    made = GraphDef()
    made.node.extend(node for node in graph_def.node if node.name in kept)
    made.library.CopyFrom(graph_def.library)
    made.versions.CopyFrom(graph_def.versions)
    return made


@export(v1=["graph_util.remove_training_nodes"])
def remove_training_nodes(input_graph: Any, protected_nodes: Sequence[str] | None = None) -> Any:
    """Returns the GraphDef without CheckNumerics and Identity nodes that nothing needs for inference.

    Args:
      input_graph: a GraphDef.
      protected_nodes: names of nodes to keep.
    """
    protected = set(protected_nodes or ())
    controlled = {_node_name(t) for node in input_graph.node for t in node.input if t[0] == "^"}
    passed = {
        node.name: node.input[0]
        for node in input_graph.node
        if node.op in ("CheckNumerics", "Identity")
        and node.name not in protected | controlled
        and len(node.input) == 1
    }

    def source(text: str) -> str:
        while text in passed:
            text = passed[text]
        return text

    made = GraphDef()
    for node in input_graph.node:
        if node.name not in passed:
            copy = made.node.add()
            copy.CopyFrom(node)
            del copy.input[:]
            copy.input.extend(map(source, node.input))
    made.library.CopyFrom(input_graph.library)
    made.versions.CopyFrom(input_graph.versions)
    return made


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


@export("RegisterGradient")
class RegisterGradient:
    """A decorator that names a gradient function, for `Graph.gradient_override_map`.

    Args:
      op_type: the name.
    """

    functions: dict[str, Any] = {}

    def __init__(self, op_type: str) -> None:
        if not isinstance(op_type, str):
            raise TypeError("op_type must be a string")
        self._op_type = op_type

    def __call__(self, f: Any) -> Any:
        """Registers the function `f(op, *gradients)`."""
        if self._op_type in self.functions:
            raise KeyError(f"Registering two gradient with name '{self._op_type}'!")
        self.functions[self._op_type] = f
        return f


@contextlib.contextmanager
def _gradient_override_map(self: Graph, op_type_map: dict[str, str]) -> Iterator[None]:
    """Operations added within this scope take the registered gradients that `op_type_map` names.

    Args:
      op_type_map: {op type: name given to tf.RegisterGradient}.
    """
    if not isinstance(op_type_map, dict):
        raise TypeError(
            f"Argument `op_type_map` must be a dictionary mapping strings to strings. Received {op_type_map}."
        )
    before = self.__dict__.get("_gradient_overrides", {})
    self.__dict__["_gradient_overrides"] = {**before, **op_type_map}
    try:
        yield
    finally:
        self.__dict__["_gradient_overrides"] = before


def _apply_gradient_override(self: Graph, node: Operation) -> None:
    """Applies the map to an operation that was just added."""
    name = self.__dict__.get("_gradient_overrides", {}).get(node.type)
    if name is not None:
        node.gradient_override = RegisterGradient.functions[name]


Graph.gradient_override_map = _gradient_override_map  # type: ignore[attr-defined]
Graph.after_add = _apply_gradient_override  # type: ignore[method-assign]
