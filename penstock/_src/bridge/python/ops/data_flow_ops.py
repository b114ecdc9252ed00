"""Queues, readers and accumulators of data."""

import contextlib
from typing import Any

from penstock._src.api.array.shaping import reshape
from penstock._src.api.dataflow.queues import FIFOQueue
from penstock._src.api.io.records import TFRecordOptions
from penstock._src.core.registry import raw


class GPUCompatibleFIFOQueue(FIFOQueue):
    """A FIFOQueue on the device of the caller."""

    _device = contextlib.nullcontext


class RecordInput:
    """Batches of records at random from the files that match a pattern, without end.

    Args:
      file_pattern: of the files.
      batch_size: the number of records of a batch.
      buffer_size: the number of records that are drawn from.
      parallelism: accepted.
      shift_ratio: by what part of all files a round begins later than the one before.
      seed: of the order.
      name: of the operation.
      batches: the number of batches that one run gives, as a list of lists; by default one tensor.
      compression_type: of the files, a TFRecordCompressionType.
    """

    def __init__(
        self,
        file_pattern: str,
        batch_size: int = 1,
        buffer_size: int = 1,
        parallelism: int = 1,
        shift_ratio: float = 0,
        seed: int = 0,
        name: str | None = None,
        batches: int | None = None,
        compression_type: Any = None,
    ) -> None:
        options = TFRecordOptions(compression_type)
        self._batches, self._rows = batches, batch_size * (batches or 1)
        self._arguments = {
            "file_pattern": file_pattern,
            "file_buffer_size": buffer_size,
            "file_parallelism": parallelism,
            "file_shuffle_shift_ratio": shift_ratio,
            "batch_size": self._rows,
            "file_random_seed": seed,
            "compression_type": TFRecordOptions.get_compression_type_string(options),
            "name": name,
        }

    def get_yield_op(self) -> Any:
        """Returns the next records: a tensor, or a list of lists of scalars."""
        records = raw.RecordInput(**self._arguments)
        if self._batches is None:
            return records
        rows = raw.Split(axis=0, value=records, num_split=self._rows)
        scalars = [reshape(row, []) for row in ([rows] if self._rows == 1 else rows)]
        return [scalars[first :: self._batches] for first in range(self._batches)]
