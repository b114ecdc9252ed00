"""The files of a profile: Chrome's trace format for Perfetto, and the protocol buffer that TensorBoard's plugin reads."""

import gzip
import json
import os
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from penstock._src.filesystems.files import make_folders
from penstock._src.filesystems.whole import write_whole
from penstock._src.proto.schema import Schema

XPLANE = Schema(
    "xplane",
    """
XSpace
    planes=1 XPlane*, errors=2 string*, warnings=3 string*, hostnames=4 string*
XPlane
    id=1 int64, name=2 string, lines=3 XLine*, event_metadata=4 {int64: XEventMetadata}
    stat_metadata=5 {int64: XStatMetadata}, stats=6 XStat*
XLine
    id=1 int64, display_id=10 int64, name=2 string, display_name=11 string, timestamp_ns=3 int64
    duration_ps=9 int64, events=4 XEvent*
XEvent
    metadata_id=1 int64, (data: offset_ps=2 int64, num_occurrences=5 int64), duration_ps=3 int64
    stats=4 XStat*
XStat
    metadata_id=1 int64
    (value: double_value=2 double, uint64_value=3 uint64, int64_value=4 int64, str_value=5 string)
XEventMetadata
    id=1 int64, name=2 string, display_name=4 string, metadata=3 bytes
XStatMetadata
    id=1 int64, name=2 string, description=3 string
""",
    package="tensorflow.profiler",
)
XSpace = XPLANE["XSpace"]
FOLDER = os.path.join("plugins", "profile")  # where TensorBoard's plugin looks, below its logdir
PLANE = "/host:CPU"
MOST_STREAMS = 1 << 10  # numbers of threads are larger
ENVIRONMENT = "Task Environment"  # the plane with the time of day
_FIELDS = {int: "int64_value", float: "double_value", str: "str_value"}  # fields of an XStat


class Event(NamedTuple):
    """An event on a thread, or in a stream from 2 on (the caller's thread shows the first): name, start and end in nanoseconds, additional values to show, the operations of a kernel, and the
    name `operation:Type` under which TensorBoard counts it among the operations ("" if it does not)."""

    name: str
    thread: int
    begin: int
    end: int
    shown: dict[str, Any] = {}
    operations: tuple[Any, ...] = ()
    counted_as: str = ""


def new_session() -> str:
    """Returns the name of a profile's folder: the time of day."""
    return time.strftime("%Y_%m_%d_%H_%M_%S")


def write_profile(root: str, session: str, host: str, events: Sequence[Event]) -> None:
    """Writes both files of a profile, named after the host, into the folder `<root>/<session>/`."""
    folder = os.path.join(root, session)
    make_folders(folder)
    base = os.path.join(folder, host)
    trace = json.dumps({"displayTimeUnit": "ns", "traceEvents": list(_chrome(events))})
    write_whole(base + ".trace.json.gz", gzip.compress(trace.encode()))
    write_whole(base + ".xplane.pb", xspace(events).SerializeToString())


def _thread_names(events: Sequence[Event]) -> dict[int, str]:
    known = {thread.ident: thread.name for thread in threading.enumerate()}
    known |= {stream: f"stream {stream}" for stream in range(2, MOST_STREAMS)}
    return {e.thread: known.get(e.thread, f"python-{e.thread}") for e in events}


def _chrome(events: Sequence[Event]) -> Iterator[dict[str, Any]]:
    yield {"ph": "M", "pid": 1, "name": "process_name", "args": {"name": PLANE}}
    for thread, name in _thread_names(events).items():
        yield {"ph": "M", "pid": 1, "tid": thread, "name": "thread_name", "args": {"name": name}}
    for e in events:
        begin, length = e.begin / 1e3, (e.end - e.begin) / 1e3  # microseconds
        known = {"ph": "X", "pid": 1, "tid": e.thread, "name": e.name, "ts": begin, "dur": length}
        yield known | ({"args": e.shown} if e.shown else {})


def xspace(events: Sequence[Event]) -> Any:
    """Returns the message that TensorBoard's plugin reads."""
    space = XSpace(hostnames=[socket.gethostname()])
    plane = space.planes.add(id=1, name=PLANE)
    first = min((e.begin for e in events), default=0)
    last = max((e.end for e in events), default=0)
    # TensorBoard counts in picoseconds, in which the time of day does not fit: the profile starts at 0.
    lines = {
        thread: plane.lines.add(id=thread, name=name)
        for thread, name in _thread_names(events).items()
    }
    numbers: dict[str, int] = {}
    for e in events:
        event = lines[e.thread].events.add(
            metadata_id=_event_number(e, numbers, plane.event_metadata),
            offset_ps=(e.begin - first) * 1000,
            duration_ps=(e.end - e.begin) * 1000,
        )
        _add_stats(event, e.shown, numbers, plane.stat_metadata)
    times = {"profile_start_time": first, "profile_stop_time": last}
    environment = space.planes.add(id=2, name=ENVIRONMENT)
    _add_stats(environment, times, {}, environment.stat_metadata)
    return space


def _event_number(event: Event, numbers: dict[str, int], table: Any) -> int:
    """The number of the metadata that an event shares with others of its names."""
    number = _number(event.counted_as or event.name, numbers, table)
    if event.counted_as:
        table[number].display_name = event.name
    return number


def _add_stats(message: Any, values: dict[str, Any], numbers: dict[str, int], table: Any) -> None:
    for key, value in values.items():
        number = _number(key, numbers, table)
        message.stats.add(metadata_id=number, **{_FIELDS[type(value)]: value})


def _number(name: str, numbers: dict[str, int], table: Any) -> int:
    """The number of a name, which is added to the table of its kind."""
    number = numbers.setdefault(name, len(numbers) + 1)
    table[number].id, table[number].name = number, name
    return number
