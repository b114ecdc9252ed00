"""Categorical columns: identities, vocabularies, hashes, crosses, weights, sequences."""

import collections

import numpy as np

from penstock._src.api.io.parsing import VarLenFeature
from penstock._src.api.lookup.tables import (
    KeyValueTensorInitializer,
    StaticHashTable,
    StaticVocabularyTable,
    TextFileIndex,
    TextFileInitializer,
)
from penstock._src.api.math.elementwise import cast
from penstock._src.api.sparse.features import cross_hashed
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.util.export import export
from penstock._src.util.signatures import read_only

from .base import CategoricalColumn, FeatureColumn, SparseTensor, check_key, sparse_of


class _KeyedColumn(CategoricalColumn):
    """Categories of one feature."""

    name = read_only("key", "The name of the column.")

    @property
    def parse_example_spec(self):
        """The specification for `tf.io.parse_example` to parse the column."""
        return {self.key: VarLenFeature(self._type())}

    def _type(self):
        return self.dtype

    @property
    def parents(self):
        """The keys that it is made of."""
        return [self.key]


class IdentityCategoricalColumn(
    _KeyedColumn,
    collections.namedtuple("IdentityCategoricalColumn", ("key", "number_buckets", "default_value")),
):
    """Integer categories."""

    num_buckets = read_only("number_buckets", "The number of categories.")

    def _type(self):
        return dtypes.int64

    def transform(self, features):
        """The categories, with those out of range replaced by the default."""
        sparse = sparse_of(features.get(self.key))
        if not sparse.dtype.is_integer:
            raise ValueError(f"Invalid input, not integer. key: {self.key} dtype: {sparse.dtype}")
        values = cast(sparse.values, dtypes.int64)
        outside = raw.LogicalOr(
            x=raw.Less(x=values, y=np.int64(0)),
            y=raw.GreaterEqual(x=values, y=np.int64(self.number_buckets)),
        )
        if self.default_value is not None:
            values = raw.SelectV2(condition=outside, t=np.int64(self.default_value), e=values)
        else:
            raw.Assert(
                condition=raw.LogicalNot(x=raw.Any(input=outside, axis=[0])),
                data=["Negative or too large bucket index", self.name, values],
            )
        return SparseTensor(sparse.indices, values, sparse.dense_shape)


@export("feature_column.categorical_column_with_identity")
def categorical_column_with_identity(key, num_buckets, default_value=None):
    """A column of categories 0 ... num_buckets - 1.

    Args:
      key: of the feature.
      num_buckets: the number of categories.
      default_value: the category of numbers out of range, which are errors by default.
    """
    if num_buckets < 1:
        raise ValueError(f"num_buckets {num_buckets} < 1, column_name {key}")
    if default_value is not None and not 0 <= default_value < num_buckets:
        raise ValueError(
            f"default_value {default_value} not in range [0, {num_buckets}), column_name {key}"
        )
    check_key(key)
    return IdentityCategoricalColumn(key, num_buckets, default_value)


def _check_type(dtype, key):
    if dtype != dtypes.string and not dtype.is_integer:
        raise ValueError(
            f"column_name: {key} dtype must be string or integer. dtype: <dtype: '{dtype.name}'>."
        )


class HashedCategoricalColumn(
    _KeyedColumn,
    collections.namedtuple("HashedCategoricalColumn", ("key", "hash_bucket_size", "dtype")),
):
    """Categories by a hash of the value."""

    num_buckets = read_only("hash_bucket_size", "The number of categories.")

    def transform(self, features):
        """The hashes."""
        sparse = sparse_of(features.get(self.key))
        values = sparse.values
        values = values if values.dtype == dtypes.string else raw.AsString(input=values)
        hashed = raw.StringToHashBucketFast(input=values, num_buckets=self.hash_bucket_size)
        return SparseTensor(sparse.indices, hashed, sparse.dense_shape)


@export("feature_column.categorical_column_with_hash_bucket")
def categorical_column_with_hash_bucket(key, hash_bucket_size, dtype=dtypes.string):
    """A column of categories by a hash of strings or integers."""
    if hash_bucket_size is None:
        raise ValueError(f"hash_bucket_size must be set. key: {key}")
    if hash_bucket_size < 1:
        raise ValueError(
            f"hash_bucket_size must be at least 1. hash_bucket_size: {hash_bucket_size}, key: {key}"
        )
    check_key(key)
    dtype = dtypes.as_dtype(dtype)
    _check_type(dtype, key)
    return HashedCategoricalColumn(key, hash_bucket_size, dtype)


