"""Lines of the user's program as they ran while a graph was built: which operations each added, and what its names stood for.

They are recorded only for functions that are debugged. `function/autograph/line_tracer.py` records, `observe/debugger` replays them.
"""

from __future__ import annotations

import contextlib
import dataclasses
import inspect
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import CodeType, FrameType
from typing import Any

from penstock._src.core.tensor import NEXT_MOMENT
from penstock._src.util.dataclass import dataclass


@dataclass(eq=False)
class Mark:
    """A breakpoint that was reached while a graph was built: `when` takes names of the program, `streams` are the prompt's, or None.

    In a graph of TensorFlow 1 the lines have already run when the breakpoint is reached: `frame` is the line's stack frame there.
    """

    when: Callable[..., Any] | None = None
    streams: tuple[Any, Any] | None = None
    frame: FrameType | None = None
    number: int = 0
    moment: int = dataclasses.field(default_factory=NEXT_MOMENT)


@dataclass(eq=False)
class Line:
    """A line that was about to run: operations made later have larger moments, `size` is how many the graph had. And the names bound since
    the line before."""

    number: int
    moment: int
    size: int
    bound: dict[str, Any]
    unbound: tuple[str, ...] = ()
    calls: list[tuple[int, Activation]] = dataclasses.field(default_factory=list)
    marks: list[Mark] = dataclasses.field(default_factory=list)


@dataclass(eq=False)
class Activation:
    """A call of one of the user's functions. Its last line is where it ended, after all operations.

    `caller` is the activation that called it, also where that one adds to a graph around this one's.
    """

    code: CodeType
    names: dict[str, Any]  # the globals of the function
    graph: Any
    caller: Activation | None
    lines: list[Line] = dataclasses.field(default_factory=list)
    result: Any = None

    @property
    def is_body(self) -> bool:
        """True if it is the body of a loop or branch that AutoGraph turned into a function."""
        around = self.caller
        return (
            around is not None
            and around.code is not self.code
            and around.code.co_name == self.code.co_name
            and around.code.co_filename == self.code.co_filename
            and around.code.co_firstlineno <= self.code.co_firstlineno
        )


class _Current(threading.local):
    stack: list[Activation] | None = None  # while lines are recorded
    records_all = False  # whether all functions that this thread traces are to be debugged


class _Seen:
    marks = False  # whether any graph has had a mark


CURRENT = _Current()


def mark(breakpoint_mark: Mark, graph: Any) -> None:
    """Adds a breakpoint after the last operation of the graph that is being built."""
    _Seen.marks = True
    graph.breakpoints = (*graph.breakpoints, breakpoint_mark)
    if CURRENT.stack and CURRENT.stack[-1].graph is graph:
        CURRENT.stack[-1].lines[-1].marks.append(breakpoint_mark)


def note_gradients(graph: Any, ids: Sequence[int], gradients: Sequence[Any]) -> None:
    """Records which tensors of a graph are the gradients of tensors with these ids."""
    if graph is not None and (CURRENT.stack is not None or graph.breakpoints):
        pairs = zip(ids, gradients, strict=True)
        known = {key: gradient for key, gradient in pairs if gradient is not None}
        graph.gradients = {**graph.gradients, **known}


def is_recording() -> bool:
    """True while lines are recorded in this thread."""
    return CURRENT.stack is not None


@contextlib.contextmanager
def recorded_into(stack: list[Activation]) -> Iterator[None]:
    """Within this block lines of this thread are recorded; `stack` holds the activations that run."""
    before, CURRENT.stack = CURRENT.stack, stack
    try:
        yield
    finally:
        CURRENT.stack = before


def has_breakpoints(graph: Any) -> bool:
    """True if a graph, or one that its operations run, has a breakpoint."""
    return _Seen.marks and any(inner.breakpoints for inner in with_inner(graph))


def calls_of(graph: Any) -> list[Activation]:
    """All calls of the user's functions that were recorded in a graph, callers first; without those in its loops and branches."""
    calls = [call for _, call in graph.activations]
    for call in calls:  # which grows
        calls += [inner for line in call.lines for _, inner in line.calls]
    return calls


def with_inner(graph: Any) -> Iterator[Any]:
    """A graph and those of the loops, branches and calls in it."""
    pending, seen = [graph], {id(graph)}
    while pending:
        current = pending.pop()
        yield current
        for operation in current._operations:
            for inner in [function.graph for function in functions_of(operation)]:
                if id(inner) not in seen:
                    seen.add(id(inner))
                    pending.append(inner)


def functions_of(operation: Any) -> list[Any]:
    """The functions that an operation runs."""
    values = operation.raw_op.attrs.values()
    leaves = (leaf for v in values for leaf in (v if isinstance(v, tuple) else (v,)))
    return [leaf for leaf in leaves if getattr(leaf, "graph", None) is not None]


def holds(condition: Callable[..., Any], names: Mapping[str, Any]) -> bool:
    """True if a condition holds; its parameters get the values of the program's variables of the same names.

    Raises:
      NameError: the program has no such name there.
    """
    parameters = list(inspect.signature(condition).parameters)
    missing = [name for name in parameters if name not in names]
    if missing:
        raise NameError(
            f"tf.debugging.breakpoint: the condition takes {', '.join(missing)}, which the line does not have. "
            f"It has {', '.join(sorted(names))}."
        )
    return bool(condition(**{name: names[name] for name in parameters}))
