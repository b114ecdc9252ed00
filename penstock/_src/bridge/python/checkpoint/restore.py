"""`tensorflow.python.checkpoint.restore`: gives single objects the values of nodes of a checkpoint."""

import os
from typing import Any

from penstock._src.core.tracking.trackable import Trackable
from penstock._src.ops.io.bundle import BundleReader
from penstock._src.saving.object_graph import ATTRIBUTES, attribute_of, values_of
from penstock._src.saving.restoration import Restoration
from penstock._src.saving.saveables import has_serialize_to_tensors
from penstock._src.saving.views import CheckpointView

__all__ = ["restore_nodes"]


def _extract_saveable_name(checkpoint_key: str) -> str:
    """Returns the beginning of a key, up to the name of the value."""
    end = f"{ATTRIBUTES}/"
    return checkpoint_key[: checkpoint_key.index(end) + len(end)]


def restore_nodes(save_path: Any, nodes_to_restore: dict[int, Any]) -> None:
    """Gives objects the values that a checkpoint has of nodes.

    Args:
      save_path: of the checkpoint.
      nodes_to_restore: {number of a node: the object}.

    Raises:
      ValueError: a node is not there, or its values are not those of the object.
    """
    if save_path is None:
        raise ValueError("save_path cannot be empty.")
    if not isinstance(nodes_to_restore, dict):
        raise ValueError("Expecting a dictionary of node_id to Trackable for nodes_to_restore.")
    path = os.fsdecode(save_path)
    view = CheckpointView(path)
    known, graph = set(view.descendants()), view._graph
    for number, node in nodes_to_restore.items():
        if number not in known:
            raise ValueError(
                f"The expected node_id: {number} to Trackable {node} to restore does not exist in the checkpoint."
            )
        if not isinstance(node, Trackable):
            raise ValueError(
                f"Expecting a valid Trackable to node_id: {number} but got trackable: {node}."
            )
    restoration = Restoration(BundleReader(path), graph, {}, path)
    for number, node in nodes_to_restore.items():
        _check(number, node, graph.nodes[number].attributes)
        restoration.give(number, node)


def _check(number: int, trackable: Any, attributes: Any) -> None:
    names = {attribute_of(trackable, name)[0] for name in values_of(trackable)}
    if names and not attributes:
        raise ValueError(
            f"Trackable {trackable} expects checkpointed values but checkpoint does not contain serialized tensors for "
            f"node_id: {number}."
        )
    if not names and attributes:
        raise ValueError(
            f"Trackable {trackable} does not expect checkpointed values but checkpoint contains serialized tensors: "
            f"{attributes} for node_id: {number}."
        )
    if len(names) != len(attributes):
        kind = "serialized_tensors" if has_serialize_to_tensors(trackable) else "saveable_objects"
        raise ValueError(
            f"Size for {kind} for Trackable: {len(names)} did not match size for serialized_tensors for checkpoint: "
            f"{len(attributes)}."
        )
