"""Iterators over datasets and optional elements: tf.data.Iterator, NumpyIterator, Optional."""

import collections.abc
import functools
from typing import Any

import numpy as np

from penstock._src.api.sparse.sparse_tensor import SparseTensor
from penstock._src.core import dtypes
from penstock._src.core.calls.tracebacks import shorten
from penstock._src.core.composite import CompositeTensor
from penstock._src.core.dispatch import STATE
from penstock._src.core.errors import OutOfRangeError
from penstock._src.core.registry import raw
from penstock._src.core.specs import TensorSpec, TypeSpec
from penstock._src.core.tracking.trackable import Trackable
from penstock._src.data import structure
from penstock._src.data.options import ExternalStatePolicy
from penstock._src.eager.placed.logical import all_placed
from penstock._src.eager.tensor import EagerTensor
from penstock._src.ops.data_iterators.handle import END
from penstock._src.util import nest
from penstock._src.util.export import export
from penstock._src.util.process import forks
from penstock._src.util.signatures import read_only


@export("data.Iterator", v1=[])
class IteratorBase(collections.abc.Iterator):
    """An iterator over a dataset: `next(iterator)` and `iterator.get_next()` return the next element.

    A checkpoint keeps its position.

    >>> iterator = iter(tf.data.Dataset.range(2))
    >>> next(iterator).numpy(), iterator.get_next().numpy()
    (np.int64(0), np.int64(1))
    """

    @property
    def element_spec(self) -> Any:
        """The structure of TypeSpecs of the elements."""
        raise NotImplementedError("Iterator.element_spec")

    def get_next(self) -> Any:
        """Returns the next element.

        Returns:
          A structure of tensors.

        Raises:
          OutOfRangeError: there is none.
        """
        raise NotImplementedError("Iterator.get_next()")

    def get_next_as_optional(self) -> Any:
        """Returns the next element as an optional, which is empty at the end.

        Returns:
          A `tf.experimental.Optional`.
        """
        raise NotImplementedError("Iterator.get_next_as_optional()")


# Elements that a loop of Python may take from an iterator in a graph: more mean that it would never end.
MOST_TAKEN_IN_GRAPHS = 1000
_NO_LOOP = (
    "An unusually high number of `tf.data.Iterator.get_next()` calls was detected: Python iterates over a dataset or an "
    "iterator while a graph is built, where it sees no end. `for element in dataset` within a tf.function needs "
    "AutoGraph, and a loop over the dataset itself, not over `zip`, `list` or another function of Python of it."
)


class OwnedIterator(IteratorBase, CompositeTensor, Trackable):
    """An iterator that ends with the last reference to it.

    A checkpoint stores its position in each step of the dataset, with what buffers hold. Restoring continues from there with the
    same elements, unless functions depend on other state.
    """

    def __init__(self, dataset: Any = None, components: Any = None, element_spec: Any = None):
        if dataset is not None:
            if components is not None or element_spec is not None:
                raise ValueError(
                    "When `dataset` is provided, `element_spec` and `components` must not be specified."
                )
            element_spec = dataset.element_spec
            types = structure.flat_types(element_spec)
            shapes = structure.flat_shapes(element_spec)
            components = raw.AnonymousIteratorV3(output_types=types, output_shapes=shapes)
            raw.MakeIterator(dataset=dataset._variant_tensor, iterator=components)
            self._policy = dataset.options().experimental_external_state_policy
        elif components is None or element_spec is None:
            raise ValueError(
                "When `dataset` is not provided, both `components` and `element_spec` must be specified."
            )
        elif isinstance(components, (list, tuple)):
            components = components[0]
        self._element_spec = element_spec
        self._spec = _shared(IteratorSpec(element_spec))
        self._iterator_resource = components
        self._types = structure.flat_types(element_spec)
        self._shapes = structure.flat_shapes(element_spec)
        self._pack = structure.packer(element_spec)
        self._handle = components._value if isinstance(components, EagerTensor) else None
        if getattr(components, "cpu_index", 0):
            pack, device = self._pack, components.device
            self._pack = lambda element: all_placed(pack(element), device)

    element_spec = read_only("_element_spec", "The structure of TypeSpecs of the elements.")

    @property
    def _type_spec(self) -> "IteratorSpec":
        return self._spec

    _legacy_saveable_name = "ITERATOR"
    # Elements that Python took while graphs were built, where no end is seen.
    _taken_in_graphs = 0
    # Saves an iterator whose functions have state; None if that is not supported.
    _policy: ExternalStatePolicy | None = None

    def _save(self) -> Any:
        """Returns the state of the iteration as a variant."""
        policy = (self._policy or ExternalStatePolicy.FAIL).value
        return raw.SerializeIterator(
            resource_handle=self._iterator_resource, external_state_policy=policy
        )

    def _restore(self, state: Any) -> Any:
        """Returns to the state that `_save` returned."""
        if isinstance(state, np.ndarray):
            state = EagerTensor(state, dtypes.variant)
        return raw.DeserializeIterator(resource_handle=self._iterator_resource, serialized=state)

    def _serialize_to_tensors(self) -> dict[str, Any]:
        return {"_STATE": self._save()}

    def _restore_from_tensors(self, restored_tensors: dict[str, Any]) -> Any:
        return self._restore(restored_tensors["_STATE"])

    def _trace_parts(self) -> tuple["IteratorSpec", list[Any]]:
        return self._spec, [self._iterator_resource]

    def __iter__(self) -> "OwnedIterator":
        return self

    def __next__(self) -> Any:
        try:
            if self._handle is not None and STATE.graph is None:
                element = self._handle.next()
                if element is None:
                    raise StopIteration
                return self._pack(element)
            if STATE.graph is not None:
                self._taken_in_graphs += 1
                if self._taken_in_graphs > MOST_TAKEN_IN_GRAPHS:
                    raise ValueError(_NO_LOOP)
            try:
                return self.get_next()
            except OutOfRangeError:
                raise StopIteration from None
        except Exception as error:
            shorten(error)
            raise

    next = __next__

    def get_next(self) -> Any:
        """Returns the next element.

        Raises:
          tf.errors.OutOfRangeError: there is none.
        """
        try:
            if self._handle is not None and STATE.graph is None:
                element = self._handle.next()
                if element is None:
                    raise OutOfRangeError(f"{END} [Op:IteratorGetNext]")
                return self._pack(element)
            tensors = raw.IteratorGetNext(
                iterator=self._iterator_resource,
                output_types=self._types,
                output_shapes=self._shapes,
            )
            return structure.from_tensors(self._element_spec, tensors)
        except Exception as error:
            shorten(error)
            raise

    _next_internal = get_next

    def get_next_as_optional(self) -> "Optional":
        """Returns the next element as a tf.experimental.Optional, which is empty at the end."""
        variant = raw.IteratorGetNextAsOptional(
            iterator=self._iterator_resource, output_types=self._types, output_shapes=self._shapes
        )
        return Optional(variant, self._element_spec)


