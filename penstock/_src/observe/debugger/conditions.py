"""tf.debugging.stop_at: stops that the program does not name itself."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np

from penstock._src.core.calls import lines
from penstock._src.core.dispatch import STATE
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.eager.tensor import EagerTensor
from penstock._src.util.export import export

_WORDS = ("nan", "infinity", "error", "shape")
_LIMIT = re.compile(r"\s*(\w+)\s*([<>])\s*([-+.\w]+)\s*")


@dataclasses.dataclass(frozen=True)
class Limit:
    """A number that a name of the program must not pass, such as "loss > 10"."""

    name: str
    is_upper: bool
    number: float

    def passed_by(self, value: Any) -> float | None:
        """The element of a value that passes it most; None if none does, or the value is not a numeric tensor."""
        array = value.numpy() if isinstance(value, EagerTensor) else value
        if not isinstance(array, np.ndarray | np.generic | float | int) or not np.size(array):
            return None
        try:
            wide = np.asarray(array, np.float64)
        except (TypeError, ValueError):  # strings, complex numbers
            return None
        with np.errstate(invalid="ignore"):
            passing = wide[wide > self.number if self.is_upper else wide < self.number]
        if not passing.size:
            return None
        return float(passing.max() if self.is_upper else passing.min())

    def __str__(self) -> str:
        return f"{self.name} {'>' if self.is_upper else '<'} {self.number:g}"


@dataclasses.dataclass(frozen=True)
class Conditions:
    """The conditions at which functions stop, besides breakpoints."""

    words: frozenset[str] = frozenset()
    places: tuple[tuple[str, int], ...] = ()  # ends of files' paths, and lines
    streams: tuple[Any, Any] | None = None
    recorder: Any = None  # is given the snapshot of each run
    limits: tuple[Limit, ...] = ()
    # The last shape of each name at a line, for the word "shape".
    shapes: dict[tuple[str, int, str], tuple[int | None, ...]] = dataclasses.field(
        default_factory=dict
    )

    def is_place(self, file: str, line: int) -> bool:
        """True if to stop at a line of a file."""
        return any(number == line and _is_end(end, file) for end, number in self.places)

    def looks_at_names(self) -> bool:
        """True if values of names are looked at, in all runs."""
        return bool(self.limits) or "shape" in self.words

    def changed_shape(self, file: str, line: int, name: str, value: Any) -> str:
        """Says that a name stands for a tensor of another shape than when it was last looked at there; else an empty string."""
        if "shape" not in self.words or not isinstance(value, EagerTensor):
            return ""
        shape = tuple(value.shape.as_list())
        before = self.shapes.setdefault((file, line, name), shape)
        self.shapes[file, line, name] = shape
        return "" if before == shape else f"{name} has shape {list(shape)}, was {list(before)}"

    def bad_element(self, array: Any) -> tuple[str, tuple[int, ...]]:
        """Returns "NaN" or "infinity" and the index of the first such element that is looked for; else an empty string."""
        if not isinstance(array, np.ndarray) or not self.words & {"nan", "infinity"}:
            return "", ()
        if array.dtype.kind not in "fcV" or array.dtype.names:
            return "", ()
        with np.errstate(invalid="ignore"):
            wide = array if array.dtype.kind in "fc" else array.astype(np.float32)
            if np.isfinite(wide).all():
                return "", ()
        for word, name, bad in (
            ("nan", "NaN", np.isnan(wide)),
            ("infinity", "infinity", np.isinf(wide)),
        ):
            if word in self.words and bad.any():
                return name, tuple(int(i) for i in np.argwhere(bad)[0])
        return "", ()


class _Here(threading.local):
    conditions: Conditions | None = None


_HERE = _Here()


def of_this_thread() -> Conditions | None:
    """The conditions that hold in this thread."""
    return _HERE.conditions


@export("debugging.stop_at", v1=[])
@contextlib.contextmanager
def stop_at(*where: str, stdin: Any = None, stdout: Any = None) -> Iterator[None]:
    """Within this block compiled functions stop in the debugger where something goes wrong, or at lines.

    Functions are traced anew for the block. Each run keeps its inputs. If a result or variable is then not finite, or the run raises, or the
    function has one of the lines, the run is repeated line by line, and `pdb` opens there, with the names of the program as tensors with values.
    For "shape" and limits each run is repeated.

    Args:
      *where: "nan" or "infinity": the first operation that makes such a value; "error": the operation that raises; "model.py:40": line 40 of
        a file whose path ends in this; "shape": where a name of the program stands for a tensor of another shape than when the line ran before;
        "loss > 10" or "d_h < -1e3": where a name, or a gradient of one (`d_`), has an element beyond a number.
      stdin, stdout: files of the dialogue, by default the terminal or notebook.

    Yields:
      None.

    Raises:
      InvalidArgumentError: a place is none of these.

    >>> import io
    >>> @tf.function
    ... def f(x):
    ...     y = tf.math.log(x)
    ...     return y * 2.0
    >>> dialogue = io.StringIO()
    >>> with tf.debugging.stop_at("nan", stdin=io.StringIO("p x.numpy().tolist()\\nc\\n"), stdout=dialogue):
    ...     y = f(tf.constant([1.0, -1.0]))
    >>> "first NaN at [1] in Log" in dialogue.getvalue(), "[1.0, -1.0]" in dialogue.getvalue()
    (True, True)
    """
    words = frozenset(place for place in where if place in _WORDS)
    others = [place for place in where if place not in _WORDS]
    limits = tuple(limit for limit in map(_limit, others) if limit is not None)
    places = tuple(_place(place) for place in others if _limit(place) is None)
    streams = None if stdin is None and stdout is None else (stdin, stdout)
    with recorded_traces():
        recorder = None if _HERE.conditions is None else _HERE.conditions.recorder
        with _holding(Conditions(words, places, streams, recorder, limits)):
            yield


@contextlib.contextmanager
def recorded_by(recorder: Any) -> Iterator[None]:
    """Within this block a recorder is given the snapshot of each run."""
    before = _HERE.conditions or Conditions()
    with _holding(dataclasses.replace(before, recorder=recorder)):
        yield


@contextlib.contextmanager
def _holding(conditions: Conditions) -> Iterator[None]:
    before, _HERE.conditions = _HERE.conditions, conditions
    try:
        yield
    finally:
        _HERE.conditions = before


@contextlib.contextmanager
def recorded_traces() -> Iterator[None]:
    """Within this block functions are traced again, and their lines are recorded."""
    context, records_all = STATE.trace_context, lines.CURRENT.records_all
    STATE.trace_context = ("debugged", context)
    lines.CURRENT.records_all = True
    try:
        yield
    finally:
        STATE.trace_context, lines.CURRENT.records_all = context, records_all


def _limit(text: str) -> Limit | None:
    match = _LIMIT.fullmatch(text)
    if match is None:
        return None
    try:
        return Limit(match[1], match[2] == ">", float(match[3]))
    except ValueError:
        return None


def _place(text: str) -> tuple[str, int]:
    file, _, line = text.rpartition(":")
    if not file or not line.isdigit():
        raise InvalidArgumentError(
            f"tf.debugging.stop_at: expected one of {', '.join(_WORDS)}, FILE:LINE, or NAME > NUMBER. Received '{text}'."
        )
    return file, int(line)


def _is_end(end: str, file: str) -> bool:
    """True if a path ends in these folders and this name."""
    return file == end or file.endswith(os.sep + end)


def has_place(graph: Any, conditions: Conditions) -> bool:
    """True if a graph, or one that it runs, has a line to stop at."""
    if not conditions.places:
        return False
    return any(
        conditions.is_place(call.code.co_filename, line.number)
        for inner in lines.with_inner(graph)
        for call in lines.calls_of(inner)
        for line in call.lines
    )
