"""The page for Prometheus, and requests of the REST API as they are counted."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from penstock._src.serving.rest.app import Handler, Route
from penstock._src.serving.rest.replies import Reply, Stream
from penstock._src.serving.telemetry import text
from penstock._src.serving.telemetry.recorder import Recorder
from penstock._src.serving.telemetry.states import States
from penstock._src.serving.telemetry.store import Store
from penstock._src.serving.telemetry.streams import noted

# A handler that may put the name of the model into the groups.
NamingHandler = Callable[[dict[str, Any], bytes], Awaitable[Reply | Stream]]


class MetricsRoute:
    """Answers Prometheus.

    Args:
      store: the numbers.
      states: read before they are given.
    """

    def __init__(self, store: Store, states: States) -> None:
        self._store, self._states = store, states

    def route(self, path: str) -> Route:
        """The route of a path."""
        return Route("GET", re.compile(re.escape(path)), self.metrics)

    async def metrics(self, groups: Mapping[str, Any], body: bytes) -> Reply:
        """Answers with the metrics of all processes of the server."""
        rendered = await asyncio.get_running_loop().run_in_executor(None, self._render)
        return Reply(200, rendered, text.CONTENT_TYPE)

    def _render(self) -> bytes:
        self._states.refresh()
        return text.render(self._store.all())


def counted(routes: Iterable[Route], recorder: Recorder) -> list[Route]:
    """Return routes that report to the recorder those requests with an `api` that counts."""
    return [_counted(route, recorder) if route.api else route for route in routes]


def _counted(route: Route, recorder: Recorder) -> Route:
    return route._replace(handler=counting(route.handler, route.api, recorder))


def counting(handler: NamingHandler, api: str, recorder: Recorder) -> Handler:
    """Return a handler with counted requests. A stream counts when it ends.

    Args:
      handler: what answers.
      api: by which they are counted.
      recorder: what counts.
    """

    async def answer(groups: Mapping[str, Any], body: bytes) -> Reply | Stream:
        began = time.perf_counter()
        named = {"name": "", **groups}

        def note(error: BaseException | None) -> None:
            recorder.request(named["name"], api, "REST", began, error)

        try:
            reply = await handler(named, body)
        except BaseException as error:
            note(error)
            raise
        if isinstance(reply, Stream):
            return reply._replace(pieces=noted(reply.pieces, note))
        note(None)
        return reply

    return answer
