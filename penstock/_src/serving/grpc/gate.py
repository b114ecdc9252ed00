"""Steps before and after the method of every gRPC call: API keys and the access log."""

from __future__ import annotations

import inspect
import time
from collections.abc import AsyncIterator
from typing import Any

from penstock._src.core import errors
from penstock._src.core.errors import UnauthenticatedError
from penstock._src.serving.grpc.calls import told
from penstock._src.serving.protos.grpc_services import HEALTH_SERVICE
from penstock._src.serving.requirements import grpc
from penstock._src.serving.trust.access_log import AccessLog, Entry
from penstock._src.serving.trust.keys import ApiKeys

# Methods that are answered without a key: liveness probes.
_PROBES = (
    f"/{HEALTH_SERVICE}/",
    "/inference.GRPCInferenceService/ServerLive",
    "/inference.GRPCInferenceService/ServerReady",
)


def interceptors(keys: ApiKeys | None, log: AccessLog | None) -> list[Any]:
    """Returns grpcio's interceptors that look at all calls; none if there is nothing to look at.

    Args:
      keys: a call needs one of these, unless it asks for the server's health.
      log: where calls are written.
    """
    if keys is None and log is None:
        return []

    class Interceptor(grpc().aio.ServerInterceptor):  # type: ignore[misc]
        """Replaces the handlers of calls."""

        async def intercept_service(self, continuation: Any, call: Any) -> Any:
            """The handler of a call."""
            handler = await continuation(call)
            return handler if handler is None else _gated(handler, call, keys, log)

    return [Interceptor()]


def _gated(handler: Any, call: Any, keys: ApiKeys | None, log: AccessLog | None) -> Any:
    """Wraps a handler: checks the caller's rights, and logs the outcome."""
    kinds = ("unary_unary", "unary_stream", "stream_unary", "stream_stream")
    kind = next(kind for kind in kinds if getattr(handler, kind))
    method = getattr(handler, kind)
    name, refusal = "", None
    if keys is not None and not call.method.startswith(_PROBES):
        try:
            name = keys.name_of(call.invocation_metadata)
        except UnauthenticatedError as error:
            refusal = error
    record = _Record(log, call.method, name)

    async def answer(request: Any, context: Any) -> Any:
        with record.of(request, context):
            if refusal is not None:
                await context.abort(*told(refusal))
            reply = await method(request, context)
            record.sent += len(reply or b"")
            return reply

    async def stream(request: Any, context: Any) -> AsyncIterator[bytes]:
        with record.of(request, context):
            if refusal is not None:
                await context.abort(*told(refusal))
            async for reply in method(request, context):
                record.sent += len(reply)
                yield reply

    gated = stream if inspect.isasyncgenfunction(method) else answer
    return getattr(grpc(), f"{kind}_rpc_method_handler")(gated)


class _Record:
    """Writes an entry when a call ends.

    Args:
      log: where; None for nowhere.
      method: service and method.
      key: the name of the API key.
    """

    def __init__(self, log: AccessLog | None, method: str, key: str) -> None:
        self._log, self._method, self._key = log, method, key
        self._began = time.perf_counter()
        self.received = self.sent = 0
        self._context: Any = None

    def of(self, request: Any, context: Any) -> _Record:
        """Begins: the message, or the iterator of them, and the call."""
        self.received = len(request) if isinstance(request, bytes) else 0
        self._context = context
        return self

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        if self._log is None:
            return
        code = self._context.code()
        # grpcio gives the code as an enumeration or a number, or none for OK.
        status = getattr(code, "name", None) or errors.CODE_NAMES[code or errors.OK]
        if kind is not None and status == "OK":
            status = "CANCELLED" if not issubclass(kind, Exception) else "UNKNOWN"
        self._log.add(
            Entry(
                "grpc",
                self._method,
                "",
                status,
                self._context.peer(),
                self._key,
                self.received,
                self.sent,
                self._began,
            )
        )
