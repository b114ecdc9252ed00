"""The values of a graph of objects in a checkpoint: tensors (or slices) by keys, and the message that maps them to objects."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import in_v1_graph
from penstock._src.eager.tensor import EagerTensor
from penstock._src.eager.variable import Variable
from penstock._src.filesystems import files
from penstock._src.ops.io.bundle import BundleReader, remove_bundle
from penstock._src.proto.saved import TrackableObjectGraph
from penstock._src.saving.object_graph import (
    ATTRIBUTES,
    GRAPH_KEY,
    ObjectView,
    attribute_of,
    escaped,
    key_of,
    object_name,
    string_array,
    values_of,
)
from penstock._src.saving.registered import get_registered_saver_name, get_save_function
from penstock._src.util import nest
from penstock._src.util.dataclass import dataclass
from penstock._src.util.export import export
from penstock._src.util.slots import above

# In a graph: the tensors of an object, so that saving again adds no operations. Objects with values are not stored.
Reads = dict[int, tuple[Any, dict[str, Any]]]


@dataclass
class Serialized:
    """Contents of a checkpoint of objects: the message, the tensors by keys, and the object of each."""

    graph: Any
    tensors: dict[str, Any]
    owners: dict[str, Any]
    # For each registered saver: its objects by their names.
    registered: dict[str, dict[str, Any]]

    def arrays(self, session: Any = None) -> dict[str, Any]:
        """The values by keys, with the message: arrays, or {slice: array} for slices of a tensor.

        Args:
          session: has the values of a graph; by default the default session.

        Raises:
          ValueError: values belong to a graph, and there is no session.
        """
        flat = nest.flatten(self.tensors)
        symbolic = [t for t in flat if not isinstance(t, EagerTensor)]
        values: Any = ()
        if symbolic:
            values = session_of(symbolic[0].graph, session).run(symbolic)
        run = iter(values)
        arrays = [t._value if isinstance(t, EagerTensor) else np.asarray(next(run)) for t in flat]
        named: dict[str, Any] = nest.pack_sequence_as(self.tensors, arrays)
        named[GRAPH_KEY] = string_array(self.graph.SerializeToString())
        return named


_PROVIDERS: list[Callable[[], Any]] = []  # at most one


@export("__internal__.tracking.register_session_provider", v1=[])
def register_session_provider(session_provider: Callable[..., Any]) -> None:
    """Keeps the function that returns the session in which checkpoints of graphs are, where none is the default.

    Args:
      session_provider: without arguments; it replaces an earlier one.
    """
    _PROVIDERS[:] = [session_provider]


def session_of(graph: Any, session: Any = None) -> Any:
    """Returns the session that has a graph's values.

    Args:
      graph: the graph.
      session: by default the default session, or that of Keras.

    Raises:
      ValueError: there is none.
    """
    if session is None and _PROVIDERS and above("get_default_session")() is None:
        session = _PROVIDERS[0]()
    return session or graph._default_session()


def serialized(view: ObjectView, reads: Reads | None = None, copies: Any = None) -> Serialized:
    """Returns the content of a checkpoint of the objects.

    Args:
      view: the objects.
      reads: in a graph, the tensors of earlier calls.
      copies: {object: the copy whose values are saved}.
    """
    contents = Serialized(TrackableObjectGraph(), {}, {}, {})
    for path, trackable in view.items():
        node = contents.graph.nodes.add()
        for name, child in view.children(trackable):
            node.children.add(node_id=view.number(child), local_name=name)
        node.has_checkpoint_values.value = True
        trackable = trackable if copies is None or trackable not in copies else copies[trackable]
        saver = get_registered_saver_name(trackable)
        if saver is not None:
            node.registered_saver.name = saver
            node.registered_saver.object_name = object_name(path)
            contents.registered.setdefault(saver, {})[object_name(path)] = trackable
            continue
        values = _read(trackable, reads)
        for name, value in values.items():
            attribute, suffix = attribute_of(trackable, name)
            key = key_of(path, attribute)
            if all(known.name != attribute for known in node.attributes):
                full_name = getattr(trackable, "_shared_name", "")
                node.attributes.add(name=attribute, full_name=full_name, checkpoint_key=key)
            _add(contents, key + suffix, trackable, value)
    _add_slots(view, contents, reads)
    return contents


def _add(content: Serialized, key: str, trackable: Any, value: Any) -> None:
    content.tensors[key] = tensor_of(key, value)
    content.owners[key] = trackable


def tensor_of(name: str, value: Any) -> Any:
    """The tensor of a value that an object gives: a tensor, a function or SaveSpec of it; {slice: tensor} for slices of one."""
    if callable(value) and not hasattr(value, "dtype"):
        value = value()
    if hasattr(value, "slice_spec"):  # a SaveSpec
        value = value.tensor
    if isinstance(value, dict):
        if list(value) != [""]:
            return {part: tensor_of(name, tensor) for part, tensor in value.items()}
        value = value[""]
    return value if isinstance(value, EagerTensor) else convert_to_tensor(value)


def _read(trackable: Any, reads: Reads | None) -> dict[str, Any]:
    """The values of an object; in a graph, the tensors of the first time."""
    if reads is None or not in_v1_graph():
        return values_of(trackable)
    if id(trackable) not in reads:
        tensors = {name: tensor_of(name, value) for name, value in values_of(trackable).items()}
        if any(isinstance(tensor, EagerTensor) for tensor in nest.flatten(tensors)):
            return tensors
        reads[id(trackable)] = trackable, tensors
    return reads[id(trackable)][1]


def slots_of(view: ObjectView) -> Iterator[tuple[Any, Any, str, Any]]:
    """Yield (optimizer, variable, name, slot) of the slots with both optimizer and variable in the view."""
    variables = [trackable for trackable in view.objects if isinstance(trackable, Variable)]
    for trackable in view.objects:
        if not hasattr(trackable, "get_slot_names"):
            continue
        for name, variable in itertools.product(trackable.get_slot_names(), variables):
            slot = _slot(trackable, variable, name)
            if slot is not None:
                yield trackable, variable, name, slot


def _slot(optimizer: Any, variable: Any, name: str) -> Any:
    try:
        return optimizer.get_slot(variable, name)
    except (AttributeError, KeyError):  # Keras 2's optimizers only support their own variables
        return None


def _add_slots(view: ObjectView, content: Serialized, reads: Reads | None) -> None:
    """Adds the slots of optimizers, each under the key of its variable."""
    paths = {id(trackable): path for path, trackable in view.items()}
    for optimizer, variable, name, slot in slots_of(view):
        reference = content.graph.nodes[view.number(optimizer)].slot_variables.add()
        reference.original_variable_node_id = view.number(variable)
        reference.slot_name = name
        reference.slot_variable_node_id = len(content.graph.nodes)
        node = content.graph.nodes.add()
        node.has_checkpoint_values.value = True
        of_variable, of_optimizer = (object_name(paths[id(x)]) for x in (variable, optimizer))
        prefix = f"{of_variable}/.OPTIMIZER_SLOT/{of_optimizer}/{escaped(name)}/{ATTRIBUTES}"
        for value_name, value in _read(slot, reads).items():
            key = f"{prefix}/{escaped(value_name)}"
            _add(content, key, slot, value)
            node.attributes.add(name=value_name, full_name=slot._shared_name, checkpoint_key=key)


def registered_arrays(registered: dict[str, dict[str, Any]], prefix: str) -> dict[str, np.ndarray]:
    """Make registered savers write their objects beside `prefix`; return the written prefixes."""
    values: dict[str, np.ndarray] = {}
    folder = f"{prefix}_temp"
    if registered:
        files.make_folders(folder)
    for number, (name, objects) in enumerate(registered.items()):
        place = convert_to_tensor(f"{folder}/{number}")
        written = get_save_function(name)(trackables=objects, file_prefix=place)
        for part in _texts(written):
            reader = BundleReader(part)
            values.update((key, reader.read(key)) for key in reader.entries)
            remove_bundle(part)
    if registered:
        files.remove_tree(folder)
    return values


def _texts(prefixes: Any) -> Sequence[str]:
    """The paths returned by a registered saver: None, one path or several, as text or tensors."""
    if prefixes is None:
        return []
    flat = np.ravel(
        np.asarray(prefixes.numpy() if hasattr(prefixes, "numpy") else prefixes, object)
    )
    return [os.fsdecode(p.numpy() if hasattr(p, "numpy") else p) for p in flat.tolist()]
