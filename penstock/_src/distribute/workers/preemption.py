"""Saving a checkpoint before the machine is preempted: PreemptionCheckpointHandler and its configuration."""

import contextlib
import dataclasses
import logging
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from penstock._src.cluster.transport import Group
from penstock._src.cluster.transports.table import connect
from penstock._src.core.errors import FailedPreconditionError
from penstock._src.distribute.workers.resolving import transport_of
from penstock._src.eager.variable import Variable
from penstock._src.saving.checkpoint import Checkpoint
from penstock._src.saving.manager import CheckpointManager
from penstock._src.util.export import export
from penstock._src.util.signatures import read_only

LOG = logging.getLogger("tensorflow")
# The exit status that makes schedulers restart the program.
RESTART_STATUS = 42
POLL_SECONDS = 1.0
CHANNEL = 2  # apart from the exchanges of training steps and of datasets


@export("distribute.experimental.TerminationConfig", v1=[])
@dataclasses.dataclass(eq=False, repr=False)
class TerminationConfig:
    """Detection and handling of preemption.

    Args:
      termination_watcher_fn: returns True once preemption is announced; by default SIGTERM announces it.
      exit_fn: called after the checkpoint is written; by default the process exits with status 42.
      grace_period: seconds between the announcement and the end, during which training continues.
        None or 0: the checkpoint is written as soon as the current step is done.
      save_fn: writes the checkpoint; by default the manager does.
    """

    termination_watcher_fn: Callable[[], bool] | None = None
    exit_fn: Callable[[], Any] | None = None
    grace_period: float | None = None
    save_fn: Callable[..., Any] | None = None


