"""Lookup tables filled from datasets."""

from typing import Any

import numpy as np

from penstock._src.api.lookup.id_tables import (
    FastHashSpec,
    HasherSpec,
    IdTableWithHashBuckets,
)
from penstock._src.api.lookup.tables import StaticHashTable, TableInitializerBase, is_computed_here
from penstock._src.core import dtypes
from penstock._src.core.dtypes import as_dtype
from penstock._src.core.registry import raw
from penstock._src.data.dataset import Dataset
from penstock._src.data.experimental.transforms import assert_cardinality
from penstock._src.util.export import export


@export("data.experimental.DatasetInitializer")
class DatasetInitializer(TableInitializerBase):
    """Fills a table with the (key, value) pairs of a dataset.

    Args:
      dataset: of pairs of scalars.

    Raises:
      ValueError: the elements are not pairs of scalars.
    """

    def __init__(self, dataset: Dataset) -> None:
        spec = dataset.element_spec
        if len(spec) != 2:
            raise ValueError(f"The dataset must have pairs as elements. Received {spec}.")
        for part in spec:
            if not part.shape.is_compatible_with([]):
                raise ValueError(f"Keys and values must be scalars. Received {spec}.")
        self._dataset = dataset
        self._computes = is_computed_here(dataset._variant_tensor)
        super().__init__(spec[0].dtype, spec[1].dtype)

    def initialize(self, table: Any) -> Any:
        """Fills the table; returns the operation.

        Args:
          table: a table.

        Returns:
          In a graph the operation, else None.
        """
        return raw.InitializeTableFromDataset(
            table_handle=table.resource_handle, dataset=self._dataset._variant_tensor
        )


@export("data.experimental.table_from_dataset")
def table_from_dataset(
    dataset: Any = None,
    num_oov_buckets: int = 0,
    vocab_size: int | None = None,
    default_value: Any = None,
    hasher_spec: HasherSpec = FastHashSpec,
    key_dtype: Any = dtypes.string,
    name: str | None = None,
) -> Any:
    """Returns a table of the (key, value) pairs of a dataset.

    Args:
      dataset: of pairs.
      num_oov_buckets: the number of additional ids to which unknown keys are hashed.
      vocab_size: the number of pairs to use.
      default_value: for unknown keys, if `num_oov_buckets` is 0; by default -1.
      hasher_spec: the hash function.
      key_dtype: of the keys: a string or integer type.
      name: of the table.

    Returns:
      A `tf.lookup.StaticHashTable`; with `num_oov_buckets` a table that hashes unknown keys.

    Raises:
      ValueError: a number is out of range, or the values have no default.
      TypeError: `key_dtype` is neither a string nor an integer dtype.
    """
    _check(dataset, num_oov_buckets, vocab_size, key_dtype)
    if default_value is None:
        values = dataset.element_spec[1].dtype
        if not (values.is_integer or values.is_floating):
            raise ValueError(f"`default_value` must be specified for values of type {values}.")
        default_value = -1
    if vocab_size is not None:
        dataset = dataset.take(vocab_size).apply(assert_cardinality(vocab_size))
    table = StaticHashTable(DatasetInitializer(dataset), default_value, name=name)
    if not num_oov_buckets:
        return table
    return IdTableWithHashBuckets(table, num_oov_buckets, hasher_spec, key_dtype=key_dtype)


def _check(dataset: Any, num_oov_buckets: int, vocab_size: int | None, key_dtype: Any) -> None:
    _ = dataset.element_spec
    if num_oov_buckets < 0:
        raise ValueError(
            f"`num_oov_buckets` must be greater than or equal to 0, got {num_oov_buckets}."
        )
    if isinstance(vocab_size, (int, np.integer)) and vocab_size < 1:
        raise ValueError(f"`vocab_size` must be greater than 0, got {vocab_size}.")
    kind = as_dtype(key_dtype)
    if not kind.is_integer and kind is not dtypes.string:
        raise TypeError(f"`key_dtype` must be either an integer or string type, but got {kind}")


@export("data.experimental.index_table_from_dataset")
def index_table_from_dataset(
    dataset: Any = None,
    num_oov_buckets: int = 0,
    vocab_size: int | None = None,
    default_value: Any = -1,
    hasher_spec: HasherSpec = FastHashSpec,
    key_dtype: Any = dtypes.string,
    name: str | None = None,
) -> Any:
    """Returns a table from the elements of a dataset to their indices; see `table_from_dataset`.

    Args:
      dataset: of scalars.
      num_oov_buckets, vocab_size, default_value, hasher_spec, key_dtype, name: as
        `tf.data.experimental.table_from_dataset`'s.

    Returns:
      What `tf.data.experimental.table_from_dataset` returns.
    """
    pairs = dataset.enumerate().map(lambda number, key: (key, number))
    return table_from_dataset(
        pairs, num_oov_buckets, vocab_size, default_value, hasher_spec, key_dtype, name
    )
