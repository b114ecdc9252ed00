"""A server in a thread of its own, for programs that do other things too."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator

from penstock._src.serving.options import Options
from penstock._src.serving.server import Server


@contextlib.contextmanager
def running(options: Options) -> Iterator[Server]:
    """Serves within the block; gives the server once it answers.

    Args:
      options: of the server; port 0 is a free one, which `rest_port` then tells.

    Raises:
      OSError: it cannot listen at its ports.
    """
    ready = threading.Event()
    failures: list[BaseException] = []
    held: list[tuple[asyncio.AbstractEventLoop, asyncio.Task[None]]] = []
    server = Server(options)

    async def serve() -> None:
        task = asyncio.current_task()
        assert task is not None
        held.append((asyncio.get_running_loop(), task))
        await server.serve(ready.set)

    def work() -> None:
        try:
            asyncio.run(serve())
        except BaseException as error:
            failures.append(error)
        ready.set()

    thread = threading.Thread(target=work, name="server", daemon=True)
    thread.start()
    ready.wait()
    if failures:
        raise failures[0]
    try:
        yield server
    finally:
        loop, task = held[0]
        loop.call_soon_threadsafe(task.cancel)
        thread.join()