@export("distribute.experimental.PreemptionCheckpointHandler", v1=[])
class PreemptionCheckpointHandler:
    """Restores the last checkpoint, and writes one when a machine is about to be preempted.

    If there are several workers, all save the same step, whichever of them is notified: each call of `run` begins with a word that
    they exchange. The chief's checkpoint is kept.

    Args:
      cluster_resolver: describes the workers.
      checkpoint_or_checkpoint_manager: a tf.train.Checkpoint or CheckpointManager; its folder is one that all workers see.
      checkpoint_dir: the folder for the checkpoint; needed with a Checkpoint.
      termination_config: a TerminationConfig.

    Raises:
      FailedPreconditionError: workers find different checkpoints.
    """

    def __init__(
        self,
        cluster_resolver: Any,
        checkpoint_or_checkpoint_manager: Any,
        checkpoint_dir: str | None = None,
        termination_config: TerminationConfig | None = None,
    ) -> None:
        self._resolver, self._config = cluster_resolver, termination_config or TerminationConfig()
        manager = checkpoint_or_checkpoint_manager
        if isinstance(manager, Checkpoint):
            if not checkpoint_dir:
                raise ValueError("Please provide a `checkpoint_dir` along with the Checkpoint.")
            manager = CheckpointManager(manager, directory=checkpoint_dir, max_to_keep=1)
        self._manager = manager
        # None if this process works alone, whatever the resolver describes.
        self._workers = transport_of(cluster_resolver) if connect() is not None else None
        self._calls = Variable(0, trainable=False, dtype="int64", name="run_calls")
        self._counter = Checkpoint(run_counter=self._calls)
        # The counter has its own checkpoints, next to those of the user's objects.
        self._counter_manager = CheckpointManager(
            self._counter, os.path.join(self._manager.directory, "run_calls"), max_to_keep=1
        )
        self._agree_on(self._manager.latest_checkpoint)
        if self._manager.latest_checkpoint:
            self._manager.checkpoint.restore(self._manager.latest_checkpoint)
        if self._counter_manager.latest_checkpoint:
            self._counter.restore(self._counter_manager.latest_checkpoint)
        self._announced = threading.Event()
        self._deadline: float | None = None
        self._watch()

    def _watch(self) -> None:
        watcher = self._config.termination_watcher_fn
        if watcher is not None:
            threading.Thread(target=self._poll, args=(watcher,), daemon=True).start()
        elif threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, lambda *_: self._announce())

    def _poll(self, watcher: Callable[[], bool]) -> None:
        while not self._announced.is_set():
            if watcher():
                self._announce()
            else:
                time.sleep(POLL_SECONDS)

    def _announce(self) -> None:
        self._deadline = time.monotonic() + (self._config.grace_period or 0.0)
        self._announced.set()

    @property
    def total_run_calls(self) -> int:
        """Number of calls of `run`, including previous runs of the program."""
        return int(self._calls.numpy())

    def run(self, distributed_train_function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Calls a training function; then writes the checkpoint and exits if preemption is due.

        Args:
          distributed_train_function: the function.
          *args, **kwargs: its arguments.

        Returns:
          What it returns.
        """
        self._check()
        result = distributed_train_function(*args, **kwargs)
        self._calls.assign_add(1)
        if self._workers is None:  # they check once a step
            self._check()
        return result

    def save_checkpoint_if_preempted(self, *args: Any, **kwargs: Any) -> None:
        """Writes the checkpoint and exits if preemption is due; arguments are passed to `save_fn`.

        Args:
          *args, **kwargs: of `save_fn`.
        """
        self._check(*args, **kwargs)

    @contextlib.contextmanager
    def watch_preemption_scope(self) -> Iterator[None]:
        """A scope around training steps that checks for preemption on exit.

        Returns:
          A context manager.
        """
        yield
        self._calls.assign_add(1)
        self._check()

    def _check(self, *args: Any, **kwargs: Any) -> None:
        is_due = self._announced.is_set() and time.monotonic() >= (self._deadline or 0.0)
        states = self._exchanged(int(is_due))
        if not any(states):
            return
        who = "This machine" if self._workers is None else f"The machine of rank {states.index(1)}"
        LOG.info("%s is about to be taken away: writing a checkpoint.", who)
        if self._config.save_fn is not None:
            self._config.save_fn(*args, **kwargs)
        else:
            self._save(self._manager, *args, **kwargs)
        self._save(self._counter_manager)
        self._exchanged(0)  # no process ends before all have written
        exit_fn = self._config.exit_fn or (lambda: sys.exit(RESTART_STATUS))
        exit_fn()

    def _save(self, manager: CheckpointManager, *args: Any, **kwargs: Any) -> None:
        """Writes a checkpoint; workers other than the chief take part, but store nothing."""
        if self._workers is None or self._workers.cluster.is_chief:
            manager.save(*args, **kwargs)
            manager.sync()
            return
        folder = tempfile.mkdtemp(prefix="penstock-preempted-")
        try:
            manager.checkpoint.write(os.path.join(folder, "unused"))
        finally:
            shutil.rmtree(folder)

    def _exchanged(self, word: int) -> list[int]:
        """The words of all workers."""
        if self._workers is None:
            return [word]
        group = Group(self._workers.everyone.ranks, CHANNEL)
        return self._workers.exchange_words(np.array([word], np.int64), group)[:, 0].tolist()  # type: ignore[no-any-return]

    def _agree_on(self, latest: str | None) -> None:
        name = os.path.basename(latest or "")
        checksums = self._exchanged(zlib.crc32(name.encode()))
        if others := [rank for rank, word in enumerate(checksums) if word != checksums[0]]:
            own = f"'{name}'" if name else "none"
            raise FailedPreconditionError(
                f"The workers find different checkpoints in {self._manager.directory}: rank {others[0]} another than rank 0. "
                f"This one finds {own}. The folder has to be one that all see."
            )


@export("distribute.experimental.PreemptionWatcher", v1=[])
class PreemptionWatcher:
    """Detects by SIGTERM that the machine is about to be preempted."""

    def __init__(self) -> None:
        self._message: str | None = None
        self._announced = threading.Event()
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, lambda *_: self._announce())

    def _announce(self) -> None:
        self._message = "SIGTERM"
        self._announced.set()

    preemption_message = read_only("_message", "Announcement of the process's end, or None.")

    def block_until_worker_exit(self) -> None:
        """Waits until preemption is announced."""
        self._announced.wait()
