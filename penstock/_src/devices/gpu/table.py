"""A plan's launch table on a GPU: its memory there, and the execution of its regions.

Arguments, variables and results stay at their owners' addresses; values from the host are copied to memory of the table. A table becomes
one graph at the second run with the same addresses, which are usually the same in every step; once a check has failed, the graph's other
kernels do nothing. If the driver's graphs have no conditional nodes (driver/control.py), a table with loops or branches on GPU results is
executed launch by launch, and the host waits for those results, and for checks.
"""

import itertools
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from penstock._src.compiler.kernels.memory import bytes_of
from penstock._src.compiler.plan.buffers import Buffer, memory_of
from penstock._src.compiler.plan.launch_table import STATUS, encode
from penstock._src.compiler.plan.plan import Plan
from penstock._src.core.errors import InternalError
from penstock._src.devices.gpu.cuda.driver.gpu import Gpu, Graph
from penstock._src.devices.gpu.cuda.driver.maps import LaunchMaps
from penstock._src.devices.gpu.cuda.driver.memory import DeviceMemory
from penstock._src.devices.gpu.cuda.nccl.exchanges import GpuSession
from penstock._src.devices.gpu.kernels.language import CudaCode
from penstock._src.devices.gpu.kernels.specials.exchanges import ExchangeCode
from penstock._src.devices.gpu.recording import Recorder, can_be_recorded
from penstock._src.devices.gpu.regions import (
    Choice,
    Kernel,
    Loop,
    Region,
    asks,
    kernels_of,
    regions_of,
)
from penstock._src.native.runner import HEADER, A

STATUS_WORDS = 16
WORD = 8
MOST_GRAPHS = 8  # graphs kept by a table, for arguments and results at different addresses


