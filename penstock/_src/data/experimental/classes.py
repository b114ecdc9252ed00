"""Dataset classes of tf.data.experimental: random numbers, CSV files, SQL."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.core.specs import TensorSpec
from penstock._src.data.dataset import Dataset
from penstock._src.data.transforms import int64
from penstock._src.util import nest
from penstock._src.util.export import export
from penstock._src.util.signatures import read_only


@export("data.experimental.RandomDataset", v1=[])
class RandomDataset(Dataset):
    """An endless dataset of pseudorandom numbers; see `Dataset.random`.

    Args:
      seed: an int or an int64 scalar.
      rerandomize_each_iteration: whether each iteration has other numbers.
      name: of the operation.
    """

    def __init__(
        self, seed: Any = None, rerandomize_each_iteration: Any = None, name: str | None = None
    ) -> None:
        source = Dataset.random(seed, rerandomize_each_iteration, name)
        Dataset.__init__(self, source._variant_tensor)

    @property
    def element_spec(self) -> Any:
        """The type of the elements."""
        return TensorSpec([], dtypes.int64)


@export("data.experimental.CsvDataset", v1=[])
class CsvDataset(Dataset):
    r"""The dataset of the rows of files of comma-separated values, as tuples of scalars.

    Args:
      filenames: a string or strings.
      record_defaults: for each column its dtype if a field is required, or a tensor with what an
        empty field means.
      compression_type: "" (the default), "GZIP" or "ZLIB".
      buffer_size: the number of bytes to read at once.
      header: whether files begin with a line of names, which is left out.
      field_delim: the character between fields.
      use_quote_delim: whether fields may stand in double quotes.
      na_value: a further text that means an empty field.
      select_cols: the sorted indices of the columns to read; by default all.
      exclude_cols: the sorted indices of the columns to leave out.

    Raises:
      InvalidArgumentError: a line has another number of fields, or a field does not convert.

    >>> tf.io.write_file(folder + "/a.csv", "1,x\n2,y\n")
    >>> rows = tf.data.experimental.CsvDataset(folder + "/a.csv", [tf.int32, tf.string])
    >>> list(rows.as_numpy_iterator())
    [(np.int32(1), b'x'), (np.int32(2), b'y')]
    """

    def __init__(
        self,
        filenames: Any,
        record_defaults: Sequence[Any],
        compression_type: Any = None,
        buffer_size: Any = None,
        header: Any = False,
        field_delim: Any = ",",
        use_quote_delim: Any = True,
        na_value: Any = "",
        select_cols: Any = None,
        exclude_cols: Any = None,
    ) -> None:
        defaults = [_default(value) for value in record_defaults]
        self._element_spec = tuple(TensorSpec([], value.dtype) for value in defaults)
        none = np.zeros(0, np.int64)
        variant = raw.CSVDatasetV2(
            filenames=convert_to_tensor(filenames, dtype=dtypes.string),
            compression_type=compression_type or "",
            buffer_size=int64(1 << 22 if buffer_size is None else buffer_size, "buffer_size"),
            header=header,
            field_delim=field_delim,
            use_quote_delim=use_quote_delim,
            na_value=na_value,
            select_cols=int64(none if select_cols is None else select_cols, "select_cols"),
            record_defaults=defaults,
            exclude_cols=int64(none if exclude_cols is None else exclude_cols, "exclude_cols"),
            output_shapes=[[]] * len(defaults),
        )
        Dataset.__init__(self, variant)

    element_spec = read_only("_element_spec", "The types of the columns.")


@export("data.experimental.SqlDataset", v1=[])
class SqlDataset(Dataset):
    """The rows of a database query, as tuples of one scalar per column.

    Args:
      driver_name: "sqlite".
      data_source_name: the database's file.
      query: the SQL query.
      output_types: the dtype of each column.

    Raises:
      InvalidArgumentError: the driver is another one.
    """

    def __init__(
        self, driver_name: Any, data_source_name: Any, query: Any, output_types: Any
    ) -> None:
        self._element_spec = nest.map_structure(lambda t: TensorSpec([], t), output_types)
        types = [spec.dtype for spec in nest.flatten(self._element_spec)]
        variant = raw.SqlDataset(
            driver_name=driver_name,
            data_source_name=data_source_name,
            query=query,
            output_types=types,
            output_shapes=[[]] * len(types),
        )
        Dataset.__init__(self, variant)

    element_spec = read_only("_element_spec", "The types of the columns.")


def _default(value: Any) -> Any:
    """A tensor of one value, or an empty one if a value is required."""
    if isinstance(value, (dtypes.DType, type)):
        dtype = dtypes.as_dtype(value)
        return convert_to_tensor(np.zeros(0, dtype.np), dtype=dtype)
    if isinstance(value, str) and value in dtypes.TYPES:
        return convert_to_tensor(np.zeros(0, dtypes.as_dtype(value).np))
    return convert_to_tensor(value)
