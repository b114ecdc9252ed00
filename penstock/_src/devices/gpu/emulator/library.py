"""The emulated libcuda: its functions, implemented by the emulator. It records calls.

Memory of the "GPU" is memory of this process, and modules are the kernels' LLVM IR. What is put into a stream while it is captured is kept,
with copies of the kernels' parameters at that time, and run when the graph is launched (graphs.py); streams.py decides when other work
runs.
"""

import ctypes
import itertools
import os
from collections import Counter
from typing import Any

import numpy as np

from penstock._src.devices.gpu.cuda.driver.calls import (
    DYNAMIC_SHARED,
    MAJOR,
    MAP_BYTES,
    MINOR,
    MULTIPROCESSORS,
    OUT_OF_MEMORY,
    PTX,
    SWIZZLE_128,
)
from penstock._src.devices.gpu.emulator.asynchronous.maps import BoxMap
from penstock._src.devices.gpu.emulator.emulator import Emulator, Memory
from penstock._src.devices.gpu.emulator.graphs import UNJOINED, GraphFunctions
from penstock._src.devices.gpu.emulator.streams import INVALID, number_of
from penstock._src.devices.gpu.emulator.translate import EmulatedKernel
from penstock._src.devices.gpu.target import WITHOUT_ASKING, architecture_of

NOT_FOUND = 500
_ERRORS = {
    INVALID: (b"CUDA_ERROR_INVALID_VALUE", b"invalid argument"),
    OUT_OF_MEMORY: (b"CUDA_ERROR_OUT_OF_MEMORY", b"out of memory"),
    UNJOINED: (b"CUDA_ERROR_STREAM_CAPTURE_UNJOINED", b"capturing stream has unjoined work"),
    NOT_FOUND: (b"CUDA_ERROR_NOT_FOUND", b"named symbol not found"),
}
VERSION = (12, 4)  # the version of CUDA that the emulated driver supports
CAPABILITY = "8.0"
# bytes of a tensor map's elements, by the driver's numbers of types
MAP_ELEMENTS = {0: 1, 6: 2, 9: 2}
MEMORY = 1 << 30  # bytes of the emulated GPU's memory


def _put(reference: Any, value: Any) -> None:
    """Writes a result where a caller wants it."""
    reference._obj.value = value


