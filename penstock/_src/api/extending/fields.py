"""The fields of extension types: which annotations they may have, and how values are converted to them."""

from __future__ import annotations

import collections.abc
import enum
import types
import typing
from typing import Any, NamedTuple

from penstock._src.core import dtypes
from penstock._src.core.composite import CompositeTensor
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.shapes import TensorShape, as_shape
from penstock._src.core.specs import TypeSpec
from penstock._src.core.tensor import Tensor
from penstock._src.eager.variable import Variable
from penstock._src.util.immutable_dict import ImmutableDict

_RESERVED = frozenset(
    "self Spec _type_spec _shape_invariant_to_type_spec _consumers value_type is_compatible_with "
    "most_specific_compatible_type _with_tensor_ranks_only _to_components _from_components _component_specs "
    "_to_tensor_list _from_tensor_list _from_compatible_tensor_list _flat_tensor_specs _serialize _deserialize "
    "_to_legacy_output_types _to_legacy_output_shapes _to_legacy_output_classes _keras_mask".split()
)
_PLAIN = (int, float, bool, str, bytes, type(None))


def is_reserved(name: str) -> bool:
    """True if extension types use a name themselves."""
    return name in _RESERVED or name.lower().startswith("_tf_extension_type")


class Use(enum.Enum):
    """Purpose of a converted value: a field of a value, a field of its spec, or a default."""

    VALUE = 1
    SPEC = 2
    DEFAULT = 3


class _NoDefault:
    def __repr__(self) -> str:
        return "ExtensionTypeField.NO_DEFAULT"


class _Field(NamedTuple):
    name: str
    value_type: Any
    default: Any


class ExtensionTypeField(_Field):
    """The name, annotation and default of a field.

    Raises:
      TypeError: the annotation is none that a field may have, or the default does not suit it.
    """

    __slots__ = ()
    NO_DEFAULT = _NoDefault()

    def __new__(cls, name: str, value_type: Any, default: Any = NO_DEFAULT) -> ExtensionTypeField:
        """Checks the annotation and converts the default."""
        try:
            check_annotation(value_type, allow_forward_references=True)
        except TypeError as error:
            raise TypeError(f"In field {name!r}: {error}") from error
        if default is not cls.NO_DEFAULT:
            default = converted(default, value_type, (f"default value for {name}",), Use.DEFAULT)
        return super().__new__(cls, name, value_type, default)

    @staticmethod
    def is_reserved_name(name: str) -> bool:
        """True if a field may not have this name."""
        return is_reserved(name)


def _is_union(annotation: Any) -> bool:
    return typing.get_origin(annotation) in (typing.Union, types.UnionType)


def _is_tuple(annotation: Any) -> bool:
    return typing.get_origin(annotation) is tuple


def _is_mapping(annotation: Any) -> bool:
    return typing.get_origin(annotation) is collections.abc.Mapping


def _is_composite(annotation: Any) -> bool:
    """True if values consist of tensors. As in TensorFlow, variables do: their handles."""
    return isinstance(annotation, type) and issubclass(annotation, CompositeTensor | Variable)


def check_annotation(
    annotation: Any, in_mapping_key: bool = False, allow_forward_references: bool = False
) -> None:
    """Checks that an annotation is one that fields may have.

    Raises:
      TypeError: it is not.
    """
    if isinstance(annotation, str | typing.ForwardRef):
        if not allow_forward_references:
            raise TypeError(f"Unresolved forward reference {annotation!r}")
    elif annotation in (*_PLAIN, None, dtypes.DType):
        return
    elif annotation in (Tensor, TensorShape) or _is_composite(annotation):
        if in_mapping_key:
            kind = type(annotation).__name__
            raise TypeError(f"Mapping had a key {annotation.__name__!r} with type {kind!r}")
    elif _is_tuple(annotation) or _is_union(annotation):
        for argument in typing.get_args(annotation):
            if argument is not Ellipsis:
                check_annotation(argument, in_mapping_key, allow_forward_references)
    elif _is_mapping(annotation):
        of_keys, of_values = typing.get_args(annotation)
        check_annotation(of_keys, True, allow_forward_references)
        check_annotation(of_values, in_mapping_key, allow_forward_references)
    elif isinstance(annotation, type):
        raise TypeError(f"Unsupported type annotation {annotation.__name__!r}")
    else:
        raise TypeError(f"Unsupported type annotation {annotation!r}")


