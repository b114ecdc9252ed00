"""Columns of categories of one feature: by number, by hash, by index in a vocabulary."""

from __future__ import annotations

import collections
from typing import Any

import numpy as np

from penstock._src.api.io.gfile import GFile, exists
from penstock._src.api.io.parsing import VarLenFeature
from penstock._src.api.lookup.id_tables import index_table_from_file, index_table_from_tensor
from penstock._src.api.math.elementwise import cast
from penstock._src.api.sparse.sparse_tensor import SparseTensor
from penstock._src.core import dtypes
from penstock._src.core.dispatch import executing_eagerly
from penstock._src.core.registry import raw
from penstock._src.core.tensor import Tensor
from penstock._src.data.experimental.tables import index_table_from_dataset
from penstock._src.data.readers import TFRecordDataset
from penstock._src.eager.context import init_scope
from penstock._src.util.export import export
from penstock._src.v1.feature_column.checks import (
    check_buckets,
    check_key,
    check_string_or_integer,
)
from penstock._src.v1.feature_column.protocols import EarlierCategorical, LaterCategorical
from penstock._src.v1.feature_column.serialization import registered
from penstock._src.v1.feature_column.sources import sparse_without


class _OfKey:
    """Categories of the feature of one key."""

    @property
    def name(self) -> str:
        """The name of the column."""
        return self.key

    @property
    def parents(self) -> list[str]:
        """The key of the feature."""
        return [self.key]

    def _spec(self) -> dict[str, Any]:
        return {self.key: VarLenFeature(self.dtype)}

    def _transform(self, source: Any) -> SparseTensor:
        return self._ids(sparse_without(source.get(self.key)), source)

    def _check_type(self, dtype: Any) -> None:
        """Raises unless the type of a feature is one of the column's kind."""
        check_string_or_integer(dtype, f"column_name: {self.key} input_tensor")
        if self.dtype.is_integer != dtype.is_integer:
            raise ValueError(
                "Column dtype and SparseTensors dtype must be compatible. "
                f"key: {self.key}, column dtype: {self.dtype}, tensor dtype: {dtype}"
            )


class _Identities(_OfKey):
    """Integers that are categories themselves."""

    @classmethod
    def checked(cls, key: str, num_buckets: int, default_value: int | None = None) -> Any:
        """Makes a column of valid arguments; see `categorical_column_with_identity`."""
        if num_buckets < 1:
            raise ValueError(f"num_buckets {num_buckets} < 1, column_name {key}")
        if default_value is not None and not 0 <= default_value < num_buckets:
            raise ValueError(
                f"default_value {default_value} not in range [0, {num_buckets}), column_name {key}"
            )
        check_key(key)
        return cls(key, num_buckets, default_value)

    def _spec(self) -> dict[str, Any]:
        return {self.key: VarLenFeature(dtypes.int64)}

    def _buckets(self) -> int:
        _, count, _ = self
        return count

    def _ids(self, sparse: SparseTensor, source: Any) -> SparseTensor:
        if not sparse.dtype.is_integer:
            raise ValueError(f"Invalid input, not integer. key: {self.key} dtype: {sparse.dtype}")
        values = cast(sparse.values, dtypes.int64)
        if self.default_value is not None:
            below = raw.Less(x=values, y=np.int64(0))
            above = raw.GreaterEqual(x=values, y=np.int64(self._buckets()))
            values = raw.SelectV2(
                condition=raw.LogicalOr(x=below, y=above, name="out_of_range"),
                t=np.int64(self.default_value),
                e=values,
            )
        return SparseTensor(sparse.indices, values, sparse.dense_shape)


class _IdentityCategoricalColumn(
    _Identities,
    EarlierCategorical,
    collections.namedtuple("_IdentityCategoricalColumn", ("key", "num_buckets", "default_value")),
):
    """Integers that are categories themselves; of the first generation."""


@registered
class IdentityCategoricalColumn(
    _Identities,
    LaterCategorical,
    EarlierCategorical,
    collections.namedtuple("IdentityCategoricalColumn", ("key", "number_buckets", "default_value")),
):
    """Integers that are categories themselves."""


