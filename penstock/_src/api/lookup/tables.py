"""Lookup tables: static ones with an initializer, and mutable ones."""

import contextlib
import itertools

import numpy as np

from penstock._src.api.ragged.ragged_tensor import RaggedTensor
from penstock._src.api.sparse.sparse_tensor import SparseTensor
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE, in_v1_graph
from penstock._src.core.registry import raw
from penstock._src.core.tensor import Tensor
from penstock._src.core.tracking.trackable import Trackable
from penstock._src.eager.asset import Asset
from penstock._src.eager.context import init_scope, outermost_graph
from penstock._src.eager.trackable_resource import TrackableResource
from penstock._src.util.export import export
from penstock._src.util.signatures import read_only

_COUNT = itertools.count()


class TextFileIndex:
    """The part of a text file's line to use."""

    WHOLE_LINE = -2
    LINE_NUMBER = -1


export("lookup.TextFileIndex")(TextFileIndex)


class LookupInterface(TrackableResource):
    """Base of tables."""

    def __init__(self, key_dtype, value_dtype):
        self._key_dtype, self._value_dtype = (
            dtypes.as_dtype(key_dtype),
            dtypes.as_dtype(value_dtype),
        )
        self._resource_handle = None

    key_dtype = read_only("_key_dtype", "The type of the keys.")
    value_dtype = read_only("_value_dtype", "The type of the values.")
    name = read_only("_name", "The name of the table.")
    resource_handle = read_only("_resource_handle", "The tensor by which ops refer to the table.")

    def size(self, name=None):
        """Returns the number of entries.

        Args:
          name: a name for the operation.

        Returns:
          An int64 scalar.
        """
        return raw.LookupTableSizeV2(table_handle=self.resource_handle, name=name)

    def __getitem__(self, keys):
        """The values of `keys`."""
        return self.lookup(keys)

    def _check_keys(self, keys):
        if isinstance(keys, (SparseTensor, RaggedTensor)):
            dtype = keys.values.dtype if isinstance(keys, SparseTensor) else keys.dtype
        else:
            dtype = keys.dtype
        if dtype != self._key_dtype:
            raise TypeError(
                f"Dtype of argument `keys` must be {self._key_dtype}, received: {dtype}"
            )

    def _find(self, keys, default, name):
        result = raw.LookupTableFindV2(
            table_handle=self.resource_handle,
            keys=keys,
            default_value=default,
            name=name,
        )
        if result.shape.rank is None:
            result.set_shape(keys.shape)
        return result

    def _on_values(self, keys, find):
        """Applies `find` to the values of a dense, sparse or ragged tensor of keys."""
        if isinstance(keys, SparseTensor):
            self._check_keys(keys)
            return SparseTensor(keys.indices, find(keys.values), keys.dense_shape)
        if isinstance(keys, RaggedTensor):
            self._check_keys(keys)
            return keys.with_flat_values(find(keys.flat_values))
        keys = convert_to_tensor(keys, dtype_hint=self._key_dtype, name="keys")
        self._check_keys(keys)
        return find(keys)


class TableInitializerBase(Trackable):
    """Base of the initializers of static tables."""

    _computes = False  # true if what fills the table is computed by the function that makes it

    def __init__(self, key_dtype, value_dtype):
        self._key_dtype, self._value_dtype = (
            dtypes.as_dtype(key_dtype),
            dtypes.as_dtype(value_dtype),
        )

    key_dtype = read_only("_key_dtype", "The type of the keys.")
    value_dtype = read_only("_value_dtype", "The type of the values.")

    def initialize(self, table):
        """Fills the table."""
        raise NotImplementedError

    @property
    def _shared_name(self):
        return f"table_{next(_COUNT)}"


def is_computed_here(value):
    """True if a value is a tensor of the function being traced. Then each call fills the table."""
    graph = getattr(value, "graph", None) if isinstance(value, Tensor) else None
    return graph is not None and graph is not outermost_graph()


