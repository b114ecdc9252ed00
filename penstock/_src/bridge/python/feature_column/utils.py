"""`tensorflow.python.feature_column.utils`: common functions of columns of sequences."""

from penstock._src.v1.feature_column.sources import (
    sequence_lengths as sequence_length_from_sparse_tensor,
)
