"""`tensorflow.python.feature_column.sequence_feature_column`: columns of sequences."""

from penstock._src.v1.feature_column.numeric import SequenceNumericColumn
from penstock._src.v1.feature_column.parsing import concatenate_context_input