def convert_fields(
    fields: typing.Sequence[ExtensionTypeField], values: dict[str, Any], use: Use = Use.VALUE
) -> None:
    """Converts, in place, the value of each field.

    Raises:
      ValueError: a field has no value, or a value no field.
      TypeError: a value does not suit the annotation.
    """
    names = {field.name for field in fields}
    if extra := values.keys() - names:
        raise ValueError(f"Got unexpected fields: {extra}")
    if missing := names - values.keys():
        raise ValueError(f"Missing required fields: {missing}")
    converted_fields = {
        field.name: converted(values[field.name], field.value_type, (field.name,), use)
        for field in fields
    }
    values.update(converted_fields)


def converted(value: Any, annotation: Any, path: tuple[str, ...], use: Use = Use.VALUE) -> Any:
    """Returns a value as one of the annotated type.

    Args:
      value: the value.
      annotation: the type.
      path: names the value in messages.
      use: what it is for; specs hold TypeSpecs instead of tensors.

    Raises:
      TypeError: the value has another type.
    """
    where = "".join(path)
    annotation = type(None) if annotation is None else annotation
    if annotation is Tensor:
        return _tensor(value, where, use)
    if _is_composite(annotation):
        return _composite(value, annotation, where, use)
    if annotation is TensorShape or annotation is dtypes.DType:
        convert, name = (
            (as_shape, "tf.TensorShape")
            if annotation is TensorShape
            else (dtypes.as_dtype, "tf.DType")
        )
        try:
            return convert(value)
        except TypeError as error:
            raise TypeError(f"{where}: expected {name!r}, got {_type_of(value)}") from error
    if annotation in _PLAIN:
        if not isinstance(value, annotation):
            raise TypeError(f"{where}: expected {annotation.__name__!r}, got {_type_of(value)}")
        return value
    if _is_tuple(annotation):
        return _tuple(value, annotation, path, use)
    if _is_mapping(annotation):
        return _mapping(value, annotation, path, use)
    if _is_union(annotation):
        for option in typing.get_args(annotation):
            try:
                return converted(value, option, path, use)
            except TypeError:
                continue  # another option may suit
        raise TypeError(f"{where}: expected {annotation!r}, got {_type_of(value)}")
    raise TypeError(f"{where}: Unsupported type annotation {annotation!r}")


def _type_of(value: Any) -> str:
    return repr(type(value).__name__)


def _tensor(value: Any, where: str, use: Use) -> Any:
    if use is Use.SPEC:
        if not isinstance(value, TypeSpec) or value.value_type is not Tensor:
            raise TypeError(f"{where}: expected a TensorSpec, got {_type_of(value)}")
        return value
    # a default is converted when it is used, in the graph of then
    if isinstance(value, Tensor) or use is Use.DEFAULT:
        return value
    try:
        return convert_to_tensor(value)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{where}: expected a Tensor, got {_type_of(value)}") from error


def _composite(value: Any, annotation: type, where: str, use: Use) -> Any:
    if use is Use.SPEC:
        kind = value.value_type if isinstance(value, TypeSpec) else None
        if not (isinstance(kind, type) and issubclass(kind, annotation)):
            raise TypeError(
                f"{where}: expected a TypeSpec for {annotation.__name__!r}, got {_type_of(value)}"
            )
    elif not isinstance(value, annotation):
        raise TypeError(f"{where}: expected {annotation.__name__!r}, got {_type_of(value)}")
    return value


def _tuple(value: Any, annotation: Any, path: tuple[str, ...], use: Use) -> tuple[Any, ...]:
    if not isinstance(value, collections.abc.Sequence):
        raise TypeError(f"{''.join(path)}: expected tuple, got {_type_of(value)}")
    kinds: typing.Sequence[Any] = typing.get_args(annotation)
    if len(kinds) == 2 and kinds[1] is Ellipsis:
        kinds = [kinds[0]] * len(value)
    if len(value) != len(kinds):
        raise TypeError(
            f"{''.join(path)}: expected tuple with length {len(kinds)}, got {_type_of(value)})"
        )
    return tuple(
        converted(part, kind, (*path, f"[{i}]"), use)
        for i, (part, kind) in enumerate(zip(value, kinds))
    )


def _mapping(value: Any, annotation: Any, path: tuple[str, ...], use: Use) -> ImmutableDict:
    if not isinstance(value, collections.abc.Mapping):
        raise TypeError(f"{''.join(path)}: expected mapping, got {_type_of(value)}")
    of_keys, of_values = typing.get_args(annotation)
    return ImmutableDict(
        (
            converted(key, of_keys, (*path, "[<key>]"), use),
            converted(item, of_values, (*path, f"[{key!r}]"), use),
        )
        for key, item in value.items()
    )


def with_mappings(value: Any, kind: type) -> Any:
    """Returns a field's value with mappings of another class."""
    if isinstance(value, dict | ImmutableDict):
        return kind((key, with_mappings(item, kind)) for key, item in value.items())
    if type(value) is tuple:
        return tuple(with_mappings(part, kind) for part in value)
    return value
