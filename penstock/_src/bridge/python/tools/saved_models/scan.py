"""Looks for operations in a SavedModel that touch files or the terminal, or for others that are named."""

from __future__ import annotations

from typing import Any

from penstock._src.bridge.internals.saved_model import get_meta_graph_def, parse_saved_model
from penstock._src.bridge.python.tools.audit.graphs import nodes_of
from penstock._src.bridge.python.tools.saved_models.tags import clean_tags

DENIED = {"WriteFile", "ReadFile", "PrintV2"}


def scan(folder: str, tag_set: str | None = None, denied: str | None = None) -> None:
    """Prints which MetaGraphDefs hold denied operations.

    Args:
      folder: of the SavedModel.
      tag_set: "tag,tag" of one MetaGraphDef; all by default.
      denied: "Op,Op"; `DENIED` by default.
    """
    names = {op.strip() for op in denied.split(",") if op.strip()} if denied else DENIED
    if tag_set:
        graphs = [get_meta_graph_def(folder, clean_tags(tag_set))]
    else:
        graphs = parse_saved_model(folder).meta_graphs
    for meta in graphs:
        scan_meta_graph_def(meta, names)


def scan_meta_graph_def(meta_graph_def: Any, op_denylist: set[str]) -> None:
    """Prints which operations of a set a MetaGraphDef or any function in it holds."""
    graph = meta_graph_def.graph_def
    # All functions: branches and loops run as well as called functions.
    denied = op_denylist & {node.op for _, node in nodes_of(graph)}
    start = f"MetaGraph with tag set {meta_graph_def.meta_info_def.tags}"
    if denied:
        print(f"{start} contains the following denylisted ops:", denied)
    else:
        print(f"{start} does not contain the default denylisted ops:", op_denylist)
