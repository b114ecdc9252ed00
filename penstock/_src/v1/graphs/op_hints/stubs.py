"""tf.compat.v1.lite.experimental.convert_op_hints_to_stubs: one node in place of each marked part of a graph."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection
from typing import Any

from penstock._src.api.printing import make_tensor_proto
from penstock._src.core import dtypes
from penstock._src.proto.graph import GraphDef, NodeDef
from penstock._src.util.export import export

from .calls import Call, Operand, Summary, base_name, calls_among
from .hints import OpHint
from .stacks import without_redundant_stacks


@export(v1=["lite.experimental.convert_op_hints_to_stubs"])
def convert_op_hints_to_stubs(
    session: Any = None,
    graph_def: Any = None,
    write_callback: Callable[[Any, str], None] = lambda graph_def, comments: None,
) -> Any:
    """Returns a GraphDef with one node in place of each part that an OpHint marks.

    The node's op is the name that the hint gives, so the graph is for converters only.

    Args:
      session: a session whose graph is converted.
      graph_def: a GraphDef to convert instead.
      write_callback: called with each intermediate GraphDef and a comment.

    Raises:
      ValueError: both or none of `session` and `graph_def` are given.

    Example: see `tf.compat.v1.lite.OpHint`.
    """
    if session is not None and graph_def is not None:
        raise ValueError("Provide only one of session and graph_def.")
    if session is None and graph_def is None:
        raise ValueError("Must specify session or graph_def as input.")
    current = session.graph_def if graph_def is None else graph_def
    for call in reversed(sorted(calls_among(current.node), key=lambda c: c.level)):
        if call.level < 2:
            current = _converted(call, current)
            write_callback(current, "initial")
            continue
        children, current, inner_names = _children(call, current)
        _connect(call, children)
        for child in children:
            current = _converted(child, current, inner_names, child is children[-1])
    return without_redundant_stacks(current)


def find_all_hinted_output_nodes(session: Any = None, graph_def: Any = None) -> list[str]:
    """Returns the names of all marked outputs of a session's graph or of a GraphDef.

    Args:
      session: a session.
      graph_def: a GraphDef.

    Raises:
      ValueError: both are given.
    """
    if session is not None and graph_def is not None:
        raise ValueError("Provide only one of session and graph_def.")
    nodes = session.graph_def.node if session is not None else graph_def.node
    return [name for call in calls_among(nodes) for name in call.output_names()]


def is_ophint_converted(graph_def: Any) -> bool:
    """Returns whether a GraphDef has marked inputs.

    Raises:
      ValueError: there is no GraphDef.
    """
    if graph_def is None:
        raise ValueError("Must provide the graph_def.")
    return any(OpHint.FUNCTION_INPUT_INDEX_ATTR in node.attr for node in graph_def.node)


def _converted(
    call: Call, graph_def: Any, inner_names: Collection[str] = (), is_last: bool = True
) -> Any:
    """The GraphDef with one node in place of a part.

    Args:
      call: the part.
      graph_def: the GraphDef.
      inner_names: names of nodes that were copied from functions.
      is_last: whether nodes that lead nowhere are left out.
    """
    summary = Summary(graph_def)
    outputs = call.output_names()
    before = summary.needed_by(call.input_names())
    until = summary.needed_by(outputs)
    replaced = until - before - set(outputs)
    result = GraphDef(library=graph_def.library, versions=graph_def.versions)
    result.node.extend(
        summary.nodes[name] for name in sorted(before, key=summary.position.__getitem__)
    )
    _add_stub(call, result)
    for name, node in summary.nodes.items():
        is_after = name not in before and name not in inner_names
        if name not in until and (is_after or not is_last):
            if replaced.isdisjoint(summary.sources[name]):
                result.node.append(node)
    return result


def _add_stub(call: Call, graph: Any) -> None:
    """Adds the node of a part, its inputs, and the identities that read it."""
    absent = NodeDef(name=f"Const{uuid.uuid1().hex}", op="Const")
    absent.attr["dtype"].type = dtypes.float32.as_datatype_enum
    absent.attr["value"].tensor.CopyFrom(make_tensor_proto([-1.0], dtype=dtypes.float32))
    graph.node.append(absent)
    stub = NodeDef(name=call.uuid, op=call.function_name)
    for index in range(max(call.inputs) + 1):
        operand = call.inputs.get(index)
        stub.input.append(absent.name if operand is None else operand.as_input(graph))
    stub.attr[OpHint.TFLITE_INPUT_INDICES].list.i.extend(sorted(call.inputs))
    graph.node.append(stub)
    for index in sorted(call.outputs):
        call.outputs[index].add_outputs(graph, stub.name, index)


def _children(call: Call, graph_def: Any) -> tuple[list[Call], Any, set[str]]:
    """The parts inside the loops of a part; the GraphDef with the nodes of the loops' bodies, and their names."""
    summary = Summary(graph_def)
    outputs = call.output_names()
    within = summary.needed_by(outputs) - summary.needed_by(call.input_names()) - set(outputs)
    bodies = {function.signature.name: function for function in graph_def.library.function}
    inner_graph = GraphDef(library=graph_def.library, versions=graph_def.versions)
    children: list[Call] = []
    inner_names: set[str] = set()
    for node in graph_def.node:
        inner_graph.node.append(node)
        if base_name(node.name) in within and node.op in ("While", "StatelessWhile"):
            inner = _inlined(bodies[node.attr["body"].func.name], node.input)
            children += _in_order(inner)
            inner_names.update(copy.name for copy in inner)
            inner_graph.node.extend(inner)
    assert children, f"The part {call.function_name} has level {call.level}, but no part inside."
    return children, inner_graph, inner_names


def _inlined(function: Any, arguments: Any) -> list[Any]:
    """The nodes of a function, with arguments in place of its parameters."""
    parameters = [parameter.name for parameter in function.signature.input_arg]
    replacements = dict(zip(parameters, arguments, strict=True))
    copies = [type(node).FromString(node.SerializeToString()) for node in function.node_def]
    for copy in copies:
        copy.input[:] = [replacements.get(text, text) for text in copy.input]
    return copies


def _in_order(nodes: list[Any]) -> list[Call]:
    """The parts among the nodes of a function, in the order of their first outputs."""
    position = {base_name(node.name): i for i, node in enumerate(nodes)}
    return sorted(calls_among(nodes), key=lambda c: min(position[n] for n in c.output_names()))


def _connect(parent: Call, children: list[Call]) -> None:
    """Connect each inner part to the previous one, and the first and last to the parent's inputs and outputs."""
    for pair in parent.mappings["parent_first_child_input"]:
        source = _operand(parent.inputs, pair["parent_ophint_input_index"])
        _set(children[0].inputs, pair["first_child_ophint_input_index"], source)
    for before, after in zip(children[:-1], children[1:], strict=True):
        for pair in parent.mappings["internal_children_input_output"]:
            _set(
                after.inputs,
                pair["child_input_index"],
                _operand(before.outputs, pair["child_output_index"]),
            )
    for pair in parent.mappings["parent_last_child_output"]:
        source = _operand(parent.outputs, pair["parent_output_index"])
        _set(children[-1].outputs, pair["child_output_index"], source)


def _operand(operands: dict[int, Operand], index: int) -> Operand:
    return operands[max(operands) if index == -1 else index]


def _set(operands: dict[int, Operand], index: int, value: Operand) -> None:
    operands[max(operands) if index == -1 else index] = value
