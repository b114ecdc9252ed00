"""Batches of records: `tensorflow.python.data.experimental.ops.readers`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from penstock._src.data.dataset import DatasetV2
from penstock._src.data.readers import TFRecordDataset


def make_tf_record_dataset(
    file_pattern: Any,
    batch_size: Any,
    parser_fn: Callable[[Any], Any] | None = None,
    num_epochs: int | None = None,
    shuffle: bool = True,
    shuffle_buffer_size: int | None = None,
    shuffle_seed: int | None = None,
    prefetch_buffer_size: int | None = None,
    num_parallel_reads: int | None = None,
    num_parallel_parser_calls: Any = None,
    drop_final_batch: bool = False,
) -> Any:
    """Returns the dataset of batches of the records of files, parsed.

    Args:
      file_pattern: file names or patterns of such.
      batch_size: how many records are in a batch.
      parser_fn: a function of a record.
      num_epochs: how often the records are read; None for without end.
      shuffle: whether files and records are shuffled.
      shuffle_buffer_size: among how many records the next is drawn.
      shuffle_seed: of both orders.
      prefetch_buffer_size: how many batches are made ahead.
      num_parallel_reads: of how many files records are read in turn.
      num_parallel_parser_calls: how many records are parsed at once.
      drop_final_batch: whether a smaller last batch is left out.
    """
    if num_parallel_reads is None:
        num_parallel_reads = 24
    files = DatasetV2.list_files(file_pattern, shuffle=shuffle, seed=shuffle_seed)
    records = TFRecordDataset(files, num_parallel_reads=num_parallel_reads)
    if shuffle:
        records = records.shuffle(shuffle_buffer_size or 10000, shuffle_seed)
    if num_epochs != 1:
        records = records.repeat(num_epochs)
    if parser_fn is not None:
        calls = batch_size if num_parallel_parser_calls is None else num_parallel_parser_calls
        records = records.map(parser_fn, num_parallel_calls=calls)
    batches = records.batch(batch_size, drop_remainder=drop_final_batch or num_epochs is None)
    ahead = -1 if prefetch_buffer_size is None else prefetch_buffer_size
    return batches.prefetch(ahead) if ahead else batches
