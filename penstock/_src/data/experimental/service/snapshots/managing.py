"""Snapshots: those of a dispatcher. It gives streams to workers, and splits to streams."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Collection, Iterator
from typing import Any

from penstock._src.core.errors import (
    AbortedError,
    AlreadyExistsError,
    InvalidArgumentError,
    OpError,
)
from penstock._src.data.experimental.service import messages
from penstock._src.data.experimental.service.calls import LOG
from penstock._src.data.experimental.service.journal import Journal
from penstock._src.data.experimental.service.servers import check_may_write
from penstock._src.data.experimental.service.snapshots.shared import Snapshot
from penstock._src.filesystems import files
from penstock._src.ops.data.pipeline import Element
from penstock._src.ops.data_snapshot import distributed

_OVER = None  # replaces a snapshot that is finished, or has failed


class Snapshots:
    """The snapshots requested from a dispatcher."""

    def __init__(self) -> None:
        self._held: dict[str, Snapshot | None] = {}
        self._journal: Journal | None = None
        self._lock = threading.Lock()
        self._changes: dict[str, Callable[[Any], None]] = {
            "snapshot": lambda request: self._held.update({request.path: Snapshot(request)}),
            "ended_snapshot": lambda path: self._held.update({path: _OVER}),
            "owner": lambda owner: self._of(owner).assign(owner),
            "stream_split": lambda split: self._of(split.owner).add_split(split),
            "commit": lambda request: self._of(request.owner).commit(request),
            "furthest": lambda split: self._of(split.owner).reach(split),
        }

    def begin(self, journal: Journal) -> None:
        """Appends later changes to a journal; writes the files for readers that an earlier dispatcher did not finish."""
        self._journal = journal
        for snapshot in self._unfinished():
            if distributed.metadata_in(snapshot.request.path) is None:
                _describe(snapshot.request)

    def apply(self, kind: str, change: Any) -> None:
        """Apply a change from the journal."""
        self._changes[kind](change)

    def kept(self) -> Iterator[Any]:
        """The changes that lead to this state."""
        for path, snapshot in self._held.items():
            if snapshot is None:
                yield messages.DispatcherChange(ended_snapshot=path)
            else:
                yield from snapshot.kept()

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Prevent changes within the block."""
        with contextlib.ExitStack() as locks:
            locks.enter_context(self._lock)  # so no new ones are added
            for snapshot in self._unfinished():
                locks.enter_context(snapshot.lock)
            yield

    def _of(self, owner: Any) -> Snapshot:
        snapshot = self._held.get(owner.path)
        if snapshot is None:
            raise AbortedError(f"tf.data service: no snapshot is being written at {owner.path}.")
        return snapshot

    def _unfinished(self) -> list[Snapshot]:
        return [each for each in list(self._held.values()) if each is not None]

    def _change(self, **change: Any) -> None:
        ((kind, value),) = change.items()
        assert self._journal is not None
        self._journal.append(messages.DispatcherChange(**change))
        self.apply(kind, value)

    # -- requests

    def save(self, request: Any) -> Any:
        """Begins a snapshot.

        Raises:
          InvalidArgumentError: the dispatcher keeps nothing that outlives it.
          AlreadyExistsError: there is something at its path.
          OpError: nothing can be written there.
        """
        path = request.path
        if self._journal is None:
            raise InvalidArgumentError(
                "Failed to snapshot: tf.data distributed snapshot requires running tf.data service in the fault tolerant "
                "mode. To enable the fault tolerant mode, set `DispatcherConfig.fault_tolerant_mode` to true and provide "
                "a valid `DispatcherConfig.work_dir`."
            )
        check_may_write(path, request.local)
        with self._lock:
            if path in self._held or distributed.metadata_in(path) is not None:
                raise AlreadyExistsError(
                    f"Failed to snapshot: tf.data snapshot at {path} is already started or completed"
                )
            if files.exists(path):
                raise AlreadyExistsError(
                    f"Failed to snapshot: tf.data snapshot at {path} already exists."
                )
            files.make_folders(distributed.chunks_folder(path))
            self._change(snapshot=request)
            _describe(request)
        return messages.SaveReply()

    def tasks(
        self, worker: str, running: Collection[Any], living: Collection[str], most: int
    ) -> list[Any]:
        """The StreamTasks that a worker is to begin.

        Args:
          worker: its address.
          running: the Owners that it has.
          living: the addresses of all workers.
          most: how many streams a worker has at a time; 0 for any number.
        """
        has = {(each.path, each.stream, each.generation) for each in running}
        assigned: list[Any] = []
        for snapshot in self._unfinished():
            if most and len(has) + len(assigned) >= most:
                break
            with snapshot.lock:
                self._finish_if_done(snapshot)
                owner = self._assigned(snapshot, worker, has, living)
                if owner is not None:
                    self._change(owner=owner)
                    assigned.append(_task(snapshot, owner))
        return assigned

    def _assigned(
        self, snapshot: Snapshot, worker: str, has: set[Any], living: Collection[str]
    ) -> Any:
        """The Owner of the stream that a worker is to write next; None if no stream is left for it."""
        path = snapshot.request.path
        if self._held[path] is None:
            return None
        if any((path, at, each.generation) in has for at, each in enumerate(snapshot.streams)):
            return None
        left = [at for at, each in enumerate(snapshot.streams) if not each.is_done]
        own = [at for at in left if snapshot.streams[at].worker == worker]
        orphans = [at for at in left if snapshot.streams[at].worker not in living]
        had = any(each.worker == worker for each in snapshot.streams)
        for at in (*own, *orphans, *([] if had else [len(snapshot.streams)])):
            is_new = at == len(snapshot.streams)
            if is_new and snapshot.streams and not left:
                return None  # all is given out
            generation = 1 if is_new else snapshot.streams[at].generation + 1
            return messages.Owner(path=path, stream=at, generation=generation, worker=worker)
        return None

    def split(self, request: Any) -> Element | None:
        """The split of a SplitRequest of a stream."""
        snapshot = self._of(request.owner)
        with snapshot.lock:
            element, record = snapshot.split(request)
            if record is not None:
                self._change(stream_split=record)
        return element

    def commit(self, request: Any) -> Any:
        """Moves the position of a stream, or ends the snapshot with the error of a worker."""
        snapshot = self._of(request.owner)
        with snapshot.lock:
            snapshot.stream_of(request.owner)
            if request.code:
                distributed.fail(request.owner.path, request.code, request.error)
                self._change(ended_snapshot=request.owner.path)
            else:
                self._change(commit=request)
                self._finish_if_done(snapshot)
        return messages.CommitReply()

    def _finish_if_done(self, snapshot: Snapshot) -> None:
        path, streams = snapshot.request.path, snapshot.streams
        if self._held[path] is None or not streams or not all(each.is_done for each in streams):
            return
        try:
            distributed.finish(path)
            self._change(ended_snapshot=path)
        except OpError as error:
            LOG.warning("tf.data service: the snapshot at %s is complete, but: %s", path, error)


def _describe(request: Any) -> None:
    distributed.describe(request.path, request.spec, request.graph, request.compression)


def _task(snapshot: Snapshot, owner: Any) -> Any:
    request, last = snapshot.request, snapshot.streams[owner.stream].last
    task = messages.StreamTask(
        owner=owner, graph=request.graph, local=request.local, compression=request.compression
    )
    if last is not None:
        task.last.CopyFrom(last)
    return task
