"""tf.profiler.experimental, and tf.summary's traces: what ran when on the host.

A profile is the folder `<logdir>/plugins/profile/<time>/` with `<host>.trace.json.gz`, which
Perfetto and chrome://tracing open, and `<host>.xplane.pb`, which TensorBoard's plugin reads.
"""

import collections
import gzip
import json
import os
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

from penstock._src.core.errors import AlreadyExistsError, UnavailableError
from penstock._src.function.concrete import ConcreteFunction
from penstock._src.proto.schema import Schema
from penstock._src.util.export import export

XPLANE = Schema(
    "xplane",
    """
XSpace
    planes=1 XPlane*, errors=2 string*, warnings=3 string*, hostnames=4 string*
XPlane
    id=1 int64, name=2 string, lines=3 XLine*, event_metadata=4 {int64: XEventMetadata}
XLine
    id=1 int64, display_id=10 int64, name=2 string, display_name=11 string, timestamp_ns=3 int64
    duration_ps=9 int64, events=4 XEvent*
XEvent
    metadata_id=1 int64, (data: offset_ps=2 int64, num_occurrences=5 int64), duration_ps=3 int64
XEventMetadata
    id=1 int64, name=2 string, display_name=4 string, metadata=3 bytes
""",
    package="tensorflow.profiler",
)
XSpace = XPLANE["XSpace"]

Event = tuple[str, int, int, int]  # name, thread, begin and end in ns


@export("profiler.experimental.ProfilerOptions", v1=[])
class ProfilerOptions(
    collections.namedtuple(
        "ProfilerOptions",
        "host_tracer_level python_tracer_level device_tracer_level delay_ms",
        defaults=(2, 0, 1, None),
    )
):
    """What to trace."""


class _Recording:
    """The profile being taken, or None; and the functions whose graphs are wanted."""

    logdir: str | None = None
    events: list[Event] | None = None
    graphs: dict[int, Any] | None = None
    lock = threading.Lock()


_RECORDING = _Recording()
_call_plainly: Callable[..., Any] = ConcreteFunction.call_flat


def _call_recorded(self: ConcreteFunction, tensors: Any) -> Any:
    """`ConcreteFunction.call_flat` while a profile is taken."""
    if _RECORDING.graphs is not None:
        _RECORDING.graphs[id(self.graph)] = self.graph
    begin = time.time_ns()
    try:
        return _call_plainly(self, tensors)
    finally:
        _add(self.name, begin)


def _add(name: str, begin: int) -> None:
    events = _RECORDING.events
    if events is not None:
        events.append((str(name), threading.get_ident(), begin, time.time_ns()))


def _watch_functions() -> None:
    """Records calls of functions only while somebody asks for them."""
    watched = _RECORDING.events is not None or _RECORDING.graphs is not None
    call = _call_recorded if watched else _call_plainly
    ConcreteFunction.call_flat = ConcreteFunction._call_flat = call  # type: ignore[method-assign]


@export("profiler.experimental.start", v1=[])
def start(logdir: str, options: ProfilerOptions | None = None) -> None:
    """Begins a profile that `stop` writes below `logdir`.

    Raises:
      tf.errors.AlreadyExistsError: one is being taken.
    """
    with _RECORDING.lock:
        if _RECORDING.events is not None:
            raise AlreadyExistsError("Another profiler is running.")
        _RECORDING.logdir, _RECORDING.events = str(logdir), []
        _watch_functions()


@export("profiler.experimental.stop", v1=[])
def stop(save: bool = True) -> None:
    """Ends the profile and, with `save`, writes it.

    Raises:
      tf.errors.UnavailableError: none is being taken.
    """
    with _RECORDING.lock:
        events, logdir = _RECORDING.events, _RECORDING.logdir
        if events is None or logdir is None:
            raise UnavailableError("Cannot export profiling results. No profiler is running.")
        _RECORDING.events = None
        _watch_functions()
    if save:
        _write(logdir, events)


@export("profiler.experimental.Profile", v1=[])
class Profile:
    """A context whose run is profiled."""

    def __init__(self, logdir: str, options: ProfilerOptions | None = None) -> None:
        self._logdir, self._options = logdir, options

    def __enter__(self) -> None:
        start(self._logdir, self._options)

    def __exit__(self, typ: Any, value: Any, tb: Any) -> None:
        stop()


@export("profiler.experimental.Trace", v1=[])
class Trace:
    """A context that shows in profiles under a name.

    >>> with tf.profiler.experimental.Trace("train", step_num=3):
    ...     x = tf.ones([8, 8]) @ tf.ones([8, 8])
    """

    def __init__(self, name: str, **kwargs: Any) -> None:
        self._name, self._metadata = name, kwargs
        self._begin: int | None = None

    def __enter__(self) -> "Trace":
        if _RECORDING.events is not None:
            self._begin = time.time_ns()
        return self

    def set_metadata(self, **kwargs: Any) -> None:
        """Adds to what is shown of this trace."""
        self._metadata.update(kwargs)

    def __exit__(self, exc_type: Any, exc_val: Any, exc_tb: Any) -> None:
        if self._begin is None:
            return
        shown = ",".join(f"{key}={value}" for key, value in self._metadata.items())
        _add(f"{self._name}#{shown}#" if shown else self._name, self._begin)
        self._begin = None


def _write(logdir: str, events: list[Event]) -> None:
    folder = os.path.join(logdir, "plugins", "profile", time.strftime("%Y_%m_%d_%H_%M_%S"))
    os.makedirs(folder, exist_ok=True)
    base = os.path.join(folder, socket.gethostname())
    with gzip.open(base + ".trace.json.gz", "wt") as file:
        json.dump({"displayTimeUnit": "ns", "traceEvents": list(_chrome(events))}, file)
    with open(base + ".xplane.pb", "wb") as file:
        file.write(_xspace(events).SerializeToString())


def _chrome(events: list[Event]) -> Any:
    yield {"ph": "M", "pid": 1, "name": "process_name", "args": {"name": "/host:CPU"}}
    for name, thread, begin, end in events:
        yield {
            "ph": "X",
            "pid": 1,
            "tid": thread,
            "name": name,
            "ts": begin / 1e3,
            "dur": (end - begin) / 1e3,
        }


def _xspace(events: list[Event]) -> Any:
    space = XSpace(hostnames=[socket.gethostname()])
    plane = space.planes.add(id=1, name="/host:CPU")
    numbers: dict[str, int] = {}
    lines: dict[int, Any] = {}
    first = min((begin for _, _, begin, _ in events), default=0)
    for name, thread, begin, end in events:
        number = numbers.setdefault(name, len(numbers) + 1)
        plane.event_metadata[number].id = number
        plane.event_metadata[number].name = name
        if thread not in lines:
            lines[thread] = plane.lines.add(id=thread, name=f"python-{thread}", timestamp_ns=first)
        lines[thread].events.add(
            metadata_id=number, offset_ps=(begin - first) * 1000, duration_ps=(end - begin) * 1000
        )
    return space


def start_collecting_graphs() -> None:
    """Collects the graphs of the functions that run from now on."""
    with _RECORDING.lock:
        _RECORDING.graphs = {}
        _watch_functions()


def stop_collecting_graphs() -> list[Any]:
    """Returns the graphs collected."""
    with _RECORDING.lock:
        graphs = list((_RECORDING.graphs or {}).values())
        _RECORDING.graphs = None
        _watch_functions()
    return graphs