@export("feature_column.categorical_column_with_identity")
def categorical_column_with_identity(
    key: str, num_buckets: int, default_value: int | None = None
) -> IdentityCategoricalColumn:
    """A column of categories 0 ... num_buckets - 1.

    Args:
      key: of the feature.
      num_buckets: the number of categories.
      default_value: the category of numbers out of range; by default the op that uses such an id fails.

    Returns:
      A column.

    Raises:
      ValueError: there is no category, or the default is none of them.

    >>> tf.feature_column.categorical_column_with_identity("kind", num_buckets=3).num_buckets
    3
    """
    return IdentityCategoricalColumn.checked(key, num_buckets, default_value)


class _Hashes(_OfKey):
    """Categories by a hash of the value."""

    @classmethod
    def checked(cls, key: str, hash_bucket_size: int, dtype: Any = dtypes.string) -> Any:
        """Makes a column of valid arguments; see `categorical_column_with_hash_bucket`."""
        if hash_bucket_size is None:
            raise ValueError(f"hash_bucket_size must be set. key: {key}")
        if hash_bucket_size < 1:
            raise ValueError(
                f"hash_bucket_size must be at least 1. hash_bucket_size: {hash_bucket_size}, "
                f"key: {key}"
            )
        check_key(key)
        dtype = dtypes.as_dtype(dtype)
        check_string_or_integer(dtype, f"column_name: {key}")
        return cls(key, hash_bucket_size, dtype)

    def _buckets(self) -> int:
        return self.hash_bucket_size

    def _ids(self, sparse: SparseTensor, source: Any) -> SparseTensor:
        self._check_type(sparse.dtype)
        values = sparse.values
        text = values if self.dtype == dtypes.string else raw.AsString(input=values)
        ids = raw.StringToHashBucketFast(
            input=text, num_buckets=self.hash_bucket_size, name="lookup"
        )
        return SparseTensor(sparse.indices, ids, sparse.dense_shape)


_HASHED_FIELDS = ("key", "hash_bucket_size", "dtype")


class _HashedCategoricalColumn(
    _Hashes,
    EarlierCategorical,
    collections.namedtuple("_HashedCategoricalColumn", _HASHED_FIELDS),
):
    """Categories by a hash of the value; of the first generation."""


@registered
class HashedCategoricalColumn(
    _Hashes,
    LaterCategorical,
    EarlierCategorical,
    collections.namedtuple("HashedCategoricalColumn", _HASHED_FIELDS),
):
    """Categories by a hash of the value."""


@export("feature_column.categorical_column_with_hash_bucket")
def categorical_column_with_hash_bucket(
    key: str, hash_bucket_size: int, dtype: Any = dtypes.string
) -> HashedCategoricalColumn:
    """A column of categories by a hash of strings or integers.

    Args:
      key: of the feature.
      hash_bucket_size: the number of categories.
      dtype: of the values: a string or integer type.

    Returns:
      A column.

    Raises:
      ValueError: there is no category, or the type is neither.

    >>> tf.feature_column.categorical_column_with_hash_bucket("city", 100).num_buckets
    100
    """
    return HashedCategoricalColumn.checked(key, hash_bucket_size, dtype)


class _Vocabulary(_OfKey):
    """Categories by index in a vocabulary."""

    def _ids(self, sparse: SparseTensor, source: Any) -> Any:
        self._check_type(sparse.dtype)
        kind = self.dtype
        if sparse.dtype.is_integer:
            kind = dtypes.int64
            values = cast(sparse.values, kind)
            sparse = SparseTensor(sparse.indices, values, sparse.dense_shape)
        name = f"{self.key}_lookup"

        def make() -> Any:
            with init_scope():
                return self._table(kind, name)

        return source.table(self, name, make).lookup(sparse)


