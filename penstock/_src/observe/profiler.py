"""tf.profiler.experimental, and tf.summary's traces: a timeline of the program.

A profile is the folder `<logdir>/plugins/profile/<time>/` with `<host>.trace.json.gz`, which Perfetto and
chrome://tracing open, and `<host>.xplane.pb`, which TensorBoard's plugin reads (profile_files.py). It has an event for each
call of a function, each launch of a kernel within, each operation on the host, each eager op, and each Trace.
"""

import collections
import os
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from penstock._src.compiler.explain.kernels import kernel_records
from penstock._src.compiler.explain.measure import launch_words
from penstock._src.compiler.explain.records import KernelRecord, line_of
from penstock._src.core.errors import AlreadyExistsError, UnavailableError
from penstock._src.function.concrete import ConcreteFunction
from penstock._src.observe.profile_files import FOLDER, Event, new_session, write_profile
from penstock._src.util import slots
from penstock._src.util.export import export
from penstock._src.util.run_observers import RUN_OBSERVERS

OPERATIONS = 2  # the host_tracer_level from which operations and kernels are recorded


@export("profiler.experimental.ProfilerOptions", v1=[])
class ProfilerOptions(
    collections.namedtuple(
        "ProfilerOptions",
        "host_tracer_level python_tracer_level device_tracer_level delay_ms",
        defaults=(2, 0, 1, None),
    )
):
    """Options of a trace.

    Args:
      host_tracer_level, python_tracer_level, device_tracer_level: how much is recorded of ops,
        Python and devices.
      delay_ms: when the trace starts, in milliseconds; None: at once.
    """


class Recording:
    """A profile that is being taken: a RunObserver that also hears of eager ops, functions and Traces.

    Clocks are read as `time.perf_counter_ns`; files have the time of day. `logdir` is None if another process asked for it.
    """

    def __init__(self, logdir: str | None, level: int) -> None:
        self.logdir, self.level = logdir, level
        self.events: list[Event] = []
        self.programs: list[tuple[Any, Any, int]] = []  # plan, times of its records, thread
        self.offset = time.time_ns() - time.perf_counter_ns()

    def add(
        self, name: str, begin: int, shown: dict[str, Any] | None = None, counted_as: str = ""
    ) -> None:
        """Adds an event that ends now."""
        end, thread = time.perf_counter_ns(), threading.get_ident()
        self.events.append(Event(str(name), thread, begin, end, shown or {}, (), counted_as))

    def program_ran(self, plan: Any, records: Any) -> None:
        """See RunObserver. The names of its kernels are looked up when the profile ends."""
        self.programs.append((plan, records, threading.get_ident()))

    def host_ran(self, op: Any, start: int, end: int) -> None:
        """See RunObserver."""
        line = line_of(op)
        shown = {"op": op.name} | ({"source": f"{line.place} {line.code}"} if line else {})
        counted = f"{op.name}:{op.type}"
        self.events.append(Event(op.type, threading.get_ident(), start, end, shown, (op,), counted))

    def finished(self) -> list[Event]:
        """All events, in the time of day."""
        events = [*self.events, *self._launches()]
        events.sort(key=lambda e: (e.begin, -e.end))
        return [e._replace(begin=e.begin + self.offset, end=e.end + self.offset) for e in events]

    def _launches(self) -> Iterator[Event]:
        known: dict[int, dict[int, KernelRecord]] = {}  # a plan's identity -> kernels by word
        for plan, rows, thread in self.programs:
            if id(plan) not in known:
                kernels = {r: k for k in kernel_records(plan, {}, (), 1) for r in k.records}
                words = launch_words(plan).items()
                known[id(plan)] = {at: kernels[record] for at, record in words}
            for word, start, end in rows.tolist():
                kernel = known[id(plan)].get(word)
                if kernel is not None:
                    shown = _shown(kernel, end - start)
                    counted = _counted_as(kernel)
                    line = kernel.stream if kernel.stream > 1 else thread
                    yield Event(kernel.label, line, start, end, shown, kernel.operations, counted)