class EmulatedLibrary(GraphFunctions):
    """libcuda's functions. `calls` counts them; a `KernelFault` of a kernel is raised unchanged.

    `fails` maps names of functions to error codes to return, for tests of error handling.
    """

    def __init__(
        self,
        memory: int = MEMORY,
        devices: int = 1,
        version: tuple[int, int] = VERSION,
        lazy: bool = False,
        capability: str = CAPABILITY,
    ) -> None:
        super().__init__(lazy)
        self.emulator = Emulator()
        self.calls: Counter[str] = Counter()
        self.fails: dict[str, int] = {}
        self.memory, self.devices, self.version = memory, devices, version
        self.capability = [int(x) for x in capability.split(".")]
        self._allowed: dict[int, int] = {}  # bytes of shared memory that kernels may ask for
        self._allocated: dict[int, Memory] = {}
        self._pinned: dict[int, np.ndarray] = {}
        self._handles = itertools.count(1)
        self._objects: dict[int, Any] = {}

    def __getattribute__(self, name: str) -> Any:
        if not name.startswith("cu"):
            return object.__getattribute__(self, name)
        self.calls[name] += 1
        code = self.fails.get(name)
        if code is not None:
            return lambda *_: code
        attribute = object.__getattribute__(self, name)
        # Functions without a result succeed, as the driver's return 0 then.
        return lambda *arguments: attribute(*arguments) or 0

    def _handle(self, thing: Any) -> int:
        number = next(self._handles)
        self._objects[number] = thing
        return number

    # -- devices
    def cuInit(self, _flags: Any) -> None:
        pass

    def cuGetErrorName(self, code: Any, text: Any) -> int:
        return self._error_text(code, text, 0)

    def cuGetErrorString(self, code: Any, text: Any) -> int:
        return self._error_text(code, text, 1)

    def _error_text(self, code: Any, text: Any, which: int) -> int:
        if code.value not in _ERRORS:
            return INVALID
        _put(text, _ERRORS[code.value][which])
        return 0

    def cuDriverGetVersion(self, version: Any) -> None:
        _put(version, 1000 * self.version[0] + 10 * self.version[1])

    def cuDeviceGetCount(self, count: Any) -> None:
        _put(count, self.devices)

    def cuDeviceGet(self, device: Any, number: Any) -> int:
        _put(device, number.value)
        return 0 if number.value < self.devices else INVALID

    def cuDeviceGetName(self, text: Any, _size: Any, _device: Any) -> None:
        text.value = b"Emulated GPU"

    def cuDeviceGetPCIBusId(self, text: Any, _size: Any, device: Any) -> None:
        # Each process has its own.
        text.value = f"{os.getpid():08x}:{device.value:02x}:00.0".encode()

    def cuDeviceGetAttribute(self, out: Any, which: Any, _device: Any) -> int:
        values = {MAJOR: self.capability[0], MINOR: self.capability[1], MULTIPROCESSORS: 4}
        if which.value not in values:
            return INVALID
        _put(out, values[which.value])
        return 0

    def cuDeviceTotalMem_v2(self, size: Any, _device: Any) -> None:
        _put(size, self.memory)

    def cuDevicePrimaryCtxRetain(self, context: Any, _device: Any) -> None:
        _put(context, self._handle("context"))

    def cuCtxSetCurrent(self, _context: Any) -> None:
        pass

    # -- memory
    def cuMemAllocAsync(self, address: Any, size: Any, stream: Any) -> int:
        if self.is_recorded(stream):
            return INVALID  # it would be the graph's
        used = sum(m.bytes.nbytes for m in self._allocated.values())
        if used + size.value > self.memory:
            return OUT_OF_MEMORY
        memory = self.emulator.allocate(size.value)
        self._allocated[memory.address] = memory
        _put(address, memory.address)
        return 0

    def cuMemFreeAsync(self, address: Any, stream: Any) -> int:
        if self.is_recorded(stream):
            return INVALID
        memory = self._allocated.pop(number_of(address), None)
        if memory is None:
            return INVALID
        return self._do(stream, lambda: self.emulator.free(memory))

    def cuMemAllocHost_v2(self, address: Any, size: Any) -> None:
        room = np.empty(size.value, np.uint8)
        self._pinned[room.ctypes.data] = room
        _put(address, room.ctypes.data)

    def cuMemFreeHost(self, address: Any) -> None:
        self._finish_all()
        del self._pinned[number_of(address)]

    def _is_inside(self, address: int, size: int) -> bool:
        return any(
            m.address <= address and address + size <= m.address + m.bytes.nbytes
            for m in self._allocated.values()
        )

    def _copy(
        self,
        target: Any,
        source: Any,
        size: Any,
        stream: Any,
        devices: tuple[Any, ...],
        keep: Any = None,
    ) -> int:
        if not all(self._is_inside(number_of(address), size.value) for address in devices):
            return INVALID
        to, whence, count = number_of(target), number_of(source), size.value
        return self._do(stream, lambda keep=keep: ctypes.memmove(to, whence, count) and None)

    def _is_pinned(self, address: int) -> bool:
        """True if memory of the host is pinned, so that devices copy from and to it asynchronously."""
        return any(0 <= address - start < room.nbytes for start, room in self._pinned.items())

    def cuMemcpyHtoDAsync_v2(self, target: Any, source: Any, size: Any, stream: Any) -> int:
        if not self._is_pinned(number_of(source)):  # the driver has it when the call is back
            taken = np.frombuffer(ctypes.string_at(number_of(source), size.value), np.uint8)
            return self._copy(target, taken.ctypes.data, size, stream, (target,), taken)
        return self._copy(target, source, size, stream, (target,))

    def cuMemcpyDtoHAsync_v2(self, target: Any, source: Any, size: Any, stream: Any) -> int:
        code = self._copy(target, source, size, stream, (source,))
        if not code and not self.is_recorded(stream) and not self._is_pinned(number_of(target)):
            self._finish(number_of(stream))  # the call is back when the host has it
        return code

    def cuMemcpyDtoDAsync_v2(self, target: Any, source: Any, size: Any, stream: Any) -> int:
        return self._copy(target, source, size, stream, (target, source))

    def cuMemcpyPeerAsync(
        self, target: Any, _to_context: Any, source: Any, _context: Any, size: Any, stream: Any
    ) -> int:
        return self._copy(target, source, size, stream, (target, source))

    def cuMemsetD8Async(self, address: Any, value: Any, size: Any, stream: Any) -> int:
        place, count = number_of(address), size.value
        if not self._is_inside(place, count):
            return INVALID
        return self._do(stream, lambda: ctypes.memset(place, value.value, count) and None)

    # -- kernels
    def cuLinkCreate_v2(self, _count: Any, _options: Any, _values: Any, state: Any) -> None:
        _put(state, self._handle([]))

    def cuLinkAddData_v2(
        self, state: Any, kind: Any, data: Any, size: Any, _name: Any, _count: Any, _options: Any, _values: Any
    ) -> int:  # fmt: skip
        if kind.value != PTX or len(data.value) + 1 != size.value:
            return INVALID
        self._objects[state.value].append(ctypes.create_string_buffer(data.value))
        return 0

    def cuLinkComplete(self, state: Any, image: Any, size: Any) -> None:
        (linked,) = self._objects[state.value]  # the linked image is loaded unchanged
        _put(image, ctypes.addressof(linked))
        _put(size, len(linked))

    def cuLinkDestroy(self, state: Any) -> None:
        del self._objects[state.value]

    def cuModuleLoadData(self, module: Any, image: Any) -> None:
        _put(module, self._handle(image.value.decode()))

    def cuModuleGetFunction(self, function: Any, module: Any, name: Any) -> int:
        text, wanted = self._objects[module.value], name.value.decode()
        if f"void @{wanted}(" not in text:
            return NOT_FOUND
        _put(function, self._handle(EmulatedKernel(text, wanted)))
        return 0

    def cuFuncSetAttribute(self, function: Any, which: Any, value: Any) -> int:
        architecture = architecture_of(*self.capability)
        if which.value != DYNAMIC_SHARED or value.value > architecture.most_shared:
            return INVALID
        self._allowed[function.value] = value.value
        return 0

    def cuTensorMapEncodeTiled(
        self, target: Any, element: Any, rank: Any, address: Any, extents: Any, strides: Any, box: Any, steps: Any,
        interleave: Any, swizzle: Any, _promotion: Any, fill: Any,
    ) -> int:  # fmt: skip
        if target.value % 64 or element.value not in MAP_ELEMENTS or len(extents) != rank.value:
            return INVALID
        if interleave.value or swizzle.value != SWIZZLE_128 or fill.value or set(steps) != {1}:
            return INVALID
        box_map = BoxMap(
            number_of(address),
            MAP_ELEMENTS[element.value],
            tuple(extents),
            tuple(strides),
            tuple(box),
        )
        if not box_map.is_valid:
            return INVALID
        box_map.write((ctypes.c_int64 * (MAP_BYTES // 8)).from_address(target.value))
        return 0

    def cuLaunchKernel(
        self, function: Any, x: Any, y: Any, z: Any, threads: Any, ty: Any, tz: Any, shared: Any, stream: Any,
        parameters: Any, _extra: Any,
    ) -> int:  # fmt: skip
        kernel: EmulatedKernel = self._objects[function.value]
        if threads.value != kernel.threads or x.value < 1:
            return INVALID
        if {y.value, z.value, ty.value, tz.value} != {1}:
            return INVALID
        if shared.value > self._allowed.get(function.value, WITHOUT_ASKING):
            return INVALID
        words = ctypes.cast(parameters[0], ctypes.POINTER(ctypes.c_int64))
        context = [words[i] for i in range(kernel.words)]
        tasks, checked = (
            ctypes.cast(parameters[i], ctypes.POINTER(ctypes.c_int64))[0] for i in (1, 2)
        )
        maps = b"".join(ctypes.string_at(parameters[3 + i], MAP_BYTES) for i in range(kernel.maps))
        blocks, dynamic = x.value, shared.value
        return self._do(
            stream,
            lambda: self.emulator.launch(kernel, context, blocks, tasks, checked, dynamic, maps),
        )
