"""tf.experimental.ExtensionType: immutable records of tensors that act as one value."""

from __future__ import annotations

import collections.abc
import typing
from typing import Any

import numpy as np

from penstock._src.core import dtypes, spec_names
from penstock._src.core.composite import CompositeTensor
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape
from penstock._src.core.specs import TensorSpec, TypeSpec, type_spec_from_value
from penstock._src.core.tensor import Tensor
from penstock._src.util.export import export
from penstock._src.util.signatures import read_only

RESERVED = {"self", "_", "Spec"}


def _fields(cls: type) -> dict[str, Any]:
    """The annotated fields of a class and its bases, in order."""
    found: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        own = issubclass(base, ExtensionType) and base.__module__ != __name__
        if own and base.__dict__.get("__annotations__"):
            try:
                hints = typing.get_type_hints(base)
            except NameError:
                hints = base.__dict__["__annotations__"]
            for name in base.__dict__["__annotations__"]:
                if name in RESERVED or name.startswith("_tf_extension_type"):
                    raise ValueError(
                        f"The field annotations for {cls.__name__} are invalid. Field "
                        f"{name} is reserved."
                    )
                if typing.get_origin(hints[name]) is not typing.ClassVar:
                    _check_annotation(hints[name], name)
                    found[name] = hints[name]
    return found


def _check_annotation(annotation: Any, name: str) -> None:
    """Raises TypeError unless the annotation is a type."""
    known = isinstance(annotation, (type, str, TypeSpec)) or typing.get_origin(annotation)
    if not known and annotation is not Any:
        raise TypeError(f"In field {name!r}: Unsupported type annotation {annotation!r}")


def converted(value: Any, annotation: Any, name: str) -> Any:
    """Converts `value` to the annotated type of its field."""
    if annotation is Any:
        return value
    if isinstance(annotation, TensorSpec):
        tensor = (
            value
            if isinstance(value, (Tensor, TypeSpec))
            else convert_to_tensor(value, dtype=annotation.dtype)
        )
        if not isinstance(tensor, TypeSpec) and not annotation.is_compatible_with(tensor):
            raise TypeError(f"{name}: expected a {annotation}, got {tensor}.")
        return tensor
    if annotation is Tensor:
        if isinstance(value, (Tensor, TypeSpec)) or getattr(value, "_is_tensor_like", False):
            return value
        try:
            return convert_to_tensor(value)
        except (TypeError, ValueError) as error:
            raise TypeError(f"{name}: expected a Tensor, got {type(value).__name__!r}") from error
    if annotation is TensorShape and not isinstance(value, TensorShape):
        return TensorShape(value)
    if annotation is dtypes.DType and not isinstance(value, dtypes.DType):
        return dtypes.as_dtype(value)
    origin = typing.get_origin(annotation)
    if origin is tuple and isinstance(value, (list, tuple)):
        inner = typing.get_args(annotation)
        if len(inner) == 2 and inner[1] is Ellipsis:
            return tuple(converted(v, inner[0], name) for v in value)
        return tuple(converted(v, a, name) for v, a in zip(value, inner, strict=True))
    if origin is collections.abc.Mapping and isinstance(value, collections.abc.Mapping):
        of_keys, of_values = typing.get_args(annotation)
        return {
            converted(k, of_keys, name): converted(v, of_values, name) for k, v in value.items()
        }
    if origin is typing.Union:
        for option in typing.get_args(annotation):
            if option is type(None):
                if value is None:
                    return None
                continue
            try:
                return converted(value, option, name)
            except (TypeError, ValueError):
                continue
        raise TypeError(f"{name}: expected {annotation}, got {type(value).__name__!r}")
    if isinstance(annotation, type) and not isinstance(value, (annotation, TypeSpec)):
        if annotation is float and isinstance(value, int):
            return float(value)
        raise TypeError(f"{name}: expected {annotation.__name__!r}, got {type(value).__name__!r}")
    return value


def _batchable() -> Any:
    return globals().get("BatchableExtensionType", ())


