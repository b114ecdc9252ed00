"""`tensorflow.python.checkpoint.saveable_compat`: names that the values of a class share in older checkpoints."""

from collections.abc import Callable
from typing import Any

from penstock._src.saving.object_graph import Conversion

__all__ = [
    "force_checkpoint_conversion",
    "force_checkpoint_conversion_enabled",
    "get_saveable_name",
    "legacy_saveable_name",
]


def legacy_saveable_name(name: str) -> Callable[[type], type]:
    """Returns a decorator of classes whose values share the attribute `name` of checkpoints."""

    def decorate(cls: Any) -> Any:
        cls._legacy_saveable_name = name
        return cls

    return decorate


def get_saveable_name(cls_or_obj: Any) -> str | None:
    """Returns the attribute that the values of a class share, or None."""
    return getattr(cls_or_obj, "_legacy_saveable_name", None)


def force_checkpoint_conversion(value: bool = True) -> None:
    """Lets each value have an attribute of its own."""
    Conversion.forced = value


def force_checkpoint_conversion_enabled() -> bool:
    """True if each value has an attribute of its own."""
    return Conversion.forced
