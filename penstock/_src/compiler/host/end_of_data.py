"""Runs the rest of a step after an operation has reached the end of its data.

    x = next(iterator)           raises OutOfRangeError
    v.assign(loss(x))            is not run: it depends on the failed operation
    iterations.assign_add(1)     is run: it does not

TensorFlow runs an operation as soon as its inputs are there, so Keras's last step of an epoch over data of unknown length counts, moves the
seeds of dropout, and then fails. Without this, numbers drawn in later epochs would be others than TensorFlow's.
"""

from collections.abc import Iterable
from typing import Any

from penstock._src.compiler.host.running import run_on_host
from penstock._src.compiler.lower.control_flow import callee, operations
from penstock._src.compiler.lower.lowering import raw_op
from penstock._src.core.values import kernel_state
from penstock._src.graph.control import bodies_of
from penstock._src.graph.operation import Operation
from penstock._src.ops.control.functional import truth


def can_end(op: Operation) -> bool:
    """True if an OutOfRangeError of this operation means the end of the data."""
    return op.raw_op.effects.may_end or bool(bodies_of(op))


def run_others(
    ops: Iterable[Operation], failed: Operation, values: dict[int, Any], states: dict[Any, Any]
) -> None:
    """Runs the stateful operations in order, except those that depend on missing values.

    Args:
      ops: in an order they can run in.
      failed: the operation that ran out of data; it is not among `operations`.
      values: the known values, by the ids of tensors.
      states: the states of stateful kernels.
    """
    _Rest(values, states, [failed]).run(ops)


class _Rest:
    """Runs operations one by one on the host: operations with state in order, others when their results are needed."""

    def __init__(
        self, values: dict[int, Any], states: dict[Any, Any], waiting: list[Operation]
    ) -> None:
        self.values, self.states, self.waiting = values, states, waiting
        self.makers: dict[int, Operation] = {}  # by id of the tensors that can be computed

    def run(self, ops: Iterable[Operation]) -> None:
        for op in ops:
            held_back = any(_waits(op, other) for other in self.waiting)
            if held_back or op.raw_op.effects.may_end or not all(map(self.has, op._inputs)):
                self.waiting.append(op)
                if not held_back:
                    self.run_within(op)
                continue
            self.makers.update((t._id, op) for t in op._outputs)
            if op.raw_op.stateful:
                self.compute(op)

    def has(self, tensor: Any) -> bool:
        """True if a tensor exists or can be computed."""
        return tensor._id in self.values or tensor._id in self.makers

    def run_within(self, op: Operation) -> None:
        """Runs the operations of a function whose arguments are only partly known."""
        function, outer = self.entered(op)
        if function is None or function.graph.runs_whole:
            return
        pairs = zip(function.inputs, outer, strict=True)
        arguments = {inner._id: self.value(tensor) for inner, tensor in pairs if self.has(tensor)}
        _Rest(arguments, self.states, []).run(operations(function))

    def entered(self, op: Operation) -> tuple[Any, list[Any]]:
        """The function that an operation runs, as far as is known, and its arguments."""
        if op.raw_op.flow.control == "call":
            return callee(op), op._inputs
        if op.raw_op.flow.control != "if" or not self.has(op._inputs[0]):
            return None, []
        condition = truth(self.value(op._inputs[0]), op.type)
        raw = raw_op(op)
        return (raw.then_branch if condition else raw.else_branch), op._inputs[1:]

    def value(self, tensor: Any) -> Any:
        """The value of a tensor, computed at first use."""
        pending = [self.makers[tensor._id]] if tensor._id not in self.values else []
        while pending:
            op = pending[-1]
            before = [self.makers[t._id] for t in op._inputs if t._id not in self.values]
            pending += before
            if not before:
                self.compute(pending.pop())
        return self.values[tensor._id]

    def compute(self, op: Operation) -> None:
        """Runs one operation."""
        if op._outputs and op._outputs[0]._id in self.values:
            return
        arguments = [self.value(t) for t in op._inputs]
        with kernel_state.of_node(self.states, op):
            results = run_on_host(op, arguments)
        self.values.update(zip([t._id for t in op._outputs], results, strict=False))


def _waits(op: Operation, other: Operation) -> bool:
    """True if an operation must run after another. Calls that share nothing are only kept in the order of the program."""
    if not any(before is other for before in op._control_inputs):
        return False
    shared = {t._id for t in op._inputs} & {t._id for t in other._inputs}
    return bool(shared) or not (bodies_of(op) and bodies_of(other))
