"""Summary writers, the default writer, the step, and the recording condition."""

import contextlib
import re
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from penstock._src.api.control import conditionals
from penstock._src.api.control.scopes import control_dependencies, get_name_scope, name_scope
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE
from penstock._src.core.registry import raw
from penstock._src.core.tensor import Tensor
from penstock._src.eager.context import init_scope
from penstock._src.eager.tensor import EagerTensor
from penstock._src.eager.trackable_resource import TrackableResource
from penstock._src.util.export import export

# The collection of operations that write summaries in a graph.
COLLECTION = "_SUMMARY_V2"


class _Current(threading.local):
    """The current writer, step and condition of a thread."""

    writer: "SummaryWriter | None" = None
    step: Any = None
    recording: Any = True


CURRENT = _Current()


@export("summary.SummaryWriter", v1=[])
class SummaryWriter:
    """Writes summaries to files; `tf.summary.create_file_writer` makes one.

    Args:
      resource: the resource of the writer.
      create: what makes the resource.

    >>> writer = tf.summary.create_file_writer(folder)
    >>> with writer.as_default(step=1):
    ...     written = tf.summary.scalar("loss", 0.5)
    >>> writer.flush()
    """

    def __init__(self, resource: Any = None, create: Callable[[], Any] | None = None) -> None:
        self._resource = resource
        self._create = create
        self._closed = False
        self._init_op = create() if create is not None else None

    def set_as_default(self, step: Any = None) -> None:
        """Makes this the writer of all summaries from here on.

        Args:
          step: the step of summaries that name none.
        """
        self._check_open("set_as_default")
        if self._resource is None:
            return
        CURRENT.writer = self
        if step is not None:
            CURRENT.step = step

    @contextlib.contextmanager
    def as_default(self, step: Any = None) -> Iterator["SummaryWriter"]:
        """A context in which this is the writer of all summaries.

        Args:
          step: the step of summaries that name none.

        Returns:
          A context manager.
        """
        self._check_open("as_default")
        if self._resource is None:  # as if there were no such context
            yield self
            return
        before = CURRENT.writer, CURRENT.step
        CURRENT.writer = self
        if step is not None:
            CURRENT.step = step
        try:
            yield self
            self.flush()
        finally:
            CURRENT.writer = before[0]
            if step is not None:
                CURRENT.step = before[1]

    def init(self) -> Any:
        """Returns the operation that opens the file, in a graph of TensorFlow 1.

        Returns:
          An operation.
        """
        self._check_open("init")
        return self._init_op

    def flush(self) -> Any:
        """Writes the buffered events.

        Returns:
          In a graph an operation, else None.
        """
        if self._closed or self._resource is None:
            return None
        return raw.FlushSummaryWriter(writer=self._resource)

    def close(self) -> Any:
        """Writes what is buffered and closes the file.

        Returns:
          In a graph an operation, else None.
        """
        if self._closed or self._resource is None:
            return None
        self._closed = STATE.graph is None
        return raw.CloseSummaryWriter(writer=self._resource)

    def _check_open(self, what: str) -> None:
        if self._closed:
            raise RuntimeError(f"SummaryWriter is already closed: {what}")


class TrackableSummaryWriter(TrackableResource, SummaryWriter):
    """A writer that SavedModels hold: a loaded model opens a file of its own.

    Args:
      make: returns the handle of a new writer.
      opened: opens the file of the writer with a handle.
    """

    def __init__(self, make: Callable[[], Any], opened: Callable[[Any], Any]) -> None:
        TrackableResource.__init__(self)
        self._make, self._open = make, opened
        SummaryWriter.__init__(self, self.resource_handle, self._initialize)

    def _create_resource(self) -> Any:
        return self._make()

    def _initialize(self) -> Any:
        return self._open(self.resource_handle)

    def _destroy_resource(self) -> None:
        raw.CloseSummaryWriter(writer=self.resource_handle)


@export("summary.create_file_writer", v1=[])
def create_file_writer(
    logdir: Any,
    max_queue: int | None = None,
    flush_millis: int | None = None,
    filename_suffix: str | None = None,
    name: str | None = None,
    experimental_trackable: bool = False,
    experimental_mesh: Any = None,
) -> SummaryWriter:
    """Returns a writer of an event file in the folder `logdir`.

    Args:
      logdir: a folder, made if there is none.
      max_queue: how many summaries to hold before they go to the file; by default 10.
      flush_millis: the longest time between flushes; by default 120,000.
      filename_suffix: of the file; by default ".v2".
      name: a name by which sessions share the writer.
      experimental_trackable: whether a SavedModel whose functions write to it holds the writer, and opens a file of its
        own in that folder when it is loaded.
      experimental_mesh: accepted.

    Returns:
      A `tf.summary.SummaryWriter`.

    Raises:
      ValueError: `logdir` is None.

    >>> writer = tf.summary.create_file_writer(folder)
    >>> with writer.as_default(step=1):
    ...     written = tf.summary.scalar("loss", 0.5)
    >>> writer.close()
    """
    if logdir is None:
        raise ValueError("create_file_writer: Argument `logdir` cannot be None")
    with init_scope():
        arguments = {"logdir": logdir, "max_queue": max_queue, "flush_millis": flush_millis}
        for argument, value in (arguments | {"filename_suffix": filename_suffix}).items():
            if STATE.graph is None and isinstance(value, Tensor) and not hasattr(value, "numpy"):
                raise ValueError(
                    f'Invalid graph Tensor argument "{argument}={value}" to create_file_writer() inside '
                    "an eager context"
                )

        def make() -> Any:
            return raw.SummaryWriter(shared_name=name or "")

        def opened(resource: Any) -> Any:
            return raw.CreateSummaryFileWriter(
                writer=resource,
                logdir=convert_to_tensor(_path(logdir), dtype=dtypes.string),
                max_queue=np.int32(10 if max_queue is None else max_queue),
                flush_millis=np.int32(120_000 if flush_millis is None else flush_millis),
                filename_suffix=".v2" if filename_suffix is None else filename_suffix,
            )

        if experimental_trackable:
            return TrackableSummaryWriter(make, opened)
        resource = make()
        return SummaryWriter(resource, lambda: opened(resource))


