"""`tensorflow.python.feature_column.feature_column`: columns of the first generation."""

from penstock._src.v1.feature_column.bases import (
    _CategoricalColumn,
    _DenseColumn,
    _FeatureColumn,
    _SequenceDenseColumn,
)
from penstock._src.v1.feature_column.categorical import (
    _HashedCategoricalColumn,
    _IdentityCategoricalColumn,
    _VocabularyFileCategoricalColumn,
    _VocabularyListCategoricalColumn,
)
from penstock._src.v1.feature_column.combined import (
    _CrossedColumn,
    _SequenceCategoricalColumn,
    _WeightedCategoricalColumn,
)
from penstock._src.v1.feature_column.dense import _EmbeddingColumn, _IndicatorColumn
from penstock._src.v1.feature_column.layers import InputLayer
from penstock._src.v1.feature_column.layers import listed as _normalize_feature_columns
from penstock._src.v1.feature_column.layers import transform_features as _transform_features
from penstock._src.v1.feature_column.linear_model import LinearModel as _LinearModel
from penstock._src.v1.feature_column.numeric import _BucketizedColumn, _NumericColumn
from penstock._src.v1.feature_column.shared import _SharedEmbeddingColumn
from penstock._src.v1.feature_column.sources import _LazyBuilder

_numeric_column = _NumericColumn.checked
_bucketized_column = _BucketizedColumn.checked
_categorical_column_with_identity = _IdentityCategoricalColumn.checked
_categorical_column_with_hash_bucket = _HashedCategoricalColumn.checked
_categorical_column_with_vocabulary_list = _VocabularyListCategoricalColumn.checked
_categorical_column_with_vocabulary_file = _VocabularyFileCategoricalColumn.checked
_crossed_column = _CrossedColumn.checked
_weighted_categorical_column = _WeightedCategoricalColumn.checked
_indicator_column = _IndicatorColumn
_embedding_column = _EmbeddingColumn.checked
