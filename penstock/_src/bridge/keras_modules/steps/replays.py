"""Eager updates of variables by Keras's own optimizers: what an update computes is recorded once, as a graph, and its kernels run at each step.

An eager update calls some thirty functions of Keras's, whose Python takes far longer than their kernels do for a small variable. A graph has no values
to depend on, so it describes all updates of the same form. Its operations are run by the kernels of eager ops, in their order: the results have the same
bits, and it does not matter at which step this begins.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Hashable, Sequence
from typing import Any

import numpy as np

from penstock._src.core.dispatch import STATE, building_unrecorded
from penstock._src.core.dtypes import DType
from penstock._src.core.values.resources import VariableHandle
from penstock._src.eager.execute import Kernel, is_unobserved, value_of
from penstock._src.eager.tensor import EagerTensor
from penstock._src.graph.func_graph import FuncGraph
from penstock._src.graph.members.repetition import is_plain
from penstock._src.util.process.layouts import FREE_THREADED

# Updates of a form before it is recorded, which takes as long as a few of them.
RECORDED_AFTER = 5
# Limit per optimizer of the forms that are counted.
MOST_FORMS = 256


class Replays:
    """The updates of an optimizer, by form: how many were left to Keras, or the recorded program, or None if there cannot be one."""

    def __init__(self) -> None:
        self._forms: dict[Hashable, Any] = {}

    def call(
        self,
        record: Callable[..., Any],
        form: Hashable,
        tensors: Sequence[Any],
        handles: Sequence[Any],
    ) -> None:
        """Does what `record(*tensors)` does.

        Args:
          record: runs or records the operations of an update, which follow from the form.
          form: what they depend on, besides the dtypes and shapes of the tensors.
          tensors: eager tensors.
          handles: of all variables that it reads or writes.
        """
        if not _is_served(tensors, handles):
            record(*tensors)
            return
        key = (form, *[(tensor._dtype, tensor._value.shape) for tensor in tensors])
        program = self._forms.get(key, 0)
        if type(program) is int:
            if program < RECORDED_AFTER or len(self._forms) > MOST_FORMS:
                record(*tensors)
                self._forms[key] = program + 1  # unless it was refused
                return
            program = self._forms[key] = _program_of(record, tensors, handles)
        if program is None:
            record(*tensors)
        else:
            program.run([one._value for one in (*tensors, *handles)])


def _is_served(tensors: Sequence[Any], handles: Sequence[Any]) -> bool:
    """True if nothing but the values takes part in an eager update: its operations run here, on this host, and nothing sees them."""
    return (
        is_unobserved()
        and STATE.device is None
        and not (STATE.op_callbacks or STATE.graph_watchers)
        and not FREE_THREADED
        and all([type(one) is EagerTensor and type(one._value) is np.ndarray for one in tensors])
        and all([type(h._value) is VariableHandle and h._value.device is None for h in handles])
    )


_OF_OPTIMIZERS: weakref.WeakKeyDictionary[Any, Replays] = weakref.WeakKeyDictionary()


def replays_of(optimizer: Any) -> Replays:
    """Returns the updates of an optimizer. They do not keep it alive."""
    replays = _OF_OPTIMIZERS.get(optimizer)
    if replays is None:
        replays = _OF_OPTIMIZERS.setdefault(optimizer, Replays())
    return replays


class _Program:
    """Kernels in their order. A kernel reads values by position, and adds one if it gives any.

    Args:
      steps: for each kernel, the kernel or a constant, and the positions that it reads.
      constants: the values that follow the arguments.
    """

    def __init__(
        self, steps: Sequence[tuple[Kernel, Sequence[int]]], constants: Sequence[Any]
    ) -> None:
        self._steps, self._constants = steps, constants

    def run(self, arguments: Sequence[Any]) -> None:
        """Runs the kernels for the values of the tensors and the handles' resources."""
        values = [*arguments, *self._constants]
        for kernel, reads in self._steps:
            values.append(value_of(kernel, [values[at] for at in reads]))


def _program_of(
    record: Callable[..., Any], tensors: Sequence[EagerTensor], handles: Sequence[Any]
) -> _Program | None:
    """Records an update; None if its operations depend on anything besides the tensors and variables, or are more than kernels."""
    graph = FuncGraph("update", outer_graph=None)
    with building_unrecorded(graph):
        inputs = [graph.placeholder(t._dtype, t.shape, "input") for t in tensors]
        record(*inputs)
    if graph.constants_of_captures:
        return None
    positions = {placeholder._id: at for at, placeholder in enumerate(inputs)}
    outer = {handle._id: at for at, handle in reversed(list(enumerate(handles, len(inputs))))}
    for tensor, placeholder in graph.captures:
        if tensor._id not in outer:
            return None
        positions[placeholder._id] = outer[tensor._id]
    operations = [op for op in graph._operations if op.type != "Placeholder"]
    constants = [op for op in operations if op.type == "Const"]
    for at, op in enumerate(constants, len(inputs) + len(handles)):
        positions[op.outputs[0]._id] = at
    others = _without_unread(operations)
    steps: list[tuple[Kernel, Sequence[int]]] = []
    for at, op in enumerate(others, len(inputs) + len(handles) + len(constants)):
        if not _is_kernel(op) or any(tensor._id not in positions for tensor in op._inputs):
            return None
        steps.append((_kernel_of(op), [positions[tensor._id] for tensor in op._inputs]))
        for tensor in op.outputs:
            positions[tensor._id] = at
    return _Program(steps, [op.raw_op.eager() for op in constants])


def _without_unread(operations: Sequence[Any]) -> list[Any]:
    """Returns the operations that are not constants, without the reads of variables that nothing reads: assignments in graphs return them."""
    read = {tensor._id for op in operations for tensor in op._inputs}
    return [
        op
        for op in operations
        if op.type != "Const" and (op.type != "ReadVariableOp" or op.outputs[0]._id in read)
    ]


def _is_kernel(op: Any) -> bool:
    """True if an operation is what its kernel computes of its inputs' values, and that is one array of numbers, or nothing."""
    types = op.raw_op.output_dtypes
    return (
        is_plain(op)
        and not op.raw_op.traits.takes_lists
        and not op.raw_op.traits.has_refs
        and not (op.raw_op.host_kernel.takes_name or op.raw_op.host_kernel.is_program)
        and all(type(dtype) is DType and dtype.np.kind != "O" for dtype in types)
        and len(types) <= 1
    )


def _kernel_of(op: Any) -> Kernel:
    return Kernel(op.raw_op, tuple([tensor.dtype for tensor in op._inputs]), {})
