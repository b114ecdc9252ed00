"""`tensorflow.python.tools.strip_unused_lib`: graphs without the nodes that outputs do not need."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from google.protobuf import text_format

from penstock._src.api.io import gfile
from penstock._src.graph.rewriting import extract_sub_graph
from penstock._src.proto.graph import GraphDef


def strip_unused(
    input_graph_def: Any,
    input_node_names: Sequence[str],
    output_node_names: Sequence[str],
    placeholder_type_enum: Any,
) -> Any:
    """Returns the GraphDef of what output nodes need, with placeholders in place of input nodes.

    Args:
      input_graph_def: a GraphDef.
      input_node_names, output_node_names: names of nodes.
      placeholder_type_enum: the number of the placeholders' dtype, or a list with one for each.

    Raises:
      ValueError: an input is the name of a tensor.
      KeyError: an input is not in the graph.
    """
    for name in input_node_names:
        if ":" in name:
            raise ValueError(f"Name '{name}' appears to refer to a Tensor, not an Operation.")
    missing = set(input_node_names) - {node.name for node in input_graph_def.node}
    if missing:
        raise KeyError(f"The following input nodes were not found: {missing}.")
    graph_def = GraphDef(versions=input_graph_def.versions, library=input_graph_def.library)
    for node in input_graph_def.node:
        copy = graph_def.node.add()
        if node.name not in input_node_names:
            copy.CopyFrom(node)
            continue
        kind = placeholder_type_enum
        if isinstance(kind, list):
            kind = kind[list(input_node_names).index(node.name)]
        copy.op, copy.name = "Placeholder", node.name
        copy.attr["dtype"].type = kind
        for attribute in ("_output_shapes", "shape"):
            if attribute in node.attr:
                copy.attr[attribute].CopyFrom(node.attr[attribute])
    return extract_sub_graph(graph_def, list(output_node_names))


def strip_unused_from_files(
    input_graph: Any,
    input_binary: bool,
    output_graph: Any,
    output_binary: bool,
    input_node_names: str,
    output_node_names: str,
    placeholder_type_enum: Any,
) -> int | None:
    """Strips a graph in a file, binary or text; returns -1 if there is no such file or no output.

    Args:
      input_graph, output_graph: paths.
      input_binary, output_binary: whether the files are binary.
      input_node_names, output_node_names: names of nodes, separated by commas.
      placeholder_type_enum: the number of the placeholders' dtype.
    """
    if not gfile.exists(input_graph):
        print(f"Input graph file '{input_graph}' does not exist!")
        return -1
    if not output_node_names:
        print("You need to supply the name of a node to --output_node_names.")
        return -1
    graph = GraphDef()
    with gfile.GFile(input_graph, "rb" if input_binary else "r") as file:
        if input_binary:
            graph.ParseFromString(file.read())
        else:
            text_format.Merge(file.read(), graph)
    stripped = strip_unused(
        graph, input_node_names.split(","), output_node_names.split(","), placeholder_type_enum
    )
    with gfile.GFile(output_graph, "wb" if output_binary else "w") as file:
        file.write(
            stripped.SerializeToString() if output_binary else text_format.MessageToString(stripped)
        )
    print(f"{len(stripped.node)} ops in the final graph.")
    return None
