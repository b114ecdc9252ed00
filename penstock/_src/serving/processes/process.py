"""The process of a server: its event loop and signals."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import importlib.util
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any

from penstock._src.serving.options import Options
from penstock._src.serving.requirements import uvloop
from penstock._src.serving.server import Server
from penstock._src.serving.telemetry.store import Store

# Unix's; None on Windows.
resource = importlib.import_module("resource") if importlib.util.find_spec("resource") else None
# Seconds after which a thread gives up Python's lock to another: those that compute batches shall not wait for long.
_SWITCH_INTERVAL = 0.0005
# Maximum age in seconds of another process's queues, versions and memory in the metrics.
_STATES_SECONDS = 1.0


def run(
    options: Options,
    started: Callable[[Server], None] | None = None,
    store: Store | None = None,
    shares_ports: bool = False,
) -> None:
    """Serves until SIGTERM or SIGINT, then finishes the requests in progress.

    Args:
      options: of the server.
      started: called once requests are answered.
      store: the numbers of metrics; None for its own.
      shares_ports: whether other processes listen at its ports, too.

    Raises:
      ImportError: a package is missing.
    """
    sys.setswitchinterval(_SWITCH_INTERVAL)
    logging.getLogger("penstock.serving").setLevel(logging.INFO)
    _allow_many_files()
    _run_loop(_serve(options, started, store, shares_ports))


def run_worker(options: Options, folder: str, number: int) -> None:
    """Serves as one of several processes, until SIGTERM or SIGINT.

    Args:
      options: of the server.
      folder: for the numbers of all processes' metrics.
      number: of this process.
    """
    run(options, _keep_states, Store(folder, number), shares_ports=True)


def _keep_states(server: Server) -> None:
    """Reads the states of this process periodically, for the metrics pages of the server's other processes."""

    def work() -> None:
        while True:
            server.states.refresh()
            time.sleep(_STATES_SECONDS)

    threading.Thread(target=work, name="metrics", daemon=True).start()


async def _serve(
    options: Options,
    started: Callable[[Server], None] | None,
    store: Store | None,
    shares_ports: bool,
) -> None:
    server = Server(options, store, owns_process=True, shares_ports=shares_ports)
    task = asyncio.current_task()
    assert task is not None

    def end(number: int) -> None:
        if not server.is_live and not task.cancelling():
            # Loading of models can't be interrupted, and no caller waits for an answer.
            os._exit(128 + number)
        task.cancel()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end, number)
    with contextlib.suppress(asyncio.CancelledError):
        await server.serve(None if started is None else lambda: started(server))


def _allow_many_files() -> None:
    """Raise the limit of open files to the system's maximum: each connection is one."""
    if resource is not None:
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _run_loop(main: Coroutine[Any, Any, None]) -> None:
    """Runs a coroutine on uvloop, which takes a fifth less time, where it is installed."""
    faster = uvloop()
    if faster is None:
        asyncio.run(main)
    else:
        faster.run(main)
