"""DispatchServer and WorkerServer, and their configurations."""

from __future__ import annotations

import contextlib
import itertools
import secrets
import threading
import time
from collections import namedtuple
from collections.abc import Sequence
from typing import Any

from penstock._src.core.calls.consent import allow
from penstock._src.core.dtypes import variant
from penstock._src.core.errors import AlreadyExistsError, NotFoundError, UnavailableError
from penstock._src.core.registry import raw
from penstock._src.data.experimental.service import messages
from penstock._src.data.experimental.service.calls import (
    Listening,
    as_message,
    call,
    from_message,
)
from penstock._src.data.experimental.service.jobs import (
    STATIC,
    CachedTask,
    RoundTask,
    ShardingPolicy,
    Task,
)
from penstock._src.data.experimental.service.splits import Splits, shared
from penstock._src.data.graph_defs import dataset_of_graph
from penstock._src.eager.tensor import EagerTensor
from penstock._src.ops.data.pipeline import Element, Pipeline
from penstock._src.util.export import export
from penstock._src.util.flags import flags

_PROTOCOL = "grpc"
# Seconds between two signs of life of a worker, and after how many it is taken for lost.
_SIGN_OF_LIFE = 2.0
_LOST_AFTER = 60.0
# {token: pipeline} of datasets that this process has registered: its own workers need not make them anew.
LOCAL: dict[str, Pipeline] = {}


_DispatcherFields = namedtuple(
    "_DispatcherFields",
    "port protocol work_dir fault_tolerant_mode worker_addresses job_gc_check_interval_ms "
    "job_gc_timeout_ms worker_timeout_ms worker_max_concurrent_snapshots",
)
_WorkerFields = namedtuple(
    "_WorkerFields",
    "dispatcher_address worker_address port protocol heartbeat_interval_ms dispatcher_timeout_ms "
    "data_transfer_protocol data_transfer_address",
)


@export("data.experimental.service.DispatcherConfig", v1=[])
class DispatcherConfig(_DispatcherFields):
    """The configuration of a dispatcher.

    Args:
      port: 0 for any.
      protocol: "grpc".
      work_dir, fault_tolerant_mode: accepted; a dispatcher's state ends with the process.
      worker_addresses: of the workers, for ShardingPolicies by worker.
      worker_timeout_ms: after which time without a sign of life a worker is lost; a minute by default.
      job_gc_check_interval_ms, job_gc_timeout_ms, worker_max_concurrent_snapshots: accepted.
    """

    def __new__(
        cls,
        port: int = 0,
        protocol: str | None = None,
        work_dir: str | None = None,
        fault_tolerant_mode: bool = False,
        worker_addresses: Sequence[str] | None = None,
        job_gc_check_interval_ms: int | None = None,
        job_gc_timeout_ms: int | None = None,
        worker_timeout_ms: int | None = None,
        worker_max_concurrent_snapshots: int = 0,
    ) -> DispatcherConfig:
        """Returns the configuration, with defaults in place of None."""
        if fault_tolerant_mode and not work_dir:
            raise ValueError("Cannot enable fault tolerant mode without configuring a work dir.")
        return super().__new__(
            cls,
            port,
            protocol or _PROTOCOL,
            work_dir,
            fault_tolerant_mode,
            worker_addresses,
            job_gc_check_interval_ms or 0,
            job_gc_timeout_ms or 0,
            worker_timeout_ms,
            worker_max_concurrent_snapshots,
        )


@export("data.experimental.service.WorkerConfig")
class WorkerConfig(_WorkerFields):
    """The configuration of a worker.

    Args:
      dispatcher_address: of the dispatcher, without a protocol.
      worker_address: by which it is known; "%port%" in it stands for its port.
      port: 0 for any.
      protocol: "grpc".
      heartbeat_interval_ms, dispatcher_timeout_ms, data_transfer_protocol,
        data_transfer_address: accepted.
    """

    def __new__(
        cls,
        dispatcher_address: str,
        worker_address: str | None = None,
        port: int = 0,
        protocol: str | None = None,
        heartbeat_interval_ms: int | None = None,
        dispatcher_timeout_ms: int | None = None,
        data_transfer_protocol: str | None = None,
        data_transfer_address: str | None = None,
    ) -> WorkerConfig:
        """Returns the configuration, with defaults in place of None."""
        return super().__new__(
            cls,
            dispatcher_address,
            worker_address or "localhost:%port%",
            port,
            protocol or _PROTOCOL,
            heartbeat_interval_ms or 0,
            dispatcher_timeout_ms or 0,
            data_transfer_protocol,
            data_transfer_address or "localhost:%dts_port%",
        )


class _Server:
    """Base of the servers, which run until they are stopped."""

    def __init__(self) -> None:
        self._ended = threading.Event()

    def join(self) -> None:
        """Waits until the server is stopped."""
        self._ended.wait()


