"""The object graph of a checkpoint: all objects reachable from a root, each by its shortest path.

A value of an object is stored under `<path>/.ATTRIBUTES/<name>`; the TrackableObjectGraph message, stored with the values,
describes the edges.
"""

import functools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.tracking.trackable import Trackable, wrap
from penstock._src.eager.tensor import EagerTensor
from penstock._src.eager.variable import Variable
from penstock._src.function.concrete import ConcreteFunction
from penstock._src.function.function import Function
from penstock._src.proto.saved import TrackableObjectGraph
from penstock._src.util.export import export
from penstock._src.util.signatures import read_only

GRAPH_KEY = "_CHECKPOINTABLE_OBJECT_GRAPH"
_ATTRIBUTES = ".ATTRIBUTES"
Path = tuple[str, ...]


def escaped(name: str) -> str:
    """Escapes a name for keys."""
    return name.replace(".", "..").replace("/", r".S")


def key_of(path: Path, name: str) -> str:
    """The key of a value of the object at `path`."""
    return "/".join([*map(escaped, path), _ATTRIBUTES, escaped(name)])


class ObjectView:
    """The objects reachable from `root`, in breadth-first order.

    Args:
      root: the start.
      attached: additional dependencies of the root, by name.
      save_type: "checkpoint", or "savedmodel" for the objects of a SavedModel.
    """

    def __init__(
        self,
        root: Trackable,
        attached: Mapping[str, Trackable] | None = None,
        save_type: str = "checkpoint",
    ) -> None:
        self.root, self.attached, self.save_type = root, dict(attached or {}), save_type
        self._children: dict[int, list[tuple[str, Any]]] = {}
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

    def _add(self, found: Any, path: Path) -> None:
        self._numbers[id(found)] = len(self.objects)
        self.objects.append(found)
        self.paths.append(path)

    def children(self, parent: Any) -> list[tuple[str, Any]]:
        """The dependencies of an object by name."""
        if self.save_type == "checkpoint":
            found = dict(parent._trackable_children())
        elif id(parent) in self._children:
            return self._children[id(parent)]
        else:
            found = {
                name: child
                for name, child in children_of(parent, self.save_type).items()
                if not isinstance(child, Function | ConcreteFunction)
            }
        if parent is self.root:
            found.update(self.attached)
        self._children[id(parent)] = list(found.items())
        return self._children[id(parent)]

    def number(self, found: Any) -> int:
        """The index of an object."""
        return self._numbers[id(found)]

    def owners(self) -> dict[str, Any]:
        """{key of a value: the object whose value it is}."""
        return {
            key_of(path, name): found for path, found in self.items() for name in values_of(found)
        }

    def items(self) -> Iterator[tuple[Path, Any]]:
        """(path, object) in order."""
        return zip(self.paths, self.objects)


def values_of(trackable: Any) -> dict[str, Any]:
    """The object's own values by name: tensors, or callables that give one."""
    try:
        return dict(trackable._serialize_to_tensors())
    except NotImplementedError:
        return dict(trackable._gather_saveables_for_checkpoint())


def host_value(name: str, value: Any) -> np.ndarray:
    """The array of a value to be saved; in a graph, the one it has in the default session.

    Raises:
      TypeError: it is a value in several slices.
      ValueError: it belongs to a graph, and there is no default session.
    """
    if callable(value) and not hasattr(value, "dtype"):
        value = value()
    if isinstance(value, dict):  # slices, one of which is the whole tensor
        if len(value) != 1:
            raise TypeError(f"{name}: a value in several slices cannot be saved.")
        (value,) = value.values()
    tensor: Any = convert_to_tensor(value)
    if isinstance(tensor, EagerTensor):
        return tensor._value
    return np.asarray(tensor.graph._default_session().run(tensor))


def slots_of(view: ObjectView) -> Iterator[tuple[Any, Any, str, Any]]:
    """(optimizer, variable, name, slot) of the slots whose optimizer and variable are both in the view."""
    variables = [found for found in view.objects if isinstance(found, Variable)]
    for found in view.objects:
        if hasattr(found, "restore_slot"):
            for name in found.get_slot_names():
                for variable in variables:
                    slot = found.get_slot(variable, name)
                    if slot is not None:
                        yield found, variable, name, slot


def _add_slots(view: ObjectView, graph: Any, tensors: dict[str, np.ndarray]) -> None:
    """Adds the slots of optimizers, each under the key of its variable."""
    paths = {id(found): path for path, found in view.items()}
    for optimizer, variable, name, slot in slots_of(view):
        reference = graph.nodes[view.number(optimizer)].slot_variables.add()
        reference.original_variable_node_id = view.number(variable)
        reference.slot_name = name
        reference.slot_variable_node_id = len(graph.nodes)
        node = graph.nodes.add()
        node.has_checkpoint_values.value = True
        of_variable, of_optimizer = (
            "/".join(map(escaped, paths[id(x)])) for x in (variable, optimizer)
        )
        prefix = f"{of_variable}/.OPTIMIZER_SLOT/{of_optimizer}/{escaped(name)}/{_ATTRIBUTES}"
        for value_name, value in values_of(slot).items():
            key = f"{prefix}/{escaped(value_name)}"
            tensors[key] = host_value(key, value)
            node.attributes.add(name=value_name, full_name=slot._shared_name, checkpoint_key=key)