def _path(logdir: Any) -> Any:
    return logdir if isinstance(logdir, (str, bytes, Tensor)) else str(logdir)


@export("summary.create_noop_writer", v1=[])
def create_noop_writer() -> SummaryWriter:
    """Returns a writer that writes nothing.

    Returns:
      A SummaryWriter.
    """
    return SummaryWriter()


@export("summary.flush", v1=[])
def flush(writer: SummaryWriter | None = None, name: str | None = None) -> Any:
    """Flushes `writer`, or the default writer.

    Args:
      writer: a SummaryWriter; None for the default one.
      name: accepted.

    Returns:
      In a graph the operation, else None.

    Raises:
      ValueError: `writer` is something else.
    """
    target = CURRENT.writer if writer is None else writer
    if target is not None and not isinstance(target, SummaryWriter):
        raise ValueError(f"Invalid argument to flush(): {writer!r}")
    return None if target is None else target.flush()


@export("summary.experimental.get_step", v1=[])
def get_step() -> Any:
    """Returns the default step of the thread.

    Returns:
      What was set, or None.
    """
    return CURRENT.step


@export("summary.experimental.set_step", v1=[])
def set_step(step: Any) -> None:
    """Sets the default step of the thread.

    Args:
      step: a number, an int64 variable or None.
    """
    CURRENT.step = step


@export("summary.record_if", v1=[])
@contextlib.contextmanager
def record_if(condition: Any) -> Iterator[None]:
    """A context in which summaries are written only if a condition holds.

    Args:
      condition: a bool, a bool scalar, or a function without arguments that returns one.

    Returns:
      A context manager.
    """
    before, CURRENT.recording = CURRENT.recording, condition
    try:
        yield
    finally:
        CURRENT.recording = before


@export("summary.should_record_summaries", v1=[])
def should_record_summaries() -> Any:
    """Return a bool tensor: True if there is a default writer and the condition of `record_if` holds.

    Returns:
      A bool scalar.
    """
    return convert_to_tensor(recording())


def recording() -> Any:
    """`should_record_summaries` as a Python bool if it is known, else as a tensor."""
    if CURRENT.writer is None:
        return False
    condition = CURRENT.recording
    condition = condition() if callable(condition) else condition
    if isinstance(condition, EagerTensor):
        return bool(condition)
    return condition


@export("summary.experimental.summary_scope", v1=[])
@contextlib.contextmanager
def summary_scope(
    name: str, default_name: str = "summary", values: Any = None
) -> Iterator[tuple[str, str]]:
    """A context that gives the (tag, scope) of a summary of that name.

    Args:
      name: of the summary.
      default_name: what takes its place if it is empty.
      values: accepted.

    Returns:
      A context manager.
    """
    name = name or default_name
    current = get_name_scope()
    tag = f"{current}/{name}" if current else name
    cleaned = re.sub(r"[^-_/.A-Za-z0-9]", "", name).lstrip("/-_.") or default_name
    with name_scope(cleaned) as scope:
        yield tag, scope


def when_recording(write: Callable[[Any, Any], Any], step: Any) -> Any:
    """Calls `write(resource, step)` if summaries are to be written; returns whether they were.

    Raises:
      ValueError: there is a writer but no step.
    """
    writer = CURRENT.writer
    if writer is None or writer._resource is None:
        return convert_to_tensor(False)
    written = _written(writer, write, step)
    if STATE.graph is not None:
        STATE.graph.add_to_collection(COLLECTION, written)
    return written


def _written(writer: SummaryWriter, write: Callable[[Any, Any], Any], step: Any) -> Any:
    wanted = recording()
    if wanted is False:
        return convert_to_tensor(False)
    if step is None:
        step = CURRENT.step
        step = (
            step()
            if callable(step) and not isinstance(step, Tensor) and not hasattr(step, "assign")
            else step
        )
        if step is None:
            raise ValueError(
                "No step set. Please specify one either through the `step` argument or through "
                "tf.summary.experimental.set_step()"
            )
    number = raw.Cast(x=convert_to_tensor(step), DstT=dtypes.int64)

    def record() -> Any:
        written = write(writer._resource, number)
        with control_dependencies([] if STATE.graph is None else [written]):
            return convert_to_tensor(True)

    if not isinstance(wanted, Tensor):
        return record()
    return conditionals.cond(wanted, record, lambda: convert_to_tensor(False))
