"""The ASGI application: finds the route of a request, reads its body, and sends the reply."""

from __future__ import annotations

import functools
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NamedTuple

from penstock._src.core.errors import (
    CancelledError,
    InvalidArgumentError,
    NotFoundError,
    ResourceExhaustedError,
)
from penstock._src.serving.rest.replies import Reply, error_reply

Handler = Callable[[Mapping[str, Any], bytes], Awaitable[Reply]]
# Paths whose routes are remembered.
_KNOWN_PATHS = 1024


class Route(NamedTuple):
    """A kind of path: its method, a pattern of the whole path whose groups the handler gets, and the handler."""

    method: str
    pattern: re.Pattern[str]
    handler: Handler


class RestApp:
    """An ASGI application of routes.

    Args:
      routes: of which the first that matches answers.
      max_body_bytes: a request with a larger body is refused.
    """

    def __init__(self, routes: Sequence[Route], max_body_bytes: int) -> None:
        self.routes, self.max_body_bytes = list(routes), max_body_bytes
        self._find = functools.lru_cache(_KNOWN_PATHS)(self._find_route)

    async def __call__(self, scope: Mapping[str, Any], receive: Any, send: Any) -> None:
        """Answers a request."""
        if scope["type"] != "http":
            raise RuntimeError(f"The REST API answers HTTP only. Received {scope['type']}.")
        reply = await self._reply(scope, receive)
        headers = [
            (b"content-type", reply.content_type),
            (b"content-length", b"%d" % len(reply.body)),
        ]
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        await send({"type": "http.response.body", "body": reply.body})

    async def _reply(self, scope: Mapping[str, Any], receive: Any) -> Reply:
        try:
            handler, groups = self._find(scope["method"], scope["path"])
            body = await self._body(scope, receive)
            return await handler(groups, body)
        except Exception as error:
            return error_reply(error)

    def _find_route(self, method: str, path: str) -> tuple[Handler, Mapping[str, Any]]:
        for route in self.routes:
            found = route.pattern.fullmatch(path)
            if found is not None and route.method == method:
                return route.handler, found.groupdict()
        if any(route.pattern.fullmatch(path) for route in self.routes):
            raise InvalidArgumentError(
                f"Malformed request: {method} {path}: the path has another method."
            )
        raise NotFoundError(f"Malformed request: {method} {path}")

    async def _body(self, scope: Mapping[str, Any], receive: Any) -> bytes:
        for name, value in scope["headers"]:
            if name == b"content-length" and int(value) > self.max_body_bytes:
                self._refuse(int(value))
        message = await receive()
        if message["type"] == "http.disconnect":
            raise CancelledError("The client has gone.")
        body = message.get("body", b"")
        if not message.get("more_body"):
            return body
        parts, length = [body], len(body)
        while message.get("more_body"):
            message = await receive()
            if message["type"] == "http.disconnect":
                raise CancelledError("The client has gone.")
            parts.append(message.get("body", b""))
            length += len(parts[-1])
            if length > self.max_body_bytes:
                self._refuse(length)
        return b"".join(parts)

    def _refuse(self, length: int) -> None:
        raise ResourceExhaustedError(
            f"The body of a request may have {self.max_body_bytes:,} bytes. Received {length:,} or more."
        )
