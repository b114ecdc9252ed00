"""`tensorflow.python.tpu.tpu_function`: into how many parts a computation is divided."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator


class TpuContext(threading.local):
    """The number of shards of the computation that is being built; None outside of one."""

    number_of_shards: int | None = None

    def set_number_of_shards(self, number_of_shards: int | None) -> None:
        """Sets the number of shards."""
        self.number_of_shards = number_of_shards


_context = TpuContext()


def get_tpu_context() -> TpuContext:
    """Returns the context of this thread."""
    return _context


@contextlib.contextmanager
def tpu_shard_context(number_of_shards: int) -> Iterator[None]:
    """A context in which computations have this number of shards.

    Raises:
      NotImplementedError: such contexts cannot be nested.
    """
    if _context.number_of_shards is not None:
        raise NotImplementedError("tpu_shard_context cannot be nested")
    _context.set_number_of_shards(number_of_shards)
    try:
        yield
    finally:
        _context.set_number_of_shards(None)
