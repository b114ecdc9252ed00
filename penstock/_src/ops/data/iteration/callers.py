"""The threads that call functions of datasets."""

import functools
from concurrent.futures import Executor

from penstock._src import native
from penstock._src.native.systems import runs_native_code
from penstock._src.util.process.daemon_threads import DaemonThreads


def callers(width: int, name: str) -> Executor:
    """Threads for `width` calls at a time.

    If they are as many as the threads of kernels, each computes its kernels itself: together they keep all cores busy.
    """
    return DaemonThreads(width, name, functools.partial(_begin, width))


def _begin(width: int) -> None:
    if runs_native_code() and width >= native.pool().threads:
        native.pool().work_alone()
