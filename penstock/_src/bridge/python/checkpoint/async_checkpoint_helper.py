"""`tensorflow.python.checkpoint.async_checkpoint_helper`: checkpoints whose files are written by a thread."""

import dataclasses
import weakref
from typing import Any

from penstock._src.saving.checkpoint import CheckpointOptions


class AsyncCheckpointHelper:
    """Saves objects by a checkpoint whose files are written while the program goes on.

    Args:
      checkpointer_impl: the class of the checkpoint.
      root: the object whose dependencies are saved, or a weak reference to it.
      **kwargs: additional objects by name.

    Raises:
      AttributeError: there is no class.
    """

    def __init__(self, checkpointer_impl: Any, root: Any = None, **kwargs: Any) -> None:
        if checkpointer_impl is None:
            raise AttributeError("checkpointer_impl cannot be None for AsyncCheckpointHelper.")
        root = root() if isinstance(root, weakref.ref) else root
        items = kwargs if root is None else {"root": root, **kwargs}
        self._checkpoint = checkpointer_impl(**items)

    def checkpointer(self) -> Any:
        """Returns the checkpoint."""
        return self._checkpoint

    @property
    def save_counter(self) -> Any:
        """The number of checkpoints that `save` has begun."""
        return self._checkpoint.save_counter

    def write(self, save_path: Any, options: CheckpointOptions | None = None) -> str:
        """Begins to write a checkpoint; returns its path."""
        return self._checkpoint.write(save_path, options=_in_background(options))

    _write = write

    def save(self, save_path: Any, options: CheckpointOptions | None = None) -> str:
        """Begins to write a numbered checkpoint; returns its path."""
        return self._checkpoint.save(save_path, options=_in_background(options))

    def restore(self, save_path: Any, options: CheckpointOptions | None = None) -> Any:
        """Restores a checkpoint, once it is written."""
        return self._checkpoint.restore(save_path, options)

    read = restore

    def sync(self) -> None:
        """Waits until the checkpoint is written."""
        self._checkpoint.sync()


def _in_background(options: CheckpointOptions | None) -> CheckpointOptions:
    return dataclasses.replace(options or CheckpointOptions(), enable_async=True)
