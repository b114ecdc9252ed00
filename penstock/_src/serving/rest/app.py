"""The ASGI application: finds the route of a request, reads its body, and sends the reply."""

from __future__ import annotations

import asyncio
import functools
import re
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from typing import Any, NamedTuple

from penstock._src.core.errors import (
    CancelledError,
    InvalidArgumentError,
    NotFoundError,
    UnavailableError,
)
from penstock._src.serving.rest.bodies import Bodies
from penstock._src.serving.rest.replies import Reply, Stream, error_reply
from penstock._src.serving.rest.streams import send_stream
from penstock._src.serving.trust.access_log import AccessLog, Entry
from penstock._src.serving.trust.keys import ApiKeys

Handler = Callable[[Mapping[str, Any], bytes], Awaitable[Reply | Stream]]
# Number of paths whose routes are cached, and the length of the longest.
_KNOWN_PATHS, _LONGEST_PATH = 1024, 512


class Route(NamedTuple):
    """A kind of path.

    Args:
      method: of requests.
      pattern: of the whole path, whose groups the handler gets.
      handler: answers.
      headers: names of headers whose values the handler gets with the groups, in bytes, None for one that is missing.
      needs_key: False for requests that need no API key, such as probes.
      api: the name by which requests are counted; empty: they are not. The pattern then has the group "name", of the model.
    """

    method: str
    pattern: re.Pattern[str]
    handler: Handler
    headers: tuple[bytes, ...] = ()
    needs_key: bool = True
    api: str = ""


class RestApp:
    """An ASGI application of routes.

    Args:
      routes: the first that matches answers.
      bodies: reads requests' bodies.
      keys: a request needs one of these; None: it needs none.
      log: where requests are written; None for nowhere.
    """

    def __init__(
        self,
        routes: Sequence[Route],
        bodies: Bodies,
        keys: ApiKeys | None = None,
        log: AccessLog | None = None,
    ) -> None:
        self.routes, self._bodies = list(routes), bodies
        self._keys, self._log = keys, log
        self._find = functools.lru_cache(_KNOWN_PATHS)(self._find_route)

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        """Answers a request."""
        if scope["type"] != "http":
            raise RuntimeError(f"The REST API answers HTTP only. Received {scope['type']}.")
        began = time.perf_counter()
        state = scope.setdefault("state", {})
        reply = await self._reply(scope, receive, state)
        if isinstance(reply, Stream):
            sent = await send_stream(reply, send)
            self._note(scope, 200, sent, began)
            return
        headers = [
            (b"content-type", reply.content_type),
            (b"content-length", b"%d" % len(reply.body)),
            *reply.headers,
        ]
        if reply.status == 401:
            headers.append((b"www-authenticate", b"Bearer"))
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        await send({"type": "http.response.body", "body": reply.body})
        self._note(scope, reply.status, len(reply.body), began)

    def _note(self, scope: Mapping[str, Any], status: int, sent: int, began: float) -> None:
        """Writes a request into the access log."""
        if self._log is None:
            return
        state, client = scope["state"], scope.get("client")
        address = f"{client[0]}:{client[1]}" if client else ""
        key, received = state.get("key", ""), state.get("received", 0)
        self._log.add(
            Entry(
                protocol="http",
                method=scope["method"],
                path=scope["path"],
                status=status,
                client=address,
                key=key,
                received=received,
                sent=sent,
                began=began,
            )
        )

    async def _reply(
        self, scope: Mapping[str, Any], receive: Any, state: MutableMapping[str, Any]
    ) -> Reply | Stream:
        state["task"] = asyncio.current_task()  # the connection cancels it
        try:
            path = scope["path"]
            find = self._find if len(path) <= _LONGEST_PATH else self._find_route
            route, groups = find(scope["method"], path)
            if self._keys is not None and route.needs_key:
                state["key"] = self._keys.name_of(scope["headers"])
            if route.headers:
                received = dict(scope["headers"])
                groups = {**groups, **{h.decode(): received.get(h) for h in route.headers}}
            body = await self._bodies.read(scope["headers"], receive)
            state["received"] = len(body)
            try:
                return await route.handler(groups, body)
            finally:
                self._bodies.release(body)
        except Exception as error:
            return error_reply(error)
        except asyncio.CancelledError:
            if state.get("is_gone"):
                return error_reply(CancelledError("The client has gone."))
            return error_reply(UnavailableError("The server is ending."))

    def _find_route(self, method: str, path: str) -> tuple[Route, Mapping[str, Any]]:
        for route in self.routes:
            match = route.pattern.fullmatch(path)
            if match is not None and route.method == method:
                return route, match.groupdict()
        if any(route.pattern.fullmatch(path) for route in self.routes):
            raise InvalidArgumentError(
                f"Malformed request: {method} {path}: the path does not allow this method."
            )
        raise NotFoundError(f"Malformed request: {method} {path}")
