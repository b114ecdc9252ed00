"""tf.experimental.ExtensionType: immutable records of tensors that act as one value."""

from __future__ import annotations

import abc
import functools
import inspect
import sys
import typing
from collections.abc import Callable
from typing import Any

from penstock._src.core import dtypes, spec_names
from penstock._src.core.composite import CompositeTensor
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape
from penstock._src.core.specs import BatchableTypeSpec, TensorSpec, TypeSpec, type_spec_from_value
from penstock._src.core.tensor import Tensor
from penstock._src.eager.tensor import EagerTensor
from penstock._src.util import nest
from penstock._src.util.export import export
from penstock._src.util.immutable_dict import ImmutableDict

from .fields import ExtensionTypeField, Use, convert_fields, is_reserved, with_mappings

_POSITIONAL = inspect.Parameter.POSITIONAL_OR_KEYWORD
# Set while a constructor written by a user runs: until then fields may be assigned.
_IN_CONSTRUCTOR = "_tf_extension_type_in_constructor"
_SPEC = "_tf_extension_type_cached_type_spec"
_VARIANT = "_tf_extension_type_packed_variant"
_TRACE_PARTS = "_tf_extension_type_cached_trace_parts"
# Keras sets these on the values that layers return.
_OF_KERAS = ("_keras_mask", "_keras_history")


def made_of(cls: type, values: Any) -> Any:
    """Returns an object of a class with these attributes, without calling its constructor."""
    value: Any = object.__new__(cls)
    value.__dict__.update(values)
    return value


class _Record:
    """Base of extension types and their specs: only the constructor sets fields."""

    def __setattr__(self, name: str, value: Any) -> None:
        self._check_mutable(name)
        self.__dict__[name] = value

    def __delattr__(self, name: str) -> None:
        self._check_mutable(name)
        del self.__dict__[name]

    def _check_mutable(self, name: str) -> None:
        is_field = _IN_CONSTRUCTOR in self.__dict__ and self._tf_extension_type_has_field(name)
        if not is_field and name not in _OF_KERAS:
            base = "ExtensionTypeSpec" if isinstance(self, TypeSpec) else "ExtensionType"
            raise AttributeError(
                f"Cannot mutate attribute `{name}` outside the custom constructor of {base}."
            )

    @classmethod
    def _tf_extension_type_fields(cls) -> tuple[ExtensionTypeField, ...]:
        raise NotImplementedError(f"{cls.__name__}._tf_extension_type_fields")

    @classmethod
    def _tf_extension_type_has_field(cls, name: str) -> bool:
        return any(name == field.name for field in cls._tf_extension_type_fields())

    def _tf_extension_type_values(self) -> dict[str, Any]:
        """The values of the fields by name."""
        return {field.name: getattr(self, field.name) for field in self._tf_extension_type_fields()}

    def _tf_extension_type_convert_fields(self) -> None:
        use = Use.SPEC if isinstance(self, TypeSpec) else Use.VALUE
        convert_fields(self._tf_extension_type_fields(), self.__dict__, use)

    def __validate__(self) -> None:
        """Hook that checks the fields."""

    def __repr__(self) -> str:
        inside = ", ".join(f"{k}={v!r}" for k, v in self._tf_extension_type_values().items())
        return f"{type(self).__qualname__}({inside})"


def _constructor(cls: type, parameters: list[inspect.Parameter]) -> Callable[..., None]:
    """A constructor that sets the fields from arguments."""
    signature = inspect.Signature(parameters, return_annotation=cls.__name__)

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        self.__dict__.update(bound.arguments)
        self._tf_extension_type_convert_fields()
        self.__validate__()

    itself = inspect.Parameter("self", _POSITIONAL)
    shown = inspect.Signature([itself, *parameters], return_annotation=cls)
    __init__.__signature__ = shown  # type: ignore[attr-defined]  # what `inspect` looks for
    return __init__


