"""Role of a cluster's task: its part in starting, saving and summaries of monitored sessions."""

from __future__ import annotations

import copy
import threading
from typing import Any

from penstock._src.v1.monitored.manager import (
    ChiefSessionCreator,
    SessionCreator,
    WorkerSessionCreator,
)
from penstock._src.v1.process import log as logger

_CURRENT = threading.local()


class Task:
    """The jobs of a cluster."""

    PS = "ps"
    WORKER = "worker"
    CHIEF = "chief"
    EVALUATOR = "evaluator"
    CLIENT = "client"


def get_current_worker_context() -> WorkerContext | None:
    """Returns the context that the code runs in, or None."""
    return getattr(_CURRENT, "context", None)


class WorkerContext:
    """A context in which monitored sessions are those of one task of a cluster.

    Args:
      strategy: its `extended` says who initializes, saves and writes summaries.
      cluster_spec: a ClusterSpec; None for one process.
      task_type, task_id: of the task; None for one process, or where one graph has all replicas.
      session_config: a ConfigProto of sessions.
      rpc_layer: the protocol in the targets of sessions.
      worker_barrier: on which workers wait for each other.
    """

    def __init__(
        self,
        strategy: Any,
        cluster_spec: Any,
        task_type: str | None,
        task_id: int | None,
        session_config: Any = None,
        rpc_layer: str | None = "grpc",
        worker_barrier: Any = None,
    ) -> None:
        self._strategy, self._cluster_spec = strategy, cluster_spec
        self.task_type, self.task_id = task_type, task_id
        self._session_config, self._rpc_layer = session_config, rpc_layer
        self._worker_barrier = worker_barrier

    def __enter__(self) -> None:
        if get_current_worker_context() is not None:
            raise ValueError(
                "You cannot run distribute coordinator in a `worker_fn`. Received the task "
                f"{self.task_type}:{self.task_id} of the cluster {self._cluster_spec!r}"
            )
        _CURRENT.context = self

    def __exit__(self, *exception: Any) -> None:
        _CURRENT.context = None

    @property
    def cluster_spec(self) -> Any:
        """A copy of the cluster's description."""
        return copy.deepcopy(self._cluster_spec)

    @property
    def session_config(self) -> Any:
        """A copy of the configuration of sessions."""
        return copy.deepcopy(self._session_config)

    @property
    def master_target(self) -> str:
        """The target of the task's sessions; "" for this process."""
        if not self._cluster_spec or self.task_type == Task.EVALUATOR:
            return ""
        kind, number = self.task_type, self.task_id or 0
        if not kind:  # one graph has all replicas: the first task runs it
            kind, number = (Task.CHIEF if self._has_chief else Task.WORKER), 0
        prefix = f"{self._rpc_layer}://" if self._rpc_layer else ""
        return f"{prefix}{self._cluster_spec.job_tasks(kind)[number]}"

    @property
    def _has_chief(self) -> bool:
        return Task.CHIEF in self._cluster_spec.jobs

    @property
    def is_chief(self) -> bool:
        """True if the task prepares the model for the others."""
        if not self._cluster_spec or self.task_type in (Task.CHIEF, Task.EVALUATOR, None):
            return True
        return not self._has_chief and (self.task_type, self.task_id) == (Task.WORKER, 0)

    @property
    def num_workers(self) -> int:
        """The number of tasks that train."""
        jobs = self._cluster_spec.as_dict() if self._cluster_spec else {}
        return sum(len(jobs.get(kind, ())) for kind in (Task.WORKER, Task.CHIEF))

    @property
    def distributed_mode(self) -> bool:
        """True if several tasks train together."""
        return bool(self._cluster_spec) and self.task_type != Task.EVALUATOR

    @property
    def has_barrier(self) -> bool:
        """True if workers can wait for each other."""
        return self._worker_barrier is not None

    def wait_for_other_workers(self) -> None:
        """Waits until all workers are here, if there is a barrier."""
        if self._worker_barrier is not None:
            self._worker_barrier.wait()

    @property
    def experimental_should_init(self) -> bool:
        """True if this task initializes variables."""
        return bool(self._strategy.extended.experimental_should_init)

    @property
    def should_checkpoint(self) -> bool:
        """True if this task writes checkpoints."""
        return bool(self._strategy.extended.should_checkpoint)

    @property
    def should_save_summary(self) -> bool:
        """True if this task writes summaries."""
        return bool(self._strategy.extended.should_save_summary)

    @property
    def other_folder(self) -> str | None:
        """Return the folder for a task's files that are discarded, as all tasks must take part in saving; None if it need not."""
        kinds = [kind.__name__ for kind in type(self._strategy).__mro__]
        if not {"CollectiveAllReduceStrategy", "MultiWorkerMirroredStrategy"} & set(kinds):
            return None
        return f"tmp_{self.task_type}_{self.task_id}" if self.task_type else "tmp"

    def session_creator(
        self,
        scaffold: Any = None,
        config: Any = None,
        checkpoint_dir: Any = None,
        checkpoint_filename_with_path: Any = None,
        max_wait_secs: float = 7200,
    ) -> SessionCreator:
        """Returns what makes the sessions of the task.

        Args:
          scaffold: a Scaffold.
          config: a ConfigProto, which that of the context overrides.
          checkpoint_dir: the folder of checkpoints; or `checkpoint_filename_with_path`, the checkpoint.
          max_wait_secs: how long to wait for the chief.
        """
        merged = self._session_config
        if config is not None:
            merged = copy.deepcopy(config)
            if self._session_config is not None:
                merged.MergeFrom(self._session_config)
        if not self._strategy or self._strategy.extended.experimental_should_init:
            logger.info("Creating chief session creator with config: %r", config)
            return ChiefSessionCreator(
                scaffold, self.master_target, merged, checkpoint_dir, checkpoint_filename_with_path
            )
        logger.info("Creating worker session creator with config: %r", config)
        return WorkerSessionCreator(scaffold, self.master_target, merged, max_wait_secs)
