"""Eager calls of public functions that run several ops, as one kernel: what a recorded call ran says what all calls of its kind run.

The kernel gives the results of all ops, so that tapes record each of them. It computes by the kernels of the ops, with their sizes and errors.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from penstock._src.core import dispatch
from penstock._src.eager import execute
from penstock._src.eager.tensor import EagerTensor
from penstock._src.ops.native_forms import form_of, may_be_quick

MOST_OPS = 8


class OpSequence:
    """Ops that run one after the other.

    Args:
      calls: of a recorded call: for each op the op, its inputs and its outputs.
      tensors: the identities of the call's arguments that are tensors.
    """

    op_type = "OpSequence"

    def __init__(self, calls: Sequence[tuple[Any, Sequence[Any], Sequence[Any]]], tensors: Sequence[int]) -> None:  # fmt: skip
        positions = {one: at for at, one in enumerate(tensors)}
        self._constants: list[EagerTensor] = []
        self._steps: list[tuple[execute.Kernel, list[int]]] = []
        self._functions: list[Callable[..., Any]] = []
        self.outputs = [output for _, _, outputs in calls for output in outputs]
        self.read: set[int] = set()
        # Values are those of the arguments, then of the outputs, then of the constants.
        made = {id(one): at for at, one in enumerate(self.outputs, len(tensors))}
        first_constant = len(tensors) + len(self.outputs)
        for op, inputs, _ in calls:
            reads = []
            for one in inputs:
                at = positions.get(id(one), made.get(id(one)))
                if at is None:
                    at = positions[id(one)] = first_constant + len(self._constants)
                    self._constants.append(one)
                reads.append(at)
            self.read.update(reads)
            self._steps.append((execute.Kernel(op, tuple([x._dtype for x in inputs]), {}), reads))

    def is_served(self) -> bool:
        """True if each op is what its kernel computes of the values of eager tensors, and may run twice."""
        return all(
            may_be_quick(kernel) and kernel.is_plain and not kernel.op.stateful
            for kernel, _ in self._steps
        ) and all([type(one) is EagerTensor and one._is_array() for one in self._constants])

    def prepare(self) -> None:
        """Chooses what runs the ops of small tensors: what native code would call for each, without its conversion of results."""
        self._functions = [form_of(kernel, execute.value_of).function for kernel, _ in self._steps]

    def run(self, *arguments: Any) -> list[Any]:
        """Returns the values of all outputs for those of the arguments, in a context in which NumPy does not warn."""
        values = [*arguments, *[None] * len(self.outputs), *[x._value for x in self._constants]]
        first = at = len(arguments)
        for (kernel, reads), function in zip(self._steps, self._functions):
            inputs = [values[i] for i in reads]
            large = kernel.compiles_from
            if large and (inputs[0].size >= large or inputs[-1].size >= large):
                value = execute.value_of(kernel, inputs)
            else:
                value = function(*inputs)
                if type(value) is not np.ndarray or value.dtype is not kernel.storage:
                    value = np.asarray(value, kernel.storage)
            values[at] = value
            at += 1
        return values[first:at]

    def record(self, inputs: Sequence[Any], outputs: Sequence[Any]) -> None:
        """Records each op, of a call with these arguments and the outputs of all ops."""
        tensors = [*inputs, *outputs, *self._constants]
        for (kernel, reads), output in zip(self._steps, outputs, strict=True):
            dispatch.record(kernel.op, tuple([tensors[at] for at in reads]), (output,))
