"""Event files, and the ops that write summaries into them."""

import atexit
import itertools
import os
import socket
import threading
import time
import weakref
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError

from penstock._src.core import dtypes
from penstock._src.core.calls.facts import Permissions
from penstock._src.core.dtypes import DType
from penstock._src.core.errors import DataLossError, FailedPreconditionError
from penstock._src.core.op import Op
from penstock._src.core.typesets import BOOL, REAL
from penstock._src.core.values.resources import Resource, shared
from penstock._src.filesystems.files import make_folders, system_of
from penstock._src.ops.tensor_proto import to_proto
from penstock._src.proto.event import Event, Summary, SummaryMetadata
from penstock._src.util.files import records

_NUMBER = itertools.count()
_OPEN: "weakref.WeakSet[EventWriter]" = weakref.WeakSet()


class EventWriter:
    """Appends events to a file that TensorBoard reads: `events.out.tfevents.<time>.<host>...`."""

    def __init__(
        self, logdir: str, max_queue: int = 10, flush_millis: int = 120_000, suffix: str = ".v2"
    ) -> None:
        make_folders(logdir)
        name = f"events.out.tfevents.{int(time.time()):010d}.{socket.gethostname()}"
        self.path = os.path.join(logdir, f"{name}.{os.getpid()}.{next(_NUMBER)}{suffix}")
        self._file = records.RecordFile(system_of(self.path).open_log(self.path))
        self._lock = threading.Lock()
        self._max_queue, self._flush_seconds = max_queue, flush_millis / 1000
        self._waiting, self._flushed = 0, time.monotonic()
        self.closed = False
        first = Event(wall_time=time.time(), file_version="brain.Event:2")
        first.source_metadata.writer = "tensorflow.core.util.events_writer"
        self.write(first)
        self.flush()
        _OPEN.add(self)

    def write(self, event: Any) -> None:
        """Appends an event; the file is flushed periodically."""
        with self._lock:
            if self.closed:
                return
            self._file.write(event.SerializeToString())
            self._waiting += 1
            late = time.monotonic() - self._flushed > self._flush_seconds
        if late or self._waiting > self._max_queue:
            self.flush()

    def flush(self) -> None:
        """Flushes the file."""
        with self._lock:
            if not self.closed:
                self._file.flush()
                self._waiting, self._flushed = 0, time.monotonic()

    def close(self) -> None:
        """Closes the file; later events are dropped."""
        with self._lock:
            if not self.closed:
                self.closed = True
                self._file.close(system_of(self.path).sync)

    def __del__(self) -> None:
        if hasattr(self, "closed"):
            self.close()


@atexit.register
def _close_all() -> None:
    for writer in list(_OPEN):
        writer.close()


class SummaryWriterHandle(Resource):
    """The resource of a summary writer: an event file, once it has been created."""

    writer: EventWriter | None = None

    def opened(self) -> EventWriter:
        """The event file.

        Raises:
          FailedPreconditionError: it does not exist yet, or is closed.
        """
        if self.writer is None:
            raise FailedPreconditionError(
                "The summary writer is not initialized, or it has been closed."
            )
        return self.writer


def summary_event(step: Any, tag: str, value: np.ndarray, dtype: DType, metadata: bytes) -> Any:
    """The event of one summary value."""
    event = Event(wall_time=time.time(), step=int(step))
    entry = event.summary.value.add(tag=tag)
    entry.tensor.CopyFrom(to_proto(value, dtype))
    if metadata:
        entry.metadata.CopyFrom(SummaryMetadata.FromString(metadata))
    return event


def _text(value: Any) -> str:
    text = value[()] if isinstance(value, np.ndarray) else value
    return text.decode() if isinstance(text, bytes) else text


class SummaryWriter(Op):
    """The resource of a summary writer."""

    signature = "-> writer: resource[]"
    shared_name: str = ""
    container: str = ""

    def eager(self):
        def make() -> SummaryWriterHandle:
            return SummaryWriterHandle(self.shared_name, self.container)

        return shared(SummaryWriterHandle, self.container, self.shared_name, make)


class CreateSummaryFileWriter(Op):
    """Opens an event file for a summary writer, unless it has one."""

    signature = """writer: resource, logdir: string, max_queue: int32, flush_millis: int32,
        filename_suffix: string ->"""
    permissions = Permissions(capabilities="write_files", file_arguments="logdir")

    def eager(self, writer, logdir, max_queue, flush_millis, filename_suffix):
        if any(map(np.ndim, (logdir, max_queue, flush_millis, filename_suffix))):
            raise self.invalid(
                "logdir, max_queue, flush_millis and filename_suffix must be scalars"
            )
        if writer.writer is None:
            writer.writer = EventWriter(
                _text(logdir), int(max_queue), int(flush_millis), _text(filename_suffix)
            )
        return ()


class FlushSummaryWriter(Op):
    """Flushes the file of a summary writer."""

    signature = "writer: resource -> "

    def eager(self, writer):
        writer.opened().flush()
        return ()


class CloseSummaryWriter(Op):
    """Closes the file of a summary writer."""

    signature = "writer: resource -> "

    def eager(self, writer):
        if writer.writer is not None:
            writer.writer.close()
            writer.writer = None
        return ()


class WriteSummary(Op):
    """Writes a tensor under a tag, with metadata that names the plugin to show it."""

    signature = "writer: resource, step: int64, tensor: T, tag: string, summary_metadata: string ->"
    T: DType

    def eager(self, writer, step, tensor, tag, summary_metadata):
        event = summary_event(step, _text(tag), tensor, self.T, summary_metadata[()])
        writer.opened().write(event)
        return ()


