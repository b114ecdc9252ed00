"""WorkerServer, which produces elements."""

from __future__ import annotations

import contextlib
import itertools
import secrets
import threading
from typing import Any

from penstock._src.core.dtypes import variant
from penstock._src.core.errors import UnavailableError
from penstock._src.core.registry import raw
from penstock._src.data.experimental.service import messages
from penstock._src.data.experimental.service.calls import Listening, call, patient
from penstock._src.data.experimental.service.configurations import WorkerConfig, check_protocol
from penstock._src.data.experimental.service.elements import as_message, from_message
from penstock._src.data.experimental.service.jobs import (
    STATIC,
    CachedTask,
    RoundTask,
    ShardingPolicy,
    Task,
)
from penstock._src.data.experimental.service.servers import Server, pipeline_of
from penstock._src.data.experimental.service.snapshots.writing import Writer
from penstock._src.data.experimental.service.splits import shared
from penstock._src.eager.tensor import EagerTensor
from penstock._src.ops.data.pipeline import Element, Pipeline
from penstock._src.util.export import export

_SIGN_OF_LIFE_MS = 2_000
_PATIENCE_MS = 3_600_000


@export("data.experimental.service.WorkerServer", v1=[])
class WorkerServer(Server):
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
        check_protocol(config.protocol)
        self._config = config
        self._address, self._incarnation = "", secrets.randbits(63) | 1
        self._tasks: dict[str, Task] = {}
        self._writers: list[Writer] = []
        self._numbers = itertools.count(1)
        self._patience = 0.0  # seconds to wait for the dispatcher, beyond a call's own
        self._lock = threading.Lock()
        self._listening: Listening | None = None
        if start:
            self.start()

    def start(self) -> None:
        """Registers with the dispatcher.

        Raises:
          UnavailableError: there is no such dispatcher.
        """
        if self._listening is not None:
            return
        handlers = {"Element": (messages.ElementRequest, self._element)}
        listening = Listening(
            messages.WORKER, self._config.port, self._config.worker_address, handlers
        )
        self._address = listening.address
        try:
            self._announce()
        except BaseException:
            listening.stop()
            raise
        self._listening = listening
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
        """Register this worker with the dispatcher, and begin the snapshot streams that it assigns."""
        self._writers = [writer for writer in self._writers if writer.is_running]
        request = messages.AnnounceRequest(
            worker=self._address, is_leaving=is_leaving,
            streams=[writer.owner for writer in self._writers],
        )  # fmt: skip
        for task in self._ask("Announce", request, messages.AnnounceReply, **options).streams:
            self._patience = self._patience_of_config
            self._writers.append(Writer(task, self._ask_patiently, self._ended))
            self._writers[-1].start()

    @property
    def _patience_of_config(self) -> float:
        return (self._config.dispatcher_timeout_ms or _PATIENCE_MS) / 1e3

    def _ask_patiently(self, method: str, request: Any, reply: Any) -> Any:
        return patient(
            lambda: self._ask(method, request, reply), self._patience, self._ended,
            self._config.dispatcher_address,
        )  # fmt: skip

    def _stay_known(self) -> None:
        """Register with the dispatcher periodically, as it may have restarted."""
        interval = (self._config.heartbeat_interval_ms or _SIGN_OF_LIFE_MS) / 1e3
        while not self._ended.wait(interval):
            with contextlib.suppress(UnavailableError):
                self._announce(patience=0.0)

    def _num_tasks(self) -> int:
        """Return the number of the worker's jobs."""
        return len(self._tasks)

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
        message = as_message(task.element(request.consumer, request.number), task.compression)
        message.incarnation = self._incarnation
        return message

    def _task(self, job: str) -> Task:
        request = messages.TaskRequest(job=job, worker=self._address)
        reply = self._ask("Task", request, messages.TaskReply)
        if reply.is_kept:
            self._patience = self._patience_of_config
        dataset = pipeline_of(reply.graph, reply.local)
        policy = ShardingPolicy(reply.policy)
        if policy is ShardingPolicy.DYNAMIC:
            dataset = shared(dataset, lambda source, time, _: self._split(job, source, time))
        elif policy in STATIC:
            dataset = _shard(dataset, reply.shards, reply.shard)
        if reply.consumers:
            return RoundTask(dataset, reply.compression, reply.consumers, reply.cardinality)
        return (CachedTask if reply.is_cached else Task)(dataset, reply.compression)

    def _split(self, job: str, source: int, repetition: int) -> Element | None:
        request = messages.SplitRequest(
            job=job, source=source, repetition=repetition, worker=f"{self._address}#{self._incarnation}",
            number=next(self._numbers),
        )  # fmt: skip
        return from_message(self._ask_patiently("Split", request, messages.Element))


def _shard(dataset: Pipeline, count: int, index: int) -> Pipeline:
    sharded: Pipeline = raw.ShardDataset(
        input_dataset=EagerTensor(dataset, variant), num_shards=count, index=index,
        output_types=list(dataset.types), output_shapes=list(dataset.shapes),
    )._value  # fmt: skip
    return sharded
