"""The functions of structured tensors, which are the public ones."""

from penstock._src.api.array.indexing import gather as gather
from penstock._src.api.array.joining import concat as concat
from penstock._src.api.array.shaping import expand_dims as expand_dims
from penstock._src.api.array.shaping import rank as rank
from penstock._src.api.array.shaping import size as size
from penstock._src.api.ragged.structured_functions import extend_op as _extend_op
from penstock._src.api.ragged.structured_functions import (
    structured_tensor_like as _structured_tensor_like,
)
from penstock._src.api.random.functions import shuffle as random_shuffle
