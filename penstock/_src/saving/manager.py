"""tf.train.CheckpointManager: keeps the most recent checkpoints of a folder."""

import logging
import os
import time
from collections.abc import Callable
from typing import Any

from penstock._src.core.calls.consent import is_below
from penstock._src.core.dispatch import STATE, in_v1_graph
from penstock._src.core.tensor import Tensor
from penstock._src.eager.variable import Variable
from penstock._src.saving import state
from penstock._src.saving.checkpoint import CheckpointOptions, with_callback
from penstock._src.saving.serialized import session_of
from penstock._src.util.export import export
from penstock._src.util.signatures import read_only

log = logging.getLogger("tensorflow")


@export("train.CheckpointManager")
class CheckpointManager:
    """Saves checkpoints into a folder and removes old ones.

    Args:
      checkpoint: the checkpoint to save.
      directory: the folder.
      max_to_keep: the number of checkpoints to keep; None keeps all.
      keep_checkpoint_every_n_hours: additionally keep one checkpoint in every n hours.
      checkpoint_name: the prefix of file names.
      step_counter: a variable by which checkpoints are numbered.
      checkpoint_interval: the minimum number of steps between checkpoints.
      init_fn: called by `restore_or_initialize` when there is nothing to restore.
      last_checkpoint_step: the step of the last checkpoint.

    Raises:
      ValueError: `max_to_keep` is not positive, or there is an interval without `step_counter`.

    >>> step = tf.Variable(0)
    >>> checkpoint = tf.train.Checkpoint(step=step)
    >>> manager = tf.train.CheckpointManager(checkpoint, "run", max_to_keep=2)
    >>> [manager.save() for _ in range(3)][-1], len(manager.checkpoints)
    ('run/ckpt-3', 2)
    """

    def __init__(
        self,
        checkpoint: Any,
        directory: Any,
        max_to_keep: int | None,
        keep_checkpoint_every_n_hours: float | None = None,
        checkpoint_name: str = "ckpt",
        step_counter: Any = None,
        checkpoint_interval: int | None = None,
        init_fn: Callable[[], Any] | None = None,
        last_checkpoint_step: int | None = None,
    ) -> None:
        if max_to_keep is not None and max_to_keep <= 0:
            raise ValueError(
                f"Expected a positive integer or `None` for `max_to_keep`, got {max_to_keep}."
            )
        if checkpoint_interval is not None and step_counter is None:
            raise ValueError(
                "`step_counter` should be passed if `checkpoint_interval` is not None."
            )
        self._checkpoint = checkpoint
        self._directory = os.fsdecode(directory)
        self._max_to_keep = max_to_keep
        self._keep_every = keep_checkpoint_every_n_hours
        self._prefix = os.path.join(self._directory, checkpoint_name)
        self._step_counter, self._interval = step_counter, checkpoint_interval
        self._init_fn = init_fn
        self._last_step = last_checkpoint_step
        self._times: dict[str, float] = {}
        self._latest: str | None = None
        self._last_preserved = time.time() - 1.0
        self._recover()

    def _recover(self) -> None:
        """Reads the folder's checkpoint file."""
        recorded = state.get_checkpoint_state(self._directory)
        if recorded is None:
            return
        self._latest = recorded.model_checkpoint_path
        now = time.time()
        if recorded.last_preserved_timestamp > now:
            log.warning(
                "The checkpoints in %s are dated in the future: the clock was set back. They are kept, and their age counts from now.",
                self._directory,
            )
            self._last_preserved = now
            return
        self._last_preserved = recorded.last_preserved_timestamp
        # None if no manager wrote the file: those are not ours to remove.
        times = recorded.all_model_checkpoint_timestamps
        for path, written in zip(recorded.all_model_checkpoint_paths, times, strict=False):
            if state.checkpoint_exists(path):
                self._times[path] = written
            else:
                self._remove(path)  # left by a process that was killed while it removed them

    directory: str = read_only("_directory", "The folder.")
    checkpoint = read_only("_checkpoint", "The checkpoint that is saved.")
    checkpoint_interval: int | None = read_only(
        "_interval", "The minimum number of steps between checkpoints."
    )
    latest_checkpoint: str | None = read_only(
        "_latest", "The path of the last checkpoint, or None."
    )

    @property
    def checkpoints(self) -> list[str]:
        """The paths of the checkpoints kept, oldest first."""
        return list(self._times)

    def save(
        self,
        checkpoint_number: Any = None,
        check_interval: bool = True,
        options: CheckpointOptions | None = None,
    ) -> str | None:
        """Saves a checkpoint and removes old ones.

        Args:
          checkpoint_number: a number or variable for the name; by default the count of saves.
          check_interval: whether `checkpoint_interval` applies; without it, a step is still saved once only.
          options: of writing.

        Returns:
          The path, or None if the interval has not passed.
        """
        if self._interval is not None and self._last_step is not None:
            passed = _number(self._step_counter) - self._last_step
            if not passed or (check_interval and passed < self._interval):
                return None
        if self._step_counter is not None:
            self._last_step = _number(self._step_counter)
        options = with_callback(options, self._record)
        number = self._checkpoint._next_number(None)
        if checkpoint_number is not None:
            number = _number(checkpoint_number)
        return self._checkpoint.write(f"{self._prefix}-{number}", options=options)

    def _record(self, path: str) -> None:
        """Record a written checkpoint."""
        self._latest = path
        self._times.pop(path, None)
        self._times[path] = time.time()
        self._record_state()  # before any is removed: who is killed meanwhile has the new one
        if self._max_to_keep is not None and len(self._times) > self._max_to_keep:
            self._sweep(self._max_to_keep)
            self._record_state()

    def _sweep(self, count: int) -> None:
        """Removes the oldest checkpoints until there are `count`."""
        while len(self._times) > count:
            path, written = next(iter(self._times.items()))
            del self._times[path]
            if self._keep_every and written - self._keep_every * 3600.0 >= self._last_preserved:
                self._last_preserved = written
                continue
            self._remove(path)

    def _remove(self, path: str) -> None:
        """Removes a checkpoint, if it is in the folder: a checkpoint file may come from anywhere, and name anything."""
        if is_below(path, self._directory):
            state.remove_checkpoint(path)

    def _record_state(self) -> None:
        state.update_checkpoint_state(
            self._directory,
            self._latest or "",
            list(self._times),
            all_model_checkpoint_timestamps=list(self._times.values()),
            last_preserved_timestamp=self._last_preserved,
            save_relative_paths=True,
        )

    def restore_or_initialize(self) -> str | None:
        """Restores the latest checkpoint, or calls `init_fn` if there is none.

        Returns:
          The path of the restored checkpoint, or None.
        """
        if self._latest is not None:
            self._checkpoint.restore(self._latest)
            if self._step_counter is not None:
                self._last_step = _number(self._step_counter)
            return self._latest
        if self._init_fn is not None:
            self._init_fn()
        return None

    def sync(self) -> None:
        """Waits until checkpoints are written that were begun with `enable_async`."""
        self._checkpoint.sync()


def _number(value: Any) -> int:
    """A number, or the value of a variable or tensor; in a graph, in the default session."""
    if in_v1_graph() and isinstance(value, Tensor | Variable):
        return int(session_of(STATE.graph).run(value))
    return int(value)