def _counted_as(kernel: KernelRecord) -> str:
    """The last operation of a kernel, and the types of all."""
    if not kernel.operations:
        return re.sub(r"\W+", "_", kernel.label) + ":Kernel"
    types = dict.fromkeys(op.type for op in kernel.operations)
    return f"{kernel.operations[-1].name}:{'_'.join(types)}"


def _shown(kernel: KernelRecord, nanoseconds: int) -> dict[str, Any]:
    """The values to show for a launch, including its speed if it does all of the kernel's work."""
    source_lines = (*kernel.lines, *kernel.forward_lines)
    lines = "; ".join(f"{line.place} {line.code}" for line in source_lines)
    work = {"tasks": kernel.tasks, "flops": kernel.flops, "bytes": kernel.bytes}
    speed = {"GF/s": kernel.flops / max(nanoseconds, 1), "GB/s": kernel.bytes / max(nanoseconds, 1)}
    shown = {"computes": kernel.computes, "source": lines, **work}
    return shown | (speed if len(kernel.records) == 1 else {})


class _State:
    """The running profile, or None; and the functions with requested graphs."""

    recording: Recording | None = None
    graphs: dict[int, Any] | None = None
    lock = threading.Lock()
    # Runs eager ops for `_run_recorded`; kept afterwards, as threads may still be in there.
    run_plainly: Callable[..., Any]
    wraps = False  # whether `_run_recorded` has the place of `run_plainly`


_STATE = _State()
_call_plainly: Callable[..., Any] = ConcreteFunction.call_flat


def _call_recorded(self: ConcreteFunction, tensors: Any) -> Any:
    """`ConcreteFunction.call_flat` while a profile is taken, or graphs are collected."""
    if _STATE.graphs is not None:
        _STATE.graphs[id(self.graph)] = self.graph
    begin, recording = time.perf_counter_ns(), _STATE.recording
    try:
        return _call_plainly(self, tensors)
    finally:
        if recording is not None:
            recording.add(self.graph_function.name, begin)


def _run_recorded(cls: Any, inputs: tuple[Any, ...], attrs: dict[str, Any]) -> Any:
    """`slots.RUN_EAGERLY` while a profile is taken."""
    begin, recording = time.perf_counter_ns(), _STATE.recording
    try:
        return _STATE.run_plainly(cls, inputs, attrs)
    finally:
        if recording is not None:
            recording.add(cls.op_type, begin, counted_as=f"{cls.op_type}:{cls.op_type}")


def _watch_functions() -> None:
    """Records calls of functions while a profile is taken or graphs are collected."""
    watched = _STATE.recording is not None or _STATE.graphs is not None
    call = _call_recorded if watched else _call_plainly
    ConcreteFunction.call_flat = ConcreteFunction._call_flat = call  # type: ignore[method-assign]


def _watch_operations(recording: Recording) -> None:
    """Records kernels, operations on the host and eager ops."""
    RUN_OBSERVERS.append(recording)
    if not _STATE.wraps:  # otherwise something has wrapped it meanwhile, and calls it still
        _STATE.wraps, _STATE.run_plainly = True, slots.RUN_EAGERLY
        slots.RUN_EAGERLY = _run_recorded


def _leave_operations(recording: Recording) -> None:
    """Undoes `_watch_operations`."""
    RUN_OBSERVERS.remove(recording)
    if slots.RUN_EAGERLY is _run_recorded:
        slots.RUN_EAGERLY, _STATE.wraps = _STATE.run_plainly, False


@export("profiler.experimental.start", v1=[])
def start(logdir: str, options: ProfilerOptions | None = None) -> None:
    """Starts to record what runs, for TensorBoard's profile page.

    Args:
      logdir: the folder to write to.
      options: a `tf.profiler.experimental.ProfilerOptions`.

    Raises:
      AlreadyExistsError: a recording is going on.

    >>> tf.profiler.experimental.start(folder)
    >>> total = tf.reduce_sum(tf.ones([10]))
    >>> tf.profiler.experimental.stop()
    """
    level = OPERATIONS if options is None else options.host_tracer_level
    begin(Recording(str(logdir), level))


