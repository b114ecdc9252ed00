"""Tables between the entries of a vocabulary and their indices, and hashes of out-of-vocabulary entries."""

from __future__ import annotations

import collections
import functools
from typing import Any

import numpy as np

from penstock._src.api.control.scopes import name_scope_v1
from penstock._src.api.lookup.tables import (
    KeyValueTensorInitializer,
    LookupInterface,
    StaticHashTable,
    TextFileIndex,
    TextFileInitializer,
)
from penstock._src.api.math.elementwise import cast
from penstock._src.api.ragged.ragged_tensor import RaggedTensor
from penstock._src.api.sparse.sparse_tensor import SparseTensor
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.util.signatures import read_only


class HasherSpec(collections.namedtuple("HasherSpec", ("hasher", "key"))):
    """Hash function for strings: "fasthash", "legacy", or "stronghash" with a key."""

    __slots__ = ()


FastHashSpec = HasherSpec("fasthash", None)


class StrongHashSpec(HasherSpec):
    """Hashing with SipHash. Its key of two unsigned integers makes collisions hard to provoke."""

    __slots__ = ()

    def __new__(cls, key: Any) -> StrongHashSpec:
        if len(key) != 2:
            raise ValueError(f"`key` must have size 2, received {len(key)}")
        if not all(isinstance(part, (int, np.integer)) for part in key):
            raise TypeError(f"Invalid key {key}. Must be unsigned integer values.")
        return super().__new__(cls, "stronghash", key)


def _hashing(spec: Any) -> Any:
    """The function that hashes strings into a number of buckets."""
    if not isinstance(spec, HasherSpec):
        raise TypeError(f"`hasher_spec` must be of type HasherSpec, got {type(spec)}.")
    if spec.hasher == "stronghash":
        return functools.partial(raw.StringToHashBucketStrong, key=list(spec.key))
    if spec.hasher == "fasthash":
        return raw.StringToHashBucketFast
    if spec.hasher != "legacy":
        raise ValueError(f"Found unknown hasher {spec.hasher} in `hasher_spec`")
    return lambda input, **options: raw.StringToHashBucket(string_tensor=input, **options)


class IdTableWithHashBuckets(LookupInterface):
    """The ids of a table, and hash buckets above them for keys that it does not have.

    Args:
      table: from strings or int64 to int64; None: all keys are hashed.
      num_oov_buckets: the number of buckets.
      hasher_spec: the hash function.
      name: of the table.
      key_dtype: of the keys to look up; by default the table's.

    Raises:
      TypeError: the types of the table and of the keys do not fit.
      ValueError: there are neither a table nor buckets.
    """

    def __init__(
        self,
        table: Any,
        num_oov_buckets: int,
        hasher_spec: HasherSpec = FastHashSpec,
        name: str | None = None,
        key_dtype: Any = None,
    ) -> None:
        if table is not None:
            key_dtype = table.key_dtype if key_dtype is None else dtypes.as_dtype(key_dtype)
            _check_table(table, key_dtype)
        elif num_oov_buckets <= 0:
            raise ValueError("`oov_buckets` must be > 0 if no `table` is supplied.")
        key_dtype = dtypes.string if key_dtype is None else dtypes.as_dtype(key_dtype)
        if not key_dtype.is_integer and key_dtype != dtypes.string:
            raise TypeError(f"Invalid `key_dtype`, expected integer or string, got {key_dtype}.")
        self._hash = _hashing(hasher_spec)
        self._table, self._num_oov_buckets = table, num_oov_buckets
        full_name = name or (table.name if table is not None else "hash_bucket")
        self._name = full_name.rstrip("/").rpartition("/")[2]
        super().__init__(key_dtype, dtypes.int64)
        if table is not None:
            self._track_trackable(table, "_table")

    @property
    def initializer(self) -> Any:
        """The operation that fills the table (graphs)."""
        return raw.NoOp(name="init") if self._table is None else self._table.initializer

    init = read_only("initializer", "The operation that fills the table (graphs).")

    @property
    def resource_handle(self) -> Any:
        """The handle of the table, if there is one."""
        return None if self._table is None else self._table.resource_handle

    def size(self, name: str | None = None) -> Any:
        """The number of ids and buckets."""
        with name_scope_v1(name, f"{self.name}_Size"):
            count = convert_to_tensor(np.int64(0)) if self._table is None else self._table.size()
            return count + np.int64(self._num_oov_buckets)

    def lookup(self, keys: Any, name: str | None = None) -> Any:
        """The ids of keys of a dense, sparse or ragged tensor.

        Raises:
          TypeError: the keys are of another type.
        """
        if keys.dtype.base_dtype != self._key_dtype:
            raise TypeError(
                f"Dtype of argument `keys` must be {self._key_dtype}, received: {keys.dtype}"
            )
        if isinstance(keys, SparseTensor):
            return SparseTensor(keys.indices, self._ids(keys.values, name), keys.dense_shape)
        if isinstance(keys, RaggedTensor):
            return keys.with_flat_values(self._ids(keys.flat_values, name))
        return self._ids(keys, name)

    def _ids(self, keys: Any, name: str | None) -> Any:
        if self._table is not None and self._table.key_dtype == dtypes.int64:
            keys = cast(keys, dtypes.int64)
        if self._num_oov_buckets == 0:
            return self._table.lookup(keys, name=name)
        with name_scope_v1(name, f"{self.name}_Lookup"):
            text = keys if keys.dtype == dtypes.string else raw.AsString(input=keys)
            buckets = self._hash(input=text, num_buckets=self._num_oov_buckets, name="hash_bucket")
            if self._table is None:
                return buckets
            ids = self._table.lookup(keys)
            is_known = raw.NotEqual(x=ids, y=self._table.default_value)
            return raw.SelectV2(condition=is_known, t=ids, e=buckets + self._table.size())


