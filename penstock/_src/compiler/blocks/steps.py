"""The steps of a specialization: a program, an operation on the host, or a block that was left for later."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from penstock._src.compiler.blocks.inputs import DenseList, stacked
from penstock._src.compiler.lower.checks import arguments_of
from penstock._src.compiler.pipeline import compile_function
from penstock._src.core import dtypes
from penstock._src.core.errors import OpError
from penstock._src.core.op import Op, group_arguments, refusal_of_values
from penstock._src.core.shapes import make_shape
from penstock._src.core.values import kernel_state
from penstock._src.core.values.resources import Resource, VariableHandle
from penstock._src.graph.operation import Operation
from penstock._src.ir.function import Function
from penstock._src.ops.control.list_value import TensorList
from penstock._src.util.run_observers import RUN_OBSERVERS

if TYPE_CHECKING:
    from penstock._src.compiler.blocks.block import Block


class ProgramStep:
    """Runs a program over the block's inputs and writes what others need into slots."""

    def __init__(
        self,
        function: Function,
        sources: list[tuple[str, Any]],
        makers: list[tuple[int, tuple[str, Any]]],
        ops: list[Operation],
        assertions: dict[str, Any],
        equal: dict[int, list[Operation]],
    ) -> None:
        self.function, self.sources, self.makers, self.ops = function, sources, makers, ops
        self.compiled = compile_function(function)
        self.assertions, self.equal = assertions, equal
        self.call = self.compiled.run
        self.reads = [s[1] for s in sources if s[0] == "input"]
        self.writes = [slot for slot, _ in makers]
        # Whether the inputs are the program's arguments and its results are the outputs, as they are.
        self.is_plain = all(s[0] == "input" for s in sources) and all(
            maker == ("result", i) for i, (_, maker) in enumerate(makers)
        )
        self.is_empty = not (function.results or function.updates or function.checks)

    def run(self, arguments: Sequence[Any]) -> list[Any]:
        """The program's results for its arguments.

        Raises:
          OpError: with the name of the operation that it comes from.
        """
        try:
            return self.call(arguments)
        except OpError as error:
            if error._message in self.assertions:
                op, args = self.assertions[error._message]
                values = arguments_of(self.function, args, arguments)
                if op.type == "Assert":
                    values[0] = np.zeros_like(values[0])  # the condition did not hold
                run_on_host(op, values)  # raises
            locate(error)
            raise

    def __call__(self, slots: list[Any]) -> None:
        found = [(slot, slots[which]) for slot, (how, which) in self.makers if how == "input"]
        results = []
        if not self.is_empty:
            results = self.run([_argument(s, slots) for s in self.sources])
        for slot, value in found:
            slots[slot] = value
        for slot, (how, which) in self.makers:
            if how == "result":
                slots[slot] = results[which]
            elif how == "known":
                slots[slot] = which
            elif how == "rows":
                rows, count = which
                slots[slot] = results[rows][: int(results[count])]
            elif how == "list":
                slots[slot] = _list_of(results, *which)
            elif how == "reserved":
                at, dtype, shape = which
                slots[slot] = TensorList(dtype, shape, [None] * int(results[at]))


def _argument(source: tuple[str, Any], slots: list[Any]) -> Any:
    how, which = source
    if how == "input":
        return slots[which]
    return stacked(slots[which]) if how == "list" else which()


def _list_of(results: list[Any], at: int, length: int, dtype: Any) -> DenseList:
    rows = results[at]
    count = int(results[at + 1]) if length < 0 else length
    return DenseList(dtype, make_shape(rows.shape[1:]), rows[:count])


class HostStep:
    """Runs the kernel of one operation."""

    def __init__(
        self,
        op: Operation,
        reads: list[int],
        writes: list[int],
        why: str,
        states: dict[Any, Any],
    ) -> None:
        self.op, self.reads, self.writes, self.why = op, reads, writes, why
        self.ops = [op]
        self.kernel = op.raw_op  # as it is now: gradients give operations more inputs and outputs
        self.states = states if self.kernel.stateful else None

    def __call__(self, slots: list[Any]) -> None:
        arguments = [slots[i] for i in self.reads]
        start = time.perf_counter_ns() if RUN_OBSERVERS else 0
        if self.states is None:
            results = run_on_host(self.op, arguments, self.kernel)
        else:
            with kernel_state.of_node(self.states, self.op):
                results = run_on_host(self.op, arguments, self.kernel)
        for observer in tuple(RUN_OBSERVERS) if start else ():
            observer.host_ran(self.op, start, time.perf_counter_ns())
        for slot, value in zip(self.writes, results, strict=True):
            slots[slot] = value


