"""TensorFlow 1's readers: records of files whose names come from a queue."""

import os
import threading

import numpy as np

from penstock._src.core.calls.facts import Effects, Permissions
from penstock._src.core.errors import DataLossError, OutOfRangeError, UnimplementedError
from penstock._src.core.op import Op
from penstock._src.core.values import kernel_state, memory_limit, resources
from penstock._src.core.values.resources import Resource
from penstock._src.filesystems.files import open_file
from penstock._src.ops.variants import by_reference
from penstock._src.util.files import records

_PIECE = 1 << 22  # bytes that are read at a time
NO_LMDB = (
    "LMDB support is removed from TensorFlow. This API will be deleted in the next TensorFlow release. If "
    "you need LMDB support, please file a GitHub issue."
)


def _lines(skip):
    def read(name):
        with open_file(name) as file:
            for number, line in enumerate(file, 1):
                if number > skip:
                    line = line[:-1] if line.endswith(b"\n") else line
                    yield f"{name}:{number}".encode(), line[:-1] if line.endswith(b"\r") else line

    return read


def _whole(name):
    with open_file(name) as file:
        yield name.encode(), file.read()


def _framed(compression):
    def read(name):
        with open_file(name) as file:
            offset = 0
            stream = records.opened(file, compression, name=name)
            try:
                for record in records.read_records(stream, name, admit=memory_limit.require_bytes):
                    yield f"{name}:{offset}".encode(), record
                    offset += 16 + len(record)
            except records.DamagedRecord as error:
                raise DataLossError(str(error)) from error

    return read


def _all_of(stream, name):
    """The bytes of a stream; a small compressed file may hold any number of them."""
    parts, size = [], 0
    while part := stream.read(_PIECE):
        parts.append(part)
        size += len(part)
        memory_limit.require_bytes(2 * size, name)  # the parts and all of them
    return b"".join(parts)


def _fixed(header, size, footer, hop, compression):
    def read(name):
        with open_file(name) as file:
            try:
                data = _all_of(records.opened(file, compression, name=name), name)
            except records.DamagedRecord as error:
                raise DataLossError(str(error)) from error
        last = len(data) - footer - size
        for number, at in enumerate(range(header, last + 1, hop or size)):
            yield f"{name}:{number}".encode(), data[at : at + size]

    return read


def _identity(name):
    yield name.encode(), name.encode()


def _raising(error):
    """Yields nothing: raises `error` whenever an element is asked for."""

    class Raising:
        def __next__(self):
            raise error

    return Raising()


class HostReader(Resource):
    """Reads files in sequence; `read(name)` returns the keys and values of a file."""

    def __init__(self, read, name="", container=""):
        super().__init__(name, container)
        self.read, self.lock = read, threading.RLock()
        # One record is a whole work unit, so the unit is finished with it. Only such readers have a state to serialize, as in TensorFlow.
        self.title = {_identity: "IdentityReader", _whole: "WholeFileReader"}.get(read)
        self.reset()

    def reset(self):
        """Resets the reader."""
        self.begun = self.produced = self.done = 0
        self.open, self.current = None, b""

    def serialize(self):
        """Returns the state as bytes.

        Raises:
          UnimplementedError: the reader has none.
        """
        if self.title is None:
            raise UnimplementedError("Reader SerializeState not implemented")
        # protobuf is slow to import, and few programs come here
        from penstock._src.ops.parsing import reader_state

        with self.lock:
            return reader_state.serialized(self.begun, self.done, self.produced, self.current)

    def restore(self, data, name):
        """Sets the state; resets the reader where that raises an error of the data.

        Args:
          data: of `serialize`.
          name: of the reader in errors.

        Raises:
          UnimplementedError: the reader has no state.
          InvalidArgumentError: the data are not of a reader.
        """
        if self.title is None:
            raise UnimplementedError("Reader RestoreState not implemented")
        # protobuf is slow to import, and few programs come here
        from penstock._src.ops.parsing import reader_state

        with self.lock:
            self.reset()
            state = reader_state.parsed(data, f"{self.title} '{name}'")
            self.begun, self.done, self.produced, self.current = state

    def next(self, queue, wait=True):
        """The next key and value; None if a new file is needed and `wait` is False."""
        with self.lock:
            while True:
                if self.open is None:
                    if not wait:
                        return None
                    (element,) = queue.dequeue(1)
                    self.current = np.asarray(element[0]).item()
                    self.open = self.read(os.fsdecode(self.current))
                    self.begun += 1
                record = self._record()
                if record is None or self.title is not None:
                    self.open = None
                    self.done += 1
                if record is not None:
                    self.produced += 1
                    return record

    def _record(self):
        """The next record of the open file; None at its end. After an error the file stays open, and the next read raises it again."""
        try:
            return next(self.open, None)
        except Exception as error:
            # A whole file is tried anew, as it may be there by then; other records have no place to go on from.
            retried = self.title is not None
            name = os.fsdecode(self.current)
            self.open = self.read(name) if retried else _raising(error)
            raise


class _MakeReader(Op):
    differentiable = False

    def eager(self):
        def make():
            name = self.shared_name or getattr(kernel_state.running_node(), "name", "")
            return HostReader(self.reading(), name, self.container)

        return resources.shared(HostReader, self.container, self.shared_name, make)


class TextLineReaderV2(_MakeReader):
    """A reader of the lines of text files."""

    signature = "-> reader_handle: resource[]"
    skip_header_lines: int = 0
    container: str = ""
    shared_name: str = ""

    def reading(self):
        return _lines(self.skip_header_lines)


by_reference("TextLineReader", TextLineReaderV2)


