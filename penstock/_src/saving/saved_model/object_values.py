"""Functions of a SavedModel that read and set the values of an object other than a variable, such as a mutable table.

An object that gives all its values at once has one pair under the name `WHOLE`: `save() -> {name: tensor}` and
`restore({name: tensor})`. Otherwise each attribute of checkpoints has a pair: `save(key) -> [{name, slice_spec, tensor}]`,
where the names are keys of a checkpoint, and `restore(*tensors)`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from penstock._src.compiler.host.running import run_on_host
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.specs import TensorSpec
from penstock._src.eager.variable import Variable
from penstock._src.function.concrete import ConcreteFunction
from penstock._src.function.function import function as make_function
from penstock._src.graph.operation import Operation, SymbolicTensor
from penstock._src.saving.object_graph import legacy_name_of
from penstock._src.saving.registered import (
    get_registered_saver_name,
    get_restore_function,
    get_save_function,
)
from penstock._src.saving.saveables import has_serialize_to_tensors, saveable_factories
from penstock._src.util import nest

WHOLE = ".TENSORS"


class Pair(NamedTuple):
    """The function that reads the values of an object, and the one that sets them."""

    save: ConcreteFunction
    restore: ConcreteFunction


def value_functions(trackable: Any) -> dict[str, Pair]:
    """The functions for the values of an object, traced now unless it was loaded with them."""
    if isinstance(trackable, Variable) or getattr(trackable, "_restores_at_once", False):
        return {}
    if get_registered_saver_name(trackable) is not None or acts_as_variable(trackable):
        return {}
    if not has_serialize_to_tensors(trackable):
        pairs = {n: _by_key(factory) for n, factory in saveable_factories(trackable).items()}
        return {name: pair for name, pair in pairs.items() if pair is not None}
    legacy = legacy_name_of(trackable)
    try:
        return (
            {WHOLE: trace_save_and_restore(trackable)}
            if not legacy
            else {legacy: _shared(trackable)}
        )
    except NotImplementedError:
        return {}


def acts_as_variable(trackable: Any) -> bool:
    """True if an object is not a variable but is saved as one."""
    return bool(getattr(trackable, "_should_act_as_resource_variable", False))


def saver_functions(objects: Mapping[str, Any], saver: str) -> Pair:
    """The functions of a registered saver for a file's prefix: the first returns the prefixes of the files it wrote."""
    path = TensorSpec([], dtypes.string, "prefix")

    def save(prefix: Any) -> Any:
        written = get_save_function(saver)(trackables=objects, file_prefix=prefix)
        parts = written if isinstance(written, list | tuple) else [written]
        return [convert_to_tensor(part) for part in parts if part is not None]

    def restore(prefix: Any) -> Any:
        return _done(get_restore_function(saver)(trackables=objects, merged_prefix=prefix))

    functions = [make_function(f, input_signature=[path], autograph=False) for f in (save, restore)]
    return Pair(*(function.get_concrete_function() for function in functions))


def trace_save_and_restore(trackable: Any) -> Pair:
    """Traces the methods of an object that give its values and set them."""
    save, restore = trackable._serialize_to_tensors, trackable._restore_from_tensors
    prefix = legacy_name_of(trackable) or ""

    def save_fn() -> dict[str, Any]:
        return {f"{prefix}{name}": value for name, value in save().items()}

    def restore_fn(restored_tensors: Mapping[str, Any]) -> Any:
        tensors = {name.removeprefix(prefix): t for name, t in restored_tensors.items()}
        return _done(restore(tensors))

    if not isinstance(save, ConcreteFunction):
        save = make_function(save_fn, autograph=False).get_concrete_function()
    if not isinstance(restore, ConcreteFunction):
        specs = nest.map_structure(_spec, save.graph.structured_outputs)
        restore = make_function(restore_fn, autograph=False).get_concrete_function(specs)
    return Pair(save, restore)


def _spec(tensor: Any) -> TensorSpec:
    return TensorSpec(tensor.shape, tensor.dtype)


def _done(result: Any) -> Any:
    """Return the result of a function that sets values: a tensor to fetch."""
    del result
    return convert_to_tensor(1)


def _trace(save: Any, restore: Any) -> Pair:
    """Traces a function of a key and one of the tensors that it gives."""
    key = TensorSpec([], dtypes.string, "checkpoint_key")
    saved = make_function(save, input_signature=[key], autograph=False).get_concrete_function()
    specs = [_spec(entry["tensor"]) for entry in saved.graph.structured_outputs]
    restored = make_function(restore, autograph=False).get_concrete_function(*specs)
    return Pair(saved, restored)