def serialized(view: ObjectView) -> tuple[Any, dict[str, np.ndarray]]:
    """(TrackableObjectGraph, {key: array}) of the objects."""
    graph, tensors = TrackableObjectGraph(), {}
    for path, found in view.items():
        node = graph.nodes.add()
        for name, child in view.children(found):
            node.children.add(node_id=view.number(child), local_name=name)
        node.has_checkpoint_values.value = True
        for name, value in values_of(found).items():
            key = key_of(path, name)
            tensors[key] = host_value(key, value)
            full_name = getattr(found, "_shared_name", "")
            node.attributes.add(name=name, full_name=full_name, checkpoint_key=key)
    _add_slots(view, graph, tensors)
    return graph, tensors


def string_array(data: bytes) -> np.ndarray:
    """A host string scalar."""
    made = np.empty((), object)
    made[()] = data
    return made


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
    """The objects that a checkpoint of `root` contains."""

    def __init__(self, root: Trackable) -> None:
        self._root = root

    root: Trackable = read_only("_root", "The root object.")

    @classmethod
    def children(
        cls, obj: Trackable, save_type: str = "checkpoint", **kwargs: Any
    ) -> dict[str, Any]:
        """Returns the dependencies of an object by name."""
        return children_of(obj, save_type, **kwargs)

    def descendants(self) -> list[Any]:
        """Returns all objects, the root first."""
        found, seen = [self._root], {id(self._root)}
        for held in found:
            for child in self.children(held).values():
                if id(child) not in seen:
                    seen.add(id(child))
                    found.append(child)
        return found

    def diff(self, callback: Callable[..., Any]) -> None:
        """Not supported."""
        raise NotImplementedError("TrackableView.diff")


class Restoration:
    """Restores the values of a checkpoint into objects.

    For an object that does not exist yet, an entry is left in its parent (`_self_deferred`); it gets its values when it is created.
    """

    def __init__(self, reader: Any, graph: Any, attached: Mapping[str, Any]) -> None:
        self.reader, self.graph, self.attached = reader, graph, dict(attached)
        self.bound: dict[int, Any] = {}
        self.numbers: dict[int, int] = {}
        self.used: set[str] = set()
        self.operations: list[tuple[Any, Any]] = []  # (object, what restores it), in a graph
        self.root: Any = None
        # by the number of an optimizer, and of a variable: the slots that wait for the other
        self._slots: dict[int, list[Any]] = {}
        for number, node in enumerate(graph.nodes):
            for slot in node.slot_variables:
                for of in {number, slot.original_variable_node_id}:
                    self._slots.setdefault(of, []).append((number, slot))

    def begin(self, root: Any) -> None:
        """Restores into `root` and its dependencies."""
        self.root = root
        self.bind(0, root)

    def bind(self, number: int, found: Any) -> None:
        """Restores the values of the checkpoint's object `number` into `found`."""
        waiting = [(number, found)]
        while waiting:
            number, found = waiting.pop(0)
            if number in self.bound or id(found) in self.numbers:
                continue
            self.bound[number], self.numbers[id(found)] = found, number
            found._maybe_initialize_trackable()
            self._restore(number, found)
            self._restore_slots(number)
            for child in self.graph.nodes[number].children:
                there = self._child(found, child.local_name)
                if there is not None:
                    waiting.append((child.node_id, there))
                else:
                    self._leave_word(found, child)

    def _restore_slots(self, number: int) -> None:
        """Restores the slots of an optimizer or variable if both are there."""
        for of, slot in self._slots.get(number, ()):
            optimizer = self.bound.get(of)
            variable = self.bound.get(slot.original_variable_node_id)
            if (
                optimizer is not None
                and variable is not None
                and hasattr(optimizer, "restore_slot")
            ):
                at = slot.slot_variable_node_id
                optimizer.restore_slot(slot.slot_name, variable, functools.partial(self.bind, at))

    def _child(self, parent: Any, name: str) -> Any:
        if parent is self.root and name in self.attached:
            return self.attached[name]
        return parent._lookup_dependency(name)

    def _leave_word(self, parent: Any, child: Any) -> None:
        number = child.node_id
        words = parent._self_deferred.setdefault(child.local_name, [])
        words.append(lambda found: self.bind(number, found))

    def _restore(self, number: int, found: Any) -> None:
        attributes = self.graph.nodes[number].attributes
        if not attributes:
            return
        wanted = values_of(found)
        tensors = {}
        for attribute in attributes:
            if attribute.name in wanted and attribute.checkpoint_key in self.reader:
                key = attribute.checkpoint_key
                value = EagerTensor(self.reader.read(key), self.reader.dtype(key))
                kind = getattr(wanted[attribute.name], "dtype", value.dtype)
                if value.dtype != kind:
                    raise InvalidArgumentError(
                        f"tensor_name = {attribute.checkpoint_key}; expected dtype {kind.name} "
                        f"does not equal original dtype {value.dtype.name}"
                    )
                tensors[attribute.name] = value
                self.used.add(attribute.checkpoint_key)
        if tensors:
            restored = found._restore_from_tensors(tensors)
            if STATE.graph is not None:
                self.operations.append((found, restored))

    def unused(self) -> list[Any]:
        """(number, attribute) of the values that were not restored."""
        return [
            (number, attribute)
            for number, node in enumerate(self.graph.nodes)
            for attribute in node.attributes
            if attribute.checkpoint_key not in self.used
        ]

    def path_of(self, number: int) -> str:
        """The path of an object of the checkpoint as text."""
        names = {0: "(root)"}
        waiting = [0]
        while waiting:
            at = waiting.pop(0)
            for child in self.graph.nodes[at].children:
                if child.node_id not in names:
                    names[child.node_id] = f"{names[at]}.{child.local_name}"
                    waiting.append(child.node_id)
            for slot in self.graph.nodes[at].slot_variables:
                names.setdefault(slot.slot_variable_node_id, f"{names[at]}'s {slot.slot_name}")
        return names.get(number, f"(object {number})")