def begin(recording: Recording) -> None:
    """Starts a recording.

    Raises:
      AlreadyExistsError: another one is going on.
    """
    with _STATE.lock:
        if _STATE.recording is not None:
            raise AlreadyExistsError("Another profiler is running.")
        _STATE.recording = recording
        _watch_functions()
        if recording.level >= OPERATIONS:
            _watch_operations(recording)


def end(recording: Recording) -> list[Event]:
    """Ends the recording that is going on, and returns its events."""
    with _STATE.lock:
        _STATE.recording = None
        _watch_functions()
        if recording.level >= OPERATIONS:
            _leave_operations(recording)
    return recording.finished()


@export("profiler.experimental.stop", v1=[])
def stop(save: bool = True) -> None:
    """Stops the recording and writes it.

    Args:
      save: whether it is written.

    Raises:
      UnavailableError: no recording is going on.

    >>> tf.profiler.experimental.start(folder)
    >>> tf.profiler.experimental.stop(save=False)
    """
    recording = _STATE.recording
    if recording is None or recording.logdir is None:
        raise UnavailableError("Cannot export profiling results. No profiler is running.")
    events = end(recording)
    if save:
        root = os.path.join(recording.logdir, FOLDER)
        write_profile(root, new_session(), socket.gethostname(), events)


@export("profiler.experimental.Profile", v1=[])
class Profile:
    """A context that records what runs in it.

    Args:
      logdir: the folder to write to.
      options: a `tf.profiler.experimental.ProfilerOptions`.

    >>> with tf.profiler.experimental.Profile(folder):
    ...     total = tf.reduce_sum(tf.ones([10]))
    """

    def __init__(self, logdir: str, options: ProfilerOptions | None = None) -> None:
        self._logdir, self._options = logdir, options

    def __enter__(self) -> None:
        start(self._logdir, self._options)

    def __exit__(self, typ: Any, value: Any, tb: Any) -> None:
        stop()


def _plain(value: Any) -> int | float | str:
    """The value as files of profiles hold it."""
    number = value.item() if hasattr(value, "item") else value
    if isinstance(number, (bool, int)):
        return int(number)
    return number if isinstance(number, float) else str(value)


@export("profiler.experimental.Trace", v1=[])
class Trace:
    """A context that shows in profiles under a name.

    Args:
      name: what the recording shows.
      **kwargs: facts that the recording shows, such as `step_num`.

    >>> with tf.profiler.experimental.Trace("train", step_num=3):
    ...     x = tf.ones([8, 8]) @ tf.ones([8, 8])
    """

    def __init__(self, name: str, **kwargs: Any) -> None:
        self._name, self._metadata = name, kwargs
        self._begin: int | None = None

    def __enter__(self) -> "Trace":
        if _STATE.recording is not None:
            self._begin = time.perf_counter_ns()
        return self

    def set_metadata(self, **kwargs: Any) -> None:
        """Adds facts that the recording shows.

        Args:
          **kwargs: names and values.
        """
        self._metadata.update(kwargs)

    def __exit__(self, exc_type: Any, exc_val: Any, exc_tb: Any) -> None:
        if self._begin is None:
            return
        if _STATE.recording is not None:
            shown = {key: _plain(value) for key, value in self._metadata.items()}
            _STATE.recording.add(self._name, self._begin, shown)
        self._begin = None


def start_collecting_graphs() -> None:
    """Collects the graphs of the functions that run from now on."""
    with _STATE.lock:
        _STATE.graphs = {}
        _watch_functions()


def stop_collecting_graphs() -> list[Any]:
    with _STATE.lock:
        graphs = list((_STATE.graphs or {}).values())
        _STATE.graphs = None
        _watch_functions()
    return graphs
