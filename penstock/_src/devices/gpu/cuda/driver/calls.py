"""Calls of libcuda by ctypes; every return code is checked. Only `Driver` knows the functions' names and types."""

import ctypes
import ctypes.util
import sys
from collections.abc import Sequence
from ctypes import byref, c_char_p, c_int, c_size_t, c_uint, c_uint64, c_ulonglong, c_void_p
from typing import Any, Protocol

from penstock._src.core.errors import (
    FailedPreconditionError,
    InternalError,
    OpError,
    ResourceExhaustedError,
)

OUT_OF_MEMORY, NO_DEVICE, NOT_READY = 2, 100, 600
MULTIPROCESSORS, MAJOR, MINOR = 16, 75, 76  # numbers of attributes of a device
NON_BLOCKING = 1  # a stream that does not wait for the default one
WITHOUT_TIME = 2  # an event that only orders
PTX = 1  # the type of the input of the linker
CONDITIONAL = 13  # a kind of graph node
IF, WHILE, SWITCH = range(3)  # kinds of conditional nodes
ASSIGN_DEFAULT = 1  # a condition has its first number again at each launch of its graph
SET_DEPENDENCIES = 1  # the next captured node depends only on these nodes
# number of an attribute of a kernel: bytes of shared memory that its launches may ask for
DYNAMIC_SHARED = 8
# encodings of a tensor map: types of elements, by LLVM's names; lines swizzled by 128 bytes; cache lines that its copies fill
MAP_TYPES = {"i8": 0, "half": 6, "bfloat": 9}
SWIZZLE_128, FILLED = 3, 2
MAP_BYTES = 128
THREAD_LOCAL = 1  # capture mode: other threads may make calls that cannot be captured
NAMES = {"linux": "libcuda.so.1", "win32": "nvcuda.dll"}

# libcuda's functions are called with the types of their arguments, except these, whose numbers have other widths than an int.
_TYPES: dict[str, tuple[Any, ...]] = {
    "cuMemcpyHtoDAsync_v2": (c_size_t, c_void_p, c_size_t, c_void_p),
    "cuMemcpyDtoHAsync_v2": (c_void_p, c_size_t, c_size_t, c_void_p),
    "cuMemcpyDtoDAsync_v2": (c_size_t, c_size_t, c_size_t, c_void_p),
    "cuMemcpyPeerAsync": (c_size_t, c_void_p, c_size_t, c_void_p, c_size_t, c_void_p),
    "cuMemsetD8Async": (c_size_t, ctypes.c_ubyte, c_size_t, c_void_p),
    "cuMemFreeAsync": (c_size_t, c_void_p),
    "cuMemFreeHost": (c_void_p,),
}


class ConditionalNode(ctypes.Structure):
    """CUgraphNodeParams of a conditional node (256 bytes); `bodies` is filled by the driver."""

    _fields_ = [
        ("type", c_int),
        ("reserved0", c_int * 3),
        ("handle", c_uint64),
        ("kind", c_int),
        ("size", c_uint),
        ("bodies", ctypes.POINTER(c_void_p)),
        ("context", c_void_p),
        ("reserved1", c_uint64 * 26),
    ]


class Functions(Protocol):
    """libcuda, or its emulator."""

    def __getattr__(self, name: str) -> Any: ...


def open_library() -> Functions:
    """libcuda of this machine.

    Raises:
      OSError: it is not installed.
    """
    library = ctypes.CDLL(NAMES.get(sys.platform, "libcuda.so.1"))
    for name, types in _TYPES.items():
        getattr(library, name).argtypes = types
    return library


