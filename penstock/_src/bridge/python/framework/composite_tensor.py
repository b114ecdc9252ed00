"""`tensorflow.python.framework.composite_tensor`: variables within composite tensors."""

from typing import Any

from penstock._src.bridge.internals.ops import convert_variables_to_tensors

__all__ = ["convert_variables_to_tensors"]


def is_composite_tensor(value: Any) -> bool:
    """True if a value is made of tensors, as its TypeSpec describes."""
    return hasattr(value, "_type_spec")
