"""AnonymousExtensionType: a record of tensors of an unknown class, as in a SavedModel that is loaded without the class."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from penstock._src.core import dtypes, spec_names
from penstock._src.core.composite import CompositeTensor
from penstock._src.core.shapes import TensorShape
from penstock._src.core.specs import TypeSpec
from penstock._src.core.tensor import Tensor
from penstock._src.util.immutable_dict import ImmutableDict

from .extension_type import ExtensionType, ExtensionTypeSpec, made_of
from .fields import is_reserved

_PLAIN = (int, float, bool, str, bytes, type(None), dtypes.DType, TensorShape)


def _is_reserved(name: str) -> bool:
    return is_reserved(name) or (name.startswith("__") and name.endswith("__"))


def _checked(fields: dict[str, Any], owner: str, kinds: tuple[type, ...]) -> dict[str, Any]:
    for name in fields:
        if _is_reserved(name):
            raise ValueError(
                f"Reserved field name {name} was encountered when trying to instantiate an {owner}."
            )
    return {name: _held(value, kinds) for name, value in fields.items()}


def _held(value: Any, kinds: tuple[type, ...]) -> Any:
    if isinstance(value, (*_PLAIN, *kinds)):
        return value
    if isinstance(value, tuple):
        return tuple(_held(v, kinds) for v in value)
    if isinstance(value, Mapping):
        return ImmutableDict({_held(k, kinds): _held(v, kinds) for k, v in value.items()})
    raise ValueError(
        f"Cannot convert anonymous fields from an unsupported `value` argument: {value!r}."
    )


class _AnyFields:
    """A record with the fields that it is made with."""

    def _tf_extension_type_values(self) -> dict[str, Any]:
        return {k: v for k, v in self.__dict__.items() if not is_reserved(k)}

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        raise AttributeError(
            f"Cannot set attribute `{name}`. {type(self).__name__} instances are immutable."
        )

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(
            f"Cannot delete attribute `{name}`. {type(self).__name__} instances are immutable."
        )

    def __repr__(self) -> str:
        inside = ", ".join(f"{k}={v!r}" for k, v in self._tf_extension_type_values().items())
        return f"{type(self).__name__}({inside})"


class AnonymousExtensionTypeSpec(_AnyFields, ExtensionTypeSpec):
    """The specs of the fields of an AnonymousExtensionType."""

    def __init__(self, **fields: Any) -> None:
        self.__dict__.update(_checked(fields, "AnonymousExtensionTypeSpec", (TypeSpec,)))


class AnonymousExtensionType(_AnyFields, ExtensionType):
    """An ExtensionType of any fields."""

    _tf_extension_type_do_not_transform_this_class = True

    Spec = AnonymousExtensionTypeSpec

    def __init__(self, **fields: Any) -> None:
        checked = _checked(fields, "AnonymousExtensionType", (Tensor, CompositeTensor))
        self.__dict__.update(checked)


AnonymousExtensionTypeSpec.value_type = AnonymousExtensionType
spec_names.register("tf.AnonymousExtensionType.Spec")(AnonymousExtensionTypeSpec)


def reinterpret(value: Any, new_type: Any) -> Any:
    """Returns an object of another ExtensionType with the fields of `value`, which must be those that the type declares."""
    if not isinstance(value, ExtensionType):
        raise ValueError(
            f"reinterpret expects `value` to be a tf.ExtensionType instance; got {value!r}"
        )
    if not (isinstance(new_type, type) and issubclass(new_type, ExtensionType)):
        raise ValueError(
            f"reinterpret expects `new_type` to be a subclass of tf.ExtensionType; got {new_type!r}"
        )
    fields = value._tf_extension_type_values()
    if new_type is AnonymousExtensionType:
        return AnonymousExtensionType(**fields)
    result = made_of(new_type, fields)
    result._tf_extension_type_convert_fields()
    result.__validate__()
    return result
