"""`tensorflow.python.tools.optimize_for_inference_lib`: frozen graphs without what only training needs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from penstock._src.graph.rewriting import remove_training_nodes

from .inference.batch_norms import (
    EPSILON_ATTR,
    INPUT_ORDER,
    fold_batch_norms,
    scale_after_normalization,
)
from .inference.decomposed import fuse_decomposed_batch_norm
from .inference.nodes import (
    node_from_map,
    node_name_from_input,
    nodes_by_name,
    values_from_const,
)
from .inference.placeholders import (
    PLACEHOLDER_WITH_DEFAULT_LIST,
    convert_placeholder_to_const,
    parse_entry,
    parse_nodes_dict,
    strtobool,
)
from .inference.resizes import fuse_resize_and_conv
from .strip_unused_lib import strip_unused

__all__ = [
    "EPSILON_ATTR",
    "INPUT_ORDER",
    "PLACEHOLDER_WITH_DEFAULT_LIST",
    "convert_placeholder_to_const",
    "ensure_graph_is_valid",
    "fold_batch_norms",
    "fuse_decomposed_batch_norm",
    "fuse_resize_and_conv",
    "node_from_map",
    "node_name_from_input",
    "optimize_for_inference",
    "parse_entry",
    "parse_nodes_dict",
    "scale_after_normalization",
    "strtobool",
    "values_from_const",
]


def optimize_for_inference(
    input_graph_def: Any,
    input_node_names: Sequence[str],
    output_node_names: Sequence[str],
    placeholder_type_enum: Any,
    toco_compatible: bool = False,
    placeholder_to_const_names: Sequence[str] | None = None,
) -> Any:
    """Returns the GraphDef of some outputs, with batch norms folded and nothing that only training needs.

    Args:
      input_graph_def: a frozen GraphDef.
      input_node_names: names of nodes that become placeholders.
      output_node_names: names of the outputs.
      placeholder_type_enum: the number of the placeholders' dtype, or a list with one for each.
      toco_compatible: whether to leave resizes before convolutions as they are.
      placeholder_to_const_names: texts `name=True` or `name=False` of boolean placeholders to fix.

    Raises:
      ValueError: the graph has two nodes of one name, or an input that it lacks.
    """
    ensure_graph_is_valid(input_graph_def)
    graph_def = convert_placeholder_to_const(input_graph_def, placeholder_to_const_names)
    graph_def = strip_unused(graph_def, input_node_names, output_node_names, placeholder_type_enum)
    graph_def = remove_training_nodes(graph_def, output_node_names)
    graph_def = fold_batch_norms(fuse_decomposed_batch_norm(graph_def))
    if not toco_compatible:
        graph_def = fuse_resize_and_conv(graph_def, output_node_names)
    ensure_graph_is_valid(graph_def)
    return graph_def


def ensure_graph_is_valid(graph_def: Any) -> None:
    """Checks names and inputs of a GraphDef.

    Raises:
      ValueError: two nodes have the same name, or an input is not in the graph.
    """
    nodes = nodes_by_name(graph_def)
    for node in graph_def.node:
        for source in node.input:
            if node_name_from_input(source) not in nodes:
                raise ValueError("Input for ", node.name, " not found: ", source)
