"""AnonymousExtensionType: a record of tensors whose own class is not known, as in a SavedModel that is loaded without it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from penstock._src.api.extending.extension_type import (
    RESERVED,
    ExtensionType,
    ExtensionTypeSpec,
    converted,
)
from penstock._src.core import dtypes, spec_names
from penstock._src.core.composite import CompositeTensor
from penstock._src.core.shapes import TensorShape
from penstock._src.core.specs import TypeSpec
from penstock._src.core.tensor import Tensor

_PLAIN = (int, float, bool, str, bytes, type(None), dtypes.DType, TensorShape)


def _is_reserved(name: str) -> bool:
    own = name.startswith("_tf_extension_type") or name in RESERVED
    return own or (name.startswith("__") and name.endswith("__"))


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
        return {_held(k, kinds): _held(v, kinds) for k, v in value.items()}
    raise ValueError(
        f"Cannot convert anonymous fields from an unsupported `value` argument: {value!r}."
    )


class AnonymousSpec(ExtensionTypeSpec):
    """The specs of the fields of an AnonymousExtensionType."""

    def __init__(self, **fields: Any) -> None:
        self.__dict__.update(_checked(fields, "AnonymousExtensionTypeSpec", (TypeSpec,)))

    def _values(self) -> dict[str, Any]:
        return {k: v for k, v in self.__dict__.items() if not k.startswith("_")}

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        raise AttributeError(
            f"Cannot set attribute `{name}`. AnonymousExtensionTypeSpec instances are immutable."
        )

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(
            f"Cannot delete attribute `{name}`. AnonymousExtensionTypeSpec instances are immutable."
        )


class AnonymousExtensionType(ExtensionType):
    """An ExtensionType of any fields."""

    Spec = AnonymousSpec

    def __init__(self, **fields: Any) -> None:
        held = _checked(fields, "AnonymousExtensionType", (Tensor, CompositeTensor))
        self.__dict__.update(held)

    def _values(self) -> dict[str, Any]:
        return {k: v for k, v in self.__dict__.items() if not _is_reserved(k)}

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        raise AttributeError(
            f"Cannot set attribute `{name}`. AnonymousExtensionType instances are immutable."
        )

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(
            f"Cannot delete attribute `{name}`. AnonymousExtensionType instances are immutable."
        )


spec_names.register("tf.AnonymousExtensionType.Spec")(AnonymousExtensionType.Spec)


def reinterpret(value: Any, new_type: Any) -> Any:
    """Returns an object of another ExtensionType with the same fields, which must suit it."""
    if not isinstance(value, ExtensionType):
        raise ValueError(
            f"reinterpret expects `value` to be a tf.ExtensionType instance; got {value!r}"
        )
    if not (isinstance(new_type, type) and issubclass(new_type, ExtensionType)):
        raise ValueError(
            f"reinterpret expects `new_type` to be a subclass of tf.ExtensionType; got {new_type!r}"
        )
    if new_type is AnonymousExtensionType:
        return AnonymousExtensionType(**value._values())
    fields, wanted = value._values(), new_type._tf_extension_fields
    if fields.keys() != wanted.keys():
        missing = {name for name in wanted if name not in fields}
        if missing:
            raise ValueError(f"Missing required fields: {missing}")
        raise ValueError(f"Got unexpected fields: {fields.keys() - wanted.keys()}")
    made = object.__new__(new_type)
    for name, annotation in wanted.items():
        object.__setattr__(made, name, converted(fields[name], annotation, name))
    made.__validate__()
    return made