class Driver:
    """The functions of libcuda in use, with Python types; each raises the error of its return code."""

    def __init__(self, library: Functions):
        self.library = library

    def call(self, name: str, *arguments: Any) -> None:
        """Calls a function.

        Raises:
          ResourceExhaustedError: the device is out of memory.
          FailedPreconditionError: there is no device.
          InternalError: any other code.
        """
        code = int(getattr(self.library, name)(*arguments))
        if code:
            raise self._error(name, code)

    def _error(self, name: str, code: int) -> OpError:
        words = []
        for function in ("cuGetErrorName", "cuGetErrorString"):
            text = c_char_p()
            if not int(getattr(self.library, function)(c_int(code), byref(text))) and text.value:
                words.append(text.value.decode())
        message = f"{name}: {': '.join(words) or 'error'} ({code})"
        kinds = {OUT_OF_MEMORY: ResourceExhaustedError, NO_DEVICE: FailedPreconditionError}
        return kinds.get(code, InternalError)(None, None, message)

    # -- devices
    def start(self) -> None:
        """Begins; every other call needs it."""
        self.call("cuInit", c_uint(0))

    def version(self) -> tuple[int, int]:
        """The CUDA version that the driver supports."""
        number = c_int()
        self.call("cuDriverGetVersion", byref(number))
        return number.value // 1000, number.value % 1000 // 10

    def count(self) -> int:
        """The number of devices."""
        number = c_int()
        self.call("cuDeviceGetCount", byref(number))
        return number.value

    def device(self, number: int) -> int:
        """The handle of a device."""
        device_number = c_int()
        self.call("cuDeviceGet", byref(device_number), c_int(number))
        return device_number.value

    def name(self, device: int) -> str:
        """The name of a device."""
        text = ctypes.create_string_buffer(256)
        self.call("cuDeviceGetName", text, c_int(256), c_int(device))
        return text.value.decode()

    def attribute(self, device: int, which: int) -> int:
        """A number that describes a device."""
        value = c_int()
        self.call("cuDeviceGetAttribute", byref(value), c_int(which), c_int(device))
        return value.value

    def bus_id(self, device: int) -> str:
        """The address of a device on the PCI bus of its host."""
        text = ctypes.create_string_buffer(64)
        self.call("cuDeviceGetPCIBusId", text, c_int(len(text)), c_int(device))
        return text.value.decode()

    def total_memory(self, device: int) -> int:
        """Bytes of a device's memory."""
        size = c_size_t()
        self.call("cuDeviceTotalMem_v2", byref(size), c_int(device))
        return size.value

    def context(self, device: int) -> int:
        """The context that a device's users share."""
        handle = c_void_p()
        self.call("cuDevicePrimaryCtxRetain", byref(handle), c_int(device))
        return handle.value or 0

    def use(self, context: int) -> None:
        """Makes a context that of the calling thread."""
        self.call("cuCtxSetCurrent", c_void_p(context))

    # -- memory
    def allocate(self, size: int, stream: int) -> int:
        """Memory of the stream's pool."""
        address = c_size_t()
        self.call("cuMemAllocAsync", byref(address), c_size_t(size), c_void_p(stream))
        return address.value

    def free(self, address: int, stream: int) -> None:
        """Gives memory back, when the stream has come here."""
        self.call("cuMemFreeAsync", c_size_t(address), c_void_p(stream))

    def allocate_host(self, size: int) -> int:
        """Memory of the host that devices copy from and to directly."""
        address = c_void_p()
        self.call("cuMemAllocHost_v2", byref(address), c_size_t(size))
        return address.value or 0

    def free_host(self, address: int) -> None:
        """Gives such memory back."""
        self.call("cuMemFreeHost", c_void_p(address))

    def to_device(self, target: int, source: int, size: int, stream: int) -> None:
        """Copies from the host."""
        self.call(
            "cuMemcpyHtoDAsync_v2",
            c_size_t(target),
            c_void_p(source),
            c_size_t(size),
            c_void_p(stream),
        )

    def to_host(self, target: int, source: int, size: int, stream: int) -> None:
        """Copies to the host."""
        self.call(
            "cuMemcpyDtoHAsync_v2",
            c_void_p(target),
            c_size_t(source),
            c_size_t(size),
            c_void_p(stream),
        )

    def copy(self, target: int, source: int, size: int, stream: int) -> None:
        """Copies within a device."""
        self.call(
            "cuMemcpyDtoDAsync_v2",
            c_size_t(target),
            c_size_t(source),
            c_size_t(size),
            c_void_p(stream),
        )

    def copy_between(
        self, target: int, to_context: int, source: int, context: int, size: int, stream: int
    ) -> None:
        """Copies from one device to another, over the bus between them if they have one, else through the host."""
        self.call(
            "cuMemcpyPeerAsync", c_size_t(target), c_void_p(to_context), c_size_t(source), c_void_p(context), c_size_t(size),
            c_void_p(stream),
        )  # fmt: skip

    def clear(self, address: int, size: int, stream: int) -> None:
        """Sets bytes to 0."""
        self.call(
            "cuMemsetD8Async",
            c_size_t(address),
            ctypes.c_ubyte(0),
            c_size_t(size),
            c_void_p(stream),
        )

    # -- kernels
    def link(self, ptx: bytes) -> bytes:
        """The cubin of PTX, which ends in a zero byte, for the current context's device."""
        state, cubin, size = c_void_p(), c_void_p(), c_size_t()
        self.call("cuLinkCreate_v2", c_uint(0), c_void_p(), c_void_p(), byref(state))
        try:
            self.call(
                "cuLinkAddData_v2", state, c_int(PTX), c_char_p(ptx), c_size_t(len(ptx)), c_char_p(b"kernel"), c_uint(0),
                c_void_p(), c_void_p(),
            )  # fmt: skip
            self.call("cuLinkComplete", state, byref(cubin), byref(size))
            return ctypes.string_at(cubin.value or 0, size.value)  # the state owns it
        finally:
            self.call("cuLinkDestroy", state)

    def load(self, image: bytes) -> int:
        """A module of a cubin."""
        handle = c_void_p()
        self.call("cuModuleLoadData", byref(handle), c_char_p(image))
        return handle.value or 0

    def function(self, module: int, name: str) -> int:
        """A kernel of a module."""
        handle = c_void_p()
        self.call("cuModuleGetFunction", byref(handle), c_void_p(module), c_char_p(name.encode()))
        return handle.value or 0

    def allow_shared(self, function: int, size: int) -> None:
        """Allows launches of a kernel to use this many bytes of shared memory."""
        self.call("cuFuncSetAttribute", c_void_p(function), c_int(DYNAMIC_SHARED), c_int(size))

    def write_map(
        self, target: int, element: str, address: int, extents: Sequence[int], strides: Sequence[int], box: Sequence[int]
    ) -> None:  # fmt: skip
        """Writes a tensor map.

        Args:
          target: address of MAP_BYTES of the host, a multiple of 64.
          element: LLVM's name of the elements' type.
          address: of the array on the device.
          extents: of the array, innermost first.
          strides: bytes, of all dimensions but the innermost.
          box: extents of a box.
        """
        rank = len(extents)
        wide, narrow = c_ulonglong * rank, c_uint * rank
        self.call(
            "cuTensorMapEncodeTiled", c_void_p(target), c_int(MAP_TYPES[element]), c_uint(rank), c_void_p(address), wide(*extents),
            (c_ulonglong * (rank - 1))(*strides), narrow(*box), narrow(*[1] * rank), c_int(0), c_int(SWIZZLE_128), c_int(FILLED),
            c_int(0),
        )  # fmt: skip

    def launch(
        self, function: int, blocks: int, threads: int, arguments: Sequence[int], stream: int, shared: int = 0
    ) -> None:  # fmt: skip
        """Launches a kernel; `arguments` are the addresses of its parameters' values, `shared` the bytes of dynamic shared memory."""
        pointers = (c_void_p * len(arguments))(*arguments)
        one = c_uint(1)
        self.call(
            "cuLaunchKernel", c_void_p(function), c_uint(blocks), one, one, c_uint(threads), one, one, c_uint(shared),
            c_void_p(stream), pointers, c_void_p(),
        )  # fmt: skip

    # -- order
    def stream(self) -> int:
        """A new stream: its work is done in order."""
        handle = c_void_p()
        self.call("cuStreamCreate", byref(handle), c_uint(NON_BLOCKING))
        return handle.value or 0

    def wait(self, stream: int) -> None:
        """Waits until a stream has done all it has."""
        self.call("cuStreamSynchronize", c_void_p(stream))

    def is_done(self, stream: int) -> bool:
        """True if all work of a stream is done."""
        # Not `call`: a stream that is not ready yet is not an error.
        code = int(self.library.cuStreamQuery(c_void_p(stream)))
        if code not in (0, NOT_READY):
            raise self._error("cuStreamQuery", code)
        return code == 0

    def wait_for_all(self) -> None:
        """Waits until all streams of the current context have done all they have."""
        self.call("cuCtxSynchronize")

    def event(self) -> int:
        """A new event: a point in a stream that others can wait for."""
        handle = c_void_p()
        self.call("cuEventCreate", byref(handle), c_uint(WITHOUT_TIME))
        return handle.value or 0

    def free_event(self, event: int) -> None:
        """Drops an event; who waits for it waits on."""
        self.call("cuEventDestroy_v2", c_void_p(event))

    def record(self, event: int, stream: int) -> None:
        """Records an event: it is complete when all work that the stream has now is done."""
        self.call("cuEventRecord", c_void_p(event), c_void_p(stream))

    def wait_in_stream(self, stream: int, event: int) -> None:
        """Makes a stream wait for an event; the host does not wait."""
        self.call("cuStreamWaitEvent", c_void_p(stream), c_void_p(event), c_uint(0))

    def wait_for_event(self, event: int) -> None:
        """Waits until an event is complete."""
        self.call("cuEventSynchronize", c_void_p(event))

    def begin_capture(self, stream: int) -> None:
        """Starts a capture: work that is put into the stream is recorded instead of done."""
        self.call("cuStreamBeginCapture_v2", c_void_p(stream), c_int(THREAD_LOCAL))

    def end_capture(self, stream: int) -> int:
        """Ends a capture; returns the graph of the recorded work."""
        graph = c_void_p()
        self.call("cuStreamEndCapture", c_void_p(stream), byref(graph))
        return graph.value or 0

    def drop_capture(self, stream: int) -> None:
        """Ends a capture, and drops the recorded work."""
        graph = c_void_p()
        code = int(self.library.cuStreamEndCapture(c_void_p(stream), byref(graph)))
        if code == 0 and graph.value:  # otherwise it was invalid, and there is no graph
            self.free_graph(graph.value, 0)

    def instantiate(self, graph: int) -> int:
        """A graph, ready to be launched."""
        ready = c_void_p()
        self.call("cuGraphInstantiateWithFlags", byref(ready), c_void_p(graph), c_ulonglong(0))
        return ready.value or 0

    def launch_graph(self, graph: int, stream: int) -> None:
        """Does all that a graph has, by one call."""
        self.call("cuGraphLaunch", c_void_p(graph), c_void_p(stream))

    def free_graph(self, graph: int, ready: int) -> None:
        """Drops a graph, and its executable form."""
        if ready:
            self.call("cuGraphExecDestroy", c_void_p(ready))
        self.call("cuGraphDestroy", c_void_p(graph))

    # -- graphs that choose at run time what runs next (since CUDA 12.4)
    def _captured(self, stream: int) -> tuple[int, Any, int]:
        """The graph that a stream is recorded in, its current last nodes, and their number."""
        state, number, graph = c_int(), c_uint64(), c_void_p()
        last, count = ctypes.POINTER(c_void_p)(), c_size_t()
        self.call(
            "cuStreamGetCaptureInfo_v2", c_void_p(stream), byref(state), byref(number), byref(graph), byref(last),
            byref(count),
        )  # fmt: skip
        return graph.value or 0, last, count.value

    def condition(self, stream: int, context: int) -> int:
        """A number that kernels may set, for a conditional node of the graph that a stream is recorded in."""
        handle = c_uint64()
        graph, _, _ = self._captured(stream)
        self.call(
            "cuGraphConditionalHandleCreate", byref(handle), c_void_p(graph), c_void_p(context), c_uint(0),
            c_uint(ASSIGN_DEFAULT),
        )  # fmt: skip
        return handle.value

    def conditional_node(
        self, stream: int, context: int, condition: int, kind: int, size: int
    ) -> list[int]:
        """Records a conditional node in a stream.

        Args:
          stream: is being recorded.
          context: of the stream.
          condition: of the graph that it is recorded in.
          kind: IF, WHILE or SWITCH.
          size: number of its bodies.

        Returns:
          The graphs of its bodies, which are empty.
        """
        graph, last, count = self._captured(stream)
        node, parameters = c_void_p(), ConditionalNode(CONDITIONAL, handle=condition, kind=kind)
        parameters.size, parameters.context = size, context
        self.call(
            "cuGraphAddNode", byref(node), c_void_p(graph), last, c_size_t(count), byref(parameters)
        )
        self.call(
            "cuStreamUpdateCaptureDependencies", c_void_p(stream), byref(node), c_size_t(1),
            c_uint(SET_DEPENDENCIES),
        )  # fmt: skip
        return [int(parameters.bodies[i] or 0) for i in range(size)]

    def begin_capture_to(self, stream: int, graph: int) -> None:
        """Starts a capture into an existing graph."""
        self.call(
            "cuStreamBeginCaptureToGraph", c_void_p(stream), c_void_p(graph), c_void_p(), c_void_p(), c_size_t(0),
            c_int(THREAD_LOCAL),
        )  # fmt: skip