@export("lookup.KeyValueTensorInitializer")
class KeyValueTensorInitializer(TableInitializerBase):
    """An initializer of tables with keys and values from tensors.

    Args:
      keys: a vector of distinct keys.
      values: a vector of as many values.
      key_dtype: the dtype of the keys; by default theirs.
      value_dtype: the dtype of the values; by default theirs.
      name: a name for the operation.

    >>> init = tf.lookup.KeyValueTensorInitializer(["a", "b"], [1, 2])
    >>> tf.lookup.StaticHashTable(init, default_value=-1).lookup(tf.constant(["b", "x"])).numpy()
    array([ 2, -1], dtype=int32)
    """

    def __init__(self, keys, values, key_dtype=None, value_dtype=None, name=None):
        self._computes = is_computed_here(keys) or is_computed_here(values)
        with contextlib.nullcontext() if self._computes else init_scope():
            self._keys = convert_to_tensor(keys, dtype=key_dtype, name="keys")
            self._values = convert_to_tensor(values, dtype=value_dtype, name="values")
        self._name = name or "key_value_init"
        super().__init__(self._keys.dtype, self._values.dtype)

    def initialize(self, table):
        """Fills a table.

        Args:
          table: a table of the same dtypes.

        Returns:
          In graphs the operation that fills it.
        """
        return raw.LookupTableImportV2(
            table_handle=table.resource_handle, keys=self._keys, values=self._values
        )


@export("lookup.TextFileInitializer")
class TextFileInitializer(TableInitializerBase):
    """Fills a table from the lines of a text file.

    Args:
      filename: the path, a str or a string scalar.
      key_dtype: int64 or string.
      key_index: the column of keys; `tf.lookup.TextFileIndex.WHOLE_LINE` or `LINE_NUMBER`.
      value_dtype: the dtype of values.
      value_index: the column of values, or the same two.
      vocab_size: the number of lines, if it is known; then it is checked.
      delimiter: between columns.
      name: of the operation.
      value_index_offset: added to each value that is a line number.
    """

    def __init__(
        self,
        filename,
        key_dtype,
        key_index,
        value_dtype,
        value_index,
        vocab_size=None,
        delimiter="\t",
        name=None,
        value_index_offset=0,
    ):
        self._name = name or "text_file_init"
        self._key_index, self._value_index = key_index, value_index
        self._vocab_size, self._delimiter = vocab_size, delimiter
        self._offset = value_index_offset
        key, value = dtypes.as_dtype(key_dtype), dtypes.as_dtype(value_dtype)
        if key_index < -2:
            raise ValueError(f"`key_index` should be >= -2, received: {key_index}.")
        if value_index < -2:
            raise ValueError(f"`value_index` should be >= -2, received: {value_index}.")
        if key_index == TextFileIndex.WHOLE_LINE and not (key.is_integer or key == dtypes.string):
            raise ValueError(
                f"`key_dtype` should be either integer or string for `key_index` {key_index}, "
                f"received: {key}"
            )
        if value_index == TextFileIndex.WHOLE_LINE and not (
            value.is_integer or value == dtypes.string
        ):
            raise ValueError(
                f"`value_dtype` should be either integer or string for `value_index` {value_index}, "
                f"received: {value}"
            )
        if key_index == TextFileIndex.LINE_NUMBER and key != dtypes.int64:
            raise ValueError(
                f"`key_dtype` must be int64 if `key_index` is LINE_NUMBER, received: {key}"
            )
        if value_index == TextFileIndex.LINE_NUMBER and value != dtypes.int64:
            raise ValueError(
                f"`value_dtype` must be int64 if `value_index` is LINE_NUMBER, received: {value}"
            )
        if isinstance(filename, (str, bytes)) and not filename:
            raise ValueError("`filename` argument required for tf.lookup.TextFileInitializer")
        if vocab_size is not None and vocab_size <= 0:
            raise ValueError(f"`vocab_size` should be positive, received: {vocab_size}")
        super().__init__(key, value)
        # SavedModels copy the file.
        self._filename = self._track_trackable(Asset(filename), "_filename")
        self._computes = is_computed_here(self._filename.asset_path)

    def initialize(self, table):
        """Fills the table.

        Args:
          table: a table.

        Returns:
          In a graph the operation, else None.
        """
        filename = self._filename.asset_path
        if in_v1_graph():
            STATE.graph.add_to_collection("asset_filepaths", filename)
        return raw.InitializeTableFromTextFileV2(
            table_handle=table.resource_handle,
            filename=filename,
            key_index=self._key_index,
            value_index=self._value_index,
            vocab_size=-1 if self._vocab_size is None else self._vocab_size,
            delimiter=self._delimiter,
            offset=self._offset,
        )