@export("experimental.ExtensionType")
class ExtensionType(CompositeTensor):
    """The base of records of tensors that functions, datasets and saved models treat as one value.

    A subclass annotates its fields; the constructor, equality, representation and TypeSpec are generated. Instances are
    immutable. `__validate__` may check them.
    """

    _tf_extension_fields: dict[str, Any] = {}
    Spec: type

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._tf_extension_fields = _fields(cls)
        if "Spec" not in cls.__dict__:
            base = BatchableSpec if issubclass(cls, _batchable()) else ExtensionTypeSpec
            cls.Spec = type("Spec", (base,), {"_owner": cls, "__module__": cls.__module__})
            cls.Spec.__qualname__ = f"{cls.__qualname__}.Spec"
        else:
            cls.Spec = type("Spec", (cls.__dict__["Spec"], ExtensionTypeSpec), {"_owner": cls})
        if "__name__" in cls.__dict__:
            spec_names.register(f"{cls.__dict__['__name__']}.Spec")(cls.Spec)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        fields = type(self)._tf_extension_fields
        if not fields and type(self) is ExtensionType:
            raise AssertionError("ExtensionType is an abstract base class.")
        values = _bound(type(self), fields, args, kwargs)
        for name, value in values.items():
            object.__setattr__(self, name, converted(value, fields[name], name))
        self.__validate__()

    def __setattr__(self, name: str, value: Any) -> None:
        if name in type(self)._tf_extension_fields and name not in self.__dict__:
            value = converted(value, type(self)._tf_extension_fields[name], name)
            object.__setattr__(self, name, value)
            return
        if name in type(self)._tf_extension_fields:
            raise AttributeError(
                f"Cannot mutate attribute `{name}` outside the custom constructor of ExtensionType."
            )
        object.__setattr__(self, name, value)

    def __delattr__(self, name: str) -> None:
        raise AttributeError(
            f"Cannot mutate attribute `{name}` outside the custom constructor of ExtensionType."
        )

    def __validate__(self) -> None:
        """Hook that checks the fields."""

    def _values(self) -> dict[str, Any]:
        return {n: getattr(self, n) for n in type(self)._tf_extension_fields}

    @property
    def _type_spec(self) -> TypeSpec:
        specs = {n: _spec_of(v) for n, v in self._values().items()}
        return type(self).Spec(**specs)

    def __eq__(self, other: Any) -> Any:
        if type(self) is not type(other):
            return False
        if self._type_spec != other._type_spec:
            return False
        checks: list[Tensor] = []
        for name, value in self._values().items():
            if not _compare(value, getattr(other, name), checks):
                return False
        return raw.All(input=raw.Pack(values=checks), axis=[0]) if checks else True

    def __ne__(self, other: Any) -> Any:
        same = self == other
        return raw.LogicalNot(x=same) if isinstance(same, Tensor) else not same

    def __hash__(self) -> int:
        return id(self)

    def __repr__(self) -> str:
        inside = ", ".join(f"{k}={v!r}" for k, v in self._values().items())
        return f"{type(self).__name__}({inside})"


def _compare(value: Any, other: Any, checks: list[Tensor]) -> bool:
    """Whether two values of a field may be equal; comparisons of tensors are appended to `checks`."""
    if isinstance(value, dict):
        return value.keys() == other.keys() and all(
            _compare(held, other[key], checks) for key, held in value.items()
        )
    if type(value) is tuple:
        return len(value) == len(other) and all(
            _compare(mine, theirs, checks) for mine, theirs in zip(value, other, strict=True)
        )
    match = value == other
    if isinstance(match, Tensor):
        axes = np.arange(match.shape.rank or 0, dtype=np.int32)
        checks.append(raw.All(input=match, axis=axes))
        return True
    if isinstance(match, CompositeTensor):  # a RaggedTensor of elementwise comparisons
        flat: Any = match
        checks.append(raw.All(input=flat.flat_values, axis=[0]))
        return True
    return bool(match)


def _bound(cls: type, fields: dict[str, Any], args: Any, kwargs: Any) -> dict[str, Any]:
    if len(args) > len(fields):
        raise TypeError(f"{cls.__name__} takes {len(fields)} arguments. Received {len(args)}.")
    values = dict(zip(fields, args, strict=False))
    for name, value in kwargs.items():
        if name not in fields:
            raise TypeError(f"{cls.__name__} got an unexpected keyword argument '{name}'")
        if name in values:
            raise TypeError(f"{cls.__name__} got multiple values for argument '{name}'")
        values[name] = value
    for name in fields:
        if name not in values:
            if not hasattr(cls, name):
                raise TypeError(f"{cls.__name__} missing a required argument: '{name}'")
            values[name] = getattr(cls, name)
    return {name: values[name] for name in fields}


def _spec_of(value: Any) -> Any:
    """The spec of a tensor or composite; containers are converted recursively, other values unchanged."""
    if isinstance(value, TypeSpec):
        return value
    if isinstance(value, Tensor):
        return TensorSpec(value.shape, value.dtype)
    if isinstance(value, tuple):
        return tuple(_spec_of(v) for v in value)
    if isinstance(value, dict):
        return {k: _spec_of(v) for k, v in value.items()}
    if hasattr(type(value), "_type_spec") or getattr(value, "_is_tensor_like", False):
        return type_spec_from_value(value)
    return value


