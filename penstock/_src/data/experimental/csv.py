"""tf.data.experimental.make_csv_dataset: batches of rows of CSV files as dicts of columns."""

import collections
import csv
import functools
import gzip
import itertools
import os
from collections.abc import Iterator, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np

from penstock._src.core import dtypes
from penstock._src.data.dataset import Dataset
from penstock._src.data.experimental.classes import CsvDataset
from penstock._src.data.options import AUTOTUNE
from penstock._src.filesystems.files import matching
from penstock._src.util.export import export

_TYPES = (dtypes.int32, dtypes.int64, dtypes.float32, dtypes.float64, dtypes.string)


@export("data.experimental.make_csv_dataset")
def make_csv_dataset(
    file_pattern: Any,
    batch_size: int,
    column_names: Sequence[str] | None = None,
    column_defaults: Sequence[Any] | None = None,
    label_name: str | None = None,
    select_columns: Sequence[Any] | None = None,
    field_delim: str = ",",
    use_quote_delim: bool = True,
    na_value: str = "",
    header: bool = True,
    num_epochs: int | None = None,
    shuffle: bool = True,
    shuffle_buffer_size: int = 10000,
    shuffle_seed: int | None = None,
    prefetch_buffer_size: int | None = None,
    num_parallel_reads: int | None = None,
    sloppy: bool = False,
    num_rows_for_inference: int | None = 100,
    compression_type: str | None = None,
    ignore_errors: bool = False,
    encoding: str = "utf-8",
) -> Dataset:
    r"""Returns batches of the rows of files of comma-separated values, by the names of columns.

    Args:
      file_pattern: names or patterns of files.
      batch_size: the number of rows.
      column_names: by default those in the first line.
      column_defaults: dtypes or defaults of the columns; by default inferred from the first rows.
      label_name: the column that is returned as the label.
      select_columns: names or indices of the columns to read.
      field_delim: the character between fields.
      use_quote_delim: whether fields may stand in double quotes.
      na_value: a further text that means an empty field.
      header: whether files begin with a line of names.
      num_epochs: how often to go through the files; without end by default.
      shuffle: whether rows come in random order.
      shuffle_buffer_size: the size of the buffer for that.
      shuffle_seed: the seed for that.
      prefetch_buffer_size: how many batches are computed ahead of time.
      num_parallel_reads: how many files are read at the same time.
      sloppy: a hint without effect: the order is always fixed.
      num_rows_for_inference: how many rows dtypes are inferred from; None for all.
      compression_type: None, "GZIP" or "ZLIB".
      ignore_errors: whether rows that are not valid are left out.
      encoding: the encoding of the files.

    Returns:
      A `Dataset` of dictionaries of columns, or of pairs of dictionary and label.

    Raises:
      ValueError: there are no files, or there is no such column.

    >>> tf.io.write_file(folder + "/a.csv", "n,s\n1,x\n2,y\n")
    >>> batches = tf.data.experimental.make_csv_dataset(folder + "/a.csv", 2, num_epochs=1, shuffle=False)
    >>> next(iter(batches))["n"].numpy()
    array([1, 2], dtype=int32)
    """
    names = _files(file_pattern)
    opened = _Table(names, field_delim, use_quote_delim, header, compression_type, encoding)
    columns = list(column_names) if column_names is not None else opened.columns()
    chosen = _chosen(select_columns, columns)
    if column_defaults is None:
        column_defaults = opened.types(len(columns), chosen, num_rows_for_inference, na_value)
    picked = [columns[at] for at in chosen]
    if label_name is not None and label_name not in picked:
        raise ValueError("`label_name` provided must be one of the columns.")

    def read(name: Any) -> Dataset:
        return CsvDataset(
            name,
            record_defaults=column_defaults,
            compression_type=compression_type,
            header=header,
            field_delim=field_delim,
            use_quote_delim=use_quote_delim,
            na_value=na_value,
            select_cols=chosen if select_columns is not None else None,
        )

    files = Dataset.from_tensor_slices(names)
    files = files.shuffle(len(names), shuffle_seed) if shuffle else files
    rows = files.interleave(read, cycle_length=num_parallel_reads or 1)
    rows = rows.ignore_errors() if ignore_errors else rows
    rows = rows.shuffle(shuffle_buffer_size, shuffle_seed) if shuffle else rows
    rows = rows.repeat(num_epochs) if num_epochs != 1 else rows
    batches = rows.batch(batch_size, drop_remainder=num_epochs is None).map(
        functools.partial(_features_and_label, picked, label_name)
    )
    return batches.prefetch(AUTOTUNE if prefetch_buffer_size is None else prefetch_buffer_size)


