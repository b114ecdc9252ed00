"""The gRPC server: it listens, looks at its connections, and ends them."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import logging
import socket
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any

from penstock._src.serving.grpc.gate import Gate
from penstock._src.serving.grpc.http2.handlers import Handler
from penstock._src.serving.grpc.http2.shared import Shared
from penstock._src.serving.requirements import ngh2
from penstock._src.serving.trust.admission import Admission
from penstock._src.serving.trust.limits import Limits
from penstock._src.serving.trust.tls import GrpcContext

_LOG = logging.getLogger("penstock.serving")
# Seconds between looks at connections.
_WATCH_SECONDS = 1.0


@contextlib.asynccontextmanager
async def serving(
    services: Mapping[str, Mapping[str, Handler]],
    listener: socket.socket,
    limits: Limits,
    drain_seconds: float,
    gate: Gate,
    admission: Admission,
    tls: GrpcContext | None = None,
) -> AsyncIterator[None]:
    """Serves gRPC within the block; at its end it finishes the calls in progress.

    Args:
      services: handlers, by services and methods.
      listener: a socket that listens; it is closed.
      limits: of requests and clients.
      drain_seconds: that calls have to end.
      gate: lets calls in, and notes them.
      admission: counts the bytes of messages.
      tls: for TLS; None for none.
    """
    ngh2()
    connections = importlib.import_module(f"{__package__}.connection")
    handlers = {
        f"/{service}/{method}": handler
        for service, methods in services.items()
        for method, handler in methods.items()
    }
    shared = Shared(handlers, limits, gate, admission, tls is not None)
    loop = asyncio.get_running_loop()
    more: dict[str, Any] = {}
    if tls is not None:
        more = {"ssl": tls.context, "ssl_handshake_timeout": limits.transfer_seconds}
    server = await loop.create_server(
        lambda: connections.Connection(shared, loop), sock=listener, **more
    )
    watch = asyncio.create_task(_watch(shared))
    try:
        yield
    finally:
        server.close()
        await _drain(shared, drain_seconds)
        watch.cancel()


async def _drain(shared: Shared, seconds: float) -> None:
    """Closes the connections, once their calls have ended."""
    for connection in list(shared.connections):
        connection.drain()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await _closed(shared)
    for connection in list(shared.connections):
        connection.end()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_WATCH_SECONDS):
            await _closed(shared)
    for connection in list(shared.connections):
        connection.abort()


async def _closed(shared: Shared) -> None:
    while shared.connections:
        shared.closed.clear()
        await shared.closed.wait()


async def _watch(shared: Shared) -> None:
    """Check the connections every second."""
    while True:
        await asyncio.sleep(_WATCH_SECONDS)
        now = time.monotonic()
        for connection in list(shared.connections):
            try:
                connection.check(now)
            except Exception as error:  # the others are looked at nevertheless
                _LOG.error("A connection failed", exc_info=error)
                connection.abort()
