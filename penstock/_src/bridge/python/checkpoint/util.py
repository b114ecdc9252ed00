"""`tensorflow.python.checkpoint.util`: the objects of a checkpoint."""

from typing import Any

from penstock._src.saving.object_graph import ObjectView
from penstock._src.saving.serialized import slots_of


def list_objects(graph_view: Any) -> list[Any]:
    """Returns the objects that are reachable from the root of a view, with the slots of optimizers."""
    view = ObjectView(graph_view.root, {r.name: r.ref for r in graph_view.attached_dependencies})
    return [*view.objects, *(slot for *_, slot in slots_of(view))]