def _entry(name: Any, tensor: Any, slice_spec: Any = "") -> dict[str, Any]:
    return {"name": name, "slice_spec": slice_spec, "tensor": tensor}


def _shared(trackable: Any) -> Pair:
    """Return the functions of an object with values that share an attribute of checkpoints."""
    names: list[str] = []

    def save_fn(checkpoint_key: Any) -> list[dict[str, Any]]:
        values = trackable._serialize_to_tensors()
        names[:] = values
        return [_entry(checkpoint_key + name, tensor) for name, tensor in values.items()]

    def restore_fn(*restored_tensors: Any) -> Any:
        return _done(
            trackable._restore_from_tensors(dict(zip(names, restored_tensors, strict=True)))
        )

    return _trace(save_fn, restore_fn)


def _by_key(factory: Any) -> Pair | None:
    """The functions of an older saveable, which `factory` makes for a key; None for one that is a value itself."""
    if isinstance(factory, RestoredSaveables):
        return factory.pair
    if not callable(factory) or hasattr(factory, "dtype"):
        return None
    saveables: list[Any] = []

    def save_fn(checkpoint_key: Any) -> list[dict[str, Any]]:
        built = factory(name=checkpoint_key)
        saveables[:] = built if isinstance(built, list | tuple) else [built]
        specs = [spec for saveable in saveables for spec in saveable.specs]
        return [_entry(spec.name, spec.tensor, spec.slice_spec) for spec in specs]

    def restore_fn(*restored_tensors: Any) -> Any:
        remaining = iter(restored_tensors)
        for saveable in saveables:
            saveable.restore([next(remaining) for _ in saveable.specs], None)
        return _done(None)

    return _trace(save_fn, restore_fn)


class RestoredSpec(NamedTuple):
    """A tensor of a loaded object, with its key in a checkpoint."""

    name: str
    slice_spec: str
    tensor: Any

    @property
    def dtype(self) -> dtypes.DType:
        """The type of the tensor."""
        return self.tensor.dtype


class RestoredSaveable:
    """Some values of a loaded object."""

    def __init__(self, pair: Pair, name: str) -> None:
        self.name, self._pair = name, pair
        entries = pair.save(convert_to_tensor(name))
        parts = names_for(pair.save, name)
        self.specs = [
            RestoredSpec(key, part, entry["tensor"])
            for entry, (key, part) in zip(entries, parts, strict=True)
        ]

    def restore(self, restored_tensors: Any, restored_shapes: Any = None) -> Any:
        """Sets the values."""
        del restored_shapes
        return self._pair.restore(*restored_tensors)


class RestoredSaveables:
    """Makes the saveable of a loaded object for a key."""

    def __init__(self, pair: Pair) -> None:
        self.pair = pair

    def __call__(self, name: str) -> RestoredSaveable:
        """Returns the saveable."""
        return RestoredSaveable(self.pair, name)


def names_for(save: ConcreteFunction, key: str) -> list[tuple[str, str]]:
    """The names and slices that a function returns for a key. Its operations run on the host: in a graph, tensors have no values."""
    entries = save.graph.structured_outputs
    wanted = [entry[name] for entry in entries for name in ("name", "slice_spec")]
    (source,) = save.inputs[: save.arity]
    values: dict[int, Any] = {source._id: np.array(key.encode(), object)}
    for op in _behind(wanted, source):  # few operations: one by one is sooner than a program
        results = run_on_host(op, [values[tensor._id] for tensor in op._inputs])
        values.update((t._id, value) for t, value in zip(op._outputs, results, strict=True))
    texts = [values[tensor._id].item().decode() for tensor in wanted]
    return list(zip(texts[::2], texts[1::2], strict=True))


def _behind(tensors: list[SymbolicTensor], source: SymbolicTensor) -> list[Operation]:
    """Return the operations that compute tensors from `source`, in order."""
    reached: dict[Operation, None] = {}
    waiting = list(tensors)
    while waiting:
        tensor = waiting.pop()
        if tensor is not source and tensor.op not in reached:
            reached[tensor.op] = None
            waiting.extend(tensor.op._inputs)
    return sorted(reached, key=lambda op: op.position)
