"""The ASGI application: finds the route of a request, reads its body, and sends the reply."""

from __future__ import annotations

import asyncio
import functools
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NamedTuple

from penstock._src.core.errors import InvalidArgumentError, NotFoundError, UnavailableError
from penstock._src.serving.rest.bodies import Bodies
from penstock._src.serving.rest.replies import Reply, Stream, error_reply
from penstock._src.serving.rest.streams import send_stream

Handler = Callable[[Mapping[str, Any], bytes], Awaitable[Reply | Stream]]
# Paths whose routes are remembered.
_KNOWN_PATHS = 1024


class Route(NamedTuple):
    """A kind of path.

    Args:
      method: of requests.
      pattern: of the whole path, whose groups the handler gets.
      handler: answers.
      headers: names of headers whose values the handler gets with the groups, in bytes, None for one that is missing.
    """

    method: str
    pattern: re.Pattern[str]
    handler: Handler
    headers: tuple[bytes, ...] = ()


class RestApp:
    """An ASGI application of routes.

    Args:
      routes: of which the first that matches answers.
      bodies: reads requests' bodies.
    """

    def __init__(self, routes: Sequence[Route], bodies: Bodies) -> None:
        self.routes, self._bodies = list(routes), bodies
        self._find = functools.lru_cache(_KNOWN_PATHS)(self._find_route)

    async def __call__(self, scope: Mapping[str, Any], receive: Any, send: Any) -> None:
        """Answers a request."""
        if scope["type"] != "http":
            raise RuntimeError(f"The REST API answers HTTP only. Received {scope['type']}.")
        reply = await self._reply(scope, receive)
        if isinstance(reply, Stream):
            await send_stream(reply, send)
            return
        headers = [
            (b"content-type", reply.content_type),
            (b"content-length", b"%d" % len(reply.body)),
            *reply.headers,
        ]
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        await send({"type": "http.response.body", "body": reply.body})

    async def _reply(self, scope: Mapping[str, Any], receive: Any) -> Reply | Stream:
        if "state" in scope:
            scope["state"]["task"] = asyncio.current_task()  # the connection cancels it
        try:
            route, groups = self._find(scope["method"], scope["path"])
            if route.headers:
                found = dict(scope["headers"])
                groups = {**groups, **{h.decode(): found.get(h) for h in route.headers}}
            body = await self._bodies.read(scope["headers"], receive)
            try:
                return await route.handler(groups, body)
            finally:
                self._bodies.release(body)
        except Exception as error:
            return error_reply(error)
        except asyncio.CancelledError:  # the client has gone, or the time to drain is over
            return error_reply(UnavailableError("The server is ending."))

    def _find_route(self, method: str, path: str) -> tuple[Route, Mapping[str, Any]]:
        for route in self.routes:
            found = route.pattern.fullmatch(path)
            if found is not None and route.method == method:
                return route, found.groupdict()
        if any(route.pattern.fullmatch(path) for route in self.routes):
            raise InvalidArgumentError(
                f"Malformed request: {method} {path}: the path has another method."
            )
        raise NotFoundError(f"Malformed request: {method} {path}")
