"""Writer: a worker's thread that writes a stream of a snapshot."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from typing import Any, BinaryIO

from penstock._src.core.errors import (
    INTERNAL,
    AbortedError,
    NotFoundError,
    OpError,
    UnavailableError,
)
from penstock._src.data.experimental.service import messages
from penstock._src.data.experimental.service.calls import LOG
from penstock._src.data.experimental.service.elements import from_message
from penstock._src.data.experimental.service.servers import check_may_write, pipeline_of
from penstock._src.data.experimental.service.snapshots.sources import position_of, restore
from penstock._src.data.experimental.service.splits import shared, sources_of
from penstock._src.filesystems import files
from penstock._src.filesystems.whole import write_whole
from penstock._src.ops.data.iteration.resume import NotResumable
from penstock._src.ops.data.pipeline import Element, Pipeline
from penstock._src.ops.data.readers.snappy_stream import record_file
from penstock._src.ops.data.storage import write_element
from penstock._src.ops.data_iterators.handle import IteratorHandle
from penstock._src.ops.data_snapshot import distributed

# A chunk ends at this size in bytes, or this age in seconds. A new owner starts at its end.
CHUNK_BYTES = 64 << 20
CHUNK_SECONDS = 5.0
# The part of its time that a worker spends on positions at most: those of large shuffle buffers take long.
_SAVING_SHARE = 0.1

# (method of the dispatcher, request, class of the reply) -> the reply.
Ask = Callable[[str, Any, Any], Any]


class _Ended(Exception):
    """The dispatcher is gone, or has given the stream to another worker."""


class Writer:
    """Writes a stream from where its last owner left it.

    Args:
      task: the StreamTask.
      ask: calls the dispatcher, again while it is away.
      stopped: set when the worker ends.
    """

    def __init__(self, task: Any, ask: Ask, stopped: threading.Event) -> None:
        self.owner, self._task, self._stopped = task.owner, task, stopped
        self._ask_dispatcher = ask
        self._ended: Exception | None = None
        self._folder = distributed.stream_folder(self.owner.path, self.owner.stream)
        self._uncommitted = os.path.join(self._folder, "uncommitted_chunks")
        self._positions = os.path.join(self._folder, "checkpoints")
        self._number = task.last.number + bool(task.last.elements)
        self._chunk: _Chunk | None = None
        self._saving_seconds, self._is_resumable = 0.0, True

    @property
    def is_running(self) -> bool:
        """True if the writer's thread is running."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Begins to write, in a thread."""
        name = f"penstock-data-stream-{self.owner.stream}"
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        iteration = IteratorHandle()
        try:
            self._write(iteration)
        except Exception as error:
            if self._ended is not None or isinstance(error, _Ended):
                LOG.warning(
                    "tf.data service: no longer writes stream %d of the snapshot at %s: %s",
                    self.owner.stream, self.owner.path, self._ended or error,
                )  # fmt: skip
                return
            if not isinstance(error, OpError):
                LOG.exception("tf.data service: writing the snapshot at %s failed", self.owner.path)
            self._report(error)
        finally:
            iteration.close()
            if self._chunk is not None:
                self._chunk.file.close()

    def _report(self, error: Exception) -> None:
        code = error.error_code if isinstance(error, OpError) else INTERNAL
        message = (
            error.message if isinstance(error, OpError) else f"{type(error).__name__}: {error}"
        )
        failed = messages.CommitRequest(owner=self.owner, code=code, error=message)
        try:
            self._ask("Commit", failed, messages.CommitReply)
        except (_Ended, OpError) as other:
            LOG.warning(
                "tf.data service: could not report %s to the dispatcher: %s", message, other
            )

    def _ask(self, method: str, request: Any, reply: Any) -> Any:
        try:
            return self._ask_dispatcher(method, request, reply)
        except (AbortedError, UnavailableError) as error:
            # Kept, as this may be raised in a step of the dataset in another thread.
            self._ended = error
            raise _Ended(error.message) from error

    # -- elements

    def _write(self, iteration: IteratorHandle) -> None:
        check_may_write(self.owner.path, self._task.local)
        self._tidy()
        dataset = shared(pipeline_of(self._task.graph, self._task.local), self._take)
        sources: Any = sources_of(dataset)
        if self._task.last.position.state:
            restore(iteration, dataset, sources, self._position_path(self._task.last))
        else:
            iteration.start(dataset)
        while (element := iteration.next()) is not None:
            if self._stopped.is_set():
                raise _Ended("The worker is stopped.")
            self._add(element, dataset)
            if self._is_resumable and self._is_due():
                self._commit(iteration, sources)
        if self._chunk is not None:
            self._commit(iteration, sources)
        self._ask(
            "Commit", messages.CommitRequest(owner=self.owner, is_done=True), messages.CommitReply
        )

    def _take(self, source: int, repetition: int, number: int) -> Element | None:
        request = messages.SplitRequest(
            owner=self.owner, source=source, repetition=repetition, number=number
        )
        return from_message(self._ask("Split", request, messages.Element))

    def _add(self, element: Element, dataset: Pipeline) -> None:
        if self._chunk is None:
            self._chunk = _Chunk(
                self._uncommitted_path(self._number, self.owner.generation), self._task.compression
            )
        write_element(self._chunk.records, element, dataset.types)
        self._chunk.elements += 1

    def _is_due(self) -> bool:
        assert self._chunk is not None
        age = time.monotonic() - self._chunk.begun
        if age < self._saving_seconds / _SAVING_SHARE:
            return False
        return age > CHUNK_SECONDS or self._chunk.file.tell() > CHUNK_BYTES

    # -- positions

    def _commit(self, iteration: IteratorHandle, sources: Any) -> None:
        """End the chunk, so that the stream's next owner starts after it."""
        began = time.monotonic()
        try:
            position = position_of(iteration, sources)
        except NotResumable as error:
            LOG.warning(
                "tf.data service: a worker that takes over stream %d of the snapshot at %s starts it again: %s",
                self.owner.stream, self.owner.path, error,
            )  # fmt: skip
            self._is_resumable = False
            return
        assert self._chunk is not None
        chunk, self._chunk = self._chunk, None
        system = files.system_of(self._folder)
        chunk.records.close(system.sync)
        system.sync_folder(self._uncommitted)
        request = messages.CommitRequest(
            owner=self.owner, number=self._number, elements=chunk.elements
        )
        write_whole(self._position_path(request), position.SerializeToString())
        # The dispatcher's state determines the splits that follow.
        request.position.opened.extend(position.opened)
        request.position.open.extend(position.open)
        request.position.state = b"in the file"
        self._saving_seconds = time.monotonic() - began
        self._ask("Commit", request, messages.CommitReply)
        self._move(request)
        self._number += 1
        before = messages.CommitRequest(owner=self._task.last.owner, number=self._task.last.number)
        if self._task.last.position.state:
            files.remove_if_there(self._position_path(before))
        self._task.last.CopyFrom(request)

    def _move(self, commit: Any) -> None:
        """Moves a committed chunk to where readers look, unless it is there."""
        source = self._uncommitted_path(commit.number, commit.owner.generation)
        owner = self.owner
        target = distributed.chunk_path(owner.path, owner.stream, commit.number, commit.elements)
        try:
            files.rename(source, target)
        except NotFoundError:
            if not files.exists(target):
                raise
        files.system_of(target).sync_folder(os.path.dirname(target))

    def _tidy(self) -> None:
        """Finishes the last owner's work: moves its last chunk, and removes files that are not committed."""
        for folder in (self._uncommitted, self._positions):
            files.make_folders(folder)
        write_whole(os.path.join(self._folder, "owner_worker"), self.owner.worker)
        last = self._task.last
        if last.elements:
            self._move(last)
        for name in files.names(self._uncommitted):
            files.remove_if_there(os.path.join(self._uncommitted, name))

    def _uncommitted_path(self, number: int, generation: int) -> str:
        return os.path.join(self._uncommitted, f"chunk_{number}_of_owner_{generation}")

    def _position_path(self, commit: Any) -> str:
        name = f"checkpoint_{commit.number}_of_owner_{commit.owner.generation}"
        return os.path.join(self._positions, name)


class _Chunk:
    """A chunk that is being written."""

    def __init__(self, path: str, compression: str) -> None:
        self.file: BinaryIO = files.open_file(path, "wb")
        self.records = record_file(self.file, compression)
        self.elements, self.begun = 0, time.monotonic()
