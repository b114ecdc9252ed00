"""The numbered objects of a SavedModel: trackables, their functions, and captures."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.tracking.data_structures import TrackableDataStructure
from penstock._src.core.tracking.trackable import Trackable, TrackableReference
from penstock._src.eager.asset import Asset
from penstock._src.eager.tensor import EagerTensor
from penstock._src.eager.trackable_resource import TrackableResource
from penstock._src.function.concrete import ConcreteFunction
from penstock._src.function.function import Function
from penstock._src.function.function import function as make_function
from penstock._src.graph.static_values import get_static_value
from penstock._src.saving.object_graph import ByIdentity, ObjectView, children_of, object_name
from penstock._src.saving.registered import get_registered_saver_name
from penstock._src.saving.saved_model.custom_gradients import CapturedTensor
from penstock._src.saving.saved_model.object_values import Pair, saver_functions, value_functions
from penstock._src.util import nest
from penstock._src.util.lazy import is_instance_of

_WRAPPERS = {
    "ListWrapper": "trackable_list_wrapper",
    "List": "trackable_list_wrapper",
    "_DictWrapper": "trackable_dict_wrapper",
    "_OrderedDictWrapper": "trackable_dict_wrapper",
    "Mapping": "trackable_dict_wrapper",
}


class SignatureMap(Mapping[str, ConcreteFunction], Trackable):
    """The signatures of a SavedModel by name, as a child of the root. It cannot be changed by users."""

    def __init__(self, functions: dict[str, ConcreteFunction] | None = None) -> None:
        self.functions = functions or {}

    def __getitem__(self, key: str) -> ConcreteFunction:
        try:
            return self.functions[key]
        except KeyError:
            known = ", ".join(map(repr, self.functions)) or "none"
            raise KeyError(f"{key!r}: no such signature. Signatures are: {known}.") from None

    def __iter__(self) -> Iterator[str]:
        return iter(self.functions)

    def __len__(self) -> int:
        return len(self.functions)

    def __repr__(self) -> str:
        return f"_SignatureMap({self.functions})"

    def _trackable_children(self, save_type: str = "checkpoint", **kwargs: Any) -> dict[str, Any]:
        del kwargs
        return dict(self.functions) if save_type == "savedmodel" else {}

    __hash__ = object.__hash__


_WITHOUT_VALUES = Function, ConcreteFunction, SignatureMap


class Constant:
    """A captured tensor.

    Raises:
      ValueError: it belongs to a graph, and its value is not the same in every run.
    """

    def __init__(self, tensor: Any) -> None:
        self.dtype = tensor.dtype
        eager = isinstance(tensor, EagerTensor)
        self.value: Any = tensor._value if eager else get_static_value(tensor)
        if self.value is None:
            raise ValueError(
                f"Attempted to save a function that references a symbolic Tensor {tensor} that is not a simple constant. "
                "This is not supported."
            )
        if not eager:
            self.value = np.asarray(self.value, object if self.dtype is dtypes.string else None)


def is_variable(value: Any) -> bool:
    """True if an object is a variable or wraps one, as in Keras."""
    handle = getattr(value, "handle", None)
    return handle is not None and getattr(handle, "dtype", None) is dtypes.resource


def _identity(handle: Any) -> int:
    """A number of a resource's handle, eager or of a graph."""
    return id(handle._value) if isinstance(handle, EagerTensor) else handle._id


def _is_dataset(tensor: Any) -> bool:
    """True if a tensor is the variant of a dataset."""
    return isinstance(tensor, EagerTensor) and is_instance_of(
        tensor._value, "penstock._src.ops.data.pipeline", "Pipeline"
    )


def is_resource(trackable: Any) -> bool:
    """True if an object owns a resource that loading creates again, such as a table."""
    create = getattr(type(trackable), "_create_resource", TrackableResource._create_resource)
    return create is not TrackableResource._create_resource


def identifier_of(trackable: Any) -> str:
    """The identifier of the object's class in the file."""
    if isinstance(trackable, SignatureMap):
        return "signature_map"
    if isinstance(trackable, tuple):
        return "trackable_tuple_wrapper"
    if isinstance(trackable, TrackableDataStructure):
        return _WRAPPERS.get(type(trackable).__name__, "_generic_user_object")
    return getattr(trackable, "_object_identifier", "_generic_user_object")


