"""Readers of compat.v1, which read records of the files named in a queue."""

from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE
from penstock._src.core.errors import UnimplementedError
from penstock._src.core.registry import raw
from penstock._src.util.export import export
from penstock._src.util.signatures import read_only


def _queue(queue):
    return getattr(queue, "queue_ref", queue)


@export(v1=["ReaderBase"])
class ReaderBase:
    """Reads records as (key, value) from the work units that it dequeues.

    Args:
      reader_ref: the handle.
      supports_serialize: whether the state of the reader can be serialized.
    """

    def __init__(self, reader_ref, supports_serialize=False):
        if STATE.graph is None:
            raise RuntimeError(
                "Readers are not supported when eager execution is enabled. Instead, please use "
                "tf.data to get data into your model."
            )
        self._reader_ref, self._supports_serialize = reader_ref, supports_serialize

    reader_ref = read_only("_reader_ref", "The handle.")
    supports_serialize = read_only("_supports_serialize", "True if the state can be serialized.")

    def read(self, queue, name=None):
        """Returns the next record: (key, value)."""
        return raw.ReaderReadV2(
            reader_handle=self._reader_ref, queue_handle=_queue(queue), name=name
        )

    def read_up_to(self, queue, num_records, name=None):
        """Returns the next records, at most `num_records`: (keys, values)."""
        return raw.ReaderReadUpToV2(
            reader_handle=self._reader_ref,
            queue_handle=_queue(queue),
            num_records=convert_to_tensor(num_records, dtypes.int64),
            name=name,
        )

    def num_records_produced(self, name=None):
        """Returns the number of records read."""
        return raw.ReaderNumRecordsProducedV2(reader_handle=self._reader_ref, name=name)

    def num_work_units_completed(self, name=None):
        """Returns the number of work units read completely."""
        return raw.ReaderNumWorkUnitsCompletedV2(reader_handle=self._reader_ref, name=name)

    def serialize_state(self, name=None):
        """Returns the state as a string."""
        return raw.ReaderSerializeStateV2(reader_handle=self._reader_ref, name=name)

    def restore_state(self, state, name=None):
        """Returns an operation that restores a serialized state."""
        return raw.ReaderRestoreStateV2(reader_handle=self._reader_ref, state=state, name=name)

    def reset(self, name=None):
        """Returns an operation that resets the reader to its initial state."""
        return raw.ReaderResetV2(reader_handle=self._reader_ref, name=name)


@export(v1=["WholeFileReader"])
class WholeFileReader(ReaderBase):
    """Reads files: the keys are their names, the values their contents."""

    def __init__(self, name=None):
        super().__init__(raw.WholeFileReaderV2(name=name), supports_serialize=True)


@export(v1=["IdentityReader"])
class IdentityReader(ReaderBase):
    """Returns each work unit as both key and value."""

    def __init__(self, name=None):
        super().__init__(raw.IdentityReaderV2(name=name), supports_serialize=True)


@export(v1=["TextLineReader"])
class TextLineReader(ReaderBase):
    """Reads the lines of files."""

    def __init__(self, skip_header_lines=None, name=None):
        handle = raw.TextLineReaderV2(skip_header_lines=skip_header_lines or 0, name=name)
        super().__init__(handle)


@export(v1=["FixedLengthRecordReader"])
class FixedLengthRecordReader(ReaderBase):
    """Reads records of fixed length."""

    def __init__(
        self,
        record_bytes,
        header_bytes=None,
        footer_bytes=None,
        hop_bytes=None,
        name=None,
        encoding=None,
    ):
        handle = raw.FixedLengthRecordReaderV2(
            record_bytes=record_bytes,
            header_bytes=header_bytes or 0,
            footer_bytes=footer_bytes or 0,
            hop_bytes=hop_bytes or 0,
            encoding=encoding or "",
            name=name,
        )
        super().__init__(handle)


@export(v1=["TFRecordReader"])
class TFRecordReader(ReaderBase):
    """Reads the records of TFRecord files."""

    def __init__(self, name=None, options=None):
        kinds = {None: "", 0: "", 1: "ZLIB", 2: "GZIP"}
        kind = getattr(options, "compression_type", options)
        handle = raw.TFRecordReaderV2(compression_type=kinds.get(kind, kind), name=name)
        super().__init__(handle)


@export(v1=["LMDBReader"])
class LMDBReader(ReaderBase):
    """Not supported; TensorFlow 2.21 does not support it either, but raises only when the graph runs."""

    def __init__(self, name=None, options=None):
        raise UnimplementedError(
            "LMDB support is removed from TensorFlow. This API will be deleted in the next TensorFlow "
            "release. If you need LMDB support, please file a GitHub issue."
        )