class _VocabularyColumn(_KeyedColumn):
    """Categories by index in a vocabulary."""

    def transform(self, features):
        """The indices."""
        sparse = sparse_of(features.get(self.key))
        values, kind = sparse.values, self._key_type()
        if values.dtype != kind:
            values = cast(values, kind)
        found = self._table().lookup(values)
        return SparseTensor(sparse.indices, found, sparse.dense_shape)

    def _key_type(self):
        return dtypes.int64 if self.dtype.is_integer else self.dtype

    def _table(self):
        initializer = self._initializer()
        if self.num_oov_buckets:
            return StaticVocabularyTable(initializer, self.num_oov_buckets)
        return StaticHashTable(initializer, self.default_value)


class VocabularyListCategoricalColumn(
    _VocabularyColumn,
    collections.namedtuple(
        "VocabularyListCategoricalColumn",
        ("key", "vocabulary_list", "dtype", "default_value", "num_oov_buckets"),
    ),
):
    """Categories by index in a list."""

    @property
    def num_buckets(self):
        """The number of categories."""
        return len(self.vocabulary_list) + self.num_oov_buckets

    def _initializer(self):
        keys = convert_to_tensor(list(self.vocabulary_list), dtype=self._key_type())
        places = np.arange(len(self.vocabulary_list), dtype=np.int64)
        return KeyValueTensorInitializer(keys, places)


@export("feature_column.categorical_column_with_vocabulary_list")
def categorical_column_with_vocabulary_list(
    key, vocabulary_list, dtype=None, default_value=-1, num_oov_buckets=0
):
    """A column of categories by index in a list.

    Args:
      key: of the feature.
      vocabulary_list: distinct strings or integers.
      dtype: their type; by default inferred.
      default_value: the category of values that are not listed.
      num_oov_buckets: how many further categories such values are hashed to, instead.
    """
    if vocabulary_list is None or len(vocabulary_list) < 1:
        raise ValueError(f"vocabulary_list {vocabulary_list} must be non-empty, column_name: {key}")
    if len(set(vocabulary_list)) != len(vocabulary_list):
        raise ValueError(f"Duplicate keys in vocabulary_list {vocabulary_list}, column_name: {key}")
    vocabulary_type = dtypes.as_dtype(np.array(vocabulary_list).dtype)
    _check_buckets(num_oov_buckets, default_value, key)
    _check_type(vocabulary_type, key)
    dtype = vocabulary_type if dtype is None else dtypes.as_dtype(dtype)
    if dtype.is_integer != vocabulary_type.is_integer:
        raise ValueError(
            f"dtype <dtype: '{dtype.name}'> and vocabulary dtype <dtype: '{vocabulary_type.name}'> do "
            f"not match, column_name: {key}"
        )
    _check_type(dtype, key)
    check_key(key)
    return VocabularyListCategoricalColumn(
        key, tuple(vocabulary_list), dtype, default_value, num_oov_buckets
    )


def _check_buckets(num_oov_buckets, default_value, key):
    if num_oov_buckets:
        if default_value not in (-1, None):
            raise ValueError(f"Can't specify both num_oov_buckets and default_value in {key}.")
        if num_oov_buckets < 0:
            raise ValueError(f"Invalid num_oov_buckets {num_oov_buckets} in {key}.")


class VocabularyFileCategoricalColumn(
    _VocabularyColumn,
    collections.namedtuple(
        "VocabularyFileCategoricalColumn",
        (
            "key",
            "vocabulary_file",
            "vocabulary_size",
            "num_oov_buckets",
            "dtype",
            "default_value",
            "file_format",
        ),
    ),
):
    """Categories by line of a file."""

    @property
    def num_buckets(self):
        """The number of categories."""
        return self.vocabulary_size + self.num_oov_buckets

    def _initializer(self):
        return TextFileInitializer(
            self.vocabulary_file,
            self._key_type(),
            TextFileIndex.WHOLE_LINE,
            dtypes.int64,
            TextFileIndex.LINE_NUMBER,
            vocab_size=self.vocabulary_size,
        )