def _features_and_label(columns: list[str], label_name: str | None, *values: Any) -> Any:
    features = collections.OrderedDict(zip(columns, values, strict=True))
    if label_name is None:
        return features
    label = features.pop(label_name)
    return features, label


def _files(pattern: Any) -> list[str]:
    patterns = [pattern] if isinstance(pattern, (str, bytes)) else list(pattern)
    paths = sorted(name for p in patterns for name in matching(os.fsdecode(p)))
    if not paths:
        raise ValueError(f"No files match `file_pattern` {pattern}.")
    return paths


def _chosen(select_columns: Sequence[Any] | None, columns: list[str]) -> list[int]:
    """The numbers of the columns to read, ascending.

    Raises:
      ValueError: two columns have one name, or none has that of a column to read.
    """
    if len(columns) != len(set(columns)):
        raise ValueError("Cannot have duplicate column names.")
    if select_columns is None:
        return list(range(len(columns)))
    numbers = []
    for column in select_columns:
        if isinstance(column, str):
            if column not in columns:
                raise ValueError(
                    f"Column {column} specified in `select_columns` must be of one of the columns: {columns}."
                )
            column = columns.index(column)
        if not 0 <= column < len(columns):
            raise ValueError(
                f"Column index {column} specified in `select_columns` should be > 0  and <= {len(columns)}, which "
                "is the number of columns."
            )
        numbers.append(int(column))
    return sorted(numbers)


class _Table(NamedTuple):
    """CSV files, read only for the names and dtypes of their columns."""

    names: list[str]
    delimiter: str
    quotes: bool
    header: bool
    compression: str | None
    encoding: str

    def rows(self, name: str) -> Iterator[list[str]]:
        """The rows of a file as strings."""
        if self.compression == "ZLIB":
            raise ValueError(
                "make_csv_dataset: column names and defaults are required for ZLIB files."
            )
        quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if self.quotes else csv.QUOTE_NONE
        opener: Any = gzip.open if self.compression == "GZIP" else open
        with opener(name, "rt", encoding=self.encoding, newline="") as file:
            yield from csv.reader(file, delimiter=self.delimiter, quoting=quoting)

    def columns(self) -> list[str]:
        """The names in the first line.

        Raises:
          ValueError: the files have none, or differ.
        """
        if not self.header:
            raise ValueError("Expected `column_names` or `header` arguments. Neither is provided.")
        first = next(self.rows(self.names[0]))
        for name in self.names[1:]:
            if next(self.rows(name)) != first:
                raise ValueError(
                    "All input CSV files must have the same column names in the header row."
                )
        return first

    def types(self, count: int, chosen: list[int], limit: int | None, na_value: str) -> list[Any]:
        """The narrowest dtype that holds the values of each column.

        Raises:
          ValueError: a row has another number of fields than `count`.
        """
        levels = [-1] * len(chosen)
        rows = (
            pair
            for name in self.names
            for pair in itertools.islice(enumerate(self.rows(name), 1), int(self.header), None)
        )
        for line, row in itertools.islice(rows, limit):
            if len(row) != count:
                raise ValueError(
                    f"Problem inferring types: CSV row {line} has {len(row)} number of fields. Expected: {count}."
                )
            for at, column in enumerate(chosen):
                if row[column] not in ("", na_value):
                    levels[at] = max(levels[at], _level(row[column]))
        return [_default(_TYPES[level]) for level in levels]


def _level(text: str) -> int:
    """The index in `_TYPES` of the narrowest dtype that can hold a string."""
    try:
        number = int(text)
    except ValueError:
        try:
            value = float(text)
        except ValueError:
            return 4
        fits = not np.isfinite(value) or abs(value) <= np.finfo(np.float32).max
        return 2 if fits else 3
    if -(2**31) <= number < 2**31:
        return 0
    return 1 if -(2**63) <= number < 2**63 else 2


def _default(dtype: Any) -> np.ndarray:
    """The default for a missing value."""
    if dtype is dtypes.string:
        array = np.empty(1, object)
        array[0] = b""
        return array
    return np.zeros(1, dtype.np)
