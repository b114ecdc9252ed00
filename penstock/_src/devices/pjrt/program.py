"""PjrtProgram: a function that a PJRT plugin has compiled. Variables stay on its device with their handles."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock._src.compiler.plan.plan import Plan
from penstock._src.core.errors import InternalError
from penstock._src.core.values.resources import VariableHandle
from penstock._src.devices.pjrt.client import Client, DeviceBuffer
from penstock._src.devices.residence import note, resident
from penstock._src.ir import interpreter
from penstock._src.runtime.program import Program
from penstock._src.runtime.signature import signature_of
from penstock._src.util.slots import above


class PjrtProgram(Program):
    """A function on a device. Calling it gives arrays of the host.

    Raises:
      UnimplementedError: StableHLO has no counterpart of a part of it.
    """

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
        arrays = self._whole_arrays(arguments)
        given = [
            self._resident(arguments[i], array) if i in self._handles else self.client.put(array)
            for i, array in enumerate(arrays)
        ]
        made = self.executable.run(given)
        results = [make(shape, dtype) for make, shape, dtype in self._results]
        updates = made[len(results) :][: len(self._updated)]
        self._check(arrays, made[len(results) + len(updates) :])
        for buffer, result in zip(made, results):  # before variables change: an error may come here
            buffer.read(result)
        for i, buffer in zip(self._updated, updates, strict=True):
            buffer.read(arrays[i])
            # The run counts the version up when it is over.
            note(arguments[i], self._key, arrays[i], arguments[i].version + 1, buffer)
        return results

    def _check(self, arrays: Sequence[np.ndarray], conditions: Sequence[DeviceBuffer]) -> None:
        """Raises what a condition of the function says that does not hold; the last one is of indices, if there are such."""
        checks, holds = self.function.checks, []
        for buffer in conditions:
            found = np.empty((), np.bool_)
            buffer.read(found)
            holds.append(bool(found))
        if not all(holds[len(checks) :]):
            interpreter.run(self.function, arrays)  # names the index
            raise InternalError(None, None, "PJRT: indices are outside that the interpreter takes.")
        for check, is_met in zip(checks, holds):
            if not is_met:
                raise check.error()

    def _resident(self, handle: VariableHandle, array: np.ndarray) -> DeviceBuffer:
        """A variable's value on the device."""
        found = resident(handle, self._key)
        if found is not None and found.is_current(handle, array):
            return found.memory
        buffer = self.client.put(array)
        note(handle, self._key, array, handle.version, buffer)
        return buffer

    @property
    def _key(self) -> Any:
        return ("PJRT", id(self.client))
