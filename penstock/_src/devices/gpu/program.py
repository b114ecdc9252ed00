"""CudaProgram: a plan on a GPU. Arguments that are not there are copied; results and variables stay there until they are read on the host."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from penstock._src.compiler.plan.plan import Plan
from penstock._src.core.values import resources
from penstock._src.core.values.device_array import DeviceArray
from penstock._src.core.values.resources import VariableHandle
from penstock._src.devices.gpu.cuda.driver.gpu import Gpu
from penstock._src.devices.gpu.cuda.driver.memory import DeviceMemory
from penstock._src.devices.gpu.regions import asks, regions_of
from penstock._src.devices.gpu.table import CudaTable
from penstock._src.devices.residence import forget, hold, note, outdated, resident
from penstock._src.ir.extents.values import Values, current_or_none
from penstock._src.runtime.program import Program
from penstock._src.runtime.signature import signature_of

ALIGNED = 16  # bytes that kernels load at once


class CudaProgram(Program):
    """A plan that runs on a GPU. A call returns arrays in GPU memory, which may still be computed."""

    has_direct_calls = False

    def __init__(self, plan: Plan, gpu: Gpu):
        self.gpu = gpu
        self.extents = current_or_none() or Values({})  # extents of the plan's nodes
        with gpu.lock:
            gpu.activate()
            constants = {
                b: _constant(gpu, np.asarray(b.array))
                for b in plan.buffers
                if b.place == "constant"
            }
            gpu.wait()

        def bind() -> Any:
            return CudaTable(plan, gpu, constants)

        super().__init__(plan, signature_of(plan.function), (), bind)
        self._handles = [i for i, *_ in self.signature.handles]

    @property
    def control(self) -> str:
        """The processor that controls what runs next, as text; "" if that is known before a run."""
        return self.gpu.control.value if asks(regions_of(self.plan.launches)) else ""

    def _run(self, arguments: Sequence[Any]) -> list[Any]:
        memories = self._given(arguments)
        gpu = self.gpu
        with resources.UPDATING, gpu.lock, self.extents:
            gpu.activate()
            table = self._free.pop() if self._free else self._bind()
            try:
                memory = {i: self._resident(i, arguments[i]) for i in self._handles}
                memory |= {i: self._memory_of(table, i, value) for i, value in memories.items()}
                arrays = [(memory[i], x) for i, x in memories.items() if type(x) is not DeviceArray]
                gpu.feeder.upload(arrays)
                results = table.new_results()
                self._start(table, arguments, memory, results)
                for i in self._assigned:  # after an error, too: some may have their new values
                    self._hold(i, arguments[i], memory[i])
                if table.is_checked or self._conditions:
                    gpu.wait()
                if table.code:
                    self.fail(table.code, table.status_words)
                if self._conditions:
                    table.conditions(memory, results)
            finally:
                self._free.append(table)
        return [
            DeviceArray(shape, dtype, gpu.number, address)
            for (_, shape, dtype), address in zip(self._results, results, strict=True)
        ]

    def _given(self, arguments: Sequence[Any]) -> dict[int, Any]:
        """The arguments that are not variables, by their numbers: arrays of devices as they are, others as the host's."""
        of_devices = {
            i: x
            for i, dtype, shape in self.signature.arrays
            if type(x := arguments[i]) is DeviceArray and x.dtype == dtype and x.shape == shape
        }
        return {**self.signature.plain_arrays_of(arguments, of_devices), **of_devices}

    def _memory_of(self, table: CudaTable, number: int, value: Any) -> DeviceMemory:
        """The memory of an argument for a run: the argument's own if it is on the GPU and aligned for kernels."""
        if type(value) is not DeviceArray:
            return table.own_memory(number)
        memory = self.gpu.memory_of(value)
        return memory if memory.address % ALIGNED == 0 else memory.copied(value.nbytes)

    def _start(
        self,
        table: CudaTable,
        arguments: Sequence[Any],
        memory: Mapping[int, DeviceMemory],
        results: Sequence[DeviceMemory],
    ) -> None:
        """Puts the table into the GPU's stream. If that fails, the variables' values on the GPU are dropped."""
        try:
            table.run(memory, results)
        except BaseException:
            for i in self._assigned:
                forget(arguments[i], self.gpu)
            raise

    def _resident(self, number: int, handle: VariableHandle) -> DeviceMemory:
        """A variable's memory on the GPU with its value; new memory if the program changes it and readers reference the old one."""
        memory: DeviceMemory | None = resident(handle, self.gpu)
        if memory is None:
            array = self.signature.array_of(number, handle)
            memory = outdated(handle, self.gpu)
            if memory is None or memory.size < array.nbytes or memory.is_lent:
                memory = self.gpu.allocate(array.nbytes)
            memory.write(array)
            if array is handle.value:
                note(handle, self.gpu, array, memory)
        elif memory.is_lent and number in self._assigned:
            memory = memory.copied(memory.size)
        return memory

    def _hold(self, number: int, handle: VariableHandle, memory: DeviceMemory) -> None:
        """Keeps a variable's new value on the GPU."""
        _, dtype, shape, _ = next(h for h in self.signature.handles if h[0] == number)

        hold(handle, self.gpu, memory, shape, lambda: memory.fetch(shape, dtype))


def _constant(gpu: Gpu, array: np.ndarray) -> DeviceMemory:
    """A constant in the GPU's memory."""
    array = np.ascontiguousarray(array)
    memory = gpu.allocate(array.nbytes)
    memory.write(array)
    return memory