def _converting(constructor: Callable[..., None]) -> Callable[..., None]:
    """A constructor of the user's, after which the fields are converted and checked."""

    @functools.wraps(constructor)
    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        self.__dict__[_IN_CONSTRUCTOR] = True
        constructor(self, *args, **kwargs)
        # none is left where it called that of a base class, which has converted the fields
        if self.__dict__.pop(_IN_CONSTRUCTOR, False):
            self._tf_extension_type_convert_fields()
            self.__validate__()

    return __init__


def _parameters(fields: tuple[ExtensionTypeField, ...]) -> list[inspect.Parameter]:
    """The parameters of a constructor; those without default after one with default are given by keyword."""
    parameters, kind, had_default = [], _POSITIONAL, False
    for name, annotation, default in fields:
        if default is ExtensionTypeField.NO_DEFAULT:
            default = inspect.Parameter.empty
            kind = inspect.Parameter.KEYWORD_ONLY if had_default else kind
        else:
            had_default = True
        parameters.append(inspect.Parameter(name, kind, default=default, annotation=annotation))
    return parameters


def _annotations(cls: type) -> dict[str, Any]:
    """The annotations of a class without its bases'; a reference to a class that is not defined yet stays unresolved."""
    if sys.version_info < (3, 14):
        return inspect.get_annotations(cls)
    import annotationlib

    return annotationlib.get_annotations(cls, format=annotationlib.Format.FORWARDREF)


def _check_class(cls: type) -> None:
    """Raises a ValueError if a class has reserved fields, fields without annotation, or an unsuitable `Spec`."""
    annotations = _annotations(cls)
    head = f"The field annotations for {cls.__name__} are invalid."
    spec = cls.__dict__.get("Spec", object)
    if not isinstance(spec, type):
        raise ValueError(f"{cls.__qualname__}.Spec must be a nested class; got {spec}.")
    for name in (*cls.__dict__, *annotations):
        if name != "Spec" and is_reserved(name):
            raise ValueError(f"{head} Field '{name}' is reserved.")
    for name, value in cls.__dict__.items():
        is_dunder = name.startswith("__") and name.endswith("__")
        is_alias = typing.get_origin(value) is not None  # a `Union` is not callable since 3.14
        is_member = callable(value) or isinstance(value, property | classmethod | staticmethod)
        if not (
            is_dunder or is_alias or is_member or name in annotations or name.startswith("_abc_")
        ):
            raise ValueError(f"{head} Field {name} is missing a type annotation.")
    if not issubclass(spec, ExtensionTypeSpec) and spec.__bases__ not in ((TypeSpec,), (object,)):
        if spec is not object:
            raise ValueError(
                f"{cls.__qualname__}.Spec must be directly subclassed from tf.TypeSpec."
            )


def _make_spec(cls: Any) -> type:
    """Returns the class of the specs of an extension type, with the members of its nested class `Spec`."""
    nested = cls.__dict__.get("Spec")
    base: Any = ExtensionTypeSpec
    members = {"value_type": cls, "__module__": cls.__module__}
    if isinstance(nested, type) and issubclass(nested, ExtensionTypeSpec):
        base = nested
    else:
        base = BatchableExtensionTypeSpec if _is_batchable(cls) else ExtensionTypeSpec
        for name, value in vars(nested).items() if nested is not None else ():
            if is_reserved(name):
                raise ValueError(f"TypeSpec {cls.__qualname__}.Spec uses reserved name '{name}'.")
            if cls._tf_extension_type_has_field(name):
                raise ValueError(
                    f"TypeSpec {cls.__qualname__}.Spec defines a variable '{name}' which shadows a "
                    f"field in {cls.__qualname__}"
                )
            if name not in ("__module__", "__dict__", "__weakref__", "__qualname__"):
                members[name] = value
    encoder = getattr(cls, "__batch_encoder__", None)
    if encoder is not None and not _is_batchable(cls):
        raise ValueError(
            "__batch_encoder__ should only be defined for BatchableExtensionType classes."
        )
    if encoder is not None:
        members.setdefault("__batch_encoder__", encoder)
    spec: Any = type(f"{cls.__name__}.Spec", (base,), members)
    spec.__qualname__ = f"{cls.__qualname__}.Spec"
    fields = cls._tf_extension_type_fields()
    written = spec.__init__ not in (ExtensionTypeSpec.__init__, BatchableExtensionTypeSpec.__init__)
    spec.__init__ = (
        _converting(spec.__init__)
        if written
        else _constructor(spec, [inspect.Parameter(f.name, _POSITIONAL) for f in fields])
    )
    return spec


