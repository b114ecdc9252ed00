"""Resources of graphs that are to be initialized: `tensorflow.python.ops.resources`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from penstock._src.api.array.indexing import boolean_mask
from penstock._src.api.control import scopes
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.v1.graphs.default_graph import get_default_graph
from penstock._src.v1.variables.collections import GraphKeys


class _Resource(NamedTuple):
    """The handle of a resource, the operation that creates it, and whether it exists."""

    handle: Any
    create: Any
    is_initialized: Any


def register_resource(
    handle: Any, create_op: Any, is_initialized_op: Any, is_shared: bool = True
) -> None:
    """Adds a resource to a collection of the graph, of shared resources or of the session's own."""
    collection = GraphKeys.RESOURCES if is_shared else GraphKeys.LOCAL_RESOURCES
    resource = _Resource(handle, create_op, is_initialized_op)
    get_default_graph().add_to_collection(collection, resource)


def shared_resources() -> list[_Resource]:
    """Returns the resources that all tasks see."""
    return get_default_graph().get_collection(GraphKeys.RESOURCES)


def local_resources() -> list[_Resource]:
    """Returns the resources of the session."""
    return get_default_graph().get_collection(GraphKeys.LOCAL_RESOURCES)


def report_uninitialized_resources(
    resource_list: Sequence[_Resource] | None = None,
    name: str = "report_uninitialized_resources",
) -> Any:
    """Returns the names of the resources that are not initialized, by default among all of the graph."""
    if resource_list is None:
        resource_list = shared_resources() + local_resources()
    with scopes.name_scope(name):
        if not resource_list:
            return convert_to_tensor([], dtypes.string)
        done = raw.Pack(values=[resource.is_initialized for resource in resource_list])
        names = convert_to_tensor([resource.handle.name for resource in resource_list])
        return boolean_mask(names, raw.LogicalNot(x=done))


def initialize_resources(resource_list: Sequence[_Resource], name: str = "init") -> Any:
    """Returns the operation that creates the resources."""
    return scopes.group(*[resource.create for resource in resource_list], name=name)
