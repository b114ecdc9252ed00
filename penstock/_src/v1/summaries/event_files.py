"""Event files that a thread of their own writes: `tensorflow.python.summary.writer.event_file_writer`."""

from __future__ import annotations

import atexit
import collections
import os
import threading
import time
import weakref
from typing import Any

from penstock._src.ops.summaries.summary import EventWriter


class QueueClosedError(Exception):
    """The queue is closed: its reader has ended."""


class CloseableQueue:
    """A queue for one reader. The reader closes it when it ends, so that writers do not wait for room.

    Args:
      maxsize: how many items fit; 0 for any number.
    """

    def __init__(self, maxsize: int = 0) -> None:
        self._maxsize = maxsize
        self._items: collections.deque[Any] = collections.deque()
        self._changed = threading.Condition()
        self._closed = False

    def get(self) -> Any:
        """Returns the first item, once there is one."""
        with self._changed:
            while not self._items:
                self._changed.wait()
            item = self._items.popleft()
            self._changed.notify_all()
            return item

    def put(self, item: Any) -> None:
        """Appends an item, once there is room.

        Raises:
          QueueClosedError: the queue is closed, or becomes so while this waits.
        """
        with self._changed:
            while not self._closed and 0 < self._maxsize <= len(self._items):
                self._changed.wait()
            if self._closed:
                raise QueueClosedError
            self._items.append(item)
            self._changed.notify_all()

    def close(self) -> None:
        """Closes the queue."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()


class EventsWriter(EventWriter):
    """An event file with the names of methods that TensorFlow's native writer has."""

    def WriteEvent(self, event: Any) -> None:
        """Appends an event."""
        self.write(event)

    def Flush(self) -> None:
        """Flushes the file."""
        self.flush()

    def Close(self) -> None:
        """Closes the file."""
        self.close()

    def FileName(self) -> bytes:
        """Returns the path of the file."""
        return os.fsencode(self.path)


class _Flush:
    """An item that requests a flush, and signals that it is done or never will be."""

    def __init__(self) -> None:
        self.done = threading.Event()


_CLOSE = object()


class _EventLoggerThread(threading.Thread):
    """Write the events of a queue until the queue is closed or a write fails.

    Args:
      queue: of events.
      ev_writer: the file.
      flush_secs: the longest time between flushes.
    """

    def __init__(self, queue: CloseableQueue, ev_writer: EventsWriter, flush_secs: float) -> None:
        super().__init__(name="EventLoggerThread", daemon=True)
        self._queue, self._ev_writer, self._flush_secs = queue, ev_writer, flush_secs
        self._waiting: list[_Flush] = []
        # The error that ended the thread early.
        self.failure: BaseException | None = None

    def run(self) -> None:
        try:
            self._write()
        except BaseException as error:  # noqa: B902 - whoever adds the next event gets it
            self.failure = error
        finally:
            self._queue.close()
            while self._queue._items:
                item = self._queue._items.popleft()
                if isinstance(item, _Flush):
                    self._waiting.append(item)
            for item in self._waiting:
                item.done.set()

    def _write(self) -> None:
        due = 0.0
        while True:
            item = self._queue.get()
            if item is _CLOSE:
                return
            if isinstance(item, _Flush):
                self._waiting.append(item)
                self._ev_writer.Flush()
                self._waiting.pop().done.set()
                continue
            self._ev_writer.WriteEvent(item)
            if time.monotonic() > due:
                self._ev_writer.Flush()
                due = time.monotonic() + self._flush_secs


class SharedEventFile:
    """The event file of a session, which several writers share and write at once.

    Args:
      file: the file.
    """

    def __init__(self, file: EventWriter) -> None:
        self._file = file

    def add_event(self, event: Any) -> None:
        """Appends an event."""
        self._file.write(event)

    def flush(self) -> None:
        """Flushes the file."""
        self._file.flush()

    def close(self) -> None:
        """Closes the file."""
        self._file.close()


_OPEN: weakref.WeakSet[EventFileWriter] = weakref.WeakSet()


class EventFileWriter:
    """Writes events to a file in a folder, in a thread, so that programs do not wait for the disk.

    An error of a write is raised by the next call.

    Args:
      logdir: the folder.
      max_queue: how many events wait for the thread.
      flush_secs: the longest time between flushes.
      filename_suffix: of the file.
    """

    def __init__(
        self,
        logdir: Any,
        max_queue: int = 10,
        flush_secs: float = 120,
        filename_suffix: str | None = None,
    ) -> None:
        self._logdir, self._suffix = os.fsdecode(logdir), filename_suffix or ""
        self._max_queue, self._flush_secs = max_queue, flush_secs
        self._open()

    def _open(self) -> None:
        self._queue = CloseableQueue(self._max_queue)
        file = EventsWriter(self._logdir, suffix=self._suffix)
        self._worker = _EventLoggerThread(self._queue, file, self._flush_secs)
        self._process, self._closed = os.getpid(), False
        self._worker.start()
        _OPEN.add(self)

    def get_logdir(self) -> str:
        """Returns the folder."""
        return self._logdir

    def reopen(self) -> None:
        """Opens a new file, after `close`."""
        if self._closed:
            self._open()

    def add_event(self, event: Any) -> None:
        """Passes an event to the thread; does nothing after `close`.

        Raises:
          BaseException: what a write before has raised.
        """
        if not self._closed:
            self._put(event)

    def _put(self, item: Any) -> None:
        # A forked process has no thread, and the file is its parent's.
        if self._process != os.getpid():
            self._open()
        try:
            self._queue.put(item)
        except QueueClosedError:
            self._end()
            self._raise()

    def _raise(self) -> None:
        if self._worker.failure is not None:
            raise self._worker.failure

    def flush(self) -> None:
        """Waits until all events are in the file."""
        if self._closed:
            return
        asked = _Flush()
        self._put(asked)
        asked.done.wait()
        if self._worker.failure is not None:
            self._end()
            self._raise()

    def close(self) -> None:
        """Writes all events and closes the file."""
        if self._closed:
            return
        try:
            self.flush()
        finally:
            self._end()

    def _end(self) -> None:
        if self._closed:
            return
        self._closed = True
        try:
            self._queue.put(_CLOSE)
        except QueueClosedError:
            pass
        self._worker.join()
        self._worker._ev_writer.Close()

    def __del__(self) -> None:
        # The thread refers to the queue and the file, not to this object.
        if getattr(self, "_closed", True) or self._process != os.getpid():
            return
        try:
            self._queue.put(_CLOSE)
        except QueueClosedError:
            pass


@atexit.register
def _close_all() -> None:
    for writer in list(_OPEN):
        if not writer._closed and writer._process == os.getpid():
            writer._end()