class _VocabularyOfList(_Vocabulary):
    """Categories by index in a list."""

    @classmethod
    def checked(
        cls,
        key: str,
        vocabulary_list: Any,
        dtype: Any = None,
        default_value: int = -1,
        num_oov_buckets: int = 0,
    ) -> Any:
        """Makes a column of valid arguments; see `categorical_column_with_vocabulary_list`."""
        if vocabulary_list is None or len(vocabulary_list) < 1:
            raise ValueError(
                f"vocabulary_list {vocabulary_list} must be non-empty, column_name: {key}"
            )
        if len(set(vocabulary_list)) != len(vocabulary_list):
            raise ValueError(
                f"Duplicate keys in vocabulary_list {vocabulary_list}, column_name: {key}"
            )
        vocabulary_dtype = dtypes.as_dtype(np.array(vocabulary_list).dtype)
        check_buckets(num_oov_buckets, default_value, -1, key)
        check_string_or_integer(vocabulary_dtype, f"column_name: {key} vocabulary")
        dtype = vocabulary_dtype if dtype is None else dtypes.as_dtype(dtype)
        if dtype.is_integer != vocabulary_dtype.is_integer:
            raise ValueError(
                f"dtype {dtype} and vocabulary dtype {vocabulary_dtype} do not match, column_name: {key}"
            )
        check_string_or_integer(dtype, f"column_name: {key}")
        check_key(key)
        return cls(key, tuple(vocabulary_list), dtype, default_value, num_oov_buckets)

    def _buckets(self) -> int:
        return len(self.vocabulary_list) + self.num_oov_buckets

    def _table(self, kind: Any, name: str) -> Any:
        return index_table_from_tensor(
            self.vocabulary_list,
            num_oov_buckets=self.num_oov_buckets,
            default_value=self.default_value,
            dtype=kind,
            name=name,
        )


_LIST_FIELDS = ("key", "vocabulary_list", "dtype", "default_value", "num_oov_buckets")


class _VocabularyListCategoricalColumn(
    _VocabularyOfList,
    EarlierCategorical,
    collections.namedtuple("_VocabularyListCategoricalColumn", _LIST_FIELDS),
):
    """Categories by index in a list; of the first generation."""


@registered
class VocabularyListCategoricalColumn(
    _VocabularyOfList,
    LaterCategorical,
    EarlierCategorical,
    collections.namedtuple("VocabularyListCategoricalColumn", _LIST_FIELDS),
):
    """Categories by index in a list."""


@export("feature_column.categorical_column_with_vocabulary_list")
def categorical_column_with_vocabulary_list(
    key: str,
    vocabulary_list: Any,
    dtype: Any = None,
    default_value: int = -1,
    num_oov_buckets: int = 0,
) -> VocabularyListCategoricalColumn:
    """A column of categories by index in a list.

    Args:
      key: of the feature.
      vocabulary_list: distinct strings or integers.
      dtype: of the values; by default that of the list.
      default_value: the category of values that are not listed.
      num_oov_buckets: how many further categories such values are hashed to, instead.

    Returns:
      A column.

    Raises:
      ValueError: an argument is invalid.

    >>> column = tf.feature_column.categorical_column_with_vocabulary_list("color", ["red", "green"])
    >>> column.num_buckets
    2
    """
    return VocabularyListCategoricalColumn.checked(
        key, vocabulary_list, dtype, default_value, num_oov_buckets
    )


class _VocabularyOfFile(_Vocabulary):
    """Categories by line of a file."""

    @classmethod
    def checked(
        cls,
        key: str,
        vocabulary_file: str,
        vocabulary_size: Any = None,
        num_oov_buckets: int = 0,
        default_value: int | None = None,
        dtype: Any = dtypes.string,
        **of_class: Any,
    ) -> Any:
        """Makes a column of valid arguments; see `categorical_column_with_vocabulary_file`."""
        if not vocabulary_file:
            raise ValueError(f"Missing vocabulary_file in {key}.")
        if vocabulary_size is None:
            if not exists(vocabulary_file):
                raise ValueError(f"vocabulary_file in {key} does not exist.")
            vocabulary_size = _entries(vocabulary_file, of_class.get("file_format"))
        if not isinstance(vocabulary_size, Tensor) and vocabulary_size < 1:
            raise ValueError(f"Invalid vocabulary_size in {key}.")
        check_buckets(num_oov_buckets, default_value, None, key)
        dtype = dtypes.as_dtype(dtype)
        check_string_or_integer(dtype, f"column_name: {key}")
        check_key(key)
        return cls(
            key=key,
            vocabulary_file=vocabulary_file,
            vocabulary_size=vocabulary_size,
            num_oov_buckets=num_oov_buckets or 0,
            dtype=dtype,
            default_value=-1 if default_value is None else default_value,
            **of_class,
        )

    def _buckets(self) -> int:
        return self.vocabulary_size + self.num_oov_buckets

    def _table(self, kind: Any, name: str) -> Any:
        options = {
            "num_oov_buckets": self.num_oov_buckets,
            "vocab_size": self.vocabulary_size,
            "default_value": self.default_value,
            "key_dtype": kind,
            "name": name,
        }
        if getattr(self, "file_format", None) != _RECORDS:
            return index_table_from_file(self.vocabulary_file, **options)
        entries = TFRecordDataset(self.vocabulary_file, compression_type="GZIP")
        if kind != dtypes.string:
            entries = entries.map(
                lambda text: raw.StringToNumber(string_tensor=text, out_type=kind)
            )
        return index_table_from_dataset(entries, **options)


