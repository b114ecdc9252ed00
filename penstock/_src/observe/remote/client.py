"""tf.profiler.experimental.client: requests profiles from other processes."""

import contextlib
import logging
import os
import re
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from penstock._src.cluster.rpc.channel import Channel
from penstock._src.core.errors import CODE_NAMES, InvalidArgumentError, OpError
from penstock._src.observe.profile_files import FOLDER, new_session
from penstock._src.observe.profiler import ProfilerOptions
from penstock._src.observe.remote import messages
from penstock._src.util.export import export

LOG = logging.getLogger("tensorflow")
_PREFIX = "grpc://"
_ADDRESS = re.compile(r"[^\s,]*[^\s,:/]:\d+|\[[\da-fA-F:.]+\]:\d+")
# Extra time for a server to write the profile after the recorded time.
_MOST_SECONDS_TO_WRITE = 60.0
# The tools that TensorFlow's client requests. Servers write the one file from which TensorBoard computes the others.
_TOOLS = ("xplane.pb",)
_MOST_EVENTS = 1_000_000
_NOTHING = (
    "UNAVAILABLE: No trace event was collected because there were no responses from clients or the "
    "responses did not have trace data."
)


@export("profiler.experimental.client.trace", v1=[])
def trace(
    service_addr: str,
    logdir: str,
    duration_ms: int,
    worker_list: str = "",
    num_tracing_attempts: int = 3,
    options: ProfilerOptions | None = None,
) -> None:
    """Takes a profile of other processes, in which `tf.profiler.experimental.server.start` was called.

    Each of them writes its files to `<logdir>/plugins/profile/<time>/<host>_<port>.xplane.pb`, so the folder must be one that they reach. It needs
    the package grpcio.

    Args:
      service_addr: their addresses, separated by commas: "grpc://10.0.0.2:6009,grpc://10.0.0.3:6009".
      logdir: the folder to write to.
      duration_ms: how long to record, in milliseconds.
      worker_list: addresses of workers, which are then asked instead.
      num_tracing_attempts: how often to ask if nothing ran meanwhile.
      options: a `tf.profiler.experimental.ProfilerOptions`.

    Raises:
      InvalidArgumentError: the duration is not positive.
      RuntimeError: an address is not valid, or nothing was recorded.

    >>> import socket, threading
    >>> with socket.create_server(("", 0)) as listener:
    ...     port = listener.getsockname()[1]
    >>> tf.profiler.experimental.server.start(port)  # in the process that is profiled
    >>> arguments = f"grpc://localhost:{port}", folder, 200
    >>> tracing = threading.Thread(target=tf.profiler.experimental.client.trace, args=arguments)
    >>> tracing.start()
    >>> while tracing.is_alive():
    ...     total = tf.reduce_sum(tf.ones([1000]))
    """
    if duration_ms <= 0:
        raise InvalidArgumentError("duration_ms must be greater than zero.")
    addresses = [_checked(address) for address in (worker_list or service_addr).split(",")]
    failures: list[str] = []
    for _ in range(max(num_tracing_attempts, 1)):
        failures = _traced(addresses, logdir, duration_ms, options or ProfilerOptions())
        if len(failures) < len(addresses):
            return
        LOG.warning("No trace event is collected from %s", "; ".join(failures))
    raise RuntimeError(f"{_NOTHING} {'; '.join(failures)}")


@export("profiler.experimental.client.monitor", v1=[])
def monitor(service_addr: str, duration_ms: int, level: int = 1) -> str:
    """Returns a short text about what another process does, in which `tf.profiler.experimental.server.start` was called.

    TensorFlow's servers answer for TPUs alone; Penstock's say how many threads were busy and, from level 2 on, what took the time.

    Args:
      service_addr: its address: "grpc://10.0.0.2:6009".
      duration_ms: how long to look, in milliseconds.
      level: 1 or 2, which says more.

    Returns:
      The text.

    Raises:
      RuntimeError: the address is not valid, or the server does not answer or refuses.

    >>> import socket
    >>> with socket.create_server(("", 0)) as listener:
    ...     port = listener.getsockname()[1]
    >>> tf.profiler.experimental.server.start(port)
    >>> tf.profiler.experimental.client.monitor(f"grpc://localhost:{port}", 10).count("Events:")
    1
    """
    address = _checked(service_addr)
    request = messages.MonitorRequest(
        duration_ms=duration_ms, monitoring_level=level, timestamp=True
    )
    try:
        reply = _call(address, "Monitor", request, duration_ms / 1e3)
    except OpError as error:
        raise RuntimeError(f"{CODE_NAMES[error.error_code]}: {error.message}") from error
    return messages.MonitorResponse.FromString(reply).data


def _traced(
    addresses: Sequence[str], logdir: str, duration_ms: int, options: ProfilerOptions
) -> list[str]:
    """Calls all addresses at the same time, and returns those that recorded nothing, with the reasons."""
    delay_ms = options.delay_ms or 0
    message = messages.ProfileOptions(
        version=1,
        host_tracer_level=options.host_tracer_level,
        device_tracer_level=options.device_tracer_level,
        python_tracer_level=options.python_tracer_level,
        enable_hlo_proto=True,
        start_timestamp_ns=time.time_ns() + delay_ms * 1_000_000,
        duration_ms=duration_ms,
        repository_path=logdir,
    )
    request = messages.ProfileRequest(
        duration_ms=duration_ms,
        max_events=_MOST_EVENTS,
        tools=_TOOLS,
        opts=message,
        repository_root=os.path.join(logdir, FOLDER),
        session_id=new_session(),
    )
    seconds = (delay_ms + duration_ms) / 1e3

    def ask(address: str) -> str:
        own = messages.ProfileRequest(host_name=address)
        own.MergeFrom(request)
        try:
            reply = messages.ProfileResponse.FromString(_call(address, "Profile", own, seconds))
        except OpError as error:
            return f"{address}: {error.message}"
        return f"{address}: nothing ran" if reply.empty_trace else ""

    with ThreadPoolExecutor(len(addresses)) as pool:
        return [failure for failure in pool.map(ask, addresses) if failure]


def _call(address: str, method: str, request: Any, seconds: float) -> bytes:
    with _channel(address) as channel:
        timeout = seconds + _MOST_SECONDS_TO_WRITE
        return channel.call(method, request.SerializeToString(), timeout, retry_seconds=0)


@contextlib.contextmanager
def _channel(address: str) -> Iterator[Channel]:
    channel = Channel(address, messages.SERVICE, "The profiler server")
    try:
        yield channel
    finally:
        channel.close()


def _checked(address: str) -> str:
    """Returns the host and port of an address.

    Raises:
      RuntimeError: it has none.
    """
    place = address.strip().removeprefix(_PREFIX)
    if not _ADDRESS.fullmatch(place):
        raise RuntimeError(f'INVALID_ARGUMENT: Could not interpret "{place}" as a host-port pair.')
    return place
