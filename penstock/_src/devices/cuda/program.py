"""CudaProgram: a plan on a card. Arguments are copied there, results back; variables stay there until somebody reads them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from penstock._src.compiler.plan.plan import Plan
from penstock._src.core.values import resources
from penstock._src.core.values.arrays import empty_aligned
from penstock._src.core.values.resources import VariableHandle
from penstock._src.devices.cuda.driver.card import Card, DeviceMemory
from penstock._src.devices.cuda.table import CudaTable
from penstock._src.devices.residence import forget, hold, note, outdated, resident
from penstock._src.runtime.program import Program
from penstock._src.runtime.signature import signature_of


class CudaProgram(Program):
    """A plan that runs on a card. Calling it gives arrays of the host."""

    def __init__(self, plan: Plan, card: Card):
        self.card = card
        with card.lock:
            card.activate()
            constants = {
                b: self._constant(np.asarray(b.array))
                for b in plan.buffers
                if b.place == "constant"
            }
            card.wait()

        def bind() -> Any:
            return CudaTable(plan, card, constants)

        super().__init__(plan, signature_of(plan.function), (), bind)
        self._handles = [i for i, *_ in self.signature.handles]

    def _constant(self, array: np.ndarray) -> DeviceMemory:
        array = np.ascontiguousarray(array)
        memory = self.card.allocate(array.nbytes)
        memory.write(array)
        return memory

    def _run(self, arguments: Sequence[Any]) -> list[np.ndarray]:
        arrays = self.signature.plain_arrays_of(arguments)
        results = [make(shape, dtype) for make, shape, dtype in self._results]
        card = self.card
        with resources.UPDATING, card.lock:
            card.activate()
            table = self._free.pop() if self._free else self._bind()
            try:
                variables = {i: self._resident(i, arguments[i]) for i in self._handles}
                self._start(table, arguments, arrays, variables)
                for i in self._assigned:  # after an error, too: some may have their new values
                    self._hold(i, arguments[i], variables[i])
                for memory, result in zip(table.results, results, strict=True):
                    memory.read(result)
                card.wait()
                if table.code:
                    self._fail(table.code, table.status_words)
                if self._conditions:
                    table.conditions(results)
            finally:
                self._free.append(table)
        return results

    def _start(
        self,
        table: CudaTable,
        arguments: Sequence[Any],
        arrays: Mapping[int, np.ndarray],
        variables: Mapping[int, DeviceMemory],
    ) -> None:
        """Puts the table into the card's stream. If that breaks off, the card has no variable's value any more."""
        try:
            table.run(arrays, variables)
        except BaseException:
            for i in self._assigned:
                forget(arguments[i], self.card)
            raise

    def _resident(self, number: int, handle: VariableHandle) -> DeviceMemory:
        """A variable's memory on the card, which holds its value."""
        memory = resident(handle, self.card)
        if memory is not None:
            return memory
        array = self.signature.array_of(number, handle)
        memory = outdated(handle, self.card)
        if memory is None or memory.size < array.nbytes:
            memory = self.card.allocate(array.nbytes)
        memory.write(array)
        if array is handle.value:
            note(handle, self.card, array, memory)
        return memory

    def _hold(self, number: int, handle: VariableHandle, memory: DeviceMemory) -> None:
        """Leaves a variable's new value on the card."""
        _, dtype, shape, _ = next(h for h in self.signature.handles if h[0] == number)

        def read() -> np.ndarray:
            array = empty_aligned(shape, dtype)
            with self.card.lock:
                self.card.activate()
                memory.read(array)
                self.card.wait()
            return array

        hold(handle, self.card, memory, shape, read)