@export("lookup.StaticHashTable", v1=[])
class StaticHashTable(LookupInterface):
    """A table of keys and values that an initializer fills once.

    Args:
      initializer: a `tf.lookup.KeyValueTensorInitializer` or `tf.lookup.TextFileInitializer`.
      default_value: the value of keys that are not in the table.
      name: a name for the table.
      experimental_is_anonymous: whether the table is known by its handle only.

    >>> init = tf.lookup.KeyValueTensorInitializer(["a", "b"], [1, 2])
    >>> table = tf.lookup.StaticHashTable(init, default_value=-1)
    >>> table[tf.constant(["b", "x"])].numpy()
    array([ 2, -1], dtype=int32)
    """

    def __init__(self, initializer, default_value, name=None, experimental_is_anonymous=False):
        super().__init__(initializer.key_dtype, initializer.value_dtype)
        self._initializer, self._name = initializer, name or "hash_table"
        self._is_anonymous = experimental_is_anonymous
        self._shared_name = f"{self._name}_{next(_COUNT)}"
        with init_scope():
            self._default_value = convert_to_tensor(default_value, dtype=self._value_dtype)
            self._default_value.shape.merge_with([])
            self._resource_handle = self._create_resource()
        with contextlib.nullcontext() if initializer._computes else init_scope():
            self._init_op = self._initialize()
            if in_v1_graph():
                STATE.graph.add_to_collection("table_initializer", self._init_op)
        if isinstance(initializer, Trackable):
            self._track_trackable(initializer, "_initializer")

    def _create_resource(self):
        if self._is_anonymous:
            return raw.AnonymousHashTable(key_dtype=self._key_dtype, value_dtype=self._value_dtype)
        return raw.HashTableV2(
            shared_name=self._shared_name,
            key_dtype=self._key_dtype,
            value_dtype=self._value_dtype,
            name=self._name,
        )

    def _initialize(self):
        return self._initializer.initialize(self)

    initializer = read_only("_init_op", "The operation that fills the table (graphs).")
    default_value = read_only("_default_value", "The value of keys that are not there.")

    def lookup(self, keys, name=None):
        """Returns the values of keys.

        Args:
          keys: a tensor, or a sparse or ragged one, of the dtype of the keys.
          name: a name for the operation.

        Returns:
          What `keys` is, with values.
        """
        return self._on_values(keys, lambda k: self._find(k, self._default_value, name))

    def export(self, name=None):
        """Returns all keys and values.

        Args:
          name: a name for the operation.

        Returns:
          A pair of tensors in no particular order.
        """
        keys, values = raw.LookupTableExportV2(
            table_handle=self.resource_handle,
            Tkeys=self._key_dtype,
            Tvalues=self._value_dtype,
            name=name,
        )
        return keys, values


@export("lookup.StaticVocabularyTable", v1=[])
class StaticVocabularyTable(LookupInterface):
    """A table of ids of words, with more ids for words that are not in it.

    Args:
      initializer: an initializer with int64 values 0, 1, ...; or None for no words.
      num_oov_buckets: how many ids other words share: each gets `number of words + hash %
        num_oov_buckets`.
      lookup_key_dtype: the dtype of the keys; by default that of the initializer.
      name: a name for the table.
      experimental_is_anonymous: whether the table is known by its handle only.

    Raises:
      ValueError: `num_oov_buckets` is not positive.
      TypeError: the values are not int64, or the keys neither int64 nor string.

    >>> ids = tf.constant([0, 1], tf.int64)
    >>> init = tf.lookup.KeyValueTensorInitializer(["a", "b"], ids)
    >>> tf.lookup.StaticVocabularyTable(init, num_oov_buckets=1).lookup(tf.constant(["b", "x"])).numpy()
    array([1, 2])
    """

    def __init__(
        self,
        initializer,
        num_oov_buckets,
        lookup_key_dtype=None,
        name=None,
        experimental_is_anonymous=False,
    ):
        if num_oov_buckets <= 0:
            raise ValueError(
                f"`num_oov_buckets` must be > 0; use StaticHashTable. {num_oov_buckets}"
            )
        if initializer is not None:
            if initializer.value_dtype != dtypes.int64:
                raise TypeError(
                    f"Invalid value_dtype for initializer: expected int64, got {initializer.value_dtype}."
                )
            key_dtype = dtypes.as_dtype(lookup_key_dtype or initializer.key_dtype)
            if initializer.key_dtype not in (dtypes.int64, dtypes.string):
                raise TypeError(
                    "Invalid `key_dtype`, expected one of (tf.int64, tf.string), but got "
                    f"{initializer.key_dtype}."
                )
            if not key_dtype.is_integer and key_dtype != dtypes.string:
                raise TypeError(f"Invalid `key_dtype`, expected integer or string, got {key_dtype}")
            if key_dtype.is_integer != initializer.key_dtype.is_integer:
                expected = "integer" if key_dtype.is_integer else str(key_dtype)
                raise TypeError(
                    f"Invalid `key_dtype`, expected {expected} but got {initializer.key_dtype}."
                )
            self._table = StaticHashTable(
                initializer, -1, experimental_is_anonymous=experimental_is_anonymous
            )
            super().__init__(key_dtype, dtypes.int64)
            self._track_trackable(self._table, "_table")
            self._name = name or self._table.name
        else:
            self._table = None
            super().__init__(lookup_key_dtype or dtypes.string, dtypes.int64)
            self._name = name or "hash_bucket"
        self._num_oov_buckets = num_oov_buckets

    @property
    def resource_handle(self):
        """The handle of the table."""
        return self._table.resource_handle if self._table is not None else None

    def size(self, name=None):
        """Returns the number of ids, with those for other words.

        Args:
          name: a name for the operation.

        Returns:
          An int64 scalar.
        """
        extra = np.int64(self._num_oov_buckets)
        if self._table is None:
            return convert_to_tensor(extra)
        return raw.AddV2(x=self._table.size(), y=extra, name=name)

    def _hashed(self, keys):
        text = keys if keys.dtype == dtypes.string else raw.AsString(input=keys)
        return raw.StringToHashBucketFast(input=text, num_buckets=self._num_oov_buckets)

    def lookup(self, keys, name=None):
        """Returns the ids of words.

        Args:
          keys: a tensor, or a sparse or ragged one, of the dtype of the keys.
          name: a name for the operation.

        Returns:
          What `keys` is, with int64 ids.
        """

        def find(flat):
            buckets = self._hashed(flat)
            if self._table is None:
                return buckets
            inner = flat
            if inner.dtype != self._table.key_dtype:
                inner = raw.Cast(x=flat, DstT=self._table.key_dtype)
            ids = self._table.lookup(inner)
            known = raw.NotEqual(x=ids, y=np.int64(-1))
            return raw.SelectV2(condition=known, t=ids, e=buckets + self._table.size(), name=name)

        return self._on_values(keys, find)


