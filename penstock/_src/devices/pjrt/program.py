"""PjrtProgram: a function that a PJRT plugin has compiled. Variables stay on its device until they are read on the host."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock._src.compiler.plan.plan import Plan
from penstock._src.core.errors import InternalError
from penstock._src.core.values import resources
from penstock._src.core.values.arrays import empty_aligned
from penstock._src.core.values.resources import VariableHandle
from penstock._src.devices.pjrt.client import Client, DeviceBuffer
from penstock._src.devices.residence import hold, note, resident
from penstock._src.ir import interpreter
from penstock._src.runtime.program import Program
from penstock._src.runtime.signature import signature_of
from penstock._src.util.slots import above


class PjrtProgram(Program):
    """A function on a device. Calling it gives arrays of the host.

    Raises:
      UnimplementedError: StableHLO has no counterpart of a part of it.
    """

    has_direct_calls = False

    def __init__(self, plan: Plan, client: Client) -> None:
        super().__init__(plan, signature_of(plan.function), (), self._bound_table)
        self.function, self.client = plan.function, client
        text = above("stablehlo_text")(plan.function, is_checked=True)
        self.executable = client.compile(text)
        self._handles = {i for i, *_ in self.signature.handles}
        index = {p.id: i for i, p in enumerate(plan.function.parameters)}
        self._updated = [index[handle.id] for handle, _ in plan.function.updates]

    def _bound_table(self) -> Any:
        raise InternalError(None, None, "A PJRT plugin's program has no launch table.")

    def _run(self, arguments: Sequence[Any]) -> list[np.ndarray]:
        plain = self.signature.plain_arrays_of(arguments)
        results = [make(shape, dtype) for make, shape, dtype in self._results]
        with resources.UPDATING:
            outputs = [
                self._resident(i, arguments[i]) if i in self._handles else self.client.put(plain[i])
                for i in range(len(arguments))
            ]
            buffers = self.executable.run(outputs)
            updates = buffers[len(results) :][: len(self._updated)]
            self._check(arguments, buffers[len(results) + len(updates) :])
            # Results come before variables change, as errors do.
            for buffer, result in zip(buffers, results):
                buffer.read(result)
            for i, buffer in zip(self._updated, updates, strict=True):
                self._hold(i, arguments[i], buffer)
        return results

    def _check(self, arguments: Sequence[Any], conditions: Sequence[DeviceBuffer]) -> None:
        """Raises the error of the first condition that does not hold; the last condition is for indices, if there are any."""
        checks, holds = self.function.checks, []
        for buffer in conditions:
            flag = np.empty((), np.bool_)
            buffer.read(flag)
            holds.append(bool(flag))
        if not all(holds[len(checks) :]):
            interpreter.run(self.function, self._arrays_of(arguments))  # names the index
            raise InternalError(None, None, "PJRT: indices are outside that the interpreter takes.")
        for check, is_met in zip(checks, holds):
            if not is_met:
                raise check.error()

    def _resident(self, number: int, handle: VariableHandle) -> DeviceBuffer:
        """A variable's value on the device."""
        buffer = resident(handle, self.client)
        if buffer is None:
            array = self.signature.array_of(number, handle)
            buffer = self.client.put(array)
            if array is handle.value:
                note(handle, self.client, array, buffer)
        return buffer

    def _hold(self, number: int, handle: VariableHandle, buffer: DeviceBuffer) -> None:
        """Leaves a variable's new value on the device."""
        _, dtype, shape, _ = next(h for h in self.signature.handles if h[0] == number)

        def read() -> np.ndarray:
            array = empty_aligned(shape, dtype)
            buffer.read(array)
            return array

        hold(handle, self.client, buffer, shape, read)
