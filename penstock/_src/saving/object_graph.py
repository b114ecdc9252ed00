"""The object graph of a checkpoint: all objects reachable from a root, each by its shortest path.

A value of an object is stored under `<path>/.ATTRIBUTES/<name>`; the TrackableObjectGraph message, stored with the values,
describes the edges.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from penstock._src.core.tracking.trackable import Trackable, wrap
from penstock._src.saving.saveables import (
    SaveableCompatibilityConverter,
    has_serialize_to_tensors,
    saveable_factories,
    saveables_by_attribute,
)
from penstock._src.util.export import export
from penstock._src.util.signatures import read_only

GRAPH_KEY = "_CHECKPOINTABLE_OBJECT_GRAPH"
ATTRIBUTES = ".ATTRIBUTES"
Path = tuple[str, ...]


def escaped(name: str) -> str:
    """Escapes a name for keys."""
    return name.replace(".", "..").replace("/", r".S")


def key_of(path: Path, name: str) -> str:
    """The key of a value of the object at `path`."""
    return "/".join([*map(escaped, path), ATTRIBUTES, escaped(name)])


def object_name(path: Path) -> str:
    """The name of the object at `path` in keys."""
    return "/".join(map(escaped, path))


class ObjectView:
    """The objects reachable from `root`, in breadth-first order.

    Args:
      root: the start.
      attached: additional dependencies of the root, by name.
      children: returns the dependencies of an object; by default those for checkpoints.
    """

    def __init__(
        self,
        root: Trackable,
        attached: Mapping[str, Trackable] | None = None,
        children: Callable[[Any], list[tuple[str, Any]]] | None = None,
    ) -> None:
        self.root, self.attached, self._children = root, dict(attached or {}), children
        self.objects: list[Any] = []
        self.paths: list[Path] = []
        self._numbers: dict[int, int] = {}
        self._add(root, ())
        at = 0
        while at < len(self.objects):
            for name, child in self.children(self.objects[at]):
                if id(child) not in self._numbers:
                    self._add(child, (*self.paths[at], name))
            at += 1

    def _add(self, trackable: Any, path: Path) -> None:
        self._numbers[id(trackable)] = len(self.objects)
        self.objects.append(trackable)
        self.paths.append(path)

    def children(self, parent: Any) -> list[tuple[str, Any]]:
        """The dependencies of an object by name."""
        if self._children is not None:
            return self._children(parent)
        dependencies = dict(parent._trackable_children())
        if parent is self.root:
            dependencies.update(self.attached)
        return list(dependencies.items())

    def number(self, trackable: Any) -> int:
        """The index of an object."""
        return self._numbers[id(trackable)]

    def items(self) -> Iterator[tuple[Path, Any]]:
        """(path, object) in order."""
        return zip(self.paths, self.objects)


def values_of(trackable: Any) -> dict[str, Any]:
    """The object's own values by name: tensors, or callables that give one."""
    if not has_serialize_to_tensors(trackable):
        saveables = saveables_by_attribute(trackable)
        specs = [spec for saveable in saveables.values() for spec in getattr(saveable, "specs", ())]
        plain = {
            name: saveable for name, saveable in saveables.items() if not hasattr(saveable, "specs")
        }
        return plain | {spec.name: spec.tensor for spec in specs}
    try:
        return dict(trackable._serialize_to_tensors())
    except NotImplementedError:
        return {}


def give_values(trackable: Any, tensors: dict[str, Any]) -> Any:
    """Set an object's values by name; in a graph, return the operation that does."""
    if has_serialize_to_tensors(trackable):
        return trackable._restore_from_tensors(tensors)
    saveables = saveables_by_attribute(trackable).values()
    return SaveableCompatibilityConverter(trackable, list(saveables))._restore_from_tensors(tensors)


class Conversion:
    """Switch: while `forced`, values of all objects get keys of their own, even those that share one in older formats."""

    forced = False


def legacy_name_of(trackable: Any) -> str | None:
    """The name of the attribute that all values of an object share, as those of tables do; None if each has its own."""
    return None if Conversion.forced else getattr(trackable, "_legacy_saveable_name", None)


def attribute_of(trackable: Any, name: str) -> tuple[str, str]:
    """(attribute, suffix of its key) of a value: an attribute is one value, or some that share it."""
    legacy = legacy_name_of(trackable)
    if legacy is not None:
        return legacy, name
    if not has_serialize_to_tensors(trackable):
        for attribute in saveable_factories(trackable):
            if name.startswith(attribute):
                return attribute, name[len(attribute) :]
    return name, ""


class ByIdentity(dict):
    """A dictionary keyed by object identity, because objects need not be hashable."""

    def __init__(self, objects: list[Any], values: dict[int, Any]) -> None:
        super().__init__(values)
        self._objects = objects  # kept alive, so that their identities stay theirs

    def __getitem__(self, key: Any) -> Any:
        return super().__getitem__(id(key))


def string_array(data: bytes) -> np.ndarray:
    """A host string scalar."""
    array = np.empty((), object)
    array[()] = data
    return array


def children_of(obj: Any, save_type: str, **kwargs: Any) -> dict[str, Any]:
    """The dependencies of an object by name; with lists and dicts as trackable containers."""
    children = {}
    for name, child in obj._trackable_children(save_type, **kwargs).items():
        child = wrap(child)
        if hasattr(child, "_trackable_children"):
            children[name] = child
    return children


@export("train.TrackableView", v1=[])
class TrackableView:
    """The objects that a checkpoint of `root` contains.

    Args:
      root: a Trackable.
    """

    def __init__(self, root: Trackable) -> None:
        self._root = root

    root: Trackable = read_only("_root", "The root object.")

    @classmethod
    def children(
        cls, obj: Trackable, save_type: str = "checkpoint", **kwargs: Any
    ) -> dict[str, Any]:
        """Returns the dependencies of an object by name.

        Args:
          obj: a Trackable.
          save_type: "checkpoint" or "savedmodel".
          **kwargs: of the object's own method.

        Returns:
          A dict.
        """
        return children_of(obj, save_type, **kwargs)

    def descendants(self) -> list[Any]:
        """Returns all objects, the root first.

        Returns:
          A list.
        """
        objects, seen = [self._root], {id(self._root)}
        for parent in objects:
            for child in self.children(parent).values():
                if id(child) not in seen:
                    seen.add(id(child))
                    objects.append(child)
        return objects

    def diff(self, callback: Callable[..., Any]) -> None:
        """Not supported.

        Args:
          callback: of an object.
        """
        raise NotImplementedError("TrackableView.diff")
