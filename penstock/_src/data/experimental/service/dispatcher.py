"""DispatchServer, which keeps track of datasets, workers and jobs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from penstock._src.core.errors import NotFoundError, UnavailableError
from penstock._src.data.experimental.service import messages
from penstock._src.data.experimental.service.calls import Listening
from penstock._src.data.experimental.service.configurations import (
    DispatcherConfig,
    check_protocol,
)
from penstock._src.data.experimental.service.elements import as_message
from penstock._src.data.experimental.service.jobs import STATIC
from penstock._src.data.experimental.service.journal import Journal
from penstock._src.data.experimental.service.servers import Server
from penstock._src.data.experimental.service.state import State
from penstock._src.util.export import export

_WAIT_FOR_WORKERS = 2.0  # seconds
_LOST_AFTER_MS = 60_000


@export("data.experimental.service.DispatchServer", v1=[])
class DispatchServer(Server):
    """Manages the workers, datasets and jobs of a service, for processes that reach its port.

    Graphs of datasets compute, and nothing else: workers in other processes whose datasets read files need `PENSTOCK_ALLOW=read_files` in
    their environment, and so does the dispatcher with dynamic sharding.

    With `fault_tolerant_mode` datasets, jobs and what workers were given are kept in `work_dir`: a dispatcher that is started again at the same port
    goes on, and its workers and consumers wait for it.

    Args:
      config: a DispatcherConfig.
      start: whether to start it at once.

    Raises:
      NotFoundError: there is no such protocol.
      DataLossError: what an earlier dispatcher has kept in `work_dir` is damaged.
      FailedPreconditionError: another version has written it.
      OpError: `work_dir` cannot be written.
      UnknownError: the port is taken.
    """

    def __init__(self, config: DispatcherConfig | None = None, start: bool = True) -> None:
        super().__init__()
        self._config = config or DispatcherConfig()
        check_protocol(self._config.protocol)
        self._changed, self._ready = threading.Condition(), threading.Event()
        self._workers: dict[str, float] = {}  # address: when it was heard of
        self._journal: Journal | None = None
        self._state = State(None)
        self._listening: Listening | None = None
        if start:
            self.start()

    def start(self) -> None:
        """Makes the server reachable for workers and datasets.

        Raises:
          DataLossError: what an earlier dispatcher has kept in `work_dir` is damaged.
          FailedPreconditionError: another version has written it.
          OpError: `work_dir` cannot be written.
          UnknownError: the port is taken.
        """
        if self._listening is not None:
            return
        handlers = {
            "Register": (messages.RegisterRequest, self._register),
            "Spec": (messages.SpecRequest, self._spec),
            "Job": (messages.JobRequest, self._job),
            "Tasks": (messages.TasksRequest, self._tasks),
            "Announce": (messages.AnnounceRequest, self._announce),
            "Task": (messages.TaskRequest, self._task),
            "Split": (messages.SplitRequest, self._split),
            "Save": (messages.SaveRequest, lambda request: self._state.snapshots.save(request)),
            "Commit": (
                messages.CommitRequest,
                lambda request: self._state.snapshots.commit(request),
            ),
        }
        port, ready = (
            self._config.port,
            {name: self._once_ready(*h) for name, h in handlers.items()},
        )
        # The port comes first: who does not get it leaves the journal of who has it alone.
        listening = Listening(messages.DISPATCHER, port, "localhost:%port%", ready)
        try:
            if self._config.fault_tolerant_mode:
                self._journal = Journal(self._config.work_dir)
                self._state = State(self._journal)
            self._listening = listening
        except BaseException:
            listening.stop()
            raise
        finally:
            self._ready.set()

    def _once_ready(self, kind: Any, method: Callable[[Any], Any]) -> Any:
        """(class of a request, its handler), which waits until the state of an earlier dispatcher is restored."""

        def answer(request: Any) -> Any:
            self._ready.wait()
            if self._listening is None:
                raise UnavailableError("tf.data service: the dispatcher could not start.")
            return method(request)

        return kind, answer

    def stop(self) -> None:
        """Ends it."""
        if self._listening is not None:
            self._listening.stop()
        if self._journal is not None:
            self._journal.close()
        self._ended.set()

    _stop = stop

    @property
    def target(self) -> str:
        """The protocol and address for datasets."""
        return f"{self._config.protocol}://{self._address}"

    @property
    def _address(self) -> str:
        if self._listening is None:
            raise RuntimeError("The dispatcher has not been started.")
        return self._listening.address

    def _num_workers(self) -> int:
        """Return the number of workers."""
        return len(self._workers)

    # -- datasets and jobs

    def _register(self, request: Any) -> Any:
        return messages.RegisterReply(dataset_id=self._state.register(request))

    def _spec(self, request: Any) -> Any:
        registered = self._state.datasets.get(request.dataset_id)
        if registered is None:
            return messages.SpecReply()
        return messages.SpecReply(
            spec=registered.spec, is_known=True, cardinality=registered.cardinality
        )

    def _job(self, request: Any) -> Any:
        return messages.JobReply(job=self._state.make_job(request), is_kept=self._state.is_kept)

    def _tasks(self, request: Any) -> Any:
        """The workers of a job, once there are some."""
        if request.is_over:
            self._state.end_job(request.job)
            return messages.TasksReply()
        job = self._state.job(request.job)
        with self._changed:
            for lost in request.lost:
                self._workers.pop(lost, None)
            self._changed.wait_for(lambda: self._workers, _WAIT_FOR_WORKERS)
            workers = self._living()
        if job.policy in STATIC:
            for worker in workers:
                self._place(worker)
            workers = [w for w in self._known if w in workers]
            return messages.TasksReply(workers=workers, shards=len(self._known))
        return messages.TasksReply(workers=workers)

    def _living(self) -> list[str]:
        """The workers that were heard of lately; the others are forgotten."""
        now, most = time.monotonic(), (self._config.worker_timeout_ms or _LOST_AFTER_MS) / 1e3
        for silent in [w for w, heard in self._workers.items() if now - heard > most]:
            del self._workers[silent]
        return list(self._workers)

    @property
    def _known(self) -> list[str]:
        return list(self._config.worker_addresses or ())

    def _place(self, worker: str) -> int:
        if worker not in self._known:
            raise NotFoundError(
                f"Failed to shard dataset in tf.data service: Worker {worker} is not in the workers list. Got workers list "
                f"{','.join(self._known)}."
            )
        return self._known.index(worker)

    # -- workers

    def _announce(self, request: Any) -> Any:
        with self._changed:
            if request.is_leaving:
                self._workers.pop(request.worker, None)
            else:
                self._workers[request.worker] = time.monotonic()
            self._changed.notify_all()
            living = self._living()
        if request.is_leaving:
            return messages.AnnounceReply()
        streams = self._state.snapshots.tasks(
            request.worker, request.streams, living, self._config.worker_max_concurrent_snapshots
        )
        return messages.AnnounceReply(streams=streams)

    def _task(self, request: Any) -> Any:
        job = self._state.job(request.job)
        static = job.policy in STATIC
        return messages.TaskReply(
            graph=job.dataset.graph, local=job.dataset.local, policy=job.policy,
            shard=self._place(request.worker) if static else 0, shards=len(self._known) if static else 1,
            consumers=job.request.consumers, is_cached=job.request.is_cached,
            is_kept=self._state.is_kept, compression=job.dataset.compression,
            cardinality=job.dataset.cardinality,
        )  # fmt: skip

    def _split(self, request: Any) -> Any:
        return as_message(self._state.split(request))