class _MutableTable(LookupInterface):
    """A mutable table."""

    # Keys and values share one attribute of checkpoints.
    _legacy_saveable_name = "table"

    def lookup(self, keys, dynamic_default_values=None, name=None):
        """The values of keys; missing ones get `dynamic_default_values`.

        Args:
          keys: a tensor of the table's key dtype.
          dynamic_default_values: one value for all missing keys or one for each; by default the
            table's.
          name: of the operation.

        Returns:
          A tensor of the table's value dtype, `[keys..., value...]`.
        """
        default = (
            self._default_value
            if dynamic_default_values is None
            else convert_to_tensor(dynamic_default_values, dtype=self._value_dtype)
        )

        def find(flat):
            values = raw.LookupTableFindV2(
                table_handle=self.resource_handle, keys=flat, default_value=default, name=name
            )
            values.set_shape(flat.shape.concatenate(self._default_value.shape))
            return values

        return self._on_values(keys, find)

    def insert(self, keys, values, name=None):
        """Sets the values of keys.

        Args:
          keys: a tensor of the table's key dtype.
          values: `[keys..., value...]`.
          name: of the operation.

        Returns:
          In a graph the operation, else None.
        """
        keys = convert_to_tensor(keys, dtype=self._key_dtype)
        values = convert_to_tensor(values, dtype=self._value_dtype)
        return raw.LookupTableInsertV2(
            table_handle=self.resource_handle, keys=keys, values=values, name=name
        )

    def insert_or_assign(self, keys, values, name=None):
        """Sets the values of keys.

        Args:
          keys, values, name: as `insert`'s.

        Returns:
          In a graph the operation, else None.
        """
        return self.insert(keys, values, name)

    def remove(self, keys, name=None):
        """Removes keys; missing ones are ignored.

        Args:
          keys: a tensor of the table's key dtype.
          name: of the operation.

        Returns:
          In a graph the operation, else None.

        Raises:
          TypeError: `keys` is of another dtype.
        """
        keys = convert_to_tensor(keys, dtype_hint=self._key_dtype)
        if keys.dtype != self._key_dtype:
            raise TypeError(
                f"Dtype of argument `keys` must be {self._key_dtype}, received: {keys.dtype}"
            )
        return raw.LookupTableRemoveV2(table_handle=self.resource_handle, keys=keys, name=name)

    erase = remove

    def export(self, name=None):
        """All keys and values.

        Args:
          name: of the operation.

        Returns:
          (keys, values): tensors `[n]` and `[n, value...]`, in the same order.
        """
        keys, values = raw.LookupTableExportV2(
            table_handle=self.resource_handle,
            Tkeys=self._key_dtype,
            Tvalues=self._value_dtype,
            name=name,
        )
        return keys, values

    def _serialize_to_tensors(self):
        keys, values = self.export()
        return {"-keys": keys, "-values": values}

    def _restore_from_tensors(self, restored_tensors):
        return raw.LookupTableImportV2(
            table_handle=self.resource_handle,
            keys=restored_tensors["-keys"],
            values=restored_tensors["-values"],
        )


