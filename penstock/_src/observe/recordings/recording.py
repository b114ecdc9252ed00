"""tf.debugging.recording: keeps the initial states of the last runs of compiled functions."""

from __future__ import annotations

import collections
import contextlib
import os
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from penstock._src.core.errors import InvalidArgumentError, OpError
from penstock._src.graph.operation import Operation
from penstock._src.observe.debugger import conditions
from penstock._src.observe.debugger.sessions import SessionFunction
from penstock._src.observe.debugger.snapshot import Snapshot
from penstock._src.observe.recordings import files
from penstock._src.observe.recordings.overview.ranges import numbers_of
from penstock._src.observe.recordings.run import Results, Run
from penstock._src.util.export import export
from penstock._src.util.names import label_of_function


class Recorder:
    """The ring of the last runs, and the first one whose results are not finite.

    Args:
      last: how many it keeps of each function.
    """

    def __init__(self, last: int) -> None:
        self._last = last
        self._counts: collections.Counter[str] = collections.Counter()
        self._rings: dict[_Key, collections.deque[Run]] = {}
        self._first_bad: dict[_Key, Run] = {}

    def add(self, snapshot: Snapshot, results: Sequence[Any]) -> None:
        """Keeps the initial state of a run, and its results."""
        label = label_of_function(snapshot.function.name)
        host = {place: list(values) for place, values in snapshot.results.items()}
        key = label, frozenset(map(id, snapshot.handles))
        ring = self._rings.setdefault(key, collections.deque(maxlen=self._last))
        after = [handle.value for handle in snapshot.handles]
        values = _repeated(snapshot)
        run = Run(label, self._counts[label], snapshot, host, list(results), after, values)
        ring.append(run)
        self._counts[label] += 1
        if key not in self._first_bad and any(map(_is_bad, results)):
            self._first_bad[key] = run

    def runs(self) -> list[Run]:
        """Returns the runs that it keeps."""
        kept = []
        for key, ring in self._rings.items():
            first = self._first_bad.get(key)
            if first is not None and first not in ring:
                kept.append(first)
            kept += ring
        return kept


# A function's name and its variables: Keras's steps of training and of evaluation have one name.
_Key = tuple[str, frozenset[int]]


# Results with more elements are not searched for NaN: the loss is a number.
_SMALL = 1000


def _is_bad(value: Any) -> bool:
    """True of a small result, such as a loss, that is not finite."""
    numbers = numbers_of(value)
    return numbers is not None and numbers.size <= _SMALL and not np.isfinite(numbers).all()


def _repeated(snapshot: Snapshot) -> list[Results] | None:
    """The results of the operations of a session's run; None for functions, which can be repeated later."""
    if not isinstance(snapshot.function, SessionFunction):
        return None
    recorded: list[Results] = []

    def note(op: Operation, results: Sequence[Any]) -> None:
        recorded.append((op, [np.array(r) if isinstance(r, np.ndarray) else None for r in results]))

    with contextlib.suppress(OpError):  # the run ended so, too
        snapshot.function.repeated(snapshot, note)
    return recorded


@export("debugging.recording", v1=[])
@contextlib.contextmanager
def recording(
    folder: str | os.PathLike, last: int = 10, operations: bool = False
) -> Iterator[None]:
    """Records what compiled functions begin with, so that their last runs can be repeated line by line: `penstock replay`, `penstock diff`.

    The first run whose loss is not finite is kept, too. Kept are inputs, variables and positions of random numbers before a run, and what the host gave it, such as elements of datasets. They are
    written when the block ends, also by an error. Functions are traced anew for the block; outside of it nothing costs anything. Runs of TensorFlow 1's
    sessions are repeated at once, and kept with what each operation gave, also in loops and conditions of Switch and Merge.

    Args:
      folder: where the recording is written; it is made if it does not exist.
      last: how many runs are kept of each function. Each keeps the variables that it changed.
      operations: also keeps what each operation of these runs computes compiled, here and now, so that recordings of two versions, devices or
        numbers of threads can be compared operation by operation. The functions are compiled once more, at the end of the block. A loop
        is one operation.

    Yields:
      None.

    Raises:
      InvalidArgumentError: `last` is less than 1.

    >>> import tempfile
    >>> double = tf.function(lambda x: x * 2.0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with tf.debugging.recording(folder):
    ...         y = double(tf.constant([1.0, 2.0]))
    ...     import os
    ...     "recording.json" in os.listdir(folder)
    True
    """
    if last < 1:
        raise InvalidArgumentError(
            f"tf.debugging.recording: last must be at least 1. Received {last}."
        )
    os.makedirs(folder, exist_ok=True)  # a folder that cannot be made is refused before the runs
    recorder = Recorder(last)
    try:
        with conditions.recorded_traces(), conditions.recorded_by(recorder):
            yield
    finally:
        files.write(os.fspath(folder), recorder.runs(), operations)
