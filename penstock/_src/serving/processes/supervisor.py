"""Several server processes at one port: the parent starts them, replaces those that die, and ends them."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import multiprocessing
import os
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from multiprocessing.process import BaseProcess

from penstock._src.core.errors import UnimplementedError
from penstock._src.serving.options import Options
from penstock._src.serving.processes import process
from penstock._src.serving.server import check_files
from penstock._src.util.flags import TABLE
from penstock._src.util.process.ports import bound

_LOG = logging.getLogger("penstock.serving")
# Seconds that a process must have lived for its successor to start at once.
_SHORT_LIFE = 5.0


class Supervisor:
    """Runs processes that serve the same models at the same ports; the system spreads connections over them.

    Args:
      options: of each; its `workers` says how many.
    """

    def __init__(self, options: Options) -> None:
        self._count = options.workers
        self._context = multiprocessing.get_context("spawn")
        self._options = dataclasses.replace(options, workers=1)
        self._processes: dict[int, BaseProcess] = {}
        self._folder = ""
        self._ended = threading.Event()

    def run(self, started: Callable[[Options], None] | None = None) -> None:
        """Serves until SIGTERM or SIGINT, then until all processes have finished their requests in progress.

        Args:
          started: called with the options, whose ports are those that are used, once the processes are started.

        Raises:
          UnimplementedError: this system does not let several processes listen at one port.
          OSError: a port is taken.
          InvalidArgumentError: a file of keys or certificates is not one.
        """
        if not hasattr(socket, "SO_REUSEPORT"):
            raise UnimplementedError(
                "--workers: several processes cannot share a port on this system."
            )
        check_files(self._options)  # here, or each process would fail
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._ended.set())
        with (
            self._ports(),
            _threads_each(self._count),
            self._shared_metrics(),
            tempfile.TemporaryDirectory() as folder,
        ):
            path = os.path.join(folder, "reload.config")
            self._options = dataclasses.replace(self._options, reload_file=path)
            for at in range(self._count):
                self._start(at)
            if started is not None:
                started(dataclasses.replace(self._options, workers=self._count))
            self._watch()
            self._end()

    @contextlib.contextmanager
    def _ports(self) -> Iterator[None]:
        """Hold the ports, so that free ones are the same for all and other programs do not take them."""
        host, numbers = self._options.host, {}
        with contextlib.ExitStack() as stack:
            for name in ("rest_port", "grpc_port"):
                port = getattr(self._options, name)
                if port >= 0:
                    bound(host, port, is_shared=False).close()  # or it would share another server's
                    listener = stack.enter_context(bound(host, port, is_shared=True))
                    numbers[name] = listener.getsockname()[1]
            self._options = dataclasses.replace(self._options, **numbers)
            yield

    @contextlib.contextmanager
    def _shared_metrics(self) -> Iterator[None]:
        """Hold the folder of all processes' metrics."""
        with tempfile.TemporaryDirectory(prefix="penstock-metrics-") as self._folder:
            yield

    def _start(self, at: int) -> None:
        args = self._options, self._folder, at
        worker = self._context.Process(target=process.run_worker, args=args, name=f"worker-{at}")
        worker.start()
        self._processes[at] = worker

    def _watch(self) -> None:
        """Replaces processes that end, until this one is to end."""
        begun = dict.fromkeys(self._processes, time.monotonic())
        while not self._ended.wait(0.1):
            for at, child in list(self._processes.items()):
                if child.is_alive():
                    continue
                _LOG.error("Worker %d (process %s) ended with %s", at, child.pid, child.exitcode)
                if time.monotonic() - begun[at] < _SHORT_LIFE:
                    self._ended.wait(1.0)  # it may fail at once for ever
                if not self._ended.is_set():
                    begun[at] = time.monotonic()
                    self._start(at)

    def _end(self) -> None:
        for child in self._processes.values():
            if child.is_alive() and child.pid is not None:
                os.kill(child.pid, signal.SIGTERM)
        end = time.monotonic() + self._options.drain_seconds + 5.0
        for child in self._processes.values():
            child.join(max(0.0, end - time.monotonic()))
            if child.is_alive():
                child.kill()


@contextlib.contextmanager
def _threads_each(count: int) -> Iterator[None]:
    """Within the block, started processes share the cores, unless the environment sets the number of threads."""
    variable = TABLE["threads"].variable
    if variable in os.environ:
        yield
        return
    os.environ[variable] = str(max(1, (os.cpu_count() or 1) // count))
    try:
        yield
    finally:
        del os.environ[variable]