def _attributes(trackable: Any) -> dict[str, Any]:
    return getattr(trackable, "__dict__", {})


class SavedChildren:
    """The children of objects in one SavedModel, computed once per object: properties may create them."""

    def __init__(self) -> None:
        self._cache: dict[Any, Any] = {}  # for classes that make their children for a SavedModel
        self._found: dict[int, tuple[Any, dict[str, Any]]] = {}

    def of(self, trackable: Any) -> dict[str, Any]:
        """The children of an object by name."""
        if id(trackable) not in self._found:
            children = children_of(trackable, "savedmodel", cache=self._cache)
            before = dict(_attributes(trackable))
            for function in [c for c in children.values() if isinstance(c, Function)]:
                traces_of(function)
            # Tracing may have made variables, and other attributes.
            if any(
                before.get(n, before) is not value for n, value in _attributes(trackable).items()
            ):
                children = children_of(trackable, "savedmodel", cache=self._cache)
            self._found[id(trackable)] = trackable, children
        return dict(self._found[id(trackable)][1])

    def functions_of(self, trackable: Any) -> dict[str, Any]:
        """The tf.functions and traces among them."""
        kinds = Function, ConcreteFunction
        return {n: child for n, child in self.of(trackable).items() if isinstance(child, kinds)}


class ModelObjects:
    """All objects below a root, in the order of their numbers."""

    def __init__(
        self, root: Any, signatures: dict[str, ConcreteFunction], saved_children: SavedChildren
    ) -> None:
        self.root, self._saved_children = root, saved_children
        self.signatures = SignatureMap(signatures)
        self.objects: list[Any] = []
        self.children: list[list[tuple[str, Any]]] = []
        self._numbers: dict[int, int] = {}
        self._by_handle: dict[int, int] = {}
        self._constants: dict[int, int] = {}
        self.value_functions: dict[int, dict[str, Pair]] = {}  # by the number of an object
        self.add(root)
        at = 0
        while at < len(self.objects):
            children = self._children_of(self.objects[at])
            self.children.append(children)
            for _, child in children:
                self.add(child)
            self._add_value_functions(self.objects[at])
            at += 1
        self.savers = self._saver_functions()
        for function in (*self.concrete_functions(), *nest.flatten(self.savers)):
            for tensor in function.captured_inputs:
                self.captured(tensor, function)

    def _saver_functions(self) -> list[Pair]:
        """The functions of registered savers for the objects that they save."""
        by_saver: dict[str, dict[str, Any]] = {}
        for path, trackable in self.view().items():
            saver = get_registered_saver_name(trackable)
            if saver is not None:
                by_saver.setdefault(saver, {})[object_name(path)] = trackable
        return [saver_functions(trackable, saver) for saver, trackable in by_saver.items()]

    def add(self, trackable: Any) -> int:
        """The number of an object, which is added if it is new."""
        number = self._numbers.get(id(trackable))
        if number is None:
            number = self._numbers[id(trackable)] = len(self.objects)
            self.objects.append(trackable)
            if is_variable(trackable):
                self._by_handle[_identity(trackable.handle)] = number
                for part in getattr(getattr(trackable.handle, "_value", None), "parts", ()):
                    self._by_handle[id(part)] = number
            elif isinstance(trackable, Asset):
                self._constants[trackable.asset_path._id] = number
            elif is_resource(trackable):
                self._by_handle[_identity(trackable.resource_handle)] = number
        return number

    def _add_value_functions(self, trackable: Any) -> None:
        """Adds the functions for the values of an object that is not a variable."""
        if (
            not isinstance(trackable, Trackable)
            or isinstance(trackable, Function)
            or is_variable(trackable)
        ):
            return
        pairs = value_functions(trackable)
        if pairs:
            self.value_functions[self.add(trackable)] = pairs
        for function in nest.flatten(list(pairs.values())):
            self.add(function)

    def _children_of(self, trackable: Any) -> list[tuple[str, Any]]:
        if isinstance(trackable, Function):
            return [(f"trace_{at}", trace) for at, trace in enumerate(traces_of(trackable))]
        if not isinstance(trackable, Trackable) or is_variable(trackable):
            return []
        children = self._saved_children.of(trackable)
        if is_resource(trackable):
            children.update(_life_of(trackable))
        if trackable is self.root:
            if not isinstance(children.get("signatures", self.signatures), SignatureMap):
                raise ValueError(
                    f"Exporting an object {trackable} which has an attribute named 'signatures'. This is a reserved attribute "
                    "used to store SavedModel signatures in objects which come from `tf.saved_model.load`. Delete this "
                    "attribute before saving if this shadowing is acceptable."
                )
            children["signatures"] = self.signatures
        return [(name, child) for name, child in children.items() if _writable(child)]

    def view(self) -> ObjectView:
        """The objects with values to save, under their names in the SavedModel."""
        children = {
            id(parent_object): own_children
            for parent_object, own_children in zip(self.objects, self.children)
        }

        def values_below(parent: Any) -> list[tuple[str, Any]]:
            named_children = children.get(id(parent), [])
            return [(n, c) for n, c in named_children if not isinstance(c, _WITHOUT_VALUES)]

        return ObjectView(self.root, children=values_below)

    def node_paths(self) -> dict[Any, tuple[Any, ...]]:
        """The references from the root to each object."""
        paths: dict[int, tuple[Any, ...]] = {id(self.root): ()}
        for parent, children in zip(self.objects, self.children):
            for name, child in children:
                paths.setdefault(id(child), (*paths[id(parent)], TrackableReference(name, child)))
        return ByIdentity(self.objects, paths)

    def concrete_functions(self) -> list[ConcreteFunction]:
        """All traces, each once."""
        by_name: dict[str, ConcreteFunction] = {}
        for trackable in self.objects:
            for concrete in traces_of(trackable):
                by_name.setdefault(concrete.graph_function.name, concrete)
        return list(by_name.values())

    def captured(self, tensor: Any, function: ConcreteFunction) -> int:
        """The object number of a capture.

        Raises:
          AssertionError: it is the handle of an object that is not reachable from the root.
        """
        if isinstance(tensor, CapturedTensor):
            return self._append(tensor)
        if tensor._id in self._constants:
            return self._constants[tensor._id]
        if tensor.dtype is dtypes.resource or _is_dataset(tensor):
            number = self._by_handle.get(_identity(tensor))
            if number is None:
                raise AssertionError(
                    "Tried to export a function which references an 'untracked' resource. "
                    "TensorFlow objects (e.g. tf.Variable) captured by functions must be 'tracked' "
                    "by assigning them to an attribute of a tracked object or assigned to an "
                    f"attribute of the main object directly. See the information below:\n"
                    f"\tFunction name = {function.graph_function.name}\n\tCaptured Tensor = {tensor!r}"
                )
            return number
        number = self._constants[tensor._id] = self._append(Constant(tensor))
        return number

    def _append(self, trackable: Any) -> int:
        """The number of a new object without children."""
        self.objects.append(trackable)
        self.children.append([])
        return len(self.objects) - 1


def _life_of(trackable: Any) -> dict[str, Any]:
    """The functions that create, initialize and destroy a resource."""
    names = ("_create_resource", "_initialize", "_destroy_resource")
    return {name: _stage(getattr(trackable, name)) for name in names if hasattr(trackable, name)}


def _stage(method: Any) -> Function:
    if isinstance(method, Function):  # it was loaded
        return method

    def stage() -> Any:
        result = method()
        return result if hasattr(result, "dtype") else 1

    return make_function(stage, input_signature=[], autograph=False)


def _writable(child: Any) -> bool:
    return isinstance(child, (Trackable, Function, ConcreteFunction, SignatureMap))


def traces_of(trackable: Any) -> list[ConcreteFunction]:
    """The traces of a function."""
    if isinstance(trackable, ConcreteFunction):
        return [trackable]
    if isinstance(trackable, Function):
        return trackable._list_all_concrete_functions_for_serialization()
    return []
