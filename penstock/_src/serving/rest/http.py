"""The HTTP server beneath the REST API: uvicorn, within a running event loop."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import importlib
import logging
import socket
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any

from penstock._src.serving.requirements import uvicorn
from penstock._src.serving.trust.limits import Limits
from penstock._src.serving.trust.tls import HttpsContext

_LOG = logging.getLogger("penstock.serving")
# Seconds between checks of connections.
_WATCH_SECONDS = 1.0


@contextlib.asynccontextmanager
async def serving(
    app: Any,
    listener: socket.socket,
    limits: Limits,
    drain_seconds: float,
    https: HttpsContext | None = None,
) -> AsyncIterator[None]:
    """Serves HTTP within the block; at its end it finishes the requests in progress.

    Args:
      app: an ASGI application.
      listener: a socket that listens; it is closed.
      limits: of clients.
      drain_seconds: that requests have to end.
      https: for HTTPS; None for HTTP.
    """
    config = uvicorn().Config(
        app,
        lifespan="off",
        ws="none",
        proxy_headers=False,
        log_config=None,
        log_level="error",  # clients' errors are reported to the clients
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=limits.idle_seconds,
        timeout_graceful_shutdown=max(1, int(drain_seconds)),
    )
    server = uvicorn().Server(config)
    server.capture_signals = contextlib.nullcontext  # they are the whole server's
    server.startup = functools.partial(_start, server, limits, https)
    serve = asyncio.create_task(server.serve([listener]))
    watch = asyncio.create_task(_watch(server.server_state.connections, https))
    try:
        while not server.started and not serve.done():
            await asyncio.sleep(0)
        yield
    finally:
        server.should_exit = True
        await serve
        watch.cancel()


async def _start(
    server: Any, limits: Limits, https: HttpsContext | None, sockets: Sequence[socket.socket]
) -> None:
    """Listens; replaces uvicorn's start, which has no such limits."""
    connections = importlib.import_module(f"{__package__}.connections")

    def connection() -> Any:
        return connections.Connection(
            limits, config=server.config, server_state=server.server_state, app_state={}
        )

    loop = asyncio.get_running_loop()
    more: dict[str, Any] = {}
    if https is not None:
        more = {"ssl": https.context, "ssl_handshake_timeout": limits.transfer_seconds}
    server.servers = [await loop.create_server(connection, sock=each, **more) for each in sockets]
    server.started = True


async def _watch(connections: Iterable[Any], https: HttpsContext | None) -> None:
    """Check the connections every second, and the certificate."""
    while True:
        await asyncio.sleep(_WATCH_SECONDS)
        if https is not None:
            https.refresh()
        now = time.monotonic()
        for connection in list(connections):
            try:
                connection.check(now)
            except Exception as error:  # the others are looked at nevertheless
                _LOG.error("A connection failed", exc_info=error)
                connection.transport.abort()
