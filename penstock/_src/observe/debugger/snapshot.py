"""The initial state of a run, kept so that it can be repeated, and the values that the host computed meanwhile."""

from __future__ import annotations

import collections
import contextlib
import threading
from collections.abc import Iterator, Sequence
from typing import Any

from penstock._src.core.values import kernel_state
from penstock._src.core.values.resources import VariableHandle
from penstock._src.graph.library import GraphFunction
from penstock._src.graph.operation import Operation
from penstock._src.util.run_observers import RESULT_OBSERVERS

# A graph and the name of an operation in it.
Place = tuple[int, str]


class Snapshot:
    """Inputs, variables and positions of random numbers before a run. `results` are those of operations that the host must not run twice.

    Arrays are not copied: a compiled program copies a variable that it writes while somebody else holds its array.
    """

    def __init__(self, function: GraphFunction, values: Sequence[Any]) -> None:
        self.function, self.values = function, list(values)
        variables = [*values, *getattr(function, "variables", list)()]
        handles = {id(v): v for v in variables if isinstance(v, VariableHandle)}
        self.handles = list(handles.values())
        self.before = State(self)
        self.results: dict[Place, collections.deque[list[Any]]] = {}

    @contextlib.contextmanager
    def of_this_run(self) -> Iterator[None]:
        """Within this block results of the host are kept."""
        thread = threading.get_ident()

        def keep(op: Operation, results: Sequence[Any]) -> None:
            if threading.get_ident() == thread and is_kept(op):
                runs = self.results.setdefault(place_of(op), collections.deque())
                runs.append(list(results))

        def keep_start(states: dict[Any, Any], key: Any, state: Any) -> None:
            if states is self.function.kernel_states:
                self.before.positions[key] = state

        RESULT_OBSERVERS.append(keep)
        kernel_state.STARTED.append(keep_start)
        try:
            yield
        finally:
            RESULT_OBSERVERS.remove(keep)
            kernel_state.STARTED.remove(keep_start)

    @contextlib.contextmanager
    def put_back(self) -> Iterator[None]:
        """Within this block variables have the values from before the run, afterwards those that they had."""
        after = State(self)
        self.before.restore(self)
        try:
            yield
        finally:
            after.restore(self)


class State:
    """Values of variables, and positions of the random numbers of a function, at some time."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.arrays = [handle.value for handle in snapshot.handles]
        self.positions = dict(snapshot.function.kernel_states)

    def restore(self, snapshot: Snapshot) -> None:
        """Makes this the state of now."""
        for handle, array in zip(snapshot.handles, self.arrays, strict=True):
            handle.value = array
            handle.version += 1
        states = snapshot.function.kernel_states
        states.clear()
        states.update(self.positions)


def place_of(op: Operation) -> Place:
    """The key of an operation."""
    return id(op.graph), op.name


def is_kept(op: Operation) -> bool:
    """True if an operation that ran on the host is not repeated: it has effects, or gives something else each time."""
    raw = op.raw_op
    if not raw.stateful or raw.flow.control or raw.effects.reads_only or raw.traits.has_refs:
        return False
    return not any(_is_variable(t) for t in op._inputs)


def _is_variable(tensor: Any) -> bool:
    """True if a tensor is the handle of a variable, as far as its graph shows."""
    data = tensor._handle_data
    return tensor.dtype.name == "resource" and bool(data)