def _check_table(table: Any, key_dtype: Any) -> None:
    """Raises unless a table maps keys of this kind to ids."""
    if table.key_dtype not in (dtypes.int64, dtypes.string):
        raise TypeError(
            f"Invalid `key_dtype`, expected one of {(dtypes.int64, dtypes.string)}, received "
            f"{key_dtype}."
        )
    if table.key_dtype.is_integer != key_dtype.is_integer:
        kind = "integer" if key_dtype.is_integer else "non-integer"
        raise TypeError(f"Invalid `key dtype`, expected {kind} but got {table.key_dtype}.")
    if table.value_dtype != dtypes.int64:
        raise TypeError(f"Invalid `value_dtype`: expected int64 but got {table.value_dtype}.")


def _check_file(vocabulary_file: Any, vocab_size: int | None) -> None:
    if vocabulary_file is None or (isinstance(vocabulary_file, str) and not vocabulary_file):
        raise ValueError("`vocabulary_file` must be specified and must not be empty.")
    if vocab_size is not None and vocab_size < 1:
        raise ValueError(
            f"`vocab_size` must be greater than 0, got {vocab_size} for vocabulary_file: "
            f"{vocabulary_file}. Invalid vocab_size."
        )


def _with_buckets(table: Any, num_oov_buckets: int, hasher_spec: Any, key_dtype: Any) -> Any:
    if not num_oov_buckets:
        return table
    return IdTableWithHashBuckets(table, num_oov_buckets, hasher_spec, key_dtype=key_dtype)


def _check_keys(num_oov_buckets: int, key_dtype: Any, argument: str) -> None:
    if num_oov_buckets < 0:
        raise ValueError(
            f"`num_oov_buckets` must be greater or equal than 0, got {num_oov_buckets}."
        )
    if not key_dtype.is_integer and key_dtype != dtypes.string:
        raise TypeError(f"{argument} must either be integer or string. Given: {key_dtype}")


def index_table_from_file(
    vocabulary_file: Any = None,
    num_oov_buckets: int = 0,
    vocab_size: Any = None,
    default_value: int = -1,
    hasher_spec: HasherSpec = FastHashSpec,
    key_dtype: Any = dtypes.string,
    name: str | None = None,
    key_column_index: int = TextFileIndex.WHOLE_LINE,
    value_column_index: int = TextFileIndex.LINE_NUMBER,
    delimiter: str = "\t",
) -> Any:
    """A table from the lines of a file to their numbers.

    Args:
      vocabulary_file: the file.
      num_oov_buckets: how many further ids other keys are hashed to.
      vocab_size: how many lines count; by default all.
      default_value: the id of other keys, if there are no buckets.
      hasher_spec: the hash function.
      key_dtype: of the keys: a string or integer type.
      name: of the scope of the operations.
      key_column_index: which part of a line is the key.
      value_column_index: which part of a line is the id.
      delimiter: between the parts.

    Raises:
      ValueError: no file is given, or a number is out of range.
      TypeError: the keys are of another type.
    """
    key_dtype = dtypes.as_dtype(key_dtype)
    _check_file(vocabulary_file, vocab_size)
    _check_keys(num_oov_buckets, key_dtype, "`key_dtype`: Dtype for `keys`")
    with name_scope_v1(name, "string_to_index"):
        entries = TextFileInitializer(
            vocabulary_file,
            dtypes.int64 if key_dtype.is_integer else key_dtype,
            key_column_index,
            dtypes.int64,
            value_column_index,
            vocab_size=vocab_size,
            delimiter=delimiter,
            name="table_init",
        )
        table = StaticHashTable(entries, default_value)
        return _with_buckets(table, num_oov_buckets, hasher_spec, key_dtype)