@export("lookup.experimental.MutableHashTable")
class MutableHashTable(_MutableTable):
    """A hash table with scalars or vectors as values.

    Args:
      key_dtype: of the keys: int32, int64 or string.
      value_dtype: of the values.
      default_value: what a missing key gives: a scalar or a vector, as all values are.
      name: of the operation.
      checkpoint: whether checkpoints of the program hold the entries.
      experimental_is_anonymous: whether the table goes when nothing refers to it; otherwise it has
        a name.
    """

    def __init__(
        self,
        key_dtype,
        value_dtype,
        default_value,
        name="MutableHashTable",
        checkpoint=True,
        experimental_is_anonymous=False,
    ):
        super().__init__(key_dtype, value_dtype)
        self._name, self._checkpoint = name, checkpoint
        self._shared_name = None if experimental_is_anonymous else f"{name}_{next(_COUNT)}"
        with init_scope():
            self._default_value = convert_to_tensor(default_value, dtype=self._value_dtype)
            self._resource_handle = self._create_resource()

    def _create_resource(self):
        shape = self._default_value.shape
        arguments = dict(key_dtype=self._key_dtype, value_dtype=self._value_dtype)
        if shape.rank != 0:
            arguments["value_shape"] = shape
        if self._shared_name is None:
            scalar, other = raw.AnonymousMutableHashTable, raw.AnonymousMutableHashTableOfTensors
        else:
            scalar, other = raw.MutableHashTableV2, raw.MutableHashTableOfTensorsV2
            arguments["shared_name"] = self._shared_name
        return (scalar if shape.rank == 0 else other)(**arguments)


@export("lookup.experimental.DenseHashTable")
class DenseHashTable(_MutableTable):
    """A hash table with open addressing; two keys are reserved for empty and deleted slots.

    Args:
      key_dtype: of the keys.
      value_dtype: of the values.
      default_value: what a missing key gives: a scalar or a tensor, of the shape of all values.
      empty_key, deleted_key: two different keys that are never inserted.
      initial_num_buckets: a power of 2; by default 131,072.
      name: of the operation.
      checkpoint: whether checkpoints of the program hold the entries.
      experimental_is_anonymous: whether the table goes when nothing refers to it; otherwise it has
        a name.
    """

    def __init__(
        self,
        key_dtype,
        value_dtype,
        default_value,
        empty_key,
        deleted_key,
        initial_num_buckets=None,
        name="MutableDenseHashTable",
        checkpoint=True,
        experimental_is_anonymous=False,
    ):
        super().__init__(key_dtype, value_dtype)
        self._name, self._checkpoint = name, checkpoint
        self._shared_name = None if experimental_is_anonymous else f"{name}_{next(_COUNT)}"
        self._initial_num_buckets = initial_num_buckets or 131072
        with init_scope():
            self._default_value = convert_to_tensor(default_value, dtype=self._value_dtype)
            self._empty_key = convert_to_tensor(empty_key, dtype=self._key_dtype)
            self._deleted_key = convert_to_tensor(deleted_key, dtype=self._key_dtype)
            self._resource_handle = self._create_resource()

    def _create_resource(self):
        arguments = dict(
            empty_key=self._empty_key,
            deleted_key=self._deleted_key,
            value_dtype=self._value_dtype,
            value_shape=self._default_value.shape,
            initial_num_buckets=self._initial_num_buckets,
        )
        if self._shared_name is None:
            return raw.AnonymousMutableDenseHashTable(**arguments)
        return raw.MutableDenseHashTableV2(**arguments, shared_name=self._shared_name)

    def lookup(self, keys, name=None):
        """The values of keys, or the default.

        Args:
          keys: a tensor of the table's key dtype.
          name: of the operation.

        Returns:
          A tensor of the table's value dtype, `[keys..., value...]`.
        """
        return super().lookup(keys, name=name)
