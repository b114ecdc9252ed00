"""The emulator: launches of kernels on memory of this process, one at a time."""

import ctypes
import functools
import threading
from collections.abc import Sequence
from dataclasses import field
from typing import Any

import numpy as np

from penstock._src.core.errors import InternalError
from penstock._src.devices.gpu.cuda.driver.calls import MAP_BYTES
from penstock._src.devices.gpu.emulator import state
from penstock._src.devices.gpu.emulator.amd_intrinsics import write_amd_intrinsics
from penstock._src.devices.gpu.emulator.asynchronous.faults import Misuse, SharedMemory
from penstock._src.devices.gpu.emulator.asynchronous.service import Service
from penstock._src.devices.gpu.emulator.copies import write_copies, write_forget
from penstock._src.devices.gpu.emulator.intrinsics import write_intrinsics
from penstock._src.devices.gpu.emulator.memory import write_memory
from penstock._src.devices.gpu.emulator.state import Fault
from penstock._src.devices.gpu.emulator.threads import STATE, write_threads
from penstock._src.devices.gpu.emulator.translate import EmulatedKernel
from penstock._src.native import Code, Library, Module, kernels, pool, provide
from penstock._src.native.language.types import PTR
from penstock._src.util.dataclass import dataclass
from penstock._src.util.process import forks

STACK = 1 << 16  # bytes of a thread
MOST_THREADS = 1024  # threads of a block
EPOCHS = 1 << 30  # after which shadows are cleared, as their times have 32 bits


class KernelFault(InternalError):
    """A kernel that reached outside of its memory, raced, or got stuck."""


@dataclass
class Memory:
    """Memory that kernels may touch, with its shadow."""

    bytes: np.ndarray
    name: str
    shadow: np.ndarray = field(init=False)
    address: int = field(init=False)
    row: tuple[int, int, int] = field(init=False)  # start, bytes, address of the shadow

    def __post_init__(self) -> None:
        self.shadow = np.zeros(state.SHADOW_WORDS * max(self.bytes.nbytes, 1), np.int32)
        self.address = int(self.bytes.ctypes.data)
        self.row = (self.address, self.bytes.nbytes, int(self.shadow.ctypes.data))


@functools.cache
def _runtime() -> Library:
    """The functions that emulated kernels call."""
    pool()  # with which conversions come that the processor lacks
    m = Module()
    write_forget(m)
    write_threads(m)
    write_memory(m)
    write_copies(m)
    write_intrinsics(m)
    write_amd_intrinsics(m)
    with m.fn("penstock.emulator.state", ret=PTR) as f:
        f.give(f.address(STATE))
    code = Code.of(m)
    library = kernels()[code]
    for name in code.exports:
        provide(name, library[name])
    return library


