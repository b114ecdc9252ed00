"""RaggedTensorValue: the value that a session returns for a RaggedTensor."""

import numpy as np

from penstock._src.util.export import export
from penstock._src.util.signatures import read_only

from .row_partition import RowPartition


@export(v1=["ragged.RaggedTensorValue"])
class RaggedTensorValue:
    """Rows of different lengths, as NumPy arrays.

    Args:
      values: the values of all rows: an array or a RaggedTensorValue.
      row_splits: where each row begins, and where the last ends.
    """

    def __init__(self, values, row_splits):
        if not (
            isinstance(row_splits, (np.ndarray, np.generic))
            and row_splits.dtype in (np.int64, np.int32)
            and row_splits.ndim == 1
        ):
            raise TypeError("row_splits must be a 1D int32 or int64 numpy array")
        if not isinstance(values, (np.ndarray, np.generic, RaggedTensorValue)):
            raise TypeError("values must be a numpy array or a RaggedTensorValue")
        self._values, self._row_splits = values, row_splits

    values = read_only("_values", "The values of all rows.")
    row_splits = read_only(
        "_row_splits", "Index of each row's first value, and the end of the last row."
    )

    @property
    def flat_values(self):
        """The values below all ragged dimensions."""
        inner = self._values
        return inner.flat_values if isinstance(inner, RaggedTensorValue) else inner

    @property
    def nested_row_splits(self):
        """The row splits of all ragged dimensions, the outermost first."""
        inner = self._values
        more = inner.nested_row_splits if isinstance(inner, RaggedTensorValue) else ()
        return (self._row_splits, *more)

    @property
    def _nested_row_partitions(self):
        return tuple(RowPartition.from_row_splits(splits) for splits in self.nested_row_splits)

    @property
    def ragged_rank(self):
        """The number of ragged dimensions."""
        return len(self.nested_row_splits)

    dtype = read_only("_values.dtype", "The NumPy type of the values.")

    @property
    def shape(self):
        """The shape, with None where rows differ."""
        return (self._row_splits.shape[0] - 1, None, *self._values.shape[1:])

    def to_list(self):
        """Returns the rows as nested lists."""
        inner = self._values
        listed = inner.to_list() if isinstance(inner, RaggedTensorValue) else inner.tolist()
        splits = self._row_splits
        return [listed[a:b] for a, b in zip(splits[:-1], splits[1:], strict=True)]

    def __str__(self):
        return f"<tf.RaggedTensorValue {self.to_list()}>"

    def __repr__(self):
        return f"tf.RaggedTensorValue(values={self._values!r}, row_splits={self._row_splits!r})"
