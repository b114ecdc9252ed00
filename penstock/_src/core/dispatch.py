"""Dispatch of ops to the current graph or the eager executor, and the enclosing scopes.

`STATE` is thread-local. `STATE.graph` is the graph under construction, or None while executing eagerly. Tapes are notified
of every op, eager or in a graph.
"""

import collections
import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from penstock._src.util.process.quiet import quiet_context


class State(threading.local):
    """The current graph, tapes and scopes of a thread."""

    def __init__(self) -> None:
        self.graph: Any = None
        # The graph of the function being traced that an init_scope has left, or None.
        self.left_graph: Any = None
        self.tapes: tuple[Any, ...] = ()
        self.accumulators: tuple[Any, ...] = ()
        # Called with every operation added to a graph, including function bodies.
        self.graph_watchers: tuple[Callable[[Any], None], ...] = ()
        # Called with every op, eager or in a graph: see core/calls/op_callbacks.py.
        self.op_callbacks: tuple[Callable[..., Any], ...] = ()
        self.invoking_op_callbacks = False
        self.device: str | None = None
        # Part of the key of function traces besides the arguments: the device of a replica, or None outside of replicas.
        self.trace_context: Any = None
        self.eager_name_scope: str = ""
        self.default_graphs: list[Any] = []
        # Called instead of a variable's class, outermost first.
        self.variable_creators: list[Any] = []
        # The same for resources, by the names of their classes.
        self.resource_creators: dict[Any, list[Any]] = collections.defaultdict(list)
        # The id of the first output of the op whose gradient is being written into a graph.
        self.gradient_of: int | None = None
        # The thread's context in which NumPy does not warn, for native calls of ops.
        self.quiet_context = quiet_context()


STATE = State()


# Registered observers of every op: while there is one, constants are made by ops as well.
OBSERVED: list[Any] = []


def executing_eagerly() -> bool:
    """True if ops run at once."""
    return STATE.graph is None


def in_v1_graph() -> bool:
    """True if ops are added to a graph outside any function called eagerly, as in TensorFlow 1.

    There tensors compare and hash by identity.
    """
    graph = STATE.graph
    while graph is not None and graph.building_function:
        graph = graph.enclosing
    return graph is not None


def current_graph() -> Any:
    """Returns the graph under construction, or None."""
    return STATE.graph


@contextlib.contextmanager
def building(graph: Any) -> Iterator[Any]:
    """Within this block ops are added to `graph`, or run eagerly if it is None."""
    before = STATE.graph
    STATE.graph = graph
    try:
        yield graph
    finally:
        STATE.graph = before


def scope_in_graph(name: str | None, default: str) -> contextlib.AbstractContextManager[Any]:
    """The scope of a function that records several operations, named `name` or else `default`; eagerly nothing, and None."""
    graph = STATE.graph
    return contextlib.nullcontext() if graph is None else graph.name_scope(name or default)


@contextlib.contextmanager
def building_unrecorded(graph: Any) -> Iterator[Any]:
    """Within this block ops are added to `graph`, and neither tapes nor accumulators see them."""
    before = STATE.tapes, STATE.accumulators
    STATE.tapes, STATE.accumulators = (), ()
    try:
        with building(graph):
            yield graph
    finally:
        STATE.tapes, STATE.accumulators = before


@contextlib.contextmanager
def init_scope_graph(graph: Any) -> Iterator[None]:
    """Within this block ops are added to `graph`, or run eagerly if it is None, hidden from tapes."""
    before = STATE.tapes, STATE.left_graph
    STATE.tapes = ()
    if STATE.graph is not graph:
        STATE.left_graph = STATE.graph
    try:
        with building(graph):
            yield
    finally:
        STATE.tapes, STATE.left_graph = before


def record(op: Any, inputs: Sequence[Any], outputs: Sequence[Any]) -> None:
    """Records on all tapes that `op` (an `Op`) computed `outputs` from `inputs` (flat sequences of tensors)."""
    for tape in STATE.tapes:
        tape.record_op(op, inputs, outputs)
    for accumulator in STATE.accumulators:
        accumulator.record_op(op, inputs, outputs)


@contextlib.contextmanager
def device(name: str | None) -> Iterator[None]:
    """Sets the device of the ops within."""
    before = STATE.device
    STATE.device = name
    try:
        yield
    finally:
        STATE.device = before
