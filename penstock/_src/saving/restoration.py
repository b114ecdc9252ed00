"""Restoration of a program's objects from a checkpoint: now, or when they are created."""

import functools
import itertools
import logging
from collections.abc import Mapping
from typing import Any

from penstock._src.api.variables import SaveSliceInfo
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE, in_v1_graph
from penstock._src.core.errors import InvalidArgumentError, NotFoundError
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape, as_shape
from penstock._src.core.tracking.trackable import Trackable
from penstock._src.eager.context import init_scope
from penstock._src.eager.execute import is_unobserved
from penstock._src.eager.restored_variables import restore
from penstock._src.eager.tensor import EagerTensor
from penstock._src.eager.variable import ResourceVariable, Variable
from penstock._src.saving.object_graph import (
    ObjectView,
    attribute_of,
    give_values,
    has_serialize_to_tensors,
    values_of,
)
from penstock._src.saving.registered import (
    get_registered_saver_name,
    get_restore_function,
    get_strict_predicate_restore,
    validate_restore_function,
)
from penstock._src.saving.serialized import slots_of
from penstock._src.util import nest

# In a graph, by the identity of an object: the object, the placeholders of its values, and the operation that assigns them.
Assignments = dict[int, tuple[Any, dict[str, Any], Any]]

NUMBERS = itertools.count()
VALUE = "VARIABLE_VALUE"  # the attribute of a variable
log = logging.getLogger("tensorflow")
INCONSISTENT = (
    "Inconsistent references when %s the checkpoint into this object graph. Two objects of the program, %s and %s, "
    "stand where the checkpoint has one."
)


class CheckpointValues:
    """Reads values of a checkpoint, and assigns them to objects.

    Of several restorations of one object the latest counts, although an earlier one may reach the object last.

    Args:
      reader: of the checkpoint.
      assignments: in a graph, what earlier restorations added to it.
    """

    def __init__(self, reader: Any, assignments: Assignments | None) -> None:
        self.reader, self._assignments = reader, assignments
        self.number = next(NUMBERS)
        self.feeds: dict[Any, Any] = {}  # in a graph, the values of placeholders

    def _is_latest(self, trackable: Any) -> bool:
        """True unless a later restoration has the object; this one becomes its latest."""
        if trackable._update_uid > self.number:
            return False
        trackable._update_uid = self.number
        return True

    def _value(self, key: str, like: Any) -> Any:
        """The tensor of a key; {slice: tensor} for an object that gives such."""
        if isinstance(like, dict) and list(like) != [""]:
            return {part: self._value_of_slice(key, part, one) for part, one in like.items()}
        return self._checked(key, self.reader.read(key), like)

    def _value_of_slice(self, key: str, part: str, like: Any) -> EagerTensor:
        info = SaveSliceInfo.from_spec(part)
        return self._checked(
            key, self.reader.read_slice(key, info.var_offset, info.var_shape), like
        )

    def _checked(self, key: str, array: Any, like: Any) -> EagerTensor:
        value = EagerTensor(array, self.reader.dtype(key))
        kind = getattr(like, "dtype", value.dtype)
        if value.dtype != kind:
            raise InvalidArgumentError(
                f"tensor_name = {key}; expected dtype {kind.name} "
                f"does not equal original dtype {value.dtype.name}"
            )
        return value

    def _wanted_in_graph(self, trackable: Any) -> dict[str, Any]:
        """The values of an object without new operations, if there was a restoration before."""
        assignment = (self._assignments or {}).get(id(trackable))
        return assignment[1] if assignment is not None else values_of(trackable)

    def _assignment(self, trackable: Any, tensors: dict[str, Any]) -> Any:
        """Return, in a graph, the operation that restores an object, from placeholders if it is used again."""
        if self._assignments is None:
            constant = STATE.graph.constant
            return give_values(
                trackable, nest.map_structure(lambda t: constant(t._value, t.dtype, None), tensors)
            )
        assignment = self._assignments.get(id(trackable))
        if assignment is None or _shapes(assignment[1]) != _shapes(tensors):
            places = nest.map_structure(
                lambda tensor: raw.Placeholder(dtype=tensor.dtype, shape=tensor.shape), tensors
            )
            assignment = trackable, places, give_values(trackable, dict(places))
            self._assignments[id(trackable)] = assignment
        values = [tensor._value for tensor in nest.flatten(tensors)]
        self.feeds.update(zip(nest.flatten(assignment[1]), values, strict=True))
        return assignment[2]


