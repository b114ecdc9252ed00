"""GPU memory shared with other libraries: DLPack capsules and `__cuda_array_interface__`.

A capsule owns a record of DLPack's C structure. The record keeps the memory alive until its reader calls the deleter.
"""

import ctypes
import functools
import math
import weakref
from typing import Any

from penstock._src.core.dtypes import DType
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.values import resources
from penstock._src.core.values.device_array import DeviceArray
from penstock._src.core.values.dlpack import code_of, dtype_of
from penstock._src.devices.accelerator import accelerator, logical_number
from penstock._src.devices.gpu.cuda.driver.gpu import Gpu
from penstock._src.devices.gpu.cuda.driver.memory import DeviceMemory
from penstock._src.native import Code, Library, Module, kernels
from penstock._src.native import python_calls as py
from penstock._src.native.language.types import I8, PTR

CUDA, CUDA_MANAGED = 2, 13
LEGACY_STREAM, NO_STREAM = 1, -1
_NAME, _USED = b"dltensor", b"used_dltensor"

CONTEXT = 6  # the word of a record that is not 0 once its reader is done

Deleter = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


class Record(ctypes.Structure):
    """DLPack's DLManagedTensor: an array as libraries hand it to each other."""

    _fields_ = (
        ("data", ctypes.c_void_p),
        ("device_type", ctypes.c_int32),
        ("device_id", ctypes.c_int32),
        ("ndim", ctypes.c_int32),
        ("code", ctypes.c_uint8),
        ("bits", ctypes.c_uint8),
        ("lanes", ctypes.c_uint16),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("strides", ctypes.POINTER(ctypes.c_int64)),
        ("byte_offset", ctypes.c_uint64),
        ("context", ctypes.c_void_p),
        ("deleter", ctypes.c_void_p),
    )


_api = ctypes.pythonapi
_new = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)(
    ("PyCapsule_New", _api)
)
_is_valid = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.py_object, ctypes.c_char_p)(
    ("PyCapsule_IsValid", _api)
)
_pointer = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(
    ("PyCapsule_GetPointer", _api)
)
_rename = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.py_object, ctypes.c_char_p)(
    ("PyCapsule_SetName", _api)
)


@functools.cache
def _callbacks() -> Library:
    """Native functions that readers and capsules call when they are destroyed. They run in any thread and during errors, so they cannot be Python.

    penstock.dlpack.end     a reader releases a record
    penstock.dlpack.drop    a capsule is destroyed; if it still has the name of an unused one, its record is released too
    """
    m = Module()
    with m.fn("penstock.dlpack.end", record=PTR) as f:
        f.store(f.i64(1), f.record, CONTEXT)
    with m.fn("penstock.dlpack.drop", capsule=PTR) as f:
        record = f.load(f.capsule, py.field(f, "capsule_pointer"), PTR)
        first = f.load(f.load(f.capsule, py.field(f, "capsule_name"), PTR), 0, I8)

        def end() -> None:
            f.store(f.i64(1), record, CONTEXT)

        f.when(first.eq(_NAME[0]), end)
    return kernels()[Code.of(m)]


class Given:
    """A record given to other libraries, and the objects that must live as long as it."""

    def __init__(self, record: Record, numbers: Any, memory: DeviceMemory) -> None:
        self.record, self.numbers, self.memory = record, numbers, memory

    @property
    def has_ended(self) -> bool:
        """True if the reader has released the memory."""
        return bool(self.record.context)


def memory_of(array: DeviceArray) -> DeviceMemory:
    """Return the memory of an array on its GPU. An array of the host is copied there."""
    gpu = accelerator(array.device)
    assert gpu is not None
    with resources.UPDATING, gpu.lock:
        gpu.activate()
        return gpu.memory_of(array)


def device_of(array: DeviceArray) -> tuple[int, int]:
    """The kind of the device and its number, as DLPack has them."""
    gpu = accelerator(array.device)
    assert gpu is not None
    return CUDA, gpu.physical


