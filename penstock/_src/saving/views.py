"""CheckpointView: the objects that a checkpoint holds, beside those of a program; and PythonState."""

import abc
import os
from typing import Any

from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import building_unrecorded
from penstock._src.core.errors import NotFoundError
from penstock._src.core.tracking.trackable import Trackable
from penstock._src.eager.context import init_scope
from penstock._src.proto.saved import TrackableObjectGraph
from penstock._src.saving.object_graph import GRAPH_KEY, TrackableView
from penstock._src.saving.restoration import INCONSISTENT, log
from penstock._src.saving.state import CheckpointReader, load_checkpoint
from penstock._src.util.export import export


def keys_by_name(checkpoint: Any) -> dict[str, str]:
    """The keys of variables by their names, in a checkpoint of objects; none in one of names."""
    reader = load_checkpoint(checkpoint)
    if not reader.has_tensor(GRAPH_KEY):
        return {}
    graph = TrackableObjectGraph.FromString(reader.get_tensor(GRAPH_KEY))
    return {
        attribute.full_name: attribute.checkpoint_key
        for node in graph.nodes
        for attribute in node.attributes
        if attribute.full_name
    }


@export("train.CheckpointView", v1=[])
class CheckpointView:
    """The graph of objects in a checkpoint, by the numbers of its nodes.

    Args:
      save_path: the path of the checkpoint.
    """

    def __init__(self, save_path: Any) -> None:
        reader = CheckpointReader(os.fsdecode(save_path))
        if not reader.has_tensor(GRAPH_KEY):
            raise NotFoundError(
                f'The specified checkpoint "{save_path}" does not appear to be object-based.'
            )
        self._graph = TrackableObjectGraph.FromString(reader.get_tensor(GRAPH_KEY))

    @property
    def root(self) -> int:
        """The number of the root: 0."""
        return 0

    def children(self, node_id: int) -> dict[str, int]:
        """Returns the dependencies of a node by name.

        Args:
          node_id: the number of the node.

        Returns:
          A dict from names to numbers.
        """
        return {c.local_name: c.node_id for c in self._graph.nodes[node_id].children}

    def descendants(self) -> list[int]:
        """Returns all nodes, the root first.

        Returns:
          A list of numbers.
        """
        nodes, seen = [0], {0}
        for node in nodes:
            for child in self._graph.nodes[node].children:
                if child.node_id not in seen:
                    seen.add(child.node_id)
                    nodes.append(child.node_id)
        return nodes

    def _descendants_with_paths(self) -> dict[int, str]:
        """The shortest path to each node, from "root"."""
        paths = {0: "root"}
        for node in self.descendants():
            for name, child in self.children(node).items():
                paths.setdefault(child, f"{paths[node]}.{name}")
        return paths

    def match(self, obj: Any) -> dict[int, Any]:
        """Returns the objects below `obj` that match nodes of the checkpoint: {node: object}.

        Args:
          obj: a Trackable, the root.

        Returns:
          A dict.

        Raises:
          ValueError: `obj` has no dependencies of the kind that checkpoints hold.
        """
        if not isinstance(obj, Trackable):
            raise ValueError(f"Expected a Trackable, got {obj} of type {type(obj)}.")
        matched: dict[int, Any] = {self.root: obj}
        waiting = [self.root]
        for node in waiting:
            there = TrackableView.children(matched[node])
            for name, child in self.children(node).items():
                if name in there and child not in matched:
                    matched[child] = there[name]
                    waiting.append(child)
                elif name in there and matched[child] is not there[name]:
                    log.warning(INCONSISTENT, "matching", matched[child], there[name])
        return {node: matched[node] for node in sorted(matched)}

    def diff(self, obj: Any) -> tuple[dict[int, Any], list[int], list[Any]]:
        """Returns the matches, the nodes of the checkpoint alone, and the objects below `obj` alone.

        Args:
          obj: a Trackable, the root.

        Returns:
          (matches, numbers, objects).
        """
        matched = self.match(obj)
        known = {id(trackable) for trackable in matched.values()}
        only_here = [
            trackable
            for trackable in TrackableView(obj).descendants()
            if id(trackable) not in known
        ]
        return matched, [n for n in self.descendants() if n not in matched], only_here


@export("train.experimental.PythonState")
class PythonState(Trackable, abc.ABC):
    """A base for objects that store their state as bytes in Python checkpoints."""

    @abc.abstractmethod
    def serialize(self) -> bytes:
        """Returns the state as bytes."""

    @abc.abstractmethod
    def deserialize(self, string_value: bytes) -> None:
        """Restores the state from bytes.

        Args:
          string_value: what `serialize` returned.
        """

    # Also in a graph: the state is not in a session.
    _restores_at_once = True

    def _serialize_to_tensors(self) -> dict[str, Any]:
        with building_unrecorded(None):
            return {"py_state": convert_to_tensor(self.serialize())}

    def _restore_from_tensors(self, restored_tensors: dict[str, Any]) -> None:
        with init_scope():
            self.deserialize(restored_tensors["py_state"].numpy())
