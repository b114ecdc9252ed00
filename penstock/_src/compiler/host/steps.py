"""The step of a specialization that is one operation on the host. Steps read and write values in slots."""

import time
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from penstock._src.compiler.host.running import refusal_at, run_on_host
from penstock._src.core.calls import deadlines
from penstock._src.core.errors import OpError
from penstock._src.core.op import Op
from penstock._src.core.values import kernel_state
from penstock._src.core.values.device_array import DeviceArray, on_host
from penstock._src.core.values.resources import host_value
from penstock._src.graph.operation import Operation
from penstock._src.ir.errors import LoweringDefect, RefusedArguments
from penstock._src.util.dataclass import dataclass
from penstock._src.util.flags import flags
from penstock._src.util.process import forks
from penstock._src.util.process.quiet import made_quiet, quiet
from penstock._src.util.run_observers import RESULT_OBSERVERS, RUN_OBSERVERS

_NOT_MADE: Any = object()
# Errors of kernels made for constants: NumPy's, and those of ops.
_REFUSALS = (ValueError, IndexError, TypeError, OpError)


@dataclass(frozen=True, eq=False)
class HostStep:
    """Runs the kernel of one operation."""

    op: Operation
    reads: Sequence[int]
    writes: Sequence[int]
    why: str
    kernel: Op  # as the step was made: gradients give operations more inputs and outputs
    states: dict[Any, Any] | None  # the state of stateful kernels, None for others

    @property
    def ops(self) -> list[Operation]:
        return [self.op]

    def __call__(self, slots: list[Any]) -> None:
        if deadlines.SET:
            deadlines.check()
        if self.kernel.on_devices is not None and self._runs_on_devices(slots):
            return
        arguments = [on_host(slots[i]) for i in self.reads]
        start = time.perf_counter_ns() if RUN_OBSERVERS else 0
        if self.states is None:
            results = run_on_host(self.op, arguments, self.kernel)
        else:
            with kernel_state.of_node(self.states, self.op):
                results = run_on_host(self.op, arguments, self.kernel)
            for tell in RESULT_OBSERVERS:
                tell(self.op, results)
        if start:
            for observer in tuple(RUN_OBSERVERS):
                observer.host_ran(self.op, start, time.perf_counter_ns())
        for slot, value in zip(self.writes, results, strict=True):
            slots[slot] = value

    def _runs_on_devices(self, slots: list[Any]) -> bool:
        """Computes the results on the devices that hold the arguments, if they can."""
        arguments = [slots[i] for i in self.reads]
        if not any(type(value) is DeviceArray for value in arguments):
            return False
        results = self.kernel.on_devices(arguments)
        for slot, value in zip(self.writes, results or (), strict=results is not None):
            slots[slot] = value
        return results is not None


class PlainStep(HostStep):
    """Runs the kernel of an operation of arrays, which gives one and remembers nothing, with as little as possible around it."""

    def __call__(self, slots: list[Any]) -> None:
        arguments = [slots[i] for i in self.reads]
        if RUN_OBSERVERS or deadlines.SET or any([type(a) is not np.ndarray for a in arguments]):
            super().__call__(slots)
            return
        try:
            value = self.kernel.compute(*arguments)
        except Exception as error:
            raise refusal_at(self.op, self.kernel, error, arguments)  # noqa: B904 - it is the error itself, or has it as its cause
        slots[self.writes[0]] = host_value(value, self.kernel.output_dtypes[0])

    @staticmethod
    def suits(kernel: Op) -> bool:
        """True if a kernel can run as a plain step."""
        if kernel.stateful or kernel.traits.takes_lists or kernel.host_kernel.takes_name:
            return False
        return len(kernel.output_dtypes) == 1 and type(kernel.output_dtypes[0]) is not tuple


class GivenStep(PlainStep):
    """Runs an operation with some constant inputs by a kernel that is made for these (`Op.eager_given`), one for each combination of ranks."""

    @forks.cached_property
    def functions(self) -> dict[Sequence[int], Callable[..., Any] | None]:
        """The kernels by the ranks of the arguments."""
        return {}

    @forks.cached_property
    def varying(self) -> list[int]:
        """The slots of the inputs that are no constants."""
        return [i for i, t in zip(self.reads, self.op._inputs, strict=True) if not _is_constant(t)]

    def __call__(self, slots: list[Any]) -> None:
        values = [slots[i] for i in self.varying]
        if not (RUN_OBSERVERS or deadlines.SET or any([type(x) is not np.ndarray for x in values])):
            ranks = tuple([x.ndim for x in values])
            function = self.functions.get(ranks, _NOT_MADE)
            if function is _NOT_MADE:
                function = self.functions[ranks] = self.function(slots)
            if function is not None:
                try:
                    value = self.kernel.computed(function, *values)
                except _REFUSALS:  # the kernel for any inputs raises it again, in the op's words
                    super().__call__(slots)
                    return
                slots[self.writes[0]] = host_value(value, self.kernel.output_dtypes[0])
                return
        super().__call__(slots)

    def function(self, slots: list[Any]) -> Callable[..., Any] | None:
        """The kernel made for the constants and for other inputs of these dtypes and ranks; None if the op makes none for them."""
        arguments = [slots[i] for i in self.reads]
        if any(type(x) is not np.ndarray for x in arguments):
            return None
        constant = [_is_constant(t) for t in self.op._inputs]
        made = self.kernel.eager_given(constant, *arguments)
        is_quiet = made is not None and made_quiet(type(self.kernel).eager) is not None
        return quiet(made) if is_quiet else made

    @staticmethod
    def suits(kernel: Op) -> bool:
        """True if a plain step's kernel can be made for constants."""
        return kernel.eager_given is not None and PlainStep.suits(kernel)


def _is_constant(tensor: Any) -> bool:
    return tensor.op.type == "Const"


class SuspectStep(HostStep):
    """Runs an operation whose lowering failed: the kernel should reject these arguments too."""

    def __call__(self, slots: list[Any]) -> None:
        super().__call__(slots)
        text = f"{self.why}, though its kernel takes these arguments"
        if flags.verify:
            raise LoweringDefect(text)
        warnings.warn(f"A slow kernel is used: {text}", RuntimeWarning)


def host_step(
    op: Operation, reads: Sequence[int], writes: Sequence[int], why: str, states: dict[Any, Any]
) -> HostStep:
    """A step that runs an operation on the host, for a reason."""
    kernel = op.raw_op
    kind = PlainStep if PlainStep.suits(kernel) else HostStep
    if GivenStep.suits(kernel) and any(map(_is_constant, op._inputs)):
        kind = GivenStep
    kind = SuspectStep if _is_suspect(op, why) else kind
    return kind(op, reads, writes, why, kernel, states if kernel.stateful else None)


def _is_suspect(op: Operation, why: str) -> bool:
    """True if an operation was left to the host for a reason that its kernel should share."""
    if why.startswith(LoweringDefect.PREFIX):
        return True
    # In a function, the operation that rejects these arguments may be in a branch that is not taken.
    is_plain = not op.raw_op.flow.runs_functions
    return flags.verify and is_plain and why.startswith(RefusedArguments.PREFIX)
