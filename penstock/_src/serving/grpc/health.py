"""gRPC's health service."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection
from typing import Any

from penstock._src.core.errors import NotFoundError
from penstock._src.serving.protos.grpc_services import HealthCheckResponse

_NAMES = HealthCheckResponse.ServingStatus
# Seconds between looks at the state, for calls that watch it.
_INTERVAL = 0.25


class Health:
    """Answers probes.

    Args:
      is_ready: returns True if requests for all models are answered.
      services: names that clients may ask for, besides "".
    """

    def __init__(self, is_ready: Callable[[], bool], services: Collection[str]) -> None:
        self._is_ready, self._services = is_ready, services

    async def Check(self, request: Any, context: Any) -> Any:
        """Return the state of a service.

        Raises:
          NotFoundError: there is no such service.
        """
        if request.service and request.service not in self._services:
            raise NotFoundError(f"There is no service '{request.service}'.")
        return self._reply(request.service)

    async def watch(self, request: Any) -> AsyncIterator[Any]:
        """Yield the state of a service now and whenever it changes."""
        last = None
        while True:
            now = self._reply(request.service)
            if now != last:
                yield now
            last = now
            await asyncio.sleep(_INTERVAL)

    def _reply(self, service: str) -> Any:
        if service and service not in self._services:
            return HealthCheckResponse(status=_NAMES.Value("SERVICE_UNKNOWN"))
        state = "SERVING" if self._is_ready() else "NOT_SERVING"
        return HealthCheckResponse(status=_NAMES.Value(state))