class _SpecOfElements(TypeSpec):
    """A type with the type of the elements as its parameter."""

    def __init__(self, element_spec: Any) -> None:
        self._element_spec = element_spec

    def _serialize(self) -> tuple[Any, ...]:
        return (self._element_spec,)


@export("data.IteratorSpec", v1=[])
class IteratorSpec(_SpecOfElements):
    """The type of a tf.data.Iterator.

    Args:
      element_spec: the structure of TypeSpecs of the elements.
    """

    @forks.cached_property
    def _hash(self) -> int:
        return super().__hash__()

    def __hash__(self) -> int:
        return self._hash

    value_type = property(lambda _: OwnedIterator, doc="The class of the values.")

    @property
    def _component_specs(self) -> TensorSpec:
        return TensorSpec([], dtypes.resource)

    def _to_components(self, value: OwnedIterator) -> Any:
        return value._iterator_resource

    def _from_components(self, components: Any) -> OwnedIterator:
        return OwnedIterator(components=components, element_spec=self._element_spec)

    @staticmethod
    def from_value(value: OwnedIterator) -> "IteratorSpec":
        """Returns the type of an iterator.

        Args:
          value: an iterator of a dataset.

        Returns:
          An IteratorSpec.
        """
        return IteratorSpec(value.element_spec)


def _shared(spec: IteratorSpec) -> IteratorSpec:
    """Returns a shared instance of equal specs, so that comparisons are fast."""
    try:
        return _same(spec)
    except TypeError:  # its structure has objects that cannot be hashed
        return spec


@functools.lru_cache(maxsize=256)
def _same(spec: IteratorSpec) -> IteratorSpec:
    return spec


@export("data.NumpyIterator")
class NumpyIterator(Trackable):
    """An iterator over a dataset that yields NumPy values.

    Args:
      dataset: a Dataset.
    """

    def __init__(self, dataset: Any) -> None:
        for spec in nest.flatten(dataset.element_spec):
            if not _has_numpy(spec):
                raise TypeError(
                    "`tf.data.Dataset.as_numpy_iterator()` is not supported for datasets that "
                    f"produce values of type {spec.value_type}"
                )
        self._iterator = iter(dataset)

    def __iter__(self) -> "NumpyIterator":
        return self

    def __next__(self) -> Any:
        try:
            return structure.map_leaves(_numpy, next(self._iterator))
        except Exception as error:
            shorten(error)
            raise

    def next(self) -> Any:
        """Returns the next element.

        Returns:
          A structure of NumPy arrays.
        """
        return self.__next__()

    _legacy_saveable_name = OwnedIterator._legacy_saveable_name

    def _serialize_to_tensors(self) -> dict[str, Any]:
        return self._iterator._serialize_to_tensors()

    def _restore_from_tensors(self, restored_tensors: dict[str, Any]) -> Any:
        return self._iterator._restore_from_tensors(restored_tensors)

    def save(self) -> Any:
        """Returns the state of the iteration as a tensor, for `restore`.

        Returns:
          A tensor.
        """
        return self._iterator._save()

    def restore(self, state: Any) -> None:
        """Returns to the state that `save` returned.

        Args:
          state: what `save` returned.
        """
        self._iterator._restore(state)

    _save, _restore = save, restore

    def __repr__(self) -> str:
        return f"NumpyIterator(iterator={self._iterator})"