class CudaTable:
    """A launch table, which one call at a time may run.

    constants   of the plan, in the GPU's memory
    """

    def __init__(self, plan: Plan, gpu: Gpu, constants: Mapping[Buffer, DeviceMemory]):
        self.plan, self.gpu, self.constants = plan, gpu, constants
        self.arena = gpu.allocate(plan.arena_bytes)
        self.status, self.status_words = (
            gpu.allocate(STATUS_WORDS * WORD),
            np.zeros(STATUS_WORDS, np.int64),
        )
        self._own: dict[int, DeviceMemory] = {}  # for arguments that come from the host
        # (True for a result, its index or that of the argument, the word, bytes to add)
        self._patches: list[tuple[bool, int, int, int]] = []
        self.words = np.array(encode(plan.launches, lambda _: 0, self._word), np.int64)
        self._results: list[int] = []  # addresses of the last run's
        self._places: tuple[int, ...] = ()  # that the words have
        self._graphs: OrderedDict[tuple[int, ...], Graph | None] = OrderedDict()
        self.regions = regions_of(plan.launches)
        self.asks = asks(self.regions)  # True if its results control what runs next
        self.is_graph = can_be_recorded(gpu, self.regions)
        self.is_checked = any(kernel.is_check for kernel in kernels_of(self.regions))
        self._maps = {
            kernel.at: LaunchMaps(gpu, code.maps)
            for kernel in kernels_of(self.regions)
            if isinstance(code := kernel.launch.code, CudaCode) and code.maps
        }
        self._ended = np.array([self.status.address if self.is_checked else 0], np.int64)
        waits = plan.function.exchanges
        self.session = GpuSession(gpu, waits, self.status.address) if waits else None
        # A kernel that cannot be loaded fails before other processes wait for this one.
        if self.session is not None:
            for kernel in kernels_of(self.regions):
                code = kernel.launch.code
                if isinstance(code, CudaCode) and not isinstance(code, ExchangeCode):
                    gpu.function(code, kernel.launch.function)

    def _word(self, argument: Any, at: int) -> int:
        """The word of a launch's argument; of a variable it is written at each call."""
        argument, offset = memory_of(argument)
        if argument is STATUS:
            return self.status.address
        if not isinstance(argument, Buffer):
            return int(argument) + offset
        if argument.place == "arena":
            return self.arena.address + argument.offset + offset
        if argument.place == "constant":
            return self.constants[argument].address + offset
        if argument.place not in ("output", "input", "variable"):
            raise InternalError(None, None, f"{argument.place}: memory that no GPU has.")
        self._patches.append((argument.place == "output", argument.number, at, offset))
        return 0

    def own_memory(self, number: int) -> DeviceMemory:
        """Memory of the table for an argument that comes from the host."""
        if number not in self._own:
            size = bytes_of(self.plan.function.parameters[number])
            self._own[number] = self.gpu.allocate(size)
        return self._own[number]

    def new_results(self) -> list[DeviceMemory]:
        """Memory for the results of a run; where it was before if that is free again, as the graph of that run can then be replayed."""
        results = self.plan.function.results
        before = self._results or [None] * len(results)
        allocated = [
            self.gpu.allocate(bytes_of(r), at) for r, at in zip(results, before, strict=True)
        ]
        self._results = [memory.address for memory in allocated]
        return allocated

    # -- a run
    def run(self, memory: Mapping[int, DeviceMemory], results: Sequence[DeviceMemory]) -> None:
        """Puts the table into the GPU's stream.

        Args:
          memory: of the arguments, by their numbers.
          results: memory for the results.
        """
        self._place(
            {i: m.address for i, m in memory.items()}, [result.address for result in results]
        )
        self.status_words[:] = 0
        # A graph runs without the host: all exchanges in it must be agreed on before.
        is_agreed = self.session is None or self.session.agree()
        if not (is_agreed and self.is_graph) or self._places not in self._graphs:
            self._clear_status()
            self._walk_all()
            self._note_places()
        else:
            self._graphs.move_to_end(self._places)
            graph = self._graphs[self._places]
            if graph is None:
                # At the second run with these addresses: a single run would not pay for it.
                recorder = Recorder(self.gpu, self.words, int(self._ended[0]), self._launch)
                graph = recorder.graph(self.regions, self._clear_status)
                self._graphs[self._places] = graph
            graph.launch()
        if self.is_checked:
            self.status.read(self.status_words)

    def _place(self, arguments: Mapping[int, int], results: Sequence[int]) -> None:
        """Writes addresses into the words."""
        places = (*arguments.values(), *results)
        if places != self._places:
            self._places = places
            for is_result, number, at, offset in self._patches:
                address = results[number] if is_result else arguments[number]
                self.words[at] = address + offset

    def _note_places(self) -> None:
        """Remembers that there was a run with these addresses, if it can be a graph."""
        if self.is_graph:
            self._graphs.setdefault(self._places, None)
            if len(self._graphs) > MOST_GRAPHS:
                self._graphs.popitem(last=False)

    @property
    def code(self) -> int:
        """The code of the check that failed, 0 if none did; known when the GPU has finished."""
        return int(self.status_words[0])

    def _clear_status(self) -> None:
        if self.is_checked:
            self.gpu.driver.clear(self.status.address, self.status.size, self.gpu.stream)

    def _walk_all(self) -> None:
        """Puts the table into the GPU's stream. If a check has ended it, other processes still wait in the remaining exchanges."""
        for number, region in enumerate(self.regions):
            if not self._walk([region]):
                for left in self.regions[number + 1 :]:
                    if isinstance(left, Kernel) and isinstance(left.launch.code, ExchangeCode):
                        self._launch(left, self.gpu.stream)
                return

    def _walk(self, regions: Sequence[Region]) -> bool:
        """Puts regions into the GPU's stream. If the host waits for the GPU anyway, it reads each check: returns False if one has failed."""
        for region in regions:
            if isinstance(region, Kernel):
                self._launch(region, self.gpu.stream)
                # Otherwise the host need not wait: kernels after a failed check end at once.
                goes_on = not (self.asks and region.is_check and self._failed())
            elif isinstance(region, Loop):
                goes_on = self._walk_loop(region)
            else:
                goes_on = self._walk(self._chosen(region))
            if not goes_on:
                return False
        return True

    def _walk_loop(self, loop: Loop) -> bool:
        rounds = itertools.count() if loop.rounds is None else range(loop.rounds)
        for _ in rounds:
            if not self._walk(loop.condition):
                return False
            if loop.rounds is None and not self._read(int(self.words[loop.holds]), np.uint8):
                return True
            if not self._walk(loop.body):
                return False
        return self._walk(loop.condition)

    def _chosen(self, choice: Choice) -> Sequence[Region]:
        """The branch that the GPU has chosen; the last if the number is out of range."""
        index, count = self._read(int(self.words[choice.index]), np.int32), len(choice.branches)
        # As TensorFlow's Case: out of range, the last branch runs.
        return choice.branches[index if 0 <= index < count else count - 1]

    def _launch(self, kernel: Kernel, stream: int) -> None:
        record, at = kernel.launch, kernel.at
        code = record.code
        if not isinstance(code, CudaCode):
            raise InternalError(None, None, f"{record.label}: its code is not for GPUs.")
        gpu, base = self.gpu, self.words.ctypes.data
        if isinstance(code, ExchangeCode):
            assert self.session is not None
            begin = at + HEADER
            words = self.words[begin : begin + len(record.args)].tolist()
            self.session.put(code, words, stream)
            return
        function = gpu.function(code, record.function)
        blocks = code.blocks(record.tasks)
        ended = int(self._ended.ctypes.data)
        arguments = [base + WORD * (at + HEADER), base + WORD * (at + A), ended]
        if at in self._maps:
            words = self.words[at + HEADER : at + HEADER + len(record.args)]
            arguments += self._maps[at].addresses(words.tolist())
        shared = code.shared if code.dynamic else 0
        gpu.driver.launch(function, blocks, code.threads, arguments, stream, shared)

    def _failed(self) -> bool:
        """True if a check has failed; waits for the GPU."""
        self.status.read(self.status_words)
        self.gpu.wait()
        return bool(self.code)

    def _read(self, address: int, dtype: Any) -> int:
        """A number computed by the GPU."""
        value = np.zeros(1, dtype)
        self.gpu.read(value, address)
        self.gpu.wait()
        return int(value[0])

    def conditions(
        self, arguments: Mapping[int, DeviceMemory], results: Sequence[DeviceMemory]
    ) -> None:
        """Raises the message of the first condition that does not hold, after a run with this memory."""
        for check, buffer in self.plan.conditions:
            if buffer.place == "constant":
                holds = bool(buffer.array)
            else:
                if buffer.place == "output":
                    address = results[buffer.number].address
                elif buffer.place == "arena":
                    address = self.arena.address + buffer.offset
                else:
                    address = arguments[buffer.number].address
                holds = bool(self._read(address, np.uint8))
            if not holds:
                raise check.error()


__all__ = ["CudaTable"]
