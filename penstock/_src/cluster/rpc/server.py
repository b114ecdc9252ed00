"""Server: answers the calls of a service's methods at an address."""

from __future__ import annotations

import hmac
import logging
import threading
from collections.abc import Callable, Mapping
from typing import Any

from google.protobuf.message import DecodeError

from penstock._src.cluster.rpc.channel import KEY
from penstock._src.cluster.rpc.requirements import PING_MILLISECONDS, grpc, options
from penstock._src.core.errors import OpError, UnknownError
from penstock._src.util.flags import flags
from penstock._src.util.process.daemon_threads import DaemonThreads

LOG = logging.getLogger("tensorflow")
# Calls that run at a time: most of them wait for others.
THREADS = 128
_OF_THIS_MACHINE = ("localhost", "127.0.0.1", "[::1]")


class RpcServer:
    """A server, which has been started.

    Args:
      address: host and port; port 0 is a free one. It listens on the addresses of this machine alone if the host is one of them.
      service: the full name of the service.
      methods: by their names, from a request's bytes to a reply's.

    Raises:
      UnknownError: it cannot listen there.
    """

    def __init__(
        self, address: str, service: str, methods: Mapping[str, Callable[[bytes], bytes]]
    ) -> None:
        self._server = grpc().server(
            DaemonThreads(THREADS, "penstock-rpc"),
            options=options(
                so_reuseport=0,
                **{"http2.min_ping_interval_without_data_ms": PING_MILLISECONDS // 2},
            ),
        )
        handlers = {
            name: grpc().unary_unary_rpc_method_handler(_answering(name, method))
            for name, method in methods.items()
        }
        handler = grpc().method_handlers_generic_handler(service, handlers)
        self._server.add_generic_rpc_handlers((handler,))
        host, _, port = address.rpartition(":")
        try:
            where = host if host in _OF_THIS_MACHINE else "[::]"
            self.port = self._server.add_insecure_port(f"{where}:{port}")
        except RuntimeError as error:
            raise UnknownError(f"Could not start gRPC server at {address}: {error}") from error
        self._server.start()

    def stop(self) -> None:
        """Ends it, and the calls that run."""
        self._server.stop(0)


def _answering(name: str, method: Callable[[bytes], bytes]) -> Callable[[bytes, Any], bytes]:
    def answer(request: bytes, context: Any) -> bytes:
        codes = grpc().StatusCode
        if not _has_key(context):
            context.abort(
                codes.UNAUTHENTICATED, "the cluster's key (PENSTOCK_CLUSTER_KEY) is another"
            )
        _ANSWERING.context = context
        try:
            return method(request)
        except DecodeError as error:
            context.abort(
                codes.INVALID_ARGUMENT, f"{name}: the request is not a valid message: {error}"
            )
        except OpError as error:
            context.abort(_status(error), f"{error}")
        except Exception as error:
            LOG.exception("%s failed", name)
            context.abort(codes.INTERNAL, f"{name}: {type(error).__name__}: {error}")
        finally:
            _ANSWERING.context = None
        raise AssertionError("abort raises")

    return answer


class _Answering(threading.local):
    """gRPC's context of the call that this thread answers."""

    context: Any = None


_ANSWERING = _Answering()


def when_caller_is_gone(act: Callable[[], None]) -> None:
    """Calls `act` once the call that this thread answers is over, answered or not; at once if it is already."""
    context = _ANSWERING.context
    if context is not None and not context.add_callback(act):
        act()


def _status(error: OpError) -> Any:
    """gRPC's codes have the numbers of TensorFlow's."""
    return next(code for code in grpc().StatusCode if code.value[0] == error.error_code)


def _has_key(context: Any) -> bool:
    if not flags.cluster_key:
        return True
    key = dict(context.invocation_metadata()).get(KEY, "")
    text = key if isinstance(key, bytes) else key.encode()
    return hmac.compare_digest(text, flags.cluster_key.encode())