def capsule_of(array: DeviceArray, dtype: DType, stream: int | None = None) -> Any:
    """Returns a DLPack capsule that shares the memory of an array.

    Args:
      array: on a GPU.
      dtype: of its elements.
      stream: the reader's stream, which then waits for the computation of the array; None: the default stream; -1: no stream, the call
        itself waits for the array.

    Raises:
      InvalidArgumentError: there is no such stream.
    """
    if stream is not None and (type(stream) is not int or stream < NO_STREAM or stream == 0):
        raise InvalidArgumentError(f"__dlpack__: {stream!r} is not a CUDA stream.")
    memory = memory_of(array)
    _make_ready(memory.gpu, LEGACY_STREAM if stream is None else stream)
    numbers = (ctypes.c_int64 * max(2 * array.ndim, 1))(*array.shape, *_row_major(array.shape))
    shape = ctypes.cast(numbers, ctypes.POINTER(ctypes.c_int64))
    strides = ctypes.cast(
        ctypes.addressof(numbers) + 8 * array.ndim, ctypes.POINTER(ctypes.c_int64)
    )
    code = code_of(dtype)
    if code is None:
        raise InvalidArgumentError(f"to_dlpack: {dtype.name} is not supported.")
    callbacks = _callbacks()
    record = Record(
        memory.address, CUDA, memory.gpu.physical, array.ndim, code, 8 * array.dtype.itemsize, 1, shape, strides, 0, None,
        callbacks["penstock.dlpack.end"],
    )  # fmt: skip
    memory.gpu.given.append(Given(record, numbers, memory))
    return _new(ctypes.addressof(record), _NAME, callbacks["penstock.dlpack.drop"])


def _row_major(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the strides, in elements, of a contiguous array in row-major order."""
    return tuple(math.prod(shape[axis + 1 :]) for axis in range(len(shape)))


def _make_ready(gpu: Gpu, stream: int) -> None:
    """Let a reader's stream wait for the GPU's pending work; without a stream the host waits."""
    with gpu.lock:
        gpu.activate()
        if stream == NO_STREAM:
            gpu.wait()
        else:
            gpu.let_wait(stream)


def interface_of(array: DeviceArray) -> dict[str, Any]:
    """Return the `__cuda_array_interface__` (version 3) of an array on a GPU.

    Raises:
      AttributeError: it has no word for the type.
    """
    if array.dtype.kind not in "iufcb":
        raise AttributeError(f"__cuda_array_interface__ has no type for {array.dtype}.")
    memory = memory_of(array)
    return {
        "shape": array.shape,
        "typestr": array.dtype.str,
        "data": (memory.address if array.size else 0, False),
        "strides": None,
        "stream": memory.gpu.stream,
        "version": 3,
    }


def is_of_gpu(capsule: Any) -> bool:
    """True if a DLPack capsule has memory of a GPU."""
    return bool(_is_valid(capsule, _NAME)) and _record(capsule).device_type in (CUDA, CUDA_MANAGED)


def _record(capsule: Any) -> Record:
    return Record.from_address(_pointer(capsule, _NAME))


def array_of(capsule: Any) -> tuple[DeviceArray, DType]:
    """Takes a capsule; returns an array over its memory, and its type.

    Raises:
      InvalidArgumentError: it is on a GPU that this program does not use, or its elements are not contiguous.
    """
    record = _record(capsule)
    dtype = _type_of(record)
    shape = tuple(record.shape[: record.ndim])
    if record.strides and math.prod(shape) and not _is_row_major(shape, record.strides):
        raise InvalidArgumentError(
            f"from_dlpack: Invalid strides array from DLPack: {record.strides[: record.ndim]} for shape {list(shape)}; "
            "the elements must be contiguous."
        )
    number = logical_number(record.device_id)
    gpu = None if number is None else accelerator(number)
    if gpu is None or number is None:
        raise InvalidArgumentError(
            f"from_dlpack: GPU {record.device_id} is not used by this process."
        )
    size = math.prod(shape) * dtype.np.itemsize
    memory = DeviceMemory(gpu, (record.data or 0) + record.byte_offset, size, _Taken(record, gpu))
    _rename(capsule, _USED)
    return DeviceArray(shape, dtype.np, number, memory), dtype


class _Taken:
    """A record of another library. Its deleter is called when no array here uses the record any more."""

    def __init__(self, record: Record, gpu: Gpu) -> None:
        address = ctypes.addressof(record)
        weakref.finalize(self, _give_back, address, record.deleter, gpu).atexit = False


def _give_back(address: int, deleter: int | None, gpu: Gpu) -> None:
    """End the use of another library's memory, once the GPU has finished the work that uses it."""
    if deleter:
        gpu.releases.append(lambda: Deleter(deleter)(address))


def _type_of(record: Record) -> DType:
    dtype = dtype_of(record.code, record.bits) if record.lanes == 1 else None
    if dtype is None:
        raise InvalidArgumentError(
            f"from_dlpack: no dtype has code {record.code}, {record.bits} bits and {record.lanes} lanes."
        )
    return dtype


def _is_row_major(shape: tuple[int, ...], strides: Any) -> bool:
    wanted = _row_major(shape)
    return all(n == 1 or strides[i] == wanted[i] for i, n in enumerate(shape))
