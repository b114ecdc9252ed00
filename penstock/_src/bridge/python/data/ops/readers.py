"""Records of files: `tensorflow.python.data.ops.readers`."""

from __future__ import annotations

from typing import Any

from penstock._src.data.readers import TFRecordDataset


def _TFRecordDataset(
    filenames: Any,
    compression_type: Any = None,
    buffer_size: Any = None,
    name: str | None = None,
) -> Any:
    """Returns the dataset of the records of files, one file after the other."""
    return TFRecordDataset(filenames, compression_type, buffer_size, name=name)
