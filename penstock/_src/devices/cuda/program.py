"""CudaProgram: a plan on a card. Arguments are copied there, results back; variables stay there with their handles."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock._src.compiler.plan.plan import Plan
from penstock._src.core.values.resources import VariableHandle
from penstock._src.devices.cuda.driver.card import Card, DeviceMemory
from penstock._src.devices.cuda.table import CudaTable
from penstock._src.devices.residence import forget, note, resident
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
        arrays = self._whole_arrays(arguments)
        results = [make(shape, dtype) for make, shape, dtype in self._results]
        card = self.card
        with card.lock:
            card.activate()
            table = self._free.pop() if self._free else self._bind()
            try:
                variables = {i: self._resident(arguments[i], arrays[i]) for i in self._handles}
                code = table.run(arrays, variables)
                if code:
                    self._forget(arguments)
                    self._fail(code, table.status_words)
                for memory, result in zip(table.results, results, strict=True):
                    memory.read(result)
                for i in self._assigned:
                    variables[i].read(arrays[i])
                    # The run counts the version up when it is over.
                    version = arguments[i].version + 1
                    note(arguments[i], self._key, arrays[i], version, variables[i])
                card.wait()
                if self._conditions:
                    table.conditions(results)
            finally:
                self._free.append(table)
        return results

    def _resident(self, handle: VariableHandle, array: np.ndarray) -> DeviceMemory:
        """A variable's memory on the card, which holds its value."""
        found = resident(handle, self._key)
        if found is not None and found.is_current(handle, array):
            return found.memory
        memory = found.memory if found is not None else None
        if memory is None or memory.size < array.nbytes:
            memory = self.card.allocate(array.nbytes)
        memory.write(array)
        note(handle, self._key, array, handle.version, memory)
        return memory

    def _forget(self, arguments: Sequence[Any]) -> None:
        """After a run that ended early: what the card has of variables may be half updated, so the host's values are taken again."""
        for i in self._assigned:
            forget(arguments[i], self._key)

    @property
    def _key(self) -> Any:
        return ("GPU", id(self.card))
