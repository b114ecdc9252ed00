"""Records the lines of the user's program while functions are traced: see `core/calls/lines.py`."""

import contextlib
import inspect
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from types import CodeType, FrameType, FunctionType
from typing import Any

from penstock._src.core.calls import lines
from penstock._src.core.calls.lines import Activation, Line
from penstock._src.core.dispatch import STATE
from penstock._src.core.tensor import NEXT_MOMENT, Tensor
from penstock._src.function.autograph.undefined import Undefined
from penstock._src.util.locations import belongs_to_library, is_users

_SITE = f"{os.sep}site-packages{os.sep}"
_UNNAMED = ("<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>")
_GENERATORS = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR
# Containers with more items than this are kept as they are, and not as they were at each line.
_MOST_ITEMS = 256

_are_recorded: dict[CodeType, bool] = {}


def recorded_lines() -> contextlib.AbstractContextManager[None]:
    """Within this block the lines of user code that add operations to graphs are recorded in these graphs.

    Other tracers of this thread, such as a debugger's, are suspended meanwhile. If another thread enters the block, its calls count as
    made by the current line.
    """
    return _recorded(list(lines.CURRENT.stack or ()))


@contextlib.contextmanager
def _recorded(stack: list[Activation]) -> Iterator[None]:
    tracer = _Tracer(stack)
    before, set_trace = sys.gettrace(), _set_trace()
    context = STATE.trace_context
    with lines.recorded_into(tracer.stack):
        STATE.trace_context = ("debugged", context)  # functions that are called are traced, too
        set_trace(tracer.called)
        try:
            yield
        finally:
            set_trace(before)
            STATE.trace_context = context


def _set_trace() -> Callable[[Any], None]:
    """Python's own `sys.settrace`; debugpy replaces it by one that warns when others call it."""
    holder = getattr(sys.modules.get("pydevd_tracing"), "TracingFunctionHolder", None)
    return getattr(holder, "_original_tracing", None) or sys.settrace


class _Tracer:
    """Python's trace functions for one thread."""

    def __init__(self, stack: list[Activation]) -> None:
        self.stack = stack

    def called(self, frame: FrameType, event: str, argument: Any) -> Callable[..., Any] | None:
        """Begins an activation; returns the trace function of the frame."""
        code, graph = frame.f_code, STATE.graph
        if graph is None or not _is_recorded(code):
            return None
        activation = Activation(
            code, frame.f_globals, graph, self.stack[-1] if self.stack else None
        )
        recorded = _Frame(activation, self.stack)
        self.stack.append(activation)
        return recorded.traced


class _Frame:
    """Records the lines of one activation."""

    def __init__(self, activation: Activation, stack: list[Activation]) -> None:
        self.activation, self.stack = activation, stack
        self.held: dict[str, Any] = {}
        self.begin = NEXT_MOMENT()

    def traced(self, frame: FrameType, event: str, argument: Any) -> Callable[..., Any]:
        """Python's trace function of the frame."""
        if event == "line":
            self.add_line(frame)
        elif event == "return":
            self.add_line(frame)
            self.activation.result = _as_it_is(argument)
            self.end()
        return self.traced

    def add_line(self, frame: FrameType) -> None:
        """Adds a line, unless only helper code of AutoGraph ran since the last one."""
        activation = self.activation
        now = {
            name: _as_it_is(value)
            for name, value in frame.f_locals.items()
            if not _is_helper(name, value, activation.code)
        }
        bound = {n: v for n, v in now.items() if n not in self.held or not _same(v, self.held[n])}
        unbound = tuple(name for name in self.held if name not in now)
        self.held = now
        size = len(activation.graph._operations)
        line = Line(frame.f_lineno, NEXT_MOMENT(), size, bound, unbound)
        last = activation.lines[-1] if activation.lines else None
        if last is not None and _is_empty(last, line) and "ag__" in frame.f_locals:
            line.bound = {**last.bound, **bound}
            line.unbound = last.unbound
            activation.lines.pop()
        activation.lines.append(line)

    def end(self) -> None:
        """Puts the activation where it was called: in a line of its caller, or in its graph."""
        activation = self.activation
        self.stack.remove(activation)
        if _is_accessor(activation) or _is_idle(activation):
            return
        caller = activation.caller
        if caller is not None and caller.graph is activation.graph and caller.lines:
            caller.lines[-1].calls.append((self.begin, activation))
        else:
            activation.graph.activations = (*activation.graph.activations, (self.begin, activation))


def _is_recorded(code: CodeType) -> bool:
    """True if the lines of a function are the user's."""
    known = _are_recorded.get(code)
    if known is None:
        file = code.co_filename
        known = is_users(file) and not belongs_to_library(file) and not file.startswith("<string>")
        known = known and code.co_name not in _UNNAMED and not code.co_flags & _GENERATORS
        _are_recorded[code] = known
    return known


def _is_idle(activation: Activation) -> bool:
    """True if an installed package ran code that adds nothing to the graph, such as a progress bar."""
    first, last = activation.lines[0], activation.lines[-1]
    marks = any(line.marks for line in activation.lines)
    return first.size == last.size and not marks and _SITE in activation.code.co_filename


def _is_accessor(activation: Activation) -> bool:
    """True if an activation is one of the functions by which AutoGraph reads and sets the names of a loop or branch."""
    at = activation.code.co_firstlineno
    return activation.is_body and all(line.number == at for line in activation.lines)


def _is_empty(line: Line, following: Line) -> bool:
    """True if nothing visible to the user ran between two lines, of which the second is not later in the file."""
    if following.number > line.number:
        return False
    is_still = line.size == following.size and not line.calls and not line.marks
    return is_still and not following.bound and not following.unbound


def _is_helper(name: str, value: Any, code: CodeType) -> bool:
    """True if AutoGraph added a name, or it is not bound yet."""
    if name.startswith("ag__") or isinstance(value, Undefined):
        return True
    if not isinstance(value, FunctionType):
        return False
    candidate = value.__code__
    return (
        candidate.co_name == code.co_name
        and candidate.co_filename == code.co_filename
        and candidate is not code
    )


def _as_it_is(value: Any) -> Any:
    """Returns a copy of containers of tensors, which the program may change later; other values as they are."""
    kind = type(value)
    if kind in (list, tuple) and len(value) <= _MOST_ITEMS:
        items = [_as_it_is(item) for item in value]
        return kind(items) if _differ(items, value) else value
    if kind is dict and len(value) <= _MOST_ITEMS:
        items = [_as_it_is(item) for item in value.values()]
        return dict(zip(value, items)) if _differ(items, value.values()) else value
    return value


def _differ(copies: Iterable[Any], values: Iterable[Any]) -> bool:
    """True if the copy of a container is needed: it holds tensors, or containers that are copied."""
    pairs = zip(copies, values)
    return any(copy is not value or isinstance(value, Tensor) for copy, value in pairs)


def _same(value: Any, other: Any) -> bool:
    """True if two values are one object, containers aside."""
    kind = type(value)
    if kind is not type(other):
        return False
    if kind in (list, tuple):
        return len(value) == len(other) and all(map(_same, value, other))
    if kind is dict:
        return value.keys() == other.keys() and all(_same(value[k], other[k]) for k in other)
    return value is other
