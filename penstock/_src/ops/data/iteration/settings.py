"""Settings of a pipeline's execution, from its options."""

import functools
import os
import threading
from typing import Any

from penstock._src.proto.dataset import Options
from penstock._src.util.dataclass import dataclass

_MOST_WAITING = 16  # threads
_SHARE_OF_MEMORY = 0.5  # that buffers of tuned sizes may take, unless options say how much


def available_cores() -> int:
    """The number of cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@functools.cache
def _free_memory() -> int:
    """The bytes of memory that tuned buffers may take in a process without other instructions."""
    try:
        pages, size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError, AttributeError):  # not a POSIX system
        return 1 << 32
    return int(pages * size * _SHARE_OF_MEMORY)


@dataclass(frozen=True)
class Settings:
    """The settings in options.

    Args:
      tunes: whether steps with AUTOTUNE choose by measured cost; otherwise they take the most at once.
      cores: the most threads of a step with AUTOTUNE.
      most_waiting: the same for functions that mostly wait, such as for a network.
      pool: the size of the pool that all functions share; 0 if each step has its own threads.
      memory: the bytes that buffers of tuned sizes may hold together.
      may_reorder: whether elements may come in the order in which they are ready.
      starts_early: whether threads start with the iterator, not with the first element.
      map_and_batch_fusion: whether a batch of a map is one step with it, as which an element's error fails its batch.
      shuffle_and_repeat_fusion: whether a repeated shuffle is one step.
    """

    tunes: bool = True
    cores: int = 1
    most_waiting: int = _MOST_WAITING
    pool: int = 0
    memory: int = 1 << 32
    may_reorder: bool = False
    starts_early: bool = False
    map_and_batch_fusion: bool = True
    shuffle_and_repeat_fusion: bool = True


class Memory:
    """Counts the bytes in the buffers of an iteration whose sizes are tuned."""

    def __init__(self, limit: int) -> None:
        self.limit, self.held = limit, 0
        self._lock = threading.Lock()

    @property
    def is_full(self) -> bool:
        """True if buffers should not grow."""
        return self.held >= self.limit

    def take(self, size: int) -> None:
        """Counts an element."""
        with self._lock:
            self.held += size

    def give_back(self, size: int) -> None:
        """Counts an element no more."""
        with self._lock:
            self.held -= size


@functools.lru_cache(maxsize=64)
def settings_of(serialized: bytes) -> Settings:
    """The settings in a message of options."""
    options = Options.FromString(serialized)
    tuning, threading = options.autotune_options, options.threading_options
    pool = max(0, threading.private_threadpool_size)
    limits = [n for n in (tuning.cpu_budget, pool) if n > 0]
    return Settings(
        tunes=tuning.enabled or not tuning.HasField("enabled"),
        cores=min([available_cores(), *limits]),
        most_waiting=min([_MOST_WAITING, *limits]),
        pool=pool,
        memory=tuning.ram_budget if tuning.ram_budget > 0 else _free_memory(),
        may_reorder=options.HasField("deterministic") and not options.deterministic,
        starts_early=options.warm_start,
        map_and_batch_fusion=is_usual(options.optimization_options, "map_and_batch_fusion"),
        shuffle_and_repeat_fusion=is_usual(
            options.optimization_options, "shuffle_and_repeat_fusion"
        ),
    )


def is_usual(asked: Any, name: str) -> bool:
    """True if options leave an optimization on that is on by default."""
    if asked.HasField(name):
        return bool(getattr(asked, name))
    return not asked.HasField("apply_default_optimizations") or asked.apply_default_optimizations
