"""`tensorflow.python.feature_column.feature_column_v2`: columns of the second generation."""

from penstock._src.v1.feature_column.bases import CategoricalColumn
from penstock._src.v1.feature_column.categorical import (
    HashedCategoricalColumn,
    IdentityCategoricalColumn,
    VocabularyFileCategoricalColumn,
    VocabularyListCategoricalColumn,
)
from penstock._src.v1.feature_column.combined import (
    CrossedColumn,
    SequenceCategoricalColumn,
    WeightedCategoricalColumn,
)
from penstock._src.v1.feature_column.dense import EmbeddingColumn, IndicatorColumn
from penstock._src.v1.feature_column.layers import transform_features_v2 as _transform_features_v2
from penstock._src.v1.feature_column.numeric import BucketizedColumn, NumericColumn
from penstock._src.v1.feature_column.shared import (
    SharedEmbeddingColumn,
    SharedEmbeddingColumnCreator,
)
from penstock._src.v1.feature_column.state import StateManager