_RECORDS = "tfrecord_gzip"


def _entries(vocabulary_file: str, file_format: str | None) -> Any:
    """The number of entries of a file of lines or compressed records."""
    if file_format == _RECORDS:
        entries = TFRecordDataset(vocabulary_file, "GZIP")
        count = entries.reduce(np.int64(0), lambda total, _: total + 1)
        return count.numpy() if executing_eagerly() else count
    with GFile(vocabulary_file, "rb") as file:
        return sum(1 for _ in file)


_FILE_FIELDS = (
    "key",
    "vocabulary_file",
    "vocabulary_size",
    "num_oov_buckets",
    "dtype",
    "default_value",
)


class _VocabularyFileCategoricalColumn(
    _VocabularyOfFile,
    EarlierCategorical,
    collections.namedtuple("_VocabularyFileCategoricalColumn", _FILE_FIELDS),
):
    """Categories by line of a file; of the first generation."""


@registered
class VocabularyFileCategoricalColumn(
    _VocabularyOfFile,
    LaterCategorical,
    EarlierCategorical,
    collections.namedtuple(
        "VocabularyFileCategoricalColumn", (*_FILE_FIELDS, "file_format"), defaults=(None,)
    ),
):
    """Categories by line of a file."""


@export("feature_column.categorical_column_with_vocabulary_file", v1=[])
def categorical_column_with_vocabulary_file(
    key: str,
    vocabulary_file: str,
    vocabulary_size: Any = None,
    dtype: Any = dtypes.string,
    default_value: int | None = None,
    num_oov_buckets: int = 0,
    file_format: str | None = None,
) -> VocabularyFileCategoricalColumn:
    """A column of categories by line of a file.

    Args:
      key: of the feature.
      vocabulary_file: a file with an entry on each line.
      vocabulary_size: how many lines count; by default all.
      dtype: of the entries.
      default_value: the category of values that are not listed; -1 by default.
      num_oov_buckets: how many further categories such values are hashed to, instead.
      file_format: "tfrecord_gzip" if the entries are compressed records; by default, if the file's
        name ends so.

    Returns:
      A column.

    Raises:
      ValueError: an argument is invalid.
    """
    if file_format is None and str(vocabulary_file).endswith("tfrecord.gz"):
        file_format = _RECORDS
    return VocabularyFileCategoricalColumn.checked(
        key,
        vocabulary_file,
        vocabulary_size,
        num_oov_buckets,
        default_value,
        dtype,
        file_format=file_format,
    )


@export(v1=["feature_column.categorical_column_with_vocabulary_file"])
def categorical_column_with_vocabulary_file_v1(
    key: str,
    vocabulary_file: str,
    vocabulary_size: Any = None,
    num_oov_buckets: int = 0,
    default_value: int | None = None,
    dtype: Any = dtypes.string,
) -> VocabularyFileCategoricalColumn:
    """`tf.feature_column.categorical_column_with_vocabulary_file` with another order of arguments."""
    return categorical_column_with_vocabulary_file(
        key, vocabulary_file, vocabulary_size, dtype, default_value, num_oov_buckets
    )
