"""Tests of several processes: `tensorflow.python.distribute.multi_process_runner`. Tests here run in one."""

from __future__ import annotations

from typing import Any, NoReturn

from penstock._src.api.test.case import main
from penstock._src.core.errors import UnimplementedError


class NotInitializedError(RuntimeError):
    """The process was not started by a runner."""


class SubprocessTimeoutError(RuntimeError):
    """A process did not end in time."""


class UnexpectedSubprocessExitError(RuntimeError):
    """A process ended on its own."""


class MultiProcessPoolRunner:
    """A pool of processes that tests run in; it is described, and refuses to run."""

    def __init__(self, cluster_spec: Any, initializer: Any = None, share_gpu: bool = True) -> None:
        self.cluster_spec, self.initializer, self.share_gpu = cluster_spec, initializer, share_gpu

    def run(self, fn: Any, args: Any = None, kwargs: Any = None) -> NoReturn:
        """Raises UnimplementedError."""
        run(fn, self.cluster_spec, args=args, kwargs=kwargs)


def run(fn: Any, cluster_spec: Any, **options: Any) -> NoReturn:
    """Raises UnimplementedError."""
    raise UnimplementedError(
        f"{fn} would run in the processes of {cluster_spec}; tests run in one."
    )


def get_barrier() -> NoReturn:
    """Raises NotInitializedError: this process has no others to wait for."""
    raise NotInitializedError("barrier is not defined in a process that no runner has started.")


def test_main() -> None:
    """Runs the tests of the main module."""
    main()
