"""Order of operations with effects in graphs: `tensorflow.python.framework.auto_control_deps`."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from penstock._src.api.control.tensor_array import TensorArray
from penstock._src.core.dispatch import STATE, executing_eagerly
from penstock._src.core.registry import raw
from penstock._src.graph.control import chained
from penstock._src.graph.operation import Operation
from penstock._src.util import nest

# Operations that run in any order, but before the results are returned.
MUST_RUN_ORDER_INSENSITIVE_STATEFUL_OPS: frozenset[str] = frozenset()


class AutomaticControlDependencies:
    """A context in which operations of a graph that have effects run, in program order, before what is marked as returned.

    Functions order their operations so by themselves; this is for graphs of sessions. Eagerly it has no effect.
    """

    def __init__(self) -> None:
        self._returned: list[Any] = []
        self._independent: list[Operation] = []
        self.ops_which_must_run: set[Operation] = set()
        self._graph: Any = None
        self._start = 0
        self._before = False

    def mark_as_return(self, tensor: Any) -> Any:
        """Returns a copy of a tensor, TensorArray or composite, which has its value after all effects."""
        if isinstance(tensor, TensorArray):
            return tensor._next(self._marked(tensor.flow))
        return nest.map_structure(self._marked, tensor, expand_composites=True)

    def _marked(self, tensor: Any) -> Any:
        copied = raw.Identity(input=tensor)
        self._returned.append(copied)
        return copied

    def run_independently(self, op: Operation) -> None:
        """Allows an operation to run at any time before the returned values."""
        self._independent.append(op)

    def __enter__(self) -> AutomaticControlDependencies:
        if not executing_eagerly():
            self._graph = STATE.graph
            self._start = self._graph.num_operations()
            self._graph.experimental_acd_manager = self
            # the functions of conditions and loops then keep their effects
            self._before, self._graph.keeps_program_order = self._graph.keeps_program_order, True
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        if self._graph is None:
            return
        self._graph.keeps_program_order = self._before
        if kind is not None:
            return
        if STATE.graph is not self._graph:
            raise RuntimeError(
                "Within the automatic control dependency context, the default graph cannot change. "
                f"Upon entry it was {self._graph}, but on exit it changed to {STATE.graph}"
            )
        self._graph.experimental_acd_manager = None
        added = self._graph.get_operations()[self._start :]
        free = MUST_RUN_ORDER_INSENSITIVE_STATEFUL_OPS
        self._independent += [op for op in added if op.type in free]
        ordered = [op for op in added if op not in self._independent]
        self.ops_which_must_run |= {*chained(ordered), *self._independent}
        for tensor in self._returned:
            tensor.op._add_control_inputs(self.ops_which_must_run)


def automatic_control_dependencies(f: Callable[..., Any]) -> Callable[..., Any]:
    """Returns a function whose operations run in program order, before its results."""

    @functools.wraps(f)
    def ordered(*args: Any, **kwargs: Any) -> Any:
        with AutomaticControlDependencies() as context:
            result = f(*args, **kwargs)
            return nest.map_structure(context.mark_as_return, result)

    return ordered