def run_on_host(op: Operation, arguments: list[Any], kernel: Op | None = None) -> list[Any]:
    """The outputs of an operation, flat, by its eager kernel, or by `kernel`, which it had before.

    Raises:
      OpError: as the kernel does, with the operation's name and the user's line added.
    """
    raw = kernel or op.raw_op
    if VariableHandle in map(type, arguments) and reads_reference(op):
        arguments = dereferenced(op, arguments)
    if raw.takes_lists:
        arguments = group_arguments(raw.inputs, raw, arguments)
    try:
        result = raw.eager(*arguments)
    except Exception as error:
        refusal = refusal_of_values(raw, error)
        if isinstance(refusal, OpError):
            locate(refusal, op)
        raise refusal  # noqa: B904 - it is the error itself, or has it as its cause
    return flat_outputs(raw, result)


def reads_reference(op: Operation) -> bool:
    """Whether an operation takes a tensor that is a reference to a v1 variable or object."""
    for tensor in op._inputs:
        maker = getattr(tensor.op, "raw_op", None)
        if maker is not None and maker.has_refs and tensor.dtype.is_numpy_compatible:
            return True
    return False


def dereferenced(op: Operation, arguments: list[Any]) -> list[Any]:
    """The arguments with the value of a v1 variable wherever the kernel does not take the variable."""
    raw = op.raw_op
    takes_reference: list[bool] = []
    for argument, group in zip(
        raw.inputs, group_arguments(raw.inputs, raw, arguments), strict=True
    ):
        count = len(group) if argument.is_list else 1
        takes_reference += [argument.is_ref] * count
    return [
        value.read()
        if isinstance(value, VariableHandle) and not by_reference and t.dtype != dtypes.resource
        else value
        for value, by_reference, t in zip(arguments, takes_reference, op._inputs, strict=True)
    ]


def locate(error: OpError, op: Any = None) -> None:
    """Adds an operation's name and the user's line to an error that does not name one. A program's error has the
    operation as its `origin`."""
    op = op or getattr(error, "origin", None)
    if isinstance(op, Operation) and "{{node" not in error._message:
        where = f" Defined at {op.location}." if op.location else ""
        error._message = f"{error._message} [[{{{{node {op.name}}}}}]]{where}"
        error.args = (error._message,)


def flat_outputs(raw: Any, result: Any) -> list[Any]:
    """What a kernel returned as one host value for each output, in the declared dtypes."""
    types = raw.output_dtypes
    if not types:
        return []
    if len(types) == 1 and type(types[0]) is not tuple:
        return [host_value(result, types[0])]
    parts = (result,) if len(types) == 1 else result
    flat: list[Any] = []
    for part, dtype in zip(parts, types, strict=True):
        if type(dtype) is tuple:
            flat.extend(host_value(v, d) for v, d in zip(part, dtype, strict=True))
        else:
            flat.append(host_value(part, dtype))
    return flat


def host_value(value: Any, dtype: Any) -> Any:
    """A kernel's result as a host value of its declared dtype."""
    if type(value) is np.ndarray:
        return value if value.dtype == dtype.np else value.astype(dtype.np)
    if isinstance(value, Resource) or not dtype.is_numpy_compatible:
        return value
    if dtype.np.kind != "O":
        return np.asarray(value, dtype.np)
    out = np.empty((), object)
    out[()] = value
    return out


class BlockStep:
    """Executes a block that had to wait for earlier steps; `reasons` say for what."""

    def __init__(
        self, block: Block, reasons: dict[str, str], reads: list[int], writes: list[int]
    ) -> None:
        self.block, self.reasons, self.reads, self.writes = block, reasons, reads, writes

    @property
    def ops(self) -> list[Operation]:
        """The operations of the block."""
        return self.block.operations()

    def __call__(self, slots: list[Any]) -> None:
        results = self.block([slots[i] for i in self.reads])
        for slot, value in zip(self.writes, results, strict=True):
            slots[slot] = value
