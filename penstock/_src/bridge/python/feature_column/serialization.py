"""`tensorflow.python.feature_column.serialization`: columns as plain values."""

from penstock._src.v1.feature_column.serialization import (
    deserialize_feature_columns,
    serialize_feature_columns,
)
from penstock._src.v1.feature_column.serialization import (
    name_with_class as _column_name_with_class_name,
)
