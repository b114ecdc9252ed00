"""ElasticTransport: gRPC between the members of one generation, closed when it is over."""

from __future__ import annotations

import atexit
import threading
from collections.abc import Callable, Mapping

from penstock._src.cluster.description import Cluster
from penstock._src.cluster.rpc.server import RpcServer
from penstock._src.cluster.transports.grpc import SERVICE, GrpcTransport
from penstock._src.core.errors import UnavailableError

OPEN_WITHIN = 10.0  # seconds that a call waits for a transport behind its door
HOST = "localhost"


class Door:
    """A server at a free port whose methods come later: members tell their addresses before they know each other.

    Each generation has ports of its own, so no message of one reaches another.
    """

    def __init__(self) -> None:
        self._methods: Mapping[str, Callable[[bytes], bytes]] = {}
        self._opened = threading.Event()
        names = ("Put", "Here", "Failed", "Beat")
        self._server = RpcServer(
            f"{HOST}:0", SERVICE, {name: self._calling(name) for name in names}
        )
        self.address = f"{HOST}:{self._server.port}"

    def open(self, methods: Mapping[str, Callable[[bytes], bytes]]) -> None:
        """Lets calls in."""
        self._methods = methods
        self._opened.set()

    def close(self) -> None:
        """Ends the server."""
        self._server.stop()

    def _calling(self, name: str) -> Callable[[bytes], bytes]:
        def call(request: bytes) -> bytes:
            if not self._opened.wait(OPEN_WITHIN):
                raise UnavailableError(f"{name}: this process is not in the generation yet.")
            return self._methods[name](request)

        return call


class ElasticTransport(GrpcTransport):
    """Exchange between the members of a generation.

    Args:
      cluster: they.
      door: the server of this process.
    """

    def __init__(self, cluster: Cluster, door: Door) -> None:
        self._door = door
        super().__init__(cluster)

    def _serve(self, methods: Mapping[str, Callable[[bytes], bytes]]) -> Door:
        self._door.open(methods)
        return self._door

    def close(self) -> None:
        """Ends heartbeat, connections, threads and server."""
        if self._heart is not None:
            self._heart.stop()
            atexit.unregister(self._leave)
        for channel in self._channels.values():
            channel.close()
        for threads in (self._senders, self._posts):
            threads.shutdown(cancel_futures=True)
        self._door.close()
