"""The spec of structured tensors, from a shape and the specs of fields."""

from __future__ import annotations

from typing import Any

from penstock._src.api.ragged.dynamic_shape import DynamicRaggedShapeSpec
from penstock._src.api.ragged.structured import StructuredTensor
from penstock._src.core import dtypes
from penstock._src.core.shapes import as_shape
from penstock._src.core.specs import TypeSpec


def StructuredTensorSpec(shape: Any, field_specs: Any) -> Any:
    """Returns the type of structured tensors with this shape and these fields.

    Raises:
      TypeError: the fields are no dict from strings to specs, or the rank is unknown.
    """
    if not isinstance(field_specs, dict):
        raise TypeError("field_specs must be a dictionary.")
    if not all(isinstance(name, str) for name in field_specs):
        raise TypeError("field_specs must be a dictionary with string keys.")
    if not all(isinstance(spec, TypeSpec) for spec in field_specs.values()):
        raise TypeError("field_specs must be a dictionary with TypeSpec values.")
    known = as_shape(shape)
    if known.rank is None:
        raise TypeError("StructuredTensor's shape must have known rank.")
    ragged_shape = DynamicRaggedShapeSpec([], known, dtypes.int64)
    return StructuredTensor.Spec(_fields=field_specs, _ragged_shape=ragged_shape)
