"""A run of a function, repeated operation by operation on the host, together with the lines of the user's program."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from penstock._src.compiler.host.running import run_on_host
from penstock._src.core.calls.lines import Activation
from penstock._src.core.errors import OpError
from penstock._src.core.values import kernel_state
from penstock._src.eager.tensor import EagerTensor
from penstock._src.graph.library import GraphFunction
from penstock._src.graph.operation import Operation, SymbolicTensor
from penstock._src.observe.debugger.frames import Frames, Watcher, replaying
from penstock._src.observe.debugger.scope import Scope
from penstock._src.observe.debugger.snapshot import Snapshot, is_kept, place_of
from penstock._src.ops.control.functional import truth
from penstock._src.util import nest


class Replay:
    """Repeats the run that a snapshot was taken of."""

    def __init__(self, snapshot: Snapshot, watcher: Watcher) -> None:
        self.snapshot, self.watcher = snapshot, watcher
        self.scopes: list[Scope] = []
        self.frames = Frames(self, watcher)

    def run(self) -> list[Any]:
        """Returns the results, as host values. Variables change as they did in the run."""
        with replaying():
            return self.run_function(self.snapshot.function, self.snapshot.values)

    def run_function(self, function: GraphFunction, values: Sequence[Any]) -> list[Any]:
        """Runs a function: its operations, and between them the lines of the user's functions."""
        scope = Scope(function, values)
        self.scopes.append(scope)
        try:
            for moment, activation in sorted(function.graph.activations, key=_first):
                self.advance(scope, moment)
                self.frames.run(activation, scope)
            self.advance(scope, None)
            return [self.value(tensor) for tensor in function.outputs]
        finally:
            self.scopes.pop()

    def advance(self, scope: Scope, moment: int | None) -> None:
        """Computes the operations that are due before a moment of the trace; gradients line by line."""
        for lines, operations in self.frames.by_lines(scope.upto(moment)):
            if lines is None:
                for op in operations:
                    self.compute(op, scope)
            else:
                self.frames.run_backward(lines, scope)

    # -- operations

    def compute(self, op: Operation, scope: Scope) -> None:
        """Computes the outputs of an operation."""
        if op.outputs and all(t._id in scope.values for t in op.outputs):
            return
        arguments = [self.value(tensor) for tensor in op._inputs]
        kept = self.snapshot.results.get(place_of(op)) if is_kept(op) else None
        if kept:
            results = kept.popleft()
        else:
            with self._states_of(op):
                results = self._results(op, arguments)
        for tensor, value in zip(op.outputs, results, strict=False):
            scope.values[tensor._id] = value
        self.watcher.computed(op, arguments, results, self.frames.innermost)

    @contextlib.contextmanager
    def _states_of(self, op: Operation) -> Iterator[None]:
        if not op.raw_op.stateful and not op.raw_op.flow.control:
            yield
            return
        whole = self.snapshot.function
        owner = whole if op.graph is whole.graph else op.graph
        with kernel_state.of_node(owner.kernel_states, op):
            yield

    def _results(self, op: Operation, arguments: list[Any]) -> list[Any]:
        raw = op.raw_op
        if raw.flow.control == "call":
            return self._inner(raw.f.stand_in or raw.f, arguments)
        if raw.flow.control == "if":
            branch = raw.then_branch if truth(arguments[0], op.type) else raw.else_branch
            return self._inner(branch, arguments[1:])
        if raw.flow.control == "case":
            index, last = int(arguments[0]), len(raw.branches) - 1
            return self._inner(raw.branches[index if 0 <= index <= last else last], arguments[1:])
        if raw.flow.control == "while":
            values = arguments
            while truth(self._inner(raw.cond, values)[0], op.type):
                values = self._inner(raw.body, values)
            return values
        return run_on_host(op, arguments)

    def _inner(self, function: GraphFunction, values: Sequence[Any]) -> list[Any]:
        with kernel_state.calling():
            return self.run_function(function, values)

    # -- values

    def value(self, tensor: SymbolicTensor) -> Any:
        """Returns the host value of a tensor.

        Raises:
          LookupError: it has none yet: a later operation computes it, or one in a graph that does not run now.
        """
        scope = self.scope_of(tensor)
        if scope is None:
            raise LookupError(f"{tensor.name} belongs to a graph that does not run now")
        if tensor._id not in scope.values:
            self._compute_alone(tensor.op, scope)
        return scope.values[tensor._id]

    def scope_of(self, tensor: SymbolicTensor) -> Scope | None:
        """The innermost run of a tensor's graph, or of a copy of it that holds the tensor's value."""
        for scope in reversed(self.scopes):
            if scope.graph is tensor.graph:
                return scope
        return None

    def _compute_alone(self, op: Operation, scope: Scope) -> None:
        """Computes operations that come later in the program but are read now: gradients put operations before loops."""
        if op.raw_op.stateful and not op.raw_op.effects.reads_only:
            raise LookupError(f"{op.name} has not run yet")
        self.compute(op, scope)

    def _for_name(self, tensor: SymbolicTensor) -> Any:
        """Returns the value of a name on a line, computed even if the program itself does not need it."""
        scope = self.scope_of(tensor)
        if scope is not None and tensor._id not in scope.values:
            op = tensor.op
            has_effect = op.raw_op.stateful and not op.raw_op.effects.reads_only
            if id(op) in scope.due or has_effect or op.raw_op.flow.control:
                raise LookupError(f"{op.name} has not run yet")
            for each in op._inputs:
                self._for_name(each)
        return self.value(tensor)

    def shown(self, value: Any) -> Any:
        """Returns a value of the user's program with computed tensors in place of symbolic ones."""
        leaves = nest.flatten(value, expand_composites=True)
        if not any(isinstance(leaf, SymbolicTensor) for leaf in leaves):
            return value
        values = [self._eager(leaf) for leaf in leaves]
        return nest.pack_sequence_as(value, values, expand_composites=True)

    def _eager(self, leaf: Any) -> Any:
        if not isinstance(leaf, SymbolicTensor):
            return leaf
        try:
            value = self._for_name(leaf)
        except (LookupError, OpError):  # a value that nothing else reads may fail
            return leaf
        if isinstance(value, np.ndarray):  # the program must not change it
            value = value.view()
            value.flags.writeable = False
        return EagerTensor(value, leaf.dtype)


def _first(pair: tuple[int, Activation]) -> int:
    return pair[0]
