"""Kinds of compression of snapshots, and their first form: `tensorflow.python.data.experimental.ops.snapshot`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from penstock._src.core.registry import raw
from penstock._src.data import structure
from penstock._src.data.dataset import derived
from penstock._src.data.transforms import seed_pair

COMPRESSION_GZIP = "GZIP"
COMPRESSION_SNAPPY = "SNAPPY"
COMPRESSION_NONE = None


def legacy_snapshot(
    path: Any, compression: str | None = None, reader_path_prefix: str | None = None,
    writer_path_prefix: str | None = None, shard_size_bytes: int | None = None,
    pending_snapshot_expiry_seconds: int | None = None, num_reader_threads: int | None = None,
    reader_buffer_size: int | None = None, num_writer_threads: int | None = None,
    writer_buffer_size: int | None = None, shuffle_on_read: bool | None = None,
    shuffle_seed: int | None = None, mode: str | None = None, snapshot_name: str | None = None,
) -> Callable[[Any], Any]:  # fmt: skip
    """Returns a function for `Dataset.apply` that keeps the elements of a dataset in a folder, in the first form of snapshots.

    Args:
      path: the folder.
      compression: one of the kinds above.
      reader_path_prefix, writer_path_prefix: put before the path where it is read or written.
      shard_size_bytes: the size of a file, 10 GiB by default.
      pending_snapshot_expiry_seconds: how long a writer that is silent counts as writing.
      num_reader_threads, num_writer_threads, reader_buffer_size, writer_buffer_size: how files are read and written.
      shuffle_on_read: whether files are read in a random order.
      shuffle_seed: of that order.
      mode: "auto", "read", "write" or "passthrough".
      snapshot_name: the name of the snapshot's folder; by default that of what the dataset computes.
    """
    options = {
        "compression": compression,
        "reader_path_prefix": reader_path_prefix,
        "writer_path_prefix": writer_path_prefix,
        "shard_size_bytes": shard_size_bytes,
        "pending_snapshot_expiry_seconds": pending_snapshot_expiry_seconds,
        "num_reader_threads": num_reader_threads,
        "reader_buffer_size": reader_buffer_size,
        "num_writer_threads": num_writer_threads,
        "writer_buffer_size": writer_buffer_size,
        "shuffle_on_read": shuffle_on_read,
        "mode": mode,
        "snapshot_name": snapshot_name,
    }
    first, second = seed_pair(shuffle_seed)

    def apply(dataset: Any) -> Any:
        variant = raw.SnapshotDataset(
            input_dataset=dataset._variant_tensor,
            path=path,
            seed=first,
            seed2=second,
            **structure.attributes(dataset.element_spec),
            **{name: value for name, value in options.items() if value is not None},
        )
        return derived("_LegacySnapshotDataset", variant, dataset.element_spec)

    return apply