class WriteRawProtoSummary(Op):
    """Writes serialized Summary messages."""

    signature = "writer: resource, step: int64, tensor: string -> "

    def eager(self, writer, step, tensor):
        event = Event(wall_time=time.time(), step=int(step))
        for i, serialized in enumerate(tensor.ravel().tolist()):
            try:
                event.summary.MergeFromString(serialized)
            except DecodeError:
                raise DataLossError(
                    f"Bad tf.compat.v1.Summary binary proto tensor string at index {i}"
                ) from None
        writer.opened().write(event)
        return ()


class WriteGraphSummary(Op):
    """Writes a serialized GraphDef."""

    signature = "writer: resource, step: int64, tensor: string -> "

    def eager(self, writer, step, tensor):
        event = Event(wall_time=time.time(), step=int(step), graph_def=tensor[()])
        writer.opened().write(event)
        return ()


class WriteScalarSummary(Op):
    """Writes a number under a tag, in the format of TensorFlow 1."""

    signature = "writer: resource, step: int64, tag: string, value: T -> "
    T = REAL

    def eager(self, writer, step, tag, value):
        event = Event(wall_time=time.time(), step=int(step))
        event.summary.value.add(tag=_text(tag), simple_value=float(value))
        writer.opened().write(event)
        return ()


class ScalarSummary(Op):
    """A serialized Summary of numbers under their tags."""

    signature = "tags: string, values: T -> summary: string[]"
    T = REAL
    differentiable = False

    def eager(self, tags, values):
        summary = Summary()
        for tag, value in zip(np.ravel(tags), np.ravel(values), strict=True):
            summary.value.add(tag=tag.decode(), simple_value=float(value))
        return summary.SerializeToString()


def _bucket_limits() -> np.ndarray:
    """Upper bounds of buckets, which grow by 10 % on either side of 0."""
    positive = [1e-12]
    while positive[-1] * 1.1 < 1e20:
        positive.append(positive[-1] * 1.1)
    positive.append(np.finfo(float).max)
    return np.array([*(-limit for limit in reversed(positive)), 0.0, *positive])


_LIMITS = _bucket_limits()


class Histogram:
    """Counts of values in TensorFlow's buckets, with minimum, maximum and sums."""

    def __init__(self) -> None:
        self._counts = np.zeros(_LIMITS.size)
        self._least, self._most = np.finfo(float).max, -np.finfo(float).max
        self._sum = self._squares = 0.0

    def add(self, values: Any) -> None:
        """Counts values."""
        flat = np.asarray(values, np.float64).ravel()
        if not flat.size:
            return
        places = np.searchsorted(_LIMITS, flat, side="right")
        self._counts += np.bincount(np.minimum(places, _LIMITS.size - 1), minlength=_LIMITS.size)
        self._least = min(self._least, float(flat.min()))
        self._most = max(self._most, float(flat.max()))
        self._sum += float(flat.sum())
        self._squares += float((flat * flat).sum())

    def proto(self) -> Any:
        """The HistogramProto; adjacent empty buckets are merged."""
        histogram = Summary.Value().histo
        histogram.num = float(self._counts.sum())
        histogram.min, histogram.max = self._least, self._most
        histogram.sum, histogram.sum_squares = self._sum, self._squares
        filled = self._counts > 0
        ends_run = np.append(filled[1:], True) | filled
        histogram.bucket_limit.extend(_LIMITS[ends_run].tolist())
        histogram.bucket.extend(self._counts[ends_run].tolist())
        return histogram


def histogram_of(op: Op, values: np.ndarray) -> Any:
    """The HistogramProto of values."""
    if not np.isfinite(values.astype(np.float64)).all():
        what = "Nan" if np.isnan(values.astype(np.float64)).any() else "Infinity"
        raise op.invalid(f"{what} in summary histogram")
    histogram = Histogram()
    histogram.add(values)
    return histogram.proto()


class HistogramSummary(Op):
    """A serialized Summary with the histogram of values."""

    signature = "tag: string, values: T -> summary: string[]"
    T: REAL = dtypes.float32
    differentiable = False

    def eager(self, tag, values):
        summary = Summary()
        summary.value.add(tag=_text(tag)).histo.CopyFrom(histogram_of(self, values))
        return summary.SerializeToString()


class WriteHistogramSummary(Op):
    """Writes the histogram of values, in the format of TensorFlow 1."""

    signature = "writer: resource, step: int64, tag: string, values: T -> "
    T: REAL | BOOL = dtypes.float32

    def eager(self, writer, step, tag, values):
        event = Event(wall_time=time.time(), step=int(step))
        event.summary.value.add(tag=_text(tag)).histo.CopyFrom(histogram_of(self, values))
        writer.opened().write(event)
        return ()


class TensorSummaryV2(Op):
    """A serialized Summary with a tensor."""

    signature = "tag: string, tensor: T, serialized_summary_metadata: string -> summary: string[]"
    T: DType
    differentiable = False

    def eager(self, tag, tensor, serialized_summary_metadata):
        metadata = serialized_summary_metadata[()]
        event = summary_event(0, _text(tag), tensor, self.T, metadata)
        return event.summary.SerializeToString()


class MergeSummary(Op):
    """The values of several serialized Summaries in one."""

    signature = "inputs: N * string -> summary: string[]"
    minimum = {"N": 1}
    N: int
    differentiable = False

    def eager(self, inputs):
        merged = Summary()
        for serialized in inputs:
            for part in serialized.ravel():
                merged.MergeFrom(Summary.FromString(part))
        return merged.SerializeToString()
