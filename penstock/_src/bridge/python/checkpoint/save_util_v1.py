"""`tensorflow.python.checkpoint.save_util_v1`: the objects of a view as saveables."""

import contextlib
from typing import Any

from penstock._src.bridge.internals.tracking import saveable_objects_from_trackable
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.saving.object_graph import GRAPH_KEY, ObjectView, key_of
from penstock._src.saving.serialized import serialized
from penstock._src.v1.saving.saveables import SaveableObject, SaveSpec


def serialize_gathered_objects(
    graph_view: Any,
    object_map: Any = None,
    call_with_mapped_captures: Any = None,
    saveables_cache: Any = None,
) -> tuple[list[Any], Any, Any, dict[str, dict[str, Any]]]:
    """Returns the saveables of a view, its message, feeds (None), and the objects of registered savers.

    Args:
      graph_view: the objects.
      object_map: copies to take in place of some of them.
      call_with_mapped_captures, saveables_cache: accepted.
    """
    view = ObjectView(graph_view.root, {r.name: r.ref for r in graph_view.attached_dependencies})
    content = serialized(view)

    def copy_of(trackable: Any) -> Any:
        return (
            trackable
            if object_map is None or trackable not in object_map
            else object_map[trackable]
        )

    registered = {
        saver: {name: copy_of(trackable) for name, trackable in objects.items()}
        for saver, objects in content.registered.items()
    }
    own = {
        id(trackable) for objects in content.registered.values() for trackable in objects.values()
    }
    saveables = [
        factory(key_of(path, attribute))
        for path, trackable in view.items()
        if id(trackable) not in own
        for attribute, factory in saveable_objects_from_trackable(copy_of(trackable)).items()
    ]
    return saveables, content.graph, None, registered


class _ObjectGraph(SaveableObject):
    """The message of a graph of objects, which is saved and not restored."""

    def __init__(self, message: Any) -> None:
        text = convert_to_tensor(message.SerializeToString())
        super().__init__(text, [SaveSpec(text, "", GRAPH_KEY)], GRAPH_KEY)

    def restore(self, restored_tensors: Any, restored_shapes: Any) -> Any:
        """Does nothing."""
        return raw.NoOp()


def frozen_saveables_and_savers(
    graph_view: Any,
    object_map: Any = None,
    to_graph: Any = None,
    call_with_mapped_captures: Any = None,
    saveables_cache: Any = None,
) -> tuple[list[Any], dict[str, dict[str, Any]]]:
    """Returns the saveables of a view with its message, and the objects of registered savers.

    Args:
      graph_view: the objects.
      object_map: copies to take in place of some of them.
      to_graph: the graph for new operations; by default the current one.
      call_with_mapped_captures, saveables_cache: accepted.
    """
    with contextlib.nullcontext() if to_graph is None else to_graph.as_default():
        gathered = serialize_gathered_objects(
            graph_view, object_map, call_with_mapped_captures, saveables_cache
        )
        saveables, message, _, registered = gathered
        return [*saveables, _ObjectGraph(message)], registered