class Restoration(CheckpointValues):
    """Restores the values of a checkpoint into objects.

    For an object that does not exist yet, an entry is left in its parent (`_self_deferred`); it gets its values when it is created.

    Args:
      reader: of the checkpoint.
      graph: its TrackableObjectGraph.
      attached: additional dependencies of the root.
      prefix: of the checkpoint's files, for registered savers.
      assignments: in a graph, what earlier restorations added to it.
      skips_slots: whether the slots of optimizers are left as they are.
    """

    def __init__(
        self,
        reader: Any,
        graph: Any,
        attached: Mapping[str, Any],
        prefix: str = "",
        assignments: Assignments | None = None,
        skips_slots: bool = False,
    ) -> None:
        super().__init__(reader, assignments)
        self.graph, self.attached, self.prefix = graph, dict(attached), prefix
        self.bound: dict[int, Any] = {}
        self.numbers: dict[int, int] = {}
        self.used: set[str] = set()
        self.operations: list[tuple[Any, Any]] = []  # (object, its restore operation), in a graph
        self.root: Any = None
        self._registered: dict[str, dict[str, Any]] = {}
        # by the number of an optimizer, and of a variable: the slots that wait for the other object
        self._slots: dict[int, list[Any]] = {}
        slots = [slot for node in graph.nodes for slot in node.slot_variables]
        self.skipped = {slot.slot_variable_node_id for slot in slots} if skips_slots else set()
        for number, node in enumerate(graph.nodes):
            for slot in () if skips_slots else node.slot_variables:
                for of in {number, slot.original_variable_node_id}:
                    self._slots.setdefault(of, []).append((number, slot))

    def begin(self, root: Any) -> None:
        """Restores into `root` and its dependencies."""
        self.root = root
        self.bind(0, root)
        self._run_registered()

    def bind(self, number: int, trackable: Any) -> None:
        """Restores the values of the checkpoint's object `number` into `trackable`, and its dependencies."""
        with init_scope():  # it may have been made while a function is traced
            self._bind(number, trackable)

    def _bind(self, number: int, trackable: Any) -> None:
        waiting = [(number, trackable)]
        while waiting:
            number, trackable = waiting.pop(0)
            if number in self.bound or id(trackable) in self.numbers:
                if self.bound.get(number, trackable) is not trackable:
                    log.warning(INCONSISTENT, "loading", self.bound[number], trackable)
                continue
            self.bound[number], self.numbers[id(trackable)] = trackable, number
            trackable._maybe_initialize_trackable()
            if self._is_latest(trackable):
                self.give(number, trackable)
            else:
                attributes = self.graph.nodes[number].attributes
                self.used.update(attribute.checkpoint_key for attribute in attributes)
            self._restore_slots(number)
            children = self.graph.nodes[number].children
            dependencies = _dependencies(trackable) if len(children) > 1 else None
            for child in children:
                there = self._child(trackable, child.local_name, dependencies)
                if there is not None:
                    waiting.append((child.node_id, there))
                else:
                    self._leave_word(trackable, child)

    def _restore_slots(self, number: int) -> None:
        """Restores the slots of an optimizer or variable if both are there."""
        for of, slot in self._slots.get(number, ()):
            optimizer = self.bound.get(of)
            variable = self.bound.get(slot.original_variable_node_id)
            if optimizer is not None and variable is not None:
                self._restore_slot(optimizer, slot, variable)

    def _restore_slot(self, optimizer: Any, slot: Any, variable: Any) -> None:
        at = slot.slot_variable_node_id
        if hasattr(optimizer, "restore_slot"):
            optimizer.restore_slot(slot.slot_name, variable, functools.partial(self.bind, at))
        elif hasattr(optimizer, "_create_or_restore_slot_variable"):  # Keras 2
            position = SlotPosition(self, at)
            slot_variable = optimizer._create_or_restore_slot_variable(
                slot_variable_position=position, slot_name=slot.slot_name, variable=variable
            )
            if slot_variable is not None:
                position.restore(slot_variable)

    def _child(self, parent: Any, name: str, dependencies: dict[str, Any] | None) -> Any:
        if parent is self.root and name in self.attached:
            return self.attached[name]
        return parent._lookup_dependency(name) if dependencies is None else dependencies.get(name)

    def _leave_word(self, parent: Any, child: Any) -> None:
        number = child.node_id
        words = parent._self_deferred.setdefault(child.local_name, [])

        def restore(trackable: Any) -> None:
            self.bind(number, trackable)
            self._run_registered()

        words.append(restore)

    def give(self, number: int, trackable: Any) -> None:
        """Restore an object from the checkpoint's object `number`, without its dependencies."""
        node = self.graph.nodes[number]
        saver, attributes = node.registered_saver.name, node.attributes
        if saver:
            self._add_registered(saver, number, trackable)
            return
        if not attributes:
            return
        if type(trackable) is ResourceVariable and self._give_value(attributes, trackable):
            return
        current = get_registered_saver_name(trackable)
        if current is not None:  # its class has got a saver since the checkpoint was written
            self._add_migrated(current, trackable, attributes)
            return
        wanted = values_of(trackable) if not in_v1_graph() else self._wanted_in_graph(trackable)
        tensors = {}
        keys = {attribute.name: attribute.checkpoint_key for attribute in attributes}
        for name, value in wanted.items():
            shared, suffix = attribute_of(trackable, name)
            for attribute, end in ((shared, suffix), (name, "")):
                key = keys.get(attribute, "") + end
                if key in self.reader and name not in tensors:
                    tensors[name] = self._value(key, value)
                    self.used.add(keys[attribute])
        if not tensors:
            return
        if has_serialize_to_tensors(trackable) and len(tensors) < len(wanted):
            raise self._not_found(set(wanted) - set(tensors), attributes[0].checkpoint_key)
        if not in_v1_graph() or getattr(trackable, "_restores_at_once", False):
            give_values(trackable, tensors)
        else:
            self.operations.append((trackable, self._assignment(trackable, tensors)))

    def _give_value(self, attributes: Any, variable: Variable) -> bool:
        """Restores a variable without ops; False if that is to be done, or refused, in the general way."""
        key = attributes[0].checkpoint_key
        is_plain = len(attributes) == 1 and attributes[0].name == VALUE and key in self.reader
        if not is_plain or not is_unobserved() or get_registered_saver_name(variable) is not None:
            return False
        if self.reader.dtype(key) != variable.dtype:
            return False
        if not restore(variable, self.reader.read(key)):
            return False
        self.used.add(key)
        return True

    def _not_found(self, names: set[str], key: str) -> Exception:
        """The error for an object with only some of its values saved, others under `key`."""
        missing = "".join(key.rpartition("/.ATTRIBUTES/")[:2]) + min(names)
        return NotFoundError(
            f"Error when restoring from checkpoint or SavedModel at {self.prefix}: Key {missing} not found in checkpoint"
        )

    def _add_registered(self, saver: str, number: int, trackable: Any) -> None:
        """Notes an object for its registered saver.

        Raises:
          ValueError: there is no such saver, or it does not accept the object and is strict.
        """
        try:
            validate_restore_function(trackable, saver)
        except ValueError:
            if get_strict_predicate_restore(saver):
                raise
            return
        name = self.graph.nodes[number].registered_saver.object_name
        self._registered.setdefault(saver, {})[name] = trackable

    def _add_migrated(self, saver: str, trackable: Any, attributes: Any) -> None:
        """Make a registered saver restore the only value that a checkpoint holds of an object, under its key.

        Raises:
          ValueError: the checkpoint holds several.
        """
        if len(attributes) > 1:
            raise ValueError(
                f"{trackable} has the registered saver '{saver}', and the checkpoint has several values of it: only one can "
                "be passed on."
            )
        self._registered.setdefault(saver, {})[attributes[0].checkpoint_key] = trackable
        self.used.add(attributes[0].checkpoint_key)

    def _run_registered(self) -> None:
        """Make registered savers restore the objects that were bound since the last time."""
        waiting, self._registered = self._registered, {}
        for saver, objects in waiting.items():
            restore = get_restore_function(saver)
            restore(trackables=objects, merged_prefix=convert_to_tensor(self.prefix))

    def unused(self) -> list[Any]:
        """(number, attribute) of the values that were not restored."""
        return [
            (number, attribute)
            for number, node in enumerate(self.graph.nodes)
            for attribute in node.attributes
            if attribute.checkpoint_key not in self.used and number not in self.skipped
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


class NamedRestoration(CheckpointValues):
    """Restores variables by their names, from a checkpoint of TensorFlow 1: of objects, of those added to them later, and slots.

    In a graph nothing happens before `run`.

    Args:
      reader: of the checkpoint.
      root, attached: as for `ObjectView`.
      assignments: in a graph, what earlier restorations added to it.
    """

    def __init__(
        self, reader: Any, root: Any, attached: Mapping[str, Any], assignments: Assignments | None
    ) -> None:
        super().__init__(reader, assignments)
        self.root, self.attached = root, attached
        self._restored: dict[int, Any] = {}
        if not in_v1_graph():
            self._take(ObjectView(root, attached))

    def _take(self, view: ObjectView) -> None:
        for trackable in view.objects:
            if self._take_later not in trackable._self_named_restores:
                trackable._self_named_restores.append(self._take_later)
        for trackable in _with_slots(view):
            wanted = values_of(trackable) if self._is_latest(trackable) else {}
            key = _name_of(trackable)
            if list(wanted) == [VALUE] and key in self.reader:
                give_values(trackable, {VALUE: self._value(key, wanted[VALUE])})
            elif wanted:
                continue
            self._restored[id(trackable)] = trackable

    def _take_later(self, trackable: Any) -> None:
        with init_scope():  # it may have been made while a function is traced
            self._take(ObjectView(trackable))

    def run(self, session: Any) -> None:
        """Restores the values of a graph.

        Raises:
          NotFoundError: a value is not in the checkpoint; then none is restored.
        """
        operations = []
        trackables = _with_slots(ObjectView(self.root, self.attached))
        for trackable in trackables:
            wanted = self._wanted_in_graph(trackable)
            key = _name_of(trackable)
            if wanted and (list(wanted) != [VALUE] or key not in self.reader):
                raise NotFoundError(f"Key {key} not found in checkpoint: {trackable}")
            if wanted:
                tensors = {VALUE: self._value(key, wanted[VALUE])}
                operations.append(self._assignment(trackable, tensors))
        session.run(operations, feed_dict=self.feeds)
        for trackable in trackables:
            trackable._update_uid = max(trackable._update_uid, self.number)
            self._restored[id(trackable)] = trackable

    def unrestored(self) -> list[tuple[Any, str]]:
        """Returns the objects with values that are there now and were not restored, and their names."""
        return [
            (trackable, _name_of(trackable))
            for trackable in _with_slots(ObjectView(self.root, self.attached))
            if id(trackable) not in self._restored
            and (isinstance(trackable, Variable) or values_of(trackable))
        ]


def _with_slots(view: ObjectView) -> list[Any]:
    """The objects of a view and the slots of its optimizers, each once."""
    slots = (slot for *_, slot in slots_of(view))
    return list({id(trackable): trackable for trackable in (*view.objects, *slots)}.values())


def _name_of(trackable: Any) -> str:
    """The name of a variable in checkpoints of TensorFlow 1; a part of a partitioned one has the name of the whole."""
    info = getattr(trackable, "_get_save_slice_info", lambda: None)()
    return info.full_name if info is not None else getattr(trackable, "_shared_name", "")


def _dependencies(trackable: Any) -> dict[str, Any] | None:
    """The dependencies of an object by name, so that all lookups list them once; None if its class has its own lookup."""
    has_own_way = type(trackable)._lookup_dependency is not Trackable._lookup_dependency
    return None if has_own_way else trackable._trackable_children()


def _shapes(tensors: dict[str, Any]) -> dict[str, Any]:
    return {name: nest.map_structure(lambda t: t.shape, value) for name, value in tensors.items()}


class SlotPosition:
    """A slot in a checkpoint, in the form that Keras 2's optimizers expect; they may keep it until they create the slot.

    Args:
      restoration: of the checkpoint.
      number: of the slot among the checkpoint's objects.
    """

    def __init__(self, restoration: Any, number: int) -> None:
        self._restoration, self._number = restoration, number
        self.restore_uid = restoration.number

    def is_simple_variable(self) -> bool:
        """True if the slot is a single value of a variable."""
        names = [a.name for a in self._restoration.graph.nodes[self._number].attributes]
        return names == ["VARIABLE_VALUE"]

    def value(self) -> EagerTensor:
        """Returns the value."""
        attribute = self._restoration.graph.nodes[self._number].attributes[0]
        reader = self._restoration.reader
        return EagerTensor(
            reader.read(attribute.checkpoint_key), reader.dtype(attribute.checkpoint_key)
        )

    def value_shape(self) -> TensorShape:
        """Returns the shape of the value."""
        return as_shape(self.value().shape)

    def restore(self, slot: Any) -> None:
        """Restore a slot that has been created."""
        self._restoration.bind(self._number, slot)