def _is_batchable(cls: type) -> bool:
    return issubclass(cls, BatchableExtensionType)


class ExtensionTypeMetaclass(abc.ABCMeta):
    """Gives extension types their constructor and their TypeSpec."""

    def __init__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> None:
        super().__init__(name, bases, namespace)
        if namespace.get("_tf_extension_type_do_not_transform_this_class", False):
            return
        kind: Any = cls
        _check_class(cls)
        if "__init__" in namespace:
            kind.__init__ = _converting(namespace["__init__"])
        else:
            kind.__init__ = _constructor(cls, _parameters(kind._tf_extension_type_fields()))
        kind.Spec = _make_spec(cls)
        if "__name__" in namespace:
            spec_names.register(f"{namespace['__name__']}.Spec")(kind.Spec)


@export("experimental.ExtensionType")
class ExtensionType(_Record, CompositeTensor, metaclass=ExtensionTypeMetaclass):
    """The base of user classes with objects that hold tensors and pass through functions.

    Fields are annotated, and set by the constructor that is made for them; objects do not change.
    They can be arguments and results of `tf.function`, elements of datasets and parts of saved
    models.

    Args:
      *args: the values of the fields, in order.
      **kwargs: the values of fields by name.

    >>> class Masked(tf.experimental.ExtensionType):
    ...     values: tf.Tensor
    ...     mask: tf.Tensor
    >>> masked = Masked(values=[1, 2], mask=[True, False])
    >>> masked.values.numpy(), masked.mask.dtype
    (array([1, 2], dtype=int32), tf.bool)
    """

    _tf_extension_type_do_not_transform_this_class = True

    Spec: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if type(self) is ExtensionType:
            raise AssertionError(
                "Cannot create an instance of ExtensionType because ExtensionType is an abstract base class."
            )

    @classmethod
    def _tf_extension_type_fields(cls) -> tuple[ExtensionTypeField, ...]:
        """The fields in order; references to classes that are not defined yet stay as they are."""
        known = cls.__dict__.get("_tf_extension_type_cached_fields")
        if known is not None:
            return known
        annotations: dict[str, Any] = {}
        for base in reversed(cls.__mro__):
            if issubclass(base, ExtensionType) and not base.__dict__.get(
                "_tf_extension_type_do_not_transform_this_class", False
            ):
                annotations.update(_annotations(base))
        try:
            hints, is_resolved = typing.get_type_hints(cls), True
        except (NameError, AttributeError):
            hints, is_resolved = annotations, False
        absent = ExtensionTypeField.NO_DEFAULT
        fields = tuple(
            ExtensionTypeField(name, hints[name], getattr(cls, name, absent))
            for name in annotations
        )
        if is_resolved:
            cls._tf_extension_type_cached_fields = fields  # type: ignore[attr-defined]  # of this class alone
        return fields

    def __repr__(self) -> str:
        if _VARIANT in self.__dict__:  # showing a value runs no operations
            return f"<packed {type(self).__qualname__} {self.__dict__[_VARIANT]!r}>"
        return super().__repr__()

    def __getattr__(self, name: str) -> Any:
        if _VARIANT in self.__dict__ and self._tf_extension_type_has_field(name):
            return getattr(unpack(self), name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    @property
    def _type_spec(self) -> TypeSpec:
        if _SPEC not in self.__dict__:
            self.__dict__[_SPEC] = self.Spec.from_value(self)
        return self.__dict__[_SPEC]

    def _trace_parts(self) -> tuple[Any, list[Any]] | None:
        """The part of a trace key that the object determines, and its tensors; None if they are not all eager."""
        parts = self.__dict__.get(_TRACE_PARTS)
        if parts is None and _VARIANT not in self.__dict__:
            tensors = nest.flatten(self, expand_composites=True)
            if not all(type(tensor) is EagerTensor for tensor in tensors):
                return None
            types = tuple((tensor.dtype, tensor.shape._dims) for tensor in tensors)
            parts = self.__dict__[_TRACE_PARTS] = (
                (self._type_spec._comparison_key(), types),
                tensors,
            )
        return parts

    def __eq__(self, other: Any) -> Any:
        if type(self) is not type(other) or self._type_spec != other._type_spec:
            return False
        pairs = list(zip(*(nest.flatten(v, expand_composites=True) for v in (self, other))))
        if not pairs:
            return True
        checks = [
            _all(raw.Equal(a, b, incompatible_shape_error=False))
            for x, y in pairs
            for a, b in ((raw.Shape(x), raw.Shape(y)), (x, y))
        ]
        return _all(raw.Pack(checks))

    def __ne__(self, other: Any) -> Any:
        same = self == other
        return raw.LogicalNot(same) if isinstance(same, Tensor) else not same

    # instances are compared by their fields, tensors among them
    __hash__ = None  # type: ignore[assignment]


def _all(condition: Any) -> Any:
    return raw.All(condition, axis=raw.Range(0, raw.Rank(condition), 1))


def spec_of(value: Any) -> Any:
    """The spec of a tensor or composite; containers are converted recursively, other values unchanged."""
    if isinstance(value, TypeSpec):
        return value
    if isinstance(value, Tensor):
        return TensorSpec(value.shape, value.dtype)
    if isinstance(value, tuple):
        return tuple(spec_of(v) for v in value)
    if isinstance(value, dict | ImmutableDict):
        return type(value)({k: spec_of(v) for k, v in value.items()})
    if hasattr(type(value), "_type_spec") or getattr(value, "_is_tensor_like", False):
        return type_spec_from_value(value)
    return value


def _leaves(value: Any) -> list[Any]:
    """The leaves of the value of a field."""
    if isinstance(value, tuple):
        return [leaf for part in value for leaf in _leaves(part)]
    if isinstance(value, dict | ImmutableDict):
        return [leaf for key in sorted(value) for leaf in _leaves(value[key])]
    return [value]


def _has_tensors(leaf: Any) -> bool:
    return (
        isinstance(leaf, TypeSpec | Tensor)
        or hasattr(type(leaf), "_type_spec")
        or getattr(leaf, "_is_tensor_like", False)
    )


def _joined(spec: Any, parts: Any) -> Any:
    """Rebuild the value of a field from the next parts, its tensors."""
    if isinstance(spec, tuple):
        return tuple(_joined(part, parts) for part in spec)
    if isinstance(spec, dict | ImmutableDict):
        values = {key: _joined(spec[key], parts) for key in sorted(spec)}
        return type(spec)({key: values[key] for key in spec})
    return next(parts) if isinstance(spec, TypeSpec) else spec


@export("experimental.ExtensionTypeSpec")
class ExtensionTypeSpec(_Record, TypeSpec):
    """The specs of the fields of an ExtensionType.

    Args:
      *args: the fields' specs, in the order of the ExtensionType's fields.
      **kwargs: the same by name.
    """

    _tf_extension_type_is_packed = False
    value_type: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.__dict__.pop(_IN_CONSTRUCTOR, None)
        fields = self._tf_extension_type_fields()
        _constructor(type(self), [inspect.Parameter(f.name, _POSITIONAL) for f in fields])(
            self, *args, **kwargs
        )

    @classmethod
    def _tf_extension_type_fields(cls) -> tuple[ExtensionTypeField, ...]:
        return cls.value_type._tf_extension_type_fields()

    @classmethod
    def from_value(cls, value: Any) -> ExtensionTypeSpec:
        """Returns the spec of an ExtensionType.

        Args:
          value: an ExtensionType.

        Returns:
          An ExtensionTypeSpec.
        """
        if _SPEC in value.__dict__:
            return value.__dict__[_SPEC]
        values = value._tf_extension_type_values()
        return made_of(cls, {name: spec_of(part) for name, part in values.items()})

    def _serialize(self) -> tuple[Any, ...]:
        state = [
            (name, with_mappings(value, dict))
            for name, value in self._tf_extension_type_values().items()
        ]
        if self._tf_extension_type_is_packed:
            state.append(("_tf_extension_type_is_packed", True))
        return tuple(state)

    @classmethod
    def _deserialize(cls, serialization: Any) -> ExtensionTypeSpec:
        return made_of(
            cls, {name: with_mappings(value, ImmutableDict) for name, value in serialization}
        )

    def __repr__(self) -> str:
        inside = ", ".join(f"{name}={value!r}" for name, value in self._serialize())
        return f"{type(self).__qualname__}({inside})"

    def __reduce__(self) -> Any:
        return _spec_from_state, (self.value_type, self._serialize())

    @property
    def _component_specs(self) -> Any:
        if self._tf_extension_type_is_packed:
            return TensorSpec((), dtypes.variant)
        return tuple(filter(_has_tensors, self._tf_extension_type_leaves(self)))

    def _to_components(self, value: Any) -> Any:
        if self._tf_extension_type_is_packed:
            return value.__dict__[_VARIANT]
        return tuple(filter(_has_tensors, self._tf_extension_type_leaves(value)))

    def _tf_extension_type_leaves(self, record: Any) -> list[Any]:
        return _leaves(tuple(record._tf_extension_type_values().values()))

    def _from_components(self, components: Any) -> Any:
        if self._tf_extension_type_is_packed:
            return made_of(self.value_type, {_SPEC: self, _VARIANT: components})
        parts = iter(components)
        values = {k: _joined(spec, parts) for k, spec in self._tf_extension_type_values().items()}
        if list(parts):
            raise ValueError(
                f"Cannot build an ExtensionType instance from {len(components)} components: {self} has fewer."
            )
        return made_of(self.value_type, values)

    def _tf_extension_type_with_packed(self, is_packed: bool) -> ExtensionTypeSpec:
        copy = made_of(type(self), self.__dict__)
        copy.__dict__["_tf_extension_type_is_packed"] = is_packed
        return copy

    def _to_legacy_output_shapes(self) -> Any:
        shape = getattr(self, "shape", None)
        if shape is None:
            raise NotImplementedError(
                f"It appears that the Spec of the ExtensionType {self.value_type.__name__} is missing a shape "
                "property, which tf.data asks for."
            )
        return shape


def _spec_from_state(value_type: Any, state: Any) -> Any:
    return value_type.Spec._deserialize(state)


@export("experimental.ExtensionTypeBatchEncoder")
class ExtensionTypeBatchEncoder:
    """Batches values of an ExtensionType field by field; a class may have another as `__batch_encoder__`."""

    def batch(self, spec: Any, batch_size: int | None) -> Any:
        """Returns the spec of a batch.

        Args:
          spec: of an element.
          batch_size: the number of elements, or None.

        Returns:
          A spec.
        """

        def batched(leaf: Any) -> Any:
            if isinstance(leaf, TensorShape):
                return TensorShape([batch_size]).concatenate(leaf)
            return leaf._batch(batch_size) if isinstance(leaf, BatchableTypeSpec) else leaf

        return _with_fields(spec, batched)

    def unbatch(self, spec: Any) -> Any:
        """Returns the spec of an element.

        Args:
          spec: of a batch.

        Returns:
          A spec.
        """

        def unbatched(leaf: Any) -> Any:
            if isinstance(leaf, TensorShape):
                return leaf[1:]
            return leaf._unbatch() if isinstance(leaf, BatchableTypeSpec) else leaf

        return _with_fields(spec, unbatched)

    def encode(self, spec: Any, value: Any, minimum_rank: int = 0) -> Any:
        """Encodes a value as tensors that can each be unbatched `minimum_rank` times.

        Args:
          spec: of the value.
          value: an ExtensionType.
          minimum_rank: how often.

        Returns:
          A structure of tensors.
        """
        del minimum_rank
        return spec._to_components(value)

    def decode(self, spec: Any, encoded_value: Any) -> Any:
        """Decodes a value from tensors.

        Args:
          spec: of the value.
          encoded_value: what `encode` returned.

        Returns:
          An ExtensionType.
        """
        return spec._from_components(encoded_value)

    def encoding_specs(self, spec: Any) -> Any:
        """Returns the specs of the tensors.

        Args:
          spec: of a value.

        Returns:
          The specs of what `encode` returns for it.
        """
        return spec._component_specs


def _with_fields(spec: Any, function: Callable[[Any], Any]) -> Any:
    replaced = {
        name: _mapped(value, function) for name, value in spec._tf_extension_type_values().items()
    }
    return made_of(type(spec), {**spec.__dict__, **replaced})


def _mapped(value: Any, function: Callable[[Any], Any]) -> Any:
    if isinstance(value, tuple):
        return tuple(_mapped(part, function) for part in value)
    if isinstance(value, dict | ImmutableDict):
        return type(value)({key: _mapped(item, function) for key, item in value.items()})
    return function(value)


class BatchableExtensionTypeSpec(ExtensionTypeSpec, BatchableTypeSpec):
    """The spec of an ExtensionType that can be batched."""

    __batch_encoder__ = ExtensionTypeBatchEncoder()

    def _batch(self, batch_size: int | None) -> BatchableExtensionTypeSpec:
        return self.__batch_encoder__.batch(self, batch_size)

    def _unbatch(self) -> BatchableExtensionTypeSpec:
        return self.__batch_encoder__.unbatch(self)


@export("experimental.BatchableExtensionType")
class BatchableExtensionType(ExtensionType):
    """An extension type with objects that can be stacked into batches, one for each row.

    Args:
      *args: the values of the fields, in order.
      **kwargs: the values of fields by name.

    >>> class Point(tf.experimental.BatchableExtensionType):
    ...     x: tf.Tensor
    ...     y: tf.Tensor
    >>> dataset = tf.data.Dataset.from_tensor_slices(Point([1, 2], [3, 4]))
    >>> [p.x.numpy() for p in dataset]
    [np.int32(1), np.int32(2)]
    """

    _tf_extension_type_do_not_transform_this_class = True


@export("experimental.extension_type.as_dict")
def as_dict(value: Any) -> dict[str, Any]:
    """Returns the fields of an ExtensionType.

    Args:
      value: an ExtensionType.

    Returns:
      A dict from the names of fields to their values.
    """
    return value._tf_extension_type_values()


def is_packed(value: Any) -> bool:
    """True if one variant holds the fields of an ExtensionType.

    Raises:
      ValueError: `value` is not an ExtensionType.
    """
    if not isinstance(value, ExtensionType):
        raise ValueError(
            f"Expected `value` to be an object of type ExtensionType, got an instance of {type(value)}."
        )
    return _VARIANT in value.__dict__


def pack(value: Any) -> Any:
    """Returns an ExtensionType with its fields stored in one variant.

    Raises:
      ValueError: the class has no `__name__`, which the variant keeps.
    """
    if is_packed(value):
        return value
    spec = value._type_spec
    try:
        metadata = spec.experimental_as_proto().SerializeToString()
    except TypeError as error:
        raise ValueError(
            "ExtensionTypes must have a __name__ field in order to be packed."
        ) from error
    parts = nest.flatten(value, expand_composites=True)
    variant = raw.CompositeTensorVariantFromComponents(parts, metadata=metadata)
    return made_of(
        type(value), {_SPEC: spec._tf_extension_type_with_packed(True), _VARIANT: variant}
    )


def unpack(value: Any) -> Any:
    """Returns an ExtensionType with its fields again."""
    if not is_packed(value):
        return value
    spec = value.__dict__[_SPEC]._tf_extension_type_with_packed(False)
    flat = spec.flatten()
    parts = raw.CompositeTensorVariantToComponents(
        value.__dict__[_VARIANT],
        metadata=spec.experimental_as_proto().SerializeToString(),
        Tcomponents=[part.dtype for part in flat],
    )
    for part, leaf in zip(parts, flat):
        part.set_shape(leaf.shape)
    return spec.from_tensors(iter(parts))
