"""The types of structured tensors, from a shape and the types of fields, and the rows of fields."""

from __future__ import annotations

from typing import Any

from penstock._src.api.debugging.asserts import assert_equal
from penstock._src.api.ragged.dynamic_shape import DynamicRaggedShape, DynamicRaggedShapeSpec
from penstock._src.api.ragged.row_checks import depending
from penstock._src.api.ragged.row_partition import RowPartition
from penstock._src.api.ragged.structured import StructuredTensor
from penstock._src.api.ragged.structured_parts import common_shape_spec, shape_of_value
from penstock._src.api.ragged.structured_parts import merged as _merge_dims_generic
from penstock._src.core import dtypes
from penstock._src.core.shapes import Dimension, as_shape
from penstock._src.core.specs import TypeSpec


def StructuredTensorSpec(shape: Any, field_specs: Any) -> Any:
    """Returns the type of structured tensors with this shape and these fields.

    Raises:
      TypeError: the fields are not a dict from strings to specs, or the rank is unknown.
      ValueError: a field has another shape.
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
    whole = DynamicRaggedShapeSpec([], known, dtypes.int32)
    common = common_shape_spec(field_specs, known.rank)
    if common is not None:
        whole = whole._merge_with(common)
    return StructuredTensor.Spec(_fields=field_specs, _ragged_shape=whole)


def _row_partitions_for_uniform_shape(shape: Any, rank: int) -> tuple[RowPartition, ...]:
    """The partitions of all axes but the first of a dense tensor of this shape."""
    return DynamicRaggedShape((), shape[:rank])._as_row_partitions() if rank else ()


def _row_partitions_for_ragged_tensor(
    value: Any, rank: int, dtype: Any
) -> tuple[RowPartition, ...]:
    """The partitions of the first axes of a ragged tensor, `rank` of them with the outermost, which has none."""
    return shape_of_value(value, dtype)[:rank]._as_row_partitions()


def _merge_nrows(
    nrows: Any, static_nrows: Any, value: Any, dtype: Any, validate: bool
) -> tuple[Any, Any]:
    """The number of rows of a value that is to have `nrows`, and what is known of it statically.

    Raises:
      ValueError: it is known to have another.
    """
    known = Dimension(value.shape[0])
    own = shape_of_value(value, dtype)[0]
    message = "fields have incompatible nrows"
    if nrows is None:
        nrows = own
    elif None not in (known.value, static_nrows.value):
        if known.value != static_nrows.value:
            raise ValueError(message)
        nrows = own
    elif validate:
        assertion = assert_equal(nrows, own, message=message)
        nrows = depending(nrows, [] if assertion is None else [assertion])
    return nrows, static_nrows.merge_with(known)