def _has_numpy(spec: Any) -> bool:
    name = type(spec).__name__
    return name in ("TensorSpec", "RaggedTensorSpec", "SparseTensorSpec", "NoneTensorSpec")


def _numpy(value: Any) -> Any:
    if isinstance(value, EagerTensor):
        array = value.numpy()
        if hasattr(array, "setflags"):
            array.setflags(write=False)
        return array
    if isinstance(value, SparseTensor):
        return value._numpy()
    return value.numpy() if hasattr(value, "numpy") else value


_FLAT: dict[
    int, Any
] = {}  # id of a spec -> the spec, its dtypes, shapes, and the function that packs an element


def _flat(spec: Any) -> Any:
    """(spec, dtypes and shapes of its tensors, function that packs an element from host values); cached for a few specs."""
    entry = _FLAT.get(id(spec))
    if entry is None or entry[0] is not spec:
        if len(_FLAT) >= 64:
            _FLAT.clear()
        types, shapes = structure.flat_types(spec), structure.flat_shapes(spec)
        entry = _FLAT[id(spec)] = (spec, types, shapes, structure.packer(spec))
    return entry


@export("experimental.Optional", "data.experimental.Optional")
class Optional(CompositeTensor):
    """A value that may be missing, such as the next element of an iterator.

    Args:
      variant: the variant that an operation returned; programs use `from_value` and `empty`.
      element_spec: the structure of specs of the value.

    >>> optional = tf.experimental.Optional.from_value(tf.constant(7))
    >>> optional.has_value().numpy(), optional.get_value().numpy()
    (np.True_, np.int32(7))
    """

    def __init__(self, variant: Any, element_spec: Any) -> None:
        self._variant_tensor = variant
        self._element_spec = element_spec

    @staticmethod
    def from_value(value: Any) -> "Optional":
        """Returns an optional with a value.

        Args:
          value: a structure of tensors.

        Returns:
          An `Optional`.
        """
        value = structure.normalize(value)
        spec = structure.spec_of(value)
        return Optional(raw.OptionalFromValue(components=structure.to_tensors(spec, value)), spec)

    @staticmethod
    def empty(element_spec: Any) -> "Optional":
        """Returns an optional without a value.

        Args:
          element_spec: the structure of specs that a value would have.

        Returns:
          An `Optional`.
        """
        return Optional(raw.OptionalNone(), element_spec)

    @staticmethod
    def none_from_structure(element_spec: Any) -> "Optional":
        """Returns an empty optional.

        Args:
          element_spec: the structure of TypeSpecs of the value it would have.

        Returns:
          An Optional.
        """
        return Optional.empty(element_spec)

    def has_value(self, name: str | None = None) -> Any:
        """Returns True if there is a value.

        Args:
          name: a name for the operation.

        Returns:
          A bool scalar.
        """
        return raw.OptionalHasValue(optional=self._variant_tensor, name=name)

    def get_value(self, name: str | None = None) -> Any:
        """Returns the value.

        Args:
          name: a name for the operation.

        Returns:
          A structure of tensors.

        Raises:
          InvalidArgumentError: there is none.
        """
        _, types, shapes, pack = _flat(self._element_spec)
        optional = getattr(self._variant_tensor, "_value", None)
        is_plain = STATE.graph is None and not STATE.tapes
        if is_plain and optional is not None and optional.components is not None:
            return pack(optional.components)
        tensors = raw.OptionalGetValue(
            optional=self._variant_tensor, output_types=types, output_shapes=shapes, name=name
        )
        return structure.from_tensors(self._element_spec, tensors)

    element_spec = read_only("_element_spec", "The structure of TypeSpecs of the value.")
    value_structure = read_only("_element_spec", "The structure of TypeSpecs of the value.")

    @property
    def _type_spec(self) -> "OptionalSpec":
        return OptionalSpec(self._element_spec)


@export("OptionalSpec", v1=["OptionalSpec", "data.experimental.OptionalStructure"])
class OptionalSpec(_SpecOfElements):
    """The type of a tf.experimental.Optional.

    Args:
      element_spec: the structure of TypeSpecs of the value.
    """

    value_type = property(lambda _: Optional, doc="The class of the values.")

    @property
    def _component_specs(self) -> TensorSpec:
        return structure.VARIANT

    def _to_components(self, value: Optional) -> Any:
        return value._variant_tensor

    def _from_components(self, components: Any) -> Optional:
        return Optional(components, self._element_spec)

    @staticmethod
    def from_value(value: Optional) -> "OptionalSpec":
        """Returns the type of an optional.

        Args:
          value: an Optional.

        Returns:
          An OptionalSpec.
        """
        return OptionalSpec(value.element_spec)
