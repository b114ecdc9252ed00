"""`tensorflow.python.checkpoint.save_util`: the objects of a view as tensors."""

from typing import Any

from penstock._src.bridge.python.util.object_identity import ObjectIdentityDictionary
from penstock._src.saving.object_graph import ObjectView
from penstock._src.saving.serialized import serialized


def serialize_graph_view(
    graph_view: Any,
    object_map: Any = None,
    call_with_mapped_captures: Any = None,
    cache: dict[Any, Any] | None = None,
) -> tuple[Any, dict[Any, Any] | None, dict[str, dict[str, Any]], Any]:
    """Returns the tensors by object and key, feeds, the objects of registered savers, and the message of the graph.

    Args:
      graph_view: the objects.
      object_map: copies whose values are taken in place of those of some objects.
      call_with_mapped_captures: accepted.
      cache: for a graph; its tensors need no feeds, so that the feeds are empty.
    """
    del call_with_mapped_captures
    view = ObjectView(graph_view.root, {r.name: r.ref for r in graph_view.attached_dependencies})
    content = serialized(view, copies=object_map)
    tensors: Any = ObjectIdentityDictionary()
    for key, tensor in content.tensors.items():
        tensors.setdefault(content.owners[key], {})[key] = tensor
    return tensors, None if cache is None else {}, content.registered, content.graph
