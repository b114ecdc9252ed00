"""Calls between the processes of a service; servers of this process are called without a network."""

from __future__ import annotations

import importlib.util
import itertools
import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from google.protobuf.message import DecodeError

from penstock._src.cluster.rpc.channel import Channel
from penstock._src.cluster.rpc.server import RpcServer
from penstock._src.core.errors import InternalError, UnavailableError

# Seconds for which consumers try to reach a server that does not answer.
PATIENCE = 2.0
_PAUSE = 0.1
LOG = logging.getLogger("tensorflow")
# Ports for servers with port 0 where grpcio is not installed: they only identify servers within this process.
_PORTS = itertools.count(50000)

Handlers = Mapping[str, tuple[Any, Callable[[Any], Any]]]
# {address: handlers} of the servers of this process.
HERE: dict[str, Handlers] = {}
_CHANNELS: dict[tuple[str, str], Channel] = {}
_LOCK = threading.Lock()


def address_of(target: str) -> str:
    """The host and port of "<protocol>://<host>:<port>", or of these alone."""
    return target.rpartition("://")[2]


def call(
    service: str, target: str, method: str, request: Any, reply: Any, patience: float = PATIENCE
) -> Any:
    """Returns a server's reply.

    Args:
      service: messages.DISPATCHER or WORKER.
      target: its address.
      method: of the service.
      request: a message.
      reply: the class of the reply.
      patience: seconds to try to reach it.

    Raises:
      UnavailableError: the server does not answer.
      OpError: as the server raises it.
    """
    address = address_of(target)
    own = HERE.get(address)
    if own is not None:
        return own[method][1](request)
    with _LOCK:
        if (service, address) not in _CHANNELS:
            name = f"The tf.data service's {service.rpartition('.')[2].lower()}"
            _CHANNELS[service, address] = Channel(address, service, name)
        channel = _CHANNELS[service, address]
    data = channel.call(method, request.SerializeToString(), None, patience)
    try:
        return reply.FromString(data)
    except DecodeError as error:
        raise InternalError(f"{channel.name} at {address}: malformed reply: {error}") from error


def patient(ask: Callable[[], Any], seconds: float, ended: threading.Event, dispatcher: str) -> Any:
    """Returns the result of a call, which is repeated while the dispatcher is down.

    Args:
      ask: the call.
      seconds: for which it is made again.
      ended: set when the caller no longer waits.
      dispatcher: its address, for the log.

    Raises:
      UnavailableError: it has not come back.
    """
    until = time.monotonic() + seconds
    while True:
        try:
            return ask()
        except UnavailableError:
            if time.monotonic() > until or ended.is_set():
                raise
            LOG.warning(
                "tf.data service: the dispatcher at %s does not answer; waiting for it.", dispatcher
            )
            ended.wait(_PAUSE)


class Listening:
    """Receiver of calls: within this process, and at a port if grpcio is installed.

    Args:
      service: messages.DISPATCHER or WORKER.
      port: 0 for any.
      address: with "%port%" in place of the port.
      handlers: {method: (class of the request, function of a request)}.
    """

    def __init__(self, service: str, port: int, address: str, handlers: Handlers) -> None:
        self._server: RpcServer | None = None
        if importlib.util.find_spec("grpc") is not None:
            host = address_of(address).rpartition(":")[0]
            methods = {name: _of_bytes(*handler) for name, handler in handlers.items()}
            self._server = RpcServer(f"{host}:{port}", service, methods)
            port = self._server.port
        self.address = address.replace("%port%", str(port or next(_PORTS)))
        HERE[self.address] = handlers

    def stop(self) -> None:
        """Answers no more."""
        HERE.pop(self.address, None)
        if self._server is not None:
            self._server.stop()


def _of_bytes(kind: Any, method: Callable[[Any], Any]) -> Callable[[bytes], bytes]:
    return lambda data: method(kind.FromString(data)).SerializeToString()
