"""Kinds of compression of snapshots: `tensorflow.python.data.experimental.ops.snapshot`."""

COMPRESSION_GZIP = "GZIP"
COMPRESSION_SNAPPY = "SNAPPY"
COMPRESSION_NONE = None
