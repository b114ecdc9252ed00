"""The shape of structured tensors."""

from penstock._src.api.ragged.structured_parts import (
    shape_of_records as _dynamic_ragged_shape_init,  # the file exists for this name
)