def index_table_from_tensor(
    vocabulary_list: Any,
    num_oov_buckets: int = 0,
    default_value: int = -1,
    hasher_spec: HasherSpec = FastHashSpec,
    dtype: Any = dtypes.string,
    name: str | None = None,
) -> Any:
    """A table from the elements of a vector to their indices.

    Args:
      vocabulary_list: distinct strings or integers.
      num_oov_buckets: how many further ids other keys are hashed to.
      default_value: the id of other keys, if there are no buckets.
      hasher_spec: the hash function.
      dtype: of the keys: a string or integer type.
      name: of the scope of the operations.

    Raises:
      ValueError: no vocabulary is given, it is of another kind than the keys, or a number is out of range.
      TypeError: the keys are of another type.
    """
    dtype = dtypes.as_dtype(dtype)
    if vocabulary_list is None:
        raise ValueError("`vocabulary_list` must be specified.")
    _check_keys(num_oov_buckets, dtype, "`dtype`")
    with name_scope_v1(name, "string_to_index"):
        keys = convert_to_tensor(vocabulary_list)
        wanted = "integer" if dtype.is_integer else dtype
        if keys.dtype.is_integer != dtype.is_integer or wanted == dtype != keys.dtype:
            raise ValueError(f"Invalid `dtype`: Expected {wanted}, got {keys.dtype}.")
        keys = cast(keys, dtypes.int64) if keys.dtype.is_integer else keys
        table = StaticHashTable(
            KeyValueTensorInitializer(keys, _places(keys), name="table_init"), default_value
        )
        return _with_buckets(table, num_oov_buckets, hasher_spec, dtype)


def _places(entries: Any) -> Any:
    """The indices 0, 1, ... of the elements of a vector, int64."""
    count = raw.Size(input=entries)
    return cast(raw.Range(start=np.int32(0), limit=count, delta=np.int32(1)), dtypes.int64)


def index_to_string_table_from_file(
    vocabulary_file: Any,
    vocab_size: Any = None,
    default_value: str = "UNK",
    name: str | None = None,
    key_column_index: int = TextFileIndex.LINE_NUMBER,
    value_column_index: int = TextFileIndex.WHOLE_LINE,
    delimiter: str = "\t",
) -> StaticHashTable:
    """A table from the numbers of a file's lines to the lines; arguments as `index_table_from_file`'s."""
    _check_file(vocabulary_file, vocab_size)
    with name_scope_v1(name, "index_to_string"):
        entries = TextFileInitializer(
            vocabulary_file,
            dtypes.int64,
            key_column_index,
            dtypes.string,
            value_column_index,
            vocab_size=vocab_size,
            delimiter=delimiter,
            name="table_init",
        )
        return StaticHashTable(entries, default_value)


def index_to_string_table_from_tensor(
    vocabulary_list: Any, default_value: str = "UNK", name: str | None = None
) -> StaticHashTable:
    """A table from the indices of strings in a vector to the strings.

    Args:
      vocabulary_list: the strings.
      default_value: the string of other places.
      name: of the scope of the operations.

    Raises:
      ValueError: no vocabulary is given.
    """
    if vocabulary_list is None:
        raise ValueError("`vocabulary_list` argument must be specified.")
    with name_scope_v1(name, "index_to_string"):
        strings = convert_to_tensor(vocabulary_list, dtypes.string)
        entries = KeyValueTensorInitializer(_places(strings), strings, name="table_init")
        return StaticHashTable(entries, default_value)