class LMDBReader(_MakeReader):
    """Raises an error, as in TensorFlow 2.21."""

    signature = "-> reader_handle: Ref(string)[]"
    container: str = ""
    shared_name: str = ""
    stateful = True

    def reading(self):
        raise UnimplementedError(NO_LMDB)


class WholeFileReaderV2(_MakeReader):
    """A reader of whole files."""

    signature = "-> reader_handle: resource[]"
    container: str = ""
    shared_name: str = ""

    def reading(self):
        return _whole


by_reference("WholeFileReader", WholeFileReaderV2)


class TFRecordReaderV2(_MakeReader):
    """A reader of the records of TFRecord files."""

    signature = "-> reader_handle: resource[]"
    container: str = ""
    shared_name: str = ""
    compression_type: str = ""

    def reading(self):
        return _framed(self.compression_type)


by_reference("TFRecordReader", TFRecordReaderV2)


class _FixedReader(_MakeReader):
    encoding = ""

    def reading(self):
        if self.record_bytes <= 0:
            raise self.invalid(f"record_bytes must be >= 0, got {self.record_bytes}")
        parts = (self.header_bytes, self.record_bytes, self.footer_bytes, self.hop_bytes)
        return _fixed(*parts, self.encoding)


class FixedLengthRecordReaderV2(_FixedReader):
    """A reader of files in which all records have the same length."""

    signature = "-> reader_handle: resource[]"
    header_bytes: int = 0
    record_bytes: int
    footer_bytes: int = 0
    hop_bytes: int = 0
    container: str = ""
    shared_name: str = ""
    encoding: str = ""


class FixedLengthRecordReader(_FixedReader):
    """The same, by reference."""

    signature = "-> reader_handle: Ref(string)[]"
    header_bytes: int = 0
    record_bytes: int
    footer_bytes: int = 0
    hop_bytes: int = 0
    container: str = ""
    shared_name: str = ""
    stateful = True


class IdentityReaderV2(_MakeReader):
    """A reader that returns the file names themselves."""

    signature = "-> reader_handle: resource[]"
    container: str = ""
    shared_name: str = ""

    def reading(self):
        return _identity


by_reference("IdentityReader", IdentityReaderV2)


class _ReaderOp(Op):
    differentiable = False

    def reader(self, handle):
        if not isinstance(handle, HostReader):
            raise self.invalid(f"expected the handle of a reader. Received {handle!r}")
        return handle


class _Reading(_ReaderOp):
    effects = Effects(may_wait=True)
    permissions = Permissions(capabilities="read_files")

    def touched_files(self, values):
        """None for a reader that reads only names; else the queue's content at that time."""
        is_identity = values[0] is not None and self.reader(values[0]).read is _identity
        return [] if is_identity else None


class ReaderReadV2(_Reading):
    """The next key and value; at the end of a file, opens the next one from the queue."""

    signature = "reader_handle: resource, queue_handle: resource -> key: string[], value: string[]"

    def eager(self, reader_handle, queue_handle):
        return self.reader(reader_handle).next(queue_handle)


by_reference("ReaderRead", ReaderReadV2)


class ReaderReadUpToV2(_Reading):
    """Up to `num_records` keys and values, at least one."""

    signature = """reader_handle: resource, queue_handle: resource, num_records: int64
        -> keys: string[?], values: string[?]"""
    ranks = {"num_records": (0,)}

    def eager(self, reader_handle, queue_handle, num_records):
        reader, wanted = self.reader(reader_handle), int(num_records)
        pairs = [reader.next(queue_handle)]
        while len(pairs) < wanted:
            try:
                pairs.append(reader.next(queue_handle))
            except OutOfRangeError:
                break
        columns = np.empty((2, len(pairs)), object)
        for at, pair in enumerate(pairs):
            columns[:, at] = pair
        return columns[0], columns[1]


by_reference("ReaderReadUpTo", ReaderReadUpToV2)


class ReaderNumRecordsProducedV2(_ReaderOp):
    """The number of records read."""

    signature = "reader_handle: resource -> records_produced: int64[]"

    def eager(self, reader_handle):
        return np.int64(self.reader(reader_handle).produced)


by_reference("ReaderNumRecordsProduced", ReaderNumRecordsProducedV2)


class ReaderNumWorkUnitsCompletedV2(_ReaderOp):
    """The number of files read to their end."""

    signature = "reader_handle: resource -> units_completed: int64[]"

    def eager(self, reader_handle):
        return np.int64(self.reader(reader_handle).done)


by_reference("ReaderNumWorkUnitsCompleted", ReaderNumWorkUnitsCompletedV2)


class ReaderResetV2(_ReaderOp):
    """Resets the reader."""

    signature = "reader_handle: resource ->"

    def eager(self, reader_handle):
        self.reader(reader_handle).reset()


by_reference("ReaderReset", ReaderResetV2)


class ReaderSerializeStateV2(_ReaderOp):
    """The state of a reader of names or whole files; of others unimplemented, as in TensorFlow."""

    signature = "reader_handle: resource -> state: string[]"

    def eager(self, reader_handle):
        return self.reader(reader_handle).serialize()


by_reference("ReaderSerializeState", ReaderSerializeStateV2)


class ReaderRestoreStateV2(_ReaderOp):
    """Restores the state of a reader of names or whole files; of others unimplemented, as in TensorFlow."""

    signature = "reader_handle: resource, state: string ->"
    ranks = {"state": (0,)}

    def eager(self, reader_handle, state):
        reader = self.reader(reader_handle)
        reader.restore(np.asarray(state).item(), reader.name)


by_reference("ReaderRestoreState", ReaderRestoreStateV2)
