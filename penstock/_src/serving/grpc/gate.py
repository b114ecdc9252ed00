"""Steps before and after every gRPC call: API keys and the access log."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from penstock._src.core import errors
from penstock._src.serving.protos.grpc_services import HEALTH_SERVICE
from penstock._src.serving.trust.access_log import AccessLog, Entry
from penstock._src.serving.trust.keys import ApiKeys

# Methods that are answered without a key: liveness probes.
_PROBES = (
    f"/{HEALTH_SERVICE}/",
    "/inference.GRPCInferenceService/ServerLive",
    "/inference.GRPCInferenceService/ServerReady",
)


class Gate:
    """Lets calls in, and notes them when they end.

    Args:
      keys: a call needs one of these, unless it asks for the server's health; None: it needs none.
      log: where calls are written; None for nowhere.
    """

    def __init__(self, keys: ApiKeys | None, log: AccessLog | None) -> None:
        self._keys, self._log = keys, log

    def name_of(self, method: str, headers: Iterable[tuple[bytes, bytes]]) -> str:
        """Returns the name of the API key in a call's headers; empty if it needs none.

        Raises:
          UnauthenticatedError: they have no key, or one that is not known.
        """
        if self._keys is None or method.startswith(_PROBES):
            return ""
        return self._keys.name_of(headers)

    def refused(self, method: str, client: str, code: int) -> None:
        """Notes a call that was not let in."""
        self._add(method, client, code, "", 0, 0, time.perf_counter())

    def note(self, call: Any, client: str, code: int) -> None:
        """Notes a call that has ended.

        Args:
          call: of `http2.call`.
          client: its address.
          code: of the status.
        """
        if self._log is not None:
            self._add(call.method, client, code, call.key, call.received, call.sent, call.began)

    def _add(
        self, method: str, client: str, code: int, key: str, received: int, sent: int, began: float
    ) -> None:
        if self._log is not None:
            status = errors.CODE_NAMES[code]
            self._log.add(
                Entry(
                    protocol="grpc",
                    method=method,
                    path="",
                    status=status,
                    client=client,
                    key=key,
                    received=received,
                    sent=sent,
                    began=began,
                )
            )