def _pipeline(graph: bytes, token: str) -> Pipeline:
    """The dataset that somebody has registered.

    Raises:
      NotFoundError: it calls Python, and is another process's.
    """
    if token in LOCAL:
        return LOCAL[token]
    if not graph:
        raise NotFoundError(
            "tf.data service: the dataset calls Python, or reads what only the process has that registered it, so only "
            "workers in that process can produce it."
        )
    with allow(*sorted(flags.allow or ())):
        return dataset_of_graph(graph)


class _Dataset:
    """A registered dataset."""

    def __init__(self, request: Any) -> None:
        self.graph, self.spec, self.local = request.graph, request.spec, request.local


class _Job:
    """An iteration over a dataset by workers."""

    def __init__(self, request: Any, dataset: _Dataset) -> None:
        self.request, self.dataset = request, dataset
        self.policy = ShardingPolicy(request.policy)
        self._splits: Splits | None = None
        self._lock = threading.Lock()

    @property
    def splits(self) -> Splits:
        """What workers share."""
        with self._lock:
            if self._splits is None:
                self._splits = Splits(_pipeline(self.dataset.graph, self.dataset.local))
            return self._splits


@export("data.experimental.service.DispatchServer", v1=[])
class DispatchServer(_Server):
    """Manages the workers, datasets and jobs of a service, for processes that reach its port.

    Graphs of datasets compute, and nothing else: workers in other processes whose datasets read files need `PENSTOCK_ALLOW=read_files` in
    their environment, and so does the dispatcher with dynamic sharding.

    Args:
      config: a DispatcherConfig.
      start: whether to start it at once.
    """

    def __init__(self, config: DispatcherConfig | None = None, start: bool = True) -> None:
        super().__init__()
        self._config = config or DispatcherConfig()
        self._changed = threading.Condition()
        self._workers: dict[str, float] = {}  # address: when it was heard of
        self._numbers = itertools.count(1000)
        self._datasets: dict[str, _Dataset] = {}
        self._jobs: dict[str, _Job] = {}
        self._listening: Listening | None = None
        if start:
            self.start()

    def start(self) -> None:
        """Makes the server reachable for workers and datasets."""
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
        }
        port = self._config.port
        self._listening = Listening(messages.DISPATCHER, port, "localhost:%port%", handlers)

    def stop(self) -> None:
        """Ends it."""
        if self._listening is not None:
            self._listening.stop()
        self._ended.set()

    _stop = stop

    @property
    def target(self) -> str:
        """The protocol and address for datasets."""
        if self._listening is None:
            raise RuntimeError("The dispatcher has not been started.")
        return f"{self._config.protocol}://{self._listening.address}"

    # -- datasets and jobs

    def _register(self, request: Any) -> Any:
        with self._changed:
            name = request.dataset_id or str(next(self._numbers))
            self._datasets.setdefault(name, _Dataset(request))
        return messages.RegisterReply(dataset_id=name)

    def _spec(self, request: Any) -> Any:
        found = self._datasets.get(request.dataset_id)
        if found is None:
            return messages.SpecReply()
        return messages.SpecReply(spec=found.spec, is_known=bool(found.spec))

    def _job(self, request: Any) -> Any:
        dataset = self._datasets.get(request.dataset_id)
        if dataset is None:
            raise NotFoundError(f"tf.data service: there is no dataset {request.dataset_id!r}.")
        made = _Job(request, dataset)
        with self._changed:
            name = (
                f"{request.name}/{request.iteration}" if request.name else f"#{next(self._numbers)}"
            )
            self._jobs.setdefault(name, made)
        return messages.JobReply(job=name)

    def _found(self, name: str) -> _Job:
        if name not in self._jobs:
            raise NotFoundError(f"tf.data service: there is no job {name!r}.")
        return self._jobs[name]

    def _tasks(self, request: Any) -> Any:
        """The workers of a job, once there are some."""
        if request.is_over:
            with self._changed:
                self._jobs.pop(request.job, None)
            return messages.TasksReply()
        job = self._found(request.job)
        with self._changed:
            for lost in request.lost:
                self._workers.pop(lost, None)
            self._changed.wait_for(lambda: self._workers, _SIGN_OF_LIFE)
            now, most = (
                time.monotonic(),
                (self._config.worker_timeout_ms or 1e3 * _LOST_AFTER) / 1e3,
            )
            for silent in [w for w, heard in self._workers.items() if now - heard > most]:
                del self._workers[silent]
            workers = list(self._workers)
        if job.policy in STATIC:
            for worker in workers:
                self._place(worker)
            workers = [w for w in self._known if w in workers]
            return messages.TasksReply(workers=workers, shards=len(self._known))
        return messages.TasksReply(workers=workers)

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
        return messages.AnnounceReply()

    def _task(self, request: Any) -> Any:
        job = self._found(request.job)
        static = job.policy in STATIC
        return messages.TaskReply(
            graph=job.dataset.graph, local=job.dataset.local, policy=job.policy,
            shard=self._place(request.worker) if static else 0, shards=len(self._known) if static else 1,
            consumers=job.request.consumers, is_cached=job.request.is_cached,
        )  # fmt: skip

    def _split(self, request: Any) -> Any:
        splits = self._found(request.job).splits
        return as_message(
            splits.next(request.source, request.repetition, request.worker, request.number)
        )


