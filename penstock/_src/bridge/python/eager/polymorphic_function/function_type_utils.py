"""Counterpart of `tensorflow/python/eager/polymorphic_function/function_type_utils.py`."""

from typing import Any

from penstock._src.function.types.function_spec import FunctionSpec, make_function_type
from penstock._src.function.types.function_type import to_input_signature
from penstock._src.util import nest

__all__ = ["FunctionSpec", "is_same_structure", "make_function_type", "to_input_signature"]


def is_same_structure(structure1: Any, structure2: Any, check_values: bool = False) -> bool:
    """True if two structures have one form, and with `check_values` equal leaves of equal types."""
    try:
        nest.assert_same_structure(structure1, structure2, expand_composites=True)
    except (ValueError, TypeError):
        return False
    if not check_values:
        return True
    one = nest.flatten(structure1, expand_composites=True)
    other = nest.flatten(structure2, expand_composites=True)
    return all(type(a) is type(b) and a == b for a, b in zip(one, other, strict=True))