@export("feature_column.categorical_column_with_vocabulary_file", v1=[])
def categorical_column_with_vocabulary_file(
    key,
    vocabulary_file,
    vocabulary_size=None,
    dtype=dtypes.string,
    default_value=None,
    num_oov_buckets=0,
    file_format=None,
):
    """A column of categories by line of a file; arguments as for a list.

    Args:
      key: of the feature.
      vocabulary_file: a file with an entry on each line.
      vocabulary_size: how many lines count; by default all.
      dtype: of the entries.
      default_value: the category of values that are not listed; -1 by default.
      num_oov_buckets: how many further categories such values are hashed to, instead.
      file_format: None for text; "tfrecord_gzip" is not supported.
    """
    if not vocabulary_file:
        raise ValueError(f"Missing vocabulary_file in {key}.")
    if file_format not in (None, "tfrecord_gzip"):
        raise ValueError("file_format must be None or 'tfrecord_gzip'")
    if vocabulary_size is None:
        with open(vocabulary_file, "rb") as file:
            vocabulary_size = sum(1 for _ in file)
    if vocabulary_size < 1:
        raise ValueError(f"Invalid vocabulary_size in {key}.")
    _check_buckets(num_oov_buckets, default_value, key)
    check_key(key)
    dtype = dtypes.as_dtype(dtype)
    _check_type(dtype, key)
    return VocabularyFileCategoricalColumn(
        key,
        vocabulary_file,
        vocabulary_size,
        0 if num_oov_buckets is None else num_oov_buckets,
        dtype,
        -1 if default_value is None else default_value,
        file_format,
    )


class CrossedColumn(
    CategoricalColumn,
    collections.namedtuple("CrossedColumn", ("keys", "hash_bucket_size", "hash_key")),
):
    """Categories by a hash of combinations."""

    @property
    def name(self):
        """The name of the column."""
        names = [k if isinstance(k, str) else k.name for k in self._leaves()]
        return "_X_".join(sorted(names))

    def _leaves(self):
        """The keys, with nested crossed columns expanded."""
        found = []
        for key in self.keys:
            found += key._leaves() if isinstance(key, CrossedColumn) else [key]
        return found

    @property
    def parse_example_spec(self):
        """The specification for `tf.io.parse_example` to parse the column."""
        spec = {}
        for key in self.keys:
            if isinstance(key, FeatureColumn):
                spec.update(key.parse_example_spec)
            else:
                spec[key] = VarLenFeature(dtypes.string)
        return spec

    @property
    def parents(self):
        """The columns and keys that it depends on."""
        return list(self.keys)

    num_buckets = read_only("hash_bucket_size", "The number of categories.")

    def transform(self, features):
        """The hashes of combinations."""
        inputs = []
        for key in self._leaves():
            if isinstance(key, str):
                inputs.append(features.get(key))
                continue
            categories, weights = key.sparse_tensors(features)
            if weights is not None:
                raise ValueError(
                    "crossed_column does not support weight_tensor, but the given column populates "
                    f"weight_tensor. Given column: {key.name}"
                )
            inputs.append(categories)
        return cross_hashed(inputs, num_buckets=self.hash_bucket_size, hash_key=self.hash_key)


@export("feature_column.crossed_column")
def crossed_column(keys, hash_bucket_size, hash_key=None):
    """A column of combinations of categories, hashed.

    Args:
      keys: at least two keys of features or categorical columns.
      hash_bucket_size: the number of categories.
      hash_key: the key of the hash.
    """
    if not hash_bucket_size or hash_bucket_size < 1:
        raise ValueError(f"hash_bucket_size must be > 1. hash_bucket_size: {hash_bucket_size}")
    if not keys or len(keys) < 2:
        raise ValueError(f"keys must be a list with length > 1. Given: {keys}")
    for key in keys:
        if not isinstance(key, (str, CategoricalColumn)):
            raise ValueError(
                "Unsupported key type. All keys must be either string, or categorical column except "
                f"HashedCategoricalColumn. Given: {key}"
            )
        if isinstance(key, HashedCategoricalColumn):
            raise ValueError(
                "categorical_column_with_hash_bucket is not supported for crossing. Hashing before "
                "crossing will increase probability of collision. Instead, use the feature name as a "
                f"string. Given: {key}"
            )
    return CrossedColumn(tuple(keys), hash_bucket_size, hash_key)