class Emulator:
    """Runs kernels. There is one in a process at a time, as its functions share one state."""

    _lock = forks.freed_in_child(threading.RLock())

    def __init__(self) -> None:
        self.memory: list[Memory] = []
        self.conditions = np.zeros(0, np.int32)  # values of conditional nodes
        self.launches = 0

    def allocate(self, size: int, name: str = "memory") -> Memory:
        """Memory for kernels, of undefined contents, at a multiple of 256."""
        room = np.full(size + 256, 0xCD, np.uint8)
        start = -room.ctypes.data % 256
        memory = Memory(room[start : start + size], name)
        self.memory.append(memory)
        return memory

    def free(self, memory: Memory) -> None:
        """Takes memory from kernels."""
        self.memory = [m for m in self.memory if m is not memory]

    def add_condition(self) -> int:
        """The handle of a new condition."""
        self.conditions = np.append(self.conditions, np.int32(state.UNSET))
        return state.FIRST_CONDITION + len(self.conditions) - 1

    def condition(self, handle: int, number: int | None = None) -> int:
        """The value of a condition, after it was set to `number` if that is given."""
        which = handle - state.FIRST_CONDITION
        if number is not None:
            self.conditions[which] = number
        return int(self.conditions[which])

    def launch(
        self,
        kernel: EmulatedKernel,
        context: Sequence[int],
        blocks: int,
        tasks: int,
        checked: int = 0,
        dynamic: int = 0,
        maps: bytes = b"",
    ) -> None:
        """Runs a kernel with these words as its context; if there is a code at the address `checked`, it does nothing.

        Args:
          kernel: which.
          context: its words.
          blocks: number of blocks.
          tasks: number of tasks.
          checked: an address, or 0.
          dynamic: bytes of dynamic shared memory.
          maps: its tensor maps.

        Raises:
          KernelFault: it did something wrong.
        """
        if len(context) != kernel.words:
            raise InternalError(
                None,
                None,
                f"{kernel.name}: {kernel.words} words are required. Received {len(context)}.",
            )
        if len(maps) != kernel.maps * MAP_BYTES:
            raise InternalError(None, None, f"{kernel.name}: {kernel.maps} maps are required.")
        with self._lock:
            words = np.array(context, np.int64)
            self._launch(kernel, words, blocks, tasks, checked, kernel.shared + dynamic, maps)

    def _launch(
        self, kernel: EmulatedKernel, context: np.ndarray, blocks: int, tasks: int, checked: int, shared_bytes: int, maps: bytes
    ) -> None:  # fmt: skip
        runtime, library = _runtime(), kernels()[kernel.code]
        words = np.ctypeslib.as_array(_pointer(runtime, "penstock.emulator.state"), (state.WORDS,))
        threads = kernel.threads
        shared = ctypes.cast(_pointer(library, "shared_memory"), ctypes.c_void_p).value or 0
        stacks, status, parities, syncs = (np.zeros(threads, np.int64) for _ in range(4))
        stack = np.empty(threads * STACK + 64, np.uint8)
        copies = np.empty(threads * state.MOST_COPIES * state.COPY_WORDS, np.int64)
        counts = np.zeros(2 * threads, np.int64)
        slots = np.zeros(threads * 2 * state.SLOT, np.uint8)
        shadow = np.zeros(state.SHADOW_WORDS * max(shared_bytes, 1), np.int32)
        map_words = np.frombuffer(maps + bytes(state.MOST_MAPS * MAP_BYTES), np.uint8)
        rows = [m.row for m in self.memory]
        latest = np.zeros(state.LATEST_WORDS, np.int64)
        ranges = np.array(rows, np.int64).reshape(-1, state.RANGE_WORDS)
        if words[state.EPOCH] > EPOCHS:
            words[state.EPOCH] = 0
            for m in self.memory:
                m.shadow[:] = 0
        low = stack.ctypes.data + -stack.ctypes.data % 64
        values = {
            state.THREADS: threads, state.BLOCKS: blocks, state.STACKS_OF: stacks.ctypes.data,
            state.STATUS_OF: status.ctypes.data, state.SHARED: shared, state.SHARED_BYTES: shared_bytes,
            state.SHARED_SHADOW: shadow.ctypes.data, state.RANGES: ranges.ctypes.data,
            state.RANGE_COUNT: len(ranges), state.FAULT: 0, state.SLOTS: slots.ctypes.data,
            state.PARITIES: parities.ctypes.data, state.STACK_LOW: low, state.STACK_BYTES: threads * STACK,
            state.STACK_OF_ONE: STACK, state.KERNEL: library[kernel.name], state.CONTEXT: context.ctypes.data,
            state.COPIES: copies.ctypes.data, state.COPY_COUNTS: counts.ctypes.data, state.TASKS: tasks, state.SYNCS_OF: syncs.ctypes.data, state.CHECKED: checked,
            state.CONDITIONS: self.conditions.ctypes.data, state.CONDITION_COUNT: len(self.conditions),
            state.MAPS: map_words.ctypes.data, state.SERVICE: 0, state.WAVEFRONT: kernel.wavefront,
            state.LATEST: latest.ctypes.data,
        }  # fmt: skip
        service = None
        if kernel.assembly:
            room = np.ctypeslib.as_array((ctypes.c_uint8 * shared_bytes).from_address(shared))
            block = SharedMemory(room, shadow)
            service = Service(words, kernel.assembly, status, block, self.memory)
            values[state.SERVICE] = service.address
            values[state.REQUESTS] = service.requests.ctypes.data
        for which, value in values.items():
            words[which] = value
        runtime.function("penstock.emulator.run")()
        self.launches += 1
        if service is not None and service.error is not None:
            raise self._misuse(kernel, words, service.error)
        if words[state.FAULT]:
            raise self._fault(kernel, words, shared, shared_bytes)

    @staticmethod
    def _who(kernel: EmulatedKernel, words: np.ndarray) -> str:
        return (
            f"{kernel.name}: thread {words[state.FAULT_THREAD]} of block {words[state.FAULT_BLOCK]}"
        )

    def _misuse(self, kernel: EmulatedKernel, words: np.ndarray, error: Exception) -> Exception:
        """The error for a wrong use that the service has found; the service's own errors unchanged."""
        if isinstance(error, Misuse):
            return KernelFault(None, None, f"{self._who(kernel, words)} {error}.")
        return error

    def _fault(
        self, kernel: EmulatedKernel, words: np.ndarray, shared: int, shared_bytes: int
    ) -> KernelFault:
        kind = Fault(int(words[state.FAULT]))
        address, size = int(words[state.FAULT_ADDRESS]), int(words[state.FAULT_SIZE])
        who = self._who(kernel, words)
        if kind is Fault.STUCK:
            return KernelFault(None, None, f"{who} waits for others that never come.")
        if kind is Fault.NO_CONDITION:
            return KernelFault(
                None, None, f"{who} sets the condition {address:#x}, which no graph has."
            )
        verb = "stores" if words[state.FAULT_STORES] else "loads"
        where = self._place(address, shared, shared_bytes)
        what = {
            Fault.OUTSIDE: "outside of what it has",
            Fault.MISALIGNED: f"where no multiple of {words[state.FAULT_OTHER]} bytes is",
            Fault.RACE: f"in a race with thread {words[state.FAULT_OTHER]}",
            Fault.UNWRITTEN: "which nobody has written",
            Fault.ON_ITS_WAY: "to which a copy is on its way",
            Fault.MANY_COPIES: "by one more copy on its way than the emulator follows",
        }[kind]
        return KernelFault(None, None, f"{who} {verb} {size} bytes at {where}, {what}.")

    def _place(self, address: int, shared: int, shared_bytes: int) -> str:
        """An address in words: after the memory that begins last before it."""
        begins = [(m.address, m.name, m.bytes.nbytes) for m in self.memory]
        if shared_bytes:
            begins.append((shared, "shared memory", shared_bytes))
        before = [b for b in begins if b[0] <= address]
        if not before:
            return f"address {address:#x}"
        start, name, size = max(before)
        return f"byte {address - start} of {name} ({size} bytes)"


def _pointer(library: Library, name: str) -> Any:
    """The result of a function without arguments, as a pointer to words."""
    return library.function(name, result=ctypes.POINTER(ctypes.c_int64))()
