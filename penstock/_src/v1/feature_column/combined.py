"""Columns of categories made of others: combinations, categories with weights, sequences of categories."""

from __future__ import annotations

import collections
from typing import Any

import numpy as np

from penstock._src.api.io.parsing import VarLenFeature
from penstock._src.api.math.elementwise import cast
from penstock._src.api.sparse.features import cross_hashed
from penstock._src.api.sparse.functions import reshape as sparse_reshape
from penstock._src.api.sparse.sparse_tensor import SparseTensor
from penstock._src.core import dtypes
from penstock._src.core.registry import raw
from penstock._src.util.export import export
from penstock._src.v1.feature_column.bases import (
    CategoricalColumn,
    FeatureColumn,
    IdWeightPair,
    _CategoricalColumn,
    _FeatureColumn,
    buckets_of,
    is_v2,
    spec_of,
)
from penstock._src.v1.feature_column.categorical import (
    _Hashes,
    categorical_column_with_hash_bucket,
    categorical_column_with_identity,
    categorical_column_with_vocabulary_file_v1,
    categorical_column_with_vocabulary_list,
)
from penstock._src.v1.feature_column.checks import check_numeric
from penstock._src.v1.feature_column.protocols import EarlierCategorical, LaterCategorical
from penstock._src.v1.feature_column.serialization import registered
from penstock._src.v1.feature_column.sources import sparse_without
from penstock._src.v1.functions.arrays import convert_to_tensor_or_sparse_tensor


class _Crosses:
    """Categories by a hash of combinations."""

    # Classes of columns that may be crossed.
    _of: tuple[type, ...] = (_CategoricalColumn,)

    @classmethod
    def checked(cls, keys: Any, hash_bucket_size: int, hash_key: int | None = None) -> Any:
        """Makes a column of valid arguments; see `crossed_column`."""
        if not hash_bucket_size or hash_bucket_size < 1:
            raise ValueError(f"hash_bucket_size must be > 1. hash_bucket_size: {hash_bucket_size}")
        if not keys or len(keys) < 2:
            raise ValueError(f"keys must be a list with length > 1. Given: {keys}")
        for key in keys:
            if not isinstance(key, (str, *cls._of)):
                raise ValueError(
                    "Unsupported key type. All keys must be either string, or categorical column "
                    f"except HashedCategoricalColumn. Given: {key}"
                )
            if isinstance(key, _Hashes):
                raise ValueError(
                    "categorical_column_with_hash_bucket is not supported for crossing: hashing "
                    "twice has more collisions. Cross the key of the feature itself instead. "
                    f"Given: {key}"
                )
        return cls(tuple(keys), hash_bucket_size, hash_key)

    @property
    def name(self) -> str:
        """The name of the column."""
        return "_X_".join(sorted(k if isinstance(k, str) else k.name for k in self._leaves()))

    @property
    def parents(self) -> list[Any]:
        """The columns and keys that it combines."""
        return list(self.keys)

    @property
    def _is_v2_column(self) -> bool:
        return all(isinstance(key, str) or is_v2(key) for key in self._leaves())

    def _leaves(self) -> list[Any]:
        """The keys, with crossed columns replaced by their keys."""
        leaves: list[Any] = []
        for key in self.keys:
            leaves += key._leaves() if isinstance(key, _Crosses) else [key]
        return leaves

    def _spec(self) -> dict[str, Any]:
        spec: dict[str, Any] = {}
        for key in self.keys:
            is_column = isinstance(key, (FeatureColumn, _FeatureColumn))
            spec.update(spec_of(key) if is_column else {key: VarLenFeature(dtypes.string)})
        return spec

    def _buckets(self) -> int:
        return self.hash_bucket_size

    def _transform(self, source: Any) -> SparseTensor:
        inputs = []
        for key in self._leaves():
            if isinstance(key, str):
                inputs.append(source.get(key))
                continue
            if not isinstance(key, (CategoricalColumn, _CategoricalColumn)):
                raise ValueError(f"Unsupported column type. Given: {key}")
            ids = source.categories(key)
            if ids.weight_tensor is not None:
                raise ValueError(
                    "crossed_column does not support weight_tensor, but the given column populates "
                    f"weight_tensor. Given column: {key.name}"
                )
            inputs.append(ids.id_tensor)
        return cross_hashed(inputs, num_buckets=self.hash_bucket_size, hash_key=self.hash_key)


_CROSSED_FIELDS = ("keys", "hash_bucket_size", "hash_key")


