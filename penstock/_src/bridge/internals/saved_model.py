"""Low-level access to SavedModels: their messages, nested structures and the classes that revive objects."""

from __future__ import annotations

import os
from typing import Any

from penstock._src.function import structured_values
from penstock._src.saving.saved_model import files
from penstock._src.saving.saved_model.writing import checked_graph
from penstock._src.util.export import export


@export("__internal__.saved_model.encode_structure", v1=[])
def encode_structure(nested_structure: Any) -> Any:
    """Returns the StructuredValue message of a nested structure.

    Args:
      nested_structure: of lists, tuples, dicts, TypeSpecs, shapes, dtypes, numbers, strings and
        None.

    Returns:
      A StructuredValue message.
    """
    return structured_values.encode(nested_structure)


@export("__internal__.saved_model.decode_proto", v1=[])
def decode_proto(proto: Any) -> Any:
    """Returns the nested structure of a StructuredValue message.

    Args:
      proto: a StructuredValue message.

    Returns:
      The structure.
    """
    return structured_values.decode(proto)


def can_encode(nested_structure: Any) -> bool:
    """True if a nested structure has a StructuredValue message."""
    try:
        structured_values.encode(nested_structure)
    except TypeError:
        return False
    return True


@export("__internal__.saved_model.parse_saved_model", v1=[])
def parse_saved_model(export_dir: Any) -> Any:
    """Returns the SavedModel message of a folder.

    Args:
      export_dir: the folder.

    Returns:
      A SavedModel message.

    Raises:
      OSError: there is none.
    """
    return files.parse(os.fsdecode(export_dir))


read_saved_model = parse_saved_model


def get_saved_model_tag_sets(saved_model_dir: Any) -> list[list[str]]:
    """Returns the tags of each MetaGraphDef of a SavedModel."""
    return [
        list(meta.meta_info_def.tags) for meta in parse_saved_model(saved_model_dir).meta_graphs
    ]


def get_meta_graph_def(saved_model_dir: Any, tag_set: str) -> Any:
    """Returns the MetaGraphDef of a SavedModel that has the tags "a,b,...".

    Raises:
      RuntimeError: none has.
    """
    wanted = {tag for tag in tag_set.split(",") if tag}  # "" means no tags
    known = []
    for meta in parse_saved_model(saved_model_dir).meta_graphs:
        tags = meta.meta_info_def.tags
        if set(tags) == wanted:
            return meta
        known.append(",".join(tags))
    raise RuntimeError(
        f"MetaGraphDef associated with tag-set {tag_set} could not be found in the SavedModel. "
        f"Please use one of the following tag-sets: {known}"
    )


def strip_debug_nodes(meta_graph_def: Any) -> None:
    """Takes the debugging operations out of a MetaGraphDef."""
    checked_graph.strip_debug_nodes(meta_graph_def.graph_def)