@export("data.experimental.service.WorkerServer", v1=[])
class WorkerServer(_Server):
    """Produces elements for the jobs of a dispatcher.

    Args:
      config: a WorkerConfig.
      start: whether to start it at once.

    Raises:
      ValueError: the dispatcher's address is missing.
      UnavailableError: there is no such dispatcher.
    """

    def __init__(self, config: WorkerConfig, start: bool = True) -> None:
        super().__init__()
        if config.dispatcher_address is None:
            raise ValueError(
                "Must specify a `dispatcher_address` in the `config` passed to `WorkerServer`."
            )
        self._config = config
        self._address, self._incarnation = "", secrets.randbits(63) | 1
        self._tasks: dict[str, Task] = {}
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._listening: Listening | None = None
        if start:
            self.start()

    def start(self) -> None:
        """Registers with the dispatcher.

        Raises:
          AlreadyExistsError: it is running already.
          UnavailableError: there is no such dispatcher.
        """
        if self._listening is not None:
            raise AlreadyExistsError(f"The worker at {self._address} is running already.")
        handlers = {"Element": (messages.ElementRequest, self._element)}
        made = Listening(messages.WORKER, self._config.port, self._config.worker_address, handlers)
        self._address = made.address
        try:
            self._announce()
        except BaseException:
            made.stop()
            raise
        self._listening = made
        threading.Thread(target=self._stay_known, name="penstock-data-worker", daemon=True).start()

    def stop(self) -> None:
        """Ends it."""
        self._ended.set()
        if self._listening is None:
            return
        with contextlib.suppress(UnavailableError):  # the dispatcher may be gone before
            self._announce(is_leaving=True, patience=0.0)
        self._listening.stop()
        self._listening = None

    _stop = stop

    def _ask(self, method: str, request: Any, reply: Any, **options: Any) -> Any:
        return call(
            messages.DISPATCHER, self._config.dispatcher_address, method, request, reply, **options
        )

    def _announce(self, is_leaving: bool = False, **options: Any) -> None:
        request = messages.AnnounceRequest(worker=self._address, is_leaving=is_leaving)
        self._ask("Announce", request, messages.AnnounceReply, **options)

    def _stay_known(self) -> None:
        """Tells the dispatcher now and then that this worker is there, also one that was started again."""
        while not self._ended.wait(_SIGN_OF_LIFE):
            with contextlib.suppress(UnavailableError):
                self._announce(patience=0.0)

    # -- elements

    def _element(self, request: Any) -> Any:
        if request.is_over:
            with self._lock:
                gone = self._tasks.pop(request.job, None)
            if gone is not None:
                gone.close()
            return messages.Element(is_end=True)
        with self._lock:
            if request.job not in self._tasks:
                self._tasks[request.job] = self._task(request.job)
            task = self._tasks[request.job]
        made = as_message(task.element(request.consumer, request.number))
        made.incarnation = self._incarnation
        return made

    def _task(self, job: str) -> Task:
        request = messages.TaskRequest(job=job, worker=self._address)
        told = self._ask("Task", request, messages.TaskReply)
        dataset = _pipeline(told.graph, told.local)
        policy = ShardingPolicy(told.policy)
        if policy is ShardingPolicy.DYNAMIC:
            dataset = shared(dataset, lambda source, time: self._split(job, source, time))
        elif policy in STATIC:
            dataset = _shard(dataset, told.shards, told.shard)
        if told.consumers:
            return RoundTask(dataset, told.consumers)
        return CachedTask(dataset) if told.is_cached else Task(dataset)

    def _split(self, job: str, source: int, repetition: int) -> Element | None:
        request = messages.SplitRequest(
            job=job, source=source, repetition=repetition, worker=f"{self._address}#{self._incarnation}",
            number=next(self._numbers),
        )  # fmt: skip
        return from_message(self._ask("Split", request, messages.Element))


def _shard(dataset: Pipeline, count: int, index: int) -> Pipeline:
    made: Pipeline = raw.ShardDataset(
        input_dataset=EagerTensor(dataset, variant), num_shards=count, index=index,
        output_types=list(dataset.types), output_shapes=list(dataset.shapes),
    )._value  # fmt: skip
    return made


def check_reachable(service: str) -> None:
    """Raises UnavailableError unless there is a dispatcher."""
    call(messages.DISPATCHER, service, "Spec", messages.SpecRequest(), messages.SpecReply)
