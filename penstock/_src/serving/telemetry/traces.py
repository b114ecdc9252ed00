"""Spans of requests, where a program has set up OpenTelemetry: one for a request, with its wait in the queue, its batch, and the computing within."""

from __future__ import annotations

import contextlib
import functools
import os
import sys
import time
from collections.abc import Iterable, Iterator, MutableMapping, Sequence
from typing import Any

from penstock._src.serving.batching.queue import Queue
from penstock._src.serving.batching.request import Request
from penstock._src.serving.requirements import opentelemetry

_NANOSECONDS = 1e9
# Names the provider that OpenTelemetry's API takes where the program sets none.
_PROVIDER = "OTEL_PYTHON_TRACER_PROVIDER"


@functools.cache
def _tracer() -> Any:
    """Return the maker of spans; None if OpenTelemetry is missing or spans are not exported.

    The answer is kept: a program sets OpenTelemetry up before it makes servers and clients.
    """
    # Nobody has set it up who has not imported it, unless its environment names a provider.
    if "opentelemetry.trace" not in sys.modules and _PROVIDER not in os.environ:
        return None
    trace = opentelemetry("trace")
    if trace is None or isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
        return None
    return trace.get_tracer("penstock.serving")


def is_on() -> bool:
    """True if spans are recorded."""
    return _tracer() is not None


@contextlib.contextmanager
def server_span(
    name: str, headers: Iterable[tuple[str, Any]], attributes: dict[str, Any]
) -> Iterator[Any]:
    """Makes a span for the request that the block answers, within the trace that its headers name; gives it.

    Args:
      name: of the span.
      headers: of the request, names in small letters: `traceparent` and what else propagators are set up for.
      attributes: of the span.
    """
    trace, propagate = opentelemetry("trace"), opentelemetry("propagate")
    parent = propagate.extract({k: v for k, v in headers if isinstance(v, str)})
    with _tracer().start_as_current_span(
        name, parent, kind=trace.SpanKind.SERVER, attributes=attributes
    ) as span:
        yield span


def add_phases(queue: Queue, request: Request) -> None:
    """Adds the queueing of a request to the current span, if there is one."""
    if not is_on():
        return
    trace = opentelemetry("trace")
    current = trace.get_current_span()
    if not current.is_recording():
        return
    current.set_attribute("penstock.model", queue.model)
    current.set_attribute("penstock.signature", queue.signature.name)
    current.set_attribute("penstock.rows", request.rows)
    offset = _offset()
    queued, taken, done, began = (moment + offset for moment in request.times[:4])
    _add("queue", queued, taken)
    if request.times[2]:
        batch = _add("batch", taken, done)
        _add("compute", began, began + request.times[4], batch)


def add_sequence(times: Sequence[float]) -> None:
    """Adds the phases of a sequence of generated tokens to the current span, if there is one.

    Args:
      times: of Python's monotonic clock: when it was queued, had a slot, had its first token, and ended; 0 for what it did not come to.
    """
    if not is_on() or not opentelemetry("trace").get_current_span().is_recording():
        return
    offset = _offset()
    for name, start, end in zip(("queue", "prompt", "tokens"), times, times[1:], strict=False):
        if start and end:
            _add(name, start + offset, end + offset)


def _offset() -> float:
    """The seconds from the monotonic clock to the time of day."""
    return time.time() - time.monotonic()


def _add(name: str, start: float, end: float, parent: Any = None) -> Any:
    """Adds a span between two times of day; returns a context in which it is the parent of others."""
    nanoseconds = [int(moment * _NANOSECONDS) for moment in (start, end)]
    span = _tracer().start_span(name, parent, start_time=nanoseconds[0])
    span.end(nanoseconds[1])
    return opentelemetry("trace").set_span_in_context(span)


def inject(headers: MutableMapping[str, str]) -> None:
    """Adds headers with the current trace, for the called server."""
    if is_on():
        opentelemetry("propagate").inject(headers)


class TracedApp:
    """An ASGI application with a span for each request.

    Args:
      app: what answers.
    """

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answers a request."""
        if scope["type"] != "http" or not is_on():
            await self._app(scope, receive, send)
            return
        headers = ((n.decode("latin-1"), v.decode("latin-1")) for n, v in scope["headers"])
        verb = scope["path"].rpartition(":")[2] if ":" in scope["path"] else ""
        name = f"{scope['method']} {verb}".rstrip() if verb.isalpha() else scope["method"]
        attributes = {"http.request.method": scope["method"], "url.path": scope["path"]}
        with server_span(name, headers, attributes) as span:

            async def send_noting(message: Any) -> None:
                if message["type"] == "http.response.start":
                    _note_status(span, message["status"])
                await send(message)

            await self._app(scope, receive, send_noting)


def _note_status(span: Any, status: int) -> None:
    span.set_attribute("http.response.status_code", status)
    if status >= 500:
        trace = opentelemetry("trace")
        span.set_status(trace.Status(trace.StatusCode.ERROR))
