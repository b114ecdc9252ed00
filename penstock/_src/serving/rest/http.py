"""The HTTP server beneath the REST API: uvicorn, within a running event loop."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from typing import Any

from penstock._src.serving.requirements import uvicorn

# Connections that wait to be accepted.
_BACKLOG = 1024


@contextlib.asynccontextmanager
async def serving(app: Any, listener: socket.socket, drain_seconds: float) -> AsyncIterator[None]:
    """Answers HTTP within the block; at its end, once what has begun is answered.

    Args:
      app: an ASGI application.
      listener: a socket that listens; it is closed.
      drain_seconds: that requests have to end.
    """
    config = uvicorn().Config(
        app,
        http="httptools",
        lifespan="off",
        ws="none",
        proxy_headers=False,
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=max(1, int(drain_seconds)),
    )
    server = uvicorn().Server(config)
    server.capture_signals = contextlib.nullcontext  # they are the whole server's
    task = asyncio.create_task(server.serve([listener]))
    while not server.started and not task.done():
        await asyncio.sleep(0)
    try:
        yield
    finally:
        server.should_exit = True
        await task


def listening(host: str, port: int) -> socket.socket:
    """Returns a socket that listens at an address; several processes may.

    Raises:
      OSError: the address is not free.
    """
    listener = bound(host, port)
    listener.listen(_BACKLOG)
    return listener


def bound(host: str, port: int) -> socket.socket:
    """Returns a socket that holds an address, and does not listen yet.

    Raises:
      OSError: the address is not free.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if hasattr(socket, "SO_REUSEPORT"):
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise OSError(error.errno, f"Cannot listen at {host}:{port}: {error.strerror}") from error
    return listener
