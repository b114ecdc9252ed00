"""Runs a graph function node by node with each op's eager kernel."""

from collections.abc import Sequence
from typing import Any

from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.op import Op
from penstock._src.eager.execute import run_kernel, wrap
from penstock._src.graph.control import has_effect
from penstock._src.graph.library import GraphFunction
from penstock._src.graph.operation import Operation, SymbolicTensor


def needed_operations(
    graph: Any,
    inputs: Sequence[SymbolicTensor],
    outputs: Sequence[SymbolicTensor],
    effects: bool = True,
) -> list[Operation]:
    """Returns, in order, the operations that outputs need, and (with `effects`) those that have effects."""
    given = {t._id for t in inputs}
    needed: set[int] = set()
    pending = [t.op for t in outputs if t._id not in given]
    if effects:
        pending += [op for op in graph._operations if has_effect(op)]
    while pending:
        op = pending.pop()
        if id(op) in needed:
            continue
        needed.add(id(op))
        pending += [t.op for t in op._inputs if t._id not in given]
        pending += op._control_inputs
    return [op for op in graph._operations if id(op) in needed]


class Interpreter:
    """A runner of one function; what it runs is fixed when it is made."""

    def __init__(
        self,
        graph: Any,
        inputs: Sequence[SymbolicTensor],
        outputs: Sequence[SymbolicTensor],
        effects: bool = True,
    ) -> None:
        given = {t._id for t in inputs}
        self.inputs = [t._id for t in inputs]
        self.outputs = [t._id for t in outputs]
        self.steps: list[tuple[Op, list[int], list[int], Operation]] = []
        for op in needed_operations(graph, inputs, outputs, effects):
            if op.outputs and all(t._id in given for t in op.outputs):
                continue
            made = [t._id for t in op.outputs]
            self.steps.append((op.raw_op, [t._id for t in op._inputs], made, op))

    def __call__(self, values: list[Any]) -> list[Any]:
        held = dict(zip(self.inputs, values, strict=True))
        for op, inputs, outputs, node in self.steps:
            if op.op_type == "Placeholder":
                raise _not_fed(node)
            results = wrap(op, run_kernel(op, [held[i] for i in inputs]))
            for key, result in zip(outputs, results, strict=True):
                held[key] = result._value
        return [held[i] for i in self.outputs]


def _not_fed(node: Operation) -> Exception:
    return InvalidArgumentError(
        f"You must feed a value for placeholder tensor '{node.name}' with dtype "
        f"{node.outputs[0].dtype.name}"
    )


def make_runner(function: GraphFunction) -> Interpreter:
    """Returns what runs `function`."""
    return Interpreter(function.graph, function.inputs, function.outputs)
