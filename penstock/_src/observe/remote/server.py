"""tf.profiler.experimental.server: records this process at the request of others."""

import logging
import threading
import time
from typing import Any

from penstock._src.cluster.rpc.server import RpcServer, when_caller_is_gone
from penstock._src.core.errors import AlreadyExistsError, InternalError
from penstock._src.observe.profile_files import Event, write_profile, xspace
from penstock._src.observe.profiler import OPERATIONS, Recording, begin, end
from penstock._src.observe.remote import messages
from penstock._src.observe.remote.monitoring import report
from penstock._src.util.export import export

LOG = logging.getLogger("tensorflow")


class ProfilerService:
    """The methods of TensorFlow's ProfilerService."""

    def __init__(self) -> None:
        self._ends: dict[str, threading.Event] = {}  # by the session's id, while it is recorded

    def profile(self, request: Any) -> Any:
        """Records for the duration of the request; writes the files, or returns them.

        Raises:
          InternalError: a recording is going on already.
        """
        options = request.opts
        # Requests without a version have no options, as TensorFlow reads them.
        level = options.host_tracer_level if options.version else OPERATIONS
        over = self._ends[request.session_id] = threading.Event()
        try:
            over.wait(max(options.start_timestamp_ns - time.time_ns(), 0) / 1e9)
            events = _recorded(level, options.duration_ms or request.duration_ms, over)
        finally:
            self._ends.pop(request.session_id, None)
        reply = messages.ProfileResponse(empty_trace=not events)
        if request.emit_xspace:
            reply.xspace.CopyFrom(xspace(events))
        elif request.repository_root:
            host = request.host_name.replace(":", "_")
            write_profile(request.repository_root, request.session_id, host, events)
        return reply

    def terminate(self, request: Any) -> Any:
        """Ends a session before its time; one that is over already has no more to end."""
        session_end = self._ends.get(request.session_id)
        if session_end is not None:
            session_end.set()
        return messages.TerminateResponse()

    def monitor(self, request: Any) -> Any:
        """Returns a text about the activity during the request.

        Raises:
          InternalError: a recording is going on already.
        """
        start = time.perf_counter_ns()
        events = _recorded(OPERATIONS, request.duration_ms, threading.Event())
        text = report(
            events, time.perf_counter_ns() - start, request.monitoring_level, request.timestamp
        )
        return messages.MonitorResponse(data=text)


def _recorded(level: int, milliseconds: int, over: threading.Event) -> list[Event]:
    """Returns the events in this period, or until `over` is set or the caller is gone."""
    recording = Recording(None, level)
    try:
        begin(recording)
    except AlreadyExistsError as error:
        raise InternalError("Another profiling session active.") from error
    try:
        when_caller_is_gone(over.set)
        over.wait(milliseconds / 1e3)
    finally:
        events = end(recording)
    return events


_SERVERS: dict[int, RpcServer] = {}  # by port, until the process ends
_LOCK = threading.Lock()


@export("profiler.experimental.server.start", v1=[])
def start_server(port: int) -> None:
    """Lets other processes ask for profiles of this one: TensorBoard's "Capture profile", and `client.trace`.

    The server ends with the process. It answers at all addresses of this machine, and whoever reaches it can have profiles written; where
    `PENSTOCK_CLUSTER_KEY` is set, it answers only callers with this key. It needs the package grpcio.

    Args:
      port: on which it listens; a second call with the same port does nothing.

    Raises:
      ImportError: grpcio is not installed.
      TypeError: the port is not an int.
      UnknownError: it cannot listen there.

    >>> import socket
    >>> with socket.create_server(("", 0)) as listener:
    ...     port = listener.getsockname()[1]
    >>> tf.profiler.experimental.server.start(port)
    >>> tf.profiler.experimental.client.monitor(f"grpc://localhost:{port}", 10).count("Events:")
    1
    """
    if not isinstance(port, int):
        raise TypeError(f"tf.profiler.experimental.server.start: port must be an int. Got {port!r}")
    with _LOCK:
        if port not in _SERVERS:
            _SERVERS[port] = _serving(port)
            LOG.info("Profiler server listening on port %d", port)


def _serving(port: int) -> RpcServer:
    service = ProfilerService()
    methods = {
        "Profile": (messages.ProfileRequest, service.profile),
        "Terminate": (messages.TerminateRequest, service.terminate),
        "Monitor": (messages.MonitorRequest, service.monitor),
    }
    answering = {name: _of_bytes(*method) for name, method in methods.items()}
    return RpcServer(f"[::]:{port}", messages.SERVICE, answering)


def _of_bytes(request: Any, method: Any) -> Any:
    return lambda data: method(request.FromString(data)).SerializeToString()