class WeightedCategoricalColumn(
    CategoricalColumn,
    collections.namedtuple(
        "WeightedCategoricalColumn", ("categorical_column", "weight_feature_key", "dtype")
    ),
):
    """Categories with weights of another feature."""

    @property
    def name(self):
        """The name of the column."""
        return f"{self.categorical_column.name}_weighted_by_{self.weight_feature_key}"

    @property
    def parse_example_spec(self):
        """The specification for `tf.io.parse_example` to parse the column."""
        config = dict(self.categorical_column.parse_example_spec)
        if self.weight_feature_key in config:
            raise ValueError(
                f"Parse config {config[self.weight_feature_key]} already exists for "
                f"{self.weight_feature_key}."
            )
        return {**config, self.weight_feature_key: VarLenFeature(self.dtype)}

    @property
    def parents(self):
        """The column and key that it depends on."""
        return [self.categorical_column, self.weight_feature_key]

    num_buckets = read_only("categorical_column.num_buckets", "The number of categories.")

    def transform(self, features):
        """The categories and their weights."""
        weights = sparse_of_weights(features.get(self.weight_feature_key), self.dtype)
        return self.categorical_column.sparse_tensors(features)[0], weights

    def sparse_tensors(self, features):
        """The categories and their weights."""
        return features.get(self)


def sparse_of_weights(value, dtype):
    """Weights as a sparse float32 tensor, without dropping elements of a dense one."""
    if not isinstance(value, SparseTensor):
        ones = raw.Fill(dims=raw.Shape(input=value), value=np.asarray(True))
        kept = raw.Where(condition=ones)
        values = raw.Reshape(tensor=value, shape=[-1])
        value = SparseTensor(kept, values, raw.Shape(input=value, out_type=dtypes.int64))
    if value.dtype != dtype:
        raise ValueError(f"Bad dtype, expected {dtype}, but got {value.dtype}.")
    return SparseTensor(value.indices, cast(value.values, dtypes.float32), value.dense_shape)


@export("feature_column.weighted_categorical_column")
def weighted_categorical_column(categorical_column, weight_feature_key, dtype=dtypes.float32):
    """A column of categories with weights.

    Args:
      categorical_column: the categories.
      weight_feature_key: of the feature with the weights.
      dtype: of the weights.
    """
    dtype = dtypes.as_dtype(dtype)
    if not (dtype.is_integer or dtype.is_floating):
        raise ValueError(f"dtype is not convertible to float. Given {dtype}.")
    return WeightedCategoricalColumn(categorical_column, weight_feature_key, dtype)


class SequenceCategoricalColumn(
    CategoricalColumn,
    collections.namedtuple("SequenceCategoricalColumn", ("categorical_column",)),
):
    """Categories for each step of a sequence."""

    name = read_only("categorical_column.name", "The name of the column.")
    parse_example_spec = read_only(
        "categorical_column.parse_example_spec",
        "What `tf.io.parse_example` has to parse for the column.",
    )

    @property
    def parents(self):
        """The columns that it is made of."""
        return [self.categorical_column]

    num_buckets = read_only("categorical_column.num_buckets", "The number of categories.")

    def transform(self, features):
        """The categories."""
        return self.categorical_column.transform(features)


@export("feature_column.sequence_categorical_column_with_identity", v1=[])
def sequence_categorical_column_with_identity(key, num_buckets, default_value=None):
    """`categorical_column_with_identity` for each step of a sequence."""
    return SequenceCategoricalColumn(
        categorical_column_with_identity(key, num_buckets, default_value)
    )


@export("feature_column.sequence_categorical_column_with_hash_bucket", v1=[])
def sequence_categorical_column_with_hash_bucket(key, hash_bucket_size, dtype=dtypes.string):
    """`categorical_column_with_hash_bucket` for each step of a sequence."""
    return SequenceCategoricalColumn(
        categorical_column_with_hash_bucket(key, hash_bucket_size, dtype)
    )


@export("feature_column.sequence_categorical_column_with_vocabulary_list", v1=[])
def sequence_categorical_column_with_vocabulary_list(
    key, vocabulary_list, dtype=None, default_value=-1, num_oov_buckets=0
):
    """`categorical_column_with_vocabulary_list` for each step of a sequence."""
    return SequenceCategoricalColumn(
        categorical_column_with_vocabulary_list(
            key, vocabulary_list, dtype, default_value, num_oov_buckets
        )
    )


@export("feature_column.sequence_categorical_column_with_vocabulary_file", v1=[])
def sequence_categorical_column_with_vocabulary_file(
    key,
    vocabulary_file,
    vocabulary_size=None,
    num_oov_buckets=0,
    default_value=None,
    dtype=dtypes.string,
):
    """`categorical_column_with_vocabulary_file` for each step of a sequence."""
    return SequenceCategoricalColumn(
        categorical_column_with_vocabulary_file(
            key, vocabulary_file, vocabulary_size, dtype, default_value, num_oov_buckets
        )
    )