class _CrossedColumn(
    _Crosses, EarlierCategorical, collections.namedtuple("_CrossedColumn", _CROSSED_FIELDS)
):
    """Categories by a hash of combinations; of the first generation."""


@registered
class CrossedColumn(
    _Crosses,
    LaterCategorical,
    EarlierCategorical,
    collections.namedtuple("CrossedColumn", _CROSSED_FIELDS),
):
    """Categories by a hash of combinations."""

    _of = (CategoricalColumn, _CategoricalColumn)


@export("feature_column.crossed_column")
def crossed_column(keys: Any, hash_bucket_size: int, hash_key: int | None = None) -> CrossedColumn:
    """A column of combinations of categories, hashed.

    Args:
      keys: at least two keys of features or categorical columns.
      hash_bucket_size: the number of categories.
      hash_key: the key of the hash.

    Returns:
      A column.

    Raises:
      ValueError: there are fewer than two, or one cannot be crossed.

    >>> tf.feature_column.crossed_column(["city", "color"], hash_bucket_size=50).num_buckets
    50
    """
    return CrossedColumn.checked(keys, hash_bucket_size, hash_key)


class _Weights:
    """Categories of a column with weights of another feature."""

    @classmethod
    def checked(
        cls, categorical_column: Any, weight_feature_key: str, dtype: Any = dtypes.float32
    ) -> Any:
        """Makes a column of valid arguments; see `weighted_categorical_column`."""
        check_numeric(dtype, f"dtype {dtype} is not convertible to float.")
        return cls(categorical_column, weight_feature_key, dtype)

    @property
    def name(self) -> str:
        """The name of the column."""
        return f"{self.categorical_column.name}_weighted_by_{self.weight_feature_key}"

    @property
    def parents(self) -> list[Any]:
        """The column of the categories, and the key of the weights."""
        return [self.categorical_column, self.weight_feature_key]

    @property
    def _is_v2_column(self) -> bool:
        return is_v2(self.categorical_column)

    def _spec(self) -> dict[str, Any]:
        spec, key = spec_of(self.categorical_column), self.weight_feature_key
        if key in spec:
            raise ValueError(f"Parse config {spec[key]} already exists for {key}.")
        return {**spec, key: VarLenFeature(self.dtype)}

    def _buckets(self) -> int:
        return buckets_of(self.categorical_column)

    def _transform(self, source: Any) -> tuple[SparseTensor, SparseTensor]:
        weights = convert_to_tensor_or_sparse_tensor(source.get(self.weight_feature_key))
        if self.dtype != weights.dtype.base_dtype:
            raise ValueError(f"Bad dtype, expected {self.dtype}, but got {weights.dtype}.")
        weights = sparse_without(weights, 0)
        if not weights.dtype.is_floating:
            values = cast(weights.values, dtypes.float32)
            weights = SparseTensor(weights.indices, values, weights.dense_shape)
        return sparse_without(source.get(self.categorical_column)), weights

    def _categories(self, source: Any) -> IdWeightPair:
        return IdWeightPair(*source.get(self))


_WEIGHTED_FIELDS = ("categorical_column", "weight_feature_key", "dtype")


class _WeightedCategoricalColumn(
    _Weights,
    EarlierCategorical,
    collections.namedtuple("_WeightedCategoricalColumn", _WEIGHTED_FIELDS),
):
    """Categories with weights; of the first generation."""


@registered
class WeightedCategoricalColumn(
    _Weights,
    LaterCategorical,
    EarlierCategorical,
    collections.namedtuple("WeightedCategoricalColumn", _WEIGHTED_FIELDS),
):
    """Categories with weights."""


@export("feature_column.weighted_categorical_column")
def weighted_categorical_column(
    categorical_column: Any, weight_feature_key: str, dtype: Any = dtypes.float32
) -> WeightedCategoricalColumn:
    """A column of categories with weights.

    Args:
      categorical_column: the categories.
      weight_feature_key: of the feature with the weights; a dense one has no weight where it is 0.
      dtype: of the weights.

    Returns:
      A column.

    Raises:
      ValueError: the type is not numeric.

    >>> kind = tf.feature_column.categorical_column_with_identity("kind", num_buckets=3)
    >>> tf.feature_column.weighted_categorical_column(kind, "weight").num_buckets
    3
    """
    return WeightedCategoricalColumn.checked(categorical_column, weight_feature_key, dtype)


