"""The service: runs the instructions that threads request, and decides when asynchronous work happens.

All asynchronous work happens as late as possible: a copy completes when no thread can continue without it, a product reads its tiles when
it is awaited. The service tracks which thread knows of which event: a completed copy is an event, and so is a warp's end of reading;
barriers pass events from arriving to waiting threads. So a use before its wait, or a write to data that may still be read, is detected for
any order of threads.
"""

import ctypes
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from penstock._src.core.errors import InternalError
from penstock._src.devices.gpu.emulator import state
from penstock._src.devices.gpu.emulator.asynchronous.boxes import Barriers
from penstock._src.devices.gpu.emulator.asynchronous.faults import Misuse, SharedMemory
from penstock._src.devices.gpu.emulator.asynchronous.products import Products
from penstock._src.devices.gpu.target import WARP
from penstock._src.util.dataclass import dataclass

TYPE = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64, ctypes.c_int64)


@dataclass(frozen=True)
class Block:
    """The state of a block of threads, and the events that each warp has seen."""

    known: list[set[Any]]
    barriers: Barriers
    products: Products


def block_of(words: np.ndarray, shared: SharedMemory, memory: Sequence[Any], threads: int) -> Block:
    """A block that begins."""
    known: list[set[Any]] = [set() for _ in range(-(-threads // WARP))]
    barriers = Barriers(words, shared, memory, known)
    return Block(known, barriers, Products(barriers, shared, known))


class Service:
    """Answers the threads of one launch.

    `address` is that of the native entry point; `error` is the first error.
    """

    def __init__(
        self, words: np.ndarray, assembly: Sequence[str], status: np.ndarray, shared: SharedMemory, memory: Sequence[Any]
    ) -> None:  # fmt: skip
        self.words, self.assembly, self.status, self.shared = words, assembly, status, shared
        self.requests = np.zeros(len(status) * state.REQUEST_WORDS, np.int64)
        self.memory = memory
        self.block = block_of(words, shared, memory, len(status))
        self.error: Exception | None = None
        self._callback = TYPE(self._asked)
        self._last = 0  # the instruction that is being run, and the thread for which
        self._thread = 0
        self._rules: list[tuple[re.Pattern[str], Callable[..., None]]] = [
            (re.compile(pattern), method)
            for pattern, method in (
                (r"^mbarrier\.init\.shared::cta\.b64 \[\$0\], \$1;$", self._begin_barrier),
                (r"^fence\.proxy\.async\.shared::cta;$", self._fence),
                (r"^mbarrier\.arrive\.shared::cta\.b64 _, \[\$0\];$", self._arrive),
                (r"^mbarrier\.arrive\.expect_tx\.shared::cta\.b64 _, \[\$0\], \$1;$", self._arrive),
                (r" mbarrier\.try_wait\.parity\.shared::cta\.b64 done, \[\$0\], \$1; ", self._wait),
                (r"^cp\.async\.bulk\.tensor\.(\d)d\.shared::cluster\.global\.mbarrier", self._copy),
                (r"^setmaxnreg\.(inc|dec)\.sync\.aligned\.u32 (\d+);$", self._set_registers),
                (r"^wgmma\.fence\.sync\.aligned;$", self._fence_sums),
                (r" wgmma\.mma_async\.sync\.aligned\.m64n(\d+)k(\d+)\.(\w+)\.(\w+)\.\w+ .*?add(?:, 1, 1, (\d), (\d))?; }$", self._multiply),
                (r"^wgmma\.commit_group\.sync\.aligned;$", self._close),
                (r"^wgmma\.wait_group\.sync\.aligned (\d+);$", self._wait_for_products),
            )
        ]  # fmt: skip

    @property
    def address(self) -> int:
        """The address of the function that native code calls."""
        return ctypes.cast(self._callback, ctypes.c_void_p).value or 0

    def _asked(self, what: int, thread: int) -> int:
        """Called by native code; returns 1 if a thread can continue."""
        self._thread = thread
        try:
            return int(self._answer(what, thread))
        except Exception as error:  # which native code cannot carry: the launch raises it
            self.error = error
            self.words[state.FAULT] = int(state.Fault.IN_SERVICE)
            self.words[state.FAULT_THREAD] = self._thread
            self.words[state.FAULT_BLOCK] = self.words[state.BLOCK]
            return 0

    def _answer(self, what: int, thread: int) -> bool:
        if what == state.BEGIN:
            self.block = block_of(self.words, self.shared, self.memory, len(self.status))
        elif what == state.BARRIER:
            # A barrier of the block orders all that its threads did before it.
            everything: set[Any] = set().union(*self.block.known)
            for known in self.block.known:
                known |= everything
        elif what in (state.ALONE, state.TOGETHER):
            count = state.WARPGROUP if what == state.TOGETHER else 1
            self._run([t for t in range(thread, thread + count) if t < len(self.status)])
        elif what == state.IDLE:
            return self._wake(self.block.barriers.land_next())
        elif what == state.END:
            self.block.barriers.end()
            self.block.products.end()
        return True

    def _wake(self, threads: Sequence[int]) -> bool:
        """Makes threads continue."""
        for thread in threads:
            self.status[thread] = state.READY
        return bool(threads)

    # -- instructions
    def _run(self, threads: list[int]) -> None:
        """Runs the instruction that threads have requested together."""
        rows = self.requests.reshape(-1, state.REQUEST_WORDS)[threads]
        if len(set(rows[:, 0].tolist())) != 1:
            raise Misuse("its warpgroup is at different instructions")
        text = self.assembly[int(rows[0, 0])]
        for pattern, method in self._rules:
            if match := pattern.search(text):
                # Before the method, which may make the thread wait.
                if len(threads) == 1:
                    self.status[threads[0]] = state.READY
                method(match, threads, rows)
                return
        raise InternalError(None, None, f"The emulator does not know {text!r}.")

    @staticmethod
    def _operands(row: np.ndarray, count: int) -> list[int]:
        words = ctypes.cast(int(row[1]), ctypes.POINTER(ctypes.c_int64))
        return [words[i] for i in range(count)]

    def _begin_barrier(self, _found: Any, threads: list[int], rows: np.ndarray) -> None:
        self.block.barriers.begin(threads[0], *self._operands(rows[0], 2))

    def _fence(self, _found: Any, threads: list[int], _rows: np.ndarray) -> None:
        self.block.barriers.fence(threads[0])

    def _arrive(self, match: Any, threads: list[int], rows: np.ndarray) -> None:
        count = 2 if "expect" in match[0] else 1
        self._wake(self.block.barriers.arrive(threads[0], *self._operands(rows[0], count)))

    def _wait(self, _found: Any, threads: list[int], rows: np.ndarray) -> None:
        if not self.block.barriers.wait(threads[0], *self._operands(rows[0], 2)):
            self.status[threads[0]] = state.AT_PHASE

    def _copy(self, match: Any, threads: list[int], rows: np.ndarray) -> None:
        rank = int(match[1])
        to, place, *first, barrier = self._operands(rows[0], rank + 3)
        copy = self.block.barriers.copy(threads[0], to, place, first, barrier)
        self.block.products.overwritten(threads[0], copy)

    def _set_registers(self, match: Any, _threads: list[int], _rows: np.ndarray) -> None:
        count = int(match[2])
        if count % 8 or not 24 <= count <= 256:
            raise Misuse(f"sets {count} registers, no multiple of 8 from 24 to 256")

    def _fence_sums(self, _found: Any, threads: list[int], _rows: np.ndarray) -> None:
        self.block.products.fence(threads)

    def _multiply(self, match: Any, threads: list[int], rows: np.ndarray) -> None:
        operands = {tuple(self._operands(row, 2)) for row in rows}
        if len(operands) != 1:
            raise Misuse("the threads of its warpgroup name different tiles")
        columns, depth, total, element, *turned = match.groups()
        across = [flag == "1" for flag in turned]
        sums = self._sums(rows, int(columns) // 2, total)
        shape = int(columns), int(depth)
        self.block.products.begin(threads, operands.pop(), shape, element, across, sums)

    def _sums(self, rows: np.ndarray, count: int, total: str) -> list[np.ndarray]:
        """For each thread the sums that the instruction changes."""
        kind = ctypes.c_float if total == "f32" else ctypes.c_int32
        return [
            np.ctypeslib.as_array(ctypes.cast(int(row[2]), ctypes.POINTER(kind)), (count,))
            for row in rows
        ]

    def _close(self, _found: Any, threads: list[int], _rows: np.ndarray) -> None:
        self.block.products.close(threads)

    def _wait_for_products(self, match: Any, threads: list[int], rows: np.ndarray) -> None:
        def sums(count: int, total: str) -> list[np.ndarray]:
            return self._sums(rows, count, total)

        self.block.products.wait(threads, int(match[1]), sums)
