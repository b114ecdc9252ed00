"""The functions of structured tensors, to call by themselves and not through the public functions."""

from typing import Any

from penstock._src.api.array.shaping import expand_dims as expand_dims
from penstock._src.api.array.shaping import size as size
from penstock._src.api.ragged.structured import StructuredTensor
from penstock._src.api.ragged.structured_functions import concat as concat
from penstock._src.api.ragged.structured_functions import extend_op as _extend_op
from penstock._src.api.ragged.structured_functions import gather as gather
from penstock._src.api.ragged.structured_functions import rank as rank
from penstock._src.api.ragged.structured_functions import shape_like as _shape_like
from penstock._src.api.ragged.structured_functions import shuffle_rows as random_shuffle


def _structured_tensor_like(t: Any) -> StructuredTensor:
    """Records without fields, one for each value of a tensor."""
    return StructuredTensor.from_shape(_shape_like(t))