class _Steps:
    """Categories for each step of a sequence: the second axis."""

    @property
    def name(self) -> str:
        """The name of the column."""
        return self.categorical_column.name

    @property
    def parents(self) -> list[Any]:
        """The column of the categories."""
        return [self.categorical_column]

    @property
    def _is_v2_column(self) -> bool:
        return is_v2(self.categorical_column)

    def _spec(self) -> dict[str, Any]:
        return spec_of(self.categorical_column)

    def _buckets(self) -> int:
        return buckets_of(self.categorical_column)

    def _transform(self, source: Any) -> Any:
        return source.get(self.categorical_column)

    def _categories(self, source: Any) -> IdWeightPair:
        ids, weights = source.categories(self.categorical_column)
        shape = ids.dense_shape
        rest = raw.Prod(input=shape[2:], axis=np.zeros(1, np.int32), keep_dims=True)
        target = raw.ConcatV2(values=[shape[:2], rest], axis=np.int32(0))
        return IdWeightPair(
            sparse_reshape(ids, target),
            None if weights is None else sparse_reshape(weights, target),
        )


class _SequenceCategoricalColumn(
    _Steps,
    EarlierCategorical,
    collections.namedtuple("_SequenceCategoricalColumn", ("categorical_column",)),
):
    """Categories for each step of a sequence; of the first generation."""


@registered
class SequenceCategoricalColumn(
    _Steps,
    LaterCategorical,
    EarlierCategorical,
    collections.namedtuple("SequenceCategoricalColumn", ("categorical_column",)),
):
    """Categories for each step of a sequence."""


def is_sequence(column: Any) -> bool:
    """True if a categorical column has categories for each step of a sequence."""
    return isinstance(column, _Steps)


def categories_of(column: Any) -> Any:
    """The column of categories below weights and sequences."""
    while isinstance(column, (_Weights, _Steps)):
        column = column.categorical_column
    return column


@export("feature_column.sequence_categorical_column_with_identity")
def sequence_categorical_column_with_identity(
    key: str, num_buckets: int, default_value: int | None = None
) -> SequenceCategoricalColumn:
    """`categorical_column_with_identity` for each step of a sequence.

    Args:
      key, num_buckets, default_value: as `tf.feature_column.categorical_column_with_identity`'s.

    Returns:
      A column.
    """
    return SequenceCategoricalColumn(
        categorical_column_with_identity(key, num_buckets, default_value)
    )


@export("feature_column.sequence_categorical_column_with_hash_bucket")
def sequence_categorical_column_with_hash_bucket(
    key: str, hash_bucket_size: int, dtype: Any = dtypes.string
) -> SequenceCategoricalColumn:
    """`categorical_column_with_hash_bucket` for each step of a sequence.

    Args:
      key, hash_bucket_size, dtype: as `tf.feature_column.categorical_column_with_hash_bucket`'s.

    Returns:
      A column.
    """
    return SequenceCategoricalColumn(
        categorical_column_with_hash_bucket(key, hash_bucket_size, dtype)
    )


@export("feature_column.sequence_categorical_column_with_vocabulary_list")
def sequence_categorical_column_with_vocabulary_list(
    key: str,
    vocabulary_list: Any,
    dtype: Any = None,
    default_value: int = -1,
    num_oov_buckets: int = 0,
) -> SequenceCategoricalColumn:
    """`categorical_column_with_vocabulary_list` for each step of a sequence.

    Args:
      key, vocabulary_list, dtype, default_value, num_oov_buckets: as
        `tf.feature_column.categorical_column_with_vocabulary_list`'s.

    Returns:
      A column.
    """
    return SequenceCategoricalColumn(
        categorical_column_with_vocabulary_list(
            key, vocabulary_list, dtype, default_value, num_oov_buckets
        )
    )


@export("feature_column.sequence_categorical_column_with_vocabulary_file")
def sequence_categorical_column_with_vocabulary_file(
    key: str,
    vocabulary_file: str,
    vocabulary_size: Any = None,
    num_oov_buckets: int = 0,
    default_value: int | None = None,
    dtype: Any = dtypes.string,
) -> SequenceCategoricalColumn:
    """`categorical_column_with_vocabulary_file` for each step of a sequence.

    Args:
      key, vocabulary_file, vocabulary_size, num_oov_buckets, default_value, dtype: as
        `tf.feature_column.categorical_column_with_vocabulary_file`'s.

    Returns:
      A column.
    """
    return SequenceCategoricalColumn(
        categorical_column_with_vocabulary_file_v1(
            key, vocabulary_file, vocabulary_size, num_oov_buckets, default_value, dtype
        )
    )