def _split(value: Any, parts: list[Any]) -> None:
    if isinstance(value, tuple):
        for v in value:
            _split(v, parts)
    elif isinstance(value, dict):
        for v in value.values():
            _split(v, parts)
    elif (
        isinstance(value, (TypeSpec, Tensor))
        or hasattr(type(value), "_type_spec")
        or getattr(value, "_is_tensor_like", False)
    ):
        parts.append(value)


def _joined(spec: Any, parts: Any) -> Any:
    if isinstance(spec, tuple):
        return tuple(_joined(s, parts) for s in spec)
    if isinstance(spec, dict):
        return {k: _joined(s, parts) for k, s in spec.items()}
    return next(parts) if isinstance(spec, TypeSpec) else spec


@export("experimental.ExtensionTypeSpec")
class ExtensionTypeSpec(TypeSpec):
    """The specs of the fields of an ExtensionType."""

    _owner: Any = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        fields = self._owner._tf_extension_fields
        for name, value in _bound(self._owner, fields, args, kwargs).items():
            self.__dict__[name] = value

    value_type = read_only("_owner", "The ExtensionType.")

    @classmethod
    def from_value(cls, value: Any) -> ExtensionTypeSpec:
        """Returns the spec of an ExtensionType."""
        return value._type_spec

    def _values(self) -> dict[str, Any]:
        return {n: self.__dict__[n] for n in self._owner._tf_extension_fields}

    def _serialize(self) -> tuple[Any, ...]:
        return tuple(self._values().items())

    @classmethod
    def _deserialize(cls, serialization: Any) -> ExtensionTypeSpec:
        return cls(**dict(serialization))

    @property
    def _component_specs(self) -> Any:
        parts: list[Any] = []
        for value in self._values().values():
            _split(value, parts)
        return tuple(parts)

    def _to_components(self, value: Any) -> Any:
        parts: list[Any] = []
        for held in value._values().values():
            _split(held, parts)
        return tuple(parts)

    def _from_components(self, components: Any) -> Any:
        parts = iter(components)
        result = object.__new__(self._owner)
        for name, spec in self._values().items():
            object.__setattr__(result, name, _joined(spec, parts))
        return result

    def __repr__(self) -> str:
        inside = ", ".join(f"{k}={v!r}" for k, v in self._values().items())
        return f"{self._owner.__name__}.Spec({inside})"


class BatchableSpec(ExtensionTypeSpec):
    """The spec of an ExtensionType that can be batched."""

    def _batch(self, batch_size: int | None) -> BatchableSpec:
        return type(self)(**{k: _batched(v, batch_size) for k, v in self._values().items()})

    def _unbatch(self) -> BatchableSpec:
        return type(self)(**{k: _unbatched(v) for k, v in self._values().items()})


def _batched(spec: Any, size: int | None) -> Any:
    if isinstance(spec, TensorSpec):
        return TensorSpec(TensorShape([size]).concatenate(spec.shape), spec.dtype)
    return spec._batch(size) if hasattr(spec, "_batch") else spec


def _unbatched(spec: Any) -> Any:
    if isinstance(spec, TensorSpec):
        return TensorSpec(spec.shape[1:], spec.dtype)
    return spec._unbatch() if hasattr(spec, "_unbatch") else spec


@export("experimental.BatchableExtensionType")
class BatchableExtensionType(ExtensionType):
    """An ExtensionType that datasets, map_fn and Keras can batch and unbatch."""


@export("experimental.ExtensionTypeBatchEncoder")
class ExtensionTypeBatchEncoder:
    """Batches values of an ExtensionType field by field."""

    def batch(self, spec: Any, batch_size: int | None) -> Any:
        """Returns the spec of a batch."""
        return spec._batch(batch_size)

    def unbatch(self, spec: Any) -> Any:
        """Returns the spec of an element."""
        return spec._unbatch()

    def encode(self, spec: Any, value: Any, minimum_rank: int = 0) -> Any:
        """Encodes a value as tensors."""
        del minimum_rank
        return spec._to_components(value)

    def decode(self, spec: Any, encoded_value: Any) -> Any:
        """Decodes a value from tensors."""
        return spec._from_components(encoded_value)

    def encoding_specs(self, spec: Any) -> Any:
        """Returns the specs of the tensors."""
        return spec._component_specs


@export("experimental.extension_type.as_dict")
def as_dict(value: Any) -> dict[str, Any]:
    """Returns the fields of an ExtensionType."""
    return value._values()
